/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_test: which windows there are, and none that is wrong. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/catalog/archived.h"
#include "tests/unit/catalog/loaded.h"

static const struct logs a = { HIST(1), UUID_A ":" };
static const struct logs b = { HIST(2), UUID_B ":" };
static const int64_t ten[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };

/* --- what is loaded --- */

static void
test_timeline_of_nothing(void **state)
{
	(void)state;
	loaded_load();
	assert_int_equal(t.nhistories, 0);
	assert_int_equal(t.nbackups, 0);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 4 });
	loaded_load();
	loaded_no_window(0, "its binary log file is not archived");
}

static void
test_timeline_of_one_history(void **state)
{
	const struct timeline_history *h;

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 3, ten);
	logs_finish(&a, 2, "b.000002", 4, 3, ten + 3);
	logs_live(&a, 3, 7, 4, ten + 6, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000002", .position = 200, .gtid = UUID_A ":1-4", .at = 45 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000003", .position = 500, .gtid = UUID_A ":1-10",
	    .at = 200 });
	loaded_load();
	assert_int_equal(t.nhistories, 1);
	h = &t.histories[0];
	assert_int_equal(h->nfiles, 3);
	assert_false(h->broken);
	assert_true(h->last_us == logs_us(100));
	assert_true(h->stored_us > logs_us(0));
	assert_false(h->files[1].live);
	assert_int_equal(h->files[1].end, 450);
	assert_true(h->files[2].live);
	assert_string_equal(h->files[2].file.name, "b.000003");
	assert_string_equal(h->files[2].file.gtid_before, UUID_A ":1-6");
	assert_int_equal(h->files[2].end, 500);
	assert_int_equal(h->files[2].nsegments, 2);
	assert_ptr_equal(timeline_file_of(h, 3), &h->files[2]);
	assert_null(timeline_file_of(h, 4));
	assert_null(timeline_file_of(h, 0));
	loaded_window(0, 0, 2, 200);
	/* made when nothing came after: a window of that moment */
	loaded_window(1, 0, 3, 200);
	assert_ptr_equal(timeline_backup_of(&t, BACKUP(2)), &t.backups[1]);
	assert_null(timeline_backup_of(&t, ID));
}

static void
test_timeline_names_of_live_files(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a',
	    .first_file = "b.999998", .gtid_before = UUID_A ":1-2" });
	logs_live(&a, 1, 3, 2, ten, 2);
	loaded_load();
	assert_string_equal(t.histories[0].files[0].file.name, "b.999998");
	assert_string_equal(t.histories[0].files[0].file.gtid_before, UUID_A
	    ":1-2");
	logs_finish(&a, 1, "b.999999", 3, 2, ten);
	logs_live(&a, 2, 5, 2, ten, 2);
	loaded_load();
	assert_string_equal(t.histories[0].files[1].file.name, "b.1000000");
}

static void
test_timeline_backups_without_a_window(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_live(&a, 1, 1, 4, ten, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file = "",
	    .at = 30 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .unproven = true,
	    .file = "b.000001", .position = 200, .gtid = UUID_A ":1",
	    .at = 30 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000001", .position = 501, .gtid = UUID_A ":1-4", .at = 45 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(4), .file =
	    "b.000002", .position = 4, .gtid = UUID_A ":1-4", .at = 45 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(5), .file =
	    "b.000001", .position = 200, .gtid = UUID_B ":1", .server = 'b',
	    .at = 45 });
	loaded_load();
	loaded_no_window(0, "its server wrote no binary log");
	loaded_no_window(1, "it is unproven: its data may not be that of its "
	    "coordinates");
	loaded_no_window(2, "its position is not archived (yet)");
	loaded_no_window(3, "its binary log file is not archived");
	loaded_no_window(4, "it is of a server that is not archived");
}

/* --- holes --- */

static void
test_timeline_with_a_hole_between_files(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 2, ten);
	logs_finish(&a, 4, "b.000004", 5, 2, ten + 4);
	logs_live(&a, 5, 7, 2, ten + 6, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000004", .position = 200, .gtid = UUID_A ":1-5", .at = 55 });
	loaded_load();
	assert_int_equal(t.nhistories, 2);
	assert_true(t.histories[0].broken);
	assert_string_equal(t.histories[0].broken_what, "after b.000001: 2 of "
	    "the history's files missing");
	assert_false(t.histories[1].broken);
	assert_string_equal(t.histories[1].history.id, a.history);
	assert_int_equal(t.histories[1].nfiles, 2);
	loaded_window(0, 0, 1, 20);
	loaded_window(1, 1, 4, 80);
}

