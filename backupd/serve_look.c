/* SPDX-License-Identifier: Apache-2.0 */
/* serve_look: what the store holds of each source, looked at when it may have
 * changed. */
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/depot.h"
#include "backupd/pool.h"
#include "base/clock.h"
#include "base/log.h"

#include "backupd/serve_impl.h"

#define OUTGROWN_MS INT64_C(2000)	/* doubled while it does not help */

struct looking {
	struct job job;		/* first */
	struct serve *serve;
	struct depot *depot;	/* held */
	char source[SOURCE_NAME_MAX + 1];
	int64_t since_us;
	struct look found;
	struct err err;
};

/* How the archive stands; -1: there is none. */
static int
archived(const struct source *x, struct archiver_source *a)
{
	return !x->following || x->depot == NULL || !x->depot->open ? -1 :
	    archiver_state(x->depot->archiver, x->name, a);
}

/* Has the archive another history or gap since, or has it come nearer to a
 * backup that it had not reached?  One that it never will is asked for more
 * and more rarely. */
static bool
is_outgrown(struct source *x, int64_t now_ms)
{
	struct outgrown *o = &x->outgrown;
	struct archiver_source a;

	if (!x->looked || x->looking || now_ms < o->check_ms ||
	    archived(x, &a) != 0)
		return false;
	o->check_ms = now_ms + (OUTGROWN_MS << (o->apart < 9 ? o->apart : 9));
	return a.gaps != o->gaps || strcmp(a.history, o->history) != 0 ||
	    (x->look.apart && a.stored_bytes != o->stored_bytes);
}

static void
note_archived(struct source *x)
{
	struct archiver_source a = {0};

	(void)archived(x, &a);
	memcpy(x->outgrown.history, a.history, sizeof(a.history));
	x->outgrown.gaps = a.gaps;
	x->outgrown.stored_bytes = a.stored_bytes;
}

static void
look_run(struct job *j)
{
	struct looking *l = (struct looking *)j;

	(void)look_at(l->depot->store, l->source, l->since_us, &l->found,
	    &l->err);
}

static void
looked(struct serve *s, struct source *x, struct looking *l)
{
	x->looking = false;
	if (x->look_stale) {
		x->look_stale = false;
		x->look_wanted = true;
		return;
	}
	if (l->err.code != ERR_NONE) {
		x->look_wanted = true;
		x->look_ms = clock_mono_ms() + clock_backoff_ms(
		    ++x->look_failures, SERVE_RETRY_BASE_MS,
		    SERVE_RETRY_CAP_MS);
		if (l->err.code != ERR_CANCELLED)
			log_event(LOG_WARN_, "cannot look at the store",
			    "source", x->name, "why", l->err.msg, NULL);
		x->look_err = l->err;
		return;
	}
	x->look_failures = 0;
	x->look_err = (struct err){0};
	look_free(&x->look);
	x->look = l->found;
	l->found = (struct look){0};
	x->looked = true;
	x->outgrown.apart = x->look.apart ? x->outgrown.apart + 1 : 0;
	s->problems_ms = 0;
	serve_recall(s, x);
}

static void
look_done(struct job *j)
{
	struct looking *l = (struct looking *)j;
	struct serve *s = l->serve;
	struct source *x = fleet_find(s->fleet, l->source);

	s->looking--;
	if (x != NULL && x->depot == l->depot)
		looked(s, x, l);
	else if (x != NULL)
		x->looking = false;
	look_free(&l->found);
	serve_drop(s, l->depot);
	free(l);
}

static void
look(struct serve *s, struct source *x)
{
	struct looking *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return;
	*l = (struct looking){ .job = { .run = look_run, .done = look_done },
	    .serve = s, .depot = x->depot,
	    .since_us = clock_now_us() - SERVE_SINCE_US };
	memcpy(l->source, x->name, sizeof(l->source));
	note_archived(x);
	depot_hold(x->depot);
	x->looking = true;
	x->look_wanted = false;
	s->looking++;
	pool_submit(s->pool, &l->job);
}

void
serve_looks(struct serve *s, int64_t now_ms)
{
	struct source *x;
	size_t i;

	for (i = 0; i < s->fleet->nsources && s->looking < SERVE_LOOKS; i++) {
		x = &s->fleet->sources[i];
		if (is_outgrown(x, now_ms))
			x->look_wanted = true;
		if (x->look_wanted && !x->looking && !x->gone &&
		    x->depot != NULL && x->depot->open &&
		    x->look_ms <= now_ms)
			look(s, x);
	}
}
