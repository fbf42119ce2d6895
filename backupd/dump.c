/* SPDX-License-Identifier: Apache-2.0 */
/* dump: the workers that read all tables of a plan. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/plan.h"
#include "backupd/select.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "mysql/range.h"
#include "mysql/snapshot.h"

#include "backupd/dump.h"

#define RANGE_MIN	((uint64_t)64 << 20)
#define RANGE_MAX	((uint64_t)1 << 30)

/* What one worker is to read: a range of a table that another began. */
struct task {
	struct task *next;
	struct table_run *table;
	struct range range;
	bool last;
};

struct dump {
	const struct dump_opts *opts;
	pthread_mutex_t lock;	/* guards the fields below */
	pthread_cond_t change;
	size_t next;		/* item of the plan to take */
	unsigned busy;
	struct task *tasks;	/* ranges for any worker, in key order */
	struct task **tail;
	struct dump_inexact *inexact;
	struct table_run *live;	/* begun and not yet read to the end */
	bool failed;
	struct err err;
};

struct worker {
	struct dump *dump;
	struct conn *conn;
	struct chunker *chunker;
	pthread_t thread;
	/* While a table is begun: ranges to hand out once its cut is known. */
	struct task *held;
};

static void
task_free(struct task *t)
{
	free(t->range.partition);
	free(t->range.where);
	free(t);
}

static void
table_run_free(struct table_run *t)
{
	if (t == NULL)
		return;
	schema_table_free(&t->def);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->changed);
	free(t);
}

static struct table_run *
table_run_new(const struct plan_item *item, struct err *e)
{
	struct table_run *t = calloc(1, sizeof(*t));

	if (t == NULL || pthread_mutex_init(&t->lock, NULL) != 0) {
		free(t);
		(void)err_set(e, ERR_NOMEM, 0, "table");
		return NULL;
	}
	t->item = item;
	t->pending = 1;
	return t;
}

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
note_inexact(struct dump *d, const struct table_run *t, struct err *e)
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
		(void)pthread_mutex_lock(&d->lock);
		x->next = d->inexact;
		d->inexact = x;
		(void)pthread_mutex_unlock(&d->lock);
	}
	return 0;
}

/* A range was read to the end; the last one writes the table's line. */
static int
range_done(struct dump *d, struct table_run *t, struct err *e)
{
	json_t *line;
	bool last;
	int rc;

	(void)pthread_mutex_lock(&t->lock);
	last = --t->pending == 0;
	(void)pthread_mutex_unlock(&t->lock);
	if (!last)
		return 0;
	line = table_run_line(t);
	rc = line == NULL ? err_set(e, ERR_NOMEM, 0, "list line") :
	    list_add(d->opts->lists, line, e);
	json_decref(line);
	if (rc == 0)
		rc = note_inexact(d, t, e);
	d->opts->chunker.totals->done.tables++;
	live_remove(d, t);
	table_run_free(t);
	return rc;
}

/* Cut a large table; the first range stays with this worker. */
static int
split(struct worker *w, struct table_run *t, struct range *first,
    struct err *e)
{
	struct dump *d = w->dump;
	unsigned workers = snapshot_workers(d->opts->snapshot);
	uint64_t bytes = t->def.bytes > 0 ? t->def.bytes : t->item->bytes;
	uint64_t rows = t->def.rows > 0 ? t->def.rows : t->item->rows;
	uint64_t aim = d->opts->range_bytes, target;
	struct range *ranges = NULL;
	struct task **tail = &w->held, *task;
	size_t n = 0, i;
	int rc = 0;

	*first = (struct range){0};
	if (aim == 0) {
		aim = bytes / ((uint64_t)workers * 4);
		aim = aim < RANGE_MIN ? RANGE_MIN : aim;
		aim = aim > RANGE_MAX ? RANGE_MAX : aim;
	}
	if (bytes < 2 * aim || workers == 1 || rows == 0)
		return 0;
	target = (uint64_t)((double)rows * ((double)aim / (double)bytes));
	if (range_split(w->conn, d->opts->flavour, &t->def,
	    target == 0 ? 1 : target, &ranges, &n, e) != 0)
		return explain(t->item, e);
	assert(n > 0);
	for (i = 1; i < n && rc == 0; i++) {
		task = calloc(1, sizeof(*task));
		if (task == NULL) {
			rc = err_set(e, ERR_NOMEM, 0, "ranges");
			break;
		}
		task->table = t;
		task->range = ranges[i];
		task->last = i == n - 1;
		ranges[i] = (struct range){0};
		*tail = task;
		tail = &task->next;
		t->pending++;
	}
	*first = ranges[0];
	ranges[0] = (struct range){0};
	range_list_free(ranges, n);
	return rc;
}

/* The cut is fixed: hand out the other ranges, before smaller tables. */
static int
hand_out(void *arg, struct err *e)
{
	struct worker *w = arg;
	struct dump *d = w->dump;

	(void)e;
	if (w->held == NULL)
		return 0;
	(void)pthread_mutex_lock(&d->lock);
	*d->tail = w->held;
	while (*d->tail != NULL)
		d->tail = &(*d->tail)->next;
	w->held = NULL;
	(void)pthread_cond_broadcast(&d->change);
	(void)pthread_mutex_unlock(&d->lock);
	return 0;
}

