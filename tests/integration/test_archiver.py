# SPDX-License-Identifier: Apache-2.0
"""The archive as the daemon runs it: sources come and go, and none disturbs another."""
import contextlib
import json
import queue
import signal
import subprocess
import threading

import archives
import pytest
from conftest import BIN, HOME, Server, run
from test_archive import flush, fresh, once, settled, write


class Archiver:
    """The daemon's archive, driven by hand."""

    def __init__(self, store, retry_ms=300000):
        self.process = subprocess.Popen(
            [BIN.parent / "tools/archiverctl", store.url, str(retry_ms)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"HOME": HOME})
        self.lists, self.events, self.log = queue.Queue(), [], []
        self.threads = [threading.Thread(target=self._read), threading.Thread(target=self._log)]
        for t in self.threads:
            t.start()

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if isinstance(said, list):
                self.lists.put({s["name"]: s for s in said})
            else:
                self.events.append(said)

    def _log(self):
        self.log += self.process.stderr

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def list(self):
        self.tell("list")
        return self.lists.get(timeout=30)

    def until(self, name, state, seconds=60):
        archives.wait_for(lambda: self.list().get(name, {}).get("state") == state, seconds)
        return self.list()[name]

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=30)
        for t in self.threads:
            t.join()
        assert status == 0, self.log


@contextlib.contextmanager
def archiver(store, **options):
    a = Archiver(store, **options)
    try:
        yield a
    finally:
        a.stop()


def stored(store, server, name):
    """Does the store hold all that the server wrote?"""
    def is_stored():
        with contextlib.suppress(IndexError, KeyError, FileNotFoundError):
            file = archives.logs(server)[-1]
            return archives.archived(store, source=name)[file] == archives.on_disk(server, file)
        return False
    archives.wait_for(is_stored)


def test_sources_come_and_go(source, directory):
    fresh(source)
    write(source, 2)
    with archiver(directory) as a:
        a.tell("follow one", source.socket)
        a.tell("follow two", source.socket)
        one = a.until("one", "following")
        assert one["server"].startswith(source.sql("SELECT VERSION()")[0][0][:5])
        a.until("two", "following")
        stored(directory, source, "two")
        a.tell("leave two")
        archives.wait_for(lambda: "two" not in a.list())
        before = archives.archived(directory, source="two")
        write(source, 2)
        flush(source)
        write(source, 2)
        stored(directory, source, "one")
        assert archives.archived(directory, source="two") == before
        a.tell("follow two", source.socket)
        stored(directory, source, "two")
        archives.wait_for(lambda: a.list()["one"]["lag_s"] == 0 and a.list()["one"]["last_commit_us"] > 0)
        # The same once more changes nothing, other options take effect.
        a.tell("follow one", source.socket)
        a.tell("follow two", source.socket, "ack")
        a.until("two", "following")
    names = archives.logs(source)
    for name in ("one", "two"):
        assert len(archives.histories(directory, name)) == 1
        files = archives.archived(directory, source=name)
        assert files == {n: archives.on_disk(source, n) for n in names}
    assert sum("following" in line and "source=one" in line for line in a.log) == 1
    assert not a.events


@pytest.mark.parametrize("kind", ["mysql"])
def test_a_foreign_server_ends_no_other(source, servers, directory):
    fresh(source)
    write(source, 1)
    other = servers("mariadb", "source")
    with archiver(directory) as a:
        a.tell("follow one", source.socket)
        a.tell("follow two", source.socket)
        stored(directory, source, "one")
        stored(directory, source, "two")
        a.tell("follow one", other.socket)
        one = a.until("one", "stopped")
        assert "is not the one that history" in one["error"], one
        archives.wait_for(lambda: a.events)
        assert [(e["event"], e["source"]) for e in a.events] == [("failed", "one")]
        write(source, 1)
        stored(directory, source, "two")
        a.tell("follow one", source.socket)
        a.until("one", "following")
        stored(directory, source, "one")
        archives.wait_for(lambda: len(a.events) == 2)
        assert (a.events[1]["event"], a.events[1]["source"]) == ("recovered", "one")
        archives.wait_for(lambda: a.list()["one"]["error"] == "")


@pytest.mark.parametrize("kind", ["mariadb"])
def test_what_failed_is_tried_again(servers, directory, kind):
    server = Server(kind, "again", 190)
    try:
        server.sql("CREATE USER IF NOT EXISTS x@localhost")
        with archiver(directory, retry_ms=200) as a:
            a.tell("follow one", server.socket)
            stored(directory, server, "one")
            server.stop()
            one = a.until("one", "waiting")
            assert one["error"] and one["lag_s"] >= 0
            server.start()
            write(server, 1)
            stored(directory, server, "one")
            assert not [e for e in a.events if e["event"] == "gap"]
            a.tell("leave one")
            archives.wait_for(lambda: not a.list())
            write(server, 1)
            names = archives.logs(server)
            flush(server)
            flush(server)
            server.sql(f"PURGE BINARY LOGS TO '{archives.logs(server)[-1]}'")
            assert names[-1] not in archives.logs(server)
            a.tell("follow one", server.socket)
            stored(directory, server, "one")
            assert [(e["event"], e["source"]) for e in a.events] == [("gap", "one")]
            archives.wait_for(lambda: a.list()["one"]["gaps"] == 1)
    finally:
        server.stop()
    assert len(archives.histories(directory, "one")) == 2


