/* SPDX-License-Identifier: Apache-2.0 */
/* ground_statement_test: what a definition would do to a drill's target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/ground_note.h"
#include "restore/ground_statement.h"

static struct ground_note note;

static int
setup(void **state)
{
	struct err e = {0};

	(void)state;
	return ground_note_init(&note, "orders", "b", &e) != 0 ||
	    ground_note_add_account(&note, false, "root", "localhost",
	    &e) != 0 || ground_note_add_account(&note, false, "kura", "%",
	    &e) != 0 || ground_note_add_account(&note, false, "ops", "",
	    &e) != 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	ground_note_free(&note);
	return 0;
}

static bool
about(const char *sql)
{
	struct buf schema = {0};
	bool yes = ground_statement(&note, sql, strlen(sql), false, &schema);

	assert_int_equal(schema.len, 0);
	buf_free(&schema);
	return yes;
}

static void
test_ground_statement_about_accounts(void **state)
{
	(void)state;
	assert_true(about("ALTER USER 'root'@'localhost' IDENTIFIED BY 'x'"));
	assert_true(about("alter user root@LocalHost account lock"));
	assert_true(about("DROP USER IF EXISTS app@localhost, `root`@"
	    "`localhost`"));
	assert_true(about("RENAME USER a@b TO 'kura'@'%'"));
	assert_true(about("CREATE OR REPLACE USER kura"));
	assert_true(about("/* x */ GRANT ALL ON *.* TO \"kura\""));
	assert_true(about("REVOKE ops FROM app@localhost"));
	assert_true(about("DROP ROLE ops"));
	assert_true(about("SET PASSWORD FOR 'root'@'localhost'='*12'"));
	assert_true(about("SET DEFAULT ROLE NONE TO kura"));
	/* What cannot be read is not let through. */
	assert_true(about("GRANT SELECT ON a.* TO 'app"));
}

static void
test_ground_statement_about_other_accounts(void **state)
{
	(void)state;
	assert_false(about("ALTER USER 'root'@'%' IDENTIFIED BY 'x'"));
	assert_false(about("CREATE USER app@localhost IDENTIFIED BY 'y'"));
	assert_false(about("GRANT SELECT ON shop.* TO app@localhost"));
	assert_false(about("CREATE TABLE root (kura INT)"));
	assert_false(about("SET GLOBAL x = 1"));
	assert_false(about(""));
}

static void
test_ground_statement_cut_short(void **state)
{
	const char *grant = "GRANT SELECT ON shop.* TO app@localhost, ";
	const char *table = "CREATE TABLE t (a INT, ";
	struct buf schema = {0};

	(void)state;
	assert_true(ground_statement(&note, grant, strlen(grant), true,
	    &schema));
	assert_false(ground_statement(&note, table, strlen(table), true,
	    &schema));
	buf_free(&schema);
}

static void
makes(const char *sql, const char *name)
{
	struct buf schema = {0};

	assert_false(ground_statement(&note, sql, strlen(sql), false,
	    &schema));
	assert_string_equal(buf_str(&schema), name);
	buf_free(&schema);
}

static void
test_ground_statement_makes_a_schema(void **state)
{
	(void)state;
	makes("CREATE DATABASE later", "later");
	makes("create schema if not exists `a``b` character set utf8mb4",
	    "a`b");
	makes("CREATE OR REPLACE DATABASE x", "x");
	makes("CREATE /*!32312 IF NOT EXISTS*/ DATABASE x", "");
	makes("DROP DATABASE later", "");
	makes("CREATE TABLE later.t (a INT)", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ground_statement_about_accounts),
		cmocka_unit_test(test_ground_statement_about_other_accounts),
		cmocka_unit_test(test_ground_statement_cut_short),
		cmocka_unit_test(test_ground_statement_makes_a_schema),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
