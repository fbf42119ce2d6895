/* SPDX-License-Identifier: Apache-2.0 */
/* plan_test: what is dumped, in which order, and how changes are seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/plan.h"
#include "tests/unit/mysql/fake.h"

static int
same(const char *a, const char *b)
{
	uint8_t x[32], y[32];

	plan_ddl_digest(a, strlen(a), x);
	plan_ddl_digest(b, strlen(b), y);
	return memcmp(x, y, sizeof(x)) == 0;
}

static void
test_plan_ddl_digest_ignores_counter(void **state)
{
	(void)state;
	assert_true(same(
	    "CREATE TABLE `t` (..) ENGINE=InnoDB AUTO_INCREMENT=7 CHARSET=x",
	    "CREATE TABLE `t` (..) ENGINE=InnoDB AUTO_INCREMENT=81 CHARSET=x"));
	assert_true(same(
	    "CREATE TABLE `t` (...) ENGINE=InnoDB CHARSET=x",
	    "CREATE TABLE `t` (...) ENGINE=InnoDB AUTO_INCREMENT=1 CHARSET=x"));
}

static void
test_plan_ddl_digest_sees_changes(void **state)
{
	(void)state;
	assert_false(same("CREATE TABLE `a` (x int)",
	    "CREATE TABLE `a` (x bigint)"));
	/* inside quotes it is no counter */
	assert_false(same("... COMMENT=' AUTO_INCREMENT=1'",
	    "... COMMENT=' AUTO_INCREMENT=2'"));
	assert_false(same("`a AUTO_INCREMENT=1`", "`a AUTO_INCREMENT=2`"));
	assert_false(same("COMMENT='it\\'s AUTO_INCREMENT=1'",
	    "COMMENT='it\\'s AUTO_INCREMENT=2'"));
}

static void
test_plan_ddl_digest_at_the_edges(void **state)
{
	(void)state;
	assert_true(same("", ""));
	assert_false(same("", " "));
	assert_true(same("x AUTO_INCREMENT=1", "x AUTO_INCREMENT="));
	assert_false(same("x AUTO_INCREMENT=1 a", "x AUTO_INCREMENT=1 b"));
	assert_false(same("x AUTO_INCREMENT=1", "x"
	    " AUTO_INCREMENT=1 AUTO_INCREMENT=x"));
	/* an unended quote, an escape at the end */
	assert_false(same("'\\", "'"));
}

/* --- scanning: a server with one of each --- */

static const struct flavour mysql = { .kind = FLAVOUR_MYSQL,
	.version = 80400 };

static int
objects(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	(void)e;
	buf_adds(names, "a,b,c,d,e,f,g");
	if (strstr(sql, "SCHEMATA") != NULL)
		buf_adds(rows, "a\t\t\t\t0\nmysql\t\t\t\t0\nz\t\t\t\t0\n");
	else if (strstr(sql, "TABLES ") != NULL)
		buf_adds(rows, "a\tsmall\tBASE TABLE\tInnoDB\t5\t100\t\n"
		    "a\tbig\tBASE TABLE\tInnoDB\t50\t900\t\n"
		    "a\tv\tVIEW\t\\N\t\\N\t\\N\tVIEW\n"
		    "z\told\tBASE TABLE\tMyISAM\t1\t100\t\n");
	else if (strstr(sql, "ROUTINES") != NULL)
		buf_adds(rows, "a\tp\tPROCEDURE\t\t0\n");
	else if (strstr(sql, "TRIGGERS") != NULL)
		buf_adds(rows, "a\tg\t\tbig\t2\n");
	return 0;
}

static void
test_plan_scan_numbers_and_counts(void **state)
{
	const struct schema_scope scope = {0};
	struct plan p;
	struct err e = {0};

	(void)state;
	fake.query = objects;
	plan_init(&p, &scope, &mysql);
	assert_int_equal(plan_scan(&p, NULL, &e), 0);
	/* and again, as for another attempt: it starts over */
	assert_int_equal(plan_scan(&p, NULL, &e), 0);
	assert_int_equal(p.nitems, 8);
	assert_int_equal(p.counts[SCHEMA_SCHEMA], 2);
	assert_int_equal(p.counts[SCHEMA_TABLE], 3);
	assert_int_equal(p.counts[SCHEMA_VIEW], 1);
	assert_int_equal(p.counts[SCHEMA_TRIGGER], 1);
	assert_int_equal(p.bytes, 1100);
	assert_true(p.non_transactional);
	assert_string_equal(p.items[2].name, "small");
	assert_int_equal(p.items[2].n, 1);
	assert_int_equal(p.items[4].n, 0);
	assert_string_equal(p.items[7].table, "big");
	assert_int_equal(p.items[7].order, 2);
	plan_free(&p);
	fake_reset();
}

