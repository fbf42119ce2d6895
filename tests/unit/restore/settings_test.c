/* SPDX-License-Identifier: Apache-2.0 */
/* settings_test: what restore makes of its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/settings.h"
#include "mysql/connect.h"
#include "mysql/optfile.h"
#include "restore/drill.h"
#include "restore/run.h"
#include "restore/settings.h"
#include "base/err.h"

#define ARGS 16

static struct settings *settings;

/* run orders --config=/dev/null and these, NULL-ended, as options of a run. */
static int
options(struct restore_opts *o, struct err *e, va_list ap)
{
	char *argv[ARGS] = { (char[]){ "restore" }, (char[]){ "run" },
	    (char[]){ "orders" }, (char[]){ "--config=/dev/null" } };
	int argc = 4, rc;
	const char *arg;

	while ((arg = va_arg(ap, const char *)) != NULL && argc < ARGS - 1)
		argv[argc++] = (char *)(uintptr_t)arg;
	argv[argc] = NULL;
	settings = settings_new(&restore_program, e);
	assert_non_null(settings);
	rc = settings_parse(settings, argc, argv, e);
	return rc == 0 ? restore_opts_from(settings, o, e) : rc;
}

static struct restore_opts
takes(const char *first, ...)
{
	struct restore_opts o = {0};
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
done(struct restore_opts *o)
{
	restore_opts_free(o);
	settings_free(settings);
}

static void
refuses(const char *why, ...)
{
	struct restore_opts o = {0};
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
	struct restore_opts o = takes("", NULL);

	(void)state;
	assert_string_equal(o.backup, "latest");
	assert_in_range(o.workers, 1, 8);
	assert_int_equal(o.accounts, ACCOUNTS_AUTO);
	assert_int_equal(o.gtid, SWITCH_AUTO);
	assert_int_equal(o.binlog, SWITCH_AUTO);
	assert_false(o.overwrite);
	assert_false(o.yes);
	assert_false(o.check);
	assert_false(o.plan_only);
	assert_int_equal(o.nschemas, 0);
	assert_null(o.tables);
	done(&o);
}

static void
test_settings_all_given(void **state)
{
	struct restore_opts o = takes("", "--backup=20261122T181500Z-7c1e",
	    "--accounts=missing", "--gtid=none", "--binlog=on",
	    "--workers=64", "--overwrite", "--check", "--restart", "--yes",
	    "--keep-names", NULL);

	(void)state;
	assert_string_equal(o.backup, "20261122T181500Z-7c1e");
	assert_int_equal(o.accounts, ACCOUNTS_MISSING);
	assert_int_equal(o.gtid, SWITCH_OFF);
	assert_int_equal(o.binlog, SWITCH_ON);
	assert_int_equal(o.workers, 64);
	assert_true(o.overwrite && o.check && o.restart && o.yes &&
	    o.keep_names);
	done(&o);
}

static void
test_settings_picks(void **state)
{
	struct restore_opts o = takes("", "--schema=a", "--table=b.c=d.e",
	    "--schema", "f=g", "--gtid=set", "--binlog=off",
	    "--accounts=all", NULL);

	(void)state;
	assert_int_equal(o.nschemas, 2);
	assert_string_equal(o.schemas[1], "f=g");
	assert_int_equal(o.ntables, 1);
	assert_string_equal(o.tables[0], "b.c=d.e");
	assert_int_equal(o.gtid, SWITCH_ON);
	assert_int_equal(o.binlog, SWITCH_OFF);
	assert_int_equal(o.accounts, ACCOUNTS_ALL);
	done(&o);
}

static void
test_settings_out_of_bounds(void **state)
{
	(void)state;
	refuses("--workers: not 1 to 64", "--workers=0", NULL);
	refuses("--workers: not 1 to 64", "--workers=65", NULL);
	refuses("--into does not go with 'run'", "--into=x", NULL);
}

/* drill orders and these, as far as the server that it names. */
static int
drills(struct drill_opts *o, struct conn_opts *c, struct err *e, ...)
{
	char *argv[ARGS] = { (char[]){ "restore" }, (char[]){ "drill" },
	    (char[]){ "orders" }, (char[]){ "--config=/dev/null" } };
	struct optfile files;
	int argc = 4, rc;
	const char *arg;
	va_list ap;

	va_start(ap, e);
	while ((arg = va_arg(ap, const char *)) != NULL && argc < ARGS - 1)
		argv[argc++] = (char *)(uintptr_t)arg;
	va_end(ap);
	argv[argc] = NULL;
	settings = settings_new(&restore_program, e);
	assert_non_null(settings);
	rc = settings_parse(settings, argc, argv, e);
	if (rc == 0)
		rc = drill_opts_from(settings, o, e);
	if (rc == 0) {
		rc = settings_connect_drill(settings, "restore", c, &files,
		    e);
		optfile_free(&files);
	}
	return rc;
}

static void
test_settings_drill(void **state)
{
	struct drill_opts o = {0};
	struct conn_opts c;
	struct err e = {0};

	(void)state;
	assert_int_equal(drills(&o, &c, &e, "--drill-host=drill1",
	    "--drill-port=3307", "--drill-user=admin", "--replay=apply",
	    "--drill-ssl-mode=VERIFY_CA", "--drill-assert=SELECT 1",
	    "--drill-assert=SELECT 2", NULL), 0);
	assert_string_equal(c.host, "drill1");
	assert_int_equal(c.port, 3307);
	assert_string_equal(c.user, "admin");
	assert_int_equal(c.ssl, CONN_SSL_VERIFY_CA);
	assert_null(c.password);
	assert_int_equal(o.nasserts, 2);
	assert_string_equal(o.asserts[1], "SELECT 2");
	assert_int_equal(o.restore.replay, REPLAY_APPLY);
	assert_string_equal(o.restore.backup, "latest");
	drill_opts_free(&o);
	settings_free(settings);
}

/* Those of a schedule; what is given by hand wins. */
static void
test_settings_drill_listens_where_the_file_says(void **state)
{
	struct drill_opts o = {0};
	struct conn_opts c;
	struct err e = {0};

	(void)state;
	assert_int_equal(drills(&o, &c, &e, "--drill-host=drill1",
	    "--drill-listen=10.0.0.5:3307", "--drill-advertise=backup",
	    NULL), 0);
	assert_string_equal(o.restore.listen, "10.0.0.5:3307");
	assert_string_equal(o.restore.advertise, "backup");
	drill_opts_free(&o);
	settings_free(settings);
	assert_int_equal(drills(&o, &c, &e, "--drill-host=drill1",
	    "--drill-listen=10.0.0.5:3307", "--listen=[::1]:0", NULL), 0);
	assert_string_equal(o.restore.listen, "[::1]:0");
	assert_null(o.restore.advertise);
	drill_opts_free(&o);
	settings_free(settings);
}

static void
refuses_drill(const char *why, const char *one, const char *two)
{
	struct drill_opts o = {0};
	struct conn_opts c;
	struct err e = {0};

	assert_int_equal(drills(&o, &c, &e, one, two, NULL), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_USAGE);
	drill_opts_free(&o);
	settings_free(settings);
}

static void
test_settings_drill_takes_no_other_server(void **state)
{
	(void)state;
	refuses_drill("no server is named for the drill", NULL, NULL);
	refuses_drill("no server is named for the drill", "--host=db1", NULL);
	refuses_drill("a drill is told its server by --drill-user, not "
	    "--user", "--drill-host=drill1", "--user=admin");
	refuses_drill("port '0' is not 1 to 65535", "--drill-host=drill1",
	    "--drill-port=0");
	refuses_drill("--to does not go with 'drill'", "--drill-host=x",
	    "--to=latest");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_defaults),
		cmocka_unit_test(test_settings_all_given),
		cmocka_unit_test(test_settings_picks),
		cmocka_unit_test(test_settings_out_of_bounds),
		cmocka_unit_test(test_settings_drill),
		cmocka_unit_test(
		    test_settings_drill_listens_where_the_file_says),
		cmocka_unit_test(test_settings_drill_takes_no_other_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
