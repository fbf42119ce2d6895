/* SPDX-License-Identifier: Apache-2.0 */
/* settings_test: what backupd makes of its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/run.h"
#include "backupd/settings.h"
#include "base/err.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_defaults),
		cmocka_unit_test(test_settings_all_given),
		cmocka_unit_test(test_settings_patterns),
		cmocka_unit_test(test_settings_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
