# SPDX-License-Identifier: Apache-2.0
"""Work that writes every kind of transaction into a binary log; a line that begins with ";;" ends a statement."""

COMMON = r"""
CREATE DATABASE w CHARACTER SET utf8mb4
;; USE w
;; CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT, n VARCHAR(40))
;; CREATE TABLE u (id INT PRIMARY KEY, v INT)
;; CREATE TABLE m (id INT PRIMARY KEY, v INT) ENGINE=MyISAM
;; CREATE TABLE `odd ``name'` (a INT)
;; INSERT INTO t VALUES (1,1,'a'),(2,2,'b'),(3,3,'ü')
;; UPDATE t SET v = v + 1 WHERE id < 3
;; DELETE FROM t WHERE id = 3
;; INSERT INTO `odd ``name'` VALUES (NULL),(1)
;; BEGIN
;; INSERT INTO u VALUES (1,1)
;; SAVEPOINT one
;; INSERT INTO u VALUES (2,2)
;; ROLLBACK TO one
;; SAVEPOINT `COMMIT`
;; UPDATE t SET v = 0
;; RELEASE SAVEPOINT `COMMIT`
;; COMMIT
;; BEGIN
;; INSERT INTO u VALUES (9,9)
;; ROLLBACK
;; INSERT INTO m VALUES (1,1),(2,2)
;; CREATE TABLE copy SELECT * FROM u
;; CREATE TEMPORARY TABLE tmp (a INT)
;; INSERT INTO tmp VALUES (1)
;; INSERT INTO u SELECT 100, a FROM tmp
;; DROP TEMPORARY TABLE tmp
;; CREATE TRIGGER after_t AFTER INSERT ON t FOR EACH ROW BEGIN INSERT INTO u VALUES (NEW.id + 1000, 1); UPDATE u SET v = 2 WHERE id = 1; END
;; INSERT INTO t (v) VALUES (7),(8)
;; CREATE PROCEDURE p () BEGIN INSERT INTO t (v) VALUES (50); COMMIT; UPDATE u SET v = 51 WHERE id = 1; END
;; CALL p()
;; XA START 'x','branch',3
;; INSERT INTO u VALUES (5,5)
;; XA END 'x','branch',3
;; XA PREPARE 'x','branch',3
;; XA COMMIT 'x','branch',3
;; XA START x'00ff'
;; INSERT INTO u VALUES (6,6)
;; XA END x'00ff'
;; XA PREPARE x'00ff'
;; XA ROLLBACK x'00ff'
;; XA START 'one'
;; INSERT INTO u VALUES (7,7)
;; XA END 'one'
;; XA COMMIT 'one' ONE PHASE
;; ALTER TABLE u ADD COLUMN w VARCHAR(10) DEFAULT 'x'
;; /* a comment */ -- and another
   ALTER TABLE u DROP COLUMN w
;; CREATE TABLE long_name (a INT COMMENT 'üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü', b INT COMMENT 'y')
;; CREATE TABLE parent (id INT PRIMARY KEY)
;; CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)
;; INSERT INTO parent VALUES (1),(2)
;; INSERT INTO child VALUES (1,1),(2,1),(3,2)
;; DELETE FROM parent WHERE id = 1
;; SET binlog_row_image=MINIMAL
;; UPDATE t SET v = 3 WHERE id = 1
;; INSERT INTO t (v) VALUES (9)
;; DELETE FROM t WHERE id = 2
;; SET binlog_row_image=FULL
;; INSERT INTO u (id, v) WITH RECURSIVE s (n) AS (SELECT 10000 UNION ALL SELECT n + 1 FROM s WHERE n < 10999) SELECT n, n FROM s
;; UPDATE u, t SET u.v = 1, t.v = 1 WHERE u.id >= 10000 AND t.id = 1
;; TRUNCATE TABLE m
;; SET binlog_format=STATEMENT
;; SET @x = 5
;; INSERT INTO u VALUES (20000, @x)
;; INSERT INTO t (v) VALUES (FLOOR(1 + 0 * RAND(3)))
;; INSERT INTO m VALUES (LAST_INSERT_ID() + 20, 1)
;; BEGIN
;; UPDATE u SET v = v + 1 WHERE id = 1
;; DELETE FROM u WHERE id = 2
;; COMMIT
;; SELECT id, v FROM u WHERE id = 1 INTO OUTFILE 'lines.tsv'
;; DELETE FROM u WHERE id = 1
;; LOAD DATA INFILE 'lines.tsv' INTO TABLE u
;; CALL p()
;; SET binlog_format=MIXED
;; BEGIN
;; INSERT INTO u VALUES (30000, 1)
;; UPDATE u SET v = CONNECTION_ID() WHERE id = 30000
;; COMMIT
;; SET binlog_format=ROW
;; CREATE USER someone@localhost
;; GRANT SELECT ON w.* TO someone@localhost
;; DROP USER someone@localhost
;; RENAME TABLE copy TO copy2
;; DROP TABLE copy2, `odd ``name'`
;; ANALYZE TABLE t
;; FLUSH TABLES
"""

