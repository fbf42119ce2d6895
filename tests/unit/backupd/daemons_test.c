/* SPDX-License-Identifier: Apache-2.0 */
/* daemons_test: who is alive, by what was seen, and whose a source is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/daemons.h"
#include "base/err.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"
#define C "cccccccccccccccc"
#define LIMIT 105000
#define LIST 45000

static struct daemons *
start(void)
{
	struct err e = {0};
	struct daemons *d = daemons_new(LIMIT, LIST, &e);

	assert_non_null(d);
	return d;
}

static void
see(struct daemons *d, const char *id, uint64_t size, int64_t mtime)
{
	struct err e = {0};

	assert_int_equal(daemons_see(d, id, size, mtime, 0, &e), 0);
}

/* It does all jobs, and knows the sources "s0" to "s99". */
static void
learn(struct daemons *d, const char *id, unsigned jobs)
{
	struct heartbeat h = { .jobs = jobs, .nsources = 100 };
	char name[8];
	size_t i;

	(void)snprintf(h.id, sizeof(h.id), "%s", id);
	h.sources = calloc(100, sizeof(*h.sources));
	assert_non_null(h.sources);
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		h.sources[i] = heartbeat_hash(name);
	}
	heartbeat_sort(h.sources, &h.nsources);
	daemons_learn(d, id, &h, false);
	assert_null(h.sources);
}

static bool
alive(const struct daemons *d, const char *id)
{
	const struct daemons_one *all;
	size_t n, i;

	all = daemons_all(d, &n);
	for (i = 0; i < n; i++)
		if (strcmp(all[i].beat.id, id) == 0)
			return all[i].alive;
	return false;
}

static const char *
owner(const struct daemons *d, const char *source, unsigned job)
{
	const struct daemons_one *one = daemons_owner(d,
	    heartbeat_hash(source), job);

	return one == NULL ? "" : one->beat.id;
}

static void
test_daemons_die_when_nothing_changes(void **state)
{
	struct daemons *d = start();

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	see(d, B, 10, 1);
	assert_true(daemons_end(d, 10));
	assert_int_equal(daemons_due(d), LIMIT);
	daemons_begin(d, 45000);
	see(d, A, 10, 2);
	see(d, B, 10, 1);
	assert_false(daemons_end(d, 45010));
	/* The change of A came after the listing before: at 0 or later. */
	assert_int_equal(daemons_due(d), LIMIT);
	daemons_begin(d, 90000);
	see(d, A, 10, 3);
	see(d, B, 10, 1);
	assert_false(daemons_end(d, 90010));
	assert_true(alive(d, B));
	daemons_begin(d, LIMIT);
	see(d, A, 10, 3);
	see(d, B, 10, 1);
	assert_true(daemons_end(d, LIMIT));
	assert_true(alive(d, A));
	assert_false(alive(d, B));
	/* It comes back, or goes. */
	daemons_begin(d, 150000);
	see(d, A, 10, 4);
	see(d, B, 10, 2);
	assert_true(daemons_end(d, 150000));
	assert_true(alive(d, B));
	daemons_begin(d, 160000);
	see(d, A, 10, 4);
	assert_true(daemons_end(d, 160000));
	assert_false(daemons_has(d, B));
	assert_true(daemons_has(d, A));
	daemons_free(d);
	daemons_free(NULL);
}

static void
test_daemons_other_times_kill_nobody(void **state)
{
	struct daemons *d = start();

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	see(d, B, 10, 1);
	assert_true(daemons_end(d, 10));
	daemons_pace(d, 9000, 3000, 40000);
	assert_int_equal(daemons_due(d), 49000);
	daemons_begin(d, 43000);
	see(d, A, 10, 2);
	see(d, B, 10, 1);
	assert_false(daemons_end(d, 43000));
	assert_true(alive(d, A) && alive(d, B));
	/* From then on they hold. */
	daemons_begin(d, 49000);
	see(d, A, 10, 3);
	see(d, B, 10, 1);
	assert_true(daemons_end(d, 49000));
	assert_true(alive(d, A));
	assert_false(alive(d, B));
	daemons_free(d);
}

/* An observer that slept for long has no right to call others dead. */
static void
test_daemons_outlive_a_pause_of_the_observer(void **state)
{
	struct daemons *d = start();

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	(void)daemons_end(d, 0);
	daemons_begin(d, 1000000);
	see(d, A, 10, 2);
	assert_false(daemons_end(d, 1000000));
	assert_true(alive(d, A));
	assert_int_equal(daemons_due(d), 1000000 - LIST - LIST / 2 + LIMIT);
	daemons_free(d);
}

static void
test_daemons_old_at_first_sight_are_dead(void **state)
{
	struct daemons *d = start();
	struct err e = {0};

	(void)state;
	daemons_begin(d, 0);
	assert_int_equal(daemons_see(d, A, 10, 1, LIMIT, &e), 0);
	assert_int_equal(daemons_see(d, B, 10, 1, LIMIT - 5, &e), 0);
	assert_int_equal(daemons_see(d, C, 10, 1, -LIMIT, &e), 0);
	(void)daemons_end(d, 0);
	assert_false(alive(d, A));
	assert_true(alive(d, B));
	assert_true(alive(d, C));
	assert_int_equal(daemons_due(d), 5);
	/* Nobody reads what the dead said. */
	assert_string_equal(daemons_unread(d), B);
	daemons_free(d);
}

