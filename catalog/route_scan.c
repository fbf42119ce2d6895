/* SPDX-License-Identifier: Apache-2.0 */
/* route_scan: transactions in log order, by indexes alone. */
#include <inttypes.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/fetch.h"

#include "catalog/timeline_impl.h"

#define THREADS 8
#define TAIL ((uint64_t)64 << 10)	/* of a segment: most indexes whole */

struct scan {
	struct store *store;
	const struct timeline *t;
	const struct timeline_history *h;
	const struct timeline_file *f;
	uint64_t from, to;
	int (*each)(void *, const struct transaction *, struct err *);
	void *arg;
	uint64_t done;		/* end of the last transaction that was given */
	size_t first;		/* segment to begin with */
	bool past;		/* a transaction ended after `to` */
};

static int
give(void *arg, const struct transaction *t, struct err *e)
{
	struct scan *x = arg;

	/* Segments overlap, and then their indexes do. */
	if (t->offset < x->from || t->offset < x->done)
		return 0;
	x->past = t->offset + t->size > x->to;
	if (x->past)
		return 1;
	if (t->gtid.gtid.set && t->gtid.gtid.kind != x->t->kind)
		return err_set(e, ERR_CORRUPT, 0, "index of %s: a GTID of "
		    "another kind of server at %" PRIu64, x->f->file.name,
		    t->offset);
	x->done = t->offset + t->size;
	return x->each(x->arg, t, e);
}

static void
tail_of(void *arg, size_t i, struct fetch_object *o)
{
	const struct scan *x = arg;
	const struct segment *g = &x->f->segments[x->first + i];

	segment_key(x->t->source, x->h->history.id, g->seq, g->start, g->end,
	    o->key);
	o->length = g->size < TAIL ? g->size : TAIL;
	o->offset = g->size - o->length;
}

/* The end of one segment, as fetch gives it. */
static int
take_tail(struct fetch *f, struct buf *tail, struct err *e)
{
	const void *data;
	size_t n;

	buf_clear(tail);
	do {
		if (fetch_next(f, &data, &n, e) < 0)
			return -1;
		buf_add(tail, data, n);
	} while (n > 0);
	return buf_check(tail, "index", e);
}

static int
scan_segment(struct scan *x, const struct segment *g, const struct buf *tail,
    struct buf *lines, struct err *e)
{
	struct err damage = {0};
	uint64_t size;

	/* Long ones, and those that are damaged, are read once more: whoever
	 * reads them whole finds the words. */
	if (segment_index_size(buf_str(tail), tail->len, &size, &damage) != 0 ||
	    size > tail->len || segment_index_parse(tail->data + tail->len -
	    size, (size_t)size, lines, &damage) != 0) {
		if (segment_index_read(x->store, x->t->source,
		    x->h->history.id, g, lines, e) != 0)
			return -1;
	}
	return segment_index_each(x->store, x->t->source, x->h->history.id, g,
	    lines, give, x, e);
}

static int
scan_live(struct scan *x, struct err *e)
{
	const struct segment *all = x->f->segments;
	size_t i, n = x->f->nsegments;
	struct fetch_opts opts = { .store = x->store, .object = tail_of,
	    .arg = x };
	struct buf tail = {0}, lines = {0};
	struct fetch *f;
	int rc = 0;

	/* A transaction stands in the index of the segment in which it ends. */
	while (x->first < n && all[x->first].end <= x->from)
		x->first++;
	while (n > x->first && all[n - 1].start >= x->to)
		n--;
	opts.n = n - x->first;
	if (opts.n == 0)
		return 0;
	opts.threads = opts.n < THREADS ? (unsigned)opts.n : THREADS;
	f = fetch_open(&opts, e);
	if (f == NULL)
		return -1;
	for (i = x->first; i < n && rc == 0; i++) {
		rc = take_tail(f, &tail, e);
		if (rc == 0)
			rc = scan_segment(x, &all[i], &tail, &lines, e);
	}
	fetch_close(f);
	buf_free(&tail);
	buf_free(&lines);
	return rc;
}

int
route_scan(struct store *s, const struct timeline *t, size_t history,
    const struct timeline_file *f, uint64_t from, uint64_t to,
    int (*each)(void *, const struct transaction *, struct err *), void *arg,
    struct err *e)
{
	const struct timeline_history *h = &t->histories[history];
	struct scan x = { .store = s, .t = t, .h = h, .f = f, .from = from,
	    .to = to, .each = each, .arg = arg };
	int rc = f->live ? scan_live(&x, e) : f->file.transactions == 0 ? 0 :
	    index_each(s, t->source, h->history.id, f->file.seq, give, &x,
	    e);

	return x.past ? 0 : rc;
}

/* --- legs --- */

struct leg {
	const struct route_leg *leg;
	uint32_t seq;
	int (*each)(void *, uint32_t, const struct transaction *,
	    struct err *);
	void *arg;
};

static int
of_leg(void *arg, const struct transaction *t, struct err *e)
{
	struct leg *x = arg;

	if (x->leg->have != NULL && t->gtid.gtid.set &&
	    gtid_set_contains(x->leg->have, &t->gtid.gtid))
		return 0;
	return x->each(x->arg, x->seq, t, e);
}

int
leg_file_each(struct store *s, const struct timeline *t,
    const struct route_leg *leg, uint32_t seq, uint64_t from,
    int (*each)(void *, uint32_t, const struct transaction *, struct err *),
    void *arg, struct err *e)
{
	struct leg x = { .leg = leg, .seq = seq, .each = each, .arg = arg };
	const struct timeline_file *f =
	    timeline_file_of(&t->histories[leg->history], seq);

	if (f == NULL)
		return err_set(e, ERR_CORRUPT, 0, "file %u of history %s is "
		    "not in the archive", (unsigned)seq,
		    t->histories[leg->history].history.id);
	if (seq == leg->from_seq && from < leg->from_offset)
		from = leg->from_offset;
	return route_scan(s, t, leg->history, f, from, seq == leg->to_seq ?
	    leg->to_offset : f->end, of_leg, &x, e);
}

int
leg_each(struct store *s, const struct timeline *t,
    const struct route_leg *leg, int (*each)(void *, uint32_t,
    const struct transaction *, struct err *), void *arg, struct err *e)
{
	uint32_t seq;
	int rc = 0;

	for (seq = leg->from_seq; seq <= leg->to_seq && rc == 0; seq++)
		rc = leg_file_each(s, t, leg, seq, 0, each, arg, e);
	return rc;
}
