/* SPDX-License-Identifier: Apache-2.0 */
/* verify: is everything that a backup needs in the store, and whole? */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/list.h"
#include "catalog/names.h"
#include "codec/digest.h"
#include "codec/frame.h"
#include "store/store.h"

#include "catalog/verify.h"

/* One thing to look at: a chunk, or a member of a bundle. */
struct item {
	char *object;		/* chunk's key, or the bundle's */
	uint64_t offset, length;	/* member; length 0: a chunk */
	char sha256[65];
	uint64_t size, rows, raw;
	struct rowsum digest;
	uint32_t table;		/* number; 0: a definition */
	bool has_rows;
};

struct table {
	uint32_t n;
	uint32_t columns, chunks, found;
	uint64_t rows, got_rows;
	struct rowsum digest, got;
	char *name;
	bool damaged;
};

struct verify {
	struct store *store;
	const struct head *head;
	const struct verify_opts *opts;
	struct item *items;
	size_t nitems;
	struct table *tables;
	size_t ntables;
	pthread_mutex_t lock;	/* guards the fields below */
	size_t next;
	struct verify_result result;
	struct err failed;
};

static void
found(struct verify *v, const char *what, const char *why)
{
	(void)pthread_mutex_lock(&v->lock);
	v->result.damaged++;
	v->opts->found(v->opts->arg, what, why);
	(void)pthread_mutex_unlock(&v->lock);
}

/* --- the lists --- */

static struct item *
add_item(struct verify *v, struct err *e)
{
	struct item *items = v->items;

	if ((v->nitems & (v->nitems - 1)) == 0) {
		items = realloc(items, (v->nitems == 0 ? 1 : v->nitems * 2) *
		    sizeof(*items));
		if (items == NULL) {
			(void)err_set(e, ERR_NOMEM, 0, "verify");
			return NULL;
		}
		v->items = items;
	}
	items[v->nitems] = (struct item){0};
	return &items[v->nitems++];
}

static int
add_place(struct verify *v, const struct line *l, struct err *e)
{
	struct item *it = add_item(v, e);

	if (it == NULL)
		return -1;
	it->object = strdup(l->place.bundle);
	it->offset = l->place.offset;
	it->length = l->place.length;
	memcpy(it->sha256, l->place.sha256, sizeof(it->sha256));
	if (l->kind == LINE_MEMBER) {
		it->table = (uint32_t)l->table;
		it->rows = l->rows;
		it->raw = l->raw;
		it->digest = l->digest;
		it->has_rows = true;
	}
	return it->object != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "verify");
}

static int
add_chunk(struct verify *v, const struct line *l, struct err *e)
{
	struct item *it = add_item(v, e);

	if (it == NULL)
		return -1;
	it->object = strdup(l->object);
	it->size = l->size;
	it->rows = l->rows;
	it->raw = l->raw;
	it->digest = l->digest;
	it->table = (uint32_t)l->table;
	it->has_rows = true;
	memcpy(it->sha256, l->stored_sha256, sizeof(it->sha256));
	return it->object != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "verify");
}

static int
add_table(struct verify *v, const struct line *l, struct err *e)
{
	struct table *tables = v->tables;
	struct buf name = {0};

	if ((v->ntables & (v->ntables - 1)) == 0) {
		tables = realloc(tables, (v->ntables == 0 ? 1 :
		    v->ntables * 2) * sizeof(*tables));
		if (tables == NULL)
			return err_set(e, ERR_NOMEM, 0, "verify");
		v->tables = tables;
	}
	buf_addf(&name, "%s.%s", l->schema, l->name);
	tables[v->ntables++] = (struct table){ .n = (uint32_t)l->n,
	    .columns = (uint32_t)line_columns(l), .rows = l->rows,
	    .chunks = (uint32_t)l->chunks, .digest = l->digest,
	    .name = name.data };
	return buf_check(&name, "verify", e) != 0 ? -1 : add_place(v, l, e);
}

