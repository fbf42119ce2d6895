/* SPDX-License-Identifier: Apache-2.0 */
/* serve_child: a job runs as a child, is bounded, and ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/accepted.h"
#include "backupd/child.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/utf8.h"
#include "catalog/settings.h"

#include "backupd/serve_impl.h"

#define SINCE (CLOCK_TEXT + 16)	/* --unless-since= */
#define LIMIT_SLACK_MS 60000	/* a job may end itself at its limit */
#define STOP_MS 15000		/* to end when it is told to */

/* --- running --- */

static void
event(void *arg, const char *label, const char *line)
{
	char source[CHILD_LABEL + 1];
	json_t *doc = json_loads(line, 0, NULL), *value;
	const char *level, *message, *key;
	struct buf rest = {0};

	(void)arg;
	(void)snprintf(source, sizeof(source), "%.*s",
	    (int)strcspn(label, " "), label);
	message = json_string_value(json_object_get(doc, "message"));
	level = json_string_value(json_object_get(doc, "level"));
	json_object_foreach(doc, key, value) {
		if (strcmp(key, "message") == 0 || strcmp(key, "level") == 0 ||
		    strcmp(key, "time") == 0 || strcmp(key, "source") == 0 ||
		    strcmp(key, "program") == 0 || !json_is_string(value))
			continue;
		buf_addf(&rest, "%s%s=%s", rest.len > 0 ? " " : "", key,
		    json_string_value(value));
	}
	/* Progress is on a descriptor of its own. */
	if (message != NULL && strcmp(message, "progress") != 0)
		log_event(level == NULL || strcmp(level, "info") == 0 ?
		    LOG_INFO_ : strcmp(level, "debug") == 0 ? LOG_DEBUG_ :
		    strcmp(level, "warn") == 0 ? LOG_WARN_ : LOG_ERROR_,
		    message, "source", source, "job",
		    label + strcspn(label, " ") + 1, "more", rest.len > 0 ?
		    buf_str(&rest) : NULL, NULL);
	buf_free(&rest);
	json_decref(doc);
}

/* The daemon before us, taken for dead, may still be at it. */
static const char *
unless_since(const struct task *t, char since[SINCE])
{
	char slot[CLOCK_TEXT];

	clock_rfc3339(t->slot_us, slot);
	(void)snprintf(since, SINCE, "--unless-since=%s", slot);
	return since;
}

static struct child *
spawn(struct serve *s, struct task *t, struct err *e)
{
	static const char *const programs[TASK_KINDS][2] = {
		[TASK_DUMP] = { "backupd", "run" },
		[TASK_EXPIRE] = { "catalog", "expire" },
		[TASK_VERIFY] = { "catalog", "verify" },
		[TASK_DRILL] = { "restore", "drill" },
	};
	const struct source *x = t->source;
	char path[4200], config[4200], rate[64], within[64];
	char since[SINCE];
	char level[64];
	char label[CHILD_LABEL + 1];
	const char *argv[12] = {0};
	char by[64], same[64];
	struct child_opts opts = { .argv = argv, .event = event,
	    .label = label };
	size_t n = 0;

	(void)snprintf(label, sizeof(label), "%s %s", x->name,
	    task_name(t->kind));
	(void)snprintf(by, sizeof(by), "KURA_AUDIT_BY=%s", t->by);
	child_program(programs[t->kind][0], path, sizeof(path));
	argv[n++] = path;
	argv[n++] = programs[t->kind][1];
	argv[n++] = x->name;
	if (accepted_keep(s->accepted, e) != 0)
		return NULL;
	(void)snprintf(config, sizeof(config), "--config=%s",
	    accepted_path(s->accepted));
	argv[n++] = config;
	argv[n++] = "--json";
	argv[n++] = "--log-format=json";
	(void)snprintf(level, sizeof(level), "--log-level=%s",
	    settings_str(s->fleet->settings, "log-level"));
	argv[n++] = level;
	argv[n++] = "--progress-fd=3";
	if (t->kind == TASK_EXPIRE || t->kind == TASK_DRILL)
		argv[n++] = "--yes";
	if (t->kind == TASK_VERIFY) {
		(void)snprintf(within, sizeof(within), "--within=%s",
		    settings_str(x->settings, "verify-within"));
		argv[n++] = within;
	}
	if (t->kind == TASK_DUMP && t->slot_us != 0)
		argv[n++] = unless_since(t, since);
	/* All jobs and the archive together keep within the limit. */
	if (x->depot->rate > 0) {
		(void)snprintf(rate, sizeof(rate), "--rate=%" PRIu64,
		    x->depot->rate / (s->fleet->max_jobs + 1) + 1);
		argv[n++] = rate;
	}
	opts.variables[0] = t->by_hand ? by : "KURA_AUDIT_BY=schedule";
	/* Where a disc is not mounted it must make no store of its own. */
	(void)snprintf(same, sizeof(same), SETTINGS_SAME_STORE "=%s",
	    x->depot->store_id);
	opts.variables[1] = same;
	return child_start(&opts, e);
}

