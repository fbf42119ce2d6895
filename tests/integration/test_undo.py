# SPDX-License-Identifier: Apache-2.0
"""Chosen transactions are reversed on the live server, or not at all."""
import json
import subprocess

import pytest
import schemas
from conftest import run
from test_apply import ARRAYS, PARTIAL, WHOLE, arrays, fill, forget, partial
from test_pitr import archive, backup, three, transactions, utc  # noqa: F401


def undo(server, store, *args, status=0):
    done = run("restore", "undo", "orders", *store.args, *server.args(), *args, env=store.env)
    assert done.status == status, done
    return done


def shop(source):
    source.sql("CREATE DATABASE shop CHARACTER SET utf8mb4", "USE shop",
               "CREATE TABLE orders (id INT PRIMARY KEY, state VARCHAR(20), f FLOAT, b BLOB, e ENUM('a','b'), "
               "upd TIMESTAMP(3) NULL ON UPDATE CURRENT_TIMESTAMP(3), g INT GENERATED ALWAYS AS (id*2) STORED)",
               "CREATE TABLE log (a INT, v VARCHAR(20))",
               "INSERT INTO orders (id,state,f,b,e) VALUES (1,'new',0.1,x'00ff27',1),(2,'it''s ü',NULL,NULL,2),"
               "(3,'paid',1e10/3,'',1)", "INSERT INTO log VALUES (1,'x'),(1,'x'),(2,NULL)")


def rows(source, *names):
    return [sorted(source.sql(f"SELECT * FROM shop.{n}"), key=repr) for n in names or ("orders", "log")]


def last(source):
    return transactions(source)[-1][0]


def test_a_wrong_update_is_undone(three, directory):
    source, _, _ = three
    shop(source)
    before = rows(source)
    source.sql("UPDATE shop.orders SET state='oops', f=2.5, b=x'01', e=2", "USE shop", "BEGIN",
               "DELETE FROM orders WHERE id=2", "INSERT INTO orders (id,state) VALUES (9,'nine')",
               "UPDATE orders SET id=33 WHERE id=3", "DELETE FROM log WHERE a=1 LIMIT 1", "UPDATE log SET v='y' WHERE a=2",
               "COMMIT")
    first, second = [g for g, _ in transactions(source)[-2:]]
    archive(source, directory)
    after = rows(source)
    done = undo(source, directory, f"--gtid={first}", f"--gtid={second}")
    assert f"undoes    {second} of " in done.out and "conflicts" not in done.out
    assert "table     shop.orders: 1 rows come back, 4 change back, 1 go" in done.out, done
    assert rows(source) == after
    done = undo(source, directory, f"--gtid={first}", f"--gtid={second}", "--apply", "--yes")
    assert done.out.endswith("undone: 8 rows\n")
    assert rows(source) == before


def test_a_script_a_person_can_read(three, directory, tmp_path):
    source, _, _ = three
    shop(source)
    before = rows(source)
    source.sql("UPDATE shop.orders SET state='oops' WHERE id<3", "DELETE FROM shop.orders WHERE id=3",
               "DELETE FROM shop.log WHERE a=2")
    gtids = [g for g, _ in transactions(source)[-3:]]
    archive(source, directory)
    path = tmp_path / "undo.sql"
    undo(source, directory, *[f"--gtid={g}" for g in gtids], f"--out={path}")
    text = path.read_text()
    assert text.startswith("-- undo of 3 transactions of orders, newest first: 4 rows\n")
    assert f"\n-- transaction {gtids[0]} of " in text
    assert "UPDATE `shop`.`orders` SET `state`='new'" in text and "SET `state`='it\\'s ü'" in text
    # it is written, not run; and written once
    assert rows(source) != before
    done = undo(source, directory, f"--gtid={gtids[0]}", f"--out={path}", status=1)
    assert "File exists" in done.err
    subprocess.run(["mariadb", "--no-defaults", "-uroot", "-S", source.socket], input=text, text=True, check=True)
    assert rows(source) == before


def test_rows_that_changed_since_are_conflicts(three, directory):
    source, _, _ = three
    shop(source)
    source.sql("UPDATE shop.orders SET state='oops'", "UPDATE shop.orders SET state='mine' WHERE id=2")
    wrong = transactions(source)[-2][0]
    archive(source, directory)
    after = rows(source)
    done = undo(source, directory, f"--gtid={wrong}", "--apply", "--yes", status=1)
    assert done.err == ("restore: 1 of 3 rows were changed since; nothing was done; with --keep-conflicts they stay as they "
                        "are and the others are undone\n")
    assert "conflicts shop.orders: `id`=2 AND " in done.out, done
    assert rows(source) == after
    facts = json.loads(undo(source, directory, f"--gtid={wrong}", "--json", status=1).out)
    assert (facts["rows"], facts["conflicts"], facts["state"]) == (3, 1, "refused")
    undo(source, directory, f"--gtid={wrong}", "--apply", "--yes", "--keep-conflicts")
    assert source.sql("SELECT id, state FROM shop.orders ORDER BY id") == ((1, "new"), (2, "mine"), (3, "paid"))


