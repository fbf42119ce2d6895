/* SPDX-License-Identifier: Apache-2.0 */
/* serve_task_test: when the loop has to wake, and what is queued by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/backupd/served.h"

static const char text[] = "[store main]\nurl = file:///nowhere\n[defaults]\n"
    "store = main\nzone = UTC\n[source a]\ndump = 15 2 * * *\n[source b]\n";

static void
test_serve_due_is_never_what_waits_already(void **state)
{
	struct serve s;
	struct task *t;

	(void)state;
	served_begin(&s, text);
	t = &fleet_find(s.fleet, "a")->tasks[TASK_DUMP];
	s.round_us = 100;
	assert_true(serve_due(&s) == INT64_MAX);
	t->check_us = 200;
	t->retry_us = 300;
	assert_int_equal(serve_due(&s), 200);
	/* The source is another's, or paused: a timer would fire on and on. */
	t->check_us = 100;
	assert_int_equal(serve_due(&s), 300);
	t->retry_us = 99;
	assert_true(serve_due(&s) == INT64_MAX);
	/* Only what runs by the clock is looked at. */
	fleet_find(s.fleet, "b")->tasks[TASK_DUMP].check_us = 200;
	assert_true(serve_due(&s) == INT64_MAX);
	served_end(&s);
}

static void
ask(struct serve *s, const char *verb, int ok)
{
	json_t *request = json_pack("{s:s, s:s, s:s}", "verb", verb, "source",
	    "a", "job", "dump");
	json_t *reply = serve_control(s, request, 7);

	assert_int_equal(json_is_true(json_object_get(reply, "ok")), ok);
	json_decref(reply);
	json_decref(request);
}

static void
test_serve_cancelled_is_by_hand_no_more(void **state)
{
	struct serve s;
	struct task *t;

	(void)state;
	served_begin(&s, text);
	t = &fleet_find(s.fleet, "a")->tasks[TASK_DUMP];
	ask(&s, "start", 0);
	s.fleet->depots[0]->open = true;
	ask(&s, "start", 1);
	assert_true(t->queued_us != 0 && t->by_hand);
	assert_string_equal(t->by, "uid 7");
	ask(&s, "cancel", 1);
	/* What the schedule queues next keeps to its window. */
	assert_true(t->queued_us == 0 && !t->by_hand);
	ask(&s, "cancel", 0);
	s.fleet->depots[0]->open = false;
	served_end(&s);
}

static void
test_serve_early_before_the_first_dump(void **state)
{
	struct source *x;
	struct serve s;

	(void)state;
	served_begin(&s, text);
	x = fleet_find(s.fleet, "a");
	assert_true(serve_early(&x->tasks[TASK_VERIFY]));
	assert_true(serve_early(&x->tasks[TASK_DRILL]));
	/* That there is none is overdue itself. */
	assert_false(serve_early(&x->tasks[TASK_DUMP]));
	assert_false(serve_early(&x->tasks[TASK_EXPIRE]));
	x->tasks[TASK_DUMP].success_us = 1;
	assert_false(serve_early(&x->tasks[TASK_VERIFY]));
	served_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_due_is_never_what_waits_already),
		cmocka_unit_test(test_serve_cancelled_is_by_hand_no_more),
		cmocka_unit_test(test_serve_early_before_the_first_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
