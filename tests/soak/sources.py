# SPDX-License-Identifier: Apache-2.0
"""One process archives many sources: names for two real servers, each name with a replica id of its own, while the
servers are written to at a steady rate.  Bounds: 256 MiB resident, and every name's bytes are the server's own."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import archives
from conftest import Server, Store

MEMORY_MIB = 256
TICKS = os.sysconf("SC_CLK_TCK")


class Writer:
    """Row changes of so many bytes a second, in ten transactions a second."""

    def __init__(self, server, rate):
        self.server, self.rate, self.stop = server, rate, threading.Event()
        server.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad LONGTEXT)")
        self.thread = threading.Thread(target=self.write)

    def write(self):
        with self.server.connect() as c, c.cursor() as cursor:
            due = time.monotonic()
            while not self.stop.is_set():
                cursor.execute(f"INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), {max(1, self.rate // 360)}))")
                due += 0.1
                self.stop.wait(max(0, due - time.monotonic()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def usage(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    kib = {name: int(status.split(name + ":")[1].split()[0]) for name in ("VmRSS", "VmHWM", "Threads")}
    return kib["VmRSS"] / 1024, kib["VmHWM"] / 1024, kib["Threads"], (int(fields[11]) + int(fields[12])) / TICKS


def with_sources(number, seconds, rate):
    servers = [Server(kind, "many", 40 + i) for i, kind in enumerate(("mariadb", "mysql"))]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kura-sources-"))
    names = {f"s{i:03d}": servers[i % len(servers)] for i in range(number)}
    conf = folder / "kura.conf"
    conf.write_text("".join(f"[source {n}]\nsocket = {s.socket}\nuser = root\n" for n, s in names.items()))
    store = Store(f"file://{folder}/store", path=folder / "store")
    most = 0
    try:
        for server in servers:
            server.sql("SET GLOBAL max_connections = 2000")
        with open(folder / "log", "w") as log:      # nobody reads a pipe meanwhile
            p = subprocess.Popen([f"{os.environ['KURA_BIN']}/backupd", "archive", f"--config={conf}", f"--store={store.url}",
                                  *names], stdin=subprocess.DEVNULL, stderr=log)
        archives.wait_for(lambda: (folder / "log").exists() and
                          (folder / "log").read_text().count(" following ") >= number, 120)
        rss, _, threads, before = usage(p.pid)
        print(f"{number} sources, idle: {rss:.0f} MiB, {threads} threads", flush=True)
        began = time.monotonic()
        with Writer(servers[0], rate), Writer(servers[1], rate):
            while time.monotonic() < began + seconds:
                time.sleep(5)
                rss, most, threads, cpu = usage(p.pid)
                print(f"{time.monotonic() - began:5.0f} s: {rss:.0f} MiB, {threads} threads, "
                      f"{100 * (cpu - before) / (time.monotonic() - began):.0f} % of a core", flush=True)
        rss, most, threads, cpu = usage(p.pid)
        cpu, wall = cpu - before, time.monotonic() - began
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=60)
        bad = [n for n, s in names.items() if not equal(store, n, s)]
        total = sum(len(b) for n in names for b in archives.archived(store, source=n).values())
    finally:
        for server in servers:
            server.stop()
            shutil.rmtree(server.dir, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{number} sources, {total / wall / number / 1000:.0f} kB/s each: at most {most:.0f} MiB (bound {MEMORY_MIB}), "
          f"{100 * cpu / wall:.0f} % of a core, {cpu / (total / 1e9):.1f} CPU-s a GB; {len(bad)} archives differ")
    return 1 if bad or most > MEMORY_MIB or p.returncode != 0 else 0


def equal(store, name, server):
    """What is archived is what the server has, up to what it wrote last for itself."""
    for file, data in archives.archived(store, source=name).items():
        there = archives.on_disk(server, file)
        if there[:len(data)] != data or len(there) - len(data) not in (0, 43):
            return False
    return True
