# SPDX-License-Identifier: Apache-2.0
"""--progress-fd: what a program that starts ours is told meanwhile."""
import json
import os
import subprocess

import pytest
from conftest import BIN, HOME, run


def watched(program, *args):
    """Run a program to its end; its result and the documents that it fed."""
    reads, writes = os.pipe()
    with subprocess.Popen([str(BIN / program), *map(str, args), f"--progress-fd={writes}"], pass_fds=(writes,),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "HOME": HOME}) as child:
        os.close(writes)
        with os.fdopen(reads) as lines:
            fed = [json.loads(line) for line in lines]
        out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return out, fed


def phases(fed):
    seen = []
    for line in fed:
        assert line["version"] == 1 and set(line) >= {"tables", "rows", "bytes", "total", "rate", "left_s"}
        if line["phase"] not in seen[-1:]:
            seen.append(line["phase"])
    return seen


def test_phases_and_one_document(source, target, directory):
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY, v INT, KEY (v))",
               "INSERT INTO shop.orders VALUES (1,2),(3,4),(5,6)")
    out, fed = watched("backupd", "run", "orders", "--json", *directory.args, *source.args())
    assert phases(fed) == ["lock", "dump", "commit"]
    assert json.loads(out)["source"] == "orders"
    assert (fed[-1]["rows"], fed[-1]["tables"]) == (3, 1)

    assert run("backupd", "archive", "orders", "--stop-at-end", *directory.args, *source.args()).status == 0
    out, fed = watched("catalog", "verify", "orders/latest", "--json", *directory.args)
    assert phases(fed) == ["verify"]
    assert fed[-1]["rows"] == 3 and fed[-1]["bytes"] == fed[-1]["total"] > 0
    assert json.loads(out)["verified"] == 1

    out, fed = watched("restore", "run", "orders", "--json", "--yes", "--check", "--to=latest", "--replay=apply",
                       *directory.args, *target.args())
    assert phases(fed) == ["plan", "load", "indexes", "check", "replay"]
    assert [l["rows"] for l in fed if l["phase"] == "load"][-1] == 3
    done = json.loads(out)
    assert (done["state"], done["rows"], done["checked"]) == ("done", 3, 1)
    target.clear()


@pytest.mark.parametrize("fd,why", [("2", "--progress-fd: not 3 or more"),
                                    ("77", "--progress-fd=77: Bad file descriptor")])
def test_what_is_no_open_descriptor_is_refused(directory, fd, why):
    done = run("catalog", "verify", "--all", f"--progress-fd={fd}", *directory.args)
    assert (done.status, done.err) == (2, f"catalog: {why}\n")
