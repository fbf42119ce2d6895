/* SPDX-License-Identifier: Apache-2.0 */
/* dump: the workers that read all tables of a plan. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/plan.h"
#include "backupd/select.h"
#include "backupd/share.h"
#include "backupd/table_run.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "mysql/range.h"
#include "mysql/snapshot.h"

#include "backupd/dump.h"

/* Parts are what workers give to one another: small against what each reads,
 * and no smaller than what costs more to begin than to read. */
#define PART_MIN	((uint64_t)16 << 20)
#define PART_MAX	((uint64_t)1 << 30)
#define PARTS_EACH	32	/* of a table, for each worker */

struct dump {
	const struct dump_opts *opts;
	struct share *share;
	pthread_mutex_t lock;	/* guards the fields below */
	struct dump_inexact *inexact;
	struct table_run *live;	/* begun and not yet read to the end */
	bool failed;
	struct err err;
};

struct worker {
	struct dump *dump;
	unsigned number;
	struct conn *conn;
	struct chunker *chunker;
	pthread_t thread;
};

static void
live_add(struct dump *d, struct table_run *t)
{
	(void)pthread_mutex_lock(&d->lock);
	t->next = d->live;
	d->live = t;
	(void)pthread_mutex_unlock(&d->lock);
}

static void
live_remove(struct dump *d, const struct table_run *t)
{
	struct table_run **p;

	(void)pthread_mutex_lock(&d->lock);
	for (p = &d->live; *p != NULL; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	(void)pthread_mutex_unlock(&d->lock);
}

/* The server's own words on a definition that changed, in ours. */
static int
changed(const struct plan_item *it, const char *how, struct err *e)
{
	struct err inner = *e;

	*e = (struct err){0};
	(void)err_set(e, ERR_AGAIN, 0, "table %s.%s: it was %s while the dump "
	    "ran%s%s", it->schema, it->name, how, inner.msg[0] != '\0' ?
	    ": " : "", inner.msg);
	return err_hint(e, "keep DDL off this table until it has been read, "
	    "then run again");
}

static int
explain(const struct plan_item *it, struct err *e)
{
	switch (e->sys) {
	case 1412:
		return changed(it, "truncated, rebuilt or altered", e);
	case 1146: case 1932: case 1049:
		return changed(it, "dropped or renamed", e);
	case 1054:
		return changed(it, "altered", e);
	default:
		return err_wrap(e, "table %s.%s", it->schema, it->name);
	}
}

/* Take the metadata lock, then see that the definition is still the one in the
 * bundle.  The lock is held until the savepoint is rolled back. */
static int
begin_table(struct conn *c, const struct flavour *f,
    const struct plan_item *it, struct err *e)
{
	const struct schema_item item = { .kind = SCHEMA_TABLE,
	    .schema = it->schema, .name = it->name, .type = it->type };
	struct buf sql = {0};
	uint8_t digest[32];
	int rc = -1;

	buf_adds(&sql, "SELECT 1 FROM ");
	sql_ident(&sql, it->schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, it->name);
	buf_adds(&sql, " LIMIT 0");
	if (buf_check(&sql, "statement", e) != 0 ||
	    conn_exec(c, "SAVEPOINT kura", e) != 0)
		goto out;
	result_free(conn_query(c, buf_str(&sql), true, e));
	if (e->code != ERR_NONE)
		goto out;
	buf_clear(&sql);
	if (schema_ddl(c, f, &item, &sql, NULL, e) != 0)
		goto out;
	plan_ddl_digest(buf_str(&sql), sql.len, digest);
	if (memcmp(digest, it->ddl_digest, sizeof(digest)) != 0) {
		(void)changed(it, "altered", e);
		buf_free(&sql);
		return -1;
	}
	rc = 0;
out:	buf_free(&sql);
	return rc == 0 ? 0 : explain(it, e);
}

static int
end_table(struct conn *c, struct err *e)
{
	return conn_exec(c, "ROLLBACK TO SAVEPOINT kura", e);
}

static int
read_definition(struct conn *c, const struct flavour *f, struct table_run *t,
    struct err *e)
{
	if (schema_table_read(c, f, t->item->schema, t->item->name, &t->def,
	    e) != 0)
		return explain(t->item, e);
	t->njson = select_extras(&t->def);
	if (t->njson > 0) {
		t->changed = calloc(t->def.ncolumns, sizeof(*t->changed));
		if (t->changed == NULL)
			return err_set(e, ERR_NOMEM, 0, "table");
	}
	return 0;
}

static int
note_inexact(struct dump_inexact **list, const struct table_run *t,
    struct err *e)
{
	struct dump_inexact *x;
	size_t i;

	for (i = 0; t->changed != NULL && i < t->def.ncolumns; i++) {
		if (t->changed[i] == 0)
			continue;
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return err_set(e, ERR_NOMEM, 0, "table");
		*x = (struct dump_inexact){ .table = t->item->n,
		    .column = (uint32_t)i, .rows = t->changed[i] };
		x->next = *list;
		*list = x;
	}
	return 0;
}

/* So many parts are in chunks; the last ones write the table's line. */
static int
parts_done(struct dump *d, struct table_run *t, size_t n, struct err *e)
{
	json_t *line;
	bool last;
	int rc;

	(void)pthread_mutex_lock(&t->lock);
	t->pending -= n;
	last = t->pending == 0;
	(void)pthread_mutex_unlock(&t->lock);
	if (!last)
		return 0;
	line = table_run_line(t);
	rc = line == NULL ? err_set(e, ERR_NOMEM, 0, "list line") :
	    list_add(d->opts->lists, line, e);
	json_decref(line);
	(void)pthread_mutex_lock(&d->lock);
	if (rc == 0)
		rc = note_inexact(&d->inexact, t, e);
	(void)pthread_mutex_unlock(&d->lock);
	d->opts->chunker.totals->done.tables++;
	live_remove(d, t);
	table_run_free(t);
	return rc;
}

/* Divide a large table into parts. */
static int
split(const struct worker *w, struct table_run *t, struct err *e)
{
	const struct dump_opts *o = w->dump->opts;
	unsigned workers = snapshot_workers(o->snapshot);
	uint64_t bytes = t->def.bytes > 0 ? t->def.bytes : t->item->bytes;
	uint64_t rows = t->def.rows > 0 ? t->def.rows : t->item->rows;
	uint64_t aim = o->range_bytes, target;
	struct range *parts = NULL;
	size_t n = 0;

	if (aim == 0) {
		aim = bytes / ((uint64_t)workers * PARTS_EACH);
		aim = aim < PART_MIN ? PART_MIN : aim;
		aim = aim > PART_MAX ? PART_MAX : aim;
	}
	if (bytes < 2 * aim || workers == 1 || rows == 0)
		return 0;
	target = (uint64_t)((double)rows * ((double)aim / (double)bytes));
	if (range_split(w->conn, o->flavour, &t->def, target == 0 ? 1 :
	    target, &parts, &n, e) != 0)
		return explain(t->item, e);
	assert(n > 0);
	range_list_free(t->parts, t->nparts);
	t->parts = parts;
	t->nparts = t->pending = n;
	t->part_bytes = bytes / n;
	return 0;
}

static const struct range *
next_part(void *arg)
{
	const struct worker *w = arg;

	return share_next(w->dump->share, w->number);
}

static void
open_parts(void *arg)
{
	const struct worker *w = arg;

	share_open(w->dump->share, w->number);
}

/* Read what this worker has of a table; the metadata lock is held. */
static int
read_parts(struct worker *w, struct table_run *t, bool first, struct err *e)
{
	const struct chunker_range range = { .next = next_part,
	    .ready = first ? open_parts : NULL, .arg = w };

	if (chunker_read(w->chunker, w->conn, t, &range, e) != 0)
		return explain(t->item, e);
	return end_table(w->conn, e) != 0 ? -1 : parts_done(w->dump, t,
	    share_end(w->dump->share, w->number), e);
}

static int
do_table(struct worker *w, const struct plan_item *it, struct err *e)
{
	const struct flavour *f = w->dump->opts->flavour;
	struct table_run *t = table_run_new(it, e);

	if (t == NULL)
		return -1;
	/* Others may read it longer than this call lasts: dump_run frees what
	 * is left. */
	live_add(w->dump, t);
	if (begin_table(w->conn, f, it, e) != 0 ||
	    read_definition(w->conn, f, t, e) != 0)
		return -1;
	if (!schema_engine_rows(it->type))
		return end_table(w->conn, e) != 0 ? -1 :
		    parts_done(w->dump, t, 1, e);
	if (split(w, t, e) != 0)
		return -1;
	share_begin(w->dump->share, w->number, t);
	return read_parts(w, t, true, e);
}

static int
do_parts(struct worker *w, struct table_run *t, struct err *e)
{
	return begin_table(w->conn, w->dump->opts->flavour, t->item,
	    e) != 0 ? -1 : read_parts(w, t, false, e);
}

static void
fail(struct dump *d, const struct err *e)
{
	(void)pthread_mutex_lock(&d->lock);
	if (!d->failed || d->err.code == ERR_CANCELLED)
		d->err = *e;
	d->failed = true;
	(void)pthread_mutex_unlock(&d->lock);
	share_stop(d->share);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct dump *d = w->dump;
	struct err e = {0};
	struct plan_item *item;
	struct table_run *table;
	enum share_kind kind;
	int rc = 0;

	if (conn_thread_init(&e) != 0) {
		fail(d, &e);
		return NULL;
	}
	while (rc == 0) {
		kind = share_take(d->share, w->number, &item, &table);
		if (kind == SHARE_NOTHING)
			break;
		rc = kind == SHARE_TABLE ? do_table(w, item, &e) :
		    do_parts(w, table, &e);
		if (rc != 0)
			fail(d, &e);
		(void)share_end(d->share, w->number);
	}
	if (rc == 0 && chunker_settle(w->chunker, &e) != 0)
		fail(d, &e);
	conn_thread_end();
	return NULL;
}

static int
emit_list(void *arg, const json_t *line, struct err *e)
{
	return list_add(arg, line, e);
}

static int
emit_plan(void *arg, const json_t *line, struct err *e)
{
	return plan_keep_line(arg, json_dumps(line, JSON_COMPACT), e);
}

static int
start_worker(struct worker *w, struct dump *d, unsigned i, struct err *e)
{
	struct chunker_opts copts = d->opts->chunker;
	int error;

	w->dump = d;
	w->number = i;
	w->conn = snapshot_conn(d->opts->snapshot, i);
	copts.emit = emit_list;
	copts.arg = d->opts->lists;
	w->chunker = chunker_new(&copts, e);
	if (w->chunker == NULL)
		return -1;
	error = pthread_create(&w->thread, NULL, work, w);
	if (error != 0) {
		chunker_free(w->chunker);
		return err_set(e, ERR_NOMEM, error, "start worker");
	}
	return 0;
}

int
dump_run(const struct dump_opts *opts, struct dump_inexact **inexact,
    struct err *e)
{
	unsigned n = snapshot_workers(opts->snapshot), started = 0, i;
	struct worker *workers = calloc(n, sizeof(*workers));
	struct dump d = { .opts = opts, .inexact = *inexact };
	struct err start = {0};
	struct table_run *live;

	d.share = share_new(opts->plan, n, e);
	if (workers == NULL || d.share == NULL) {
		free(workers);
		share_free(d.share);
		return err_set(e, ERR_NOMEM, 0, "workers");
	}
	(void)pthread_mutex_init(&d.lock, NULL);
	for (; started < n; started++)
		if (start_worker(&workers[started], &d, started, &start) != 0) {
			fail(&d, &start);
			break;
		}
	for (i = 0; i < started; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		chunker_free(workers[i].chunker);
	}
	while (d.live != NULL) {
		live = d.live;
		d.live = live->next;
		table_run_free(live);
	}
	(void)pthread_mutex_destroy(&d.lock);
	share_free(d.share);
	free(workers);
	*inexact = d.inexact;
	if (d.failed)
		*e = d.err;
	return d.failed ? -1 : 0;
}

/* All of a table, once. */
static const struct range *
whole(void *arg)
{
	static const struct range all;
	bool *given = arg;

	if (*given)
		return NULL;
	*given = true;
	return &all;
}

int
dump_locked(const struct dump_opts *opts, struct conn *c,
    struct plan_item *item, struct dump_inexact **inexact, struct err *e)
{
	struct chunker_opts copts = opts->chunker;
	bool given = false;
	const struct chunker_range all = { .next = whole, .arg = &given };
	struct chunker *k;
	struct table_run *t;
	json_t *line;
	int rc = -1;

	copts.emit = emit_plan;
	copts.arg = opts->plan;
	k = chunker_new(&copts, e);
	t = k == NULL ? NULL : table_run_new(item, e);
	if (t == NULL)
		goto out;
	t->locked = true;
	if (read_definition(c, opts->flavour, t, e) != 0)
		goto out;
	if (chunker_read(k, c, t, &all, e) != 0 ||
	    chunker_settle(k, e) != 0) {
		(void)explain(item, e);
		goto out;
	}
	line = table_run_line(t);
	rc = line == NULL ? err_set(e, ERR_NOMEM, 0, "list line") :
	    emit_plan(opts->plan, line, e);
	json_decref(line);
	if (rc == 0)
		rc = note_inexact(inexact, t, e);
	item->dumped = rc == 0;
	copts.totals->done.tables++;
out:	table_run_free(t);
	chunker_free(k);
	return rc;
}

void
dump_inexact_free(struct dump_inexact *list)
{
	struct dump_inexact *next;

	for (; list != NULL; list = next) {
		next = list->next;
		free(list);
	}
}
