/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_lock: snapshots under locks, each held as short as can be. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/snapshot_impl.h"

#define ATTEMPT_S	2	/* lock_wait_timeout of one attempt */
#define REPEATS		5	/* of the snapshot when DDL came between */
#define LOCK_SQL_MAX	((size_t)512 << 10)

/* --- the hard limit of the commit lock --- */

struct hold {
	struct cancel *done;	/* requested when the lock is given back */
	struct conn **conns;
	size_t n;
	uint64_t limit_ms;
	int64_t since;
	bool fired;
	pthread_t thread;
};

static void *
watch_hold(void *arg)
{
	struct hold *h = arg;
	struct err e = {0};
	size_t i;

	if (cancel_wait(h->done, (unsigned)h->limit_ms, &e) != 0)
		return NULL;
	/* The server gives the locks back when their connection ends. */
	h->fired = true;
	for (i = 0; i < h->n; i++)
		conn_interrupt(h->conns[i]);
	return NULL;
}

static int
hold_start(struct hold *h, const struct snapshot *s, struct conn **conns,
    size_t n, struct err *e)
{
	int error;

	*h = (struct hold){ .conns = conns, .n = n,
	    .limit_ms = s->opts->lock_hold_ms, .since = clock_mono_ms() };
	h->done = cancel_new(e);
	if (h->done == NULL)
		return -1;
	error = pthread_create(&h->thread, NULL, watch_hold, h);
	if (error == 0)
		return 0;
	cancel_free(h->done);
	return err_set(e, ERR_NOMEM, error, "watch the lock");
}

static int
hold_end(struct hold *h, struct snapshot *s, struct err *e)
{
	cancel_request(h->done, "end");
	(void)pthread_join(h->thread, NULL);
	cancel_free(h->done);
	s->facts.commits_held_ms = (uint64_t)(clock_mono_ms() - h->since);
	if (!h->fired)
		return 0;
	*e = (struct err){0};
	(void)err_set(e, ERR_BUSY, 0, "the snapshot took longer than "
	    "--lock-hold %" PRIu64 " ms: given up, commits go on",
	    h->limit_ms);
	return err_hint(e, "allow more, or take it when the server is less "
	    "busy");
}

/* --- trying again --- */

/* Run sql; while it times out on a lock, try again with a pause that lets the
 * others through. */
static int
patient(struct snapshot *s, struct conn *c, const char *sql, const char *what,
    struct err *e)
{
	int64_t until = clock_mono_ms() + (int64_t)s->opts->lock_wait_ms;
	unsigned attempt = 0;

	for (;;) {
		struct err one = {0};

		if (conn_exec(c, sql, &one) == 0)
			return 0;
		if (one.sys != 1205 || clock_mono_ms() >= until) {
			*e = one;
			if (one.sys != 1205)
				return err_wrap(e, "%s", what);
			*e = (struct err){0};
			(void)err_set(e, ERR_BUSY, 0, "%s: not granted in %"
			    PRIu64 " s", what, s->opts->lock_wait_ms / 1000);
			blocker_name(s, e);
			return -1;
		}
		if (cancel_wait(s->opts->cancel, 500 +
		    clock_backoff_ms(++attempt, 500, 5000), e) != 0)
			return -1;
	}
}


/* What happens while commits are stopped. */
static int
under_lock(struct snapshot *s, struct conn *c, struct err *e)
{
	if (s->opts->locked != NULL &&
	    s->opts->locked(s->opts->arg, c, e) != 0)
		return -1;
	if (snapshot_begin_all(s, e) != 0 || coordinates_read(s, c, e) != 0)
		return -1;
	return coordinates_more(s, c, e);
}

static int
set_lock_wait(struct conn *c, struct err *e)
{
	return conn_execf(c, e, "SET SESSION lock_wait_timeout=%d", ATTEMPT_S);
}

/* --- FLUSH TABLES WITH READ LOCK --- */

static int
take_ftwrl(struct snapshot *s, struct err *e)
{
	struct conn *c = s->lock;

	/* The flush waits for running statements outside of the lock, so that
	 * the lock itself comes at once. */
	if (s->flavour->kind == FLAVOUR_MYSQL && patient(s, c,
	    "FLUSH NO_WRITE_TO_BINLOG TABLES", "flush tables", e) != 0)
		return -1;
	return patient(s, c, "FLUSH TABLES WITH READ LOCK",
	    "FLUSH TABLES WITH READ LOCK", e);
}

/* One attempt where DDL can be held off by a lock of its own.  That lock comes
 * second: a definition that waits for it already has its part of the global
 * one, and to ask for that then would be a deadlock, which the server ends by
 * failing the user's statement as likely as ours. */
