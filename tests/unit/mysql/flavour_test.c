/* SPDX-License-Identifier: Apache-2.0 */
/* flavour_test: what a server is, by what it says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mysql/flavour.h"
#include "tests/unit/mysql/fake.h"

static const char *version, *variables;

static int
answer(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	(void)names;
	(void)e;
	if (strcmp(sql, "SELECT VERSION()") == 0)
		buf_addf(rows, "%s\n", version);
	else if (strncmp(sql, "SHOW GLOBAL", 11) == 0)
		buf_adds(rows, variables);
	return 0;
}

static struct flavour
probe(const char *is, const char *has)
{
	struct flavour f;
	struct err e = {0};

	fake.query = answer;
	version = is;
	variables = has;
	if (flavour_probe(NULL, &f, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(f.version_text, is);
	fake_reset();
	return f;
}

static void
refuses(const char *is, const char *why)
{
	struct flavour f;
	struct err e = {0};

	fake.query = answer;
	version = is;
	variables = "";
	assert_int_equal(flavour_probe(NULL, &f, &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_USAGE);
	fake_reset();
}

static void
test_flavour_mysql(void **state)
{
	struct flavour f = probe("8.4.3", "server_uuid\tabc\nserver_id\t4294967"
	    "295\nhostname\tdb1\nport\t3307\nlower_case_table_names\t1\n"
	    "log_bin\tON\n"
	    "gtid_mode\tON\nmax_allowed_packet\t67108864\nversion_comment\t"
	    "MySQL Community Server - GPL\nbasedir\t/usr/\nwsrep_on\t\\N\n");

	(void)state;
	assert_int_equal(f.kind, FLAVOUR_MYSQL);
	assert_string_equal(f.name, "mysql");
	assert_int_equal(f.version, 80403);
	assert_string_equal(f.uuid, "abc");
	assert_true(f.server_id == 4294967295u);
	assert_string_equal(f.host, "db1");
	assert_int_equal(f.port, 3307);
	assert_int_equal(f.lower_case_table_names, 1);
	assert_true(f.log_bin && f.gtid);
	assert_int_equal(f.max_allowed_packet, 67108864);
	assert_false(f.is_rds || f.is_aurora || f.is_galera ||
	    f.has_gipk_setting);
}

static void
test_flavour_gtid(void **state)
{
	(void)state;
	assert_false(probe("8.4.3", "gtid_mode\tON_PERMISSIVE\n").gtid);
	assert_false(probe("8.4.3", "gtid_mode\tOFF\nlog_bin\tON\n").gtid);
	/* MariaDB has them whenever it logs */
	assert_true(probe("11.4.2-MariaDB", "log_bin\tON\n").gtid);
	assert_false(probe("11.4.2-MariaDB", "log_bin\tOFF\ngtid_mode\tON\n")
	    .gtid);
}

static void
test_flavour_names(void **state)
{
	struct flavour f = probe("10.11.6-MariaDB-log", "");

	(void)state;
	assert_int_equal(f.kind, FLAVOUR_MARIADB);
	assert_string_equal(f.name, "mariadb");
	assert_int_equal(f.version, 101106);
	assert_string_equal(probe("8.0.36-28", "version_comment\tPercona "
	    "Server (GPL)\n").name, "percona");
	assert_string_equal(probe("8.0.28", "basedir\t/rdsdbbin/mysql/\n")
	    .name, "rds");
	f = probe("8.0.28", "basedir\t/rdsdbbin/x/\naurora_version\t3.04\n");
	assert_string_equal(f.name, "aurora");
	assert_true(f.is_aurora && f.is_rds);
	assert_string_equal(probe("10.6.1-MariaDB", "wsrep_on\tON\n").name,
	    "galera");
	assert_string_equal(probe("10.6.1-MariaDB", "wsrep_on\tOFF\n").name,
	    "mariadb");
	assert_true(probe("8.0.36", "show_gipk_in_create_table_and_"
	    "information_schema\tON\n").has_gipk_setting);
}

