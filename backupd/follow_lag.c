/* SPDX-License-Identifier: Apache-2.0 */
/* follow_lag: how far the store is behind a source, and what is purged soon. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backupd/probe.h"
#include "base/clock.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "mysql/password.h"

#include "backupd/follow_impl.h"

#define WARN_S (24 * 3600)	/* before a file is purged */
#define LOOK_MIN_MS 1000	/* between two looks at several servers */

/* Of several servers this one may not be the one any more to be followed. */
static void
look_around(struct follow_lag *l, struct conn *c)
{
	const struct endpoints *all = l->others.endpoints;
	struct flavour f;
	struct err e = {0};

	if (flavour_probe(c, &f, &e) != 0 ||
	    endpoint_archivable(c, &f, all->max_lag_s, &e) == 0)
		return;
	l->unfit = e;
	if (l->unfit_ms != 0 && clock_mono_ms() >= l->unfit_ms +
	    (int64_t)all->failover_ms)
		l->other = resume_has_other(&l->others);
}

static void
lag_run(struct job *j)
{
	struct follow_lag *l = (struct follow_lag *)j;
	struct conn_opts o;
	struct probe p = {0};
	struct conn *c;
	long at;
	size_t i;

	l->err = l->unfit = (struct err){0};
	l->other = false;
	l->bytes = l->files = 0;
	endpoint_conn(l->others.conn, &l->others.at, &o);
	c = conn_open(&o, &l->err);
	if (c != NULL && l->others.endpoints->list[0] != '\0')
		look_around(l, c);
	if (c != NULL && probe_logs(c, &l->flavour, &p, &l->err) == 0) {
		at = probe_find(&p, l->name);
		for (i = at < 0 ? p.nlogs : (size_t)at; i < p.nlogs; i++)
			l->bytes += p.logs[i].size;
		l->bytes -= at >= 0 && l->bytes > l->offset ? l->offset :
		    l->bytes;
		l->files = at < 0 ? 0 : p.nlogs - 1 - (size_t)at;
		l->stand.at_us = at < 0 ? 0 : p.at_us;
		l->stand.seq = l->seq + (uint32_t)l->files;
		l->stand.offset = p.logs[p.nlogs - 1].size;
		(void)password_until(c, &l->flavour, &l->password_us,
		    &l->err);
	}
	probe_free(&p);
	conn_close(c);
}

/* The file that is read is purged when its last event is so old, at the
 * earliest. */
static void
warn_purge(const struct follow *f, int64_t now_us)
{
	const struct follow_lag *l = &f->lag;
	int64_t left_s;
	char hours[32], text[640];

	if (l->files == 0 || f->expire_s == 0 || l->event_us == 0)
		return;
	left_s = (int64_t)f->expire_s - (now_us - l->event_us) / 1000000;
	if (left_s > WARN_S)
		return;
	(void)snprintf(hours, sizeof(hours), "%" PRId64, left_s < 0 ? 0 :
	    left_s / 3600);
	log_event(LOG_WARN_, "the source will purge a file that is not "
	    "archived", "source", f->opts.source, "file", l->name,
	    "within_hours", hours, NULL);
	(void)snprintf(text, sizeof(text), "the source will purge %s within "
	    "%s h, and it is not archived", l->name, hours);
	follow_tell(f, FOLLOW_PURGE, text);
}

/* It answers, and is of no use; true if it is left for another one. */
static bool
leave(struct follow *f)
{
	struct follow_lag *l = &f->lag;
	struct err e = {0};

	if (l->err.code != ERR_NONE || !endpoint_same(&l->others.at, &f->at))
		return false;
	if (l->unfit.code == ERR_NONE) {
		l->unfit_ms = 0;
		return false;
	}
	if (l->unfit_ms == 0) {
		l->unfit_ms = clock_mono_ms();
		log_event(LOG_WARN_, "the archived server is of no use",
		    "source", f->opts.source, "endpoint", f->where, "why",
		    l->unfit.msg, NULL);
	}
	if (!l->other || f->state != FOLLOW_RUNNING)
		return false;
	(void)err_set(&e, ERR_AGAIN, 0, "%s: %s", f->where, l->unfit.msg);
	f->move = true;
	follow_lost(f, &e);
	return true;
}

int64_t
follow_lag_ms(const struct follow *f)
{
	int64_t ms = (int64_t)f->opts.endpoints.failover_ms;

	if (f->opts.endpoints.list[0] == '\0' || ms > FOLLOW_LAG_MS)
		return FOLLOW_LAG_MS;
	return ms < LOOK_MIN_MS ? LOOK_MIN_MS : ms;
}

static void
lag_done(struct job *j)
{
	struct follow_lag *l = (struct follow_lag *)j;
	struct follow *f = l->follow;
	int64_t now_us = clock_now_us();
	char bytes[32], seconds[32];

	l->asked = false;
	if (l->err.code == ERR_NONE)
		f->password_us = l->password_us;
	l->due_ms = clock_mono_ms() + follow_lag_ms(f);
	/* A server that cannot be reached is told of by the link. */
	l->last = l->err.code == ERR_NONE ? (int64_t)l->bytes : -1;
	l->last_seq = l->seq;
	l->last_offset = l->offset;
	if (l->err.code == ERR_NONE)
		follow_stand_learn(f, &l->stand);
	if (leave(f))
		return;
	if (l->err.code != ERR_NONE || (l->bytes == 0 && !l->behind))
		return;
	l->behind = l->bytes > 0;
	(void)snprintf(bytes, sizeof(bytes), "%" PRIu64, l->bytes);
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64,
	    l->bytes == 0 || l->commit_us == 0 || l->commit_us > now_us ? 0 :
	    (now_us - l->commit_us) / 1000000);
	log_event(LOG_INFO_, "lag", "source", f->opts.source, "bytes", bytes,
	    "seconds", seconds, NULL);
	warn_purge(f, now_us);
}

void
follow_lag(struct follow *f, int64_t now_ms)
{
	const struct follow_upload *u = f->first;
	struct follow_lag *l = &f->lag;

	if (l->asked || l->due_ms > now_ms)
		return;
	l->asked = true;
	l->job = (struct job){ .run = lag_run, .done = lag_done };
	l->follow = f;
	l->others = follow_resume(f);
	l->flavour = f->probe.flavour;
	follow_stand_init(f, &l->stand);
	while (u != NULL && u->sent)
		u = u->next;
	l->offset = u != NULL ? u->cut.start : f->tail.start;
	l->commit_us = u != NULL && u->cut.commit_us != 0 ?
	    u->cut.commit_us : f->tail.commit_us;
	l->seq = u != NULL ? u->seq : f->tail.seq;
	stream_name_add(f->stream.name, (int64_t)(u != NULL ? u->seq :
	    f->tail.seq) - (int64_t)f->tail.seq, l->name);
	pool_submit(f->shared->starts, &l->job);
}
