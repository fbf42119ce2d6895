/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/zone.h"

#include "backupd/cron.h"

static int64_t
at(const char *text)
{
	int64_t us = 0;

	assert_int_equal(clock_parse(text, &us), 0);
	return us;
}

static struct cron *
parsed(const char *text)
{
	struct err e = {0};
	struct cron *c = cron_parse(text, &e);

	if (c == NULL)
		fail_msg("%s", e.msg);
	return c;
}

/* The slots after a time are these, one after the other. */
static void
slots(const char *text, const char *zone, const char *after,
    const char *const *want)
{
	struct err e = {0};
	struct cron *c = parsed(text);
	struct zone *z = zone_open(zone, &e);
	int64_t t = at(after), before;
	char got[CLOCK_TEXT];

	assert_non_null(z);
	for (; *want != NULL; want++) {
		before = t;
		t = cron_next(c, z, t);
		clock_rfc3339(t, got);
		if (t != at(*want))
			fail_msg("%s in %s after %s: %s, not %s", text, zone,
			    after, got, *want);
		/* And looking back finds it. */
		assert_true(cron_last(c, z, before, t) == t);
		assert_true(cron_last(c, z, t, t + 1) == 0);
		assert_true(cron_last(c, z, 0, t + 1) == t);
	}
	zone_free(z);
	cron_free(c);
}

#define SLOTS(text, zone, after, ...) slots(text, zone, after, \
	(const char *const []){ __VA_ARGS__, NULL })

static void
test_cron_next_without_changes_of_clocks(void **state)
{
	(void)state;
	SLOTS("15 2 * * *", "UTC", "2026-11-22T02:14:59Z",
	    "2026-11-22T02:15:00Z", "2026-11-23T02:15:00Z");
	SLOTS("15 2 * * *", "UTC", "2026-11-22T02:15:00Z",
	    "2026-11-23T02:15:00Z");
	SLOTS("*/20 8-9 * * mon-fri", "UTC", "2026-11-20T09:30:00Z",
	    "2026-11-20T09:40:00Z", "2026-11-23T08:00:00Z",
	    "2026-11-23T08:20:00Z");
	SLOTS("0 0 1 jan,Jul *", "UTC", "2026-01-01T00:00:00Z",
	    "2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z");
	SLOTS("0 12 31 * *", "UTC", "2026-01-31T12:00:00Z",
	    "2026-03-31T12:00:00Z", "2026-05-31T12:00:00Z");
	SLOTS("0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z",
	    "2104-02-29T00:00:00Z");
	/* February 29, and on a Sunday: every 28 years, or 40. */
	SLOTS("0 0 29 2 */7", "UTC", "2080-01-01T00:00:00Z",
	    "2088-02-29T00:00:00Z", "2128-02-29T00:00:00Z");
	SLOTS("5-59/25 23 * * *", "UTC", "2026-11-22T00:00:00Z",
	    "2026-11-22T23:05:00Z", "2026-11-22T23:30:00Z",
	    "2026-11-22T23:55:00Z", "2026-11-23T23:05:00Z");
	SLOTS("0 3 * * 7", "Europe/Berlin", "2026-11-22T02:00:00Z",
	    "2026-11-29T02:00:00Z");
	SLOTS("0 3 * * fri-sun", "UTC", "2026-11-19T04:00:00Z",
	    "2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z",
	    "2026-11-22T03:00:00Z", "2026-11-27T03:00:00Z");
	SLOTS("* * * * *", "UTC", "2026-12-31T23:58:30Z",
	    "2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z",
	    "2027-01-01T00:01:00Z");
}

