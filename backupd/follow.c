/* SPDX-License-Identifier: Apache-2.0 */
/* follow: one source that is archived, as a part of an event loop. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "mysql/connect.h"

#include "backupd/follow_impl.h"
#include "backupd/follow_spool.h"

#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS 60000
#define TRIES_AT_END 5		/* with --stop-at-end */
#define SILENCE_MS (3 * ASK_HEARTBEAT_MS)
#define YIELD_MS 15000		/* to another archiver that took our place */
#define YIELD_AGAIN_MS 120000	/* sooner than that it is trouble */

/* --- states --- */

void
follow_watch(struct follow *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };

	if (f->watched && events == f->events)
		return;
	/* Cannot fail but for lack of memory in the kernel; then the silence
	 * is found later. */
	(void)epoll_ctl(f->shared->epoll, f->watched ? EPOLL_CTL_MOD :
	    EPOLL_CTL_ADD, link_fd(f->link), &ev);
	f->watched = true;
	f->events = events;
}

void
follow_rewatch(struct follow *f)
{
	if (!f->watched)
		return;
	f->watched = false;
	follow_watch(f, f->events);
}

static void
hang_up(struct follow *f)
{
	follow_spool_stop(f);
	/* A closed socket leaves the epoll by itself. */
	link_close(f->link);
	f->link = NULL;
	f->watched = false;
	f->feeding = f->busy = false;
	buf_free(&f->carry);
	f->carried = 0;
}

static void
over(struct follow *f)
{
	hang_up(f);
	tail_clear(&f->tail);
	f->state = FOLLOW_OVER;
}

void
follow_fail(struct follow *f, const struct err *e)
{
	if (f->err.code == ERR_NONE) {
		f->err = *e;
		if (e->code != ERR_CANCELLED)
			follow_troubled(f, FOLLOW_SERVER, e);
		if (e->code != ERR_CANCELLED)
			log_event(LOG_ERROR_, "the archive of a source "
			    "stops", "source", f->opts.source, "why", e->msg,
			    "hint", e->hint[0] != '\0' ? e->hint : NULL,
			    NULL);
	}
	f->stopping = true;
	if (f->state == FOLLOW_RUNNING || f->state == FOLLOW_WAITING)
		over(f);
	if (f->state == FOLLOW_DRAINING)
		f->state = FOLLOW_OVER;
}

/* The connection is gone or no use; what is whole goes to the store first. */
static void
drain(struct follow *f)
{
	struct err e = {0};

	hang_up(f);
	f->state = FOLLOW_DRAINING;
	if (follow_flush(f, &e) != 0)
		follow_fail(f, &e);
	else
		follow_sent(f);
}

/* When the server is left for another one; INT64_MAX: it is not gone, or there
 * is none. */
static int64_t
move_due(const struct follow *f)
{
	const struct follow_trouble *t = &f->trouble[FOLLOW_SERVER];

	return f->opts.endpoints.list[0] == '\0' || t->text[0] == '\0' ?
	    INT64_MAX : t->since_ms + (int64_t)f->opts.endpoints.failover_ms;
}

void
follow_sent(struct follow *f)
{
	follow_finish(f, clock_mono_ms());
	if (f->state != FOLLOW_DRAINING || f->first != NULL ||
	    follow_spool_asked(f))
		return;
	if (f->stopping && !f->hurry && f->ended != NULL)
		return;
	if (f->stopping && follow_stand_leave(f))
		return;
	if (f->stopping) {
		follow_spool_empty(f);
		f->state = FOLLOW_OVER;
		return;
	}
	f->state = FOLLOW_WAITING;
	f->due_ms = clock_mono_ms() + (f->yields ? YIELD_MS :
	    f->failures == 0 || f->move ? 0 :
	    clock_backoff_ms(f->failures, RETRY_BASE_MS, RETRY_CAP_MS));
	if (move_due(f) > clock_mono_ms() && move_due(f) < f->due_ms)
		f->due_ms = move_due(f);
}

/* When a source changes hands the new daemon begins before the old one knows:
 * who comes later is let go first, and nobody needs to hear of it. */
static bool
yields(struct follow *f, const struct err *e)
{
	int64_t now_ms = clock_mono_ms(), last_ms = f->taken_ms;

	if (e->code != ERR_BUSY || f->shared->stop_at_end)
		return false;
	f->taken_ms = now_ms;
	return last_ms == 0 || now_ms - last_ms > YIELD_AGAIN_MS;
}

void
follow_lost(struct follow *f, const struct err *e)
{
	if (f->stopping)
		return;
	/* A request to stop also hangs up. */
	if (cancel_requested(f->opts.conn->cancel)) {
		drain(f);
		return;
	}
	f->yields = yields(f, e);
	if (f->yields) {
		log_event(LOG_INFO_, "another archiver follows the source; "
		    "this one waits for a while", "source", f->opts.source,
		    NULL);
		drain(f);
		return;
	}
	f->failures++;
	if (f->shared->stop_at_end && f->failures >= TRIES_AT_END) {
		follow_fail(f, e);
		return;
	}
	follow_troubled(f, FOLLOW_SERVER, e);
	log_event(LOG_WARN_, "the source cannot be followed; it will be tried "
	    "again", "source", f->opts.source, "why", e->msg, "hint",
	    e->hint[0] != '\0' ? e->hint : NULL, NULL);
	drain(f);
}

