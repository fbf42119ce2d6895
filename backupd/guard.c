/* SPDX-License-Identifier: Apache-2.0 */
/* guard: watches that the dump does not hurt the server. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/chunker.h"
#include "backupd/run.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"
#include "mysql/snapshot.h"

#include "backupd/guard.h"

#define LOOK_MS	1000u
#define PACE_MS	200u	/* pause between buffers at a soft limit */

struct guard {
	const struct run_opts *opts;
	const struct flavour *flavour;
	struct snapshot *snapshot;
	struct chunk_totals *totals;
	struct conn *conn;
	struct cancel *stop;
	pthread_t thread;
	bool has_lock_info;	/* MariaDB: metadata_lock_info is loaded */
	int64_t waiting_since;	/* somebody waits for us; 0: nobody */
	struct err why;		/* given up */
};

/* Sessions that wait for a lock which one of ours holds: id, user, object. */
static const char mysql_sql[] =
    "SELECT w.PROCESSLIST_ID, w.PROCESSLIST_USER, CONCAT(p.OBJECT_SCHEMA,'.',"
    "p.OBJECT_NAME), w.PROCESSLIST_TIME FROM performance_schema.metadata_locks"
    " p JOIN performance_schema.threads w ON w.THREAD_ID = p.OWNER_THREAD_ID "
    "JOIN performance_schema.metadata_locks g ON g.OBJECT_TYPE = "
    "p.OBJECT_TYPE AND g.OBJECT_SCHEMA = p.OBJECT_SCHEMA AND g.OBJECT_NAME = "
    "p.OBJECT_NAME AND g.LOCK_STATUS = 'GRANTED' JOIN "
    "performance_schema.threads t ON t.THREAD_ID = g.OWNER_THREAD_ID WHERE "
    "p.LOCK_STATUS = 'PENDING' AND p.OBJECT_TYPE = 'TABLE' AND "
    "t.PROCESSLIST_ID IN (%s) ORDER BY w.PROCESSLIST_TIME DESC LIMIT 1";
static const char lock_info_sql[] =
    "SELECT w.ID, w.USER, CONCAT(m.TABLE_SCHEMA,'.',m.TABLE_NAME), w.TIME "
    "FROM information_schema.METADATA_LOCK_INFO m JOIN "
    "information_schema.PROCESSLIST w ON w.STATE = 'Waiting for table "
    "metadata lock' AND LOCATE(m.TABLE_NAME, w.INFO) > 0 WHERE m.THREAD_ID "
    "IN (%s) AND w.ID NOT IN (%s) ORDER BY w.TIME DESC LIMIT 1";
/* Without that plugin: a waiter whose statement names a table that one of our
 * running SELECTs names as well. */
static const char mariadb_sql[] =
    "SELECT w.ID, w.USER, w.DB, w.TIME FROM information_schema.PROCESSLIST w "
    "JOIN information_schema.PROCESSLIST o ON o.ID IN (%s) AND "
    "o.INFO IS NOT NULL AND LOCATE(REGEXP_SUBSTR(w.INFO, "
    "'(?<=`)[^`]+(?=`)|(?i)(?<=table )\\\\S+'), o.INFO) > 0 "
    "WHERE w.STATE = 'Waiting for table metadata lock' AND w.ID NOT IN (%s) "
    "ORDER BY w.TIME DESC LIMIT 1";

static void
own_ids(const struct guard *g, struct buf *out)
{
	unsigned i;

	for (i = 0; i < snapshot_workers(g->snapshot); i++)
		buf_addf(out, "%s%" PRIu64, i == 0 ? "" : ",",
		    conn_id(snapshot_conn(g->snapshot, i)));
}

static void
give_up(struct guard *g, const char *hint)
{
	unsigned i;

	(void)err_hint(&g->why, "%s", hint);
	for (i = 0; i < snapshot_workers(g->snapshot); i++)
		conn_interrupt(snapshot_conn(g->snapshot, i));
}

static int
look_for_waiters(struct guard *g, struct err *e)
{
	struct buf ids = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int got;

	if (g->opts->ddl_wait_ms == 0)
		return 0;
	own_ids(g, &ids);
	if (g->flavour->kind == FLAVOUR_MYSQL)
		r = conn_queryf(g->conn, e, mysql_sql, buf_str(&ids));
	else if (g->has_lock_info)
		r = conn_queryf(g->conn, e, lock_info_sql, buf_str(&ids),
		    buf_str(&ids));
	else
		r = conn_queryf(g->conn, e, mariadb_sql, buf_str(&ids),
		    buf_str(&ids));
	buf_free(&ids);
	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 0)
		g->waiting_since = 0;
	else if (got == 1 && g->waiting_since == 0)
		g->waiting_since = clock_mono_ms();
	else if (got == 1 && clock_mono_ms() - g->waiting_since >=
	    (int64_t)g->opts->ddl_wait_ms) {
		(void)err_set(&g->why, ERR_BUSY, 0, "given up: connection %s "
		    "of user %s waits for a metadata lock of the dump (%s), "
		    "longer than --ddl-wait", row[0] != NULL ? row[0] : "?",
		    row[1] != NULL ? row[1] : "?",
		    row[2] != NULL ? row[2] : "?");
		give_up(g, "run again when the DDL is done");
	}
	result_free(r);
	return got < 0 ? -1 : 0;
}

