/* SPDX-License-Identifier: Apache-2.0 */
/* look_test: what a store tells of a source, for its schedule and status. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/catalog/archived.h"
#include "tests/unit/catalog/logs.h"

#include "backupd/look.h"

static const struct logs a = { HIST(1), UUID_A ":" };
static const int64_t ten[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };

static const char *
text(const json_t *list, size_t i, const char *name)
{
	return json_string_value(json_object_get(json_array_get(list, i),
	    name));
}

static void
test_look_at_nothing(void **state)
{
	struct look l = {0};
	struct err e = {0};

	(void)state;
	fixture_ok(look_at(fixture_store, "a", 0, &l, &e), &e);
	assert_true(l.last_dump_us == 0 && l.known_us == 0);
	assert_int_equal(json_array_size(l.backups), 0);
	assert_int_equal(json_array_size(l.windows), 0);
	assert_int_equal(l.damage, 0);
	look_free(&l);
	look_free(&l);
}

static void
test_look_at_backups_and_windows(void **state)
{
	struct look l = {0};
	struct err e = {0};

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history,
	    .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 10, ten);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 400, .gtid = UUID_A ":1-3", .at = 35 });
	fixture_ok(look_at(fixture_store, "a", 0, &l, &e), &e);
	assert_true(l.last_dump_us > 0 && l.last_good_us == l.last_dump_us);
	assert_true(l.known_us > 0);
	assert_int_equal(json_array_size(l.backups), 1);
	assert_string_equal(text(l.backups, 0, "id"), BACKUP(1));
	assert_int_equal(json_array_size(l.windows), 1);
	assert_string_equal(text(l.windows, 0, "to"),
	    "2026-11-22T18:16:40.000000Z");
	assert_int_equal(json_array_size(l.gaps), 0);
	assert_false(l.apart);
	/* What is older than asked for is left out, and still counts. */
	fixture_ok(look_at(fixture_store, "a", INT64_MAX, &l, &e), &e);
	assert_true(l.last_dump_us > 0);
	assert_int_equal(json_array_size(l.backups), 0);
	assert_int_equal(json_array_size(l.windows), 0);
	assert_false(l.apart);
	look_free(&l);
}

/* The archive has yet to reach the place of the newest backup. */
static void
test_look_at_what_is_apart(void **state)
{
	struct look l = {0};
	struct err e = {0};

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history,
	    .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 10, ten);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .server = 'a',
	    .file = "b.000002", .position = 400,
	    .gtid = UUID_A ":1-13", .at = 135 });
	fixture_ok(look_at(fixture_store, "a", 0, &l, &e), &e);
	assert_true(l.apart);
	assert_int_equal(json_array_size(l.windows), 0);
	logs_finish(&a, 2, "b.000002", 11, 10, ten);
	fixture_ok(look_at(fixture_store, "a", 0, &l, &e), &e);
	assert_false(l.apart);
	assert_int_equal(json_array_size(l.windows), 1);
	look_free(&l);
}

static void
test_look_counts_what_is_damaged(void **state)
{
	static const char key[] = "sources/a/heads/" BACKUP(2) ".json";
	struct look l = {0};
	struct err e = {0};

	(void)state;
	fixture_ok(store_put(fixture_store, key, "{}", 2, false, &e), &e);
	fixture_ok(look_at(fixture_store, "a", 0, &l, &e), &e);
	assert_int_equal(l.damage, 1);
	look_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_look_at_nothing,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_look_at_backups_and_windows, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(test_look_at_what_is_apart,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_look_counts_what_is_damaged, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
