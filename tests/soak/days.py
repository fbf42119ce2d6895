# SPDX-License-Identifier: Apache-2.0
"""Weeks of a daemon's schedule in minutes: dumps twice a day, an archive, rules of retention, verification each night
and drills each week, over real servers that are written to, on a clock that runs thousands of times as fast; meanwhile
servers and daemons are killed or stopped, the store is away, full, busy, slow or of another time (stores.py), the host's
clock is wrong, the configuration is read anew, and summer time begins or ends.  Afterwards each slot of the schedule has its backup or a failure that was told, what the rules keep is there and
nothing else, no leftover, and the daemon has not grown."""
import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
import zoneinfo

import pymysql

import archives
import faults
from conftest import Server, run
from daemons import Daemon
from stores import Bucket, Folder

DAY, HOUR = 86400, 3600
ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
UTC = datetime.timezone.utc
TURNS = (datetime.datetime(2027, 3, 28, tzinfo=UTC), datetime.datetime(2027, 10, 31, tzinfo=UTC))
LAST, DAILY, WEEKLY, WINDOW = 2, 3, 2, 5
GRACE = 2 * DAY
CALM = 5 * DAY          # at the end, without faults: what was late is done
HOURS = (2, 14)         # of dumps, at half past: one falls into the hour that is not there, or is there twice
FAULTS = ("kill_source", "stop_source", "kill", "kill", "stop", "reload", "reload", "kill_job", "cut", "host_clock")
GROWTH_KIB = 8192


