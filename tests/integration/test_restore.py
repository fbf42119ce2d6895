# SPDX-License-Identifier: Apache-2.0
"""What may happen to a restore, and what it leaves on its target."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time

import pytest
import schemas
from conftest import BIN, run
from test_consistency import follow_until, forget_source, reset
from test_dump import fill, start, wait_for
from test_roundtrip import backup, compare, restore


def notes(target):
    if "kura_restore" not in target.schemas():
        return 0
    with contextlib.suppress(Exception):
        return target.sql("SELECT COUNT(*) FROM kura_restore.step")[0][0]
    return 0


@pytest.fixture
def torture(source, target):
    for server in (source, target):
        schemas.forget_accounts(server)
    schemas.fill(source)
    fill(source, rows=3000)
    source.sql("CREATE TABLE d.plain (id INT PRIMARY KEY, pad VARCHAR(300), KEY (pad(20))) ENGINE=MyISAM",
               "INSERT INTO d.plain SELECT * FROM d.t0",
               "ALTER TABLE d.t1 ADD KEY (pad), ADD FOREIGN KEY (id) REFERENCES t0 (id)")
    yield
    for server in (source, target):
        schemas.forget_accounts(server)


def test_killed_again_and_again_it_goes_on_with_no_row_twice(source, target, directory, torture):
    backup(source, directory, "--chunk-bytes=64K")
    args = ["run", "orders", *directory.args, *target.args(), "--yes", "--check", "--workers=2"]
    killed, most = 0, 0
    while killed < 40:
        p = start("restore", *args)
        step = most + 1 + killed % 5 * 2
        wait_for(lambda: p.poll() is not None or notes(target) >= step, 60)
        if p.poll() is not None:
            out, err = p.communicate()
            assert p.returncode == 0, err
            break
        most = max(most, notes(target))
        p.kill()
        p.communicate()
        killed += 1
        # the server may take a moment to end the dead one's sessions
        wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
        # killed between its last step and its end: all is there
        if "kura_restore" not in target.schemas():
            break
    assert killed >= 5, "the restore was never interrupted"
    assert "kura_restore" not in target.schemas()
    compare(source, target, "--accounts")
    if target.kind == "mysql":
        head = json.loads(run("catalog", "show", "orders/latest", "--json", *directory.args).out)
        assert target.sql("SELECT @@gtid_executed")[0][0] == head["coordinates"]["gtid"]


def interrupted(source, target, store):
    fill(source, rows=30000)
    backup(source, store, "--chunk-bytes=64K")
    p = start("restore", "run", "orders", *store.args, *target.args(), "--yes", "--workers=1")
    wait_for(lambda: p.poll() is not None or notes(target) > 8)
    p.kill()
    p.communicate()
    wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)


def test_another_plan_is_refused_and_restart_forgets(source, target, directory):
    interrupted(source, target, directory)
    other = run("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--table=d.t0")
    assert other.status == 1
    assert re.fullmatch(r"restore: an interrupted restore of orders/(\S+) is noted on the target, this one is of orders/\1 "
                        r"with other options; finish that one with the same options, or use --restart to forget it\n",
                        other.err), other.err
    done = run("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--restart")
    assert done.status == 1 and "the target already has table d.t0" in done.err, done
    restore(target, directory, "--restart", "--overwrite")
    compare(source, target)


def test_interrupted_by_ctrl_c_says_how_to_go_on(source, target, directory):
    fill(source, rows=60000)
    backup(source, directory, "--chunk-bytes=64K")
    p = start("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--workers=1")
    wait_for(lambda: p.poll() is not None or notes(target) > 8)
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=20)
    assert p.returncode == 1, err
    assert err.splitlines()[-1] == ("restore: stopped by Ctrl-C; the same command goes on where this one stopped")
    restore(target, directory)
    compare(source, target)


def test_plan_changes_nothing(source, target, directory):
    fill(source, rows=100)
    backup(source, directory)
    if target.kind == "mysql":
        target.sql("SET GLOBAL local_infile=0")
    status = "SHOW MASTER STATUS" if target.kind == "mariadb" else "SHOW BINARY LOG STATUS"
    before = target.sql(status), target.schemas(), target.sql("SELECT @@GLOBAL.local_infile")
    done = run("restore", "plan", "orders", *directory.args, *target.args())
    assert done.status == 0, done
    for word in ("backup", "target", "restores", "space", "accounts", "gtid", "binlog"):
        assert re.search(rf"(?m)^{word} ", done.out), done
    facts = json.loads(run("restore", "plan", "orders", "--json", *directory.args, *target.args()).out)
    assert facts["state"] == "planned" and facts["tables"] == 3 and facts["rows"] == 300
    assert (target.sql(status), target.schemas(), target.sql("SELECT @@GLOBAL.local_infile")) == before
    if target.kind == "mysql":
        target.sql("SET GLOBAL local_infile=1")


def test_nothing_without_a_yes(source, target, directory):
    fill(source, rows=10)
    backup(source, directory)
    done = run("restore", "run", "orders", *directory.args, *target.args())
    assert (done.status, done.err) == (2, "restore: nothing was done; add --yes to do what the plan says\n")
    assert target.schemas() == []


def test_two_restores_at_once_are_refused(source, target, directory):
    fill(source, rows=10)
    backup(source, directory)
    with contextlib.closing(target.connect()) as c, c.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('kura_restore', 5)")
        done = run("restore", "run", "orders", *directory.args, *target.args(), "--yes")
    assert done.status == 75
    assert done.err.endswith("another restore is running on this server; wait for it, or stop it\n"), done
    assert target.schemas() == []


def test_target_becomes_a_replica_of_the_source(source, target, directory, kind):
    forget_source(target)
    reset(source)
    fill(source, rows=500)
    source.sql("CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'",
               "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    backup(source, directory)
    source.sql("INSERT INTO d.t1 VALUES (9000001, 'later')", "CREATE TABLE d.later (id INT PRIMARY KEY)",
               "DELETE FROM d.t2 WHERE id = 3")
    done = restore(target, directory)
    assert "to attach this target as a replica of its source:" in done.out
    assert f"_PORT={source.port}, " in done.out
    statement = done.out.split("source:\n  ")[1].strip()
    statement = re.sub(r"_HOST='[^']*'", "_HOST='127.0.0.1'" + ("" if kind == "mariadb" else ", GET_SOURCE_PUBLIC_KEY=1"),
                       statement)
    statement = re.sub(r"_(USER|PASSWORD)='...'", r"_\1='repl'", statement)
    try:
        target.sql(*[s for s in statement.split(";") if s.strip()])
        wait_for(lambda: target.sql("SELECT COUNT(*) FROM d.t2")[0][0] == 499)
        compare(source, target)
    finally:
        forget_source(target)


def test_binlog_off_logs_nothing_and_on_logs_all(source, target, directory, kind):
    fill(source, rows=200)
    backup(source, directory)
    reset(target)
    log = "SELECT @@gtid_binlog_pos" if kind == "mariadb" else "SELECT @@gtid_executed"
    restore(target, directory, "--binlog=off", "--gtid=none")
    assert target.sql(log)[0][0] == ""
    target.clear()
    reset(target)
    restore(target, directory, "--binlog=on", "--gtid=none")
    assert target.sql(log)[0][0] != ""
    compare(source, target)


def test_code_that_names_a_renamed_schema(source, target, directory):
    source.sql("CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (1)",
               "CREATE VIEW a.v AS SELECT id FROM a.t",
               "CREATE PROCEDURE a.p() SELECT COUNT(*) FROM a.t", "CREATE PROCEDURE a.q() SELECT 'a.t' AS x")
    backup(source, directory)
    done = run("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--schema=a=b")
    assert (done.status, done.err) == (2, "restore: routine a.p names the old schema in its text, which is not "
                                          "rewritten; use --keep-names to restore it as it stands\n")
    assert target.schemas() == []
    restore(target, directory, "--schema=a=b", "--keep-names")
    assert target.sql("SELECT * FROM b.v") == ((1,),)
    assert "a`" not in target.sql("SHOW CREATE VIEW b.v")[0][1]


def test_local_infile_is_off_again_afterwards(source, target, directory):
    fill(source, rows=100)
    backup(source, directory)
    target.sql("SET GLOBAL local_infile=0")
    try:
        restore(target, directory)
        assert target.sql("SELECT @@GLOBAL.local_infile")[0][0] == 0
    finally:
        target.sql("SET GLOBAL local_infile=1")
    compare(source, target)


def test_accounts_missing_leaves_existing_ones(source, target, directory, torture):
    backup(source, directory)
    schemas.forget_accounts(target)
    target.sql("CREATE USER 'app'@'10.%' IDENTIFIED BY 'other'")
    before = target.sql("SHOW GRANTS FOR 'app'@'10.%'")
    target.sql("CREATE DATABASE torture")
    restore(target, directory, "--accounts=missing")
    assert target.sql("SHOW GRANTS FOR 'app'@'10.%'") == before
    assert target.sql("SELECT COUNT(*) FROM mysql.user WHERE user = 'odd@na''me'")[0][0] == 1


def test_none_by_default_into_a_server_in_use(source, target, directory, torture):
    backup(source, directory)
    target.sql("CREATE DATABASE mine")
    restore(target, directory)
    assert target.sql("SELECT COUNT(*) FROM mysql.user WHERE user = 'odd@na''me'")[0][0] == 0


def test_grants_on_dropped_tables_are_left_out_with_a_warning(source, target, directory, torture):
    source.sql("DROP TABLE torture.texts", "DROP VIEW torture.z_view, torture.a_view, torture.f_view")
    backup(source, directory)
    done = restore(target, directory)
    assert "a grant on what is not there is left out" in done.err, done
    assert target.sql("SELECT COUNT(*) FROM mysql.user WHERE user = 'app'")[0][0] == 1


def test_extract_loads_back_with_the_client_alone(source, target, directory, torture, tmp_path, kind):
    backup(source, directory)
    done = run("restore", "extract", "orders", *directory.args, f"--into={tmp_path}/plain")
    assert done.status == 0, done
    client = ["mysql", "--no-defaults", f"--socket={target.socket}", "--user=root", "--local-infile=1", "--comments"]
    text = (tmp_path / "plain/load.sql").read_text()
    loaded = subprocess.run(client, input=text, text=True, capture_output=True, cwd=tmp_path / "plain", timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    compare(source, target)
    # never into a folder that holds something
    again = run("restore", "extract", "orders", *directory.args, f"--into={tmp_path}/plain")
    assert (again.status, again.err) == (2, f"restore: --into {tmp_path}/plain: the folder is not empty; name a new folder\n")


@pytest.mark.parametrize("damage", ["swapped", "truncated", "missing"])
def test_damaged_chunks_are_never_loaded(source, target, directory, damage):
    fill(source, rows=30000, tables=1)
    backup(source, directory, "--chunk-bytes=64K")
    chunks = sorted(directory.path.glob("sources/orders/data/*/0*/*.zst"))
    if damage == "swapped":     # a whole and valid object, but not the one in the list
        chunks[0].write_bytes(chunks[1].read_bytes())
    elif damage == "truncated":
        chunks[0].write_bytes(chunks[0].read_bytes()[:-7])
    else:
        chunks[0].unlink()
    done = run("restore", "run", "orders", *directory.args, *target.args(), "--yes")
    assert done.status == 3, done
    assert re.match(r"restore: table d\.t0, chunk data/\S+\.tsv\.zst: ", done.err.splitlines()[-1]), done
    assert chunks[0].name in done.err
    rows = target.sql("SELECT COUNT(*), COUNT(DISTINCT id) FROM d.t0")[0]
    assert rows[0] == rows[1] < 30000


def test_overwrite_goes_on_after_a_kill_in_the_middle_of_drops(source, target, directory):
    source.sql("CREATE DATABASE s", "CREATE VIEW s.v AS SELECT 1 AS new_one", "CREATE PROCEDURE s.p() SELECT 'new'")
    fill(source, rows=20000)
    backup(source, directory, "--chunk-bytes=64K")
    target.sql("CREATE DATABASE s", "CREATE VIEW s.v AS SELECT 1 AS old_one", "CREATE PROCEDURE s.p() SELECT 'old'")
    fill(target, rows=10)
    p = start("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--overwrite", "--workers=1")
    wait_for(lambda: p.poll() is not None or notes(target) >= 2)
    p.kill()
    p.communicate()
    wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
    restore(target, directory, "--overwrite")
    compare(source, target)


def test_view_on_nothing_keeps_nothing_else_back(source, target, directory):
    """A source keeps views whose tables are gone: all else comes back, and the run says what did not."""
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.gone (id INT PRIMARY KEY)",
               "INSERT INTO d.t VALUES (1)", "CREATE VIEW d.v AS SELECT id FROM d.gone", "CREATE VIEW d.w AS SELECT id FROM d.t",
               "CREATE VIEW d.u AS SELECT id FROM d.v", "DROP TABLE d.gone",
               "CREATE EVENT d.e ON SCHEDULE EVERY 1 YEAR DISABLE DO SELECT 1")
    done = run("backupd", "run", "s", *directory.args, *source.args())
    assert done.status == 0, done
    done = run("restore", "run", "s", *directory.args, *target.args(), "--yes", "--check", "--accounts=none", "--gtid=none")
    assert done.status == 1 and "all is restored but 2 views that stand on what the source no longer had: view d." in done.err
    assert target.sql("SELECT id FROM d.w") == ((1,),)
    assert target.sql("SELECT event_name FROM information_schema.events WHERE event_schema='d'") == (("e",),)
    assert "kura_restore" not in target.schemas()