static int
try_ftwrl_first(struct snapshot *s, struct err *e)
{
	struct err again = {0};
	struct hold hold;
	int64_t since;
	int rc;

	if (take_ftwrl(s, e) != 0 || hold_start(&hold, s, &s->lock, 1, e) != 0)
		return -1;
	rc = conn_exec(s->lock, "LOCK INSTANCE FOR BACKUP", &again);
	since = clock_mono_ms();
	if (rc == 0)
		rc = under_lock(s, s->lock, e);
	else if (again.sys == 1205)
		rc = 1;
	else
		*e = again;
	if (conn_exec(s->lock, "UNLOCK TABLES", rc < 0 ? &again : e) != 0)
		rc = -1;
	if (hold_end(&hold, s, e) != 0)
		rc = -1;
	if (rc == 0)
		rc = s->opts->read_ddl(s->opts->arg, s->lock, e);
	if (rc == 0)
		rc = conn_exec(s->lock, "UNLOCK INSTANCE", e);
	s->facts.ddl_held_ms = (uint64_t)(clock_mono_ms() - since);
	return rc;
}

/* One attempt otherwise.  1: DDL came between definitions and snapshot. */
static int
try_ftwrl(struct snapshot *s, struct err *e)
{
	struct buf before = {0};
	struct hold hold;
	int rc = -1;

	if (snapshot_read_ddl(s, s->has_backup_lock ? NULL : &before,
	    e) != 0 || take_ftwrl(s, e) != 0)
		goto out;
	if (hold_start(&hold, s, &s->lock, 1, e) != 0)
		goto out;
	/* This lock holds DDL off as well: what is equal now stays so. */
	rc = s->has_backup_lock ? 0 : snapshot_ddl_changed(s, s->lock,
	    &before, e);
	if (rc == 0)
		rc = under_lock(s, s->lock, e);
	if (rc >= 0 && conn_exec(s->lock, "UNLOCK TABLES", e) != 0)
		rc = -1;
	if (hold_end(&hold, s, e) != 0)
		rc = -1;
out:	buf_free(&before);
	return rc;
}

int
snapshot_by_ftwrl(struct snapshot *s, struct err *e)
{
	struct err denied = {0};
	int64_t since = clock_mono_ms();
	bool first;
	int rc = 1, i;

	if (set_lock_wait(s->lock, e) != 0)
		return -1;
	s->has_backup_lock = false;
	if (s->flavour->kind == FLAVOUR_MYSQL && s->flavour->version >= 80000) {
		if (patient(s, s->lock, "LOCK INSTANCE FOR BACKUP",
		    "LOCK INSTANCE FOR BACKUP", &denied) == 0)
			s->has_backup_lock = true;
		else if (denied.code != ERR_DENIED) {
			*e = denied;
			return -1;
		}
	}
	/* Tables that are read under the lock must be known before it. */
	first = s->has_backup_lock && s->opts->locked == NULL;
	if (first && conn_exec(s->lock, "UNLOCK INSTANCE", e) != 0)
		return -1;
	for (i = 0; i < REPEATS && rc == 1; i++) {
		if (i > 0 && snapshot_rollback_all(s, e) != 0)
			return -1;
		rc = first ? try_ftwrl_first(s, e) : try_ftwrl(s, e);
	}
	if (rc == 1)
		return err_set(e, ERR_BUSY, 0, "definitions changed during "
		    "each of %d attempts at a snapshot", REPEATS);
	if (rc != 0)
		return -1;
	if (s->has_backup_lock && !first && conn_exec(s->lock,
	    "UNLOCK INSTANCE", e) != 0)
		return -1;
	if (!first)
		s->facts.ddl_held_ms = s->has_backup_lock ?
		    (uint64_t)(clock_mono_ms() - since) :
		    s->facts.commits_held_ms;
	s->facts.method = "ftwrl";
	s->facts.proven = true;
	(void)snprintf(s->facts.proof, sizeof(s->facts.proof), "snapshots and "
	    "coordinates under FLUSH TABLES WITH READ LOCK; definitions %s",
	    s->has_backup_lock ? "under LOCK INSTANCE FOR BACKUP" :
	    "compared before and under the lock");
	return 0;
}

/* --- MariaDB: BACKUP STAGE --- */

/* One attempt.  1: a definition under way stands in the way of reading.  It
 * waits for our stage with its table locked: only going back helps both. */
static int
try_stage(struct snapshot *s, struct err *e)
{
	int64_t since;
	struct hold hold;
	int rc;

	if (patient(s, s->lock, "BACKUP STAGE START", "BACKUP STAGE START",
	    e) != 0)
		return -1;
	since = clock_mono_ms();
	if (patient(s, s->lock, "BACKUP STAGE BLOCK_DDL",
	    "BACKUP STAGE BLOCK_DDL", e) != 0)
		return -1;
	if (snapshot_read_ddl(s, NULL, e) != 0) {
		if (e->sys != 1205)
			return -1;
		return conn_exec(s->lock, "BACKUP STAGE END", e) == 0 ? 1 : -1;
	}
	if (patient(s, s->lock, "BACKUP STAGE BLOCK_COMMIT",
	    "BACKUP STAGE BLOCK_COMMIT", e) != 0)
		return -1;
	if (hold_start(&hold, s, &s->lock, 1, e) != 0)
		return -1;
	rc = under_lock(s, s->lock, e);
	if (rc == 0)
		rc = conn_exec(s->lock, "BACKUP STAGE END", e);
	if (hold_end(&hold, s, e) != 0 || rc != 0)
		return -1;
	s->facts.ddl_held_ms = (uint64_t)(clock_mono_ms() - since);
	return 0;
}

