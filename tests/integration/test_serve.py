# SPDX-License-Identifier: Apache-2.0
"""The daemon: dumps, archive, what it says of itself, what it is told, and how it ends."""
import json
import os
import re
import signal
import time

import pytest
from conftest import run
from daemons import Daemon, wait_for


def fill(server, schema="d"):
    server.sql(f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v INT)",
               f"INSERT INTO {schema}.t VALUES (1,1),(2,2)")


def children(pid):
    return [int(p) for p in os.popen(f"ps -o pid= --ppid {pid}").read().split()]


def test_a_source_is_dumped_archived_and_shown(source, store, tmp_path):
    fill(source)
    with Daemon(tmp_path / "d", store, {"orders": (source, {})}) as d:
        done = d.run_job("orders")
        assert done["rows"] == 2 and done["exit"] == 0 and re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", done["backup"])
        wait_for(lambda: d.follows("orders"))
        # the window goes on to what was committed after the backup (MariaDB stamps whole seconds)
        wait_for(lambda: source.sql("UPDATE d.t SET v = v + 1") == () and
                 (w := d.status("orders")["windows"]) and w[-1]["to"] > w[-1]["from"])
        shown = d.status("orders")
        assert shown["state"] == "ok" and shown["problems"] == [] and shown["ours"]
        assert [b["id"] for b in shown["backups"]] == [done["backup"]]
        metrics = d.get("/metrics")
        assert re.search(r'^kura_last_success_timestamp_seconds\{source="orders",job_type="dump"\} 1\d{9}', metrics, re.M), metrics
        assert json.loads(d.get("/api/v1/status"))["sources"][0]["name"] == "orders"
        assert "orders" in d.get("/") and d.get("/healthz") == "ok\n"
        wait_for(lambda: "up to date" in d.ask("status").out)
        assert d.end() < 10
    listed = json.loads(run("catalog", "list", "--json", *store.args, env=store.env).out)["backups"]
    assert [b["id"] for b in listed] == [done["backup"]] and listed[0]["pitr"]["until"] is not None
    # what it had in hand was stored
    assert run("catalog", "verify", "--all", *store.args, env=store.env).status == 0


def test_expiry_follows_a_dump(source, directory, tmp_path):
    fill(source)
    keys = {"orders": (source, {"archive": "no", "keep-last": "1"})}
    with Daemon(tmp_path / "d", directory, keys) as d:
        for _ in range(2):
            d.run_job("orders")
        last = wait_for(lambda: d.job("orders", "expire")["last"])
        assert last["ok"] and last["exit"] == 0, last


def test_expiry_goes_on_where_another_daemon_dumps(source, directory, tmp_path):
    fill(source)
    keys = {"orders": (source, {"archive": "no", "keep-last": "1"})}
    with Daemon(tmp_path / "one", directory, keys, daemon={"jobs": "dump"}) as one:
        one.run_job("orders")
        with Daemon(tmp_path / "two", directory, keys, daemon={"jobs": "expire"}) as two:
            last = wait_for(lambda: (two.job("orders", "expire") or {}).get("last"))
            assert last["ok"], last
            # other jobs after a reload: it need not be started anew
            two.daemon["jobs"] = "drill"
            two.write()
            two.ask("reload")
            wait_for(lambda: two.status()["daemon"]["jobs"] == ["drill"])
        assert one.job("orders", "expire")["last"] is None


def test_a_schedule_is_kept_and_a_missed_run_made_up_for(source, directory, tmp_path):
    fill(source)
    keys = {"orders": (source, {"archive": "no", "dump": "@every 1m"})}
    now = time.time_ns() // 1000
    clock = {"KURA_TEST_CLOCK": f"{now}:{now}:20"}      # a minute lasts three seconds
    with Daemon(tmp_path / "d", directory, keys, env=clock) as d:
        wait_for(lambda: d.job("orders", "dump")["next"])
        first = wait_for(lambda: d.job("orders", "dump")["last"], 90)
        assert first["ok"], first
        # at the minute, not a while later
        assert re.search(r":[0-2]\d\.\d+Z$", first["started"]), first
        d.ask("pause", "orders")
    # of two daemons at it one makes the minute's backup
    slot = re.sub(r":\d\d\.\d+Z$", ":00.000000Z", first["started"])
    assert f"--unless-since={slot}" in run("catalog", "audit", "orders", "--json", *directory.args).out
    made = len(run("catalog", "list", *directory.args).out.splitlines())
    # the history may go; the store says when the last dump was: none is made twice
    for name in (tmp_path / "d/state").glob("kura.db*"):
        name.unlink()
    keys["orders"][1]["dump"] = "@yearly"
    with Daemon(tmp_path / "d", directory, keys, env=clock) as d:
        wait_for(lambda: d.job("orders", "dump")["last_success"])
        assert d.job("orders", "dump")["last"] is None
        wait_for(lambda: (d.job("orders", "dump")["next"] or "")[5:10] == "01-01")
    assert len(run("catalog", "list", *directory.args).out.splitlines()) == made


