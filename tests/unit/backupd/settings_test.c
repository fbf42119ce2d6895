/* SPDX-License-Identifier: Apache-2.0 */
/* settings_test: what backupd makes of its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backupd/follow.h"
#include "backupd/run.h"
#include "backupd/settings.h"
#include "base/err.h"
#include "catalog/settings.h"

#define ARGS 16

static struct settings *settings;

/* run orders --config=/dev/null and these, NULL-ended, as options of a run. */
static int
options(struct run_opts *o, struct err *e, va_list ap)
{
	char *argv[ARGS] = { (char[]){ "backupd" }, (char[]){ "run" },
	    (char[]){ "orders" }, (char[]){ "--config=/dev/null" } };
	int argc = 4, rc;
	const char *arg;

	while ((arg = va_arg(ap, const char *)) != NULL && argc < ARGS - 1)
		argv[argc++] = (char *)(uintptr_t)arg;
	argv[argc] = NULL;
	settings = settings_new(&backupd_program, e);
	assert_non_null(settings);
	rc = settings_parse(settings, argc, argv, e);
	return rc == 0 ? run_opts_from(settings, o, e) : rc;
}

static struct run_opts
takes(const char *first, ...)
{
	struct run_opts o = {0};
	struct err e = {0};
	va_list ap;
	int rc;

	(void)first;
	va_start(ap, first);
	rc = options(&o, &e, ap);
	va_end(ap);
	if (rc != 0)
		fail_msg("%s", e.msg);
	return o;
}

static void
done(struct run_opts *o)
{
	run_opts_free(o);
	settings_free(settings);
}

static void
refuses(const char *why, ...)
{
	struct run_opts o = {0};
	struct err e = {0};
	va_list ap;
	int rc;

	va_start(ap, why);
	rc = options(&o, &e, ap);
	va_end(ap);
	assert_int_equal(rc, -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_USAGE);
	done(&o);
}

static void
test_settings_defaults(void **state)
{
	struct run_opts o = takes("", NULL);

	(void)state;
	assert_in_range(o.workers, 1, 8);
	assert_int_equal(o.level, 1);
	assert_true(o.accounts);
	assert_false(o.adopt);
	assert_false(o.allow_unproven);
	assert_int_equal(o.method, SNAPSHOT_AUTO);
	assert_int_equal(o.lock_hold_ms, 5000);
	assert_int_equal(o.lock_wait_ms, 60000);
	assert_int_equal(o.time_limit_ms, 86400000);
	assert_int_equal(o.undo_hard, 0);
	assert_int_equal(o.scope.includes, 0);
	assert_null(o.scope.include);
	done(&o);
}

static void
test_settings_all_given(void **state)
{
	struct run_opts o = takes("", "--workers=64", "--level=19",
	    "--no-accounts", "--adopt", "--allow-unproven",
	    "--lock-hold=100ms", "--lag-soft=90s", "--undo-hard=7",
	    "--time-limit=7d", NULL);

	(void)state;
	assert_int_equal(o.workers, 64);
	assert_int_equal(o.level, 19);
	assert_false(o.accounts);
	assert_true(o.adopt);
	assert_true(o.allow_unproven);
	assert_int_equal(o.lock_hold_ms, 100);
	assert_int_equal(o.lag_soft_s, 90);
	assert_int_equal(o.undo_hard, 7);
	assert_true(o.time_limit_ms == UINT64_C(604800000));
	done(&o);
}

static void
test_settings_patterns(void **state)
{
	struct run_opts o = takes("", "--include=a.*", "--include", "b",
	    "--exclude=a.log_?", NULL);

	(void)state;
	assert_int_equal(o.scope.includes, 2);
	assert_string_equal(o.scope.include[0], "a.*");
	assert_string_equal(o.scope.include[1], "b");
	assert_int_equal(o.scope.excludes, 1);
	assert_string_equal(o.scope.exclude[0], "a.log_?");
	done(&o);
}

static void
test_settings_out_of_bounds(void **state)
{
	(void)state;
	refuses("--workers 0: not 1 to 64", "--workers=0", NULL);
	refuses("--workers 65: not 1 to 64", "--workers=65", NULL);
	refuses("--workers 4294967297: not 1 to 64", "--workers=4294967297",
	    NULL);
	refuses("--level 0: not 1 to 19", "--level=0", NULL);
	refuses("--level 20: not 1 to 19", "--level=20", NULL);
	refuses("--lock-hold: less than 100 ms is not enough to open a "
	    "snapshot", "--lock-hold=99ms", NULL);
	refuses("--time-limit: not 1 minute to 7 days", "--time-limit=59s",
	    NULL);
	refuses("--time-limit: not 1 minute to 7 days", "--time-limit=8d",
	    NULL);
	refuses("--include: an empty pattern", "--include=", NULL);
	refuses("--exclude: an empty pattern", "--exclude=a", "--exclude=",
	    NULL);
	refuses("--for does not go with 'run'", "--for=mysql", NULL);
}

