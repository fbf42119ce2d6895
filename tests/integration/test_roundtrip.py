# SPDX-License-Identifier: Apache-2.0
"""A server comes back as it was: judged by tests/tools/compare, not by us."""
import json
import subprocess

import pytest
import schemas
from conftest import TOP, run


def compare(a, b, *args):
    done = subprocess.run([str(TOP / "tests/tools/compare"), "--a", f"socket={a.socket}",
                           "--b", f"socket={b.socket}", *args],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def backup(source, store, *args):
    done = run("backupd", "run", "orders", *store.args, *source.args(), "--json", *args, env=store.env)
    assert done.status == 0, done
    return json.loads(done.out)["id"]


def restore(target, store, *args):
    done = run("restore", "run", "orders", *store.args, *target.args(), "--yes", "--check", *args,
               env=store.env)
    assert done.status == 0, done
    return done


@pytest.fixture
def torture(source, target):
    schemas.forget_accounts(source)
    schemas.forget_accounts(target)
    schemas.fill(source)
    yield
    schemas.forget_accounts(source)
    schemas.forget_accounts(target)


def test_everything_comes_back(source, target, store, torture):
    backup(source, store)
    for verb in (["list"], ["show", "orders/latest"], ["verify", "orders/latest"],
                 ["verify", "--all", "--fast"]):
        done = run("catalog", *verb, *store.args, env=store.env)
        assert done.status == 0, done
    restore(target, store)
    compare(source, target, "--accounts")


def test_small_ranges_and_inserts_come_back(source, target, store):
    source.sql("CREATE DATABASE big", "CREATE TABLE big.t (a INT, b VARCHAR(30), c BINARY(16), pad CHAR(100),"
               " PRIMARY KEY (a, b), UNIQUE KEY c (c), KEY pad (pad))",
               "CREATE TABLE big.neg (id BIGINT PRIMARY KEY, v TEXT)",
               "CREATE TABLE big.uuid (id CHAR(36) CHARACTER SET ascii PRIMARY KEY, v INT)",
               "SET SESSION cte_max_recursion_depth=100000" if source.kind == "mysql" else "SET max_recursive_iterations=100000",
               "INSERT INTO big.t WITH RECURSIVE q(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM q WHERE n<30000)"
               " SELECT 5, CONCAT('Key', n), LEFT(UNHEX(SHA2(n, 256)), 16), SHA2(n, 256) FROM q"
               .replace("SHA2(n, 256) FROM q", "LEFT(SHA2(n, 256), 60) FROM q"),
               "INSERT INTO big.neg SELECT CONV(LEFT(HEX(c), 15), 16, 10) - 500000000000000000, pad FROM big.t",
               "INSERT INTO big.uuid SELECT CONCAT(LEFT(HEX(c), 8), '-', n.k), n.k FROM big.t,"
               " (SELECT 1 AS k UNION SELECT 2) n",
               "CREATE TABLE big.day (day DATE, k INT, v CHAR(30), PRIMARY KEY (day, k))",
               "SET SESSION sql_mode='ALLOW_INVALID_DATES'",
               "INSERT INTO big.day SELECT DATE'2024-01-01' + INTERVAL k % 700 DAY, k, k FROM"
               " (SELECT ROW_NUMBER() OVER (ORDER BY id) AS k FROM big.neg) n",
               "INSERT INTO big.day VALUES ('0000-00-00', -1, ''), ('2024-02-31', -2, ''), ('2024-02-00', -3, '')",
               "CREATE TABLE big.stamp (at DATETIME(6) PRIMARY KEY, v CHAR(60))",
               "INSERT INTO big.stamp SELECT TIMESTAMP'2024-01-01 00:00:00' + INTERVAL k * 1234567 MICROSECOND, v FROM big.day",
               "CREATE TABLE big.price (p DECIMAL(30,4) PRIMARY KEY, v CHAR(60))",
               "INSERT INTO big.price SELECT (k - 9000) * 12345678901.0625, v FROM big.day",
               "ANALYZE TABLE big.t, big.neg, big.uuid, big.day, big.stamp, big.price",
               "SET GLOBAL log_output='TABLE'", "SET GLOBAL general_log=1")
    try:
        backup(source, store, "--workers=3", "--range-bytes=100K")
    finally:
        source.sql("SET GLOBAL general_log=0")
    parts = [r[0] for r in source.sql("SELECT CAST(argument AS CHAR) FROM mysql.general_log")]
    source.sql("TRUNCATE TABLE mysql.general_log")
    for table in ("t", "neg", "uuid", "day", "stamp", "price"):
        read = [p for p in parts if f"FROM `big`.`{table}` FORCE INDEX (`PRIMARY`) WHERE" in p and "ORDER BY" in p
                and "LIMIT" not in p and "GROUP BY" not in p]
        assert len(read) >= 5, (table, read)
    if target.kind == "mysql":
        target.sql("SET GLOBAL local_infile=0")
    try:
        restore(target, store, "--workers=3")
    finally:
        target.sql("SET GLOBAL local_infile=1")
    compare(source, target)


def test_part_under_another_name(source, target, directory, torture):
    backup(source, directory)
    target.sql("CREATE DATABASE torture", "CREATE TABLE torture.texts (mine INT)")
    restore(target, directory, "--table=torture.texts=rescue.texts_1403", "--schema=other-schema=copy")
    rows = target.sql("SELECT COUNT(*) FROM rescue.texts_1403")[0][0]
    assert rows == source.sql("SELECT COUNT(*) FROM torture.texts")[0][0]
    compare(source, target, "--schema", "other-schema=copy")
    # what stood there is untouched
    assert target.sql("SHOW COLUMNS FROM torture.texts")[0][0] == "mine"


def test_existing_objects_are_refused_then_overwritten(source, target, directory):
    source.sql("CREATE DATABASE s", "CREATE TABLE s.t (id INT PRIMARY KEY)", "INSERT INTO s.t VALUES (1)")
    backup(source, directory)
    target.sql("CREATE DATABASE s", "CREATE TABLE s.t (other INT)")
    done = run("restore", "run", "orders", *directory.args, *target.args(), "--yes")
    assert done.status == 1
    assert done.err == ("restore: the target already has table s.t; use --overwrite to drop them first, "
                        "or restore under other names\n")
    assert target.sql("SHOW COLUMNS FROM s.t")[0][0] == "other"
    assert target.schemas() == ["s"]
    restore(target, directory, "--overwrite")
    compare(source, target)


def test_json_decimals_are_counted_and_named(servers, directory):
    source, target = servers("mysql", "source"), servers("mysql", "target")
    source.clear()
    target.clear()
    source.sql("CREATE DATABASE s", "CREATE TABLE s.js (id INT PRIMARY KEY, plain JSON, j JSON)",
               "INSERT INTO s.js VALUES (1,'[1]',CAST(1.10 AS JSON)), (2,'{}','{\"a\": 1.5}'),"
               " (3,NULL,JSON_OBJECT('d', CAST(123456789012345678901234567890.12 AS DECIMAL(40,2))))")
    backup(source, directory)
    done = run("catalog", "show", "orders/latest", "--json", *directory.args)
    assert json.loads(done.out)["inexact"] == [{"table": 1, "column": 2, "rows": 2}]
    restore(target, directory)      # --check compares what a reload must give
    source.clear()
    target.clear()
