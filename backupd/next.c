/* SPDX-License-Identifier: Apache-2.0 */
/* next: what the schedules of kura.conf will run when. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "backupd/schedule.h"
#include "backupd/timetable.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/zone.h"

#include "backupd/next.h"

#define US INT64_C(1000000)
#define DEFAULT_RUNS 10

/* A source with times; due: of its jobs, SCHEDULE_NEVER without. */
struct line {
	const char *source;
	struct timetable *table;
	int64_t due[TIMETABLE_JOBS];
};

struct lines {
	struct line *all;
	size_t n;
};

static void
lines_fini(struct lines *l)
{
	while (l->n > 0)
		timetable_free(l->all[--l->n].table);
	free(l->all);
}

static int
add_source(struct lines *l, const struct settings *s, const char *source,
    int64_t after_us, struct err *e)
{
	struct settings *one = settings_clone(s, e);
	struct line *x = &l->all[l->n];
	const struct schedule *schedule;
	int job;

	*x = (struct line){ .source = source };
	if (one != NULL && settings_use_source(one, source, e) == 0)
		x->table = timetable_read(one, source, e);
	settings_free(one);
	if (x->table == NULL)
		return -1;
	for (job = 0; job < TIMETABLE_JOBS; job++) {
		schedule = timetable_schedule(x->table,
		    (enum timetable_job)job);
		x->due[job] = schedule == NULL ? SCHEDULE_NEVER :
		    schedule_next(schedule, after_us);
	}
	l->n++;
	return 0;
}

static int
lines_read(struct lines *l, const struct settings *s,
    const struct next_opts *o, struct err *e)
{
	const char *name;
	size_t n = 0, i;

	if (o->source != NULL && !settings_has_source(s, o->source)) {
		(void)err_set(e, ERR_USAGE, 0, "there is no [source %.64s]",
		    o->source);
		return err_hint(e, "the times stand in kura.conf");
	}
	while (settings_name(s, "source", n) != NULL)
		n++;
	l->all = calloc(n + 1, sizeof(*l->all));
	if (l->all == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	if (o->source != NULL)
		return add_source(l, s, o->source, o->after_us, e);
	for (i = 0; (name = settings_name(s, "source", i)) != NULL; i++)
		if (add_source(l, s, name, o->after_us, e) != 0)
			return -1;
	return 0;
}

/* The earliest of all, or NULL. */
static struct line *
earliest(const struct lines *l, enum timetable_job *job)
{
	int64_t best = SCHEDULE_NEVER;
	struct line *found = NULL;
	size_t i;
	int k;

	for (i = 0; i < l->n; i++)
		for (k = 0; k < TIMETABLE_JOBS; k++)
			if (l->all[i].due[k] < best) {
				best = l->all[i].due[k];
				found = &l->all[i];
				*job = (enum timetable_job)k;
			}
	return found;
}

static void
print_run(const struct line *x, enum timetable_job job, json_t *runs,
    FILE *out)
{
	const struct zone *zone = timetable_zone(x->table);
	char utc[CLOCK_TEXT], local[ZONE_TEXT];
	int64_t at = x->due[job];

	clock_rfc3339(at, utc);
	zone_text(zone, at / US, local);
	if (runs != NULL) {
		(void)json_array_append_new(runs, json_pack("{s:s, s:s, s:s, "
		    "s:s, s:s, s:s, s:I}", "at", utc, "local", local,
		    "zone", zone_name(zone), "source", x->source,
		    "job", timetable_job_name(job),
		    "schedule", timetable_text(x->table, job), "spread_s",
		    (json_int_t)(timetable_schedule(x->table,
		    job)->offset_us / US)));
		return;
	}
	(void)fprintf(out, "%.19sZ  %s %s  %s  %s  %s\n", utc, local,
	    zone_name(zone), x->source, timetable_job_name(job),
	    timetable_text(x->table, job));
}

int
next_print(const struct settings *s, const struct next_opts *o, FILE *out,
    struct err *e)
{
	struct lines l = {0};
	json_t *runs = o->json ? json_array() : NULL, *doc;
	enum timetable_job job = TIMETABLE_DUMP;
	char now[CLOCK_TEXT];
	struct line *x;
	size_t i;
	int rc = lines_read(&l, s, o, e);

	for (i = 0; rc == 0 && i < o->n; i++) {
		x = earliest(&l, &job);
		if (x == NULL)
			break;
		print_run(x, job, runs, out);
		x->due[job] = schedule_next(timetable_schedule(x->table, job),
		    x->due[job]);
	}
	if (rc == 0 && o->json) {
		clock_rfc3339(o->after_us, now);
		doc = json_pack("{s:i, s:s, s:O}", "version", 1, "now", now,
		    "runs", runs);
		(void)json_dumpf(doc, out, JSON_INDENT(2));
		(void)fputc('\n', out);
		json_decref(doc);
	}
	json_decref(runs);
	lines_fini(&l);
	return rc;
}

static int
number(const char *text, size_t *n, struct err *e)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < 1 ||
	    v > NEXT_MAX)
		return err_set(e, ERR_USAGE, 0, "next: '%.40s' is not 1 to "
		    "%d", text, NEXT_MAX);
	*n = (size_t)v;
	return 0;
}

int
next_verb(const struct settings *s, FILE *out, struct err *e)
{
	struct next_opts o = { .n = DEFAULT_RUNS, .after_us = clock_now_us(),
	    .json = settings_flag(s, "json") };
	const char *first = settings_arg(s, 0), *second = settings_arg(s, 1);

	if (settings_config(s) == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "next: there is no "
		    "configuration file");
		return err_hint(e, "name it with --config");
	}
	/* A lone number is how many, unless a source is called so. */
	if (first != NULL && second == NULL && first[0] != '\0' &&
	    first[strspn(first, "0123456789")] == '\0' &&
	    !settings_has_source(s, first)) {
		second = first;
		first = NULL;
	}
	o.source = first;
	if (second != NULL && number(second, &o.n, e) != 0)
		return -1;
	return next_print(s, &o, out, e);
}