@pytest.mark.parametrize("missed", ["run", "skip"])
@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_what_was_due_while_no_daemon_ran(source, directory, tmp_path, missed):
    """After two nights without one: one run, or none, and none is overdue that has just run."""
    fill(source)
    keys = {"orders": (source, {"archive": "no", "dump": "@daily", "missed": missed})}
    with Daemon(tmp_path / "d", directory, keys) as d:
        first = d.run_job("orders")
    now = time.time_ns() // 1000
    # half past an hour: none begins meanwhile
    hour = 3600 * 1000000
    later = {"KURA_TEST_CLOCK": f"{now}:{(now // hour + 50) * hour + hour // 2}:1"}
    with Daemon(tmp_path / "d", directory, keys, env=later) as d:
        shown = wait_for(lambda: (j := d.job("orders", "dump")) and j["next"] and j["last"] and j)
        if missed == "run":
            shown = wait_for(lambda: (j := d.job("orders", "dump"))["last"] != first and j)
            assert shown["last"]["ok"] and not shown["overdue"], shown
        else:
            assert shown["overdue"] and shown["queued"] is None and shown["running"] is None
        # times that are new are not made up for
        keys["orders"][1]["dump"] = "@hourly"
        d.write()
        d.ask("reload")
        hourly = wait_for(lambda: (j := d.job("orders", "dump"))["schedule"] == "@hourly" and j["next"] and j)
        assert hourly["queued"] is None and hourly["running"] is None and hourly["last"] == shown["last"]
        assert not hourly["overdue"]
    assert len(json.loads(run("catalog", "list", "--json", *directory.args).out)["backups"]) == 1 + (missed == "run")


def test_a_failure_is_told_in_plain_words_and_goes_when_it_is_over(source, directory, tmp_path):
    fill(source)
    with Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no", "exclude": "nothing"})},
                daemon={"retry-after": "2s"}) as d:
        source.sql("CREATE USER kura_x@localhost")
        d.sources["orders"][1].update(user="kura_x")
        d.write()
        d.ask("reload")
        wait_for(lambda: "configuration read anew" in d.said())
        d.run_job("orders", ok=False)
        shown = wait_for(lambda: d.status("orders") if d.status("orders")["problems"] else None)
        assert shown["state"] == "failing"
        assert [p["kind"] for p in shown["problems"]] == ["dump_failed"]
        assert shown["problems"][0]["text"].startswith("the last dump failed: "), shown
        assert "FAILING" in d.ask("status").out
        # the reason passes: what failed is tried once more by itself
        source.sql("GRANT ALL ON *.* TO kura_x@localhost WITH GRANT OPTION")
        wait_for(lambda: d.status("orders")["state"] == "ok")
        assert d.job("orders", "dump")["last"]["ok"]
        source.sql("DROP USER kura_x@localhost")


def test_it_is_told_what_to_do(source, directory, tmp_path):
    fill(source)
    source.sql("INSERT INTO d.t SELECT a.id * 1000 + b.id, 1 FROM (SELECT 10 AS id UNION SELECT 11) a, d.t b")
    with Daemon(tmp_path / "d", directory, {n: (source, {"archive": "no"}) for n in ("orders", "other")}) as d:
        d.ask("pause", "orders")
        assert d.status("orders")["paused"] and d.status("orders")["problems"][0]["kind"] == "paused"
        d.ask("resume", "orders")
        assert not d.status("orders")["paused"]
        assert "no job that runs or waits" in d.ask("cancel", "other", status=4).err
        assert "has no source nobody" in d.ask("start", "nobody", status=4).err
        # a dump that waits for a lock is stopped, and leaves nothing
        with source.connect() as c, c.cursor() as cursor:
            cursor.execute("LOCK TABLES d.t WRITE")
            d.ask("start", "other")
            wait_for(lambda: d.job("other", "dump")["running"])
            assert "runs already" in d.ask("start", "other", status=75).err
            d.ask("cancel", "other")
            last = wait_for(lambda: d.job("other", "dump")["last"])
        assert last["ok"] is None and last["exit"] is None and last["message"] == "cancelled by uid 0"
        assert d.status("other")["problems"] == [] and "job cancelled" in d.said()
        assert json.loads(run("catalog", "list", "--json", *directory.args).out)["backups"] == []
        # the next one removes what it left
        d.run_job("other")
        assert json.loads(run("catalog", "leftovers", "--json", *directory.args).out)["leftovers"] == []
        d.ask("drain")
        assert d.process.wait(30) == 0
    assert "no daemon" in d.ask("status", status=1).err


