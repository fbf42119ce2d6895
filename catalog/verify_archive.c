/* SPDX-License-Identifier: Apache-2.0 */
/* verify_archive: are archived binary logs all there, and whole? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/binlog.h"
#include "catalog/listing.h"
#include "catalog/mark.h"
#include "catalog/progress.h"
#include "catalog/settled.h"
#include "codec/digest.h"
#include "codec/frame.h"
#include "store/store.h"

#include "catalog/verify_archive.h"

struct archive {
	struct store *store;
	const struct verify_opts *opts;
	struct verify_result *result;
	const struct timeline *t;
};

static void
found(struct archive *a, const char *what, const char *why)
{
	a->result->damaged++;
	a->opts->found(a->opts->arg, what, why);
}

/* "where/what: why", or "what: why" of an error of ours. */
static void
found_err(struct archive *a, const char *what, const struct err *e)
{
	const char *name = store_name(a->store);
	size_t n = strlen(name), len;
	const char *at = e->msg;
	char object[STORE_KEY_MAX];

	/* The object that it names, if it does. */
	if (strncmp(at, name, n) == 0 && at[n] == '/') {
		at += n + 1;
		len = strcspn(at, ":");
		(void)snprintf(object, sizeof(object), "%.*s", (int)len, at);
		found(a, object, at[len] == ':' ? at + len + 2 : "");
		return;
	}
	found(a, what, at);
}

/* Damage is a finding; what else fails is a failure. */
static int
judge(struct archive *a, const char *what, const struct err *why,
    struct err *e)
{
	if (why->code != ERR_CORRUPT && why->code != ERR_USAGE &&
	    why->code != ERR_NOTFOUND) {
		*e = *why;
		return -1;
	}
	found_err(a, what, why);
	return 0;
}

/* --- fast: what is listed --- */

static void
check_size(struct archive *a, const struct listing *l, const char *key,
    uint64_t size)
{
	char text[LISTING_TEXT];
	const char *why = listing_wrong(l, key, size, text);

	if (why != NULL)
		found(a, key, why);
}

static void
check_file_sizes(struct archive *a, const struct timeline_history *h,
    const struct binlog_file *f, const struct listing *l)
{
	char key[STORE_KEY_MAX];
	size_t i;

	for (i = 0; i < f->nobjects; i++) {
		segment_key(a->t->source, h->history.id, f->seq,
		    f->objects[i].start, f->objects[i].end, key);
		check_size(a, l, key, f->objects[i].size);
		a->result->objects++;
		a->result->bytes += f->objects[i].size;
	}
	index_key(a->t->source, h->history.id, f->seq, key);
	check_size(a, l, key, f->index_size);
}

static int
check_sizes(struct archive *a, const struct timeline_history *h,
    struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct listing l = {0};
	size_t i;
	int rc;

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/binlog/%s/",
	    a->t->source, h->history.id);
	rc = listing_add(&l, a->store, prefix, e);
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/index/%s-",
	    a->t->source, h->history.id);
	if (rc == 0)
		rc = listing_add(&l, a->store, prefix, e);
	listing_sort(&l);
	for (i = 0; i < h->nfiles && rc == 0; i++) {
		if (!h->files[i].live) {
			check_file_sizes(a, h, &h->files[i].file, &l);
			continue;
		}
		/* A live one is what was listed. */
		a->result->objects += h->files[i].nsegments;
	}
	listing_free(&l);
	return rc;
}

/* --- full: one file --- */

/* What the events of a file come to. */
struct reading {
	struct transactions *scan;
	struct sha256 *raw, *lines;
	uint64_t n;
	int64_t first_us, last_us;
	struct ended {
		uint64_t at;	/* end of a transaction */
		uint64_t hash;	/* of its line */
	} *ended;		/* of a live file alone */
};

static int
take_transaction(struct reading *r, const struct transaction *t, bool live,
    struct err *e)
{
	struct ended *all = r->ended;
	struct buf line = {0};

	transaction_line(t, &line);
	if (buf_check(&line, "line", e) != 0)
		return -1;
	sha256_add(r->lines, line.data, line.len);
	if (live && (r->n & (r->n - 1)) == 0) {
		all = realloc(all, (r->n == 0 ? 1 : r->n * 2) * sizeof(*all));
		if (all == NULL) {
			buf_free(&line);
			return err_set(e, ERR_NOMEM, 0, "verify");
		}
		r->ended = all;
	}
	if (live)
		all[r->n] = (struct ended){ t->offset + t->size,
		    xxh3_64(line.data, line.len) };
	if (r->n == 0 || t->time_us < r->first_us)
		r->first_us = t->time_us;
	if (r->n == 0 || t->time_us > r->last_us)
		r->last_us = t->time_us;
	r->n++;
	buf_free(&line);
	return 0;
}

/* The pieces of a transaction that was being stored, or that its server did
 * not live to send, are the end of what there is, and no damage. */