class Clock:
    """The same for all programs: what KURA_TEST_CLOCK says."""

    def __init__(self, begin, rate):
        self.real, self.shown, self.rate = time.time_ns() // 1000, int(begin.timestamp()) * 10**6, rate
        self.env = {"KURA_TEST_CLOCK": f"{self.real}:{self.shown}:{rate}"}

    def now(self):
        return (self.shown + (time.time_ns() // 1000 - self.real) * self.rate) / 1e6

    def text(self, at=None):
        return datetime.datetime.fromtimestamp(self.now() if at is None else at, UTC).strftime("%m-%d %H:%M")


def parsed(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def id_time(ident):
    return datetime.datetime.strptime(ident[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def slots(begin, end):
    """When a dump was due, by the zone's own rules."""
    out, day = [], datetime.datetime.fromtimestamp(begin, ZONE).date()
    while True:
        for hour in HOURS:
            local = datetime.datetime(day.year, day.month, day.day, hour, 30, tzinfo=ZONE)
            at = local.timestamp()
            if datetime.datetime.fromtimestamp(at, ZONE).hour != hour:      # there is no such hour: at its end
                at -= 30 * 60
            if at > end:
                return out
            if at > begin:
                out.append(at)
        day += datetime.timedelta(days=1)


def kept(backups, now, held):
    """Ids that the rules keep, and of them those whose binary logs stay; backups: (at, id, logs_until), of one lineage;
    held: the ids that somebody holds."""
    newest = sorted((b for b in backups if b[0] <= now), reverse=True)
    keep, window = {b[1] for b in newest[:max(1, LAST)]}, {b[1] for b in newest} & held
    for form, count in (("%Y-%m-%d", DAILY), ("%G-%V", WEEKLY)):
        seen = []
        for at, ident, _ in newest:
            bucket = datetime.datetime.fromtimestamp(at, UTC).strftime(form)
            if bucket not in seen and len(seen) < count:
                seen.append(bucket)
                keep.add(ident)
    older = 0
    for at, ident, until in newest:
        if at >= now - WINDOW * DAY:
            window.add(ident)
            continue
        older += 1
        if older == 1 or until >= now - WINDOW * DAY:
            window.add(ident)
        if until >= now - WINDOW * DAY:
            break
    return keep | window, window


class Month:
    def __init__(self, days, seed, rate, kinds, place):
        self.pick, self.kinds = random.Random(seed), kinds
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kura-days-"))
        self.place = place(self.folder)
        self.faults, self.store = FAULTS + self.place.faults, self.place.store
        self.servers = {k: Server(k, "days", 70 + n, [*faults.SAFE, "--binlog-expire-logs-seconds=0"])
                        for n, k in enumerate(kinds)}
        self.grounds = {k: Server(k, "ground", 80 + n, faults.SAFE) for n, k in enumerate(kinds)}
        for server in self.servers.values():
            server.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad TEXT)",
                       "INSERT INTO d.t (pad) VALUES ('first')")
        self.days, self.rate = days, rate or place.RATE
        self.past, self.bad, self.heads, self.samples, self.counts = [], [], {}, [], {}
        self.held, self.over = set(), threading.Event()
        self.threads = [threading.Thread(target=self.guarded, args=(f,)) for f in (self.watch, self.write, self.sample)]

    def guarded(self, work):
        try:
            work()
        except Exception as e:      # noqa: BLE001 (it is shown)
            self.bad.append(f"{work.__name__}: {e!r}")

    # --- what goes on all the time ---

    def watch(self):
        """Every head that ever was."""
        while not self.over.wait(0.2):
            for source, ident, read in self.place.heads(self.servers):
                if (source, ident) not in self.heads:
                    with contextlib.suppress(FileNotFoundError):
                        self.heads[source, ident] = json.loads(read())

    def write(self):
        pick, day = random.Random(1), 0
        while not self.over.wait(0.3):
            day, before = int(self.clock.now() // DAY), day
            for server in self.servers.values():
                with contextlib.suppress(pymysql.MySQLError):
                    server.sql("INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 20))",
                               "DELETE FROM d.t ORDER BY id LIMIT 1" if pick.random() < 0.9 else "DO 0",
                               *["FLUSH BINARY LOGS"] * (day != before), read_timeout=20)

    def children(self, pid):
        with contextlib.suppress(OSError):
            return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def sample(self):
        """Of the daemon, when it has no jobs: (process, time, descriptors, threads, KiB)."""
        while not self.over.wait(0.5):
            pid = self.daemon.process.pid
            with contextlib.suppress(OSError, IndexError):
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                number = {n: int(re.search(rf"^{n}:\s+(\d+)", status, re.M)[1]) for n in ("VmRSS", "Threads")
                          if f"\n{n}:" in status}
                files = len(os.listdir(f"/proc/{pid}/fd"))
                if len(number) == 2 and not self.children(pid):
                    self.samples.append((pid, self.clock.now(), files, number["Threads"], number["VmRSS"]))

    # --- what happens ---

    def begin(self):
        turn = self.pick.choice(TURNS)
        self.clock = Clock(turn - datetime.timedelta(days=min(10, self.days // 2)), self.rate)
        self.began = self.clock.now()
        self.end = self.began + self.days * DAY
        keys = {k: (s, {"drill": "0 6 * * sun", "drill-socket": self.grounds[k].socket, "drill-user": "root",
                        "drill-assert": "SELECT COUNT(*) > 0 FROM d.t"}) for k, s in self.servers.items()}
        self.daemon = Daemon(
            self.folder / "daemon", self.store, keys, env=self.clock.env,
            daemon={"heartbeat": "1s", "claim-stale": "4s", "max-jobs-per-group": 0, "grace": "48h", "retry-after": "2h"},
            defaults={"zone": "Europe/Berlin", "dump": "30 " + ",".join(map(str, HOURS)) + " * * *",
                      "verify": "30 4 * * *", "verify-within": "7d", "keep-last": LAST, "keep-daily": DAILY,
                      "keep-weekly": WEEKLY, "keep-window": f"{WINDOW}d", "workers": 1})
        self.daemon.__enter__()
        for t in self.threads:
            t.start()

    def pause(self, most, least=0.2):
        time.sleep(self.pick.uniform(least, most))

    def kill_source(self):
        server = self.servers[self.pick.choice(self.kinds)]
        faults.kill(server)
        self.pause(2)
        server.start()

    def stop_source(self):
        server = self.servers[self.pick.choice(self.kinds)]
        pid = int((server.dir / ("mariadbd.pid" if server.kind == "mariadb" else "mysqld.pid")).read_text())
        os.kill(pid, signal.SIGSTOP)
        self.pause(3)
        os.kill(pid, signal.SIGCONT)

    def of_store(self, what):
        for seconds in getattr(self.place, what)(self.pick):
            time.sleep(seconds)

    def host_clock(self):
        """It is up to two hours wrong, the store's is not, and is set right."""
        off = self.pick.choice((-1, 1)) * self.pick.uniform(0.2, 2) * HOUR
        wrong = f"{self.clock.real}:{self.clock.shown + int(off * 10**6)}:{self.rate}"
        for env, shift in (({"KURA_TEST_CLOCK": wrong}, -off / self.rate), (self.clock.env, 0)):
            self.daemon.end()
            self.place.shift(shift)
            self.daemon.env = env
            self.daemon.__enter__()
            if shift:
                self.pause(6, 1)

    def hold(self):
        """A backup of one source that no rule keeps for so long, and the binary logs since."""
        source = self.kinds[0]
        held = max(i for s, i in self.heads if s == source)
        self.catalog("hold", f"{source}/{held}", "--name=soak", "--reason=to be there at the end")
        self.held.add(held)

    def kill(self):
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.pause(3)
        if self.pick.random() < 0.3:
            self.past = self.runs()
            shutil.rmtree(self.folder / "daemon/state")
        self.daemon.__enter__()

    def stop(self):
        pids = [self.daemon.process.pid, *self.children(self.daemon.process.pid)]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number == signal.SIGSTOP:
                self.pause(5)

    def reload(self):
        """In the middle of a job, if there is one soon."""
        self.job(5)
        self.daemon.daemon["max-jobs"] = self.pick.choice((2, 3, 4))
        if "extra" in self.daemon.sources:
            del self.daemon.sources["extra"]
        else:
            self.daemon.sources["extra"] = (self.servers[self.kinds[0]], {"archive": "no", "dump": "@yearly"})
        self.daemon.write()
        self.daemon.process.send_signal(signal.SIGHUP)

    def job(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if jobs := self.children(self.daemon.process.pid):
                return self.pick.choice(jobs)
            time.sleep(0.02)
        return None

    def kill_job(self):
        if pid := self.job(10):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def cut(self):
        """The archive's connections end."""
        for server in self.servers.values():
            for (ident,) in server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"):
                with contextlib.suppress(pymysql.MySQLError):
                    server.sql(f"KILL {ident}")

    def go(self):
        while self.clock.now() < self.end - CALM:
            if not self.held and self.clock.now() > self.began + 2.2 * DAY:
                self.hold()
            time.sleep(min(self.pick.uniform(1, 8), max(0, (self.end - CALM - self.clock.now()) / self.rate)))
            what = self.pick.choice(self.faults)
            at = self.clock.now()
            self.of_store(what) if what in self.place.faults else getattr(self, what)()
            self.counts[what] = self.counts.get(what, 0) + 1
            print(f"{self.clock.text(at)} to {self.clock.text()[6:]}: {what}; {len(self.heads)} backups so far", flush=True)
            self.daemon.lives()
        self.calm = self.clock.now()
        time.sleep(max(0, (self.end - self.clock.now()) / self.rate))
        # once nothing runs or waits
        deadline = time.monotonic() + 60
        while self.children(self.daemon.process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.status = self.daemon.status()
        self.ended = self.clock.now()
        took = self.daemon.end()
        self.check(took <= 10, f"the daemon took {took:.1f} s to end")
        self.over.set()
        for t in self.threads:
            t.join()

    # --- what must be true afterwards ---

    def check(self, good, text):
        if not good:
            self.bad.append(text)
            print(f"BAD: {text}", flush=True)

    def catalog(self, verb, *args, status=0):
        done = run("catalog", verb, *args, *self.store.args, env={**self.store.env, **self.clock.env})
        self.check(done.status == status, f"catalog {verb}: {done}")
        return done

    def runs(self):
        """The job history, also what was deleted of it."""
        with contextlib.closing(sqlite3.connect(self.folder / "daemon/state/kura.db")) as db:
            return self.past + [{"source": r[0], "job": r[1], "started": r[2] / 1e6, "finished": r[3] / 1e6, "ok": r[4], "message": r[5]}
                    for r in db.execute("SELECT source, job, started, finished, ok, message FROM run ORDER BY started")]

    def backups(self, source):
        """All that ever were: (at, id, logs_until), the last of which is unknown of those that are gone."""
        facts = json.loads(self.catalog("list", source, "--json").out)["backups"]
        until = {b["id"]: parsed(b["pitr"]["until"]) if b.get("pitr") and b["pitr"].get("until") else 0 for b in facts}
        return [(parsed(h["snapshot"]["at"]), ident, until.get(ident, 0)) for (name, ident), h in sorted(self.heads.items())
                if name == source], set(until)

    def judge_slots(self, runs):
        total, told, more = 0, 0, 0
        due = slots(self.began, self.ended - 6 * HOUR)
        for source in self.servers:
            times = [id_time(ident) for name, ident in self.heads if name == source]
            for at, then in zip(due, [*due[1:], self.ended]):
                total += 1
                n = sum(at <= t < then for t in times)
                failed = [r for r in runs if r["source"] == source and r["job"] == "dump" and not r["ok"]
                          and at <= r["finished"] and r["started"] < then]
                told += n == 0 and bool(failed)
                more += n > 1
                self.check(n or failed, f"{source}: no backup in the slot of {self.clock.text(at)}, and no failure was told")
                if n > 1:
                    print(f"{source}: {n} backups in the slot of {self.clock.text(at)}", flush=True)
        return f"{total} slots, {told} with a failure told instead, {more} with more than one backup"

    def judge_retention(self):
        for source in self.servers:
            known, there = self.backups(source)
            before = self.clock.now()
            facts = json.loads(self.catalog("expire", source, "--json", f"--config={self.daemon.file}").out)["sources"][0]
            after = self.clock.now()
            first, _ = kept(known, before, self.held)
            then, _ = kept(known, after, self.held)
            says = {b["id"] for b in facts["backups"] if b["stays"]}
            shown = {b["id"] for b in facts["backups"]}
            self.check(shown == there, f"{source}: list and expire differ: {sorted(shown ^ there)}")
            self.check(first & then <= says <= first | then,
                       f"{source}: expire keeps {sorted(says)}, by the rules it is {sorted(first)} or {sorted(then)}")
            self.check(then <= there, f"{source}: gone too early: {sorted(then - there)}")
            long_ago = self.ended - GRACE - 2 * DAY
            were, window = kept(known, long_ago, self.held)
            late = {ident for at, ident, _ in known if at <= long_ago} - were
            self.check(not late & there, f"{source}: should have gone: {sorted(late & there)}")
            self.judge_logs(source, window, {ident for _, ident, _ in known})
            print(f"{source}: {len(known)} backups, {len(there)} still there, {len(says)} stay", flush=True)

    def judge_logs(self, source, window, known):
        """Binary logs before the oldest backup of the window are gone."""
        history = archives.histories(self.store, source)[-1]
        first = int(history["first_file"].rsplit(".", 1)[1])
        oldest = min((self.heads[source, ident] for ident in window & known), key=lambda h: h["snapshot"]["at"], default=None)
        seqs = sorted({int(m[3]) for m in map(archives.SEGMENT.search, self.store.keys())
                       if m and m[1] == source and m[2] == history["id"]})
        if oldest is None or not seqs:
            return
        needed = int(oldest["coordinates"]["file"].rsplit(".", 1)[1]) - first + 1
        self.check(seqs[0] >= needed, f"{source}: binary logs from {seqs[0]} on are there, needed since long: {needed}")
        self.check(seqs == list(range(seqs[0], seqs[-1] + 1)), f"{source}: holes between binary logs: {seqs}")

    def judge_archive(self):
        for source, server in self.servers.items():
            files = archives.archived(self.store, source=source)
            for name, data in files.items():
                there = archives.on_disk(server, name)
                # the newest one goes on, or went on after the daemon had ended
                self.check(data == (there[:len(data)] if name == max(files) else there), f"{source}: {name} differs")

    def judge_growth(self):
        # a daemon that has just begun is not warm yet
        tail = [s for s in self.samples if s[0] == self.daemon.process.pid and s[1] >= self.calm + DAY]
        self.check(len(tail) > 12, f"only {len(tail)} samples of the daemon without jobs")
        third = len(tail) // 3
        first, last = tail[:third], tail[-third:]
        if not first:
            return "not measured"
        for n, (what, slack) in enumerate((("descriptors", 0), ("threads", 0), ("KiB", GROWTH_KIB)), 2):
            # a connection that asks how far the archive is comes and goes
            a, b = min(s[n] for s in first), min(s[n] for s in last)
            self.check(b <= a + slack, f"the daemon grew from {a} to {b} {what}")
        most = {s[0]: s for s in self.samples}      # the last one of each process
        return (f"{len(most)} daemons; the last one {first[0][2]} to {last[-1][2]} descriptors, {first[0][3]} to {last[-1][3]} "
                f"threads, {first[0][4] // 1024} to {last[-1][4] // 1024} MiB")

    def judge_damage(self):
        """What is deleted by hand is named."""
        for source in self.servers:
            ident = max(i for s, i in self.heads if s == source)
            victim = self.pick.choice([k for k in self.store.keys() if f"sources/{source}/data/{ident}/" in k])
            self.place.remove(victim)
            done = run("catalog", "verify", f"{source}/{ident}", *self.store.args, env={**self.store.env, **self.clock.env})
            name = victim.split(f"sources/{source}/")[1]
            self.check(done.status == 3 and name in done.out + done.err, f"{name} was deleted, but: {done}")

    def judge(self):
        runs = self.runs()
        jobs = {}
        for r in runs:
            key = f"{r['job']}{'' if r['ok'] else ' failed'}"
            jobs[key] = jobs.get(key, 0) + 1
        print(f"jobs in the history: {', '.join(f'{n} {k}' for k, n in sorted(jobs.items()))}", flush=True)
        for message in sorted({f"{r['job']}: {r['message']}" for r in runs if not r["ok"]}):
            print(f"  told: {message[:300]}", flush=True)
        for r in runs:
            # nothing is until the end
            self.check(r["ok"] or "damage" not in r["message"], f"{r['source']}: {r['job']}: {r['message']}")
            self.check(r["ok"] or r["started"] < self.calm - DAY or r["finished"] < self.calm + 6 * HOUR,
                       f"{r['source']}: {r['job']} failed without a fault: {r['message']}")
        for s in self.status["sources"]:
            # a second of the archive's delay is more than an hour here
            if s["name"] not in self.servers:
                continue
            wrong = [p for p in s["problems"] if p["kind"] != "archive_lag"]
            self.check(not wrong, f"{s['name']} in the end: {wrong}")
            self.check(len(s["gaps"] or []) == 0, f"{s['name']}: gaps {s['gaps']}")
        self.catalog("verify", "--all")
        print(self.judge_slots(runs), flush=True)
        self.judge_retention()
        self.judge_archive()
        left = json.loads(self.catalog("leftovers", "--json").out)["leftovers"]
        self.check(left == [], f"leftovers: {left}")
        self.check(self.place.unfinished() == [], f"unfinished: {self.place.unfinished()}")
        print(self.judge_growth(), flush=True)
        self.judge_damage()

    def close(self, keep):
        self.over.set()
        process = self.daemon.process if hasattr(self, "daemon") else None
        if process and process.poll() is None:
            process.kill()
            process.wait()
        for server in [*self.servers.values(), *self.grounds.values()]:
            server.stop()
            shutil.rmtree(server.dir, ignore_errors=True)
        self.place.close(keep)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def with_days(days, seed, rate, kinds, s3):
    month, good = Month(days, seed, rate, kinds, Bucket if s3 else Folder), False
    print(f"soak: seed {seed}, {month.folder}", flush=True)
    try:
        month.begin()
        month.go()
        month.judge()
        good = not month.bad
    finally:
        month.close(keep=not good)
    print(f"soak: {days} days, {len(month.heads)} backups, {sum(month.counts.values())} faults "
          f"({', '.join(f'{n} {k}' for k, n in sorted(month.counts.items()))}): "
          f"{'all is well' if good else f'{len(month.bad)} things are not, see {month.folder}'}", flush=True)
    return 0 if good else 1
