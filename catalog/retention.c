/* SPDX-License-Identifier: Apache-2.0 */
/* retention: which backups of a source stay, which go, and why. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "catalog/retention.h"

/* Until when a reason stands: not to be told, or (a time). */
#define OPEN	INT64_MAX

struct deciding {
	const struct retention_set *in;
	struct retention_fate *fates;
	size_t *order;		/* newest first */
	int64_t now;
	bool nomem;
};

/* --- words --- */

const char *
retention_span(int64_t us, char text[RETENTION_SPAN])
{
	static const struct { int64_t us; const char *name; } units[] = {
		{ INT64_C(86400000000), "day" }, { INT64_C(3600000000), "hour" },
		{ 60000000, "minute" }, { 1000000, "second" },
		{ 1, "microsecond" },
	};
	size_t i = 0;

	while (us % units[i].us != 0)
		i++;
	(void)snprintf(text, RETENTION_SPAN, "%" PRId64 " %s%s",
	    us / units[i].us, units[i].name, us == units[i].us ? "" : "s");
	return text;
}

const char *
retention_bucket(enum retention_unit unit, int64_t us,
    char text[RETENTION_BUCKET])
{
	static const char *const formats[] = { "hour %Y-%m-%dT%H",
	    "day %Y-%m-%d", "week %G-W%V", "month %Y-%m", "year %Y" };
	time_t s = (time_t)(us / 1000000);
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL ||
	    strftime(text, RETENTION_BUCKET, formats[unit], &tm) == 0)
		text[0] = '\0';
	return text;
}

