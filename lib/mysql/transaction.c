/* SPDX-License-Identifier: Apache-2.0 */
/* transaction: a stream of binary log events, cut into transactions. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "mysql/transaction_impl.h"

struct transactions {
	struct transaction now;
	struct transaction_tables tables;
	bool open;	/* within a transaction */
	bool begun;	/* it ends with COMMIT or the like */
	bool statement, ddl, xa_prepare, xa_commit, xa_rollback;
	struct buf room;
};

struct transactions *
transactions_new(struct err *e)
{
	struct transactions *t = calloc(1, sizeof(*t));

	if (t == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "transactions");
	return t;
}

void
transactions_begin(struct transactions *t)
{
	transaction_tables_clear(&t->tables);
	t->now = (struct transaction){0};
	t->open = t->begun = false;
	t->statement = t->ddl = false;
	t->xa_prepare = t->xa_commit = t->xa_rollback = false;
}

bool
transactions_idle(const struct transactions *t)
{
	return !t->open;
}

void
transactions_free(struct transactions *t)
{
	if (t == NULL)
		return;
	transaction_tables_clear(&t->tables);
	free(t->tables.tables);
	free(t->tables.maps);
	buf_free(&t->room);
	free(t);
}

/* The first text is kept: that of the statement that makes it what it is. */
static void
keep_sql(struct transactions *t, const char *prefix, const char *sql,
    size_t n)
{
	size_t i, len = strlen(prefix);

	if (t->now.sql[0] != '\0')
		return;
	memcpy(t->now.sql, prefix, len);
	if (n > TRANSACTION_SQL_MAX - len) {
		n = TRANSACTION_SQL_MAX - len;
		/* Not within a character of UTF-8. */
		while (n > 0 && ((unsigned char)sql[n] & 0xc0) == 0x80)
			n--;
	}
	for (i = 0; i < n; i++)
		t->now.sql[len + i] = sql[i] == '\0' ? ' ' : sql[i];
	t->now.sql[len + n] = '\0';
}

/* A statement; *end: it ends the transaction. */
static int
query(struct transactions *t, const struct event *ev,
    const struct event_format *f, bool *end, struct err *e)
{
	struct event_query q;

	buf_clear(&t->room);
	if (event_query(ev, f, &q, &t->room, e) != 0)
		return -1;
	*end = !t->begun;
	switch (statement_kind(q.sql, q.sql_len)) {
	case STATEMENT_BEGIN:
		t->begun = true;
		*end = false;
		return 0;
	case STATEMENT_COMMIT:
		*end = true;
		return 0;
	case STATEMENT_SAVEPOINT:
		return 0;
	case STATEMENT_XA_COMMIT:
		t->xa_commit = *end = true;
		break;
	case STATEMENT_XA_ROLLBACK:
		t->xa_rollback = *end = true;
		break;
	case STATEMENT_ROWS:
		/* MariaDB says itself what is a definition. */
		if (t->now.gtid.ddl)
			t->ddl = true;
		else
			t->statement = t->now.mixed = true;
		break;
	case STATEMENT_OTHER:
		t->ddl = true;
		break;
	}
	if (t->now.sql[0] == '\0' && q.schema_len < sizeof(t->now.schema))
		memcpy(t->now.schema, q.schema, q.schema_len);
	keep_sql(t, "", q.sql, q.sql_len);
	return 0;
}

static int
xa_prepare(struct transactions *t, const struct event *ev, struct err *e)
{
	bool one_phase;

	buf_clear(&t->room);
	if (event_xa(ev, &one_phase, &t->room, e) != 0)
		return -1;
	t->xa_prepare = !one_phase;
	if (!one_phase) {
		t->now.sql[0] = '\0';
		keep_sql(t, "XA PREPARE ", buf_str(&t->room), t->room.len);
	}
	return 0;
}

