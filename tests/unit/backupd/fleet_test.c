/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_test: what a configuration means, whose turn it is, and what goes on
 * after a reload. */
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

#include "backupd/child.h"
#include "backupd/depot.h"
#include "backupd/settings.h"
#include "base/settings.h"

#include "backupd/fleet.h"

static bool no_memory;

static void *
may_realloc(void *p, size_t n)
{
	return no_memory ? NULL : realloc(p, n);
}

#define realloc may_realloc
#include "backupd/fleet_inherit.c"
#undef realloc

static char path[64];

static struct fleet *
load(const char *text, struct err *e)
{
	char option[100];
	char *argv[] = { (char *)(uintptr_t)"backupd",
	    (char *)(uintptr_t)"serve", option, NULL };
	struct settings *s;
	struct fleet *f;
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/fleet-XXXXXX");
	fd = mkstemp(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	s = settings_new(&backupd_program, e);
	if (settings_parse(s, 3, argv, e) != 0) {
		settings_free(s);
		s = NULL;
	}
	(void)unlink(path);
	if (s == NULL)
		return NULL;
	f = fleet_load(s, e);
	if (f == NULL)
		settings_free(s);
	return f;
}

static void
shut(void *arg, struct depot *d)
{
	size_t *n = arg;

	if (n != NULL)
		(*n)++;
	depot_close(d);
}

#define TWO "[store main]\nurl = file:///nowhere\n[defaults]\nstore = main\n" \
    "dump = 15 2 * * *\nzone = UTC\n"

static void
test_fleet_sources_are_sorted_and_share_a_store(void **state)
{
	struct err e = {0};
	struct fleet *f = load(TWO "[source b]\nhost = b\narchive = yes\n"
	    "[source a]\nhost = a\ndump = no\nkeep-last = 3\n"
	    "drill = @weekly\n", &e);
	size_t closed = 0;

	(void)state;
	assert_string_equal(e.msg, "");
	assert_int_equal(f->nsources, 2);
	assert_string_equal(f->sources[0].name, "a");
	assert_int_equal(f->ndepots, 1);
	assert_ptr_equal(f->sources[0].depot, f->sources[1].depot);
	/* a: no dump of its own, expiry after one, a drill. */
	assert_null(f->sources[0].tasks[TASK_DUMP].cron);
	assert_true(f->sources[0].tasks[TASK_EXPIRE].follows_dump);
	assert_non_null(f->sources[0].tasks[TASK_DRILL].cron);
	assert_false(f->sources[0].archive);
	/* b: a dump, and nothing expires without a rule. */
	assert_non_null(f->sources[1].tasks[TASK_DUMP].cron);
	assert_false(f->sources[1].tasks[TASK_EXPIRE].follows_dump);
	assert_true(f->sources[1].archive);
	assert_ptr_equal(f->sources[1].tasks[TASK_DUMP].source,
	    &f->sources[1]);
	assert_ptr_equal(fleet_find(f, "b"), &f->sources[1]);
	assert_null(fleet_find(f, "c"));
	fleet_free(f, shut, &closed);
	assert_int_equal(closed, 1);
}

static void
says(const char *text, const char *what)
{
	struct err e = {0};
	char all[500];

	assert_null(load(text, &e));
	assert_int_equal(e.code, ERR_USAGE);
	(void)snprintf(all, sizeof(all), "%s%s", what[0] == ':' ? path : "",
	    what);
	assert_string_equal(e.msg, all);
}

static void
test_fleet_says_where_a_value_is_wrong(void **state)
{
	(void)state;
	says(TWO, "the configuration has no [source NAME]");
	says(TWO "[source a]\nzone = Mars/North\n", ":8: zone: time zone "
	    "'Mars/North': no such file in /usr/share/zoneinfo");
	says(TWO "[source a]\nwindow = 1-2\n", ":8: window: '1-2' is not "
	    "HH:MM-HH:MM");
	says("[source a]\nhost = a\n", "source a: no store is named");
}

/* A task that looks as if it ran. */
static void
run(struct fleet *f, const char *name, enum task_kind kind)
{
	const char *const argv[] = { "/bin/true", NULL };
	const struct child_opts opts = { .argv = argv };
	struct err e = {0};

	fleet_find(f, name)->tasks[kind].child = child_start(&opts, &e);
}

static bool
may(struct fleet *f, const char *name, enum task_kind kind)
{
	return fleet_has_turn(f, &fleet_find(f, name)->tasks[kind]);
}

static void
test_fleet_turns_keep_within_limits(void **state)
{
	struct err e = {0};
	struct fleet *f = load("[daemon]\nmax-jobs = 3\n"
	    "max-jobs-per-store = 2\n[store one]\nurl = file:///nowhere\n"
	    "[store two]\nurl = file:///there\n[defaults]\nstore = one\n"
	    "drill-host = t\n[source a]\ngroup = g\n[source b]\ngroup = g\n"
	    "[source c]\n[source d]\n[source e]\nstore = two\n[source f]\n"
	    "store = two\ndrill-host = other\n", &e);

	(void)state;
	assert_string_equal(e.msg, "");
	assert_true(may(f, "a", TASK_DUMP));
	run(f, "a", TASK_DUMP);
	/* One job a source, one of a group. */
	assert_false(may(f, "a", TASK_EXPIRE));
	assert_false(may(f, "b", TASK_DUMP));
	assert_true(may(f, "c", TASK_DRILL));
	run(f, "c", TASK_DRILL);
	/* Two of a store; one drill a target. */
	assert_false(may(f, "d", TASK_DUMP));
	assert_true(may(f, "e", TASK_DUMP));
	assert_false(may(f, "e", TASK_DRILL));
	assert_true(may(f, "f", TASK_DRILL));
	run(f, "e", TASK_DUMP);
	assert_false(may(f, "f", TASK_DUMP));
	assert_int_equal(fleet_running(f), 3);
	fleet_free(f, shut, NULL);
}

static void
test_fleet_reload_goes_on_with_what_runs(void **state)
{
	struct err e = {0};
	struct fleet *old = load(TWO "[source a]\n[source b]\n[source c]\n",
	    &e), *f;
	struct depot *main_store;
	struct child *child;
	size_t closed = 0;

	(void)state;
	run(old, "a", TASK_DUMP);
	run(old, "b", TASK_DUMP);
	child = fleet_find(old, "b")->tasks[TASK_DUMP].child;
	fleet_find(old, "a")->paused = true;
	fleet_find(old, "a")->tasks[TASK_DUMP].last_us = 42;
	fleet_find(old, "a")->tasks[TASK_DUMP].check_us = 43;
	main_store = old->depots[0];
	f = load(TWO "[source a]\ndump = @daily\narchive-memory = 32M\n"
	    "[source d]\n", &e);
	assert_int_equal(main_store->memory, 128 << 20);
	assert_int_equal(fleet_inherit(f, old, &e), 0);
	assert_int_equal(main_store->memory, 32 << 20);
	fleet_free(old, shut, &closed);
	assert_int_equal(closed, 0);
	assert_ptr_equal(f->depots[0], main_store);
	/* a goes on under its new schedule; b runs to its end; c is gone. */
	assert_int_equal(f->nsources, 3);
	assert_true(fleet_find(f, "a")->paused);
	assert_int_equal(fleet_find(f, "a")->tasks[TASK_DUMP].last_us, 42);
	assert_int_equal(fleet_find(f, "a")->tasks[TASK_DUMP].check_us, 0);
	assert_non_null(fleet_find(f, "a")->tasks[TASK_DUMP].child);
	assert_true(fleet_find(f, "b")->gone);
	assert_ptr_equal(fleet_find(f, "b")->tasks[TASK_DUMP].child, child);
	assert_ptr_equal(fleet_find(f, "b")->tasks[TASK_DUMP].source,
	    fleet_find(f, "b"));
	assert_null(fleet_find(f, "c"));
	assert_int_equal(fleet_running(f), 2);
	/* A store with other settings is another one. */
	old = f;
	f = load("[store main]\nurl = file:///nowhere\nrate = 5M\n"
	    "[defaults]\nstore = main\n[source a]\n", &e);
	assert_int_equal(fleet_inherit(f, old, &e), 0);
	fleet_free(old, shut, &closed);
	assert_int_equal(closed, 1);
	assert_int_equal(f->depots[0]->rate, 5 << 20);
	fleet_free(f, shut, &closed);
	assert_int_equal(closed, 2);
}

/* A reload for which memory does not suffice changes nothing. */
static void
test_fleet_inherit_takes_all_or_nothing(void **state)
{
	struct err e = {0};
	struct fleet *old = load(TWO "[source a]\n[source b]\n", &e), *f;
	struct child *child;
	struct depot *depot;

	(void)state;
	run(old, "a", TASK_DUMP);
	run(old, "b", TASK_DUMP);
	child = fleet_find(old, "a")->tasks[TASK_DUMP].child;
	depot = old->depots[0];
	f = load(TWO "[source a]\n", &e);
	no_memory = true;
	assert_int_equal(fleet_inherit(f, old, &e), -1);
	no_memory = false;
	assert_int_equal(e.code, ERR_NOMEM);
	assert_ptr_equal(fleet_find(old, "a")->tasks[TASK_DUMP].child, child);
	assert_null(fleet_find(f, "a")->tasks[TASK_DUMP].child);
	assert_int_equal(fleet_running(old), 2);
	assert_ptr_equal(old->depots[0], depot);
	assert_ptr_not_equal(f->depots[0], depot);
	fleet_free(f, shut, NULL);
	fleet_free(old, shut, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_fleet_sources_are_sorted_and_share_a_store),
		cmocka_unit_test(test_fleet_says_where_a_value_is_wrong),
		cmocka_unit_test(test_fleet_turns_keep_within_limits),
		cmocka_unit_test(test_fleet_reload_goes_on_with_what_runs),
		cmocka_unit_test(test_fleet_inherit_takes_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
