/* SPDX-License-Identifier: Apache-2.0 */
/* serve_status: the one document that says how everything stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/child.h"
#include "backupd/cron.h"
#include "backupd/notify.h"
#include "base/clock.h"
#include "base/settings.h"
#include "catalog/document.h"
#include "store/store.h"

#include "backupd/serve_impl.h"

#define HISTORY 100
#define DRILLS 31		/* one a day is drawn */

/* Null for 0: not known. */
static json_t *
count_json(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *
text_json(const char *text)
{
	return text == NULL || text[0] == '\0' ? json_null() :
	    json_string(text);
}

static void
put(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

/* --- jobs --- */

static json_t *
last_json(const struct journal_run *r)
{
	json_t *o;

	if (r->job[0] == '\0')
		return json_null();
	o = json_object();
	put(o, "started", document_time(r->started_us));
	put(o, "finished", document_time(r->finished_us));
	/* Neither of both when somebody cancelled it. */
	put(o, "ok", r->status == JOURNAL_CANCELLED ? json_null() :
	    json_boolean(r->ok));
	put(o, "exit", count_json(r->status));
	put(o, "seconds", json_real((double)(r->finished_us - r->started_us) /
	    1e6));
	put(o, "message", text_json(r->message));
	put(o, "bytes", count_json(r->bytes));
	put(o, "rows", count_json(r->rows));
	put(o, "stored", count_json(r->stored));
	put(o, "backup", text_json(r->backup));
	return o;
}

static json_t *
running_json(const struct task *t)
{
	static const char *const names[] = { "phase", "bytes", "total",
	    "rows", "tables", "rate", "left_s" };
	json_t *o, *said;
	size_t i;

	if (t->child == NULL)
		return json_null();
	o = json_object();
	said = json_loads(child_progress(t->child), 0, NULL);
	put(o, "started", document_time(t->began_us));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put(o, names[i], json_object_get(said, names[i]) != NULL ?
		    json_incref(json_object_get(said, names[i])) :
		    json_null());
	json_decref(said);
	return o;
}

/* Overdue: a slot and its margin passed since the last success. */
static bool
is_overdue(const struct task *t, int64_t now_us)
{
	const struct source *x = t->source;

	return t->cron != NULL && !x->paused && !serve_early(t) && now_us > schedule_deadline(
	    &t->schedule, t->success_us, fleet_since(t, t->success_us),
	    SERVE_MARGIN_US);
}

static json_t *
task_json(const struct task *t, int64_t now_us)
{
	json_t *o = json_object();

	put(o, "job", json_string(task_name(t->kind)));
	put(o, "schedule", t->cron != NULL ? json_string(cron_text(t->cron)) :
	    t->follows_dump ? json_string("after-dump") : json_null());
	put(o, "next", document_time(t->retry_us != 0 ? t->retry_us :
	    t->next_us));
	put(o, "queued", document_time(t->queued_us));
	put(o, "overdue", json_boolean(is_overdue(t, now_us)));
	put(o, "last", last_json(&t->last));
	put(o, "last_success", document_time(t->success_us));
	put(o, "running", running_json(t));
	return o;
}

static bool
is_used(const struct task *t)
{
	return t->cron != NULL || t->follows_dump || t->child != NULL ||
	    t->queued_us != 0 || t->last.job[0] != '\0';
}

/* --- the archive --- */

static json_t *
archive_json(const struct source *x)
{
	struct archiver_source a;
	json_t *o;

	if (!x->archive || x->depot == NULL || !x->depot->open ||
	    archiver_state(x->depot->archiver, x->name, &a) != 0)
		return json_null();
	o = json_object();
	put(o, "state", json_string(archiver_state_text(a.state)));
	put(o, "history", text_json(a.history));
	put(o, "server", text_json(a.server));
	put(o, "endpoint", text_json(a.endpoint));
	put(o, "file", text_json(a.file));
	put(o, "position", count_json(a.position));
	put(o, "lag_s", count_json(a.lag_s));
	put(o, "lag_bytes", count_json(a.lag_bytes));
	put(o, "last_commit", document_time(a.last_commit_us));
	put(o, "stored_bytes", json_integer((json_int_t)a.stored_bytes));
	put(o, "gaps", json_integer(a.gaps));
	put(o, "ack", json_string(archiver_ack_text(a.ack)));
	put(o, "error", text_json(a.error));
	return o;
}

/* --- sources --- */

static json_t *
problem_json(const struct problem *p)
{
	return json_pack("{s:s, s:s, s:o, s:s}", "kind", p->kind, "severity",
	    p->error ? "error" : "warning", "since", document_time(p->since_us),
	    "text", p->text);
}

static json_t *
problems_json(const struct serve *s, const char *source, const char **state)
{
	json_t *list = json_array();
	const struct problem *p;
	size_t i;

	for (i = 0; i < s->nproblems; i++) {
		p = &s->problems[i];
		if (strcmp(p->source, source) != 0)
			continue;
		(void)json_array_append_new(list, problem_json(p));
		*state = p->error || strcmp(*state, "failing") == 0 ?
		    "failing" : "warning";
	}
	return list;
}

static void
add_drill(void *arg, const struct journal_run *r)
{
	(void)json_array_append_new(arg, json_pack("{s:o, s:b, s:f}", "at",
	    document_time(r->finished_us), "ok", r->ok, "seconds",
	    (double)(r->finished_us - r->started_us) / 1e6));
}

static json_t *
drills_json(const struct serve *s, const struct source *x)
{
	json_t *list = json_array();
	struct err e = {0};

	if (x->tasks[TASK_DRILL].last.job[0] != '\0')
		(void)journal_of(s->journal, x->name, "drill", DRILLS,
		    add_drill, list, &e);
	return list;
}

static json_t *
list_json(json_t *list)
{
	return list != NULL ? json_deep_copy(list) : json_array();
}

/* Until when one can restore grows with the archive, between two looks. */
static json_t *
windows_json(const struct source *x, const json_t *archive)
{
	json_t *list = list_json(x->look.windows), *last;
	const char *commit = json_string_value(json_object_get(archive,
	    "last_commit")), *to;

	last = json_array_get(list, json_array_size(list) - 1);
	to = json_string_value(json_object_get(last, "to"));
	if (commit != NULL && to != NULL && strcmp(commit, to) > 0)
		put(last, "to", json_string(commit));
	return list;
}

static json_t *
source_json(const struct serve *s, const struct source *x, int64_t now_us)
{
	char owner[CLAIMS_ID_LEN + 1] = "";
	json_t *o = json_object(), *jobs = json_array(), *problems, *archive;
	const char *state = x->looked ? "ok" : "unknown";
	const char *host = settings_str(x->settings, "host");
	bool ours = false;
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++)
		if (is_used(&x->tasks[k]))
			(void)json_array_append_new(jobs, task_json(
			    &x->tasks[k], now_us));
	if (x->depot != NULL && x->depot->open)
		ours = claims_owner(x->depot->claims, x->name, CLAIMS_DUMP,
		    owner) == CLAIMS_OURS;
	problems = problems_json(s, x->name, &state);
	archive = archive_json(x);
	put(o, "name", json_string(x->name));
	put(o, "store", json_string(x->depot != NULL ? x->depot->name : ""));
	put(o, "host", text_json(host != NULL ? host :
	    settings_str(x->settings, "socket")));
	put(o, "paused", json_boolean(x->paused));
	put(o, "owner", text_json(owner));
	put(o, "ours", json_boolean(ours));
	put(o, "state", json_string(state));
	put(o, "problems", problems);
	put(o, "jobs", jobs);
	put(o, "backups", list_json(x->look.backups));
	put(o, "windows", windows_json(x, archive));
	put(o, "gaps", list_json(x->look.gaps));
	put(o, "drills", drills_json(s, x));
	put(o, "archive", archive);
	return o;
}

/* --- the daemon --- */

static json_t *
daemon_json(const struct serve *s)
{
	static const struct { enum claims_job job; const char *name; }
	    all[] = { { CLAIMS_DUMP, "dump" }, { CLAIMS_ARCHIVE, "archive" },
	    { CLAIMS_EXPIRE, "expire" }, { CLAIMS_VERIFY, "verify" },
	    { CLAIMS_DRILL, "drill" } };
	json_t *o = json_object(), *jobs = json_array();
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if ((s->fleet->jobs & (unsigned)all[i].job) != 0)
			(void)json_array_append_new(jobs, json_string(
			    all[i].name));
	put(o, "id", json_string(s->id));
	put(o, "host", json_string(s->host));
	put(o, "tool", json_string("backupd " KURA_VERSION));
	put(o, "started", document_time(s->started_us));
	put(o, "state", json_string(s->draining ? "draining" : "running"));
	put(o, "jobs", jobs);
	put(o, "config", json_string(s->config));
	return o;
}

static json_t *
stores_json(const struct serve *s)
{
	json_t *list = json_array(), *o, *kinds;
	struct store_counters n;
	const struct depot *d;
	enum store_kind k;
	size_t i;

	for (i = 0; i < s->fleet->ndepots; i++) {
		d = s->fleet->depots[i];
		n = (struct store_counters){0};
		if (d->open)
			store_counters(d->store, &n);
		o = json_object();
		put(o, "name", json_string(d->name));
		put(o, "url", json_string(d->open ? store_name(d->store) :
		    d->name));
		put(o, "open", json_boolean(d->open));
		kinds = json_object();
		for (k = 0; k < STORE_KINDS; k++)
			put(kinds, store_kind_text(k), json_integer(
			    (json_int_t)n.kinds[k]));
		put(o, "requests", kinds);
		put(o, "retries", json_integer((json_int_t)n.retries));
		put(o, "bytes_in", json_integer((json_int_t)n.bytes_in));
		put(o, "bytes_out", json_integer((json_int_t)n.bytes_out));
		put(o, "error", d->open ? json_null() :
		    text_json(d->err.msg));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
daemons_json(const struct serve *s)
{
	json_t *list = json_array(), *o;
	struct claims_daemon *all;
	size_t n = 0, i, k;

	for (i = 0; i < s->fleet->ndepots; i++) {
		if (!s->fleet->depots[i]->open)
			continue;
		all = claims_daemons(s->fleet->depots[i]->claims, &n);
		for (k = 0; k < n; k++) {
			o = json_object();
			put(o, "id", json_string(all[k].id));
			put(o, "store", json_string(
			    s->fleet->depots[i]->name));
			put(o, "host", text_json(all[k].host));
			put(o, "tool", text_json(all[k].tool));
			put(o, "started", document_time(all[k].started_us));
			put(o, "alive", json_boolean(all[k].alive));
			put(o, "ours", json_boolean(all[k].ours));
			put(o, "sources", json_integer(
			    (json_int_t)all[k].sources));
			(void)json_array_append_new(list, o);
		}
		free(all);
	}
	return list;
}

static void
add_run(void *arg, const struct journal_run *r)
{
	json_t *o = last_json(r);

	put(o, "source", json_string(r->source));
	put(o, "job", json_string(r->job));
	(void)json_array_append_new(arg, o);
}

static json_t *
notifiers_json(const struct serve *s)
{
	json_t *list = json_array();
	struct notify_figures n;
	size_t i;

	for (i = 0; s->notify != NULL && notify_figures(s->notify, i, &n);
	    i++)
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:I, s:I, s:I, s:I}", "name", n.name,
		    "delivered", (json_int_t)n.delivered,
		    "failed", (json_int_t)n.failed,
		    "dropped", (json_int_t)n.dropped,
		    "waiting", (json_int_t)n.waiting));
	return list;
}

json_t *
serve_status(struct serve *s)
{
	json_t *doc = json_object(), *sources = json_array();
	json_t *history = json_array();
	int64_t now_us = clock_now_us();
	const char *state = "";
	struct err e = {0};
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		(void)json_array_append_new(sources, source_json(s,
		    &s->fleet->sources[i], now_us));
	(void)journal_recent(s->journal, HISTORY, add_run, history, &e);
	put(doc, "version", json_integer(1));
	put(doc, "now", document_time(now_us));
	put(doc, "daemon", daemon_json(s));
	put(doc, "limits", json_pack("{s:I, s:I, s:I}", "max_jobs",
	    (json_int_t)s->fleet->max_jobs, "running",
	    (json_int_t)fleet_running(s->fleet), "queued",
	    (json_int_t)fleet_queued(s->fleet)));
	put(doc, "problems", problems_json(s, "", &state));
	put(doc, "stores", stores_json(s));
	put(doc, "daemons", daemons_json(s));
	put(doc, "notifiers", notifiers_json(s));
	put(doc, "sources", sources);
	put(doc, "history", history);
	return doc;
}
