/* SPDX-License-Identifier: Apache-2.0 */
/* notify: tells people, by a command or a web request, what happens. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"

#include "backupd/notify_impl.h"

#define REMINDER_MS (UINT64_C(24) * 3600 * 1000)
#define AGAIN_US (INT64_C(600) * 1000000)
#define PINGS "ping"

/* --- making --- */

/* A copy of text, which may be NULL; *ok is false when there is no memory. */
static char *
copied(const char *text, bool *ok)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		*ok = false;
	return copy;
}

static const char *const *
argv_copied(const char *const *argv, bool *ok)
{
	size_t n = 0, i;
	char **copy;

	if (argv == NULL)
		return NULL;
	while (argv[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	if (copy == NULL)
		*ok = false;
	for (i = 0; copy != NULL && i < n; i++)
		copy[i] = copied(argv[i], ok);
	return (const char *const *)copy;
}

static const struct notice_filter *
filters_copied(const struct notify_channel *o, bool *ok)
{
	struct notice_filter *copy = NULL;

	if (o->non > 0) {
		copy = calloc(o->non, sizeof(*copy));
		if (copy == NULL)
			*ok = false;
		else
			(void)memcpy(copy, o->on, o->non * sizeof(*copy));
	}
	return copy;
}

/* Only plain names become names of files. */
static char *
path_of(const char *folder, const char *name, bool *ok)
{
	struct buf path = {0};
	char *copy = NULL;

	if (folder == NULL || name[0] == '.' || name[strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_.-")] != '\0')
		return NULL;
	buf_addf(&path, "%s/notify-%s.json", folder, name);
	copy = copied(path.failed ? NULL : buf_str(&path), ok);
	buf_free(&path);
	return copy;
}

static int
channel_init(struct channel *c, struct notify *all,
    const struct notify_channel *o, const char *state, struct err *e)
{
	pthread_condattr_t attr;
	bool ok = true;

	c->all = all;
	c->tail = &c->head;
	c->max = o != NULL ? NOTIFY_QUEUE : NOTIFY_PINGS;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->change, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (o != NULL) {
		assert(o->type == NOTIFY_EXEC ? o->argv != NULL :
		    o->url != NULL);
		c->opts = *o;
		c->opts.name = copied(o->name, &ok);
		c->opts.argv = argv_copied(o->argv, &ok);
		c->opts.url = copied(o->url, &ok);
		c->opts.secret = copied(o->secret, &ok);
		c->opts.on = filters_copied(o, &ok);
		c->path = path_of(state, o->name, &ok);
		c->told = told_new(NOTIFY_OPEN_MAX, e);
		if (c->told == NULL)
			return -1;
	} else {
		c->opts.name = copied(PINGS, &ok);
	}
	return ok ? 0 : err_set(e, ERR_NOMEM, 0, "notifier");
}

static void
channel_fini(struct channel *c)
{
	struct item *item;
	size_t i;

	while ((item = c->head) != NULL) {
		c->head = item->next;
		free(item->url);
		free(item);
	}
	told_free(c->told);
	for (i = 0; c->opts.argv != NULL && c->opts.argv[i] != NULL; i++)
		free((char *)(uintptr_t)c->opts.argv[i]);
	free((void *)(uintptr_t)c->opts.argv);
	free((void *)(uintptr_t)c->opts.on);
	free((char *)(uintptr_t)c->opts.name);
	free((char *)(uintptr_t)c->opts.url);
	free((char *)(uintptr_t)c->opts.secret);
	free(c->path);
	(void)pthread_cond_destroy(&c->change);
}

/* Its thread takes no signals: they are main's. */
static int
start(struct channel *c)
{
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&c->thread, NULL, notify_thread, c);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

struct notify *
notify_new(const struct notify_opts *opts, struct err *e)
{
	struct notify *n = calloc(1, sizeof(*n));
	pthread_condattr_t attr;
	struct channel *c;
	bool ok = true;
	int error;

	assert(opts->nchannels <= NOTIFY_CHANNELS_MAX);
	if (n != NULL)
		n->channels = calloc(opts->nchannels + 1,
		    sizeof(*n->channels));
	if (n == NULL || n->channels == NULL) {
		free(n);
		(void)err_set(e, ERR_NOMEM, 0, "notifier");
		return NULL;
	}
	n->times = (struct told_times){ .again_us = AGAIN_US,
	    .reminder_us = (int64_t)(opts->reminder_ms != 0 ?
	    opts->reminder_ms : REMINDER_MS) * 1000 };
	n->host = copied(opts->origin.host != NULL ? opts->origin.host : "",
	    &ok);
	n->daemon = copied(opts->origin.daemon, &ok);
	n->page = copied(opts->origin.page, &ok);
	n->origin = (struct notice_origin){ n->host, n->daemon, n->page };
	(void)pthread_mutex_init(&n->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&n->idle, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (!ok) {
		(void)err_set(e, ERR_NOMEM, 0, "notifier");
		goto err0;
	}
	while (n->nchannels <= opts->nchannels) {
		c = &n->channels[n->nchannels];
		if (channel_init(c, n, n->nchannels < opts->nchannels ?
		    &opts->channels[n->nchannels] : NULL, opts->state,
		    e) != 0) {
			channel_fini(c);
			goto err0;
		}
		n->nchannels++;
		notify_recall(c);
		error = start(c);
		if (error != 0) {
			(void)err_set(e, ERR_NOMEM, error, "notifier %s",
			    c->opts.name);
			goto err0;
		}
		c->started = true;
	}
	return n;

err0:	notify_free(n);
	return NULL;
}

/* --- what there is --- */

bool
notify_figures(struct notify *n, size_t i, struct notify_figures *f)
{
	struct channel *c;

	if (i >= n->nchannels)
		return false;
	c = &n->channels[i];
	(void)pthread_mutex_lock(&n->lock);
	*f = (struct notify_figures){ .name = c->opts.name,
	    .delivered = c->delivered, .failed = c->failed,
	    .dropped = c->dropped, .waiting = c->n + (c->busy ? 1 : 0) };
	(void)pthread_mutex_unlock(&n->lock);
	return true;
}

/* --- the end --- */

static bool
is_idle(const struct notify *n)
{
	size_t i;

	for (i = 0; i < n->nchannels; i++)
		if (n->channels[i].n > 0 || n->channels[i].busy)
			return false;
	return true;
}

void
notify_stop(struct notify *n, uint64_t ms)
{
	struct timespec until;
	size_t i;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_mutex_lock(&n->lock);
	n->closed = true;
	while (ms > 0 && !is_idle(n) && pthread_cond_timedwait(&n->idle,
	    &n->lock, &until) == 0)
		continue;
	atomic_store(&n->stop, true);
	for (i = 0; i < n->nchannels; i++)
		(void)pthread_cond_broadcast(&n->channels[i].change);
	(void)pthread_mutex_unlock(&n->lock);
	for (i = 0; i < n->nchannels; i++) {
		if (n->channels[i].started)
			(void)pthread_join(n->channels[i].thread, NULL);
		n->channels[i].started = false;
	}
}

void
notify_free(struct notify *n)
{
	size_t i;

	if (n == NULL)
		return;
	notify_stop(n, 0);
	for (i = 0; i < n->nchannels; i++)
		channel_fini(&n->channels[i]);
	(void)pthread_cond_destroy(&n->idle);
	(void)pthread_mutex_destroy(&n->lock);
	free(n->channels);
	free(n->host);
	free(n->daemon);
	free(n->page);
	free(n);
}
