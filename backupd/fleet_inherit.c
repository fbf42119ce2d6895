/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_inherit: what goes on when a configuration takes the place of another. */
#include <stdlib.h>
#include <string.h>

#include "backupd/cron.h"
#include "backupd/depot.h"
#include "base/err.h"
#include "base/zone.h"

#include "backupd/fleet.h"

static bool
same_times(const struct task *a, const struct task *b)
{
	if (a->cron == NULL || b->cron == NULL)
		return a->cron == b->cron;
	return strcmp(cron_text(a->cron), cron_text(b->cron)) == 0 &&
	    strcmp(zone_name(a->schedule.zone),
	    zone_name(b->schedule.zone)) == 0 &&
	    a->schedule.offset_us == b->schedule.offset_us;
}

/* Where it stands; what it is, is the new configuration's to say. */
static void
move_task(struct task *to, struct task *from)
{
	struct task fixed = *to;

	*to = *from;
	to->source = fixed.source;
	to->cron = fixed.cron;
	to->schedule = fixed.schedule;
	to->follows_dump = fixed.follows_dump;
	to->check_us = 0;
	/* The new source was first seen now. */
	if (!same_times(&fixed, from))
		to->since_us = fixed.source->since_us;
	from->child = NULL;
}

static void
move_source(struct source *to, struct source *from)
{
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++)
		move_task(&to->tasks[k], &from->tasks[k]);
	to->paused = from->paused;
	to->since_us = from->since_us;
	to->following = from->following && to->depot == from->depot;
	to->looked = from->looked && to->depot == from->depot;
	to->look_wanted = true;
	to->mine = to->looked ? from->mine : 0;
	to->looking = from->looking;
	to->look_stale = from->look_stale;
	to->look = from->look;
	from->look = (struct look){0};
}

static bool
is_busy(const struct source *x)
{
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++)
		if (x->tasks[k].child != NULL)
			return true;
	return false;
}

static void
point_back(struct fleet *f)
{
	enum task_kind k;
	size_t i;

	for (i = 0; i < f->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++)
			f->sources[i].tasks[k].source = &f->sources[i];
}

/* A source that is no more, but for which something runs; there is room. */
static void
keep_gone(struct fleet *f, struct source *x)
{
	struct source *to = &f->sources[f->nsources++];
	size_t i;

	*to = *x;
	*x = (struct source){0};
	to->gone = true;
	for (i = 0; i < f->ndepots && f->depots[i] != to->depot; i++)
		continue;
	if (i == f->ndepots)
		to->depot = NULL;
	point_back(f);
}

/* For those that are no more: what needs memory comes first, so that all is
 * handed over or nothing. */
static int
make_room(struct fleet *f, const struct fleet *old, struct err *e)
{
	struct source *list;
	size_t n = f->nsources, i;

	for (i = 0; i < old->nsources; i++)
		n += is_busy(&old->sources[i]) &&
		    fleet_find(f, old->sources[i].name) == NULL;
	list = realloc(f->sources, n * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	f->sources = list;
	point_back(f);
	return 0;
}

static void
keep_depot(struct fleet *f, size_t i, struct depot *d)
{
	struct depot *fresh = f->depots[i];
	size_t k;

	depot_hold(d);
	d->memory = fresh->memory;
	f->depots[i] = d;
	for (k = 0; k < f->nsources; k++)
		if (f->sources[k].depot == fresh)
			f->sources[k].depot = d;
	depot_close(fresh);
}

int
fleet_inherit(struct fleet *f, struct fleet *old, struct err *e)
{
	struct source *to;
	size_t i, k;

	if (make_room(f, old, e) != 0)
		return -1;
	for (i = 0; i < f->ndepots; i++)
		for (k = 0; k < old->ndepots; k++)
			if (strcmp(f->depots[i]->print,
			    old->depots[k]->print) == 0 &&
			    strcmp(f->depots[i]->name,
			    old->depots[k]->name) == 0)
				keep_depot(f, i, old->depots[k]);
	for (i = 0; i < old->nsources; i++) {
		to = fleet_find(f, old->sources[i].name);
		if (to != NULL)
			move_source(to, &old->sources[i]);
		else if (is_busy(&old->sources[i]))
			keep_gone(f, &old->sources[i]);
	}
	return 0;
}
