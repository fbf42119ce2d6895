/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_free: snapshots without locks, proven by the binary log. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/snapshot_impl.h"

/* Longer than a group commit takes: between two equal readings no transaction
 * was on its way from the binary log into the engine.  The shorter time does
 * where the process list shows every session, and none is committing. */
#define QUIET_MS	50u
#define QUIET_SEEN_MS	15u

/* file, position and GTID set as one text. */
static int
where(struct snapshot *s, struct buf *out, struct err *e)
{
	if (coordinates_read(s, s->side, e) != 0)
		return -1;
	buf_clear(out);
	buf_addf(out, "%s:%llu:%s", s->facts.file,
	    (unsigned long long)s->facts.position, s->facts.gtid);
	return buf_check(out, "coordinates", e);
}

/* *sees: the process list is everybody's (right PROCESS); *busy: somebody is
 * between the binary log and the end of a commit. */
static int
committing(struct snapshot *s, bool *sees, bool *busy, struct err *e)
{
	struct result *r;
	unsigned long *len;
	char **row;
	int got;

	*sees = *busy = false;
	if (s->flavour->version < 80000)
		return 0;
	r = conn_query(s->side, "SELECT COALESCE(SUM(USER IN "
	    "('event_scheduler','system user')),0), COALESCE(SUM(STATE LIKE "
	    "'waiting for handler commit%'),0) FROM information_schema.PROCESSLIST", true, e);
	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1) {
		*sees = strcmp(row[0], "0") != 0;
		*busy = strcmp(row[1], "0") != 0;
	}
	result_free(r);
	return got < 0 ? -1 : 0;
}

/* MySQL: 1 when nothing was committed from before the first snapshot until
 * after the last. */
static int
try_mysql(struct snapshot *s, struct err *e)
{
	struct buf a = {0}, b = {0};
	bool sees, busy;
	int rc = -1;

	if (committing(s, &sees, &busy, e) != 0 || where(s, &a, e) != 0 ||
	    cancel_wait(s->opts->cancel, sees ? QUIET_SEEN_MS : QUIET_MS,
	    e) != 0 || committing(s, &sees, &busy, e) != 0 ||
	    where(s, &b, e) != 0)
		goto out;
	rc = 0;
	if (busy || strcmp(buf_str(&a), buf_str(&b)) != 0)
		goto out;
	rc = -1;
	if (snapshot_begin_all(s, e) != 0 || where(s, &b, e) != 0)
		goto out;
	rc = strcmp(buf_str(&a), buf_str(&b)) == 0;
out:	buf_free(&a);
	buf_free(&b);
	return rc;
}

