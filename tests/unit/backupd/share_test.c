/* SPDX-License-Identifier: Apache-2.0 */
/* share_test: all is read once, and whoever runs dry takes half of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backupd/plan.h"
#include "backupd/share.h"
#include "backupd/table_run.h"
#include "base/err.h"

#define TABLES	6
#define PARTS	200
#define WORKERS	4

static struct plan_item items[TABLES];
static struct plan plan;
static struct share *share;

/* A plan of n tables. */
static void
begin(size_t n, unsigned workers)
{
	struct err e = {0};
	size_t i;

	for (i = 0; i < n; i++)
		items[i] = (struct plan_item){ .kind = SCHEMA_TABLE,
		    .n = (uint32_t)i + 1 };
	plan = (struct plan){ .items = items, .nitems = n };
	share = share_new(&plan, workers, &e);
	assert_non_null(share);
}

static void
end(void)
{
	share_free(share);
}

static struct table_run *
table_of(size_t nparts, uint64_t part_bytes)
{
	struct err e = {0};
	struct table_run *t = table_run_new(&items[0], &e);

	assert_non_null(t);
	free(t->parts);
	t->parts = calloc(nparts, sizeof(*t->parts));
	t->nparts = t->pending = nparts;
	t->part_bytes = part_bytes;
	return t;
}

static enum share_kind
takes(unsigned w, const struct plan_item **item, struct table_run **table)
{
	struct plan_item *it;
	enum share_kind kind = share_take(share, w, &it, table);

	*item = it;
	return kind;
}

static void
takes_item(unsigned w, const struct plan_item *want)
{
	const struct plan_item *item;
	struct table_run *table;

	assert_int_equal(takes(w, &item, &table), SHARE_TABLE);
	assert_ptr_equal(item, want);
}

static void
takes_parts(unsigned w, const struct table_run *want)
{
	const struct plan_item *item;
	struct table_run *table;

	assert_int_equal(takes(w, &item, &table), SHARE_PARTS);
	assert_ptr_equal(table, want);
	assert_true(table->shared);
}

static void
takes_nothing(unsigned w)
{
	const struct plan_item *item;
	struct table_run *table;

	assert_int_equal(takes(w, &item, &table), SHARE_NOTHING);
}

/* The worker's next parts are these, and it has no more. */
static void
reads(unsigned w, const struct table_run *t, size_t from, size_t to)
{
	for (; from < to; from++)
		assert_ptr_equal(share_next(share, w), &t->parts[from]);
	assert_null(share_next(share, w));
}

static void
test_share_tables_first_in_the_order_of_the_plan(void **state)
{
	(void)state;
	begin(4, 2);
	items[0].kind = SCHEMA_VIEW;
	items[2].dumped = true;
	takes_item(1, &items[1]);
	takes_item(0, &items[3]);
	assert_int_equal(share_end(share, 0), 0);
	assert_int_equal(share_end(share, 1), 0);
	takes_nothing(0);
	takes_nothing(1);
	end();
}

static void
test_share_halves_the_largest_rest(void **state)
{
	struct table_run *t, *small;

	(void)state;
	begin(2, 5);
	t = table_of(12, 100);
	small = table_of(50, 1);
	takes_item(0, &items[0]);
	takes_item(1, &items[1]);
	share_begin(share, 0, t);
	share_begin(share, 1, small);
	share_open(share, 0);
	share_open(share, 1);
	assert_ptr_equal(share_next(share, 0), &t->parts[0]);
	assert_ptr_equal(share_next(share, 0), &t->parts[1]);
	assert_ptr_equal(share_next(share, 0), &t->parts[2]);
	/* 3 to 11 are left: the larger half is given */
	takes_parts(2, t);
	takes_parts(3, t);
	reads(3, t, 5, 7);
	assert_int_equal(share_end(share, 3), 2);
	takes_parts(4, t);
	reads(4, t, 10, 12);
	reads(0, t, 3, 5);
	reads(2, t, 7, 10);
	assert_int_equal(share_end(share, 0), 5);
	/* then the other table, which nobody shares yet */
	assert_false(small->shared);
	takes_parts(0, small);
	reads(0, small, 25, 50);
	reads(1, small, 0, 25);
	table_run_free(t);
	table_run_free(small);
	end();
}

/* The last part that nobody has begun goes over whole. */
static void
test_share_gives_the_last_part(void **state)
{
	struct table_run *t;

	(void)state;
	begin(1, 2);
	t = table_of(2, 0);
	takes_item(0, &items[0]);
	share_begin(share, 0, t);
	share_open(share, 0);
	assert_ptr_equal(share_next(share, 0), &t->parts[0]);
	takes_parts(1, t);
	reads(0, t, 0, 0);
	reads(1, t, 1, 2);
	assert_int_equal(share_end(share, 0), 1);
	assert_int_equal(share_end(share, 1), 1);
	takes_nothing(0);
	table_run_free(t);
	end();
}

