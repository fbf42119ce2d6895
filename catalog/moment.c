/* SPDX-License-Identifier: Apache-2.0 */
/* moment: a point in a source's life, as people name it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "catalog/history.h"

#include "catalog/moment.h"

#define DAY 86400

/* --- times without a zone: those of the system's --- */

static int
two_digits(const char **at)
{
	int n;

	if ((*at)[0] < '0' || (*at)[0] > '9' || (*at)[1] < '0' ||
	    (*at)[1] > '9')
		return -1;
	n = ((*at)[0] - '0') * 10 + ((*at)[1] - '0');
	*at += 2;
	return n;
}

/* "14:03", "14:03:27", "14:03:27.123456"; *micro is added to. */
static int
clock_of(const char *at, struct tm *tm, long *micro)
{
	long unit = 100000;

	tm->tm_hour = two_digits(&at);
	if (*at++ != ':')
		return -1;
	tm->tm_min = two_digits(&at);
	if (*at == ':') {
		at++;
		tm->tm_sec = two_digits(&at);
		if (*at == '.')
			for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
				*micro += (*at - '0') * unit;
	}
	return tm->tm_hour < 0 || tm->tm_hour > 23 || tm->tm_min < 0 ||
	    tm->tm_min > 59 || tm->tm_sec < 0 || tm->tm_sec > 59 ||
	    *at != '\0' ? -1 : 0;
}

/* The day that begins the text, or today; *at is moved on. */
static int
day_of(const char **at, struct tm *tm)
{
	time_t now = (time_t)(clock_now_us() / 1000000);
	struct tm today, check;
	const char *p = *at;
	int century, year;

	*tm = (struct tm){0};
	if (strlen(p) < 11 || p[4] != '-' || p[7] != '-') {
		if (localtime_r(&now, &today) == NULL)
			return -1;
		tm->tm_year = today.tm_year;
		tm->tm_mon = today.tm_mon;
		tm->tm_mday = today.tm_mday;
		return 0;
	}
	century = two_digits(&p);
	year = two_digits(&p);
	p++;
	tm->tm_year = century * 100 + year - 1900;
	tm->tm_mon = two_digits(&p) - 1;
	p++;
	tm->tm_mday = two_digits(&p);
	if (century < 0 || year < 0 || (*p != 'T' && *p != ' '))
		return -1;
	/* The 31st of November is no day: it would become another. */
	check = *tm;
	(void)timegm(&check);
	if (check.tm_mday != tm->tm_mday || check.tm_mon != tm->tm_mon)
		return -1;
	*at = p + 1;
	return 0;
}

/* Every instant of which the system's clocks on the wall show this: one, or
 * none and two where they are put forward and back. */
static size_t
instants_of(struct tm *tm, time_t all[2])
{
	time_t as_utc = timegm(tm), at, try;
	struct tm got, near;
	size_t n = 0;
	int i;

	for (i = -1; i <= 1; i++) {
		/* With the zone's offset of the day before, that and after. */
		at = as_utc + i * DAY;
		if (localtime_r(&at, &near) == NULL)
			continue;
		try = as_utc - near.tm_gmtoff;
		if (localtime_r(&try, &got) == NULL ||
		    got.tm_hour != tm->tm_hour || got.tm_min != tm->tm_min ||
		    got.tm_mday != tm->tm_mday || got.tm_sec != tm->tm_sec ||
		    (n > 0 && all[0] == try) || n == 2)
			continue;
		all[n++] = try;
	}
	if (n == 2 && all[1] < all[0]) {
		try = all[0];
		all[0] = all[1];
		all[1] = try;
	}
	return n;
}

static int
double_or_void(const char *text, struct tm *tm, const time_t *all, size_t n,
    struct err *e)
{
	char a[CLOCK_TEXT], b[CLOCK_TEXT];
	time_t as_utc = timegm(tm), before = as_utc - DAY, after = as_utc +
	    DAY;
	struct tm near;

