/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"

#include "base/zone.h"

static struct zone *
opened(const char *name)
{
	struct err e = {0};
	struct zone *z = zone_open(name, &e);

	if (z == NULL)
		fail_msg("%s", e.msg);
	return z;
}

static int64_t
at(const char *text)
{
	int64_t us = 0;

	assert_int_equal(clock_parse(text, &us), 0);
	return us / 1000000;
}

/* Known changes: the second before, the second itself. */
static void
test_zone_offset_at_known_changes(void **state)
{
	static const struct { const char *zone, *at; int before, after; } t[] = {
		{ "Europe/Berlin", "2026-03-29T01:00:00Z", 3600, 7200 },
		{ "Europe/Berlin", "2026-10-25T01:00:00Z", 7200, 3600 },
		{ "Europe/Berlin", "1945-05-24T00:00:00Z", 7200, 10800 },
		/* By the footer's rule alone. */
		{ "Europe/Berlin", "2500-03-28T01:00:00Z", 3600, 7200 },
		{ "Europe/Berlin", "2500-10-31T01:00:00Z", 7200, 3600 },
		{ "America/New_York", "2026-03-08T07:00:00Z", -18000, -14400 },
		{ "America/New_York", "2026-11-01T06:00:00Z", -14400, -18000 },
		{ "America/New_York", "1883-11-18T17:00:00Z", -17762, -18000 },
		/* The year begins in summer. */
		{ "Australia/Sydney", "2026-04-04T16:00:00Z", 39600, 36000 },
		{ "Australia/Sydney", "2026-10-03T16:00:00Z", 36000, 39600 },
		{ "Australia/Sydney", "2300-04-04T16:00:00Z", 36000, 36000 },
		{ "America/Santiago", "2060-04-04T03:00:00Z", -10800, -14400 },
		/* Half an hour; a whole day; no summer time any more. */
		{ "Australia/Lord_Howe", "2026-04-04T15:00:00Z", 39600, 37800 },
		{ "Pacific/Apia", "2011-12-30T10:00:00Z", -36000, 50400 },
		{ "Asia/Tokyo", "1951-09-08T15:00:00Z", 36000, 32400 },
	};
	struct zone *z;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		z = opened(t[i].zone);
		assert_string_equal(zone_name(z), t[i].zone);
		if (zone_offset(z, at(t[i].at) - 1) != t[i].before ||
		    zone_offset(z, at(t[i].at)) != t[i].after)
			fail_msg("%s %s: %d, %d", t[i].zone, t[i].at,
			    zone_offset(z, at(t[i].at) - 1),
			    zone_offset(z, at(t[i].at)));
		if (t[i].before != t[i].after)
			assert_true(zone_change(z, at(t[i].at) - 1) ==
			    at(t[i].at));
		zone_free(z);
	}
}

static void
test_zone_utc_tells_single_gap_and_double(void **state)
{
	static const struct { const char *zone, *local; enum zone_fit fit;
	    const char *first, *second; } t[] = {
		{ "Europe/Berlin", "2026-03-29T01:59:59Z", ZONE_SINGLE,
		    "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z" },
		{ "Europe/Berlin", "2026-03-29T02:00:00Z", ZONE_GAP,
		    "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T02:59:59Z", ZONE_GAP,
		    "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T03:00:00Z", ZONE_SINGLE,
		    "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-10-25T01:59:59Z", ZONE_SINGLE,
		    "2026-10-24T23:59:59Z", "2026-10-24T23:59:59Z" },
		{ "Europe/Berlin", "2026-10-25T02:00:00Z", ZONE_DOUBLE,
		    "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z" },
		{ "Europe/Berlin", "2026-10-25T02:59:59Z", ZONE_DOUBLE,
		    "2026-10-25T00:59:59Z", "2026-10-25T01:59:59Z" },
		{ "Europe/Berlin", "2026-10-25T03:00:00Z", ZONE_SINGLE,
		    "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z" },
		{ "Pacific/Apia", "2011-12-30T12:00:00Z", ZONE_GAP,
		    "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z" },
		{ "Australia/Lord_Howe", "2026-04-05T01:45:00Z", ZONE_DOUBLE,
		    "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z" },
		{ "Australia/Lord_Howe", "2640-10-04T02:15:00Z", ZONE_GAP,
		    "2640-10-03T15:30:00Z", "2640-10-03T15:30:00Z" },
		{ "UTC", "2026-03-29T02:30:00Z", ZONE_SINGLE,
		    "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z" },
	};
	int64_t first, second;
	struct zone *z;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		z = opened(t[i].zone);
		if (zone_utc(z, at(t[i].local), &first, &second) != t[i].fit ||
		    first != at(t[i].first) || second != at(t[i].second))
			fail_msg("%s %s: %lld, %lld", t[i].zone, t[i].local,
			    (long long)first, (long long)second);
		zone_free(z);
	}
}

