# SPDX-License-Identifier: Apache-2.0
"""A backup is proven on a throw-away server, which is given back as it was; or kept, and says why."""
import contextlib
import json
import os
import re
import signal
import subprocess

import pymysql
import pytest
from conftest import BIN, HOME, run
from test_consistency import reset
from test_dump import wait_for
from test_pitr import archive, backup, compare, wipe

ROWS = 1000


@pytest.fixture
def pair(servers, kind):
    """A source with a log and things in it, and a server to throw away."""
    source, ground = servers(kind, "source"), servers(kind, "target")
    for server in (source, ground):
        server.sql("DROP USER IF EXISTS app@localhost, late@localhost, twin@localhost")
        wipe(server)
    was = {server: server.sql("SELECT @@GLOBAL.event_scheduler")[0][0] for server in (source, ground)}
    # an event that runs would be seen: it runs nowhere but on a ground that lets it
    source.sql("SET GLOBAL event_scheduler=OFF")
    ground.sql("SET GLOBAL event_scheduler=ON")
    source.sql(
        "CREATE DATABASE shop", "CREATE USER app@localhost IDENTIFIED BY 'a'", "GRANT SELECT ON shop.* TO app@localhost",
        "CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, amount INT, note VARCHAR(200), KEY (amount))",
        "INSERT INTO shop.orders (amount, note) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
        f" WHERE i < {ROWS}) SELECT i, REPEAT('x', 100) FROM n",
        "CREATE VIEW shop.large AS SELECT * FROM shop.orders WHERE amount > 100",
        "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 SECOND DO DELETE FROM shop.orders")
    yield source, ground
    for server in (source, ground):
        server.sql(f"SET GLOBAL event_scheduler={was[server]}")
        server.sql("DROP USER IF EXISTS app@localhost, late@localhost, twin@localhost")
        wipe(server)


def later(source):
    """What only the archive has."""
    source.sql("INSERT INTO shop.orders (amount, note) VALUES (7, 'late')", "CREATE DATABASE later",
               "CREATE TABLE later.t (id INT PRIMARY KEY)", "INSERT INTO later.t VALUES (1), (2)",
               "CREATE USER late@localhost IDENTIFIED BY 'l'", "GRANT SELECT ON later.* TO late@localhost")


def ground_args(ground, user="root"):
    return [f"--drill-socket={ground.socket}", f"--drill-user={user}"]


# Events are there, and none may run.
ASLEEP = ("--drill-assert=SELECT COUNT(*) = 1 AND SUM(STATUS = 'ENABLED') = 0 FROM information_schema.EVENTS"
          " WHERE EVENT_SCHEMA = 'shop'")


def notes(store):
    return [json.loads(p.read_text()) for p in sorted(store.path.glob("sources/orders/verifications/drill-*.json"))]


def drill(ground, store, *args, status=0, options=None):
    done = run("restore", "drill", "orders", *store.args, *(options or ground_args(ground)), "--json", *args)
    assert done.status == status, done
    return (json.loads(done.out) if done.out else None), done


def state(ground):
    """All that a drill must give back."""
    names = ("gtid_slave_pos", "gtid_binlog_pos") if ground.kind == "mariadb" else ("gtid_executed", "gtid_purged")
    settings = ("server_id", "local_infile", "event_scheduler", "sync_binlog", "innodb_flush_log_at_trx_commit")
    accounts = [ground.sql(f"SHOW GRANTS FOR '{u}'@'{h}'") for u, h in ground.sql(
        "SELECT User, Host FROM mysql.user WHERE Host <> '' ORDER BY 1, 2")]
    return (ground.schemas(), accounts, [ground.sql(f"SELECT @@GLOBAL.{n}") for n in names + settings],
            ground.sql("XA RECOVER"))


