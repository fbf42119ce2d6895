/* SPDX-License-Identifier: Apache-2.0 */
/* cron: when a job is to run, as cron expressions say it. */
#include <stdlib.h>

#include "base/zone.h"

#include "backupd/cron_impl.h"

#define US INT64_C(1000000)
/* February 29 on one weekday: never further away than 40 years. */
#define YEARS_MAX 41
#define LAST_YEAR 9000

const char *
cron_text(const struct cron *c)
{
	return c->text;
}

void
cron_free(struct cron *c)
{
	free(c);
}

/* --- in seconds --- */

static bool
fits_day(const struct cron *c, const struct zone_civil *t)
{
	bool mday = cron_has(c, F_MDAY, t->mday), wday = cron_has(c, F_WDAY, t->wday);

	if (!cron_has(c, F_MONTH, t->month))
		return false;
	return c->star[F_MDAY] || c->star[F_WDAY] ? mday && wday :
	    mday || wday;
}

/* The first local time at or after `local`, or -1 beyond the limit. */
static int64_t
next_local(const struct cron *c, int64_t local, int64_t limit)
{
	struct zone_civil t;

	local += (CRON_MINUTE - 1) - (local + CRON_MINUTE - 1) % CRON_MINUTE;
	while (local < limit) {
		t = zone_civil(local);
		if (!cron_has(c, F_MONTH, t.month)) {
			t = (struct zone_civil){ .year = t.year,
			    .month = t.month + 1, .mday = 1 };
			local = zone_seconds(&t);
		} else if (!fits_day(c, &t)) {
			local += CRON_DAY - local % CRON_DAY;
		} else if (!cron_has(c, F_HOUR, t.hour)) {
			local += CRON_HOUR - local % CRON_HOUR;
		} else if (!cron_has(c, F_MINUTE, t.minute)) {
			local += CRON_MINUTE;
		} else {
			return local;
		}
	}
	return -1;
}

/* Jobs of every hour: real time, one span of equal offset after another. */
static int64_t
next_real(const struct cron *c, const struct zone *z, int64_t after,
    int64_t limit)
{
	int64_t from = after + 1, until, local;
	int32_t offset;

	for (; from < limit; from = until) {
		offset = zone_offset(z, from);
		until = zone_change(z, from);
		if (until > limit)
			until = limit;
		local = from + offset < 0 ? 0 : from + offset;
		local = next_local(c, local, until + offset);
		if (local >= 0)
			return local - offset;
	}
	return -1;
}

/* All others: what the clock on the wall shows, the first time that it does,
 * which comes in the same order. */
static int64_t
next_wall(const struct cron *c, const struct zone *z, int64_t after,
    int64_t limit)
{
	int64_t local = after + zone_offset(z, after), first, second;

	/* A gap may be a whole day (Samoa, 2011). */
	if (zone_change(z, after - 2 * CRON_DAY) <= after)
		local -= 2 * CRON_DAY;
	for (local = local < 0 ? 0 : local;
	    (local = next_local(c, local, limit)) >= 0; local += CRON_MINUTE) {
		(void)zone_utc(z, local, &first, &second);
		if (first > after)
			return first;
	}
	return -1;
}

static int64_t
limit_of(int64_t after)
{
	struct zone_civil t = { .year = zone_civil(after).year + YEARS_MAX,
	    .month = 1, .mday = 1 };

	if (t.year > LAST_YEAR)
		t.year = LAST_YEAR;
	return zone_seconds(&t);
}

int64_t
cron_next(const struct cron *c, const struct zone *z, int64_t after_us)
{
	const uint64_t all_hours = (UINT64_C(1) << 24) - 1;
	int64_t after = after_us < 0 ? -1 : after_us / US, found;
	int64_t limit = limit_of(after);

	if (c->every > 0)
		found = after < 0 ? 0 : (after / c->every + 1) * c->every;
	else if (c->bits[F_HOUR] == all_hours)
		found = next_real(c, z, after, limit);
	else
		found = next_wall(c, z, after, limit);
	return found < 0 || found >= limit ? CRON_NEVER : found * US;
}

int64_t
cron_last(const struct cron *c, const struct zone *z, int64_t floor_us,
    int64_t at_us)
{
	int64_t span = CRON_MINUTE * US, from, slot, last = 0;

	/* Look back twice as far each time, until a slot is in sight. */
	for (;; span *= 2) {
		from = at_us - span > floor_us ? at_us - span : floor_us;
		slot = cron_next(c, z, from);
		if (slot <= at_us || from == floor_us)
			break;
	}
	for (; slot <= at_us; slot = cron_next(c, z, slot))
		last = slot;
	return last;
}
