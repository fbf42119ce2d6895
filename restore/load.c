/* SPDX-License-Identifier: Apache-2.0 */
/* load: workers that load all chunks of a plan into the target. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "catalog/progress.h"
#include "codec/digest.h"
#include "codec/frame.h"
#include "mysql/connect.h"
#include "restore/insert.h"
#include "restore/plan.h"
#include "restore/target.h"
#include "store/store.h"

#include "restore/load.h"

struct load {
	const struct load_opts *opts;
	pthread_mutex_t lock;	/* guards the fields below */
	size_t *next;		/* a table: its first chunk not yet taken */
	size_t *end;		/* a table: behind its last chunk */
	size_t fresh;		/* tables before this one have been begun */
	uint32_t *left;		/* chunks not yet loaded, a table */
	bool failed;
	struct err err;
};

struct worker {
	struct load *load;
	struct conn *conn;
	struct frame_reader *frame;
	size_t table;		/* the one it loads; ntables: none yet */
	pthread_t thread;
	/* The chunk at hand: decompressed bytes that the server has not asked
	 * for yet. */
	struct object_reader *object;
	struct sha256 *sha;
	struct buf plain;
	size_t given;
	char sha256[SHA256_HEX];	/* that it must have as stored */
	bool ended;
};

void
load_tail(const struct plan_table *t, struct buf *out)
{
	const char *set = " SET ";
	size_t i;

	buf_adds(out, "INTO TABLE ");
	sql_ident(out, t->to_schema);
	buf_addc(out, '.');
	sql_ident(out, t->to_name);
	buf_adds(out, " CHARACTER SET binary FIELDS TERMINATED BY '\\t' "
	    "ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (");
	for (i = 0; i < t->ncolumns; i++) {
		buf_adds(out, i == 0 ? "" : ",");
		if (t->columns[i].as == CONVERSION_PLAIN ||
		    t->columns[i].as == CONVERSION_FLOAT)
			sql_ident(out, t->columns[i].name);
		else
			buf_addf(out, "@v%zu", i);
	}
	buf_adds(out, t->ncolumns == 0 ? "@v0)" : ")");
	for (i = 0; i < t->ncolumns; i++) {
		if (t->columns[i].as == CONVERSION_PLAIN ||
		    t->columns[i].as == CONVERSION_FLOAT)
			continue;
		buf_adds(out, set);
		set = ", ";
		sql_ident(out, t->columns[i].name);
		if (t->columns[i].as == CONVERSION_NUMBER)
			buf_addf(out, "=@v%zu+0", i);
		else
			buf_addf(out, "=CONVERT(@v%zu USING %s)", i,
			    t->columns[i].as == CONVERSION_JSON ? "utf8mb4" :
			    "ascii");
	}
}

static int
sink(void *arg, const void *data, size_t n, struct err *e)
{
	struct worker *w = arg;

	buf_add(&w->plain, data, n);
	return buf_check(&w->plain, "chunk", e);
}

/* The whole object went by: is it what the list tells of? */
static int
check_digest(struct worker *w, struct err *e)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256_finish(w->sha, digest);
	hex_encode(digest, sizeof(digest), hex);
	return strcmp(hex, w->sha256) == 0 ? 0 : err_set(e, ERR_CORRUPT, 0,
	    "its digest is not the one in the list");
}

/* Decompress some more; sets ended at the end of the object. */
static int
fill(struct worker *w, struct err *e)
{
	const void *data;
	size_t n;

	buf_clear(&w->plain);
	w->given = 0;
	while (w->plain.len == 0 && !w->ended) {
		if (object_read(w->object, &data, &n, e) != 0)
			return -1;
		if (n == 0) {
			w->ended = true;
			return frame_reader_end(w->frame, e) != 0 ? -1 :
			    check_digest(w, e);
		}
		sha256_add(w->sha, data, n);
		if (frame_read(w->frame, data, n, e) != 0)
			return -1;
	}
	return 0;
}

static long
source(void *arg, void *data, size_t n, struct err *e)
{
	struct worker *w = arg;

	if (w->given == w->plain.len && !w->ended && fill(w, e) != 0)
		return -1;
	if (n > w->plain.len - w->given)
		n = w->plain.len - w->given;
	memcpy(data, buf_str(&w->plain) + w->given, n);
	w->given += n;
	return (long)n;
}

static int
open_chunk(struct worker *w, const struct plan_chunk *c, struct err *e)
{
	const struct load_opts *o = w->load->opts;
	char key[STORE_KEY_MAX];

	buf_clear(&w->plain);
	w->given = 0;
	w->ended = c->object == NULL;
	if (c->object == NULL)
		return place_read(o->store, o->plan->head.source, &c->place,
		    &w->plain, e);
	(void)source_key(o->plan->head.source, c->object, key);
	w->object = object_open(o->store, key, 0, UINT64_MAX, e);
	if (w->object == NULL) {
		if (e->code == ERR_NOTFOUND)
			e->code = ERR_CORRUPT;
		return -1;
	}
	frame_reader_begin(w->frame, sink, w);
	memcpy(w->sha256, c->stored_sha256, sizeof(w->sha256));
	return 0;
}

