/* SPDX-License-Identifier: Apache-2.0 */
/* spool_recover_test: what a dead archiver left goes to the store. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/spool_recover.h"
#include "backupd/stored.h"
#include "backupd/tail.h"
#include "backupd/upload.h"
#include "tests/unit/backupd/spool_fixture.h"

static void
begin_history(void)
{
	static char flavour[] = "mysql", file[] = "binlog.000001";
	struct history h = { .id = ID, .flavour = flavour,
	    .first_file = file };
	struct err e = {0};

	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
}

/* Store bytes of the file as spool_add makes them, plus wrong. */
static void
store(uint64_t start, size_t n, int wrong)
{
	struct tail_memory m = { .limit = 1000 };
	struct tail t = { .memory = &m };
	struct tail_cut cut;
	struct err e = {0};
	size_t i;
	char c;

	tail_begin(&t, 1, start);
	for (i = 0; i < n; i++) {
		c = (char)((start + i) % 251 + (uint64_t)wrong);
		assert_int_equal(tail_add(&t, &c, 1), 1);
	}
	fixture_ok(tail_cut(&t, start + n, &cut, &e), &e);
	fixture_ok(upload_cut(fixture_store, "a", ID, &cut, &e), &e);
	tail_cut_free(&m, &cut);
}

static int
expect(void *arg, const void *data, size_t n, struct err *e)
{
	uint64_t *at = arg;
	const uint8_t *p = data;
	size_t i;

	(void)e;
	for (i = 0; i < n; i++, ++*at)
		assert_int_equal(p[i], *at % 251);
	return 0;
}

/* The store holds this much of file 1, without a hole, and its segments have
 * index lines. */
static void
holds(uint64_t want, size_t lines)
{
	struct segment *list;
	struct stored s = { .store = fixture_store, .source = "a",
	    .history = ID };
	struct buf text = {0};
	struct err e = {0};
	uint64_t end, at = 0;
	size_t n, i, k, found = 0;

	fixture_ok(segments_list(fixture_store, "a", ID, 1, &list, &n, &e),
	    &e);
	s.segments = list;
	s.n = segments_cover(list, n, 0, &end);
	assert_int_equal(end, want);
	fixture_ok(stored_read(&s, 0, expect, &at, &e), &e);
	assert_int_equal(at, want);
	for (i = 0; i < s.n; i++) {
		fixture_ok(segment_index_read(fixture_store, "a", ID,
		    &list[i], &text, &e), &e);
		for (k = 0; k < text.len; k++)
			found += text.data[k] == '\n';
	}
	assert_int_equal(found, lines);
	buf_free(&text);
	free(list);
}

static void
recover(struct spool *s)
{
	struct err e = {0};

	fixture_ok(spool_recover(s, fixture_store, "a", &e), &e);
	assert_int_equal(spool_size(s), 0);
	spool_close(s);
}

static bool
is_aside(uint64_t start)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/id/a/aside/" ID
	    "-00000001-%020llu.spool", spool_dir, (unsigned long long)start);
	return access(path, R_OK) == 0;
}

static void
test_spool_recover_stores_what_is_missing(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);

	(void)state;
	begin_history();
	store(0, 120, 0);
	(void)spool_put(s, ID, 1, 100, 10, true);
	(void)spool_put(s, ID, 1, 110, 30, true);
	(void)spool_put(s, ID, 1, 140, 30, true);
	(void)spool_put(s, ID, 1, 170, 30, false);	/* torn */
	spool_close(s);
	recover(spool_of(UINT64_MAX));
	holds(170, 2);
	/* Once more, and there is nothing to do. */
	recover(spool_of(UINT64_MAX));
	holds(170, 2);
}

static void
test_spool_recover_in_segments_between_transactions(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);
	size_t five = (size_t)5 << 20;

	(void)state;
	begin_history();
	(void)spool_put(s, ID, 1, 0, five, true);
	(void)spool_put(s, ID, 1, five, five, true);
	(void)spool_put(s, ID, 1, 2 * five, five, true);
	recover(s);
	holds(3 * five, 3);
}

static void
test_spool_recover_puts_aside_what_differs(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);

	(void)state;
	begin_history();
	store(0, 100, 0);
	store(100, 20, 1);
	(void)spool_put(s, ID, 1, 90, 60, true);
	recover(s);
	assert_true(is_aside(90));
}

static void
test_spool_recover_puts_aside_what_follows_a_hole(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);

	(void)state;
	begin_history();
	store(0, 100, 0);
	(void)spool_put(s, ID, 1, 101, 60, true);
	recover(s);
	holds(100, 0);
	assert_true(is_aside(101));
}

static void
test_spool_recover_puts_aside_what_has_no_history(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);

	(void)state;
	(void)spool_put(s, ID, 1, 0, 60, true);
	recover(s);
	assert_true(is_aside(0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_spool_recover_stores_what_is_missing),
		TEST(test_spool_recover_in_segments_between_transactions),
		TEST(test_spool_recover_puts_aside_what_differs),
		TEST(test_spool_recover_puts_aside_what_follows_a_hole),
		TEST(test_spool_recover_puts_aside_what_has_no_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
