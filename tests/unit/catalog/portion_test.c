/* SPDX-License-Identifier: Apache-2.0 */
/* portion_test: each is read within its time, and no run reads much more than
 * its part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "catalog/portion.h"

#define DAY INT64_C(86400000000)
#define NOW (20000 * DAY)
#define GB UINT64_C(1000000000)

static void
test_portion_of_nothing(void **state)
{
	const struct portion_opts o = { .now_us = NOW, .within_us = 30 * DAY };
	struct portion p = portion_pick(NULL, 0, &o);

	(void)state;
	assert_int_equal(p.n, 0);
	assert_int_equal(p.balance, 0);
}

static void
test_portion_order(void **state)
{
	struct portion_unit u[] = {
		{ .bytes = 1, .made_us = 1, .read_us = NOW - 3 * DAY },
		{ .bytes = 1, .made_us = 2, .read_us = NOW - 9 * DAY },
		{ .bytes = 1, .made_us = 3 },
		{ .bytes = 1, .made_us = 4 },
		{ .bytes = 1, .made_us = 5, .read_us = NOW - DAY,
		  .damaged = true },
	};
	const struct portion_opts o = { .now_us = NOW, .last_us = NOW - DAY,
	    .within_us = 30 * DAY };
	struct portion p = portion_pick(u, 5, &o);

	(void)state;
	/* Damaged, newest, new, longest ago, the rest. */
	assert_int_equal(u[0].made_us, 5);
	assert_int_equal(u[1].made_us, 4);
	assert_int_equal(u[2].made_us, 3);
	assert_int_equal(u[3].made_us, 2);
	assert_int_equal(u[4].made_us, 1);
	assert_int_equal(p.all, 5);
	assert_int_equal(p.n, 1);
}

static void
test_portion_size(void **state)
{
	struct portion_unit u[300];
	struct portion_opts o = { .now_us = NOW, .last_us = NOW - DAY,
	    .within_us = 30 * DAY };
	struct portion p;
	size_t i;

	(void)state;
	memset(u, 0, sizeof(u));
	for (i = 0; i < 300; i++)
		u[i].bytes = GB;
	p = portion_pick(u, 300, &o);
	assert_int_equal(p.n, 10);
	assert_int_equal(p.balance, 0);
	o.last_us = NOW - 3 * DAY;
	assert_int_equal(portion_pick(u, 300, &o).n, 30);
	/* Without a run before: a day's worth; after a year: all, once. */
	o.last_us = 0;
	assert_int_equal(portion_pick(u, 300, &o).n, 10);
	o.last_us = NOW - 365 * DAY;
	assert_int_equal(portion_pick(u, 300, &o).n, 300);
	/* What was saved, and what is owed; a clock that went back. */
	o.last_us = NOW - DAY;
	o.balance = (int64_t)(2 * GB);
	assert_int_equal(portion_pick(u, 300, &o).n, 12);
	o.balance = -(int64_t)(4 * (GB + PORTION_UNIT));
	assert_int_equal(portion_pick(u, 300, &o).n, 6);
	o.balance = 0;
	o.last_us = NOW + DAY;
	assert_int_equal(portion_pick(u, 300, &o).n, 0);
}

static void
test_portion_cap(void **state)
{
	struct portion_unit u[] = { { .bytes = 5 * GB }, { .bytes = GB },
	    { .bytes = GB } };
	struct portion_opts o = { .now_us = NOW, .last_us = NOW - 60 * DAY,
	    .within_us = 30 * DAY, .cap = 6 * GB };
	struct portion p = portion_pick(u, 3, &o);

	(void)state;
	assert_int_equal(p.n, 2);
	/* One is read in any case: else it never would be. */
	o.cap = 1;
	assert_int_equal(portion_pick(u, 3, &o).n, 1);
}

/* However much is new: what is due is read. */
static void
test_portion_due_behind_new(void **state)
{
	struct portion_unit u[] = {
		{ .bytes = GB, .made_us = 1 }, { .bytes = GB, .made_us = 2 },
		{ .bytes = GB, .made_us = 3, .read_us = NOW - 30 * DAY },
		{ .bytes = GB, .made_us = 4, .read_us = NOW - 2 * DAY },
	};
	const struct portion_opts o = { .now_us = NOW, .last_us = NOW - DAY,
	    .within_us = 30 * DAY, .balance = -(int64_t)GB };
	struct portion p = portion_pick(u, 4, &o);

	(void)state;
	assert_int_equal(p.n, 1);
	assert_true(u[2].picked && u[2].made_us == 3);
	assert_false(u[0].picked || u[1].picked || u[3].picked);
}

/* Many days of runs: every unit is read within its time, and in all not much
 * more than once. */
static void
many_days(size_t n, uint64_t bytes, int64_t interval_us)
{
	struct portion_unit u[50];
	struct portion_opts o = { .now_us = NOW, .within_us = 30 * DAY };
	struct portion p;
	uint64_t sum = 0;
	int64_t age;
	size_t i, runs;

	memset(u, 0, sizeof(u));
	for (i = 0; i < n; i++)
		u[i] = (struct portion_unit){ .bytes = bytes + i % 3,
		    .made_us = (int64_t)i };
	for (runs = 0; o.now_us < NOW + 300 * DAY; runs++) {
		p = portion_pick(u, n, &o);
		for (i = 0; i < n; i++)
			if (u[i].picked)
				u[i].read_us = o.now_us;
		if (o.now_us > NOW + 60 * DAY)
			sum += p.bytes;
		for (i = 0; i < n && o.now_us > NOW + 31 * DAY; i++) {
			age = o.now_us - u[i].read_us;
			assert_true(u[i].read_us != 0 &&
			    age <= 30 * DAY);
		}
		o.balance = p.balance;
		o.last_us = o.now_us;
		o.now_us += interval_us;
	}
	/* 240 days are 8 turns; two more for what is read early. */
	assert_true(sum >= 7 * n * bytes);
	assert_true(sum <= 10 * n * (bytes + 2));
}

static void
test_portion_keeps_its_promise(void **state)
{
	(void)state;
	many_days(50, GB, DAY);
	many_days(7, 100 * GB, DAY);
	many_days(1, 7000 * GB, DAY);
	many_days(13, GB, DAY / 24);
	many_days(31, 1, DAY);
	many_days(20, GB, 7 * DAY);
	many_days(10, GB, 3 * DAY / 2);
}

/* No part of a small unit is rounded to nothing, for ever. */
static void
test_portion_of_small_units(void **state)
{
	struct portion_unit u[] = { { .bytes = 29 }, { .bytes = 0 } };
	struct portion_opts o = { .now_us = NOW, .within_us = 30 * DAY };
	struct portion p = portion_pick(u, 2, &o);

	(void)state;
	assert_int_equal(p.n, 1);
	/* And not again at once. */
	u[0].read_us = NOW;
	o.balance = p.balance;
	o.last_us = NOW;
	o.now_us = NOW + 1000000;
	assert_int_equal(portion_pick(u, 2, &o).n, 0);
	many_days(2, 0, DAY);
	many_days(3, 7, DAY / 24);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portion_of_nothing),
		cmocka_unit_test(test_portion_order),
		cmocka_unit_test(test_portion_size),
		cmocka_unit_test(test_portion_cap),
		cmocka_unit_test(test_portion_of_small_units),
		cmocka_unit_test(test_portion_due_behind_new),
		cmocka_unit_test(test_portion_keeps_its_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
