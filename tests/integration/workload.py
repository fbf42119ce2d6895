# SPDX-License-Identifier: Apache-2.0
"""What applications do to a server: for restores to a moment.

Transfers keep a sum, a counter counts; besides, all that binary logs are known to be difficult for.
"""
import contextlib
import random
import tempfile
import threading

import pymysql

ACCOUNTS = 60
SUM = ACCOUNTS * 1000

SETUP = [
    "CREATE DATABASE bank",
    "CREATE TABLE bank.account (id INT PRIMARY KEY, balance INT NOT NULL, note VARCHAR(60), KEY (balance))",
    "CREATE TABLE bank.transfer (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b INT, amount INT, at TIMESTAMP(6)"
    " DEFAULT CURRENT_TIMESTAMP(6))",
    "CREATE TABLE bank.counter (one INT PRIMARY KEY, n INT)",
    "INSERT INTO bank.counter VALUES (1, 0)",
    "CREATE TABLE bank.parent (id BIGINT PRIMARY KEY, v INT)",
    "CREATE TABLE bank.child (id INT PRIMARY KEY AUTO_INCREMENT, parent BIGINT, v DOUBLE,"
    " FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE bank.audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(80))",
    "CREATE TABLE bank.loaded (a INT, b VARCHAR(30), c DATE)",
    "CREATE TABLE bank.doc (id INT PRIMARY KEY AUTO_INCREMENT, j JSON, t TEXT, b BLOB, e ENUM('x','y','z'),"
    " bits BIT(12), d DECIMAL(20,5), f FLOAT, y YEAR, ts DATETIME(3))",
    "CREATE TABLE bank.keyless (a INT, b VARCHAR(20))",
    "CREATE TABLE bank.old (id INT PRIMARY KEY, v INT) ENGINE=MyISAM",
    "CREATE TRIGGER bank.t_audit AFTER INSERT ON bank.transfer FOR EACH ROW"
    " INSERT INTO bank.audit (what) VALUES (CONCAT(NEW.a, '->', NEW.b, ' ', NEW.amount))",
    "CREATE EVENT bank.nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO DELETE FROM bank.audit",
    "CREATE EVENT bank.off ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT 1",
]


