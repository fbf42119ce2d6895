/* SPDX-License-Identifier: Apache-2.0 */
/* archiver: the archive of binary logs as a service of the daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archive.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"

#include "backupd/archiver_impl.h"

#define MEMORY ((size_t)128 << 20)
#define RETRY_MS 300000
#define STARTS 16		/* dead hosts keep one busy for seconds */
#define PUBLISH_MS 1000
#define OBEY_MS 1000		/* before what failed is tried again */
#define AGAIN_BASE_MS 1000	/* before the loop is begun again */
#define AGAIN_CAP_MS 60000
#define SOUND_MS 60000		/* so long it must do to be sound */

/* --- sources come and go, in the archiver's thread --- */

static struct archiver_entry *
find(struct archiver *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->entries[i].name, name) == 0)
			return &a->entries[i];
	return NULL;
}

static void
entry_stop(struct archiver_entry *x)
{
	if (x->stopped)
		return;
	x->stopped = true;
	follow_stop(x->follow);
	/* What looks where to go on ends as well. */
	cancel_request(x->cancel, "leaving");
}

static void
entry_free(struct archiver_entry *x)
{
	follow_opts_free(x->opts);
	follow_opts_free(x->next);
	cancel_free(x->cancel);
}

static void
command_free(struct archiver_command *c)
{
	if (c == NULL)
		return;
	follow_opts_free(c->opts);
	cancel_free(c->cancel);
	free(c);
}

static int
entry_add(struct archiver *a, struct archiver_command *c, struct err *e)
{
	struct archiver_entry *more = realloc(a->entries, (a->n + 1) *
	    sizeof(*more));
	struct archiver_entry *x;

	if (more == NULL)
		return err_set(e, ERR_NOMEM, 0, "source %s", c->name);
	a->entries = more;
	x = &more[a->n];
	*x = (struct archiver_entry){ .opts = c->opts, .cancel = c->cancel };
	memcpy(x->name, c->name, sizeof(x->name));
	x->follow = archive_add(a->archive, c->opts, e);
	if (x->follow == NULL)
		return -1;
	a->n++;
	c->opts = NULL;
	c->cancel = NULL;
	return 0;
}

/* Follow with other options, once what goes on is over. */
static void
entry_renew(struct archiver_entry *x, struct archiver_command *c)
{
	bool over = follow_over(x->follow, &(struct err){0});

	if (!x->stopped && !over && follow_opts_same(x->opts, c->opts))
		return;
	x->leaving = false;
	follow_opts_free(x->next);
	x->next = c->opts;
	c->opts = NULL;
	entry_stop(x);
}

/* False: it cannot be done now. */
static bool
obey(struct archiver *a, struct archiver_command *c)
{
	struct archiver_entry *x = find(a, c->name);
	struct err e = {0};

	if (c->opts == NULL) {
		if (x != NULL) {
			follow_opts_free(x->next);
			x->next = NULL;
			x->leaving = true;
			entry_stop(x);
		}
	} else if (x != NULL) {
		entry_renew(x, c);
	} else if (entry_add(a, c, &e) != 0) {
		if (!c->told && a->opts.event != NULL)
			a->opts.event(a->opts.arg, ARCHIVER_FAILED, c->name,
			    e.msg);
		c->told = true;
		return false;
	}
	if (c->told && a->opts.event != NULL)
		a->opts.event(a->opts.arg, ARCHIVER_RECOVERED, c->name,
		    "the archive goes on");
	return true;
}

/* In order: what cannot be done is tried again first, a while later. */
static void
obey_all(struct archiver *a, int64_t now_ms)
{
	struct archiver_command *c;

	while (a->obey_ms <= now_ms) {
		(void)pthread_mutex_lock(&a->lock);
		if (a->memory != 0)
			archive_memory(a->archive, a->memory);
		a->memory = 0;
		c = a->first;
		if (c != NULL)
			a->first = c->next;
		if (a->first == NULL)
			a->last = NULL;
		(void)pthread_mutex_unlock(&a->lock);
		if (c == NULL)
			return;
		if (obey(a, c)) {
			command_free(c);
			continue;
		}
		a->obey_ms = now_ms + OBEY_MS;
		(void)pthread_mutex_lock(&a->lock);
		c->next = a->first;
		a->first = c;
		if (a->last == NULL)
			a->last = c;
		(void)pthread_mutex_unlock(&a->lock);
	}
}

