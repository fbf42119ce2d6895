/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route_line: the legs from a backup on, over fail-overs.
 *
 * Where a history forks, what its parent had up to there and the child has
 * again is left out of the child's leg by GTID.  Of several children the
 * newest is the main line; what the others and the parent itself have after
 * the fork are side branches.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "catalog/timeline_impl.h"

#define MAGIC_SIZE 4

/* The way so far: the last leg's end is open. */
struct line {
	const struct timeline *t;
	struct route_leg *legs;
	size_t n;
	struct gtid_set *have;	/* all that the legs and the backup have */
};

void
route_line_free(struct route_leg *legs, size_t n)
{
	while (n > 0)
		gtid_set_free(legs[--n].have);
	free(legs);
}

static void
run_end(const struct timeline_history *h, struct route_leg *leg)
{
	const struct timeline_file *f = &h->files[h->nfiles - 1];

	leg->to_seq = f->file.seq;
	leg->to_offset = f->end;
}

/* Does the child join on behind the leg, at its fork?  Then *seq is the file
 * of the child to begin with. */
static bool
joins(const struct line *l, const struct route_leg *leg, size_t child,
    uint32_t *seq)
{
	const struct timeline_history *c = &l->t->histories[child];
	const struct timeline_history *p = &l->t->histories[leg->history];
	const struct timeline_file *f = timeline_file_of(p,
	    c->history.fork_seq);
	struct gtid_set *have, *before;
	bool found = false;
	size_t i;

	if (c->nfiles == 0 || c->history.fork_seq == 0 ||
	    strcmp(c->history.parent, p->history.id) != 0 || (c->history.why !=
	    HISTORY_FAILOVER && c->history.why != HISTORY_ROLLBACK &&
	    c->history.why != HISTORY_CLONE) ||
	    c->history.fork_gtid[0] == '\0' ||
	    /* the fork lies in what is archived, and not before the leg */
	    f == NULL || c->history.fork_offset > f->end ||
	    c->history.fork_seq < leg->from_seq ||
	    (c->history.fork_seq == leg->from_seq &&
	    c->history.fork_offset < leg->from_offset))
		return false;
	have = timeline_set(l->t, c->history.fork_gtid, NULL);
	if (have == NULL || gtid_set_union(have, l->have, &(struct err){0}) !=
	    0) {
		gtid_set_free(have);
		return false;
	}
	/* The last file before which nothing is that is not there already. */
	for (i = 0; i < c->nfiles && c->files[i].file.gtid_before != NULL;
	    i++) {
		before = timeline_set(l->t, c->files[i].file.gtid_before,
		    NULL);
		if (before != NULL && gtid_set_includes(have, before)) {
			*seq = c->files[i].file.seq;
			found = true;
		}
		gtid_set_free(before);
	}
	gtid_set_free(have);
	return found;
}

static int
add_leg(struct line *l, const struct route_leg *leg, struct err *e)
{
	struct route_leg *legs = realloc(l->legs, (l->n + 1) * sizeof(*legs));

	if (legs == NULL)
		return err_set(e, ERR_NOMEM, 0, "route");
	l->legs = legs;
	legs[l->n++] = *leg;
	return 0;
}

/* From the fork on in the child. */
static int
cross(struct line *l, size_t child, uint32_t seq, struct err *e)
{
	const struct history *h = &l->t->histories[child].history;
	struct route_leg next = { .history = child, .from_seq = seq,
	    .from_offset = MAGIC_SIZE }, *leg = &l->legs[l->n - 1];
	struct gtid_set *fork = timeline_set(l->t, h->fork_gtid, NULL);
	int rc = -1;

	if (fork == NULL)
		return err_set(e, ERR_NOMEM, 0, "route");
	leg->to_seq = h->fork_seq;
	leg->to_offset = h->fork_offset;
	if (gtid_set_union(l->have, fork, e) == 0)
		next.have = gtid_set_copy(l->have, e);
	if (next.have != NULL) {
		run_end(&l->t->histories[child], &next);
		rc = add_leg(l, &next, e);
		if (rc != 0)
			gtid_set_free(next.have);
	}
	gtid_set_free(fork);
	return rc;
}

/* The newest that joins on: the main line.  Documents may lie about who
 * descends from whom: no history is taken more than once. */
static int
follow_main(struct line *l, struct err *e)
{
	uint32_t seq, at = 0;
	size_t i, best;

	assert(l->legs != NULL && l->n > 0);
	do {
		best = SIZE_MAX;
		for (i = 0; i < l->t->nhistories; i++)
			if (joins(l, &l->legs[l->n - 1], i, &seq)) {
				best = i;
				at = seq;
			}
		if (best != SIZE_MAX && cross(l, best, at, e) != 0)
			return -1;
	} while (best != SIZE_MAX && l->n < l->t->nhistories);
	return 0;
}

/* Is it this run, or of a history that the run's descends from? */
static bool
leads_to(const struct timeline *t, size_t of, size_t run)
{
	const char *id = t->histories[run].history.parent;
	size_t i, steps;

	for (steps = 0; of != run && steps < t->nhistories; steps++) {
		if (strcmp(t->histories[of].history.id, id) == 0)
			return true;
		for (i = 0; i < t->nhistories; i++)
			if (strcmp(t->histories[i].history.id, id) == 0)
				break;
		if (i == t->nhistories)
			return false;
		id = t->histories[i].history.parent;
	}
	return of == run;
}

/* Only what leads to the run that is wanted. */
static int
follow_to(struct line *l, size_t run, struct err *e)
{
	uint32_t seq = 0;
	size_t i;

	assert(l->legs != NULL && l->n > 0);
	while (l->legs[l->n - 1].history != run) {
		for (i = 0; i < l->t->nhistories; i++)
			if (leads_to(l->t, i, run) &&
			    joins(l, &l->legs[l->n - 1], i, &seq))
				break;
		if (i == l->t->nhistories || l->n == l->t->nhistories)
			return err_set(e, ERR_NOTFOUND, 0, "no way leads from "
			    "the backup to history %s",
			    l->t->histories[run].history.id);
		if (cross(l, i, seq, e) != 0)
			return -1;
	}
	return 0;
}

int
route_line(const struct timeline *t, const struct timeline_backup *b,
    size_t run, struct route_leg **legs, size_t *n, struct err *e)
{
	struct route_leg first = { .history = (size_t)b->history,
	    .from_seq = b->seq, .from_offset = b->by_gtid ? MAGIC_SIZE :
	    b->position };
	struct line l = { .t = t };
	int rc = -1;

	*legs = NULL;
	*n = 0;
	l.have = timeline_set(t, b->gtid, NULL);
	if (l.have == NULL)
		return err_set(e, ERR_NOMEM, 0, "route");
	run_end(&t->histories[b->history], &first);
	if (b->by_gtid)
		first.have = gtid_set_copy(l.have, e);
	if (b->by_gtid && first.have == NULL)
		goto out;
	rc = add_leg(&l, &first, e);
	if (rc != 0)
		gtid_set_free(first.have);
	else
		rc = run == SIZE_MAX ? follow_main(&l, e) :
		    follow_to(&l, run, e);
out:	gtid_set_free(l.have);
	if (rc != 0) {
		route_line_free(l.legs, l.n);
		return -1;
	}
	*legs = l.legs;
	*n = l.n;
	return 0;
}
