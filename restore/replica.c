/* SPDX-License-Identifier: Apache-2.0 */
/* replica: the target as our replica. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/procedures.h"
#include "restore/serve.h"

#include "restore/replica.h"

#define CHANNEL "kura_restore"
#define HEARTBEAT_S 5
#define NO_CHANNEL 3074		/* MySQL: channel does not exist */
#define NO_CONNECTION 1617	/* MariaDB: no master connection */

static bool
mariadb(const struct replica *r)
{
	return r->flavour->kind == FLAVOUR_MARIADB;
}

/* MySQL's newer words came in 8.0.22 and 8.0.23, MariaDB keeps the older. */
static bool
newer(const struct replica *r)
{
	return !mariadb(r) && r->flavour->version >= 80023;
}

/* Procedures know the default channel alone. */
static bool
called(const struct replica *r)
{
	return r->procedures->used;
}

static const char *
channel(const struct replica *r)
{
	return called(r) ? "" : CHANNEL;
}

/* "STOP REPLICA FOR CHANNEL 'kura_restore'", in the server's own words;
 * MariaDB has the name in the middle. */
static int
command(const struct replica *r, const char *verb, const char *tail,
    struct err *e)
{
	const char *word = newer(r) ? "REPLICA" : "SLAVE";

	if (mariadb(r))
		return conn_execf(r->conn, e, "%s %s '" CHANNEL "'%s", verb,
		    word, tail);
	return conn_execf(r->conn, e, "%s %s%s FOR CHANNEL '" CHANNEL "'",
	    verb, word, tail);
}

/* --- the channel --- */

static void
change_text(const struct replica *r, const struct replica_source *s,
    struct buf *sql)
{
	const char *p = newer(r) ? "SOURCE" : "MASTER";

	if (mariadb(r))
		buf_adds(sql, "CHANGE MASTER '" CHANNEL "' TO ");
	else
		buf_adds(sql, newer(r) ? "CHANGE REPLICATION SOURCE TO " :
		    "CHANGE MASTER TO ");
	buf_addf(sql, "%s_HOST=", p);
	sql_string(sql, s->host, strlen(s->host));
	buf_addf(sql, ", %s_PORT=%u, %s_USER='%s', %s_PASSWORD='%s', "
	    "%s_CONNECT_RETRY=1, %s_HEARTBEAT_PERIOD=%d, %s_SSL=1, "
	    "%s_SSL_VERIFY_SERVER_CERT=0", p, s->port, p, s->user, p,
	    s->password, p, p, HEARTBEAT_S, p, p);
	if (!mariadb(r))
		buf_addf(sql, ", %s_RETRY_COUNT=86400", p);
	if (!s->gtid)
		buf_addf(sql, ", %s_LOG_FILE='%s', %s_LOG_POS=%" PRIu64, p,
		    s->file, p, s->position);
	else if (mariadb(r))
		buf_adds(sql, ", MASTER_USE_GTID=slave_pos");
	else
		buf_addf(sql, ", %s_AUTO_POSITION=1", p);
	if (!mariadb(r))
		buf_adds(sql, " FOR CHANNEL '" CHANNEL "'");
}

/* --- its state --- */

static const char *
column(struct result *q, char **row, const char *newer_name,
    const char *older_name)
{
	int i = result_find(q, newer_name);

	if (i < 0)
		i = result_find(q, older_name);
	return i < 0 || row[i] == NULL ? "" : row[i];
}

/* RDS never replicates tables of its own. */
static bool
rds_tables(const char *list)
{
	static const char *const own[] = { "mysql.", "innodb_memcache." };
	size_t i, n;

	for (; *list != '\0'; list += n + (list[n] == ',' ? 1 : 0)) {
		n = strcspn(list, ",");
		for (i = 0; i < 2 && strncmp(list, own[i],
		    strlen(own[i])) != 0; i++)
			;
		if (i == 2)
			return false;
	}
	return true;
}

/* Whose channel is it?  On the default one: ours, by our user. */
static bool
ours(const struct replica *r, struct result *q, char **row)
{
	return !called(r) || serve_is_user(column(q, row, "Source_User",
	    "Master_User"));
}

