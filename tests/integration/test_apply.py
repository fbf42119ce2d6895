# SPDX-License-Identifier: Apache-2.0
"""Archived transactions run as SQL: every type and statement, a part beside the live original, whatever kills the run."""
import contextlib
import random
import re

import pymysql
import pytest
import schemas
from test_dump import start, wait_for
from test_pitr import archive, backup, compare, plan, restore, three, transactions, wipe  # noqa: F401

CHANGES = [
    "USE torture", "SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'", "SET time_zone='+00:00'",
    "UPDATE numbers SET id=id+100", "UPDATE numbers SET t=NULL, f=f/3, d=-d, bt=bt+1 WHERE id=101",
    "DELETE FROM numbers WHERE id=103", "UPDATE times SET def=def, dt='2020-01-01 01:02:03.4' WHERE id=2",
    "UPDATE times SET upd=upd, d=d, ts=NULL", "DELETE FROM times WHERE id=3",
    "UPDATE texts SET t=CONCAT(COALESCE(t,''),'+ü'), b=CONCAT(b,x'00ff') ORDER BY id DESC",
    "UPDATE texts SET e=e+0, s='z' WHERE id=1", "UPDATE texts SET id=id+50", "DELETE FROM texts WHERE id=53",
    "UPDATE `generated` SET a=a+1", "DELETE FROM `generated` WHERE a=2", "UPDATE invisible SET hidden=9",
    "UPDATE keyless SET a=5 LIMIT 1", "DELETE FROM keyless WHERE a=1",
    "UPDATE composite SET b=CONCAT(b,'x'), c=c+1 ORDER BY c DESC", "INSERT INTO counter (grp) VALUES (1),(2)",
    "UPDATE myisam SET t='new' WHERE id=1", "DELETE FROM ft WHERE id=1", "UPDATE ft SET g=ST_GeomFromText('POINT(5 6)')",
    "UPDATE parts SET id=id+2 WHERE id=9", "UPDATE parts SET v=0", "DELETE FROM fk_b WHERE id=1",
    "INSERT INTO `other-schema`.t VALUES (2,'é')", "ALTER TABLE composite ADD COLUMN z INT DEFAULT 5 FIRST",
    "UPDATE composite SET z=a", "TRUNCATE TABLE empty_one", "RENAME TABLE empty_one TO full_one",
    "INSERT INTO full_one VALUES (1)", "CREATE TABLE made AS SELECT id, v FROM texts", "UPDATE made SET v='m' LIMIT 2",
]
MYSQL = ["UPDATE torture.js SET j=JSON_SET(j,'$.n',7) WHERE id=1", "UPDATE torture.vec SET v=TO_VECTOR('[9,8,7]')"]
MARIADB = ["UPDATE torture.net SET i4='1.2.3.4' WHERE id=1", "DELETE FROM torture.net WHERE id=3",
           "UPDATE torture.net SET u=NULL"]


def fill(server, rows_only):
    """Everything twice: once for the backup, once more after it."""
    common = [s for s in schemas.statements(schemas.COMMON) if "a_view" not in s]
    vendor = schemas.statements(schemas.MYSQL if server.kind == "mysql" else schemas.MARIADB)
    if rows_only:
        # what the server writes by itself cannot be given row by row
        vendor = [s for s in vendor if "seq" not in s and "versioned" not in s]
    server.sql(*common, *schemas.statements(schemas.AFTER))
    server.sql(*vendor)


def change(server):
    server.sql(*CHANGES, *(MYSQL if server.kind == "mysql" else MARIADB))


def forget(*servers):
    for server in servers:
        schemas.forget_accounts(server)


@contextlib.contextmanager
def user(server, grants):
    server.sql("DROP USER IF EXISTS kura_a@localhost", "CREATE USER kura_a@localhost IDENTIFIED BY 'x'",
               *[f"GRANT {g} TO kura_a@localhost" for g in grants])
    try:
        yield [f"--socket={server.socket}", "--user=kura_a"]
    finally:
        server.sql("DROP USER kura_a@localhost")


class As:
    """A server to which we log in as somebody else."""

    def __init__(self, server, args, password):
        self.server, self.list, self.password = server, args, password

    def args(self):
        return [*self.list, f"--password-file={self.password}"]


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("x\n")
    path.chmod(0o600)
    return path


def test_every_type_by_binlog_statements(three, directory):
    source, target, _ = three
    forget(source, target)
    backup(source, directory)
    fill(source, False)
    change(source)
    archive(source, directory)
    done = restore(target, directory, "--to=latest", "--replay=apply")
    assert re.search(r"(?m)^way       apply by BINLOG statements$", done.out), done
    compare(source, target)
    if source.kind == "mysql":
        assert target.sql("SELECT @@gtid_executed") == source.sql("SELECT @@gtid_executed")
    forget(source, target)


