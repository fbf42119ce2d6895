/* SPDX-License-Identifier: Apache-2.0 */
/* feed_test: whole lines or none, and never a wait. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/err.h"
#include "catalog/feed.h"
#include "catalog/progress.h"

static int ends[2];
static char text[262144];

static void
begin(void)
{
	struct err e = {0};

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(feed_open((uint64_t)ends[1], &e), 0);
	assert_true(feed_is_open());
}

/* All that was written. */
static const char *
end(void)
{
	size_t n = 0;
	ssize_t got;

	feed_close();
	assert_false(feed_is_open());
	(void)close(ends[1]);
	while ((got = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	(void)close(ends[0]);
	return text;
}

static void
test_feed_lines(void **state)
{
	const struct feed_state now = { .tables = 3, .rows = 120,
	    .bytes = 4096, .total = 1000000, .rate = 2048, .left_s = 480 };

	(void)state;
	begin();
	feed_progress(&now);	/* of no phase: nothing */
	feed_phase("lock");
	feed_phase("dump");
	feed_progress(&now);
	feed_phase("commit");
	assert_string_equal(end(),
	    "{\"version\":1,\"phase\":\"lock\",\"tables\":0,\"rows\":0,"
	    "\"bytes\":0,\"total\":0,\"rate\":0,\"left_s\":null,"
	    "\"transactions\":0}\n"
	    "{\"version\":1,\"phase\":\"dump\",\"tables\":0,\"rows\":0,"
	    "\"bytes\":0,\"total\":0,\"rate\":0,\"left_s\":null,"
	    "\"transactions\":0}\n"
	    "{\"version\":1,\"phase\":\"dump\",\"tables\":3,\"rows\":120,"
	    "\"bytes\":4096,\"total\":1000000,\"rate\":2048,\"left_s\":480,"
	    "\"transactions\":0}\n"
	    "{\"version\":1,\"phase\":\"commit\",\"tables\":3,\"rows\":120,"
	    "\"bytes\":4096,\"total\":1000000,\"rate\":0,\"left_s\":null,"
	    "\"transactions\":0}\n"
	    "{\"version\":1,\"phase\":\"commit\",\"tables\":3,\"rows\":120,"
	    "\"bytes\":4096,\"total\":1000000,\"rate\":0,\"left_s\":null,"
	    "\"transactions\":0}\n");
}

static void
test_feed_of_a_replay_says_the_time_reached(void **state)
{
	const struct feed_state now = { .left_s = -1, .transactions = 7,
	    .at_us = 1764000000000000 };

	(void)state;
	begin();
	feed_phase("replay");
	feed_progress(&now);
	assert_non_null(strstr(end(), "\"transactions\":7,\"at\":"
	    "\"2025-11-24T16:00:00.000000Z\"}\n"));
}

static void
test_feed_is_inherited_by_no_child(void **state)
{
	(void)state;
	begin();
	assert_int_equal(fcntl(ends[1], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)end();
}

static void
test_feed_refuses(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(feed_open(2, &e), -1);
	assert_string_equal(e.msg, "--progress-fd: not 3 or more");
	assert_int_equal(e.code, ERR_USAGE);
	e = (struct err){0};
	assert_int_equal(feed_open(9999, &e), -1);
	assert_string_equal(e.msg, "--progress-fd=9999: Bad file descriptor");
	e = (struct err){0};
	assert_int_equal(feed_open(UINT64_MAX, &e), -1);
	assert_string_equal(e.msg, "--progress-fd=18446744073709551615: Bad "
	    "file descriptor");
	assert_int_equal(e.code, ERR_USAGE);
	assert_false(feed_is_open());
	feed_phase("dump");
	feed_close();
}

/* Every line is one document, whatever was dropped between them. */
static size_t
count_lines(const char *p)
{
	const char *lf;
	json_t *doc;
	size_t n = 0;

	for (; *p != '\0'; p = lf + 1, n++) {
		lf = strchr(p, '\n');
		assert_non_null(lf);
		doc = json_loadb(p, (size_t)(lf - p), 0, NULL);
		assert_non_null(doc);
		json_decref(doc);
	}
	return n;
}

static void
test_feed_drops_what_the_reader_has_no_room_for(void **state)
{
	struct feed_state now = { .left_s = -1 };
	size_t n;

	(void)state;
	begin();
	feed_phase("dump");
	for (now.rows = 0; now.rows < 20000; now.rows++)
		feed_progress(&now);
	n = count_lines(end());
	assert_true(n > 100 && n < 20000);
}

static void
test_feed_ends_a_line_that_a_socket_took_in_part(void **state)
{
	struct feed_state now = { .left_s = -1 };
	struct err e = {0};
	size_t n = 0, round;
	ssize_t got;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(feed_open((uint64_t)ends[1], &e), 0);
	feed_phase("dump");
	for (round = 0; round < 20; round++) {
		for (now.rows = 0; now.rows < 3000; now.rows++)
			feed_progress(&now);
		got = read(ends[0], text + n, 1000);
		assert_true(got > 0);
		n += (size_t)got;
	}
	feed_close();
	(void)close(ends[1]);
	while ((got = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	/* The last may be cut: nobody was there to take its rest. */
	text[n] = '\0';
	*(strrchr(text, '\n') + 1) = '\0';
	assert_true(count_lines(text) > 100);
	(void)close(ends[0]);
}

static void
test_feed_stops_when_nobody_reads(void **state)
{
	(void)state;
	begin();
	(void)signal(SIGPIPE, SIG_IGN);
	feed_phase("lock");
	(void)close(ends[0]);
	feed_phase("dump");
	assert_false(feed_is_open());
	feed_phase("commit");
	feed_close();
	(void)close(ends[1]);
}

static void
test_progress_feeds_its_last_state(void **state)
{
	struct progress_totals totals = {0};
	struct err e = {0};
	struct progress *p;

	(void)state;
	begin();
	feed_phase("dump");
	p = progress_start(&totals, 4096, &e);
	assert_non_null(p);
	totals.tables = 1;
	totals.rows = 2;
	totals.raw = 4096;
	progress_stop(p);
	assert_non_null(strstr(end(), "\"phase\":\"dump\",\"tables\":1,"
	    "\"rows\":2,\"bytes\":4096,\"total\":4096,"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_feed_lines),
		cmocka_unit_test(test_feed_of_a_replay_says_the_time_reached),
		cmocka_unit_test(test_feed_is_inherited_by_no_child),
		cmocka_unit_test(test_feed_refuses),
		cmocka_unit_test(
		    test_feed_drops_what_the_reader_has_no_room_for),
		cmocka_unit_test(
		    test_feed_ends_a_line_that_a_socket_took_in_part),
		cmocka_unit_test(test_feed_stops_when_nobody_reads),
		cmocka_unit_test(test_progress_feeds_its_last_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