static void
test_plan_scan_in_scope_alone(void **state)
{
	const char *include = "a", *exclude = "a.big";
	const struct schema_scope scope = { &include, 1, &exclude, 1 };
	struct plan p;
	struct err e = {0};
	size_t i;

	(void)state;
	fake.query = objects;
	plan_init(&p, &scope, &mysql);
	assert_int_equal(plan_scan(&p, NULL, &e), 0);
	/* the trigger is left out with its table */
	assert_int_equal(p.nitems, 4);
	for (i = 0; i < p.nitems; i++)
		assert_string_equal(p.items[i].schema, "a");
	assert_false(p.non_transactional);
	plan_free(&p);
	fake_reset();
}

static int
broken(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	(void)names;
	(void)e;
	if (strstr(sql, "TABLES ") != NULL)
		buf_adds(rows, "a\tb\tBASE TABLE\t\\N\t\\N\t\\N\tIncorrect "
		    "file format\n");
	return 0;
}

/* A table that cannot be opened is not left out in silence. */
static void
test_plan_scan_broken_table(void **state)
{
	const struct schema_scope scope = {0};
	struct plan p;
	struct err e = {0};

	(void)state;
	fake.query = broken;
	plan_init(&p, &scope, &mysql);
	assert_int_equal(plan_scan(&p, NULL, &e), -1);
	assert_string_equal(e.msg, "list the server's objects: table a.b "
	    "cannot be opened: Incorrect file format");
	plan_free(&p);
	fake_reset();
}

static void
test_plan_sort_largest_first(void **state)
{
	const struct schema_scope scope = {0};
	struct plan p;
	struct err e = {0};

	(void)state;
	fake.query = objects;
	plan_init(&p, &scope, &mysql);
	assert_int_equal(plan_scan(&p, NULL, &e), 0);
	plan_sort(&p);
	assert_string_equal(p.items[0].name, "big");
	/* of equals the lower number */
	assert_string_equal(p.items[1].name, "small");
	assert_string_equal(p.items[2].name, "old");
	plan_free(&p);
	fake_reset();
}

static int
numbers(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	(void)names;
	(void)e;
	buf_addf(rows, "%d 7\n", strstr(sql, "CREATE_TIME") != NULL);
	return 0;
}

/* CREATE_TIME opens every table where there is no data dictionary. */
static void
test_plan_fingerprint(void **state)
{
	const struct flavour mariadb = { .kind = FLAVOUR_MARIADB,
	    .version = 101100 };
	const struct schema_scope scope = {0};
	struct buf out = {0};
	struct err e = {0};
	struct plan p;

	(void)state;
	fake.query = numbers;
	plan_init(&p, &scope, &mysql);
	assert_int_equal(plan_fingerprint(&p, NULL, &out, &e), 0);
	assert_string_equal(buf_str(&out), "1 7\n0 7\n0 7\n0 7\n0 7\n");
	buf_clear(&out);
	plan_init(&p, &scope, &mariadb);
	assert_int_equal(plan_fingerprint(&p, NULL, &out, &e), 0);
	assert_string_equal(buf_str(&out), "0 7\n0 7\n0 7\n0 7\n0 7\n");
	fake.query = NULL;
	assert_int_equal(plan_fingerprint(&p, NULL, &out, &e), -1);
	assert_string_equal(e.msg, "fingerprint of the definitions: no value");
	buf_free(&out);
	fake_reset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_ddl_digest_ignores_counter),
		cmocka_unit_test(test_plan_ddl_digest_sees_changes),
		cmocka_unit_test(test_plan_ddl_digest_at_the_edges),
		cmocka_unit_test(test_plan_scan_numbers_and_counts),
		cmocka_unit_test(test_plan_scan_in_scope_alone),
		cmocka_unit_test(test_plan_scan_broken_table),
		cmocka_unit_test(test_plan_sort_largest_first),
		cmocka_unit_test(test_plan_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
