/* SPDX-License-Identifier: Apache-2.0 */
/* serve_problem: what is wrong now, in plain words. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

#include "backupd/serve_impl.h"

#define EVERY_MS 5000
#define WAIT_US (INT64_C(60) * 1000000)	/* an archive may be away */

static struct problem *
known(struct serve *s, const char *source, const char *kind)
{
	struct problem *p;
	size_t i;

	for (i = 0; i < s->nproblems; i++) {
		p = &s->problems[i];
		if (strcmp(p->source, source) == 0 &&
		    strcmp(p->kind, kind) == 0)
			return p;
	}
	return NULL;
}

static struct problem *
find(struct serve *s, const char *source, const char *kind)
{
	struct problem *p = known(s, source, kind), *list;

	if (p != NULL)
		return p;
	list = realloc(s->problems, (s->nproblems + 1) * sizeof(*list));
	if (list == NULL)
		return NULL;
	s->problems = list;
	p = &list[s->nproblems++];
	*p = (struct problem){0};
	(void)snprintf(p->source, sizeof(p->source), "%s", source);
	(void)snprintf(p->kind, sizeof(p->kind), "%s", kind);
	return p;
}

static serve_note note;

static void
note(struct serve *s, const char *source, const char *kind, bool error,
    int64_t since_us, const char *fmt, ...)
{
	struct problem *p = find(s, source, kind);
	bool fresh;
	va_list ap;

	if (p == NULL)
		return;
	fresh = p->text[0] == '\0';
	va_start(ap, fmt);
	(void)vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	/* A server's words, or a name that was cut: neither page nor notifier
	 * could show it. */
	utf8_mend(p->text);
	p->seen = true;
	p->error = error;
	if (fresh) {
		p->since_us = since_us;
		serve_tell(s, p, true);
	} else {
		serve_remind(s, p, true);
	}
}

/* Nothing new is known: if it was wrong, it is. */
static void
keep(struct serve *s, const char *source, const char *kind)
{
	struct problem *p = known(s, source, kind);

	if (p == NULL)
		return;
	p->seen = true;
	serve_remind(s, p, true);
}

/* --- of a source --- */

static void
of_task(struct serve *s, const struct task *t, int64_t now_us)
{
	const struct source *x = t->source;
	const struct journal_run *r = &t->last;
	char kind[SERVE_KIND];
	int64_t deadline;

	/* What somebody cancelled did neither fail nor mend anything. */
	if (r->status == JOURNAL_CANCELLED) {
		(void)snprintf(kind, sizeof(kind), "%s_failed", r->job);
		keep(s, x->name, kind);
		if (t->kind == TASK_VERIFY)
			keep(s, x->name, "damage");
	} else if (r->job[0] != '\0' && !r->ok && r->started_us >= t->success_us) {
		(void)snprintf(kind, sizeof(kind), "%s_failed", r->job);
		note(s, x->name, t->kind == TASK_VERIFY && r->status == 3 ?
		    "damage" : kind, true, r->finished_us, "the last %s "
		    "failed: %s%s", r->job, r->message, t->retry_us != 0 ?
		    "; it is tried again soon" : "");
	}
	if (t->cron == NULL || x->paused || serve_early(t))
		return;
	deadline = schedule_deadline(&t->schedule, t->success_us,
	    fleet_since(t, t->success_us), SERVE_MARGIN_US);
	(void)snprintf(kind, sizeof(kind), "%s_overdue", task_name(t->kind));
	if (now_us > deadline)
		note(s, x->name, kind, t->kind == TASK_DUMP, deadline,
		    t->success_us == 0 ? "no %s has succeeded yet" :
		    "no %s has succeeded for too long", task_name(t->kind));
}