def loud(a):
    return [line for line in a.log if "cannot be followed" in line]


def waits(a):
    return sum("another archiver follows the source" in line for line in a.log)


def test_a_source_changes_hands_in_silence(source, directory):
    """The new daemon begins before the old one knows."""
    fresh(source)
    write(source, 1)
    with archiver(directory) as old, archiver(directory) as new:
        old.tell("follow one", source.socket)
        stored(directory, source, "one")
        new.tell("follow one", source.socket)
        archives.wait_for(lambda: waits(old))
        assert new.until("one", "following")["error"] == ""
        one = old.list()["one"]
        assert one["state"] != "following" and one["error"] == ""
        write(source, 1)
        stored(directory, source, "one")
        old.tell("leave one")
        archives.wait_for(lambda: not old.list())
        assert not waits(new) and not loud(old) and not loud(new)


def is_marked(store):
    return [k for key in store.keys() if "/marks/" in key for k in json.loads(archives.fetch(store, key))["keys"]]


def test_two_archivers_of_one_source_do_no_harm(source, directory):
    """Two daemons may hold a source at once: one of them was stopped for long, or was only thought dead."""
    fresh(source)
    once(directory, source)
    args = ["backupd", "archive", *directory.args, *source.args(), "--segment-age=30ms", "s"]
    both = [archives.start(*args, env=directory.env) for _ in range(2)]
    readers = [threading.Thread(target=p.stderr.read) for p in both]
    for r in readers:
        r.start()
    try:
        for i in range(4):
            write(source, 2)
            both[i % 2].send_signal(signal.SIGSTOP)
            write(source, 3)
            flush(source)
            write(source, 2)
            # The other one goes on, and the stopped one wakes up far behind.
            name = archives.logs(source)[-1]
            archives.wait_for(lambda: archives.archived(directory).get(name) == archives.on_disk(source, name))
            both[i % 2].send_signal(signal.SIGCONT)
        settled(source)
        name = archives.logs(source)[-1]
        archives.wait_for(lambda: archives.archived(directory).get(name) == archives.on_disk(source, name))
    finally:
        for p in both:
            p.send_signal(signal.SIGCONT)
            p.send_signal(signal.SIGTERM)
        for p in both:
            p.wait(timeout=30)
        for r in readers:
            r.join()
    assert [p.returncode for p in both] == [0, 0]
    once(directory, source)
    assert len(archives.histories(directory)) == 1
    files = archives.archived(directory)
    names = archives.logs(source)
    assert files == {n: archives.on_disk(source, n) for n in names}
    history = archives.histories(directory)[-1]
    finished = archives.finished(directory)
    assert list(finished) == names[:-1]
    # What one marked, since it had merged it, is nothing that the other one's document needs.
    for f in finished.values():
        assert archives.objects(directory, f, history) == files[f["name"]]
        used = {f"sources/s/binlog/{history['id']}/{f['seq']:08d}/{o['start']:020d}-{o['end']:020d}.zst" for o in f["objects"]}
        assert not used & set(is_marked(directory))
    done = run("catalog", "verify", *directory.args, "s", env=directory.env)
    assert done.status == 0, done


def test_archivers_that_begin_together_begin_one_history(source, directory):
    fresh(source)
    run("backupd", "run", "other", *directory.args, *source.args())     # the store is there
    args = ["backupd", "archive", *directory.args, *source.args(), "--segment-age=30ms", "s"]
    all = [archives.start(*args) for _ in range(4)]
    readers = [threading.Thread(target=p.stderr.read) for p in all]
    for r in readers:
        r.start()
    write(source, 3)
    flush(source)
    write(source, 3)
    name = archives.logs(source)[-1]
    try:
        archives.wait_for(lambda: archives.histories(directory) and
                          archives.archived(directory).get(name) == archives.on_disk(source, name))
    finally:
        for p in all:
            p.send_signal(signal.SIGTERM)
        for p in all:
            p.wait(timeout=30)
        for r in readers:
            r.join()
    once(directory, source)
    assert len(archives.histories(directory)) == 1
    files = archives.archived(directory)
    for file, data in files.items():
        assert data == archives.on_disk(source, file)
    assert list(files) == archives.logs(source)[-len(files):]