/* The C library reads the same files in its own way. */
static void
compare(const char *name)
{
	struct zone *z = opened(name);
	int64_t t, first, second;
	time_t s;
	struct tm tm;

	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
	for (t = at("1850-01-01T00:00:00Z"); t < at("2400-01-01T00:00:00Z");
	    t += 86400 * 5 + 12347) {
		s = (time_t)t;
		assert_non_null(localtime_r(&s, &tm));
		if (zone_offset(z, t) != tm.tm_gmtoff)
			fail_msg("%s %lld: %d, not %ld", name, (long long)t,
			    zone_offset(z, t), tm.tm_gmtoff);
		(void)zone_utc(z, t + tm.tm_gmtoff, &first, &second);
		assert_true(first == t || second == t);
	}
	/* Each change: the second before it and itself. */
	for (t = zone_change(z, at("1800-01-01T00:00:00Z"));
	    t < at("2100-01-01T00:00:00Z"); t = zone_change(z, t)) {
		for (s = (time_t)t - 1; s <= t; s++) {
			assert_non_null(localtime_r(&s, &tm));
			if (zone_offset(z, s) != tm.tm_gmtoff)
				fail_msg("%s %lld", name, (long long)s);
		}
	}
	assert_int_equal(unsetenv("TZ"), 0);
	zone_free(z);
}

static void
test_zone_agrees_with_the_c_library(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "Europe/Dublin",
	    "America/New_York", "America/Sao_Paulo", "America/Santiago",
	    "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Apia",
	    "Pacific/Chatham", "Asia/Kathmandu", "Asia/Tehran", "Asia/Gaza",
	    "Africa/Casablanca", "Africa/Monrovia", "America/Nuuk",
	    "Antarctica/Troll", "Etc/GMT+12", "EST5EDT" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		compare(names[i]);
}

static void
test_zone_civil_and_seconds_are_inverse(void **state)
{
	struct zone_civil c;
	struct tm tm;
	int64_t t;
	time_t s;

	(void)state;
	for (t = at("0001-01-01T00:00:00Z"); t < at("9999-01-01T00:00:00Z");
	    t += 86400 * 29 + 3671) {
		s = (time_t)t;
		assert_non_null(gmtime_r(&s, &tm));
		c = zone_civil(t);
		assert_true(c.year == tm.tm_year + 1900 &&
		    c.month == (unsigned)tm.tm_mon + 1 &&
		    c.mday == (unsigned)tm.tm_mday &&
		    c.wday == (unsigned)tm.tm_wday &&
		    c.hour == (unsigned)tm.tm_hour &&
		    c.minute == (unsigned)tm.tm_min &&
		    c.second == (unsigned)tm.tm_sec);
		assert_true(zone_seconds(&c) == t);
	}
	c = (struct zone_civil){ .year = 2026, .month = 13, .mday = 1 };
	assert_true(zone_seconds(&c) == at("2027-01-01T00:00:00Z"));
}

