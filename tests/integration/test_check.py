# SPDX-License-Identifier: Apache-2.0
"""backupd check on real servers and stores: what it says is what a run meets."""
import json
import re

import pytest
from conftest import S3_ENV, run

RIGHTS = {
    "mysql": ["SELECT", "LOCK TABLES", "SHOW VIEW", "TRIGGER", "EVENT", "RELOAD", "PROCESS", "REPLICATION CLIENT",
              "REPLICATION SLAVE", "BACKUP_ADMIN", "XA_RECOVER_ADMIN"],
    "mariadb": ["SELECT", "LOCK TABLES", "SHOW VIEW", "TRIGGER", "EVENT", "RELOAD", "PROCESS", "BINLOG MONITOR",
                "SLAVE MONITOR", "REPLICATION SLAVE", "BINLOG ADMIN"],
}
# The jobs that end without it; the others only do worse.
STOPS = {"SELECT": ["dump"], "SHOW VIEW": ["dump"], "TRIGGER": ["dump"], "EVENT": ["dump"],
         "REPLICATION CLIENT": ["dump", "archive"], "BINLOG MONITOR": ["archive"], "REPLICATION SLAVE": ["archive"],
         "SLAVE MONITOR": ["archive"]}


@pytest.fixture
def conf(tmp_path):
    def write(text):
        path = tmp_path / "kura.conf"
        path.write_text(text)
        return f"--config={path}"
    return write


def check(config, *args, env=None):
    done = run("backupd", "check", "--json", config, *args, env=env)
    return done, json.loads(done.out)


def account(server, rights):
    server.sql("DROP USER IF EXISTS kura_check@localhost", "CREATE USER kura_check@localhost")
    if rights:
        server.sql(f"GRANT {', '.join(rights)} ON *.* TO kura_check@localhost")


def source_of(server, more="", user="root"):
    return f"[source orders]\nsocket = {server.socket}\nuser = {user}\n{more}"


def test_nothing_is_wrong(servers, kind, store, tmp_path, conf):
    server = servers(kind, "source")
    account(server, RIGHTS[kind])
    config = conf(f"[store main]\nurl = {store.url}\n" +
                  "".join(f"{a[2:]}\n" for a in store.args[1:]) +
                  source_of(server, "archive = yes\nkeep-last = 3\n", "kura_check"))
    if store.path:
        store.path.mkdir()
    before = store.keys()
    done, doc = check(config, env=store.env)
    assert done.status == 0, done
    assert doc["sources"][0]["jobs"] == {"dump": "ok", "archive": "ok", "expire": "ok", "verify": None, "drill": None}
    assert doc["sources"][0]["server"].startswith(kind)
    seen = doc["stores"][0]
    assert all(seen[k] for k in ("reached", "writes", "create_only", "reads", "deletes")) and not seen["exists"]
    assert abs(seen["clock_skew_s"]) < 60
    assert {f["level"] for f in doc["findings"]} <= {"hint", "warning"}
    # It leaves nothing behind.
    assert store.keys() == before == []
    text = run("backupd", "check", config, env=store.env)
    assert text.status == 0 and re.search(r"^orders +main +ok +ok +ok +- +- +" + kind, text.out, re.M), text
    server.sql("DROP USER kura_check@localhost")


@pytest.mark.parametrize("kind", ["mariadb", "mysql"])
def test_each_missing_right_names_its_job(servers, kind, directory, conf):
    """And a run without it ends as the check said."""
    server = servers(kind, "source")
    server.clear()
    server.sql("CREATE DATABASE shop", "CREATE TABLE shop.o (id INT PRIMARY KEY)",
               "CREATE VIEW shop.v AS SELECT * FROM shop.o")
    directory.path.mkdir()
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(server, "archive = yes\n", "kura_check"))
    for right in RIGHTS[kind]:
        account(server, [r for r in RIGHTS[kind] if r != right])
        done, doc = check(config)
        found = [f for f in doc["findings"] if f"no right {right}:" in f["what"]]
        assert len(found) == 1, (right, done)
        assert found[0]["todo"] == f"GRANT {right} ON *.* TO 'kura_check'@'localhost'"
        jobs = doc["sources"][0]["jobs"]
        stopped = sorted(j for j in jobs if jobs[j] == "no")
        assert stopped == sorted(STOPS.get(right, [])), (right, done)
        assert done.status == (1 if stopped else 0), (right, done)
        if "archive" in stopped:
            archive = run("backupd", "archive", "orders", "--stop-at-end", config)
            assert archive.status == 1, (right, archive)
        if stopped == ["dump"] and right in ("SELECT", "SHOW VIEW"):
            assert run("backupd", "run", "orders", config, "--snapshot-wait=1s").status == 1, right
    server.sql("DROP USER kura_check@localhost")
    server.clear()


