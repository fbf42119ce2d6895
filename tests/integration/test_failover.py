# SPDX-License-Identifier: Apache-2.0
"""The archive of a source of several servers: it stays where it is, and goes on at another one when that is gone."""
import contextlib
import shutil
import threading

import archives
import pymysql
import pytest
from conftest import Server, run
from daemons import Daemon, wait_for
from test_pitr import Judge, compare, restore, wipe

MARIA = ["--log-slave-updates=1"]
ACCOUNT = "kura_f@'%'"


@pytest.fixture(scope="module")
def pairs():
    """Servers that are killed: nobody else's."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = [Server(kind, name, ident, MARIA if kind == "mariadb" else []) for name, ident in (
                ("one", 601), ("two", 602))]
        return made[kind]
    yield get
    for server in sum(made.values(), []):
        if running(server):
            server.stop()
        shutil.rmtree(server.dir, ignore_errors=True)


def alone(server):
    """Nobody's replica, and written."""
    word = "SLAVE" if server.kind == "mariadb" else "REPLICA"
    server.sql("SET GLOBAL read_only = OFF", f"STOP {word}", f"RESET {word} ALL")


def running(server):
    for name in ("mysqld.pid", "mariadbd.pid"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, pymysql.MySQLError):
            (server.dir / name).stat()
            server.sql("SELECT 1")
            return True
    return False


@pytest.fixture
def pair(pairs, kind):
    """A primary and its replica, which has all of it."""
    one, two = pairs(kind)
    for server in (one, two):
        if not running(server):
            server.start()
        alone(server)
        wipe(server)
    one.sql("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'",
            "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad TEXT)",
            "INSERT INTO d.t (pad) VALUES (REPEAT('a', 2000)), (UUID())")
    account(one)
    replicate(two, one)
    yield one, two


def account(server):
    server.sql(f"CREATE USER {ACCOUNT} IDENTIFIED BY 'f'", f"GRANT ALL ON *.* TO {ACCOUNT}")


def replicate(replica, source):
    Judge(source, replica)
    replica.sql("START SLAVE" if source.kind == "mariadb" else "START REPLICA")
    caught_up(replica, source)


def gtids(server):
    return server.sql("SELECT @@global.gtid_binlog_pos" if server.kind == "mariadb" else
                      "SELECT @@global.gtid_executed")[0][0].replace("\n", "")


def caught_up(replica, source):
    wait_for(lambda: gtids(replica) == gtids(source))


def daemon(tmp_path, store, first, others, **keys):
    secret = tmp_path / "secret"
    secret.write_text("f\n")
    secret.chmod(0o600)
    d = Daemon(tmp_path / "daemon", store, {"orders": (first, {
        "endpoints": ", ".join(f"127.0.0.1:{s.port}" for s in others), "failover-after": "1s", **keys})},
        defaults={"user": "kura_f", "password-file": secret, "ssl-mode": "PREFERRED", "ack": "off"})
    return d


def stored(store, server):
    """Does the newest history hold all that the server wrote?"""
    def is_stored():
        with contextlib.suppress(IndexError, KeyError, FileNotFoundError):
            name = archives.logs(server)[-1]
            return archives.archived(store, source="orders")[name] == archives.on_disk(server, name)
        return False
    wait_for(is_stored)


def whys(store):
    return [h["why"] for h in archives.histories(store, "orders")]


def at(d, server, socket=False):
    """The archive follows it."""
    def follows():
        archive = d.status("orders")["archive"]
        return archive is not None and archive["state"] == "following" and \
            archive["endpoint"] == (server.socket if socket else f"127.0.0.1:{server.port}")
    wait_for(follows)


class Writer:
    """Commits until its server is gone."""

    def __init__(self, server):
        self.server, self.n = server, 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(pymysql.MySQLError):
            connection = self.server.connect()
            while True:
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO d.t (pad) VALUES (UUID())")
                self.n += 1


def promote(server):
    """Once it has applied all that it received."""
    word = "SLAVE" if server.kind == "mariadb" else "REPLICA"
    server.sql(f"STOP {word} IO_THREAD")
    if server.kind == "mariadb":
        judge = object.__new__(Judge)
        judge.source = judge.replica = server
        wait_for(lambda: judge.status("Slave_SQL_Running_State").startswith("Slave has read all relay log"))
    else:
        got = server.sql("SELECT RECEIVED_TRANSACTION_SET FROM performance_schema.replication_connection_status")[0][0]
        assert server.sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{got}', 60)")[0][0] == 0
    alone(server)