class Worker:
    def __init__(self, source, seed, form):
        self.random = random.Random(seed)
        self.seed, self.mariadb = seed, source.kind == "mariadb"
        self.xids = self.last = 0
        self.db = pymysql.connect(unix_socket=source.socket, user="root", charset="utf8mb4", autocommit=True,
                                  local_infile=True)
        self.sql(f"SET SESSION binlog_format='{form}'", "SET SESSION innodb_lock_wait_timeout=3")

    def sql(self, *statements):
        with self.db.cursor() as cursor:
            for text in statements:
                cursor.execute(text)
            return cursor.fetchall()

    def number(self, top):
        return self.random.randrange(1, top)

    def move(self):
        a, b = self.random.sample(range(ACCOUNTS), 2)
        amount = self.number(20)
        # always in the order of ids: no two of us wait for each other
        return [f"UPDATE bank.account SET balance = balance {sign} {amount} WHERE id = {x}"
                for x, sign in sorted([(a, "-"), (b, "+")])] + [
            f"INSERT INTO bank.transfer (a, b, amount) VALUES ({a}, {b}, {amount})"]

    def transfer(self):
        self.sql("BEGIN", *self.move(), "COMMIT")

    def count(self):
        self.sql("UPDATE bank.counter SET n = n + 1")

    def many_tables(self):
        # no REPLACE of parents: MySQL 9.7 keeps their children and logs a DELETE, which takes a replica's children
        self.sql("BEGIN", *self.move(), f"INSERT INTO bank.keyless VALUES ({self.number(9)}, 'many')",
                 f"UPDATE bank.keyless SET a = a + 1 WHERE a = {self.number(9)} LIMIT 1",
                 f"INSERT INTO bank.parent VALUES ({self.number(40)}, 1) ON DUPLICATE KEY UPDATE v = v + 1", "COMMIT")

    def savepoint(self):
        self.sql("BEGIN", *self.move(), "SAVEPOINT s", f"DELETE FROM bank.account WHERE id < {ACCOUNTS}",
                 "ROLLBACK TO SAVEPOINT s", f"INSERT INTO bank.keyless VALUES ({self.number(9)}, 'kept')", "COMMIT")

    def rolled_back(self):
        self.sql("BEGIN", *self.move(), "ROLLBACK")

    def xa(self):
        self.xids += 1
        xid = f"'w{self.seed}','{self.xids}',7"
        try:
            self.sql(f"XA START {xid}", *self.move(), f"XA END {xid}")
        except pymysql.MySQLError:
            with contextlib.suppress(pymysql.MySQLError):
                self.sql(f"XA END {xid}")
            self.sql(f"XA ROLLBACK {xid}")
        else:
            self.sql(f"XA PREPARE {xid}", f"XA {self.random.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])} {xid}")

    def temporary(self):
        name = f"bank.tmp{self.seed}"
        self.sql(f"CREATE TEMPORARY TABLE {name} (a INT)", f"INSERT INTO {name} VALUES (1),({self.number(99)})",
                 f"INSERT INTO bank.keyless SELECT a, 'temporary' FROM {name}", f"DROP TEMPORARY TABLE {name}")

    def cascade(self):
        p = self.number(40)
        self.sql("BEGIN", f"INSERT INTO bank.parent VALUES ({p}, 0) ON DUPLICATE KEY UPDATE v = v + 1",
                 f"INSERT INTO bank.child (parent, v) VALUES ({p}, 0.1), ({p}, {self.number(9)})", "COMMIT")
        # no IGNORE: MySQL 9.7 logs the children's changes of a parent that it leaves as it is
        self.last += 1
        self.sql(f"DELETE FROM bank.parent WHERE id = {self.number(40)}" if p % 2 else
                 f"UPDATE bank.parent SET id = {10**8 + self.seed * 1000 + self.last} WHERE id = {self.number(40)}")

    def load(self):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
            f.write("".join(f"{n}\tline {n}\t2026-01-{n % 28 + 1:02}\n" for n in range(self.number(30))))
            f.flush()
            self.sql(f"LOAD DATA LOCAL INFILE '{f.name}' INTO TABLE bank.loaded")

    def document(self):
        self.sql("INSERT INTO bank.doc (j, t, b, e, bits, d, f, y, ts) VALUES"
                 f" ('{{\"a\": [1, {self.number(99)}], \"b\": \"x\"}}', 'täxt', x'00ff5c0a27', {self.number(4)},"
                 f" {self.number(4000)}, -{self.number(10**9)}.00012, {self.number(10**6)} / 7, 1999, NOW(3))",
                 f"UPDATE bank.doc SET j = JSON_SET(j, '$.b', '{self.number(99)}') WHERE id = {self.number(30)}")

    def not_transactional(self):
        self.sql(f"REPLACE INTO bank.old VALUES ({self.number(20)}, {self.number(99)})")

    EVERYDAY = (transfer, transfer, transfer, count, count, many_tables, savepoint, rolled_back, xa, temporary,
                cascade, load, document, not_transactional)

    def run(self, rounds):
        with contextlib.closing(self.db):
            for _ in range(rounds):
                try:
                    self.random.choice(self.EVERYDAY)(self)
                except pymysql.MySQLError as error:
                    # losers of a deadlock, or who waited for too long
                    if error.args[0] not in (1205, 1213):
                        raise
                    self.sql("ROLLBACK")


