/* SPDX-License-Identifier: Apache-2.0 */
/* clock: times of day and durations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"

#include "base/clock.h"

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

int64_t
clock_system_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#ifdef KURA_TEST_HOOKS
/* Set once, before main's first line could ask. */
static struct {
	int64_t real, shown, rate;
} machine = { 0, 0, 1 };

__attribute__((constructor)) static void
read_machine(void)
{
	const char *text = getenv("KURA_TEST_CLOCK");
	int64_t real, shown, rate;
	char *end;

	if (text == NULL)
		return;
	real = strtoll(text, &end, 10);
	shown = *end == ':' ? strtoll(end + 1, &end, 10) : 0;
	rate = *end == ':' ? strtoll(end + 1, &end, 10) : 0;
	if (*end != '\0' || rate < 1)
		return;
	machine.real = real;
	machine.shown = shown;
	machine.rate = rate;
}

int64_t
clock_to_system(int64_t us)
{
	return machine.real + (us - machine.shown) / machine.rate;
}

int64_t
clock_from_system(int64_t us)
{
	return machine.shown + (us - machine.real) * machine.rate;
}
#else
int64_t
clock_to_system(int64_t us)
{
	return us;
}

int64_t
clock_from_system(int64_t us)
{
	return us;
}
#endif

int64_t
clock_now_us(void)
{
	return clock_from_system(clock_system_us());
}

int64_t
clock_mono_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whole seconds and the microseconds above them, also before 1970. */
static struct tm
split(int64_t us, int *micro)
{
	time_t s = (time_t)(us / 1000000);
	struct tm tm = {0};

	*micro = (int)(us % 1000000);
	if (*micro < 0) {
		*micro += 1000000;
		s--;
	}
	(void)gmtime_r(&s, &tm);
	return tm;
}

void
clock_rfc3339(int64_t us, char text[CLOCK_TEXT])
{
	int micro;
	struct tm tm = split(us, &micro);

	(void)snprintf(text, CLOCK_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ",
	    (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100,
	    tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100,
	    tm.tm_sec % 100, (unsigned)micro % 1000000u);
}

void
clock_basic(int64_t us, char text[CLOCK_TEXT])
{
	int micro;
	struct tm tm = split(us, &micro);

	(void)snprintf(text, CLOCK_TEXT, "%04d%02d%02dT%02d%02d%02dZ",
	    (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100,
	    tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100,
	    tm.tm_sec % 100);
}

void
clock_http(int64_t us, char text[CLOCK_TEXT])
{
	int micro;
	struct tm tm = split(us, &micro);

	(void)snprintf(text, CLOCK_TEXT,
	    "%s, %02d %.3s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday % 100, months + 3 * tm.tm_mon,
	    (tm.tm_year + 1900) % 10000, tm.tm_hour % 100, tm.tm_min % 100,
	    tm.tm_sec % 100);
}

/* n digits; -1 if they are none. */
static int
digits(const char **p, int n)
{
	int value = 0;

	while (n-- > 0) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (*(*p)++ - '0');
	}
	return value;
}

static int
skip(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int
valid(const struct tm *tm)
{
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int year = tm->tm_year + 1900, last;

	if (tm->tm_mon < 0 || tm->tm_mon > 11)
		return 0;
	last = length[tm->tm_mon];
	if (tm->tm_mon == 1 && ((year % 4 == 0 && year % 100 != 0) ||
	    year % 400 == 0))
		last++;
	return tm->tm_mday >= 1 && tm->tm_mday <= last && tm->tm_hour >= 0 &&
	    tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
	    tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

/* "Z", "+02:00" or "-0230": seconds east of UTC. */
static int
zone(const char **p, long *east)
{
	int sign, hours, minutes;

	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		*east = 0;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return -1;
	sign = *(*p)++ == '-' ? -1 : 1;
	hours = digits(p, 2);
	if (**p == ':')
		(*p)++;
	minutes = digits(p, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -1;
	*east = sign * (hours * 3600L + minutes * 60L);
	return 0;
}

static int
finish(struct tm *tm, long micro, long east, int64_t *us)
{
	if (!valid(tm))
		return -1;
	*us = ((int64_t)timegm(tm) - east) * 1000000 + micro;
	return 0;
}

static int
parse_rfc3339(const char *p, int64_t *us)
{
	struct tm tm = {0};
	long micro = 0, unit = 100000, east;

	tm.tm_year = digits(&p, 4) - 1900;
	if (tm.tm_year < -1900 || skip(&p, '-') != 0)
		return -1;
	tm.tm_mon = digits(&p, 2) - 1;
	if (skip(&p, '-') != 0)
		return -1;
	tm.tm_mday = digits(&p, 2);
	if (*p != 'T' && *p != 't' && *p != ' ')
		return -1;
	p++;
	tm.tm_hour = digits(&p, 2);
	if (skip(&p, ':') != 0)
		return -1;
	tm.tm_min = digits(&p, 2);
	if (skip(&p, ':') != 0)
		return -1;
	tm.tm_sec = digits(&p, 2);
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			micro += (*p - '0') * unit;
	}
	if (zone(&p, &east) != 0 || *p != '\0')
		return -1;
	return finish(&tm, micro, east, us);
}

static int
parse_basic(const char *p, int64_t *us)
{
	struct tm tm = {0};

	tm.tm_year = digits(&p, 4) - 1900;
	tm.tm_mon = digits(&p, 2) - 1;
	tm.tm_mday = digits(&p, 2);
	if (skip(&p, 'T') != 0)
		return -1;
	tm.tm_hour = digits(&p, 2);
	tm.tm_min = digits(&p, 2);
	tm.tm_sec = digits(&p, 2);
	if (tm.tm_year < -1900 || skip(&p, 'Z') != 0 || *p != '\0')
		return -1;
	return finish(&tm, 0, 0, us);
}

static int
parse_http(const char *p, int64_t *us)
{
	struct tm tm = {0};
	int i;

	if (strlen(p) != 29 || p[3] != ',' || p[4] != ' ')
		return -1;
	p += 5;
	tm.tm_mday = digits(&p, 2);
	if (skip(&p, ' ') != 0)
		return -1;
	for (i = 0; i < 12 && strncmp(p, months + 3 * i, 3) != 0; i++)
		continue;
	tm.tm_mon = i;
	p += 3;
	if (skip(&p, ' ') != 0)
		return -1;
	tm.tm_year = digits(&p, 4) - 1900;
	if (tm.tm_year < -1900 || skip(&p, ' ') != 0)
		return -1;
	tm.tm_hour = digits(&p, 2);
	if (skip(&p, ':') != 0)
		return -1;
	tm.tm_min = digits(&p, 2);
	if (skip(&p, ':') != 0)
		return -1;
	tm.tm_sec = digits(&p, 2);
	if (strcmp(p, " GMT") != 0)
		return -1;
	return finish(&tm, 0, 0, us);
}

int
clock_parse(const char *text, int64_t *us)
{
	if (parse_rfc3339(text, us) == 0 || parse_basic(text, us) == 0)
		return 0;
	return parse_http(text, us);
}

unsigned
clock_backoff_ms(unsigned attempt, unsigned base_ms, unsigned cap_ms)
{
	double limit = base_ms;

	while (attempt-- > 1 && limit < cap_ms)
		limit *= 2;
	if (limit > cap_ms)
		limit = cap_ms;
	return (unsigned)(random_unit() * limit);
}