static int
follow(struct follow_opts *o, struct err *e, const char *ack,
    const char *spool, const char *limit)
{
	char *argv[] = { (char[]){ "backupd" }, (char[]){ "archive" },
	    (char[]){ "orders" }, (char[]){ "--config=/dev/null" },
	    (char *)(uintptr_t)ack, (char *)(uintptr_t)spool,
	    (char *)(uintptr_t)limit, NULL };

	settings = settings_new(&backupd_program, e);
	assert_non_null(settings);
	assert_int_equal(settings_parse(settings, 7, argv, e), 0);
	return follow_opts_from(settings, o, e);
}

static void
test_settings_acknowledge(void **state)
{
	struct follow_opts o = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(follow(&o, &e, "--no-ack", "--spool=/x",
	    "--spool-limit=16MiB"), 0);
	assert_false(o.ack);
	assert_null(o.spool);
	assert_int_equal(o.age_ms, 10000);
	settings_free(settings);
	assert_int_equal(follow(&o, &e, "--ack", "--spool=/x",
	    "--spool-limit=16MiB"), 0);
	assert_true(o.ack);
	assert_null(o.spool);
	settings_free(settings);
	assert_int_equal(follow(&o, &e, "--ack=Spool", "--spool=/x",
	    "--spool-limit=16MiB"), 0);
	assert_true(o.ack);
	assert_string_equal(o.spool, "/x");
	assert_int_equal(o.spool_limit, 16 << 20);
	settings_free(settings);
	assert_int_equal(follow(&o, &e, "--ack=spool", "--spool=",
	    "--spool-limit=16MiB"), -1);
	assert_string_equal(e.msg, "--ack=spool needs --spool, a folder that "
	    "survives a crash");
	settings_free(settings);
	e = (struct err){0};
	assert_int_equal(follow(&o, &e, "--ack=spool", "--spool=/x",
	    "--spool-limit=15MiB"), -1);
	assert_string_equal(e.msg, "--spool-limit: less than 16MiB");
	settings_free(settings);
}

/* --- wrong values of the file --- */

static char config[] = "/tmp/settings-wrong-XXXXXX";

/* What is wrong with a setting of each type, and what is said of it. */
static const struct {
	const char *value, *what;
} wrongs[] = {
	[SETTING_FLAG] = { "maybe", "'maybe' is not yes or no" },
	[SETTING_CHOICE] = { "nothing", "'nothing' is not one of " },
	[SETTING_UINT] = { "two", "'two' is not a whole number" },
	[SETTING_SIZE] = { "9X", "'9X' is not a size such as 64KiB, 16MiB or "
	    "1GiB" },
	[SETTING_DURATION] = { "1w", "'1w' is not a time such as 500ms, 10s, "
	    "5m or 2h" },
};

/* Of texts that are looked at closer. */
static const struct {
	const char *name, *value, *what;
} texts[] = {
	{ "window", "6-7", "'6-7' is not HH:MM-HH:MM" },
	{ "endpoints", "db1:x", "'db1:x' is not HOST[:PORT]" },
	{ "host", "db1:3306", "'db1:3306' is not a host alone" },
	{ "drill-host", "db1:3306", "'db1:3306' is not a host alone" },
	{ "drill-listen", "localhost:0", "'localhost:0' is not ADDRESS:PORT" },
	{ "page", "x", "'x' is not https://HOST/..." },
	{ "ping-dump", "ftp://x", "'ftp://x' is not https://HOST/..." },
	{ "ping-archive", "x", "'x' is not https://HOST/..." },
	{ "ping-expire", "x", "'x' is not https://HOST/..." },
	{ "ping-verify", "x", "'x' is not https://HOST/..." },
	{ "ping-drill", "x", "'x' is not https://HOST/..." },
	{ "listen", "x", "listen 'x': not ADDRESS:PORT" },
};

struct told {
	size_t n;
	struct err first;
};

static void
tell(void *arg, const struct err *mistake)
{
	struct told *t = arg;

	if (t->n++ == 0)
		t->first = *mistake;
}

