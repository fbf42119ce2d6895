/* SPDX-License-Identifier: Apache-2.0 */
/* route_way: places on a way, and the transactions beside them. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "catalog/route_impl.h"

static const struct timeline_file *
file_at(const struct way *w, size_t leg, uint32_t seq)
{
	return timeline_file_of(&w->t->histories[w->legs[leg].history], seq);
}

/* What of the file belongs to the leg. */
static void
bounds(const struct way *w, size_t i, const struct timeline_file *f,
    uint64_t *from, uint64_t *to)
{
	const struct route_leg *leg = &w->legs[i];

	*from = f->file.seq == leg->from_seq ? leg->from_offset : 0;
	*to = f->file.seq == leg->to_seq ? leg->to_offset : f->end;
}

int
way_scan(const struct way *w, size_t leg, uint32_t seq, int (*each)(void *,
    const struct transaction *, struct err *), void *arg, struct err *e)
{
	const struct timeline_file *f = file_at(w, leg, seq);
	uint64_t from, to;

	bounds(w, leg, f, &from, &to);
	return route_scan(w->store, w->t, w->legs[leg].history, f, from, to,
	    each, arg, e);
}

void
way_end(const struct way *w, struct cut *cut)
{
	const struct route_leg *leg = &w->legs[w->nlegs - 1];

	*cut = (struct cut){ .leg = w->nlegs - 1, .seq = leg->to_seq,
	    .offset = leg->to_offset };
}

uint64_t
way_bytes(const struct timeline *t, const struct route_leg *leg)
{
	uint64_t sum = 0;
	uint32_t seq;

	for (seq = leg->from_seq; seq < leg->to_seq; seq++)
		sum += timeline_file_of(&t->histories[leg->history],
		    seq)->end;
	return sum + leg->to_offset - leg->from_offset;
}

bool
way_reaches(const struct way *w, const struct place_in_log *p,
    struct cut *cut)
{
	const struct route_leg *leg = &w->legs[w->nlegs - 1];

	*cut = (struct cut){ .leg = w->nlegs - 1, .seq = p->seq,
	    .offset = p->offset };
	return leg->history == p->run && (p->seq > leg->from_seq ||
	    (p->seq == leg->from_seq && p->offset >= leg->from_offset));
}

/* --- the last one --- */

/* First the offset of the last one is found, then that one is copied: most
 * lines are read over, few are kept. */
struct last {
	const struct route_leg *leg;
	uint64_t from, to;
	uint64_t offset;
	bool found, copy;
	struct transaction *t;
};

static int
look(void *arg, const struct transaction *t, struct err *e)
{
	struct last *x = arg;

	if (t->offset < x->from || t->offset + t->size > x->to ||
	    (x->leg->have != NULL && t->gtid.gtid.set &&
	    gtid_set_contains(x->leg->have, &t->gtid.gtid)))
		return 0;
	if (!x->copy) {
		x->offset = t->offset;
		x->found = true;
		return 0;
	}
	if (t->offset != x->offset)
		return 0;
	return transaction_line_copy(t, x->t, e) != 0 ? -1 : 1;
}

static int
last_of_finished(const struct way *w, size_t leg,
    const struct timeline_file *f, struct last *x, struct err *e)
{
	if (f->file.transactions == 0 || way_scan(w, leg, f->file.seq, look,
	    x, e) < 0)
		return f->file.transactions == 0 ? 0 : -1;
	x->copy = true;
	return !x->found ? 0 : way_scan(w, leg, f->file.seq, look, x, e) < 0 ?
	    -1 : 0;
}

/* Backwards, since live files have many segments. */
static int
last_of_live(const struct way *w, size_t leg, const struct timeline_file *f,
    struct last *x, struct err *e)
{
	const struct timeline_history *h =
	    &w->t->histories[w->legs[leg].history];
	const struct segment *g;
	struct buf lines = {0};
	size_t i;
	int rc = 0;

	for (i = f->nsegments; i-- > 0 && !x->found && rc == 0;) {
		g = &f->segments[i];
		if (g->start >= x->to || g->end <= x->from)
			continue;
		rc = segment_index_read(w->store, w->t->source,
		    h->history.id, g, &lines, e);
		if (rc == 0)
			rc = segment_index_each(w->store, w->t->source,
			    h->history.id, g, &lines, look, x, e);
		x->copy = x->found;
		if (rc == 0 && x->found)
			rc = index_lines(&lines, look, x, e);
	}
	buf_free(&lines);
	return rc < 0 ? -1 : 0;
}

/* The last one that is taken of a file, no later than the cut. */
static int
last_of(const struct way *w, const struct cut *cut, struct cut *at,
    struct transaction *t, struct err *e)
{
	const struct timeline_file *f = file_at(w, at->leg, at->seq);
	struct last x = { .leg = &w->legs[at->leg], .t = t };
	int rc;

	bounds(w, at->leg, f, &x.from, &x.to);
	if (at->leg == cut->leg && at->seq == cut->seq)
		x.to = cut->offset;
	rc = f->live ? last_of_live(w, at->leg, f, &x, e) :
	    last_of_finished(w, at->leg, f, &x, e);
	at->offset = x.offset;
	at->found = x.found;
	return rc;
}

int
way_last(const struct way *w, const struct cut *cut, struct cut *last,
    struct transaction *t, struct err *e)
{
	*last = *cut;
	last->found = false;
	for (;;) {
		if (last_of(w, cut, last, t, e) != 0)
			return -1;
		if (last->found)
			return 0;
		if (last->seq > w->legs[last->leg].from_seq) {
			last->seq--;
		} else if (last->leg > 0) {
			last->leg--;
			last->seq = w->legs[last->leg].to_seq;
		} else {
			return 0;
		}
	}
}

/* --- the next one --- */

struct next {
	const struct route_leg *leg;
	uint64_t from;
	struct transaction *t;
};

static int
take_next(void *arg, const struct transaction *t, struct err *e)
{
	struct next *x = arg;

	if (t->offset < x->from || (x->leg->have != NULL &&
	    t->gtid.gtid.set &&
	    gtid_set_contains(x->leg->have, &t->gtid.gtid)))
		return 0;
	return transaction_line_copy(t, x->t, e) != 0 ? -1 : 1;
}

int
way_next(const struct way *w, const struct cut *cut, struct transaction *t,
    struct err *e)
{
	const struct route_leg *leg = &w->legs[cut->leg];
	struct next x = { .leg = leg, .from = cut->offset, .t = t };
	uint32_t seq;
	int rc = 0;

	for (seq = cut->seq; seq <= leg->to_seq && rc == 0; seq++) {
		const struct timeline_file *f = file_at(w, cut->leg, seq);
		uint64_t from, to;

		bounds(w, cut->leg, f, &from, &to);
		rc = route_scan(w->store, w->t, leg->history, f,
		    seq == cut->seq && from < cut->offset ? cut->offset :
		    from, to, take_next, &x, e);
		x.from = 0;
	}
	return rc < 0 ? -1 : 0;
}
