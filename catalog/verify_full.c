/* SPDX-License-Identifier: Apache-2.0 */
/* verify_full: every object read, every row decoded, every digest again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "catalog/progress.h"
#include "codec/frame.h"
#include "store/store.h"

#include "catalog/verify_impl.h"

struct worker {
	struct verify *v;
	struct frame_reader *frame;
	struct sha256 *sha;
	pthread_t thread;
	/* The rows at hand. */
	struct buf rest;	/* begun line */
	uint32_t columns;
	uint64_t rows, raw;
	struct rowsum sum;
};

/* One line with its LF: the number of columns, no unknown escape. */
static int
check_row(struct worker *w, const char *line, size_t n, struct err *e)
{
	const char *p = line, *end = line + n - 1;
	uint32_t tabs = 0;

	for (; (p = memchr(p, '\t', (size_t)(end - p))) != NULL; p++)
		tabs++;
	if (tabs + 1 != (w->columns == 0 ? 1 : w->columns))
		return err_set(e, ERR_CORRUPT, 0, "row %" PRIu64 " has %u "
		    "columns, not %u", w->rows + 1, tabs + 1, w->columns);
	for (p = line; (p = memchr(p, '\\', (size_t)(end - p))) != NULL;
	    p += 2)
		if (p + 1 >= end || strchr("tn0\\N", p[1]) == NULL ||
		    p[1] == '\0')
			return err_set(e, ERR_CORRUPT, 0, "row %" PRIu64
			    ": unknown escape", w->rows + 1);
	rowsum_add_row(&w->sum, line, n);
	w->rows++;
	return 0;
}

static int
take_rows(void *arg, const void *data, size_t n, struct err *e)
{
	struct worker *w = arg;
	const char *p = data, *end = p + n, *lf;

	w->raw += n;
	while (p < end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL || w->rest.len > 0) {
			buf_add(&w->rest, p, lf == NULL ? (size_t)(end - p) :
			    (size_t)(lf + 1 - p));
			if (buf_check(&w->rest, "row", e) != 0)
				return -1;
			if (lf == NULL)
				return 0;
			if (check_row(w, w->rest.data, w->rest.len, e) != 0)
				return -1;
			buf_clear(&w->rest);
		} else if (check_row(w, p, (size_t)(lf + 1 - p), e) != 0) {
			return -1;
		}
		p = lf + 1;
	}
	return 0;
}

static int
read_chunk(struct worker *w, const struct item *it, struct err *e)
{
	char key[STORE_KEY_MAX], hex[SHA256_HEX];
	uint8_t sha[SHA256_SIZE];
	struct object_reader *r;
	uint64_t size = 0;
	const void *data;
	size_t n;
	int rc = -1;

	if (cancel_check(w->v->opts->cancel, e) != 0)
		return -1;
	(void)source_key(w->v->head->source, it->object, key);
	r = object_open(w->v->store, key, 0, UINT64_MAX, e);
	if (r == NULL)
		return -1;
	frame_reader_begin(w->frame, take_rows, w);
	for (;;) {
		if (object_read(r, &data, &n, e) != 0)
			goto out;
		if (n == 0)
			break;
		size += n;
		sha256_add(w->sha, data, n);
		if (frame_read(w->frame, data, n, e) != 0)
			goto out;
	}
	rc = frame_reader_end(w->frame, e);
out:	object_close(r);
	sha256_finish(w->sha, sha);
	hex_encode(sha, sizeof(sha), hex);
	if (rc == 0 && (size != it->size || strcmp(hex, it->sha256) != 0))
		rc = err_set(e, ERR_CORRUPT, 0, "stored bytes differ from the "
		    "list's digest");
	return rc;
}

/* --- rows of one item, however they come --- */

static int
rows_begin(struct worker *w, const struct item *it, struct table **t,
    struct err *e)
{
	*t = it->has_rows ? verify_table(w->v, it->table) : NULL;
	w->rows = w->raw = 0;
	w->sum = (struct rowsum){0};
	w->columns = *t != NULL ? (*t)->columns : 0;
	buf_clear(&w->rest);
	return it->has_rows && *t == NULL ? err_set(e, ERR_CORRUPT, 0,
	    "belongs to no table of the lists") : 0;
}

