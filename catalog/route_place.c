/* SPDX-License-Identifier: Apache-2.0 */
/* route_place: where GTIDs and positions are, and which windows there are. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "catalog/route_impl.h"

struct search {
	struct store *store;
	const struct timeline *t;
	const struct moment *m;
	struct place_in_log *all;
	size_t n;
	size_t run;		/* the one at hand, and its file */
	const struct timeline_file *f;
	uint64_t start, end;	/* of the transaction */
	bool found;
	struct err damage;	/* the first that was met on the search */
};

static int
add(struct search *x, uint64_t offset, struct err *e)
{
	struct place_in_log *all = realloc(x->all, (x->n + 1) *
	    sizeof(*all));

	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "places");
	x->all = all;
	all[x->n++] = (struct place_in_log){ .run = x->run,
	    .seq = x->f->file.seq, .offset = offset };
	return 0;
}

/* --- GTIDs --- */

/* Can the GTID be in this file, as far as its document says? */
static bool
may_have(const struct search *x, const struct timeline_file *f)
{
	struct gtid_set *set;
	bool may = true;

	if (!f->live && f->file.transactions == 0)
		return false;
	if (f->file.gtid_before != NULL) {
		set = timeline_set(x->t, f->file.gtid_before, NULL);
		may = set == NULL || !gtid_set_contains(set, &x->m->gtid);
		gtid_set_free(set);
	}
	if (may && !f->live && f->file.gtids != NULL) {
		set = timeline_set(x->t, f->file.gtids, NULL);
		may = set == NULL || gtid_set_contains(set, &x->m->gtid);
		gtid_set_free(set);
	}
	return may;
}

static int
same_gtid(void *arg, const struct transaction *t, struct err *e)
{
	struct search *x = arg;

	(void)e;
	if (!t->gtid.gtid.set || !gtid_equal(&t->gtid.gtid, &x->m->gtid))
		return 0;
	x->start = t->offset;
	x->end = t->offset + t->size;
	x->found = true;
	return 1;
}

/* What is damaged elsewhere does not matter, if it is found. */
static int
find_gtid(struct search *x, struct err *e)
{
	const struct timeline_history *h = &x->t->histories[x->run];
	struct err why = {0};
	size_t i;

	x->found = false;
	for (i = 0; i < h->nfiles && !x->found; i++) {
		x->f = &h->files[i];
		if (!may_have(x, x->f) || route_scan(x->store, x->t, x->run,
		    x->f, 0, x->f->end, same_gtid, x, &why) >= 0)
			continue;
		if (why.code != ERR_CORRUPT) {
			*e = why;
			return -1;
		}
		if (x->damage.code == ERR_NONE)
			x->damage = why;
		why = (struct err){0};
	}
	return x->found ? add(x, x->m->before ? x->start : x->end, e) : 0;
}

/* --- positions --- */

/* The transaction that holds the position, or ends there. */
static int
at_position(void *arg, const struct transaction *t, struct err *e)
{
	struct search *x = arg;

	(void)e;
	x->start = t->offset;
	x->end = t->offset + t->size;
	x->found = x->start < x->m->position && x->end >= x->m->position;
	return x->found || x->start >= x->m->position ? 1 : 0;
}

static int
find_position(struct search *x, struct err *e)
{
	const struct timeline_history *h = &x->t->histories[x->run];
	size_t i;

	for (i = 0; i < h->nfiles; i++)
		if (strcmp(h->files[i].file.name, x->m->file) == 0 &&
		    x->m->position <= h->files[i].end)
			break;
	if (i == h->nfiles)
		return 0;
	x->f = &h->files[i];
	x->found = false;
	if (route_scan(x->store, x->t, x->run, x->f, 0, x->f->end,
	    at_position, x, e) < 0)
		return -1;
	if (x->found && x->end > x->m->position) {
		(void)err_set(e, ERR_USAGE, 0, "%s lies inside the "
		    "transaction from %" PRIu64 " to %" PRIu64, x->m->text,
		    x->start, x->end);
		return err_hint(e, "name where it begins or ends");
	}
	return add(x, x->found && x->m->before ? x->start :
	    x->m->position, e);
}

