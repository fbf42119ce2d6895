/* SPDX-License-Identifier: Apache-2.0 */
/* undo_choose_test: each transaction of the live server's line, once. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "restore/undo_impl.h"

#include "tests/unit/catalog/logs.h"

static const struct logs a = { HIST(1), UUID_A ":" };
static const struct logs b = { HIST(2), UUID_B ":" };
static const int64_t times[] = { 10, 20, 30, 40, 50, 60 };

/* A's 1 to 5, of which B has 1 to 3; its log still begins with the 3rd. */
static void
fail_over(void)
{
	const struct logs had = { HIST(2), UUID_A ":" };

	logs_history(&(struct logs_history){ .id = a.history, .server = 'a',
	    .first_file = "a.000001", .gtid_before = "" });
	logs_segment(&a, 1, 1, 1, 5, times);
	logs_history(&(struct logs_history){ .id = b.history, .server = 'b',
	    .first_file = "b.000002", .gtid_before = UUID_A ":1-2",
	    .why = HISTORY_FAILOVER, .parent = a.history,
	    .fork_gtid = UUID_A ":1-3", .fork_seq = 1, .fork_offset = 400 });
	logs_segment(&had, 1, 3, 1, 1, times + 2);
	logs_segment(&b, 1, 1, 2, 2, times + 4);
}

static int
chosen(struct undo *u, struct err *e)
{
	fixture_ok(timeline_load_archive(fixture_store, "a", &u->timeline, e),
	    e);
	u->store = fixture_store;
	u->from_us = logs_us(0);
	u->to_us = logs_us(100);
	return undo_choose(u, e);
}

static void
forget(struct undo *u)
{
	free(u->transactions);
	free(u->gtids);
	free(u->found);
	buf_free(&u->refused);
	route_whole_free(&u->whole);
	timeline_free(&u->timeline);
}

/* By time, all that there is. */
static void
chosen_are(const char *want)
{
	const struct undo_opts o = {0};
	struct undo u = { .o = &o };
	struct buf got = {0};
	char gtid[GTID_TEXT];
	struct err e = {0};
	size_t i;

	fixture_ok(chosen(&u, &e), &e);
	for (i = 0; i < u.ntransactions; i++) {
		gtid_text(&u.transactions[i].gtid, gtid);
		buf_addf(&got, "%.1s%s ", gtid, strchr(gtid, ':'));
	}
	assert_string_equal(buf_str(&got), want);
	buf_free(&got);
	forget(&u);
}

static void
test_undo_choose_each_once_over_a_fail_over(void **state)
{
	(void)state;
	fail_over();
	/* neither A's 3rd twice, nor what B never had */
	chosen_are("a:1 a:2 a:3 b:1 b:2 ");
}

static void
test_undo_choose_behind_a_gap(void **state)
{
	const struct logs on = { HIST(2), UUID_A ":" };

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a',
	    .first_file = "a.000001", .gtid_before = "" });
	logs_segment(&a, 1, 1, 1, 2, times);
	logs_history(&(struct logs_history){ .id = on.history, .server = 'a',
	    .first_file = "a.000003", .gtid_before = UUID_A ":1-4",
	    .why = HISTORY_GAP, .parent = a.history,
	    .fork_gtid = UUID_A ":1-2", .fork_seq = 1, .fork_offset = 300 });
	logs_segment(&on, 1, 5, 1, 1, times + 4);
	chosen_are("a:1 a:2 a:5 ");
}

static void
test_undo_choose_not_of_a_side_branch(void **state)
{
	const char *gtids[] = { UUID_A ":4" };
	const struct undo_opts o = { .gtids = gtids, .ngtids = 1 };
	struct undo u = { .o = &o, .gtids = calloc(1, sizeof(*u.gtids)),
	    .found = calloc(1, sizeof(*u.found)) };
	struct err e = {0};

	(void)state;
	fail_over();
	fixture_ok(gtid_parse(gtids[0], FLAVOUR_MYSQL, u.gtids, &e), &e);
	fixture_failed(chosen(&u, &e), &e, ERR_NOTFOUND, "--gtid=" UUID_A
	    ":4: no such transaction in the archive, side branches left "
	    "aside");
	forget(&u);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, fixture_setup, \
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_undo_choose_each_once_over_a_fail_over),
		TEST(test_undo_choose_behind_a_gap),
		TEST(test_undo_choose_not_of_a_side_branch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