/* A table is freed when all its parts are done: who took some has one. */
static void
test_share_leaves_one_part_to_who_began_none(void **state)
{
	struct table_run *t;

	(void)state;
	begin(1, 4);
	t = table_of(7, 1);
	takes_item(0, &items[0]);
	share_begin(share, 0, t);
	share_open(share, 0);
	assert_ptr_equal(share_next(share, 0), &t->parts[0]);
	takes_parts(1, t);
	reads(0, t, 1, 4);
	(void)share_end(share, 0);
	takes_parts(2, t);
	takes_parts(3, t);
	reads(2, t, 6, 7);
	reads(3, t, 5, 6);
	(void)share_end(share, 2);
	(void)share_end(share, 3);
	/* worker 1 has one part, and has not begun it */
	reads(1, t, 4, 5);
	table_run_free(t);
	end();
}

/* --- several threads --- */

struct waiter {
	pthread_t thread;
	unsigned w;
	enum share_kind kind;
	struct table_run *table;
};

static void *
wait_for_work(void *arg)
{
	struct waiter *x = arg;
	const struct plan_item *item;

	x->kind = takes(x->w, &item, &x->table);
	return NULL;
}

static void
start(struct waiter *x, unsigned w)
{
	*x = (struct waiter){ .w = w };
	assert_int_equal(pthread_create(&x->thread, NULL, wait_for_work, x),
	    0);
}

/* Who finds nothing waits, as long as somebody may have something to give. */
static void
test_share_waits_for_what_may_be_opened(void **state)
{
	struct table_run *t;
	struct waiter x;

	(void)state;
	begin(1, 2);
	t = table_of(4, 1);
	takes_item(0, &items[0]);
	start(&x, 1);
	share_begin(share, 0, t);
	share_open(share, 0);
	assert_int_equal(pthread_join(x.thread, NULL), 0);
	assert_int_equal(x.kind, SHARE_PARTS);
	assert_ptr_equal(x.table, t);
	reads(1, t, 2, 4);
	table_run_free(t);
	end();
}

static void
test_share_waits_no_longer_than_others_work(void **state)
{
	struct waiter x;

	(void)state;
	begin(1, 2);
	takes_item(0, &items[0]);
	start(&x, 1);
	assert_int_equal(share_end(share, 0), 0);
	assert_int_equal(pthread_join(x.thread, NULL), 0);
	assert_int_equal(x.kind, SHARE_NOTHING);
	end();
}

static void
test_share_stop_ends_all(void **state)
{
	struct table_run *t;
	struct waiter x;

	(void)state;
	begin(2, 2);
	t = table_of(4, 1);
	takes_item(0, &items[0]);
	takes_item(1, &items[1]);
	share_begin(share, 0, t);
	share_open(share, 0);
	(void)share_end(share, 1);
	share_stop(share);
	start(&x, 1);
	assert_int_equal(pthread_join(x.thread, NULL), 0);
	assert_int_equal(x.kind, SHARE_NOTHING);
	assert_null(share_next(share, 0));
	table_run_free(t);
	end();
}

static struct table_run *many[TABLES];
static _Atomic unsigned given[TABLES][PARTS], ended[TABLES];

static void
read_all(unsigned w, size_t table)
{
	const struct range *part;

	while ((part = share_next(share, w)) != NULL)
		given[table][part - many[table]->parts]++;
	ended[table] += (unsigned)share_end(share, w);
}

static void *
work(void *arg)
{
	unsigned w = *(unsigned *)arg;
	const struct plan_item *item;
	struct table_run *t;
	enum share_kind kind;
	size_t i;

	while ((kind = takes(w, &item, &t)) != SHARE_NOTHING) {
		if (kind == SHARE_TABLE) {
			i = item->n - 1;
			share_begin(share, w, many[i]);
			share_open(share, w);
			read_all(w, i);
			continue;
		}
		for (i = 0; many[i] != t; i++)
			continue;
		read_all(w, i);
	}
	return NULL;
}

static void
test_share_each_part_goes_to_one_worker(void **state)
{
	unsigned numbers[WORKERS], w;
	pthread_t threads[WORKERS];
	size_t i, k;

	(void)state;
	begin(TABLES, WORKERS);
	for (i = 0; i < TABLES; i++)
		many[i] = table_of(PARTS - 30 * i, i + 1);
	for (w = 0; w < WORKERS; w++) {
		numbers[w] = w;
		assert_int_equal(pthread_create(&threads[w], NULL, work,
		    &numbers[w]), 0);
	}
	for (w = 0; w < WORKERS; w++)
		assert_int_equal(pthread_join(threads[w], NULL), 0);
	for (i = 0; i < TABLES; i++) {
		assert_int_equal(ended[i], many[i]->nparts);
		for (k = 0; k < PARTS; k++)
			assert_int_equal(given[i][k], k < many[i]->nparts);
		table_run_free(many[i]);
	}
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_share_tables_first_in_the_order_of_the_plan),
		cmocka_unit_test(test_share_halves_the_largest_rest),
		cmocka_unit_test(test_share_gives_the_last_part),
		cmocka_unit_test(test_share_leaves_one_part_to_who_began_none),
		cmocka_unit_test(test_share_waits_for_what_may_be_opened),
		cmocka_unit_test(test_share_waits_no_longer_than_others_work),
		cmocka_unit_test(test_share_stop_ends_all),
		cmocka_unit_test(test_share_each_part_goes_to_one_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
