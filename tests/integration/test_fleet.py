# SPDX-License-Identifier: Apache-2.0
"""Daemons that share a store: what one leaves, another goes on with, and nothing is lost or spoilt between them."""
import random
import signal

import archives
import pytest
from fleet import Fleet
from test_archive import fresh


@pytest.fixture
def fleet(servers, tmp_path):
    both = [servers(kind, "source") for kind in ("mariadb", "mysql")]
    for server in both:
        server.clear()
        fresh(server)
    f = Fleet(tmp_path / "fleet", both, sources=8, minutes=30)
    yield f
    f.end()
    for server in both:
        server.clear()


def shared(fleet, n):
    """Every source has been taken by one of n daemons, and each of them has some."""
    alive = set(fleet.heartbeats())
    last = [fleet.claims(s)[-1:] for s in fleet.sources]
    owners = {c[0] for c in last if c}
    return len(alive) == n and all(last) and owners <= alive and (n > 2 or owners == alive)


def test_fleet_goes_on_without_one(fleet):
    fleet.start()
    archives.wait_for(lambda: shared(fleet, 3))
    fleet.write(3, flush=True)
    fleet.caught_up()
    dead = fleet.daemons[0]
    dead.kill()
    fleet.write(3, flush=True)
    fleet.caught_up()
    # One that ends well takes its heartbeat with it: only the killed one's is left of two.
    assert fleet.daemons[1].stop() == 0
    assert len(fleet.heartbeats()) == 2
    fleet.write(3)
    fleet.caught_up()
    dead.start()
    fleet.daemons[1].start()
    archives.wait_for(lambda: len({fleet.claims(s)[-1] for s in fleet.sources}) > 1)
    fleet.write(3, flush=True)
    fleet.caught_up()
    assert fleet.stop() == [0, 0, 0]
    assert len(fleet.heartbeats()) <= 1
    fleet.judge()


@pytest.mark.parametrize("step", ["halt before-put /binlog/", "halt after-put /files/"])
def test_fleet_survives_a_holder_that_stands_still(fleet, step):
    fleet.start()
    archives.wait_for(lambda: shared(fleet, 3))
    (fleet.folder / "halt").write_text(step.removeprefix("halt "))
    fleet.write(3, flush=True)
    held = fleet.halted()
    daemon = next(d for d in fleet.daemons if d.process.pid == held)
    # The others have all of it while it stands still in the middle of its work.
    fleet.write(3, flush=True)
    fleet.caught_up()
    daemon.signal(signal.SIGCONT)
    fleet.write(3, flush=True)
    fleet.caught_up()
    assert fleet.stop() == [0, 0, 0]
    fleet.judge()


@pytest.mark.parametrize("what", ["partition"])
def test_fleet_survives(fleet, what):
    fleet.start()
    archives.wait_for(lambda: shared(fleet, 3))
    assert fleet.fault(what, random.Random(1))
    fleet.write(3, flush=True)
    fleet.caught_up()
    assert fleet.stop() == [0, 0, 0]
    fleet.judge()
