# SPDX-License-Identifier: Apache-2.0
"""A user who may change rows and nothing else brings tables back that an administrator has made for him."""
import re

import pytest
from test_apply import As, password, user  # noqa: F401
from test_dump import start, wait_for
from test_pitr import archive, backup, plan, restore, three, transactions  # noqa: F401

TABLES = {
    "orders": "CREATE TABLE `{}` (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100), f FLOAT, e ENUM('a','b'),"
              " g INT GENERATED ALWAYS AS (CHAR_LENGTH(v)) STORED, KEY (v))",
    "lines": "CREATE TABLE `{}` (id INT PRIMARY KEY, o INT, d DECIMAL(10,2), t TIMESTAMP(3) NULL, b VARBINARY(20), KEY (o),"
             " CONSTRAINT to_order FOREIGN KEY (o) REFERENCES orders (id))",
}
ARGS = ["--table=shop.orders=rescue.orders", "--table=shop.lines=rescue.lines", "--into-existing"]
DML = ["SELECT, INSERT, UPDATE, DELETE ON rescue.*"]


def fill(source):
    source.sql("CREATE DATABASE shop", "USE shop", *(TABLES[n].format(n) for n in ("orders", "lines")),
               "CREATE TRIGGER shop.t BEFORE INSERT ON shop.lines FOR EACH ROW SET NEW.d = NEW.d + 0.01",
               *(f"INSERT INTO orders (v, f, e) VALUES ('ü{i}', {i}/3, 'b')" for i in range(20)),
               *(f"INSERT INTO `lines` VALUES ({i}, {i % 20 + 1}, {i}.5, '2024-01-01 01:02:03.456', x'00ff0a09{i % 100:02d}')"
                 for i in range(300)))


def change(source):
    source.sql("USE shop", "UPDATE orders SET v='changed', f=f*2 WHERE id < 5", "DELETE FROM `lines` WHERE id > 250",
               "INSERT INTO `lines` VALUES (999, 1, 1, NULL, NULL)", "UPDATE `lines` SET id=id+5000 WHERE id < 10")


def prepare(target):
    target.sql("CREATE DATABASE rescue", "USE rescue", *(TABLES[n].format(n) for n in ("orders", "lines")))


def rows(server, schema):
    return [server.sql(f"SELECT * FROM {schema}.`{n}` ORDER BY id") for n in TABLES]


def make_notes(target, text):
    found = re.search(r"an administrator runs\n((?:  .*;\n)+)", text)
    assert found, text
    target.sql(*(line.strip().rstrip(";") for line in found[1].splitlines()))


def test_a_user_with_rows_alone(three, directory, password):
    source, target, _ = three
    fill(source)
    backup(source, directory, "--chunk-bytes=4K")
    change(source)
    at = transactions(source)[-1][0]
    archive(source, directory)
    prepare(target)
    with user(target, DML) as args:
        him = As(target, args, password)
        done = restore(him, directory, *ARGS, "--to=latest", "--replay=apply", status=1)
        assert " schema kura_restore on the target: " in done.err and done.err.endswith(
            "; let an administrator run what 'restore plan --into-existing' prints, or CREATE DATABASE kura_restore and"
            " GRANT ALL on it\n")
        shown = plan(him, directory, *ARGS, "--to=latest", "--replay=apply")
        assert shown["replay"]["way"] == "apply" and not shown["replay"]["refused"]
        make_notes(target, done.out)
        # stopped in the middle of the load, it goes on
        child = start("restore", "run", "orders", *directory.args, *him.args(), *ARGS, "--yes", "--workers=1",
                      "--to=latest", "--replay=apply", "--check")
        wait_for(lambda: child.poll() is not None or
                 target.sql("SELECT COUNT(*) FROM kura_restore.step WHERE kind='chunk'")[0][0] > 0)
        child.kill()
        child.communicate()
        wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
        done = restore(him, directory, *ARGS, "--to=latest", "--replay=apply", "--check")
        assert "into      tables that are there: nothing is made, no trigger either\n" in done.out
        assert rows(target, "rescue") == rows(source, "shop")
        assert [target.sql(f"SELECT COUNT(*) FROM kura_restore.{t}")[0][0] for t in ("run", "step", "memo", "apply")] == [0] * 4
        # what is there is not written over
        done = restore(him, directory, *ARGS, status=1)
        assert re.search(r"restore: table rescue\.\w+: it holds rows; --into-existing fills empty tables alone\n$", done.err)
        # to a moment before the last change
        target.sql("SET foreign_key_checks=0", "TRUNCATE rescue.orders", "TRUNCATE rescue.lines")
        restore(him, directory, *ARGS, f"--to={at}", "--before", "--replay=apply")
        assert target.sql("SELECT COUNT(*) FROM rescue.lines WHERE id > 5000") == ((0,),)
        assert target.sql("SELECT COUNT(*) FROM rescue.lines WHERE id = 999") == ((1,),)


def test_what_is_not_as_the_backup_has_it_is_refused(three, directory):
    source, target, _ = three
    fill(source)
    backup(source, directory)

    def refused(status, why, *args):
        done = restore(target, directory, *ARGS, *args, status=status)
        assert done.err.splitlines()[-1].startswith(f"restore: {why}"), done

    refused(4, "table rescue.lines: it is not there; let an administrator make it")
    prepare(target)
    target.sql("ALTER TABLE rescue.lines MODIFY d DECIMAL(10,3)")
    refused(2, "table rescue.lines: its definition has 3 where the backup has 2")
    target.sql("ALTER TABLE rescue.lines MODIFY d DECIMAL(10,2), ADD KEY extra (d)")
    refused(2, "table rescue.lines: its definition has KEY where the backup has CONSTRAINT")
    target.sql("ALTER TABLE rescue.lines DROP KEY extra",
               "CREATE TRIGGER rescue.t BEFORE INSERT ON rescue.lines FOR EACH ROW SET NEW.d = 0")
    refused(2, "table rescue.lines: it has triggers, which would fire for what is restored")
    target.sql("DROP TRIGGER rescue.t", "ALTER TABLE rescue.orders AUTO_INCREMENT=77")
    # a definition in the log that would change one
    source.sql("ALTER TABLE shop.orders ADD x INT")
    archive(source, directory)
    done = restore(target, directory, *ARGS, "--to=latest", "--replay=apply", status=2)
    assert "no definition is changed by --into-existing: ALTER TABLE `rescue`.`orders` ADD x INT" in done.err, done
    # the backup itself can be had
    restore(target, directory, *ARGS, "--check")
    assert target.sql("SELECT COUNT(*) FROM rescue.orders") == ((20,),)
    assert "kura_restore" not in target.schemas()


@pytest.mark.parametrize("args", [["--into-existing"], ["--into-existing", "--schema=a"],
                                  ["--into-existing", "--table=a.b", "--overwrite"]])
def test_it_fills_tables_that_are_named(three, directory, args):
    _, target, _ = three
    done = restore(target, directory, *args, status=2)
    assert done.err == "restore: --into-existing goes with --table, and not with --schema or --overwrite\n"
