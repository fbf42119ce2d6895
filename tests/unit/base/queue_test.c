/* SPDX-License-Identifier: Apache-2.0 */
/* queue_test: order, the bound, and who owns an item at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/queue.h"

#define MANY 20000

/* How often the queue freed an item by itself. */
static unsigned dropped;

static void
item_free(void *item)
{
	free(item);
	dropped++;
}

static int *
item_new(int n)
{
	int *item = malloc(sizeof(*item));

	*item = n;
	return item;
}

static struct queue *
make(size_t slots)
{
	const struct queue_opts opts = { slots, item_free };
	struct err e = {0};
	struct queue *q = queue_new(&opts, &e);

	assert_non_null(q);
	dropped = 0;
	return q;
}

static void
test_queue_keeps_order_around_its_end(void **state)
{
	struct queue *q = make(3);
	int i, *item;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(queue_put(q, item_new(2 * i)), 0);
		assert_int_equal(queue_put(q, item_new(2 * i + 1)), 0);
		item = queue_take(q);
		assert_int_equal(*item, 2 * i);
		free(item);
		item = queue_take(q);
		assert_int_equal(*item, 2 * i + 1);
		free(item);
	}
	queue_free(q);
	assert_int_equal(dropped, 0);
}

static void
test_queue_close_lets_out_what_is_held(void **state)
{
	struct queue *q = make(2);
	int *item, *late = item_new(3);

	(void)state;
	assert_int_equal(queue_put(q, item_new(1)), 0);
	assert_int_equal(queue_put(q, item_new(2)), 0);
	queue_close(q);
	queue_close(q);
	assert_int_equal(queue_put(q, late), -1);
	item = queue_take(q);
	assert_int_equal(*item, 1);
	free(item);
	item = queue_take(q);
	assert_int_equal(*item, 2);
	free(item);
	assert_null(queue_take(q));
	assert_null(queue_take(q));
	queue_free(q);
	/* A refused item is still the caller's. */
	assert_int_equal(*late, 3);
	free(late);
	assert_int_equal(dropped, 0);
}

static void
test_queue_abort_frees_what_is_held(void **state)
{
	struct queue *q = make(4);
	int *late = item_new(3);

	(void)state;
	assert_int_equal(queue_put(q, item_new(1)), 0);
	assert_int_equal(queue_put(q, item_new(2)), 0);
	queue_abort(q);
	assert_int_equal(dropped, 2);
	assert_int_equal(queue_put(q, late), -1);
	assert_null(queue_take(q));
	queue_free(q);
	assert_int_equal(dropped, 2);
	free(late);
}

static void
test_queue_free_frees_what_is_held(void **state)
{
	struct queue *q = make(4);

	(void)state;
	assert_int_equal(queue_put(q, item_new(1)), 0);
	queue_free(q);
	assert_int_equal(dropped, 1);
	queue_free(NULL);
}

/* --- with threads: each ends by itself, whatever the timing --- */

struct producer {
	struct queue *q;
	int first, step, accepted;
};

static void *
produce(void *arg)
{
	struct producer *p = arg;
	int i, *item;

	for (i = p->first; i < MANY; i += p->step) {
		item = item_new(i);
		if (queue_put(p->q, item) != 0) {
			free(item);
			break;
		}
		p->accepted++;
	}
	return NULL;
}

static void
test_queue_hands_every_item_over_once(void **state)
{
	struct producer p[3];
	pthread_t thread[3];
	struct queue *q = make(2);
	int last[3] = { -1, -1, -1 }, *item, i, n = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		p[i] = (struct producer){ q, i, 3, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, produce,
		    &p[i]), 0);
	}
	for (n = 0; n < MANY; n++) {
		item = queue_take(q);
		assert_non_null(item);
		/* Of one producer, items come in the order of its puts. */
		assert_true(*item > last[*item % 3]);
		last[*item % 3] = *item;
		free(item);
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(p[i].accepted, (MANY - i + 2) / 3);
	}
	queue_close(q);
	assert_null(queue_take(q));
	queue_free(q);
}

static void *
consume(void *arg)
{
	struct queue *q = arg;

	return queue_take(q);
}

static void
test_queue_close_wakes_a_blocked_taker(void **state)
{
	struct queue *q = make(1);
	pthread_t thread;
	void *got = q;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, consume, q), 0);
	queue_close(q);
	assert_int_equal(pthread_join(thread, &got), 0);
	assert_null(got);
	queue_free(q);
}

static void
test_queue_abort_wakes_a_blocked_putter(void **state)
{
	struct queue *q = make(1);
	struct producer p = { q, 0, 1, 0 };
	pthread_t thread;
	int *item;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
	item = queue_take(q);
	assert_int_equal(*item, 0);
	free(item);
	/* It goes on to put: blocked or about to be, it must come back. */
	queue_abort(q);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(p.accepted < MANY);
	assert_int_equal((unsigned)p.accepted, dropped + 1);
	queue_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_keeps_order_around_its_end),
		cmocka_unit_test(test_queue_close_lets_out_what_is_held),
		cmocka_unit_test(test_queue_abort_frees_what_is_held),
		cmocka_unit_test(test_queue_free_frees_what_is_held),
		cmocka_unit_test(test_queue_hands_every_item_over_once),
		cmocka_unit_test(test_queue_close_wakes_a_blocked_taker),
		cmocka_unit_test(test_queue_abort_wakes_a_blocked_putter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