/* MariaDB: each snapshot knows its own place in the binary log. */
static int
place_of(struct conn *c, struct buf *out, struct err *e)
{
	struct result *r = conn_query(c, "SHOW STATUS WHERE Variable_name IN "
	    "('Binlog_snapshot_file','Binlog_snapshot_position')", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	buf_clear(out);
	while ((got = result_next(r, &row, &len, e)) == 1)
		buf_addf(out, "%s%s", out->len > 0 ? "\n" : "",
		    row[1] != NULL ? row[1] : "");
	result_free(r);
	return got != 0 ? -1 : buf_check(out, "coordinates", e);
}

static int
take_place(struct snapshot *s, const char *text, struct err *e)
{
	struct snapshot_facts *x = &s->facts;
	const char *lf = strchr(text, '\n');
	struct buf sql = {0}, gtid = {0};
	int rc = -1;

	coordinates_clear(x);
	if (lf == NULL || lf == text ||
	    (size_t)(lf - text) >= sizeof(x->file)) {
		(void)err_set(e, ERR_IO, 0, "the server shows no place of its "
		    "snapshot in the binary log");
		return -1;
	}
	memcpy(x->file, text, (size_t)(lf - text));
	x->file[lf - text] = '\0';
	x->position = strtoull(lf + 1, NULL, 10);
	buf_adds(&sql, "SELECT COALESCE(BINLOG_GTID_POS(");
	sql_string(&sql, x->file, strlen(x->file));
	buf_addf(&sql, ",%llu),'?')", (unsigned long long)x->position);
	if (buf_check(&sql, "SELECT", e) == 0 &&
	    conn_value(s->side, buf_str(&sql), &gtid, e) == 0) {
		if (strcmp(buf_str(&gtid), "?") == 0) {
			(void)err_set(e, ERR_AGAIN, 0, "no GTID for %s:%llu",
			    x->file, (unsigned long long)x->position);
		} else {
			x->gtid = strdup(buf_str(&gtid));
			rc = x->gtid != NULL ? 0 : -1;
		}
	}
	buf_free(&sql);
	buf_free(&gtid);
	return rc;
}

static int
try_mariadb(struct snapshot *s, struct err *e)
{
	struct buf first = {0}, other = {0};
	int rc = -1, same = 1;
	unsigned i;

	if (snapshot_begin_all(s, e) != 0 ||
	    place_of(s->conns[0], &first, e) != 0)
		goto out;
	for (i = 1; i < s->n && same; i++) {
		if (place_of(s->conns[i], &other, e) != 0)
			goto out;
		same = strcmp(buf_str(&first), buf_str(&other)) == 0;
	}
	rc = same;
	if (same && take_place(s, buf_str(&first), e) != 0)
		rc = -1;
out:	buf_free(&first);
	buf_free(&other);
	return rc;
}

/* 1: proven, 0: not now, 2: by then the definitions were others. */
static int
try_once(struct snapshot *s, const struct buf *before, struct err *e)
{
	int rc = s->flavour->kind == FLAVOUR_MARIADB ? try_mariadb(s, e) :
	    try_mysql(s, e), changed;

	if (rc != 1)
		return rc;
	changed = snapshot_ddl_changed(s, s->side, before, e);
	return changed < 0 ? -1 : changed == 1 ? 2 : 1;
}

/* Until a moment without commits is found, or the time is up. */
static int
try_all(struct snapshot *s, struct buf *before, struct err *e)
{
	int64_t until = clock_mono_ms() + (int64_t)s->opts->wait_ms;
	int rc = 2;

	for (;;) {
		if (rc == 2 && snapshot_read_ddl(s, before, e) != 0)
			return -1;
		rc = try_once(s, before, e);
		if (rc < 0 || rc == 1)
			return rc < 0 ? -1 : 0;
		if (snapshot_rollback_all(s, e) != 0)
			return -1;
		if (clock_mono_ms() >= until)
			return err_set(e, ERR_BUSY, 0, "no moment without "
			    "commits was found in %llu s to prove a snapshot "
			    "lock-free", (unsigned long long)
			    s->opts->wait_ms / 1000);
		if (cancel_wait(s->opts->cancel, clock_backoff_ms(3, 10, 50),
		    e) != 0)
			return -1;
	}
}

int
snapshot_lock_free(struct snapshot *s, struct err *e)
{
	struct buf before = {0};
	int rc;

	if (!s->flavour->log_bin)
		return err_set(e, ERR_DENIED, 0, "without a binary log no "
		    "snapshot can be proven lock-free");
	if (s->flavour->kind == FLAVOUR_MYSQL && !s->flavour->gtid)
		return err_set(e, ERR_DENIED, 0, "without gtid_mode=ON no "
		    "snapshot can be proven lock-free");
	if (s->opts->locked != NULL)
		return err_set(e, ERR_DENIED, 0, "tables of engines without "
		    "transactions need a lock");
	rc = try_all(s, &before, e);
	buf_free(&before);
	if (rc != 0)
		return -1;
	if (coordinates_more(s, s->side, e) != 0)
		return -1;
	s->facts.method = "lock_free";
	s->facts.proven = true;
	(void)snprintf(s->facts.proof, sizeof(s->facts.proof), "%s",
	    s->flavour->kind == FLAVOUR_MARIADB ?
	    "every snapshot's own binary log position is the same; "
	    "definitions compared before and after" :
	    "binary log position and gtid_executed equal before and after "
	    "all snapshots opened; definitions compared before and after");
	return 0;
}

int
snapshot_unproven(struct snapshot *s, struct err *e)
{
	if (s->opts->read_ddl(s->opts->arg, s->conns[0], e) != 0 ||
	    (s->opts->locked != NULL && s->opts->locked(s->opts->arg, s->side,
	    e) != 0) || snapshot_begin_all(s, e) != 0)
		return -1;
	/* What little can be known: coordinates without a lock. */
	if (coordinates_read(s, s->side, e) != 0) {
		if (e->code != ERR_DENIED)
			return -1;
		*e = (struct err){0};
		coordinates_clear(&s->facts);
		s->facts.gtid = strdup("");
	}
	s->facts.method = "none";
	s->facts.proven = false;
	(void)snprintf(s->facts.proof, sizeof(s->facts.proof),
	    "none: snapshots were opened one after another while others "
	    "could commit");
	return 0;
}
