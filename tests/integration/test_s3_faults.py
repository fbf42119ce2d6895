# SPDX-License-Identifier: Apache-2.0
"""What S3 does on bad days: a proxy with faults before a real gateway."""
import json
import os
import re
import sys
import threading
import time

import pytest
from conftest import S3_ENV, S3_KEY, S3_SECRET, TOP, Store, run
from daemons import Daemon, wait_for
from test_dump import fill, start
from test_roundtrip import backup, compare

sys.path.insert(0, str(TOP / "tests/tools"))
from faults3 import Faults      # noqa: E402

AWAY = float(os.environ.get("KURA_AWAY_SECONDS", "8"))


@pytest.fixture
def faults(gateway):
    proxy = Faults(gateway, S3_KEY, S3_SECRET)
    yield proxy
    proxy.close()


@pytest.fixture
def faulty(bucket, faults):
    """The bucket behind the faults."""
    return Store(bucket.url, [f"--s3-endpoint={faults.url}", "--part-size=5MiB"], S3_ENV, client=bucket.client,
                 bucket=bucket.bucket)


@pytest.fixture
def source(servers):
    server = servers("mariadb", "source")
    server.clear()
    # rows that do not compress: chunks of several parts
    server.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, b VARBINARY(1000))",
               "SET max_recursive_iterations=1000000",
               "INSERT INTO d.t (b) WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<30000)"
               " SELECT UNHEX(CONCAT(" + ",".join(f"SHA2(CONCAT(n,'{x}'),512)" for x in "abcdefghijklmno") + ")) FROM q",
               "ANALYZE TABLE d.t")
    yield server
    server.clear()


@pytest.fixture
def target(servers):
    server = servers("mariadb", "target")
    server.clear()
    yield server
    server.clear()


def uploads(store):
    return store.client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])


RULES = {
    "busy": [("503", "*", ".", 3)],
    "busy-parts": [("503", "PUT", "partNumber=", 5)],
    "broken-parts": [("reset", "PUT", "partNumber=", 3), ("500", "PUT", "partNumber=", 3)],
    "lost-part": [("lost", "PUT", "partNumber=", 2)],
    "lost-create": [("lost", "POST", r"\?uploads", 1)],
    "lost-complete": [("lost", "POST", r"\?uploadId=", 2)],
    "error-in-200": [("error200", "POST", r"\?uploadId=", 2)],
    "lost-head": [("lost", "PUT", r"/heads/", 1)],
    "lost-begun": [("lost", "PUT", r"/begun/", 1)],
    "broken-lists": [("reset", "GET", r"list-type=2", 2), ("500", "GET", r"list-type=2", 2)],
    "everything-once": [("reset", "*", ".", 2), ("503", "*", ".", 2), ("lost", "PUT", ".", 2), ("slow", "PUT", ".", 2)],
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_dump_gets_through(source, target, faulty, faults, name):
    for rule in RULES[name]:
        faults.add(*rule)
    backup(source, faulty)
    assert faults.spent(), faults.rules
    done = run("catalog", "verify", "--all", *faulty.args, env=faulty.env)
    assert done.status == 0, done
    assert len([k for k in faulty.keys() if "/heads/" in k]) == 1
    leftovers = json.loads(run("catalog", "leftovers", "--json", *faulty.args, env=faulty.env).out)
    assert leftovers["leftovers"] == [] and uploads(faulty) == []


@pytest.mark.parametrize("rules", [[("503", "GET", ".", 4)], [("reset", "GET", r"\.tsv\.zst", 3)],
                                   [("lost", "GET", r"\.tsv\.zst", 3)]], ids=["busy", "reset", "lost"])
def test_restore_gets_through(source, target, faulty, faults, rules):
    backup(source, faulty)
    for rule in rules:
        faults.add(*rule)
    done = run("restore", "run", "orders", *faulty.args, *target.args(), "--yes", "--check", env=faulty.env)
    assert done.status == 0 and faults.spent(), done
    compare(source, target)


def test_refused_chunk_is_no_backup(source, faulty, faults):
    """The only chunk's answer comes after its range was read: it must be waited for."""
    source.sql("CREATE DATABASE x", "CREATE TABLE x.t AS SELECT * FROM d.t LIMIT 2000")
    faults.add("403", "PUT", r"\.tsv\.zst")
    done = run("backupd", "run", "orders", *faulty.args, "--include=x.*", *source.args(), env=faulty.env)
    assert done.status == 1 and faults.spent(), done
    assert re.search(r"/0\.tsv\.zst: S3 answered 403 AccessDenied \(fault\); ", done.err.splitlines()[-1]), done
    assert not [k for k in faulty.keys() if "/heads/" in k]


def test_clock_off_by_twenty_minutes_is_corrected_once(source, faulty, faults):
    faults.shift = 1200
    done = run("backupd", "run", "orders", *faulty.args, *source.args(), env=faulty.env)
    assert done.status == 0, done
    warnings = [l for l in done.err.splitlines() if " warn " in l]
    assert len(warnings) == 1 and "clock" in warnings[0] and re.search(r"1[12]\d\d", warnings[0]), done


def test_daemon_goes_on_with_a_session_token_that_is_renewed(source, bucket, faults, tmp_path):
    """Who renews it writes the AWS files; the daemon, its archive as well, need not begin anew."""
    file = tmp_path / "credentials"

    def token(name, minutes):
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60 * minutes))
        fresh = tmp_path / "fresh"
        fresh.write_text(f"[default]\naws_access_key_id = {S3_KEY}\naws_secret_access_key = {S3_SECRET}\n"
                         f"aws_session_token = {name}\nx_security_token_expires = {end}\n")
        fresh.rename(file)

    def window():
        windows = d.status("orders")["windows"]
        return windows[-1]["to"] if windows else ""
    store = Store(bucket.url, [f"--s3-endpoint={faults.url}"], {"AWS_SHARED_CREDENTIALS_FILE": str(file)})
    token("one", 5.5)
    faults.token = "one"
    with Daemon(tmp_path / "d", store, {"orders": (source, {"include": "x.*"})}) as d:
        source.sql("CREATE DATABASE x", "CREATE TABLE x.t (id INT PRIMARY KEY AUTO_INCREMENT)")
        problem, = wait_for(lambda: d.status()["problems"])
        assert (problem["kind"], problem["severity"]) == ("credentials_expire", "warning")
        assert re.fullmatch(r"the session token of store main expires in [345] minutes: renew it", problem["text"])
        d.run_job("orders")
        before = wait_for(window, 180)
        faults.token = "two"
        d.run_job("orders", ok=False)
        assert "ExpiredToken" in d.job("orders", "dump")["last"]["message"]
        token("two", 600)
        d.run_job("orders")
        wait_for(lambda: source.sql("INSERT INTO x.t VALUES ()") == () and window() > before, 180)
        d.ask("reload")     # it looks once a minute
        wait_for(lambda: d.status()["problems"] == [], 180)
        assert "two" not in d.said()