void
serve_start_task(struct serve *s, struct task *t, int64_t now_us, int64_t now_ms)
{
	struct err e = {0};

	t->child = spawn(s, t, &e);
	if (t->child == NULL) {
		log_event(LOG_ERROR_, "cannot start a job", "source",
		    t->source->name, "job", task_name(t->kind), "why", e.msg,
		    NULL);
		/* Memory may be short for a while: it stays in the queue. */
		return;
	}
	serve_later(&t->last_us, now_us);
	t->before_us = t->last_us;
	t->check_us = 0;
	t->queued_us = 0;
	t->began_us = now_us;
	t->began_ms = now_ms;
	t->cancelled = t->stopping = false;
	t->stop_why[0] = '\0';
	if (t->kind == TASK_DUMP)
		claims_taken(t->source->depot->claims, t->source->name,
		    "dumps");
	log_event(LOG_INFO_, "job begun", "source", t->source->name, "job",
	    task_name(t->kind), "why", t->by_hand ? "asked for" : t->retried ?
	    "tried again" : NULL, NULL);
}

void
serve_stop_task(struct task *t, const char *why)
{
	if (t->child == NULL || t->stopping)
		return;
	t->stopping = true;
	t->kill_ms = clock_mono_ms() + STOP_MS;
	(void)snprintf(t->stop_why, sizeof(t->stop_why), "%s", why);
	child_stop(t->child);
}

/* Time limit, window, and an end that takes too long. */
void
serve_bound_task(struct task *t, int64_t now_us, int64_t now_ms)
{
	const struct source *x = t->source;
	int64_t end_us;
	char why[160];

	if (t->stopping && t->kill_ms <= now_ms) {
		child_kill(t->child);
		t->kill_ms = INT64_MAX;
	}
	if (x->limit_ms > 0 && now_ms - t->began_ms > (int64_t)x->limit_ms +
	    LIMIT_SLACK_MS) {
		(void)snprintf(why, sizeof(why), "it took longer than its "
		    "time-limit of %" PRIu64 " s", x->limit_ms / 1000);
		serve_stop_task(t, why);
	}
	if (t->kind == TASK_DUMP && !t->by_hand && x->zone != NULL &&
	    !window_holds(&x->window, x->zone, now_us, &end_us))
		serve_stop_task(t, "it was not finished at the end of its "
		    "window");
}

/* --- the end --- */

static int64_t
number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void
take_facts(struct journal_run *run, const struct child *c)
{
	size_t n;
	const char *text = child_out(c, &n);
	json_t *doc = json_loadb(text, n, 0, NULL), *totals;
	const char *id = json_string_value(json_object_get(doc, "id"));

	totals = json_object_get(doc, "totals");
	if (totals == NULL)
		totals = doc;
	run->bytes = number(totals, "raw");
	if (run->bytes < 0)
		run->bytes = number(totals, "bytes");
	run->rows = number(totals, "rows");
	run->stored = number(totals, "stored");
	if (id == NULL)
		id = json_string_value(json_object_get(doc, "backup"));
	(void)snprintf(run->backup, sizeof(run->backup), "%s",
	    id != NULL ? id : "");
	json_decref(doc);
}

