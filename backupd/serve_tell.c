/* SPDX-License-Identifier: Apache-2.0 */
/* serve_tell: whoever should know is told what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/channels.h"
#include "backupd/notify.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"

#include "backupd/serve_impl.h"

#define PING_MS 60000		/* an archive says so often that it lives */
#define END_MS 1000		/* for what still waits, at the end */
/* A trouble of an archive shows after a while: before, none of those that an
 * earlier process told is over. */
#define SETTLE_MS 180000

int
serve_tellers(struct serve *s, struct err *e)
{
	const struct settings *all = s->fleet->settings;
	struct channels *channels = channels_read(all, e);
	struct notify_opts o = { .state = settings_str(all, "state"),
	    .origin = { .host = s->host, .daemon = s->id,
	    .page = settings_str(all, "page") } };
	struct notify *fresh;

	if (channels == NULL)
		return -1;
	o.channels = channels_list(channels, &o.nchannels);
	if (s->settle_ms == 0)
		s->settle_ms = clock_mono_ms() + SETTLE_MS;
	if (o.state == NULL)
		o.state = "/var/lib/kura";
	s->expiry_ms = s->problems_ms = 0;	/* other files, maybe */
	/* The old ones first: the new ones read what they told. */
	notify_free(s->notify);
	s->notify = NULL;
	fresh = notify_new(&o, e);
	channels_free(channels);
	s->notify = fresh;
	return fresh != NULL ? 0 : -1;
}

void
serve_tellers_end(struct serve *s)
{
	if (s->notify != NULL)
		notify_stop(s->notify, END_MS);
	notify_free(s->notify);
	s->notify = NULL;
}

/* --- problems --- */

/* The job of a problem's kind: "dump_failed"; else the archive's. */
static const char *
job_of(const char *kind, char job[16])
{
	size_t n = strcspn(kind, "_");

	(void)snprintf(job, 16, "%.*s", n < 16 ? (int)n : 15, kind);
	if (task_kind_of(job) != TASK_KINDS)
		return job;
	return strcmp(kind, "damage") == 0 || strncmp(kind, "store", 5) == 0 ||
	    strncmp(kind, "credentials", 11) == 0 ||
	    strncmp(kind, "config", 6) == 0 ? NULL : "archive";
}

/* Is it ours to say that it is over?  Another daemon that has the source now
 * may see it still. */
static bool
is_ours(const struct serve *s, const char *source, const char *kind)
{
	const struct source *x = fleet_find(s->fleet, source);
	enum task_kind task;
	const char *job;
	char text[16];

	if (x == NULL || x->gone)
		return true;
	job = job_of(kind, text);
	task = job == NULL ? TASK_DUMP : task_kind_of(job);
	return serve_mine(x, task != TASK_KINDS ? task_claim(task) :
	    CLAIMS_ARCHIVE);
}

static void
key_of(const char *source, const char *kind, char key[NOTICE_KEY])
{
	(void)snprintf(key, NOTICE_KEY, "%s/%s", source[0] != '\0' ? source :
	    "-", kind);
}

/* The notifiers that hear of a source, to be freed; NULL: all. */
static const char **
listeners(const struct serve *s, const char *source)
{
	const struct source *x = fleet_find(s->fleet, source);
	size_t n = x != NULL ? settings_count(x->settings, "notify") : 0, i;
	const char **to = n > 0 ? calloc(n + 1, sizeof(*to)) : NULL;

	for (i = 0; to != NULL && i < n; i++)
		to[i] = settings_item(x->settings, "notify", i);
	return to;
}

void
serve_remind(struct serve *s, const struct problem *p, bool wrong)
{
	char job[16], key[NOTICE_KEY];
	struct notify_event event = { .kind = NOTICE_FAILURE,
	    .recovered = !wrong, .error = p->error, .source = p->source,
	    .job = job_of(p->kind, job), .key = key, .text = p->text,
	    .since_us = p->since_us };
	const char **to;

	/* What somebody did himself is no news. */
	if (s->notify == NULL || strcmp(p->kind, "paused") == 0)
		return;
	(void)notice_kind_parse(p->kind, &event.kind);
	key_of(p->source, p->kind, key);
	if (!wrong && !is_ours(s, p->source, p->kind)) {
		notify_forget(s->notify, key);
		return;
	}
	to = listeners(s, p->source);
	event.to = to;
	notify_event(s->notify, &event);
	free(to);
}

void
serve_tell(struct serve *s, const struct problem *p, bool wrong)
{
	log_event(!wrong ? LOG_INFO_ : p->error ? LOG_ERROR_ : LOG_WARN_,
	    wrong ? "wrong" : "right again", "source", p->source[0] != '\0' ?
	    p->source : NULL, "kind", p->kind, "what", p->text, NULL);
	serve_remind(s, p, wrong);
}

/* Of a source that was not looked at yet, nothing is known.  key: as key_of
 * makes it. */
static bool
is_wrong(void *arg, const char *key)
{
	const struct serve *s = arg;
	char name[SOURCE_NAME_MAX + 1], mine[NOTICE_KEY];
	const struct source *x;
	size_t i;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(key, "/"),
	    key);
	x = fleet_find(s->fleet, name);
	if ((x != NULL && !x->looked) || !is_ours(s, name,
	    key + strlen(name) + (key[strlen(name)] == '/' ? 1 : 0)))
		return true;
	for (i = 0; i < s->nproblems; i++) {
		key_of(s->problems[i].source, s->problems[i].kind, mine);
		if (strcmp(mine, key) == 0)
			return true;
	}
	return false;
}

void
serve_settle(struct serve *s)
{
	if (s->notify != NULL && clock_mono_ms() > s->settle_ms)
		notify_settle(s->notify, is_wrong, s);
}

/* --- dead man's switches --- */

void
serve_ping(struct serve *s, const struct source *x, const char *job, bool ok)
{
	char key[32];
	const char *url;

	(void)snprintf(key, sizeof(key), "ping-%s", job);
	url = settings_str(x->settings, key);
	if (s->notify != NULL && url != NULL)
		notify_ping(s->notify, url, ok);
}

void
serve_ping_archives(struct serve *s, int64_t now_ms)
{
	struct archiver_source a;
	const struct source *x;
	size_t i;

	if (s->notify == NULL || now_ms < s->pinged_ms + PING_MS)
		return;
	s->pinged_ms = now_ms;
	for (i = 0; i < s->fleet->nsources; i++) {
		x = &s->fleet->sources[i];
		if (!x->following || x->depot == NULL || !x->depot->open ||
		    archiver_state(x->depot->archiver, x->name, &a) != 0)
			continue;
		if (a.state == ARCHIVER_FOLLOWING && a.lag_s <= SERVE_LAG_S)
			serve_ping(s, x, "archive", true);
		else if (a.state == ARCHIVER_STOPPED)
			serve_ping(s, x, "archive", false);
	}
}
