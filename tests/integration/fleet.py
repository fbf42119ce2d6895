# SPDX-License-Identifier: Apache-2.0
"""Several daemons and many sources in one store, and what may befall a daemon."""
import collections
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import archives
from conftest import BIN, HOME, Store, run

# Whoever has a source stands still just before these, between its last look and its work: each soak has them all.
HALTS = {"segment PUT": "halt before-put /binlog/", "head PUT": "halt before-put /heads/",
         "mark": "halt before-put /marks/backup-", "sweep": "halt before-delete /heads/"}
FAULTS = ("kill", "partition", "stop", "term", "restart-all", *HALTS.values(),
          "halt after-put /binlog/", "halt after-put /heads/", "halt after-put /marks/", "halt before-put /marks/sweep-",
          "halt after-delete sources/", "halt before-put /files/", "halt before-put daemons/")
NOBODY = "nobody came there"

class Daemon:
    """One `backupd serve`, whose way to the store can be cut."""

    def __init__(self, folder, name, conf, store):
        self.dir = folder / name
        self.dir.mkdir()
        self.name, self.link, self.store = name, self.dir / "store", store
        self.link.symlink_to(store)
        self.halt = folder / "halt"
        self.conf = self.dir / "kura.conf"
        self.conf.write_text(conf.format(dir=self.dir))
        self.process, self.log = None, self.dir / "log"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "backupd", "serve", f"--config={self.conf}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "HOME": HOME, "KURA_TEST_HALT": str(self.halt)})

    def ident(self):
        """The id that it has since it was started last."""
        return re.findall(r" watching id=([0-9a-f]{16}) ", self.log.read_text())[-1]

    def children(self):
        out = []
        for path in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                out += map(int, path.read_text().split())
        return out

    def signal(self, number):
        """To it and what it started: as if their host stood still, or died."""
        for pid in [self.process.pid, *self.children()] if self.process else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        self.signal(signal.SIGSTOP)
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=60):
        self.signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def cut(self):
        self.link.unlink()
        self.link.symlink_to(self.dir / "nowhere")

    def mend(self):
        self.link.unlink()
        self.link.symlink_to(self.store)


