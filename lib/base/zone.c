/* SPDX-License-Identifier: Apache-2.0 */
/* zone: offsets by time, and times by local time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone_impl.h"

#define DAY 86400
/* Beyond these a date is no longer one: years of 400 million. */
#define SECONDS_MAX (INT64_C(1) << 53)

const char *
zone_name(const struct zone *z)
{
	return z->name;
}

/* How many of the listed changes came at or before a time. */
static size_t
passed(const struct zone *z, int64_t utc)
{
	size_t low = 0, high = z->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (z->times[mid] <= utc)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int64_t
bounded(int64_t seconds)
{
	return seconds > SECONDS_MAX ? SECONDS_MAX :
	    seconds < -SECONDS_MAX ? -SECONDS_MAX : seconds;
}

int32_t
zone_offset(const struct zone *z, int64_t utc)
{
	size_t i = passed(z, utc);

	if (i == z->n && z->rule.there)
		return zone_rule_offset(&z->rule, bounded(utc));
	return z->offsets[i];
}

int64_t
zone_change(const struct zone *z, int64_t utc)
{
	size_t i = passed(z, utc);

	if (i < z->n)
		return z->times[i];
	if (!z->rule.there || utc >= SECONDS_MAX)
		return ZONE_NEVER;
	return zone_rule_change(&z->rule, bounded(utc));
}

enum zone_fit
zone_utc(const struct zone *z, int64_t local, int64_t *first, int64_t *second)
{
	int64_t from, until, utc, gap;
	int32_t offset;
	int found = 0;

	/* No offset is larger than 26 hours.  Look at each span of one offset
	 * in which the time may lie. */
	local = bounded(local);
	gap = from = local - 26 * 3600;
	for (; from <= local + 26 * 3600; from = until) {
		offset = zone_offset(z, from);
		until = zone_change(z, from);
		utc = local - offset;
		if (utc >= from && utc < until) {
			*(found == 0 ? first : second) = utc;
			if (++found == 2)
				return ZONE_DOUBLE;
		} else if (utc < from) {
			/* The clocks show a later time already: if it was
			 * not found before, it was skipped right here. */
			gap = found == 0 ? from : gap;
			break;
		}
		if (until == ZONE_NEVER)
			break;
	}
	if (found == 0)
		*first = gap;
	*second = *first;
	return found == 0 ? ZONE_GAP : ZONE_SINGLE;
}

/* --- dates --- */

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned
zone_month_days(int64_t year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
	    30, 31, 30, 31 };

	return month < 1 || month > 12 ? 31 :
	    days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* Days before January 1 of a year, since 1970. */
static int64_t
days_before(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + floor_div(y, 4) - floor_div(y, 100) +
	    floor_div(y, 400) - 719162;
}

int64_t
zone_seconds(const struct zone_civil *c)
{
	int64_t year = c->year + (c->month - 1) / 12, days;
	unsigned month = (c->month - 1) % 12 + 1, m;

	days = days_before(year);
	for (m = 1; m < month; m++)
		days += zone_month_days(year, m);
	return (days + c->mday - 1) * DAY + (int64_t)c->hour * 3600 +
	    (int64_t)c->minute * 60 + c->second;
}

struct zone_civil
zone_civil(int64_t seconds)
{
	struct zone_civil c = { .month = 1 };
	int64_t days, rest;
	unsigned n;

	seconds = bounded(seconds);
	days = floor_div(seconds, DAY);
	rest = seconds - days * DAY;
	c.hour = (unsigned)(rest / 3600);
	c.minute = (unsigned)(rest / 60 % 60);
	c.second = (unsigned)(rest % 60);
	/* January 1, 1970 was a Thursday. */
	c.wday = (unsigned)(days + 4 - floor_div(days + 4, 7) * 7);
	c.year = 1970 + floor_div(days * 400, 146097);
	while (days_before(c.year) > days)
		c.year--;
	while (days_before(c.year + 1) <= days)
		c.year++;
	days -= days_before(c.year);
	for (; days >= (n = zone_month_days(c.year, c.month)); c.month++)
		days -= n;
	c.mday = (unsigned)days + 1;
	return c;
}

void
zone_text(const struct zone *z, int64_t utc, char text[ZONE_TEXT])
{
	int32_t offset = zone_offset(z, utc), east = offset < 0 ? -offset :
	    offset;
	struct zone_civil c = zone_civil(bounded(utc) + offset);
	char end[16] = "Z";

	/* Old local mean times have seconds; RFC 3339 has none for them. */
	if (strcmp(z->name, "UTC") != 0)
		(void)snprintf(end, sizeof(end), "%c%02d:%02d",
		    offset < 0 ? '-' : '+', (int)(east / 3600 % 100),
		    (int)(east / 60 % 60));
	(void)snprintf(text, ZONE_TEXT, "%04lld-%02u-%02uT%02u:%02u:%02u%s",
	    (long long)c.year, c.month, c.mday, c.hour, c.minute, c.second,
	    end);
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->times);
	free(z->offsets);
	free(z->name);
	free(z);
}
