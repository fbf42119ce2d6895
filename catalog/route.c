/* SPDX-License-Identifier: Apache-2.0 */
/* route: the way from a backup to a moment, through archived binary logs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "catalog/route_impl.h"

/* --- where it ends --- */

static bool
left_out(const struct route_leg *leg, const struct transaction *t)
{
	return leg->have != NULL && t->gtid.gtid.set &&
	    gtid_set_contains(leg->have, &t->gtid.gtid);
}

/* Looks for the first that is not to be taken. */
struct cutting {
	const struct way *w;
	size_t leg;
	uint32_t seq;
	uint64_t counted;
	struct cut *cut;
	struct transaction *first_not;
};

static int
look(void *arg, const struct transaction *t, struct err *e)
{
	struct cutting *x = arg;

	if (left_out(&x->w->legs[x->leg], t))
		return 0;
	if (!moment_later(x->w->moment, t->time_us)) {
		x->counted++;
		return 0;
	}
	*x->cut = (struct cut){ .leg = x->leg, .seq = x->seq,
	    .offset = t->offset, .found = true };
	return transaction_line_copy(t, x->first_not, e) != 0 ? -1 : 1;
}

/* None of this file's is later, as its document says. */
static bool
all_before(const struct way *w, const struct timeline_file *f)
{
	return !f->live && (f->file.transactions == 0 ||
	    !moment_later(w->moment, f->file.last_us));
}

/* What is counted without being read; UINT64_MAX: not known. */
static void
count_file(const struct way *w, size_t leg, const struct timeline_file *f,
    uint64_t *counted)
{
	uint64_t before = f->file.seq == w->legs[0].from_seq && leg == 0 ?
	    w->before.n : 0;

	if (w->legs[leg].have != NULL || f->file.transactions < before ||
	    (f->file.seq == w->legs[leg].to_seq &&
	    w->legs[leg].to_offset != f->end))
		*counted = UINT64_MAX;
	else if (*counted != UINT64_MAX)
		*counted += f->file.transactions - before;
}

/* The first transaction that is later than the moment, if cut->found, and an
 * owned copy; counted: those before, UINT64_MAX when not known. */
static int
cut_at_time(const struct way *w, struct cut *cut,
    struct transaction *first_not, uint64_t *counted, struct err *e)
{
	struct cutting x = { .w = w, .cut = cut, .first_not = first_not };
	const struct timeline_file *f;
	const struct route_leg *leg;
	int rc = 0;

	*counted = 0;
	for (x.leg = 0; x.leg < w->nlegs && rc == 0; x.leg++) {
		leg = &w->legs[x.leg];
		for (x.seq = leg->from_seq; x.seq <= leg->to_seq && rc == 0;
		    x.seq++) {
			f = timeline_file_of(&w->t->histories[leg->history],
			    x.seq);
			if (all_before(w, f)) {
				count_file(w, x.leg, f, counted);
				continue;
			}
			x.counted = 0;
			rc = way_scan(w, x.leg, x.seq, look, &x, e);
			if (*counted != UINT64_MAX)
				*counted += x.counted;
		}
	}
	return rc < 0 ? -1 : 0;
}

/* --- those that come too late --- */

struct late {
	const struct way *w;
	const struct cut *cut;
	size_t leg;
	uint32_t seq;
	bool live;
	uint64_t n;
};

static int
count_late(void *arg, const struct transaction *t, struct err *e)
{
	struct late *x = arg;

	(void)e;
	if (x->leg == x->cut->leg && x->seq == x->cut->seq &&
	    t->offset <= x->cut->offset)
		return 0;
	if (!moment_later(x->w->moment, t->time_us))
		x->n += !left_out(&x->w->legs[x->leg], t);
	else if (x->live && t->time_us > x->w->moment->time_us + HOUR_US)
		return 1;
	return 0;
}

static int
find_late(const struct way *w, const struct cut *cut, uint64_t *n,
    struct err *e)
{
	struct late x = { .w = w, .cut = cut };
	const struct timeline_file *f;
	const struct route_leg *leg;

