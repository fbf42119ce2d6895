# SPDX-License-Identifier: Apache-2.0
"""Schemas with everything that dumps are known to lose (peers' users' failures)."""

COMMON = r"""
CREATE DATABASE `torture` CHARACTER SET utf8mb4
;; USE torture
;; SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00'
;; CREATE TABLE numbers (id INT PRIMARY KEY, t TINYINT, s SMALLINT UNSIGNED, m MEDIUMINT, b BIGINT,
   ub BIGINT UNSIGNED, d DECIMAL(65,30), f FLOAT, fmd FLOAT(7,3), db DOUBLE, bt BIT(9), bt64 BIT(64), y YEAR)
;; INSERT INTO numbers VALUES
   (1,-128,65535,-8388608,-9223372036854775808,18446744073709551615,
    '12345678901234567890123456789012345.123456789012345678901234567890',16777217,1234.567,1.7976931348623157e308,b'101010101',
    b'1111111111111111111111111111111111111111111111111111111111111111',2155),
   (2,127,0,8388607,9223372036854775807,0,'-0.000000000000000000000000000001',0.3333333333,0,5e-324,0x09,0x5c0a0d00,1901),
   (3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
   (4,0,1,2,3,4,5,3333333333,-1.5,-0e0,b'0',b'0',0)
;; CREATE TABLE times (id INT PRIMARY KEY, d DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, t TIME(6),
   def TIMESTAMP NOT NULL DEFAULT '1970-01-01 08:00:01', upd DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)
;; INSERT INTO times VALUES
   (1,'0000-00-00','0000-00-00 00:00:00','0000-00-00 00:00:00','-838:59:59','1999-12-31 23:59:59','2001-02-03 04:05:06'),
   (2,'2024-02-30','9999-12-31 23:59:59.999999','2038-01-19 03:14:07.999','838:59:59','2024-10-27 02:30:00',NULL),
   (3,NULL,NULL,NULL,NULL,'2000-01-01','2000-01-01'),
   (4,'1000-01-01','2024-03-31 02:30:00.000001','2024-10-27 00:30:00.5','00:00:00.000001','2024-10-27 01:30:00','2024-01-01')
;; CREATE TABLE texts (id INT PRIMARY KEY, c CHAR(10), v VARCHAR(100), l VARCHAR(50) CHARACTER SET latin1,
   g VARCHAR(50) CHARACTER SET gbk DEFAULT '没签名', u VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, t TEXT, bn BINARY(5), vb VARBINARY(300),
   b BLOB, e ENUM('a','','1','ü'), s SET('x','y','z')) COMMENT='it''s `odd` \\ "quoted"'
;; SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'
;; INSERT INTO texts VALUES
   (1,'a  ','b  ',_latin1 0xe9ff,'签','😀	tab\nlf\\bs\0nul\r','\\N',x'6162',x'00090a5c0d1a27',x'000102',1,'x,z'),
   (2,NULL,'\\N','NULL','','''','NULL',NULL,NULL,'',2,''),
   (3,'','\t','\n','','\\','',x'',x'',x'',3,'y'),
   (4,'x','y',NULL,NULL,NULL,NULL,'','','',NULL,NULL)
;; INSERT INTO texts (id,b,vb) VALUES (10,REPEAT(x'00ff5c0a',20000),REPEAT('\\',300))
;; INSERT IGNORE INTO texts (id,e) VALUES (11,'no such member')
;; CREATE TABLE `generated` (a INT, b INT GENERATED ALWAYS AS (a*2) VIRTUAL, c INT GENERATED ALWAYS AS (a+1) STORED, KEY (c))
;; INSERT INTO `generated` (a) VALUES (1),(NULL),(3)
;; CREATE TABLE invisible (id INT PRIMARY KEY, hidden INT DEFAULT 7 INVISIBLE)
;; INSERT INTO invisible (id,hidden) VALUES (1,2),(2,NULL)
;; CREATE TABLE keyless (a INT, b VARCHAR(20))
;; INSERT INTO keyless VALUES (1,'x'),(1,'x'),(NULL,NULL)
;; CREATE TABLE empty_one (id INT PRIMARY KEY)
;; CREATE TABLE composite (a INT, b VARCHAR(20), c INT, PRIMARY KEY (a,b), UNIQUE KEY uc (c))
;; INSERT INTO composite SELECT 7, CONCAT('k',id), id FROM numbers
;; CREATE TABLE counter (grp INT, n INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (n), KEY (grp,n)) AUTO_INCREMENT=1000
;; INSERT INTO counter (grp,n) VALUES (1,0),(1,5)
;; CREATE TABLE myisam (id INT PRIMARY KEY, t TEXT, FULLTEXT KEY (t)) ENGINE=MyISAM
;; INSERT INTO myisam VALUES (1,'some words'),(2,'others')
;; CREATE TABLE ft (id INT PRIMARY KEY, t TEXT, g GEOMETRY NOT NULL, FULLTEXT KEY ft (t), SPATIAL KEY g (g), KEY pre (t(10)))
;; INSERT INTO ft VALUES (1,'full text',ST_GeomFromText('POINT(1 2)')),(2,NULL,ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))'))
;; CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)
;; INSERT INTO parts VALUES (1,1),(9,9),(10,10),(500,NULL)
;; SET foreign_key_checks=0
;; CREATE TABLE fk_a (id INT PRIMARY KEY, b INT, CONSTRAINT fk_ab FOREIGN KEY (b) REFERENCES fk_b (id) ON DELETE CASCADE)
;; CREATE TABLE fk_b (id INT PRIMARY KEY, a INT, CONSTRAINT fk_ba FOREIGN KEY (a) REFERENCES fk_a (id))
;; INSERT INTO fk_a VALUES (1,1),(2,NULL)
;; INSERT INTO fk_b VALUES (1,2)
;; CREATE TABLE `we``ird "näme' /..\\ %s` (`co``l	"umn'` INT PRIMARY KEY, `select` INT)
;; INSERT INTO `we``ird "näme' /..\\ %s` VALUES (1,2)
;; CREATE TABLE `名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名` (a INT, `値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値` INT)
;; INSERT INTO `名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名` VALUES (5,6)
;; CREATE VIEW a_view AS SELECT * FROM z_view
"""