/* Compare one reading with its limits; 1 when the soft one is passed. */
static int
limit(struct guard *g, const char *what, uint64_t value, uint64_t soft,
    uint64_t hard)
{
	if (hard > 0 && value > hard) {
		(void)err_set(&g->why, ERR_BUSY, 0, "given up: %s is %" PRIu64
		    ", over its hard limit %" PRIu64, what, value, hard);
		give_up(g, "run again when the server is less busy, or raise "
		    "the limit");
	}
	return soft > 0 && value > soft;
}

static int
number(struct guard *g, const char *sql, int column, uint64_t *out,
    struct err *e)
{
	struct result *r = conn_query(g->conn, sql, true, e);
	unsigned long *len;
	char **row;
	int got;

	*out = 0;
	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1 && row[column] != NULL)
		*out = strtoull(row[column], NULL, 10);
	result_free(r);
	return got < 0 ? -1 : 0;
}

static int
replica_lag(struct guard *g, uint64_t *out, struct err *e)
{
	bool old = g->flavour->kind == FLAVOUR_MARIADB ||
	    g->flavour->version < 80022;
	struct result *r = conn_query(g->conn, old ? "SHOW SLAVE STATUS" :
	    "SHOW REPLICA STATUS", true, e);
	unsigned long *len;
	char **row;
	int got, at;

	*out = 0;
	if (r == NULL)
		return -1;
	at = result_find(r, "Seconds_Behind_Source");
	if (at < 0)
		at = result_find(r, "Seconds_Behind_Master");
	got = result_next(r, &row, &len, e);
	if (got == 1 && at >= 0 && row[at] != NULL)
		*out = strtoull(row[at], NULL, 10);
	result_free(r);
	return got < 0 ? -1 : 0;
}

static int
look(struct guard *g, struct err *e)
{
	const struct run_opts *o = g->opts;
	uint64_t value;
	int slow = 0;

	if (look_for_waiters(g, e) != 0)
		return -1;
	if (o->undo_soft + o->undo_hard > 0) {
		if (number(g, "SELECT COUNT FROM information_schema."
		    "INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'", 0,
		    &value, e) != 0)
			return -1;
		slow |= limit(g, "InnoDB's undo history", value, o->undo_soft,
		    o->undo_hard);
	}
	if (o->threads_soft + o->threads_hard > 0) {
		if (number(g, "SHOW GLOBAL STATUS LIKE 'Threads_running'", 1,
		    &value, e) != 0)
			return -1;
		slow |= limit(g, "the number of running threads", value,
		    o->threads_soft, o->threads_hard);
	}
	if (o->lag_soft_s + o->lag_hard_s > 0) {
		if (replica_lag(g, &value, e) != 0)
			return -1;
		slow |= limit(g, "the replica's lag in seconds", value,
		    o->lag_soft_s, o->lag_hard_s);
	}
	if (slow != (g->totals->pace_ms > 0))
		log_event(LOG_INFO_, slow ? "slowing down: a soft limit is "
		    "passed" : "full speed again", NULL);
	g->totals->pace_ms = slow ? PACE_MS : 0;
	return 0;
}

static void *
watch(void *arg)
{
	struct guard *g = arg;
	struct err e = {0}, ended = {0};
	bool warned = false;

	if (conn_thread_init(&e) != 0)
		return NULL;
	do {
		e = (struct err){0};
		if (look(g, &e) == 0 || warned || e.code == ERR_CANCELLED)
			continue;
		/* A guard that cannot see is no reason to lose the dump. */
		warned = true;
		log_event(LOG_WARN_, "cannot watch the server", "why", e.msg,
		    NULL);
	} while (g->why.code == ERR_NONE &&
	    cancel_wait(g->stop, LOOK_MS, &ended) == 0);
	conn_thread_end();
	return NULL;
}

static bool
has_plugin(struct conn *c)
{
	struct err ignored = {0};
	struct buf v = {0};
	bool has = conn_value(c, "SELECT COUNT(*) FROM information_schema."
	    "PLUGINS WHERE PLUGIN_NAME = 'METADATA_LOCK_INFO' AND "
	    "PLUGIN_STATUS = 'ACTIVE'", &v, &ignored) == 0 &&
	    strcmp(buf_str(&v), "1") == 0;

	buf_free(&v);
	return has;
}

struct guard *
guard_start(const struct run_opts *opts, const struct flavour *f,
    struct snapshot *s, struct chunk_totals *totals, struct err *e)
{
	struct guard *g = calloc(1, sizeof(*g));
	int error;

	if (g == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "guard");
		return NULL;
	}
	g->opts = opts;
	g->flavour = f;
	g->snapshot = s;
	g->totals = totals;
	g->stop = cancel_new(e);
	g->conn = g->stop != NULL ? conn_open(opts->conn, e) : NULL;
	if (g->conn == NULL)
		goto fail;
	g->has_lock_info = f->kind == FLAVOUR_MARIADB && has_plugin(g->conn);
	error = pthread_create(&g->thread, NULL, watch, g);
	if (error == 0)
		return g;
	(void)err_set(e, ERR_NOMEM, error, "guard");

fail:	conn_close(g->conn);
	cancel_free(g->stop);
	free(g);
	return NULL;
}

void
guard_stop(struct guard *g, struct err *e)
{
	if (g == NULL)
		return;
	cancel_request(g->stop, "end");
	(void)pthread_join(g->thread, NULL);
	if (g->why.code != ERR_NONE)
		*e = g->why;
	conn_close(g->conn);
	cancel_free(g->stop);
	free(g);
}