	for (x.leg = cut->leg; x.leg < w->nlegs; x.leg++) {
		leg = &w->legs[x.leg];
		x.seq = x.leg == cut->leg ? cut->seq : leg->from_seq;
		for (; x.seq <= leg->to_seq; x.seq++) {
			f = timeline_file_of(&w->t->histories[leg->history],
			    x.seq);
			x.live = f->live;
			if (!f->live && (f->file.transactions == 0 ||
			    moment_later(w->moment, f->file.first_us)))
				continue;
			if (way_scan(w, x.leg, x.seq, count_late, &x, e) < 0)
				return -1;
		}
	}
	*n = x.n;
	return 0;
}

/* --- the route --- */

/* Legs up to the last transaction that is taken. */
static int
finish(struct way *w, const struct cut *cut, struct route *r, struct err *e)
{
	struct cut last;
	size_t i;

	if (way_last(w, cut, &last, &r->last, e) != 0)
		return -1;
	r->nlegs = last.found ? last.leg + 1 : 0;
	for (i = r->nlegs; i < w->nlegs; i++)
		gtid_set_free(w->legs[i].have);
	if (r->nlegs > 0) {
		r->legs = w->legs;
		r->legs[last.leg].to_seq = last.seq;
		r->legs[last.leg].to_offset = r->last.offset + r->last.size;
	} else {
		free(w->legs);
	}
	for (i = 0; i < r->nlegs; i++)
		r->bytes += way_bytes(w->t, &r->legs[i]);
	w->legs = NULL;
	w->nlegs = 0;
	(void)snprintf(r->backup, sizeof(r->backup), "%s", w->b->id);
	return 0;
}

static int
say_not(struct err *e, const struct way *w, const char *why)
{
	return err_set(e, ERR_NOTFOUND, 0, "backup %s: %s", w->b->id, why);
}

/* Of the ways that end early, damage says most. */
int
route_say_broken(const struct timeline *t, const char *what, struct err *e)
{
	size_t i;

	if (t->ndamage > 0)
		return err_set(e, ERR_CORRUPT, 0, "%s: %s", what,
		    t->damage[0]);
	for (i = t->nhistories; i-- > 0;)
		if (t->histories[i].broken)
			return err_set(e, ERR_CORRUPT, 0, "%s: the archive "
			    "is broken %s", what,
			    t->histories[i].broken_what);
	return err_set(e, ERR_NOTFOUND, 0, "%s", what);
}

static int
say_unreached(const struct way *w, struct err *e)
{
	char what[BACKUP_ID_LEN + 80];

	(void)snprintf(what, sizeof(what), "backup %s: no archived bytes lead "
	    "from it to there", w->b->id);
	return route_say_broken(w->t, what, e);
}

/* What follows the moment only adorns the plan: damage spoils no more. */
static int
go_on_over(const struct err *damage, struct err *e)
{
	if (damage->code != ERR_CORRUPT) {
		*e = *damage;
		return -1;
	}
	log_event(LOG_WARN_, "what follows the moment is damaged", "why",
	    damage->msg, NULL);
	return 0;
}

/* From the end of what is archived, or the first that is later. */
static int
to_time(struct way *w, struct route *r, struct err *e)
{
	char end[CLOCK_TEXT], why[100];
	struct err damage = {0};
	uint64_t counted;
	struct cut cut = {0};

	if (moment_later(w->moment, w->b->at_us))
		return say_not(e, w, "it was made later");
	if (moment_later(w->moment, w->before.latest_us))
		return say_not(e, w, "it holds a transaction that committed "
		    "later");
	if (w->moment->time_us > w->b->until_us) {
		clock_rfc3339(w->b->until_us, end);
		(void)snprintf(why, sizeof(why), "archived transactions lead "
		    "from it to %s", end);
		(void)say_not(e, w, why);
		return err_hint(e, "whether anything was committed after that "
		    "is not known: 'latest' is all that is archived");
	}
	if (cut_at_time(w, &cut, &r->first_not, &counted, e) != 0)
		return -1;
	if (cut.found && find_late(w, &cut, &r->late, &damage) != 0 &&
	    go_on_over(&damage, e) != 0)
		return -1;
	r->transactions = counted == UINT64_MAX ? 0 : counted;
	if (!cut.found)
		way_end(w, &cut);
	return finish(w, &cut, r, e);
}

static int
to_latest(struct way *w, struct route *r, struct err *e)
{
	struct cut cut;

	way_end(w, &cut);
	return finish(w, &cut, r, e);
}