static void
take_status(const struct replica *r, struct result *q, char **row,
    struct replica_status *st)
{
	static const char *const filters[] = { "Replicate_Do_DB",
	    "Replicate_Ignore_DB", "Replicate_Do_Table",
	    "Replicate_Ignore_Table", "Replicate_Wild_Do_Table",
	    "Replicate_Wild_Ignore_Table", "Replicate_Rewrite_DB",
	    "Replicate_Ignore_Server_Ids", "Replicate_Do_Domain_Ids",
	    "Replicate_Ignore_Domain_Ids" };
	const char *error, *list;
	size_t i;

	st->connection = strcmp(column(q, row, "Replica_IO_Running",
	    "Slave_IO_Running"), "No") != 0;
	st->applier = strcmp(column(q, row, "Replica_SQL_Running",
	    "Slave_SQL_Running"), "No") != 0;
	st->connection_error = (unsigned)strtoul(column(q, row,
	    "Last_IO_Errno", ""), NULL, 10);
	st->applier_error = (unsigned)strtoul(column(q, row,
	    "Last_SQL_Errno", ""), NULL, 10);
	error = column(q, row, st->applier_error != 0 ? "Last_SQL_Error" :
	    "Last_IO_Error", "");
	(void)snprintf(st->error, sizeof(st->error), "%s", error);
	(void)snprintf(st->file, sizeof(st->file), "%s", column(q, row,
	    "Relay_Source_Log_File", "Relay_Master_Log_File"));
	st->position = strtoull(column(q, row, "Exec_Source_Log_Pos",
	    "Exec_Master_Log_Pos"), NULL, 10);
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		list = column(q, row, filters[i], "");
		st->filtered |= list[0] != '\0' && !(called(r) &&
		    strstr(filters[i], "Ignore_Table") != NULL &&
		    rds_tables(list));
	}
}

/* What the coordinator says of a worker's failure is less than the worker
 * says itself. */
static int
worker_error(const struct replica *r, struct replica_status *st,
    struct err *e)
{
	struct buf text = {0};
	struct err none = {0};
	struct buf sql = {0};
	int rc;

	buf_addf(&sql, "SELECT LAST_ERROR_MESSAGE FROM "
	    "performance_schema.replication_applier_status_by_worker WHERE "
	    "CHANNEL_NAME = '%s' AND LAST_ERROR_NUMBER <> 0 ORDER BY "
	    "LAST_ERROR_TIMESTAMP LIMIT 1", channel(r));
	rc = conn_value(r->conn, buf_str(&sql), &text, &none);
	buf_free(&sql);
	if (rc == 0 && text.len > 0)
		(void)snprintf(st->error, sizeof(st->error), "%s",
		    buf_str(&text));
	buf_free(&text);
	if (rc == 0 || none.code == ERR_NOTFOUND)
		return 0;
	*e = none;
	return -1;
}

/* Its state: 1; 0 without a channel of ours, *other then the host of the one
 * that is in its place. */
static int
look(const struct replica *r, struct replica_status *st, struct buf *other,
    struct err *e)
{
	struct err failed = {0};
	struct result *q;
	unsigned long *len;
	char **row;
	int got;

	*st = (struct replica_status){0};
	q = conn_queryf(r->conn, &failed, mariadb(r) ? "SHOW SLAVE '%s' "
	    "STATUS" : newer(r) ? "SHOW REPLICA STATUS FOR CHANNEL '%s'" :
	    "SHOW SLAVE STATUS FOR CHANNEL '%s'", channel(r));
	if (q == NULL && failed.sys != NO_CHANNEL &&
	    failed.sys != NO_CONNECTION) {
		*e = failed;
		return -1;
	}
	got = q == NULL ? 0 : result_next(q, &row, &len, e);
	if (got == 1 && ours(r, q, row)) {
		take_status(r, q, row, st);
	} else if (got == 1) {
		buf_adds(other, column(q, row, "Source_Host", "Master_Host"));
		got = 0;
	}
	result_free(q);
	return got;
}

int
replica_status(const struct replica *r, struct replica_status *st,
    struct err *e)
{
	struct buf other = {0};
	int got = look(r, st, &other, e);