static int
rows(struct transactions *t, const struct event *ev,
    const struct event_format *f, bool *end, struct err *e)
{
	bool last;

	t->now.row_events++;
	if (transaction_tables_rows(&t->tables, ev, f, &last, e) != 0)
		return -1;
	*end = last && !t->begun;
	return 0;
}

static int
compressed_rows(struct transactions *t, const struct event *ev,
    const struct event_format *f, bool *end, struct err *e)
{
	struct event_format plain;
	struct event inner;

	return event_uncompress(ev, f, &t->room, &inner, &plain, e) != 0 ?
	    -1 : rows(t, &inner, &plain, end, e);
}

/* An event within a transaction that is no payload. */
static int
inside(struct transactions *t, const struct event *ev,
    const struct event_format *f, bool *end, struct err *e)
{
	*end = false;
	switch (ev->type) {
	case EVENT_QUERY:
	case EVENT_MARIA_QUERY_COMPRESSED:
	case EVENT_EXECUTE_LOAD_QUERY:
		return query(t, ev, f, end, e);
	case EVENT_XID:
		*end = true;
		return 0;
	case EVENT_XA_PREPARE:
		*end = true;
		return xa_prepare(t, ev, e);
	case EVENT_INCIDENT:
		t->now.incident = true;
		*end = !t->begun;
		return 0;
	case EVENT_TABLE_MAP:
		return transaction_tables_map(&t->tables, ev, f, e);
	case EVENT_WRITE_V1:
	case EVENT_UPDATE_V1:
	case EVENT_DELETE_V1:
	case EVENT_WRITE:
	case EVENT_UPDATE:
	case EVENT_DELETE:
	case EVENT_PARTIAL_UPDATE:
		return rows(t, ev, f, end, e);
	case EVENT_MARIA_WRITE_COMPRESSED_V1:
	case EVENT_MARIA_UPDATE_COMPRESSED_V1:
	case EVENT_MARIA_DELETE_COMPRESSED_V1:
	case EVENT_MARIA_WRITE_COMPRESSED:
	case EVENT_MARIA_UPDATE_COMPRESSED:
	case EVENT_MARIA_DELETE_COMPRESSED:
		return compressed_rows(t, ev, f, end, e);
	default:
		return 0;
	}
}

/* What cannot be read hides rows, maybe tables, but not where the transaction
 * ends. */
static int
hidden(struct transactions *t, struct err *e)
{
	if (e->code != ERR_CORRUPT)
		return -1;
	*e = (struct err){0};
	t->tables.cut = t->tables.uncounted = true;
	return 0;
}

static int
payload(struct transactions *t, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct event_payload *p = event_payload_open(ev, f, e);
	struct event inner;
	bool end;
	int rc;

	if (p == NULL)
		return hidden(t, e);
	do {
		rc = event_payload_next(p, &inner, e);
		if (rc == 1 && inside(t, &inner, event_payload_format(p),
		    &end, e) != 0)
			rc = -1;
	} while (rc == 1);
	event_payload_close(p);
	return rc == 0 ? 0 : hidden(t, e);
}

/* What may stand between transactions; all else begins one. */
static bool
is_between(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_QUERY:
	case EVENT_MARIA_QUERY_COMPRESSED:
	case EVENT_INTVAR:
	case EVENT_RAND:
	case EVENT_USER_VAR:
	case EVENT_BEGIN_LOAD_QUERY:
	case EVENT_EXECUTE_LOAD_QUERY:
	case EVENT_XID:
	case EVENT_XA_PREPARE:
	case EVENT_PAYLOAD:
	case EVENT_INCIDENT:
	case EVENT_TABLE_MAP:
	case EVENT_WRITE_V1:
	case EVENT_UPDATE_V1:
	case EVENT_DELETE_V1:
	case EVENT_WRITE:
	case EVENT_UPDATE:
	case EVENT_DELETE:
	case EVENT_PARTIAL_UPDATE:
	case EVENT_MARIA_WRITE_COMPRESSED_V1:
	case EVENT_MARIA_UPDATE_COMPRESSED_V1:
	case EVENT_MARIA_DELETE_COMPRESSED_V1:
	case EVENT_MARIA_WRITE_COMPRESSED:
	case EVENT_MARIA_UPDATE_COMPRESSED:
	case EVENT_MARIA_DELETE_COMPRESSED:
		return false;
	default:
		return true;
	}
}

