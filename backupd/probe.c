/* SPDX-License-Identifier: Apache-2.0 */
/* probe: what a server says of its binary log, before it is followed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/password.h"

#include "backupd/probe.h"

#define UNKNOWN_VARIABLE 1193

/* --- its files --- */

static int
add_log(struct probe *p, const char *name, const char *size, struct err *e)
{
	struct probe_log *logs;

	if (strlen(name) >= sizeof(logs->name))
		return err_set(e, ERR_USAGE, 0, "binary log '%.40s...': the "
		    "name is too long", name);
	logs = realloc(p->logs, (p->nlogs + 1) * sizeof(*logs));
	if (logs == NULL)
		return err_set(e, ERR_NOMEM, 0, "binary logs");
	p->logs = logs;
	logs += p->nlogs++;
	*logs = (struct probe_log){ .size = strtoull(size, NULL, 10) };
	memcpy(logs->name, name, strlen(name) + 1);
	return 0;
}

/* 1, 0, -1. */
static int
is_replica(struct conn *c, const struct flavour *f, struct err *e)
{
	struct result *r = conn_query(c, f->kind == FLAVOUR_MARIADB ?
	    "SHOW ALL SLAVES STATUS" : f->version >= 80022 ?
	    "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return err_wrap(e, "is it a replica");
	got = result_next(r, &row, &len, e);
	result_free(r);
	return got;
}

/* Does it commit what another server committed before?  That bears the
 * other's times.  A variable that is not there is of no cluster. */
static bool
is_own_master(struct conn *c, const struct flavour *f)
{
	struct buf group = {0};
	struct err none = {0};
	int rc;

	if (f->is_galera || is_replica(c, f, &none) != 0)
		return false;
	if (f->kind == FLAVOUR_MARIADB)
		return true;
	rc = conn_value(c, "SELECT @@global.group_replication_group_name",
	    &group, &none);
	rc = rc == 0 ? group.len == 0 : none.sys == UNKNOWN_VARIABLE;
	buf_free(&group);
	return rc;
}

/* The server's clock, to be read before its files are: only whole seconds are
 * in MariaDB's log, and a commit takes its time a little before it is there.
 * By a name that stands for several servers another may answer. */
static int
read_time(struct conn *c, struct probe *p, struct err *e)
{
	const struct flavour *f = &p->flavour;
	struct buf got = {0}, want = {0};
	const char *rest;
	int rc;

	if (!is_own_master(c, f))
		return 0;
	rc = conn_value(c, f->uuid[0] != '\0' ? "SELECT CONCAT("
	    "UNIX_TIMESTAMP(), ' ', @@global.server_id, ' ', "
	    "@@global.server_uuid)" : "SELECT CONCAT(UNIX_TIMESTAMP(), ' ', "
	    "@@global.server_id, ' ')", &got, e);
	buf_addf(&want, " %" PRIu64 " %s", f->server_id, f->uuid);
	if (rc == 0)
		rc = buf_check(&want, "server", e);
	rest = rc == 0 ? strchr(buf_str(&got), ' ') : NULL;
	if (rest != NULL && strcmp(rest, buf_str(&want)) == 0)
		p->at_us = clock_from_system((strtoll(buf_str(&got), NULL,
		    10) - 1) * 1000000);
	buf_free(&got);
	buf_free(&want);
	return rc;
}

static int
read_logs(struct conn *c, struct probe *p, struct err *e)
{
	struct result *r = conn_query(c, "SHOW BINARY LOGS", true, e);
	unsigned long *len;
	int got, rc = 0;
	uint64_t number;
	size_t base;
	char **row;

	if (r == NULL) {
		(void)err_wrap(e, "binary logs");
		return err_hint(e, "'backupd grants' prints what the account "
		    "needs");
	}
	while (rc == 0 && (got = result_next(r, &row, &len, e)) == 1)
		if (row[0] != NULL && row[1] != NULL)
			rc = add_log(p, row[0], row[1], e);
	result_free(r);
	if (rc != 0 || got < 0)
		return -1;
	if (p->nlogs == 0)
		return err_set(e, ERR_USAGE, 0, "the server lists no binary "
		    "logs");
	if (!stream_name_split(p->logs[p->nlogs - 1].name, &base, &number))
		return err_set(e, ERR_USAGE, 0, "binary log '%.80s' is none "
		    "that can be read by file and position",
		    p->logs[p->nlogs - 1].name);
	return 0;
}

/* The position behind the last whole transaction; and filters, which are
 * nowhere else to be seen. */
static int
read_status(struct conn *c, struct probe *p, struct err *e)
{
	const struct flavour *f = &p->flavour;
	struct result *r = conn_query(c, f->kind == FLAVOUR_MYSQL &&
	    f->version >= 80200 ? "SHOW BINARY LOG STATUS" :
	    "SHOW MASTER STATUS", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return err_wrap(e, "binary log coordinates");
	got = result_next(r, &row, &len, e);
	if (got == 1 && row[0] != NULL && row[1] != NULL) {
		p->position = strtoull(row[1], NULL, 10);
		if (strcmp(row[0], p->logs[p->nlogs - 1].name) != 0)
			p->position = p->logs[p->nlogs - 1].size;
		if (result_columns(r) > 3 &&
		    ((row[2] != NULL && row[2][0] != '\0') ||
		    (row[3] != NULL && row[3][0] != '\0')))
			buf_adds(&p->marked, "binlog-do-db or "
			    "binlog-ignore-db leave schemas out");
	}
	result_free(r);
	return got < 0 ? -1 : 0;
}

/* --- its settings --- */

static const char settings_sql[] =
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('binlog_format',"
    "'binlog_row_image','binlog_checksum','socket','log_slave_updates',"
    "'binlog_expire_logs_seconds','expire_logs_days')";

struct settings_seen {
	char format[32], image[32];
	bool updates;
	double expire_days;
};

static void
take_setting(struct probe *p, struct settings_seen *x, const char *name,
    const char *value)
{
	if (strcasecmp(name, "binlog_format") == 0)
		(void)snprintf(x->format, sizeof(x->format), "%s", value);
	else if (strcasecmp(name, "binlog_row_image") == 0)
		(void)snprintf(x->image, sizeof(x->image), "%s", value);
	else if (strcasecmp(name, "binlog_checksum") == 0)
		p->checksum = strcasecmp(value, "NONE") != 0;
	else if (strcasecmp(name, "socket") == 0)
		(void)snprintf(p->socket, sizeof(p->socket), "%s", value);
	else if (strcasecmp(name, "log_slave_updates") == 0)
		x->updates = strcasecmp(value, "OFF") != 0;
	else if (strcasecmp(name, "binlog_expire_logs_seconds") == 0)
		p->expire_s = strtoull(value, NULL, 10);
	else if (strcasecmp(name, "expire_logs_days") == 0)
		x->expire_days = strtod(value, NULL);
}

static void
mark(struct probe *p, const char *what, const char *value)
{
	buf_addf(&p->marked, "%s%s is %s", p->marked.len > 0 ? ", " : "",
	    what, value);
}

/* A replica that does not log what it applies: the changes of its source are
 * not in its binary log. */
static int
mark_replica(struct conn *c, struct probe *p, struct err *e)
{
	int yes = is_replica(c, &p->flavour, e);

	if (yes == 1)
		mark(p, "it is a replica, and log_slave_updates", "off");
	return yes < 0 ? -1 : 0;
}

static int
read_settings(struct conn *c, struct probe *p, struct err *e)
{
	struct settings_seen x = { .format = "ROW", .image = "FULL",
	    .updates = true };
	struct result *r = conn_query(c, settings_sql, true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (row[0] != NULL && row[1] != NULL)
			take_setting(p, &x, row[0], row[1]);
	result_free(r);
	if (p->expire_s == 0)
		p->expire_s = (uint64_t)(x.expire_days * 86400);
	if (strcasecmp(x.format, "ROW") != 0)
		mark(p, "binlog_format", x.format);
	if (strncasecmp(x.image, "FULL", 4) != 0)
		mark(p, "binlog_row_image", x.image);
	if (got < 0 || (!x.updates && mark_replica(c, p, e) != 0))
		return -1;
	return buf_check(&p->marked, "marks", e);
}

int
probe_server(struct conn *c, struct probe *p, struct err *e)
{
	struct flavour *f = &p->flavour;

	*p = (struct probe){0};
	if (flavour_probe(c, f, e) != 0)
		return -1;
	if (!f->log_bin) {
		(void)err_set(e, ERR_USAGE, 0, "the server writes no binary "
		    "log, so there is nothing to archive");
		(void)err_hint(e, f->is_aurora || f->is_rds ? "set "
		    "binlog_format=ROW in its parameter group" : "set log_bin "
		    "in its configuration");
		return -1;
	}
	if (read_time(c, p, e) != 0 || read_logs(c, p, e) != 0 || read_status(c, p, e) != 0 ||
	    read_settings(c, p, e) != 0 ||
	    conn_value(c, f->kind == FLAVOUR_MARIADB ?
	    "SELECT @@global.gtid_binlog_state" :
	    "SELECT @@global.gtid_executed", &p->gtids, e) != 0)
		return -1;
	return password_until(c, f, &p->password_us, e);
}

int
probe_logs(struct conn *c, const struct flavour *f, struct probe *p,
    struct err *e)
{
	*p = (struct probe){ .flavour = *f };
	return read_time(c, p, e) == 0 ? read_logs(c, p, e) : -1;
}

long
probe_find(const struct probe *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->nlogs; i++)
		if (strcmp(p->logs[i].name, name) == 0)
			return (long)i;
	return -1;
}

int
probe_gtids_before(struct conn *c, const char *name, struct buf *out,
    struct err *e)
{
	struct buf sql = {0};
	struct result *r;
	unsigned long *len;
	int got, info;
	char **row;

	buf_adds(&sql, "SHOW BINLOG EVENTS IN ");
	sql_string(&sql, name, strlen(name));
	buf_adds(&sql, " LIMIT 3");
	r = conn_query(c, buf_str(&sql), true, e);
	buf_free(&sql);
	if (r == NULL)
		return err_wrap(e, "first events of %s", name);
	info = result_find(r, "Info");
	while ((got = result_next(r, &row, &len, e)) == 1) {
		if (row[2] == NULL || info < 0 || row[info] == NULL)
			continue;
		if (strcmp(row[2], "Previous_gtids") == 0)
			buf_adds(out, row[info]);
		/* MariaDB writes [0-1-2,1-1-1]. */
		if (strcmp(row[2], "Gtid_list") == 0 && len[info] >= 2)
			buf_add(out, row[info] + 1, len[info] - 2);
	}
	result_free(r);
	return got < 0 ? -1 : buf_check(out, "GTIDs", e);
}

void
probe_free(struct probe *p)
{
	free(p->logs);
	buf_free(&p->gtids);
	buf_free(&p->marked);
	*p = (struct probe){0};
}
