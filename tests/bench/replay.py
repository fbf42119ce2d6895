# SPDX-License-Identifier: Apache-2.0
"""Point-in-time restores beside the servers' own tools: the same transactions into the same backup."""
import contextlib
import json
import threading
import time

from conftest import MYSQL_ROOT, SERVERS

TRANSACTIONS, THREADS, BULK = 27000, 4, 300000


def base(source, rows=20000):
    """What is backed up before the transactions."""
    source.sql("CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'",
               "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'", "CREATE DATABASE bench")
    for t in range(THREADS):
        source.sql(f"CREATE TABLE bench.t{t} (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120), pad CHAR(60), KEY k (k))",
                   "SET SESSION cte_max_recursion_depth=10000000" if source.kind == "mysql" else "SET max_recursive_iterations=10000000",
                   f"INSERT INTO bench.t{t} (k, c, pad) WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<{rows})"
                   " SELECT n, REPEAT('a', 100), 'pad' FROM q")


def transactions(source):
    """Small transactions of four writers, then a bulk load of about 60 MB."""
    def write(t):
        with contextlib.closing(source.connect()) as c, c.cursor() as cursor:
            for n in range(TRANSACTIONS // THREADS):
                cursor.execute("BEGIN")
                cursor.execute(f"UPDATE bench.t{t} SET k = k + 1 WHERE id = {n % 20000 + 1}")
                cursor.execute(f"UPDATE bench.t{t} SET c = REPEAT(CHAR(97 + {n} % 26), 100) WHERE id = {n * 7 % 20000 + 1}")
                cursor.execute(f"DELETE FROM bench.t{t} WHERE id = {n + 1}")
                cursor.execute(f"INSERT INTO bench.t{t} (id, k, c, pad) VALUES ({n + 1}, {n}, 'back', 'again')")
                cursor.execute("COMMIT")
    threads = [threading.Thread(target=write, args=(t,)) for t in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    source.sql("CREATE TABLE bench.bulk LIKE bench.t0",
               "SET SESSION cte_max_recursion_depth=10000000" if source.kind == "mysql" else "SET max_recursive_iterations=10000000",
               f"INSERT INTO bench.bulk (k, c, pad) WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<{BULK})"
               " SELECT n, REPEAT('b', 100), 'pad' FROM q")


def reset(target):
    target.clear()
    if target.kind == "mysql":
        target.sql("STOP REPLICA", "RESET REPLICA ALL", "RESET BINARY LOGS AND GTIDS")
    else:
        target.sql("STOP SLAVE", "RESET SLAVE ALL", "RESET MASTER", "SET GLOBAL gtid_slave_pos=''")


def restore(bench, store, backup, target, *args):
    reset(target)
    return bench.kura("restore", "run", "bench", f"--store=file://{store}", f"--backup={backup}", "--workers=2", "--yes",
                      "--accounts=none", *target.args(), *args)


def by_tools(bench, source, target, head):
    """mysqlbinlog | mysql, as the manuals show it."""
    names = [r[0] for r in source.sql("SHOW BINARY LOGS")]
    names = names[names.index(head["coordinates"]["file"]):]
    client = "mariadb" if source.kind == "mariadb" else f"{SERVERS}/mysql.sh run {MYSQL_ROOT} mysql"
    reader = "mariadb-binlog" if source.kind == "mariadb" else f"{SERVERS}/mysql.sh run {MYSQL_ROOT} mysqlbinlog"
    return bench.Run(["bash", "-o", "pipefail", "-c",
                      f"{reader} --no-defaults --read-from-remote-server --socket={source.socket} --user=root"
                      f" --start-position={head['coordinates']['position']} {' '.join(names)} |"
                      f" {client} --no-defaults --binary-mode --max-allowed-packet=1G --socket={target.socket} --user=root"])


def by_replica(bench, source, target):
    """A native replica with as many appliers, from the same backup."""
    began = time.monotonic()
    if source.kind == "mysql":
        target.sql(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port}, SOURCE_USER='repl', "
                   "SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1", "START REPLICA")
        gtid = source.sql("SELECT @@gtid_executed")[0][0].replace("\n", "")
        reached = target.sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtid}', 1800)")[0][0] == 0
    else:
        target.sql("SET GLOBAL slave_parallel_threads=4", f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, "
                   "MASTER_USER='repl', MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos", "START SLAVE")
        gtid = source.sql("SELECT @@gtid_binlog_pos")[0][0]
        reached = target.sql(f"SELECT MASTER_GTID_WAIT('{gtid}', 1800)")[0][0] == 0
    if not reached:
        raise SystemExit("bench: the replica does not get there")
    took = time.monotonic() - began
    reset(target)
    return took


def same(source, target):
    """Both ended at the same rows."""
    text = "SELECT COUNT(*), SUM(k), SUM(CRC32(CONCAT(id, k, c, pad))) FROM bench.{}"
    for name in [f"t{t}" for t in range(THREADS)] + ["bulk"]:
        if source.sql(text.format(name)) != target.sql(text.format(name)):
            raise SystemExit(f"bench: {name} differs")


BOUNDS = {"serve": 0.3, "apply": 0.7}


def bench_replay(bench, source, target, runs, ways=tuple(BOUNDS)):
    bench.say(f"replay {TRANSACTIONS} transactions and a bulk load, {source.kind}")
    reset(source)
    base(source)
    store = bench.fresh("kura")
    bench.dump(source, f"file://{store}")
    backup = next(store.glob("sources/bench/heads/*.json"))
    head = json.loads(backup.read_text())
    transactions(source)
    size = sum(int(r[1]) for r in source.sql("SHOW BINARY LOGS"))
    archive = bench.kura("backupd", "archive", "bench", "--stop-at-end", f"--store=file://{store}", *source.args())
    bench.figure(f"archive {source.kind}, CPU for a GB of binary log", f"{archive.cpu / size * 1e9:.2f} s",
                 f"{size / archive.wall / 1e6:.0f} MB/s")
    took = {name: [] for name in ("tools", "replica", "serve", "apply", "backup")}
    for _ in range(runs):
        took["backup"].append(restore(bench, store, backup.stem, target).wall)
        took["tools"].append(by_tools(bench, source, target, head).wall)
        same(source, target)
        if "serve" in ways:
            restore(bench, store, backup.stem, target)
            took["replica"].append(by_replica(bench, source, target))
        for how in ways:
            took[how].append(restore(bench, store, backup.stem, target, "--to=latest", f"--replay={how}").wall)
            same(source, target)
    # the backup itself is not what is compared
    loaded = bench.median(took["backup"])
    for how in ways:
        bench.note(f"replay {source.kind}, {how}", took["tools"], [w - loaded for w in took[how]], "binlog tool | client",
                   BOUNDS[how])
    if "serve" in ways:
        bench.note(f"replay {source.kind}, serve", took["replica"], [w - loaded for w in took["serve"]], "native replica", 1.1)
    reset(target)
    source.clear()
