# SPDX-License-Identifier: Apache-2.0
"""A moment at which a server was idle: it can be restored where it is known that nothing had happened."""
import datetime
import json
import time

import pytest
from conftest import run, start
from daemons import Daemon, wait_for
from test_archive import fresh
from test_pitr import compare
from test_timeline import archive, ask


def clock(server, seconds=0):
    """The server's time, in whole seconds."""
    now = int(server.sql("SELECT UNIX_TIMESTAMP()")[0][0])
    return text(datetime.datetime.fromtimestamp(now + seconds, datetime.timezone.utc))


def text(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def later(when, seconds=1):
    return text(datetime.datetime.fromisoformat(when[:19] + "+00:00") + datetime.timedelta(seconds=seconds))


def told(store, source):
    """Until when a source's log is known to have ended where it ends, as daemons say it; ""."""
    ends = [""]
    for path in (store.path / "daemons").glob("*.json"):
        ends += [s["at"] for s in json.loads(path.read_text())["stands"] if s["source"] == source]
    return max(ends)


def written(server, store, source="orders"):
    """A backup, and one row more."""
    fresh(server)
    server.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY)", "INSERT INTO shop.orders VALUES (1)")
    done = run("backupd", "archive", "--stop-at-end", *store.args, *server.args(), source)
    assert done.status == 0, done
    done = run("backupd", "run", source, *store.args, *server.args())
    assert done.status == 0, done
    server.sql("INSERT INTO shop.orders VALUES (2)")


def refused(store, source, moment, known):
    done = run("catalog", "when", source, moment, *store.args)
    assert done.status == 4 and f" to {known[:19]}Z; whether anything was committed after that is not known: 'latest'" \
        " is all that is archived" in done.err, done


def test_an_idle_server_whose_backup_host_is_gone(servers, directory, tmp_path):
    sources = {kind: (servers(kind, "source"), {}) for kind in ("mariadb", "mysql")}
    for kind, (server, _) in sources.items():
        server.clear()
        written(server, directory, kind)
    with Daemon(tmp_path / "d", directory, sources, {"heartbeat": "1s", "claim-stale": "10s"}) as daemon:
        wait_for(lambda: all(daemon.follows(kind) for kind in sources))
        moments = {kind: clock(server, 3) for kind, (server, _) in sources.items()}
        # it asks once a minute
        wait_for(lambda: all(told(directory, kind) >= moments[kind] for kind in sources), 180)
        daemon.process.kill()
        daemon.process.wait()
    for kind, (server, _) in sources.items():
        known = told(directory, kind)
        line = ask(directory, "timeline", kind)
        assert line["archived"]["nothing_until"] == line["windows"][0]["to"] == known > line["archived"]["last_commit"]
        assert ask(directory, "when", kind, moments[kind])["restorable"]
        refused(directory, kind, later(known), known)
        target = servers(kind, "target")
        target.clear()
        done = run("restore", "run", kind, f"--to={moments[kind]}", "--yes", "--accounts=none", *directory.args,
                   *target.args())
        assert done.status == 0, done
        compare(server, target)
        # what was committed later says as much
        time.sleep(2.1)
        server.sql("INSERT INTO shop.orders VALUES (3)")
        done = run("backupd", "archive", "--stop-at-end", *directory.args, *server.args(), kind)
        assert done.status == 0, done
        found = ask(directory, "when", kind, later(known))
        assert found["first_not"] is not None and found["restorable"], found
        server.clear()
        target.clear()


def test_an_archive_that_ends_says_when(source, directory):
    written(source, directory)
    time.sleep(3.1)
    moment = clock(source, -2)
    archive(source, directory)
    left = json.loads((directory.path / "sources/orders/stand.json").read_text())
    assert left["source"] == "orders" and moment <= left["at"]
    assert ask(directory, "when", "orders", moment)["last"]["time"] < moment
    refused(directory, "orders", later(left["at"]), left["at"])
    # one that is told to stop, too
    process = start("backupd", "archive", *directory.args, *source.args(), "--segment-age=200ms", "orders")
    for line in process.stderr:
        if "following" in line:
            break
    process.terminate()
    assert process.wait(30) == 0
    again = json.loads((directory.path / "sources/orders/stand.json").read_text())
    assert left["at"] <= again["at"] and left["position"] == again["position"]
    assert ask(directory, "timeline", "orders")["archived"]["nothing_until"] == again["at"]


@pytest.mark.parametrize("mine", [False, True])
def test_a_replica_says_nothing(source, directory, mine):
    """What its source committed before may still come."""
    written(source, directory)
    time.sleep(2.1)
    if not mine:
        source.sql("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1" if source.kind == "mariadb" else
                   "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1")
    try:
        archive(source, directory)
    finally:
        if not mine:
            source.sql("RESET SLAVE ALL" if source.kind == "mariadb" else "RESET REPLICA ALL")
    assert (directory.path / "sources/orders/stand.json").exists() == mine
