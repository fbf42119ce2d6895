# SPDX-License-Identifier: Apache-2.0
"""What expires, when, and that nothing else goes with it."""
import datetime
import hashlib
import json
import os
import pathlib
import re
import signal
import sys

import pytest
from archives import start, wait_for
from conftest import S3_ENV, S3_KEY, S3_SECRET, TOP, Store, run
from test_archive import fresh

sys.path.insert(0, str(TOP / "tests/tools"))
from faults3 import Faults      # noqa: E402


@pytest.fixture(scope="module")
def dumped(servers, tmp_path_factory):
    """One small backup of a real server, to be copied and given other times."""
    server = servers("mariadb", "source")
    server.clear()
    server.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,2),(3,4)")
    path = tmp_path_factory.mktemp("expire") / "store"
    store = Store(f"file://{path}", path=path)
    assert run("backupd", "run", "s", *store.args, *server.args()).status == 0
    server.clear()
    return path


def sealed(doc):
    """A document with its sum, as the programs write it."""
    doc.pop("sum", None)
    text = json.dumps(doc, separators=(",", ":"), ensure_ascii=False)[:-1].encode()
    return text + b',"sum":"' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'


def ident(age_days, tail="0000"):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=age_days)
    return at, at.strftime("%Y%m%dT%H%M%SZ-") + tail


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Aged:
    """Backups as if they had been taken days ago: copies of one, whose lists name no other objects."""

    def __init__(self, dumped, store):
        self.dumped, self.store = dumped, store
        (head,) = (dumped / "sources/s/heads").iterdir()
        self.head, self.id = json.loads(head.read_text()), head.stem
        self.first = None
        self.write("kura.json", (dumped / "kura.json").read_bytes())

    def write(self, key, data):
        if self.store.path:
            path = self.store.path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        else:
            self.store.client.put_object(Bucket=self.store.bucket, Key=f"backups/{key}", Body=data)

    def add(self, age_days, tail="0000", lineage=None, partial=None, proven=True, lenders=()):
        at, new = ident(age_days, tail)
        self.first = self.first or new
        for path in (self.dumped / f"sources/s/data/{self.id}").rglob("*"):
            if path.is_file():
                self.write(str(path.relative_to(self.dumped)).replace(self.id, new), path.read_bytes())
        head = json.loads(json.dumps(self.head).replace(self.id, new))
        # the lists name the bundle of the copied backup: these tests never read rows
        head["lineage"] = lineage or self.first
        head["started"] = head["finished"] = head["snapshot"]["at"] = stamp(at)
        head["snapshot"]["proven"], head["partial"], head["lenders"] = proven, partial, list(lenders)
        self.write(f"sources/s/heads/{new}.json", sealed(head))
        return new

    def keys(self):
        """All but the audit log, which grows."""
        return [k for k in self.store.keys() if "audit/" not in k]

    def heads(self):
        return [re.search(r"heads/(.*)\.json", k)[1] for k in self.store.keys() if "/heads/" in k]


@pytest.fixture(params=["file", "s3"])
def aged(request, dumped):
    return Aged(dumped, request.getfixturevalue("directory" if request.param == "file" else "bucket"))


@pytest.fixture
def files(dumped, directory):
    return Aged(dumped, directory)


def expire(aged, *args, status=0):
    done = run("catalog", "expire", "s", *aged.store.args, *args, env=aged.store.env)
    assert done.status == status, done
    return done


def states(aged, *args):
    doc = json.loads(expire(aged, "--json", *args).out)
    return {b["id"]: b["state"] for b in doc["sources"][0]["backups"]}


def catalog(aged, *args, status=0):
    done = run("catalog", *args, *aged.store.args, env=aged.store.env)
    assert done.status == status, done
    return done


