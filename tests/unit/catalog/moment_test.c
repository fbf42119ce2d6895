/* SPDX-License-Identifier: Apache-2.0 */
/* moment_test: what people write means one instant, or is refused. */
#define _XOPEN_SOURCE 700	/* nftw, setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/moment.h"
#include "tests/unit/catalog/fixture.h"

/* Berlin's clocks, without any zone files. */
static int
setup(void **state)
{
	(void)state;
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return 0;
}

static void
time_is(const char *text, const char *want)
{
	struct moment m;
	struct err e = {0};
	char got[CLOCK_TEXT];

	fixture_ok(moment_parse(text, FLAVOUR_MYSQL, &m, &e), &e);
	assert_int_equal(m.kind, MOMENT_TIME);
	assert_string_equal(m.text, text);
	clock_rfc3339(m.time_us, got);
	assert_string_equal(got, want);
}

static void
test_moment_with_a_zone(void **state)
{
	(void)state;
	time_is("2026-11-24T14:03:27Z", "2026-11-24T14:03:27.000000Z");
	time_is("2026-11-24T14:03:27.5+01:00",
	    "2026-11-24T13:03:27.500000Z");
	time_is("2026-11-24 14:03:27-0530", "2026-11-24T19:33:27.000000Z");
}

static void
test_moment_in_the_systems_zone(void **state)
{
	(void)state;
	time_is("2026-11-24 14:03:27", "2026-11-24T13:03:27.000000Z");
	time_is("2026-11-24T14:03:27.000001", "2026-11-24T13:03:27.000001Z");
	time_is("2026-07-24 14:03", "2026-07-24T12:03:00.000000Z");
	time_is("2026-01-01 00:30", "2025-12-31T23:30:00.000000Z");
	/* just before and after the clocks are put forward and back */
	time_is("2026-03-29 01:59:59", "2026-03-29T00:59:59.000000Z");
	time_is("2026-03-29 03:00:00", "2026-03-29T01:00:00.000000Z");
	time_is("2026-10-25 01:59:59", "2026-10-24T23:59:59.000000Z");
	time_is("2026-10-25 03:00:00", "2026-10-25T02:00:00.000000Z");
}

static void
test_moment_of_today(void **state)
{
	time_t now = time(NULL);
	struct moment m;
	struct err e = {0};
	struct tm tm, today;
	time_t at;

	(void)state;
	fixture_ok(moment_parse("14:03", FLAVOUR_MYSQL, &m, &e), &e);
	at = (time_t)(m.time_us / 1000000);
	assert_non_null(localtime_r(&at, &tm));
	assert_non_null(localtime_r(&now, &today));
	assert_int_equal(tm.tm_hour, 14);
	assert_int_equal(tm.tm_min, 3);
	assert_int_equal(tm.tm_sec, 0);
	assert_int_equal(tm.tm_year, today.tm_year);
	/* unless midnight came in between */
	assert_true(tm.tm_yday == today.tm_yday ||
	    today.tm_hour + today.tm_min == 0);
}

static void
refuses(const char *text, const char *why, const char *hint)
{
	struct moment m;
	struct err e = {0};

	assert_int_equal(moment_parse(text, FLAVOUR_MYSQL, &m, &e), -1);
	assert_string_equal(e.msg, why);
	assert_string_equal(e.hint, hint);
	assert_int_equal(e.code, ERR_USAGE);
}

static void
test_moment_double_or_void(void **state)
{
	(void)state;
	refuses("2026-10-25 02:30:00", "'2026-10-25 02:30:00' was twice in "
	    "the system's zone: at 2026-10-25T00:30:00Z and at "
	    "2026-10-25T01:30:00Z", "write the time with its zone: "
	    "2026-11-24T14:03:27Z or +01:00");
	refuses("2026-03-29 02:30", "'2026-03-29 02:30' never was in the "
	    "system's zone, whose clocks were put forward: "
	    "2026-03-29T00:30:00Z or 2026-03-29T01:30:00Z", "write the time "
	    "with its zone: 2026-11-24T14:03:27Z or +01:00");
}

