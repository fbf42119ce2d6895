# SPDX-License-Identifier: Apache-2.0
"""The control socket of a real daemon: who may ask, and that nobody who asks hurts it."""
import json
import os
import re
import signal
import socket
import time

import pytest
from conftest import run
from daemons import Daemon, wait_for
from test_bad_input import nobody, reachable  # noqa: F401  (a fixture)

STATUS = b'{"version":1,"verb":"status"}\n'


@pytest.fixture
def watched(servers, directory, tmp_path):
    source = servers("mariadb", "source")
    source.clear()
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")

    def daemon(**keys):
        return Daemon(tmp_path / "d", directory, {"orders": (source, {"archive": "no"})}, daemon=keys)
    yield daemon
    source.clear()


def dial(d):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(d.folder / "state/backupd.sock"))
    return s


def test_who_may_ask(watched, reachable):  # noqa: F811
    with watched() as d:
        path = d.folder / "state/backupd.sock"
        os.chmod(d.folder / "state", 0o755)
        assert path.stat().st_mode & 0o777 == 0o600

        def ask():
            return nobody(str(reachable / "backupd"), "status", f"--socket={path}")
        done = ask()
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (f"backupd: {path}: Permission denied; be the daemon's user, or a member of its "
                               "socket-group\n")
        # the mode alone is not what keeps others out
        path.chmod(0o666)
        done = ask()
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "backupd: the daemon says: uid 65534 is neither the daemon's nor in its socket-group\n"
        assert "control: refused" in d.said()
    with watched(**{"socket-group": "nogroup"}) as d:
        assert path.stat().st_mode & 0o777 == 0o660
        assert "orders" in ask().stdout


def test_two_daemons_and_a_dead_one(watched):
    with watched() as d:
        second = run("backupd", "serve", f"--config={d.file}", timeout=60)
        assert second.status == 75 and "a daemon already listens there" in second.err, second
        assert "orders" in d.ask("status").out, "the first goes on"
        d.process.send_signal(signal.SIGKILL)
        d.process.wait()
        assert (d.folder / "state/backupd.sock").exists()
        done = d.ask("status", status=1)
        assert "no daemon listens there" in done.err
        with d:
            assert "orders" in d.ask("status").out


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def test_flood_hurts_nobody(watched):
    with watched() as d:
        assert "orders" in d.ask("status").out
        before, fds = memory(d.process.pid), len(os.listdir(f"/proc/{d.process.pid}/fd"))
        held = []
        for n in range(120):
            s = dial(d)
            # some say nothing, some half, some too much; some never read what they asked for
            s.setblocking(False)
            try:
                s.send((b"", b'{"version":', b" " * 100000, STATUS)[n % 4])
            except (BlockingIOError, BrokenPipeError):
                pass
            held.append(s)
            if n % 20 == 0:
                began = time.monotonic()
                assert d.get("/healthz") == "ok\n" and "orders" in d.ask("status").out
                assert time.monotonic() - began < 20
        assert len(os.listdir(f"/proc/{d.process.pid}/fd")) <= fds + 40
        # a quarter of them are told that the line is too long
        told = 0
        for s in held:
            s.setblocking(True)
            s.settimeout(20)
            try:
                told += b"over 64 KiB" in s.recv(65536)
            except ConnectionError:
                pass
            s.close()
        assert told > 0
        wait_for(lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) <= fds)
        assert memory(d.process.pid) < before + 32 * 1024
        assert "orders" in d.ask("status").out


def test_job_by_hand_is_verified_and_audited(watched, directory):
    with watched() as d:
        assert d.run_job("orders")["exit"] == 0
        assert d.run_job("orders", "verify")["exit"] == 0
    done = run("catalog", "audit", "orders", "--json", *directory.args)
    entries = json.loads(done.out)["entries"]
    assert [(e["verb"], e["result"]) for e in entries] == [("run", "done"), ("verify", "done")]
    assert all(e["by"] == f"uid {os.getuid()}" for e in entries), entries
    (backup,) = json.loads(run("catalog", "list", "--json", *directory.args).out)["backups"]
    assert backup["verified"] and backup["verify_findings"] == 0