/* Begin once more: with other options, or since waiting may have helped. */
static void
entry_again(struct archiver_entry *x)
{
	struct cancel *cancel = cancel_new(&(struct err){0});
	struct follow_opts *opts = cancel == NULL ? NULL :
	    follow_opts_copy(x->next != NULL ? x->next : x->opts, cancel,
	    &(struct err){0});

	/* Without memory it is tried in the next turn. */
	if (opts == NULL) {
		cancel_free(cancel);
		return;
	}
	follow_again(x->follow, opts);
	entry_free(x);
	x->opts = opts;
	x->next = NULL;
	x->cancel = cancel;
	x->stopped = false;
	x->again_ms = 0;
}

/* A source that is over: true if it is forgotten. */
static bool
settle(struct archiver *a, struct archiver_entry *x, int64_t now_ms)
{
	if (!follow_idle(x->follow))
		return false;
	if (x->leaving) {
		(void)archive_remove(a->archive, x->follow);
		entry_free(x);
		return true;
	}
	if (x->again_ms == 0)
		x->again_ms = now_ms + a->opts.retry_ms;
	if (x->next != NULL || x->again_ms <= now_ms)
		entry_again(x);
	return false;
}

static int64_t
turn(void *arg, int64_t now_ms)
{
	struct archiver *a = arg;
	int64_t due;
	bool gone = false;
	size_t i;

	obey_all(a, now_ms);
	due = a->obey_ms > now_ms ? a->obey_ms : INT64_MAX;
	for (i = 0; i < a->n; i++) {
		if (archive_stopping(a->archive)) {
			a->entries[i].leaving = true;
			entry_stop(&a->entries[i]);
		} else if (settle(a, &a->entries[i], now_ms)) {
			a->entries[i--] = a->entries[--a->n];
			gone = true;
		} else if (a->entries[i].again_ms != 0 &&
		    a->entries[i].again_ms < due) {
			due = a->entries[i].again_ms;
		}
	}
	if (gone || a->published_ms + PUBLISH_MS <= now_ms) {
		archiver_publish(a);
		a->published_ms = now_ms;
	} else if (a->published_ms + PUBLISH_MS < due) {
		due = a->published_ms + PUBLISH_MS;
	}
	return due;
}

/* --- the service --- */

static void
tell(void *arg, enum follow_event event, const char *source, const char *text)
{
	static const enum archiver_event events[] = { ARCHIVER_GAP,
		ARCHIVER_HISTORY, ARCHIVER_PURGE, ARCHIVER_UNACKED,
		ARCHIVER_ACKED, ARCHIVER_FAILED, ARCHIVER_RECOVERED,
		ARCHIVER_SPOOL_FILLING, ARCHIVER_SPOOL_FULL,
		ARCHIVER_SPOOL_FREE };
	const struct archiver *a = arg;

	if (a->opts.event != NULL)
		a->opts.event(a->opts.arg, events[event], source, text);
}

/* The loop ended, and nobody told it to. */
static void
ended(struct archiver *a, const struct err *e)
{
	size_t i;

	log_event(LOG_ERROR_, "the archive ends, and is begun again", "why",
	    e->msg, NULL);
	if (a->err.code == ERR_NONE)
		a->err_us = clock_now_us();
	a->err = *e;
	archiver_publish(a);
	for (i = 0; i < a->n && a->opts.event != NULL; i++)
		a->opts.event(a->opts.arg, ARCHIVER_FAILED,
		    a->entries[i].name, e->msg);
}

/* It goes on. */
static void
begun_again(struct archiver *a)
{
	size_t i;

	a->err = (struct err){0};
	a->published_ms = 0;
	for (i = 0; i < a->n && a->opts.event != NULL; i++)
		a->opts.event(a->opts.arg, ARCHIVER_RECOVERED,
		    a->entries[i].name, "the archive goes on");
}

