/* SPDX-License-Identifier: Apache-2.0 */
/* window_test: times of the day, over midnight and where clocks change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/zone.h"

#include "backupd/window.h"

static int64_t
at(const char *text)
{
	int64_t us;

	assert_int_equal(clock_parse(text, &us), 0);
	return us;
}

static void
holds(const char *text, const char *zone, const char *when, const char *end)
{
	struct err e = {0};
	struct zone *z = zone_open(zone, &e);
	char shown[CLOCK_TEXT];
	struct window s = {0};
	int64_t end_us;

	assert_non_null(z);
	if (text != NULL)
		assert_int_equal(window_parse(text, &s, &e), 0);
	if (end == NULL) {
		assert_false(window_holds(&s, z, at(when), &end_us));
	} else {
		assert_true(window_holds(&s, z, at(when), &end_us));
		if (end[0] == '\0') {
			assert_true(end_us == INT64_MAX);
		} else {
			clock_rfc3339(end_us, shown);
			assert_string_equal(shown, end);
		}
	}
	zone_free(z);
}

static void
test_window_within_a_day(void **state)
{
	(void)state;
	holds("01:00-06:00", "UTC", "2026-11-27T00:59:59Z", NULL);
	holds("01:00-06:00", "UTC", "2026-11-27T01:00:00Z",
	    "2026-11-27T06:00:00.000000Z");
	holds("01:00-06:00", "UTC", "2026-11-27T06:00:00Z", NULL);
	holds("01:00-06:00", "Europe/Berlin", "2026-11-27T00:00:00Z",
	    "2026-11-27T05:00:00.000000Z");
}

static void
test_window_over_midnight(void **state)
{
	(void)state;
	holds("22:00-06:00", "UTC", "2026-11-27T21:59:59Z", NULL);
	holds("22:00-06:00", "UTC", "2026-11-27T23:00:00Z",
	    "2026-11-28T06:00:00.000000Z");
	holds("22:00-06:00", "UTC", "2026-11-28T05:59:59Z",
	    "2026-11-28T06:00:00.000000Z");
	holds("22:00-24:00", "UTC", "2026-11-28T23:59:59Z",
	    "2026-11-29T00:00:00.000000Z");
}

static void
test_window_where_clocks_change(void **state)
{
	(void)state;
	/* In Berlin 02:00 to 03:00 does not exist on 29 March 2026, and comes
	 * twice on 25 October. */
	holds("00:00-02:30", "Europe/Berlin", "2026-03-29T00:30:00Z",
	    "2026-03-29T01:00:00.000000Z");
	holds("01:00-06:00", "Europe/Berlin", "2026-10-25T00:30:00Z",
	    "2026-10-25T05:00:00.000000Z");
}

static void
test_window_whole_day_never_ends(void **state)
{
	(void)state;
	holds(NULL, "UTC", "2026-11-27T12:00:00Z", "");
	holds("00:00-24:00", "UTC", "2026-11-27T12:00:00Z", "");
}

static void
test_window_refuses(void **state)
{
	static const char *const bad[] = { "", "6:00-7:00", "00:00", "00:00-",
		"00:00-06:00x", "00:60-06:00", "00:00-24:01", "24:00-06:00",
		"0a:00-06:00", "00:00 - 06:00", "00:00-6" };
	char want[100];
	struct window w;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){0};
		assert_int_equal(window_parse(bad[i], &w, &e), -1);
		(void)snprintf(want, sizeof(want), "'%s' is not HH:MM-HH:MM",
		    bad[i]);
		assert_string_equal(e.msg, want);
		assert_int_equal(e.code, ERR_USAGE);
	}
	e = (struct err){0};
	assert_int_equal(window_parse("06:00-06:00", &w, &e), -1);
	assert_string_equal(e.msg, "'06:00-06:00' has no length");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_within_a_day),
		cmocka_unit_test(test_window_over_midnight),
		cmocka_unit_test(test_window_where_clocks_change),
		cmocka_unit_test(test_window_whole_day_never_ends),
		cmocka_unit_test(test_window_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