def test_roles_count(servers, directory, conf):
    server = servers("mysql", "source")
    account(server, [])
    server.sql("DROP ROLE IF EXISTS kura_role", "CREATE ROLE kura_role",
               f"GRANT {', '.join(RIGHTS['mysql'])} ON *.* TO kura_role", "GRANT kura_role TO kura_check@localhost",
               "SET DEFAULT ROLE kura_role TO kura_check@localhost")
    directory.path.mkdir()
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(server, "archive = yes\n", "kura_check"))
    done, doc = check(config)
    assert done.status == 0 and not [f for f in doc["findings"] if "no right" in f["what"]], done
    server.sql("DROP USER kura_check@localhost", "DROP ROLE kura_role")


def test_settings_of_the_binary_log(source, directory, conf):
    directory.path.mkdir()
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(source, "archive = yes\nack = store\n"))
    old = source.sql("SELECT @@global.binlog_row_image, @@global.binlog_checksum")[0]
    expire = "expire_logs_days" if source.kind == "mariadb" else "binlog_expire_logs_seconds"
    days = source.sql(f"SELECT @@global.{expire}")[0][0]
    short = 0.5 if source.kind == "mariadb" else 43200
    try:
        source.sql("SET GLOBAL binlog_row_image=MINIMAL", "SET GLOBAL binlog_checksum=NONE",
                   f"SET GLOBAL {expire}={short}")
        done, doc = check(config)
    finally:
        source.sql(f"SET GLOBAL binlog_row_image={old[0]}", f"SET GLOBAL binlog_checksum={old[1]}",
                   f"SET GLOBAL {expire}={days}")
    whats = "\n".join(f["what"] for f in doc["findings"])
    assert "binlog_row_image is MINIMAL" in whats, done
    assert "binary logs have no checksums" in whats, done
    assert "binary logs are purged after 720 min" in whats, done
    # Neither server has semi-synchronous replication on: what ack promises does not hold.
    assert "ack: semi-synchronous replication is off" in whats, done
    assert re.search(r"ack: a commit waits for one write to the store, \d+ ms here; at the [\d.]+ commits a second", whats)
    assert done.status == 1 and doc["sources"][0]["jobs"]["archive"] == "no"
    assert doc["sources"][0]["jobs"]["dump"] == "ok"


def test_servers_that_are_not_there(servers, directory, conf):
    """Many of them, at once; the ones that are there are looked at all the same."""
    server = servers("mariadb", "source")
    directory.path.mkdir()
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(server) + "".join(
        f"[source gone{i}]\nhost = 127.0.0.1\nport = {i + 1}\n" for i in range(30)))
    done, doc = check(config)
    assert done.status == 1
    assert done.err == "backupd: 30 things will stop jobs\n", done
    jobs = {s["name"]: s["jobs"]["dump"] for s in doc["sources"]}
    assert jobs.pop("orders") == "ok" and len(jobs) == 30 and set(jobs.values()) == {"no"}


def test_drill_into_a_server_with_data(servers, directory, conf):
    source, target = servers("mariadb", "source"), servers("mariadb", "target")
    source.clear()
    target.clear()
    directory.path.mkdir()
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(
        source, f"drill = @weekly\ndrill-socket = {target.socket}\ndrill-user = root\n"))
    done, doc = check(config)
    assert done.status == 0 and doc["sources"][0]["jobs"]["drill"] == "ok", done
    target.sql("CREATE DATABASE precious")
    done, doc = check(config)
    assert done.status == 1 and doc["sources"][0]["jobs"]["drill"] == "no", done
    assert "drill: its server holds other schemas: precious" in [f["what"] for f in doc["findings"]]
    target.clear()


def test_directory_that_is_not_there_yet(servers, directory, conf):
    server = servers("mariadb", "source")
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(server))
    done, doc = check(config)
    assert done.status == 0, done
    assert f"{directory.path} is not there yet: the first backup makes it" in [f["what"] for f in doc["findings"]]
    assert not directory.path.exists()


def rule(**more):
    return {"ID": "tidy", "Filter": {"Prefix": more.pop("prefix", "")}, "Status": "Enabled", **more}


@pytest.mark.parametrize("rules,what,stops", [
    ([rule(Expiration={"Days": 30})], "lifecycle rule 'tidy' deletes objects of backups", True),
    ([rule(Expiration={"Days": 30}, prefix="backups/sources/")], "lifecycle rule 'tidy' deletes objects of backups", True),
    ([rule(Expiration={"Days": 30}, prefix="logs/")], None, False),
    ([rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7})], None, False),
    ([], "no lifecycle rule ends uploads that were broken off", False),
], ids=["all", "part", "other", "aborts", "none"])
def test_lifecycle_of_the_bucket(servers, bucket, conf, rules, what, stops):
    server = servers("mariadb", "source")
    if rules:
        bucket.client.put_bucket_lifecycle_configuration(Bucket=bucket.bucket, LifecycleConfiguration={"Rules": rules})
    config = conf(f"[store main]\nurl = {bucket.url}\n" + "".join(f"{a[2:]}\n" for a in bucket.args[1:]) +
                  source_of(server))
    done, doc = check(config, env=S3_ENV)
    whats = [f["what"] for f in doc["findings"]]
    assert done.status == (1 if stops else 0), done
    assert what is None or what in whats, done
    assert ("deletes objects" in " ".join(whats)) == stops
    if stops:
        assert doc["sources"][0]["jobs"]["dump"] == "no"
    assert bucket.keys() == []