def test_plan_mark_wait_sweep(aged):
    ids = [aged.add(n) for n in (20, 9, 3, 1)]
    before = aged.keys()
    done = expire(aged, "--keep-last=2")
    assert aged.keys() == before and "Nothing was done; --yes does it." in done.out
    for text in ("number 1 of the last 2", "the newest good one of its lineage never leaves",
                 "no rule, hold, window or borrower needs it", "to be marked now, swept after "):
        assert text in done.out, done
    assert states(aged, "--keep-last=2", "--yes") == dict(zip(ids, ["mark", "mark", "stays", "stays"]))
    assert aged.heads() == ids
    # again at once, and a day later: nothing changes
    for later in ("0", "1d"):
        assert states(aged, "--keep-last=2", "--yes", f"--test-later={later}")[ids[0]] == "marked"
    assert set(before) - set(aged.keys()) == set()
    done = expire(aged, "--keep-last=2", "--yes", "--test-later=49h")
    assert "swept 2 backups" in done.out, done
    assert aged.heads() == ids[2:]
    assert not [k for k in aged.keys() if ids[0] in k or ids[1] in k or "/marks/" in k]
    assert [k for k in before if ids[0] not in k and ids[1] not in k] == aged.keys()


def test_no_rule_expires_nothing(files):
    ids = [files.add(n) for n in (900, 400, 1)]
    done = expire(files, "--yes", "--test-later=1000d")
    assert "no rule is set: nothing expires" in done.out and files.heads() == ids


def test_rules_of_the_configuration(files, tmp_path):
    ids = [files.add(n) for n in (20, 9, 3, 1)]
    config = tmp_path / "kura.conf"
    config.write_text(f"[daemon]\ngrace = 1h\n[store main]\nurl = {files.store.url}\n[defaults]\nkeep-last = 1\n"
                      "[source s]\nkeep-last = 3\n[source t]\nkeep-daily = 2\n")
    done = run("catalog", "expire", "s", f"--config={config}", "--json")
    assert {b["id"]: b["stays"] for b in json.loads(done.out)["sources"][0]["backups"]} == dict(
        zip(ids, [False, True, True, True])), done
    done = run("catalog", "expire", "s", f"--config={config}", "--keep-last=4", "--json")
    assert all(b["stays"] for b in json.loads(done.out)["sources"][0]["backups"]), done
    # all sources, each by its own rules, and the daemon's grace
    assert run("catalog", "expire", "--all", f"--config={config}", "--yes").status == 0
    done = run("catalog", "expire", "--all", f"--config={config}", "--yes", "--test-later=61m")
    assert done.status == 0 and files.heads() == ids[1:], done
    # one configuration serves all three programs
    for program, *args in (("backupd", "config", "s"), ("restore", "plan", "s")):
        assert "unknown key" not in run(program, *args, f"--config={config}", "--socket=/nowhere").err


def test_hold_release_annotate(aged):
    ids = [aged.add(n) for n in (20, 9, 3)]
    expire(aged, "--keep-last=1", "--yes")
    done = catalog(aged, "list", "s")
    assert len(re.findall(r"proven, expiring \d{4}-", done.out)) == 2, done
    done = catalog(aged, "hold", f"s/{ids[0]}", "--name=audit", "--reason=the year's end", "--until=90d")
    assert re.search(r"hold +'audit' of \w+ until \d{4}-.*: the year's end", done.out), done
    assert states(aged, "--keep-last=1") == dict(zip(ids, ["stays", "marked", "stays"]))
    catalog(aged, "annotate", f"s/{ids[0]}", "--note=on the old machine")
    done = catalog(aged, "show", f"s/{ids[0]}")
    assert "the year's end" in done.out and "on the old machine" in done.out, done
    backups = json.loads(catalog(aged, "list", "s", "--json").out)["backups"]
    assert [len(b["holds"]) for b in backups] == [1, 0, 0] and backups[0]["notes"][0]["note"] == "on the old machine"
    assert [bool(b["expires"]) for b in backups] == [False, True, False]
    assert ", proven, held" in catalog(aged, "list", "s").out.replace("backup_stage", "")
    expire(aged, "--keep-last=1", "--yes", "--test-later=49h")
    assert aged.heads() == [ids[0], ids[2]]
    # its end, and its release
    assert states(aged, "--keep-last=1", "--test-later=91d")[ids[0]] == "mark"
    catalog(aged, "release", f"s/{ids[0]}", "--name=audit")
    catalog(aged, "release", f"s/{ids[0]}", "--name=audit", status=4)
    done = [(x["verb"], x["result"]) for x in json.loads(catalog(aged, "audit", "s", "--json").out)["entries"]]
    assert {("hold", "done"), ("annotate", "done"), ("expire", "begun"), ("expire", "done"), ("release", "nothing")} <= set(done)
    expire(aged, "--keep-last=1", "--yes")
    expire(aged, "--keep-last=1", "--yes", "--test-later=49h")
    assert aged.heads() == [ids[2]] and not [k for k in aged.keys() if ids[0] in k]


