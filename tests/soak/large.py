# SPDX-License-Identifier: Apache-2.0
"""One transaction over 4 GiB: places in a binary log that 32 bits do not hold, archived, cut off, gone on with; and on
MySQL restored, by a replica whose positions have 32 bits."""
import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from archives import SEGMENT, histories, start
from conftest import Server, Store, run

ROWS, PIECE = 545, 8 << 20
BORDER = 1 << 32


def good(program, *args):
    done = run(program, *args, timeout=3600)
    assert done.status == 0, done
    return done.out


def segments(store):
    """(file, start, end, key) of all that is archived."""
    newest = histories(store, "big")[-1]["id"]
    found = [(SEGMENT.search(k), k) for k in store.keys()]
    return sorted((int(m[3]), int(m[4]), int(m[5]), k) for m, k in found if m and m[2] == newest)


def cover(store, seq):
    """The longest from each place on, up to the end."""
    at = 0
    while True:
        fits = [s for s in segments(store) if s[0] == seq and s[1] <= at < s[2]]
        if not fits:
            return
        _, begin, end, key = max(fits, key=lambda s: s[2])
        yield at - begin, end - at, key
        at = end


def digest(store, seq):
    """Of a file's bytes as zstd gives them."""
    sha = hashlib.sha256()
    for skip, want, key in cover(store, seq):
        with subprocess.Popen(["zstd", "-dc", str(store.path / key)], stdout=subprocess.PIPE) as p:
            p.stdout.read(skip)
            while want > 0:
                data = p.stdout.read(min(want, 1 << 20))
                assert data, key
                sha.update(data)
                want -= len(data)
            p.stdout.read()
    return sha.hexdigest()


def digest_of_file(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(1 << 20):
            sha.update(data)
    return sha.hexdigest()


def fill(server):
    """Rows that the log has and no table keeps, so that it is the log alone that is large."""
    server.sql("CREATE DATABASE big", "CREATE TABLE big.rows_of_none (id INT AUTO_INCREMENT PRIMARY KEY, v LONGBLOB) ENGINE=BLACKHOLE",
               "CREATE TABLE big.kept (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO big.kept VALUES (1, 'before')")


def one_transaction(server):
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    insert = f"SELECT REPEAT('0123456789abcdef', {PIECE // 16}) FROM n"
    server.sql("USE big", "FLUSH BINARY LOGS", f"INSERT INTO rows_of_none (v) {numbers} {insert}",
               "INSERT INTO kept VALUES (2, 'behind')")


def archive_cut_off(server, store):
    """Killed once it is beyond the border; the next one goes on."""
    args = [*store.args, *server.args(), "big"]
    process = start("backupd", "archive", *args)
    deadline = time.monotonic() + 3600
    while not any(s[1] > BORDER for s in segments(store)):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    process.kill()
    process.wait()
    return good("backupd", "archive", "--stop-at-end", *args)


def judge(kind, folder):
    options = ["--plugin-load-add=ha_blackhole.so"] if kind == "mariadb" else []
    options += ["--max-allowed-packet=1G"]
    with contextlib.ExitStack() as stack:
        def server(name, ident, more):
            one = Server(kind, name, ident, options + more)
            stack.callback(shutil.rmtree, one.dir, ignore_errors=True)
            stack.callback(one.stop)
            return one
        source = server("large", 181, [])
        store = Store(f"file://{folder}/store", path=pathlib.Path(folder) / "store")
        fill(source)
        good("backupd", "archive", "--stop-at-end", *store.args, *source.args(), "big")
        good("backupd", "run", "big", *store.args, *source.args())
        one_transaction(source)
        name, size = max(source.sql("SHOW BINARY LOGS"), key=lambda r: r[1])[:2]
        assert size > BORDER, size
        print(f"{kind}: {name} has {size} bytes", flush=True)
        archive_cut_off(source, store)
        seq = [r[0] for r in source.sql("SHOW BINARY LOGS")].index(name) + 1
        assert digest(store, seq) == digest_of_file(source.dir / "data" / name), "other bytes than the server's"
        print(f"{kind}: the archive has the server's bytes", flush=True)
        if kind == "mariadb":
            return
        target = server("large-target", 182, ["--skip-log-bin"])
        good("restore", "run", "big", "--to=latest", "--replay=serve", "--accounts=none", "--yes", *store.args, *target.args())
        assert target.sql("SELECT * FROM big.kept ORDER BY id") == ((1, "before"), (2, "behind"))
        print(f"{kind}: restored beyond it", flush=True)


def with_large(kinds):
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="kura-large-", dir=os.environ.get("TMPDIR")) as folder:
            judge(kind, folder)
    return 0