static bool
may_be_torn(const struct archive *a, size_t history,
    const struct timeline_file *f)
{
	const struct timeline_history *h = &a->t->histories[history];

	return f->live && !h->broken && f == &h->files[h->nfiles - 1];
}

static int
read_events(struct archive *a, size_t history, const struct timeline_file *f,
    struct reading *r, struct err *e)
{
	const struct route_leg leg = { .history = history,
	    .from_seq = f->file.seq, .to_seq = f->file.seq,
	    .to_offset = f->end };
	const struct transaction *t;
	struct binlog_item item;
	struct binlog *b = binlog_open(a->store, a->t, &leg, e);
	int rc;

	if (b == NULL)
		return -1;
	sha256_add(r->raw, EVENT_MAGIC, 4);
	while ((rc = binlog_next(b, &item, e)) == 1) {
		sha256_add(r->raw, item.event->data, item.event->size);
		if (transactions_event(r->scan, item.event, item.format,
		    item.offset, &t, e) != 0) {
			(void)err_wrap(e, "%s:%" PRIu64, item.file,
			    item.offset);
			rc = -1;
			break;
		}
		if (t != NULL && take_transaction(r, t, f->live, e) != 0) {
			rc = -1;
			break;
		}
	}
	if (may_be_torn(a, history, f) && (rc == 0 ?
	    !transactions_idle(r->scan) : binlog_torn(b))) {
		a->result->torn = true;
		*e = (struct err){0};
		rc = 0;
	}
	binlog_close(b);
	return rc;
}

/* --- its index --- */

static int
add_sha(void *arg, const void *data, size_t n, struct err *e)
{
	(void)e;
	sha256_add(arg, data, n);
	return 0;
}

/* The digest of a finished file's index, decompressed. */
static int
digest_index(struct archive *a, const char *key, uint8_t out[SHA256_SIZE],
    struct err *e)
{
	struct sha256 *sha = sha256_new(e);
	struct frame_reader *frame = sha == NULL ? NULL :
	    frame_reader_new(e);
	struct object_reader *o = frame == NULL ? NULL : object_open(a->store,
	    key, 0, UINT64_MAX, e);
	const void *data;
	size_t n = 1;
	int rc = o == NULL ? -1 : 0;

	if (o != NULL)
		frame_reader_begin(frame, add_sha, sha);
	while (rc == 0 && n > 0) {
		rc = object_read(o, &data, &n, e);
		if (rc == 0 && n > 0 && frame_read(frame, data, n, e) != 0)
			rc = err_wrap(e, "%s/%s", store_name(a->store), key);
	}
	if (rc == 0 && frame_reader_end(frame, e) != 0)
		rc = err_wrap(e, "%s/%s", store_name(a->store), key);
	if (rc == 0)
		sha256_finish(sha, out);
	object_close(o);
	frame_reader_free(frame);
	sha256_free(sha);
	return rc;
}

static int
check_index(struct archive *a, const struct timeline_history *h,
    const struct timeline_file *f, struct reading *r, struct err *e)
{
	uint8_t want[SHA256_SIZE], is[SHA256_SIZE];
	char key[STORE_KEY_MAX];
	struct err why = {0};

	index_key(a->t->source, h->history.id, f->file.seq, key);
	if (digest_index(a, key, is, &why) != 0)
		return judge(a, key, &why, e);
	sha256_finish(r->lines, want);
	if (memcmp(want, is, sizeof(want)) != 0)
		found(a, key, "is not the index of the file's events");
	return 0;
}

struct segment_lines {
	const struct reading *r;
	uint64_t start, end;
	uint64_t next;		/* transaction that must come next */
	bool same;
};

static int
compare_line(void *arg, const struct transaction *t, struct err *e)
{
	struct segment_lines *x = arg;
	struct buf line = {0};

	(void)e;
	transaction_line(t, &line);
	x->same = x->same && x->next < x->r->n &&
	    x->r->ended[x->next].at <= x->end &&
	    x->r->ended[x->next].hash == xxh3_64(line.data, line.len);
	x->next++;
	buf_free(&line);
	return 0;
}

/* Lines of a live segment: of the transactions that end in it. */
static int
check_segment_index(struct archive *a, const struct timeline_history *h,
    const struct segment *g, const struct reading *r, struct err *e)
{
	struct segment_lines x = { .r = r, .start = g->start, .end = g->end,
	    .same = true };
	char key[STORE_KEY_MAX];
	struct err why = {0};
	struct buf lines = {0};
	int rc = 0;

	while (x.next < r->n && r->ended[x.next].at <= g->start)
		x.next++;
	segment_key(a->t->source, h->history.id, g->seq, g->start, g->end,
	    key);
	if (segment_index_read(a->store, a->t->source, h->history.id, g,
	    &lines, &why) != 0 || index_lines(&lines, compare_line, &x,
	    &why) != 0)
		rc = judge(a, key, &why, e);
	else if (!x.same || (x.next < r->n && r->ended[x.next].at <=
	    g->end))
		found(a, key, "its index is not that of its events");
	buf_free(&lines);
	return rc;
}

