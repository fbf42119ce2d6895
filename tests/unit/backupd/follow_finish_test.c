/* SPDX-License-Identifier: Apache-2.0 */
/* follow_finish_test: which files of a source are finished, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mysql/connect.h"

#include "backupd/follow_impl.h"

/* The archive takes its pools down once all sources are over: what is still
 * on its way then comes back, and must submit nothing. */
static void
test_follow_finish_is_not_begun_once_over(void **state)
{
	struct follow_shared shared = {0};
	const struct conn_opts conn = { .socket = "nowhere" };
	struct follow f = { .shared = &shared, .opts.source = "s",
	    .opts.conn = &conn, .state = FOLLOW_OVER };
	struct err e = {0};

	(void)state;
	shared.finishes = pool_new(0, &e);	/* nobody runs what it gets */
	assert_non_null(shared.finishes);
	assert_int_equal(follow_ended(&f, 1, "b.000001", NULL, &e), 0);
	follow_finish(&f, 1);
	assert_int_equal(pool_jobs(shared.finishes), 0);
	f.state = FOLLOW_DRAINING;
	follow_finish(&f, 1);
	assert_int_equal(pool_jobs(shared.finishes), 1);
	pool_free(shared.finishes);
	follow_ended_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow_finish_is_not_begun_once_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