static void
test_cron_next_takes_either_day_field(void **state)
{
	(void)state;
	/* The 13th, and Fridays. */
	SLOTS("0 0 13 * fri", "UTC", "2026-11-10T00:00:00Z",
	    "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z",
	    "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z",
	    "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z");
	/* A field that begins with * does not make the other one optional. */
	SLOTS("0 0 */2 * fri", "UTC", "2026-11-10T00:00:00Z",
	    "2026-11-13T00:00:00Z", "2026-11-27T00:00:00Z",
	    "2026-12-11T00:00:00Z");
	/* Never on February 30, but on its Mondays. */
	SLOTS("0 0 30 feb mon", "UTC", "2026-01-01T00:00:00Z",
	    "2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z");
}

static void
test_cron_next_words(void **state)
{
	(void)state;
	SLOTS("@hourly", "UTC", "2026-11-22T18:00:00Z",
	    "2026-11-22T19:00:00Z");
	SLOTS("@daily", "Europe/Berlin", "2026-11-22T18:00:00Z",
	    "2026-11-22T23:00:00Z");
	SLOTS("@weekly", "UTC", "2026-11-22T18:00:00Z",
	    "2026-11-29T00:00:00Z");
	SLOTS("@Monthly", "UTC", "2026-11-22T18:00:00Z",
	    "2026-12-01T00:00:00Z");
	SLOTS(" @yearly ", "UTC", "2026-11-22T18:00:00Z",
	    "2027-01-01T00:00:00Z");
	/* Whatever clocks on walls do. */
	SLOTS("@every 6h", "Europe/Berlin", "2026-03-28T20:00:00Z",
	    "2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z",
	    "2026-03-29T12:00:00Z");
	SLOTS("@every 90m", "UTC", "2026-11-22T00:00:00Z",
	    "2026-11-22T01:30:00Z", "2026-11-22T03:00:00Z");
}

static void
test_cron_next_where_an_hour_is_missing(void **state)
{
	(void)state;
	/* Once, right after the gap; then as ever. */
	SLOTS("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
	    "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z",
	    "2026-03-30T00:30:00Z");
	SLOTS("*/15 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
	    "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z",
	    "2026-03-30T00:15:00Z");
	SLOTS("0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
	    "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z",
	    "2026-03-30T01:00:00Z");
	SLOTS("30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z",
	    "2027-03-14T07:00:00Z", "2027-03-15T06:30:00Z");
	SLOTS("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
	    "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z");
	/* A whole day. */
	SLOTS("0 2 * * *", "Pacific/Apia", "2011-12-29T13:00:00Z",
	    "2011-12-30T10:00:00Z", "2011-12-30T12:00:00Z",
	    "2011-12-31T12:00:00Z");
	/* Far beyond the table of the file. */
	SLOTS("30 2 * * *", "Europe/Berlin", "2500-03-27T12:00:00Z",
	    "2500-03-28T01:00:00Z", "2500-03-29T00:30:00Z");
	/* Every hour: real hours. */
	SLOTS("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
	    "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z",
	    "2026-03-29T02:30:00Z");
}

static void
test_cron_next_where_an_hour_comes_twice(void **state)
{
	(void)state;
	SLOTS("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
	    "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	/* Asked in between, and within the second pass. */
	SLOTS("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z",
	    "2026-10-26T01:30:00Z");
	SLOTS("30 2 * * *", "Europe/Berlin", "2026-10-25T01:29:59Z",
	    "2026-10-26T01:30:00Z");
	SLOTS("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
	    "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
	    "2026-10-26T01:00:00Z");
	SLOTS("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z",
	    "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z");
	SLOTS("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
	    "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z");
	/* Every hour: real hours. */
	SLOTS("30 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z",
	    "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z",
	    "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z");
}

/* A year of slots in each zone: they ascend, and none but the two changes
 * differs from a day. */
static void
test_cron_next_every_day_of_a_year(void **state)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin",
	    "America/New_York", "Australia/Sydney", "America/Santiago",
	    "Asia/Gaza", "Australia/Lord_Howe" };
	struct err e = {0};
	char text[32];
	struct cron *c;
	struct zone *z;
	int64_t t, next;
	unsigned hour;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		for (hour = 0; hour < 4; hour++) {
			(void)snprintf(text, sizeof(text), "30 %u * * *",
			    hour);
			c = parsed(text);
			z = zone_open(zones[i], &e);
			t = at("2026-06-15T12:00:00Z");
			for (n = 0; n < 365; n++, t = next) {
				next = cron_next(c, z, t);
				assert_true(next > t);
				assert_true(n == 0 ||
				    next - t >= INT64_C(22) * 3600000000);
				assert_true(next - t <=
				    INT64_C(26) * 3600000000);
			}
			assert_true(t > at("2027-06-14T00:00:00Z"));
			assert_true(t < at("2027-06-16T00:00:00Z"));
			zone_free(z);
			cron_free(c);
		}
}

