/* SPDX-License-Identifier: Apache-2.0 */
/* flavour: what a server is and can, found by probing. */
#define _GNU_SOURCE	/* strcasestr */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/flavour.h"

/* "10.11.6-MariaDB-log" is 101106, "8.0.36" is 80036. */
static unsigned
version_number(const char *text)
{
	unsigned long part[3] = {0};
	char *end;
	int i;

	for (i = 0; i < 3; i++) {
		part[i] = strtoul(text, &end, 10);
		if (end == text || part[i] > 999 || *end != '.')
			break;
		text = end + 1;
	}
	return (unsigned)(part[0] % 1000 * 10000 + part[1] % 1000 * 100 +
	    part[2] % 1000);
}

/* All the variables that say what this server is, in one round trip. */
static const char probe_sql[] =
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version_comment',"
    "'server_uuid','server_id','hostname','port','lower_case_table_names',"
    "'log_bin','gtid_mode','basedir','aurora_version','wsrep_on','max_allowed_packet',"
    "'show_gipk_in_create_table_and_information_schema','wsrep_provider')";

static void
take(struct flavour *f, const char *name, const char *value)
{
	bool on = strcasecmp(value, "ON") == 0 || strcmp(value, "1") == 0;

	if (strcasecmp(name, "version_comment") == 0) {
		if (strcasestr(value, "percona") != NULL)
			f->name = "percona";
	} else if (strcasecmp(name, "server_uuid") == 0) {
		(void)snprintf(f->uuid, sizeof(f->uuid), "%s", value);
	} else if (strcasecmp(name, "server_id") == 0) {
		f->server_id = strtoull(value, NULL, 10);
	} else if (strcasecmp(name, "hostname") == 0) {
		(void)snprintf(f->host, sizeof(f->host), "%s", value);
	} else if (strcasecmp(name, "port") == 0) {
		f->port = (unsigned)strtoul(value, NULL, 10);
	} else if (strcasecmp(name, "lower_case_table_names") == 0) {
		f->lower_case_table_names = (unsigned)strtoul(value, NULL, 10);
	} else if (strcasecmp(name, "log_bin") == 0) {
		f->log_bin = on;
	} else if (strcasecmp(name, "gtid_mode") == 0) {
		f->gtid = on;
	} else if (strcasecmp(name, "basedir") == 0) {
		f->is_rds |= strncmp(value, "/rdsdbbin/", 10) == 0;
	} else if (strcasecmp(name, "aurora_version") == 0) {
		f->is_aurora = true;
	} else if (strcasecmp(name, "wsrep_on") == 0) {
		f->is_galera = on;
	} else if (strcasecmp(name, "max_allowed_packet") == 0) {
		f->max_allowed_packet = strtoull(value, NULL, 10);
	} else if (strncasecmp(name, "show_gipk", 9) == 0) {
		f->has_gipk_setting = true;
	}
}

