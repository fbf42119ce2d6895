# SPDX-License-Identifier: Apache-2.0
"""kura-recovery(7): each of the worst days happens, and what the page says is typed."""
import re
import shlex
import subprocess

import pytest
from conftest import TOP, run
from test_pitr import archive, backup, compare, three, transactions, utc   # noqa: F401 (a fixture)

PAGE = "kura-recovery.7"
MOMENT, GTID, ID = "2026-11-24 14:03:27", "3e11fa47-71ca-11e1-9e33-c80aa9429562:23", "20261124T010000Z-7c1e"


def sections():
    done = subprocess.run(["mandoc", "-T", "markdown", str(TOP / "man" / PAGE)], capture_output=True, text=True,
                          check=True)
    out, name = {}, None
    for line in done.stdout.splitlines():
        if line.startswith("## "):
            name = line[3:]
            out[name] = []
        elif re.match(r"\s+(restore|backupd|catalog|mysql) ", line):
            out[name].append(line.strip())
    return out


SECTIONS = sections()


def test_the_page_has_these_days():
    assert [len(v) for v in SECTIONS.values()] == [3, 3, 2, 1, 4, 5, 5, 1], SECTIONS


class Day:
    """Types the page's commands, with this test's servers, store, moment and GTID."""

    def __init__(self, source, target, store, config):
        self.source, self.target, self.store, self.config = source, target, store, config
        self.moment = self.gtid = self.id = None
        config.write_text(f"[store main]\nurl = {store.url}\n[source orders]\nsocket = {source.socket}\nuser = root\n")

    def type(self, text):
        server = self.target if "--host=db9" in text else self.source
        for old, new in ((MOMENT, self.moment), (GTID, self.gtid), (ID, self.id), ("s3://backups/mysql", self.store.url),
                         ("--user=admin", "--user=root")):
            text = text.replace(old, new or old)
        text = text.replace("--drill-host=drill1", f"--drill-socket={self.target.socket}").replace("user=admin", "user=root")
        text = re.sub(r"--host=db\d", f"--socket={server.socket}", text)
        program, *args = shlex.split(text)
        if program == "mysql":
            return server.sql(args[args.index("-e") + 1])
        if "--store" not in text:
            args.append(f"--config={self.config}")
        if program == "restore" and (args[0] == "run" or "--apply" in args):
            args.append("--yes")
        done = run(program, *args)
        assert done.status == 0, (text, done)
        return done


@pytest.fixture
def day(three, directory, tmp_path):     # noqa: F811
    source, target, _ = three
    source.sql("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY, v INT)",
               "CREATE TABLE shop.prices (id INT PRIMARY KEY, price INT)", "INSERT INTO shop.orders VALUES (1,1)",
               "INSERT INTO shop.prices VALUES (1,10),(2,20)")
    backup(source, directory)
    source.sql("INSERT INTO shop.orders VALUES (2,2),(3,3)", "UPDATE shop.prices SET price = 21 WHERE id = 2")
    one = Day(source, target, directory, tmp_path / "kura.conf")
    yield one


def last(source):
    return transactions(source)[-1]


def test_a_table_was_dropped(day):
    if day.source.kind == "mariadb":
        # it stamps whole seconds: the DROP is in another one
        us = last(day.source)[1] + 1000000
        day.source.sql(f"SET SESSION timestamp={us // 1000000 + 1}", "DROP TABLE shop.orders")
    else:
        us = last(day.source)[1]
        day.source.sql("DROP TABLE shop.orders")
    day.moment, day.gtid = utc(us), last(day.source)[0]
    day.source.sql("UPDATE shop.prices SET price = 22 WHERE id = 2")
    archive(day.source, day.store)
    first, look, rename = SECTIONS["A table was dropped"]
    day.type(first)
    day.source.sql("RENAME TABLE rescue.orders TO rescue.kept")
    plan = day.type(look).out
    assert re.search(rf"(?m)^first out {day.gtid} of .*a definition: DROP TABLE", plan), plan
    day.source.sql("RENAME TABLE rescue.kept TO rescue.orders")
    day.type(rename)
    assert day.source.sql("SELECT * FROM shop.orders") == ((1, 1), (2, 2), (3, 3))
    assert day.source.sql("SELECT * FROM shop.prices") == ((1, 10), (2, 22))


