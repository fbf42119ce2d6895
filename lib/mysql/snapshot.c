/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: N connections that see one consistent state. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"

#include "mysql/snapshot_impl.h"

#define IDLE_S 86400	/* sessions outlive any wait for the store */

int
snapshot_begin_all(struct snapshot *s, struct err *e)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		/* Warning 138 would say that no snapshot was made. */
		if (conn_exec(s->conns[i], "START TRANSACTION WITH CONSISTENT "
		    "SNAPSHOT", e) != 0 ||
		    conn_check_warnings(s->conns[i], NULL, e) != 0)
			return err_wrap(e, "open snapshot %u", i + 1);
	}
	s->facts.at_us = clock_now_us();
	return 0;
}

int
snapshot_rollback_all(struct snapshot *s, struct err *e)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (conn_exec(s->conns[i], "ROLLBACK", e) != 0)
			return -1;
	return 0;
}

int
snapshot_read_ddl(struct snapshot *s, struct buf *before, struct err *e)
{
	/* What is created while the definitions are read must show later. */
	if (before != NULL)
		buf_clear(before);
	if (before != NULL && s->opts->fingerprint != NULL &&
	    s->opts->fingerprint(s->opts->arg, s->side, before, e) != 0)
		return -1;
	return s->opts->read_ddl(s->opts->arg, s->conns[0], e);
}

int
snapshot_ddl_changed(struct snapshot *s, struct conn *c,
    const struct buf *before, struct err *e)
{
	struct buf now = {0};
	int rc = 0;

	if (s->opts->fingerprint != NULL)
		rc = s->opts->fingerprint(s->opts->arg, c, &now, e);
	if (rc == 0 && s->opts->fingerprint != NULL &&
	    strcmp(buf_str(before), buf_str(&now)) != 0) {
		log_event(LOG_INFO_, "definitions changed before the snapshot "
		    "stood: both are taken again", NULL);
		rc = 1;
	}
	buf_free(&now);
	return rc;
}

int
snapshot_lock_wait(struct snapshot *s, struct conn *c, struct err *e)
{
	uint64_t seconds = s->opts->lock_wait_ms / 1000;

	return conn_execf(c, e, "SET SESSION lock_wait_timeout=%" PRIu64,
	    seconds > 0 ? seconds : 1);
}

static int
open_session(struct snapshot *s, struct conn **out, struct err *e)
{
	*out = conn_open(s->opts->conn, e);
	if (*out == NULL ||
	    flavour_dump_session(*out, s->flavour, IDLE_S, e) != 0)
		return -1;
	return snapshot_lock_wait(s, *out, e);
}

/* A proxy may send each connection to another server: see that all of them
 * are on the one that was probed. */
static int
same_server(struct snapshot *s, struct conn *c, struct err *e)
{
	struct flavour f;

	if (flavour_probe(c, &f, e) != 0)
		return -1;
	if (f.server_id != s->flavour->server_id ||
	    strcmp(f.uuid, s->flavour->uuid) != 0 ||
	    strcmp(f.host, s->flavour->host) != 0) {
		(void)err_set(e, ERR_USAGE, 0, "connections reach different "
		    "servers (%s, %s): a proxy or balancer stands between",
		    s->flavour->host, f.host);
		return err_hint(e, "give --host the server itself");
	}
	return 0;
}

static int
open_all(struct snapshot *s, struct err *e)
{
	unsigned i;

	if (open_session(s, &s->side, e) != 0 ||
	    open_session(s, &s->lock, e) != 0)
		return -1;
	for (i = 0; i < s->n; i++)
		if (open_session(s, &s->conns[i], e) != 0 ||
		    same_server(s, s->conns[i], e) != 0)
			return -1;
	return 0;
}

/* The lock connection may hold half of what was refused later: start anew. */
static int
fresh_lock(struct snapshot *s, struct err *e)
{
	conn_close(s->lock);
	s->lock = NULL;
	return open_session(s, &s->lock, e);
}