static void
test_timeline_with_a_hole_in_a_live_file(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_segment(&a, 1, 1, 1, 2, ten);
	logs_segment(&a, 1, 5, 5, 2, ten + 4);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000001", .position = 600, .gtid = UUID_A ":1-5", .at = 55 });
	loaded_load();
	assert_int_equal(t.nhistories, 1);
	assert_true(t.histories[0].broken);
	assert_string_equal(t.histories[0].broken_what, "after b.000001:300: a "
	    "hole before the bytes up to 700");
	loaded_window(0, 0, 1, 20);
	loaded_no_window(1, "its position is not archived (yet)");
}

static void
test_timeline_whose_first_bytes_are_missing(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 2, ten);
	logs_segment(&a, 2, 4, 2, 2, ten + 3);
	loaded_load();
	assert_int_equal(t.nhistories, 1);
	assert_int_equal(t.histories[0].nfiles, 1);
	assert_int_equal(t.ndamage, 1);
	assert_string_equal(t.damage[0], "history " HIST(1) ": file 2 lacks "
	    "its first 200 bytes");
}

/* One after another: joined only if the first one's last event ends it. */
static void
test_timeline_of_two_live_files(void **state)
{
	uint64_t whole[4] = { 0, 994 }, first[2] = { 0, 994 };
	struct buf file = {0};

	(void)state;
	recorded_read("mysql-transactions", "binlog", &file);
	whole[2] = file.len - 40;
	whole[3] = file.len;
	archived_history(ID, "mysql", "b.000001");
	archived_live(ID, 1, &file, whole, 4);
	archived_live(ID, 2, &file, first, 2);
	loaded_load();
	assert_int_equal(t.ndamage, 0);
	assert_int_equal(t.nhistories, 1);
	assert_int_equal(t.histories[0].nfiles, 2);
	assert_false(t.histories[0].broken);
	buf_free(&file);
}

static void
test_timeline_of_two_live_files_with_a_hole(void **state)
{
	uint64_t part[3] = { 0, 994, 1187 };
	struct buf file = {0};

	(void)state;
	recorded_read("mysql-transactions", "binlog", &file);
	archived_history(ID, "mysql", "b.000001");
	archived_live(ID, 1, &file, part, 3);
	archived_live(ID, 2, &file, part, 2);
	loaded_load();
	assert_int_equal(t.ndamage, 0);
	assert_int_equal(t.nhistories, 2);
	assert_string_equal(t.histories[0].broken_what, "after b.000001:1187: "
	    "its end is not archived");
	assert_string_equal(t.histories[1].files[0].file.name, "b.000002");
	buf_free(&file);
}

/* --- damage --- */

static void
test_timeline_damage_spoils_nothing_else(void **state)
{
	char why[300];

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_history(&(struct logs_history){ .id = b.history, .server = 'b' });
	logs_finish(&a, 1, "b.000001", 1, 2, ten);
	logs_finish(&a, 2, "b.000002", 3, 2, ten + 2);
	logs_live(&b, 1, 1, 2, ten, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	fixture_damage("sources/a/histories/" HIST(2) ".json", 30);
	fixture_damage("sources/a/heads/" BACKUP(2) ".json", 30);
	loaded_load();
	assert_int_equal(t.ndamage, 2);
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/histories/"
	    HIST(2) ".json: history is damaged: its sum does not match",
	    fixture_root);
	assert_string_equal(t.damage[0], why);
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/heads/"
	    BACKUP(2) ".json: head is damaged: its sum does not match",
	    fixture_root);
	assert_string_equal(t.damage[1], why);
	assert_int_equal(t.nbackups, 1);
	loaded_window(0, 0, 1, 40);
	/* of a file: what stands before it is as it was */
	fixture_damage("sources/a/files/" HIST(1) "-00000002.json", 90);
	loaded_load();
	assert_int_equal(t.ndamage, 3);
	loaded_window(0, 0, 1, 20);
	fixture_damage("sources/a/files/" HIST(1) "-00000001.json", 90);
	loaded_load();
	assert_int_equal(t.ndamage, 4);
	loaded_no_window(0, "its binary log file is not archived");
}

