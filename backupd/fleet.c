/* SPDX-License-Identifier: Apache-2.0 */
/* fleet: the sources that a daemon watches over, their jobs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backupd/child.h"
#include "backupd/cron.h"
#include "backupd/depot.h"
#include "base/settings.h"
#include "base/zone.h"

#include "backupd/fleet.h"

static const struct {
	const char *name;
	enum claims_job claim;
} kinds[TASK_KINDS] = {
	[TASK_DUMP] = { "dump", CLAIMS_DUMP },
	[TASK_EXPIRE] = { "expire", CLAIMS_EXPIRE },
	[TASK_VERIFY] = { "verify", CLAIMS_VERIFY },
	[TASK_DRILL] = { "drill", CLAIMS_DRILL },
};

static const char *const keeps[] = { "keep-last", "keep-hourly", "keep-daily",
	"keep-weekly", "keep-monthly", "keep-yearly", "keep-within",
	"keep-window" };

const char *
task_name(enum task_kind kind)
{
	return kinds[kind].name;
}

enum task_kind
task_kind_of(const char *name)
{
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++)
		if (strcmp(kinds[k].name, name) == 0)
			break;
	return k;
}

enum claims_job
task_claim(enum task_kind kind)
{
	return kinds[kind].claim;
}

/* --- building --- */

/* A key's value is wrong: say where it stands. */
static int
wrong(const struct settings *s, const char *key, struct err *e)
{
	char at[300];

	e->code = ERR_USAGE;
	return err_wrap(e, "%s: %s", settings_origin(s, key, at, sizeof(at)),
	    key);
}

static bool
expires(const struct settings *s)
{
	size_t i;

	for (i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++)
		if (settings_str(s, keeps[i]) != NULL &&
		    strcmp(settings_str(s, keeps[i]), "0") != 0)
			return true;
	return false;
}

static int
load_task(struct source *x, enum task_kind kind, struct err *e)
{
	struct task *t = &x->tasks[kind];
	const char *text = settings_str(x->settings, task_name(kind));

	t->kind = kind;
	t->source = x;
	if (kind == TASK_EXPIRE && (text == NULL ||
	    strcmp(text, "after-dump") == 0)) {
		t->follows_dump = expires(x->settings);
		return 0;
	}
	if (cron_is_off(text))
		return 0;
	t->cron = cron_parse(text, e);
	if (t->cron == NULL)
		return wrong(x->settings, task_name(kind), e);
	t->schedule = (struct schedule){ .cron = t->cron, .zone = x->zone,
	    .offset_us = schedule_offset(x->name, settings_ms(x->settings,
	    "spread")), .missed = strcasecmp(settings_str(x->settings,
	    "missed"), "skip") == 0 ? SCHEDULE_SKIP : SCHEDULE_RUN };
	return 0;
}

static const char *
text_of(const struct settings *s, const char *name)
{
	return settings_str(s, name) != NULL ? settings_str(s, name) : "";
}

static int
load_source(struct fleet *f, struct source *x, const char *name,
    struct err *e)
{
	const char *window;
	enum task_kind k;

	(void)snprintf(x->name, sizeof(x->name), "%s", name);
	x->settings = settings_clone(f->settings, e);
	if (x->settings == NULL || settings_use_source(x->settings, name,
	    e) != 0)
		return -1;
	x->zone = zone_open(settings_str(x->settings, "zone"), e);
	if (x->zone == NULL)
		return wrong(x->settings, "zone", e);
	window = settings_str(x->settings, "window");
	if (window != NULL && window_parse(window, &x->window, e) != 0)
		return wrong(x->settings, "window", e);
	(void)snprintf(x->group, sizeof(x->group), "%s",
	    text_of(x->settings, "group"));
	(void)snprintf(x->target, sizeof(x->target), "%s:%s:%s:%s",
	    text_of(x->settings, "drill-host"),
	    text_of(x->settings, "drill-port"),
	    text_of(x->settings, "drill-socket"),
	    text_of(x->settings, "drill-defaults-file"));
	x->archive = settings_flag(x->settings, "archive");
	x->limit_ms = settings_ms(x->settings, "time-limit");
	for (k = 0; k < TASK_KINDS; k++)
		if (load_task(x, k, e) != 0)
			return -1;
	return 0;
}

static int
load_depot(struct fleet *f, struct source *x, struct err *e)
{
	struct depot *d = depot_new(x->settings, e), **list;
	size_t i;

	if (d == NULL)
		return err_wrap(e, "source %s", x->name);
	for (i = 0; i < f->ndepots; i++) {
		if (strcmp(f->depots[i]->name, d->name) != 0)
			continue;
		depot_close(d);
		x->depot = f->depots[i];
		return 0;
	}
	list = realloc(f->depots, (f->ndepots + 1) * sizeof(struct depot *));
	if (list == NULL) {
		depot_close(d);
		return err_set(e, ERR_NOMEM, 0, "stores");
	}
	f->depots = list;
	x->depot = list[f->ndepots++] = d;
	return 0;
}

