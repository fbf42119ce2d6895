/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timetable: the schedules of one source, from its settings.
 *
 * Life cycle: timetable_read; borrow of its schedules; timetable_free.
 */
#ifndef BACKUPD_TIMETABLE_H
#define BACKUPD_TIMETABLE_H

#include <stdbool.h>

struct err;
struct schedule;
struct settings;
struct timetable;
struct zone;

/* The jobs that have times; the archive has none. */
enum timetable_job { TIMETABLE_DUMP, TIMETABLE_EXPIRE, TIMETABLE_VERIFY,
	TIMETABLE_DRILL, TIMETABLE_JOBS };

/* "dump", "expire", "verify", "drill". */
const char *timetable_job_name(enum timetable_job job);

/* s: settings in which the source was chosen (settings_use_source).  ERR_USAGE
 * begins with file and line, then the key. */
struct timetable *timetable_read(const struct settings *s,
    const char *source, struct err *e);

/* When the job runs, or NULL: never by itself. */
const struct schedule *timetable_schedule(const struct timetable *t,
    enum timetable_job job);

/* As kura.conf has it ("15 2 * * *", "after-dump"), or NULL. */
const char *timetable_text(const struct timetable *t,
    enum timetable_job job);

/* expire = after-dump. */
bool timetable_after_dump(const struct timetable *t);

const struct zone *timetable_zone(const struct timetable *t);

void timetable_free(struct timetable *t);

#endif /* !BACKUPD_TIMETABLE_H */