static bool
is_gtid(const struct event *ev)
{
	return ev->type == EVENT_GTID || ev->type == EVENT_ANONYMOUS ||
	    ev->type == EVENT_GTID_TAGGED || ev->type == EVENT_MARIA_GTID;
}

static void
start(struct transactions *t, const struct event *ev, uint64_t offset)
{
	t->open = true;
	t->now.offset = offset;
	t->now.time_us = clock_from_system((int64_t)ev->time * 1000000);
}

static int
start_gtid(struct transactions *t, const struct event *ev,
    const struct event_format *f, uint64_t offset, struct err *e)
{
	struct event_gtid *g = &t->now.gtid;

	start(t, ev, offset);
	if (event_gtid(ev, f, g, e) != 0)
		return -1;
	t->begun = ev->type == EVENT_MARIA_GTID && !g->standalone;
	if (g->commit_us != 0)
		t->now.time_us = clock_from_system(g->commit_us);
	if (g->original_us != 0)
		t->now.time_us = clock_from_system(g->original_us);
	return 0;
}

/* What ends a file or begins one cannot stand within a transaction; but one
 * that a crash left unfinished at the end of a file is none. */
static int
between(struct transactions *t, const struct event *ev, struct err *e)
{
	if (!t->open || (ev->flags & EVENT_FLAG_ARTIFICIAL) != 0)
		return 0;
	if (ev->type == EVENT_FORMAT) {
		transactions_begin(t);
		return 0;
	}
	if (is_gtid(ev) || ev->type == EVENT_ROTATE ||
	    ev->type == EVENT_STOP || ev->type == EVENT_PREVIOUS_GTIDS ||
	    ev->type == EVENT_MARIA_GTID_LIST)
		return err_set(e, ERR_CORRUPT, 0,
		    "%s event within a transaction", event_name(ev->type));
	return 0;
}

static const struct transaction *
finish(struct transactions *t)
{
	struct transaction *now = &t->now;

	now->tables = t->tables.tables;
	now->ntables = t->tables.ntables;
	now->tables_cut = t->tables.cut;
	now->uncounted = t->tables.uncounted;
	if (t->xa_prepare)
		now->kind = TRANSACTION_XA_PREPARE;
	else if (t->xa_commit)
		now->kind = TRANSACTION_XA_COMMIT;
	else if (t->xa_rollback)
		now->kind = TRANSACTION_XA_ROLLBACK;
	else if (t->statement)
		now->kind = TRANSACTION_STATEMENT;
	else if (t->ddl)
		now->kind = TRANSACTION_DDL;
	else
		now->kind = now->row_events > 0 || now->uncounted ?
		    TRANSACTION_ROWS : TRANSACTION_EMPTY;
	t->open = false;
	return now;
}

int
transactions_event(struct transactions *t, const struct event *ev,
    const struct event_format *f, uint64_t offset,
    const struct transaction **done, struct err *e)
{
	bool end = false;
	int rc;

	*done = NULL;
	/* What was lent is given back. */
	if (!t->open)
		transactions_begin(t);
	if (is_between(ev)) {
		rc = between(t, ev, e);
		if (rc == 0 && is_gtid(ev))
			rc = start_gtid(t, ev, f, offset, e);
	} else {
		if (!t->open)
			start(t, ev, offset);
		if (ev->type == EVENT_PAYLOAD) {
			rc = payload(t, ev, f, e);
			end = true;
		} else
			rc = inside(t, ev, f, &end, e);
	}
	if (rc != 0)
		return -1;
	t->now.size = offset + ev->size - t->now.offset;
	if (end)
		*done = finish(t);
	return 0;
}