def test_every_type_as_rows_without_the_right_to_binlog(three, directory, password):
    source, target, _ = three
    forget(source, target)
    fill(source, True)
    # triggers come after the rows, so that they do not fire twice
    source.sql("CREATE TABLE torture.log (n INT)", "CREATE TRIGGER torture.t9 AFTER UPDATE ON torture.parts FOR EACH ROW "
               "INSERT INTO torture.log VALUES (NEW.id)")
    backup(source, directory)
    change(source)
    archive(source, directory)
    # without it only SUPER may make functions and triggers where a binary log is written
    target.sql("SET GLOBAL log_bin_trust_function_creators=1")
    with user(target, ["ALL ON *.*"]) as args:
        without = ("SUPER, BINLOG_ADMIN, REPLICATION_APPLIER, SYSTEM_VARIABLES_ADMIN, SESSION_VARIABLES_ADMIN"
                   if source.kind == "mysql" else "SUPER, BINLOG REPLAY, BINLOG ADMIN")
        target.sql(f"REVOKE {without} ON *.* FROM kura_a@localhost")
        done = restore(As(target, args, password), directory, "--to=latest", "--replay=apply", "--accounts=none",
                       "--gtid=none", "--binlog=on")
    target.sql("SET GLOBAL log_bin_trust_function_creators=0")
    assert "apply rows by SQL: the right " in done.out, done
    compare(source, target)
    forget(source, target)


STATEMENTS = [
    "CREATE DATABASE w", "USE w", "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'",
    "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), t TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6),"
    " r DOUBLE, c INT)", "CREATE TABLE k (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
    "INSERT INTO a (v,r,c) VALUES ('one',RAND(),CONNECTION_ID()),('two',RAND(),1)",
    "SET @x:='ü€', @n:=7, @d:=1.50, @f:=1e0/3, @neg:=-5, @nul:=NULL, @big:=18446744073709551615",
    "INSERT INTO a (v,r,c) VALUES (CONCAT(@x,@n,@d,@big),@f,@neg)", "INSERT INTO a (v,c) VALUES (@nul, 1)",
    "INSERT INTO k (a) SELECT LAST_INSERT_ID()", "SET timestamp=1000000000.5", "INSERT INTO a (v) VALUES (NOW(6))",
    "SET timestamp=DEFAULT", "SET time_zone='+05:30'", "INSERT INTO a (v) VALUES (NOW())", "SET time_zone='SYSTEM'",
    "SET lc_time_names='de_DE'", "INSERT INTO a (v) VALUES (DATE_FORMAT('2024-03-01','%M %W'))",
    # temporary tables live on over the end of a file
    "CREATE TEMPORARY TABLE tmp (i INT)", "INSERT INTO tmp VALUES (1),(2),(3)",
    "INSERT INTO a (v,c) SELECT CONCAT('t',i), i FROM tmp", "FLUSH BINARY LOGS",
    "UPDATE a JOIN tmp ON a.c=tmp.i SET a.v=CONCAT(a.v,'+tmp')", "DROP TEMPORARY TABLE tmp",
    "CREATE TEMPORARY TABLE tmp2 SELECT * FROM a", "INSERT INTO k (a) SELECT COUNT(*) FROM tmp2",
    "BEGIN", "INSERT INTO a (v) VALUES ('s1')", "SAVEPOINT s", "INSERT INTO a (v) VALUES ('s2')", "ROLLBACK TO s",
    "INSERT INTO a (v) VALUES ('s3')", "COMMIT", "SET foreign_key_checks=0",
    "CREATE TABLE ch (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES par (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE par (id INT PRIMARY KEY)", "SET foreign_key_checks=1", "INSERT INTO par VALUES (1),(2)",
    "INSERT INTO ch VALUES (1,1),(2,1),(3,2)", "UPDATE par SET id=10 WHERE id=1", "DELETE FROM par WHERE id=2",
    "CREATE PROCEDURE pr(x INT) BEGIN INSERT INTO a (v) VALUES (CONCAT('p',x)); UPDATE a SET c=x WHERE v=CONCAT('p',x); END",
    "CALL pr(5)", "CREATE TRIGGER tr AFTER INSERT ON k FOR EACH ROW INSERT INTO a (v) VALUES (CONCAT('trg',NEW.a))",
    "INSERT INTO k (a) VALUES (99)", "TRUNCATE TABLE k", "CREATE TABLE m (i INT PRIMARY KEY, v INT) ENGINE=MyISAM",
    "INSERT INTO m VALUES (1,1)", "UPDATE m SET v=v+1", "REPLACE INTO a (id,v) VALUES (1,'rep')",
    "DELETE FROM a ORDER BY id DESC LIMIT 1", "SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT'",
    "INSERT INTO \"a\" (v) VALUES ('q' || 'p')", "SET sql_mode='NO_BACKSLASH_ESCAPES'",
    "INSERT INTO a (v) VALUES ('back\\slash')", "SET sql_mode=''",
    "ALTER TABLE a ADD COLUMN g INT GENERATED ALWAYS AS (c+1) STORED, ADD INDEX (g)", "INSERT INTO a (v,c) VALUES ('gen',4)",
    "CREATE TABLE `we``ird tü` (`c``x` INT)", "INSERT INTO `we``ird tü` VALUES (1)", "CREATE DATABASE `dü`",
    "USE `dü`", "CREATE TABLE x (a INT)", "USE w", "DROP DATABASE `dü`", "CREATE TABLE sel AS SELECT id, v FROM a",
    "XA START 'x','y',5", "INSERT INTO k (a) VALUES (1)", "XA END 'x','y',5", "XA PREPARE 'x','y',5", "XA COMMIT 'x','y',5",
    "XA START 'one'", "INSERT INTO k (a) VALUES (2)", "XA END 'one'", "XA COMMIT 'one' ONE PHASE",
]


