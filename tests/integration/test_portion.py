# SPDX-License-Identifier: Apache-2.0
"""catalog verify --within: a portion a run, and after the time all of it was read; of real backups and binary logs."""
import datetime
import json
import re

import pytest
from archives import fetch
from conftest import run
from test_expire import sealed

BACKUPS, FILES = 4, 6


class Night:
    """A source with backups and archived files, and a way to let a day pass: every time in what was noted goes back."""

    def __init__(self, store):
        self.store = store

    def documents(self):
        return [k for k in self.store.keys() if "/verifications/" in k]

    def newest(self):
        return max((json.loads(fetch(self.store, k)) for k in self.documents()), key=lambda d: d["finished"])

    def write(self, key, data):
        if self.store.path:
            (self.store.path / key).write_bytes(data)
        else:
            self.store.client.put_object(Bucket=self.store.bucket, Key=key, Body=data)

    def passes(self, days):
        def back(found):
            at = datetime.datetime.strptime(found[0], "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.timedelta(days=days)
            return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for key in self.documents():
            text = re.sub(r"2\d{3}-\d\d-\d\dT[\d:.]+Z", back, fetch(self.store, key).decode())
            self.write(key, sealed(json.loads(text)))

    def verify(self, *args, status=0):
        done = run("catalog", "verify", "s", "--within=10d", "--json", *args, *self.store.args, env=self.store.env)
        assert done.status == status, done
        doc = json.loads(done.out)
        (portion,) = doc["portions"]
        return portion, doc["findings"]

    def unread(self):
        doc = self.newest()
        return BACKUPS + FILES - len(doc["backups"]) - sum(f["to"] - f["from"] + 1 for f in doc["files"])


@pytest.fixture
def night(servers, store):
    server = servers("mariadb", "source")
    server.clear()
    # the first file is as large as others' tests made it, and units are read whole
    server.sql("FLUSH BINARY LOGS")
    server.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(300))")
    for n in range(BACKUPS):
        server.sql(f"INSERT INTO d.t SELECT seq + {n * 1000}, SHA2(seq + {n}, 512) FROM d.seq_1_to_1000")
        assert run("backupd", "run", "s", *store.args, *server.args(), env=store.env).status == 0
    for n in range(FILES - 1):
        server.sql(f"UPDATE d.t SET v = SHA2({n}, 512) WHERE id < 500", "FLUSH BINARY LOGS")
    server.sql("DELETE FROM d.t WHERE id = 1")
    done = run("backupd", "archive", "s", "--stop-at-end", *store.args, *server.args(), env=store.env)
    assert done.status == 0, done
    yield Night(store)
    server.clear()


def backups(store):
    done = run("catalog", "list", "s", "--json", *store.args, env=store.env)
    return json.loads(done.out)["backups"]


def test_all_is_read_within_the_time(night):
    portion, findings = night.verify()
    assert findings == [] and (portion["all_backups"], portion["all_files"]) == (BACKUPS, FILES)
    assert 0 < portion["bytes"] < portion["all_bytes"] / 2, "a first run is one day's worth"
    total = portion["bytes"]
    portion, _ = night.verify()
    assert portion["bytes"] == 0, "no time has passed"
    newest = max(b["id"] for b in backups(night.store))
    for day in range(10):
        before = night.unread()
        night.passes(1)
        portion, findings = night.verify()
        total += portion["bytes"]
        assert findings == [] and night.unread() <= before
        assert portion["bytes"] <= portion["all_bytes"] / 2
    assert night.unread() == 0, "all was read within ten days"
    assert total < 1.8 * portion["all_bytes"], "and not much of it twice"
    assert len(night.documents()) <= 8
    listed = backups(night.store)
    assert all(b["verified"] and b["verify_findings"] == 0 for b in listed)
    done = run("catalog", "show", f"s/{newest}", *night.store.args, env=night.store.env)
    assert re.search(r"^verified     2.*Z, whole$", done.out, re.M), done
    # nobody looked for a month: all at once
    night.passes(40)
    portion, _ = night.verify()
    assert (portion["backups"], portion["files"], portion["bytes"]) == (BACKUPS, FILES, portion["all_bytes"])


def spoil(night, part):
    key = [k for k in night.store.keys() if part in k][0]
    data = bytearray(fetch(night.store, key))
    data[len(data) // 2] ^= 1
    night.write(key, bytes(data))
    return key.removeprefix("backups/")


@pytest.mark.parametrize("part", ["/binlog/", "/bundle/"])
def test_damage_is_found_and_stays_found(night, part):
    key = spoil(night, part)
    night.verify("--budget=1")
    night.passes(40)
    portion, findings = night.verify(status=3)
    assert (portion["backups"], portion["files"]) == (BACKUPS, FILES), "damage spoils nothing else"
    assert findings and all(f["object"] in key or key in f["object"] or ".0000" in f["object"] for f in findings), findings
    assert night.newest()["findings"] == findings
    # what is damaged is looked at in each run, until it is whole or gone
    portion, again = night.verify(status=3)
    assert again == findings and portion["backups"] + portion["files"] == 1
    listed = backups(night.store)
    assert sum(b["verify_findings"] > 0 for b in listed) == (part == "/bundle/")


def test_budget_and_contradictions(night):
    portion, _ = night.verify("--budget=1")
    assert portion["backups"] + portion["files"] == 1
    args = night.store.args
    for more, why in ((["s", "--within=30d", "--fast"], "--within and --fast contradict each other"),
                      (["s/latest", "--within=30d"], "--within takes a whole source, not one backup"),
                      (["s", "--within=1s"], "--within: not 1h to 3660d"),
                      (["s", "--budget=1"], "--budget is for --within")):
        done = run("catalog", "verify", *more, *args, env=night.store.env)
        assert (done.status, done.err) == (2, f"catalog: {why}\n")
    done = run("catalog", "verify", "none", "--within=30d", *args, env=night.store.env)
    assert (done.status, done.err) == (4, "catalog: source none has no backup\n")
    done = run("catalog", "verify", "--all", "--within=30d", *args, env=night.store.env)
    assert done.status == 0 and re.search(rf"^s: read \d of {BACKUPS} backups and \d of {FILES} binary log files, ", done.out, re.M)