def test_the_archive_goes_on_at_the_promoted_replica(pair, servers, directory, tmp_path):
    one, two = pair
    target = servers(one.kind, "target")
    wipe(target)
    with daemon(tmp_path, directory, one, [two]) as d:
        at(d, one, socket=True)
        d.run_job("orders")
        account(target)     # a foreign server, which would answer
        d.sources["orders"][1]["endpoints"] = f"127.0.0.1:{target.port}, 127.0.0.1:{two.port}"
        d.write()
        d.ask("reload")
        wait_for(lambda: d.said().count("following source=orders") == 2)
        writer = Writer(one)
        wait_for(lambda: writer.n > 200)
        one.kill()
        writer.thread.join()
        promote(two)
        two.sql("INSERT INTO d.t (pad) VALUES ('after')", "CREATE TABLE d.u (a INT PRIMARY KEY)",
                "INSERT INTO d.u VALUES (1), (2)")
        at(d, two)
        stored(directory, two)
        assert whys(directory) == ["first", "fail-over"]
        parent = archives.histories(directory, "orders")[1]["parent"]
        assert parent["history"] == archives.histories(directory, "orders")[0]["id"] and parent["seq"] > 0
        assert d.said().count("the archive moves") == 1, d.said()
        assert "is not the one that history" in d.said()
        # The old one comes back: nothing moves, nor when the daemon begins anew.
        one.start()
        two.sql("INSERT INTO d.t (pad) VALUES ('stays')")
        stored(directory, two)
    with d:
        at(d, two)
        two.sql("INSERT INTO d.t (pad) VALUES ('anew')")
        stored(directory, two)
    assert whys(directory) == ["first", "fail-over"]
    wipe(target)
    restore(target, directory, "--to=latest")
    compare(two, target)
    wipe(target)


def test_a_server_that_is_of_no_use_any_more_is_left(pair, directory, tmp_path):
    one, two = pair
    with daemon(tmp_path, directory, one, [two]) as d:
        at(d, one, socket=True)
        alone(two)
        one.sql("SET GLOBAL read_only = ON")
        two.sql("INSERT INTO d.t (pad) VALUES ('two')")
        at(d, two)
        stored(directory, two)
        assert "it is read-only and nobody's replica: nothing is written there" in d.said()
        # It moves back as little when both would do.
        one.sql("SET GLOBAL read_only = OFF")
        wait_for(lambda: d.status("orders")["archive"]["error"] is None)
        two.sql("INSERT INTO d.t (pad) VALUES ('still')")
        stored(directory, two)
    assert whys(directory) == ["first", "fail-over"]


def test_where_none_can_take_over_the_archive_stays(pair, directory, tmp_path):
    """One that is of no use is better than none."""
    one, two = pair
    with daemon(tmp_path, directory, one, [two]) as d:
        at(d, one, socket=True)
        for server in (one, two):
            server.sql("SET GLOBAL read_only = ON")
        # root writes all the same
        wait_for(lambda: "the archived server is of no use" in d.said())
        two.sql("STOP SLAVE" if one.kind == "mariadb" else "STOP REPLICA")
        one.sql("INSERT INTO d.t (pad) VALUES ('more')")
        stored(directory, one)
        at(d, one, socket=True)
    assert whys(directory) == ["first"]


@pytest.mark.parametrize("kind", ["mysql"])
def test_without_gtids_the_archive_waits(pair, directory, tmp_path):
    one, two = pair
    alone(two)
    steps = ["ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"]
    for server in pair:
        server.sql(*[f"SET GLOBAL gtid_mode = {s}" for s in steps], "SET GLOBAL enforce_gtid_consistency = OFF",
                   "RESET BINARY LOGS AND GTIDS")
        server.options += ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
    try:
        with daemon(tmp_path, directory, one, [two]) as d:
            at(d, one, socket=True)
            said = run("backupd", "check", f"--config={d.file}").out
            assert said.count("it has no GTIDs: the archive cannot move among the source's servers") == 2, said
            one.sql("INSERT INTO d.t (pad) VALUES ('one')")
            stored(directory, one)
            one.kill()
            wait_for(lambda: "the source has no GTIDs, and by them alone" in (d.status("orders")["archive"]["error"] or ""))
            one.start()
            one.sql("INSERT INTO d.t (pad) VALUES ('again')")
            at(d, one, socket=True)
            stored(directory, one)
        assert whys(directory) == ["first"]
    finally:
        for server in pair:
            server.options = server.options[:-2]
            server.sql("SET GLOBAL enforce_gtid_consistency = ON",
                       *[f"SET GLOBAL gtid_mode = {s}" for s in ["OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"]])
