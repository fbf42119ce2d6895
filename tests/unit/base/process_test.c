/* SPDX-License-Identifier: Apache-2.0 */
/* process_test: who is surely gone, and who only may be. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/process.h"

static void
test_process_self_is_not_gone(void **state)
{
	struct process p;

	(void)state;
	process_self(&p);
	assert_int_equal(p.pid, getpid());
	assert_int_equal(strlen(p.boot), 36);
	assert_true(p.start > 0);
	assert_false(process_gone(&p));
}

static void
test_process_gone_once_it_is(void **state)
{
	struct process p;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	process_self(&p);
	p.pid = child;
	assert_true(process_gone(&p));
	/* Of another host or boot nothing is known. */
	p.host[0] ^= 1;
	assert_false(process_gone(&p));
	p.host[0] ^= 1;
	assert_true(process_here(&p));
	p.boot[0] ^= 1;
	assert_false(process_gone(&p));
	assert_false(process_here(&p));
}

/* Its parent has not waited for it. */
static void
test_process_gone_when_it_is_a_zombie(void **state)
{
	siginfo_t info;
	struct process p;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED |
	    WNOWAIT), 0);
	process_self(&p);
	p.pid = child;
	p.start = 0;
	assert_true(process_gone(&p));
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
test_process_gone_when_its_pid_is_another_s(void **state)
{
	struct process p;

	(void)state;
	process_self(&p);
	p.start++;
	assert_true(process_gone(&p));
	p.start = 0;
	assert_false(process_gone(&p));
	p.pid = 0;
	assert_false(process_gone(&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_self_is_not_gone),
		cmocka_unit_test(test_process_gone_once_it_is),
		cmocka_unit_test(test_process_gone_when_it_is_a_zombie),
		cmocka_unit_test(test_process_gone_when_its_pid_is_another_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