def test_newest_backup_and_all_that_is_archived(pair, directory):
    source, ground = pair
    before = state(ground)
    backup(source, directory)
    later(source)
    source.sql("SET autocommit=1", "XA START 'x'", "INSERT INTO later.t VALUES (9)", "XA END 'x'", "XA PREPARE 'x'")
    archive(source, directory)
    facts, done = drill(ground, directory, ASLEEP, f"--drill-assert=SELECT COUNT(*) = {ROWS + 1} FROM shop.orders",
                        "--drill-assert=SELECT COUNT(*) FROM later.t WHERE id < 9",
                        "--drill-assert=SELECT COUNT(*) = 1 FROM mysql.user WHERE User = 'late'")
    newest = json.loads(run("catalog", "show", "orders/latest", "--json", *directory.args).out)["id"]
    assert (facts["source"], facts["backup"], facts["ok"], facts["error"]) == ("orders", newest, True, None), facts
    assert facts["archive"] and facts["replayed"]["transactions"] >= 6
    assert (facts["rows"], facts["tables"], facts["checked"]) == (ROWS, 1, 1)
    assert [(a["ok"], a["value"]) for a in facts["assertions"]] == [(True, "1"), (True, "1"), (True, "2"), (True, "1")]
    assert set(facts["seconds"]) == {"plan", "load", "check", "replay", "assert", "recover", "total"}
    assert 0 < facts["seconds"]["recover"] <= facts["seconds"]["total"] and 0 <= facts["behind_s"] < 60
    assert facts["bytes"] > ROWS * 100 and not facts["kept"]
    timeline = json.loads(run("catalog", "timeline", "orders", "--json", *directory.args).out)
    shown, = timeline["drills"]
    assert (shown["backup"], shown["ok"], shown["status"], shown["recovered_to"]) == (newest, True, 0, facts["recovered_to"])
    assert re.search(rf"(?m)^drill        \S+  {newest}  proven, to \S+ in ",
                     run("catalog", "timeline", "orders", *directory.args).out)
    note, = notes(directory)
    assert (note["kind"], note["backup"], note["ok"], note["status"], note["rows"]) == ("drill", newest, True, 0, ROWS)
    assert note["recovered_to"] == facts["recovered_to"] and (note["asserted"], note["untrue"]) == (4, 0)
    assert state(ground) == before
    # and once more, in words
    again = run("restore", "drill", "orders", *directory.args, *ground_args(ground))
    assert again.status == 0 and f"drill     orders/{newest}, restored into " in again.out, again
    assert "proven    the server is empty again" in again.out
    assert state(ground) == before
    source.sql("XA ROLLBACK 'x'")


def test_no_archive_is_said_and_no_failure(pair, directory):
    source, ground = pair
    before = state(ground)
    backup(source, directory)
    facts, _ = drill(ground, directory, ASLEEP)
    assert facts["ok"] and not facts["archive"] and facts["why_no_archive"]
    assert facts["seconds"]["replay"] < 1
    assert state(ground) == before


def test_a_failed_drill_is_kept_to_be_looked_at(pair, directory):
    source, ground = pair
    before = state(ground)
    backup(source, directory)
    later(source)
    archive(source, directory)
    false = "SELECT MAX(amount) < 10 FROM shop.orders"
    facts, done = drill(ground, directory, f"--drill-assert={false}", "--drill-assert=SELECT 1 FROM",
                        "--drill-assert=WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE SKIP",
                        "--drill-assert=SELECT 1, 2", "--drill-assert=SELECT NULL", status=1)
    assert not facts["ok"] and facts["kept"]
    assert facts["error"] == f"the assertion '{false}' failed: its value is 0"
    assert [a["ok"] for a in facts["assertions"]] == [False] * 5
    assert [a["value"] for a in facts["assertions"]] == ["0", None, None, None, None]
    assert re.search(r"(?m)^drill .*  FAILED: an assertion$", run("catalog", "timeline", "orders", *directory.args).out)
    assert [(n["ok"], n["status"], n["asserted"], n["untrue"]) for n in notes(directory)] == [(False, 1, 5, 5)]
    assert facts["assertions"][3]["error"] == "it gives 2 columns, not one"
    assert done.err.splitlines()[-1] == (
        f"restore: {facts['error']}; the drill's server is kept as it is, to be looked at; the next drill with --yes"
        " clears it")
    # what was restored is there, and equal
    ground.sql("DROP DATABASE kura_restore")
    ground.sql("ALTER EVENT shop.nightly COMMENT 'x'")      # it must be there
    source.sql("DROP EVENT shop.nightly"), ground.sql("DROP EVENT shop.nightly")
    compare(source, ground)
    # and without its note it is nobody's
    facts, done = drill(ground, directory, status=1)
    assert facts is None and " holds later, shop: a drill wants a server that holds nothing;" in done.err
    wipe(ground)
    facts, _ = drill(ground, directory, f"--drill-assert={false}", status=1)
    # a table that somebody made meanwhile is not the drill's, but its schema is; another schema is not
    ground.sql("CREATE DATABASE mine")
    facts, done = drill(ground, directory, "--yes", status=1)
    assert facts is None and " holds mine that the drill did not make: a drill wants" in done.err
    ground.sql("DROP DATABASE mine")
    facts, done = drill(ground, directory, status=1)
    assert facts is None and f" failed: its value is 0); once you have looked at it, --yes clears" in done.err, done
    _, done = drill(ground, directory, "--drill-assert=/*! DROP */ TABLE shop.orders", status=2)
    assert done.err == ("restore: --drill-assert: '/*! DROP */ TABLE shop.orders' is no query; write SELECT and one value"
                        " that must be true\n")
    facts, _ = drill(ground, directory, "--yes")
    assert facts["ok"]
    ground.sql("DROP USER IF EXISTS app@localhost, late@localhost")     # of the one that lost its note
    reset(ground)
    assert state(ground) == before