/* --- one file --- */

static void
compare_document(struct archive *a, const struct timeline_history *h,
    const struct timeline_file *f, struct reading *r)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX], what[STORE_KEY_MAX];

	(void)snprintf(what, sizeof(what), "history %s, %.200s",
	    h->history.id, f->file.name);
	sha256_finish(r->raw, digest);
	hex_encode(digest, sizeof(digest), hex);
	if (strcmp(hex, f->file.sha256) != 0)
		found(a, what, "its bytes have another digest than its "
		    "document says");
	if (r->n != f->file.transactions || r->first_us != f->file.first_us ||
	    r->last_us != f->file.last_us)
		found(a, what, "its document counts other transactions, or "
		    "has other times");
}

static int
check_file(struct archive *a, size_t history, const struct timeline_file *f,
    struct err *e)
{
	const struct timeline_history *h = &a->t->histories[history];
	struct reading r = {0};
	struct err why = {0};
	int rc = -1;
	size_t i;

	r.scan = transactions_new(e);
	r.raw = sha256_new(e);
	r.lines = sha256_new(e);
	if (r.scan == NULL || r.raw == NULL || r.lines == NULL)
		goto out;
	if (read_events(a, history, f, &r, &why) != 0) {
		rc = judge(a, f->file.name, &why, e);
		goto out;
	}
	a->result->raw += f->end;
	a->result->rows += r.n;
	if (a->opts->totals != NULL)
		a->opts->totals->raw += f->end;
	rc = 0;
	if (!f->live) {
		compare_document(a, h, f, &r);
		rc = check_index(a, h, f, &r, e);
	}
	for (i = 0; i < f->nsegments && rc == 0; i++)
		rc = check_segment_index(a, h, &f->segments[i], &r, e);
out:	transactions_free(r.scan);
	sha256_free(r.raw);
	sha256_free(r.lines);
	free(r.ended);
	return rc;
}

uint64_t
verify_file_bytes(const struct timeline_file *f)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < f->nsegments && f->live; i++)
		sum += f->segments[i].size;
	for (i = 0; i < f->file.nobjects && !f->live; i++)
		sum += f->file.objects[i].size;
	return sum;
}

static int
read_file(struct archive *a, size_t history, const struct timeline_file *f,
    struct err *e)
{
	struct verify_file came = { .live = f->live,
	    .bytes = verify_file_bytes(f) };
	uint64_t before = a->result->damaged;
	int rc = check_file(a, history, f, e);

	came.damaged = a->result->damaged - before;
	if (rc == 0 && a->opts->read != NULL)
		rc = a->opts->read(a->opts->arg,
		    a->t->histories[history].history.id, f->file.seq, &came,
		    e);
	return rc;
}

static int
check_run(struct archive *a, size_t i, struct err *e)
{
	const struct timeline_history *h = &a->t->histories[i];
	char what[64];
	size_t k;
	int rc;

	(void)snprintf(what, sizeof(what), "history %s", h->history.id);
	if (h->broken)
		found(a, what, h->broken_what);
	rc = check_sizes(a, h, e);
	for (k = 0; k < h->nfiles && rc == 0 && !a->opts->fast; k++)
		if (a->opts->wants == NULL || a->opts->wants(a->opts->arg,
		    h->history.id, h->files[k].file.seq))
			rc = read_file(a, i, &h->files[k], e);
	return rc;
}

int
verify_timeline(struct store *s, const struct timeline *t,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e)
{
	struct archive a = { .store = s, .opts = opts, .result = out,
	    .t = t };
	struct mark *marks = NULL;
	struct err why = {0};
	size_t n = 0, i;
	int rc = 0;

	*out = (struct verify_result){0};
	for (i = 0; i < t->ndamage; i++) {
		why = (struct err){0};
		(void)err_set(&why, ERR_CORRUPT, 0, "%s", t->damage[i]);
		found_err(&a, t->source, &why);
	}
	for (i = 0; i < t->nhistories && rc == 0; i++)
		rc = check_run(&a, i, e);
	why = (struct err){0};
	if (rc == 0 && marks_list(s, t->source, &marks, &n, &why) != 0)
		rc = judge(&a, "marks", &why, e);
	marks_free(marks, n);
	if (rc == 0 && out->damaged > 0)
		rc = err_set(e, ERR_CORRUPT, 0, "%s: %" PRIu64 " damaged",
		    t->source, out->damaged);
	return rc;
}

int
verify_archive(struct store *s, const char *source,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e)
{
	struct timeline t;
	int rc;

	*out = (struct verify_result){0};
	if (settled_load(s, source, opts->looks, opts->look_ms, opts->cancel,
	    &t, e) != 0)
		return -1;
	rc = verify_timeline(s, &t, opts, out, e);
	timeline_free(&t);
	return rc;
}
