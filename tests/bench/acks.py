# SPDX-License-Identifier: Apache-2.0
"""What an archive costs a source: time of a commit that waits for it, and requests of a day."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from conftest import Server

COMMITS, DAY = 400, 86400


def commits(source, n=COMMITS):
    """Median milliseconds of a small commit."""
    took = []
    with contextlib.closing(source.connect()) as c, c.cursor() as cursor:
        for i in range(n):
            began = time.monotonic()
            cursor.execute(f"INSERT INTO ack.t (v) VALUES ({i})")
            took.append(time.monotonic() - began)
    return statistics.median(took) * 1000


class Archive:
    def __init__(self, source, store, *args):
        self.log = pathlib.Path(tempfile.mkstemp(prefix="kura-acks-")[1])
        with open(self.log, "w") as log:
            self.p = subprocess.Popen([f"{os.environ['KURA_BIN']}/backupd", "archive", f"--store=file://{store}", *source.args(),
                                       *args, "s"], stdin=subprocess.DEVNULL, stderr=log)
        while " following " not in self.log.read_text():
            time.sleep(0.05)

    def end(self):
        """The requests it made, by kind."""
        self.p.send_signal(signal.SIGTERM)
        self.p.wait(timeout=30)
        line = [x for x in self.log.read_text().splitlines() if "archive ends" in x][-1]
        self.log.unlink()
        return {k: int(v) for k, v in re.findall(r"(get|put|list|delete|other)=(\d+)", line)}


def requests(bench, source, folder):
    """Of a day without a commit, and of one with commits all the time: the age of segments is 10 s, here 0.1 s."""
    idle = []
    Archive(source, folder / "idle").end()      # its history begins
    for seconds in (2, 12):
        one = Archive(source, folder / "idle")
        time.sleep(seconds)
        idle.append(sum(one.end().values()))
    bench.figure(f"archive {source.kind}, requests of an idle source-day", f"{(idle[1] - idle[0]) * DAY / 10:.0f}", "at most 4")
    seconds = 20
    one = Archive(source, folder / "idle", "--segment-age=100ms")
    began = time.monotonic()
    with contextlib.closing(source.connect()) as c, c.cursor() as cursor:
        while time.monotonic() < began + seconds:
            cursor.execute("INSERT INTO ack.t (v) VALUES (1)")
            time.sleep(0.01)
    busy = sum(one.end().values()) - idle[0]
    # a hundredth of the age: as many segments as in a hundred times the time
    bench.figure(f"archive {source.kind}, requests of a busy source-day", f"{busy * DAY / (seconds * 100):.0f}",
                 "at most 9000, without the ends of files")


def semisync(source, on):
    role = "master" if source.kind == "mariadb" else "source"
    if source.kind == "mysql" and on:
        source.sql("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
    source.sql(f"SET GLOBAL rpl_semi_sync_{role}_enabled = {'ON' if on else 'OFF'}",
               f"SET GLOBAL rpl_semi_sync_{role}_timeout = 20000")


def replica(source):
    """A plain semi-synchronous replica that keeps its relay log in sync."""
    other = Server(source.kind, "acks", 77, ["--sync-relay-log=1"])
    if source.kind == "mysql":
        other.sql("INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'", "SET GLOBAL rpl_semi_sync_replica_enabled=ON",
                  f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port}, SOURCE_USER='repl', "
                  "SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1", "START REPLICA")
    else:
        other.sql("SET GLOBAL rpl_semi_sync_slave_enabled=ON", f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port},"
                  " MASTER_USER='repl', MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos", "START SLAVE")
    return other


def waiting(source):
    role = "master" if source.kind == "mariadb" else "source"
    while source.sql(f"SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_{role}_clients'")[0][1] != "1":
        time.sleep(0.05)


def bench_acks(bench, source):
    bench.say(f"commits that wait for an archive, {source.kind}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kura-acks-"))
    source.clear()
    source.sql("RESET MASTER" if source.kind == "mariadb" else "RESET BINARY LOGS AND GTIDS",
               "CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'", "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'",
               "CREATE DATABASE ack", "CREATE TABLE ack.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    try:
        requests(bench, source, folder)
        alone = commits(source)
        semisync(source, True)
        took = {}
        other = replica(source)
        waiting(source)
        took["a semi-synchronous replica"] = commits(source)
        other.stop()
        shutil.rmtree(other.dir, ignore_errors=True)
        for name, args in (("--ack=store", ["--ack"]), ("--ack=spool", ["--ack=spool", f"--spool={folder}/spool"])):
            source.sql("FLUSH BINARY LOGS")     # the dump thread of what went before is found out
            one = Archive(source, folder / name, *args)
            waiting(source)
            took[name] = commits(source)
            one.end()
        for name, ms in took.items():
            bench.figure(f"commit {source.kind}, {name}", f"{ms:.2f} ms", f"{alone:.2f} ms alone")
    finally:
        semisync(source, False)
        source.clear()
        shutil.rmtree(folder, ignore_errors=True)
