# SPDX-License-Identifier: Apache-2.0
"""Every example of the man pages is run, with this test's servers and store in place of the page's."""
import json
import re
import shlex
import signal
import subprocess
import time

import pytest
from archives import start
from conftest import TOP, run

PAGES = ["backupd.8", "catalog.8", "restore.8"]


def page(name):
    done = subprocess.run(["mandoc", "-T", "ascii", str(TOP / "man" / name)], capture_output=True, text=True, check=True)
    text = re.sub(r".\x08", "", done.stdout)
    return text[text.index("\nEXAMPLES"):text.index("\nSEE ALSO")]


def examples(name):
    return [l.strip() for l in page(name).splitlines()[1:] if re.match(r"\s+(backupd|catalog|restore) [a-z]", l)]


ALL = [(p, e) for p in PAGES for e in examples(p)]


def test_each_page_has_examples():
    assert {p for p, _ in ALL} == set(PAGES)
    assert len(ALL) >= 12


def follow_and_stop(*args):
    """What goes on until it is told to stop: seen following each of its sources first."""
    sources = [a for a in args[2:] if not a.startswith("-")]
    with start(*args) as child:
        while sources:
            line = child.stderr.readline()
            assert line, "it ended"
            sources = [s for s in sources if not ("following" in line and f"source={s} " in line)]
        child.send_signal(signal.SIGTERM)
        child.stderr.read()
    assert child.returncode == 0


@pytest.mark.parametrize("name,example", ALL, ids=[f"{p}-{n}" for n, (p, _) in enumerate(ALL)])
def test_example(servers, directory, tmp_path, name, example):
    source, target = servers("mariadb", "source"), servers("mariadb", "target")
    source.clear()
    target.clear()
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY, v INT)",
               "INSERT INTO shop.orders VALUES (1,2),(3,4)", "CREATE DATABASE scratch", "CREATE TABLE scratch.x (a INT)")
    server = target if example.startswith("restore") else source
    config = tmp_path / "kura.conf"
    config.write_text(f"[store main]\nurl = {directory.url}\n" + "".join(
        f"[source {name}]\nsocket = {source.socket}\nuser = root\ndump = @daily\n"
        for name in ("orders", "billing")) + "[notify ops]\ntype = exec\ncommand = cat\n")
    if not example.startswith("backupd"):
        assert run("backupd", "run", "orders", *directory.args, *source.args()).status == 0
    moment = gtid = "none"
    if re.match(r"catalog (when|events|timeline) ", example):
        time.sleep(1.1)     # MariaDB stamps seconds: not before the backup
        source.sql("INSERT INTO shop.orders VALUES (5,6)")
        assert run("backupd", "archive", "orders", "--stop-at-end", *directory.args, *source.args()).status == 0
        done = run("catalog", "events", "orders", "--json", *directory.args)
        last = json.loads(done.out)["transactions"][-1]
        moment, gtid = last["time"], last["gtid"]
    args = example
    for old, new in ((r"s3://backups/mysql|file:///backup", directory.url), (r"/tmp/orders", f"{tmp_path}/orders"),
                     (r"--drill-host=drill\d", f"--drill-socket={server.socket}"), (r"--host=db\d", f"--socket={server.socket}"), (r"user=\w+", "user=root"),
                     (r"--socket=/run/mysqld/mysqld.sock", f"--socket={server.socket} --user=root"),
                     (r"--config=/etc/kura/kura.conf", f"--config={config}"), (r"\| head", ""),
                     (r"'2026-11-24 14:03:27'", moment), (r"3e11fa47-\S+:23", gtid)):
        args = re.sub(old, new, args)
    if "--store" not in args and "--config" not in args and " grants" not in args:
        args += f" --config={config}"
    if re.match("restore (plan|run|undo)", args) and "--socket" not in args:
        args += f" --socket={server.socket} --user=root"
    if args.startswith("restore run"):
        args += " --yes"
    program, *rest = shlex.split(args)
    if rest[0] == "archive" and "--stop-at-end" not in rest:
        follow_and_stop(program, *rest)
    else:
        done = run(program, *rest)
        assert done.status == 0, (args, done)
    source.clear()
    target.clear()


def test_example_of_kura_conf_is_read(tmp_path):
    lines = [l.strip() for l in page("kura.conf.5").splitlines()[2:]]
    config = tmp_path / "kura.conf"
    config.write_text("\n".join(lines).replace("/etc/kura/", f"{tmp_path}/").replace("/usr/bin/logger", "cat") + "\n")
    for name in ("password", "drill-password"):
        (tmp_path / name).write_text("x\n")
        (tmp_path / name).chmod(0o600)
    done = run("backupd", "config", "orders", f"--config={config}")
    assert done.status == 0, done
    for text in ("s3-region", "eu-central-1", "orders.example.net", f"{config}:"):
        assert text in done.out, done.out
    done = run("backupd", "check", "--offline", f"--config={config}")
    assert (done.status, done.out) == (0, ""), done


@pytest.mark.parametrize("program", ["backupd", "catalog", "restore"])
def test_help_and_version(program):
    done = run(program, "--help")
    assert done.status == 0 and done.err == "" and f"{program} " in done.out
    done = run(program, "--version")
    assert (done.status, done.out) == (0, f"{program} {(TOP / 'VERSION').read_text().strip()}\n")
