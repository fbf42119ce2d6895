/* SPDX-License-Identifier: Apache-2.0 */
/* cancel_test: a request to stop reaches flags, waits and wakers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/err.h"

static struct cancel *
make(void)
{
	struct err e = {0};
	struct cancel *c = cancel_new(&e);

	assert_non_null(c);
	return c;
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
test_cancel_check_tells_the_first_reason(void **state)
{
	struct cancel *c = make();
	struct err e = {0};

	(void)state;
	assert_false(cancel_requested(c));
	assert_int_equal(cancel_check(c, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	cancel_request(c, "SIGTERM");
	cancel_request(c, "Ctrl-C");
	assert_true(cancel_requested(c));
	assert_int_equal(cancel_check(c, &e), -1);
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_string_equal(e.msg, "stopped by SIGTERM");
	cancel_free(c);
}

static void
test_cancel_null_never_stops(void **state)
{
	struct err e = {0};

	(void)state;
	assert_false(cancel_requested(NULL));
	assert_int_equal(cancel_check(NULL, &e), 0);
	assert_int_equal(cancel_wait(NULL, 1, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	cancel_free(NULL);
}

static void
test_cancel_wait_ends_by_time(void **state)
{
	struct cancel *c = make();
	struct err e = {0};

	(void)state;
	assert_int_equal(cancel_wait(c, 0, &e), 0);
	assert_int_equal(cancel_wait(c, 1, &e), 0);
	cancel_free(c);
}

static void
test_cancel_wait_after_request_fails_at_once(void **state)
{
	struct cancel *c = make();
	struct err e = {0};

	(void)state;
	cancel_request(c, "Ctrl-C");
	/* An hour, if it waited. */
	assert_int_equal(cancel_wait(c, 3600000, &e), -1);
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_string_equal(e.msg, "stopped by Ctrl-C");
	cancel_free(c);
}

struct waiting {
	struct cancel *c;
	struct err e;
	int rc;
};

static void *
wait_long(void *arg)
{
	struct waiting *w = arg;

	w->rc = cancel_wait(w->c, 3600000, &w->e);
	return NULL;
}

static void
test_cancel_request_wakes_waiters(void **state)
{
	struct waiting w = { .c = make() };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, wait_long, &w), 0);
	cancel_request(w.c, "SIGHUP");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(w.rc, -1);
	assert_string_equal(w.e.msg, "stopped by SIGHUP");
	cancel_free(w.c);
}

static void
test_cancel_runs_every_waker_once(void **state)
{
	struct cancel *c = make();
	int a = 0, b = 0;
	unsigned first, second;

	(void)state;
	first = cancel_add(c, count, &a);
	second = cancel_add(c, count, &b);
	assert_true(first > 0 && second > 0 && first != second);
	cancel_request(c, "x");
	cancel_request(c, "y");
	assert_int_equal(a, 1);
	assert_int_equal(b, 1);
	cancel_free(c);
}

static void
test_cancel_removed_waker_stays_silent(void **state)
{
	struct cancel *c = make();
	int a = 0, b = 0;
	unsigned first;

	(void)state;
	first = cancel_add(c, count, &a);
	(void)cancel_add(c, count, &b);
	cancel_remove(c, first);
	cancel_remove(c, first);
	cancel_remove(c, 0);
	cancel_request(c, "x");
	assert_int_equal(a, 0);
	assert_int_equal(b, 1);
	cancel_free(c);
}

static void
test_cancel_add_after_request_wakes_at_once(void **state)
{
	struct cancel *c = make();
	int a = 0;
	unsigned handle;

	(void)state;
	cancel_request(c, "x");
	handle = cancel_add(c, count, &a);
	assert_true(handle > 0);
	assert_int_equal(a, 1);
	cancel_remove(c, handle);
	cancel_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancel_check_tells_the_first_reason),
		cmocka_unit_test(test_cancel_null_never_stops),
		cmocka_unit_test(test_cancel_wait_ends_by_time),
		cmocka_unit_test(test_cancel_wait_after_request_fails_at_once),
		cmocka_unit_test(test_cancel_request_wakes_waiters),
		cmocka_unit_test(test_cancel_runs_every_waker_once),
		cmocka_unit_test(test_cancel_removed_waker_stays_silent),
		cmocka_unit_test(test_cancel_add_after_request_wakes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