/* After growing waits; false: it is to end. */
static bool
begin_again(struct archiver *a, unsigned *failures)
{
	struct err e = {0};

	do {
		e = (struct err){0};
		if (cancel_wait(a->cancel, clock_backoff_ms(++*failures,
		    AGAIN_BASE_MS, AGAIN_CAP_MS), &e) != 0)
			return false;
	} while (archive_again(a->archive, &e) != 0);
	begun_again(a);
	return true;
}

static void *
serve(void *arg)
{
	struct archiver *a = arg;
	unsigned failures = 0;
	int64_t began;
	struct err e;

	/* Jobs that need the client library run in other threads. */
	do {
		began = clock_mono_ms();
		e = (struct err){0};
		if (archive_run(a->archive, &e) == 0)
			break;
		if (clock_mono_ms() - began >= SOUND_MS)
			failures = 0;
		ended(a, &e);
	} while (begin_again(a, &failures));
	return NULL;
}

static int
submit(struct archiver *a, const char *source,
    const struct follow_opts *opts, struct err *e)
{
	struct archiver_command *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_set(e, ERR_NOMEM, 0, "source %s", source);
	(void)snprintf(c->name, sizeof(c->name), "%s", source);
	if (opts != NULL) {
		c->cancel = cancel_new(e);
		if (c->cancel != NULL)
			c->opts = follow_opts_copy(opts, c->cancel, e);
		if (c->opts == NULL) {
			command_free(c);
			return -1;
		}
	}
	(void)pthread_mutex_lock(&a->lock);
	if (a->last == NULL)
		a->first = c;
	else
		a->last->next = c;
	a->last = c;
	(void)pthread_mutex_unlock(&a->lock);
	archive_wake(a->archive);
	return 0;
}

int
archiver_follow(struct archiver *a, const struct follow_opts *opts,
    struct err *e)
{
	if (submit(a, opts->source, opts, e) != 0)
		return -1;
	archiver_show(a, opts->source);
	return 0;
}

void
archiver_leave(struct archiver *a, const char *source)
{
	struct err e = {0};

	/* Out of memory: whoever asks will ask again, or the daemon ends. */
	(void)submit(a, source, NULL, &e);
}

void
archiver_memory(struct archiver *a, size_t memory)
{
	(void)pthread_mutex_lock(&a->lock);
	a->memory = memory == 0 ? MEMORY : memory;
	(void)pthread_mutex_unlock(&a->lock);
	archive_wake(a->archive);
}

struct archiver *
archiver_start(const struct archiver_opts *opts, struct err *e)
{
	struct archiver *a = calloc(1, sizeof(*a));
	struct archive_opts o;
	int error;

	if (a == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "archiver");
		return NULL;
	}
	a->opts = *opts;
	if (a->opts.retry_ms == 0)
		a->opts.retry_ms = RETRY_MS;
	(void)snprintf(a->store_id, sizeof(a->store_id), "%s",
	    opts->store_id);
	(void)pthread_mutex_init(&a->lock, NULL);
	a->cancel = cancel_new(e);
	if (a->cancel == NULL)
		goto fail;
	o = (struct archive_opts){ .store = opts->store,
	    .store_id = a->store_id, .starts = STARTS,
	    .memory = opts->memory == 0 ? MEMORY : opts->memory,
	    .cancel = a->cancel, .store_cancel = opts->store_cancel,
	    .turn = turn, .event = tell, .arg = a };
	a->archive = archive_new(&o, e);
	if (a->archive == NULL)
		goto fail;
	error = pthread_create(&a->thread, NULL, serve, a);
	if (error == 0)
		return a;
	(void)err_set(e, ERR_NOMEM, error, "start a thread");
fail:	archive_close(a->archive);
	cancel_free(a->cancel);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}

void
archiver_stop(struct archiver *a)
{
	struct archiver_command *c;
	size_t i;

	if (a == NULL)
		return;
	cancel_request(a->cancel, "the daemon");
	(void)pthread_join(a->thread, NULL);
	archive_close(a->archive);
	for (i = 0; i < a->n; i++)
		entry_free(&a->entries[i]);
	free(a->entries);
	while ((c = a->first) != NULL) {
		a->first = c->next;
		command_free(c);
	}
	free(a->shown);
	cancel_free(a->cancel);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}