static int
by_method(struct snapshot *s, enum snapshot_method m, struct err *e)
{
	switch (m) {
	case SNAPSHOT_FTWRL:
		return snapshot_by_ftwrl(s, e);
	case SNAPSHOT_BACKUP_STAGE:
		return snapshot_by_stage(s, e);
	case SNAPSHOT_LOCK_TABLES:
		return snapshot_by_lock_tables(s, e);
	case SNAPSHOT_LOCK_FREE:
		return snapshot_lock_free(s, e);
	case SNAPSHOT_NONE:
	case SNAPSHOT_AUTO:
		break;
	}
	return snapshot_unproven(s, e);
}

/* Refused for lack of rights, or (lock-free) not possible now: the next way
 * may do. */
static bool
try_next(const struct err *e, enum snapshot_method m)
{
	return e->code == ERR_DENIED ||
	    (m == SNAPSHOT_LOCK_FREE && e->code == ERR_BUSY);
}

static int
automatic(struct snapshot *s, struct err *e)
{
	const enum snapshot_method ways[] = {
		s->flavour->kind == FLAVOUR_MARIADB &&
		    !s->opts->non_transactional ? SNAPSHOT_BACKUP_STAGE :
		    SNAPSHOT_FTWRL,
		SNAPSHOT_LOCK_FREE, SNAPSHOT_LOCK_TABLES,
	};
	struct err first = {0}, one;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		one = (struct err){0};
		if (by_method(s, ways[i], &one) == 0)
			return 0;
		if (!try_next(&one, ways[i])) {
			*e = one;
			return -1;
		}
		log_event(LOG_INFO_, "this way to a snapshot is closed",
		    "why", one.msg, NULL);
		if (first.code == ERR_NONE)
			first = one;
		if (snapshot_rollback_all(s, e) != 0 || fresh_lock(s, e) != 0)
			return -1;
	}
	if (s->opts->allow_unproven)
		return snapshot_unproven(s, e);
	*e = first;
	(void)err_wrap(e, "no consistent snapshot can be proven");
	e->hint[0] = '\0';
	return err_hint(e, "grant %s, or use --allow-unproven",
	    s->flavour->kind == FLAVOUR_MARIADB ? "RELOAD" :
	    "RELOAD and BACKUP_ADMIN");
}

struct snapshot *
snapshot_open(const struct snapshot_opts *opts, const struct flavour *f,
    struct err *e)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int rc;

	assert(opts->workers > 0 && opts->workers <= 64);
	if (s == NULL)
		goto nomem;
	s->conns = calloc(opts->workers, sizeof(*s->conns));
	if (s->conns == NULL)
		goto nomem;
	s->n = opts->workers;
	s->opts = opts;
	s->flavour = f;
	if (open_all(s, e) != 0)
		goto fail;
	rc = opts->method == SNAPSHOT_AUTO ? automatic(s, e) :
	    by_method(s, opts->method, e);
	if (rc != 0)
		goto fail;
	if (opts->test_late_ms > 0 &&
	    (cancel_wait(opts->cancel, opts->test_late_ms, e) != 0 ||
	    conn_exec(s->conns[0], "ROLLBACK", e) != 0 ||
	    conn_exec(s->conns[0], "START TRANSACTION WITH CONSISTENT "
	    "SNAPSHOT", e) != 0))
		goto fail;
	conn_close(s->lock);
	conn_close(s->side);
	s->lock = s->side = NULL;
	s->opts = NULL;
	return s;

nomem:	(void)err_set(e, ERR_NOMEM, 0, "snapshot");
fail:	snapshot_close(s);
	return NULL;
}

struct conn *
snapshot_conn(struct snapshot *s, unsigned i)
{
	assert(i < s->n);
	return s->conns[i];
}

unsigned
snapshot_workers(const struct snapshot *s)
{
	return s->n;
}

const struct snapshot_facts *
snapshot_facts(const struct snapshot *s)
{
	return &s->facts;
}

void
snapshot_close(struct snapshot *s)
{
	unsigned i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		conn_close(s->conns[i]);
	conn_close(s->lock);
	conn_close(s->side);
	coordinates_clear(&s->facts);
	free(s->conns);
	free(s);
}