static void
test_zone_text_shows_its_offset(void **state)
{
	static const struct { const char *zone, *text; } t[] = {
		{ "UTC", "2026-11-22T18:15:00Z" },
		{ "Europe/Berlin", "2026-11-22T19:15:00+01:00" },
		{ "America/St_Johns", "2026-11-22T14:45:00-03:30" },
		{ "Asia/Kathmandu", "2026-11-23T00:00:00+05:45" },
	};
	char text[ZONE_TEXT];
	struct zone *z;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		z = opened(t[i].zone);
		zone_text(z, at("2026-11-22T18:15:00Z"), text);
		assert_string_equal(text, t[i].text);
		zone_free(z);
	}
}

static void
test_zone_open_says_what_is_wrong(void **state)
{
	static const struct { const char *name, *msg; } t[] = {
		{ "Europe/Berlim", "time zone 'Europe/Berlim': no such file "
		    "in /usr/share/zoneinfo" },
		{ "Europe", "time zone 'Europe': no such file in "
		    "/usr/share/zoneinfo" },
		{ "../../etc/passwd", "time zone '../../etc/passwd': no such "
		    "name" },
		{ "/etc/passwd", "time zone '/etc/passwd': no such name" },
		{ "", "time zone '': no such name" },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		assert_null(zone_open(t[i].name, &e));
		assert_int_equal(e.code, ERR_USAGE);
		assert_string_equal(e.msg, t[i].msg);
		assert_string_equal(e.hint, "zones are named as Europe/Berlin "
		    "or UTC; their files are those of package tzdata");
	}
}

static void
test_zone_open_finds_the_systems_own(void **state)
{
	struct zone *z = opened(NULL);

	(void)state;
	assert_true(zone_name(z)[0] != '\0');
	zone_free(z);
}

/* --- files made by hand --- */

static void
header(struct buf *b, char version, unsigned times, unsigned types,
    unsigned chars)
{
	unsigned n[6] = { 0, 0, 0, times, types, chars }, i;

	buf_adds(b, "TZif");
	buf_addc(b, version);
	buf_add(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	for (i = 0; i < 6; i++)
		buf_add(b, (char[]){ 0, 0, (char)(n[i] >> 8), (char)n[i] }, 4);
}

static void
wide(struct buf *b, int64_t t)
{
	int i;

	for (i = 56; i >= 0; i -= 8)
		buf_addc(b, (char)((uint64_t)t >> i));
}

static void
type(struct buf *b, int32_t offset)
{
	int i;

	for (i = 24; i >= 0; i -= 8)
		buf_addc(b, (char)((uint32_t)offset >> i));
	buf_add(b, "\0\0", 2);
}

/* Version 2: nothing in the first block, one change in the second. */
static void
made(struct buf *b, int32_t before, int32_t after, const char *rule)
{
	buf_clear(b);
	header(b, '2', 0, 1, 1);
	type(b, 0);
	buf_addc(b, '\0');
	header(b, '2', 1, 2, 1);
	wide(b, 1000);
	buf_addc(b, 1);
	type(b, before);
	type(b, after);
	buf_addc(b, '\0');
	buf_addf(b, "\n%s\n", rule);
}

static void
refused(const struct buf *b, size_t n, const char *msg)
{
	struct err e = {0};

	assert_null(zone_parse("X", buf_str(b), n, &e));
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, msg);
}

static void
test_zone_parse_refuses_what_is_none(void **state)
{
	struct buf b = {0};
	struct err e = {0};
	struct zone *z;
	size_t n;

	(void)state;
	made(&b, 60, 120, "ABC-0:02");
	z = zone_parse("X", b.data, b.len, &e);
	assert_non_null(z);
	assert_int_equal(zone_offset(z, 999), 60);
	assert_int_equal(zone_offset(z, 1000), 120);
	zone_free(z);
	for (n = 0; n < b.len; n++) {
		e = (struct err){0};
		assert_null(zone_parse("X", b.data, n, &e));
		assert_int_equal(e.code, ERR_CORRUPT);
	}
	refused(&b, 20, "time zone 'X': not a TZif file");
	refused(&b, 48, "time zone 'X': it is cut short");
	refused(&b, b.len - 1, "time zone 'X': its footer is cut short");
	made(&b, 60, 120, "nonsense");
	refused(&b, b.len, "time zone 'X': its footer is no rule");
	made(&b, 60, 26 * 3600, "");
	refused(&b, b.len, "time zone 'X': an offset is over a day");
	made(&b, 60, 120, "");
	b.data[51 + 44 + 8] = 2;
	refused(&b, b.len, "time zone 'X': a time has no type");
	made(&b, 60, 120, "");
	b.data[51 + 39] = 0;
	refused(&b, b.len, "time zone 'X': its counts are not those of a "
	    "zone");
	buf_free(&b);
}

