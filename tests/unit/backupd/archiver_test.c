/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_test: sources come and go, and none of them ends the others. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "../catalog/fixture.h"
#include "backupd/archiver.h"
#include "backupd/follow.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "mysql/connect.h"

#define NOBODY "nobody.sock: error 2002: Can't connect to local server " \
    "through socket 'nobody.sock' (2); check --host, --port or --socket, and " \
    "that the server is up"

static struct cancel *store_cancel;
static atomic_int failed, recovered;

static void
heard(void *arg, enum archiver_event event, const char *source,
    const char *text)
{
	(void)arg;
	if (event == ARCHIVER_FAILED && strcmp(source, "one") == 0 &&
	    strcmp(text, "epoll: Invalid argument") == 0)
		failed++;
	if (event == ARCHIVER_RECOVERED && strcmp(source, "one") == 0)
		recovered++;
}

static struct archiver *
start(void)
{
	struct archiver_opts o = { .store = fixture_store,
	    .store_id = "0123456789abcdef0123456789abcdef",
	    .store_cancel = store_cancel, .event = heard };
	struct err e = {0};
	struct archiver *a = archiver_start(&o, &e);

	fixture_ok(a == NULL ? -1 : 0, &e);
	return a;
}

static void
follow(struct archiver *a, const char *name)
{
	char source[64], socket[] = "nobody.sock";
	struct conn_opts conn = { .socket = socket, .user = "u" };
	struct follow_opts o = { .source = source, .conn = &conn };
	struct err e = {0};

	(void)snprintf(source, sizeof(source), "%s", name);
	fixture_ok(archiver_follow(a, &o, &e), &e);
	/* The options are the archiver's own. */
	memset(socket, 'x', sizeof(socket));
	memset(source, 'x', sizeof(source));
}

static int
is_waiting(struct archiver *a, struct archiver_source *s)
{
	return archiver_state(a, "one", s) == 0 &&
	    s->state == ARCHIVER_WAITING;
}

static int
is_gone(struct archiver *a, struct archiver_source *s)
{
	return archiver_state(a, "one", s) != 0;
}

static void
wait_for(int (*is)(struct archiver *, struct archiver_source *),
    struct archiver *a, struct archiver_source *s)
{
	int64_t end = clock_mono_ms() + 60000;

	while (!is(a, s) && clock_mono_ms() < end)
		(void)cancel_wait(NULL, 10, &(struct err){0});
	assert_true(is(a, s));
}

static void
test_archiver_follow_shows_at_once(void **state)
{
	struct archiver *a = start();
	struct archiver_source *all, s;
	size_t n;

	(void)state;
	assert_null(archiver_list(a, &n));
	assert_int_equal(n, 0);
	follow(a, "two");
	follow(a, "one");
	follow(a, "two");
	all = archiver_list(a, &n);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "one");
	assert_string_equal(all[1].name, "two");
	free(all);
	assert_int_equal(archiver_state(a, "one", &s), 0);
	assert_int_equal(s.lag_s, -1);
	assert_int_equal(s.lag_bytes, -1);
	assert_int_equal(archiver_state(a, "three", &s), -1);
	archiver_stop(a);
}

static void
test_archiver_state_says_why_it_waits(void **state)
{
	struct archiver *a = start();
	struct archiver_source s;

	(void)state;
	follow(a, "one");
	wait_for(is_waiting, a, &s);
	assert_string_equal(s.error, NOBODY);
	assert_true(s.error_since_us > 0);
	assert_string_equal(s.history, "");
	assert_int_equal(s.ack, ARCHIVER_ACK_OFF);
	archiver_stop(a);
}

static void
test_archiver_leave_forgets(void **state)
{
	struct archiver *a = start();
	struct archiver_source s;

	(void)state;
	archiver_leave(a, "nobody");
	follow(a, "one");
	follow(a, "two");
	archiver_leave(a, "one");
	wait_for(is_gone, a, &s);
	assert_int_equal(archiver_state(a, "two", &s), 0);
	follow(a, "one");
	wait_for(is_waiting, a, &s);
	archiver_stop(a);
	archiver_stop(NULL);
}

/* Something else is in the place of what the loop waits with. */
static void
spoil_epoll(void)
{
	char link[64], what[64];
	int nothing = open("/dev/null", O_RDONLY), fd, n = 0;
	ssize_t len;

	for (fd = 0; fd < 256; fd++) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, what, sizeof(what) - 1);
		what[len < 0 ? 0 : len] = '\0';
		if (strcmp(what, "anon_inode:[eventpoll]") == 0)
			n += dup2(nothing, fd) == fd;
	}
	assert_int_equal(n, 1);
	(void)close(nothing);
}

static int
has_recovered(struct archiver *a, struct archiver_source *s)
{
	(void)a;
	(void)s;
	return recovered == 1;
}

static void
test_archiver_loop_that_ends_is_told_and_begun_again(void **state)
{
	struct archiver *a = start();
	struct archiver_source s;

	(void)state;
	follow(a, "one");
	wait_for(is_waiting, a, &s);
	spoil_epoll();
	wait_for(has_recovered, a, &s);
	assert_int_equal(failed, 1);
	wait_for(is_waiting, a, &s);
	assert_string_equal(s.error, NOBODY);
	/* And it does what it is told. */
	archiver_leave(a, "one");
	wait_for(is_gone, a, &s);
	archiver_stop(a);
}

static void
test_archiver_texts(void **state)
{
	(void)state;
	assert_string_equal(archiver_event_text(ARCHIVER_GAP), "gap");
	assert_string_equal(archiver_event_text(ARCHIVER_SPOOL_FILLING),
	    "spool_filling");
	assert_string_equal(archiver_event_text(ARCHIVER_SPOOL_FREE),
	    "spool_free");
	assert_string_equal(archiver_event_text(ARCHIVER_RECOVERED),
	    "recovered");
	assert_string_equal(archiver_state_text(ARCHIVER_STARTING),
	    "starting");
	assert_string_equal(archiver_state_text(ARCHIVER_LEAVING), "leaving");
	assert_string_equal(archiver_ack_text(ARCHIVER_ACK_OFF), "off");
	assert_string_equal(archiver_ack_text(ARCHIVER_ACK_LOST), "lost");
}

static int
begin(void **state)
{
	struct err e = {0};

	(void)state;
	store_cancel = cancel_new(&e);
	return store_cancel == NULL ? -1 : conn_library_init(&e);
}

static int
end(void **state)
{
	(void)state;
	cancel_free(store_cancel);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, \
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_archiver_follow_shows_at_once),
		TEST(test_archiver_state_says_why_it_waits),
		TEST(test_archiver_leave_forgets),
		TEST(test_archiver_loop_that_ends_is_told_and_begun_again),
		TEST(test_archiver_texts),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