static int
load_jobs(struct fleet *f, struct err *e)
{
	size_t n = settings_count(f->settings, "jobs"), i;
	const char *name;
	enum task_kind k;

	f->jobs = n == 0 ? CLAIMS_ALL : 0;
	for (i = 0; i < n; i++) {
		name = settings_item(f->settings, "jobs", i);
		k = task_kind_of(name);
		if (strcmp(name, "archive") == 0)
			f->jobs |= CLAIMS_ARCHIVE;
		else if (k < TASK_KINDS)
			f->jobs |= (unsigned)task_claim(k);
		else
			return err_set(e, ERR_USAGE, 0, "'%.40s' is none of "
			    "dump, archive, expire, verify and drill", name);
	}
	return 0;
}

static int
load_daemon(struct fleet *f, struct err *e)
{
	if (settings_use_daemon(f->settings, e) != 0)
		return -1;
	if (load_jobs(f, e) != 0)
		return wrong(f->settings, "jobs", e);
	f->max_jobs = (unsigned)settings_uint(f->settings, "max-jobs");
	f->max_store = (unsigned)settings_uint(f->settings,
	    "max-jobs-per-store");
	f->max_group = (unsigned)settings_uint(f->settings,
	    "max-jobs-per-group");
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
load(struct fleet *f, struct err *e)
{
	const char *name;
	size_t n = 0, i;
	enum task_kind k;

	if (load_daemon(f, e) != 0)
		return -1;
	while (settings_name(f->settings, "source", n) != NULL)
		n++;
	if (n == 0)
		return err_set(e, ERR_USAGE, 0, "the configuration has no "
		    "[source NAME]");
	f->sources = calloc(n, sizeof(*f->sources));
	if (f->sources == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	for (i = 0; i < n; i++) {
		name = settings_name(f->settings, "source", i);
		f->nsources++;
		if (load_source(f, &f->sources[i], name, e) != 0 ||
		    load_depot(f, &f->sources[i], e) != 0)
			return -1;
	}
	qsort(f->sources, n, sizeof(*f->sources), by_name);
	for (i = 0; i < n; i++)
		for (k = 0; k < TASK_KINDS; k++)
			f->sources[i].tasks[k].source = &f->sources[i];
	return 0;
}

static void
close_now(void *arg, struct depot *d)
{
	(void)arg;
	depot_close(d);
}

struct fleet *
fleet_load(struct settings *s, struct err *e)
{
	struct fleet *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "sources");
		return NULL;
	}
	f->settings = s;
	if (load(f, e) == 0)
		return f;
	f->settings = NULL;
	fleet_free(f, close_now, NULL);
	return NULL;
}

int64_t
fleet_since(const struct task *t, int64_t known_us)
{
	if (t->since_us != 0)
		return t->since_us;
	/* Of one that ran before, also before this process, any slot since
	 * then counts. */
	return known_us != 0 ? 0 : t->source->since_us;
}

/* --- turns --- */

struct source *
fleet_find(const struct fleet *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->nsources; i++)
		if (strcmp(f->sources[i].name, name) == 0)
			return &f->sources[i];
	return NULL;
}

bool
fleet_has_turn(const struct fleet *f, const struct task *t)
{
	const struct source *x = t->source, *y;
	size_t all = 0, store = 0, group = 0, i;
	enum task_kind k;

	for (i = 0; i < f->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			y = &f->sources[i];
			if (y->tasks[k].child == NULL)
				continue;
			if (x == y || (t->kind == TASK_DRILL &&
			    k == TASK_DRILL && strcmp(x->target,
			    y->target) == 0))
				return false;
			all++;
			store += x->depot == y->depot;
			group += x->group[0] != '\0' &&
			    strcmp(x->group, y->group) == 0;
		}
	return all < f->max_jobs && (f->max_store == 0 ||
	    store < f->max_store) && (f->max_group == 0 ||
	    group < f->max_group);
}

static size_t
count(const struct fleet *f, bool running)
{
	const struct task *t;
	size_t n = 0, i;
	enum task_kind k;

	for (i = 0; i < f->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			t = &f->sources[i].tasks[k];
			n += running ? t->child != NULL : t->queued_us != 0;
		}
	return n;
}

size_t
fleet_running(const struct fleet *f)
{
	return count(f, true);
}

size_t
fleet_queued(const struct fleet *f)
{
	return count(f, false);
}

void
fleet_free(struct fleet *f, void (*close)(void *arg, struct depot *d),
    void *arg)
{
	struct depot *d;
	struct source *x;
	enum task_kind k;

	if (f == NULL)
		return;
	while (f->nsources > 0) {
		x = &f->sources[--f->nsources];
		for (k = 0; k < TASK_KINDS; k++) {
			child_free(x->tasks[k].child);
			cron_free(x->tasks[k].cron);
		}
		look_free(&x->look);
		zone_free(x->zone);
		settings_free(x->settings);
	}
	while (f->ndepots > 0) {
		d = f->depots[--f->ndepots];
		if (depot_drop(d))
			close(arg, d);
	}
	free(f->sources);
	free(f->depots);
	settings_free(f->settings);
	free(f);
}
