/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_history_test: which of several histories a backup stands in. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/catalog/loaded.h"

static const struct logs a = { HIST(1), UUID_A ":" };
static const struct logs b = { HIST(2), UUID_B ":" };
static const int64_t ten[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };

#define OTHER_BEFORE "GTIDs before its file are not in it: another history "  \
    "of the same file names"
#define OTHER_AFTER "GTIDs after its position are in it: another history of "\
    "the same file names"
#define OTHER_TIMES "the times of its file are others: another history of "   \
    "the same file names"

/* --- histories of the same file names --- */

/* RESET: the same server, names and GTIDs again. */
static void
test_timeline_after_a_reset(void **state)
{
	const struct logs after = { HIST(2), UUID_A ":" };
	const int64_t later[] = { 1010, 1020, 1030, 1040, 1050 };

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 3, ten);
	logs_finish(&a, 2, "b.000002", 4, 5, ten + 3);
	logs_history(&(struct logs_history){ .id = after.history,
	    .server = 'a', .why = HISTORY_RESET, .parent = a.history });
	logs_finish(&after, 1, "b.000001", 1, 1, later);
	logs_live(&after, 2, 2, 4, later + 1, 2);
	/* before it, and after it */
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000002", .position = 300, .gtid = UUID_A ":1-5", .at = 55 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000002", .position = 300, .gtid = UUID_A ":1-3",
	    .at = 1035 });
	loaded_load();
	loaded_window(0, 0, 2, 80);
	loaded_window(1, 1, 2, 1050);
}

/* By what documents say both fit; the index of one does not. */
static void
test_timeline_told_apart_by_index(void **state)
{
	const struct logs after = { HIST(2), UUID_A ":" };
	const int64_t later[] = { 1010, 1020, 1030, 1040, 1050 };

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_live(&a, 1, 1, 8, ten, 4);
	logs_history(&(struct logs_history){ .id = after.history,
	    .server = 'a', .why = HISTORY_RESET, .parent = a.history });
	logs_live(&after, 1, 1, 5, later, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 600, .gtid = UUID_A ":1-5", .at = 55 });
	loaded_load();
	/* 1-5 at 600 is in both histories: nobody can tell */
	loaded_no_window(0, "it fits more than one history");
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000001", .position = 700, .gtid = UUID_A ":1-6", .at = 65 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000001", .position = 450, .gtid = UUID_A ":1-3", .at = 65 });
	loaded_load();
	loaded_window(1, 0, 1, 80);
	/* nor is there a place between two transactions */
	loaded_no_window(2, "its position is not between two transactions of "
	    "which it has those before alone");
}

static void
test_timeline_without_gtids_by_times(void **state)
{
	const struct logs x = { HIST(1), "" }, y = { HIST(2), "" };
	const int64_t later[] = { 10010, 10020, 10030, 10040, 10050, 10060,
		10070, 10080, 10090 };

	(void)state;
	logs_history(&(struct logs_history){ .id = x.history, .server = 'a' });
	logs_finish(&x, 1, "b.000001", 1, 9, ten);
	logs_history(&(struct logs_history){ .id = y.history, .server = 'a',
	    .why = HISTORY_RESET, .parent = x.history });
	logs_finish(&y, 1, "b.000001", 1, 9, later);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 300, .at = 25 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000001", .position = 300, .at = 10025 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000001", .position = 300, .at = 20025 });
	loaded_load();
	loaded_window(1, 1, 1, 10090);
	loaded_no_window(2, OTHER_TIMES);
	/* the first: both fit by the documents, by the index one */
	loaded_window(0, 0, 1, 90);
}

static void
test_timeline_of_a_wrong_server(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 9, ten);
	logs_finish(&a, 2, "b.000002", 10, 1, ten + 9);
	/* another server's file of the same name */
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 300, .gtid = UUID_B ":1-2", .server =
	    'b', .at = 25 });
	/* the right one, but other GTIDs */
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000002", .position = 100, .gtid = UUID_B ":1-2", .at = 95 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1-20",
	    .at = 15 });
	loaded_load();
	loaded_no_window(0, OTHER_AFTER);
	loaded_no_window(1, "it is of a server that is not archived");
	loaded_no_window(2, OTHER_BEFORE);
}

/* A replica's backup: its own file and position say nothing, its GTIDs do. */
static void
test_timeline_of_a_replicas_backup(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 4, ten);
	logs_finish(&a, 2, "b.000002", 5, 4, ten + 4);
	logs_live(&a, 3, 9, 2, ten + 8, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "r.000007", .position = 77777, .gtid = UUID_A ":1-6," UUID_B
	    ":1-3", .server = 'b', .at = 65 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "r.000007", .position = 77777, .gtid = UUID_A ":2-6", .server =
	    'b', .at = 65 });
	/* the numbers came again: what it has was not yet written */
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "r.000007", .position = 77777, .gtid = UUID_A ":1-6", .server =
	    'b', .at = -9000 });
	loaded_load();
	loaded_no_window(0, "its GTIDs came again after it");
	loaded_window(1, 0, 2, 100);
	assert_true(t.backups[1].by_gtid);
	/* what the second lacks of the first file comes from its beginning */
	loaded_window(2, 0, 1, 100);
}

/* --- fail-over --- */

