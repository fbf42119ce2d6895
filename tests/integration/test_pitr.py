# SPDX-License-Identifier: Apache-2.0
"""A server comes back as it was at any moment: judged by a replica that is stopped there."""
import contextlib
import json
import random
import re
import subprocess
import threading
import time

import pymysql
import pytest
import workload
from conftest import TOP, run
from test_consistency import forget_source, reset
from test_dump import start, wait_for

SETTINGS = ("server_id", "sync_binlog", "innodb_flush_log_at_trx_commit", "replica_parallel_workers", "userstat",
            "slave_parallel_threads", "replica_exec_mode", "slave_exec_mode", "gtid_strict_mode", "event_scheduler",
            "slave_run_triggers_for_rbr", "gtid_ignore_duplicates", "replica_preserve_commit_order")


def wipe(server):
    server.clear()
    # an account that stays has another salt than the log's, or is in its way
    for user, host in server.sql("SELECT user, host FROM mysql.user WHERE user LIKE 'kura\\_%' OR user = 'repl'"):
        server.sql(f"DROP USER {user}@'{host}'")
    reset(server)
    if server.kind == "mariadb":
        server.sql("SET GLOBAL gtid_slave_pos=''")


@pytest.fixture
def three(servers, kind):
    """A source whose log begins here, a target, and the judge: an empty replica."""
    source, target, replica = (servers(kind, name) for name in ("source", "target", "replica"))
    forget_source(replica)
    for server in (source, target, replica):
        wipe(server)
    source.sql("CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'",
               "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    yield source, target, replica
    forget_source(replica)
    for server in (source, target, replica):
        wipe(server)


def backup(source, store, *args):
    done = run("backupd", "run", "orders", *store.args, *source.args(), *args, env=store.env)
    assert done.status == 0, done


def archive(source, store):
    done = run("backupd", "archive", "--stop-at-end", *store.args, *source.args(), "orders", env=store.env)
    assert done.status == 0, done


def restore(target, store, *args, status=0):
    done = run("restore", "run", "orders", *store.args, *target.args(), "--yes", *args, env=store.env)
    assert done.status == status, done
    return done


def plan(target, store, *args):
    done = run("restore", "plan", "orders", *store.args, *target.args(), "--json", *args, env=store.env)
    assert done.status == 0, done
    return json.loads(done.out)


def compare(a, b, *args):
    done = subprocess.run([str(TOP / "tests/tools/compare"), "--a", f"socket={a.socket}", "--b", f"socket={b.socket}",
                           *args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def transactions(source):
    """(GTID, microseconds of its commit), in log order, as the vendor's own tool reads the log."""
    names = [r[0] for r in source.sql("SHOW BINARY LOGS")]
    files = [str(source.dir / "data" / n) for n in names]
    if source.kind == "mysql":
        one = re.compile(r"original_commit_timestamp=(\d+) .*?GTID_NEXT= '([^']+:\d+)'", re.S)
    else:
        one = re.compile(r"^#(\d{6} +\d+:\d+:\d+) server id \d+ +end_log_pos \d+ .*?GTID (\d+-\d+-\d+)", re.M)
    text = subprocess.run([*source.binlog_tool(), *files], capture_output=True, text=True, errors="replace", check=True,
                          env={"TZ": "UTC", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}).stdout
    found = one.findall(text)
    if source.kind == "mysql":
        return [(gtid, int(us)) for us, gtid in found]
    # no two files repeat a head
    return list(dict.fromkeys((gtid, int(time.mktime(time.strptime(at, "%y%m%d %H:%M:%S")) - time.timezone) * 1000000)
                              for at, gtid in found))


class Judge:
    """A real replica that is brought forward, never back."""

    def __init__(self, source, replica):
        self.source, self.replica = source, replica
        if source.kind == "mariadb":
            replica.sql(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='repl',"
                        " MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos")
        else:
            replica.sql(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port},"
                        " SOURCE_USER='repl', SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1")

    def to(self, gtid):
        if self.source.kind == "mariadb":
            self.replica.sql(f"START SLAVE UNTIL master_gtid_pos='{gtid}'")
            assert self.replica.sql(f"SELECT MASTER_GTID_WAIT('{gtid}', 120)")[0][0] == 0, self.status("Last_SQL_Error")
            wait_for(lambda: self.status("Slave_SQL_Running") == "No", 60)
            self.replica.sql("STOP SLAVE")
        else:
            upto = re.sub(r":(\d+)$", r":1-\1", gtid)
            self.replica.sql(f"START REPLICA UNTIL SQL_AFTER_GTIDS='{upto}'")
            assert self.replica.sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{upto}', 120)")[0][0] == 0, \
                self.status("Last_SQL_Error")
            wait_for(lambda: self.status("Replica_SQL_Running") == "No", 60)
            self.replica.sql("STOP REPLICA")
            assert self.replica.sql("SELECT @@gtid_executed")[0][0] == upto

    def status(self, column):
        word = "SLAVE" if self.source.kind == "mariadb" else "REPLICA"
        with contextlib.closing(self.replica.connect(cursorclass=pymysql.cursors.DictCursor)) as c, c.cursor() as cursor:
            cursor.execute(f"SHOW {word} STATUS")
            return cursor.fetchone()[column]


def settings(server):
    names = ",".join(f"'{n}'" for n in SETTINGS)
    return server.sql(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")


def nothing_left(target, before):
    assert settings(target) == before
    channels = target.sql("SHOW ALL SLAVES STATUS" if target.kind == "mariadb" else "SHOW REPLICA STATUS")
    assert channels == ()


def utc(us):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(us // 1000000)) + f".{us % 1000000:06}Z"


def applied(target):
    return target.sql("SELECT @@GLOBAL.gtid_slave_pos" if target.kind == "mariadb" else
                      "SELECT @@GLOBAL.gtid_executed")[0][0]


@pytest.mark.parametrize("replay", ["serve", "apply"])
def test_any_moment_equals_a_replica_stopped_there(three, directory, replay):
    source, target, replica = three
    workload.prepare(source)
    backup(source, directory)
    first = len(transactions(source))
    seed = random.randrange(10**6)
    print("seed", seed)
    workload.run(source, seed)
    source.sql("FLUSH BINARY LOGS")
    # MariaDB stamps whole seconds: the second run is in another one than the backup
    second = int(time.time())
    wait_for(lambda: int(time.time()) > second)
    workload.run(source, seed + 1, rounds=30)
    archive(source, directory)
    log = transactions(source)
    pick = random.Random(seed)
    chosen = sorted(pick.sample(range(first + 5, len(log) - 1), 4))
    judge, before = Judge(source, replica), settings(target)
    # from the backup; on from there; by time; without the one that is named
    moments = []
    for n, i in enumerate(chosen):
        gtid, us = log[i]
        args = [f"--to={gtid}"]
        if n == 2:
            us = max(us, (second + 1) * 1000000)
            args = [f"--to={utc(us)}"]
            i = next((k for k in range(first, len(log)) if log[k][1] > us), len(log)) - 1
        elif n == 3:
            args.append("--before")
            i -= 1
        # a temporary table of the log that is open at one moment is not there for the next run
        moments.append((i, args, n != 1 or source.kind == "mariadb" or replay == "apply"))
    for i, args, anew in sorted(moments, key=lambda m: m[0]):
        print(log[i], args)
        if anew:
            target.forget_xa()
            target.clear()
            target.sql("DROP USER IF EXISTS kura_w@'%'")
        facts = plan(target, directory, *args, f"--replay={replay}")
        assert facts["replay"]["last"]["gtid"] == log[i][0]
        done = restore(target, directory, *args, f"--replay={replay}")
        judge.to(log[i][0])
        compare(replica, target, "--accounts", "--no-event-states")
        workload.holds(target)
        nothing_left(target, before)
        assert target.sql("XA RECOVER") == replica.sql("XA RECOVER")
        assert (applied(target) == applied(replica)) or source.kind == "mariadb", done
        if source.kind == "mariadb":
            assert applied(target).split("-")[2] == log[i][0].split("-")[2]
        if replay == "serve":
            assert re.search(r"(?m)^proven: \d+ row changes in \d+ tables were given and made$", done.out), done
    if source.kind == "mysql" and replay == "serve":
        restore(target, directory, "--to=latest", f"--replay={replay}")
        judge.to(log[-1][0])
        compare(replica, target, "--accounts", "--no-event-states")


def busy(source, n=4000):
    """Many small transactions, by several clients."""
    source.sql("CREATE DATABASE IF NOT EXISTS d", *[
        f"CREATE TABLE IF NOT EXISTS d.t{k} (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200))" for k in range(4)])

    def write(k):
        with contextlib.closing(source.connect()) as c, c.cursor() as cursor:
            for i in range(n // 4):
                cursor.execute(f"INSERT INTO d.t{k} (v) VALUES (REPEAT('{i % 10}', 150))")

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_killed_again_and_again_it_goes_on(three, directory):
    source, target, _ = three
    busy(source, 40)
    backup(source, directory)
    busy(source)
    archive(source, directory)
    before = settings(target)
    args = ["run", "orders", *directory.args, *target.args(), "--yes", "--to=latest"]


    kills, most = 0, 40
    while kills < 6:
        p = start("restore", *args)
        wait_for(lambda: p.poll() is not None or rows(target) > most, 60)
        if p.poll() is not None:
            out, err = p.communicate()
            assert p.returncode == 0, err
            break
        p.kill()
        p.communicate()
        kills += 1
        most = rows(target) + 150
        wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
    assert kills >= 3, "the replay was never interrupted"
    if p.returncode != 0:
        restore(target, directory, "--to=latest")
    compare(source, target)
    nothing_left(target, before)


def test_ctrl_c_leaves_a_target_that_says_where_it_stands(three, directory):
    source, target, _ = three
    busy(source, 40)
    backup(source, directory)
    busy(source)
    archive(source, directory)
    before = settings(target)
    p = start("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--to=latest")
    there = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='d' AND TABLE_NAME='t0'"
    wait_for(lambda: p.poll() is not None or target.sql(there)[0][0] == 1 and
             target.sql("SELECT COUNT(*) FROM d.t0")[0][0] > 100, 60)
    p.send_signal(2)
    _, err = p.communicate(timeout=60)
    assert p.returncode == 1, err
    assert err.splitlines()[-1] == "restore: stopped by Ctrl-C; the same command goes on where this one stopped"
    nothing_left(target, before)
    notes = dict(target.sql("SELECT name, value FROM kura_restore.memo"))
    assert notes["stands"].split()[0] == applied(target)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", notes["reached"])
    assert target.sql("SELECT state FROM kura_restore.run")[0][0] == "replaying"
    restore(target, directory, "--to=latest")
    compare(source, target)


def small(source, store):
    """A backup, then ten transactions; their GTIDs."""
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1)")
    backup(source, store)
    first = len(transactions(source))
    source.sql(*[f"INSERT INTO d.t VALUES ({n},{n})" for n in range(2, 8)], "CREATE TABLE d.u (a INT PRIMARY KEY)",
               "INSERT INTO d.u VALUES (1)", "DROP TABLE d.t", "INSERT INTO d.u VALUES (2)")
    archive(source, store)
    return [gtid for gtid, _ in transactions(source)[first:]]


def test_a_drop_is_skipped_and_no_replica_hands_it_back(three, directory):
    source, target, _ = three
    gtids = small(source, directory)
    done = restore(target, directory, "--to=latest", f"--skip={gtids[8]}")
    assert f"skips     {gtids[8]}, a definition: DROP TABLE" in done.out
    assert "10 transactions, 1 of them emptied" in done.out
    assert target.sql("SELECT COUNT(*) FROM d.t")[0][0] == 7
    # attached as a replica of its source it does not get the DROP
    judge = Judge(source, target)
    source.sql("INSERT INTO d.u VALUES (3)")
    judge.to(transactions(source)[-1][0])
    assert target.sql("SELECT COUNT(*) FROM d.t")[0][0] == 7
    assert target.sql("SELECT COUNT(*) FROM d.u")[0][0] == 3
    forget_source_only(target)
    if source.kind == "mysql":
        # nor does the source, as a replica of it, lose or get anything
        target.sql("CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'",
                   "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'", "INSERT INTO d.u VALUES (4)")
        back = Judge(target, source)
        source.sql("START REPLICA")
        assert source.sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{applied(target)}', 60)")[0][0] == 0
        assert source.sql("SHOW TABLES FROM d") == (("u",),)
        assert back.status("Last_SQL_Errno") == 0
        forget_source_only(source)


def forget_source_only(server):
    word = "SLAVE" if server.kind == "mariadb" else "REPLICA"
    server.sql(f"STOP {word}", f"RESET {word} ALL")


def test_what_cannot_be_applied_is_named_and_can_be_skipped(three, directory):
    source, target, _ = three
    gtids = small(source, directory)
    before = settings(target)
    done = restore(target, directory, "--to=latest", f"--skip={gtids[6]}", "--replay=serve", status=1)
    last = done.err.splitlines()[-1]
    assert "d.u" in last and "error 1146" in last and gtids[7].split(":")[-1].split("-")[-1] in last, done
    assert last.endswith("; the same command goes on where this one stopped")
    nothing_left(target, before)
    done = restore(target, directory, "--to=latest", f"--skip={gtids[7]}", f"--skip={gtids[9]}")
    assert target.sql("SHOW TABLES FROM d") == ()
    assert applied(target) == applied_set(gtids, source)


def applied_set(gtids, source):
    return gtids[-1] if source.kind == "mariadb" else source.sql("SELECT @@gtid_executed")[0][0]


def test_a_target_with_the_sources_server_id(three, directory):
    source, target, _ = three
    small(source, directory)
    own = target.sql("SELECT @@server_id")[0][0]
    target.sql(f"SET GLOBAL server_id={source.ident}")
    try:
        restore(target, directory, "--to=latest", "--replay=serve")
        assert target.sql("SELECT @@GLOBAL.server_id")[0][0] == source.ident
    finally:
        target.sql(f"SET GLOBAL server_id={own}")
    compare(source, target)


def test_a_target_that_may_know_gtids_is_not_served(three, directory):
    source, target, _ = three
    small(source, directory)
    target.sql("CREATE DATABASE mine")
    facts = plan(target, directory, "--to=latest")
    assert facts["replay"]["way"] == "apply"
    assert facts["replay"]["why"] == ("the target holds other schemas: GTIDs that it knows would be passed over in "
                                      "silence")
    done = restore(target, directory, "--to=latest", "--replay=serve", status=2)
    assert done.err.splitlines()[-1].startswith("restore: --replay=serve: the target holds other schemas")


def test_plan_says_it_all_and_changes_nothing(three, directory):
    source, target, _ = three
    gtids = small(source, directory)
    before = settings(target), applied(target), target.schemas()
    facts = plan(target, directory, f"--to={gtids[3]}", f"--skip={gtids[1]}")
    assert (settings(target), applied(target), target.schemas()) == before
    nothing_left(target, before[0])
    one = facts["replay"]
    assert (one["transactions"], one["last"]["gtid"], one["first_not"]["gtid"]) == (4, gtids[3], gtids[4])
    assert one["way"] == "serve" and one["files"] == 1 and one["objects"] >= 1 and one["bytes"] > 0
    done = run("restore", "plan", "orders", *directory.args, *target.args(), "--to=latest")
    assert re.search(r"(?m)^moment +latest", done.out), done
    for args, word in ((["--to=latest", "--skip=" + gtids[0][:-1] + "99999"], "no such transaction"),
                       (["--to=nonsense"], "--to=nonsense"), (["--before"], "need --to"),
                       (["--to=latest", "--listen=0.0.0.0:0"], "--advertise"),
                       (["--to=latest", "--listen=here"], "ADDRESS:PORT")):
        done = run("restore", "plan", "orders", *directory.args, *target.args(), *args)
        assert done.status in (2, 4) and word in done.err and done.err.count("\n") == 1, done
    nothing_left(target, before[0])


def test_no_way_back_but_anew(three, directory):
    source, target, _ = three
    gtids = small(source, directory)
    restore(target, directory, f"--to={gtids[5]}")
    done = restore(target, directory, f"--to={gtids[2]}", status=1)
    assert re.search(rf"past this moment already: it has \S+; begin anew with --restart --overwrite$", done.err.strip())
    target.sql("INSERT INTO d.t VALUES (100, 100)")
    done = restore(target, directory, f"--to={gtids[6]}", status=1)
    assert "the target was written to since it was brought to its moment" in done.err
    restore(target, directory, f"--to={gtids[2]}", "--restart", "--overwrite", "--gtid=set", "--accounts=none")


def test_events_get_the_state_of_the_moment(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (a INT)",
               *[f"CREATE EVENT d.{n} ON SCHEDULE EVERY 1 SECOND STARTS '2037-01-01' {s} DO INSERT INTO d.t VALUES (1)"
                 for n, s in (("was_on", "ENABLE"), ("was_off", "DISABLE"), ("gone", ""))])
    source.sql("SET GLOBAL event_scheduler=OFF")
    target.sql("SET GLOBAL event_scheduler=ON")
    backup(source, directory)
    marks = []
    for text in ("CREATE EVENT d.made ON SCHEDULE EVERY 1 SECOND DO INSERT INTO d.t VALUES (2)",
                 "ALTER EVENT d.was_on DISABLE", "ALTER EVENT d.was_off COMMENT 'still off'",
                 "ALTER EVENT d.was_off ENABLE", "DROP EVENT d.gone", "ALTER EVENT d.made RENAME TO d.renamed"):
        source.sql(text)
        marks.append((transactions(source)[-1][0], states(source)))
    archive(source, directory)
    for gtid, want in marks[2], marks[5]:
        restore(target, directory, f"--to={gtid}")
        assert states(target) == want
        compare_definers(target)
        target.sql("SET GLOBAL event_scheduler=OFF")
        target.clear()
        target.sql("SET GLOBAL event_scheduler=ON")


def states(server):
    return server.sql("SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA='d' ORDER BY 1")


def compare_definers(server):
    assert {r[0] for r in server.sql("SELECT DEFINER FROM information_schema.EVENTS")} == {"root@localhost"}


def test_xa_that_was_prepared_while_the_backup_was_taken(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1)")
    archive(source, directory)
    source.sql("FLUSH BINARY LOGS")
    for n in 2, 3:
        source.sql(f"XA START 'a{n}','b',3", f"INSERT INTO d.t VALUES ({n},{n})", f"XA END 'a{n}','b',3",
                   f"XA PREPARE 'a{n}','b',3")
    source.sql("FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (9,9)")
    archive(source, directory)
    backup(source, directory)
    source.sql("XA COMMIT 'a2','b',3", "INSERT INTO d.t VALUES (4,4)")
    archive(source, directory)
    done = restore(target, directory, "--to=latest")
    assert "2 of them were prepared when the backup was taken" in done.out
    compare(source, target)
    assert len(target.sql("XA RECOVER")) == 1
    assert applied(target) == applied_set([transactions(source)[-1][0]], source)


def test_one_table_beside_the_live_one(three, directory):
    source, _, _ = three
    gtids = small(source, directory)
    before = source.sql("SELECT * FROM d.u"), settings(source)
    done = restore(source, directory, f"--to={gtids[8]}", "--before", "--table=d.t=rescue.t_then")
    assert "not served: only a part of the server is restored" in done.out
    assert source.sql("SELECT COUNT(*), MAX(id) FROM rescue.t_then") == ((7, 7),)
    assert (source.sql("SELECT * FROM d.u"), settings(source)) == before
    assert sorted(source.schemas()) == ["d", "rescue"]


def test_notes_of_a_rescue_in_the_log_are_left_out(three, directory):
    """A table was brought back beside the live one: the whole server comes back all the same."""
    source, target, _ = three
    gtids = small(source, directory)
    restore(source, directory, f"--to={gtids[8]}", "--before", "--table=d.t=rescue.t_then")
    source.sql("INSERT INTO rescue.t_then VALUES (99,99)")
    archive(source, directory)
    refused = run("restore", "run", "orders", *directory.args, *target.args(), "--to=latest", "--replay=serve", "--yes")
    assert refused.status == 2 and "the log holds an earlier restore's notes" in refused.err, refused
    restore(target, directory, "--to=latest")
    compare(source, target)
    # its own notes stay, for a later moment
    assert sorted(target.schemas()) == ["d", "kura_restore", "rescue"]
    assert target.sql("SELECT state FROM kura_restore.run") == (("done",),)


def test_what_a_part_cannot_tell_apart_is_listed(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1)")
    backup(source, directory)
    source.sql("SET SESSION binlog_format='STATEMENT'", "UPDATE d.t SET v = 2", "UPDATE d.t SET v = 3")
    archive(source, directory)
    args = ["restore", "plan", "orders", *directory.args, *target.args(), "--to=latest", "--table=d.t=rescue.t"]
    done = run(*args)
    assert done.status == 2 and len(re.findall(r"(?m)^(cannot be|  ) .*a statement", done.out)) == 2, done
    assert done.err.endswith("; the plan lists what else is in the way\n") and "a statement" in done.err, done
    facts = json.loads(run(*args, "--json").out)
    assert facts["replay"]["refused"].count("\n") == 2
    assert target.schemas() == []


def test_a_clock_that_stepped_back(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
    backup(source, directory)
    base = int(time.time()) + 1000
    with contextlib.closing(source.connect()) as c, c.cursor() as cursor:
        for n, after in enumerate((10, 20, 12, 30, 13)):
            cursor.execute(f"SET SESSION timestamp={base + after}" if source.kind == "mariadb" else
                           f"SET SESSION original_commit_timestamp={(base + after) * 1000000}")
            cursor.execute(f"INSERT INTO d.t VALUES ({n})")
    archive(source, directory)
    gtids = [gtid for gtid, _ in transactions(source)[-5:]]
    at = f"--to={utc((base + 15) * 1000000)}"
    one = plan(target, directory, at)["replay"]
    assert (one["last"]["gtid"], one["first_not"]["gtid"], one["late"]) == (gtids[0], gtids[1], 2)
    assert [line.split()[0] for line in one["late_first"].splitlines()] == [gtids[2], gtids[4]]
    done = restore(target, directory, at)
    assert re.search(rf"(?m)^out, too  2 later transactions that bear earlier times\n +{gtids[2]} of ", done.out), done
    assert target.sql("SELECT id FROM d.t") == ((0,),)


@contextlib.contextmanager
def without_gtids(*servers):
    try:
        for server in servers:
            server.sql(*[f"SET GLOBAL gtid_mode={m}" for m in ("ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF")])
            reset(server)
        yield
    finally:
        for server in servers:
            server.sql(*[f"SET GLOBAL gtid_mode={m}" for m in ("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")])


@pytest.mark.parametrize("kind", ["mysql"], indirect=True)
def test_a_log_without_gtids_goes_by_position(three, directory):
    source, target, _ = three
    with without_gtids(source, target):
        busy(source, 40)
        backup(source, directory)
        busy(source, 400)
        first = source.sql("SHOW BINARY LOGS")[0][0]
        ends = [r[4] for r in source.sql(f"SHOW BINLOG EVENTS IN '{first}'") if r[2] == "Xid"]
        source.sql("FLUSH BINARY LOGS")
        busy(source, 4000)
        archive(source, directory)
        restore(target, directory, f"--to={first}:{ends[200]}", "--replay=serve")
        assert rows(target) == 201
        p = start("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--to=latest")
        wait_for(lambda: p.poll() is not None or rows(target) > 800, 60)
        p.kill()
        p.communicate()
        wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
        restore(target, directory, "--to=latest", "--replay=serve")
        compare(source, target)


def rows(server):
    with contextlib.suppress(pymysql.MySQLError):
        return server.sql("SELECT " + "+".join(f"(SELECT COUNT(*) FROM d.t{k})" for k in range(4)))[0][0]
    return 0


@pytest.mark.parametrize("same_id", [False, True])
def test_the_target_is_killed_meanwhile(three, directory, same_id):
    source, target, _ = three
    busy(source, 40)
    backup(source, directory)
    busy(source)
    archive(source, directory)
    own = target.ident
    if same_id:
        target.ident = source.ident
        target.stop()
        target.start()
    try:
        p = start("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--to=latest")
        wait_for(lambda: p.poll() is not None or rows(target) > 800, 60)
        target.kill()
        _, err = p.communicate(timeout=60)
        assert p.returncode == 1 and err.endswith("; the same command goes on where this one stopped\n"), err
        target.start()
        if same_id:
            for _ in range(2):
                done = restore(target, directory, "--to=latest", status=3)
                assert re.search(rf"the target was started again while it replicated, and has the source's server id "
                                 rf"{source.ident}: it may have passed over transactions; begin anew with --restart "
                                 r"--overwrite$", done.err.strip()), done
            target.clear()
            restore(target, directory, "--to=latest")
            compare(source, target)
        else:
            restore(target, directory, "--to=latest")
            compare(source, target)
            assert target.sql("SELECT @@GLOBAL.server_id")[0][0] == own
    finally:
        if same_id:
            target.ident = own
            target.stop()
            target.start()
