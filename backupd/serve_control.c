/* SPDX-License-Identifier: Apache-2.0 */
/* serve_control: what the daemon is asked and told over its socket. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backupd/control.h"
#include "base/clock.h"
#include "base/log.h"

#include "backupd/serve_impl.h"

static json_t *
refuse(enum err_code code, const char *what, const char *name)
{
	struct err e = {0};

	(void)err_set(&e, code, 0, what, name);
	return control_refuse(&e);
}

static json_t *
status(struct serve *s, const char *source)
{
	json_t *reply = control_ok(), *doc = serve_status(s), *all, *one;
	size_t i;

	if (reply == NULL || doc == NULL) {
		json_decref(reply);
		json_decref(doc);
		return NULL;
	}
	all = json_object_get(doc, "sources");
	for (i = json_array_size(all); source != NULL && i-- > 0;) {
		one = json_array_get(all, i);
		if (strcmp(json_string_value(json_object_get(one, "name")),
		    source) != 0)
			(void)json_array_remove(all, i);
	}
	(void)json_object_set_new(reply, "status", doc);
	return reply;
}

static json_t *
start(struct serve *s, struct source *x, enum task_kind kind,
    const char *by)
{
	struct task *t = &x->tasks[kind];

	if (s->draining)
		return refuse(ERR_BUSY, "the daemon drains: it begins no new "
		    "jobs%s", "");
	if (x->depot == NULL || !x->depot->open)
		return refuse(ERR_AGAIN, "the store of %s is not open yet",
		    x->name);
	if (t->child != NULL)
		return refuse(ERR_BUSY, "a %s of it runs already",
		    task_name(kind));
	t->by_hand = true;
	t->slot_us = 0;
	(void)snprintf(t->by, sizeof(t->by), "%s", by);
	t->retry_us = 0;
	if (t->queued_us == 0)
		t->queued_us = clock_now_us();
	return control_ok();
}

static json_t *
cancel(struct source *x, enum task_kind kind, const char *by)
{
	struct task *t;
	bool any = false;
	char why[80];
	enum task_kind k;

	(void)snprintf(why, sizeof(why), "cancelled by %s", by);
	for (k = 0; k < TASK_KINDS; k++) {
		t = &x->tasks[k];
		if (kind < TASK_KINDS && kind != k)
			continue;
		any |= t->child != NULL || t->queued_us != 0 ||
		    t->retry_us != 0;
		t->queued_us = t->retry_us = 0;
		/* What its schedule queues next is not of this hand. */
		if (t->child == NULL)
			t->by_hand = t->retried = false;
		else if (!t->stopping)
			t->cancelled = true;
		serve_stop_task(t, why);
	}
	return any ? control_ok() : refuse(ERR_NOTFOUND, "%s has no job that "
	    "runs or waits", x->name);
}

static json_t *
pause_source(struct serve *s, struct source *x, bool paused)
{
	struct err e = {0};

	if (journal_pause(s->journal, x->name, paused, &e) != 0)
		return control_refuse(&e);
	x->paused = paused;
	s->problems_ms = 0;
	serve_forget_due(s);
	return control_ok();
}

static json_t *
of_source(struct serve *s, const json_t *request, const char *by)
{
	const char *verb = control_verb(request), *job = control_job(request);
	const char *name = control_source(request);
	struct source *x = name != NULL ? fleet_find(s->fleet, name) : NULL;
	enum task_kind kind = TASK_KINDS;

	if (x == NULL)
		return refuse(ERR_NOTFOUND, "the configuration has no source "
		    "%s", name != NULL ? name : "");
	if (job != NULL && (kind = task_kind_of(job)) == TASK_KINDS)
		return refuse(ERR_USAGE, "'%s' is none of dump, expire, "
		    "verify and drill", job);
	if (strcmp(verb, "start") == 0)
		return start(s, x, job != NULL ? kind : TASK_DUMP, by);
	if (strcmp(verb, "cancel") == 0)
		return cancel(x, kind, by);
	return pause_source(s, x, strcmp(verb, "pause") == 0);
}

json_t *
serve_control(void *arg, const json_t *request, uid_t peer)
{
	struct serve *s = arg;
	const char *verb = control_verb(request);
	struct err e = {0};
	char by[32];

	if (strcmp(verb, "status") == 0)
		return status(s, control_source(request));
	(void)snprintf(by, sizeof(by), "uid %ju", (uintmax_t)peer);
	log_event(LOG_INFO_, "told over the socket", "verb", verb, "source",
	    control_source(request), "job", control_job(request), "by", by,
	    NULL);
	if (strcmp(verb, "drain") == 0) {
		s->draining = true;
		return control_ok();
	}
	if (strcmp(verb, "reload") == 0)
		return serve_anew(s, &e) == 0 ? control_ok() :
		    control_refuse(&e);
	return of_source(s, request, by);
}