@pytest.mark.parametrize("form", ["ROW", "MIXED", "STATEMENT"])
def test_statements_run_under_the_state_they_had(three, directory, form):
    source, target, _ = three
    backup(source, directory)
    packed = form == "MIXED"
    option = "GLOBAL log_bin_compress" if source.kind == "mariadb" else "SESSION binlog_transaction_compression"
    statements = [s for s in STATEMENTS if form != "STATEMENT" or source.kind == "mariadb" or "tmp2" not in s]
    try:
        source.sql(f"SET SESSION binlog_format={form}", f"SET {option}={int(packed)}", *statements)
    finally:
        if source.kind == "mariadb":
            source.sql("SET GLOBAL log_bin_compress=0")
    archive(source, directory)
    restore(target, directory, "--to=latest", "--replay=apply")
    compare(source, target)


@contextlib.contextmanager
def rows_alone(source, target, password):
    """A target where nothing but rows can be written by us."""
    with user(target, ["ALL ON *.*"]) as args:
        without = ("SUPER, BINLOG_ADMIN, REPLICATION_APPLIER" if source.kind == "mysql" else
                   "SUPER, BINLOG REPLAY, BINLOG ADMIN")
        target.sql(f"REVOKE {without} ON *.* FROM kura_a@localhost")
        yield As(target, args, password), ["--accounts=none", "--gtid=none", "--binlog=on"]


PARTIAL = [
    "SET SESSION binlog_row_value_options=PARTIAL_JSON", "UPDATE d.j SET j = JSON_SET(j, '$.n', 5, '$.b', 'yy')",
    "UPDATE d.j SET j = JSON_REPLACE(j, '$.a[1]', 'new') WHERE id = 1", "UPDATE d.j SET j = JSON_REMOVE(j, '$.a') WHERE id = 1",
    "UPDATE d.j SET j = JSON_ARRAY_INSERT(j, '$[1]', 9), v = 7 WHERE id = 2", "UPDATE d.j SET v = v + 1, k = JSON_SET(k, '$.z', 1)",
]
# In the same events: documents that stayed, or are all new.
WHOLE = [
    "SET SESSION binlog_row_value_options=PARTIAL_JSON", "UPDATE d.j SET v = v + 1", "UPDATE d.j SET j = '{}' WHERE id = 2",
    "UPDATE d.j SET j = NULL WHERE id = 1", "UPDATE d.j SET v = 0, k = JSON_SET(k, '$.nowhere.z', 1)", "DELETE FROM d.j WHERE id = 1",
]


def partial(source):
    source.sql("CREATE DATABASE d", "CREATE TABLE d.j (id INT PRIMARY KEY, j JSON, v INT, k JSON)",
               """INSERT INTO d.j VALUES (1, '{"a": [1, 2, 3], "b": "x", "n": 1}', 0, '{"z": "long enough to be replaced"}'),
               (2, '[1, 2, "%s"]', 1, '{"z": [1, 2, 3, 4, 5, 6]}')""" % ("x" * 100))


