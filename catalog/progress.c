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

#include "catalog/progress.h"

#define DRAW_MS	500u
#define LOG_MS	30000u

struct progress {
	const struct progress_totals *totals;
	uint64_t total;
	int64_t started;
	struct cancel *stop;	/* our own: ends the thread */
	pthread_t thread;
};

static void
draw(const struct progress *p)
{
	uint64_t raw = p->totals->raw, rows = p->totals->rows;
	int64_t ms = clock_mono_ms() - p->started;
	uint64_t rate = ms > 0 ? raw * 1000 / (uint64_t)ms : 0, left;
	char line[160], eta[40] = "";

	if (p->total > raw && rate > 0 && ms > 2000) {
		left = (p->total - raw) / rate;
		(void)snprintf(eta, sizeof(eta), ", about %" PRIu64 ":%02" PRIu64
		    " left", left / 60, left % 60);
	}
	(void)snprintf(line, sizeof(line), "%" PRIu64 " tables, %" PRIu64
	    " rows, %" PRIu64 " MiB, %" PRIu64 " MiB/s%s",
	    (uint64_t)p->totals->tables, rows, raw >> 20, rate >> 20, eta);
	if (log_is_terminal())
		log_progress(line);
	else
		log_event(LOG_INFO_, "progress", "done", line, NULL);
}

static void *
run(void *arg)
{
	struct progress *p = arg;
	struct err e = {0};
	unsigned ms = log_is_terminal() ? DRAW_MS : LOG_MS;

	while (cancel_wait(p->stop, ms, &e) == 0)
		draw(p);
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