static int
rows_end(struct worker *w, const struct item *it, struct table *t, int rc,
    struct err *e)
{
	if (rc == 0 && w->rest.len > 0)
		rc = err_set(e, ERR_CORRUPT, 0, "the last row has no end");
	if (rc == 0 && it->has_rows && (w->rows != it->rows ||
	    w->raw != it->raw || !rowsum_equal(&w->sum, &it->digest)))
		rc = err_set(e, ERR_CORRUPT, 0, "rows differ from the list's "
		    "count or digest");
	(void)pthread_mutex_lock(&w->v->lock);
	w->v->result.rows += w->rows;
	w->v->result.raw += w->raw;
	w->v->result.bytes += it->length == 0 ? it->size : it->length;
	if (t != NULL) {
		t->got_rows += w->rows;
		t->found += it->length == 0;
		rowsum_add(&t->got, &w->sum);
		t->damaged |= rc != 0;
	}
	(void)pthread_mutex_unlock(&w->v->lock);
	if (w->v->opts->totals != NULL) {
		w->v->opts->totals->rows += w->rows;
		w->v->opts->totals->raw += w->raw;
	}
	return rc;
}

/* Damage is told and gone on after; any other error ends the work. */
static int
report(struct worker *w, const struct item *it, const struct err *e)
{
	char at[40] = "", why[sizeof(e->msg) + 40];

	if (e->code == ERR_CORRUPT || e->code == ERR_NOTFOUND) {
		if (it->length > 0)
			(void)snprintf(at, sizeof(at), "member at %" PRIu64
			    ": ", it->offset);
		(void)snprintf(why, sizeof(why), "%s%s", at,
		    e->code == ERR_NOTFOUND ? "missing" : e->msg);
		verify_found(w->v, it->object, why);
		return 0;
	}
	(void)pthread_mutex_lock(&w->v->lock);
	if (w->v->failed.code == ERR_NONE)
		w->v->failed = *e;
	(void)pthread_mutex_unlock(&w->v->lock);
	return -1;
}

static int
chunk(struct worker *w, const struct item *it)
{
	struct err e = {0};
	struct table *t;
	int rc = rows_begin(w, it, &t, &e);

	if (rc == 0)
		rc = read_chunk(w, it, &e);
	return rows_end(w, it, t, rc, &e) == 0 ? 0 : report(w, it, &e);
}

/* --- bundles --- */

struct walk {
	struct worker *w;
	const struct item *it, *end;	/* members not yet met */
};

static int
plain_rows(struct worker *w, const struct item *it, const void *stored,
    size_t n, struct err *e)
{
	struct buf plain = {0};
	uint8_t sha[SHA256_SIZE];
	char hex[SHA256_HEX];
	int rc = -1;

	sha256_of(stored, n, sha);
	hex_encode(sha, sizeof(sha), hex);
	if (strcmp(hex, it->sha256) != 0)
		(void)err_set(e, ERR_CORRUPT, 0, "digest differs");
	else
		rc = frame_decompress(stored, n, &plain, e);
	if (rc == 0 && it->has_rows)
		rc = take_rows(w, buf_str(&plain), plain.len, e);
	buf_free(&plain);
	return rc;
}

/* stored NULL: it could not be had, for the reason in *e. */
static int
member(struct worker *w, const struct item *it, const struct buf *stored,
    struct err *e)
{
	struct err none = {0};
	struct table *t;
	int rc = rows_begin(w, it, &t, stored == NULL ? &none : e);

	if (stored == NULL)
		rc = -1;
	else if (rc == 0)
		rc = plain_rows(w, it, buf_str(stored), stored->len, e);
	return rows_end(w, it, t, rc, e) == 0 ? 0 : report(w, it, e);
}

static int
each_member(void *arg, uint64_t offset, const struct buf *stored,
    struct err *e)
{
	struct walk *x = arg;
	struct err one;

