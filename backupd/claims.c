/* SPDX-License-Identifier: Apache-2.0 */
/* claims: which daemon works for which source of one store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"

#include "backupd/claims_impl.h"

#define HEARTBEAT_MS 30000
#define STALE_MS 120000
#define STOP_S 2

void
claims_id_make(char id[CLAIMS_ID_LEN + 1])
{
	random_hex(id, CLAIMS_ID_LEN);
}

/* Those who do not hear of us any more take over at the earliest a listing
 * before the limit: by then we begin nothing new. */
bool
claims_sure(const struct claims *c, int64_t now_ms)
{
	return c->beat_ms != INT64_MIN && c->list_ok_ms != INT64_MIN &&
	    now_ms - c->beat_ms < c->limit_ms - c->list_ms &&
	    now_ms - c->list_ok_ms < c->limit_ms;
}

void
claims_fire(struct claims *c)
{
	const uint64_t one = 1;

	if (write(c->fd, &one, sizeof(one)) < 0)
		return;		/* it is readable */
}

int
claims_fd(const struct claims *c)
{
	return c->fd;
}

void
claims_ack(struct claims *c)
{
	uint64_t count;

	if (read(c->fd, &count, sizeof(count)) < 0)
		return;		/* nothing had changed */
}

/* --- what we could do --- */