def test_no_place_for_a_drill(pair, directory, servers):
    source, ground = pair
    backup(source, directory)
    ground.sql("CREATE DATABASE precious")
    facts, done = drill(ground, directory, status=1)
    assert facts is None and " holds precious: a drill wants a server that holds nothing; " in done.err
    ground.sql("DROP DATABASE precious", "CREATE DATABASE kura_restore", "CREATE TABLE kura_restore.run"
               " (backup VARCHAR(100), plan_sha256 INT, was_empty INT, state INT)", "CREATE TABLE kura_restore.step (a INT)",
               "INSERT INTO kura_restore.run (backup) VALUES ('other/20261122T181500Z-7c1e')")
    _, done = drill(ground, directory, status=1)
    assert " holds the notes of a restore of other/20261122T181500Z-7c1e, which is no drill; " in done.err
    ground.sql("DROP DATABASE kura_restore")
    # the source, by what it is
    source.sql("DROP DATABASE shop")
    _, done = drill(source, directory, status=2)
    assert " is source orders itself (host " in done.err
    # and by its address, before anybody connects
    config = directory.path.parent / "kura.conf"
    config.write_text(f"[store main]\nurl = {directory.url}\n[source orders]\nsocket = {ground.socket}\n"
                      f"drill-socket = {ground.socket}\n")
    done = run("restore", "drill", "orders", f"--config={config}")
    assert (done.status, done.err) == (2, f"restore: the drill's server, {ground.socket}, is the source's own; a drill"
                                          " needs a server that may be thrown away\n")
    done = run("restore", "drill", "orders", *directory.args, *ground.args())
    assert done.status == 2 and "no server is named for the drill; give --drill-host" in done.err
    done = run("restore", "drill", "orders", *directory.args, *ground_args(ground), *ground.args())
    assert (done.status, done.err) == (2, "restore: a drill is told its server by --drill-socket, not --socket\n")


def nothing_attached(server):
    """Its threads that serve replicas are ended: by themselves they see only when they write that nobody listens."""
    for (thread,) in server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"):
        with contextlib.suppress(pymysql.Error):
            server.sql(f"KILL {thread}")
    return not server.sql("SHOW SLAVE HOSTS" if server.kind == "mariadb" else "SHOW REPLICAS")


def test_a_server_with_replicas_is_none(pair, directory, servers, kind):
    source, ground = pair
    backup(source, directory)
    replica = servers(kind, "replica")
    ground.sql("CREATE USER twin@localhost IDENTIFIED BY 'b'", "GRANT REPLICATION SLAVE ON *.* TO twin@localhost")
    if kind == "mariadb":
        change = (f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={ground.port}, MASTER_USER='twin',"
                  " MASTER_PASSWORD='b', MASTER_USE_GTID=slave_pos", "START SLAVE")
        undo = ("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL gtid_slave_pos=''")
    else:
        change = (f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={ground.port}, SOURCE_USER='twin',"
                  " SOURCE_PASSWORD='b', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1", "START REPLICA")
        undo = ("STOP REPLICA", "RESET REPLICA ALL")
    wipe(replica)
    replica.sql("SET GLOBAL read_only=0", *change)
    try:
        wait_for(lambda: ground.sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")
                 [0][0] > 0)
        _, done = drill(ground, directory, status=2)
        assert " has a replica attached: " in done.err and done.err.endswith(
            "no place for a drill; give the drill a server that nothing depends on\n"), done
        # the replica is no place either
        _, done = drill(replica, directory, status=2)
        assert " is a replica of another server: no place for a drill; " in done.err
    finally:
        replica.sql(*undo)
        wait_for(lambda: nothing_attached(ground))
        wipe(replica)
        # MariaDB 11 finds that one has left when it has something to tell it
        wait_for(lambda: ground.sql("FLUSH BINARY LOGS", "SHOW REPLICAS" if kind == "mysql" else "SHOW SLAVE HOSTS") == ())
        replica.sql("DROP USER IF EXISTS twin@localhost")


