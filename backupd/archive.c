/* SPDX-License-Identifier: Apache-2.0 */
/* archive: follows the binary logs of any number of sources into one store. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backupd/pool.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "backupd/archive.h"

#define UPLOADS 8		/* segments on their way at once */
#define STARTS 4
#define ROOM 16			/* sources, at first */
#define FINISHES 1
#define SPOOLS 2
#define GRACE_MS 8000		/* to send what is in hand */
#define EVENTS 64

struct archive {
	struct archive_opts opts;
	struct follow_shared shared;
	struct follow **follows;
	size_t n, room;
	int wake;		/* eventfd: cancelled, or archive_wake */
	bool stopping;
	int64_t grace_ms;	/* when the store is given up; 0: not yet */
};

static void
wake(void *arg)
{
	const struct archive *a = arg;
	const uint64_t one = 1;

	if (write(a->wake, &one, sizeof(one)) < 0)
		return;		/* it is awake */
}

static int
watch(const struct archive *a, int fd, void *what, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(a->shared.epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	return err_set(e, ERR_NOMEM, errno, "epoll");
}

void
archive_wake(struct archive *a)
{
	wake(a);
}

static int
open_epoll(struct archive *a, struct err *e)
{
	struct follow_shared *s = &a->shared;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll == -1)
		return err_set(e, ERR_NOMEM, errno, "epoll");
	return watch(a, pool_fd(s->uploads), NULL, e) == 0 &&
	    watch(a, pool_fd(s->starts), NULL, e) == 0 &&
	    watch(a, pool_fd(s->finishes), NULL, e) == 0 &&
	    watch(a, pool_fd(s->spools), NULL, e) == 0 ?
	    watch(a, a->wake, NULL, e) : -1;
}

static int
open_all(struct archive *a, struct err *e)
{
	const struct archive_opts *o = &a->opts;
	struct follow_shared *s = &a->shared;

	a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->wake == -1)
		return err_set(e, ERR_NOMEM, errno, "eventfd");
	if ((s->uploads = pool_new(UPLOADS, e)) == NULL ||
	    (s->starts = pool_new(o->starts == 0 ?
	    STARTS : o->starts, e)) == NULL ||
	    (s->finishes = pool_new(FINISHES, e)) == NULL ||
	    (s->spools = pool_new(SPOOLS, e)) == NULL)
		return -1;
	return open_epoll(a, e);
}

struct follow *
archive_add(struct archive *a, const struct follow_opts *opts, struct err *e)
{
	size_t room = a->room == 0 ? ROOM : 2 * a->room;
	struct follow **more;

	if (a->n == a->room) {
		more = realloc(a->follows, room * sizeof(*more));
		if (more == NULL) {
			(void)err_set(e, ERR_NOMEM, 0, "sources");
			return NULL;
		}
		a->follows = more;
		a->room = room;
	}
	a->follows[a->n] = follow_new(&a->shared, opts, e);
	return a->follows[a->n] == NULL ? NULL : a->follows[a->n++];
}

bool
archive_remove(struct archive *a, struct follow *f)
{
	size_t i = 0;

	if (!follow_idle(f))
		return false;
	while (a->follows[i] != f)
		i++;
	a->follows[i] = a->follows[--a->n];
	follow_free(f);
	return true;
}

void
archive_memory(struct archive *a, size_t memory)
{
	a->shared.memory.limit = memory / TAIL_BLOCK;
}

bool
archive_stopping(const struct archive *a)
{
	return a->stopping;
}

/* The memory is used up: the largest open segment is sent, and one at a
 * time, so that segments stay large. */
static void
make_room(struct archive *a)
{
	struct follow *largest = NULL;
	bool starved = false;
	size_t i;

	for (i = 0; i < a->n; i++) {
		starved |= follow_starved(a->follows[i]);
		if (largest == NULL || follow_held(a->follows[i]) >
		    follow_held(largest))
			largest = a->follows[i];
	}
	if (starved && a->shared.shedding == 0 && follow_held(largest) > 0)
		follow_shed(largest);
}

static void
reap(struct archive *a)
{
	size_t i;

	pool_reap(a->shared.uploads);
	pool_reap(a->shared.starts);
	pool_reap(a->shared.finishes);
	pool_reap(a->shared.spools);
	for (i = 0; i < a->n; i++)
		if (follow_starved(a->follows[i]))
			follow_ready(a->follows[i]);
	make_room(a);
}

