/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backupd/cron.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/zone.h"

#include "backupd/schedule.h"

#define HOUR INT64_C(3600000000)

static int64_t
at(const char *text)
{
	int64_t us = 0;

	if (text == NULL)
		return 0;
	assert_int_equal(clock_parse(text, &us), 0);
	return us;
}

static struct schedule
made(const char *cron, const char *zone, int64_t offset,
    enum schedule_missed missed)
{
	struct err e = {0};
	struct schedule s = { .cron = cron_parse(cron, &e),
	    .zone = zone_open(zone, &e), .offset_us = offset,
	    .missed = missed };

	assert_non_null(s.cron);
	assert_non_null(s.zone);
	return s;
}

static void
gone(struct schedule *s)
{
	cron_free((struct cron *)(uintptr_t)s->cron);
	zone_free((struct zone *)(uintptr_t)s->zone);
}

static void
test_schedule_look_at_each_situation(void **state)
{
	static const struct { const char *what, *last, *since, *now;
	    enum schedule_missed policy; bool due, missed;
	    const char *slot, *next; } t[] = {
		{ "a new source waits", NULL, NULL, "2026-11-22T12:00:00Z",
		    SCHEDULE_RUN, false, false, NULL, "2026-11-23T02:00:00Z" },
		{ "a new source's first slot", NULL, "2026-11-21T12:00:00Z",
		    "2026-11-22T02:00:00Z", SCHEDULE_SKIP, true, false,
		    "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z" },
		{ "before the slot", "2026-11-21T02:00:00Z", NULL,
		    "2026-11-22T01:59:59Z", SCHEDULE_RUN, false, false, NULL,
		    "2026-11-22T02:00:00Z" },
		{ "at the slot", "2026-11-21T02:00:01Z", NULL,
		    "2026-11-22T02:00:00Z", SCHEDULE_SKIP, true, false,
		    "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z" },
		{ "the timer was late", "2026-11-21T02:00:01Z", NULL,
		    "2026-11-22T02:05:00Z", SCHEDULE_SKIP, true, false,
		    "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z" },
		{ "served", "2026-11-22T02:00:00Z", NULL,
		    "2026-11-22T02:00:00Z", SCHEDULE_RUN, false, false, NULL,
		    "2026-11-23T02:00:00Z" },
		{ "missed, run", "2026-11-21T02:00:01Z", NULL,
		    "2026-11-22T02:05:01Z", SCHEDULE_RUN, true, true,
		    "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z" },
		{ "missed, skip", "2026-11-21T02:00:01Z", NULL,
		    "2026-11-22T02:05:01Z", SCHEDULE_SKIP, false, true,
		    "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z" },
		{ "asleep for a year: one", "2025-11-21T02:00:01Z", NULL,
		    "2026-11-22T09:00:00Z", SCHEDULE_RUN, true, true,
		    "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z" },
		{ "a run by hand since", "2026-11-22T05:00:00Z", NULL,
		    "2026-11-22T09:00:00Z", SCHEDULE_RUN, false, false, NULL,
		    "2026-11-23T02:00:00Z" },
		{ "the schedule is new", "2026-11-21T02:00:00Z",
		    "2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z",
		    SCHEDULE_RUN, false, false, NULL,
		    "2026-11-23T02:00:00Z" },
		{ "since is in the future", "2026-11-21T02:00:00Z",
		    "2026-11-22T10:00:00Z", "2026-11-22T09:00:00Z",
		    SCHEDULE_RUN, true, true, "2026-11-22T02:00:00Z",
		    "2026-11-23T02:00:00Z" },
		{ "the clock went back an hour: not again",
		    "2026-11-22T02:00:00Z", NULL, "2026-11-22T01:10:00Z",
		    SCHEDULE_RUN, false, false, NULL,
		    "2026-11-23T02:00:00Z" },
		{ "back a day: not again", "2026-11-22T02:00:00Z", NULL,
		    "2026-11-21T02:00:00Z", SCHEDULE_RUN, false, false, NULL,
		    "2026-11-23T02:00:00Z" },
		{ "a run in a wrong future is not believed",
		    "2031-01-01T00:00:00Z", NULL, "2026-11-22T09:00:00Z",
		    SCHEDULE_RUN, false, false, NULL,
		    "2026-11-23T02:00:00Z" },
	};
	struct schedule_verdict v;
	struct schedule s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s = made("0 2 * * *", "UTC", 0, t[i].policy);
		v = schedule_look(&s, at(t[i].last), at(t[i].since),
		    at(t[i].now));
		if (v.due != t[i].due || v.missed != t[i].missed ||
		    v.slot_us != at(t[i].slot) || v.next_us != at(t[i].next))
			fail_msg("%s: due %d missed %d", t[i].what, v.due,
			    v.missed);
		gone(&s);
	}
}