static void
test_cron_next_ends(void **state)
{
	struct err e = {0};
	struct zone *z = zone_open("Europe/Berlin", &e);
	struct cron *c = parsed("0 2 * * *");

	(void)state;
	assert_true(cron_next(c, z, at("8999-12-31T23:00:00Z")) == CRON_NEVER);
	assert_true(cron_next(c, z, INT64_MAX - 1) == CRON_NEVER);
	assert_true(cron_next(c, z, -5) == at("1970-01-01T01:00:00Z"));
	assert_true(cron_next(c, z, INT64_MIN) == at("1970-01-01T01:00:00Z"));
	zone_free(z);
	cron_free(c);
}

static void
test_cron_parse_says_what_is_wrong(void **state)
{
	static const struct { const char *text, *msg, *hint; } t[] = {
		{ "15 2 * *", "cron '15 2 * *': 4 fields, not 5 (minute hour "
		    "day-of-month month day-of-week)",
		    "every night at 2:15 is 15 2 * * *" },
		{ "", "cron '': 0 fields, not 5 (minute hour day-of-month "
		    "month day-of-week)", "every night at 2:15 is "
		    "15 2 * * *" },
		{ "0 15 2 * * * 2026", "cron '0 15 2 * * * 2026': 7 fields, "
		    "not 5 (minute hour day-of-month month day-of-week)",
		    "every night at 2:15 is 15 2 * * *" },
		{ "60 2 * * *", "cron '60 2 * * *': minute '60': 60 is not 0 "
		    "to 59", "" },
		{ "0 8-24 * * *", "cron '0 8-24 * * *': hour '8-24': 24 is "
		    "not 0 to 23", "" },
		{ "0 2 0 * *", "cron '0 2 0 * *': day-of-month '0': 0 is not "
		    "1 to 31", "" },
		{ "0 2 * 13 *", "cron '0 2 * 13 *': month '13': 13 is not 1 "
		    "to 12", "" },
		{ "0 2 * * 8", "cron '0 2 * * 8': day-of-week '8': 8 is not "
		    "0 to 7", "" },
		{ "0 2 * * mondy", "cron '0 2 * * mondy': day-of-week "
		    "'mondy': no such name", "did you mean mon?" },
		{ "0 2 * sept *", "cron '0 2 * sept *': month 'sept': no such "
		    "name", "did you mean sep?" },
		{ "0 2 * xyz *", "cron '0 2 * xyz *': month 'xyz': no such "
		    "name", "" },
		{ "mon 2 * * *", "cron 'mon 2 * * *': minute 'mon': names "
		    "stand only in month and day-of-week", "" },
		{ "*/0 2 * * *", "cron '*/0 2 * * *': minute '*/0': a step is "
		    "a number from 1 on", "" },
		{ "*/ 2 * * *", "cron '*/ 2 * * *': minute '*/': a step is "
		    "a number from 1 on", "" },
		{ "*/90 * * * *", "cron '*/90 * * * *': minute '*/90': the "
		    "step is larger than the range", "for a time that is not "
		    "of the clock write @every 90m" },
		{ "5/15 * * * *", "cron '5/15 * * * *': minute '5/15': a step "
		    "needs a range", "as */5 or 10-59/5" },
		{ "0 22-6 * * *", "cron '0 22-6 * * *': hour '22-6': the "
		    "range is backwards", "write two: to 23, and from 0 on" },
		{ "1,,2 * * * *", "cron '1,,2 * * * *': minute '': a number, "
		    "a range or * was expected", "" },
		{ "1, * * * *", "cron '1, * * * *': minute '': a number, "
		    "a range or * was expected", "" },
		{ "1x * * * *", "cron '1x * * * *': minute '1x': cannot be "
		    "read to its end", "" },
		{ "0 0 L * *", "cron '0 0 L * *': day-of-month 'L': names "
		    "stand only in month and day-of-week", "" },
		{ "0 0 ? * *", "cron '0 0 ? * *': day-of-month '?': a number, "
		    "a range or * was expected", "" },
		{ "0 0 30 feb *", "cron '0 0 30 feb *': it never comes: no "
		    "such month has such a day", "" },
		{ "0 0 31 4,6 */2", "cron '0 0 31 4,6 */2': it never comes: "
		    "no such month has such a day", "" },
		{ "@dayly", "cron '@dayly': no such word",
		    "did you mean @daily?" },
		{ "@reboot", "cron '@reboot': no such word", "words are "
		    "@hourly, @daily, @weekly, @monthly, @yearly and @every "
		    "6h" },
		{ "@daily 2", "cron '@daily 2': nothing may stand behind "
		    "@daily", "" },
		{ "@every", "cron '@every': @every needs a number of minutes, "
		    "hours or days", "as @every 90m, @every 6h or @every "
		    "2d" },
		{ "@every 30s", "cron '@every 30s': @every needs a number of "
		    "minutes, hours or days", "as @every 90m, @every 6h or "
		    "@every 2d" },
		{ "@every 367d", "cron '@every 367d': more than 366 days",
		    "" },
		{ "11111111111111111111111111111111111111111111111111 * * * *",
		    "cron '11111111111111111111111111111111111111111111111111"
		    " * * * *': minute '11111111111111111111111111111111111111"
		    "111111111': too long", "" },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		if (cron_parse(t[i].text, &e) != NULL)
			fail_msg("%s was taken", t[i].text);
		assert_int_equal(e.code, ERR_USAGE);
		assert_string_equal(e.msg, t[i].msg);
		assert_string_equal(e.hint, t[i].hint);
	}
}