	for (; x->it < x->end && x->it->offset < offset; x->it++) {
		one = (struct err){0};
		(void)err_set(&one, ERR_CORRUPT, 0, "not there");
		if (member(x->w, x->it, NULL, &one) != 0)
			goto stop;
	}
	if (x->it == x->end || x->it->offset != offset)
		return err_set(e, ERR_CORRUPT, 0, "holds a member at %" PRIu64
		    " that no list names", offset);
	one = (struct err){0};
	if (member(x->w, x->it, stored, &one) != 0)
		goto stop;
	x->it++;
	return 0;

stop:	*e = one;
	return -1;
}

/* A bundle is read once, from its first header to its last zero block. */
static int
bundle(struct worker *w, const struct item *it, const struct item *end)
{
	const struct item whole = { .object = it->object };
	uint64_t size = 0, due = bundle_size(end[-1].offset + end[-1].length);
	struct walk x = { .w = w, .it = it, .end = end };
	struct err e = {0}, one;
	struct buf stored = {0};
	int rc;

	rc = bundle_read(w->v->store, w->v->head->source, it->object,
	    each_member, &x, &size, &e);
	if (rc == 0 && size != due)
		rc = err_set(&e, ERR_CORRUPT, 0, "has %" PRIu64 " bytes, not %"
		    PRIu64, size, due);
	if (rc != 0 && report(w, &whole, &e) != 0)
		return -1;
	/* What stands behind the damage may be whole. */
	for (; x.it < end; x.it++) {
		char key[STORE_KEY_MAX];

		one = (struct err){0};
		buf_clear(&stored);
		(void)source_key(w->v->head->source, it->object, key);
		rc = store_get_range(w->v->store, key, x.it->offset,
		    x.it->length, &stored, &one);
		if (member(w, x.it, rc == 0 ? &stored : NULL, &one) != 0) {
			buf_free(&stored);
			return -1;
		}
	}
	buf_free(&stored);
	return 0;
}

/* --- workers --- */

/* One object: a chunk, or a bundle with all its members. */
static const struct item *
take(struct verify *v, const struct item **end)
{
	const struct item *it = NULL;

	(void)pthread_mutex_lock(&v->lock);
	if (v->failed.code == ERR_NONE && v->next < v->nitems) {
		it = &v->items[v->next++];
		while (v->next < v->nitems && strcmp(it->object,
		    v->items[v->next].object) == 0)
			v->next++;
		*end = &v->items[v->next];
		v->result.objects++;
	}
	(void)pthread_mutex_unlock(&v->lock);
	return it;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	const struct item *it, *end;

	while ((it = take(w->v, &end)) != NULL)
		if ((it->length > 0 ? bundle(w, it, end) :
		    chunk(w, it)) != 0)
			break;
	return NULL;
}

static void
check_tables(struct verify *v)
{
	const struct table *t;
	size_t i;

	for (i = 0; i < v->ntables; i++) {
		t = &v->tables[i];
		/* What its chunks say was reported already. */
		if (t->damaged)
			continue;
		if (t->found != t->chunks || t->got_rows != t->rows ||
		    !rowsum_equal(&t->got, &t->digest))
			verify_found(v, t->name, "its chunks do not add up to "
			    "the table's rows and digest");
	}
}

int
verify_full(struct verify *v, struct err *e)
{
	unsigned n = v->opts->workers, started = 0, i;
	struct worker *workers = calloc(n, sizeof(*workers));

	if (workers == NULL)
		return err_set(e, ERR_NOMEM, 0, "verify");
	for (; started < n; started++) {
		struct worker *w = &workers[started];

		w->v = v;
		w->frame = frame_reader_new(e);
		w->sha = w->frame != NULL ? sha256_new(e) : NULL;
		if (w->sha == NULL || pthread_create(&w->thread, NULL, work,
		    w) != 0) {
			frame_reader_free(w->frame);
			sha256_free(w->sha);
			(void)err_set(e, ERR_NOMEM, 0, "start worker");
			break;
		}
	}
	for (i = 0; i < started; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		frame_reader_free(workers[i].frame);
		sha256_free(workers[i].sha);
		buf_free(&workers[i].rest);
	}
	free(workers);
	if (e->code == ERR_NONE && v->failed.code != ERR_NONE)
		*e = v->failed;
	if (e->code != ERR_NONE)
		return -1;
	check_tables(v);
	return 0;
}

