# SPDX-License-Identifier: Apache-2.0
"""What may happen to a dump, and what it must not do to its server."""
import contextlib
import json
import os
import re
import signal
import threading
import time

import pymysql
import pytest
from conftest import run, start
from daemons import Daemon


def fill(server, rows=60000, tables=3):
    server.sql("CREATE DATABASE d")
    for t in range(tables):
        server.sql("SET SESSION cte_max_recursion_depth=1000000" if server.kind == "mysql" else
                   "SET max_recursive_iterations=1000000",
                   f"CREATE TABLE d.t{t} (id INT PRIMARY KEY, pad VARCHAR(300))",
                   f"INSERT INTO d.t{t} WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<{rows})"
                   " SELECT n, REPEAT(SHA2(n, 256), 4) FROM q", f"ANALYZE TABLE d.t{t}")


def heads(store):
    return [k for k in store.keys() if "/heads/" in k]


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def slow(store):
    return [*store.args, "--threads-soft=1", "--workers=1"]     # a pause after each buffer


@contextlib.contextmanager
def running_dump(source, store, *args):
    """A dump in the middle of its tables; a busy server keeps it slow."""
    def sleep():
        with contextlib.suppress(pymysql.MySQLError), contextlib.closing(source.connect()) as c, c.cursor() as cursor:
            sleepers.append(c.thread_id())
            cursor.execute("SELECT SLEEP(60)")
    sleepers = []
    threads = [threading.Thread(target=sleep) for _ in range(2)]
    for t in threads:
        t.start()
    wait_for(lambda: source.sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(60)'")[0][0] == 2)
    p = start("backupd", "run", "d", *slow(store), *source.args(), *args)
    try:
        wait_for(lambda: "/sources/d/begun/" in (files := " ".join(every_file(store)))
                 and ("/sources/d/data/" in files or ".tmp/" in files) or p.poll() is not None)
        yield p
    finally:
        if p.poll() is None:
            p.kill()
        p.wait()
        for s in sleepers:
            with contextlib.suppress(pymysql.MySQLError):
                source.sql(f"KILL {s}")
        for t in threads:
            t.join()


def every_file(store):
    return [str(f) for f in store.path.rglob("*")] if store.path.exists() else []


@pytest.fixture
def filled(source):
    fill(source)
    return source


def test_dump_writes_nothing_to_the_server(filled, directory, kind):
    status = "SHOW MASTER STATUS" if kind == "mariadb" else "SHOW BINARY LOG STATUS"
    before = filled.sql(status)
    assert run("backupd", "run", "d", *directory.args, *filled.args()).status == 0
    assert filled.sql(status) == before


def test_killed_dump_is_no_backup_and_the_next_cleans_up(filled, directory):
    with running_dump(filled, directory) as p:
        p.kill()
        p.wait()
        p.communicate()
        assert heads(directory) == []
        done = run("catalog", "leftovers", *directory.args, "--json")
        assert [x["state"] for x in json.loads(done.out)["leftovers"]] == ["dead"], done
        assert run("backupd", "run", "d", *directory.args, *filled.args()).status == 0
        assert json.loads(run("catalog", "leftovers", *directory.args, "--json").out)["leftovers"] == []
        assert len(heads(directory)) == 1
        assert run("catalog", "verify", "--all", *directory.args).status == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stop_leaves_no_backup_no_lock_no_query(filled, directory, sig):
    with running_dump(filled, directory) as p:
        p.send_signal(sig)
        out, err = p.communicate(timeout=10)
        assert p.returncode == 1, err
        name = "SIGTERM" if sig == signal.SIGTERM else "Ctrl-C"
        assert err.splitlines()[-1] == f"backupd: stopped by {name}"
        assert out == ""
        assert heads(directory) == []
        wait_for(lambda: not [r for r in filled.sql("SHOW PROCESSLIST") if r[1] == "root" and r[4] == "Query"
                              and not re.search("PROCESSLIST|SLEEP", r[7] or "")])
        filled.sql("SET SESSION lock_wait_timeout=3", "ALTER TABLE d.t0 ADD COLUMN z INT")


def test_connection_killed_in_mid_dump_fails(filled, directory):
    with running_dump(filled, directory) as p:
        killed = []

        def kill():
            for r in filled.sql("SHOW PROCESSLIST"):
                if r[7] and "`d`.`t" in r[7]:
                    killed.append(r[0])
                    filled.sql(f"KILL {r[0]}")
        wait_for(lambda: kill() or killed or p.poll() is not None)
        _, err = p.communicate(timeout=60)
        assert p.returncode == 1, err
        assert re.search(r"backupd: table d\.t\d: .*server error (2013|2006|1317|1927)", err), err
        assert heads(directory) == []


@pytest.mark.parametrize("ddl,how", [
    ("DROP TABLE d.{t}", "dropped or renamed"),
    ("RENAME TABLE d.{t} TO d.renamed", "dropped or renamed"),
    ("TRUNCATE TABLE d.{t}", "truncated, rebuilt or altered|altered"),
    ("ALTER TABLE d.{t} ADD COLUMN z INT", "truncated, rebuilt or altered|altered"),
])
def test_ddl_on_a_table_not_yet_read_fails_and_names_it(filled, directory, ddl, how):
    with running_dump(filled, directory) as p:
        reading = []
        wait_for(lambda: reading.extend(re.findall(r"`d`\.`(t\d)`", " ".join(
            r[7] or "" for r in filled.sql("SHOW PROCESSLIST")))) or reading or p.poll() is not None)
        other = next(t for t in ("t2", "t1", "t0") if t not in reading)
        filled.sql(ddl.format(t=other))
        filled.sql("CREATE TABLE d.new_one (id INT)")       # new tables do no harm
        _, err = p.communicate(timeout=120)
        assert p.returncode == 1, err
        assert re.search(rf"backupd: table d\.{other}: it was ({how}) while the dump ran", err), err
        assert heads(directory) == []


def test_plain_writes_are_not_taken_for_ddl(filled, directory):
    filled.sql("CREATE TABLE d.auto (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    stop = threading.Event()

    def write():
        while not stop.is_set():
            filled.sql("INSERT INTO d.auto (v) VALUES (1),(2),(3)")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = run("backupd", "run", "d", *slow(directory), *filled.args())
    finally:
        stop.set()
        writer.join()
    assert done.status == 0, done


def test_ddl_that_waits_makes_the_dump_give_way(source, directory):
    filled = source
    fill(filled, rows=250000, tables=1)
    with running_dump(filled, directory, "--ddl-wait=500ms") as p:
        reading = []
        wait_for(lambda: reading.extend(re.findall(r"`d`\.`(t\d)`", " ".join(
            r[7] or "" for r in filled.sql("SHOW PROCESSLIST")))) or reading or p.poll() is not None)
        began = time.monotonic()
        filled.sql("SET SESSION lock_wait_timeout=60", f"ALTER TABLE `d`.`{reading[0]}` ADD COLUMN z INT, ALGORITHM=COPY")
        waited = time.monotonic() - began
        _, err = p.communicate(timeout=60)
        assert p.returncode == 75, err
        assert "waits for a metadata lock of the dump" in err
        assert waited < 20


# The ways on which DDL is not held off while the definitions are read.
UNHELD = ["ftwrl", "lock_tables", "lock_free"]


@pytest.fixture
def unheld(source, kind):
    """Options for an account that may do all but hold DDL off."""
    source.sql("CREATE USER unheld@localhost IDENTIFIED BY 'secret'", "GRANT ALL ON *.* TO unheld@localhost")
    if kind == "mysql":
        source.sql("REVOKE BACKUP_ADMIN ON *.* FROM unheld@localhost")
    yield [f"--socket={source.socket}", "--user=unheld"]
    source.sql("DROP USER unheld@localhost")


@pytest.mark.parametrize("path", UNHELD)
@pytest.mark.parametrize("ddl,object,text", [
    ("CREATE TABLE IF NOT EXISTS d.late AS SELECT 7 AS id", "rows:d.late", "7\n"),
    ("DROP TABLE IF EXISTS d.t1", None, ""),
    ("CREATE OR REPLACE VIEW d.v AS SELECT 'new' AS x", "ddl:d.v", "'new'"),
    ("CREATE FUNCTION IF NOT EXISTS d.f() RETURNS INT DETERMINISTIC RETURN 9", "ddl:d.f", "9"),
], ids=["table", "drop", "view", "function"])
def test_ddl_before_the_snapshot_repeats_it(source, unheld, directory, path, ddl, object, text):
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t1 (id INT PRIMARY KEY)", "CREATE VIEW d.v AS SELECT 'old' AS x")
    done = run("backupd", "run", "d", *directory.args, *unheld, f"--lock-path={path}", f"--between={ddl}", "--json",
               "--snapshot-wait=60s", env={"KURA_PASSWORD": "secret"})
    assert done.status == 0, done
    assert json.loads(done.out)["snapshot"]["method"] == path
    assert done.err.count("definitions changed before the snapshot stood: both are taken again") == 1, done
    if object:
        assert text in run("catalog", "cat", "d/latest", object, *directory.args).out
    else:
        assert "d.t1" not in run("catalog", "show", "d/latest", "--tables", *directory.args).out
    assert run("catalog", "verify", "d", *directory.args).status == 0


def test_a_repeated_snapshot_counts_locked_rows_once(source, unheld, directory, kind):
    """Rows that are read under the lock were read in the attempt that failed, too."""
    source.sql("CREATE DATABASE d", "CREATE TABLE d.m (id INT PRIMARY KEY, j JSON) ENGINE=MyISAM",
               "INSERT INTO d.m VALUES (1, JSON_ARRAY(CAST(1.10 AS DECIMAL(5,2)))), (2, '{}')",
               "CREATE TABLE d.big (id INT PRIMARY KEY, pad LONGTEXT) ENGINE=MyISAM",
               "INSERT INTO d.big VALUES (1, REPEAT('x', 1500000)), (2, REPEAT('y', 1500000))")
    done = run("backupd", "run", "d", *directory.args, *unheld, "--lock-path=lock_tables", "--json",
               # sorts before the others: tables get other numbers, chunks other keys
               "--between=CREATE TABLE IF NOT EXISTS d.a (id INT)", env={"KURA_PASSWORD": "secret"})
    assert done.status == 0 and "both are taken again" in done.err, done
    head = json.loads(done.out)
    assert head["totals"]["rows"] == 4 and head["totals"]["objects"] == 1
    shown = json.loads(run("catalog", "show", "d/latest", "--json", *directory.args).out)
    assert shown["inexact"] == ([{"table": 3, "column": 1, "rows": 1}] if kind == "mysql" else [])
    assert len([k for k in directory.keys() if ".tsv" in k]) == 1
    assert run("catalog", "verify", "d", *directory.args).status == 0


def test_ddl_without_end_is_given_up(source, unheld, directory):
    source.sql("CREATE DATABASE d", "CREATE PROCEDURE d.churn() BEGIN SET @s = CONCAT('CREATE TABLE d.n',"
               " REPLACE(UUID(), '-', ''), ' (id INT)'); PREPARE s FROM @s; EXECUTE s; END")
    done = run("backupd", "run", "d", *directory.args, *unheld, "--lock-path=ftwrl", "--between=CALL d.churn()",
               env={"KURA_PASSWORD": "secret"})
    assert done.status == 75, done
    assert done.err.splitlines()[-1] == "backupd: definitions changed during each of 5 attempts at a snapshot"
    assert heads(directory) == [] and directory.keys() == ["kura.json"]


def test_blocked_lock_names_its_holder_and_stalls_nobody(filled, directory, kind):
    holder = filled.connect()
    cursor = holder.cursor()
    cursor.execute("LOCK TABLES d.t0 WRITE")
    try:
        done = run("backupd", "run", "d", *directory.args, *filled.args(), "--lock-wait=3s", timeout=60)
        assert done.status == 75, done
        assert f"held up by connection {holder.thread_id()} of user root" in done.err
        # nobody waits behind us
        filled.sql("SET SESSION lock_wait_timeout=2", "INSERT INTO d.t1 VALUES (1000001, 'x')")
    finally:
        holder.close()


def test_partial_backup_is_marked(filled, directory):
    done = run("backupd", "run", "d", *directory.args, *filled.args(), "--include=d.t*", "--exclude=d.t1")
    assert done.status == 0, done
    assert "partial" in run("catalog", "list", *directory.args).out
    ids = json.loads(run("catalog", "list", "--json", *directory.args).out)["backups"]
    tables = json.loads(run("catalog", "show", f"d/{ids[0]['id']}", "--tables", "--json", *directory.args).out)["tables"]
    assert sorted(t["name"] for t in tables) == ["t0", "t2"]
    # latest means complete: a partial one is not it
    assert run("catalog", "show", "d/latest", *directory.args).status == 4


def test_another_server_is_refused_unless_adopted(filled, target, directory):
    assert run("backupd", "run", "d", *directory.args, *filled.args()).status == 0
    target.sql("CREATE DATABASE other")
    done = run("backupd", "run", "d", *directory.args, *target.args())
    assert done.status == 1, done
    assert "is not the one that its newest backup" in done.err
    assert len(heads(directory)) == 1
    assert run("backupd", "run", "d", *directory.args, *target.args(), "--adopt").status == 0
    assert len(heads(directory)) == 2


def test_the_first_dump_is_of_the_server_that_is_archived(filled, target, directory):
    filled.sql("FLUSH BINARY LOGS")     # a file that begins with transactions
    assert run("backupd", "archive", "--stop-at-end", *directory.args, *filled.args(), "d").status == 0
    target.sql("CREATE DATABASE other")
    done = run("backupd", "run", "d", *directory.args, *target.args())
    assert done.status == 1 and heads(directory) == [], done
    assert "does not have the transactions that are archived for it (history " in done.err, done
    assert "check the host name, or use --adopt" in done.err, done
    assert run("backupd", "run", "d", *directory.args, *filled.args()).status == 0
    assert len(heads(directory)) == 1


@pytest.mark.parametrize("kind", ["mariadb"])
def test_a_server_that_was_reset_is_asked_for(filled, directory, tmp_path):
    """MariaDB has no UUID: with its GTIDs gone nothing says that it is the same."""
    assert run("backupd", "run", "d", *directory.args, *filled.args()).status == 0
    filled.sql("RESET MASTER", "CREATE TABLE d.later (a INT)")
    done = run("backupd", "run", "d", *directory.args, *filled.args())
    why = "its binary log was reset, or it is another server of that number; if it was reset, 'backupd run d --adopt' takes it"
    assert done.status == 1 and why in done.err, done
    with Daemon(tmp_path / "d", directory, {"d": (filled, {"archive": "no"})}) as daemon:
        daemon.run_job("d", ok=False)
        wait_for(lambda: why in daemon.ask("status").out)
    assert run("backupd", "run", "d", *directory.args, *filled.args(), "--adopt").status == 0
    assert run("backupd", "run", "d", *directory.args, *filled.args()).status == 0


def test_least_grants_are_enough(filled, directory, kind):
    text = run("backupd", "grants", f"--for={kind}").out
    filled.sql("DROP USER IF EXISTS 'kura'@'%'")
    for statement in re.sub(r"(?m)^--.*$", "", text).split(";"):
        if statement.strip():
            filled.sql(statement)
    filled.sql("ALTER USER 'kura'@'%' IDENTIFIED BY 'secret'")
    try:
        done = run("backupd", "run", "d", *directory.args, f"--socket={filled.socket}", "--user=kura", "--json",
                   env={"KURA_PASSWORD": "secret"})
        assert done.status == 0, done
        assert json.loads(done.out)["snapshot"]["proven"]
        # what a cloud gives: no global locks
        filled.sql("REVOKE RELOAD ON *.* FROM 'kura'@'%'")
        if kind == "mysql":
            filled.sql("REVOKE BACKUP_ADMIN ON *.* FROM 'kura'@'%'")
        done = run("backupd", "run", "d", *directory.args, f"--socket={filled.socket}", "--user=kura", "--json",
                   env={"KURA_PASSWORD": "secret"})
        assert done.status == 0, done
        assert json.loads(done.out)["snapshot"]["method"] == "lock_free"
        # definitions read on the way that was refused are no part of it
        made = f"d/{json.loads(done.out)['id']}"
        assert run("catalog", "verify", made, *directory.args).status == 0
    finally:
        filled.sql("DROP USER 'kura'@'%'")


def test_no_proof_is_refused_naming_the_right(filled, directory, kind):
    filled.sql("DROP USER IF EXISTS poor@localhost", "CREATE USER poor@localhost IDENTIFIED BY 'secret'",
               "GRANT SELECT, TRIGGER, EVENT ON *.* TO poor@localhost")
    args = [*directory.args, f"--socket={filled.socket}", "--user=poor", "--no-accounts", "--json"]
    # rows that no snapshot holds still need a lock, whatever the server's pauses
    filled.sql("CREATE TABLE d.m (id INT) ENGINE=MyISAM")
    try:
        done = run("backupd", "run", "d", *args, env={"KURA_PASSWORD": "secret"})
        assert done.status == 1, done
        right = "RELOAD" if kind == "mariadb" else "RELOAD and BACKUP_ADMIN"
        assert done.err.splitlines()[-1].endswith(f"; grant {right}, or use --allow-unproven")
        assert heads(directory) == []
        done = run("backupd", "run", "d", *args, "--allow-unproven", env={"KURA_PASSWORD": "secret"})
        assert done.status == 0, done
        assert not json.loads(done.out)["snapshot"]["proven"]
        assert "UNPROVEN" in run("catalog", "list", *directory.args).out
        assert run("catalog", "show", "d/latest", *directory.args).status == 4
    finally:
        filled.sql("DROP USER poor@localhost")


def test_what_the_account_may_not_see_is_never_left_out_unseen(filled, directory):
    filled.sql("CREATE TRIGGER d.r BEFORE INSERT ON d.t0 FOR EACH ROW SET @x = 1",
               "DROP USER IF EXISTS blind@localhost", "CREATE USER blind@localhost",
               "GRANT ALL ON *.* TO blind@localhost", "REVOKE TRIGGER ON *.* FROM blind@localhost")
    args = ["d", *directory.args, f"--socket={filled.socket}", "--user=blind"]
    try:
        done = run("backupd", "run", *args)
        assert done.status == 1 and heads(directory) == []
        assert "no right TRIGGER on *.*: what it may not see would be left out unseen; grant TRIGGER" in done.err, done
        # of a part it is said
        done = run("backupd", "run", *args, "--include=d.t1")
        assert done.status == 0 and "the account may not see all" in done.err and "right=TRIGGER" in done.err, done
    finally:
        filled.sql("DROP USER blind@localhost", "DROP TRIGGER d.r")


def test_server_killed_in_mid_dump(servers, directory, kind):
    own = servers(kind, "killed")
    if not own.schemas():
        fill(own)
    with running_dump(own, directory) as p:
        own.kill()
        _, err = p.communicate(timeout=60)
        wait_for(lambda: not os.path.exists(f"/proc/{own_pid(own)}"))
        own.start()
    assert p.returncode == 1, err
    assert re.search(r"backupd: .*server error (2013|2006|2002)|backupd: .*error (2013|2006|2002)", err.splitlines()[-1]), err
    assert heads(directory) == []
    assert run("backupd", "run", "d", *directory.args, *own.args()).status == 0


def own_pid(server):
    name = "mariadbd.pid" if server.kind == "mariadb" else "mysqld.pid"
    with contextlib.suppress(OSError):
        return (server.dir / name).read_text().strip()
    return "0"


def reading(source, p):
    found = []
    wait_for(lambda: found.extend(re.findall(r"`d`\.`(t\d)`", " ".join(
        r[7] for r in source.sql("SHOW PROCESSLIST")
        # definitions and estimates name tables, too
        if (r[7] or "").startswith("SELECT")))) or found or p.poll() is not None)
    assert found, p.communicate()
    return found[0]


def test_ddl_on_a_table_that_was_read_is_harmless(filled, directory):
    with running_dump(filled, directory) as p:
        first = reading(filled, p)
        wait_for(lambda: p.poll() is not None or reading(filled, p) != first)
        assert p.poll() is None
        # its metadata lock is gone: this does not wait for the dump's end
        filled.sql("SET SESSION lock_wait_timeout=2", f"ALTER TABLE d.{first} ADD COLUMN late INT")
        out, err = p.communicate(timeout=120)
    assert p.returncode == 0, err
    assert run("catalog", "verify", "d", *directory.args).status == 0


def test_hard_limit_gives_the_dump_up(filled, directory):
    with running_dump(filled, directory, "--threads-hard=1") as p:
        _, err = p.communicate(timeout=60)
    assert p.returncode == 75, err
    assert re.search(r"backupd: given up: the number of running threads is \d+, over its hard limit 1; run again when", err.splitlines()[-1]), err
    assert heads(directory) == []


def test_prepared_xa_transactions_are_in_the_head(filled, directory):
    with contextlib.closing(filled.connect()) as c, c.cursor() as cursor:
        for text in ("XA START 'kura-test'", "INSERT INTO d.t0 VALUES (999999,'x')", "XA END 'kura-test'",
                     "XA PREPARE 'kura-test'"):
            cursor.execute(text)
        try:
            done = run("backupd", "run", "d", *directory.args, *filled.args(), "--json")
            assert done.status == 0, done
            assert b"kura-test".hex() in json.dumps(json.loads(done.out)["coordinates"]["xa"])
            assert "999999\t" not in run("catalog", "cat", "d/latest", "rows:d.t0", *directory.args).out
        finally:
            cursor.execute("XA ROLLBACK 'kura-test'")


@pytest.mark.parametrize("workers", [1, 4])
def test_no_definition_fails_because_of_the_locks(source, directory, workers):
    """A statement that waits for us holds locks itself: what we ask for next must not make a deadlock of it."""
    source.sql("CREATE DATABASE d", "CREATE DATABASE aside",
               *(f"CREATE TABLE d.t{n} (id INT PRIMARY KEY, v TEXT)" for n in range(200)),
               "CREATE TABLE aside.x (id INT)")
    stop, errors, done = threading.Event(), [], [0]

    def change():
        with contextlib.closing(source.connect()) as c, c.cursor() as cursor:
            while not stop.is_set():
                try:
                    cursor.execute(f"ALTER TABLE aside.x COMMENT '{done[0]}'")
                    done[0] += 1
                except pymysql.MySQLError as error:
                    errors.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(3):
            backup = run("backupd", "run", "d", *directory.args, *source.args(), "--exclude=aside", f"--workers={workers}")
            assert backup.status == 0, backup
    finally:
        stop.set()
        thread.join()
    assert errors == [] and done[0] > 0