def test_accounts_of_the_server_stay_as_they_are(pair, directory, tmp_path):
    source, ground = pair
    for server in pair:
        server.sql("CREATE USER twin@localhost IDENTIFIED BY 'b'", "GRANT ALL ON *.* TO twin@localhost WITH GRANT OPTION")
    if ground.kind == "mysql":
        ground.sql("GRANT SYSTEM_USER, SYSTEM_VARIABLES_ADMIN ON *.* TO twin@localhost")
    reset(ground)
    secret = tmp_path / "secret"
    secret.write_text("b\n")
    secret.chmod(0o600)
    before = state(ground)
    backup(source, directory)
    source.sql("ALTER USER twin@localhost IDENTIFIED BY 'other'", "REVOKE SELECT ON *.* FROM twin@localhost",
               "DROP USER twin@localhost")
    later(source)
    archive(source, directory)
    for replay in ("serve", "apply"):
        facts, done = drill(ground, directory, f"--replay={replay}", "--drill-assert=SELECT COUNT(*) = 2 FROM later.t",
                            options=[*ground_args(ground, "twin"), f"--drill-password-file={secret}"])
        assert facts["ok"] and facts["left_out"] == 3 and facts["replay"]["way"] == replay, facts
        assert state(ground) == before


@contextlib.contextmanager
def watched(*args):
    reads, writes = os.pipe()
    with subprocess.Popen([str(BIN / "restore"), "drill", "orders", *args, f"--progress-fd={writes}"], pass_fds=(writes,),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "HOME": HOME}) as child:
        os.close(writes)
        with os.fdopen(reads) as lines:
            yield child, lines


def test_killed_at_any_phase_the_next_drill_clears_it(pair, directory):
    source, ground = pair
    before = state(ground)
    backup(source, directory)
    later(source)
    archive(source, directory)
    asleep = "--drill-assert=SELECT SLEEP(20) + 1"
    for phase in ("load", "indexes", "check", "replay", "clear", "assert"):
        with watched(*directory.args, *ground_args(ground), asleep) as (child, lines):
            for line in lines:
                if json.loads(line)["phase"] == phase:
                    break
            child.send_signal(signal.SIGTERM if phase == "assert" else signal.SIGKILL)
            out, err = child.communicate(timeout=60)
        assert child.returncode != 0
        if phase == "assert":
            assert err.splitlines()[-1] == ("restore: stopped by SIGTERM; the next drill clears what this one left on its"
                                            " server"), err
        # the server may take a moment to end the dead one's sessions
        wait_for(lambda: ground.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
    facts, done = drill(ground, directory, "--drill-assert=SELECT COUNT(*) = 2 FROM later.t")
    assert facts["ok"] and "clearing what an earlier drill left" in done.err
    assert state(ground) == before


def test_damage_is_found_and_has_its_own_status(pair, directory):
    source, ground = pair
    source.sql("INSERT INTO shop.orders (amount, note) SELECT amount, note FROM shop.orders")
    backup(source, directory, "--chunk-bytes=64K")
    chunk = sorted(directory.path.glob("sources/orders/data/*/0*/*.zst"))[0]
    chunk.write_bytes(chunk.read_bytes()[:-7])
    facts, done = drill(ground, directory, status=3)
    assert not facts["ok"] and chunk.name in facts["error"] and facts["kept"]
    assert [(n["ok"], n["status"], n["recovered_to"]) for n in notes(directory)] == [(False, 3, None)]
    facts, done = drill(ground, directory, "--yes", "--drill-assert=SELECT 1", status=3)
    assert not facts["ok"] and facts["assertions"] == []
