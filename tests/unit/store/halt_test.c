/* SPDX-License-Identifier: Apache-2.0 */
/* halt_test: a program stops at the step that is named, and one alone. */
#define _XOPEN_SOURCE 700
#include "directory.h"

#include <signal.h>
#include <sys/wait.h>

static char flag[128];

static void
name_step(const char *line)
{
	FILE *f = fopen(flag, "w");

	assert_non_null(f);
	assert_true(fputs(line, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What a program would do; 0 if all of it succeeded. */
static int
work(void)
{
	const char *keys[2] = { "sources/s/a", "sources/s/b" };
	struct err e = {0};

	return store_put(store, keys[0], "x", 1, true, &e) == 0 &&
	    store_put(store, keys[1], "x", 1, false, &e) == 0 &&
	    store_delete(store, keys, 2, &e) == 0 ? 0 : 1;
}

/* It stops when these objects are there, and goes on to its end. */
static void
stops(const char *line, const char *there)
{
	pid_t child;
	char mine[160];
	int status;

	name_step(line);
	child = fork();
	if (child == 0)
		_exit(work());
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	lists("sources/", there);
	(void)snprintf(mine, sizeof(mine), "%s.%ld", flag, (long)child);
	assert_int_equal(unlink(mine), 0);
	assert_int_equal(kill(child, SIGCONT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	lists("sources/", "");
}

static void
test_halt_at_each_step(void **state)
{
	(void)state;
	(void)snprintf(flag, sizeof(flag), "%s.halt", root);
	assert_int_equal(setenv("KURA_TEST_HALT", flag, 1), 0);
	assert_int_equal(work(), 0);
	stops("before-put s/b\n", "sources/s/a:1 ");
	stops("after-put s/b", "sources/s/a:1 sources/s/b:1 ");
	stops("before-delete s/b", "sources/s/a:1 sources/s/b:1 ");
	stops("after-delete s/b", "");
	name_step("before-put s/c");
	assert_int_equal(work(), 0);
	assert_int_equal(unlink(flag), 0);
	assert_int_equal(unsetenv("KURA_TEST_HALT"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_halt_at_each_step),
	};

#ifndef KURA_TEST_HOOKS
	return 0;	/* nothing of it is built */
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
