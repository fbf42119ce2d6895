# SPDX-License-Identifier: Apache-2.0
"""A few rounds of what may befall an archive and a restore; `./dev soak --faults` plays many."""
import random
import shutil

import pytest

import faults

ROUNDS = {"mariadb": ("kill-source", "kill-restore"), "mysql": ("store-away", "kill-target")}


@pytest.fixture
def ground(servers, kind, tmp_path):
    source, target = (faults.server(kind, f"faults-{name}", ident) for ident, name in ((1, "source"), (2, "target")))
    replica = servers(kind, "replica")
    faults.forget_source(replica)
    faults.wipe(replica)
    seed = random.randrange(10**6)
    print("seed", seed)
    one = faults.Ground(source, target, replica, tmp_path, seed)
    yield one
    one.close()
    faults.forget_source(replica)
    faults.wipe(replica)
    for server in (source, target):
        server.stop()
        shutil.rmtree(server.dir, ignore_errors=True)


def test_a_few_rounds(ground):
    for fault in ROUNDS[ground.source.kind]:
        print(fault, ground.round(fault), ground.told)