static int
each_line(void *arg, const struct line *l, struct err *e)
{
	struct verify *v = arg;

	switch (l->kind) {
	case LINE_TABLE:
		return add_table(v, l, e);
	case LINE_CHUNK:
		return add_chunk(v, l, e);
	case LINE_MEMBER: case LINE_VIEW: case LINE_ROUTINE:
	case LINE_TRIGGER: case LINE_EVENT:
		return add_place(v, l, e);
	case LINE_SCHEMA: case LINE_ACCOUNT: case LINE_ROLE: case LINE_GRANT:
	case LINE_SEQUENCE:
		break;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	return x->n < y->n ? -1 : x->n > y->n;
}

static struct table *
table_of(const struct verify *v, uint32_t n)
{
	const struct table want = { .n = n };

	return v->ntables == 0 ? NULL : bsearch(&want, v->tables, v->ntables,
	    sizeof(*v->tables), by_number);
}

/* --- fast: what is listed --- */

struct listing {
	struct store_entry *entries;
	size_t n;
	struct verify *v;
};

static int
keep_entry(void *arg, const struct store_entry *entry, struct err *e)
{
	struct listing *l = arg;
	struct store_entry *entries = l->entries;

	if ((l->n & (l->n - 1)) == 0) {
		entries = realloc(entries, (l->n == 0 ? 1 : l->n * 2) *
		    sizeof(*entries));
		if (entries == NULL)
			return err_set(e, ERR_NOMEM, 0, "verify");
		l->entries = entries;
	}
	entries[l->n] = *entry;
	entries[l->n].key = strdup(entry->key);
	if (entries[l->n].key == NULL)
		return err_set(e, ERR_NOMEM, 0, "verify");
	l->n++;
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct store_entry *)a)->key,
	    ((const struct store_entry *)b)->key);
}

static const struct store_entry *
lookup(const struct listing *l, const char *source, const char *object)
{
	char key[STORE_KEY_MAX];
	const struct store_entry want = { .key = key };

	if (l->n == 0 || source_key(source, object, key) != 0)
		return NULL;
	return bsearch(&want, l->entries, l->n, sizeof(*l->entries), by_key);
}

static int
list_one(struct verify *v, const char *id, struct listing *l, struct err *e)
{
	char prefix[STORE_KEY_MAX];

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/data/%s/",
	    v->head->source, id);
	return store_list(v->store, prefix, keep_entry, l, e);
}

static void
check_listed(struct verify *v, const struct listing *l,
    const struct item *it)
{
	const struct store_entry *entry = lookup(l, v->head->source,
	    it->object);
	char why[96];

	if (entry == NULL) {
		found(v, it->object, "missing");
	} else if (it->length == 0 && entry->size != it->size) {
		(void)snprintf(why, sizeof(why), "has %" PRIu64 " bytes, not %"
		    PRIu64, entry->size, it->size);
		found(v, it->object, why);
	} else if (it->length > 0 && entry->size < it->offset + it->length) {
		found(v, it->object, "is cut short");
	}
}

/* Members share bundles: one finding a bundle is enough. */
static int
by_object(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int rc = strcmp(x->object, y->object);

	if (rc != 0)
		return rc;
	/* The last member of a bundle first: it needs the most. */
	return x->offset + x->length > y->offset + y->length ? -1 :
	    x->offset + x->length < y->offset + y->length;
}

static int
fast(struct verify *v, struct err *e)
{
	struct listing l = { .v = v };
	const json_t *lender;
	const char *last = "";
	size_t i;
	int rc;

	rc = list_one(v, v->head->id, &l, e);
	json_array_foreach(v->head->lenders, i, lender)
		if (rc == 0 && json_is_string(lender) &&
		    backup_id_valid(json_string_value(lender)))
			rc = list_one(v, json_string_value(lender), &l, e);
	if (rc == 0 && l.n > 0)
		qsort(l.entries, l.n, sizeof(*l.entries), by_key);
	if (v->nitems > 0)
		qsort(v->items, v->nitems, sizeof(*v->items), by_object);
	for (i = 0; i < v->nitems && rc == 0; i++) {
		if (strcmp(last, v->items[i].object) == 0)
			continue;
		last = v->items[i].object;
		v->result.objects++;
		check_listed(v, &l, &v->items[i]);
	}
	while (l.n > 0)
		free((void *)(uintptr_t)l.entries[--l.n].key);
	free(l.entries);
	return rc;
}

