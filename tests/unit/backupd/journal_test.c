/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"

#include "backupd/journal.h"

static struct journal_run
run_of(const char *source, const char *job, int64_t at, bool ok)
{
	struct journal_run r = { .started_us = at, .finished_us = at + 5,
	    .status = ok ? 0 : 1, .ok = ok, .bytes = 10, .rows = 2,
	    .stored = -1 };

	(void)snprintf(r.source, sizeof(r.source), "%s", source);
	(void)snprintf(r.job, sizeof(r.job), "%s", job);
	(void)snprintf(r.message, sizeof(r.message), "%s",
	    ok ? "" : "it's broken");
	return r;
}

static void
add(struct journal *j, const char *source, const char *job, int64_t at,
    bool ok)
{
	const struct journal_run r = run_of(source, job, at, ok);
	struct err e = {0};

	assert_int_equal(journal_add(j, &r, &e), 0);
}

static void
test_journal_last_knows_success_apart(void **state)
{
	struct err e = {0};
	struct journal *j = journal_open(NULL, &e);
	struct journal_run r;

	(void)state;
	assert_non_null(j);
	assert_int_equal(journal_last(j, "a", "dump", false, &r, &e), 0);
	add(j, "a", "dump", 100, true);
	add(j, "a", "dump", 200, false);
	add(j, "a", "drill", 300, true);
	add(j, "b", "dump", 400, true);
	assert_int_equal(journal_last(j, "a", "dump", false, &r, &e), 1);
	assert_int_equal(r.started_us, 200);
	assert_false(r.ok);
	assert_int_equal(r.status, 1);
	assert_int_equal(r.stored, -1);
	assert_string_equal(r.message, "it's broken");
	assert_int_equal(journal_last(j, "a", "dump", true, &r, &e), 1);
	assert_int_equal(r.started_us, 100);
	assert_int_equal(journal_last(j, "c", "dump", false, &r, &e), 0);
	journal_close(j);
}

/* What somebody cancelled stands in the history, and says nothing else. */
static void
test_journal_last_passes_over_what_was_cancelled(void **state)
{
	struct err e = {0};
	struct journal *j = journal_open(NULL, &e);
	struct journal_run r = run_of("a", "dump", 300, false);

	(void)state;
	add(j, "a", "dump", 200, false);
	r.status = JOURNAL_CANCELLED;
	assert_int_equal(journal_add(j, &r, &e), 0);
	assert_int_equal(journal_last(j, "a", "dump", false, &r, &e), 1);
	assert_int_equal(r.started_us, 200);
	journal_close(j);
}

static void
note(void *arg, const struct journal_run *r)
{
	int64_t **at = arg;

	*(*at)++ = r->started_us;
}

static void
test_journal_recent_is_newest_first_and_pruned(void **state)
{
	struct err e = {0};
	struct journal *j = journal_open(NULL, &e);
	int64_t seen[4] = {0}, *at = seen;
	int64_t i;

	(void)state;
	for (i = 1; i <= 5; i++)
		add(j, "a", "dump", i * 100, true);
	assert_int_equal(journal_recent(j, 2, note, &at, &e), 0);
	assert_int_equal(at - seen, 2);
	assert_int_equal(seen[0], 500);
	assert_int_equal(seen[1], 400);
	assert_int_equal(journal_prune(j, 405, &e), 0);
	at = seen;
	assert_int_equal(journal_recent(j, 4, note, &at, &e), 0);
	assert_int_equal(at - seen, 2);
	journal_close(j);
}

static void
test_journal_of_one_job(void **state)
{
	struct err e = {0};
	struct journal *j = journal_open(NULL, &e);
	int64_t seen[4] = {0}, *at = seen;

	(void)state;
	add(j, "a", "drill", 100, true);
	add(j, "b", "drill", 200, true);
	add(j, "a", "dump", 300, true);
	add(j, "a", "drill", 400, false);
	add(j, "a", "drill", 50, true);
	assert_int_equal(journal_of(j, "a", "drill", 2, note, &at, &e), 0);
	assert_int_equal(at - seen, 2);
	assert_int_equal(seen[0], 400);
	assert_int_equal(seen[1], 100);
	at = seen;
	assert_int_equal(journal_of(j, "c", "drill", 2, note, &at, &e), 0);
	assert_true(at == seen);
	journal_close(j);
}

static void
test_journal_paused(void **state)
{
	struct err e = {0};
	struct journal *j = journal_open(NULL, &e);
	bool paused = true;

	(void)state;
	assert_int_equal(journal_paused(j, "a", &paused, &e), 0);
	assert_false(paused);
	assert_int_equal(journal_pause(j, "a", true, &e), 0);
	assert_int_equal(journal_pause(j, "a", true, &e), 0);
	assert_int_equal(journal_paused(j, "a", &paused, &e), 0);
	assert_true(paused);
	assert_int_equal(journal_pause(j, "a", false, &e), 0);
	assert_int_equal(journal_paused(j, "a", &paused, &e), 0);
	assert_false(paused);
	journal_close(j);
}

static void
test_journal_begins_anew_where_it_is_damaged(void **state)
{
	char path[] = "/tmp/journal-XXXXXX", name[64];
	int fd = mkstemp(path);
	struct journal_run r;
	struct err e = {0};
	struct journal *j;
	size_t i;

	(void)state;
	for (i = 0; i < 4096; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	j = journal_open(path, &e);
	assert_non_null(j);
	add(j, "a", "dump", 100, true);
	journal_close(j);
	/* What was written is there for the next one. */
	j = journal_open(path, &e);
	assert_int_equal(journal_last(j, "a", "dump", true, &r, &e), 1);
	journal_close(j);
	(void)unlink(path);
	for (i = 0; i < 2; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path,
		    i == 0 ? "-wal" : "-shm");
		(void)unlink(name);
	}
}

static void
test_journal_says_where_it_cannot_be(void **state)
{
	struct err e = {0};

	(void)state;
	assert_null(journal_open("/nonexistent/kura.db", &e));
	assert_string_equal(e.msg, "/nonexistent/kura.db: job history: unable "
	    "to open database file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_last_knows_success_apart),
		cmocka_unit_test(
		    test_journal_last_passes_over_what_was_cancelled),
		cmocka_unit_test(
		    test_journal_recent_is_newest_first_and_pruned),
		cmocka_unit_test(test_journal_of_one_job),
		cmocka_unit_test(test_journal_paused),
		cmocka_unit_test(test_journal_begins_anew_where_it_is_damaged),
		cmocka_unit_test(test_journal_says_where_it_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