	buf_free(&other);
	if (got == 0)
		return err_set(e, ERR_NOTFOUND, 0, "the target has no channel "
		    CHANNEL);
	if (got < 0)
		return -1;
	return st->applier_error != 0 && !mariadb(r) ? worker_error(r, st,
	    e) : 0;
}

int
replica_left(const struct replica *r, struct err *e)
{
	struct replica_status st;
	struct err one = {0};

	if (replica_status(r, &st, &one) == 0)
		return 1;
	/* Who may not even see a channel has none of ours. */
	if (one.code == ERR_NOTFOUND || one.code == ERR_DENIED)
		return 0;
	*e = one;
	return -1;
}

int
replica_gtids(const struct replica *r, struct buf *out, struct err *e)
{
	return conn_value(r->conn, mariadb(r) ?
	    "SELECT @@GLOBAL.gtid_slave_pos" :
	    "SELECT @@GLOBAL.gtid_executed", out, e);
}

int
replica_stands(const struct replica *r, struct buf *out, struct err *e)
{
	return conn_value(r->conn, mariadb(r) ?
	    "SELECT CONCAT(@@GLOBAL.gtid_slave_pos, ' ', "
	    "@@GLOBAL.gtid_binlog_pos)" :
	    "SELECT @@GLOBAL.gtid_executed", out, e);
}

/* --- making it, and its end --- */

/* A procedure would take another's channel over. */
static int
call_connect(const struct replica *r, const struct replica_source *s,
    struct err *e)
{
	struct replica_status st;
	struct buf other = {0}, gtids = {0};
	int rc = look(r, &st, &other, e) < 0 ? -1 : 0;

	if (rc == 0 && other.len > 0)
		rc = err_set(e, ERR_EXISTS, 0, "it is a replica of %.80s",
		    buf_str(&other));
	if (rc == 0 && mariadb(r) && s->gtid)
		rc = replica_gtids(r, &gtids, e);
	if (rc == 0)
		rc = procedures_connect(r->procedures, r->conn, s,
		    buf_str(&gtids), e);
	buf_free(&other);
	buf_free(&gtids);
	return rc;
}

/* The procedure waits a moment, and fails if all is not well by then; whoever
 * starts looks for himself, and for longer. */
static int
call_start(const struct replica *r, struct err *e)
{
	struct replica_status st;
	struct err none = {0};

	if (procedures_call(r->procedures, PROCEDURES_START, r->conn, e) == 0)
		return 0;
	if (replica_status(r, &st, &none) != 0 || (!st.connection &&
	    st.connection_error == 0 && st.applier_error == 0))
		return -1;
	*e = (struct err){0};
	return 0;
}

int
replica_connect(const struct replica *r, const struct replica_source *source,
    bool apply, struct err *e)
{
	struct buf sql = {0};
	int rc = -1;

	if (called(r)) {
		rc = call_connect(r, source, e) == 0 && call_start(r,
		    e) == 0 ? 0 : -1;
	} else {
		change_text(r, source, &sql);
		if (buf_check(&sql, "CHANGE REPLICATION SOURCE", e) == 0)
			rc = conn_exec(r->conn, buf_str(&sql), e);
		buf_free(&sql);
		if (rc == 0)
			rc = command(r, "START", apply ? "" : " IO_THREAD",
			    e);
	}
	return rc == 0 ? 0 : err_wrap(e, "make the target our replica");
}

int
replica_stop(const struct replica *r, struct err *e)
{
	struct replica_status st;

	if (!called(r))
		return command(r, "STOP", "", e);
	if (replica_status(r, &st, e) != 0)
		return -1;
	/* The procedure fails where nothing runs. */
	return !st.connection && !st.applier ? 0 : procedures_call(
	    r->procedures, PROCEDURES_STOP, r->conn, e);
}

static int
reset(const struct replica *r, struct err *e)
{
	return called(r) ? procedures_call(r->procedures, PROCEDURES_RESET,
	    r->conn, e) : command(r, "RESET", " ALL", e);
}

int
replica_end(const struct replica *r, struct err *e)
{
	int left = replica_left(r, e);

	if (left < 0)
		return -1;
	if (left == 1 && (replica_stop(r, e) != 0 ||
	    reset(r, e) != 0))
		return err_wrap(e, "remove the channel " CHANNEL " from the "
		    "target");
	return replica_put_back(r, e);
}