@pytest.mark.parametrize("kind", ["mysql"])
@pytest.mark.parametrize("rights, changes", [("all", PARTIAL), ("rows", PARTIAL), ("rows", WHOLE)])
def test_partial_updates_of_json_go_as_they_are(three, directory, password, rights, changes):
    """Or, by SQL, where all of a document is known."""
    source, target, _ = three
    partial(source)
    backup(source, directory)
    source.sql(*changes)
    types = {r[2] for r in source.sql(f"SHOW BINLOG EVENTS IN '{source.sql('SHOW BINARY LOG STATUS')[0][0]}'")}
    assert "Update_rows_partial" in types
    archive(source, directory)
    if rights == "all":
        restore(target, directory, "--to=latest", "--replay=apply")
    else:
        with rows_alone(source, target, password) as (other, args):
            refused = changes is PARTIAL
            done = restore(other, directory, "--to=latest", "--replay=apply", *args, status=2 if refused else 0)
        if refused:
            assert done.err.endswith(" column j: the log has only a part of its value (binlog_row_value_options); use "
                                     "--replay=serve, or a user who may run BINLOG statements\n"), done
            return
    compare(source, target)


ARRAYS = [
    """INSERT INTO d.a VALUES (3, '{"n": [5, 6], "s": ["é", "x"]}', 1), (4, '{"n": [], "s": []}', 2), (5, NULL, 3), (6, '{"n": 7}', 4)""",
    """UPDATE d.a SET j = JSON_SET(j, '$.n[0]', 8), v = v + 1""", "UPDATE d.a SET v = 9 WHERE id = 2",
    "UPDATE d.a SET j = JSON_ARRAY_APPEND(j, '$.n', 11) WHERE 2 MEMBER OF (j->'$.n')", "DELETE FROM d.a WHERE id = 1",
]


def arrays(source):
    """Indexes over elements of JSON arrays: hidden columns of types that no column of ours can have."""
    source.sql("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, j JSON, v INT, "
               "KEY n ((CAST(j->'$.n' AS UNSIGNED ARRAY))), KEY s (v, (CAST(j->'$.s' AS CHAR(20) ARRAY))), "
               "KEY d ((CAST(j->'$.d' AS DATE ARRAY))), KEY f ((v + 1)), KEY c ((CAST(j->>'$.q' AS DECIMAL(10,2)))))",
               """INSERT INTO d.a VALUES (1, '{"n": [1, 2], "s": ["a"], "d": ["2024-01-02"]}', 1), (2, '{"n": [2, 3], "q": 1.5}', 2)""")


@pytest.mark.parametrize("kind", ["mysql"])
@pytest.mark.parametrize("rights", ["all", "rows"])
def test_rows_of_tables_with_indexes_over_arrays(three, directory, password, rights):
    source, target, _ = three
    arrays(source)
    backup(source, directory)
    source.sql(*ARRAYS)
    archive(source, directory)
    if rights == "all":
        restore(target, directory, "--to=latest", "--replay=apply")
    else:
        with rows_alone(source, target, password) as (other, args):
            restore(other, directory, "--to=latest", "--replay=apply", *args)
    compare(source, target)


@pytest.mark.parametrize("rights", ["all", "rows"])
def test_load_data_of_statements_comes_with_its_file(three, directory, tmp_path, password, rights):
    """In the log the file stands in blocks before its statement; a failed one, and one of nothing, too."""
    source, target, _ = three
    source.sql("CREATE DATABASE w", "USE w", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100) CHARACTER SET utf8mb4, n INT)",
               "CREATE TABLE m (id INT PRIMARY KEY, v VARCHAR(100)) ENGINE=MyISAM", "INSERT INTO t VALUES (1,'old',0),(2,'old',0)")
    backup(source, directory)
    big, few, latin, none = (tmp_path / n for n in ("big.tsv", "few.csv", "latin.tsv", "none"))
    big.write_text("".join(f"{n}\tline {n} {'x' * 60}\t{n % 7}\n" for n in range(10, 6000)))
    few.write_text("id;v;n\n1;'a; b';5\n3;'c''d';\\N\n")
    latin.write_bytes(b"7000\tgr\xfc\xdf\n7001\t\xe9\n")
    none.write_text("")
    for path in (big, few, latin, none):
        path.chmod(0o644)
    tmp_path.chmod(0o755)
    csv = "FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\\'' IGNORE 1 LINES (id, v, @n) SET n = @n * 2"
    source.sql("USE w", "SET SESSION binlog_format=STATEMENT", f"LOAD DATA INFILE '{big}' INTO TABLE t",
               f"LOAD DATA INFILE '{few}' REPLACE INTO TABLE t {csv}", "BEGIN",
               f"LOAD DATA INFILE '{latin}' IGNORE INTO TABLE t CHARACTER SET latin1 (id, v)",
               f"LOAD DATA INFILE '{none}' INTO TABLE t", "UPDATE t SET n = 9 WHERE id = 7001", "COMMIT",
               f"LOAD DATA INFILE '{few}' IGNORE INTO TABLE t {csv}", f"LOAD DATA INFILE '{latin}' INTO TABLE m CHARACTER SET latin1")
    with pytest.raises(pymysql.MySQLError):
        source.sql("SET SESSION binlog_format=STATEMENT", f"LOAD DATA INFILE '{big}' INTO TABLE w.t")
    archive(source, directory)
    big.unlink()
    if rights == "all":
        restore(target, directory, "--to=latest", "--replay=apply")
        target.sql("SET GLOBAL local_infile = OFF")
        wipe(target)
        try:
            done = restore(target, directory, "--to=latest", "--replay=apply", status=1)
            assert "set local_infile=ON on the target, or use --replay=serve" in done.err, done
        finally:
            target.sql("SET GLOBAL local_infile = ON")
        restore(target, directory, "--to=latest", "--replay=apply")
    else:
        with user(target, ["ALL ON *.*"]) as args:
            without = ("SUPER, BINLOG_ADMIN, REPLICATION_APPLIER" if source.kind == "mysql" else
                       "SUPER, BINLOG REPLAY, BINLOG ADMIN")
            target.sql(f"REVOKE {without} ON *.* FROM kura_a@localhost")
            restore(As(target, args, password), directory, "--to=latest", "--replay=apply", "--accounts=none",
                    "--gtid=none", "--binlog=on")
    assert target.sql("SELECT COUNT(*), SUM(n) FROM w.t") == source.sql("SELECT COUNT(*), SUM(n) FROM w.t")
    compare(source, target)


