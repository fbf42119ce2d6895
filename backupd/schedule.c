/* SPDX-License-Identifier: Apache-2.0 */
/* schedule: is a job due, and when is it next? */
#include <string.h>

#include <xxhash.h>

#include "backupd/cron.h"

#include "backupd/schedule.h"

#define US INT64_C(1000000)

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
schedule_next(const struct schedule *s, int64_t after_us)
{
	int64_t slot = cron_next(s->cron, s->zone, after_us - s->offset_us);

	return slot == CRON_NEVER ? SCHEDULE_NEVER : slot + s->offset_us;
}

struct schedule_verdict
schedule_look(const struct schedule *s, int64_t last_us, int64_t since_us,
    int64_t now_us)
{
	struct schedule_verdict v = {0};
	int64_t floor = last_us - now_us > SCHEDULE_AHEAD_US ? 0 : last_us;

	floor = later(floor, since_us <= now_us ? since_us : 0);
	if (floor == 0)
		floor = now_us;
	v.next_us = schedule_next(s, later(floor, now_us));
	if (floor >= now_us)
		return v;
	v.slot_us = cron_last(s->cron, s->zone, floor - s->offset_us,
	    now_us - s->offset_us);
	if (v.slot_us == 0)
		return v;
	v.slot_us += s->offset_us;
	v.missed = now_us - v.slot_us > SCHEDULE_LATE_US;
	v.due = !v.missed || s->missed == SCHEDULE_RUN;
	return v;
}

int64_t
schedule_deadline(const struct schedule *s, int64_t success_us,
    int64_t since_us, int64_t margin_us)
{
	int64_t slot = schedule_next(s, later(success_us, since_us));

	return slot > SCHEDULE_NEVER - margin_us ? SCHEDULE_NEVER :
	    slot + margin_us;
}

int64_t
schedule_offset(const char *source, uint64_t spread_ms)
{
	uint64_t seconds = spread_ms / 1000;

	if (seconds == 0)
		return 0;
	return (int64_t)(XXH3_64bits(source, strlen(source)) % seconds) * US;
}