# Both kinds of engines in one transaction: MySQL allows it without GTIDs alone.
BOTH = r"""BEGIN
;; INSERT INTO u VALUES (3,3)
;; INSERT INTO m VALUES (3,3)
;; ROLLBACK
;; BEGIN
;; INSERT INTO m VALUES (4,4)
;; INSERT INTO u VALUES (4,4)
;; COMMIT
"""

ANONYMOUS = r"""
SET GLOBAL gtid_mode=ON_PERMISSIVE
;; SET GLOBAL gtid_mode=OFF_PERMISSIVE
;; SET GLOBAL enforce_gtid_consistency=OFF
;; USE w
;; {}
;; SET GLOBAL enforce_gtid_consistency=ON
;; SET GLOBAL gtid_mode=ON_PERMISSIVE
;; SET GLOBAL gtid_mode=ON
"""

MYSQL = r"""
SET gtid_next='aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7'
;; INSERT INTO u VALUES (40000, 1)
;; SET gtid_next='aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:8'
;; BEGIN
;; COMMIT
;; SET gtid_next='AUTOMATIC:backup_1'
;; INSERT INTO u VALUES (40001, 1)
;; CREATE TABLE tagged (j JSON)
;; SET gtid_next='AUTOMATIC'
;; SET binlog_transaction_compression=ON
;; BEGIN
;; INSERT INTO u SELECT id + 40000, v FROM u WHERE id BETWEEN 10000 AND 10999
;; SAVEPOINT s
;; UPDATE t SET n = REPEAT('x', 30)
;; COMMIT
;; SET binlog_transaction_compression=OFF
;; SET binlog_rows_query_log_events=ON
;; INSERT INTO tagged VALUES ('{"a": 1, "b": [1, 2]}')
;; SET binlog_row_value_options=PARTIAL_JSON
;; UPDATE tagged SET j = JSON_SET(j, '$.a', 2)
;; SET binlog_row_value_options='', binlog_rows_query_log_events=OFF
"""