def test_region_is_learnt(source, faulty, faults):
    faults.region = "eu-central-1"
    done = run("backupd", "run", "orders", *faulty.args, *source.args(), env=faulty.env)
    assert done.status == 0, done


def test_store_away_for_a_while_then_dump_and_restore_go_on(source, target, faulty, faults):
    def away():
        faults.away = True
        time.sleep(AWAY)
        faults.away = False

    faults.add("slow", "PUT", "partNumber=", 2)
    dump = start("backupd", "run", "orders", *faulty.args, *source.args(), env=faulty.env)
    wait_for(lambda: any("partNumber" in path for _, path in faults.log) or dump.poll() is not None)
    assert dump.poll() is None
    threading.Thread(target=away).start()
    _, err = dump.communicate(timeout=AWAY + 120)
    assert dump.returncode == 0, err
    threading.Thread(target=away).start()
    time.sleep(0.2)
    done = run("restore", "run", "orders", *faulty.args, *target.args(), "--yes", "--check", env=faulty.env)
    assert done.status == 0, done
    compare(source, target)


def test_a_run_whose_backup_another_made_keeps_nothing(source, bucket, faulty, faults):
    since = "--unless-since=" + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    faults.add("slow", "PUT", "partNumber=", 2)
    late = start("backupd", "run", "orders", *faulty.args, *source.args(), since, "--json", env=faulty.env)
    wait_for(lambda: any("partNumber" in path for _, path in faults.log) or late.poll() is not None)
    faults.away = True
    done = run("backupd", "run", "orders", *bucket.args, *source.args(), since, "--json", env=bucket.env)
    assert done.status == 0, done
    faults.away = False
    out, err = late.communicate(timeout=120)
    assert late.returncode == 0 and "another run has made this backup" in err, err
    made = json.loads(done.out)["id"]
    assert json.loads(out)["id"] == made
    assert re.findall(r"heads/(.*)\.json", "\n".join(bucket.keys())) == [made]
    assert json.loads(run("catalog", "leftovers", "--json", *bucket.args, env=bucket.env).out)["leftovers"] == []
    # one that comes later has nothing to do; one that is for a later time has
    again = run("backupd", "run", "orders", *bucket.args, *source.args(), since, "--json", env=bucket.env)
    assert again.status == 0 and json.loads(again.out)["id"] == made, again
    later = "--unless-since=" + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    again = run("backupd", "run", "orders", *bucket.args, *source.args(), later, "--json", env=bucket.env)
    assert again.status == 0 and json.loads(again.out)["id"] != made, again


def test_store_away_for_good_ends_by_the_deadline(source, faulty, faults):
    faults.add("slow", "PUT", "partNumber=", 1)
    dump = start("backupd", "run", "orders", *faulty.args, "--store-retry=5s", *source.args(), env=faulty.env)
    wait_for(lambda: any("partNumber" in path for _, path in faults.log) or dump.poll() is not None)
    faults.away = True
    out, err = dump.communicate(timeout=90)
    assert dump.returncode == 1 and out == "", err
    assert re.match(rf"backupd: .*s3://{faulty.bucket}/\S+: ((part \d+|begin upload): )?no answer after \d+ tries: .*; "
                    "check the endpoint and the network", err.splitlines()[-1]), err
    faults.away = False
    assert not [k for k in faulty.keys() if "/heads/" in k]
    # the next run cleans up, uploads as well
    backup(source, faulty)
    assert uploads(faulty) == []
    assert json.loads(run("catalog", "leftovers", "--json", *faulty.args, env=faulty.env).out)["leftovers"] == []
