/* SPDX-License-Identifier: Apache-2.0 */
/* route_whole: all that is archived, each transaction once, in log order. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "catalog/route_impl.h"

struct whole {
	const struct timeline *t;
	struct route_whole *out;
	bool *covered;		/* by run */
};

static int
add(struct whole *x, const struct route_leg *leg, bool side, struct err *e)
{
	struct route_whole_leg *legs = realloc(x->out->legs, (x->out->n + 1) *
	    sizeof(*legs));

	if (legs == NULL)
		return err_set(e, ERR_NOMEM, 0, "legs");
	x->out->legs = legs;
	legs[x->out->n++] = (struct route_whole_leg){ *leg, side };
	return 0;
}

/* What a run has after its fork. */
static int
add_side(struct whole *x, const struct route_leg *leg, struct err *e)
{
	const struct timeline_history *h = &x->t->histories[leg->history];
	const struct timeline_file *last = &h->files[h->nfiles - 1];
	const struct route_leg side = { .history = leg->history,
	    .from_seq = leg->to_seq, .from_offset = leg->to_offset,
	    .to_seq = last->file.seq, .to_offset = last->end };

	if (side.from_seq == side.to_seq && side.from_offset >=
	    side.to_offset)
		return 0;
	return add(x, &side, true, e);
}

/* From the beginning of a run over its main line.  A run that is on none is a
 * side branch from its fork on. */
static int
add_line(struct whole *x, size_t run, bool side, struct err *e)
{
	const struct timeline_history *h = &x->t->histories[run];
	struct timeline_backup begin = { .history = (long)run,
	    .seq = h->files[0].file.seq, .position = 4, .by_gtid = side };
	struct route_leg *legs;
	size_t n, i;
	int rc;

	begin.gtid = side ? h->history.fork_gtid :
	    h->files[0].file.gtid_before;
	if (begin.gtid == NULL)
		begin.gtid = h->history.gtid_before;
	if (route_line(x->t, &begin, SIZE_MAX, &legs, &n, e) != 0)
		return -1;
	for (i = 0, rc = 0; i < n && rc == 0; i++) {
		if (x->covered[legs[i].history])
			break;
		x->covered[legs[i].history] = true;
		rc = add(x, &legs[i], side, e);
		if (rc == 0)
			legs[i].have = NULL;
		if (rc == 0 && i + 1 < n)
			rc = add_side(x, &legs[i], e);
	}
	route_line_free(legs, n);
	return rc;
}

/* Is its parent archived, and joined on? */
static bool
is_child(const struct timeline *t, const struct history *h)
{
	size_t i;

	for (i = 0; i < t->nhistories && h->fork_seq != 0 &&
	    h->why != HISTORY_RESET; i++)
		if (strcmp(t->histories[i].history.id, h->parent) == 0)
			return true;
	return false;
}

int
route_whole(const struct timeline *t, struct route_whole *out, struct err *e)
{
	struct whole x = { .t = t, .out = out };
	const struct timeline_history *h;
	int side, rc = 0;
	size_t i;

	*out = (struct route_whole){0};
	x.covered = calloc(t->nhistories + 1, sizeof(*x.covered));
	if (x.covered == NULL)
		return err_set(e, ERR_NOMEM, 0, "legs");
	/* First what descends from nothing, with all that goes on from it. */
	for (side = 0; side < 2; side++)
		for (i = 0; i < t->nhistories && rc == 0; i++) {
			h = &t->histories[i];
			if (h->nfiles > 0 && !x.covered[i] && (side == 1 ||
			    !is_child(t, &h->history)))
				rc = add_line(&x, i, side == 1 &&
				    is_child(t, &h->history), e);
		}
	free(x.covered);
	if (rc != 0)
		route_whole_free(out);
	return rc;
}

void
route_whole_free(struct route_whole *w)
{
	while (w->n > 0)
		gtid_set_free(w->legs[--w->n].leg.have);
	free(w->legs);
	*w = (struct route_whole){0};
}

int
route_whole_find(struct store *s, const struct timeline *t,
    const struct route_whole *w, const struct moment *m,
    struct route_place *p, struct err *e)
{
	struct place_in_log *all;
	const struct route_leg *leg;
	size_t n, i, k;

	if (places_find(s, t, m, &all, &n, e) != 0)
		return -1;
	for (i = 0; i < w->n; i++)
		for (k = 0; k < n; k++) {
			leg = &w->legs[i].leg;
			if (leg->history != all[k].run ||
			    all[k].seq < leg->from_seq ||
			    all[k].seq > leg->to_seq ||
			    (all[k].seq == leg->from_seq &&
			    all[k].offset < leg->from_offset) ||
			    (all[k].seq == leg->to_seq &&
			    all[k].offset > leg->to_offset))
				continue;
			*p = (struct route_place){ i, all[k].seq,
			    all[k].offset };
			free(all);
			return 0;
		}
	free(all);
	return err_set(e, ERR_NOTFOUND, 0, "%s of %s is not archived",
	    m->text, t->source);
}