/* What the server counted must be what the list says. */
static int
check_counts(struct worker *w, const struct plan_chunk *c, struct err *e)
{
	static const unsigned enum0[] = { 1265, 0 };
	uint64_t records, deleted, skipped, warnings;

	if (conn_load_info(w->conn, &records, &deleted, &skipped,
	    &warnings) != 0)
		return err_set(e, ERR_IO, 0, "the server does not say how "
		    "many rows it loaded");
	if (records != c->rows || skipped != 0 || deleted != 0)
		return err_set(e, ERR_CORRUPT, 0, "%llu rows loaded, %llu "
		    "skipped, %llu deleted; the backup has %llu",
		    (unsigned long long)records, (unsigned long long)skipped,
		    (unsigned long long)deleted,
		    (unsigned long long)c->rows);
	if (warnings != c->enum0)
		return conn_check_warnings(w->conn, NULL, e) != 0 ? -1 :
		    err_set(e, ERR_CORRUPT, 0, "%llu warnings of LOAD DATA",
		    (unsigned long long)warnings);
	/* ENUM values with index 0 warn, each once: counted at dump time. */
	return warnings > 0 ? conn_check_warnings(w->conn, enum0, e) : 0;
}

static int
load_rows(struct worker *w, const struct plan_table *t,
    const struct plan_chunk *c, struct err *e)
{
	struct buf tail = {0};
	int rc = -1;

	if (open_chunk(w, c, e) != 0)
		goto out;
	if (!w->load->opts->target->local_infile) {
		rc = insert_rows(w->conn, t, &w->load->opts->target->flavour,
		    source, w, c->rows, c->enum0, e);
		goto out;
	}
	load_tail(t, &tail);
	if (buf_check(&tail, "LOAD DATA", e) == 0 &&
	    conn_load(w->conn, buf_str(&tail), source, w, e) == 0)
		rc = check_counts(w, c, e);
out:	object_close(w->object);
	w->object = NULL;
	buf_free(&tail);
	return rc;
}

static int
load_chunk(struct worker *w, const struct plan_chunk *c, struct err *e)
{
	const struct load_opts *o = w->load->opts;
	const struct plan_table *t = &o->plan->tables[c->table];
	uint32_t n = c->object != NULL ? c->n : 0;
	int rc = 0;

	if (o->target->resume) {
		rc = target_step(w->conn, t->n, "chunk", n, e);
		if (rc != STEP_NONE)
			return rc == STEP_DONE ? 0 : -1;
	}
	if (conn_exec(w->conn, "START TRANSACTION", e) != 0)
		rc = -1;
	else if (load_rows(w, t, c, e) != 0 ||
	    target_step_done(w->conn, t->n, "chunk", n, e) != 0 ||
	    conn_exec(w->conn, "COMMIT", e) != 0)
		rc = -1;
	if (rc != 0) {
		struct err ignored = {0};

		(void)conn_exec(w->conn, "ROLLBACK", &ignored);
		return err_wrap(e, "table %s.%s, chunk %s", t->to_schema,
		    t->to_name, c->object != NULL ? c->object :
		    c->place.bundle);
	}
	o->totals->rows += c->rows;
	o->totals->raw += c->raw;
	return 0;
}

static int
add_indexes(struct worker *w, const struct plan_table *t, struct err *e)
{
	struct buf sql = {0};
	int rc, step = STEP_NONE;

	if (t->later == NULL)
		return 0;
	if (w->load->opts->target->resume)
		step = target_step(w->conn, t->n, "indexes", 0, e);
	if (step != STEP_NONE)
		return step == STEP_DONE ? 0 : -1;
	buf_adds(&sql, "ALTER TABLE ");
	sql_ident(&sql, t->to_schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, t->to_name);
	buf_addc(&sql, ' ');
	buf_adds(&sql, t->later);
	rc = buf_check(&sql, "ALTER TABLE", e);
	if (rc == 0)
		rc = conn_exec(w->conn, buf_str(&sql), e);
	/* Killed between the two: the indexes are there already. */
	if (rc != 0 && e->sys == 1061 && w->load->opts->target->resume) {
		*e = (struct err){0};
		rc = 0;
	}
	buf_free(&sql);
	if (rc != 0)
		return err_wrap(e, "indexes of table %s.%s", t->to_schema,
		    t->to_name);
	return target_step_done(w->conn, t->n, "indexes", 0, e);
}

/* The table to go on with: its own to the end, since rows in the order of the
 * key load fastest; then one that nobody has begun; then the one with the most
 * chunks left.  ntables: all is taken. */
