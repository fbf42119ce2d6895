# SPDX-License-Identifier: Apache-2.0
"""What a catalog says of a store, whole or damaged."""
import io
import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest
from conftest import S3_ENV, run
from test_dump import fill
from test_roundtrip import backup, compare


@pytest.fixture
def stored(servers, directory):
    """A backup with chunks, a bundle and a list; on one kind, for its content does not matter here."""
    source = servers("mariadb", "source")
    source.clear()
    fill(source, rows=40000, tables=2)
    source.sql("CREATE TABLE d.small (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO d.small VALUES (1,'x'),(2,NULL)")
    directory.id = backup(source, directory, "--chunk-bytes=512K")
    yield directory
    source.clear()


def objects(store, pattern):
    found = sorted(store.path.glob(f"sources/orders/{pattern}"))
    assert found, pattern
    return found


def key(store, path):
    return str(path.relative_to(store.path))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


DAMAGE = {
    "missing": lambda p, _: p.unlink(),
    "empty": lambda p, _: p.write_bytes(b""),
    "truncated": lambda p, _: truncate(p),
    "flipped": lambda p, _: flip(p),
    "longer": lambda p, _: p.write_bytes(p.read_bytes() + b"x"),
}
CHUNK = "data/*/0*/*.tsv.zst"


@pytest.mark.parametrize("pattern", [CHUNK, "data/*/bundle/*.tar", "data/*/lists/*.zst"])
@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_damage_is_named_to_the_object(stored, pattern, damage):
    victim = objects(stored, pattern)[0]
    DAMAGE[damage](victim, stored)
    done = run("catalog", "verify", "orders", *stored.args)
    assert done.status == 3, done
    assert key(stored, victim).split("sources/orders/")[1] in done.out, done
    facts = json.loads(run("catalog", "verify", "orders", "--json", *stored.args).out)
    assert facts["version"] == 1 and facts["verified"] == 1
    assert any(key(stored, victim).endswith(f["object"]) for f in facts["findings"]), facts
    if damage != "flipped":     # a listing sees sizes, not bits
        assert run("catalog", "verify", "orders", "--fast", *stored.args).status == 3


def test_swapped_chunks_are_both_named(stored):
    a, b = objects(stored, CHUNK)[:2]
    one, other = a.read_bytes(), b.read_bytes()
    a.write_bytes(other)
    b.write_bytes(one)
    done = run("catalog", "verify", "orders", *stored.args)
    assert done.status == 3
    for path in (a, b):
        assert key(stored, path).split("sources/orders/")[1] in done.out, done


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "longer"])
def test_damaged_head_hides_no_other_backup(servers, stored, damage):
    source = servers("mariadb", "source")
    second = backup(source, stored)
    DAMAGE[damage](stored.path / f"sources/orders/heads/{second}.json", stored)
    done = run("catalog", "list", *stored.args)
    assert done.status == 3, done
    assert stored.id in done.out and second in done.out and "damaged" in done.out, done
    facts = json.loads(run("catalog", "list", "--json", *stored.args).out)
    assert [b["id"] for b in facts["backups"] if "damage" not in b] == [stored.id]
    # the newest good one serves
    assert json.loads(run("catalog", "show", "orders/latest", "--json", *stored.args).out)["id"] == stored.id
    assert run("catalog", "verify", "orders", *stored.args).status == 3
    assert run("catalog", "verify", f"orders/{stored.id}", *stored.args).status == 0


def test_head_of_a_newer_format_is_refused_by_name(stored):
    import hashlib
    path = objects(stored, "heads/*.json")[0]
    text = path.read_text()
    body = text[:text.rindex(',"sum"')].replace('"format":1', '"format":2', 1)
    assert body != text[:text.rindex(',"sum"')]
    path.write_text(body + ',"sum":"' + hashlib.sha256(body.encode()).hexdigest() + '"}')
    done = run("catalog", "show", f"orders/{stored.id}", *stored.args)
    assert done.status == 2, done
    assert "format 2" in done.err and "newer" in done.err, done