def test_bucket_with_versions(servers, bucket, conf):
    server = servers("mariadb", "source")
    bucket.client.put_bucket_versioning(Bucket=bucket.bucket, VersioningConfiguration={"Status": "Enabled"})
    config = conf(f"[store main]\nurl = {bucket.url}\n" + "".join(f"{a[2:]}\n" for a in bucket.args[1:]) +
                  source_of(server))
    done, doc = check(config, env=S3_ENV)
    assert done.status == 0 and doc["stores"][0]["versions"] == "yes", done
    assert "the bucket keeps versions for ever: what is expired still costs" in [f["what"] for f in doc["findings"]]


def test_store_that_refuses_us(servers, bucket, conf):
    server = servers("mariadb", "source")
    config = conf(f"[store main]\nurl = {bucket.url}\n" + "".join(f"{a[2:]}\n" for a in bucket.args[1:]) +
                  source_of(server))
    done, doc = check(config, env={**S3_ENV, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert done.status == 1 and not doc["stores"][0]["reached"], done
    assert doc["sources"][0]["jobs"]["dump"] == "no"


def test_wrong_configuration_connects_to_nothing(directory, conf):
    config = conf(f"[store main]\nurl = {directory.url}\n[source orders]\nhost = 127.0.0.1\nport = 1\ndump = never\n"
                  "workers = 900\nhots = x\n")
    done, doc = check(config)
    path = config.removeprefix("--config=")
    assert done.status == 2 and done.err == "backupd: 1 error in the configuration\n"
    assert [(f["what"], f["todo"]) for f in doc["findings"]] == [
        (f"{path}:8: unknown key 'hots' in [source orders]", "did you mean host?")]
    assert doc["sources"] == []


def test_a_name_that_the_file_does_not_have(directory, conf):
    config = conf(f"[store main]\nurl = {directory.url}\n[source orders]\nhost = 127.0.0.1\n")
    done, doc = check(config, "--offline", "orders", "oders")
    assert done.status == 0
    assert [(f["level"], f["source"], f["what"]) for f in doc["findings"]] == [
        ("warning", "oders", "there is no [source oders]")]


def test_semi_synchronous_source(servers, directory, conf):
    """On, nothing is wrong with ack; a time-out shorter than the store needs is told."""
    server = servers("mariadb", "source")
    directory.path.mkdir()
    config = conf(f"[store main]\nurl = {directory.url}\n" + source_of(server, "archive = yes\nack = store\n"))
    timeout = server.sql("SELECT @@global.rpl_semi_sync_master_timeout")[0][0]
    try:
        server.sql("SET GLOBAL rpl_semi_sync_master_enabled=ON")
        done, doc = check(config)
        assert done.status == 0 and doc["sources"][0]["jobs"]["archive"] == "ok", done
        server.sql("SET GLOBAL rpl_semi_sync_master_timeout=100")
        done, doc = check(config)
    finally:
        server.sql("SET GLOBAL rpl_semi_sync_master_enabled=OFF",
                   f"SET GLOBAL rpl_semi_sync_master_timeout={timeout}")
    assert done.status == 0, done
    assert [f["level"] for f in doc["findings"] if "waits no longer than 100 ms before it goes on without" in f["what"]] == [
        "warning"], done


def test_object_lock_of_a_bucket(servers, gateway, conf):
    import boto3
    from conftest import S3_KEY, S3_SECRET
    client = boto3.client("s3", endpoint_url=gateway, aws_access_key_id=S3_KEY, aws_secret_access_key=S3_SECRET,
                          region_name="us-east-1")
    client.create_bucket(Bucket="kura-locked", ObjectLockEnabledForBucket=True)
    config = conf(f"[store main]\nurl = s3://kura-locked/backups\ns3-endpoint = {gateway}\ncontent-md5 = yes\n" +
                  source_of(servers("mariadb", "source")))
    done, doc = check(config, env=S3_ENV)
    assert done.status == 0 and doc["stores"][0]["object_lock"] == "yes", done
    client.put_object_lock_configuration(Bucket="kura-locked", ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}})
    done, doc = check(config, env=S3_ENV)
    assert "object lock keeps every object for 3 days (GOVERNANCE): what is expired goes no sooner" in [
        f["what"] for f in doc["findings"]], done