class Fleet:
    def __init__(self, folder, servers, daemons=3, sources=40, heartbeat_s=1, stale_s=4, minutes=2, jobs=4, extra=""):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "store"
        self.path.mkdir(parents=True)
        self.store = Store(f"file://{self.path}", path=self.path)
        self.stale, self.minutes = stale_s, minutes
        self.sources = {f"s{n:02d}": servers[n % len(servers)] for n in range(sources)}
        self.servers = servers
        conf = f"""[daemon]
listen = none
state = {{dir}}/state
heartbeat = {heartbeat_s}s
claim-stale = {stale_s}s
max-jobs = {jobs}
max-jobs-per-group = 0
grace = 5s
allow-root = yes
[store main]
url = file://{{dir}}/store
[defaults]
store = main
user = root
archive = yes
segment-age = 300ms
dump = */{minutes} * * * *
expire = after-dump
keep-last = 2
workers = 1
{extra}
""" + "".join(f"[source {n}]\nsocket = {s.socket}\n" for n, s in self.sources.items())
        self.daemons = [Daemon(self.folder, f"d{n}", conf, self.path) for n in range(daemons)]
        self.seen = collections.defaultdict(set)    # ids of backups, by source
        self.over, self.watcher = threading.Event(), threading.Thread(target=self.watch)

    # --- what is there ---

    def look(self):
        for head in self.path.glob("sources/*/heads/*.json"):
            self.seen[head.parts[-3]].add(head.stem)

    def watch(self):
        while not self.over.wait(0.2):
            with contextlib.suppress(FileNotFoundError):
                self.look()

    def heartbeats(self):
        return sorted(p.stem for p in (self.path / "daemons").glob("*.json")) if (self.path / "daemons").exists() else []

    def claims(self, source):
        """The ids of those that had it, the last one last."""
        return [json.loads(p.read_text())["daemon"] for p in sorted(self.path.glob(f"sources/{source}/claims/*.json"))]

    def histories(self, source):
        return [json.loads(p.read_text()) for p in sorted(self.path.glob(f"sources/{source}/histories/*.json"))]

    def segments(self, source):
        """Names of what the store holds of the newest history's files: {seq: [(start, end, path)]}."""
        history = self.histories(source)[-1]
        out = collections.defaultdict(list)
        for path in self.path.glob(f"sources/{source}/binlog/{history['id']}/*/*.zst"):
            start, end = path.name[:-4].split("-")
            out[int(path.parts[-2])].append((int(start), int(end), path))
        base, number = history["first_file"].rsplit(".", 1)
        return {f"{base}.{int(number) + seq - 1:06d}": sorted(all, key=lambda s: (s[0], -s[1]))
                for seq, all in sorted(out.items())}

    def behind(self):
        """Sources whose archive does not reach to the end of their server's binary log, by the names of segments."""
        last = {id(s): archives.logs(s)[-1] for s in self.servers}
        out = []
        for name, server in self.sources.items():
            file, end = last[id(server)], 0
            try:
                for start, to, _ in self.segments(name).get(file, []):
                    end = max(end, to) if start <= end else end
            except (IndexError, FileNotFoundError):     # nothing yet, or it is being merged
                end = 0
            if end != (server.dir / "data" / file).stat().st_size:
                out.append(name)
        return out

    def archived(self, source):
        """Bytes of each file, by name; overlapping ones are equal."""
        out = {}
        for name, segments in self.segments(source).items():
            stored = b"".join(path.read_bytes() for _, _, path in segments)
            parts, data, at = archives.unzstd(stored), b"", 0
            for start, end, path in segments:
                part = parts[at:at + end - start]
                at += end - start
                assert start <= len(data), f"a hole before {path}"
                assert data[start:end] == part[:len(data) - start], f"{path}: overlapping bytes differ"
                data += part[len(data) - start:]
            assert at == len(parts), name
            out[name] = data
        return out

    def caught_up(self, seconds=120):
        deadline = time.monotonic() + seconds
        while (behind := self.behind()):
            assert time.monotonic() < deadline, f"not archived: {behind}"
            time.sleep(0.2)

    # --- what happens ---

    def start(self):
        self.began = time.time()
        self.watcher.start()
        for d in self.daemons:
            d.start()

    def halted(self, seconds=90):
        """The process that stopped itself where it was told to, or None."""
        deadline = time.monotonic() + seconds
        late = False
        while True:
            for p in self.folder.glob("halt.*"):
                pid = int(p.suffix[1:])
                p.unlink()
                return pid
            if late:
                return None
            late = time.monotonic() > deadline
            if late:        # from now on nobody stops; one may have just before
                (self.folder / "halt").unlink(missing_ok=True)
            time.sleep(0.02)

    def hold(self, pid, seconds):
        """Whoever stopped, and the daemon that it belongs to, stand still for so long."""
        daemon = next((d for d in self.daemons if pid == d.process.pid or pid in d.children()), None)
        if daemon:
            daemon.signal(signal.SIGSTOP)
        time.sleep(seconds)
        if daemon:
            daemon.signal(signal.SIGCONT)
        else:           # what it belonged to was killed before
            os.kill(pid, signal.SIGCONT)
        return daemon.name if daemon else "an orphan"

    def fault(self, what, pick):
        """Do it, wait until it is over, and say to whom."""
        d = pick.choice(self.daemons)
        long = 2 * self.stale
        if what == "kill":
            d.kill()
            time.sleep(pick.random() * long)
            d.start()
        elif what == "partition":
            d.cut()
            time.sleep(long)
            d.mend()
        elif what == "stop":
            d.signal(signal.SIGSTOP)
            time.sleep(long)
            d.signal(signal.SIGCONT)
        elif what == "term":
            status = d.stop()
            assert status == 0, (d.name, status)
            d.start()
        elif what == "restart-all":
            for d in self.daemons:
                d.kill()
            for d in self.daemons:
                shutil.rmtree(d.dir / "state", ignore_errors=True)
                d.start()
            return "all"
        else:
            (self.folder / "halt").write_text(what.removeprefix("halt "))
            # Backups are made, marked and swept by the schedule: two slots are enough.
            pid = self.halted(2 * 60 * self.minutes + 30)
            return self.hold(pid, long) if pid else NOBODY
        return d.name

    def write(self, n=1, flush=False):
        for server in self.servers:
            server.sql("CREATE DATABASE IF NOT EXISTS d",
                       "CREATE TABLE IF NOT EXISTS d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad LONGTEXT)",
                       *["INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 20))",
                         "DELETE FROM d.t ORDER BY id LIMIT 1"] * n, *["FLUSH BINARY LOGS"] * flush)

    def stop(self):
        """All end well; their words are in their folders."""
        self.ended = time.time()
        statuses = [d.stop() for d in self.daemons if d.process]
        self.over.set()
        self.watcher.join()
        self.look()
        return statuses

    def end(self):
        """Whatever goes on ends, after a failure as well."""
        self.over.set()
        for d in self.daemons:
            if d.process and d.process.poll() is None:
                d.kill()

    # --- what must be true afterwards ---

    def judge(self):
        """The archive is the servers' bytes, and all that is referred to is there."""
        for name, server in self.sources.items():
            assert len(self.histories(name)) == 1, name
            files = self.archived(name)
            have = archives.logs(server)
            assert list(files)[-1] == have[-1], name
            for file, data in files.items():
                if file in have:
                    there = archives.on_disk(server, file)
                    # MariaDB writes a last word into its newest file when it likes.
                    assert data == (there[:len(data)] if file == have[-1] else there), (name, file)
        done = run("catalog", "verify", "--all", *self.store.args, timeout=1200)
        assert done.status == 0, done
        done = run("catalog", "list", "--json", *self.store.args)
        assert done.status == 0, done

    def slots(self):
        """For each source the number of its backups in each slot of the schedule that is over."""
        def slot(ident):
            at = datetime.datetime.strptime(ident[:16], "%Y%m%dT%H%M%SZ")
            return int(at.replace(tzinfo=datetime.timezone.utc).timestamp()) // 60 // self.minutes
        counts = {name: collections.Counter(map(slot, self.seen[name])) for name in self.sources}
        whole = range(int(self.began) // 60 // self.minutes + 1, int(self.ended) // 60 // self.minutes)
        return {name: [c[n] for n in whole] for name, c in counts.items()}
