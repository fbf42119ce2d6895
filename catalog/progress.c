/* SPDX-License-Identifier: Apache-2.0 */
/* progress: bytes, rows, rate and time left of a long run, now and then. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/feed.h"

#include "catalog/progress.h"

#define DRAW_MS	500u
#define LOG_MS	30000u
#define FEED_MS	1000u

struct progress {
	const struct progress_totals *totals;
	uint64_t total;
	int64_t started;
	struct cancel *stop;	/* our own: ends the thread */
	pthread_t thread;
};

static void
measure(const struct progress *p, struct feed_state *now)
{
	int64_t ms = clock_mono_ms() - p->started;

	*now = (struct feed_state){ .tables = p->totals->tables,
	    .rows = p->totals->rows, .bytes = p->totals->raw,
	    .total = p->total, .left_s = -1 };
	if (ms > 0)
		now->rate = now->bytes * 1000 / (uint64_t)ms;
	if (p->total > now->bytes && now->rate > 0 && ms > 2000)
		now->left_s = (int64_t)((p->total - now->bytes) / now->rate);
}

static void
draw(const struct feed_state *now)
{
	char line[160], eta[40] = "";

	if (now->left_s >= 0)
		(void)snprintf(eta, sizeof(eta), ", about %" PRId64 ":%02"
		    PRId64 " left", now->left_s / 60, now->left_s % 60);
	(void)snprintf(line, sizeof(line), "%" PRIu64 " tables, %" PRIu64
	    " rows, %" PRIu64 " MiB, %" PRIu64 " MiB/s%s", now->tables,
	    now->rows, now->bytes >> 20, now->rate >> 20, eta);
	if (log_is_terminal())
		log_progress(line);
	else
		log_event(LOG_INFO_, "progress", "done", line, NULL);
}

static void *
run(void *arg)
{
	struct progress *p = arg;
	struct feed_state now;
	struct err e = {0};
	unsigned every = log_is_terminal() ? DRAW_MS : LOG_MS;
	unsigned tick = feed_is_open() && every > FEED_MS ? FEED_MS : every;
	int64_t due = p->started + every;

	while (cancel_wait(p->stop, tick, &e) == 0) {
		measure(p, &now);
		feed_progress(&now);
		if (clock_mono_ms() < due)
			continue;
		draw(&now);
		due = clock_mono_ms() + every - tick / 2;
	}
	measure(p, &now);
	feed_progress(&now);
	log_progress(NULL);
	return NULL;
}

struct progress *
progress_start(const struct progress_totals *t, uint64_t total, struct err *e)
{
	struct progress *p = calloc(1, sizeof(*p));
	int error;

	if (p == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "progress");
		return NULL;
	}
	p->totals = t;
	p->total = total;
	p->started = clock_mono_ms();
	p->stop = cancel_new(e);
	if (p->stop == NULL)
		goto err1;
	error = pthread_create(&p->thread, NULL, run, p);
	if (error != 0) {
		(void)err_set(e, ERR_NOMEM, error, "progress");
		goto err2;
	}
	return p;

err2:	cancel_free(p->stop);
err1:	free(p);
	return NULL;
}

void
progress_stop(struct progress *p)
{
	if (p == NULL)
		return;
	cancel_request(p->stop, "end");
	(void)pthread_join(p->thread, NULL);
	cancel_free(p->stop);
	free(p);
}
