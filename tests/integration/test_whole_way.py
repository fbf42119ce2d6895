# SPDX-License-Identifier: Apache-2.0
"""The whole way from a binary log to a restored moment where something on it is other than usual: a bucket, encrypted
logs, compressed transactions."""
import contextlib
import json
import pathlib
import shutil
import tempfile

import archives
import pytest
from conftest import MYSQL_ROOT, Server, run
from test_archive import fresh
from test_pitr import archive, backup, compare, restore, three, transactions, wipe  # noqa: F401


def catalog(store, *args):
    done = run("catalog", *args, "--json", *store.args, env=store.env)
    assert done.status == 0, (args, done)
    return json.loads(done.out)


def fill(source, store):
    """A backup, three binary log files of what happened then, archived in four goes; GTIDs of all that came later."""
    fresh(source)
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad TEXT, v INT)",
               "INSERT INTO d.t (pad,v) VALUES (REPEAT('a',2000),1),(UUID(),2)")
    archive(source, store)
    backup(source, store)
    first = len(transactions_of(source))
    source.sql(*["INSERT INTO d.t (pad,v) VALUES (REPEAT(UUID(),50),3),(UUID(),4)"] * 3)
    archive(source, store)
    source.sql("FLUSH BINARY LOGS", "UPDATE d.t SET v = v + 1", "DELETE FROM d.t WHERE id = 2")
    archive(source, store)
    source.sql("FLUSH BINARY LOGS", "CREATE TABLE d.u (a INT PRIMARY KEY)", "INSERT INTO d.u VALUES (1),(2)",
               "UPDATE d.t SET pad = 'oops'")
    archive(source, store)
    return transactions_of(source)[first:]


def transactions_of(source):
    """GTIDs in log order, as the server says."""
    found = []
    for name in archives.logs(source):
        for row in source.sql(f"SHOW BINLOG EVENTS IN '{name}'"):
            if row[2] == "Gtid":
                found.append(row[5].rpartition("GTID_NEXT= ")[2].strip("'") if source.kind == "mysql" else
                             row[5].rpartition("GTID ")[2].split()[0])
    return found


def whole_way(source, target, store, tmp_path):
    gtids = fill(source, store)
    names = archives.logs(source)
    files = archives.archived(store, source="orders")
    fetched = archives.raw(source, names, tmp_path)
    assert list(files) == names and all(files[n] == fetched[n] for n in names)
    assert list(archives.finished(store, source="orders")) == names[:-1]
    line = catalog(store, "timeline", "orders")
    assert len(line["windows"]) == len(line["histories"]) == 1 and line["damage"] == [] and line["archived"]["stored"]
    assert catalog(store, "when", "orders", gtids[-1], "--before")["last"]["gtid"] == gtids[-2]
    listed = catalog(store, "events", "orders", "--table=d.t", "--rows")["transactions"]
    assert [t["gtid"] for t in listed[-6:]] == [*gtids[:5], gtids[7]]
    assert [r["after"]["pad"] for r in listed[-1]["rows"]] == ["oops"] * 7
    assert run("catalog", "verify", *store.args, "orders", env=store.env).status == 0
    good = source.sql("SELECT * FROM d.t ORDER BY id")
    for way in ("serve", "apply"):
        wipe(target)
        done = restore(target, store, f"--to={gtids[-1]}", f"--replay={way}")
        assert "8 transactions" in done.out, done
        compare(source, target)
    # the wrong one is undone on the live server
    undone = run("restore", "undo", "orders", *store.args, *source.args(), f"--gtid={gtids[-1]}", "--apply", "--yes",
                 env=store.env)
    assert undone.status == 0 and undone.out.endswith("undone: 7 rows\n"), undone
    assert {r[1] for r in source.sql("SELECT * FROM d.t")} != {r[1] for r in good}
    wipe(target)
    restore(target, store, f"--to={gtids[-1]}", "--before")
    compare(source, target)