/* --- full: what is stored --- */

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

static int
read_member(struct worker *w, const struct item *it, struct err *e)
{
	struct place p = { .offset = it->offset, .length = it->length };
	struct buf plain = {0};
	int rc;

	(void)snprintf(p.bundle, sizeof(p.bundle), "%s", it->object);
	memcpy(p.sha256, it->sha256, sizeof(p.sha256));
	rc = place_read(w->v->store, w->v->head->source, &p, &plain, e);
	if (rc == 0 && it->has_rows)
		rc = take_rows(w, buf_str(&plain), plain.len, e);
	buf_free(&plain);
	return rc;
}

static int
read_item(struct worker *w, const struct item *it, struct err *e)
{
	struct table *t = it->has_rows ? table_of(w->v, it->table) : NULL;
	int rc;

	if (it->has_rows && t == NULL)
		return err_set(e, ERR_CORRUPT, 0, "belongs to no table of the "
		    "lists");
	w->rows = w->raw = 0;
	w->sum = (struct rowsum){0};
	w->columns = t != NULL ? t->columns : 0;
	buf_clear(&w->rest);
	rc = it->length == 0 ? read_chunk(w, it, e) : read_member(w, it, e);
	if (rc == 0 && w->rest.len > 0)
		rc = err_set(e, ERR_CORRUPT, 0, "the last row has no end");
	if (rc == 0 && it->has_rows && (w->rows != it->rows ||
	    w->raw != it->raw || !rowsum_equal(&w->sum, &it->digest)))
		rc = err_set(e, ERR_CORRUPT, 0, "rows differ from the list's "
		    "count or digest");
	(void)pthread_mutex_lock(&w->v->lock);
	w->v->result.objects++;
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
	return rc;
}

static const struct item *
take(struct verify *v)
{
	const struct item *it = NULL;

	(void)pthread_mutex_lock(&v->lock);
	if (v->failed.code == ERR_NONE && v->next < v->nitems)
		it = &v->items[v->next++];
	(void)pthread_mutex_unlock(&v->lock);
	return it;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	const struct item *it;
	struct err e;

	while ((it = take(w->v)) != NULL) {
		e = (struct err){0};
		if (read_item(w, it, &e) == 0)
			continue;
		if (e.code == ERR_CORRUPT || e.code == ERR_NOTFOUND) {
			found(w->v, it->object, e.code == ERR_NOTFOUND ?
			    "missing" : e.msg);
			continue;
		}
		(void)pthread_mutex_lock(&w->v->lock);
		if (w->v->failed.code == ERR_NONE)
			w->v->failed = e;
		(void)pthread_mutex_unlock(&w->v->lock);
		break;
	}
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
			found(v, t->name, "its chunks do not add up to the "
			    "table's rows and digest");
	}
}

static int
full(struct verify *v, struct err *e)
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

int
verify_backup(struct store *s, const struct head *h,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e)
{
	struct verify v = { .store = s, .head = h, .opts = opts };
	struct err lists = {0};
	int rc;
	size_t i;

	(void)pthread_mutex_init(&v.lock, NULL);
	rc = list_read(s, h, each_line, &v, &lists);
	if (rc != 0 && lists.code == ERR_CORRUPT) {
		/* Without its lists nothing else of a backup can be known. */
		found(&v, "lists", lists.msg);
		rc = 0;
	} else if (rc != 0) {
		*e = lists;
	} else {
		if (v.ntables > 0)
			qsort(v.tables, v.ntables, sizeof(*v.tables),
			    by_number);
		rc = opts->fast ? fast(&v, e) : full(&v, e);
	}
	for (i = 0; i < v.nitems; i++)
		free(v.items[i].object);
	for (i = 0; i < v.ntables; i++)
		free(v.tables[i].name);
	free(v.items);
	free(v.tables);
	(void)pthread_mutex_destroy(&v.lock);
	*out = v.result;
	if (rc == 0 && v.result.damaged > 0) {
		(void)err_set(e, ERR_CORRUPT, 0, "%s/%s: %" PRIu64
		    " damaged", h->source, h->id, v.result.damaged);
		rc = -1;
	}
	return rc;
}