def test_what_changed_between_two_chosen_ones_is_a_conflict(three, directory):
    source, _, _ = three
    shop(source)
    source.sql(*[f"UPDATE shop.orders SET state='s{n}' WHERE id=1" for n in range(3)])
    gtids = [g for g, _ in transactions(source)[-3:]]
    archive(source, directory)
    # the newest alone, and all three, are fine; without the one between they are not
    undo(source, directory, f"--gtid={gtids[2]}")
    undo(source, directory, *[f"--gtid={g}" for g in gtids])
    undo(source, directory, f"--gtid={gtids[0]}", f"--gtid={gtids[2]}", status=1)
    undo(source, directory, *[f"--gtid={g}" for g in gtids], "--apply", "--yes")
    assert source.sql("SELECT state FROM shop.orders WHERE id=1") == (("new",),)


@pytest.mark.parametrize("kind", ["mysql"])
@pytest.mark.parametrize("table, make, changes", [("j", partial, PARTIAL), ("j", partial, WHOLE), ("a", arrays, ARRAYS)])
def test_documents_come_back_as_they_were(three, directory, table, make, changes):
    """Updates that hold a part of a document, and tables with indexes over its arrays."""
    source, _, _ = three
    make(source)
    before = source.sql(f"SELECT * FROM d.{table} ORDER BY id")
    had = len(transactions(source))
    source.sql(*changes)
    gtids = [g for g, _ in transactions(source)[had:]]
    archive(source, directory)
    args = [*[f"--gtid={g}" for g in gtids], "--apply", "--yes"]
    if changes is PARTIAL:
        after = source.sql("SELECT * FROM d.j ORDER BY id")
        done = undo(source, directory, *args, status=2)
        assert done.err == "restore: d.j: column k: the log has only a part of its value (binlog_row_value_options)\n"
        before = after
    else:
        undo(source, directory, *args)
    assert source.sql(f"SELECT * FROM d.{table} ORDER BY id") == before