/* --- starting --- */

static void
start_run(struct job *j)
{
	struct follow_start *s = (struct follow_start *)j;

	s->err = (struct err){0};
	/* What only the spool has goes to the store first, whether or not
	 * there is a server. */
	if (follow_spool_start(s->follow, &s->err) == 0)
		(void)resume_any(&s->opts, &s->resume, &s->err);
}

/* What no waiting mends. */
static bool
is_final(const struct follow *f, const struct err *e)
{
	return e->code == ERR_USAGE || e->code == ERR_EXISTS ||
	    e->code == ERR_CORRUPT || e->code == ERR_CANCELLED ||
	    (e->code == ERR_DENIED && !f->started);
}

/* Files that the store holds whole, and nobody has finished. */
static int
take_ended(struct follow *f, const struct resume *r, struct err *e)
{
	char name[STREAM_NAME_MAX];
	uint32_t seq;

	if (f->ended != NULL)
		return 0;	/* we know them */
	for (seq = r->finished + 1; seq < r->seq; seq++) {
		stream_name_add(r->history.first_file, (int64_t)seq - 1,
		    name);
		if (follow_ended(f, seq, name, NULL, e) != 0)
			return -1;
	}
	return 0;
}

static void
take_over(struct follow *f, struct resume *r)
{
	const struct probe *p = &r->probe;
	uint64_t first = 0, last = 0;
	size_t base;
	char at[32];

	f->at = r->at;
	memcpy(f->where, r->where, sizeof(f->where));
	f->move = f->yields = false;
	f->lag.unfit_ms = 0;
	f->link = r->link;
	r->link = NULL;
	stream_fini(&f->stream);
	f->stream = r->stream;
	r->stream = (struct stream){0};
	f->carry = r->carry;
	r->carry = (struct buf){0};
	f->carried = 0;
	memcpy(f->history, r->history.id, sizeof(f->history));
	f->probe = *p;
	f->probe.logs = NULL;
	f->probe.gtids = f->probe.marked = (struct buf){0};
	tail_begin(&f->tail, r->seq, r->stored);
	sha256_finish(f->sha, (uint8_t[SHA256_SIZE]){0});
	f->sha_known = r->stored == 0;
	f->ack_offset = 0;
	f->acked = false;
	gtid_set_free(f->gtids);
	f->gtids = NULL;
	f->gtids_whole = false;
	(void)stream_name_split(f->stream.name, &base, &first);
	(void)stream_name_split(p->logs[p->nlogs - 1].name, &base, &last);
	f->end_seq = r->seq + (uint32_t)(last - first);
	f->end_position = p->position;
	follow_stand_init(f, &f->stand);
	f->stand.seq = f->end_seq;
	f->stand.offset = f->end_position;
	f->stand.at_us = p->at_us;
	f->gap[0] = '\0';
	f->expire_s = p->expire_s;
	f->password_us = p->password_us;
	f->lag.due_ms = clock_mono_ms() + follow_lag_ms(f);
	f->state = FOLLOW_RUNNING;
	f->started = true;
	f->heard_ms = f->running_ms = clock_mono_ms();
	f->lag.last = -1;
	(void)snprintf(at, sizeof(at), "%" PRIu64, r->stored);
	log_event(LOG_INFO_, "following", "source", f->opts.source, "endpoint",
	    f->where, "server", p->flavour.version_text, "history", f->history, "file",
	    f->stream.name, "position", at, "marked", p->marked.len > 0 ?
	    buf_str(&p->marked) : NULL, NULL);
}

static void
start_done(struct job *j)
{
	struct follow_start *s = (struct follow_start *)j;
	struct follow *f = s->follow;

	f->state = FOLLOW_WAITING;
	if (s->err.code == ERR_NONE && s->resume.began)
		follow_tell_began(f, &s->resume.history);
	if (f->stopping) {
		over(f);
	} else if (s->err.code == ERR_NONE) {
		take_over(f, &s->resume);
		if (take_ended(f, &s->resume, &s->err) != 0) {
			follow_fail(f, &s->err);
		} else {
			follow_finish(f, clock_mono_ms());
			follow_watch(f, EPOLLIN);
			if (follow_ack_begin(f, &s->err) != 0)
				follow_lost(f, &s->err);
			follow_ready(f);
		}
	} else if (is_final(f, &s->err)) {
		follow_fail(f, &s->err);
	} else {
		follow_lost(f, &s->err);
	}
	resume_free(&s->resume);
}

