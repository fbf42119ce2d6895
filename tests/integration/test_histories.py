# SPDX-License-Identifier: Apache-2.0
"""What is archived is never written over: whatever becomes of a server, another history begins."""
import contextlib
import shutil
import time

import archives
import pymysql
import pytest
from conftest import Server, Store, run


def once(store, source, *args):
    return run("backupd", "archive", "--stop-at-end", *store.args, *source.args(), *args, "s", env=store.env)


def good(store, source, *args):
    done = once(store, source, *args)
    assert done.status == 0, done
    return archives.histories(store)


def write(source, n=3):
    source.sql("CREATE DATABASE IF NOT EXISTS d", "CREATE TABLE IF NOT EXISTS d.t (id INT PRIMARY KEY AUTO_INCREMENT, x INT)",
               *["INSERT INTO d.t (x) VALUES (1), (2)"] * n)


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def twins(request):
    """A server with a number of its own, and a copy of it, stopped: they are reset, cloned and rolled back."""
    kind = request.param
    server = Server(kind, "history", 4711, ["--log-slave-updates=1"] if kind == "mariadb" else [])
    write(server)
    copy = archives.clone(server, 4712)
    yield server, copy
    for s in (server, copy):
        s.stop()
        shutil.rmtree(s.dir, ignore_errors=True)


@pytest.fixture
def server(twins):
    server = twins[0]
    server.sql("RESET MASTER" if server.kind == "mariadb" else "RESET BINARY LOGS AND GTIDS")
    return server


@contextlib.contextmanager
def started(server, ident):
    server.ident = ident
    server.start()
    try:
        yield server
    finally:
        server.stop()


def holds(store, history, server, names):
    files = archives.archived(store, history)
    for name in names:
        data = archives.on_disk(server, name)
        # MariaDB may have written its Binlog_checkpoint since.
        assert files[name] == data[:len(files[name])] and len(data) - len(files[name]) in (0, 43), name


def gtids(server):
    return server.sql("SELECT @@global.gtid_binlog_pos" if server.kind == "mariadb" else
                      "SELECT @@global.gtid_executed")[0][0].replace("\n", "")


def purge(server, name):
    """A server keeps files for a dump whose client is gone until it finds out, and MariaDB for a crash recovery."""
    def purged():
        for (ident,) in server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"):
            with contextlib.suppress(pymysql.MySQLError):
                server.sql(f"KILL {ident}")
        server.sql(f"PURGE BINARY LOGS TO '{name}'")
        return archives.logs(server)[0] == name
    archives.wait_for(purged)


@pytest.mark.parametrize("shift", [3, 20])
def test_histories_reset(server, directory, shift):
    write(server)
    good(directory, server)
    write(server)
    first = good(directory, server)[0]
    kept = archives.archived(directory, first)
    server.sql("RESET MASTER" if server.kind == "mariadb" else "RESET BINARY LOGS AND GTIDS")
    # what is stored last need not begin where an event of the new log does
    server.sql(f"CREATE TABLE d.{'x' * shift} (a INT)", f"DROP TABLE d.{'x' * shift}")
    write(server, 30)
    all = good(directory, server)
    assert [h["why"] for h in all] == ["first", "reset"]
    assert all[1]["parent"] == {"history": first["id"], "seq": 0, "offset": 0, "gtid": ""}
    assert archives.archived(directory, first) == kept
    holds(directory, all[1], server, archives.logs(server)[-1:])
    assert len(good(directory, server)) == 2


def test_histories_gap_by_purge(server, directory):
    write(server)
    first = good(directory, server)[0]
    for _ in range(3):
        write(server)
        server.sql("FLUSH BINARY LOGS")
    names = archives.logs(server)
    purge(server, names[-2])
    done = once(directory, server)
    assert done.status == 0 and "why=gap" in done.err, done
    all = archives.histories(directory)
    assert [h["why"] for h in all] == ["first", "gap"]
    assert all[1]["first_file"] == names[-2]
    assert all[1]["parent"]["history"] == first["id"]
    holds(directory, all[1], server, names[-2:])


def test_histories_gap_behind_a_file_of_which_nothing_is_archived(server, directory):
    write(server)
    server.sql("FLUSH BINARY LOGS")
    first = good(directory, server)[0]
    for key in directory.keys():    # as if killed right after the file before was finished
        if "/00000002/" in key:
            (directory.path / key).unlink()
    write(server)
    server.sql("FLUSH BINARY LOGS")
    write(server)
    names = archives.logs(server)
    purge(server, names[-1])
    done = once(directory, server)
    assert done.status == 0 and "why=gap" in done.err, done
    all = archives.histories(directory)
    assert [h["why"] for h in all] == ["first", "gap"]
    assert all[1]["parent"]["history"] == first["id"]
    assert all[0]["opened"][:4] == time.strftime("%Y"), all[0]