static void
test_cron_is_off_for_a_few_words(void **state)
{
	(void)state;
	assert_true(cron_is_off(NULL) && cron_is_off("never") &&
	    cron_is_off("No") && cron_is_off("off"));
	assert_false(cron_is_off("") || cron_is_off("@daily") ||
	    cron_is_off("none"));
}

static void
test_cron_parse_keeps_the_text(void **state)
{
	struct cron *c = parsed("  15 2 * * mon \t");
	char text[300];
	struct err e = {0};

	(void)state;
	assert_string_equal(cron_text(c), "15 2 * * mon");
	cron_free(c);
	cron_free(NULL);
	(void)memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(cron_parse(text, &e));
	assert_string_equal(e.msg, "cron '11111111111111111111...': longer "
	    "than 190 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cron_next_without_changes_of_clocks),
		cmocka_unit_test(test_cron_next_takes_either_day_field),
		cmocka_unit_test(test_cron_next_words),
		cmocka_unit_test(test_cron_next_where_an_hour_is_missing),
		cmocka_unit_test(test_cron_next_where_an_hour_comes_twice),
		cmocka_unit_test(test_cron_next_every_day_of_a_year),
		cmocka_unit_test(test_cron_next_ends),
		cmocka_unit_test(test_cron_parse_says_what_is_wrong),
		cmocka_unit_test(test_cron_is_off_for_a_few_words),
		cmocka_unit_test(test_cron_parse_keeps_the_text),
	};

	(void)unsetenv("TZDIR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
