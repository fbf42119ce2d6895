# SPDX-License-Identifier: Apache-2.0
"""Servers and stores that lie."""
import hashlib
import json
import subprocess
import sys

import pytest
from conftest import TOP, run
from test_dump import fill
from test_roundtrip import backup

sys.path.insert(0, str(TOP / "tests/tools"))
from hostile import Hostile     # noqa: E402

SECRET = "a-password-that-nobody-may-hear"


@pytest.fixture
def account(servers):
    server = servers("mariadb", "source")
    server.clear()
    fill(server, rows=50, tables=1)
    server.sql("CREATE OR REPLACE USER kura@localhost IDENTIFIED BY '" + SECRET + "'",
               "GRANT ALL ON *.* TO kura@localhost WITH GRANT OPTION")
    yield server
    server.sql("DROP USER kura@localhost")
    server.clear()


@pytest.mark.parametrize("mode", ["login", "select", "clear"])
def test_server_that_asks_for_files_or_the_password(account, directory, mode):
    proxy = Hostile(account.socket, mode)
    done = run("backupd", "run", "d", *directory.args, "--host=127.0.0.1", f"--port={proxy.port}", "--user=kura",
               "--ssl-mode=DISABLED", env={"KURA_PASSWORD": SECRET}, timeout=60)
    proxy.close()
    assert proxy.asked and done.status == 1 and done.out == "", done
    assert done.err.splitlines()[-1].startswith(f"backupd: 127.0.0.1:{proxy.port}"), done
    assert b"root:" not in proxy.heard and SECRET.encode() not in proxy.heard
    assert "Traceback" not in done.err and SECRET not in done.err


def test_server_that_asks_for_another_file_than_the_rows(account, directory, servers):
    target = servers("mariadb", "target")
    target.clear()
    backup(account, directory)
    target.sql("CREATE OR REPLACE USER kura@localhost IDENTIFIED BY '" + SECRET + "'",
               "GRANT ALL ON *.* TO kura@localhost WITH GRANT OPTION")
    proxy = Hostile(target.socket, "name")
    done = run("restore", "run", "orders", *directory.args, "--host=127.0.0.1", f"--port={proxy.port}", "--user=kura",
               "--ssl-mode=DISABLED", "--yes", "--accounts=none", env={"KURA_PASSWORD": SECRET}, timeout=60)
    proxy.close()
    target.sql("DROP USER kura@localhost")
    # our rows are all it ever gets, whatever it names
    assert proxy.asked, done
    assert b"root:" not in proxy.heard and done.status == 1, done
    assert "table d.t0, chunk" in done.err and "asked for file '/etc/passwd'" in done.err
    assert target.sql("SELECT COUNT(*) FROM d.t0")[0][0] == 0
    target.clear()


# --- stores ---

@pytest.fixture(scope="module")
def pristine(servers, tmp_path_factory):
    from conftest import Store
    path = tmp_path_factory.mktemp("hostile") / "store"
    store = Store(f"file://{path}", path=path)
    server = servers("mariadb", "source")
    server.clear()
    fill(server, rows=40000, tables=1)
    server.sql("CREATE TABLE d.small (id INT PRIMARY KEY)", "INSERT INTO d.small VALUES (1)", "ANALYZE TABLE d.t0",
               "CREATE PROCEDURE d.p() SELECT 1")
    backup(server, store, "--chunk-bytes=1M")
    server.clear()
    return store


@pytest.fixture
def forged(pristine, tmp_path):
    """A copy of a good store, to be forged consistently: every digest right."""
    import shutil
    from conftest import Store
    shutil.copytree(pristine.path, tmp_path / "store")
    return Store(f"file://{tmp_path}/store", path=tmp_path / "store")


def forge_head(store, change):
    path = next(store.path.glob("sources/orders/heads/*.json"))
    head = json.loads(path.read_text())
    head.pop("sum")
    text = change(head)
    if text is None:
        text = json.dumps(head, separators=(",", ":"))
    text = text[:-1] if text.endswith("}") else text
    path.write_text(text + ',"sum":"' + hashlib.sha256(text.encode()).hexdigest() + '"}')