#define NO_MOMENT "write a time, a GTID, FILE:POSITION or latest"

static void
test_moment_refuses_what_is_none(void **state)
{
	static const char *const texts[] = { "", "now", "14", "14:60",
		"24:00", "14:03:60", "14:03:", "2026-11-31 14:03",
		"2026-13-01 14:03", "2026-00-01 14:03", "2026-11-24",
		"2026-11-24 ", "2026-11-24T", "2026-11-24 14:03:27 CET",
		"2026-11-24T14:03:27+25:00", "binlog.000042", "binlog.000042:",
		":4", "a/b:4", "b:4x", "b:-4", "b:9999999999999999999",
		"11111111-2222-3333-4444-555555555555" };
	char why[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)snprintf(why, sizeof(why), "'%s' is no moment",
		    texts[i]);
		refuses(texts[i], why, NO_MOMENT);
	}
}

static void
test_moment_of_other_kinds(void **state)
{
	struct moment m;
	struct err e = {0};
	char text[200], gtid[GTID_TEXT];

	(void)state;
	fixture_ok(moment_parse("latest", FLAVOUR_MYSQL, &m, &e), &e);
	assert_int_equal(m.kind, MOMENT_LATEST);
	fixture_ok(moment_parse("11111111-2222-3333-4444-555555555555:7",
	    FLAVOUR_MYSQL, &m, &e), &e);
	assert_int_equal(m.kind, MOMENT_GTID);
	gtid_text(&m.gtid, gtid);
	assert_string_equal(gtid, "11111111-2222-3333-4444-555555555555:7");
	fixture_ok(moment_parse("0-101-7", FLAVOUR_MARIADB, &m, &e), &e);
	assert_int_equal(m.kind, MOMENT_GTID);
	fixture_ok(moment_parse("binlog.000042:1234", FLAVOUR_MYSQL, &m, &e),
	    &e);
	assert_int_equal(m.kind, MOMENT_POSITION);
	assert_string_equal(m.file, "binlog.000042");
	assert_int_equal(m.position, 1234);
	moment_text(&m, text, sizeof(text));
	assert_string_equal(text, "binlog.000042:1234");
	m.before = true;
	moment_text(&m, text, sizeof(text));
	assert_string_equal(text, "before binlog.000042:1234");
}

static void
text_is(const char *time, const char *want)
{
	struct moment m;
	struct err e = {0};
	char text[200];

	fixture_ok(moment_parse(time, FLAVOUR_MYSQL, &m, &e), &e);
	moment_text(&m, text, sizeof(text));
	assert_string_equal(text, want);
}

static void
test_moment_said_in_both_zones(void **state)
{
	(void)state;
	text_is("2026-11-24T14:03:27Z", "2026-11-24T14:03:27Z (15:03:27 CET)");
	text_is("2026-07-24 14:03:27.25",
	    "2026-07-24T12:03:27.250000Z (14:03:27 CEST)");
	text_is("2026-11-24T23:30:00Z",
	    "2026-11-24T23:30:00Z (2026-11-25 00:30:00 CET)");
}

static void
test_moment_later(void **state)
{
	struct moment m = { .kind = MOMENT_TIME, .time_us = 5 };

	(void)state;
	assert_false(moment_later(&m, 5));
	assert_true(moment_later(&m, 6));
	m.before = true;
	assert_false(moment_later(&m, 4));
	assert_true(moment_later(&m, 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moment_with_a_zone),
		cmocka_unit_test(test_moment_in_the_systems_zone),
		cmocka_unit_test(test_moment_of_today),
		cmocka_unit_test(test_moment_double_or_void),
		cmocka_unit_test(test_moment_refuses_what_is_none),
		cmocka_unit_test(test_moment_of_other_kinds),
		cmocka_unit_test(test_moment_said_in_both_zones),
		cmocka_unit_test(test_moment_later),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
