/* SPDX-License-Identifier: Apache-2.0 */
/* zone_rule: POSIX TZ rules, "CET-1CEST,M3.5.0,M10.5.0/3". */
#include <string.h>

#include "base/zone_impl.h"

#define DAY 86400

/* --- reading --- */

/* 1 to 3 digits up to high, or -1. */
static int
number(const char **p, int high)
{
	int v = 0, n = 0;

	for (; **p >= '0' && **p <= '9' && n < 3; (*p)++, n++)
		v = v * 10 + (**p - '0');
	return n == 0 || v > high ? -1 : v;
}

/* [+-]hh[:mm[:ss]], hours up to high. */
static int
duration(const char **p, int high, int32_t *out)
{
	int sign = 1, part[3] = {0}, i;

	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	for (i = 0; i < 3; i++) {
		part[i] = number(p, i == 0 ? high : 59);
		if (part[i] < 0)
			return -1;
		if (**p != ':' || i == 2)
			break;
		(*p)++;
	}
	*out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return 0;
}

/* A name, "CET" or "<+03>", which nobody asks for. */
static int
skip_name(const char **p)
{
	const char *from = *p;
	size_t n;

	if (**p == '<') {
		n = strcspn(*p, ">");
		if ((*p)[n] != '>')
			return -1;
		*p += n + 1;
		return n < 4 ? -1 : 0;
	}
	while ((**p >= 'a' && **p <= 'z') || (**p >= 'A' && **p <= 'Z'))
		(*p)++;
	return *p - from < 3 ? -1 : 0;
}

static int
when(const char **p, struct zone_when *w)
{
	w->time = 2 * 3600;
	if (**p == 'M') {
		w->kind = *(*p)++;
		w->month = number(p, 12);
		if (w->month < 1 || *(*p)++ != '.')
			return -1;
		w->week = number(p, 5);
		if (w->week < 1 || *(*p)++ != '.')
			return -1;
		w->day = number(p, 6);
	} else if (**p == 'J') {
		w->kind = *(*p)++;
		w->day = number(p, 365);
		if (w->day == 0)
			return -1;
	} else {
		w->kind = 0;
		w->day = number(p, 365);
	}
	if (w->day < 0)
		return -1;
	if (**p != '/')
		return 0;
	(*p)++;
	return duration(p, 167, &w->time);
}

int
zone_rule_parse(const char *text, struct zone_rule *r)
{
	const char *p = text;

	*r = (struct zone_rule){ .there = true };
	if (skip_name(&p) != 0 || duration(&p, 24, &r->standard) != 0)
		return -1;
	/* POSIX counts west of Greenwich. */
	r->standard = -r->standard;
	if (*p == '\0')
		return 0;
	r->summer = true;
	r->daylight = r->standard + 3600;
	if (skip_name(&p) != 0)
		return -1;
	if (*p != ',') {
		if (duration(&p, 24, &r->daylight) != 0)
			return -1;
		r->daylight = -r->daylight;
	}
	if (*p++ != ',' || when(&p, &r->begin) != 0 || *p++ != ',' ||
	    when(&p, &r->end) != 0)
		return -1;
	return *p == '\0' ? 0 : -1;
}

/* --- asking --- */

/* The local second at which w comes in a year. */
static int64_t
comes(const struct zone_when *w, int64_t year)
{
	struct zone_civil c = { .year = year, .month = 1, .mday = 1 };
	bool leap = zone_month_days(year, 2) == 29;
	int days;

	if (w->kind == 'M') {
		c.month = (unsigned)w->month;
		c = zone_civil(zone_seconds(&c));
		days = (w->day - (int)c.wday + 7) % 7 + 7 * (w->week - 1);
		while (days >= (int)zone_month_days(year, c.month))
			days -= 7;
	} else if (w->kind == 'J') {
		/* February 29 is not counted. */
		days = w->day - 1 + (leap && w->day >= 60 ? 1 : 0);
	} else {
		days = w->day;
	}
	return zone_seconds(&c) + (int64_t)days * DAY + w->time;
}

struct turn {
	int64_t at;
	int32_t offset;
};

/* The turns of a year and its neighbours in order.  Where an end and a begin
 * meet, the begin counts: summer time all year is written so. */
static size_t
turns(const struct zone_rule *r, int64_t utc, struct turn t[8])
{
	int64_t year = zone_civil(utc + r->standard).year, y;
	struct turn swap;
	size_t n = 0, i, k;

	for (y = year - 1; y <= year + 2; y++) {
		t[n++] = (struct turn){ comes(&r->end, y) - r->daylight,
		    r->standard };
		t[n++] = (struct turn){ comes(&r->begin, y) - r->standard,
		    r->daylight };
	}
	for (i = 1; i < n; i++)
		for (k = i; k > 0 && t[k - 1].at > t[k].at; k--) {
			swap = t[k];
			t[k] = t[k - 1];
			t[k - 1] = swap;
		}
	return n;
}

int32_t
zone_rule_offset(const struct zone_rule *r, int64_t utc)
{
	struct turn t[8];
	int32_t offset;
	size_t n, i;

	if (!r->summer)
		return r->standard;
	n = turns(r, utc, t);
	offset = t[0].offset == r->standard ? r->daylight : r->standard;
	for (i = 0; i < n && t[i].at <= utc; i++)
		offset = t[i].offset;
	return offset;
}

int64_t
zone_rule_change(const struct zone_rule *r, int64_t utc)
{
	struct turn t[8];
	size_t n, i;

	if (!r->summer)
		return ZONE_NEVER;
	n = turns(r, utc, t);
	for (i = 0; i < n; i++)
		if (t[i].at > utc)
			return t[i].at;
	return ZONE_NEVER;
}