AFTER = r"""
USE torture
;; CREATE VIEW z_view AS SELECT id, v FROM texts
;; CREATE OR REPLACE VIEW a_view AS SELECT id, v AS `ünlaut` FROM z_view WHERE v <> 'x;;y'
;; CREATE FUNCTION plus_one(x INT) RETURNS INT DETERMINISTIC RETURN x + 1
;; CREATE VIEW f_view AS SELECT plus_one(id) AS n FROM texts
;; SET SESSION sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT'
;; CREATE PROCEDURE "odd""proc"(IN p VARCHAR(10)) COMMENT 'SQL SECURITY INVOKER; it''s' BEGIN SELECT ';;' || p; /* DELIMITER // */ SELECT "id" FROM "texts"; END
;; SET SESSION sql_mode=''
;; CREATE TRIGGER t2 BEFORE INSERT ON counter FOR EACH ROW SET NEW.grp = COALESCE(NEW.grp, 9)
;; CREATE TRIGGER t1 BEFORE INSERT ON counter FOR EACH ROW PRECEDES t2 SET @seen = 1
;; CREATE TRIGGER t3 AFTER UPDATE ON numbers FOR EACH ROW SET @u = 1
;; SET time_zone='+03:00'
;; CREATE EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' DO DELETE FROM torture.keyless
;; CREATE EVENT often ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01 00:00:00' DISABLE COMMENT 'x' DO BEGIN SELECT ';;'; END
;; CREATE DATABASE `other-schema` CHARACTER SET latin1
;; CREATE TABLE `other-schema`.t (id INT PRIMARY KEY, v VARCHAR(10))
;; INSERT INTO `other-schema`.t VALUES (1,'é')
"""