static void
stop(struct archive *a, int64_t now_ms)
{
	size_t i;

	if (!a->stopping && cancel_requested(a->opts.cancel)) {
		a->stopping = true;
		a->grace_ms = now_ms + GRACE_MS;
		for (i = 0; i < a->n; i++)
			follow_stop(a->follows[i]);
	}
	if (a->stopping && a->grace_ms != 0 && a->grace_ms <= now_ms) {
		a->grace_ms = 0;
		log_event(LOG_WARN_, "the store takes too long: what it has "
		    "not got is read from the source again", NULL);
		cancel_request(a->opts.store_cancel, "SIGTERM");
		for (i = 0; i < a->n; i++)
			follow_abandon(a->follows[i]);
	}
}

static bool
is_over(const struct archive *a, struct err *e)
{
	struct err first = {0};
	bool all = a->opts.turn == NULL || a->stopping;
	size_t i;

	for (i = 0; i < a->n; i++)
		all &= follow_over(a->follows[i], first.code == ERR_NONE ?
		    &first : &(struct err){0});
	if (all && a->opts.turn == NULL)
		*e = first;
	return all;
}

static int
wait_ms(const struct archive *a, int64_t due, int64_t now_ms)
{
	int64_t one;
	size_t i;

	for (i = 0; i < a->n; i++) {
		one = follow_due(a->follows[i]);
		if (one < due)
			due = one;
	}
	if (a->grace_ms != 0 && a->grace_ms < due)
		due = a->grace_ms;
	if (due == INT64_MAX)
		return -1;
	due -= now_ms;
	return due < 0 ? 0 : due > 60000 ? 60000 : (int)due;
}

static void
loop(struct archive *a, struct err *e)
{
	struct epoll_event events[EVENTS];
	int64_t now = clock_mono_ms(), due = INT64_MAX;
	uint64_t count;
	size_t i;
	int n, k;

	for (;;) {
		stop(a, now);
		if (a->opts.turn != NULL)
			due = a->opts.turn(a->opts.arg, now);
		for (i = 0; i < a->n; i++)
			follow_tick(a->follows[i], now);
		make_room(a);
		if (is_over(a, e))
			return;
		n = epoll_wait(a->shared.epoll, events, EVENTS,
		    wait_ms(a, due, clock_mono_ms()));
		if (n == -1 && errno != EINTR) {
			(void)err_set(e, ERR_IO, errno, "epoll");
			return;
		}
		if (read(a->wake, &count, sizeof(count)) < 0)
			count = 0;
		for (k = 0; k < n; k++)
			if (events[k].data.ptr != NULL)
				follow_ready(events[k].data.ptr);
		reap(a);
		now = clock_mono_ms();
	}
}

int
archive_run(struct archive *a, struct err *e)
{
	unsigned waker = cancel_add(a->opts.cancel, wake, a);

	loop(a, e);
	cancel_remove(a->opts.cancel, waker);
	return e->code == ERR_NONE ? 0 : -1;
}

int
archive_again(struct archive *a, struct err *e)
{
	size_t i;

	if (a->shared.epoll != -1)
		(void)close(a->shared.epoll);
	if (open_epoll(a, e) != 0)
		return -1;
	for (i = 0; i < a->n; i++)
		follow_rewatch(a->follows[i]);
	return 0;
}

void
archive_close(struct archive *a)
{
	size_t i;

	if (a == NULL)
		return;
	/* Jobs point at the sources; the end of one may submit to the pools
	 * below its own: a start sends, what is sent is finished. */
	pool_free(a->shared.starts);
	pool_free(a->shared.uploads);
	pool_free(a->shared.finishes);
	pool_free(a->shared.spools);
	for (i = 0; i < a->n; i++)
		follow_free(a->follows[i]);
	free(a->follows);
	if (a->wake != -1)
		(void)close(a->wake);
	if (a->shared.epoll != -1)
		(void)close(a->shared.epoll);
	free(a);
}

struct archive *
archive_new(const struct archive_opts *o, struct err *e)
{
	struct archive *a = malloc(sizeof(*a));

	if (a == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "archive");
		return NULL;
	}
	*a = (struct archive){ .opts = *o, .wake = -1, .shared = {
	    .store = o->store, .store_id = o->store_id,
	    .memory.limit = o->memory / TAIL_BLOCK, .epoll = -1,
	    .stop_at_end = o->stop_at_end, .event = o->event,
	    .arg = o->arg } };
	if (open_all(a, e) == 0)
		return a;
	archive_close(a);
	return NULL;
}