def definitions(source):
    """DDL of all kinds, one after another; two statements may be one transaction."""
    mariadb = source.kind == "mariadb"
    yield from (
        # what an earlier round has left
        "DROP TABLE IF EXISTS bank.renamed, bank.moved, bank.gen",
        "DROP PROCEDURE IF EXISTS bank.p",
        "DROP FUNCTION IF EXISTS bank.f",
        "DROP SEQUENCE IF EXISTS bank.s" if mariadb else "DROP TABLE IF EXISTS bank.gen",
        "CREATE TABLE bank.extra (id INT PRIMARY KEY, v INT)",
        "INSERT INTO bank.extra VALUES (1,1),(2,2),(3,3)",
        "ALTER TABLE bank.extra ADD COLUMN w VARCHAR(20) DEFAULT 'w', ADD KEY (v)",
        "UPDATE bank.extra SET w = 'updated' WHERE id = 2",
        "CREATE EVENT bank.made ON SCHEDULE EVERY 2 DAY STARTS '2037-01-01' DO SELECT 2",
        "ALTER EVENT bank.nightly DISABLE",
        "CREATE VIEW bank.v AS SELECT id, v FROM bank.extra WHERE v > 1",
        "CREATE PROCEDURE bank.p() BEGIN INSERT INTO bank.extra VALUES (100, 100, 'by p'); "
        "UPDATE bank.extra SET v = v + 1; END",
        "CALL bank.p()",
        "CREATE FUNCTION bank.f() RETURNS INT DETERMINISTIC RETURN 42",
        "INSERT INTO bank.extra VALUES (bank.f(), 1, 'by f')",
        "TRUNCATE TABLE bank.loaded",
        "CREATE TRIGGER bank.t_extra BEFORE INSERT ON bank.extra FOR EACH ROW SET NEW.w = 'triggered'",
        "INSERT INTO bank.extra VALUES (7, 7, 'x')",
        "CREATE USER kura_w@'%' IDENTIFIED BY 'secret of the workload'",
        "GRANT SELECT, INSERT ON bank.* TO kura_w@'%'",
        "RENAME TABLE bank.extra TO bank.renamed",
        "CREATE TABLE bank.copied AS SELECT * FROM bank.renamed",
        "ALTER EVENT bank.off ENABLE",
        "CREATE DATABASE side",
        "CREATE TABLE side.t (a INT PRIMARY KEY)",
        "INSERT INTO side.t VALUES (1),(2)",
        "RENAME TABLE side.t TO bank.moved",
        "DROP DATABASE side",
        "ALTER TABLE bank.copied DROP COLUMN w, MODIFY v BIGINT",
        "INSERT INTO bank.copied (id, v) VALUES (1000, 12345678901)",
        "DROP VIEW bank.v",
        "ALTER EVENT bank.made RENAME TO bank.made2",
        "REVOKE INSERT ON bank.* FROM kura_w@'%'",
        "CREATE SEQUENCE bank.s START WITH 100 CACHE 5" if mariadb else
        "CREATE TABLE bank.gen (a INT, b INT GENERATED ALWAYS AS (a * 2) STORED)",
        "INSERT INTO bank.keyless VALUES (NEXTVAL(bank.s), 'sequence')" if mariadb else
        "INSERT INTO bank.gen (a) VALUES (1),(2)",
        "DROP TABLE bank.copied",
        "ALTER EVENT bank.off DISABLE",
        "DROP EVENT bank.made2",
        "DROP USER kura_w@'%'",
    )


def prepare(source):
    source.sql("SET SESSION sql_mode=''", *SETUP)
    source.sql("INSERT INTO bank.account VALUES " + ",".join(f"({n}, 1000, 'x')" for n in range(ACCOUNTS)))


def run(source, seed, rounds=60, forms=("ROW", "MIXED", "MIXED")):
    """Several clients at once, and one that changes definitions."""
    errors = []

    def one(worker):
        try:
            worker.run(rounds)
        except Exception as error:      # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=one, args=(Worker(source, seed * 10 + n, form),))
               for n, form in enumerate(forms)]
    for t in threads:
        t.start()
    for text in definitions(source):
        source.sql("SET SESSION lock_wait_timeout=60", text)
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


def holds(server):
    """What is true at every moment."""
    total = server.sql("SELECT SUM(balance), COUNT(*) FROM bank.account")[0]
    assert total == (SUM, ACCOUNTS), total
    transfers, audits = server.sql("SELECT (SELECT COUNT(*) FROM bank.transfer), (SELECT COUNT(*) FROM bank.audit)")[0]
    assert transfers == audits