def shop(source):
    source.sql("CREATE DATABASE shop", "USE shop", "CREATE TABLE orders (id INT PRIMARY KEY, state VARCHAR(20), KEY (state))",
               "CREATE TABLE other (id INT PRIMARY KEY, v VARCHAR(20))",
               "INSERT INTO orders VALUES (1,'new'),(2,'new'),(3,'paid')", "INSERT INTO other VALUES (1,'x')")


def test_one_table_comes_back_beside_the_live_one(three, directory):
    source, _, _ = three
    shop(source)
    backup(source, directory)
    source.sql("USE shop", "INSERT INTO orders VALUES (4,'new')", "UPDATE orders o JOIN other t ON t.id=1 SET o.state='sent', "
               "t.v='y' WHERE o.id=3", "ALTER TABLE orders ADD COLUMN qty INT DEFAULT 1", "DELETE FROM orders WHERE id=2",
               "CREATE TABLE unrelated (a INT)", "DROP TABLE unrelated", "CREATE INDEX q ON orders (qty)")
    good = transactions(source)[-1][0]
    source.sql("UPDATE shop.orders SET state='oops'", "UPDATE shop.other SET v='z'")
    live = source.sql("SELECT * FROM shop.orders ORDER BY id"), source.sql("SELECT * FROM shop.other")
    archive(source, directory)
    args = ["--table=shop.orders=rescue.orders_1403", f"--to={good}"]
    facts = plan(source, directory, *args)
    assert facts["replay"]["way"] == "apply"
    done = restore(source, directory, *args)
    assert re.search(r"takes     5 transactions of the part, leaves 2$", done.out, re.M), done
    assert "ALTER TABLE `rescue`.`orders_1403` ADD COLUMN qty INT DEFAULT 1" in done.out
    assert source.sql("SELECT * FROM rescue.orders_1403 ORDER BY id") == ((1, "new", 1), (3, "sent", 1), (4, "new", 1))
    assert "KEY `q` (`qty`)" in source.sql("SHOW CREATE TABLE rescue.orders_1403")[0][1]
    assert (source.sql("SELECT * FROM shop.orders ORDER BY id"), source.sql("SELECT * FROM shop.other")) == live


def test_a_schema_comes_back_under_another_name(three, directory):
    source, target, _ = three
    shop(source)
    backup(source, directory)
    source.sql("CREATE DATABASE elsewhere", "CREATE TABLE elsewhere.t (a INT)", "USE shop",
               "CREATE TABLE made (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id))",
               "INSERT INTO made VALUES (1,1)", "INSERT INTO elsewhere.t VALUES (1)", "DROP TABLE other")
    archive(source, directory)
    restore(target, directory, "--schema=shop=copy", "--to=latest", "--replay=apply")
    assert [s for s in target.schemas() if s != "kura_restore"] == ["copy"]
    assert target.sql("SHOW TABLES FROM copy") == (("made",), ("orders",))
    assert target.sql("SELECT * FROM copy.made") == ((1, 1),)