int
places_find(struct store *s, const struct timeline *t,
    const struct moment *m, struct place_in_log **places, size_t *n,
    struct err *e)
{
	struct search x = { .store = s, .t = t, .m = m };
	bool gtid = m->kind == MOMENT_GTID;
	char what[512];
	int rc = 0;

	for (; x.run < t->nhistories && rc == 0; x.run++)
		rc = gtid ? find_gtid(&x, e) : find_position(&x, e);
	if (rc == 0 && x.n == 0 && x.damage.code != ERR_NONE) {
		*e = x.damage;
		rc = -1;
	} else if (rc == 0 && x.n == 0) {
		if (gtid)
			(void)snprintf(what, sizeof(what), "no archived "
			    "transaction of %s has the GTID %s", t->source,
			    m->text);
		else
			(void)snprintf(what, sizeof(what), "%s of %s is not "
			    "archived", m->text, t->source);
		rc = route_say_broken(t, what, e);
	}
	if (rc == 0 && x.n > 1 && !gtid) {
		rc = err_set(e, ERR_USAGE, 0, "%s is a place in %zu histories "
		    "of %s", m->text, x.n, t->source);
		(void)err_hint(e, "name a GTID, or a time");
	}
	if (rc != 0) {
		free(x.all);
		x.all = NULL;
		x.n = 0;
	}
	*places = x.all;
	*n = x.n;
	return rc;
}

/* --- windows --- */

int
timeline_windows(const struct timeline *t, struct timeline_window **list,
    size_t *n, struct err *e)
{
	struct timeline_window *all, *last;
	const struct timeline_backup *b;
	size_t i;

	*n = 0;
	*list = all = calloc(t->nbackups + 1, sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "windows");
	for (i = 0; i < t->nbackups; i++) {
		b = &t->backups[i];
		if (b->history < 0)
			continue;
		last = *n > 0 ? &all[*n - 1] : NULL;
		if (last != NULL && b->at_us <= last->to_us) {
			if (b->until_us > last->to_us)
				last->to_us = b->until_us;
			last->backups++;
			continue;
		}
		all[(*n)++] = (struct timeline_window){ .from_us = b->at_us,
		    .to_us = b->until_us, .backups = 1 };
	}
	return 0;
}

/* No more digits than there are. */
static const char *
exact(int64_t us, char text[CLOCK_TEXT])
{
	clock_rfc3339(us, text);
	if (us % 1000000 == 0)
		(void)snprintf(text + 19, 2, "Z");
	return text;
}

#define NAMED 3			/* windows in a message */

int
route_say_windows(const struct timeline *t, const struct moment *m,
    struct err *e)
{
	struct timeline_window *all;
	char from[CLOCK_TEXT], to[CLOCK_TEXT], what[128];
	struct buf text = {0};
	size_t n, i, first;

	if (timeline_windows(t, &all, &n, e) != 0)
		return -1;
	moment_text(m, what, sizeof(what));
	/* The newest ones: what else there was, few will want. */
	first = n > NAMED ? n - NAMED : 0;
	for (i = first; i < n; i++) {
		buf_addf(&text, "%s%s to %s", i > first ? ", " : "",
		    exact(all[i].from_us, from), exact(all[i].to_us, to));
	}
	if (n == 0)
		(void)err_set(e, ERR_NOTFOUND, 0, "no backup of %s stands in "
		    "archived binary logs", t->source);
	else
		(void)err_set(e, ERR_NOTFOUND, 0, "no backup of %s leads to "
		    "%s: its windows are %s%s", t->source, what,
		    first > 0 ? "older ones and " : "", buf_str(&text));
	/* Nothing says that an idle server was idle up to then. */
	if (n > 0 && m->kind == MOMENT_TIME && m->time_us > all[n - 1].to_us)
		(void)err_hint(e, "whether anything was committed after that "
		    "is not known: 'latest' is all that is archived");
	else
		(void)err_hint(e, "see 'catalog timeline %s'", t->source);
	buf_free(&text);
	free(all);
	return -1;
}
