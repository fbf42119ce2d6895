/* SPDX-License-Identifier: Apache-2.0 */
/* assertion_test: one value that must be true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../mysql/fake.h"
#include "mysql/flavour.h"
#include "restore/assertion.h"

static const struct conn_opts nowhere;
static const struct flavour maria = { .kind = FLAVOUR_MARIADB };
static const struct flavour mysql = { .kind = FLAVOUR_MYSQL };
static const char *names, *rows;	/* rows NULL: it fails */

static int
answer(const char *sql, struct buf *n, struct buf *r, struct err *e)
{
	assert_string_equal(sql, "SELECT x");
	if (rows == NULL)
		return err_set(e, ERR_IO, 0, "Unknown column 'x'");
	buf_adds(n, names);
	buf_adds(r, rows);
	return 0;
}

static struct assertion
ask(const struct flavour *f, const char *columns, const char *what)
{
	struct assertion a = { .sql = "SELECT x" };
	struct err e = {0};

	fake_reset();
	fake.query = answer;
	names = columns;
	rows = what;
	assert_int_equal(assertion_ask(&a, &nowhere, f, &e), 0);
	return a;
}

static void
failed(const struct assertion *a, const char *why)
{
	struct err e = {0};

	assert_false(a->ok);
	assert_int_equal(assertion_failed(a, &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_IO);
}

static void
test_assertion_true(void **state)
{
	struct assertion a = ask(&maria, "x", "12\n");

	(void)state;
	assert_true(a.ok && !a.null);
	assert_string_equal(a.value, "12");
	assert_string_equal(buf_str(&fake.log),
	    "SET SESSION max_statement_time=300\n"
	    "START TRANSACTION READ ONLY\nSELECT x\n");
	a = ask(&mysql, "x", "1\n");
	assert_true(a.ok);
	assert_string_equal(buf_str(&fake.log),
	    "SET SESSION max_execution_time=300000\n"
	    "START TRANSACTION READ ONLY\nSELECT x\n");
	fake_reset();
}

static void
test_assertion_false(void **state)
{
	struct assertion a = ask(&maria, "x", "0\n");

	(void)state;
	failed(&a, "the assertion 'SELECT x' failed: its value is 0");
	a = ask(&maria, "x", "\\N\n");
	assert_true(a.null);
	failed(&a, "the assertion 'SELECT x' failed: its value is NULL");
	a = ask(&maria, "x", NULL);
	failed(&a, "the assertion 'SELECT x' failed: Unknown column 'x'");
	a = ask(&maria, "x,y", "1\t1\n");
	failed(&a, "the assertion 'SELECT x' failed: it gives 2 columns, not "
	    "one");
	a = ask(&maria, "x", "");
	failed(&a, "the assertion 'SELECT x' failed: it gives no row");
	a = ask(&maria, "x", "1\n1\n");
	failed(&a, "the assertion 'SELECT x' failed: it gives more than one "
	    "row");
	fake_reset();
}

static void
test_assertion_truth_is_sqls(void **state)
{
	(void)state;
	assert_true(assertion_true("1"));
	assert_true(assertion_true("-0.5"));
	assert_true(assertion_true("12 apples"));
	assert_false(assertion_true("0.000"));
	assert_false(assertion_true("apples"));
	assert_false(assertion_true(""));
}

static void
test_assertion_is_a_query(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(assertion_check("SELECT 1", &e), 0);
	assert_int_equal(assertion_check(" /* x */ ( (with a AS (SELECT 1) "
	    "SELECT * FROM a))", &e), 0);
	assert_int_equal(assertion_check("VALUES ROW(1)", &e), 0);
	assert_int_equal(assertion_check("DROP TABLE t", &e), -1);
	assert_string_equal(e.msg, "--drill-assert: 'DROP TABLE t' is no "
	    "query");
	assert_string_equal(e.hint, "write SELECT and one value that must be "
	    "true");
	assert_int_equal(e.code, ERR_USAGE);
	e = (struct err){0};
	assert_int_equal(assertion_check("/*! DROP TABLE t */ SELECT 1", &e),
	    -1);
	e = (struct err){0};
	assert_int_equal(assertion_check("", &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assertion_true),
		cmocka_unit_test(test_assertion_false),
		cmocka_unit_test(test_assertion_truth_is_sqls),
		cmocka_unit_test(test_assertion_is_a_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
