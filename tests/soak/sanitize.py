# SPDX-License-Identifier: Apache-2.0
"""A whole daemon under a tool that watches each of its steps: ThreadSanitizer (its jobs as well) or valgrind (memory,
leaks and descriptors, of the daemon alone).  Two stores, a folder and a bucket, real servers that are written to,
archives that commits wait for, dumps, verification, expiry and drills, while many ask over HTTP and the socket, and the
configuration is read anew, jobs are cancelled, connections are cut and a store is away.  Nothing may be reported."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import tempfile
import threading
import time

import pymysql

import faults
from conftest import BIN, Server, new_bucket, running_gateway
from daemons import Daemon, wait_for
from test_notify import Hooks

HERE = pathlib.Path(__file__).resolve().parent
PATHS = ("/", "/metrics", "/api/v1/status", "/healthz", "/readyz", "/nowhere", "/s0", "/api/v1/sources/s1")


def links(pid):
    """Sockets and pipes by descriptor."""
    out = {}
    for path in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            name = os.readlink(path)
            if name.startswith(("socket:", "pipe:")):
                out[int(path.name)] = name
    return out


class Tool:
    """How a daemon is run, and what was found."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.under, self.slow = (), 2
        if name == "tsan":
            os.environ["TSAN_OPTIONS"] = (f"log_path={folder}/tsan exitcode=66 second_deadlock_stack=1 "
                                          f"suppressions={HERE}/tsan.supp")
        else:
            self.slow = 10
            self.under = ("valgrind", "--quiet", "--trace-children=no", "--child-silent-after-fork=yes", "--fair-sched=yes",
                          "--leak-check=full", "--show-leak-kinds=definite,indirect,possible", "--track-fds=yes",
                          "--num-callers=30", f"--suppressions={HERE}/valgrind.supp", f"--log-file={folder}/valgrind.%p")

    def findings(self):
        """What it wrote, but for its own affairs and the descriptors that every program is given."""
        out = []
        for path in sorted(self.folder.glob(f"{self.name}.*")):
            text = re.sub(r"^--\d+-- .*\n", "", path.read_text(errors="replace"), flags=re.M)
            text = re.sub(r"^==\d+== ?", "", text, flags=re.M)
            text = re.sub(r"^FILE DESCRIPTORS:.*\n", "", text, flags=re.M)
            text = re.sub(r"^Open [^\n]*\n +<inherited from parent>\n", "", text, flags=re.M)
            out += [f"{path.name}: {part.strip()}" for part in re.split(r"\n\s*\n", text) if part.strip()]
        return out