@pytest.mark.parametrize("args,word", [(["--reason=x"], "hold needs --name"), (["--name=x"], "hold needs --reason"),
                                       (["--name=X", "--reason=x"], "'X' is no name of a hold"),
                                       (["--name=x", "--reason=x", "--until=soon"], "neither a day nor a time"),
                                       (["--name=x", "--reason=x", "--until=2001-01-01"], "would end in the past")])
def test_hold_that_is_none(files, args, word):
    files.add(1)
    assert word in catalog(files, "hold", "s/latest", *args, status=2).err
    assert not [k for k in files.keys() if "/holds/" in k]


def test_no_restore_begins_from_what_is_marked(files, servers):
    ids = [files.add(n) for n in (9, 3)]
    target = servers("mariadb", "target")
    expire(files, "--keep-last=1", "--yes")
    done = run("restore", "plan", "s", f"--backup={ids[0]}", *files.store.args, *target.args())
    assert done.status == 4 and "is marked to expire" in done.err and f"catalog hold s/{ids[0]}" in done.err, done
    assert f"s/{ids[1]}" in catalog(files, "show", "s/latest").out
    catalog(files, "hold", f"s/{ids[0]}", "--name=restore", "--reason=restore")
    done = run("restore", "plan", "s", f"--backup={ids[0]}", *files.store.args, *target.args())
    assert "is marked to expire" not in done.err, done


def test_partial_and_unproven_ones_push_no_good_one_out(files):
    good = files.add(9)
    others = [files.add(3, partial={"include": ["d.*"], "exclude": []}), files.add(2, proven=False), files.add(1, proven=False)]
    assert states(files, "--keep-last=1") == {good: "stays", others[0]: "mark", others[1]: "mark", others[2]: "stays"}


def test_head_of_the_future_stops_it(files):
    files.add(9)
    files.add(8)
    future = files.add(-1)
    before = files.keys()
    done = expire(files, "--keep-last=1", "--yes", status=1)
    assert f"s/{future}: its id is of the future" in done.err and files.keys() == before, done


def test_damaged_head_stays_and_what_is_older(files):
    ids = [files.add(n) for n in (30, 20, 9, 1)]
    head = files.store.path / f"sources/s/heads/{ids[1]}.json"
    head.write_bytes(head.read_bytes()[:-9])
    done = expire(files, "--keep-last=1", "--yes", "--json", status=3)
    assert {b["id"]: b["state"] for b in json.loads(done.out)["sources"][0]["backups"]} == dict(
        zip(ids, ["stays", "stays", "mark", "stays"])), done


# --- on a bad day ---

@pytest.fixture
def faulty(bucket, gateway, dumped):
    proxy = Faults(gateway, S3_KEY, S3_SECRET)
    behind = Store(bucket.url, [f"--s3-endpoint={proxy.url}", "--store-retry=1s"], S3_ENV, client=bucket.client,
                   bucket=bucket.bucket)
    yield Aged(dumped, behind), proxy
    proxy.close()


# What lists heads, holds, marks, runs; what reads a head; a listing that is cut short.
@pytest.mark.parametrize("rule", ["list-type=2.*heads", "list-type=2.*holds", "list-type=2.*marks", "list-type=2.*begun",
                                  "list-type=2.*files", "list-type=2.*histories", r"GET.*heads/.*\.json"])
def test_what_cannot_be_listed_deletes_nothing(faulty, rule):
    aged, proxy = faulty
    ids = [aged.add(n) for n in (20, 9, 1)]
    expire(aged, "--keep-last=2", "--yes")
    expire(aged, "--keep-last=1", "--yes")
    before = aged.keys()
    proxy.add("403", "GET", rule.removeprefix("GET.*"), 1)
    done = expire(aged, "--keep-last=1", "--yes", "--test-later=49h", status=1)
    assert proxy.spent() and "403" in done.err, done
    assert aged.keys() == before and aged.heads() == ids
    expire(aged, "--keep-last=1", "--yes", "--test-later=49h")
    assert aged.heads() == ids[2:]


