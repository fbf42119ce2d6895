/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/schedule.h"
#include "base/zone.h"
#include "tests/unit/backupd/config_fixture.h"

#include "backupd/timetable.h"

static struct timetable *
read_from(const char *text, const char *source, struct err *e)
{
	struct settings *s = config_of(text, "next", NULL, NULL);
	struct timetable *t = NULL;

	if (settings_use_source(s, source, e) == 0)
		t = timetable_read(s, source, e);
	settings_free(s);
	return t;
}

static void
test_timetable_of_a_source(void **state)
{
	static const char text[] = "[defaults]\ndump = 15 2 * * *\n"
	    "zone = Europe/Berlin\nspread = 2h\nmissed = skip\n"
	    "[source orders]\nhost = x\nverify = @daily\n"
	    "[source billing]\nhost = y\ndump = never\nexpire = @weekly\n"
	    "missed = run\n";
	const struct schedule *dump;
	struct timetable *t;
	struct err e = {0};

	(void)state;
	t = read_from(text, "orders", &e);
	assert_non_null(t);
	dump = timetable_schedule(t, TIMETABLE_DUMP);
	assert_non_null(dump);
	assert_int_equal(dump->missed, SCHEDULE_SKIP);
	assert_true(dump->offset_us == schedule_offset("orders", 7200000));
	assert_string_equal(zone_name(timetable_zone(t)), "Europe/Berlin");
	assert_string_equal(timetable_text(t, TIMETABLE_DUMP), "15 2 * * *");
	assert_string_equal(timetable_text(t, TIMETABLE_EXPIRE),
	    "after-dump");
	assert_true(timetable_after_dump(t));
	assert_null(timetable_schedule(t, TIMETABLE_EXPIRE));
	assert_string_equal(timetable_text(t, TIMETABLE_VERIFY), "@daily");
	assert_null(timetable_text(t, TIMETABLE_DRILL));
	timetable_free(t);
	t = read_from(text, "billing", &e);
	assert_non_null(t);
	assert_null(timetable_schedule(t, TIMETABLE_DUMP));
	assert_false(timetable_after_dump(t));
	assert_int_equal(timetable_schedule(t, TIMETABLE_EXPIRE)->missed,
	    SCHEDULE_RUN);
	timetable_free(t);
	timetable_free(NULL);
	assert_string_equal(timetable_job_name(TIMETABLE_DRILL), "drill");
}

static void
test_timetable_says_what_is_wrong(void **state)
{
	static const struct { const char *text, *msg; } t[] = {
		{ "[source x]\ndump = 15 2 * *\n", "kura.conf:2: dump: cron "
		    "'15 2 * *': 4 fields, not 5 (minute hour day-of-month "
		    "month day-of-week)" },
		{ "[defaults]\nverify = after-dump\n", "kura.conf:2: verify: "
		    "cron 'after-dump': 1 field, not 5 (minute hour "
		    "day-of-month month day-of-week)" },
		{ "[source x]\nzone = Mars\n", "kura.conf:2: zone: time zone "
		    "'Mars': no such file in /usr/share/zoneinfo" },
		{ "[source x]\nspread = 400d\n", "kura.conf:2: spread: more "
		    "than 366 days" },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		assert_null(read_from(t[i].text, "x", &e));
		assert_int_equal(e.code, ERR_USAGE);
		assert_string_equal(config_message(&e), t[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timetable_of_a_source),
		cmocka_unit_test(test_timetable_says_what_is_wrong),
	};

	(void)unsetenv("TZDIR");
	return cmocka_run_group_tests(tests, config_begin, config_end);
}