class Askers:
    """Many who ask, some of whom know no manners."""

    def __init__(self, daemon):
        self.daemon, self.over, self.asked = daemon, threading.Event(), 0
        self.threads = [threading.Thread(target=self.ask, args=(work, n)) for n, work in
                        enumerate((self.get, self.get, self.control, self.rude))]

    def ask(self, work, seed):
        pick = random.Random(seed)
        while not self.over.wait(0.05):
            with contextlib.suppress(OSError, http.client.HTTPException):
                work(pick)
                self.asked += 1

    def get(self, pick):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)) as c:
            for _ in range(pick.randrange(1, 4)):
                c.request("GET", pick.choice(PATHS))
                c.getresponse().read()

    def control(self, pick):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
            s.settimeout(30)
            s.connect(str(self.daemon.folder / "state/backupd.sock"))
            s.sendall(json.dumps({"version": 1, "verb": pick.choice(("status", "next", "nothing"))}).encode() + b"\n")
            while s.recv(65536):
                pass

    def rude(self, pick):
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.daemon.port), timeout=1)) as s:
            s.sendall(pick.choice((b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nx", b"\0" * 500, b"")))
            if pick.random() < 0.5:
                s.recv(100)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()


class Fleet:
    def __init__(self, tool, folder, gateway, hooks, seed):
        self.tool, self.folder, self.pick = tool, folder, random.Random(seed)
        self.servers = [Server(kind, "watched", 90 + n, faults.SAFE) for n, kind in enumerate(("mariadb", "mysql"))]
        self.grounds = [Server(kind, "ground", 92 + n, faults.SAFE) for n, kind in enumerate(("mariadb", "mysql"))]
        maria, mysql = self.servers
        for server in self.servers:
            server.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad TEXT)",
                       "INSERT INTO d.t (pad) VALUES ('first')")
        maria.sql("SET GLOBAL rpl_semi_sync_master_timeout=3000", "SET GLOBAL rpl_semi_sync_master_enabled=ON")
        bucket = new_bucket(gateway)
        self.path = folder / "store"
        drills = [{"drill": "@yearly", "drill-socket": g.socket, "drill-user": "root", "verify": "@yearly", "keep-last": 2}
                  for g in self.grounds]
        self.sources = {"s0": (maria, {**drills[0], "ack": "spool", "spool": folder / "spool"}),
                        "s1": (mysql, {**drills[1], "store": "bucket"}),
                        "s2": (mysql, {"keep-last": 1, "dump": "@every 1m", "verify": "@yearly"}),
                        "s3": (maria, {"store": "bucket", "archive": "no", "keep-last": 1})}
        hook = folder / "hook"
        hook.write_text("#!/bin/sh\ncat > /dev/null\n")
        hook.chmod(0o700)
        store = type("Both", (), {"url": f"file://{self.path}", "args": [""], "env": bucket.env})()
        self.daemon = Daemon(
            folder / "daemon", store, self.sources, daemon={"grace": "1s", "heartbeat": "2s", "retry-after": "5s"},
            defaults={"expire": "after-dump", "workers": 2}, under=tool.under,
            extra=f"[store bucket]\nurl = {bucket.url}\ns3-endpoint = {gateway}\n"
                  f"[notify web]\ntype = webhook\nurl = {hooks.url}/hook\n[notify program]\ntype = exec\ncommand = {hook}\n")
        self.over, self.inherited, self.watched = threading.Event(), set(), 0
        self.threads = [threading.Thread(target=work) for work in (self.write, self.watch)]
        for t in self.threads:
            t.start()

    def write(self):
        while not self.over.wait(0.2):
            for server in self.servers:
                with contextlib.suppress(pymysql.MySQLError, OSError):
                    server.sql("INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 20))", "DELETE FROM d.t ORDER BY id LIMIT 1",
                               *["FLUSH BINARY LOGS"] * (random.random() < 0.05), read_timeout=20)

    def wait(self, condition):
        return wait_for(lambda: self.daemon.lives() and condition(), 60 * self.tool.slow)

    def run_job(self, source, job, ok=True):
        last = (self.daemon.job(source, job) or {}).get("last")
        self.wait(lambda: self.started(source, job))
        done = self.wait(lambda: (now := (self.daemon.job(source, job) or {}).get("last")) != last and now)
        if ok is not None and done["ok"] != ok:
            raise SystemExit(f"soak: {source}: {job}: {done}; see {self.folder}")

    def started(self, source, job):
        """Somebody else's job of the source, such as expiry after a dump, may be in the way."""
        try:
            self.daemon.ask("start", source, job)
        except AssertionError as error:
            if "runs already" in str(error) or "waits already" in str(error):
                return False
            raise
        return True

    # --- what happens ---

    def jobs(self):
        for job in ("dump", "verify", "drill"):
            for source in ("s0", "s1"):
                self.run_job(source, job)
        for source in ("s2", "s3"):
            self.run_job(source, "dump")

    def reload(self):
        fresh = dict(self.sources)
        for n in range(4):
            if "more" in fresh:
                del fresh["more"]
            else:
                fresh["more"] = (self.servers[n % 2], {"store": self.pick.choice(("main", "bucket")), "dump": "@yearly"})
            self.daemon.sources = fresh
            self.daemon.daemon["max-jobs"] = self.pick.choice((2, 3))
            self.daemon.write()
            if n % 2:
                self.daemon.process.send_signal(signal.SIGHUP)
            else:
                self.daemon.ask("reload")
            self.wait(lambda: ("more" in fresh) == any(s["name"] == "more" for s in self.daemon.status()["sources"]))
        good = self.daemon.file.read_text()
        self.daemon.file.write_text(good + "[source bad]\nsoket = /x\n")
        self.daemon.ask("reload", status=2)
        self.daemon.write()

    def cancel(self):
        self.daemon.ask("pause", "s3")
        self.daemon.ask("resume", "s3")
        with self.servers[0].connect() as c, c.cursor() as cursor:
            cursor.execute("LOCK TABLES d.t WRITE")
            last = self.daemon.job("s3", "dump")["last"]
            self.wait(lambda: self.started("s3", "dump"))
            self.wait(lambda: self.daemon.job("s3", "dump")["running"])
            self.daemon.ask("cancel", "s3")
            self.wait(lambda: self.daemon.job("s3", "dump")["last"] != last)

    def cut(self):
        for server in self.servers:
            for (ident,) in server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"):
                with contextlib.suppress(pymysql.MySQLError):
                    server.sql(f"KILL {ident}")
        victim = self.pick.choice(self.servers)
        faults.kill(victim)
        time.sleep(1)
        victim.start()
        if victim.kind == "mariadb":
            victim.sql("SET GLOBAL rpl_semi_sync_master_enabled=ON")
        self.wait(lambda: all(self.daemon.follows(s) for s in ("s0", "s1", "s2")))

    def away(self):
        away = self.folder / "away"
        self.path.rename(away)
        time.sleep(3)
        away.rename(self.path)
        self.wait(lambda: all(self.daemon.follows(s) for s in ("s0", "s1", "s2")))

    def watch(self):
        """What the daemon started has none of its sockets and pipes but its own ends."""
        while not self.over.wait(0.03):
            pid = self.daemon.process.pid if self.daemon.process else 0
            with contextlib.suppress(OSError):
                ours, same = set(links(pid).values()), pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                    # until it is another program it has them all
                    if pathlib.Path(f"/proc/{child}/cmdline").read_bytes() not in (same, b""):
                        self.watched += 1
                        self.inherited |= {f"{name} of the daemon is descriptor {fd} of its child"
                                           for fd, name in links(child).items() if fd > 3 and name in ours}

    def close(self):
        self.over.set()
        for t in self.threads:
            t.join()
        if self.daemon.process and self.daemon.process.poll() is None:
            self.daemon.process.kill()
            self.daemon.process.wait()
        for server in [*self.servers, *self.grounds]:
            server.stop()
            shutil.rmtree(server.dir, ignore_errors=True)


def end(fleet, how):
    """In the middle of a job; its status."""
    d = fleet.daemon
    fleet.wait(lambda: fleet.started("s1", "dump"))
    if how == "drain":
        d.ask("drain")
    else:
        d.process.send_signal(signal.SIGTERM)
    return d.process.wait(60 * fleet.tool.slow)


def with_tool(name, rounds, seed):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kura-sanitize-"))
    tool, bad = Tool(name, folder), set()
    print(f"soak: {name}, seed {seed}, {BIN}, {folder}", flush=True)
    with running_gateway() as gateway, Hooks() as hooks:
        fleet = Fleet(tool, folder, gateway, hooks, seed)
        try:
            for n in range(rounds):
                began = time.monotonic()
                with fleet.daemon, Askers(fleet.daemon) as askers:
                    fleet.wait(lambda: all(fleet.daemon.follows(s) for s in ("s0", "s1", "s2")))
                    for work in (fleet.jobs, fleet.reload, fleet.cancel, fleet.cut, fleet.away):
                        work()
                    status = end(fleet, "drain" if n % 2 else "SIGTERM")
                    bad |= {f"status {status}"} if status else set()
                print(f"{n + 1}/{rounds}: {askers.asked} requests, {len(hooks.heard)} notices, {fleet.watched} looks at jobs, "
                      f"{time.monotonic() - began:.0f} s, {len(tool.findings())} findings", flush=True)
        finally:
            fleet.close()
    bad = sorted(bad | fleet.inherited) + tool.findings()
    for text in bad[:20]:
        print(f"BAD: {text}\n", flush=True)
    print(f"soak: {name}, {rounds} rounds: {f'{len(bad)} findings, see {folder}' if bad else 'nothing was found'}", flush=True)
    if not bad:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if bad else 0