def test_clocks_that_disagree_stop_it(faulty):
    aged, proxy = faulty
    ids = [aged.add(n) for n in (20, 9, 1)]
    expire(aged, "--keep-last=1", "--yes")
    before = aged.keys()
    proxy.shift = 1200
    done = expire(aged, "--keep-last=1", "--yes", "--test-later=49h", status=1)
    assert re.search(r"its clock and that of this host differ by 1[12]\d\d s: nothing expires", done.err), done
    assert aged.keys() == before and aged.heads() == ids


def test_delete_that_fails_is_gone_on_with(faulty):
    aged, proxy = faulty
    ids = [aged.add(n) for n in (20, 9, 1)]
    expire(aged, "--keep-last=1", "--yes")
    for n in range(3):
        proxy.add("403", "POST", "delete", 1)
        done = expire(aged, "--keep-last=1", "--yes", "--test-later=49h", status=1)
        for b in aged.heads():
            assert len([k for k in aged.keys() if f"/data/{b}/" in k]) > 1
    expire(aged, "--keep-last=1", "--yes", "--test-later=49h")
    assert aged.heads() == ids[2:] and not [k for k in aged.keys() if "/marks/" in k or ids[0] in k or ids[1] in k]


def test_old_uploads_under_our_prefix_alone(bucket, dumped):
    aged = Aged(dumped, bucket)
    aged.add(1)
    for key in ("backups/sources/s/data/x/1", "backups/sources/t/data/x/1", "elsewhere/1"):
        bucket.client.create_multipart_upload(Bucket=bucket.bucket, Key=key)
    expire(aged, "--keep-last=1", "--yes", "--test-later=7d")
    assert len(bucket.client.list_multipart_uploads(Bucket=bucket.bucket)["Uploads"]) == 3
    expire(aged, "--keep-last=1", "--yes", "--test-later=9d")
    left = [u["Key"] for u in bucket.client.list_multipart_uploads(Bucket=bucket.bucket)["Uploads"]]
    assert left == ["backups/sources/t/data/x/1", "elsewhere/1"]


# --- one that is stopped in the middle, and goes on when others have been there ---