struct resume_opts
follow_resume(const struct follow *f)
{
	return (struct resume_opts){ .store = f->shared->store,
	    .store_id = f->shared->store_id, .source = f->opts.source,
	    .conn = f->opts.conn, .adopt = f->opts.adopt,
	    .ack = f->opts.ack, .gap = f->gap[0] != '\0' ? f->gap : NULL,
	    .endpoints = &f->opts.endpoints, .at = f->at,
	    .move = f->move || move_due(f) <= clock_mono_ms() };
}

static void
start(struct follow *f)
{
	f->state = FOLLOW_STARTING;
	f->start = (struct follow_start){
		.job = { .run = start_run, .done = start_done },
		.follow = f, .opts = follow_resume(f) };
	pool_submit(f->shared->starts, &f->start.job);
}

/* --- reading --- */

void
follow_ready(struct follow *f)
{
	struct err e = {0};

	if (f->state != FOLLOW_RUNNING || follow_read(f, &e) == 0)
		return;
	if (f->gap[0] == '\0') {
		follow_lost(f, &e);
		return;
	}
	log_event(LOG_ERROR_, "transactions are missing: a new history "
	    "begins", "source", f->opts.source, "why", e.msg, NULL);
	drain(f);
}

/* --- time --- */

static int64_t
age_due(const struct follow *f)
{
	return f->tail.boundary > f->tail.start ? f->tail.since_ms +
	    (int64_t)f->opts.age_ms : INT64_MAX;
}

static int64_t
silence_due(const struct follow *f)
{
	return f->feeding ? INT64_MAX : f->heard_ms + SILENCE_MS;
}

void
follow_tick(struct follow *f, int64_t now_ms)
{
	struct err e = {0};

	follow_retry(f, now_ms);
	follow_finish(f, now_ms);
	follow_trouble(f, now_ms);
	if (f->state == FOLLOW_WAITING && f->due_ms <= now_ms)
		start(f);
	if (f->state == FOLLOW_RUNNING && f->busy)
		follow_ready(f);
	if (f->state != FOLLOW_RUNNING)
		return;
	follow_lag(f, now_ms);
	if (age_due(f) <= now_ms &&
	    follow_send(f, f->tail.boundary, &e) != 0) {
		follow_fail(f, &e);
		return;
	}
	if (silence_due(f) <= now_ms) {
		(void)err_set(&e, ERR_AGAIN, 0, "the server has said nothing "
		    "for %d s", SILENCE_MS / 1000);
		follow_lost(f, &e);
	}
}

int64_t
follow_due(const struct follow *f)
{
	int64_t due = follow_retry_due(f), other = follow_finish_due(f);

	if (other < due)
		due = other;
	other = follow_trouble_due(f);
	if (other < due)
		due = other;
	other = INT64_MAX;
	if (f->state == FOLLOW_WAITING)
		other = f->due_ms;
	if (f->state == FOLLOW_RUNNING && f->busy)
		return 0;
	if (f->state == FOLLOW_RUNNING)
		other = age_due(f) < silence_due(f) ? age_due(f) :
		    silence_due(f);
	if (f->state == FOLLOW_RUNNING && !f->lag.asked &&
	    f->lag.due_ms < other)
		other = f->lag.due_ms;
	return due < other ? due : other;
}

/* --- from outside --- */

bool
follow_starved(const struct follow *f)
{
	return f->state == FOLLOW_RUNNING && f->feeding;
}

uint64_t
follow_held(const struct follow *f)
{
	return f->state == FOLLOW_RUNNING ? f->tail.end - f->tail.start : 0;
}

void
follow_end(struct follow *f)
{
	f->stopping = true;
	if (f->state == FOLLOW_RUNNING || f->state == FOLLOW_WAITING)
		drain(f);
}

void
follow_stop(struct follow *f)
{
	f->hurry = true;
	atomic_store(&f->finish_stop, true);
	follow_end(f);
	follow_sent(f);
}

void
follow_abandon(struct follow *f)
{
	struct err e = {0};

	(void)err_set(&e, ERR_CANCELLED, 0, "stopped");
	follow_fail(f, &e);
}

bool
follow_over(const struct follow *f, struct err *e)
{
	if (f->state == FOLLOW_OVER && f->err.code != ERR_NONE &&
	    f->err.code != ERR_CANCELLED)
		*e = f->err;
	return f->state == FOLLOW_OVER;
}

struct follow *
follow_new(struct follow_shared *shared, const struct follow_opts *opts,
    struct err *e)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "source %s", opts->source);
		return NULL;
	}
	f->shared = shared;
	f->opts = *opts;
	f->tail.memory = &shared->memory;
	f->lag.last = -1;
	f->state = FOLLOW_WAITING;
	f->sha = sha256_new(e);
	if (f->sha == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void
follow_free(struct follow *f)
{
	if (f == NULL)
		return;
	hang_up(f);
	tail_clear(&f->tail);
	follow_uploads_free(f);
	follow_ended_free(f);
	follow_spool_free(f);
	sha256_free(f->sha);
	stream_fini(&f->stream);
	gtid_set_free(f->gtids);
	free(f);
}