static void
of_archive(struct serve *s, const struct source *x, int64_t now_us)
{
	struct archiver_source a;

	if (x->follow_us != 0)
		note(s, x->name, "archive_failed", true, x->follow_us,
		    "binary logs are not archived%s: %s", x->following ?
		    " with the new settings" : "", x->follow_err.msg);
	if (!x->following || archiver_state(x->depot->archiver, x->name,
	    &a) != 0)
		return;
	if (a.state == ARCHIVER_STOPPED || (a.state == ARCHIVER_WAITING &&
	    a.error_since_us != 0 && now_us - a.error_since_us > WAIT_US))
		note(s, x->name, "archive_failed", true, a.error_since_us,
		    "binary logs are not archived: %s", a.error);
	if (a.lag_s > SERVE_LAG_S)
		note(s, x->name, "archive_lag", false, now_us, "what was "
		    "committed %" PRId64 " s ago is not stored yet", a.lag_s);
	if (a.gaps > 0)
		note(s, x->name, "gap", true, now_us, "transactions are "
		    "missing in the archive: make a backup, so that a new "
		    "window begins");
	if (a.ack == ARCHIVER_ACK_LOST)
		note(s, x->name, "ack_lost", true, now_us, "commits do not "
		    "wait for the archive any more");
}

static void
of_source(struct serve *s, const struct source *x, int64_t now_us)
{
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++)
		if (x->looked && serve_mine(x, task_claim(k)))
			of_task(s, &x->tasks[k], now_us);
	of_archive(s, x, now_us);
	if (x->following)
		serve_heard(s, x, now_us, note);
	if (x->look_err.code != ERR_NONE && x->look_failures > 2)
		note(s, x->name, "store_failed", true, now_us, "the store "
		    "cannot be read: %s", x->look_err.msg);
	if (x->look.damage > 0)
		note(s, x->name, "damage", true, now_us, "%zu documents in "
		    "the store cannot be read: run 'catalog verify %s'",
		    x->look.damage, x->name);
	if (x->paused)
		note(s, x->name, "paused", false, now_us, "somebody paused "
		    "it: 'backupd resume %s' goes on", x->name);
}

/* Names that are too long differ by a digest. */
static void
kind_of(const char *store, char kind[SERVE_KIND])
{
	uint32_t sum = 2166136261u;
	size_t i;

	for (i = 0; store[i] != '\0'; i++)
		sum = (sum ^ (unsigned char)store[i]) * 16777619u;
	if (strlen(store) < SERVE_KIND - sizeof("store_"))
		(void)snprintf(kind, SERVE_KIND, "store_%s", store);
	else
		(void)snprintf(kind, SERVE_KIND, "store_%.40s_%08" PRIx32,
		    store, sum);
	utf8_mend(kind);
}

static void
of_depot(struct serve *s, const struct depot *d)
{
	char kind[SERVE_KIND];
	int64_t lost;

	kind_of(d->name, kind);
	lost = d->open ? claims_lost_since(d->claims) : 0;
	if (!d->open && d->err.code != ERR_NONE)
		note(s, "", kind, true, d->failed_us, "store %s cannot be "
		    "used: %s", d->name, d->err.msg);
	else if (lost != 0)
		note(s, "", kind, true, lost, "store %s does not answer",
		    d->name);
}

static void
drop_over(struct serve *s)
{
	size_t i, kept = 0;

	for (i = 0; i < s->nproblems; i++) {
		if (s->problems[i].seen)
			s->problems[kept++] = s->problems[i];
		else
			serve_tell(s, &s->problems[i], false);
	}
	s->nproblems = kept;
}

void
serve_problems(struct serve *s, int64_t now_us, int64_t now_ms)
{
	const struct source *x;
	size_t i;

	if (s->problems_ms != 0 && now_ms < s->problems_ms + EVERY_MS)
		return;
	s->problems_ms = now_ms;
	for (i = 0; i < s->nproblems; i++)
		s->problems[i].seen = false;
	for (i = 0; i < s->fleet->ndepots; i++)
		of_depot(s, s->fleet->depots[i]);
	if (s->refused_us != 0)
		note(s, "", "config_refused", false, s->refused_us, "%s",
		    s->refused);
	serve_expiry(s, now_us, now_ms, note);
	for (i = 0; i < s->fleet->nsources; i++) {
		x = &s->fleet->sources[i];
		if (!x->gone && x->depot != NULL && x->depot->open)
			of_source(s, x, now_us);
	}
	drop_over(s);
	serve_settle(s);
	serve_ping_archives(s, now_ms);
}
