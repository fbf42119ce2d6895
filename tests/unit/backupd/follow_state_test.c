/* SPDX-License-Identifier: Apache-2.0 */
/* follow_state_test: what is said of how far behind an archive is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/follow_impl.h"

static int64_t
bytes(const struct follow *f)
{
	struct follow_status s;

	follow_status(f, &s);
	return s.lag_bytes;
}

/* The server is asked once a minute: what is stored meanwhile counts. */
static void
test_follow_status_takes_off_what_was_stored_since(void **state)
{
	struct follow_upload u = { .seq = 3, .cut = { .start = 550,
	    .commit_us = 1 } };
	struct follow f = { .state = FOLLOW_RUNNING, .tail = { .seq = 3,
	    .start = 500 }, .lag = { .last = -1, .last_seq = 3,
	    .last_offset = 500 } };

	(void)state;
	assert_int_equal(bytes(&f), -1);
	f.lag.last = 0;
	assert_int_equal(bytes(&f), 0);
	f.lag.last = 147;
	assert_int_equal(bytes(&f), 147);
	f.tail.start = 647;
	assert_int_equal(bytes(&f), 0);
	f.tail.start = 900;
	assert_int_equal(bytes(&f), 0);
	f.first = f.last = &u;
	assert_int_equal(bytes(&f), 97);
	u.sent = true;
	assert_int_equal(bytes(&f), 0);
	f.state = FOLLOW_WAITING;
	assert_int_equal(bytes(&f), -1);
}

static void
test_follow_status_of_another_file(void **state)
{
	struct follow f = { .state = FOLLOW_RUNNING, .tail = { .seq = 4,
	    .start = 4, .commit_us = 9 }, .lag = { .last = 147,
	    .last_seq = 3, .last_offset = 500 } };

	(void)state;
	assert_int_equal(bytes(&f), 147);
	f.tail.commit_us = 0;
	assert_int_equal(bytes(&f), 0);
}

/* What was wrong with the server is shown until it is followed again, what is
 * wrong with the store as long as it is. */
static void
test_follow_status_clears_the_error_once_it_follows(void **state)
{
	struct follow f = { .state = FOLLOW_WAITING, .started = true };
	struct err server = { .code = ERR_BUSY, .msg = "taken" };
	struct err store = { .code = ERR_AGAIN, .msg = "away" };
	struct follow_status s;

	(void)state;
	follow_troubled(&f, FOLLOW_SERVER, &server);
	follow_status(&f, &s);
	assert_string_equal(s.error, "taken");
	assert_true(s.error_us > 0);
	f.state = FOLLOW_RUNNING;
	follow_status(&f, &s);
	assert_string_equal(s.error, "");
	assert_int_equal(s.error_us, 0);
	follow_troubled(&f, FOLLOW_STORE, &store);
	follow_status(&f, &s);
	assert_string_equal(s.error, "away");
	f.state = FOLLOW_WAITING;
	follow_status(&f, &s);
	assert_string_equal(s.error, "taken");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_follow_status_takes_off_what_was_stored_since),
		cmocka_unit_test(test_follow_status_of_another_file),
		cmocka_unit_test(
		    test_follow_status_clears_the_error_once_it_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