def test_a_reload_is_valid_or_not_at_all(source, directory, tmp_path):
    fill(source)
    with Daemon(tmp_path / "d", directory, {"orders": (source, {})}) as d:
        wait_for(lambda: d.follows("orders"))
        good = d.file.read_text()
        d.file.write_text(good + "[source second]\nsoket = /x\n")
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "all goes on as before" in d.said())
        assert re.search(r"kura.conf:\d+: unknown key 'soket'", d.said())
        assert [s["name"] for s in d.status()["sources"]] == ["orders"] and d.follows("orders")
        # who asks for it hears what is wrong
        assert re.search(r"kura.conf:\d+: unknown key 'soket'", d.ask("reload", status=2).err)
        assert d.follows("orders")
        d.sources = {"second": (source, {"archive": "no"})}
        d.write()
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: [s["name"] for s in d.status()["sources"]] == ["second"])
        d.run_job("second")
        # the archive of what is no more has ended
        wait_for(lambda: not source.sql("SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"))


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_jobs_go_by_what_the_daemon_accepted(source, directory, tmp_path):
    fill(source)
    source.sql("CREATE DATABASE scratch", "CREATE TABLE scratch.t (id INT PRIMARY KEY)")
    with Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no"})}) as d:
        accepted = d.folder / "state/accepted.conf"
        assert accepted.stat().st_mode & 0o777 == 0o600

        def tables():
            backup = d.run_job("orders")["backup"]
            return json.loads(run("catalog", "show", f"orders/{backup}", "--json", *directory.args).out)["totals"]["tables"]
        assert tables() == 2
        # half written: refused and told, while jobs go by what held before
        d.file.write_text(d.file.read_text() + "exclude = scratch\n[source sec")
        d.ask("reload", status=2)
        told = wait_for(lambda: d.status()["problems"])
        assert [p["kind"] for p in told] == ["config_refused"], told
        assert re.search(r"all goes on as before: .*kura.conf:\d+: '\[' without '\]'", told[0]["text"])
        assert tables() == 2
        # so they do without the file, and where what they were given went astray
        d.file.unlink()
        accepted.unlink()
        assert tables() == 2
        assert accepted.stat().st_mode & 0o777 == 0o600
        # mended: it holds, and what was told is over
        d.sources["orders"][1].update(exclude="scratch")
        d.write()
        assert tables() == 2, "not before it is read anew"
        d.ask("reload")
        wait_for(lambda: d.status()["problems"] == [])
        assert tables() == 1


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_reload_holds_in_stores_that_are_open(source, directory, tmp_path):
    with Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no"})}, defaults={},
                daemon={"heartbeat": "1h", "claim-stale": "3h", "log-level": "debug"}) as d:
        alive = wait_for(lambda: list((directory.path / "daemons").glob("*.json")))[0]
        d.daemon.update({"heartbeat": "1s", "claim-stale": "10s", "log-level": "warn"})
        d.write()
        d.ask("reload")
        for _ in range(3):
            before = alive.read_text()
            wait_for(lambda: alive.read_text() != before)  # noqa: B023
        assert "configuration read anew" not in d.said(), "log-level holds, too"
        # what holds from start to end is refused by its name, and nothing is taken
        d.daemon.update({"socket": d.folder / "other.sock", "heartbeat": "1h", "claim-stale": "3h"})
        d.write()
        refused = d.ask("reload", status=2).err
        assert re.search(r"kura.conf:\d+: socket: it was not set when the daemon began; start the daemon anew", refused)
        before = alive.read_text()
        wait_for(lambda: alive.read_text() != before)


def test_nothing_runs_on_when_it_is_killed(source, directory, tmp_path):
    fill(source)
    with source.connect() as c, c.cursor() as cursor:
        with Daemon(tmp_path / "d", directory, {"orders": (source, {})}) as d:
            wait_for(lambda: d.follows("orders"))
            cursor.execute("LOCK TABLES d.t WRITE")
            d.ask("start", "orders")
            wait_for(lambda: d.job("orders", "dump")["running"])
            job = wait_for(lambda: children(d.process.pid))
            d.process.kill()
            d.process.wait()
            wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in job))
    # the next one finds its socket, its history and its store as they are
    with Daemon(tmp_path / "d", directory, {"orders": (source, {})}) as d:
        wait_for(lambda: d.follows("orders"))
        d.run_job("orders")