/* Offsets of a rule at a few times. */
static void
test_zone_rule_forms(void **state)
{
	static const struct { const char *rule, *at; int offset; } t[] = {
		{ "ABC3", "2026-07-01T00:00:00Z", -10800 },
		{ "<+0530>-5:30", "2026-07-01T00:00:00Z", 19800 },
		{ "", "2026-07-01T00:00:00Z", 120 },
		/* Summer time all year. */
		{ "ABC3EDT4,0/0,J365/23", "2026-01-01T02:59:59Z", -14400 },
		{ "ABC3EDT4,0/0,J365/23", "2026-07-01T00:00:00Z", -14400 },
		{ "ABC3EDT4,0/0,J365/23", "2027-01-01T04:00:00Z", -14400 },
		/* Days of the year, with and without February 29. */
		{ "AAA0BBB,J60/0,J61/0", "2028-03-01T00:00:00Z", 3600 },
		{ "AAA0BBB,J60/0,J61/0", "2028-02-29T12:00:00Z", 0 },
		{ "AAA0BBB,59/0,60/1", "2028-02-29T12:00:00Z", 3600 },
		{ "AAA0BBB,59/0,60/1", "2027-03-01T12:00:00Z", 3600 },
		/* Times before midnight and days away. */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z",
		    -7200 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z",
		    -3600 },
		{ "AAA0BBB-2,M1.1.0/-167,M6.1.1/167", "2025-12-28T01:00:00Z",
		    7200 },
	};
	struct buf b = {0};
	struct err e = {0};
	struct zone *z;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		made(&b, 60, 120, t[i].rule);
		z = zone_parse("X", b.data, b.len, &e);
		if (z == NULL)
			fail_msg("%s: %s", t[i].rule, e.msg);
		if (zone_offset(z, at(t[i].at)) != t[i].offset)
			fail_msg("%s %s: %d", t[i].rule, t[i].at,
			    zone_offset(z, at(t[i].at)));
		zone_free(z);
	}
	buf_free(&b);
}

static void
test_zone_rule_refuses_what_is_none(void **state)
{
	static const char *const rules[] = { "X3", "ABC", "ABC3YYY",
	    "ABC3YYY,M3.5.0", "ABC3YYY,M13.5.0,M10.5.0", "ABC3YYY,M3.0.0,J1",
	    "ABC3YYY,J0,J1", "ABC3YYY,366,J1", "ABC3YYY,1/168,J1", "ABC25",
	    "ABC3:60", "<+3", "ABC3YYY,1,2,3", "ABC3YYY,M3.5.7,J1" };
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		made(&b, 60, 120, rules[i]);
		refused(&b, b.len, "time zone 'X': its footer is no rule");
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zone_offset_at_known_changes),
		cmocka_unit_test(test_zone_utc_tells_single_gap_and_double),
		cmocka_unit_test(test_zone_agrees_with_the_c_library),
		cmocka_unit_test(test_zone_civil_and_seconds_are_inverse),
		cmocka_unit_test(test_zone_text_shows_its_offset),
		cmocka_unit_test(test_zone_open_says_what_is_wrong),
		cmocka_unit_test(test_zone_open_finds_the_systems_own),
		cmocka_unit_test(test_zone_parse_refuses_what_is_none),
		cmocka_unit_test(test_zone_rule_forms),
		cmocka_unit_test(test_zone_rule_refuses_what_is_none),
	};

	(void)unsetenv("TZDIR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