def forge_lines(store, change):
    """Rewrite the list by change(line) -> line or lines, and make the head agree."""
    path = next(store.path.glob("sources/orders/data/*/lists/*.zst"))
    text = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True).stdout.decode()
    out = []
    for line in text.splitlines():
        line = change(json.loads(line))
        if line is not None:
            out.append(line if isinstance(line, str) else json.dumps(line, separators=(",", ":")))
    data = subprocess.run(["zstd", "-q", "-c", "--check"], input=("\n".join(out) + "\n").encode(), capture_output=True,
                          check=True).stdout
    path.write_bytes(data)

    def agree(head):
        head["lists"][0]["size"] = len(data)
        head["lists"][0]["sha256"] = hashlib.sha256(data).hexdigest()
    forge_head(store, agree)


def set_in(d, path, value):
    for k in path[:-1]:
        d = d[k]
    d[path[-1]] = value


DEEP = "[" * 100000 + "]" * 100000
HEADS = {
    "id-of-another": lambda h: set_in(h, ["id"], "20200101T000000Z-0000"),
    "source-of-another": lambda h: set_in(h, ["source"], "other"),
    "source-with-dots": lambda h: set_in(h, ["source"], "../../x"),
    "list-outside": lambda h: set_in(h, ["lists", 0, "key"], "../../../../etc/passwd"),
    "list-absolute": lambda h: set_in(h, ["lists", 0, "key"], "/etc/passwd"),
    "list-size-huge": lambda h: set_in(h, ["lists", 0, "size"], 2**62),
    "list-size-negative": lambda h: set_in(h, ["lists", 0, "size"], -1),
    "list-digest-no-hex": lambda h: set_in(h, ["lists", 0, "sha256"], "z" * 64),
    "lists-no-array": lambda h: set_in(h, ["lists"], {"0": 1}),
    "lists-empty-objects": lambda h: set_in(h, ["lists"], [{}] * 1000),
    "totals-text": lambda h: set_in(h, ["totals"], "many"),
    "format-text": lambda h: set_in(h, ["format"], "1"),
    "format-huge": lambda h: set_in(h, ["format"], 2**60),
    "started-text": lambda h: set_in(h, ["started"], "yesterday"),
    "not-an-object": lambda h: "[1,2,3",
    "deep": lambda h: '{"format":1,"x":' + DEEP,
    "nul-in-name": lambda h: set_in(h, ["source"], "orders\0x"),
    "server-null": lambda h: set_in(h, ["server"], None),
    "numbers-float": lambda h: set_in(h, ["totals", "rows"], 1e308),
}


def attempts(store, target, tmp_path):
    yield "catalog", ["list"]
    yield "catalog", ["show", "orders/latest"]
    yield "catalog", ["verify", "--all"]
    yield "catalog", ["leftovers"]
    yield "restore", ["plan", "orders", *target.args()]
    yield "restore", ["run", "orders", *target.args(), "--yes"]
    yield "restore", ["extract", "orders", f"--into={tmp_path}/out"]


def clean(done):
    """No crash, and each complaint is one clear line."""
    assert done.status in (0, 1, 2, 3, 4), done
    for line in done.err.splitlines():
        assert len(line) < 700 and "\\x00" not in repr(line), done


@pytest.mark.parametrize("name", sorted(HEADS))
def test_hostile_heads(servers, forged, tmp_path, name):
    target = servers("mariadb", "target")
    target.clear()
    forge_head(forged, HEADS[name])
    bad = 0
    for program, args in attempts(forged, target, tmp_path):
        done = run(program, *args, *forged.args, timeout=60)
        clean(done)
        bad += done.status != 0
    assert bad >= 1
    assert "root:" not in "".join(p.read_text(errors="replace") for p in tmp_path.glob("out/*"))
    target.clear()


def on(kind, change):
    def each(line):
        if line.get("kind") == kind:
            return change(line)
        return line
    return each


def put(**values):
    def change(line):
        line.update(values)
        return line
    return change


def column(**values):
    def change(line):
        line["columns"][0].update(values)
        return line
    return change