static void
test_timeline_of_another_kind_of_server(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_live(&a, 1, 1, 2, ten, 2);
	logs_history(&(struct logs_history){ .id = b.history, .server = 'a',
	    .mariadb = true });
	loaded_load();
	assert_int_equal(t.nhistories, 1);
	assert_string_equal(t.histories[0].history.id, b.history);
	assert_int_equal(t.kind, FLAVOUR_MARIADB);
	assert_int_equal(t.ndamage, 0);
}

/* --- windows --- */

static void
test_timeline_windows(void **state)
{
	struct timeline_window *all;
	struct err e = {0};
	size_t n;

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 2, ten);
	logs_finish(&a, 3, "b.000003", 5, 4, ten + 4);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file = "" });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000003", .position = 200, .gtid = UUID_A ":1-5", .at = 55 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(4), .file =
	    "b.000003", .position = 300, .gtid = UUID_A ":1-6", .at = 65 });
	loaded_load();
	fixture_ok(timeline_windows(&t, &all, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_true(all[0].from_us == logs_us(15) &&
	    all[0].to_us == logs_us(20) && all[0].backups == 1);
	assert_true(all[1].from_us == logs_us(55) &&
	    all[1].to_us == logs_us(80) && all[1].backups == 2);
	free(all);
}

/* Nothing was committed between a run's last transaction and backups that are
 * made later, at the same place. */
static void
test_timeline_windows_of_an_idle_server(void **state)
{
	struct timeline_window *all;
	struct err e = {0};
	size_t n;

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 2, ten);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000001", .position = 300, .gtid = UUID_A ":1-2", .at = 1000 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000001", .position = 300, .gtid = UUID_A ":1-2", .at = 5000 });
	loaded_load();
	fixture_ok(timeline_windows(&t, &all, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_true(all[0].from_us == logs_us(15) &&
	    all[0].to_us == logs_us(5000) && all[0].backups == 3);
	assert_true(t.backups[0].until_us == logs_us(5000));
	free(all);
}

/* A year: a backup a day, three binary log files a day, and a live one. */
static void
test_timeline_of_a_year_in_400_requests(void **state)
{
	struct store_counters before, after;
	char id[BACKUP_ID_LEN + 1], name[16], gtid[80];
	struct err e = {0};
	int64_t times[1];
	uint32_t seq, day;

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	for (seq = 1; seq <= 3 * 365; seq++) {
		(void)snprintf(name, sizeof(name), "b.%06u", (unsigned)seq);
		times[0] = 28800 * seq;
		logs_finish(&a, seq, name, seq, 1, times);
		if (seq % 4 == 0)
			fixture_ok(files_roll(fixture_store, "a", a.history,
			    &e), &e);
	}
	times[0] = 28800 * seq;
	logs_live(&a, seq, seq, 1, times, 1);
	for (day = 0; day < 365; day++) {
		(void)snprintf(id, sizeof(id), "2026%04uT181500Z-0000",
		    (unsigned)day);
		(void)snprintf(name, sizeof(name), "b.%06u",
		    (unsigned)(3 * day + 1));
		(void)snprintf(gtid, sizeof(gtid), UUID_A ":1-%u",
		    (unsigned)(3 * day + 1));
		logs_backup(&(struct logs_backup){ .id = id, .file = name,
		    .position = 200, .gtid = gtid,
		    .at = 28800 * (3 * (int64_t)day + 1) + 1 });
	}
	store_counters(fixture_store, &before);
	loaded_load();
	store_counters(fixture_store, &after);
	assert_int_equal(t.nbackups, 365);
	assert_int_equal(t.histories[0].nfiles, 3 * 365 + 1);
	for (day = 0; day < 365; day++)
		loaded_window(day, 0, 3 * day + 1, 28800 * (int64_t)seq);
	/* A listing of S3 has 1000 keys a page; here it counts as one. */
	assert_true(after.requests - before.requests + 2 <= 400);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loaded_setup, \
    loaded_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timeline_of_nothing),
		TEST(test_timeline_of_one_history),
		TEST(test_timeline_names_of_live_files),
		TEST(test_timeline_backups_without_a_window),
		TEST(test_timeline_with_a_hole_between_files),
		TEST(test_timeline_with_a_hole_in_a_live_file),
		TEST(test_timeline_whose_first_bytes_are_missing),
		TEST(test_timeline_of_two_live_files),
		TEST(test_timeline_of_two_live_files_with_a_hole),
		TEST(test_timeline_damage_spoils_nothing_else),
		TEST(test_timeline_of_another_kind_of_server),
		TEST(test_timeline_windows),
		TEST(test_timeline_windows_of_an_idle_server),
		TEST(test_timeline_of_a_year_in_400_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
