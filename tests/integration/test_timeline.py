# SPDX-License-Identifier: Apache-2.0
"""What a catalog says of archived binary logs: windows, moments, transactions, rows, damage."""
import json
import pathlib
import re
import shutil
import subprocess
import time

import archives
import pytest
from conftest import Store, run
from test_archive import flush, fresh
from test_roundtrip import backup


def archive(source, store, *args):
    done = run("backupd", "archive", "--stop-at-end", *store.args, *source.args(), *args, "orders", env=store.env)
    assert done.status == 0, done


def ask(store, *args, status=0):
    done = run("catalog", *args, "--json", *store.args, env=store.env)
    assert done.status == status, (args, done)
    return json.loads(done.out) if done.out else None


def events(store, *args):
    return ask(store, "events", "orders", *args)["transactions"]


def gtids(source):
    """GTIDs of all transactions in the server's binary logs, in order."""
    found = []
    for name in archives.logs(source):
        for row in source.sql(f"SHOW BINLOG EVENTS IN '{name}'"):
            if row[2] == "Gtid":
                found.append(re.search(r"GTID (\d+-\d+-\d+)|'([0-9a-f-]+:\d+)'", row[5]))
    return [m[1] or m[2] for m in found]


def write(source, n=5):
    for i in range(n):
        source.sql(f"INSERT INTO shop.orders (v) VALUES ({i}), ({i})")


@pytest.fixture
def archived(source, directory):
    """Two binary log files with a backup in the first; one transaction a second about the moment."""
    fresh(source)
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, v INT)")
    write(source, 2)
    archive(source, directory)
    directory.id = backup(source, directory)
    time.sleep(1.1)     # MariaDB stamps seconds
    write(source, 2)
    flush(source)
    time.sleep(1.1)
    source.sql("UPDATE shop.orders SET v = NULL WHERE id = 1", "DELETE FROM shop.orders WHERE id = 4",
               "INSERT INTO shop.orders VALUES (4294967295, 7)", "DROP TABLE shop.orders")
    archive(source, directory)
    return directory


def test_timeline_and_list_agree(archived):
    line = ask(archived, "timeline", "orders")
    assert [w["backups"] for w in line["windows"]] == [1]
    assert line["damage"] == [] and len(line["histories"]) == 1
    assert line["histories"][0]["files"] == 2 and line["histories"][0]["broken"] is None
    [one] = line["backups"]
    assert one["id"] == archived.id and one["pitr"]["history"] == line["histories"][0]["id"]
    [listed] = ask(archived, "list")["backups"]
    assert listed["pitr"] == one["pitr"]
    assert listed["pitr"]["until"] == line["windows"][0]["to"] == line["histories"][0]["last_transaction"]
    newest = line["archived"]
    assert newest["last_commit"] == listed["pitr"]["until"] and newest["stored"] <= newest["now"]
    assert newest["commit_age_s"] >= newest["stored_age_s"] >= 0
    text = run("catalog", "timeline", "orders", *archived.args)
    assert f"archived     up to {newest['last_commit'][:19]}" in text.out and "; last stored 20" in text.out, text
    assert text.status == 0 and archived.id in text.out and "window " in text.out, text


def test_events_are_the_servers(archived, source):
    listed = events(archived)
    assert [t["gtid"] for t in listed] == gtids(source)
    kinds = [t["kind"] for t in listed]
    assert kinds == ["ddl"] * 2 + ["rows"] * 7 + ["ddl"]
    assert [t["gtid"] for t in events(archived, "--kind=ddl")] == [listed[i]["gtid"] for i in (0, 1, 9)]
    assert events(archived, "--table=shop.other") == []
    assert len(events(archived, "--table=shop.orders")) == 9 and len(events(archived, "--table=shop.*")) == 10
    a, b = listed[3]["gtid"], listed[6]["gtid"]
    assert events(archived, f"--from={a}", f"--to={b}") == listed[3:7]
    assert events(archived, f"--from={listed[7]['time']}") == [t for t in listed if t["time"] >= listed[7]["time"]]


def test_events_show_no_password(source, directory):
    fresh(source)
    source.sql("DROP USER IF EXISTS masked@localhost", "CREATE USER masked@localhost IDENTIFIED BY 'Top-secret-1'",
               "ALTER USER masked@localhost IDENTIFIED BY 'Top-secret-2'", "SET PASSWORD FOR masked@localhost = " +
               ("PASSWORD('Top-secret-3')" if source.kind == "mariadb" else "'Top-secret-3'"), "DROP USER masked@localhost")
    archive(source, directory)
    texts = [run("catalog", "events", "orders", *more, *directory.args).out for more in ([], ["--json"])]
    for text in texts:
        assert text.count("'***'") >= 3 and "masked" in text, text
        assert "Top-secret" not in text and "$A$005" not in text and not re.search(r"'\*[0-9A-F]{40}'", text), text


def test_rows_with_their_names(archived):
    changed = [t["rows"] for t in events(archived, "--rows", "--kind=rows")[-3:]]
    orders = {"schema": "shop", "table": "orders"}
    assert changed == [
        [{"kind": "update", **orders, "before": {"id": "1", "v": "0"}, "after": {"id": "1", "v": None}}],
        [{"kind": "delete", **orders, "before": {"id": "4", "v": "1"}}],
        [{"kind": "insert", **orders, "after": {"id": "4294967295", "v": "7"}}]]
    text = run("catalog", "events", "orders", "--rows", "--kind=rows", *archived.args)
    assert "~ shop.orders id=1, v=0 -> id=1, v=NULL" in text.out, text