static void
add_why(struct deciding *d, size_t i, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
add_why(struct deciding *d, size_t i, const char *fmt, va_list ap)
{
	struct retention_fate *f = &d->fates[i];
	char text[640], **why;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	why = realloc(f->why, (f->nwhy + 1) * sizeof(*why));
	if (why != NULL)
		f->why = why;
	if (why == NULL || (why[f->nwhy] = strdup(text)) == NULL) {
		d->nomem = true;
		return;
	}
	f->nwhy++;
}

static void keep(struct deciding *d, size_t i, int64_t until,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* It stays, for one reason more. */
static void
keep(struct deciding *d, size_t i, int64_t until, const char *fmt, ...)
{
	struct retention_fate *f = &d->fates[i];
	va_list ap;

	f->keep = true;
	if (until > f->until_us)
		f->until_us = until;
	va_start(ap, fmt);
	add_why(d, i, fmt, ap);
	va_end(ap);
}

static void
goes(struct deciding *d, size_t i, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
goes(struct deciding *d, size_t i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_why(d, i, fmt, ap);
	va_end(ap);
}

/* --- order and groups --- */

struct place {
	const struct retention_backup *b;
	size_t i;
};

static int
newest_first(const void *a, const void *b)
{
	const struct retention_backup *x = ((const struct place *)a)->b;
	const struct retention_backup *y = ((const struct place *)b)->b;

	if (x->at_us != y->at_us)
		return x->at_us > y->at_us ? -1 : 1;
	return -strcmp(x->id, y->id);
}

static int
sort(struct deciding *d)
{
	size_t n = d->in->nbackups, i;
	struct place *all = calloc(n + 1, sizeof(*all));

	d->order = calloc(n + 1, sizeof(*d->order));
	if (all == NULL || d->order == NULL) {
		free(all);
		return -1;
	}
	for (i = 0; i < n; i++)
		all[i] = (struct place){ &d->in->backups[i], i };
	qsort(all, n, sizeof(*all), newest_first);
	for (i = 0; i < n; i++)
		d->order[i] = all[i].i;
	free(all);
	return 0;
}

static const struct retention_backup *
backup(const struct deciding *d, size_t k)
{
	return &d->in->backups[d->order[k]];
}

/* Those that are counted together. */
static bool
same_group(const struct retention_backup *a, const struct retention_backup *b)
{
	return a->unreadable == NULL && b->unreadable == NULL &&
	    a->good == b->good && strcmp(a->lineage, b->lineage) == 0;
}

/* The newest of its group? */
static bool
leads(const struct deciding *d, size_t k)
{
	size_t i;

	for (i = 0; i < k; i++)
		if (same_group(backup(d, i), backup(d, k)))
			return false;
	return backup(d, k)->unreadable == NULL;
}

/* --- the rules, each for one group, of which the k-th is the newest --- */

static void
keep_last(struct deciding *d, size_t k)
{
	const struct retention_backup *first = backup(d, k);
	uint64_t n = 0;

	for (; k < d->in->nbackups && n < d->in->rules.last; k++)
		if (same_group(backup(d, k), first))
			keep(d, d->order[k], OPEN, "number %" PRIu64 " of the "
			    "last %" PRIu64, ++n, d->in->rules.last);
}

static void
keep_units(struct deciding *d, size_t k, enum retention_unit unit)
{
	const struct retention_backup *first = backup(d, k);
	char text[RETENTION_BUCKET], last[RETENTION_BUCKET] = "";
	uint64_t n = 0;

	for (; k < d->in->nbackups && n < d->in->rules.unit[unit]; k++) {
		if (!same_group(backup(d, k), first))
			continue;
		(void)retention_bucket(unit, backup(d, k)->at_us, text);
		if (strcmp(text, last) == 0)
			continue;
		memcpy(last, text, sizeof(last));
		n++;
		keep(d, d->order[k], OPEN, "the newest of %s", text);
	}
}

/* It is older than the span: does it serve it?  Of good ones the newest does,
 * for what lies between it and the next can be restored from it alone; and of
 * a window the newest from which binary logs lead into it.  True: look no
 * further. */
static bool
keep_older(struct deciding *d, size_t k, int64_t span, bool window,
    int64_t newer)
{
	const struct retention_backup *b = backup(d, k);
	bool leads_on = b->logs_until_us >= d->now - span;
	char text[RETENTION_SPAN];

	(void)retention_span(span, text);
	if (!window)
		keep(d, d->order[k], newer, "the newest that is older than "
		    "%s: no newer one covers them all yet", text);
	else if (newer != 0 || leads_on)
		keep(d, d->order[k], newer == 0 ? OPEN : newer, "the window "
		    "of %s begins with it", text);
	d->fates[d->order[k]].logs |= window && leads_on;
	return !window || leads_on;
}

/* All that are younger, and what serves the rest of the span. */
static void
keep_span(struct deciding *d, size_t k, int64_t span, bool window)
{
	const struct retention_backup *first = backup(d, k), *b;
	char text[RETENTION_SPAN];
	int64_t newer = OPEN;	/* when the next newer one leaves the span;
				 * 0: one that is older was there already */

	(void)retention_span(span, text);
	for (; k < d->in->nbackups; k++) {
		b = backup(d, k);
		if (!same_group(b, first))
			continue;
		if (b->at_us < d->now - span) {
			if (!first->good || keep_older(d, k, span, window,
			    newer))
				return;
			newer = 0;
			continue;
		}
		keep(d, d->order[k], b->good ? newer : b->at_us + span,
		    window ? "in the window of %s" : "younger than %s", text);
		d->fates[d->order[k]].logs |= window &&
		    b->logs_until_us >= d->now - span;
		newer = b->at_us + span;
	}
}

/* The newest good ones never leave. */
static void
keep_newest(struct deciding *d, size_t k)
{
	const struct retention_backup *first = backup(d, k);
	uint64_t min = d->in->rules.min, n = 0;

	for (; k < d->in->nbackups && (n == 0 || n < min); k++) {
		if (!same_group(backup(d, k), first))
			continue;
		if (n++ == 0)
			keep(d, d->order[k], OPEN, "the newest good one of "
			    "its lineage never leaves");
		else
			keep(d, d->order[k], OPEN, "one of the %" PRIu64
			    " newest good ones of its lineage", min);
	}
}

static void
apply_rules(struct deciding *d)
{
	const struct retention_rules *r = &d->in->rules;
	int unit;
	size_t k;

	for (k = 0; k < d->in->nbackups; k++) {
		if (!leads(d, k))
			continue;
		if (backup(d, k)->good)
			keep_newest(d, k);
		keep_last(d, k);
		for (unit = 0; unit < RETENTION_UNITS; unit++)
			keep_units(d, k, (enum retention_unit)unit);
		if (r->within_us > 0)
			keep_span(d, k, r->within_us, false);
		if (r->window_us > 0)
			keep_span(d, k, r->window_us, true);
	}
}

/* --- what no rule counts --- */

static void
keep_held(struct deciding *d)
{
	const struct retention_hold *h;
	char until[CLOCK_TEXT];
	size_t i, k;

	for (i = 0; i < d->in->nholds; i++) {
		h = &d->in->holds[i];
		if (h->until_us != 0 && h->until_us <= d->now)
			continue;
		if (h->until_us != 0)
			clock_rfc3339(h->until_us, until);
		else
			(void)snprintf(until, sizeof(until), "released");
		for (k = 0; k < d->in->nbackups; k++) {
			if (strcmp(d->in->backups[k].id, h->backup) != 0)
				continue;
			keep(d, k, h->until_us != 0 ? h->until_us : OPEN,
			    "hold '%.63s' of %.80s until %s", h->name,
			    h->owner, until);
			d->fates[k].logs = true;
		}
	}
}

static void
keep_unreadable(struct deciding *d)
{
	const struct retention_backup *b, *x;
	size_t i, k;

	for (i = 0; i < d->in->nbackups; i++) {
		b = &d->in->backups[i];
		if (b->unreadable == NULL)
			continue;
		keep(d, i, OPEN, "it cannot be read: %.300s", b->unreadable);
		d->fates[i].logs = true;
		/* Nobody knows from whom it borrowed. */
		for (k = 0; k < d->in->nbackups; k++) {
			x = &d->in->backups[k];
			if (k != i && strcmp(x->id, b->id) < 0)
				keep(d, k, OPEN, "may have lent chunks to %s, "
				    "which cannot be read", b->id);
		}
	}
}

/* True: one more stays. */
static bool
keep_lenders_of(struct deciding *d, size_t borrower)
{
	const struct retention_backup *b = &d->in->backups[borrower];
	bool more = false;
	size_t i, x;

	for (i = 0; d->fates[borrower].keep && i < b->nlenders; i++)
		for (x = 0; x < d->in->nbackups; x++)
			if (x != borrower && !d->fates[x].keep &&
			    strcmp(d->in->backups[x].id, b->lenders[i]) == 0)
				more = d->fates[x].keep = true;
	return more;
}

static void
keep_lenders(struct deciding *d)
{
	size_t k, i, x;
	bool more = true;

	for (i = 0; i < d->in->nruns; i++)
		for (x = 0; x < d->in->nbackups; x++)
			if (strcmp(d->in->backups[x].id,
			    d->in->runs[i].lender) == 0)
				keep(d, x, OPEN, "may lend chunks to the run "
				    "%s under way", d->in->runs[i].id);
	/* Newest first, since who borrows is newer than who lends; and again
	 * for those that a clock put in another order. */
	while (more) {
		more = false;
		for (k = 0; k < d->in->nbackups; k++)
			more |= keep_lenders_of(d, d->order[k]);
	}
}

/* Now that it is known who stays. */
static void
explain_lenders(struct deciding *d)
{
	const struct retention_backup *b;
	size_t k, i, x;

	for (k = 0; k < d->in->nbackups; k++) {
		b = &d->in->backups[k];
		for (i = 0; d->fates[k].keep && i < b->nlenders; i++)
			for (x = 0; x < d->in->nbackups; x++)
				if (x != k && strcmp(d->in->backups[x].id,
				    b->lenders[i]) == 0)
					keep(d, x, OPEN, "lent chunks to %s",
					    b->id);
	}
}

/* --- all together --- */

bool
retention_is_set(const struct retention_rules *r)
{
	int unit;

	for (unit = 0; unit < RETENTION_UNITS; unit++)
		if (r->unit[unit] > 0)
			return true;
	return r->last > 0 || r->within_us > 0 || r->window_us > 0;
}

static void
decide(struct deciding *d)
{
	const struct retention_set *in = d->in;
	bool set = retention_is_set(&in->rules);
	struct retention_fate *f;
	size_t i;

	keep_unreadable(d);
	keep_held(d);
	if (set)
		apply_rules(d);
	else
		for (i = 0; i < in->nbackups; i++)
			keep(d, i, OPEN, "no rule is set: nothing expires");
	keep_lenders(d);
	explain_lenders(d);
	for (i = 0; i < in->nbackups; i++) {
		f = &d->fates[i];
		if (!f->keep)
			goes(d, i, "no rule, hold, window or borrower needs "
			    "it");
		/* Without a window every backup that stays keeps its own. */
		if (f->keep && in->rules.window_us == 0)
			f->logs = true;
		if (f->until_us == OPEN)
			f->until_us = 0;
	}
	/* However it is: from the newest good one on, all can be restored. */
	for (i = 0; i < in->nbackups; i++)
		if (backup(d, i)->good && backup(d, i)->unreadable == NULL) {
			d->fates[d->order[i]].logs = true;
			break;
		}
}

struct retention_fate *
retention_decide(const struct retention_set *in, int64_t now_us,
    struct err *e)
{
	struct deciding d = { .in = in, .now = now_us };

	d.fates = calloc(in->nbackups + 1, sizeof(*d.fates));
	if (d.fates == NULL || sort(&d) != 0)
		d.nomem = true;
	else
		decide(&d);
	free(d.order);
	if (d.nomem) {
		retention_free(d.fates, in->nbackups);
		(void)err_set(e, ERR_NOMEM, 0, "retention");
		return NULL;
	}
	return d.fates;
}

void
retention_free(struct retention_fate *fates, size_t n)
{
	size_t i, k;

	if (fates == NULL)
		return;
	for (i = 0; i < n; i++) {
		for (k = 0; k < fates[i].nwhy; k++)
			free(fates[i].why[k]);
		free(fates[i].why);
	}
	free(fates);
}
