/* SPDX-License-Identifier: Apache-2.0 */
/* signals_test: the first signal asks, the second ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/signals.h"

/* In a process of its own: 0 if the signal asked with this reason. */
static int
asks(int sig, const char *reason)
{
	struct err e = {0}, why = {0};
	struct cancel *c = cancel_new(&e);
	struct signals *s = signals_start(c, &e);

	if (s == NULL || kill(getpid(), sig) != 0)
		return 2;
	/* An hour, if it did not come. */
	(void)cancel_wait(c, 3600000, &e);
	(void)err_set(&why, ERR_CANCELLED, 0, "stopped by %s", reason);
	signals_stop(s);
	cancel_free(c);
	return strcmp(e.msg, why.msg) == 0 ? 0 : 3;
}

static int
asks_twice(void)
{
	struct err e = {0};
	struct cancel *c = cancel_new(&e);
	struct signals *s = signals_start(c, &e);

	if (s == NULL || kill(getpid(), SIGINT) != 0)
		return 2;
	(void)cancel_wait(c, 3600000, &e);
	(void)kill(getpid(), SIGINT);
	(void)cancel_wait(NULL, 3600000, &e);
	return 3;
}

static int
writes_to_nobody(void)
{
	struct err e = {0};
	struct cancel *c = cancel_new(&e);
	struct signals *s = signals_start(c, &e);
	int fd[2];

	if (s == NULL || pipe(fd) != 0)
		return 2;
	(void)close(fd[0]);
	if (write(fd[1], "x", 1) != -1)
		return 3;
	signals_stop(s);
	signals_stop(NULL);
	cancel_free(c);
	return 0;
}

static int
status_of(pid_t child)
{
	int status = -1;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_signals_ask_to_stop_by_name(void **state)
{
	static const struct { int sig; const char *reason; } each[] = {
		{ SIGINT, "Ctrl-C" }, { SIGTERM, "SIGTERM" },
		{ SIGHUP, "SIGHUP" } };
	pid_t child;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		child = fork();
		if (child == 0)
			_exit(asks(each[i].sig, each[i].reason));
		assert_int_equal(status_of(child), 0);
	}
}

static void
test_signals_second_one_ends_the_process(void **state)
{
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(asks_twice());
	assert_int_equal(status_of(child), 1);
}

static void
test_signals_broken_pipe_is_an_error_only(void **state)
{
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(writes_to_nobody());
	assert_int_equal(status_of(child), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_ask_to_stop_by_name),
		cmocka_unit_test(test_signals_second_one_ends_the_process),
		cmocka_unit_test(test_signals_broken_pipe_is_an_error_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
