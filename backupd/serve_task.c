/* SPDX-License-Identifier: Apache-2.0 */
/* serve_task: jobs become due, wait for their turn, run and end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/child.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/utf8.h"

#include "backupd/serve_impl.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define FIRST_MS 60000		/* an archive may take to begin */

/* --- what was before --- */

void
serve_later(int64_t *us, int64_t other)
{
	if (other > *us)
		*us = other;
}

void
serve_recall(struct serve *s, struct source *x)
{
	struct journal_run run;
	struct err e = {0};
	struct task *t;
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++) {
		t = &x->tasks[k];
		if (journal_last(s->journal, x->name, task_name(k), false,
		    &run, &e) == 1) {
			serve_later(&t->last_us, run.started_us);
			t->last = run;
		}
		if (journal_last(s->journal, x->name, task_name(k), true,
		    &run, &e) == 1)
			serve_later(&t->success_us, run.started_us);
		t->check_us = 0;
	}
	/* Another daemon's work, or that of one whose memory is gone. */
	t = &x->tasks[TASK_DUMP];
	serve_later(&t->last_us, x->look.last_dump_us);
	serve_later(&t->success_us, x->look.last_good_us);
	/* One that was watched before us, and never dumped, was due then. */
	if (x->look.known_us != 0 && x->look.known_us < x->since_us)
		x->since_us = x->look.known_us;
	(void)journal_paused(s->journal, x->name, &x->paused, &e);
	if (e.code != ERR_NONE)
		log_event(LOG_WARN_, "the job history cannot be read", "why",
		    e.msg, NULL);
}

/* --- due --- */

void
serve_queue(struct task *t, int64_t now_us)
{
	t->queued_us = now_us;
	t->retried = false;
	t->retry_us = 0;
}

bool
serve_early(const struct task *t)
{
	return (t->kind == TASK_VERIFY || t->kind == TASK_DRILL) &&
	    t->source->look.last_dump_us == 0 &&
	    t->source->tasks[TASK_DUMP].success_us == 0;
}

/* The schedule's say. */
static void
check(struct task *t, int64_t now_us)
{
	struct schedule_verdict v = schedule_look(&t->schedule, t->last_us,
	    fleet_since(t, t->last_us), now_us);

	t->missed = v.missed && !v.due;
	t->next_us = v.next_us == SCHEDULE_NEVER ? 0 : v.next_us;
	t->check_us = v.next_us;
	if (!v.due || t->child != NULL || t->queued_us != 0 || serve_early(t))
		return;
	serve_queue(t, now_us);
	t->before_us = t->last_us;
	t->slot_us = v.slot_us;
	serve_later(&t->last_us, v.slot_us);
}

/* Of dumps that another daemon makes (jobs = expire) what follows them does
 * not hear: once a day then. */
static bool
follows_others(const struct task *t, int64_t now_us)
{
	/* A clock that is right again makes nothing run all the time. */
	int64_t last_us = t->last_us > now_us ? t->began_us : t->last_us;

	return t->follows_dump && t->child == NULL && t->queued_us == 0 &&
	    now_us - last_us >= DAY_US &&
	    !serve_mine(t->source, CLAIMS_DUMP);
}

static void
due(struct serve *s, struct task *t, int64_t now_us)
{
	struct source *x = t->source;
	bool others = follows_others(t, now_us);
	bool timed = t->cron != NULL && t->check_us <= now_us;
	bool again = t->retry_us != 0 && t->retry_us <= now_us &&
	    t->child == NULL && t->queued_us == 0;

	/* Most tasks are not due, of most rounds. */
	if ((!timed && !again && !others) || x->gone || x->paused || !x->looked ||
	    s->draining || (x->mine & (unsigned)task_claim(t->kind)) == 0 ||
	    !serve_mine(x, task_claim(t->kind)))
		return;
	if (timed)
		check(t, now_us);
	if (again && t->queued_us == 0) {
		serve_queue(t, now_us);
		t->retried = true;
	}
	if (others) {
		serve_queue(t, now_us);
		t->before_us = t->last_us;
	}
}

/* The archive of a source is on before its first dump, so that a window
 * begins there. */
static bool
archive_is_on(const struct source *x, const struct task *t, int64_t now_us)
{
	struct archiver_source at;

	if (!x->following || archiver_state(x->depot->archiver, x->name,
	    &at) != 0)
		return true;
	return at.state == ARCHIVER_FOLLOWING ||
	    now_us - t->queued_us > FIRST_MS * INT64_C(1000);
}

/* --- the round --- */

/* The queued task that waits longest and has its turn. */
static struct task *
next_turn(struct serve *s, int64_t now_us)
{
	struct task *t, *best = NULL;
	int64_t end_us;
	enum task_kind k;
	struct source *x;
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			x = &s->fleet->sources[i];
			t = &x->tasks[k];
			if (t->queued_us == 0 || t->child != NULL ||
			    (best != NULL && best->queued_us <=
			    t->queued_us) || x->depot == NULL ||
			    !x->depot->open || !fleet_has_turn(s->fleet, t))
				continue;
			if (k == TASK_DUMP && (!archive_is_on(x, t, now_us) ||
			    (!t->by_hand && !window_holds(&x->window, x->zone,
			    now_us, &end_us))))
				continue;
			best = t;
		}
	return best;
}

/* What waits for a source that is not ours any more is another's now. */
static void
give_up_queue(struct serve *s)
{
	struct task *t;
	enum task_kind k;
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			t = &s->fleet->sources[i].tasks[k];
			if (t->queued_us != 0 && (s->draining ||
			    t->source->gone || (!t->by_hand &&
			    !serve_mine(t->source, task_claim(k))))) {
				/* Its slot is not done: if it becomes ours
				 * again, it is due. */
				t->queued_us = 0;
				t->by_hand = t->retried = false;
				t->last_us = t->before_us;
				t->check_us = 0;
			}
		}
}

void
serve_tasks(struct serve *s, int64_t now_us, int64_t now_ms)
{
	struct task *t;
	enum task_kind k;
	size_t i;

	s->round_us = now_us;
	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			t = &s->fleet->sources[i].tasks[k];
			due(s, t, now_us);
			if (t->child != NULL)
				serve_bound_task(t, now_us, now_ms);
		}
	give_up_queue(s);
	while (!s->stopping && fleet_queued(s->fleet) > 0 &&
	    (t = next_turn(s, now_us)) != NULL) {
		serve_start_task(s, t, now_us, now_ms);
		if (t->child == NULL)
			break;
	}
}

/* What was due already, and is not begun since it is another's, paused or
 * waits for its child, waits for a change: no timer helps it. */
static void
sooner(int64_t *due_us, int64_t at_us, int64_t round_us)
{
	if (at_us > round_us && at_us < *due_us)
		*due_us = at_us;
}

int64_t
serve_due(const struct serve *s)
{
	const struct task *t;
	int64_t due_us = INT64_MAX;
	enum task_kind k;
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			t = &s->fleet->sources[i].tasks[k];
			if (t->cron != NULL)
				sooner(&due_us, t->check_us, s->round_us);
			sooner(&due_us, t->retry_us, s->round_us);
		}
	return due_us;
}

void
serve_forget_due(struct serve *s)
{
	enum task_kind k;
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++)
			s->fleet->sources[i].tasks[k].check_us = 0;
}
