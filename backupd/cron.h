/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cron: when a job is to run, as cron expressions say it.
 *
 * Five fields: minute 0-59, hour 0-23, day-of-month 1-31, month 1-12 or names,
 * day-of-week 0-7 (0 and 7 are Sunday) or names; each a list of *, numbers,
 * ranges 8-17 and steps (8-17/3, or /15 behind a *).  When neither day field
 * begins with *, a day fits that fits either of them; else it must fit both.
 * Or @hourly, @daily (@midnight), @weekly, @monthly, @yearly (@annually), or
 * "@every 6h": whole multiples of 1m to 366d since the epoch, UTC.
 *
 * Where clocks change: a job whose time does not exist that day runs once, at
 * the moment after the gap; one whose time comes twice runs the first time
 * only.  Jobs of every hour (the field admits all 24) follow real time: in a
 * repeated hour they run in both, in a missing one not at all.
 *
 * Life cycle: cron_parse; questions from any threads; cron_free.  No I/O.
 */
#ifndef BACKUPD_CRON_H
#define BACKUPD_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct cron;
struct err;
struct zone;

#define CRON_NEVER INT64_MAX
#define CRON_MAX 190		/* longest expression */

/* Is this a job's way to say that it has no times: nothing, "never", "no" or
 * "off"? */
bool cron_is_off(const char *text);

/* ERR_USAGE, "cron 'TEXT': FIELD: what", also for an expression that never
 * comes ("0 0 30 feb *"). */
struct cron *cron_parse(const char *text, struct err *e);

/* As it was written. */
const char *cron_text(const struct cron *c);

/* The first slot after (not at) a time; all in microseconds.  Only beyond the
 * year 9000 there is none: CRON_NEVER. */
int64_t cron_next(const struct cron *c, const struct zone *z,
    int64_t after_us);

/* The last slot at or before a time and after (not at) floor_us, or 0. */
int64_t cron_last(const struct cron *c, const struct zone *z,
    int64_t floor_us, int64_t at_us);

void cron_free(struct cron *c);

#endif /* !BACKUPD_CRON_H */
