/* SPDX-License-Identifier: Apache-2.0 */
/* route_fits: do a backup's coordinates fit what the archive holds, exactly? */
#include "base/err.h"

#include "catalog/timeline_impl.h"

struct fit {
	const struct timeline_backup *b;
	struct gtid_set *has;	/* NULL: it has no GTIDs */
	struct route_before before;
	bool fits;
};

static bool
in_backup(const struct fit *x, const struct transaction *t)
{
	return x->has != NULL && t->gtid.gtid.set &&
	    gtid_set_contains(x->has, &t->gtid.gtid);
}

/* Its position is between two transactions; those before are in it, and the
 * first one after is not. */
static int
at_position(void *arg, const struct transaction *t, struct err *e)
{
	struct fit *x = arg;
	bool known = x->has != NULL && t->gtid.gtid.set;

	(void)e;
	if (t->offset >= x->b->position) {
		x->fits = !in_backup(x, t) && (known ||
		    t->time_us >= x->b->at_us - TIMELINE_SLACK_US);
		return 1;
	}
	if (t->offset + t->size > x->b->position || (known &&
	    !in_backup(x, t)) || (!known && t->time_us > x->b->at_us +
	    TIMELINE_SLACK_US)) {
		x->fits = false;
		return 1;
	}
	x->before.n++;
	if (t->time_us > x->before.latest_us)
		x->before.latest_us = t->time_us;
	return 0;
}

/* What it has was committed before it was made. */
static int
by_gtid(void *arg, const struct transaction *t, struct err *e)
{
	struct fit *x = arg;

	(void)e;
	if (!in_backup(x, t))
		return 0;
	if (t->time_us > x->b->at_us + TIMELINE_SLACK_US) {
		x->fits = false;
		return 1;
	}
	x->before.n++;
	if (t->time_us > x->before.latest_us)
		x->before.latest_us = t->time_us;
	return 0;
}

int
route_fits(struct store *s, const struct timeline *t,
    const struct timeline_backup *b, struct route_before *before,
    struct err *e)
{
	const struct timeline_history *h = &t->histories[b->history];
	struct fit x = { .b = b, .fits = true };
	const struct timeline_file *f;
	int rc;

	if (b->gtid[0] != '\0')
		x.has = timeline_set(t, b->gtid, NULL);
	for (f = h->files; f->file.seq < b->seq; f++)
		if (f->file.last_us > x.before.latest_us)
			x.before.latest_us = f->file.last_us;
	rc = route_scan(s, t, (size_t)b->history, f, 0, f->end,
	    b->by_gtid ? by_gtid : at_position, &x, e);
	gtid_set_free(x.has);
	if (before != NULL)
		*before = x.before;
	return rc < 0 ? -1 : x.fits;
}