def stopped(aged, tmp_path, step, *args):
    """An expiry that has stopped itself at a step."""
    halt = tmp_path / "halt"
    halt.write_text(step + "\n")
    child = start("catalog", "expire", "s", *aged.store.args, *args, env={**aged.store.env, "KURA_TEST_HALT": str(halt)})
    wait_for(lambda: not halt.exists())
    wait_for(lambda: pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
    return child


def go_on(child, status=0):
    os.kill(child.pid, signal.SIGCONT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == status, (out, err)
    return err


@pytest.mark.parametrize("step", ["before-put marks/backup-", "after-put marks/backup-"])
def test_stopped_at_a_mark(files, tmp_path, step):
    ids = [files.add(n) for n in (20, 9, 1)]
    child = stopped(files, tmp_path, step, "--keep-last=1", "--yes")
    catalog(files, "hold", f"s/{ids[0]}", "--name=x", "--reason=x")
    expire(files, "--keep-last=1", "--yes")
    go_on(child)
    # a mark that came late is taken back by the next run, long before it comes due
    expire(files, "--keep-last=1", "--yes")
    assert states(files, "--keep-last=1") == dict(zip(ids, ["stays", "marked", "stays"]))
    expire(files, "--keep-last=1", "--yes", "--test-later=49h")
    assert files.heads() == [ids[0], ids[2]]


@pytest.mark.parametrize("step", ["before-put marks/sweep-", "after-put marks/sweep-", "before-delete heads/",
                                  "after-delete heads/", "before-delete data/"])
def test_stopped_at_a_sweep(files, tmp_path, step):
    ids = [files.add(n) for n in (20, 1)]
    expire(files, "--keep-last=1", "--yes")
    child = stopped(files, tmp_path, step, "--keep-last=1", "--yes", "--test-later=49h")
    begun = step != "before-put marks/sweep-"
    gone = step in ("after-delete heads/", "before-delete data/")
    done = run("catalog", "hold", f"s/{ids[0]}", "--name=x", "--reason=x", *files.store.args)
    assert done.status == (4 if gone else 75 if begun else 0), done
    # another goes on with what was begun, and with nothing else
    expire(files, "--keep-last=1", "--yes", "--test-later=49h")
    assert files.heads() == ([ids[1]] if begun else ids)
    for b in files.heads():
        assert len([k for k in files.keys() if f"/data/{b}/" in k]) > 1
    go_on(child)
    assert files.heads() == (ids if not begun else [ids[1]])
    expire(files, "--keep-last=1", "--yes", "--test-later=49h")
    assert files.heads() == (ids if not begun else [ids[1]])
    # of a mark that was taken away its verdict is left: it is never swept by that
    left = [k for k in files.keys() if "/marks/" in k]
    assert left == [] if begun else [f"sources/s/marks/sweep-{ids[0]}-" in k for k in left] == [True]
    assert not begun or not [k for k in files.keys() if ids[0] in k]


# --- what is found damaged by hand ---

def test_damage_found_by_hand_is_noted(servers, gateway, bucket):
    source = servers("mariadb", "source")
    source.clear()
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)")
    made = []       # two of one second are not told apart by their names
    for _ in range(2):
        done = run("backupd", "run", "s", *bucket.args, *source.args(), env=bucket.env)
        assert done.status == 0, done
        keys = bucket.keys()
        made += {re.search(r"heads/(.*)\.json", k)[1] for k in keys if "/heads/" in k} - set(made)
    first, last = made
    source.clear()
    aged = type("", (), {"store": bucket})
    (key,) = [k for k in keys if f"/data/{last}/bundle/" in k]
    good = bucket.client.get_object(Bucket=bucket.bucket, Key=key)["Body"].read()

    def put(data):
        bucket.client.put_object(Bucket=bucket.bucket, Key=key, Body=data)

    def verify(*args, store=bucket, status=3):
        done = run("catalog", "verify", *args, *store.args, env=bucket.env)
        assert done.status == status, done
        return done.err

    def expiry():
        return states(aged, "--keep-last=1")

    put(good[:600] + bytes([good[600] ^ 1]) + good[601:])
    verify("--all", "--fast", status=0)
    assert expiry() == {first: "mark", last: "stays"}
    # whoever may not write says that nobody will know
    proxy = Faults(gateway, S3_KEY, S3_SECRET)
    proxy.add("403", "PUT", "/verifications/", 99)
    told = verify("s", store=Store(bucket.url, [f"--s3-endpoint={proxy.url}"], S3_ENV))
    proxy.close()
    assert "the damage cannot be noted in the store: expire takes the backup for good" in told
    assert expiry() == {first: "mark", last: "stays"}
    # noted, the last good one stays, and for as long as nobody has read the other and found it whole
    assert "noted" not in verify(f"s/{last}")
    assert expiry() == {first: "stays", last: "stays"}
    put(good)
    verify("s", "--fast", status=0)
    assert expiry() == {first: "stays", last: "stays"}
    verify("s", status=0)
    assert expiry() == {first: "mark", last: "stays"}
    # a listing sees that something is missing
    bucket.client.delete_object(Bucket=bucket.bucket, Key=key)
    verify("s", "--fast")
    assert expiry() == {first: "stays", last: "stays"}


# --- binary logs of a real server ---

def test_binary_logs_expire_and_the_rest_is_restored(servers, directory):
    """Two real backups, the second of later files: the first's logs go, and what is left is whole and is gone on with."""
    source, target = servers("mariadb", "source"), servers("mariadb", "target")
    source.clear()
    target.clear()
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "FLUSH BINARY LOGS")

    def backup():
        done = run("backupd", "run", "s", *directory.args, *source.args())
        assert done.status == 0, done

    def archive():
        done = run("backupd", "archive", "s", "--stop-at-end", *directory.args, *source.args())
        assert done.status == 0, done

    backup()
    for n in range(1, 6):
        source.sql(f"INSERT INTO d.t VALUES ({n})", "FLUSH BINARY LOGS")
    archive()
    backup()
    source.sql("INSERT INTO d.t VALUES (6)", "FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (7)")
    archive()
    aged = type("", (), {"store": directory})
    # the first backup's end is minutes, not days, before: nothing says that its logs are older than the second's
    expire(aged, "--keep-last=1", "--yes")
    expire(aged, "--keep-last=1", "--yes", "--test-later=49h")
    logs = [k for k in directory.keys() if "/binlog/" in k]
    assert len([k for k in directory.keys() if "/heads/" in k]) == 1
    done = run("catalog", "verify", "s", *directory.args)
    assert done.status == 0, done
    source.sql("INSERT INTO d.t VALUES (8)")
    archive()
    done = run("restore", "run", "s", "--to=latest", *directory.args, *target.args(), "--yes")
    assert done.status == 0, done
    assert [r[0] for r in target.sql("SELECT id FROM d.t ORDER BY id")] == list(range(1, 9))
    assert logs
    source.clear()
    target.clear()