def test_a_wrong_update(day):
    day.source.sql("UPDATE shop.prices SET price = 0")
    day.gtid = last(day.source)[0]
    day.source.sql("INSERT INTO shop.prices VALUES (3, 30)", "UPDATE shop.prices SET price = 11 WHERE id = 1")
    archive(day.source, day.store)
    for line in SECTIONS["A wrong UPDATE, or a DELETE without its WHERE"]:
        day.type(line)
    assert day.source.sql("SELECT * FROM shop.prices") == ((1, 11), (2, 21), (3, 30))
    assert day.source.schemas() == ["shop"]


def test_a_wrong_update_undone(day):
    day.source.sql("UPDATE shop.prices SET price = 0")
    day.gtid = last(day.source)[0]
    day.source.sql("INSERT INTO shop.prices VALUES (3, 30)")
    archive(day.source, day.store)
    look, undo = SECTIONS["A wrong UPDATE, undone where it stands"]
    assert "table     shop.prices: 0 rows come back, 2 change back, 0 go" in day.type(look).out
    assert day.source.sql("SELECT * FROM shop.prices") == ((1, 0), (2, 0), (3, 30))
    day.type(undo)
    assert day.source.sql("SELECT * FROM shop.prices") == ((1, 10), (2, 21), (3, 30))


def test_all_but_one_transaction(day):
    day.source.sql("DROP TABLE shop.orders")
    day.gtid = last(day.source)[0]
    day.source.sql("INSERT INTO shop.prices VALUES (3, 30)")
    archive(day.source, day.store)
    day.type(SECTIONS["All but one transaction"][0])
    assert day.target.sql("SELECT COUNT(*) FROM shop.orders") == ((3,),)
    assert day.target.sql("SELECT * FROM shop.prices") == day.source.sql("SELECT * FROM shop.prices")


def test_a_server_is_lost(day):
    archive(day.source, day.store)
    plan, restore, elsewhere, protect = SECTIONS["A server is lost"]
    assert "way       serve: " in day.type(plan).out
    done = day.type(restore)
    assert "proven: " in done.out and "all equal to the backup" in done.out
    compare(day.source, day.target)
    # the archive has grown
    day.source.sql("INSERT INTO shop.orders VALUES (4,4)")
    archive(day.source, day.store)
    assert "way       serve: the target replicates from localhost:3399" in day.type(elsewhere).out
    compare(day.source, day.target)
    day.type(protect)


def test_a_data_centre_is_lost(day):
    archive(day.source, day.store)
    listing, verify, plan, restore, older = SECTIONS["A data centre is lost"]
    day.config.unlink()
    day.id = re.search(r"orders/(\S+)", day.type(listing).out)[1]
    day.type(verify)
    day.type(plan)
    day.type(restore)
    compare(day.source, day.target)
    day.target.clear()
    day.type(older)
    compare(day.source, day.target)


def test_nobody_may_make_a_table(day):
    day.source.sql("UPDATE shop.prices SET price = 0")
    day.gtid = last(day.source)[0]
    archive(day.source, day.store)
    *administrator, plan, restore = SECTIONS["Nobody at hand may make a table"]
    day.source.sql("DROP USER IF EXISTS app@localhost", "CREATE USER app@localhost")
    for line in administrator:
        day.type(line)
    printed = re.search(r"an administrator runs\n((?:  .*;\n)+)", day.type(plan).out)[1]
    day.source.sql(*(line.strip().rstrip(";") for line in printed.splitlines()))
    day.type(restore)
    assert day.source.sql("SELECT * FROM rescue.prices") == ((1, 10), (2, 21))
    day.source.sql("DROP USER app@localhost")


def test_before_any_of_these_days(day):
    archive(day.source, day.store)
    done = day.type(SECTIONS["Before any of these days"][0])
    assert re.search(r"(?m)^assertion true: SELECT COUNT\(\*\) > 0 FROM shop.orders: 1$", done.out), done
    assert done.out.endswith("proven    the server is empty again\n") and day.target.schemas() == []
