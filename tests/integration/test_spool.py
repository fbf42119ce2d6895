# SPDX-License-Identifier: Apache-2.0
"""--ack=spool: what a commit waited for survives the loss of the source and of the archiver, and a store that is away."""
import contextlib
import re
import signal
import threading

import archives
import pytest
from conftest import run
from test_archive import flush, fresh, kill_dumps


class Semisync:
    """The source waits for a replica's acknowledgement, at most so many ms."""

    def __init__(self, source):
        self.source = source
        self.role = "master" if source.kind == "mariadb" else "source"

    def status(self, name):
        return int(self.source.sql(f"SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_{self.role}_{name}'")[0][1])

    def set(self, **settings):
        self.source.sql(*[f"SET GLOBAL rpl_semi_sync_{self.role}_{k} = {v}" for k, v in settings.items()])


@pytest.fixture
def semisync(source):
    fresh(source)
    if source.kind == "mysql":
        source.sql("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
    one = Semisync(source)
    one.set(timeout=20000, enabled="ON")
    yield one
    with contextlib.suppress(Exception):    # a test may have killed it
        source.sql("SELECT 1")
    one.set(enabled="OFF")
    if source.kind == "mysql":
        archives.wait_for(lambda: one.status("clients") == 0 or not kill_dumps(source))
        source.sql("UNINSTALL PLUGIN rpl_semi_sync_source")


@contextlib.contextmanager
def archiving(store, source, spool, *args):
    p = archives.start("backupd", "archive", *store.args, *source.args(), "--ack=spool", f"--spool={spool}", *args, "s")
    p.lines = []
    reader = threading.Thread(target=lambda: p.lines.extend(iter(p.stderr.readline, "")))
    reader.start()
    p.says = lambda text: any(text in line for line in p.lines)
    try:
        yield p
    finally:
        p.kill()
        p.wait()
        reader.join()


def table(source):
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad LONGTEXT)")


def holds(store, source, name):
    """Segments are stored in any order: until the last one is, there may be a hole."""
    try:
        return archives.archived(store).get(name) == archives.on_disk(source, name)
    except archives.Hole:
        return False


def spooled(spool):
    return sorted(p for p in spool.rglob("*.spool") if p.parent.name != "aside")


def last_commit(data):
    """MariaDB may write a Binlog_checkpoint, for which nobody waits."""
    return data[:-43] if data[-43 + 4] == 161 else data


def test_spool_outlives_source_and_archiver(source, semisync, directory, tmp_path):
    spool = tmp_path / "spool"
    with archiving(directory, source, spool, "--segment-age=1h") as p:
        archives.wait_for(lambda: semisync.status("clients") == 1)
        without = semisync.status("no_tx")
        table(source)
        for i in range(3):
            source.sql("INSERT INTO d.t (pad) VALUES (UUID())")
        flush(source)
        for i in range(3):
            source.sql("INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 9000))")
        names = archives.logs(source)
        expect = {name: archives.on_disk(source, name) for name in names}
        assert semisync.status("no_tx") == without and semisync.status("yes_tx") >= 8
        p.kill()
        p.wait()
        stored = archives.archived(directory)
        assert names[-1] not in stored or len(stored[names[-1]]) < 100000
        source.kill()
    try:
        # Nothing but the spool and the store is left of it.
        with archiving(directory, source, spool) as p:
            archives.wait_for(lambda: p.says("cannot be followed"))
            assert p.says("taken from the spool"), p.lines
        files = archives.archived(directory)
        assert list(files) == names
        for name in names:
            assert files[name] == last_commit(expect[name]) or files[name] == expect[name], name
        assert not spooled(spool)
        listed = run("catalog", "events", "s", "--kind=rows", *directory.args).out
        assert len(re.findall(r"d\.t", listed)) == 6, listed
        assert run("catalog", "verify", *directory.args, "s").status == 0
    finally:
        source.start()
        if source.kind == "mariadb":
            semisync.set(enabled="ON")
        elif not semisync.source.sql("SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync_source_enabled'"):
            source.sql("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")


def test_spool_up_to_its_limit_and_no_further(source, semisync, directory, tmp_path):
    spool = tmp_path / "spool"
    with archiving(directory, source, spool, "--segment-age=100ms", "--spool-limit=16MiB") as p:
        archives.wait_for(lambda: semisync.status("clients") == 1)
        table(source)
        without = semisync.status("no_tx")
        away = directory.path.with_name("away")
        directory.path.rename(away)
        directory.path.write_text("no directory")
        # UUIDs do not repeat: 1 MB each
        big = "INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 28000))"
        for _ in range(10):
            source.sql(big)
        assert semisync.status("no_tx") == without and not p.says("spool is full")
        assert not p.says("the store does not keep up")
        assert sum(f.stat().st_size for f in spooled(spool)) > 10_000_000
        semisync.set(timeout=1000)
        for _ in range(7):
            source.sql(big)
        assert p.says("error backupd: the spool is full"), p.lines
        # it was told before that
        warned, full = (next(n for n, line in enumerate(p.lines) if text in line) for text in
                        (" of 16 MiB that it may: the store does not keep up", "the spool is full"))
        assert warned < full
        assert semisync.status("no_tx") > without
        assert sum(f.stat().st_size for f in spooled(spool)) <= 16 << 20
        directory.path.unlink()
        away.rename(directory.path)
        name = archives.logs(source)[-1]
        archives.wait_for(lambda: holds(directory, source, name))
        archives.wait_for(lambda: not spooled(spool))
        archives.wait_for(lambda: source.sql("INSERT INTO d.t (pad) VALUES ('x')") == () and p.says("room again"))
        p.send_signal(signal.SIGTERM)
        archives.wait_for(lambda: p.poll() is not None)
        assert p.returncode == 0 and not spooled(spool)
        assert archives.archived(directory)[name] == archives.on_disk(source, name)