LINES = {
    "chunk-outside": on("chunk", put(object="../../../../../../etc/passwd")),
    "chunk-absolute": on("chunk", put(object="/etc/passwd")),
    "chunk-of-another-source": on("chunk", put(object="../other/data/x/0.tsv.zst")),
    "chunk-rows-huge": on("chunk", put(rows=2**62)),
    "chunk-raw-negative": on("chunk", put(raw=-5)),
    "chunk-size-wrong": on("chunk", put(size=1)),
    "chunk-table-unknown": on("chunk", put(table=4000000000)),
    "chunk-digest-wrong": on("chunk", put(digest="0" * 32)),
    "chunk-key-no-base64": on("chunk", put(first_b64="!!!")),
    "member-offset-huge": on("member", put(place={"bundle": "data/x/bundle/0.tar", "offset": 2**62, "length": 2**62,
                                                   "sha256": "0" * 64})),
    "bundle-outside": on("member", put(place={"bundle": "../../../etc/passwd", "offset": 0, "length": 10,
                                              "sha256": "0" * 64})),
    "conversion-unknown": on("table", column(**{"as": "evil"})),
    "columns-none": on("table", put(columns=[])),
    "columns-text": on("table", put(columns="id")),
    "columns-many": on("table", put(columns=[{"name": f"c{n}", "as": "plain"} for n in range(20000)])),
    "table-rows-huge": on("table", put(rows=2**63 - 1)),
    "table-name-quoted": on("table", put(name="x`; DROP DATABASE mysql; -- ")),
    "table-schema-system": on("table", put(schema="mysql", name="user")),
    "kind-unknown": on("member", put(kind="surprise")),
    "no-kind": on("member", lambda l: {"x": 1}),
    "schema-ddl-evil": on("schema", put(ddl="DROP DATABASE mysql")),
    "schema-ddl-two": on("schema", put(ddl="CREATE DATABASE x; DROP DATABASE mysql")),
    "grant-evil": on("grant", put(ddl="DROP TABLE mysql.user")),
    "account-evil": on("account", put(ddl="CREATE USER x@y; DROP TABLE mysql.user")),
    "end-missing": on("end", lambda l: None),
    "end-count-wrong": on("end", put(lines=10**12)),
    "not-json": on("member", lambda l: "{"),
    "deep": on("member", lambda l: '{"kind":"member","x":' + DEEP + "}"),
    "long": on("member", lambda l: '{"kind":"member","x":"' + "y" * 60000000 + '"}'),
}


@pytest.mark.parametrize("name", sorted(LINES))
def test_hostile_lists(servers, forged, tmp_path, name):
    target = servers("mariadb", "target")
    target.clear()
    before = target.sql("SELECT COUNT(*) FROM mysql.global_priv")
    forge_lines(forged, LINES[name])
    bad = 0
    for program, args in attempts(forged, target, tmp_path):
        done = run(program, *args, *forged.args, timeout=100)
        clean(done)
        bad += done.status != 0
    assert bad >= 1, "nobody noticed"
    assert target.sql("SELECT COUNT(*) FROM mysql.global_priv") == before
    assert target.sql("SHOW DATABASES LIKE 'mysql'")
    assert "root:" not in "".join(p.read_text(errors="replace") for p in tmp_path.glob("out/*"))
    target.sql("DROP DATABASE IF EXISTS kura_restore")
    target.clear()


def test_hostile_definitions_are_refused(servers, forged, tmp_path):
    """A bundle whose member is another statement, with all digests right."""
    import io
    import tarfile
    target = servers("mariadb", "target")
    target.clear()
    bundle = next(forged.path.glob("sources/orders/data/*/bundle/*.tar"))
    out, places = io.BytesIO(), {}
    with tarfile.open(bundle) as tar, tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as new:
        for member in tar:
            data = tar.extractfile(member).read()
            if member.name.endswith("d.p.sql.zst"):
                data = subprocess.run(["zstd", "-qc", "--check"], input=b"DROP DATABASE mysql", capture_output=True,
                                      check=True).stdout
            old = member.offset_data
            info = tarfile.TarInfo(member.name)
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
            places[old] = (new.offset - (len(data) + 511) // 512 * 512, len(data), hashlib.sha256(data).hexdigest())
    text = out.getvalue()
    end = max((o + n + 511) // 512 * 512 for o, n, _ in places.values())
    bundle.write_bytes(text[:end] + b"\0" * 1024)

    def move(line):
        for key in ("ddl", "place"):
            place = line.get(key)
            if isinstance(place, dict):
                place["offset"], place["length"], place["sha256"] = places[place["offset"]]
        return line
    forge_lines(forged, move)
    assert run("catalog", "verify", "--all", *forged.args).status == 0      # the forgery is a good one
    done = run("restore", "run", "orders", *forged.args, *target.args(), "--yes")
    assert done.status == 3, done
    assert "routine d.p: the stored definition is not one CREATE PROCEDURE statement: refused" in done.err, done
    assert target.sql("SHOW DATABASES LIKE 'mysql'")
    done = run("restore", "extract", "orders", *forged.args, f"--into={tmp_path}/out")
    assert done.status == 3 and "refused" in done.err, done
    target.sql("DROP DATABASE IF EXISTS kura_restore")
    target.clear()
