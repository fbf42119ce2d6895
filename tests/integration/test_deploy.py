# SPDX-License-Identifier: Apache-2.0
"""What a daemon is run by: the systemd unit as systemd reads it, the manifests by the schemas of Kubernetes."""
import copy
import json
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml
from conftest import BIN, TOP, run

DEPLOY = TOP / "backupd/deploy"
# carries the schemas of the API, as functions
MODELS = ["kubernetes-models@4.5.1", "@kubernetes-models/validate@4.0.0", "@kubernetes-models/apimachinery@2.2.0",
          "@kubernetes-models/base@5.0.1"]


def call(*args, **options):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120, **options)


# --- systemd ---

@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    done = call("cmake", "--install", BIN.parent, "--prefix", prefix)
    assert done.returncode == 0, done.stderr
    return prefix


def unit(prefix):
    return prefix / "lib/systemd/system/kura.service"


def test_unit_is_what_systemd_reads(installed):
    done = call("systemd-analyze", "verify", "--man=no", unit(installed))
    assert (done.returncode, done.stderr) == (0, "")
    text = unit(installed).read_text()
    (start,) = re.findall(r"^ExecStart=(.*)$", text, re.M)
    program, *args = shlex.split(start)
    assert program == str(installed / "bin/backupd") and pathlib.Path(program).exists()
    done = call(program, args[0], "--help")
    assert done.returncode == 0 and "backupd serve" in done.stdout
    for line in ("Type=notify", "ProtectSystem=strict", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "User=kura"):
        assert f"\n{line}\n" in text


def test_unit_may_do_little(installed):
    # 0 is no exposure, 10 all of it; the limit is in tenths
    done = call("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", unit(installed))
    assert done.returncode == 0, done.stdout[-500:]
    loose = installed / "loose.service"
    loose.write_text(re.sub(r"(?m)^(Restrict|Protect|Capab|System|NoNew|Private).*\n", "", unit(installed).read_text()))
    assert call("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", loose).returncode != 0


def test_user_and_folders(installed, tmp_path):
    """In a root of its own: nobody's accounts are touched."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    done = call("systemd-sysusers", f"--root={root}", installed / "lib/sysusers.d/kura.conf")
    assert done.returncode == 0, done
    passwd = (root / "etc/passwd").read_text()
    assert re.search(r"^kura:x:\d+:\d+:[^:]*:/var/lib/kura:/usr/sbin/nologin$", passwd, re.M), passwd
    done = call("systemd-tmpfiles", "--create", f"--root={root}", installed / "lib/tmpfiles.d/kura.conf")
    assert done.returncode == 0, done
    uid = int(re.search(r"^kura:x:(\d+):", passwd, re.M)[1])
    state, etc = (root / "var/lib/kura").stat(), (root / "etc/kura").stat()
    assert (state.st_mode & 0o7777, state.st_uid) == (0o700, uid)
    assert (etc.st_mode & 0o7777, etc.st_uid) == (0o750, 0)


# --- Kubernetes ---

@pytest.fixture(scope="module")
def models():
    folder = pathlib.Path.home() / ".cache/kura" / MODELS[0]
    where = folder / "node_modules/kubernetes-models"
    if not (folder / "whole").exists():
        done = call("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", *MODELS)
        assert done.returncode == 0, done.stderr
        (folder / "whole").touch()
    return where


def objects(name):
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()))


def judge(models, objs):
    done = call("node", TOP / "tests/tools/manifest.js", models, input=json.dumps(objs))
    assert done.stderr == "", done
    return done.returncode, done.stdout.splitlines()


def pod(obj):
    spec = obj["spec"]
    if obj["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]["spec"]


def test_manifests_are_by_their_schemas(models):
    for name in "deployment.yaml", "cronjob.yaml":
        assert judge(models, objects(name)) == (0, [])
    (deployment,) = (o for o in objects("deployment.yaml") if o["kind"] == "Deployment")
    for change, finding in (
            (lambda d: d["spec"].update(replicas="2"), r"/spec/replicas type"),
            (lambda d: d["spec"].pop("selector"), r"/spec required .*selector"),
            (lambda d: pod(d)["containers"][0].update(livenesProbe={}), r"/livenesProbe is not known"),
            (lambda d: pod(d)["volumes"][0]["configMap"].update(defaultMod=1), r"/configMap/defaultMod is not known"),
            (lambda d: d.update(apiVersion="apps/v9"), r"no schema of this kind and version")):
        wrong = copy.deepcopy(deployment)
        change(wrong)
        status, lines = judge(models, [wrong])
        assert status == 1 and any(re.search(finding, l) for l in lines), lines


def test_manifests_hold_together(tmp_path):
    objs = objects("deployment.yaml") + objects("cronjob.yaml")
    named = {(o["kind"], o["metadata"]["name"]) for o in objs}
    for obj in objs:
        if obj["kind"] not in ("Deployment", "CronJob"):
            continue
        p = pod(obj)
        (c,) = p["containers"]
        assert {m["name"] for m in c["volumeMounts"]} == {v["name"] for v in p["volumes"]}
        for v in p["volumes"]:
            if "configMap" in v:
                assert ("ConfigMap", v["configMap"]["name"]) in named
            if "secret" in v:
                assert ("Secret", v["secret"]["secretName"]) in named
            assert set(v) & {"configMap", "secret", "emptyDir"}, "nothing local survives"
        assert ("Secret", c["envFrom"][0]["secretRef"]["name"]) in named
        assert p["securityContext"]["runAsNonRoot"] and c["securityContext"]["readOnlyRootFilesystem"]
        # the verb and its options are ones that the program knows
        done = run("backupd", c["args"][0], "--help")
        assert done.status == 0, done
    # the configuration is one, as far as can be said without servers and secrets
    (config,) = (o["data"]["kura.conf"] for o in objs if o["kind"] == "ConfigMap")
    for name in "mysql", "token":
        (tmp_path / name).write_text("0123456789012345678901234567890123456789\n")
        (tmp_path / name).chmod(0o440)
    path = tmp_path / "kura.conf"
    path.write_text(config.replace("/etc/kura-secrets", str(tmp_path)).replace("/var/lib/kura", str(tmp_path)))
    path.chmod(0o440)
    done = run("backupd", "check", "--offline", f"--config={path}",
               env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    assert done.status == 0, done