	if (n == 2) {
		clock_rfc3339((int64_t)all[0] * 1000000, a);
		clock_rfc3339((int64_t)all[1] * 1000000, b);
		(void)err_set(e, ERR_USAGE, 0, "'%.60s' was twice in the "
		    "system's zone: at %.19sZ and at %.19sZ", text, a, b);
	} else {
		/* What it would be by the clocks before and after. */
		a[0] = b[0] = '\0';
		if (localtime_r(&before, &near) != NULL)
			clock_rfc3339((int64_t)(as_utc - near.tm_gmtoff) *
			    1000000, a);
		if (localtime_r(&after, &near) != NULL)
			clock_rfc3339((int64_t)(as_utc - near.tm_gmtoff) *
			    1000000, b);
		(void)err_set(e, ERR_USAGE, 0, "'%.60s' never was in the "
		    "system's zone, whose clocks were put forward: %.19sZ or "
		    "%.19sZ", text, b, a);
	}
	return err_hint(e, "write the time with its zone: "
	    "2026-11-24T14:03:27Z or +01:00");
}

/* 1: it is a time; 0: it is none; -1: it is one that cannot be taken. */
static int
parse_time(const char *text, struct moment *m, struct err *e)
{
	const char *at = text;
	time_t all[2] = {0};
	long micro = 0;
	struct tm tm;
	size_t n;

	if (clock_parse(text, &m->time_us) == 0)
		return 1;
	if (day_of(&at, &tm) != 0 || clock_of(at, &tm, &micro) != 0)
		return 0;
	n = instants_of(&tm, all);
	if (n != 1)
		return double_or_void(text, &tm, all, n, e);
	m->time_us = (int64_t)all[0] * 1000000 + micro;
	return 1;
}

/* --- all kinds --- */

/* Servers number their binary logs: ".000042". */
static bool
is_numbered(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot != NULL && dot > file && strlen(dot) > 6 &&
	    dot[1 + strspn(dot + 1, "0123456789")] == '\0';
}

/* FILE:POSITION: 0, -1. */
static int
parse_position(const char *text, struct moment *m)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;

	if (n == 0 || n >= sizeof(m->file) || colon[1] == '\0' ||
	    strlen(colon + 1) > 18 ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return -1;
	memcpy(m->file, text, n);
	m->file[n] = '\0';
	m->position = strtoull(colon + 1, NULL, 10);
	return binlog_name_valid(m->file) && is_numbered(m->file) ? 0 : -1;
}

int
moment_parse(const char *text, enum flavour_kind kind, struct moment *m,
    struct err *e)
{
	struct err ignored = {0};
	int time;

	*m = (struct moment){0};
	(void)snprintf(m->text, sizeof(m->text), "%s", text);
	m->kind = MOMENT_LATEST;
	if (strcmp(text, "latest") == 0)
		return 0;
	m->kind = MOMENT_TIME;
	time = parse_time(text, m, e);
	if (time != 0)
		return time < 0 ? -1 : 0;
	m->kind = MOMENT_GTID;
	if (gtid_parse(text, kind, &m->gtid, &ignored) == 0)
		return 0;
	m->kind = MOMENT_POSITION;
	if (parse_position(text, m) == 0)
		return 0;
	(void)err_set(e, ERR_USAGE, 0, "'%.100s' is no moment", text);
	return err_hint(e, "write a time, a GTID%s, FILE:POSITION or latest",
	    kind == FLAVOUR_MARIADB ? " (0-101-7)" : "");
}

bool
moment_later(const struct moment *m, int64_t time_us)
{
	return m->before ? time_us >= m->time_us : time_us > m->time_us;
}

void
moment_text(const struct moment *m, char *text, size_t n)
{
	time_t at = (time_t)(m->time_us / 1000000);
	char utc[CLOCK_TEXT], local[64] = "";
	struct tm tm;

	if (m->kind != MOMENT_TIME) {
		(void)snprintf(text, n, "%s%s", m->before ? "before " : "",
		    m->text);
		return;
	}
	clock_rfc3339(m->time_us, utc);
	if (m->time_us % 1000000 == 0)
		(void)snprintf(utc + 19, 2, "Z");
	/* The day as well where it is another. */
	if (localtime_r(&at, &tm) != NULL) {
		(void)strftime(local, sizeof(local), "%Y-%m-%d ", &tm);
		if (strncmp(local, utc, 10) == 0)
			local[0] = '\0';
		(void)strftime(local + strlen(local), sizeof(local) -
		    strlen(local), "%H:%M:%S %Z", &tm);
	}
	(void)snprintf(text, n, "%s%s (%s)", m->before ? "before " : "", utc,
	    local);
}
