/* SPDX-License-Identifier: Apache-2.0 */
/* serve_problem_test: each trouble is one of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/backupd/served.h"

/* Names that begin alike, and one that is longer than a kind. */
#define ALIKE "offsite-frankfurt-"
#define LONG "a-name-that-is-longer-than-any-that-a-person-would-choose-"

static const char text[] = "[store " ALIKE "1]\nurl = file:///x/1\n"
    "[store " ALIKE "2]\nurl = file:///x/2\n"
    "[store " LONG "1]\nurl = file:///x/3\n"
    "[store " LONG "2]\nurl = file:///x/4\n"
    "[source a]\nstore = " ALIKE "1\n[source b]\nstore = " ALIKE "2\n"
    "[source c]\nstore = " LONG "1\n[source d]\nstore = " LONG "2\n";

static void
test_serve_problems_tell_stores_apart(void **state)
{
	struct serve s;
	size_t i, k;

	(void)state;
	served_begin(&s, text);
	assert_int_equal(s.fleet->ndepots, 4);
	for (i = 0; i < 4; i++)
		(void)err_set(&s.fleet->depots[i]->err, ERR_IO, 0, "away");
	serve_problems(&s, 1, 1);
	assert_int_equal(s.nproblems, 4);
	assert_string_equal(s.problems[0].kind, "store_" ALIKE "1");
	for (i = 0; i < 4; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(s.problems[i].kind,
			    s.problems[k].kind);
	/* They are the same ones in the next round. */
	serve_problems(&s, 2, 10001);
	assert_int_equal(s.nproblems, 4);
	/* And over when their stores are. */
	s.fleet->depots[0]->err = (struct err){0};
	serve_problems(&s, 3, 20001);
	assert_int_equal(s.nproblems, 3);
	free(s.problems);
	free(s.endings);
	served_end(&s);
}

static void
test_serve_problems_say_that_a_reload_was_refused(void **state)
{
	struct serve s;

	(void)state;
	served_begin(&s, text);
	s.refused_us = 5;
	(void)snprintf(s.refused, sizeof(s.refused), "kura.conf:3: no");
	serve_problems(&s, 1, 1);
	assert_int_equal(s.nproblems, 1);
	assert_string_equal(s.problems[0].kind, "config_refused");
	assert_string_equal(s.problems[0].text, "kura.conf:3: no");
	assert_false(s.problems[0].error);
	s.refused_us = 0;
	serve_problems(&s, 2, 10001);
	assert_int_equal(s.nproblems, 0);
	free(s.problems);
	free(s.endings);
	served_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_problems_tell_stores_apart),
		cmocka_unit_test(
		    test_serve_problems_say_that_a_reload_was_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
