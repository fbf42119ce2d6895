/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule: is a job due, and when is it next?
 *
 * Pure: no clock is read, nothing is kept.  The caller keeps, per source and
 * job, `last_us`: the later of the start of the last run, whatever started it
 * (0: none), and of the slot that it was started for.  It sets it as soon as
 * it puts a run into its queue, not when that begins: a slot is then taken.
 * So whatever the clock does, a slot is run once:
 *
 * - a long sleep or a jump forward leaves one run that was missed, the latest,
 *   however many slots have passed; the policy says if it is run now;
 * - a jump backward repeats no slot up to last_us; next_us is after it.  Only
 *   a last_us more than 26 hours ahead is taken for a wrong clock's, and is
 *   ignored.
 *
 * Use: ask schedule_look at start, after each run, on reload, on a clock
 * change (TFD_TIMER_CANCEL_ON_SET) and at next_us; one timer for the earliest
 * next_us of all.
 */
#ifndef BACKUPD_SCHEDULE_H
#define BACKUPD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct cron;
struct zone;

#define SCHEDULE_NEVER INT64_MAX
/* A slot at most so old is on time, not missed. */
#define SCHEDULE_LATE_US (INT64_C(300) * 1000000)
/* last_us so far ahead of now is not believed. */
#define SCHEDULE_AHEAD_US (INT64_C(26) * 3600 * 1000000)

enum schedule_missed {
	SCHEDULE_RUN,		/* run a missed job once, soon */
	SCHEDULE_SKIP,		/* wait for its next slot */
};

/* Borrowed parts; copy with `=`. */
struct schedule {
	const struct cron *cron;
	const struct zone *zone;
	int64_t offset_us;	/* schedule_offset: added to each slot */
	enum schedule_missed missed;
};

struct schedule_verdict {
	bool due;		/* start it now, for slot_us */
	bool missed;		/* a slot passed by unserved (and is run now,
				 * if due) */
	int64_t slot_us;	/* the latest unserved slot, or 0 */
	int64_t next_us;	/* the next slot, after both now and the last
				 * run; or SCHEDULE_NEVER */
};

/* What is to be done at now_us?  since_us: slots at or before it are none of
 * ours (when the source or its schedule was changed or first seen); 0: not
 * known.  With neither last_us nor since_us only slots to come count. */
struct schedule_verdict schedule_look(const struct schedule *s,
    int64_t last_us, int64_t since_us, int64_t now_us);

/* The first slot, with its offset, after a time. */
int64_t schedule_next(const struct schedule *s, int64_t after_us);

/* Until when must a job have succeeded that last did so in the run begun at
 * success_us (0: never, then counted from since_us)?  The slot after it, and
 * margin_us; when now is later, the job is overdue. */
int64_t schedule_deadline(const struct schedule *s, int64_t success_us,
    int64_t since_us, int64_t margin_us);

/* Where in a spread of spread_ms a source's jobs stand: microseconds, less
 * than the spread, whole seconds, always the same for a name. */
int64_t schedule_offset(const char *source, uint64_t spread_ms);

#endif /* !BACKUPD_SCHEDULE_H */