MARIADB = r"""
SET binlog_alter_two_phase=1
;; ALTER TABLE u ADD COLUMN w INT
;; ALTER TABLE u DROP COLUMN w
;; SET binlog_alter_two_phase=0, binlog_annotate_row_events=0
;; SET gtid_domain_id=7
;; INSERT INTO u VALUES (40000, 1)
;; SET gtid_domain_id=0, server_id=4294967295
;; INSERT INTO u VALUES (40001, 1)
;; SET server_id=DEFAULT, gtid_seq_no=5000000000
;; INSERT INTO u VALUES (40002, 1)
;; CREATE SEQUENCE s CACHE 2
;; SELECT NEXTVAL(s)
;; SET STATEMENT lock_wait_timeout=5 FOR INSERT INTO u VALUES (40003, 1)
;; SET STATEMENT lock_wait_timeout=5 FOR CREATE TABLE stated (a INT)
;; SET binlog_format=STATEMENT
;; SET STATEMENT lock_wait_timeout=5 FOR INSERT INTO u VALUES (40004, 1)
;; BEGIN NOT ATOMIC INSERT INTO u VALUES (40005, 1); INSERT INTO u VALUES (40006, 1); END
;; SET binlog_format=ROW
;; CREATE OR REPLACE TABLE stated (b INT) ENGINE=Aria
;; INSERT INTO stated VALUES (1),(2)
;; SET GLOBAL log_bin_compress=1, log_bin_compress_min_len=10
;; INSERT INTO u SELECT id + 40000, v FROM u WHERE id BETWEEN 10000 AND 10999
;; DELETE FROM u WHERE id BETWEEN 10000 AND 10999
;; UPDATE t SET v = 77, n = REPEAT('x', 40)
;; CREATE TABLE compressed (a INT COMMENT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
;; SET GLOBAL log_bin_compress=0, log_bin_compress_min_len=DEFAULT
"""


def statements(*texts):
    return [part.strip() for text in texts for part in ("\n" + text.strip()).split("\n;;")]


def transactions(kind):
    if kind == "mariadb":
        return statements(COMMON, BOTH, MARIADB)
    return statements(COMMON, MYSQL, ANONYMOUS.format(BOTH.strip()))


