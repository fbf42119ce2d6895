# SPDX-License-Identifier: Apache-2.0
"""The audit log: each restore and undo leaves a record, in the store where it may, and else in the file."""
import json
import os
import pwd

import pytest
from conftest import run


def entries(store, *args):
    done = run("catalog", "audit", "--json", *args, *store.args, env=store.env)
    assert done.status == 0, done
    return json.loads(done.out)["entries"]


@pytest.fixture
def shop(servers, store):
    source, target = servers("mariadb", "source"), servers("mariadb", "target")
    source.clear()
    target.clear()
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)")
    done = run("backupd", "run", "orders", "--json", *store.args, *source.args(), env=store.env)
    assert done.status == 0, done
    yield store, target, json.loads(done.out)["id"]
    source.clear()
    target.clear()


def restore(shop, *args, env=None):
    store, target, _ = shop
    return run("restore", "run", "orders", *store.args, *target.args(), *args, env={**store.env, **(env or {})})


def test_restore_is_recorded(shop, tmp_path):
    store, target, backup = shop
    log = tmp_path / "audit.jsonl"
    config = tmp_path / "kura.conf"
    config.write_text(f"[daemon]\naudit-file = {log}\n")
    assert entries(store) == [], "a dump by hand has its head"
    assert restore(shop, f"--config={config}").status == 2, "a plan alone"
    assert entries(store) == [] and not log.exists()
    assert restore(shop, "--yes", f"--config={config}").status == 0
    begun, done = entries(store, "orders")
    assert begun["id"] == done["id"]
    assert [begun[m] for m in ("result", "exit", "seconds")] == ["begun", None, None]
    assert [done[m] for m in ("result", "exit", "message")] == ["done", 0, None] and done["seconds"] > 0
    for entry in begun, done:
        assert entry["source"] == "orders" and entry["backup"] == backup and entry["target"] == target.socket
        assert entry["verb"] == "run" and entry["tool"].startswith("restore ")
        assert "--yes" in entry["command"] and f"--socket={target.socket}" in entry["command"]
        assert entry["uid"] == os.getuid() and entry["user"] == pwd.getpwuid(os.geteuid()).pw_name
        assert entry["store"] == store.url
        assert entry["identity"] == (None if store.path else "kurakura...")
    assert [json.loads(l) for l in log.read_text().splitlines()] == [begun, done]
    assert entries(store, "billing") == [] and entries(store, "--to=2020-01-01", "--from=2019-01-01") == []
    assert restore(shop, "--yes").status == 1, "the rows are there already"
    assert len(entries(store)) == 2, "refused before it began"
    text = run("catalog", "audit", *store.args, env=store.env)
    assert f"restore run orders/{backup} -> {target.socket}  done  " in text.out, text


def forbid(store):
    """From here on nothing may be written under audit/."""
    if store.path:
        (store.path / "audit").write_text("in the way")
        return
    store.client.put_bucket_policy(Bucket=store.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
         "Resource": f"arn:aws:s3:::{store.bucket}/backups/audit/*"}]}))


def test_store_that_takes_no_record(shop, tmp_path):
    store, target, _ = shop
    log = tmp_path / "audit.jsonl"
    forbid(store)
    done = restore(shop, "--yes", f"--audit-file={log}")
    assert done.status == 0, done
    assert target.sql("SELECT * FROM shop.t") == ((1,),)
    assert [json.loads(l)["result"] for l in log.read_text().splitlines()] == ["begun", "done"]
    assert done.err.count("audit: the store takes no record") == 2, done
    # nor a file: a restore goes on all the same
    done = restore(shop, "--yes", "--overwrite", "--audit-file=/none/log")
    assert done.status == 0 and "audit: the file takes no record" in done.err, done


def test_damage_in_the_log_is_named(shop):
    store, _, _ = shop
    assert restore(shop, "--yes").status == 0
    key = [k for k in store.keys() if "audit/" in k][0]
    if store.path:
        (store.path / key).write_text("{}\n")
    else:
        store.client.put_object(Bucket=store.bucket, Key=key, Body=b"{}\n")
    done = run("catalog", "audit", *store.args, env=store.env)
    assert done.status == 3 and done.out.count("\n") == 2, done
    assert f"DAMAGED {key.removeprefix('backups/')}: line 1: member 'version' is missing" in done.out
    done = run("catalog", "audit", "--json", *store.args, env=store.env)
    assert done.status == 3 and len(json.loads(done.out)["damage"]) == 1


def test_daemons_dump_is_recorded(servers, directory):
    source = servers("mariadb", "source")
    source.clear()
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    env = {"KURA_AUDIT_BY": "schedule"}
    assert run("backupd", "run", "orders", *directory.args, *source.args(), env=env).status == 0
    assert run("backupd", "run", "orders", *directory.args, "--socket=/none/sock", env=env).status == 1
    good, bad = entries(directory)
    assert [good[m] for m in ("verb", "by", "result", "source")] == ["run", "schedule", "done", "orders"]
    assert good["backup"] is not None and bad["backup"] is None
    assert bad["result"] == "failed" and "/none/sock" in bad["message"]
    source.clear()