static void
names_free(char **names, size_t n)
{
	while (names != NULL && n > 0)
		free(names[--n]);
	free(names);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
changed(struct claims *c)
{
	c->dirty = true;
	(void)pthread_cond_broadcast(&c->change);
}

int
claims_set(struct claims *c, const char *const *sources, size_t n,
    struct err *e)
{
	char **names = calloc(n + 1, sizeof(*names)), **old;
	uint64_t *hashes = calloc(n + 1, sizeof(*hashes)), *gone;
	size_t nhashes = n, nold, i;

	for (i = 0; i < n && names != NULL && hashes != NULL; i++) {
		names[i] = strdup(sources[i]);
		if (names[i] == NULL)
			break;
		hashes[i] = heartbeat_hash(sources[i]);
	}
	if (names == NULL || hashes == NULL || i < n) {
		names_free(names, n);
		free(hashes);
		return err_set(e, ERR_NOMEM, 0, "sources");
	}
	qsort(names, n, sizeof(*names), by_name);
	heartbeat_sort(hashes, &nhashes);
	(void)pthread_mutex_lock(&c->lock);
	old = c->names;
	nold = c->nnames;
	gone = c->self.sources;
	c->names = names;
	c->nnames = n;
	c->self.sources = hashes;
	c->self.nsources = nhashes;
	c->set = true;
	changed(c);
	(void)pthread_mutex_unlock(&c->lock);
	names_free(old, nold);
	free(gone);
	return 0;
}

void
claims_jobs(struct claims *c, unsigned jobs)
{
	(void)pthread_mutex_lock(&c->lock);
	if (c->self.jobs != jobs) {
		c->self.jobs = jobs;
		changed(c);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

void
claims_pace(struct claims *c, unsigned heartbeat_ms, unsigned stale_ms)
{
	(void)pthread_mutex_lock(&c->lock);
	if (c->beat_wanted != heartbeat_ms || c->stale_wanted != stale_ms) {
		c->beat_wanted = heartbeat_ms;
		c->stale_wanted = stale_ms;
		c->paced = true;
		changed(c);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

void
claims_take_pace(struct claims *c)
{
	int64_t stale = c->stale_wanted == 0 ? STALE_MS :
	    (int64_t)c->stale_wanted, now = clock_mono_ms();

	c->heartbeat_ms = c->beat_wanted == 0 ? HEARTBEAT_MS :
	    (int64_t)c->beat_wanted;
	if (stale < 3 * c->heartbeat_ms)
		stale = 3 * c->heartbeat_ms;
	c->list_ms = c->heartbeat_ms * 3 / 2;
	/* What is left is for the one that takes over. */
	c->limit_ms = stale - stale / 8;
	c->paced = false;
	if (c->daemons == NULL)
		return;
	daemons_pace(c->daemons, c->limit_ms, c->list_ms, now);
	if (c->next_list_ms > now + c->list_ms)
		c->next_list_ms = now + c->list_ms;
}

void
claims_stands(struct claims *c, struct stand *stands, size_t n)
{
	struct stand *old;

	(void)pthread_mutex_lock(&c->lock);
	old = c->stands;
	c->self.stands = c->stands = stands;
	c->self.nstands = n;
	(void)pthread_mutex_unlock(&c->lock);
	free(old);
}

/* --- questions --- */

enum claims_owner
claims_owner(struct claims *c, const char *source, enum claims_job job,
    char owner[CLAIMS_ID_LEN + 1])
{
	uint64_t hash = heartbeat_hash(source);
	const struct daemons_one *one;
	enum claims_owner rc = CLAIMS_UNSURE;

	owner[0] = '\0';
	(void)pthread_mutex_lock(&c->lock);
	one = daemons_owner(c->daemons, hash, job);
	if (one != NULL && claims_sure(c, clock_mono_ms())) {
		memcpy(owner, one->beat.id, CLAIMS_ID_LEN + 1);
		rc = strcmp(owner, c->self.id) == 0 ? CLAIMS_OURS :
		    CLAIMS_OTHERS;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

bool
claims_mine(struct claims *c, const char *source, enum claims_job job)
{
	char owner[CLAIMS_ID_LEN + 1];

	return claims_owner(c, source, job, owner) == CLAIMS_OURS;
}

void
claims_taken(struct claims *c, const char *source, const char *why)
{
	struct claims_taken *x = calloc(1, sizeof(*x)), *at;

	if (x == NULL)
		return;		/* nothing rests on it */
	(void)snprintf(x->source, sizeof(x->source), "%s", source);
	(void)snprintf(x->why, sizeof(x->why), "%s", why);
	(void)pthread_mutex_lock(&c->lock);
	for (at = c->first; at != NULL; at = at->next)
		if (strcmp(at->source, source) == 0)
			break;
	if (at == NULL) {
		if (c->last == NULL)
			c->first = x;
		else
			c->last->next = x;
		c->last = x;
		x = NULL;
		(void)pthread_cond_broadcast(&c->change);
	}
	(void)pthread_mutex_unlock(&c->lock);
	free(x);
}

/* How many of our sources each has; under the lock. */
static void
count_sources(const struct claims *c, struct claims_daemon *all, size_t n)
{
	const struct daemons_one *list, *one;
	unsigned job;
	size_t i, k;

	list = daemons_all(c->daemons, &k);
	for (i = 0; i < c->self.nsources; i++) {
		one = daemons_owner(c->daemons, c->self.sources[i],
		    CLAIMS_ARCHIVE);
		if (one != NULL)
			all[one - list].sources++;
	}
	/* Who archives nothing: its first kind of job. */
	for (k = 0; k < n; k++) {
		job = all[k].jobs & (~all[k].jobs + 1);
		for (i = 0; i < c->self.nsources && job != 0 &&
		    (all[k].jobs & CLAIMS_ARCHIVE) == 0; i++)
			all[k].sources += daemons_owner(c->daemons,
			    c->self.sources[i], job) == &list[k];
	}
}

struct claims_daemon *
claims_daemons(struct claims *c, size_t *n)
{
	const struct daemons_one *list;
	struct claims_daemon *all = NULL;
	size_t i;

	(void)pthread_mutex_lock(&c->lock);
	list = daemons_all(c->daemons, n);
	if (*n > 0)
		all = calloc(*n, sizeof(*all));
	for (i = 0; all != NULL && i < *n; i++) {
		memcpy(all[i].id, list[i].beat.id, sizeof(all[i].id));
		memcpy(all[i].host, list[i].beat.process.host,
		    sizeof(all[i].host));
		memcpy(all[i].tool, list[i].beat.tool, sizeof(all[i].tool));
		all[i].started_us = list[i].beat.started_us;
		all[i].jobs = list[i].beat.jobs;
		all[i].alive = list[i].alive;
		all[i].ours = strcmp(all[i].id, c->self.id) == 0;
	}
	if (all != NULL)
		count_sources(c, all, *n);
	else
		*n = 0;
	(void)pthread_mutex_unlock(&c->lock);
	return all;
}

uint64_t
claims_requests(struct claims *c)
{
	uint64_t n;

	(void)pthread_mutex_lock(&c->lock);
	n = c->requests;
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

int64_t
claims_lost_since(struct claims *c)
{
	int64_t us;

	(void)pthread_mutex_lock(&c->lock);
	us = c->lost_us;
	(void)pthread_mutex_unlock(&c->lock);
	return us;
}

/* --- begin and end --- */

static void
discard(struct claims *c)
{
	struct claims_taken *x;

	while ((x = c->first) != NULL) {
		c->first = x->next;
		free(x);
	}
	names_free(c->names, c->nnames);
	heartbeat_free(&c->self);
	free(c->stands);
	daemons_free(c->daemons);
	if (c->fd != -1)
		(void)close(c->fd);
	(void)pthread_cond_destroy(&c->change);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct claims *
create(const struct claims_opts *o, struct err *e)
{
	struct claims *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (c == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "claims");
		return NULL;
	}
	c->store = o->store;
	c->store_cancel = o->store_cancel;
	c->beat_wanted = o->heartbeat_ms;
	c->stale_wanted = o->stale_ms;
	claims_take_pace(c);
	c->beat_ms = c->list_ok_ms = INT64_MIN;
	c->next_ask_ms = INT64_MAX;
	process_self(&c->self.process);
	(void)snprintf(c->self.id, sizeof(c->self.id), "%s", o->id);
	(void)snprintf(c->self.tool, sizeof(c->self.tool), "%s",
	    o->tool != NULL ? o->tool : "backupd " KURA_VERSION);
	if (o->host != NULL)
		(void)snprintf(c->self.process.host,
		    sizeof(c->self.process.host), "%s", o->host);
	c->self.started_us = clock_now_us();
	c->self.jobs = o->jobs;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->change, &attr);
	(void)pthread_condattr_destroy(&attr);
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->fd == -1)
		(void)err_set(e, ERR_NOMEM, errno, "eventfd");
	else
		c->daemons = daemons_new(c->limit_ms, c->list_ms, e);
	if (c->daemons != NULL)
		return c;
	discard(c);
	return NULL;
}

struct claims *
claims_start(const struct claims_opts *o, struct err *e)
{
	struct claims *c = create(o, e);
	int error;

	if (c == NULL)
		return NULL;
	error = pthread_create(&c->thread, NULL, claims_serve, c);
	if (error == 0)
		return c;
	(void)err_set(e, ERR_NOMEM, error, "start a thread");
	discard(c);
	return NULL;
}

void
claims_stop(struct claims *c)
{
	struct timespec until;
	int rc = 0;

	if (c == NULL)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_S;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_broadcast(&c->change);
	while (!c->stopped && rc == 0)
		rc = pthread_cond_timedwait(&c->change, &c->lock, &until);
	rc = c->stopped;
	(void)pthread_mutex_unlock(&c->lock);
	if (!rc && c->store_cancel != NULL)
		cancel_request(c->store_cancel, "SIGTERM");
	(void)pthread_join(c->thread, NULL);
	discard(c);
}
