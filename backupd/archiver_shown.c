/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_shown: how the sources stand, for other threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/follow.h"
#include "base/clock.h"

#include "backupd/archiver_impl.h"

/* --- names --- */

const char *
archiver_event_text(enum archiver_event event)
{
	static const char *const texts[] = { "gap", "history", "purge",
		"unacked", "acked", "failed", "recovered", "spool_filling",
		"spool_full", "spool_free" };

	return texts[event];
}

const char *
archiver_state_text(enum archiver_state state)
{
	static const char *const texts[] = { "starting", "following",
		"waiting", "stopped", "leaving" };

	return texts[state];
}

const char *
archiver_ack_text(enum archiver_ack ack)
{
	static const char *const texts[] = { "off", "on", "lost" };

	return texts[ack];
}

/* --- what is shown --- */

static void
set_name(char name[64], const char *source)
{
	(void)snprintf(name, 64, "%s", source);
}

/* For a source whose first turn has not come. */
static struct archiver_shown
new_shown(const char *name)
{
	struct archiver_shown x = { .behind_us = -1, .s = {
	    .state = ARCHIVER_STARTING, .lag_bytes = -1, .lag_s = -1 } };

	set_name(x.s.name, name);
	return x;
}

static struct archiver_shown
entry_shown(const struct archiver *a, const struct archiver_entry *x)
{
	static const enum archiver_state states[] = { ARCHIVER_STARTING,
		ARCHIVER_FOLLOWING, ARCHIVER_WAITING, ARCHIVER_STOPPED };
	static const enum archiver_ack acks[] = { ARCHIVER_ACK_OFF,
		ARCHIVER_ACK_ON, ARCHIVER_ACK_LOST };
	struct archiver_shown out = new_shown(x->name);
	struct archiver_source *s = &out.s;
	struct follow_status f;

	follow_status(x->follow, &f);
	s->state = x->leaving ? ARCHIVER_LEAVING : x->next != NULL ?
	    ARCHIVER_STARTING : states[f.state];
	s->ack = acks[f.ack];
	(void)snprintf(s->history, sizeof(s->history), "%s", f.history);
	(void)snprintf(s->server, sizeof(s->server), "%s", f.server);
	(void)snprintf(s->endpoint, sizeof(s->endpoint), "%s", f.endpoint);
	(void)snprintf(s->file, sizeof(s->file), "%s", f.file);
	(void)snprintf(s->error, sizeof(s->error), "%s", f.error);
	s->position = (int64_t)f.position;
	s->lag_bytes = f.lag_bytes;
	s->last_commit_us = f.commit_us;
	s->stored_bytes = f.stored;
	s->gaps = f.gaps;
	s->password_us = f.password_us;
	s->error_since_us = f.error_us;
	if (a->err.code != ERR_NONE) {
		s->state = ARCHIVER_STOPPED;
		(void)snprintf(s->error, sizeof(s->error), "%s", a->err.msg);
		s->error_since_us = a->err_us;
	}
	out.behind_us = f.behind_us;
	out.stand = *f.stand;
	return out;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct archiver_shown *)a)->s.name,
	    ((const struct archiver_shown *)b)->s.name);
}

static struct archiver_shown *
find_shown(const struct archiver *a, const char *name)
{
	struct archiver_shown key;

	set_name(key.s.name, name);
	return a->nshown == 0 ? NULL : bsearch(&key, a->shown, a->nshown,
	    sizeof(key), by_name);
}

/* Under the lock. */
static void
add_shown(struct archiver *a, const char *name)
{
	struct archiver_shown *more;

	if (find_shown(a, name) != NULL)
		return;
	more = realloc(a->shown, (a->nshown + 1) * sizeof(*more));
	if (more == NULL)
		return;		/* it is shown later */
	a->shown = more;
	more[a->nshown++] = new_shown(name);
	qsort(more, a->nshown, sizeof(*more), by_name);
}

void
archiver_show(struct archiver *a, const char *source)
{
	(void)pthread_mutex_lock(&a->lock);
	add_shown(a, source);
	(void)pthread_mutex_unlock(&a->lock);
}

void
archiver_publish(struct archiver *a)
{
	struct archiver_shown *all = calloc(a->n + 1, sizeof(*all)), *old;
	const struct archiver_command *c;
	size_t n = a->n, i;

	if (all == NULL)
		return;		/* what is shown grows old */
	for (i = 0; i < n; i++)
		all[i] = entry_shown(a, &a->entries[i]);
	qsort(all, n, sizeof(*all), by_name);
	(void)pthread_mutex_lock(&a->lock);
	old = a->shown;
	a->shown = all;
	a->nshown = n;
	/* Those that were asked for and are no entries yet. */
	for (c = a->first; c != NULL; c = c->next)
		if (c->opts != NULL)
			add_shown(a, c->name);
	(void)pthread_mutex_unlock(&a->lock);
	free(old);
}

static struct archiver_source
with_lag(const struct archiver_shown *x, int64_t now_us)
{
	struct archiver_source s = x->s;

	s.lag_s = x->behind_us <= 0 ? x->behind_us : x->behind_us > now_us ?
	    0 : (now_us - x->behind_us) / 1000000;
	return s;
}

int
archiver_state(struct archiver *a, const char *source,
    struct archiver_source *out)
{
	const struct archiver_shown *x;

	(void)pthread_mutex_lock(&a->lock);
	x = find_shown(a, source);
	if (x != NULL)
		*out = with_lag(x, clock_now_us());
	(void)pthread_mutex_unlock(&a->lock);
	return x == NULL ? -1 : 0;
}

struct archiver_source *
archiver_list(struct archiver *a, size_t *n)
{
	struct archiver_source *all = NULL;
	int64_t now = clock_now_us();
	size_t i;

	(void)pthread_mutex_lock(&a->lock);
	*n = a->nshown;
	if (*n > 0)
		all = calloc(*n, sizeof(*all));
	for (i = 0; i < *n && all != NULL; i++)
		all[i] = with_lag(&a->shown[i], now);
	(void)pthread_mutex_unlock(&a->lock);
	if (all == NULL)
		*n = 0;
	return all;
}

struct stand *
archiver_stands(struct archiver *a, size_t *n)
{
	struct stand *all = NULL;
	size_t i;

	*n = 0;
	(void)pthread_mutex_lock(&a->lock);
	if (a->nshown > 0)
		all = calloc(a->nshown, sizeof(*all));
	for (i = 0; all != NULL && i < a->nshown; i++)
		if (a->shown[i].stand.at_us != 0)
			all[(*n)++] = a->shown[i].stand;
	(void)pthread_mutex_unlock(&a->lock);
	return all;
}