static void
test_daemons_unread_when_new_or_of_another_size(void **state)
{
	struct daemons *d = start();

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	(void)daemons_end(d, 0);
	assert_string_equal(daemons_unread(d), A);
	learn(d, A, CLAIMS_ALL);
	assert_null(daemons_unread(d));
	daemons_begin(d, 1);
	see(d, A, 10, 2);
	(void)daemons_end(d, 1);
	assert_null(daemons_unread(d));
	daemons_begin(d, 2);
	see(d, A, 11, 3);
	(void)daemons_end(d, 2);
	assert_string_equal(daemons_unread(d), A);
	/* What cannot be read is asked for once. */
	daemons_learn(d, A, NULL, false);
	assert_null(daemons_unread(d));
	daemons_free(d);
}

static void
test_daemons_learn_that_one_is_gone(void **state)
{
	struct daemons *d = start();

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	(void)daemons_end(d, 0);
	learn(d, A, CLAIMS_ALL);
	daemons_learn(d, A, NULL, true);
	assert_string_equal(owner(d, "s1", CLAIMS_DUMP), "");
	daemons_begin(d, 1);
	see(d, A, 10, 1);
	assert_false(daemons_end(d, 1));
	assert_false(alive(d, A));
	daemons_begin(d, 2);
	see(d, A, 10, 2);
	assert_true(daemons_end(d, 2));
	assert_string_equal(owner(d, "s1", CLAIMS_DUMP), A);
	daemons_free(d);
}

static void
test_daemons_share_sources(void **state)
{
	struct daemons *d = start();
	size_t count[3] = {0}, i;
	char name[8], before[100];
	const char *who;

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	see(d, B, 10, 1);
	see(d, C, 10, 1);
	(void)daemons_end(d, 0);
	assert_string_equal(owner(d, "s1", CLAIMS_DUMP), "");
	learn(d, A, CLAIMS_ALL);
	learn(d, B, CLAIMS_ALL);
	learn(d, C, CLAIMS_ALL);
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		before[i] = owner(d, name, CLAIMS_ARCHIVE)[0];
		count[before[i] - 'a']++;
	}
	assert_true(count[0] > 15 && count[1] > 15 && count[2] > 15);
	/* Only what B had changes hands. */
	daemons_begin(d, 1);
	see(d, A, 10, 1);
	see(d, C, 10, 1);
	(void)daemons_end(d, 1);
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		who = owner(d, name, CLAIMS_ARCHIVE);
		assert_true(who[0] == before[i] || before[i] == 'b');
		assert_string_not_equal(who, B);
	}
	assert_string_equal(owner(d, "other", CLAIMS_ARCHIVE), "");
	daemons_free(d);
}

static void
test_daemons_split_by_jobs(void **state)
{
	struct daemons *d = start();
	size_t i;
	char name[8];

	(void)state;
	daemons_begin(d, 0);
	see(d, A, 10, 1);
	see(d, B, 10, 1);
	(void)daemons_end(d, 0);
	learn(d, A, CLAIMS_DUMP | CLAIMS_ARCHIVE);
	learn(d, B, CLAIMS_VERIFY);
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "s%zu", i);
		assert_string_equal(owner(d, name, CLAIMS_DUMP), A);
		assert_string_equal(owner(d, name, CLAIMS_VERIFY), B);
		assert_string_equal(owner(d, name, CLAIMS_EXPIRE), "");
	}
	daemons_free(d);
}

/* All machines and versions must agree on it. */
static void
test_daemons_weight_is_fixed(void **state)
{
	(void)state;
	assert_int_equal(heartbeat_hash("orders"),
	    UINT64_C(0xa88ccdc9fa4974fb));
	assert_int_equal(daemons_weight(heartbeat_hash("orders"), A),
	    UINT64_C(0xcda224b732874fde));
}

static void
test_daemons_dead_for(void **state)
{
	struct daemons_one one = { .changed_ms = 100 };

	(void)state;
	assert_false(daemons_dead_for(&one, 1000, 1099));
	assert_true(daemons_dead_for(&one, 1000, 1100));
	one.alive = true;
	assert_false(daemons_dead_for(&one, 1000, 1100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_daemons_die_when_nothing_changes),
		cmocka_unit_test(test_daemons_other_times_kill_nobody),
		cmocka_unit_test(test_daemons_outlive_a_pause_of_the_observer),
		cmocka_unit_test(test_daemons_old_at_first_sight_are_dead),
		cmocka_unit_test(
		    test_daemons_unread_when_new_or_of_another_size),
		cmocka_unit_test(test_daemons_learn_that_one_is_gone),
		cmocka_unit_test(test_daemons_share_sources),
		cmocka_unit_test(test_daemons_split_by_jobs),
		cmocka_unit_test(test_daemons_weight_is_fixed),
		cmocka_unit_test(test_daemons_dead_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
