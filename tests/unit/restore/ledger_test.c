/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_test: what was given, and how far a place is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/transaction.h"
#include "restore/ledger.h"

static struct ledger *
made(enum flavour_kind kind, const char *held)
{
	struct err e = {0};
	struct gtid_set *s = gtid_set_new(kind, &e);
	struct ledger *l;

	assert_int_equal(gtid_set_parse(s, held, &e), 0);
	l = ledger_new(s, &e);
	assert_non_null(l);
	gtid_set_free(s);
	return l;
}

static bool
add(struct ledger *l, const char *gtid, enum flavour_kind kind,
    uint64_t bytes, int64_t time)
{
	struct transaction t = { .time_us = time };
	struct err e = {0};
	bool again;

	if (gtid[0] != '\0' && gtid_parse(gtid, kind, &t.gtid.gtid, &e) != 0)
		fail_msg("%s", e.msg);
	if (ledger_add(l, &t, bytes, false, &again, &e) != 0)
		fail_msg("%s", e.msg);
	return again;
}

static bool
all(struct ledger *l, const char *text)
{
	struct err e = {0};
	bool is;

	if (ledger_gtids(l, text, &is, &e) != 0)
		fail_msg("%s", e.msg);
	return is;
}

#define UUID "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static void
test_ledger_gtids_mysql(void **state)
{
	struct ledger *l = made(FLAVOUR_MYSQL, UUID ":1-5");

	(void)state;
	assert_true(all(l, UUID ":1-5"));
	assert_false(add(l, UUID ":6", FLAVOUR_MYSQL, 100, 1));
	assert_false(add(l, UUID ":8", FLAVOUR_MYSQL, 200, 2));
	assert_false(all(l, UUID ":1-7"));
	assert_false(all(l, UUID ":1-6"));
	assert_true(all(l, UUID ":1-6:8"));
	assert_true(all(l, "4e11fa47-71ca-11e1-9e33-c80aa9429562:1,\n"
	    UUID ":1-9"));
	ledger_free(l);
	ledger_free(NULL);
}

static void
test_ledger_gtids_mariadb_to_the_very_last(void **state)
{
	struct ledger *l = made(FLAVOUR_MARIADB, "0-1-9,5-2-7");

	(void)state;
	assert_true(all(l, "0-1-9,5-2-7"));
	assert_false(add(l, "0-1-12", FLAVOUR_MARIADB, 100, 1));
	/* the second writer of the domain is behind in numbers */
	assert_false(add(l, "0-2-11", FLAVOUR_MARIADB, 200, 2));
	assert_false(all(l, "0-1-12,5-2-7"));
	assert_true(all(l, "0-2-11,5-2-7,9-9-9"));
	assert_false(all(l, "0-2-111,5-2-7"));
	assert_false(all(l, "0-2-11"));
	ledger_free(l);
}

/* A transaction that ends beyond what the headers of events can say. */
static void
test_ledger_place_beyond_4_gib(void **state)
{
	struct ledger *l = made(FLAVOUR_MYSQL, "");
	const uint64_t far = UINT64_C(4571815834);
	struct ledger_totals t;
	struct err e = {0};

	(void)state;
	assert_int_equal(ledger_file(l, "b.1", 0, &e), 0);
	assert_false(add(l, UUID ":1", FLAVOUR_MYSQL, 276900000, 1));
	assert_true(ledger_place(l, "b.1", 276900000, &t));
	assert_int_equal(t.bytes, 276900000);
	assert_false(add(l, UUID ":2", FLAVOUR_MYSQL, far, 2));
	ledger_pass(l, far + 44);
	assert_true(ledger_place(l, "b.1", far % (UINT64_C(1) << 32), &t));
	assert_int_equal(t.bytes, far);
	assert_int_equal(t.transactions, 2);
	assert_true(ledger_place(l, "b.1", far + 44, &t));
	assert_int_equal(t.bytes, far + 44);
	/* not yet, although so much has been given */
	assert_int_equal(ledger_file(l, "b.2", (int64_t)far + 40, &e), 0);
	assert_false(add(l, UUID ":3", FLAVOUR_MYSQL, far + 900000, 3));
	assert_true(ledger_place(l, "b.1", 276900000, &t));
	assert_int_equal(t.bytes, 276900000);
	assert_int_equal(t.transactions, 1);
	assert_true(ledger_place(l, "b.2", 860, &t));
	assert_int_equal(t.bytes, far + 900);
	ledger_free(l);
}

static void
test_ledger_counts_once(void **state)
{
	struct ledger *l = made(FLAVOUR_MYSQL, "");
	struct ledger_totals t;

	(void)state;
	assert_false(add(l, UUID ":1", FLAVOUR_MYSQL, 100, 10));
	assert_false(add(l, UUID ":2", FLAVOUR_MYSQL, 200, 20));
	assert_true(add(l, UUID ":2", FLAVOUR_MYSQL, 200, 20));
	assert_false(add(l, "", FLAVOUR_MYSQL, 300, 30));
	ledger_pass(l, 350);
	ledger_totals(l, &t);
	assert_int_equal(t.transactions, 3);
	assert_int_equal(t.bytes, 350);
	assert_int_equal(t.time_us, 30);
	assert_string_equal(t.last, UUID ":2");
	ledger_free(l);
}

static void
test_ledger_place(void **state)
{
	struct ledger *l = made(FLAVOUR_MYSQL, "");
	struct ledger_totals t;
	struct err e = {0};
	unsigned i;

	(void)state;
	assert_false(ledger_place(l, "b.1", 4, &t));
	/* the route begins at 1000 of b.1, which ends at 101000 */
	assert_int_equal(ledger_file(l, "b.1", -1000, &e), 0);
	for (i = 1; i <= 100000; i++)
		(void)add(l, "", FLAVOUR_MYSQL, i * 1000, i);
	assert_int_equal(ledger_file(l, "b.2", 100000000, &e), 0);
	(void)add(l, "", FLAVOUR_MYSQL, 100000200, 200000);
	assert_true(ledger_place(l, "b.1", 500, &t));
	assert_int_equal(t.bytes, 0);
	assert_int_equal(t.transactions, 0);
	assert_true(ledger_place(l, "b.1", 50001000, &t));
	assert_int_equal(t.bytes, 50000000);
	assert_in_range(t.transactions, 49900, 50000);
	assert_int_equal(t.time_us, t.transactions);
	assert_true(ledger_place(l, "b.2", 200, &t));
	assert_int_equal(t.bytes, 100000200);
	assert_int_equal(t.transactions, 100001);
	assert_int_equal(t.time_us, 200000);
	assert_false(ledger_place(l, "b.3", 4, &t));
	ledger_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger_gtids_mysql),
		cmocka_unit_test(test_ledger_gtids_mariadb_to_the_very_last),
		cmocka_unit_test(test_ledger_place_beyond_4_gib),
		cmocka_unit_test(test_ledger_counts_once),
		cmocka_unit_test(test_ledger_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
