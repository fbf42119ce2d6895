/* SPDX-License-Identifier: Apache-2.0 */
/* floor_test: which files of a history are offered no more. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/floor.h"
#include "catalog/segment.h"
#include "tests/unit/catalog/logs.h"
#include "tests/unit/catalog/sealed.h"

#define HOUR_US	INT64_C(3600000000)
#define GOOD	"{\"format\":1,\"source\":\"a\",\"history\":\"" ID "\","	\
    "\"before\":7,\"marked\":\"2026-11-22T18:15:00.000000Z\",\"why\":"	\
    "\"so\",\"sweep_after\":\"2026-11-24T18:15:00.000000Z\"}"

static void
test_floor_names(void **state)
{
	uint32_t before;
	bool gone;

	(void)state;
	assert_true(floor_name("00000007-mark.json", &before, &gone));
	assert_true(before == 7 && !gone);
	assert_true(floor_name("99999999-gone.json", &before, &gone));
	assert_true(before == FLOOR_ALL && gone);
	assert_false(floor_name("00000001-gone.json", &before, &gone));
	assert_false(floor_name("00000007.json", &before, &gone));
	assert_false(floor_name("00000007-00000008.json", &before, &gone));
	assert_false(floor_name("7-gone.json", &before, &gone));
}

static void
test_floor_marks_and_lifts(void **state)
{
	int64_t now = clock_now_us();
	struct floor *all;
	struct err e = {0};
	bool go;
	size_t n;

	(void)state;
	fixture_ok(floor_mark(fixture_store, "a", ID, 7, now, 48 * HOUR_US,
	    &e), &e);
	fixture_ok(floor_mark(fixture_store, "a", ID, 7, now + 1, 0, &e), &e);
	fixture_ok(floor_sweep(fixture_store, "a", &(struct floor){ .history =
	    ID, .before = 3, .said_us = 1 }, &go, &e), &e);
	assert_true(go);
	fixture_ok(floors_list(fixture_store, "a", &all, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_true(all[0].gone && all[0].before == 3);
	assert_true(!all[1].gone && all[1].before == 7);
	assert_true(all[1].marked_us == now && all[1].sweep_after_us == now +
	    48 * HOUR_US);
	assert_int_equal(floors_gone(all, n, ID), 3);
	assert_int_equal(floors_gone(all, n, LATER), 0);
	free(all);
	/* What is gone stays gone. */
	fixture_ok(floors_lift(fixture_store, "a", &e), &e);
	fixture_ok(floors_list(fixture_store, "a", &all, &n, &e), &e);
	assert_true(n == 1 && all[0].gone);
	fixture_ok(floor_drop(fixture_store, "a", &all[0], &e), &e);
	free(all);
	fixture_ok(floors_list(fixture_store, "a", &all, &n, &e), &e);
	assert_int_equal(n, 0);
	free(all);
}

/* One that cannot be read hides, and never comes due. */
static void
test_floor_that_cannot_be_read(void **state)
{
	struct floor *all;
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_put("sources/a/files/" ID "-00000007-mark.json", "x", 1);
	fixture_ok(floors_list(fixture_store, "a", &all, &n, &e), &e);
	assert_true(n == 1 && all[0].before == 7 &&
	    all[0].sweep_after_us == 0);
	free(all);
}

static void
offered(bool marked, uint32_t first, size_t want)
{
	struct binlog_file *list;
	struct err e = {0};
	uint32_t last;
	size_t n;

	fixture_ok(files_load(fixture_store, "a", HIST(1), marked, NULL, NULL,
	    &list, &n, &last, &e), &e);
	assert_int_equal(n, want);
	assert_true(n == 0 || list[0].seq == first);
	files_free(list, n);
}

static void
test_floor_hides_files(void **state)
{
	static const struct logs a = { .history = HIST(1), .gtids = "" };
	int64_t times[1] = { 0 };
	struct binlog_file *list;
	struct err e = {0};
	uint32_t seq, last;
	char name[16];
	bool go;
	size_t n;

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server =
	    'a' });
	for (seq = 1; seq < 7; seq++) {
		(void)snprintf(name, sizeof(name), "b.%06u", (unsigned)seq);
		logs_finish(&a, seq, name, seq, 1, times);
	}
	/* Also those of a document of which some stay. */
	fixture_ok(files_roll(fixture_store, "a", HIST(1), &e), &e);
	offered(false, 1, 6);
	fixture_ok(floor_mark(fixture_store, "a", HIST(1), 3, 0, 0, &e), &e);
	offered(false, 3, 4);
	offered(true, 1, 6);
	fixture_ok(files_list(fixture_store, "a", HIST(1), 1, &list, &n, &e),
	    &e);
	assert_true(n == 4 && list[0].seq == 3);
	files_free(list, n);
	fixture_ok(files_last(fixture_store, "a", HIST(1), &last, &e), &e);
	assert_int_equal(last, 6);
	fixture_ok(floor_sweep(fixture_store, "a", &(struct floor){ .history =
	    HIST(1), .before = 6 }, &go, &e), &e);
	offered(true, 6, 1);
	fixture_ok(files_last(fixture_store, "a", HIST(1), &last, &e), &e);
	assert_int_equal(last, 6);
	fixture_ok(floor_sweep(fixture_store, "a", &(struct floor){ .history =
	    HIST(1), .before = 7 }, &go, &e), &e);
	offered(true, 0, 0);
	fixture_ok(files_last(fixture_store, "a", HIST(1), &last, &e), &e);
	assert_int_equal(last, 6);
}

static void
refuses(const char *from, const char *to, const char *member)
{
	struct floor f = { .history = ID, .before = 7 };
	struct buf text = {0};
	struct err e = {0};
	char why[100];

	sealed_with(GOOD, from, to, &text);
	(void)snprintf(why, sizeof(why), "floor: member '%s' is missing or "
	    "not what it must be", member);
	fixture_failed(floor_parse(text.data, text.len, "a", &f, &e), &e,
	    ERR_CORRUPT, why);
	buf_free(&text);
}

static void
test_floor_parse(void **state)
{
	struct floor f = { .history = ID, .before = 7 };
	struct buf text = {0};
	struct err e = {0};

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(floor_parse(text.data, text.len, "a", &f, &e), &e);
	assert_true(f.sweep_after_us - f.marked_us == 48 * HOUR_US);
	buf_free(&text);
	refuses("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses("\"history\":\"" ID, "\"history\":\"" LATER, "history");
	refuses("\"before\":7", "\"before\":8", "before");
	refuses("\"marked\":\"2026", "\"marked\":\"x026", "marked");
	refuses("\"sweep_after\":\"2", "\"sweep_after\":\"x",
	    "sweep_after");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor_names),
		IN_STORE(test_floor_marks_and_lifts),
		IN_STORE(test_floor_that_cannot_be_read),
		IN_STORE(test_floor_hides_files),
		cmocka_unit_test(test_floor_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
