/* SPDX-License-Identifier: Apache-2.0 */
/* clock_test: times of day as text and back, and the bounds of back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

/* 2026-11-22 18:15:00 UTC */
#define MOMENT INT64_C(1795371300000000)

static void
test_clock_writes_its_three_forms(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_rfc3339(MOMENT + 1234, text);
	assert_string_equal(text, "2026-11-22T18:15:00.001234Z");
	clock_basic(MOMENT + 999999, text);
	assert_string_equal(text, "20261122T181500Z");
	clock_http(MOMENT, text);
	assert_string_equal(text, "Sun, 22 Nov 2026 18:15:00 GMT");
}

static void
test_clock_writes_edges(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_rfc3339(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	clock_rfc3339(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	clock_http(0, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	clock_basic(INT64_C(951782400000000), text);
	assert_string_equal(text, "20000229T000000Z");
}

static void
same(const char *text, int64_t us)
{
	int64_t got = -77;

	assert_int_equal(clock_parse(text, &got), 0);
	assert_int_equal(got, us);
}

static void
test_clock_parses_what_it_writes_and_zones(void **state)
{
	(void)state;
	same("2026-11-22T18:15:00.001234Z", MOMENT + 1234);
	same("2026-11-22T18:15:00Z", MOMENT);
	same("2026-11-22t18:15:00z", MOMENT);
	same("2026-11-22 18:15:00Z", MOMENT);
	same("2026-11-22T18:15:00.5Z", MOMENT + 500000);
	same("2026-11-22T18:15:00.123456789Z", MOMENT + 123456);
	same("2026-11-22T20:45:00+02:30", MOMENT);
	same("2026-11-22T13:15:00-0500", MOMENT);
	same("20261122T181500Z", MOMENT);
	same("Sun, 22 Nov 2026 18:15:00 GMT", MOMENT);
	same("1969-12-31T23:59:59.999999Z", -1);
	same("2000-02-29T00:00:00Z", INT64_C(951782400000000));
	same("2016-12-31T23:59:60Z", INT64_C(1483228800000000));
}

static void
test_clock_parse_refuses_everything_else(void **state)
{
	static const char *const bad[] = { "", "now", "2026",
		"2026-11-22", "2026-11-22T18:15:00", "2026-11-22T18:15Z",
		"2026-11-22T18:15:00Zx", "2026-11-22T18:15:00 Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-11-31T00:00:00Z", "2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z", "2026-11-22T24:00:00Z",
		"2026-11-22T18:60:00Z", "2026-11-22T18:15:61Z",
		"2026-11-00T18:15:00Z", "2026-1-22T18:15:00Z",
		"2026-11-22T18:15:00+24:00", "2026-11-22T18:15:00+02:60",
		"2026-11-22T18:15:00+2", "2026-11-22T18:15:00.12",
		"20261122T181500", "20261122T181500Zx", "20261322T181500Z",
		"20261122t181500Z", "Sun, 22 Nov 2026 18:15:00 UTC",
		"Sun, 22 Nov 2026 18:15:00 GMT ",
		"Sun 22 Nov 2026 18:15:00 GMT",
		"Sun, 22 Nuv 2026 18:15:00 GMT",
		"Sun, 31 Nov 2026 18:15:00 GMT",
		"Sunday, 22-Nov-26 18:15:00 GMT", "\xff\xff", "-1" };
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (clock_parse(bad[i], &us) == 0)
			fail_msg("'%s' is taken for a time", bad[i]);
}

static void
test_clock_now_agrees_with_itself(void **state)
{
	int64_t mono = clock_mono_ms();

	(void)state;
	/* After 2020, before 2200: the unit is right. */
	assert_true(clock_now_us() > INT64_C(1577836800000000));
	assert_true(clock_now_us() < INT64_C(7258118400000000));
	assert_true(clock_mono_ms() >= mono);
}

static void
test_clock_backoff_stays_below_its_bound(void **state)
{
	static const unsigned bound[] = { 0, 100, 200, 400, 800, 1000, 1000 };
	unsigned attempt, i, ms, above = 0;

	(void)state;
	for (attempt = 1; attempt <= 6; attempt++)
		for (i = 0; i < 200; i++) {
			ms = clock_backoff_ms(attempt, 100, 1000);
			assert_true(ms < bound[attempt]);
			above += attempt == 6 && ms >= 500;
		}
	/* Jitter over the whole range: 200 draws all below the middle come
	 * once in 2^200. */
	assert_true(above > 0 && above < 200);
	assert_true(clock_backoff_ms(4000000000u, 100, 1000) < 1000);
	assert_int_equal(clock_backoff_ms(3, 0, 1000), 0);
	assert_int_equal(clock_backoff_ms(3, 100, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_writes_its_three_forms),
		cmocka_unit_test(test_clock_writes_edges),
		cmocka_unit_test(test_clock_parses_what_it_writes_and_zones),
		cmocka_unit_test(test_clock_parse_refuses_everything_else),
		cmocka_unit_test(test_clock_now_agrees_with_itself),
		cmocka_unit_test(test_clock_backoff_stays_below_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