@pytest.mark.parametrize("bad,why", [
    ("[daemon]\nallow-root = no\n", "serve: will not run as root; run it as a user of its own"),
    ("[daemon]\nallow-root = yes\n", "the configuration has no [source NAME]"),
    ("[daemon]\nallow-root = yes\n[source a]\ndump = 61 * * * *\nstore = file:///tmp\n", "minute"),
])
def test_what_cannot_be_served_is_refused(tmp_path, bad, why):
    file = tmp_path / "kura.conf"
    file.write_text(bad if "source" in bad or "root = yes" in bad else bad + "[source a]\nstore = file:///tmp\n")
    done = run("backupd", "serve", f"--config={file}", f"--state={tmp_path}/state", timeout=30)
    assert done.status == 2 and done.out == "" and why in done.err and done.err.count("\n") == 1, done


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_store_that_is_away_is_not_made_anew(source, directory, tmp_path):
    """Its disc is not mounted: what a dump would write there is seen by nobody later."""
    fill(source)
    with Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no"})}) as d:
        d.run_job("orders")
        directory.path.rename(tmp_path / "away")
        d.run_job("orders", ok=False)
        assert not directory.path.exists()
        directory.path.mkdir()      # where it is mounted else
        wait_for(lambda: d.ask("start", "orders"))
        wait_for(lambda: "holds no Kura store" in d.said())
        assert list(directory.path.iterdir()) == []
        directory.path.rmdir()
        (tmp_path / "away").rename(directory.path)
        d.run_job("orders")


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_a_dump_that_was_killed_is_tried_once_more(source, directory, tmp_path):
    """As by the system when memory is short."""
    fill(source)
    with source.connect() as c, c.cursor() as cursor:
        with Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no"})}, daemon={"retry-after": "1s"}) as d:
            cursor.execute("LOCK TABLES d.t WRITE")
            d.ask("start", "orders")
            wait_for(lambda: d.job("orders", "dump")["running"])
            for pid in wait_for(lambda: children(d.process.pid)):
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda: "the last dump failed: it was ended by signal 9; it is tried again soon" in d.said())
            cursor.execute("UNLOCK TABLES")
            wait_for(lambda: d.job("orders", "dump")["last"]["ok"])


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_nothing_is_verified_before_the_first_backup(source, directory, tmp_path):
    fill(source)
    now = time.time_ns() // 1000
    clock = {"KURA_TEST_CLOCK": f"{now}:{now}:60"}      # a minute lasts a second
    with Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no", "verify": "@every 1m"})}, env=clock) as d:
        first = wait_for(lambda: d.job("orders", "verify")["next"])
        wait_for(lambda: d.job("orders", "verify")["next"] > first)     # a slot has passed
        assert d.job("orders", "verify")["last"] is None and not d.job("orders", "verify")["overdue"]
        d.run_job("orders")
        assert wait_for(lambda: d.job("orders", "verify")["last"])["ok"]


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_it_ends_well_whatever_has_begun(source, directory, tmp_path):
    """Its archive and claims end beside jobs that begin, run or end at that moment."""
    fill(source)
    keys = {f"s{n}": (source, {"archive": "no"}) for n in range(4)}
    for n in range(6):
        with Daemon(tmp_path / "d", directory, keys, daemon={"max-jobs-per-group": 0}) as d:
            wait_for(lambda: all(s["ours"] for s in d.status()["sources"]))
            for name in keys:
                d.ask("start", name)
            time.sleep(0.02 * n)


def reads(pid):
    with open(f"/proc/{pid}/io") as file:
        return int(re.search(r"syscr: (\d+)", file.read())[1])


@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
def test_what_another_daemon_does_keeps_none_busy(source, directory, tmp_path):
    """A slot of a source that was ours and is another's now is no reason to go round and round."""
    fill(source)
    keys = {f"s{n}": (source, {"archive": "no", "dump": "@every 1m"}) for n in range(6)}
    now = time.time_ns() // 1000
    options = {"daemon": {"heartbeat": "1s", "claim-stale": "4s", "max-jobs-per-group": 0},
               "env": {"KURA_TEST_CLOCK": f"{now}:{now}:20"}}
    with Daemon(tmp_path / "a", directory, keys, **options) as first:
        wait_for(lambda: all(first.job(s, "dump")["next"] for s in keys))
        with Daemon(tmp_path / "b", directory, keys, **options) as second:
            lost = wait_for(lambda: [s["name"] for s in first.status()["sources"] if not s["ours"]])
            # their slots pass: the other one does them
            before = {s: second.job(s, "dump")["last"] for s in lost}
            wait_for(lambda: all(second.job(s, "dump")["last"] not in (None, before[s]) for s in lost))
            began = reads(first.process.pid)
            time.sleep(2)
            assert reads(first.process.pid) - began < 2000


def test_serve_without_a_configuration_is_refused():
    done = run("backupd", "serve", timeout=30)
    assert (done.status, done.err) == (2, "backupd: serve: there is no configuration; write /etc/kura/kura.conf, or "
                                          "name a file: --config=FILE\n")