def test_whole_way_by_a_bucket(three, bucket, tmp_path):
    source, target, _ = three
    whole_way(source, target, bucket, tmp_path)
    # A RESET begins another history there, too.
    fresh(source)
    source.sql("INSERT INTO d.u VALUES (3)")
    archive(source, bucket)
    line = catalog(bucket, "timeline", "orders")
    assert [h["why"] for h in line["histories"]] == ["first", "reset"]


def own_root(folder):
    """MySQL looks for its keyring's manifest beside its program, and for the component's settings beside that."""
    real, root = pathlib.Path(MYSQL_ROOT), folder / "root"
    plugins = root / "usr/lib/mysql/plugin"
    plugins.mkdir(parents=True)
    (root / "usr/sbin").mkdir()
    for path in (real / "usr/lib/mysql/plugin").iterdir():
        (plugins / path.name).symlink_to(path)
    for name in ("usr/sbin/mysqld", "usr/lib/x86_64-linux-gnu", "usr/bin", "usr/share", "etc"):
        (root / name).symlink_to(real / name)
    (root / "usr/sbin/mysqld.my").write_text('{"components": "file://component_keyring_file"}')
    (plugins / "component_keyring_file.cnf").write_text(
        json.dumps({"path": str(folder / "keyring"), "read_only": False}))
    return str(root)


@contextlib.contextmanager
def encrypted(kind):
    """A server whose binary logs are encrypted and compressed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kura-keys-"))
    if kind == "mysql":
        server = Server(kind, "encrypted", 170, ["--binlog-encryption=ON", "--binlog-transaction-compression=ON"],
                        root=own_root(folder))
    else:
        (folder / "keys").write_text("1;" + "0123456789abcdef" * 4 + "\n")
        server = Server(kind, "encrypted", 170, ["--plugin-load-add=file_key_management", "--encrypt-binlog=ON",
                                                 f"--file-key-management-filename={folder}/keys", "--log-bin-compress=ON"])
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.dir, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_whole_way_of_encrypted_and_compressed_logs(servers, kind, directory, tmp_path):
    target = servers(kind, "target")
    with encrypted(kind) as source:
        whole_way(source, target, directory, tmp_path)
        name = archives.logs(source)[0]
        on_disk = (source.dir / "data" / name).read_bytes()
        archived = archives.archived(directory, source="orders")[name]
        assert archived.startswith(b"\xfebin") and (not on_disk.startswith(b"\xfebin") or on_disk[300:400] not in archived)
    wipe(target)


def test_a_torn_transaction_ends_the_archive_before_it(three, directory):
    """Its pieces were stored as they came, and then the source died for good."""
    source, target, _ = three
    gtids = fill(source, directory)
    whole = source.sql("SELECT * FROM d.t ORDER BY id")
    source.sql("BEGIN", *["INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 1000))"] * 800, "COMMIT",
               "INSERT INTO d.t (v) VALUES (99)")
    archive(source, directory)
    torn = [k for k in directory.keys() if "/binlog/" in k and k.endswith(".zst")]
    sizes = [archives.SEGMENT.search(k) for k in torn]
    [first] = [i for i, m in enumerate(sizes) if int(m[5]) - int(m[4]) == 8 << 20 and int(m[4]) < 8 << 20]
    for key in torn[first + 2:]:
        (directory.path / key).unlink()
    line = catalog(directory, "timeline", "orders")
    assert line["damage"] == [] and line["archived"]["last_commit"]
    found = catalog(directory, "when", "orders", "latest")
    assert found["last"]["gtid"] == gtids[-1], found
    done = run("catalog", "verify", *directory.args, "orders", env=directory.env)
    assert done.status == 0 and "orders: binary logs end within a transaction, torn or still on its way" in done.out, done
    for way in ("serve", "apply"):
        wipe(target)
        restore(target, directory, "--to=latest", f"--replay={way}")
        assert target.sql("SELECT * FROM d.t ORDER BY id") == whole
    # The source came back after all.
    archive(source, directory)
    assert len(archives.histories(directory, "orders")) == 1
    name = archives.logs(source)[-1]
    assert archives.archived(directory, source="orders")[name] == archives.on_disk(source, name)
