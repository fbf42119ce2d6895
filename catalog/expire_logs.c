/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expire_logs: which archived binary logs no backup that stays needs.
 *
 * Of each history the files from its first on may go, never some in the
 * middle.  A file stays when a backup whose logs are needed stands in it or
 * before it, and when its transactions are not all older than every such
 * backup: so what cannot be placed keeps more, not less.  The last file of the
 * newest history stays in any case, for the archiver goes on from it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#include "catalog/expire.h"

/* The time from which on logs are needed; INT64_MIN: all are. */
static int64_t
needed_from(const struct expire *x)
{
	int64_t from = INT64_MAX;
	size_t i;

	for (i = 0; i < x->nbackups; i++)
		if (x->fates[i].logs && x->backups[i].at_us < from)
			from = x->backups[i].at_us;
	return from == INT64_MAX ? INT64_MIN : from - EXPIRE_SLACK_US;
}

static bool
is_of(const struct timeline_history *h, const char *history)
{
	return strcmp(h->history.id, history) == 0;
}

/* The first file that a backup in this history needs. */
static uint32_t
first_needed(const struct expire *x, const char *history)
{
	const struct timeline_backup *b;
	uint32_t seq = FLOOR_ALL;
	size_t i, k;

	for (i = 0; i < x->timeline.nbackups; i++) {
		b = &x->timeline.backups[i];
		k = expire_find(x, b->id);
		if (b->history < 0 || k == SIZE_MAX || !x->fates[k].logs ||
		    !is_of(&x->timeline.histories[b->history], history))
			continue;
		if (b->seq < seq)
			seq = b->seq;
	}
	return seq;
}

/* Does this file stay? */
static bool
stays(const struct timeline_history *h, const struct timeline_file *f,
    uint32_t needed, int64_t from, bool last)
{
	int64_t time = f->live ? h->last_us : f->file.last_us;

	return last || f->file.seq >= needed || from == INT64_MIN ||
	    time >= from;
}

static void
find_floor(const struct expire *x, size_t run, struct expire_logs *l)
{
	const struct timeline *t = &x->timeline;
	uint32_t needed = first_needed(x, l->history);
	int64_t from = needed_from(x);
	const struct timeline_history *h;
	const struct timeline_file *f;
	size_t i, k;

	l->before = FLOOR_ALL;
	for (i = run; i < t->nhistories && is_of(&t->histories[i],
	    l->history); i++) {
		h = &t->histories[i];
		for (k = 0; k < h->nfiles; k++) {
			f = &h->files[k];
			if (l->first == 0)
				l->first = f->file.seq;
			if (stays(h, f, needed, from, i + 1 ==
			    t->nhistories && k + 1 == h->nfiles)) {
				l->before = f->file.seq;
				(void)snprintf(l->until, sizeof(l->until),
				    "%s", f->file.name);
				goto out;
			}
			l->files++;
			l->bytes += f->end;
		}
	}
	/* Nothing of it stays; but one that has just begun is empty. */
	if (i == t->nhistories || from == INT64_MIN ||
	    t->histories[i - 1].history.opened_us >= from)
		l->before = 0;
out:	if (l->before != 0 && l->before <= l->first)
		l->before = 0;
}

static void
set_state(const struct expire *x, struct expire_logs *l)
{
	const struct floor *f;
	int64_t due;
	size_t i;

	l->state = l->before == 0 ? EXPIRE_STAYS : EXPIRE_MARK;
	l->sweep_after_us = l->before == 0 ? 0 : x->now_us +
	    x->opts.grace_us;
	for (i = 0; i < x->nfloors; i++) {
		f = &x->floors[i];
		if (f->gone || strcmp(f->history, l->history) != 0 ||
		    f->before != l->before || f->sweep_after_us == 0)
			continue;
		due = f->marked_us + x->opts.grace_us;
		if (due < f->sweep_after_us)
			due = f->sweep_after_us;
		l->sweep_after_us = due;
		l->state = due <= x->now_us ? EXPIRE_DUE : EXPIRE_WAITS;
	}
}

int
expire_logs(struct expire *x, struct err *e)
{
	const struct timeline *t = &x->timeline;
	struct expire_logs *l;
	size_t i;

	x->logs = calloc(t->nhistories + 1, sizeof(*x->logs));
	if (x->logs == NULL)
		return err_set(e, ERR_NOMEM, 0, "expire");
	for (i = 0; i < t->nhistories; i++) {
		if (i > 0 && is_of(&t->histories[i],
		    t->histories[i - 1].history.id))
			continue;
		l = &x->logs[x->nlogs++];
		memcpy(l->history, t->histories[i].history.id,
		    sizeof(l->history));
		/* Where something cannot be read, nobody knows what it would
		 * need. */
		if (t->ndamage == 0 && retention_is_set(&x->opts.rules))
			find_floor(x, i, l);
		set_state(x, l);
	}
	if (t->ndamage > 0)
		log_event(LOG_WARN_, "binary logs do not expire: the archive "
		    "is damaged", "source", x->source, "why", t->damage[0],
		    NULL);
	return 0;
}