def test_objects_of_no_backup_are_found_but_another_hosts_are_kept(stored):
    begun = stored.path / "sources/orders/begun"
    alien = "20260101T000000Z-aaaa"
    (stored.path / f"sources/orders/data/{alien}/00001-x.y").mkdir(parents=True)
    (stored.path / f"sources/orders/data/{alien}/00001-x.y/0.tsv.zst").write_bytes(b"x")
    assert json.loads(run("catalog", "leftovers", "--json", *stored.args).out)["leftovers"][0]["id"] == alien
    # a run of another host whose deadline is ahead may still be at work
    begun.mkdir(exist_ok=True)
    (begun / f"{alien}.json").write_text(json.dumps({
        "format": 1, "id": alien, "host": "elsewhere", "boot": "x", "process": 1, "process_start": 1,
        "deadline": "2099-01-01T00:00:00Z"}))
    before = stored.keys()
    done = run("catalog", "leftovers", "--delete", *stored.args)
    assert done.status == 0, done
    assert stored.keys() == before, done
    assert [x["state"] for x in json.loads(run("catalog", "leftovers", "--json", *stored.args).out)["leftovers"]] != ["dead"]


def test_leftovers_delete_takes_dead_runs_alone(servers, stored):
    from test_dump import running_dump
    source = servers("mariadb", "source")
    live = stored.keys()
    p_store = stored
    with running_dump(source, p_store) as p:
        p.kill()
        p.wait()
    assert json.loads(run("catalog", "leftovers", "--json", *stored.args).out)["leftovers"]
    done = run("catalog", "leftovers", "--delete", *stored.args)
    assert done.status == 0, done
    assert set(live) <= set(stored.keys())
    assert json.loads(run("catalog", "leftovers", "--json", *stored.args).out)["leftovers"] == []
    assert run("catalog", "verify", "--all", *stored.args).status == 0


def test_cat_prints_definitions_rows_and_chunks(stored):
    done = run("catalog", "cat", "orders/latest", "ddl:d.small", *stored.args)
    assert done.status == 0 and done.out.startswith("CREATE TABLE `small`"), done
    done = run("catalog", "cat", "orders/latest", "rows:d.small", *stored.args)
    assert (done.status, done.out) == (0, "1\tx\n2\t\\N\n")
    rows = run("catalog", "cat", "orders/latest", "rows:d.t0", *stored.args).out.splitlines()
    assert len(rows) == 40000 and len({r.split("\t")[0] for r in rows}) == 40000
    chunk = objects(stored, CHUNK)[0]
    done = run("catalog", "cat", "orders/latest", key(stored, chunk).split("sources/orders/")[1], *stored.args)
    plain = subprocess.run(["zstd", "-dc", str(chunk)], capture_output=True, text=True, check=True).stdout
    assert (done.status, done.out) == (0, plain)
    done = run("catalog", "cat", "orders/latest", "rows:d.none", *stored.args)
    assert done.status == 4 and done.out == "" and "d.none" in done.err, done


def test_json_is_all_there_is_on_standard_output(stored):
    for args in (["list"], ["show", "orders/latest"], ["show", "orders/latest", "--tables"], ["verify", "--all"],
                 ["leftovers"]):
        done = run("catalog", *args, "--json", *stored.args)
        assert json.loads(done.out)["version"] == 1, args


def test_nothing_there_is_status_4(stored):
    for args in (["show", "nobody/latest"], ["show", "orders/20200101T000000Z-0000"], ["verify", "nobody"]):
        done = run("catalog", *args, *stored.args)
        assert done.status == 4 and done.out == "" and done.err.count("\n") == 1, done


def page_commands():
    """The commands of kura-store(7)'s example, as its reader types them."""
    from conftest import TOP
    text = subprocess.run(["mandoc", "-T", "ascii", str(TOP / "man/kura-store.7")], capture_output=True, text=True,
                          check=True).stdout
    text = re.sub(r".\x08", "", text)
    text = text[text.index("EXAMPLES"):text.index("Binary logs read by hand")]
    lines = [l for l in text.splitlines() if l.startswith("           ")]
    return "\n".join(l.strip() for l in lines)


