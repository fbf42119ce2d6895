/* SPDX-License-Identifier: Apache-2.0 */
/* follow_send: the segments of a source, on their way to the store. */
#include <stdio.h>
#include <stdlib.h>

#include "backupd/upload.h"
#include "base/clock.h"
#include "base/log.h"

#include "backupd/follow_impl.h"
#include "backupd/follow_spool.h"

#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS 60000

static void
upload_run(struct job *j)
{
	struct follow_upload *u = (struct follow_upload *)j;
	struct follow *f = u->follow;
	struct tail_memory memory = {0};
	struct tail_cut cut = { .seq = u->seq, .start = u->start,
	    .end = u->end };
	int held = FOLLOW_HELD;

	u->err = (struct err){0};
	if (atomic_compare_exchange_strong(&u->place, &held, FOLLOW_TAKEN))
		(void)upload_cut(f->shared->store, f->opts.source, f->history,
		    &u->cut, &u->err);
	else if (follow_spool_read(f, &cut, &u->err) == 0)
		(void)upload_cut(f->shared->store, f->opts.source, f->history,
		    &cut, &u->err);
	if (held != FOLLOW_HELD)
		tail_cut_free(&memory, &cut);
}

/* Its bytes are in the spool as well: give the memory back. */
static void
unload(struct follow_upload *u)
{
	struct follow *f = u->follow;
	const struct tail_cut keep = { .seq = u->seq, .start = u->cut.start,
	    .end = u->cut.end, .commit_us = u->cut.commit_us };
	int held = FOLLOW_HELD;

	if (!follow_spool_has(f, u->seq, u->cut.start, u->cut.end) ||
	    !atomic_compare_exchange_strong(&u->place, &held,
	    FOLLOW_SPOOLED))
		return;
	tail_cut_free(&f->shared->memory, &u->cut);
	u->cut = keep;
	f->shared->shedding -= u->shed;
	u->shed = false;
}

void
follow_unload(struct follow *f)
{
	const struct tail_memory *m = &f->shared->memory;
	struct follow_upload *u;

	for (u = f->first; u != NULL && m->used > m->limit / 2; u = u->next)
		if (!u->sent)
			unload(u);
}

/* Bytes that are another's, or a request to stop: no use in trying again. */
static bool
is_final(const struct follow *f, const struct err *e)
{
	return e->code == ERR_CORRUPT || e->code == ERR_CANCELLED ||
	    f->shared->stop_at_end;
}

static void
upload_failed(struct follow_upload *u)
{
	struct follow *f = u->follow;

	if (is_final(f, &u->err)) {
		follow_fail(f, &u->err);
		return;
	}
	u->retry_ms = clock_mono_ms() + clock_backoff_ms(++u->tries,
	    RETRY_BASE_MS, RETRY_CAP_MS);
	follow_troubled(f, FOLLOW_STORE, &u->err);
	log_event(LOG_WARN_, "a segment cannot be stored; it will be tried "
	    "again", "source", f->opts.source, "why", u->err.msg, NULL);
}

static void
upload_done(struct job *j)
{
	struct follow_upload *u = (struct follow_upload *)j;
	struct follow *f = u->follow;
	uint64_t end = 0;
	uint32_t seq = 0;
	struct err e = {0};

	u->asked = false;
	u->sent = u->err.code == ERR_NONE;
	if (u->sent) {
		f->stored += u->cut.end - u->cut.start;
		if (u->cut.last_us > f->commit_us)
			f->commit_us = u->cut.last_us;
		follow_well(f, FOLLOW_STORE);
		tail_cut_free(&f->shared->memory, &u->cut);
		f->shared->shedding -= u->shed;
		u->shed = false;
	} else {
		if (u->cut.first != NULL)
			atomic_store(&u->place, FOLLOW_HELD);
		upload_failed(u);
	}
	follow_unload(f);
	while ((u = f->first) != NULL && u->sent) {
		seq = u->seq;
		end = u->end;
		f->first = u->next;
		free(u);
	}
	if (f->first == NULL)
		f->last = NULL;
	if (f->opts.ack && f->state == FOLLOW_RUNNING &&
	    ((end > 0 && follow_ack(f, seq, end, &e) != 0) ||
	    follow_ack_due(f, &e) != 0 ||
	    (end > 0 && follow_spool_stored(f, seq, end, &e) != 0)))
		follow_lost(f, &e);
	follow_sent(f);
}

int
follow_send(struct follow *f, uint64_t at, struct err *e)
{
	struct follow_upload *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return err_set(e, ERR_NOMEM, 0, "segment");
	u->job.run = upload_run;
	u->job.done = upload_done;
	u->follow = f;
	if (tail_cut(&f->tail, at, &u->cut, e) != 0) {
		free(u);
		return -1;
	}
	u->seq = u->cut.seq;
	u->start = u->cut.start;
	u->end = u->cut.end;
	if (f->last == NULL)
		f->first = u;
	else
		f->last->next = u;
	f->last = u;
	u->asked = true;
	pool_submit(f->shared->uploads, &u->job);
	return 0;
}

int
follow_flush(struct follow *f, struct err *e)
{
	int rc = 0;

	if (f->tail.boundary > f->tail.start)
		rc = follow_send(f, f->tail.boundary, e);
	tail_clear(&f->tail);
	return rc;
}

void
follow_shed(struct follow *f)
{
	uint64_t at = f->tail.boundary > f->tail.start ? f->tail.boundary :
	    f->tail.end;
	struct err e = {0};

	if (follow_send(f, at, &e) != 0) {
		follow_fail(f, &e);
		return;
	}
	f->last->shed = true;
	f->shared->shedding++;
}

void
follow_retry(struct follow *f, int64_t now_ms)
{
	struct follow_upload *u;

	for (u = f->first; u != NULL; u = u->next)
		if (u->retry_ms != 0 && u->retry_ms <= now_ms) {
			u->retry_ms = 0;
			u->asked = true;
			pool_submit(f->shared->uploads, &u->job);
		}
}

int64_t
follow_retry_due(const struct follow *f)
{
	const struct follow_upload *u;
	int64_t due = INT64_MAX;

	for (u = f->first; u != NULL; u = u->next)
		if (u->retry_ms != 0 && u->retry_ms < due)
			due = u->retry_ms;
	return due;
}

void
follow_uploads_free(struct follow *f)
{
	struct follow_upload *u;

	while ((u = f->first) != NULL) {
		f->first = u->next;
		f->shared->shedding -= u->shed;
		tail_cut_free(&f->shared->memory, &u->cut);
		free(u);
	}
	f->last = NULL;
}
