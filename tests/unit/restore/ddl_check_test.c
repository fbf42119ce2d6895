/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_check_test: a stored definition is one statement of its kind, or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "restore/ddl.h"

static void
takes(const char *kind, const char *text)
{
	struct err e = {0};

	if (ddl_check(text, strlen(text), kind, &e) != 0)
		fail_msg("%s: %s", e.msg, text);
	assert_int_equal(e.code, ERR_NONE);
}

static void
refuses_n(const char *kind, const char *text, size_t n)
{
	struct err e = {0};
	char why[128];

	if (ddl_check(text, n, kind, &e) == 0)
		fail_msg("taken for a %s: %s", kind, text);
	(void)snprintf(why, sizeof(why), "the stored definition is not one "
	    "CREATE %s statement: refused", kind);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void
refuses(const char *kind, const char *text)
{
	refuses_n(kind, text, strlen(text));
}

/* --- what servers print --- */

static void
test_ddl_check_tables(void **state)
{
	(void)state;
	takes("TABLE", "CREATE TABLE `t` (\n  `a` int NOT NULL\n) "
	    "ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4");
	takes("TABLE", "CREATE TABLE `t``x` (`select` int, `a.b` int DEFAULT "
	    "'it''s \\'; SELECT 1', KEY `k` (`a.b`)) COMMENT=\"x;y\"");
	/* generated columns, checks, defaults that are expressions */
	takes("TABLE", "CREATE TABLE `t` (`a` int, `b` int GENERATED ALWAYS "
	    "AS ((`a` + 1.5e3)) VIRTUAL, `c` double DEFAULT 0x41, CONSTRAINT "
	    "`k` CHECK ((`a` like _utf8mb4'x%')) /*!80016 NOT ENFORCED */)");
	takes("TABLE", "CREATE TABLE `t` (`g` geometry NOT NULL /*!80003 SRID "
	    "4326 */, `i` int /*!80023 INVISIBLE */, `d` date DEFAULT "
	    "(curdate() - interval 1 day))");
	takes("TABLE", "create table `t` (`a` int) -- ;");
}

static void
test_ddl_check_partitions(void **state)
{
	(void)state;
	takes("TABLE", "CREATE TABLE `t` (`a` int) ENGINE=InnoDB\n"
	    "/*!50100 PARTITION BY RANGE (`a`)\n"
	    "(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,\n"
	    " PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */");
	takes("TABLE", "CREATE TABLE `t` (`a` int)\n/*!50500 PARTITION BY LIST "
	    " COLUMNS(a,b) (PARTITION p VALUES IN ((1,'x'),(2,'y')) COMMENT = "
	    "'SELECT' ENGINE = InnoDB) */");
	takes("TABLE", "CREATE TABLE `t` (`a` int, PERIOD FOR SYSTEM_TIME "
	    "(`s`, `e`)) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME "
	    "INTERVAL 1 DAY STARTS TIMESTAMP'2026-01-01 00:00:00' (PARTITION "
	    "`p` HISTORY, PARTITION `n` CURRENT)");
	takes("TABLE", "CREATE TABLE `t` (`a` blob /*M!100301 COMPRESSED*/)");
}

static void
test_ddl_check_schemas_sequences_accounts(void **state)
{
	(void)state;
	takes("DATABASE", "CREATE DATABASE `x` /*!40100 DEFAULT CHARACTER SET "
	    "utf8mb4 COLLATE utf8mb4_0900_ai_ci */ /*!80016 DEFAULT "
	    "ENCRYPTION='N' */");
	takes("SEQUENCE", "CREATE SEQUENCE `s` start with 1 minvalue 1 "
	    "maxvalue 9223372036854775806 increment by 1 cache 1000 nocycle "
	    "ENGINE=InnoDB");
	takes("SEQUENCE", "CREATE SEQUENCE `s` as tinyint start with 1");
	takes("USER", "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2' AS "
	    "'$A$005$x' REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK");
	takes("ROLE", "CREATE ROLE 'r'");
}

static void
test_ddl_check_views(void **state)
{
	(void)state;
	takes("VIEW", "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` "
	    "SQL SECURITY DEFINER VIEW `v` AS select 1 AS `1`");
	takes("VIEW", "CREATE OR REPLACE VIEW `v` AS select `a` from `t`");
	takes("VIEW", "CREATE DEFINER=CURRENT_USER() VIEW v AS select 1");
	takes("VIEW", "CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY "
	    "INVOKER JSON RELATIONAL DUALITY VIEW `v` AS select 1");
}

static void
test_ddl_check_code(void **state)
{
	(void)state;
	takes("PROCEDURE", "CREATE DEFINER=`a`@`b` PROCEDURE `p`()\nBEGIN\n"
	    "  SELECT ';' ; DROP TABLE x; -- it's fine\nEND");
	takes("FUNCTION", "CREATE DEFINER=`a`@`b` FUNCTION `f`(x int) RETURNS "
	    "int DETERMINISTIC RETURN x");
	takes("FUNCTION", "CREATE AGGREGATE FUNCTION f(x int) RETURNS int "
	    "BEGIN RETURN 1; END");
	takes("TRIGGER", "CREATE DEFINER=root@localhost trigger t before "
	    "insert on x for each row set new.a = 1");
	takes("TRIGGER", "CREATE DEFINER=root@127.0.0.1 TRIGGER t BEFORE "
	    "INSERT ON x FOR EACH ROW SET @a = 1");
	takes("EVENT", "CREATE DEFINER=`a``b`@`%` EVENT `e` ON SCHEDULE EVERY "
	    "1 DAY DO DELETE FROM x");
	takes("PACKAGE BODY", "CREATE DEFINER=`a`@`b` PACKAGE BODY `p` AS "
	    "PROCEDURE q() AS BEGIN NULL; END; END");
	/* under NO_BACKSLASH_ESCAPES; in JavaScript */
	takes("PROCEDURE", "CREATE PROCEDURE p() SELECT 'C:\\'");
	takes("LIBRARY", "CREATE LIBRARY `l` LANGUAGE JAVASCRIPT\nAS $$\n"
	    "// don't\nexport function f(a) { return `${a}`; }\n$$");
	takes("FUNCTION", "CREATE FUNCTION `f`() RETURNS int LANGUAGE "
	    "JAVASCRIPT AS $js$ // it's $$ \n $js$");
}

/* --- what they never print --- */

static void
test_ddl_check_refuses_other_statements(void **state)
{
	static const char *const texts[] = { "", " ", "DROP TABLE x",
		"CREATE", "CREATE `TABLE`", "CREATE TABLE", "CREATE TABLE `t`",
		"SELECT 1 /* CREATE TABLE */", "CREATE USER `t` (`a`)",
		"CREATE VIEW `t` (`a`) AS select 1", "CREATE TEMPORARY TABLE "
		"`t` (`a` int)", "/*!50000 CREATE TABLE `t` (`a` int) */",
		"CREATE UNIQUE INDEX `t` (`a`)", "CREATE TABLE `t` `u` ("
		"`a` int)", "CREATE TABLE `t` (`a` int", "CREATE TABLE `t` "
		"(`a` int))", "CREATE TABLE `t` (`a` int)) (`b` int" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuses("TABLE", texts[i]);
	refuses("VIEW", "CREATE TABLE `v` (`VIEW` int)");
	refuses("USER", "CREATE ROLE x");
	refuses("DATABASE", "CREATE TABLE `x` (`a` int)");
	refuses("PROCEDURE", "CREATE FUNCTION f() RETURNS int RETURN 1");
	refuses("PROCEDURE", "PROCEDURE p() SELECT 1");
}

static void
test_ddl_check_refuses_several_statements(void **state)
{
	(void)state;
	takes("TABLE", "CREATE TABLE `t` (`a` int) /* ; */ -- ;");
	refuses("TABLE", "CREATE TABLE `t` (`a` int); DROP TABLE x");
	refuses("VIEW", "CREATE VIEW v AS select 1; DROP TABLE x");
	refuses("USER", "CREATE USER 'x'; GRANT ALL ON *.* TO x");
	refuses("DATABASE", "CREATE DATABASE `x`; SET GLOBAL a=1");
	refuses("SEQUENCE", "CREATE SEQUENCE s; SELECT 1");
	refuses_n("TABLE", "CREATE TABLE `t` (`a` int)\0 x", 28);
	refuses_n("PROCEDURE", "CREATE PROCEDURE p() SELECT '\0'", 31);
}

static void
test_ddl_check_refuses_unended_quotes(void **state)
{
	(void)state;
	refuses("TABLE", "CREATE TABLE `t` (`a` int) COMMENT='x");
	refuses("TABLE", "CREATE TABLE `t` (`a` int) COMMENT='x\\'");
	refuses("TABLE", "CREATE TABLE `t (`a` int)");
	refuses("VIEW", "CREATE VIEW v AS select \"x");
	refuses("PROCEDURE", "CREATE PROCEDURE p() SELECT 'x");
	refuses("EVENT", "CREATE EVENT e DO SELECT `x");
}

static void
test_ddl_check_refuses_rows_with_a_table(void **state)
{
	static const char *const texts[] = {
		"CREATE TABLE `t` (`a` int) SELECT * FROM mysql.user",
		"CREATE TABLE `t` (`a` int) AS (SELECT 1)",
		"CREATE TABLE `t` (`a` int) (SELECT * FROM mysql.user)",
		"CREATE TABLE `t` (SELECT * FROM mysql.user)",
		"CREATE TABLE `t` (`a` int) IGNORE SELECT 1",
		"CREATE TABLE `t` (`a` int) WITH x AS (SELECT 1) SELECT 1",
		"CREATE TABLE `t` (`a` int) TABLE mysql.user",
		"CREATE TABLE `t` (`a` int) (TABLE mysql.user)",
		"CREATE TABLE `t` (`a` int) VALUES ROW(1)",
		"CREATE TABLE `t` (VALUES (1))",
		"CREATE TABLE `t` (`a` int) LIKE mysql.user",
		"CREATE TABLE `t` LIKE mysql.user",
		"CREATE TABLE `t` (LIKE mysql.user)",
		("CREATE TABLE `t` (FOREIGN KEY (`a`) REFERENCES `p` (`a`), "
		    "LIKE `mysql`.`user`)"),
		"CREATE TABLE `t` AS SELECT 1",
		"CREATE TABLE `t` SELECT 1",
		/* the server's lexer ends a number before a word */
		"CREATE TABLE `t` (`a` int) AUTO_INCREMENT=1e0SELECT 1",
		"CREATE TABLE `t` (`a` int) AUTO_INCREMENT=1.5SELECT 1",
		"CREATE TABLE `t` (`a` int) AUTO_INCREMENT=1e0TABLE x",
		"CREATE TABLE `t` (`a` int DEFAULT \\NSELECT)",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuses("TABLE", texts[i]);
}

/* Some servers run the text of a versioned comment, others skip it. */
static void
test_ddl_check_refuses_versioned_doubt(void **state)
{
	static const char *const texts[] = {
		"CREATE /*!99999 TABLE */ USER `t` (`a`)",
		"CREATE /*!99999 TABLE `t` (*/ USER `x`",
		"CREATE TABLE /*!99999 `t` */ `u` (`a` int)",
		"CREATE TABLE `t` /*!99999 ( */ (`a` int)",
		"CREATE TABLE `t` (`a` int) /*!9 ' */ SELECT 1 /*!9 ' */",
		"CREATE TABLE `t` (`a` int) /*!99999 ( */ UNION /*!99999 ) */",
		"CREATE TABLE `t` (`a` int /*!99999 ) */ /*!99999 ( */)",
		"CREATE TABLE `t` (`a` int) /*!99999 # */ SELECT 1\n */",
		"CREATE TABLE `t` (`a` int) /*!99999 -- */ SELECT 1\n */",
		"CREATE TABLE `t` (`a` int) /*!99999 /* */ x */",
		"CREATE TABLE `t` (`a` int) /*!50000 /*!50001 x */ y */",
		"CREATE TABLE `t` (`a` int) /*!99999 COMMENT='*/ SELECT 1'*/",
		"CREATE TABLE `t` (`a` int) /*!99999 SELECT 1 */",
		"CREATE TABLE `t` (`a` int) /*!99999 x",
		"CREATE TABLE `t` (`a` int) /*M!99999 ) */",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuses("TABLE", texts[i]);
	refuses("VIEW", "CREATE /*!99999 VIEW */ USER x");
	refuses("PROCEDURE", "CREATE /*!99999 PROCEDURE */ USER x");
	refuses("ROLE", "CREATE ROLE 'x' /*!99999 ' */ , 'y' /*!99999 ' */");
}

/* Two dashes and a control character begin a comment in the server too. */
static void
test_ddl_check_sees_comments_as_servers_do(void **state)
{
	char text[80];
	char c;

	(void)state;
	for (c = 1; c <= ' '; c++) {
		if (c == '\n')
			continue;
		(void)snprintf(text, sizeof(text), "CREATE TABLE `t` (`a` int)"
		    " --%c'\n SELECT 1 -- '", c);
		refuses("TABLE", text);
	}
	refuses("TABLE", "CREATE TABLE `t` (`a` int) #'\n SELECT 1 -- '");
	/* and without one they are two minus signs */
	takes("TABLE", "CREATE TABLE `t` (`a` int DEFAULT (1--'\n SELECT 1'))");
}

static void
test_ddl_check_refuses_what_replaces(void **state)
{
	(void)state;
	refuses("TABLE", "CREATE OR REPLACE TABLE `t` (`a` int)");
	refuses("SEQUENCE", "CREATE OR REPLACE SEQUENCE `s`");
	refuses("DATABASE", "CREATE OR REPLACE DATABASE `x`");
	refuses("USER", "CREATE OR REPLACE USER 'x'");
	refuses("ROLE", "CREATE OR REPLACE ROLE 'x'");
	/* another schema's table */
	refuses("TABLE", "CREATE TABLE `mysql`.`t` (`a` int)");
	refuses("TABLE", "CREATE TABLE mysql.t (`a` int)");
	refuses("TABLE", "CREATE TABLE `t`.x (`a` int)");
}

/* What follows DEFINER= is an account, not a statement of another kind. */
static void
test_ddl_check_refuses_a_kind_behind_another(void **state)
{
	static const char event[] = "CREATE DEFINER=root@localhost EVENT e ON "
	    "SCHEDULE EVERY 1 SECOND DO DROP VIEW TABLE PROCEDURE v";

	(void)state;
	refuses("VIEW", event);
	refuses("TABLE", event);
	refuses("PROCEDURE", event);
	refuses("VIEW", "CREATE DEFINER=a USER VIEW v");
	refuses("VIEW", "CREATE DEFINER=a@b@c VIEW v AS select 1");
	refuses("VIEW", "CREATE DEFINER= VIEW v AS select 1");
	refuses("VIEW", "CREATE DEFINER=a(b) VIEW v AS select 1");
	refuses("VIEW", "CREATE SECURITY=x VIEW v AS select 1");
}

static void
test_ddl_check_refuses_libraries_of_the_host(void **state)
{
	(void)state;
	refuses("FUNCTION", "CREATE FUNCTION f RETURNS STRING SONAME 'x.so'");
	refuses("FUNCTION", "CREATE AGGREGATE FUNCTION f RETURNS INTEGER "
	    "SONAME 'x.so'");
	refuses("FUNCTION", "CREATE FUNCTION f /*!99999 (a int) */ RETURNS "
	    "STRING SONAME 'x.so'");
	refuses("FUNCTION", "CREATE FUNCTION f /* ( */ SONAME 'x.so'");
}

/* --- grants, scripts --- */

static void
refuses_added(const char *text)
{
	struct err e = {0};

	if (ddl_check_added(text, strlen(text), &e) == 0)
		fail_msg("taken for additions: %s", text);
	assert_string_equal(e.msg, "the stored definition is not one CREATE "
	    "TABLE statement: refused");
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void
test_ddl_check_added_clauses(void **state)
{
	static const char *const good[] = {
		"",
		"ADD KEY `x` (`a`)",
		"ADD UNIQUE KEY `x` (`a`,`b`(3)) COMMENT 'a, b', ADD INDEX "
		    "`y` ((lower(`b`)))",
		"ADD KEY `x` (`a`) /*!80000 INVISIBLE */, ADD KEY `y` (`b`)",
		"ADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`a`) ON "
		    "DELETE SET NULL, ADD FOREIGN KEY (`b`) REFERENCES `p` "
		    "(`b`)",
	};
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (ddl_check_added(good[i], strlen(good[i]), &e) != 0)
			fail_msg("%s", good[i]);
	refuses_added("DROP COLUMN `a`");
	refuses_added("ADD COLUMN `a` int");
	refuses_added("ADD KEY `x` (`a`), DROP COLUMN `a`");
	refuses_added("ADD KEY `x` (`a`),");
	refuses_added("ADD KEY `x` (`a`), ADD PARTITION (PARTITION p)");
	refuses_added("ADD /*!50000 KEY */ `x` (`a`)");
	refuses_added("ADD KEY `x` (`a`) /*!50000 , ADD KEY `y` (`b`) */");
	refuses_added("ADD KEY `x` (`a`)) (");
	refuses_added("ADD KEY `x` (`a`");
	refuses_added("ADD KEY `x` (`a`); DROP TABLE `t`");
	refuses_added("ADD KEY `x` (`a`) COMMENT 'open");
	refuses_added("ADD CONSTRAINT `c` CHECK (`a` > 0)");
	assert_int_equal(ddl_check_added("ADD KEY `x`\0", 12, &e), -1);
}

static void
refuses_grant(const char *text)
{
	struct err e = {0};

	if (ddl_check_grant(text, strlen(text), &e) == 0)
		fail_msg("taken for a grant: %s", text);
	assert_string_equal(e.msg, "the stored definition is not one GRANT "
	    "statement: refused");
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void
test_ddl_check_grants(void **state)
{
	static const char *const good[] = {
		"GRANT SELECT ON `a;b`.* TO `x`@`%` WITH GRANT OPTION",
		"REVOKE CREATE ON `mysql`.* FROM `x`@`%`",
		"SET DEFAULT ROLE `r`@`%` TO `x`@`%`",
		"GRANT PROXY ON ''@'' TO 'root'@'localhost'",
	};
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (ddl_check_grant(good[i], strlen(good[i]), &e) != 0)
			fail_msg("%s", good[i]);
	refuses_grant("");
	refuses_grant("SET PASSWORD = 'x'");
	refuses_grant("SET GLOBAL local_infile=1");
	refuses_grant("SET DEFAULT_STORAGE_ENGINE=x");
	refuses_grant("SET /*!99999 DEFAULT ROLE x, */ GLOBAL a=1");
	refuses_grant("SET DEFAULT x ROLE");
	refuses_grant("GRANT SELECT ON a.* TO x; DROP TABLE x");
	refuses_grant("GRANT SELECT ON `a.* TO x");
	refuses_grant("`GRANT` x");
	assert_int_equal(ddl_check_grant("GRANT\0x", 7, &e), -1);
}

static void
refuses_script(const char *text)
{
	struct err e = {0};

	if (ddl_check_script(text, strlen(text), &e) == 0)
		fail_msg("taken into a script: %s", text);
	assert_string_equal(e.msg, "the stored definition holds a command of "
	    "the mysql client: refused");
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void
test_ddl_check_scripts(void **state)
{
	static const char good[] = "CREATE PROCEDURE p()\nBEGIN SELECT '// \\! "
	    "x', 6 / 2 / 1; /* // */ SELECT `delimiter`, delimiter; END";
	struct err e = {0};

	(void)state;
	assert_int_equal(ddl_check_script(good, strlen(good), &e), 0);
	refuses_script("CREATE PROCEDURE p() SELECT 1 //\nDROP DATABASE x");
	refuses_script("CREATE PROCEDURE p() SELECT 1 \\! rm x");
	refuses_script("CREATE VIEW v AS select 1\ndelimiter ;");
	refuses_script("DELIMITER x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ddl_check_tables),
		cmocka_unit_test(test_ddl_check_partitions),
		cmocka_unit_test(test_ddl_check_schemas_sequences_accounts),
		cmocka_unit_test(test_ddl_check_views),
		cmocka_unit_test(test_ddl_check_code),
		cmocka_unit_test(test_ddl_check_refuses_other_statements),
		cmocka_unit_test(test_ddl_check_refuses_several_statements),
		cmocka_unit_test(test_ddl_check_refuses_unended_quotes),
		cmocka_unit_test(test_ddl_check_refuses_rows_with_a_table),
		cmocka_unit_test(test_ddl_check_refuses_versioned_doubt),
		cmocka_unit_test(test_ddl_check_sees_comments_as_servers_do),
		cmocka_unit_test(test_ddl_check_refuses_what_replaces),
		cmocka_unit_test(test_ddl_check_refuses_a_kind_behind_another),
		cmocka_unit_test(test_ddl_check_refuses_libraries_of_the_host),
		cmocka_unit_test(test_ddl_check_added_clauses),
		cmocka_unit_test(test_ddl_check_grants),
		cmocka_unit_test(test_ddl_check_scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