@pytest.mark.parametrize("kind", ["mysql"])
def test_a_document_that_differs_by_a_letters_case_was_changed(three, directory):
    source, _, _ = three
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, j JSON)", """INSERT INTO d.t VALUES (1, '{"a": "old"}')""",
               """UPDATE d.t SET j = '{"a": "new"}'""", """UPDATE d.t SET j = '{"a": "NEW"}'""")
    wrong = transactions(source)[-2][0]
    archive(source, directory)
    undo(source, directory, f"--gtid={wrong}", "--apply", "--yes", status=1)
    assert source.sql("SELECT j FROM d.t") == (('{"a": "NEW"}',),)


def test_a_span_of_time_of_one_table(three, directory):
    source, _, _ = three
    shop(source)
    before = rows(source, "orders")
    at = transactions(source)[-1][1]
    # MariaDB stamps whole seconds
    source.sql("DO SLEEP(1.1)", "UPDATE shop.orders SET state='oops'", "UPDATE shop.log SET v='kept'",
               "CREATE TABLE shop.other (a INT)", "DELETE FROM shop.orders WHERE id=1")
    to = transactions(source)[-1][1]
    archive(source, directory)
    span = [f"--from={utc(at + 1)}", f"--to={utc(to)}"]
    done = undo(source, directory, *span, status=2)
    assert "a definition cannot be undone: CREATE TABLE shop.other" in done.err
    undo(source, directory, *span, "--table=shop.orders", "--apply", "--yes")
    assert rows(source, "orders") == before
    assert source.sql("SELECT COUNT(*) FROM shop.log WHERE v='kept'") == ((3,),)


def test_what_cannot_be_undone_is_named(three, directory):
    source, _, _ = three
    shop(source)
    source.sql("SET binlog_format='STATEMENT'", "UPDATE shop.orders SET state='s' WHERE id=1")
    statement = last(source)
    source.sql("SET binlog_row_image='MINIMAL'", "UPDATE shop.orders SET state='m' WHERE id=1")
    minimal = last(source)
    source.sql("UPDATE shop.orders SET state='ddl'")
    changed = last(source)
    source.sql("ALTER TABLE shop.orders ADD COLUMN z INT")
    source.sql("UPDATE shop.log SET v='t'")
    fires = last(source)
    archive(source, directory)
    source.sql("CREATE TRIGGER shop.tr AFTER UPDATE ON shop.log FOR EACH ROW SET @a = 1")
    for gtid, why in ((statement, "a statement without row images cannot be undone: "),
                      (changed, "the table was changed since: ALTER TABLE shop.orders"),
                      (fires, "shop.log: its 1 trigger would fire")):
        done = undo(source, directory, f"--gtid={gtid}", "--apply", "--yes", status=2)
        assert why in done.err, done
    source.sql("ALTER TABLE shop.orders DROP COLUMN z")
    for args, why in (([], "undo needs --gtid, or --from and --to"), (["--from=14:03"], "undo needs --gtid"),
                      ([f"--gtid={fires}", "--out=x", "--apply"], "--out and --apply"),
                      ([f"--gtid={fires[:-1]}99999"], "no such transaction in the archive"),
                      ([f"--gtid={fires}", "--table=a.b=c.d"], "undo works on the table itself")):
        done = run("restore", "undo", "orders", *directory.args, *source.args(), *args)
        assert done.status in (2, 4) and why in done.err and done.err.count("\n") == 1, done
    assert minimal


def test_minimal_images_are_refused(three, directory):
    source, _, _ = three
    shop(source)
    source.sql("SET binlog_row_image='MINIMAL'", "UPDATE shop.orders SET state='m' WHERE id=1")
    gtid = last(source)
    archive(source, directory)
    done = undo(source, directory, f"--gtid={gtid}", "--apply", "--yes", status=2)
    assert "the log does not have its value (binlog_row_image is not full)" in done.err, done


def test_rows_that_would_go_by_a_foreign_key(three, directory):
    source, _, _ = three
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.p (id INT PRIMARY KEY)",
               "CREATE TABLE shop.c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
               "INSERT INTO shop.p VALUES (1)")
    made = last(source)
    source.sql("INSERT INTO shop.c VALUES (1,1),(2,1)")
    children = last(source)
    archive(source, directory)
    # the parent alone would take its children with it
    done = undo(source, directory, f"--gtid={made}", "--apply", "--yes", status=3)
    assert "shop.p: 0 of 1 row found as the log says" in done.err and "nothing was changed" in done.err, done
    assert len(source.sql("SELECT * FROM shop.c")) == 2
    undo(source, directory, f"--gtid={made}", f"--gtid={children}", "--apply", "--yes")
    assert source.sql("SELECT * FROM shop.p") == ()
    source.sql("INSERT INTO shop.p VALUES (5)", "INSERT INTO shop.c VALUES (5,5)", "DELETE FROM shop.p WHERE id=5")
    gtid = last(source)
    archive(source, directory)
    if source.kind == "mariadb":
        done = undo(source, directory, f"--gtid={gtid}", "--apply", "--yes", status=2)
        assert "shop.p: rows of shop.c that went with the deleted ones by a foreign key may be missing" in done.err
    else:
        undo(source, directory, f"--gtid={gtid}", "--apply", "--yes")
        assert source.sql("SELECT * FROM shop.p, shop.c") == ((5, 5, 5),)


def test_tables_that_take_nothing_back_are_refused(three, directory):
    source, _, _ = three
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.m (id INT, u INT UNIQUE) ENGINE=MyISAM",
               "INSERT INTO shop.m VALUES (1,1),(2,2)", "DELETE FROM shop.m")
    gtid = last(source)
    archive(source, directory)
    # the second row would clash when the first is back already
    source.sql("INSERT INTO shop.m VALUES (3,2)")
    done = undo(source, directory, f"--gtid={gtid}", "--apply", "--yes", status=2)
    assert done.err == "restore: shop.m: its engine knows no transactions: an undo that fails would stay half done\n"
    assert source.sql("SELECT * FROM shop.m") == ((3, 2),)


@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_put_back(three, directory, packed):
    source, _, _ = three
    forget(source)
    fill(source, True)
    source.sql("DROP TRIGGER torture.t3", "DROP TRIGGER torture.t1", "DROP TRIGGER torture.t2")
    names = ["numbers", "times", "texts", "composite", "keyless", "parts", "ft",
             "js" if source.kind == "mysql" else "net"]
    want = [source.sql(f"CHECKSUM TABLE torture.{n}")[0][1] for n in names]
    first = len(transactions(source))
    option = "GLOBAL log_bin_compress" if source.kind == "mariadb" else "SESSION binlog_transaction_compression"
    source.sql(f"SET {option}={int(packed)}", "USE torture", "SET sql_mode='ALLOW_INVALID_DATES'",
               "UPDATE numbers SET id=id+100, t=NULL, f=f/3, d=-d, bt=bt+1", "UPDATE times SET d=NULL, ts=NULL, t='00:00:01'",
               "UPDATE texts SET t='z', b=x'00', s='z', l='z', g='z' ORDER BY id", "DELETE FROM texts WHERE id>2",
               "UPDATE composite SET c=NULL", "DELETE FROM keyless LIMIT 1", "UPDATE parts SET v=5",
               "UPDATE ft SET g=ST_GeomFromText('POINT(5 6)')", "DELETE FROM ft", "DELETE FROM numbers", "DELETE FROM times",
               f"DELETE FROM {names[-1]}", *(["SET GLOBAL log_bin_compress=0"] if source.kind == "mariadb" else []))
    gtids = [g for g, _ in transactions(source)[first:]]
    archive(source, directory)
    undo(source, directory, *[f"--gtid={g}" for g in gtids], "--apply", "--yes")
    assert [source.sql(f"CHECKSUM TABLE torture.{n}")[0][1] for n in names] == want
    forget(source)