static int
do_table(struct worker *w, struct plan_item *it, struct err *e)
{
	const struct flavour *f = w->dump->opts->flavour;
	struct range first = {0};
	struct table_run *t = table_run_new(it, e);
	bool only;
	int rc = -1;

	if (t == NULL)
		return -1;
	/* Ranges of one table outlive this call: dump_run frees what is left. */
	live_add(w->dump, t);
	if (begin_table(w->conn, f, it, e) != 0 ||
	    read_definition(w->conn, f, t, e) != 0 ||
	    split(w, t, &first, e) != 0)
		goto out;
	only = w->held == NULL;
	if (schema_engine_rows(it->type) && chunker_range(w->chunker, w->conn, t, &first, only, hand_out, w,
	    e) != 0) {
		(void)explain(it, e);
		goto out;
	}
	if (end_table(w->conn, e) != 0)
		goto out;
	rc = range_done(w->dump, t, e);
out:	free(first.partition);
	free(first.where);
	return rc;
}

static int
do_range(struct worker *w, struct task *task, struct err *e)
{
	struct table_run *t = task->table;
	const struct plan_item *it = t->item;
	int rc = -1;

	if (begin_table(w->conn, w->dump->opts->flavour, it, e) != 0)
		goto out;
	if (chunker_range(w->chunker, w->conn, t, &task->range, false, NULL,
	    NULL, e) != 0) {
		(void)explain(it, e);
		goto out;
	}
	if (end_table(w->conn, e) != 0)
		goto out;
	rc = range_done(w->dump, t, e);
out:	task_free(task);
	return rc;
}

/* The next thing to read: a range first, else a table.  0: there is none. */
static int
take(struct dump *d, struct task **task, struct plan_item **item)
{
	struct plan *p = d->opts->plan;
	int got = 0;

	*task = NULL;
	*item = NULL;
	(void)pthread_mutex_lock(&d->lock);
	while (!d->failed) {
		if (d->tasks != NULL) {
			*task = d->tasks;
			d->tasks = (*task)->next;
			if (d->tasks == NULL)
				d->tail = &d->tasks;
			(*task)->next = NULL;
			got = 1;
			break;
		}
		while (d->next < p->nitems && (p->items[d->next].kind !=
		    SCHEMA_TABLE || p->items[d->next].dumped))
			d->next++;
		if (d->next < p->nitems) {
			*item = &p->items[d->next++];
			got = 1;
			break;
		}
		/* A busy worker may still hand out ranges. */
		if (d->busy == 0)
			break;
		(void)pthread_cond_wait(&d->change, &d->lock);
	}
	if (got)
		d->busy++;
	(void)pthread_mutex_unlock(&d->lock);
	return got;
}

static void
fail(struct dump *d, const struct err *e)
{
	(void)pthread_mutex_lock(&d->lock);
	if (!d->failed || d->err.code == ERR_CANCELLED)
		d->err = *e;
	d->failed = true;
	(void)pthread_cond_broadcast(&d->change);
	(void)pthread_mutex_unlock(&d->lock);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct dump *d = w->dump;
	struct err e = {0};
	struct plan_item *item;
	struct task *task;
	int rc;

	if (conn_thread_init(&e) != 0) {
		fail(d, &e);
		return NULL;
	}
	while (take(d, &task, &item)) {
		rc = task != NULL ? do_range(w, task, &e) :
		    do_table(w, item, &e);
		if (rc != 0)
			fail(d, &e);
		(void)pthread_mutex_lock(&d->lock);
		d->busy--;
		(void)pthread_cond_broadcast(&d->change);
		(void)pthread_mutex_unlock(&d->lock);
		if (rc != 0)
			break;
	}
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
	struct dump d = { .opts = opts };
	struct err start = {0};
	struct table_run *live;
	struct task *task;

	if (workers == NULL)
		return err_set(e, ERR_NOMEM, 0, "workers");
	d.tail = &d.tasks;
	(void)pthread_mutex_init(&d.lock, NULL);
	(void)pthread_cond_init(&d.change, NULL);
	for (; started < n; started++)
		if (start_worker(&workers[started], &d, started, &start) != 0) {
			fail(&d, &start);
			break;
		}
	for (i = 0; i < started; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		chunker_free(workers[i].chunker);
		while (workers[i].held != NULL) {
			task = workers[i].held;
			workers[i].held = task->next;
			task_free(task);
		}
	}
	while (d.tasks != NULL) {
		task = d.tasks;
		d.tasks = task->next;
		task_free(task);
	}
	while (d.live != NULL) {
		live = d.live;
		d.live = live->next;
		table_run_free(live);
	}
	(void)pthread_cond_destroy(&d.change);
	(void)pthread_mutex_destroy(&d.lock);
	free(workers);
	*inexact = d.inexact;
	if (d.failed)
		*e = d.err;
	return d.failed ? -1 : 0;
}

int
dump_locked(const struct dump_opts *opts, struct conn *c,
    struct plan_item *item, struct err *e)
{
	struct chunker_opts copts = opts->chunker;
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
	if (chunker_range(k, c, t, &(struct range){0}, true, NULL, NULL,
	    e) != 0) {
		(void)explain(item, e);
		goto out;
	}
	line = table_run_line(t);
	rc = line == NULL ? err_set(e, ERR_NOMEM, 0, "list line") :
	    emit_plan(opts->plan, line, e);
	json_decref(line);
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