static void
test_schedule_look_adds_the_offset(void **state)
{
	struct schedule s = made("0 23 * * *", "UTC", 2 * HOUR,
	    SCHEDULE_RUN);
	struct schedule_verdict v;

	(void)state;
	v = schedule_look(&s, at("2026-11-21T01:00:00Z"), 0,
	    at("2026-11-22T00:59:59Z"));
	assert_false(v.due);
	assert_true(v.next_us == at("2026-11-22T01:00:00Z"));
	v = schedule_look(&s, at("2026-11-21T01:00:00Z"), 0,
	    at("2026-11-22T01:00:00Z"));
	assert_true(v.due && !v.missed);
	assert_true(v.slot_us == at("2026-11-22T01:00:00Z"));
	assert_true(v.next_us == at("2026-11-23T01:00:00Z"));
	v = schedule_look(&s, v.slot_us, 0, at("2026-11-22T01:00:00Z"));
	assert_false(v.due);
	gone(&s);
}

/* A clock that does what it likes, forward and back: a slot is run once, and
 * each run is that of the newest slot. */
static void
test_schedule_runs_no_slot_twice(void **state)
{
	struct schedule s = made("*/30 * * * *", "Europe/Berlin", 7000000,
	    SCHEDULE_RUN);
	int64_t now = at("2026-10-24T12:00:00Z"), last = now, seen[4000];
	struct schedule_verdict v;
	uint64_t dice = 42;
	size_t n = 0, i, k;

	(void)state;
	for (i = 0; i < 20000 && n < 4000; i++) {
		dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
		switch (dice >> 60) {
		case 0:		/* back, up to 17 minutes */
			now -= (int64_t)(dice >> 33 & 1023) * 1000000;
			break;
		case 1:		/* asleep, up to five hours */
			now += (int64_t)(dice >> 33 & 16383) * 1000000;
			break;
		default:	/* a few minutes */
			now += (int64_t)(dice >> 33 & 255) * 1000000;
		}
		v = schedule_look(&s, last, 0, now);
		assert_true(v.next_us > now && v.next_us > last);
		if (!v.due)
			continue;
		assert_true(v.slot_us <= now && v.slot_us > last);
		assert_true(schedule_next(&s, v.slot_us) > now);
		last = v.slot_us > now ? v.slot_us : now;
		seen[n++] = v.slot_us;
	}
	assert_true(n > 500);
	for (i = 0; i < n; i++)
		for (k = i + 1; k < n; k++)
			assert_true(seen[k] > seen[i]);
	gone(&s);
}

static void
test_schedule_deadline_is_the_next_slot_and_a_margin(void **state)
{
	struct schedule s = made("0 2 * * *", "UTC", 0, SCHEDULE_RUN);

	(void)state;
	assert_true(schedule_deadline(&s, at("2026-11-22T02:00:01Z"), 0,
	    HOUR) == at("2026-11-23T03:00:00Z"));
	assert_true(schedule_deadline(&s, 0, at("2026-11-22T12:00:00Z"),
	    2 * HOUR) == at("2026-11-23T04:00:00Z"));
	gone(&s);
}

static void
test_schedule_offset_spreads_evenly_and_stays(void **state)
{
	unsigned bins[12] = {0};
	int64_t offset;
	char name[32];
	size_t i;

	(void)state;
	assert_true(schedule_offset("orders", 0) == 0);
	assert_true(schedule_offset("orders", 999) == 0);
	/* Part of the contract: it stays where it is from release to
	 * release. */
	assert_true(schedule_offset("orders", 7200000) ==
	    schedule_offset("orders", 7200000));
	for (i = 0; i < 1200; i++) {
		(void)snprintf(name, sizeof(name), "db%zu", i);
		offset = schedule_offset(name, 7200000);
		assert_true(offset >= 0 && offset < 2 * HOUR &&
		    offset % 1000000 == 0);
		bins[offset / (HOUR / 6)]++;
	}
	for (i = 0; i < 12; i++)
		assert_in_range(bins[i], 60, 140);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedule_look_at_each_situation),
		cmocka_unit_test(test_schedule_look_adds_the_offset),
		cmocka_unit_test(test_schedule_runs_no_slot_twice),
		cmocka_unit_test(
		    test_schedule_deadline_is_the_next_slot_and_a_margin),
		cmocka_unit_test(
		    test_schedule_offset_spreads_evenly_and_stays),
	};

	(void)unsetenv("TZDIR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
