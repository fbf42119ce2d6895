/* SPDX-License-Identifier: Apache-2.0 */
/* proof_test: fewer changes than were given are found, more are not. */
#include "../mysql/fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mysql/transaction.h"
#include "restore/proof.h"

static struct conn connection;

static const char *counters, *off;

static int
answer(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	(void)e;
	if (strstr(sql, "SELECT IF(") != NULL) {
		buf_adds(names, "why");
		buf_addf(rows, "%s\n", off);
	} else {
		buf_adds(names, "s,t,n");
		buf_adds(rows, counters);
	}
	return 0;
}

static struct proof *
begun(bool lower, const char *before)
{
	const struct flavour f = { .kind = FLAVOUR_MARIADB,
	    .lower_case_table_names = lower };
	struct buf why = {0};
	struct err e = {0};
	struct proof *p = proof_new(&f, &e);

	fake_reset();
	fake.query = answer;
	off = "";
	counters = before;
	assert_int_equal(proof_begin(p, &connection, &why, &e), 0);
	assert_int_equal(why.len, 0);
	buf_free(&why);
	return p;
}

static void
rows(struct proof *p, const char *table, unsigned n)
{
	char schema[] = "d", name[64];
	struct transaction_table x = { .schema = schema, .table = name,
	    .writes = n - n / 2, .updates = n / 2 };
	struct transaction t = { .kind = TRANSACTION_ROWS, .tables = &x,
	    .ntables = 1 };
	struct err e = {0};

	(void)snprintf(name, sizeof(name), "%s", table);
	assert_int_equal(proof_add(p, &t, &e), 0);
}

static void
ddl(struct proof *p, const char *sql)
{
	struct transaction t = { .kind = TRANSACTION_DDL };
	struct err e = {0};

	(void)snprintf(t.sql, sizeof(t.sql), "%s", sql);
	assert_int_equal(proof_add(p, &t, &e), 0);
}

/* The message ("" for success), and what was compared. */
static void
ends(struct proof *p, const char *after, const char *want, uint64_t changes)
{
	uint64_t n, tables;
	struct err e = {0};

	counters = after;
	(void)proof_check(p, &connection, &n, &tables, &e);
	assert_string_equal(e.msg, want);
	assert_int_equal(n, changes);
	proof_free(p);
	fake_reset();
}

static void
test_proof_counts_from_before(void **state)
{
	struct proof *p = begun(false, "d\ta\t100\nd\tb\t7\n");

	(void)state;
	rows(p, "a", 10);
	rows(p, "a", 5);
	rows(p, "new", 3);
	ends(p, "d\ta\t115\nd\tb\t7\nd\tnew\t3\n", "", 18);
}

static void
test_proof_more_is_no_loss(void **state)
{
	struct proof *p = begun(false, "d\ta\t100\n");

	(void)state;
	rows(p, "a", 10);
	ends(p, "d\ta\t130\n", "", 10);
}

static void
test_proof_finds_a_loss(void **state)
{
	struct proof *p = begun(false, "d\ta\t100\n");

	(void)state;
	rows(p, "a", 10);
	rows(p, "b", 4);
	ends(p, "d\ta\t109\n", "table d.a: 10 row changes were given to the "
	    "target, it made 9 (2 such tables)", 14);
}

static void
test_proof_begins_again_with_a_statement(void **state)
{
	struct proof *p = begun(false, "d\ta\t100\nd\tb\t50\nd\tc\t9\n");

	(void)state;
	rows(p, "a", 10);
	rows(p, "b", 10);
	rows(p, "c", 10);
	ddl(p, "DROP TABLE `a`, d.b /* generated */");
	rows(p, "b", 2);
	ends(p, "d\tb\t2\nd\tc\t19\n", "", 12);
	p = begun(false, "d\ta\t100\n");
	rows(p, "a", 10);
	ddl(p, "DROP DATABASE d");
	ddl(p, "CREATE DATABASE d");
	ddl(p, "CREATE TABLE a (id INT)");
	rows(p, "a", 3);
	ends(p, "d\ta\t2\n", "table d.a: 3 row changes were given to the "
	    "target, it made 2 (1 such tables)", 3);
}

static void
test_proof_of_a_cut_statement(void **state)
{
	struct proof *p = begun(false, "d\ta\t100\n");
	char sql[TRANSACTION_SQL_MAX + 1];

	(void)state;
	rows(p, "a", 10);
	memset(sql, 'x', TRANSACTION_SQL_MAX);
	sql[TRANSACTION_SQL_MAX] = '\0';
	ddl(p, sql);
	rows(p, "a", 1);
	ends(p, "d\ta\t1\n", "", 1);
}

static void
test_proof_lower_case_names(void **state)
{
	struct proof *p = begun(true, "d\ta\t100\n");

	(void)state;
	rows(p, "A", 10);
	ends(p, "d\ta\t110\n", "", 10);
	p = begun(false, "d\ta\t100\n");
	rows(p, "A", 10);
	ends(p, "d\ta\t110\n", "table d.A: 10 row changes were given to the "
	    "target, it made 0 (1 such tables)", 10);
}

static void
test_proof_where_nothing_is_counted(void **state)
{
	const struct flavour f = { .kind = FLAVOUR_MYSQL };
	struct buf why = {0};
	struct err e = {0};
	struct proof *p = proof_new(&f, &e);

	(void)state;
	fake_reset();
	fake.query = answer;
	off = "performance_schema is off";
	counters = "";
	assert_int_equal(proof_begin(p, &connection, &why, &e), 0);
	assert_string_equal(buf_str(&why), "performance_schema is off");
	buf_free(&why);
	rows(p, "a", 10);
	ends(p, "", "", 0);
	proof_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof_counts_from_before),
		cmocka_unit_test(test_proof_more_is_no_loss),
		cmocka_unit_test(test_proof_finds_a_loss),
		cmocka_unit_test(test_proof_begins_again_with_a_statement),
		cmocka_unit_test(test_proof_of_a_cut_statement),
		cmocka_unit_test(test_proof_lower_case_names),
		cmocka_unit_test(test_proof_where_nothing_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