@pytest.mark.parametrize("where", ["file", "s3"])
def test_restore_by_hand_from_the_page(servers, where, request, tmp_path):
    """With zstd, tar and the mysql client alone; from S3 by boto3."""
    store = request.getfixturevalue({"file": "directory", "s3": "bucket"}[where])
    source, target = servers("mariadb", "source"), servers("mariadb", "target")
    source.clear()
    target.clear()
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(30))",
               "INSERT INTO shop.t VALUES (1,'tab\\tand\\nline'),(2,NULL),(3,'\\\\N')",
               "CREATE TABLE shop.big (id INT PRIMARY KEY, pad VARCHAR(300))", "SET max_recursive_iterations=1000000",
               "INSERT INTO shop.big WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<30000)"
               " SELECT n, REPEAT(SHA2(n, 256), 4) FROM q")
    backup(source, store)
    folder = tmp_path / "copy"
    folder.mkdir()
    if where == "file":
        shutil.copytree(store.path / "sources", folder / "sources")
    else:
        for k in store.keys():
            path = folder / k.removeprefix("backups/")
            path.parent.mkdir(parents=True, exist_ok=True)
            store.client.download_file(store.bucket, k, str(path))
    script = page_commands()
    for word in ("zstd -dc", "tar xf", "LOAD DATA LOCAL"):
        assert word in script
    # the page numbers tables by name; the largest is the first here
    first = json.loads(run("catalog", "show", "orders/latest", "--tables", "--json", *store.args, env=store.env).out)
    number = {t["name"]: t["n"] for t in first["tables"]}
    script = script.replace("00001-shop.t.", f"{number['t']:05d}-shop.t.").replace(
        "00002-shop.big", f"{number['big']:05d}-shop.big")
    mysql = f'mysql() {{ command mysql --no-defaults --socket={target.socket} --user=root "$@"; }}\n'
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", mysql + script], cwd=folder, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr + script
    assert target.sql("SELECT * FROM shop.t ORDER BY id") == source.sql("SELECT * FROM shop.t ORDER BY id")
    big = (folder / "sources/orders/big.tsv").read_text().splitlines()
    assert len(big) == 30000
    source.clear()
    target.clear()


def test_python_alone_reads_bundles_and_lists(stored):
    names = []
    for path in objects(stored, "data/*/bundle/*.tar"):
        with tarfile.open(path) as tar:
            names += tar.getnames()
    assert any(n.endswith("d.small.sql.zst") for n in names) and any(n.endswith("d.small.tsv.zst") for n in names), names
    lines = b"".join(subprocess.run(["zstd", "-dc", str(p)], capture_output=True, check=True).stdout
                     for p in objects(stored, "data/*/lists/*.zst"))
    kinds = [json.loads(l)["kind"] for l in io.BytesIO(lines)]
    assert kinds.count("table") == 3 and kinds[-1] == "end"


def test_rclone_reads_the_bucket(servers, bucket, gateway, tmp_path):
    if not shutil.which("rclone"):
        pytest.fail("rclone is not installed: ./dev setup")
    source = servers("mariadb", "source")
    source.clear()
    fill(source, rows=100, tables=1)
    backup(source, bucket)
    env = {**os.environ, **S3_ENV, "RCLONE_CONFIG_G_TYPE": "s3", "RCLONE_CONFIG_G_PROVIDER": "Ceph",
           "RCLONE_CONFIG_G_ENDPOINT": gateway, "RCLONE_CONFIG_G_ENV_AUTH": "true"}
    done = subprocess.run(["rclone", "copy", f"g:{bucket.bucket}/backups", str(tmp_path / "copy")], env=env,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert run("catalog", "verify", "--all", f"--store=file://{tmp_path}/copy").status == 0
    source.clear()