@pytest.mark.parametrize("text, why", [
    ("ALTER TABLE orders RENAME TO old_orders", "ALTER TABLE shop.orders: it renames the table"),
    ("RENAME TABLE other TO o2, orders TO other", "RENAME TABLE shop.orders: it renames the table"),
    ("SET binlog_format='STATEMENT';UPDATE orders SET state='x'",
     "a statement: it writes rows by itself, and those of one table cannot be told from others"),
])
def test_what_a_part_cannot_be_told_from_is_refused(three, directory, text, why):
    source, target, _ = three
    shop(source)
    backup(source, directory)
    source.sql("USE shop", *text.split(";"))
    gtid = transactions(source)[-1][0]
    archive(source, directory)
    done = restore(target, directory, "--table=shop.orders", "--to=latest", "--replay=apply", status=2)
    assert done.err.splitlines()[-1] == f"restore: {gtid}: {why}", done
    assert target.schemas() == []


def test_rows_that_a_foreign_key_changed_are_refused(three, directory):
    source, target, _ = three
    shop(source)
    source.sql("CREATE TABLE shop.items (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id) "
               "ON DELETE CASCADE)", "INSERT INTO shop.items VALUES (1,1),(2,2)")
    backup(source, directory)
    source.sql("DELETE FROM shop.orders WHERE id=1")
    archive(source, directory)
    if source.kind == "mariadb":
        done = restore(target, directory, "--table=shop.items", "--to=latest", "--replay=apply", status=2)
        assert done.err.splitlines()[-1] == ("restore: rows of shop.items changed with 1 rows of shop.orders by a foreign "
                                             "key, which is not in the log; take that table too")
    restore(target, directory, "--table=shop.items", "--table=shop.orders", "--to=latest", "--replay=apply")
    assert target.sql("SELECT * FROM shop.items") == ((2, 2),)


def test_killed_at_any_moment_it_goes_on(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE w", "CREATE TABLE w.a (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40), n INT DEFAULT 0)",
               "CREATE TABLE w.sum (id INT PRIMARY KEY, n BIGINT)", "INSERT INTO w.sum VALUES (1,0)",
               "CREATE TABLE w.keyless (a INT, b INT)")
    backup(source, directory)
    source.sql("USE w", *[s for i in range(90) for s in (
        "BEGIN", "UPDATE sum SET n=n+1", f"INSERT INTO keyless VALUES ({i % 7},{i % 3})", "COMMIT",
        "INSERT INTO a (v) SELECT CONCAT('x',id) FROM a ORDER BY id LIMIT 5", f"INSERT INTO a (v) VALUES ('r{i}')",
        f"UPDATE a SET n=n+1 WHERE id%3={i % 3}", *(
            (f"ALTER TABLE a ADD COLUMN c{i} INT DEFAULT {i}", f"CREATE TABLE t{i} AS SELECT id, v FROM a LIMIT 10",
             f"TRUNCATE TABLE t{i}", f"XA START 'x{i}'", "UPDATE sum SET n=n+10", f"XA END 'x{i}'", f"XA PREPARE 'x{i}'",
             f"XA COMMIT 'x{i}'") if i % 6 == 3 else ()))])
    archive(source, directory)
    args = ["run", "orders", *directory.args, *target.args(), "--yes", "--to=latest", "--replay=apply"]
    seed = random.randrange(10**6)
    print("seed", seed)
    pick, kills = random.Random(seed), 0

    def place():
        with contextlib.suppress(pymysql.MySQLError):
            return target.sql("SELECT MAX(CONCAT(seq,':',place,state)) FROM kura_restore.apply")[0][0]
        return None

    for _ in range(12):
        p = start("restore", *args)
        seen, steps = place(), pick.randrange(1, 4)
        # so many times the note has moved on: then it is killed
        for _ in range(steps):
            wait_for(lambda: p.poll() is not None or place() not in (None, seen), 60)
            seen = place()
        if p.poll() is not None:
            out, err = p.communicate()
            assert p.returncode == 0, err
            break
        p.kill()
        p.communicate()
        kills += 1
        wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
    assert kills >= 2, "it was hardly interrupted"
    restore(target, directory, "--to=latest", "--replay=apply")
    compare(source, target)


