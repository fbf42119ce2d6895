/* SPDX-License-Identifier: Apache-2.0 */
/* serve_task_test: when the loop has to wake, and what is queued by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backupd/depot.h"
#include "backupd/settings.h"
#include "base/settings.h"

#include "backupd/serve_impl.h"

static const char text[] = "[store main]\nurl = file:///nowhere\n[defaults]\n"
    "store = main\nzone = UTC\n[source a]\ndump = 15 2 * * *\n[source b]\n";

static void
load(struct serve *s)
{
	char path[] = "/tmp/serve-XXXXXX", option[100];
	char *argv[] = { (char *)(uintptr_t)"backupd",
	    (char *)(uintptr_t)"serve", option, NULL };
	struct err e = {0};
	struct settings *all = settings_new(&backupd_program, &e);
	int fd = mkstemp(path);

	*s = (struct serve){0};
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	assert_int_equal(settings_parse(all, 3, argv, &e), 0);
	(void)unlink(path);
	s->fleet = fleet_load(all, &e);
	assert_non_null(s->fleet);
}

static void
shut(void *arg, struct depot *d)
{
	(void)arg;
	depot_close(d);
}

static void
test_serve_due_is_never_what_waits_already(void **state)
{
	struct serve s;
	struct task *t;

	(void)state;
	load(&s);
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
	fleet_free(s.fleet, shut, NULL);
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
	load(&s);
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
	fleet_free(s.fleet, shut, NULL);
}

static void
test_serve_early_before_the_first_dump(void **state)
{
	struct source *x;
	struct serve s;

	(void)state;
	load(&s);
	x = fleet_find(s.fleet, "a");
	assert_true(serve_early(&x->tasks[TASK_VERIFY]));
	assert_true(serve_early(&x->tasks[TASK_DRILL]));
	/* That there is none is overdue itself. */
	assert_false(serve_early(&x->tasks[TASK_DUMP]));
	assert_false(serve_early(&x->tasks[TASK_EXPIRE]));
	x->tasks[TASK_DUMP].success_us = 1;
	assert_false(serve_early(&x->tasks[TASK_VERIFY]));
	fleet_free(s.fleet, shut, NULL);
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