int
snapshot_by_stage(struct snapshot *s, struct err *e)
{
	int64_t until = clock_mono_ms() + (int64_t)s->opts->lock_wait_ms;
	unsigned attempt = 0;
	int rc;

	if (set_lock_wait(s->lock, e) != 0 ||
	    set_lock_wait(s->conns[0], e) != 0)
		return -1;
	while ((rc = try_stage(s, e)) == 1) {
		if (clock_mono_ms() >= until) {
			blocker_name(s, e);
			return err_wrap(e, "read the definitions");
		}
		*e = (struct err){0};
		if (cancel_wait(s->opts->cancel, 500 +
		    clock_backoff_ms(++attempt, 500, 5000), e) != 0)
			return -1;
	}
	if (rc != 0 || snapshot_lock_wait(s, s->conns[0], e) != 0)
		return -1;
	s->facts.method = "backup_stage";
	s->facts.proven = true;
	(void)snprintf(s->facts.proof, sizeof(s->facts.proof), "definitions "
	    "under BACKUP STAGE BLOCK_DDL, snapshots and coordinates under "
	    "BLOCK_COMMIT");
	return 0;
}

/* --- LOCK TABLES in side connections --- */

struct locks {
	struct snapshot *s;
	struct conn **conns;
	size_t n;
	struct buf sql;
};

static int
locks_flush(struct locks *l, struct err *e)
{
	struct conn **conns, *c;

	if (l->sql.len == 0)
		return 0;
	conns = realloc(l->conns, (l->n + 1) * sizeof(*conns));
	if (conns == NULL)
		return err_set(e, ERR_NOMEM, 0, "locks");
	l->conns = conns;
	c = conn_open(l->s->opts->conn, e);
	if (c == NULL)
		return -1;
	l->conns[l->n++] = c;
	if (set_lock_wait(c, e) != 0 || buf_check(&l->sql, "LOCK TABLES",
	    e) != 0 || patient(l->s, c, buf_str(&l->sql), "LOCK TABLES",
	    e) != 0)
		return -1;
	buf_clear(&l->sql);
	return 0;
}

static int
locks_add(void *arg, const char *schema, const char *table, struct err *e)
{
	struct locks *l = arg;

	buf_adds(&l->sql, l->sql.len == 0 ? "LOCK TABLES " : ",");
	sql_ident(&l->sql, schema);
	buf_addc(&l->sql, '.');
	sql_ident(&l->sql, table);
	buf_adds(&l->sql, " READ");
	return l->sql.len < LOCK_SQL_MAX ? 0 : locks_flush(l, e);
}

static void
locks_release(struct locks *l)
{
	while (l->n > 0)
		conn_close(l->conns[--l->n]);
	free(l->conns);
	l->conns = NULL;
	buf_free(&l->sql);
}

static int
try_lock_tables(struct snapshot *s, struct err *e)
{
	struct buf before = {0};
	struct locks l = { .s = s };
	struct hold hold;
	int rc = -1;

	if (snapshot_read_ddl(s, &before, e) != 0)
		goto out;
	if (s->opts->each_table(s->opts->arg, locks_add, &l, e) != 0 ||
	    locks_flush(&l, e) != 0) {
		/* Dropped by now: the definitions say so, or it is an error. */
		if (e->sys == 1146 || e->sys == 1049)
			rc = snapshot_ddl_changed(s, s->side, &before,
			    &(struct err){0});
		if (rc == 1)
			*e = (struct err){0};
		else
			rc = -1;
		goto out;
	}
	if (hold_start(&hold, s, l.conns, l.n, e) != 0)
		goto out;
	/* The locking sessions may read only what they lock: any other
	 * connection reads the rest. */
	rc = under_lock(s, l.n > 0 && s->opts->locked != NULL && l.n == 1 ?
	    l.conns[0] : s->side, e);
	if (rc == 0)
		rc = snapshot_ddl_changed(s, s->side, &before, e);
	if (hold_end(&hold, s, e) != 0)
		rc = -1;
out:	locks_release(&l);
	buf_free(&before);
	return rc;
}

int
snapshot_by_lock_tables(struct snapshot *s, struct err *e)
{
	int rc = 1, i;

	for (i = 0; i < REPEATS && rc == 1; i++) {
		if (i > 0 && snapshot_rollback_all(s, e) != 0)
			return -1;
		rc = try_lock_tables(s, e);
	}
	if (rc == 1)
		return err_set(e, ERR_BUSY, 0, "definitions changed during "
		    "each of %d attempts at a snapshot", REPEATS);
	if (rc != 0)
		return -1;
	s->facts.ddl_held_ms = s->facts.commits_held_ms;
	s->facts.method = "lock_tables";
	s->facts.proven = true;
	(void)snprintf(s->facts.proof, sizeof(s->facts.proof), "snapshots and "
	    "coordinates while every table in scope was locked by LOCK "
	    "TABLES; definitions compared before and under the locks");
	return 0;
}