def test_when(archived, source):
    listed = events(archived)
    drop = listed[-1]
    found = ask(archived, "when", "orders", drop["gtid"], "--before")
    assert found["restorable"] and found["backup"] == archived.id
    assert found["last"]["gtid"] == listed[-2]["gtid"] and found["first_not"]["gtid"] == drop["gtid"]
    # since the backup, which has the first four
    near = [(t["gtid"], t["taken"]) for t in found["near"]]
    assert near == [(t["gtid"], t is not drop) for t in listed[4:]]
    # by its time: all that came later is out
    found = ask(archived, "when", "orders", listed[5]["time"])
    inside = [t for t in listed[4:] if t["time"] <= listed[5]["time"]]
    assert found["last"]["gtid"] == inside[-1]["gtid"]
    assert found["legs"][0]["to_position"] == inside[-1]["offset"] + inside[-1]["size"]
    assert ask(archived, "when", "orders", "latest")["last"]["gtid"] == drop["gtid"]


def test_when_not(archived):
    found = ask(archived, "when", "orders", "2020-01-01T00:00:00Z", status=4)
    assert found["restorable"] is False
    assert re.match(r"no backup of orders leads to 2020-01-01T00:00:00Z \(.*\): its windows are 20..-..-..T", found["why"])
    done = run("catalog", "when", "orders", "yesterday", *archived.args)
    assert done.status == 2 and "'yesterday' is no moment" in done.err
    done = run("catalog", "timeline", "nobody", *archived.args)
    assert done.status == 4 and "holds neither a backup nor binary logs of source nobody" in done.err


def test_a_reset_is_another_history(source, directory):
    fresh(source)
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    archive(source, directory)
    first = backup(source, directory)
    write(source, 3)
    archive(source, directory)
    fresh(source)
    write(source, 3)
    archive(source, directory)
    second = backup(source, directory)
    write(source, 1)
    archive(source, directory)
    line = ask(directory, "timeline", "orders")
    assert [h["why"] for h in line["histories"]] == ["first", "reset"]
    ids = [h["id"] for h in line["histories"]]
    assert [(b["id"], b["pitr"].get("history")) for b in line["backups"]] == [(first, ids[0]), (second, ids[1])]
    # no way leads from before it to after it
    assert ask(directory, "when", "orders", "latest", f"--backup={first}")["legs"][0]["history"] == ids[0]
    assert ask(directory, "when", "orders", "latest")["backup"] == second


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(data[:-7])
    else:
        data[len(data) // 2] ^= 0x10
        path.write_bytes(data)


def test_verify_names_damage(servers, directory, tmp_path):
    source = servers("mariadb", "source")
    source.clear()
    fresh(source)
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    archive(source, directory)
    backup(source, directory)
    write(source, 2)
    archive(source, directory)
    assert ask(directory, "verify", "orders") == {"version": 1, "findings": [], "verified": 1, "archives": 1}
    assert ask(directory, "verify", "orders", "--fast")["findings"] == []
    whole = directory.path
    for n, (pattern, how, fast) in enumerate((
            ("binlog/*/*/*.zst", "missing", True), ("binlog/*/*/*.zst", "truncated", False),
            ("binlog/*/*/*.zst", "flipped", False), ("histories/*.json", "truncated", True),
            ("histories/*.json", "flipped", True))):
        copy = Store(f"file://{tmp_path}/copy-{n}", path=tmp_path / f"copy-{n}")
        shutil.copytree(whole, copy.path)
        victim = sorted(copy.path.glob(f"sources/orders/{pattern}"))[0]
        damage(victim, how)
        report = ask(copy, "verify", "orders", *(["--fast"] if fast else []), status=3)
        named = "history " if how == "missing" else str(victim.relative_to(copy.path))
        assert [f["object"] for f in report["findings"] if named in f["object"] + f["damage"]], (pattern, how, report)
        assert report["verified"] == 1, "the backup is as whole as it was"
    source.clear()


def test_segments_read_without_kura(archived, source, tmp_path):
    """The page's own commands."""
    page = subprocess.run(["mandoc", "-T", "utf8", str(pathlib.Path(__file__).parents[2] / "man/kura-store.7")],
                          capture_output=True, text=True, check=True).stdout
    page = re.sub(r".\x08", "", page)
    script = page[page.index("h=$(ls binlog"):page.index("mysqlbinlog binlog.00000001")]
    work = tmp_path / "by-hand"
    subprocess.run(["cp", "-r", archived.path / "sources/orders", work], check=True)
    subprocess.run(["bash", "-eu", "-c", script], cwd=work, check=True)
    for seq, name in enumerate(archives.logs(source), 1):
        made = (work / f"binlog.{seq:08d}").read_bytes()
        assert made == archives.on_disk(source, name), name
    read = subprocess.run([*source.binlog_tool(), "--no-defaults", str(work / "binlog.00000002")], capture_output=True, text=True, check=True)
    assert "DROP TABLE" in read.stdout