def test_a_server_killed_in_the_middle_comes_back_and_it_goes_on(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE w", "CREATE TABLE w.a (id INT PRIMARY KEY AUTO_INCREMENT, n INT)")
    backup(source, directory)
    source.sql("USE w", *[s for i in range(200) for s in (
        f"INSERT INTO a (n) VALUES ({i})", *((f"ALTER TABLE a ADD COLUMN c{i} INT",) if i % 20 == 9 else ()))])
    archive(source, directory)
    # what is said to be done must be
    target.sql("SET GLOBAL innodb_flush_log_at_trx_commit=1")
    p = start("restore", "run", "orders", *directory.args, *target.args(), "--yes", "--to=latest", "--replay=apply")

    def rows():
        with contextlib.suppress(pymysql.MySQLError):
            return target.sql("SELECT COUNT(*) FROM w.a")[0][0]
        return 0

    wait_for(lambda: p.poll() is not None or rows() > 20, 60)
    target.kill()
    _, err = p.communicate(timeout=60)
    assert p.returncode == 1 and "server error 20" in err, err
    target.start()
    target.sql("SET GLOBAL innodb_flush_log_at_trx_commit=1")
    restore(target, directory, "--to=latest", "--replay=apply")
    compare(source, target)


@pytest.mark.parametrize("kind", ["mysql"])
@pytest.mark.parametrize("binlog", ["off", "on"])
def test_the_target_ends_with_the_gtids_of_the_log(three, directory, binlog):
    """Not logged there, many go in one transaction and their GTIDs at the end; logged, each goes under its own."""
    source, target, _ = three
    source.sql("CREATE DATABASE w", "CREATE TABLE w.a (id INT PRIMARY KEY AUTO_INCREMENT, n INT)")
    backup(source, directory)
    known = len(transactions(source))
    source.sql("USE w", *[f"INSERT INTO a (n) VALUES ({i})" for i in range(60)])
    # one of another server, with a gap
    source.sql("SET gtid_next='11111111-2222-3333-4444-555555555555:7'", "INSERT INTO w.a (n) VALUES (100)",
               "SET gtid_next='AUTOMATIC'", "ALTER TABLE w.a ADD COLUMN c INT", "INSERT INTO w.a (n, c) VALUES (101, 1)")
    archive(source, directory)
    gtids = [gtid for gtid, _ in transactions(source)][known:]
    args = ["--replay=apply", f"--binlog={binlog}"]
    # cut within what would go in one transaction
    for n in (20, 41):
        restore(target, directory, f"--to={gtids[n]}", *args)
        assert target.sql("SELECT MAX(n) FROM w.a") == ((n,),)
        assert target.sql(f"SELECT GTID_SUBSET('{gtids[n]}', @@gtid_executed), "
                          f"GTID_SUBSET('{gtids[n + 1]}', @@gtid_executed)") == ((1, 0),)
    restore(target, directory, "--to=latest", f"--skip={gtids[50]}", *args)
    assert target.sql("SELECT COUNT(*), SUM(n = 50) FROM w.a") == ((61, 0),)
    want, got = (server.sql("SELECT @@gtid_executed")[0][0] for server in (source, target))
    if binlog == "off":
        assert got == want == target.sql("SELECT @@gtid_purged")[0][0]
    else:
        # the notes between have GTIDs of the target's own
        assert target.sql(f"SELECT GTID_SUBSET('{want}', '{got}')") == ((1,),)
        assert target.sql(f"SELECT GTID_SUBSET('{gtids[41]}', @@gtid_purged)") == ((0,),)


@pytest.mark.parametrize("kind", ["mysql"])
def test_gtids_come_although_every_run_was_killed(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE w", "CREATE TABLE w.a (id INT PRIMARY KEY AUTO_INCREMENT, n INT)")
    backup(source, directory)
    source.sql("USE w", *[f"INSERT INTO a (n) VALUES ({i})" for i in range(9)])
    middle = transactions(source)[-1][0]
    source.sql("USE w", *[f"INSERT INTO a (n) VALUES ({i})" for i in range(9)], "CREATE TABLE last (i INT)")
    archive(source, directory)
    restore(target, directory, f"--to={middle}", "--replay=apply")

    def stands():
        return target.sql("SELECT gtid FROM kura_restore.apply")[0][0]

    with contextlib.closing(target.connect()) as c, c.cursor() as cursor:
        # all but the last is committed, which waits, and is killed
        cursor.execute("LOCK INSTANCE FOR BACKUP")
        p = start("restore", "run", "orders", *directory.args, *target.args(), "--to=latest", "--replay=apply", "--yes")
        wait_for(lambda: p.poll() is not None or stands() != middle, 60)
        assert p.poll() is None, p.communicate()
        p.kill()
        p.communicate()
    wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
    restore(target, directory, "--to=latest", "--replay=apply")
    assert target.sql("SELECT @@gtid_executed") == source.sql("SELECT @@gtid_executed")
    compare(source, target)


def test_rows_that_are_not_as_the_log_says_are_named(three, directory):
    source, target, _ = three
    shop(source)
    backup(source, directory)
    source.sql("INSERT INTO shop.orders VALUES (9,'x')")
    first = transactions(source)[-1][0]
    source.sql("UPDATE shop.orders SET state='y' WHERE id=9", "INSERT INTO shop.orders VALUES (10,'x')")
    bad = transactions(source)[-1][0]
    archive(source, directory)
    restore(target, directory, f"--to={first}", "--replay=apply")
    target.sql("SET sql_log_bin=0", "INSERT INTO shop.orders VALUES (10,'mine')")
    done = restore(target, directory, f"--to={bad}", "--replay=apply", status=1)
    assert re.search(rf"restore: .*transaction {bad} at binlog\.\d+:\d+.*: server error 1062: ", done.err), done
    # the one before it is done, and nothing of it
    assert target.sql("SELECT * FROM shop.orders WHERE id > 8") == ((9, "y"), (10, "mine"))
    target.sql("SET sql_log_bin=0", "DELETE FROM shop.orders WHERE id = 10")
    restore(target, directory, f"--to={bad}", "--replay=apply")
    assert target.sql("SELECT * FROM shop.orders WHERE id > 8") == ((9, "y"), (10, "x"))


def test_a_savepoint_before_the_first_row_is_the_groups_own(three, directory):
    source, target, _ = three
    shop(source)
    backup(source, directory)
    # the first one's s would still stand when the second goes back to its own, which a write that stays puts into the log
    # (MySQL with GTIDs allows none: there it must do no harm)
    engine = "MyISAM" if source.kind == "mariadb" else "InnoDB"
    source.sql(f"CREATE TABLE shop.stays (a INT) ENGINE={engine}", "USE shop", "BEGIN", "INSERT INTO orders VALUES (10,'a')",
               "SAVEPOINT s", "INSERT INTO orders VALUES (11,'a')", "COMMIT", "BEGIN", "INSERT INTO other VALUES (2,'b')",
               "SAVEPOINT s", "INSERT INTO stays VALUES (1)", "INSERT INTO orders VALUES (12,'b')", "ROLLBACK TO s",
               "INSERT INTO orders VALUES (13,'b')", "COMMIT")
    archive(source, directory)
    restore(target, directory, "--table=shop.orders", "--to=latest", "--replay=apply")
    assert target.sql("SELECT * FROM shop.orders") == source.sql("SELECT * FROM shop.orders")


def test_a_definition_needs_no_default_schema_of_the_source(three, directory):
    source, target, _ = three
    shop(source)
    backup(source, directory)
    source.sql("CREATE DATABASE app", "USE app", "ALTER TABLE `shop`.`orders` ADD c INT")
    archive(source, directory)
    restore(target, directory, "--table=shop.orders", "--to=latest", "--replay=apply")
    assert target.sql("SELECT * FROM shop.orders") == source.sql("SELECT * FROM shop.orders")


def test_a_row_that_fails_on_a_table_without_transactions_is_named(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE w", "CREATE TABLE w.m (id INT PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO w.m VALUES (1)")
    backup(source, directory)
    source.sql("INSERT INTO w.m VALUES (2)")
    first = transactions(source)[-1][0]
    source.sql("INSERT INTO w.m VALUES (3)")
    archive(source, directory)
    args = ["--replay=apply", "--gtid=none"]
    restore(target, directory, f"--to={first}", *args)
    target.sql("SET sql_log_bin=0", "INSERT INTO w.m VALUES (3)")
    done = restore(target, directory, "--to=latest", *args, status=1)
    assert re.search(r"restore: .*transaction .*: server error 1062: .*; begin again with --restart$", done.err.strip()), done


def test_large_rows_and_statements_are_cut_to_the_packet(three, directory):
    source, target, _ = three
    source.sql("CREATE DATABASE w", "CREATE TABLE w.b (id INT PRIMARY KEY, v LONGBLOB, n INT)")
    backup(source, directory)
    own = target.sql("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    # MariaDB takes one that does not fit a statement in two variables
    large = 4 if source.kind == "mariadb" else 2
    source.sql(f"INSERT INTO w.b VALUES (1,REPEAT(x'00ff',{large << 19}),0)",
               *[f"INSERT INTO w.b VALUES ({n},REPEAT('{n}',900000),0)" for n in range(2, 8)], "UPDATE w.b SET n=n+1 WHERE id>1",
               "INSERT INTO w.b SELECT id+100,'x',id FROM w.b", "UPDATE w.b SET n=n+1 WHERE id>100")
    archive(source, directory)
    target.sql(f"SET GLOBAL max_allowed_packet={4 << 20}")
    try:
        restore(target, directory, "--to=latest", "--replay=apply")
        compare(source, target)
    finally:
        target.sql(f"SET GLOBAL max_allowed_packet={own}")