static size_t
choose(struct load *l, const struct worker *w)
{
	size_t n = l->opts->plan->ntables, most = n, i;

	if (w->table < n && l->next[w->table] < l->end[w->table])
		return w->table;
	for (; l->fresh < n; l->fresh++)
		if (l->next[l->fresh] < l->end[l->fresh])
			return l->fresh++;
	for (i = 0; i < n; i++)
		if (l->next[i] < l->end[i] && (most == n || l->end[i] -
		    l->next[i] > l->end[most] - l->next[most]))
			most = i;
	return most;
}

static const struct plan_chunk *
take(struct load *l, struct worker *w)
{
	const struct plan_chunk *c = NULL;

	(void)pthread_mutex_lock(&l->lock);
	if (!l->failed) {
		w->table = choose(l, w);
		if (w->table < l->opts->plan->ntables)
			c = &l->opts->plan->chunks[l->next[w->table]++];
	}
	(void)pthread_mutex_unlock(&l->lock);
	return c;
}

static void
fail(struct load *l, const struct err *e)
{
	(void)pthread_mutex_lock(&l->lock);
	if (!l->failed || l->err.code == ERR_CANCELLED)
		l->err = *e;
	l->failed = true;
	(void)pthread_mutex_unlock(&l->lock);
}

static int
one(struct worker *w, const struct plan_chunk *c, struct err *e)
{
	struct load *l = w->load;
	bool last;

	if (load_chunk(w, c, e) != 0)
		return -1;
	(void)pthread_mutex_lock(&l->lock);
	last = --l->left[c->table] == 0;
	(void)pthread_mutex_unlock(&l->lock);
	if (!last)
		return 0;
	l->opts->totals->tables++;
	return add_indexes(w, &l->opts->plan->tables[c->table], e);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	const struct plan_chunk *c;
	struct err e = {0};

	if (conn_thread_init(&e) != 0) {
		fail(w->load, &e);
		return NULL;
	}
	w->conn = target_connect(w->load->opts->target, &e);
	if (w->conn == NULL)
		fail(w->load, &e);
	while (w->conn != NULL && (c = take(w->load, w)) != NULL)
		if (one(w, c, &e) != 0) {
			fail(w->load, &e);
			break;
		}
	conn_close(w->conn);
	conn_thread_end();
	return NULL;
}

static int
worker_init(struct worker *w, struct load *l, struct err *e)
{
	int error;

	w->load = l;
	w->table = l->opts->plan->ntables;
	buf_init(&w->plain, 0);
	w->frame = frame_reader_new(e);
	w->sha = w->frame != NULL ? sha256_new(e) : NULL;
	if (w->sha == NULL)
		return -1;
	error = pthread_create(&w->thread, NULL, work, w);
	return error == 0 ? 0 : err_set(e, ERR_NOMEM, error, "start worker");
}

static void
worker_fini(struct worker *w)
{
	frame_reader_free(w->frame);
	sha256_free(w->sha);
	buf_free(&w->plain);
}

static int
tables_init(struct load *l, struct err *e)
{
	const struct restore_plan *p = l->opts->plan;
	size_t k, t;

	l->next = calloc(p->ntables + 1, sizeof(*l->next));
	l->end = calloc(p->ntables + 1, sizeof(*l->end));
	l->left = calloc(p->ntables + 1, sizeof(*l->left));
	if (l->next == NULL || l->end == NULL || l->left == NULL)
		return err_set(e, ERR_NOMEM, 0, "workers");
	for (k = 0; k < p->nchunks; k++) {
		t = p->chunks[k].table;
		if (l->left[t]++ == 0)
			l->next[t] = k;
		l->end[t] = k + 1;
	}
	return 0;
}

static void
tables_fini(struct load *l)
{
	free(l->next);
	free(l->end);
	free(l->left);
}

int
load_run(const struct load_opts *opts, struct err *e)
{
	struct worker *workers = calloc(opts->workers, sizeof(*workers));
	struct load l = { .opts = opts };
	struct err start = {0};
	unsigned n = 0, i;

	if (workers == NULL || tables_init(&l, e) != 0) {
		tables_fini(&l);
		free(workers);
		return err_set(e, ERR_NOMEM, 0, "workers");
	}
	(void)pthread_mutex_init(&l.lock, NULL);
	for (; n < opts->workers; n++)
		if (worker_init(&workers[n], &l, &start) != 0) {
			worker_fini(&workers[n]);
			fail(&l, &start);
			break;
		}
	for (i = 0; i < n; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		worker_fini(&workers[i]);
	}
	(void)pthread_mutex_destroy(&l.lock);
	free(workers);
	tables_fini(&l);
	if (l.failed)
		*e = l.err;
	return l.failed ? -1 : 0;
}
