# SPDX-License-Identifier: Apache-2.0
"""A backup is one moment, whatever is written meanwhile: judged by a replica
that is stopped exactly at the head's coordinates."""
import contextlib
import json
import subprocess
import threading
import time

import pymysql
import pytest
from conftest import TOP, run

TABLES = 6
PATHS = [("mariadb", "backup_stage"), ("mariadb", "ftwrl"), ("mariadb", "lock_tables"), ("mariadb", "lock_free"),
         ("mysql", "ftwrl"), ("mysql", "lock_tables"), ("mysql", "lock_free")]


class Writers:
    """Every transaction touches all tables together, so a torn snapshot shows."""

    def __init__(self, source, pause=False):
        self.source, self.pause = source, pause
        self.stop, self.commits, self.errors = threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(3)]

    def write(self, n):
        step = n * 1000000 + 1000000
        try:
            with contextlib.closing(pymysql.connect(unix_socket=self.source.socket, user="root",
                                                    database="bank", autocommit=False)) as c:
                while not self.stop.is_set():
                    step += 1
                    with c.cursor() as cursor:
                        for t in range(TABLES):
                            cursor.execute(f"INSERT INTO t{t} VALUES ({step}, {step}, REPEAT('x', 40))")
                            cursor.execute(f"UPDATE t{t} SET v = v + 1 WHERE id = {step * 7 % 3000}")
                    c.commit()
                    self.commits += 1
                    if self.pause:
                        self.stop.wait(0.05)
        except pymysql.MySQLError as error:
            self.errors.append(error)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()
        assert not self.errors, self.errors


def reset(server):
    server.sql("RESET MASTER" if server.kind == "mariadb" else "RESET BINARY LOGS AND GTIDS")


def forget_source(replica):
    word = "SLAVE" if replica.kind == "mariadb" else "REPLICA"
    replica.sql(f"STOP {word}")
    replica.sql(f"RESET {word} ALL")
    replica.clear()
    replica.sql("DROP USER IF EXISTS repl@'127.0.0.1'")
    reset(replica)
    if replica.kind == "mariadb":
        replica.sql("SET GLOBAL gtid_slave_pos=''")


def follow_until(replica, source, coordinates):
    """A real replica, stopped exactly where the backup stands."""
    file, position, gtid = coordinates["file"], coordinates["position"], coordinates["gtid"]
    if source.kind == "mariadb":
        first = source.sql("SHOW BINARY LOGS")[0][0]
        replica.sql(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='repl',"
                    f" MASTER_PASSWORD='repl', MASTER_LOG_FILE='{first}', MASTER_LOG_POS=4",
                    f"START SLAVE UNTIL MASTER_LOG_FILE='{file}', MASTER_LOG_POS={position}")
        deadline = time.monotonic() + 300
        with contextlib.closing(replica.connect(cursorclass=pymysql.cursors.DictCursor)) as c, c.cursor() as cursor:
            while True:
                cursor.execute("SHOW SLAVE STATUS")
                status = cursor.fetchone()
                if status["Slave_SQL_Running"] == "No":
                    break
                assert time.monotonic() < deadline, status
                time.sleep(0.05)
        assert (status["Relay_Master_Log_File"], status["Exec_Master_Log_Pos"]) == (file, position), status
    else:
        replica.sql(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port},"
                    " SOURCE_USER='repl', SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1",
                    f"START REPLICA UNTIL SQL_AFTER_GTIDS='{gtid}'")
        assert replica.sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtid}', 300)")[0][0] == 0


@pytest.fixture
def trio(servers, request):
    kind = request.param
    source, target, replica = (servers(kind, name) for name in ("source", "target", "replica"))
    for server in (source, target):
        server.clear()
        server.sql("DROP USER IF EXISTS repl@'127.0.0.1'")
        reset(server)
    forget_source(replica)
    source.sql("CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'",
               "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'", "CREATE DATABASE bank")
    for t in range(TABLES):
        source.sql(f"CREATE TABLE bank.t{t} (id INT PRIMARY KEY, v INT, pad VARCHAR(60))",
                   "SET SESSION cte_max_recursion_depth=10000" if kind == "mysql" else
                   "SET max_recursive_iterations=10000",
                   f"INSERT INTO bank.t{t} WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<3000)"
                   " SELECT n, 0, REPEAT('y', 50) FROM q")
    yield source, target, replica
    forget_source(replica)
    for server in (source, target):
        server.clear()


def differs(a, b):
    done = subprocess.run([str(TOP / "tests/tools/compare"), "--a", f"socket={a.socket}", "--b",
                           f"socket={b.socket}"], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout if done.returncode else ""


def back_up_and_judge(source, target, replica, store, *args, pause=False, may_refuse=""):
    with Writers(source, pause) as writers:
        while writers.commits < 20 and not writers.errors:
            writers.stop.wait(0.01)
        before = writers.commits
        done = run("backupd", "run", "bank", *store.args, *source.args(), "--workers=4", "--range-bytes=40K",
                   "--json", *args)
        # the guarantee is worth nothing if nobody wrote meanwhile
        assert writers.commits > before
    if may_refuse and done.status == 75:
        assert may_refuse in done.err, done
        return None, ""
    assert done.status == 0, done
    head = json.loads(done.out)
    assert head["snapshot"]["proven"]
    restored = run("restore", "run", "bank", *store.args, *target.args(), "--yes", "--check", "--gtid=none",
                   "--accounts=none")
    assert restored.status == 0, restored
    follow_until(replica, source, head["coordinates"])
    return head, differs(replica, target)


@pytest.mark.parametrize("trio,path", PATHS, indirect=["trio"])
def test_backup_under_writes_is_one_moment(trio, path, directory):
    head, difference = back_up_and_judge(*trio, directory, f"--lock-path={path}", "--snapshot-wait=60s",
                                         pause=path == "lock_free")
    assert difference == ""
    assert head["snapshot"]["method"] == path
    assert head["snapshot"]["commits_held_ms"] < 1000


@pytest.mark.parametrize("trio", ["mariadb", "mysql"], indirect=True)
def test_a_late_snapshot_turns_this_red(trio, directory):
    _, difference = back_up_and_judge(*trio, directory, "--late-snapshot=300ms")
    assert "table bank.t" in difference


@pytest.mark.parametrize("trio", ["mariadb", "mysql"], indirect=True)
def test_lock_free_without_pauses_is_refused_or_right(trio, directory):
    _, difference = back_up_and_judge(*trio, directory, "--lock-path=lock_free", "--snapshot-wait=2s",
                                      may_refuse="no moment without commits was found in 2 s")
    assert difference == ""
