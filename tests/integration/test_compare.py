# SPDX-License-Identifier: Apache-2.0
"""The judge itself: it must see one digit, one NULL and one row of each type."""
import subprocess

import pytest
from conftest import TOP

# type, a value, a value that differs as little as can be
COMMON = [
    ("TINYINT", "1", "2"), ("SMALLINT UNSIGNED", "65535", "65534"), ("MEDIUMINT", "-1", "-2"), ("INT", "7", "8"),
    ("BIGINT", "9223372036854775807", "9223372036854775806"),
    ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    ("DECIMAL(65,30)", "1.000000000000000000000000000001", "1.000000000000000000000000000002"),
    ("FLOAT", "16777216", "16777218"), ("FLOAT(7,3)", "1.001", "1.002"), ("DOUBLE", "0.1", "0.10000000000000002"),
    ("BIT(9)", "b'100000001'", "b'100000000'"), ("BIT(64)", "b'1'", "b'0'"), ("YEAR", "2001", "2002"),
    ("DATE", "'2001-01-01'", "'2001-01-02'"), ("DATETIME(6)", "'2001-01-01 00:00:00.000001'", "'2001-01-01 00:00:00.000002'"),
    ("TIMESTAMP(3) NULL", "'2001-01-01 00:00:00.001'", "'2001-01-01 00:00:00.002'"),
    ("TIME(6)", "'-00:00:00.000001'", "'00:00:00.000001'"), ("CHAR(10)", "'a'", "'A'"), ("VARCHAR(10)", "'a'", "'a '"),
    ("VARCHAR(10) CHARACTER SET latin1", "_latin1 0xe9", "_latin1 0xe8"),
    ("VARCHAR(10) CHARACTER SET gbk", "'签'", "'名'"), ("TEXT", "'x'", "'x\\0'"), ("BINARY(4)", "x'00'", "x'0001'"),
    ("VARBINARY(4)", "x'00'", "x'0000'"), ("BLOB", "x'ff'", "x'fe'"), ("ENUM('a','')", "1", "2"),
    ("SET('x','y')", "'x'", "'x,y'"), ("GEOMETRY", "ST_GeomFromText('POINT(1 1)')", "ST_GeomFromText('POINT(1 2)')"),
]
OWN = {
    "mariadb": [("INET6", "'::1'", "'::2'"), ("INET4", "'10.0.0.1'", "'10.0.0.2'"),
                ("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440001'"),
                ("JSON", "'[1.0]'", "'[1.00]'")],
    "mysql": [("JSON", "'[1]'", "'[2]'"), ("VECTOR(2)", "TO_VECTOR('[1,2]')", "TO_VECTOR('[1,3]')")],
}
CASES = [(kind, *case) for kind in ("mariadb", "mysql") for case in COMMON + OWN[kind]]


def judge(a, b, *args):
    done = subprocess.run([str(TOP / "tests/tools/compare"), "--a", f"socket={a.socket}", "--b", f"socket={b.socket}",
                           *args], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind,type_,value,other", CASES, ids=[f"{c[0]}-{c[1].split('(')[0]}-{n}" for n, c in enumerate(CASES)])
def test_one_value_one_null_one_row(servers, kind, type_, value, other):
    a, b = servers(kind, "source"), servers(kind, "target")
    for server in (a, b):
        server.clear()
        server.sql("CREATE DATABASE j", f"CREATE TABLE j.t (id INT PRIMARY KEY, v {type_})",
                   f"INSERT INTO j.t VALUES (1, {value}), (2, NULL)")
    assert judge(a, b) == (0, "")
    for change, back in ((f"UPDATE j.t SET v = {other} WHERE id = 1", f"UPDATE j.t SET v = {value} WHERE id = 1"),
                         ("UPDATE j.t SET v = NULL WHERE id = 1", f"UPDATE j.t SET v = {value} WHERE id = 1"),
                         (f"UPDATE j.t SET v = {value} WHERE id = 2", "UPDATE j.t SET v = NULL WHERE id = 2"),
                         ("DELETE FROM j.t WHERE id = 2", "INSERT INTO j.t VALUES (2, NULL)"),
                         (f"INSERT INTO j.t VALUES (3, {value})", "DELETE FROM j.t WHERE id = 3")):
        b.sql(change)
        status, text = judge(a, b)
        assert status == 1 and "table j.t" in text, (change, text)
        b.sql(back)
    assert judge(a, b) == (0, "")


OBJECTS = [
    ("VIEW j.v", "CREATE VIEW j.v AS SELECT 1 AS a", "CREATE OR REPLACE VIEW j.v AS SELECT 2 AS a"),
    ("PROCEDURE j.p", "CREATE PROCEDURE j.p() SELECT 1", "CREATE PROCEDURE j.p() SELECT 2"),
    ("TRIGGER j.x", "CREATE TRIGGER j.x BEFORE INSERT ON j.t FOR EACH ROW SET @a=1",
     "CREATE TRIGGER j.x BEFORE INSERT ON j.t FOR EACH ROW SET @a=2"),
    ("EVENT j.e", "CREATE EVENT j.e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "CREATE EVENT j.e ON SCHEDULE EVERY 1 DAY DO SELECT 2"),
]


@pytest.mark.parametrize("what,one,other", OBJECTS, ids=[o[0] for o in OBJECTS])
def test_definitions(source, target, what, one, other):
    for server in (source, target):
        server.sql("CREATE DATABASE j", "CREATE TABLE j.t (id INT PRIMARY KEY)")
    source.sql("USE j", one)
    kind, name = what.split()
    target.sql("USE j", other)
    assert judge(source, target)[0] == 1
    target.sql(f"DROP {kind} {name}")
    assert judge(source, target)[0] == 1
    # an index, a default, a comment
    source.sql(f"DROP {kind} {name}")
    assert judge(source, target) == (0, "")
    target.sql("ALTER TABLE j.t COMMENT 'x'")
    assert judge(source, target)[0] == 1


def test_accounts_and_grants(source, target):
    for server in (source, target):
        server.sql("DROP USER IF EXISTS judged@localhost", "CREATE USER judged@localhost IDENTIFIED BY 'x'"
                   if server.kind == "mariadb" else "CREATE USER judged@localhost")
    try:
        status, text = judge(source, target, "--accounts")
        target.sql("GRANT SELECT ON *.* TO judged@localhost")
        assert judge(source, target, "--accounts")[0] == 1
        assert "judged" in judge(source, target, "--accounts")[1]
    finally:
        for server in (source, target):
            server.sql("DROP USER judged@localhost")