MYSQL = r"""
USE torture
;; CREATE TABLE js (id INT PRIMARY KEY, j JSON)
;; INSERT INTO js VALUES (1,'{"a": [1, 2.5, "x\\ty", null], "b": {"ü": true}}'),(2,NULL),(3,'"str"'),(6,'[]')
;; CREATE TABLE vec (id INT PRIMARY KEY, v VECTOR(3))
;; INSERT INTO vec VALUES (1,TO_VECTOR('[1,2.5,3]')),(2,NULL)
;; CREATE TABLE expr (a INT DEFAULT (1+2), b INT, KEY ((a+b)), KEY d (b DESC), KEY inv (a) INVISIBLE, CHECK (a > 0))
;; INSERT INTO expr VALUES (1,2)
;; CREATE USER IF NOT EXISTS 'app'@'10.%' IDENTIFIED WITH caching_sha2_password BY 'secret' REQUIRE SSL COMMENT 'x'
;; CREATE ROLE IF NOT EXISTS 'reader'
;; GRANT SELECT ON `tort\_ure%`.* TO 'reader'
;; GRANT 'reader' TO 'app'@'10.%' WITH ADMIN OPTION
;; SET DEFAULT ROLE 'reader' TO 'app'@'10.%'
;; GRANT SELECT (id), INSERT ON torture.texts TO 'app'@'10.%'
;; CREATE USER IF NOT EXISTS 'odd@na''me'@'%' IDENTIFIED BY 'x' ACCOUNT LOCK
;; GRANT BACKUP_ADMIN ON *.* TO 'odd@na''me'@'%'
"""

MARIADB = r"""
USE torture
;; CREATE TABLE net (id INT PRIMARY KEY, i6 INET6, i4 INET4, u UUID, j JSON)
;; INSERT INTO net VALUES (1,'2001:db8::ff00:42:8329','10.0.0.1','123e4567-e89b-12d3-a456-426655440000','{"a":1.10}'),(2,NULL,NULL,NULL,NULL),
   (3,'::','0.0.0.0','00000000-0000-0000-0000-000000000000','[]')
;; CREATE SEQUENCE seq START WITH 5 INCREMENT BY 3 CACHE 10
;; SELECT NEXTVAL(seq)
;; CREATE TABLE seq_user (id INT DEFAULT NEXTVAL(seq) PRIMARY KEY)
;; CREATE TABLE versioned (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING
;; INSERT INTO versioned VALUES (1,1),(2,2)
;; UPDATE versioned SET v = 3 WHERE id = 1
;; DELETE FROM versioned WHERE id = 2
;; CREATE TABLE aria (id INT PRIMARY KEY, v VARCHAR(10)) ENGINE=Aria
;; INSERT INTO aria VALUES (1,'a')
;; CREATE OR REPLACE USER 'app'@'10.%' IDENTIFIED BY 'secret' REQUIRE SSL
;; CREATE ROLE IF NOT EXISTS reader
;; GRANT SELECT ON `tort\_ure%`.* TO reader
;; GRANT reader TO 'app'@'10.%'
;; SET DEFAULT ROLE reader FOR 'app'@'10.%'
;; GRANT SELECT (id), INSERT ON torture.texts TO 'app'@'10.%'
;; CREATE OR REPLACE USER 'odd@na''me'@'%' IDENTIFIED BY 'x' ACCOUNT LOCK
"""


def statements(text):
    # a line that begins with ";;" ends a statement: bodies hold ';' and ';;'
    return [part.strip() for part in ("\n" + text.strip()).split("\n;;")]


def fill(server):
    common = [s for s in statements(COMMON) if "a_view" not in s]
    server.sql(*common, *statements(AFTER))
    server.sql(*statements(MYSQL if server.kind == "mysql" else MARIADB))


ACCOUNTS = ["'app'@'10.%'", "'odd@na''me'@'%'"]


def forget_accounts(server):
    # "%" alone would be a format to the driver's cursor only with arguments
    for name in ACCOUNTS:
        server.sql(f"DROP USER IF EXISTS {name}")
    server.sql("DROP ROLE IF EXISTS reader")
