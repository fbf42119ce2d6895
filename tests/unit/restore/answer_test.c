/* SPDX-License-Identifier: Apache-2.0 */
/* answer_test: each question of real replicas gets its answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "restore/answer.h"

static const struct answer_opts opts = { .server_id = 4711,
    .uuid = "5d0c6c0e-0000-4000-8000-000000000001", .gtid = true };

static struct answer_replica replica;

static void
row(const char *sql, const char *want)
{
	struct answer a;
	char text[200];

	assert_int_equal(answer_to(&opts, &replica, sql, &a), ANSWER_ROW);
	(void)snprintf(text, sizeof(text), "%s%s%s", a.values[0],
	    a.n > 1 ? " " : "", a.n > 1 ? a.values[1] : "");
	assert_string_equal(text, want);
	assert_non_null(a.names[a.n - 1]);
}

static void
is(enum answer_kind kind, const char *sql)
{
	struct answer a;

	assert_int_equal(answer_to(&opts, &replica, sql, &a), kind);
}

static void
test_answer_mysql(void **state)
{
	struct answer a;

	(void)state;
	replica = (struct answer_replica){0};
	assert_int_equal(answer_to(&opts, &replica,
	    "SELECT UNIX_TIMESTAMP()", &a), ANSWER_ROW);
	row("SELECT @@GLOBAL.SERVER_ID", "4711");
	is(ANSWER_OK, "SET @master_heartbeat_period = 30000001024, "
	    "@source_heartbeat_period = 30000001024");
	is(ANSWER_OK, "SET @master_binlog_checksum = @@global.binlog_checksum,"
	    " @source_binlog_checksum = @@global.binlog_checksum");
	row("SELECT @source_binlog_checksum", "CRC32");
	row("SELECT @@GLOBAL.GTID_MODE", "ON");
	row("SELECT @@GLOBAL.SERVER_UUID", opts.uuid);
	is(ANSWER_OK, "SET @slave_uuid = 'cafe-01', @replica_uuid = "
	    "'cafe-01'");
	is(ANSWER_UNKNOWN, "SELECT @@global.rpl_semi_sync_source_enabled");
	assert_int_equal(replica.heartbeat_ns, 30000001024u);
	assert_string_equal(replica.uuid, "cafe-01");
	assert_false(replica.has_state);
}

static void
test_answer_mariadb(void **state)
{
	(void)state;
	replica = (struct answer_replica){0};
	row("SHOW VARIABLES LIKE 'SERVER_ID'", "server_id 4711");
	is(ANSWER_OK, "SET @master_heartbeat_period= 5000000000");
	row("SELECT @master_binlog_checksum", "CRC32");
	is(ANSWER_OK, "SET @mariadb_slave_capability=4");
	row("SELECT @@GLOBAL.gtid_domain_id", "0");
	is(ANSWER_OK, "SET @slave_connect_state='0-1-100,5-2-7'");
	is(ANSWER_OK, "SET @slave_gtid_strict_mode=0");
	row("SHOW VARIABLES LIKE 'rpl_semi_sync_master_enabled'",
	    "rpl_semi_sync_master_enabled OFF");
	assert_int_equal(replica.heartbeat_ns, 5000000000u);
	assert_true(replica.has_state);
	assert_false(replica.state_cut);
	assert_string_equal(replica.state, "0-1-100,5-2-7");
	is(ANSWER_OK, "SET @slave_connect_state=''");
	assert_string_equal(replica.state, "");
}

static void
test_answer_nothing_else(void **state)
{
	char sql[ANSWER_STATE + 100];

	(void)state;
	replica = (struct answer_replica){0};
	is(ANSWER_UNKNOWN, "");
	is(ANSWER_UNKNOWN, "DROP TABLE t");
	is(ANSWER_UNKNOWN, "SELECT * FROM mysql.user");
	is(ANSWER_UNKNOWN, "SHOW DATABASES");
	is(ANSWER_OK, "SET @slave_uuid");
	is(ANSWER_OK, "SET @slave_uuid ");
	is(ANSWER_OK, "SET @slave_uuid = 'never ended");
	memset(sql, 'x', sizeof(sql) - 1);
	sql[sizeof(sql) - 1] = '\0';
	memcpy(sql, "SET @slave_connect_state='", 26);
	is(ANSWER_OK, sql);
	assert_true(replica.state_cut);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_mysql),
		cmocka_unit_test(test_answer_mariadb),
		cmocka_unit_test(test_answer_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