# name, type, how a value is asked for (its text, number, bytes), values as SQL
TEXT, NUMBER, BYTES, FLOAT = "CAST({} AS CHAR)", "CAST({} AS UNSIGNED)", "HEX({})", "{}*1e0"
COLUMNS = [
    ("ti", "TINYINT", TEXT, "-128 | 127 | 0 | -1"),
    ("tu", "TINYINT UNSIGNED", TEXT, "255 | 0"),
    ("si", "SMALLINT", TEXT, "-32768 | 32767"),
    ("su", "SMALLINT UNSIGNED", TEXT, "65535"),
    ("mi", "MEDIUMINT", TEXT, "-8388608 | 8388607"),
    ("mu", "MEDIUMINT UNSIGNED", TEXT, "16777215"),
    ("i", "INT", TEXT, "-2147483648 | 2147483647"),
    ("iu", "INT UNSIGNED", TEXT, "4294967295"),
    ("bi", "BIGINT", TEXT, "-9223372036854775808 | 9223372036854775807"),
    ("bu", "BIGINT UNSIGNED", TEXT, "18446744073709551615"),
    ("d1", "DECIMAL(65,30)", TEXT,
     "12345678901234567890123456789012345.123456789012345678901234567890 | -0.000000000000000000000000000001 | "
     "-99999999999999999999999999999999999.999999999999999999999999999999"),
    ("d2", "DECIMAL(10,0)", TEXT, "-9999999999 | 0 | 7"),
    ("d3", "DECIMAL(5,5)", TEXT, "-0.99999 | 0.00001 | 0"),
    ("d4", "DECIMAL(18,9)", TEXT, "-123456789.987654321 | 1.5 | 1000000000e-1"),
    ("f", "FLOAT", FLOAT, "16777217 | 0.3333333333 | 3.4028234e38 | -1.1754944e-38 | 1e-45 | 3333333333 | 0 | 0.1"),
    ("db", "DOUBLE", TEXT,
     "1.7976931348623157e308 | 5e-324 | 2.2250738585072014e-308 | 0.1 | -1234.5 | 1e15 | 1e14 | "
     "123456789012345678 | 0.00001 | 1e-15 | 1e-16 | 100 | 3.3333333333333335 | -2.5e-10"),
    ("bt", "BIT(9)", NUMBER, "b'101010101' | b'0' | b'111111111'"),
    ("b1", "BIT(1)", NUMBER, "b'1'"),
    ("b64", "BIT(64)", NUMBER, "0xffffffffffffffff | 0x5c0a0d00"),
    ("y", "YEAR", TEXT, "2155 | 1901 | '0000'"),
    ("da", "DATE", TEXT, "'0000-00-00' | '2024-02-30' | '9999-12-31' | '1000-01-01' | '2024-00-00'"),
    ("t0", "TIME", TEXT, "'-838:59:59' | '838:59:59' | '00:00:00' | '-00:00:01'"),
    ("t1", "TIME(1)", TEXT, "'-00:00:00.1' | '-12:34:56.9'"),
    ("t3", "TIME(3)", TEXT, "'-12:34:56.789' | '838:59:58.999'"),
    ("t6", "TIME(6)", TEXT, "'-838:59:58.999999' | '00:00:00.000001' | '-00:00:00.000001' | '-01:00:00.000000'"),
    ("dt", "DATETIME", TEXT, "'0000-00-00 00:00:00' | '9999-12-31 23:59:59' | '2024-02-30 01:02:03'"),
    ("dt2", "DATETIME(2)", TEXT, "'2024-03-31 02:30:00.25'"),
    ("dt5", "DATETIME(5)", TEXT, "'2024-03-31 02:30:00.12345'"),
    ("dt6", "DATETIME(6)", TEXT, "'9999-12-31 23:59:59.999999' | '2024-03-31 02:30:00.000001'"),
    ("ts", "TIMESTAMP NULL", TEXT, "'0000-00-00 00:00:00' | '1970-01-01 00:00:01' | '2038-01-19 03:14:07'"),
    ("ts4", "TIMESTAMP(4) NULL", TEXT, "'2024-10-27 00:30:00.5001'"),
    ("ts6", "TIMESTAMP(6) NULL", TEXT, "'2038-01-19 03:14:07.999999' | '0000-00-00 00:00:00'"),
    ("c", "CHAR(10) CHARACTER SET utf8mb4", BYTES, "'a  ' | '' | '😀ü' | 'ten_chars_'"),
    ("c300", "CHAR(255) CHARACTER SET utf8mb4", BYTES, "'x' | REPEAT('😀',255)"),
    ("cl", "CHAR(10) CHARACTER SET latin1", BYTES, "_latin1 0xe9ff"),
    ("bn", "BINARY(5)", BYTES, "x'6162' | x'' | x'0000000000' | x'2020202020' | x'00ff00ff00'"),
    ("bn200", "BINARY(255)", BYTES, "x'01' | REPEAT(x'00ff',120)"),
    ("v", "VARCHAR(20) CHARACTER SET utf8mb4", BYTES, "'b  ' | '' | '\\0\\t\\n'"),
    ("vl", "VARCHAR(3000) CHARACTER SET gbk", BYTES, "'签' | REPEAT('签',2999)"),
    ("vb", "VARBINARY(300)", BYTES, "x'00090a5c0d1a2720' | REPEAT('\\\\',300) | x''"),
    ("tt", "TINYTEXT", BYTES, "'tiny'"),
    ("tx", "TEXT", BYTES, "'text ' | REPEAT('ab',10000)"),
    ("mt", "MEDIUMTEXT", BYTES, "REPEAT('ü',40000)"),
    ("bl", "BLOB", BYTES, "x'00ff' | REPEAT(x'00ff5c0a',2000)"),
    ("lb", "LONGBLOB", BYTES, "REPEAT(x'00ff5c0a',20000) | ''"),
    ("e", "ENUM('a','','1','ü')", NUMBER, "1 | 2 | 3 | 4"),
    ("e2", "ENUM({})".format(",".join(f"'v{i}'" for i in range(300))), NUMBER, "1 | 255 | 256 | 300"),
    ("s", "SET('x','y','z')", NUMBER, "'x,z' | '' | 'x,y,z'"),
    ("s64", "SET({})".format(",".join(f"'v{i}'" for i in range(64))), NUMBER, "'v0' | 'v63' | 'v0,v31,v32,v63'"),
    ("g", "GEOMETRY", BYTES,
     "ST_GeomFromText('POINT(1 2)') | ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))',4326)"),
]
MYSQL_COLUMNS = [
    ("ve", "VECTOR(3)", BYTES, "TO_VECTOR('[1,2.5,-3e-7]')"),
    ("js", "JSON", "HEX(CAST({} AS CHAR))", None),
]
DOCUMENTS = [
    "'null'", "'true'", "'[]'", "'{}'", "'\"str\"'", "'0'", "'-1'", "'32768'", "'-32769'", "'65536'", "'4294967296'",
    "'18446744073709551615'", "'-9223372036854775808'", "'1.5'", "'1e20'", "'1.0'", "'-0.0'", "'100000000000000.0'", "'1e-7'",
    "'{\"a\": [1, 2.5, \"x\\\\ty\\\\u0001\\\\\"\\\\\\\\/\", null, true, false], \"b\": {\"ü\": {\"deep\": [[[]]]}}, \"\": 0}'",
    "JSON_OBJECT('d',CAST('1.10' AS DECIMAL(5,2)),'n',CAST('-123456789012345678901234567890.12' AS DECIMAL(40,2)))",
    "JSON_ARRAY(CAST('2024-02-29' AS DATE),CAST('2024-02-29 01:02:03.5' AS DATETIME(6)),CAST('-12:34:56.000001' AS TIME(6)),"
    "CAST('00:00:00' AS TIME))",
    "JSON_ARRAY(CAST(x'00ff1020' AS BINARY),CAST(x'' AS BINARY),CAST('a' AS BINARY),b'101')",
    "JSON_OBJECT('long',REPEAT('x',70000),'k',REPEAT('y',200))",
    "CAST(CONCAT('[',REPEAT('1234567,',20000),'{\"a\":70000,\"b\":-70000,\"c\":5}]') AS JSON)",
    "JSON_MERGE_PATCH('{\"x\":1}',JSON_OBJECT('p',ST_AsGeoJSON(ST_GeomFromText('POINT(1 2)'))))",
]
MARIADB_COLUMNS = [
    ("i6", "INET6", "HEX(CAST({} AS BINARY(16)))", "'2001:db8::ff00:42:8329' | '::' | 'ff00::'"),
    ("i4", "INET4", "HEX(CAST({} AS BINARY(4)))", "'10.0.0.1' | '0.0.0.0' | '10.0.0.0'"),
    ("u", "UUID", "HEX(CAST({} AS BINARY(16)))",
     "'123e4567-e89b-12d3-a456-426655440000' | '00000000-0000-0000-0000-000000000000' | "
     "'f47ac10b-58cc-4372-a567-0e02b2c30000'"),
    ("vc", "VARCHAR(3000) COMPRESSED", BYTES, "'' | 'short' | REPEAT('abc',900)"),
    ("vbc", "VARBINARY(200) COMPRESSED", BYTES, "REPEAT(x'00ff',90)"),
    ("bc", "LONGBLOB COMPRESSED", BYTES, "REPEAT('x',300000) | '' | 'y'"),
    ("tc", "TEXT COMPRESSED CHARACTER SET utf8mb4", BYTES, "REPEAT('ü',300)"),
    ("jm", "JSON", BYTES, "'{\"a\":1.10}'"),
]


def columns(kind):
    for name, sql, ask, values in COLUMNS + (MYSQL_COLUMNS if kind == "mysql" else MARIADB_COLUMNS):
        yield name, sql, ask, DOCUMENTS if values is None else values.split(" | ")


def values(cols, table="ev.t"):
    """A table of these columns, a row of NULLs, and rows until every value was there."""
    yield "CREATE TABLE {} (id INT PRIMARY KEY, {}) CHARACTER SET utf8mb4".format(
        table, ", ".join(f"{name} {sql}" for name, sql, _, _ in cols))
    yield "INSERT INTO {} VALUES (0{})".format(table, ",NULL" * len(cols))
    for n in range(max(len(texts) for _, _, _, texts in cols)):
        yield "INSERT INTO {} VALUES ({},{})".format(
            table, n + 1, ",".join(texts[n % len(texts)] for _, _, _, texts in cols))