@pytest.mark.parametrize("kind", ["mariadb", "mysql"])
def test_archive_goes_on_from_swept_logs_over_a_reset(servers, directory, kind):
    """Files before the second backup are really swept; then the server begins its logs anew, and so does the archive."""
    source, target = servers(kind, "source"), servers(kind, "target")
    source.clear()
    target.clear()
    fresh(source)
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "FLUSH BINARY LOGS")
    ids = []

    def backup(*args):
        done = run("backupd", "run", "s", *directory.args, *source.args(), "--json", *args)
        assert done.status == 0, done
        ids.append(json.loads(done.out)["id"])

    def archive():
        done = run("backupd", "archive", "s", "--stop-at-end", *directory.args, *source.args())
        assert done.status == 0, done

    def timeline():
        done = run("catalog", "timeline", "s", "--json", *directory.args)
        assert done.status == 0, done
        line = json.loads(done.out)
        assert line["damage"] == [], line
        return line

    def restored(to):
        target.clear()
        done = run("restore", "run", "s", f"--to={to}", *directory.args, *target.args(), "--yes")
        assert done.status == 0, done
        return [r[0] for r in target.sql("SELECT id FROM d.t ORDER BY id")]

    backup()
    for n in range(1, 6):
        source.sql(f"INSERT INTO d.t VALUES ({n})", "FLUSH BINARY LOGS")
    archive()
    backup()
    source.sql("INSERT INTO d.t VALUES (6)", "FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (7)")
    archive()
    # as if the second backup were of ten minutes later: clocks may differ by five
    path = directory.path / f"sources/s/heads/{ids[1]}.json"
    real = path.read_bytes()
    head = json.loads(real)
    later = stamp(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10))
    head["started"] = head["finished"] = head["snapshot"]["at"] = later
    path.write_bytes(sealed(head))
    aged = type("", (), {"store": directory})
    before = [k for k in directory.keys() if "/binlog/" in k]
    for time in ("1h", "50h"):
        expire(aged, "--keep-last=1", "--yes", f"--test-later={time}")
    path.write_bytes(real)
    left = [k for k in directory.keys() if "/binlog/" in k]
    assert len(left) < len(before) and [k for k in directory.keys() if k.endswith("-gone.json")]
    assert not [k for k in directory.keys() if f"/{ids[0]}" in k]
    # the history goes on ...
    source.sql("INSERT INTO d.t VALUES (8)")
    archive()
    (window,) = timeline()["windows"]
    assert window["backups"] == 1 and restored("latest") == list(range(1, 9))
    last = window["to"]
    # ... and after a RESET another one follows, whose window begins with a backup of its own
    fresh(source)
    source.sql("INSERT INTO d.t VALUES (9)", "FLUSH BINARY LOGS")
    archive()
    line = timeline()
    assert len(line["histories"]) == 2 and [w["to"] for w in line["windows"]] == [last], line
    documents = [json.loads(p.read_text()) for p in sorted((directory.path / "sources/s/histories").iterdir())]
    assert [h["why"] for h in documents] == ["first", "reset"]
    assert documents[1]["parent"]["history"] == documents[0]["id"]
    # a MariaDB has nothing but its GTIDs to be known by, and those are gone
    backup(*["--adopt"] * (kind == "mariadb"))
    source.sql("INSERT INTO d.t VALUES (10)")
    archive()
    line = timeline()
    assert len(line["histories"]) == 2 and len(line["windows"]) == 2, line
    assert restored("latest") == list(range(1, 11))
    assert run("catalog", "verify", "s", *directory.args).status == 0
    source.clear()
    target.clear()