/* Where a GTID or a position is: in each run that has it. */
static int
to_place(struct way *w, const struct place_in_log *all, size_t n,
    struct route *r, struct err *e)
{
	struct err none = {0};
	struct cut cut;
	size_t i;

	if (w->moment->kind == MOMENT_GTID && w->has != NULL &&
	    gtid_set_contains(w->has, &w->moment->gtid))
		return say_not(e, w, "the transaction is in it already");
	for (i = 0; i < n; i++) {
		route_line_free(w->legs, w->nlegs);
		w->legs = NULL;
		w->nlegs = 0;
		none = (struct err){0};
		if (route_line(w->t, w->b, all[i].run, &w->legs, &w->nlegs,
		    &none) != 0) {
			if (none.code == ERR_NOTFOUND)
				continue;
			*e = none;
			return -1;
		}
		if (!way_reaches(w, &all[i], &cut))
			continue;
		if (way_next(w, &cut, &r->first_not, &none) != 0 &&
		    go_on_over(&none, e) != 0)
			return -1;
		return finish(w, &cut, r, e);
	}
	return say_unreached(w, e);
}

/* 0: found; ERR_NOTFOUND: not from this backup. */
static int
from_backup(struct way *w, const struct place_in_log *places, size_t n,
    struct route *r, struct err *e)
{
	int fits, rc = -1;

	*r = (struct route){0};
	if (w->b->history < 0)
		return say_not(e, w, w->b->why_not);
	fits = route_fits(w->store, w->t, w->b, &w->before, e);
	if (fits < 0)
		return -1;
	if (fits == 0)
		return say_not(e, w, "its coordinates are not between two "
		    "transactions of which it has those before alone");
	if (w->b->gtid[0] != '\0')
		w->has = timeline_set(w->t, w->b->gtid, NULL);
	if (w->moment->kind == MOMENT_GTID ||
	    w->moment->kind == MOMENT_POSITION)
		rc = to_place(w, places, n, r, e);
	else if (route_line(w->t, w->b, SIZE_MAX, &w->legs, &w->nlegs, e) ==
	    0)
		rc = w->moment->kind == MOMENT_TIME ? to_time(w, r, e) :
		    to_latest(w, r, e);
	gtid_set_free(w->has);
	route_line_free(w->legs, w->nlegs);
	if (rc != 0)
		route_free(r);
	return rc;
}

/* The newest that will do. */
static int
from_any(struct store *s, const struct timeline *t, const struct moment *m,
    const struct place_in_log *places, size_t n, struct route *r,
    struct err *e)
{
	const struct timeline_backup *b;
	struct err why;
	struct way w;
	size_t i;

	for (i = t->nbackups; i-- > 0;) {
		b = &t->backups[i];
		if (b->history < 0 || !b->proven || b->partial ||
		    (m->kind == MOMENT_TIME && (moment_later(m, b->at_us) ||
		    m->time_us > b->until_us)))
			continue;
		w = (struct way){ .store = s, .t = t, .moment = m, .b = b };
		why = (struct err){0};
		if (from_backup(&w, places, n, r, &why) == 0)
			return 0;
		if (why.code != ERR_NOTFOUND) {
			*e = why;
			return -1;
		}
	}
	return route_say_windows(t, m, e);
}

int
route_find(struct store *s, const struct timeline *t, const char *backup,
    const struct moment *m, struct route *r, struct err *e)
{
	struct way w = { .store = s, .t = t, .moment = m };
	struct place_in_log *places = NULL;
	size_t n = 0;
	int rc = 0;

	*r = (struct route){0};
	if (m->kind == MOMENT_GTID || m->kind == MOMENT_POSITION)
		rc = places_find(s, t, m, &places, &n, e);
	if (rc == 0 && backup == NULL) {
		rc = from_any(s, t, m, places, n, r, e);
	} else if (rc == 0) {
		w.b = timeline_backup_of(t, backup);
		rc = w.b != NULL ? from_backup(&w, places, n, r, e) :
		    err_set(e, ERR_NOTFOUND, 0, "source %s has no backup "
		    "%.40s", t->source, backup);
	}
	free(places);
	return rc;
}

void
route_free(struct route *r)
{
	route_line_free(r->legs, r->nlegs);
	transaction_line_free(&r->last);
	transaction_line_free(&r->first_not);
	*r = (struct route){0};
}
