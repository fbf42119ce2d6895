/* SPDX-License-Identifier: Apache-2.0 */
/* pool_test: jobs run in threads and end in the owner's. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

#include "backupd/pool.h"

struct work {
	struct job job;		/* first */
	pthread_t ran, ended;
	bool over;
};

static void
work_run(struct job *j)
{
	((struct work *)j)->ran = pthread_self();
}

static void
work_done(struct job *j)
{
	struct work *w = (struct work *)j;

	w->ended = pthread_self();
	w->over = true;
}

#define WORK { .job = { .run = work_run, .done = work_done } }

static void
test_pool_jobs_end_in_the_owners_thread(void **state)
{
	struct err e = {0};
	struct pool *p = pool_new(2, &e);
	struct work w = WORK;
	struct pollfd fd = { .events = POLLIN };

	(void)state;
	assert_non_null(p);
	fd.fd = pool_fd(p);
	pool_submit(p, &w.job);
	assert_int_equal(pool_jobs(p), 1);
	assert_int_equal(poll(&fd, 1, 10000), 1);
	assert_false(w.over);
	pool_reap(p);
	assert_true(w.over);
	assert_int_equal(pool_jobs(p), 0);
	assert_false(pthread_equal(w.ran, pthread_self()));
	assert_true(pthread_equal(w.ended, pthread_self()));
	pool_free(p);
}

static void
test_pool_ends_when_every_job_did(void **state)
{
	struct err e = {0};
	struct pool *p = pool_new(1, &e);
	struct work second = WORK, first = WORK;

	(void)state;
	assert_non_null(p);
	pool_submit(p, &first.job);
	pool_submit(p, &second.job);
	pool_free(p);
	assert_true(first.over);
	assert_true(second.over);
	pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_jobs_end_in_the_owners_thread),
		cmocka_unit_test(test_pool_ends_when_every_job_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
