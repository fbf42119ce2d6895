/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"

#include "backupd/child.h"

static struct child *
shell(const char *script,
    void (*event)(void *, const char *, const char *), void *arg)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const struct child_opts opts = { .argv = argv, .label = "me",
	    .event = event, .arg = arg };
	struct err e = {0};
	struct child *c = child_start(&opts, &e);

	assert_non_null(c);
	return c;
}

/* Serve it as the loop does, until it is over. */
static void
follow(struct child *c)
{
	struct pollfd p[CHILD_FDS];
	int fds[CHILD_FDS], i;

	while (!child_reap(c)) {
		child_fds(c, fds);
		for (i = 0; i < CHILD_FDS; i++)
			p[i] = (struct pollfd){ .fd = fds[i],
			    .events = POLLIN };
		/* The exit itself is no event here: look now and then. */
		assert_int_not_equal(poll(p, CHILD_FDS, 20), -1);
		child_ready(c);
	}
}

static void
keep(void *arg, const char *label, const char *line)
{
	(void)snprintf(arg, 100, "%s", label);
	(void)strncat(arg, line, 100);
}

static void
test_child_output_events_progress_and_status_are_told_apart(void **state)
{
	char events[500] = "";
	struct child *c = shell("echo '{\"a\":1}'; echo '{\"event\":1}' >&2; "
	    "echo 'backupd: it failed; do this' >&2; "
	    "echo '{\"phase\":\"dump\"}' >&3; echo '{\"phase\":\"end\"}' >&3; "
	    "exit 4", keep, events);
	size_t n;

	(void)state;
	follow(c);
	assert_int_equal(child_status(c), 4);
	assert_string_equal(child_out(c, &n), "{\"a\":1}\n");
	assert_int_equal(n, 8);
	assert_string_equal(child_message(c), "backupd: it failed; do this");
	assert_string_equal(child_progress(c), "{\"phase\":\"end\"}");
	assert_string_equal(events, "me{\"event\":1}");
	child_free(c);
}

static void
test_child_has_no_other_descriptor(void **state)
{
	struct child *c = shell("ls /proc/self/fd | wc -l", NULL, NULL);
	size_t n;

	(void)state;
	follow(c);
	/* 0, 1, 2, 3 and ls's own. */
	assert_string_equal(child_out(c, &n), "5\n");
	child_free(c);
}

static void
test_child_too_much_is_cut(void **state)
{
	struct child *c = shell("head -c 20000 /dev/zero | tr '\\0' x >&2; "
	    "echo >&2; head -c 5000000 /dev/zero", NULL, NULL);
	size_t n;

	(void)state;
	follow(c);
	assert_int_equal(strlen(child_message(c)), CHILD_LINE_MAX - 1);
	assert_string_equal(child_out(c, &n), "");
	assert_int_equal(n, 0);
	child_free(c);
}

static void
test_child_is_stopped_and_killed(void **state)
{
	struct child *c = shell("exec sleep 60", NULL, NULL);

	(void)state;
	child_stop(c);
	follow(c);
	assert_int_equal(child_status(c), 128 + SIGTERM);
	child_free(c);
	/* One that is freed early does not stay. */
	child_free(shell("trap '' TERM; sleep 60", NULL, NULL));
	c = shell("trap '' TERM; echo on >&3; while :; do sleep 0.1; done",
	    NULL, NULL);
	while (child_progress(c)[0] == '\0') {
		struct pollfd p;
		int fds[CHILD_FDS];

		child_fds(c, fds);
		p = (struct pollfd){ .fd = fds[2], .events = POLLIN };
		assert_int_equal(poll(&p, 1, 10000), 1);
		child_ready(c);
		break;
	}
	child_kill(c);
	follow(c);
	assert_int_equal(child_status(c), 128 + SIGKILL);
	child_free(c);
}

static void
test_child_signals_are_the_default(void **state)
{
	struct child *c;
	sigset_t block;
	size_t n;

	(void)state;
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &block, NULL), 0);
	c = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -s '\\t0\\n'"
	    " ' '", NULL, NULL);
	follow(c);
	assert_string_equal(child_out(c, &n), "SigBlk: SigIgn: ");
	child_free(c);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &block, NULL), 0);
}

static void
test_child_that_is_no_program_ends_with_127(void **state)
{
	const char *const argv[] = { "/nonexistent/kura", NULL };
	const struct child_opts opts = { .argv = argv };
	struct err e = {0};
	struct child *c = child_start(&opts, &e);

	(void)state;
	assert_non_null(c);
	follow(c);
	assert_int_equal(child_status(c), 127);
	child_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_child_output_events_progress_and_status_are_told_apart),
		cmocka_unit_test(test_child_has_no_other_descriptor),
		cmocka_unit_test(test_child_too_much_is_cut),
		cmocka_unit_test(test_child_is_stopped_and_killed),
		cmocka_unit_test(test_child_signals_are_the_default),
		cmocka_unit_test(test_child_that_is_no_program_ends_with_127),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
