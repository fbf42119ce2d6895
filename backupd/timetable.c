/* SPDX-License-Identifier: Apache-2.0 */
/* timetable: the schedules of one source, from its settings. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backupd/cron.h"
#include "backupd/schedule.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/zone.h"

#include "backupd/timetable.h"

#define AFTER_DUMP "after-dump"
#define SPREAD_MAX_MS (UINT64_C(366) * 86400 * 1000)

static const char *const names[TIMETABLE_JOBS] = { "dump", "expire",
	"verify", "drill" };

struct timetable {
	struct zone *zone;
	struct cron *crons[TIMETABLE_JOBS];
	struct schedule schedules[TIMETABLE_JOBS];
	bool after_dump;
};

const char *
timetable_job_name(enum timetable_job job)
{
	return names[job];
}

/* Put where the setting stands before the message. */
static int
blame(const struct settings *s, const char *key, struct err *e)
{
	char where[300];

	(void)settings_origin(s, key, where, sizeof(where));
	return where[0] != '\0' && strcmp(where, "default") != 0 ?
	    err_wrap(e, "%s: %s", where, key) : err_wrap(e, "%s", key);
}

static int
read_job(struct timetable *t, const struct settings *s,
    enum timetable_job job, struct err *e)
{
	const char *text = settings_str(s, names[job]);

	if (cron_is_off(text))
		return 0;
	if (job == TIMETABLE_EXPIRE && strcasecmp(text, AFTER_DUMP) == 0) {
		t->after_dump = true;
		return 0;
	}
	t->crons[job] = cron_parse(text, e);
	if (t->crons[job] == NULL)
		return blame(s, names[job], e);
	t->schedules[job].cron = t->crons[job];
	t->schedules[job].zone = t->zone;
	return 0;
}

struct timetable *
timetable_read(const struct settings *s, const char *source, struct err *e)
{
	struct timetable *t = calloc(1, sizeof(*t));
	uint64_t spread = settings_ms(s, "spread");
	int job;

	if (t == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "timetable");
		return NULL;
	}
	t->zone = zone_open(settings_str(s, "zone"), e);
	if (t->zone == NULL) {
		(void)blame(s, "zone", e);
		goto err0;
	}
	if (spread > SPREAD_MAX_MS) {
		(void)err_set(e, ERR_USAGE, 0, "more than 366 days");
		(void)blame(s, "spread", e);
		goto err0;
	}
	for (job = 0; job < TIMETABLE_JOBS; job++) {
		t->schedules[job] = (struct schedule){
		    .offset_us = schedule_offset(source, spread),
		    .missed = strcasecmp(settings_str(s, "missed"),
		    "skip") == 0 ? SCHEDULE_SKIP : SCHEDULE_RUN };
		if (read_job(t, s, (enum timetable_job)job, e) != 0)
			goto err0;
	}
	return t;

err0:	timetable_free(t);
	return NULL;
}

const struct schedule *
timetable_schedule(const struct timetable *t, enum timetable_job job)
{
	return t->crons[job] != NULL ? &t->schedules[job] : NULL;
}

const char *
timetable_text(const struct timetable *t, enum timetable_job job)
{
	if (t->crons[job] != NULL)
		return cron_text(t->crons[job]);
	return job == TIMETABLE_EXPIRE && t->after_dump ? AFTER_DUMP : NULL;
}

bool
timetable_after_dump(const struct timetable *t)
{
	return t->after_dump;
}

const struct zone *
timetable_zone(const struct timetable *t)
{
	return t->zone;
}

void
timetable_free(struct timetable *t)
{
	int job;

	if (t == NULL)
		return;
	for (job = 0; job < TIMETABLE_JOBS; job++)
		cron_free(t->crons[job]);
	zone_free(t->zone);
	free(t);
}