/* [section] with this one key: one mistake, by file, line, key and value. */
static struct err
mistake(unsigned where, const char *name, const char *value)
{
	const char *section = (where & SETTING_IN_DAEMON) != 0 ? "daemon" :
	    (where & SETTING_IN_NOTIFY) != 0 ? "notify x" :
	    (where & SETTING_IN_STORE) != 0 ? "store x" : "source x";
	char option[80];
	char *argv[] = { (char[]){ "backupd" }, (char[]){ "check" }, option,
	    NULL };
	struct told told = {0};
	struct err e = {0};
	struct settings *s = settings_new(&backupd_program, &e);
	FILE *f = fopen(config, "w");

	assert_non_null(s);
	assert_non_null(f);
	(void)fprintf(f, "[%s]\n%s = %s\n", section, name, value);
	(void)fclose(f);
	(void)snprintf(option, sizeof(option), "--config=%s", config);
	(void)settings_parse(s, 3, argv, &e);
	(void)settings_mistakes(s, tell, &told);
	settings_free(s);
	if (told.n != 1)
		fail_msg("%s = %s: %zu mistakes", name, value, told.n);
	return told.first;
}

static void
assert_named(unsigned where, const char *name, const char *value,
    const char *what)
{
	struct err e = mistake(where, name, value);
	char want[300];

	(void)snprintf(want, sizeof(want), "%s:2: %s: %s", config, name,
	    what);
	if (strncmp(e.msg, want, strlen(want)) != 0)
		fail_msg("%s\nis not\n%s", e.msg, want);
}

static const struct setting *
setting_of(const char *name, unsigned where)
{
	const struct setting *const *table, *t;

	for (table = backupd_program.tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++)
			if (strcmp(t->name, name) == 0 &&
			    (t->flags & where) != 0)
				return t;
	return NULL;
}

static void
test_settings_every_wrong_value_is_named(void **state)
{
	const struct setting *const *table, *t;
	const struct settings_check *c;
	size_t i, n = 0;

	(void)state;
	for (table = backupd_program.tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++) {
			if ((t->flags & SETTING_IN) == 0 ||
			    t->type == SETTING_STRING)
				continue;
			assert_named(t->flags, t->name, wrongs[t->type].value,
			    wrongs[t->type].what);
			n++;
		}
	assert_true(n > 50);
	/* Whatever is looked at closer has a line above. */
	for (c = backupd_program.checks; c->name != NULL; c++) {
		for (i = 0; i < sizeof(texts) / sizeof(texts[0]) &&
		    strcmp(texts[i].name, c->name) != 0; i++)
			continue;
		if (i == sizeof(texts) / sizeof(texts[0]))
			fail_msg("no wrong %s", c->name);
		t = setting_of(c->name, c->where);
		assert_non_null(t);
		assert_named(c->where, c->name, texts[i].value,
		    texts[i].what);
	}
}

static void
test_settings_a_host_is_one_alone(void **state)
{
	static const char *const right[] = { "db1", "db1.example.net",
		"10.0.0.1", "::1", "fe80::1%eth0", "2001:db8::7" };
	static const struct { const char *text, *hint; } wrong[] = {
		{ "db1:3306", "did you mean host = db1 and port = 3306?" },
		{ "10.0.0.1:33", "did you mean host = 10.0.0.1 and port = "
		    "33?" },
		{ "db1:", "did you mean host = db1?" },
		{ "[::1]", "did you mean host = ::1?" },
		{ "[::1]:3306", "did you mean host = ::1 and port = 3306?" },
		{ "db1:33:06", "" },
	};
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (settings_host_check(right[i], &e) != 0)
			fail_msg("%s", e.msg);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		e = (struct err){0};
		assert_int_equal(settings_host_check(wrong[i].text, &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
		assert_string_equal(e.hint, wrong[i].hint);
	}
}

static int
make_config(void **state)
{
	int fd = mkstemp(config);

	(void)state;
	return fd >= 0 ? close(fd) : -1;
}

static int
remove_config(void **state)
{
	(void)state;
	return unlink(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_defaults),
		cmocka_unit_test(test_settings_all_given),
		cmocka_unit_test(test_settings_patterns),
		cmocka_unit_test(test_settings_out_of_bounds),
		cmocka_unit_test(test_settings_acknowledge),
		cmocka_unit_test(test_settings_every_wrong_value_is_named),
		cmocka_unit_test(test_settings_a_host_is_one_alone),
	};

	return cmocka_run_group_tests(tests, make_config, remove_config);
}
