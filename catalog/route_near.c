/* SPDX-License-Identifier: Apache-2.0 */
/* route_near: what committed about a time, taken by a route or not. */
#include "base/err.h"

#include "catalog/route_impl.h"

struct near {
	const struct way *w;
	const struct route *r;
	int64_t from_us, to_us;
	int (*each)(void *, const struct transaction *, bool, struct err *);
	void *arg;
	size_t leg;
	uint32_t seq;
	bool live;
};

/* Does the route reach over this transaction? */
static bool
is_taken(const struct near *x, const struct transaction *t)
{
	const struct route_leg *last;

	if (x->leg + 1 != x->r->nlegs)
		return x->leg + 1 < x->r->nlegs;
	last = &x->r->legs[x->leg];
	return x->seq < last->to_seq || (x->seq == last->to_seq &&
	    t->offset < last->to_offset);
}

static int
look(void *arg, const struct transaction *t, struct err *e)
{
	struct near *x = arg;
	const struct route_leg *leg = &x->w->legs[x->leg];

	if (x->live && t->time_us > x->to_us + HOUR_US)
		return 1;
	if (t->time_us < x->from_us || t->time_us > x->to_us ||
	    (leg->have != NULL && t->gtid.gtid.set &&
	    gtid_set_contains(leg->have, &t->gtid.gtid)))
		return 0;
	return x->each(x->arg, t, is_taken(x, t), e);
}

static int
over_legs(struct near *x, struct err *e)
{
	const struct timeline_file *f;
	const struct route_leg *leg;

	for (x->leg = 0; x->leg < x->w->nlegs; x->leg++) {
		leg = &x->w->legs[x->leg];
		for (x->seq = leg->from_seq; x->seq <= leg->to_seq;
		    x->seq++) {
			f = timeline_file_of(
			    &x->w->t->histories[leg->history], x->seq);
			x->live = f->live;
			if (!f->live && (f->file.transactions == 0 ||
			    f->file.last_us < x->from_us ||
			    f->file.first_us > x->to_us))
				continue;
			if (way_scan(x->w, x->leg, x->seq, look, x, e) < 0)
				return -1;
		}
	}
	return 0;
}

/* The main line, unless the route leaves it. */
static int
line_of(struct way *w, const struct route *r, struct err *e)
{
	size_t end;

	if (route_line(w->t, w->b, SIZE_MAX, &w->legs, &w->nlegs, e) != 0)
		return -1;
	if (r->nlegs == 0)
		return 0;
	end = r->legs[r->nlegs - 1].history;
	if (r->nlegs <= w->nlegs && w->legs[r->nlegs - 1].history == end &&
	    (r->nlegs == w->nlegs ||
	    r->legs[r->nlegs - 1].to_seq < w->legs[r->nlegs - 1].to_seq ||
	    (r->legs[r->nlegs - 1].to_seq == w->legs[r->nlegs - 1].to_seq &&
	    r->legs[r->nlegs - 1].to_offset <=
	    w->legs[r->nlegs - 1].to_offset)))
		return 0;
	route_line_free(w->legs, w->nlegs);
	w->legs = NULL;
	w->nlegs = 0;
	return route_line(w->t, w->b, end, &w->legs, &w->nlegs, e);
}

int
route_near(struct store *s, const struct timeline *t, const struct route *r,
    int64_t time_us, int64_t span_us, int (*each)(void *,
    const struct transaction *, bool, struct err *), void *arg,
    struct err *e)
{
	struct way w = { .store = s, .t = t };
	struct near x = { .w = &w, .r = r, .from_us = time_us - span_us,
	    .to_us = time_us + span_us, .each = each, .arg = arg };
	int rc;

	w.b = timeline_backup_of(t, r->backup);
	if (line_of(&w, r, e) != 0)
		return -1;
	rc = over_legs(&x, e);
	route_line_free(w.legs, w.nlegs);
	return rc;
}