/* Server A to 10 at 600, of which B had as far as 8; then B goes on. */
static void
fail_over(bool more_of_a)
{
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 5, ten);
	logs_live(&a, 2, 6, more_of_a ? 5 : 3, ten + 5, 1);
	/* B's second file: from A's 7 on */
	logs_history(&(struct logs_history){ .id = b.history, .server = 'b',
	    .first_file = "b.000002", .gtid_before = UUID_A ":1-6",
	    .why = HISTORY_FAILOVER, .parent = a.history,
	    .fork_gtid = UUID_A ":1-8", .fork_seq = 2, .fork_offset = 400 });
}

static void
test_timeline_over_a_fail_over(void **state)
{
	const struct logs old = { HIST(2), UUID_A ":" };
	const int64_t later[] = { 110, 120, 130 };

	(void)state;
	fail_over(true);
	logs_segment(&old, 1, 7, 1, 2, ten + 6);
	logs_segment(&b, 1, 1, 3, 3, later);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	/* on what B never had */
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000002", .position = 500, .gtid = UUID_A ":1-9", .at = 95 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000002", .position = 400, .gtid = UUID_A ":1-8," UUID_B ":1",
	    .server = 'b', .at = 115 });
	loaded_load();
	assert_int_equal(t.nhistories, 2);
	loaded_window(0, 0, 1, 130);
	loaded_window(1, 0, 2, 100);
	loaded_window(2, 1, 1, 130);
}

static void
test_timeline_where_a_fail_over_does_not_join(void **state)
{
	const int64_t later[] = { 110, 120, 130 };

	(void)state;
	/* a gap: B's first file begins after what is archived of A */
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_live(&a, 1, 1, 5, ten, 5);
	logs_history(&(struct logs_history){ .id = b.history, .server = 'b',
	    .gtid_before = UUID_A ":1-7", .why = HISTORY_FAILOVER,
	    .parent = a.history, .fork_gtid = UUID_A ":1-5", .fork_seq = 1,
	    .fork_offset = 600 });
	logs_live(&b, 1, 1, 3, later, 3);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	loaded_load();
	loaded_window(0, 0, 1, 50);
}

static void
test_timeline_never_crosses_a_reset_or_gap(void **state)
{
	const enum history_why whys[] = { HISTORY_RESET, HISTORY_GAP };
	const int64_t later[] = { 110, 120, 130 };
	size_t i;

	for (i = 0; i < 2; i++) {
		logs_history(&(struct logs_history){ .id = a.history,
		    .server = 'a' });
		logs_live(&a, 1, 1, 5, ten, 5);
		logs_history(&(struct logs_history){ .id = b.history,
		    .server = 'b', .why = whys[i], .parent = a.history,
		    .fork_gtid = UUID_A ":1-5", .fork_seq = 1,
		    .fork_offset = 600 });
		logs_live(&b, 1, 1, 3, later, 3);
		logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
		    "b.000001", .position = 200, .gtid = UUID_A ":1",
		    .at = 15 });
		loaded_load();
		loaded_window(0, 0, 1, 50);
		assert_int_equal(loaded_teardown(state), 0);
		assert_int_equal(loaded_setup(state), 0);
	}
}

/* Documents that say that each descends from the other. */
static void
test_timeline_in_a_circle_ends(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a',
	    .why = HISTORY_FAILOVER, .parent = b.history,
	    .fork_gtid = UUID_A ":1-5", .fork_seq = 1, .fork_offset = 600 });
	logs_live(&a, 1, 1, 5, ten, 5);
	logs_history(&(struct logs_history){ .id = b.history, .server = 'b',
	    .why = HISTORY_FAILOVER, .parent = a.history,
	    .fork_gtid = UUID_A ":1-5", .fork_seq = 1, .fork_offset = 600 });
	logs_live(&b, 1, 1, 5, ten, 5);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	loaded_load();
	loaded_window(0, 0, 1, 50);
}

/* The newest of two children is the main line. */
static void
test_timeline_follows_the_newest_child(void **state)
{
	const struct logs c = { HIST(3), UUID_B ":" };
	const int64_t later[] = { 110, 120, 130, 140 };

	(void)state;
	fail_over(false);
	logs_live(&b, 1, 1, 2, later, 2);
	logs_history(&(struct logs_history){ .id = c.history, .server = 'b',
	    .first_file = "b.000002", .gtid_before = UUID_A ":1-6",
	    .why = HISTORY_ROLLBACK, .parent = a.history,
	    .fork_gtid = UUID_A ":1-7", .fork_seq = 2, .fork_offset = 300 });
	logs_live(&c, 1, 1, 4, later, 4);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	loaded_load();
	loaded_window(0, 0, 1, 140);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loaded_setup, \
    loaded_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timeline_after_a_reset),
		TEST(test_timeline_told_apart_by_index),
		TEST(test_timeline_without_gtids_by_times),
		TEST(test_timeline_of_a_wrong_server),
		TEST(test_timeline_of_a_replicas_backup),
		TEST(test_timeline_over_a_fail_over),
		TEST(test_timeline_where_a_fail_over_does_not_join),
		TEST(test_timeline_never_crosses_a_reset_or_gap),
		TEST(test_timeline_in_a_circle_ends),
		TEST(test_timeline_follows_the_newest_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