static int
read_variables(struct conn *c, struct flavour *f, struct err *e)
{
	struct result *r = conn_query(c, probe_sql, true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (row[0] != NULL && row[1] != NULL)
			take(f, row[0], row[1]);
	result_free(r);
	return got;
}

int
flavour_probe(struct conn *c, struct flavour *f, struct err *e)
{
	struct buf version = {0};
	int rc = -1;

	*f = (struct flavour){ .kind = FLAVOUR_MYSQL, .name = "mysql" };
	if (conn_value(c, "SELECT VERSION()", &version, e) != 0)
		goto out;
	(void)snprintf(f->version_text, sizeof(f->version_text), "%s",
	    buf_str(&version));
	f->version = version_number(f->version_text);
	if (strstr(f->version_text, "TiDB") != NULL) {
		(void)err_set(e, ERR_USAGE, 0, "TiDB is not supported (%s)",
		    f->version_text);
		goto out;
	}
	if (strcasestr(f->version_text, "mariadb") != NULL) {
		f->kind = FLAVOUR_MARIADB;
		f->name = "mariadb";
	}
	if (read_variables(c, f, e) != 0)
		goto out;
	if (f->kind == FLAVOUR_MARIADB)
		f->gtid = f->log_bin;
	if (f->is_aurora)
		f->name = "aurora";
	else if (f->is_rds)
		f->name = "rds";
	else if (f->is_galera)
		f->name = "galera";
	if (f->version < (f->kind == FLAVOUR_MARIADB ? 100400u : 50700u)) {
		(void)err_set(e, ERR_USAGE, 0, "%s is too old: Kura needs "
		    "MySQL 5.7 or MariaDB 10.4 at least", f->version_text);
		goto out;
	}
	rc = 0;
out:	buf_free(&version);
	return rc;
}

/* One wish for the session: set where the server has the variable. */
struct wish {
	const char *name, *value;
};

/* Set all wishes that this server knows, in one statement. */
static int
set_session(struct conn *c, const struct wish *wishes, size_t n,
    struct err *e)
{
	struct buf sql = {0};
	struct result *r = NULL;
	unsigned long *len;
	bool first = true;
	char **row;
	size_t i;
	int got, rc = -1;

	buf_adds(&sql, "SHOW VARIABLES WHERE Variable_name IN (");
	for (i = 0; i < n; i++)
		buf_addf(&sql, "%s'%s'", i == 0 ? "" : ",", wishes[i].name);
	buf_addc(&sql, ')');
	r = conn_query(c, buf_str(&sql), true, e);
	if (r == NULL)
		goto out;
	buf_clear(&sql);
	buf_adds(&sql, "SET ");
	while ((got = result_next(r, &row, &len, e)) == 1)
		for (i = 0; i < n; i++)
			if (strcasecmp(row[0], wishes[i].name) == 0) {
				buf_addf(&sql, "%sSESSION %s=%s",
				    first ? "" : ",", wishes[i].name,
				    wishes[i].value);
				first = false;
			}
	if (got != 0 || buf_check(&sql, "session settings", e) != 0)
		goto out;
	result_free(r);
	r = NULL;
	rc = first ? 0 : conn_exec(c, buf_str(&sql), e);
out:	result_free(r);
	buf_free(&sql);
	return rc == 0 ? 0 : err_wrap(e, "session settings");
}

/* A setting that needs a right: without it the dump still works, only less
 * politely (MariaDB: metadata locks are held longer). */
static int
set_if_allowed(struct conn *c, const char *sql, struct err *e)
{
	struct err refused = {0};

	if (conn_exec(c, sql, &refused) == 0 || refused.code == ERR_DENIED)
		return 0;
	*e = refused;
	return -1;
}

int
flavour_dump_session(struct conn *c, const struct flavour *f,
    uint64_t idle_s, struct err *e)
{
	char idle[24];
	const struct wish wishes[] = {
		{ "sql_mode", "''" }, { "time_zone", "'+00:00'" },
		{ "net_write_timeout", idle }, { "net_read_timeout", idle },
		{ "wait_timeout", idle }, { "idle_transaction_timeout", "0" },
		{ "idle_readonly_transaction_timeout", "0" },
		{ "max_execution_time", "0" }, { "max_statement_time", "0" },
		{ "information_schema_stats_expiry", "0" },
		{ "sql_quote_show_create", "1" },
		{ "show_create_table_verbosity", "0" },
		{ "show_create_table_skip_secondary_engine", "0" },
		{ "print_identified_with_as_hex", "1" },
		{ "transaction_isolation", "'REPEATABLE-READ'" },
		{ "tx_isolation", "'REPEATABLE-READ'" },
		{ "sql_select_limit", "DEFAULT" },
		{ "sql_safe_updates", "0" },
		{ "max_join_size", "18446744073709551615" },
		{ "group_concat_max_len", "1048576" },
		{ "use_secondary_engine", "OFF" },
		{ "system_versioning_asof", "DEFAULT" },
		{ "old_mode", "''" }, { "autocommit", "1" },
		{ "sql_big_selects", "1" },
	};
	bool mariadb = f->kind == FLAVOUR_MARIADB;
	size_t n = sizeof(wishes) / sizeof(wishes[0]);

	(void)snprintf(idle, sizeof(idle), "%llu",
	    (unsigned long long)idle_s);
	if (set_session(c, wishes, n, e) != 0)
		return -1;
	/* Metadata locks are released by savepoints on MariaDB only so. */
	if (mariadb && set_if_allowed(c, "SET SESSION sql_log_bin=0", e) != 0)
		return -1;
	return conn_exec(c, "SET NAMES binary", e);
}

int
flavour_restore_session(struct conn *c, const struct flavour *f,
    uint64_t idle_s, bool binlog_off, struct err *e)
{
	char idle[24];
	const struct wish wishes[] = {
		{ "sql_mode", "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,"
		    "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,"
		    "NO_ENGINE_SUBSTITUTION'" },
		{ "time_zone", "'+00:00'" }, { "net_read_timeout", idle },
		{ "net_write_timeout", idle }, { "wait_timeout", idle },
		{ "foreign_key_checks", "0" }, { "unique_checks", "1" },
		{ "autocommit", "1" }, { "max_execution_time", "0" },
		{ "max_statement_time", "0" },
		{ "idle_transaction_timeout", "0" },
		{ "idle_write_transaction_timeout", "0" },
		{ "sql_require_primary_key", "0" },
		{ "explicit_defaults_for_timestamp", "1" },
		{ "innodb_strict_mode", "0" },
		{ "check_constraint_checks", "0" },
		{ "restrict_fk_on_non_standard_key", "OFF" },
		{ "sql_generate_invisible_primary_key", "OFF" },
		{ "system_versioning_alter_history", "KEEP" },
		{ "system_versioning_insert_history", "1" },
		{ "sql_safe_updates", "0" },
		{ "lock_wait_timeout", "60" }, { "old_mode", "''" },
	};
	size_t i, n = sizeof(wishes) / sizeof(wishes[0]);

	(void)snprintf(idle, sizeof(idle), "%llu",
	    (unsigned long long)idle_s);
	/* One after another: some of these need a right that a restore can do
	 * without where the value is right already. */
	for (i = 0; i < n; i++) {
		struct err one = {0};

		if (set_session(c, &wishes[i], 1, &one) != 0 &&
		    one.code != ERR_DENIED) {
			*e = one;
			return -1;
		}
	}
	(void)f;
	if (binlog_off && conn_exec(c, "SET SESSION sql_log_bin=0", e) != 0)
		return err_hint(e, "use --binlog=on, or grant the right to "
		    "set sql_log_bin");
	return conn_exec(c, "SET NAMES utf8mb4", e);
}
