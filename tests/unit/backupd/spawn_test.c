/* SPDX-License-Identifier: Apache-2.0 */
/* spawn_test: where the ends of a pipe are, and signals as by default. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backupd/spawn.h"

static void
test_spawn_pipe(void **state)
{
	int ends[2], i, ours;
	char c;

	(void)state;
	for (ours = 0; ours < 2; ours++) {
		assert_int_equal(spawn_pipe(ends, 20, ours), 0);
		assert_true(ends[0] >= 20 && ends[1] >= 20);
		for (i = 0; i < 2; i++) {
			assert_int_equal(fcntl(ends[i], F_GETFD), FD_CLOEXEC);
			assert_int_equal((fcntl(ends[i], F_GETFL) &
			    O_NONBLOCK) != 0, i == ours);
		}
		assert_int_equal(write(ends[1], "x", 1), 1);
		assert_int_equal(read(ends[0], &c, 1), 1);
		(void)close(ends[0]);
		(void)close(ends[1]);
	}
}

static void
test_spawn_fresh(void **state)
{
	struct sigaction is;
	sigset_t all, mask;
	pid_t pid;
	int status;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid == 0) {
		spawn_fresh();
		_exit(getpgrp() != getpid() ? 1 :
		    sigaction(SIGPIPE, NULL, &is) != 0 ||
		    is.sa_handler != SIG_DFL ? 2 :
		    sigprocmask(SIG_BLOCK, NULL, &all) != 0 ||
		    sigismember(&all, SIGTERM) != 0 ? 3 : 0);
	}
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spawn_pipe),
		cmocka_unit_test(test_spawn_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
