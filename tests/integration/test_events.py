# SPDX-License-Identifier: Apache-2.0
"""What is read in binary logs is what the servers say: values by SELECT, transactions by their own mysqlbinlog."""
import collections
import re
import struct
import subprocess
import threading

import pytest
import workloads
from conftest import BIN

CAT = BIN.parent / "tools/binlogcat"


def closed_file(server, *statements, **options):
    """Run statements into a binary log file of their own; the file's path."""
    with server.connect(**options) as c, c.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        name = cursor.fetchall()[-1][0]
        for text in statements:
            cursor.execute(text)
        cursor.execute("FLUSH BINARY LOGS")
    return server.dir / "data" / name


def cat(path, *args):
    done = subprocess.run([str(CAT), *args, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout.splitlines()


def images(path, table):
    """(mark, values) of each row image of a table: a value is (form, text or bytes)."""
    for line in cat(path, "--rows"):
        m = re.match(r"  ([-+]) (\S+) (.*)$", line)
        if m and m[2] == table:
            yield m[1], [(v[0], v[1:] if v[0] == "N" else bytes.fromhex(v[1:])) for v in m[3].split(" ")]


def same(ask, value, want):
    form, got = value
    if want is None:
        return form == "Z"
    if ask == workloads.FLOAT:
        return struct.pack("<f", float(got)) == struct.pack("<f", want) or float(got) == want == 0
    want = str(want)
    if "HEX" in ask:
        return form in "TBJG" and got.hex().upper() == want
    return form in "NT" and (got if form == "N" else got.decode()) == want


@pytest.mark.parametrize("compress", [False, True])
def test_values_are_those_of_select(source, compress):
    cols = list(workloads.columns(source.kind))
    create, *inserts = workloads.values(cols)
    option = "log_bin_compress" if source.kind == "mariadb" else "binlog_transaction_compression"
    source.sql("CREATE DATABASE ev", "SET GLOBAL binlog_row_metadata=FULL", create)
    session = ["SET time_zone='+00:00', sql_mode='ALLOW_INVALID_DATES'",
               f"SET {'GLOBAL' if source.kind == 'mariadb' else 'SESSION'} {option}={int(compress)}"]
    select = "SELECT id,{} FROM ev.t ORDER BY id".format(",".join(ask.format(name) for name, _, ask, _ in cols))
    try:
        path = closed_file(source, *session, *inserts)
        want = source.sql("SET time_zone='+00:00'", select)
        changes = closed_file(source, *session, "UPDATE ev.t SET id = id + 1000 ORDER BY id",
                              "DELETE FROM ev.t ORDER BY id")
    finally:
        source.sql("SET GLOBAL binlog_row_metadata=DEFAULT")
        if source.kind == "mariadb":
            source.sql(f"SET GLOBAL {option}=0")
    assert compress == any("ompressed" in line or "payload" in line for line in cat(path) if line[0].isdigit())
    got = list(images(path, "ev.t"))
    assert len(got) == len(want) == len(inserts) and {mark for mark, _ in got} == {"+"}
    for (_, values), row in zip(got, want):
        assert values[0] == ("N", str(row[0]))
        for (name, _, ask, _), value, expected in zip(cols, values[1:], row[1:]):
            assert same(ask, value, expected), (row[0], name, value, expected)
    # What was inserted is what is changed, and then deleted.
    inserted = [values[1:] for _, values in got]
    changed = list(images(changes, "ev.t"))
    assert [mark for mark, _ in changed] == ["-", "+"] * len(got) + ["-"] * len(got)
    assert [values[1:] for _, values in changed[:2 * len(got):2]] == inserted
    assert [values[1:] for _, values in changed[1:2 * len(got):2]] == inserted
    assert [values[1:] for _, values in changed[2 * len(got):]] == inserted


def told(server, path):
    """Transactions as the server's own mysqlbinlog shows them: (GTID, offset, microseconds or None, rows by table)."""
    done = subprocess.run([*server.binlog_tool(), "-v", "--base64-output=decode-rows", str(path)], capture_output=True,
                          text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stderr
    found, at = [], None
    for line in done.stdout.splitlines():
        if m := re.match(r"# at (\d+)", line):
            at = int(m[1])
        elif m := re.match(r"#.*\tGTID (\d+-\d+-\d+)", line):
            found.append((m[1], at, None, collections.Counter()))
        elif m := re.match(r"#.*original_committed_timestamp=(\d+)", line):
            stamp = int(m[1])
        elif m := re.match(r"SET @@SESSION.GTID_NEXT= '(.*)'/", line):
            if m[1] != "AUTOMATIC":
                found.append((m[1].replace("ANONYMOUS", "-"), at, stamp, collections.Counter()))
        elif m := re.match(r"### (INSERT INTO|UPDATE|DELETE FROM) `(.*)`\.`(.*)`$", line):
            found[-1][3][m[1][0], m[2], m[3].replace("``", "`")] += 1
    return found


def seen(path):
    """The same as Kura reads it, with kind, size, notes and statement."""
    found = []
    for line in cat(path):
        if m := re.match(r"= (\S+) (\S+) time (\d+) at (\d+) size (\d+)(.*) events (\d+) \[(.*?)\] ?(.*)$", line):
            found.append((m[2], int(m[4]), int(m[3]), collections.Counter(), m[1], int(m[5]), m[6].split(), m[9]))
        elif m := re.match(r"  (\w+)\.(.+) \+(\d+) ~(\d+) -(\d+)$", line):
            for kind, n in zip("IUD", m.groups()[2:]):
                if int(n):
                    found[-1][3][kind, m[1], m[2]] += int(n)
    return found


def test_transactions_are_those_of_mysqlbinlog(source):
    try:
        path = closed_file(source, *workloads.transactions(source.kind))
    finally:
        # DROP DATABASE stops at files that are not the server's.
        (source.dir / "data/w/lines.tsv").unlink(missing_ok=True)
    want, got = told(source, path), seen(path)
    assert [t[:2] for t in got] == [t[:2] for t in want]
    for mine, theirs in zip(got, want):
        assert mine[3] == theirs[3], (mine, theirs)
        assert theirs[2] in (None, mine[2]), (mine, theirs)
        assert "uncounted" not in mine[6], mine
        assert "length" not in mine[6] or mine[6][mine[6].index("length") + 1] == str(mine[5]), mine
    # Nothing stands between two but what belongs to none.
    events = {int(m[1]): m[2] for line in cat(path) if (m := re.match(r"(\d+) (\S+) \d+$", line))}
    inside = {at for at in events for t in got if t[1] <= at < t[1] + t[5]}
    assert {events[at] for at in events.keys() - inside} <= {
        "Format_description", "Previous_gtids", "Gtid_list", "Binlog_checkpoint", "Rotate"}
    kinds = collections.Counter(t[4] for t in got)
    assert set(kinds) >= {"rows", "ddl", "statement", "xa-prepare", "xa-commit", "xa-rollback"}, kinds
    for t in got:
        word = re.sub(r"/\*.*?\*/|-- and another", "", t[7]).split()[:1]
        assert (t[4] == "ddl") == (word != [] and word[0] in (
            "CREATE", "ALTER", "DROP", "GRANT", "RENAME", "TRUNCATE", "ANALYZE", "FLUSH")) or t[7].startswith("SET STATEMENT"), t
        assert ("mixed" in t[6]) == (t[4] == "statement"), t


# What the server logs as a change, and not as a document.
UPDATES = [
    "JSON_SET(j, '$.a', 2)", "JSON_SET(j, '$.long', 'new', '$.b[1]', JSON_OBJECT('x', 1.5))", "JSON_REMOVE(j, '$.a', '$.b[0]')",
    "JSON_REPLACE(j, '$.\"a b\"', CAST('1.10' AS DECIMAL(5,2)))", "JSON_SET(j, '$.b[9]', 'end')", "JSON_REMOVE(j, '$.long')",
]
STEPS = {"R": "JSON_REPLACE", "I": "JSON_INSERT", "X": "JSON_REMOVE"}


def test_changes_of_json_documents(servers):
    source = servers("mysql", "source")
    source.clear()
    document = "JSON_OBJECT('a', 1, 'b', JSON_ARRAY(1, 2, 'three'), 'a b', NULL, 'long', REPEAT('x', 2000))"
    rows = ",".join(f"({n},{document},{document})" for n in range(len(UPDATES)))
    path = closed_file(source, "CREATE DATABASE ev", "CREATE TABLE ev.t (id INT PRIMARY KEY, k JSON, j JSON, a INT, b INT, c INT, d INT, e INT, f INT)",
                       f"INSERT INTO ev.t (id, k, j) VALUES {rows}", "SET binlog_row_value_options=PARTIAL_JSON",
                       *(f"UPDATE ev.t SET j = {text} WHERE id = {n}" for n, text in enumerate(UPDATES)))
    want = [row[0] for row in source.sql("SELECT CAST(j AS CHAR) FROM ev.t ORDER BY id")]
    got = list(images(path, "ev.t"))[len(UPDATES):]
    assert [mark for mark, _ in got] == ["-", "+"] * len(UPDATES)
    for (_, before), (_, after), expected in zip(got[::2], got[1::2], want):
        # A document that did not change is the one from before.
        assert after[2][0] == "C" and after[1] == before[1] and before[1][0] == "J"
        sql, args = "CAST(%s AS JSON)", [before[2][1].decode()]
        for step, path, _, value in re.findall(r"([RIX])([^=]*)(=)(.*)\n", after[2][1].decode()):
            name = "JSON_ARRAY_INSERT" if step == "I" and path.endswith("]") else STEPS[step]
            sql = f"{name}({sql}, %s" + (")" if step == "X" else ", CAST(%s AS JSON))")
            args += [path] if step == "X" else [path, value]
        with source.connect() as c, c.cursor() as cursor:
            cursor.execute(f"SELECT CAST({sql} AS CHAR)", args)
            # A DECIMAL that went through text is a DOUBLE.
            assert cursor.fetchone()[0] == expected.replace("1.10", "1.1"), (sql, args)
    source.clear()


def test_transactions_that_commit_together(source):
    """Groups of commits have more in their first events."""
    def write(n):
        with source.connect() as c, c.cursor() as cursor:
            for i in range(20):
                cursor.execute(f"INSERT INTO ev.t VALUES ({n * 100 + i})")

    source.sql("CREATE DATABASE ev", "CREATE TABLE ev.t (id INT PRIMARY KEY)")
    wait = {"mariadb": ("binlog_commit_wait_count", "binlog_commit_wait_usec"),
            "mysql": ("binlog_group_commit_sync_no_delay_count", "binlog_group_commit_sync_delay")}[source.kind]
    try:
        source.sql(f"SET GLOBAL {wait[0]}=4", f"SET GLOBAL {wait[1]}=20000", "FLUSH BINARY LOGS")
        name = source.sql("SHOW BINARY LOGS")[-1][0]
        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        source.sql("FLUSH BINARY LOGS")
    finally:
        source.sql(f"SET GLOBAL {wait[0]}=DEFAULT", f"SET GLOBAL {wait[1]}=DEFAULT")
    path = source.dir / "data" / name
    want, got = told(source, path), seen(path)
    assert len(got) == 80 and [t[:2] + t[3:4] for t in got] == [t[:2] + t[3:4] for t in want]
    if source.kind == "mariadb":
        # 8 bytes of a commit's group, which take the place of 6 of nothing; since MariaDB 11.5 a thread's number, too
        assert {"Gtid 44", "Gtid 49"} & {line.split(" ", 1)[1] for line in cat(path)}
    else:
        assert any(int(t[6][t[6].index("sequence") + 1]) - int(t[6][t[6].index("after") + 1]) > 1 for t in got)
