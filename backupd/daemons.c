/* SPDX-License-Identifier: Apache-2.0 */
/* daemons: those that share a store, and which of them a source belongs to. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/digest.h"

#include "backupd/daemons.h"

struct daemons {
	int64_t limit_ms, list_ms;
	int64_t began_ms;	/* this listing; */
	int64_t before_ms;	/* and the one before */
	struct daemons_one *all;	/* by id */
	size_t n;
};

struct daemons *
daemons_new(int64_t limit_ms, int64_t list_ms, struct err *e)
{
	struct daemons *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "daemons");
		return NULL;
	}
	d->limit_ms = limit_ms;
	d->list_ms = list_ms;
	d->began_ms = d->before_ms = INT64_MIN;
	return d;
}

void
daemons_pace(struct daemons *d, int64_t limit_ms, int64_t list_ms,
    int64_t now_ms)
{
	size_t i;

	d->limit_ms = limit_ms;
	d->list_ms = list_ms;
	for (i = 0; i < d->n; i++)
		if (d->all[i].alive)
			d->all[i].changed_ms = now_ms;
}

/* --- a listing --- */

void
daemons_begin(struct daemons *d, int64_t now_ms)
{
	size_t i;

	d->before_ms = d->began_ms;
	d->began_ms = now_ms;
	for (i = 0; i < d->n; i++)
		d->all[i].seen = false;
}

/* Where it is, or would be. */
static size_t
place(const struct daemons *d, const char *id)
{
	size_t low = 0, high = d->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(d->all[mid].beat.id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct daemons_one *
find(const struct daemons *d, const char *id)
{
	size_t at = place(d, id);

	return at < d->n && strcmp(d->all[at].beat.id, id) == 0 ?
	    &d->all[at] : NULL;
}

bool
daemons_has(const struct daemons *d, const char *id)
{
	return find(d, id) != NULL;
}

static int
add(struct daemons *d, const char *id, int64_t age_ms, struct err *e)
{
	size_t at = place(d, id);
	struct daemons_one *more;

	if (d->n == DAEMONS_MAX)
		return err_set(e, ERR_IO, 0, "over %d heartbeats of daemons",
		    DAEMONS_MAX);
	more = realloc(d->all, (d->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, 0, "daemons");
	d->all = more;
	memmove(&more[at + 1], &more[at], (d->n - at) * sizeof(*more));
	more[at] = (struct daemons_one){ .unread = true,
	    .changed_ms = d->began_ms - (age_ms > 0 ? age_ms : 0) };
	memcpy(more[at].beat.id, id, CLAIMS_ID_LEN + 1);
	d->n++;
	return 0;
}

/* Somewhere between two listings.  After a long pause of ours the moment of
 * the one before says little: the daemon is alive now. */
static int64_t
changed_at(const struct daemons *d)
{
	int64_t soonest = d->began_ms - d->list_ms - d->list_ms / 2;

	return d->before_ms > soonest ? d->before_ms : soonest;
}

int
daemons_see(struct daemons *d, const char *id, uint64_t size,
    int64_t mtime_us, int64_t age_ms, struct err *e)
{
	struct daemons_one *one = find(d, id);

	if (one == NULL) {
		if (add(d, id, age_ms, e) != 0)
			return -1;
		one = find(d, id);
	} else if (one->size != size || one->mtime_us != mtime_us) {
		one->changed_ms = changed_at(d);
		/* Only what it says changes its size (heartbeat.h). */
		one->unread |= one->size != size;
	}
	one->seen = true;
	one->size = size;
	one->mtime_us = mtime_us;
	return 0;
}

bool
daemons_end(struct daemons *d, int64_t now_ms)
{
	bool changed = false, alive;
	size_t i, kept = 0;

	for (i = 0; i < d->n; i++) {
		if (!d->all[i].seen) {
			changed |= d->all[i].alive;
			heartbeat_free(&d->all[i].beat);
			continue;
		}
		alive = now_ms - d->all[i].changed_ms < d->limit_ms;
		changed |= alive != d->all[i].alive;
		d->all[i].alive = alive;
		d->all[kept++] = d->all[i];
	}
	d->n = kept;
	return changed;
}

/* --- what they say --- */

const char *
daemons_unread(const struct daemons *d)
{
	size_t i;

	/* Nobody needs to know what a dead one said. */
	for (i = 0; i < d->n; i++)
		if (d->all[i].unread && d->all[i].alive)
			return d->all[i].beat.id;
	return NULL;
}

void
daemons_learn(struct daemons *d, const char *id, struct heartbeat *beat,
    bool gone)
{
	struct daemons_one *one = find(d, id);
	struct heartbeat old;

	if (one == NULL)
		return;
	one->unread = false;
	if (beat != NULL) {
		old = one->beat;
		one->beat = *beat;
		one->known = true;
		*beat = (struct heartbeat){0};
		heartbeat_free(&old);
	}
	if (gone) {
		one->alive = false;
		one->changed_ms = d->began_ms - d->limit_ms;
	}
}

int64_t
daemons_due(const struct daemons *d)
{
	int64_t due = INT64_MAX;
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->all[i].alive &&
		    d->all[i].changed_ms + d->limit_ms < due)
			due = d->all[i].changed_ms + d->limit_ms;
	return due;
}

/* --- whose is it? --- */

uint64_t
daemons_weight(uint64_t source, const char *id)
{
	uint8_t both[8 + CLAIMS_ID_LEN];
	size_t i;

	/* The same on every machine. */
	for (i = 0; i < 8; i++)
		both[i] = (uint8_t)(source >> (8 * i));
	memcpy(both + 8, id, CLAIMS_ID_LEN);
	return xxh3_64(both, sizeof(both));
}

static bool
knows(const struct heartbeat *h, uint64_t source)
{
	size_t low = 0, high = h->nsources, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (h->sources[mid] < source)
			low = mid + 1;
		else
			high = mid;
	}
	return low < h->nsources && h->sources[low] == source;
}

const struct daemons_one *
daemons_owner(const struct daemons *d, uint64_t source, unsigned job)
{
	const struct daemons_one *one, *best = NULL;
	uint64_t weight, most = 0;
	size_t i;

	for (i = 0; i < d->n; i++) {
		one = &d->all[i];
		if (!one->alive || !one->known || (one->beat.jobs & job) == 0)
			continue;
		/* Equal weights: the lower id, since it comes first. */
		weight = daemons_weight(source, one->beat.id);
		if ((best == NULL || weight > most) &&
		    knows(&one->beat, source)) {
			best = one;
			most = weight;
		}
	}
	return best;
}

const struct daemons_one *
daemons_all(const struct daemons *d, size_t *n)
{
	*n = d->n;
	return d->all;
}

bool
daemons_dead_for(const struct daemons_one *one, int64_t ms, int64_t now_ms)
{
	return !one->alive && now_ms - one->changed_ms >= ms;
}

void
daemons_free(struct daemons *d)
{
	if (d == NULL)
		return;
	while (d->n > 0)
		heartbeat_free(&d->all[--d->n].beat);
	free(d->all);
	free(d);
}