static const char *
plain(const char *message)
{
	const char *colon = strstr(message, ": ");

	/* "backupd: " says nothing here. */
	return colon != NULL && strcspn(message, ": ") ==
	    (size_t)(colon - message) ? colon + 2 : message;
}

static void
why(const struct task *t, struct journal_run *run)
{
	const char *said = plain(child_message(t->child));

	if (t->stop_why[0] != '\0')
		(void)snprintf(run->message, sizeof(run->message), "%s",
		    t->stop_why);
	else if (said[0] != '\0')
		(void)snprintf(run->message, sizeof(run->message), "%.*s",
		    JOURNAL_TEXT - 1, said);
	else if (run->status >= 128)
		(void)snprintf(run->message, sizeof(run->message), "it was "
		    "ended by signal %d", run->status - 128);
	else
		(void)snprintf(run->message, sizeof(run->message), "it ended "
		    "with status %d", run->status);
	utf8_mend(run->message);
}

/* What may pass by itself: DDL, a blocker, a server away for a moment, memory
 * that was short (a signal then). */
static bool
may_pass(const struct journal_run *run)
{
	return run->status == 1 || run->status == 75 || run->status >= 128;
}

static void
after(struct serve *s, struct task *t, const struct journal_run *run)
{
	struct source *x = t->source;
	struct task *next = &x->tasks[TASK_EXPIRE];

	t->retry_us = 0;
	/* Neither a success nor a failure. */
	if (run->status != JOURNAL_CANCELLED)
		serve_ping(s, x, run->job, run->ok);
	if (run->ok) {
		serve_later(&t->success_us, run->started_us);
		if (t->kind == TASK_DUMP && next->follows_dump &&
		    next->child == NULL && next->queued_us == 0)
			serve_queue(next, run->finished_us);
	} else if (t->kind == TASK_DUMP && !t->retried && !t->stopping &&
	    may_pass(run)) {
		t->retry_us = run->finished_us + (int64_t)s->retry_ms * 1000;
	}
	t->by_hand = t->retried = t->stopping = false;
	t->check_us = 0;
	x->look_wanted = true;
	x->look_ms = x->outgrown.check_ms = 0;
	x->outgrown.apart = 0;
	s->problems_ms = 0;
}

static void
ended(struct serve *s, struct task *t)
{
	struct journal_run run = { .started_us = t->began_us,
	    .finished_us = clock_now_us(), .status = child_status(t->child) };
	struct err e = {0};
	char seconds[32];

	(void)snprintf(run.source, sizeof(run.source), "%s",
	    t->source->name);
	(void)snprintf(run.job, sizeof(run.job), "%s", task_name(t->kind));
	run.ok = run.status == 0;
	take_facts(&run, t->child);
	if (!run.ok)
		why(t, &run);
	if (!run.ok && t->cancelled)
		run.status = JOURNAL_CANCELLED;
	child_free(t->child);
	t->child = NULL;
	t->last = run;
	(void)snprintf(seconds, sizeof(seconds), "%.1f",
	    (double)(clock_mono_ms() - t->began_ms) / 1000);
	log_event(run.ok ? LOG_INFO_ : t->cancelled ? LOG_WARN_ : LOG_ERROR_,
	    run.ok ? "job done" : t->cancelled ? "job cancelled" :
	    "job failed", "source", run.source, "job", run.job, "seconds",
	    seconds, "backup", run.backup[0] != '\0' ? run.backup : NULL,
	    "why", run.ok ? NULL : run.message, NULL);
	if (journal_add(s->journal, &run, &e) != 0)
		log_event(LOG_WARN_, "the job history cannot be written",
		    "why", e.msg, NULL);
	after(s, t, &run);
}

void
serve_children(struct serve *s)
{
	struct task *t;
	enum task_kind k;
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			t = &s->fleet->sources[i].tasks[k];
			if (t->child == NULL)
				continue;
			child_ready(t->child);
			if (child_reap(t->child))
				ended(s, t);
		}
}