static void
test_flavour_refuses(void **state)
{
	(void)state;
	refuses("8.0.11-TiDB-v7.5.0", "TiDB is not supported "
	    "(8.0.11-TiDB-v7.5.0)");
	refuses("5.6.51", "5.6.51 is too old: Kura needs MySQL 5.7 or MariaDB "
	    "10.4 at least");
	refuses("10.3.39-MariaDB", "10.3.39-MariaDB is too old: Kura needs "
	    "MySQL 5.7 or MariaDB 10.4 at least");
	refuses("unknown", "unknown is too old: Kura needs MySQL 5.7 or "
	    "MariaDB 10.4 at least");
	(void)probe("5.7.0", "");
	(void)probe("10.4.0-MariaDB", "");
}

/* Longer than any server says: cut, never written past. */
static void
test_flavour_long_values(void **state)
{
	char text[1400], name[600];
	struct flavour f;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "hostname\t%s\nserver_uuid\t%s\n",
	    name, name);
	f = probe("8.4.3", text);
	assert_int_equal(strlen(f.host), sizeof(f.host) - 1);
	assert_int_equal(strlen(f.uuid), sizeof(f.uuid) - 1);
}

/* --- sessions --- */

static int
some(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	static const char *const known[] = { "sql_mode", "wait_timeout",
		"sql_quote_show_create", "sql_log_bin" };
	char quoted[64];
	size_t i;

	(void)names;
	(void)e;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		(void)snprintf(quoted, sizeof(quoted), "'%s'", known[i]);
		if (strstr(sql, quoted) != NULL)
			buf_addf(rows, "%s\tx\n", known[i]);
	}
	return 0;
}

/* Only what the server knows is set; rows come as bytes. */
static void
test_flavour_dump_session(void **state)
{
	struct flavour f = { .kind = FLAVOUR_MYSQL, .version = 80400 };
	struct err e = {0};
	const char *log;

	(void)state;
	fake.query = some;
	assert_int_equal(flavour_dump_session(NULL, &f, 77, &e), 0);
	log = strchr(buf_str(&fake.log), '\n') + 1;
	assert_string_equal(log, "SET SESSION sql_mode='',SESSION "
	    "wait_timeout=77,SESSION sql_quote_show_create=1\n"
	    "SET NAMES binary\n");
	fake_reset();
}

static int
denied(const char *sql, struct err *e)
{
	return strstr(sql, "sql_log_bin") == NULL ? 0 : err_set(e,
	    ERR_DENIED, 0, "Access denied");
}

/* A right that is only a kindness may be missing. */
static void
test_flavour_dump_session_without_a_right(void **state)
{
	struct flavour f = { .kind = FLAVOUR_MARIADB, .version = 110402 };
	struct err e = {0};

	(void)state;
	fake.query = some;
	fake.exec = denied;
	assert_int_equal(flavour_dump_session(NULL, &f, 77, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	assert_non_null(strstr(buf_str(&fake.log), "SET NAMES binary\n"));
	fake_reset();
}

static int
lost(const char *sql, struct err *e)
{
	(void)sql;
	return err_set(e, ERR_AGAIN, 0, "Lost connection");
}

static void
test_flavour_sessions_fail_as_the_server_does(void **state)
{
	struct flavour f = { .kind = FLAVOUR_MYSQL, .version = 80400 };
	struct err e = {0};

	(void)state;
	fake.query = some;
	fake.exec = lost;
	assert_int_equal(flavour_dump_session(NULL, &f, 77, &e), -1);
	assert_string_equal(e.msg, "session settings: Lost connection");
	e = (struct err){0};
	assert_int_equal(flavour_restore_session(NULL, &f, 77, true, &e),
	    -1);
	assert_string_equal(e.msg, "session settings: Lost connection");
	assert_int_equal(e.code, ERR_AGAIN);
	fake_reset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flavour_mysql),
		cmocka_unit_test(test_flavour_gtid),
		cmocka_unit_test(test_flavour_names),
		cmocka_unit_test(test_flavour_refuses),
		cmocka_unit_test(test_flavour_long_values),
		cmocka_unit_test(test_flavour_dump_session),
		cmocka_unit_test(test_flavour_dump_session_without_a_right),
		cmocka_unit_test(
		    test_flavour_sessions_fail_as_the_server_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