def test_histories_purge_next_to_what_is_archived_is_no_gap(server, directory):
    write(server)
    server.sql("FLUSH BINARY LOGS")
    good(directory, server)
    write(server)
    server.sql("FLUSH BINARY LOGS")
    write(server)
    names = archives.logs(server)
    # The last file that is archived is gone, and so far nothing of the next.
    purge(server, names[-2])
    all = good(directory, server)
    assert len(all) == 1
    holds(directory, all[0], server, names[-2:])


def test_histories_copies(server, twins, directory, tmp_path):
    """A copy with the same name is one that was rolled back; another is a clone."""
    copy = twins[1]
    write(server)
    first = good(directory, server)[0]
    name, before = archives.logs(server)[-1], gtids(server)
    server.stop()
    for f in (copy.dir / "data").glob("binlog.*"):
        f.unlink()
    for f in (server.dir / "data").glob("binlog.*"):
        shutil.copy(f, copy.dir / "data")
    server.start()
    write(server, 5)
    good(directory, server)
    shutil.copytree(directory.path, tmp_path / "other")
    other = Store(f"file://{tmp_path}/other", path=tmp_path / "other")

    cnf = copy.dir / "data/auto.cnf"
    if server.kind == "mysql":
        shutil.copy(server.dir / "data/auto.cnf", cnf)
    with started(copy, server.ident):
        copy.sql("INSERT INTO d.t (x) VALUES (99)")     # within a second all else could be the same
        write(copy, 2)
        all = good(directory, copy)
        assert [h["why"] for h in all] == ["first", "rollback"]
        fork = all[1]["parent"]
        assert (fork["history"], fork["seq"], fork["gtid"]) == (first["id"], 1, before)
        assert 0 < fork["offset"] <= len(archives.archived(directory, first)[name])
        holds(directory, all[1], copy, archives.logs(copy)[-1:])
    cnf.unlink(missing_ok=True)
    with started(copy, 4712):
        all = good(other, copy)
        assert [h["why"] for h in all] == ["first", "clone"]
        assert all[1]["parent"]["gtid"] == before


def forget(server):
    server.sql("SET sql_log_bin = 0", "DROP DATABASE IF EXISTS d", "DROP USER IF EXISTS repl@'127.0.0.1'",
               *(["RESET MASTER", "SET GLOBAL gtid_slave_pos = ''"] if server.kind == "mariadb" else
                 ["RESET BINARY LOGS AND GTIDS"]))


def test_histories_failover(server, twins, directory):
    maria = server.kind == "mariadb"
    with started(twins[1], 4712) as replica:
        forget(server)
        forget(replica)
        server.sql("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'r'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
        replica.sql(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={server.port}, MASTER_USER='repl', "
                    "MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos" if maria else
                    f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={server.port}, SOURCE_USER='repl', "
                    "SOURCE_PASSWORD='r', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1",
                    "START SLAVE" if maria else "START REPLICA")
        write(server)
        archives.wait_for(lambda: gtids(replica) == gtids(server))
        replica.sql("FLUSH BINARY LOGS")
        write(server)
        archives.wait_for(lambda: gtids(replica) == gtids(server))
        common = gtids(server)
        replica.sql(*(["STOP SLAVE", "RESET SLAVE ALL"] if maria else ["STOP REPLICA", "RESET REPLICA ALL"]))
        write(server, 2)        # what only the lost primary had
        first = good(directory, server)[0]
        write(replica)
        all = good(directory, replica)
        assert [h["why"] for h in all] == ["first", "fail-over"]
        fork = all[1]["parent"]
        assert (fork["history"], fork["seq"], fork["gtid"]) == (first["id"], 1, common)
        assert all[1]["first_file"] == archives.logs(replica)[-1]
        holds(directory, all[1], replica, archives.logs(replica)[-1:])
        write(replica)
        assert len(good(directory, replica)) == 2


def test_histories_foreign_server_is_refused(server, servers, directory):
    write(server)
    good(directory, server)
    kept = directory.keys()
    other = servers(server.kind, "source")
    other.clear()
    write(other)
    # more than fits on its way to us: what nobody reads any more must not keep the server
    other.sql("RESET MASTER" if other.kind == "mariadb" else "RESET BINARY LOGS AND GTIDS")
    write(other, 20)
    other.sql("CREATE TABLE d.large (b LONGBLOB)", "INSERT INTO d.large VALUES (REPEAT('x', 8000000))")
    done = once(directory, other)
    assert done.status == 1 and "is not the one that history" in done.err and "server_id 4711" in done.err, done
    assert directory.keys() == kept
    all = good(directory, other, "--adopt")
    assert [h["why"] for h in all] == ["first", "fail-over"]


def test_histories_go_on_across_server_restarts_and_crashes(server, directory):
    write(server)
    good(directory, server)
    server.stop()
    server.start()
    write(server)
    good(directory, server)
    write(server)
    server.kill()
    server.start()
    write(server)
    all = good(directory, server)
    assert len(all) == 1
    holds(directory, all[0], server, archives.logs(server))
