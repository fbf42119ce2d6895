/* SPDX-License-Identifier: Apache-2.0 */
/* segment_test: which bytes there are, by the names of objects alone. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/segment.h"
#include "tests/unit/catalog/fixture.h"

#define FOLDER	"sources/a/binlog/" ID "/"

static void
put(uint32_t seq, uint64_t start, uint64_t end)
{
	char key[STORE_KEY_MAX];

	segment_key("a", ID, seq, start, end, key);
	fixture_put(key, "12345", 5);
}

static void
test_segment_names(void **state)
{
	char key[STORE_KEY_MAX];
	struct err e = {0};
	struct segment g;

	(void)state;
	segment_key("a", ID, 42, 4, 8388612, key);
	assert_string_equal(key, FOLDER "00000042/00000000000000000004-"
	    "00000000000008388612.zst");
	fixture_ok(segment_name_parse(key + strlen(FOLDER), &g, &e), &e);
	assert_int_equal(g.seq, 42);
	assert_int_equal(g.start, 4);
	assert_int_equal(g.end, 8388612);
}

static void
test_segment_refuses_other_names(void **state)
{
	static const char *const names[] = { "", "x", "00000001",
		"00000001/", "00000001/00000000000000000000",
		/* nothing in it, backwards, no file */
		"00000001/00000000000000000007-00000000000000000007.zst",
		"00000001/00000000000000000008-00000000000000000007.zst",
		"00000000/00000000000000000000-00000000000000000007.zst",
		/* wrong lengths and letters */
		"0000001/00000000000000000000-00000000000000000007.zst",
		"000000001/00000000000000000000-00000000000000000007.zst",
		"00000001/0000000000000000000-00000000000000000007.zst",
		"00000001/00000000000000000000-0000000000000000007.zst",
		"00000001/0000000000000000000x-00000000000000000007.zst",
		"00000001/-0000000000000000000-00000000000000000007.zst",
		"00000001/00000000000000000000-00000000000000000007",
		"00000001/00000000000000000000-00000000000000000007.zstd",
		/* over 63 bits */
		"00000001/00000000000000000000-99999999999999999999.zst",
		"00000001/00000000000000000000-09223372036854775808.zst" };
	struct err e = {0};
	struct segment g;
	char why[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(why, sizeof(why), "'%s' is no name of a "
		    "segment", names[i]);
		fixture_failed(segment_name_parse(names[i], &g, &e), &e,
		    ERR_CORRUPT, why);
	}
	fixture_failed(segment_name_parse("00000001/00000000000000000000-"
	    "00000000000000000007.zst.age", &g, &e), &e, ERR_USAGE,
	    "segment '00000001/00000000000000000000-00000000000000000007.zst."
	    "age' is encrypted: it needs a newer Kura");
}

static void
test_segments_listed_in_order(void **state)
{
	struct segment *list;
	struct err e = {0};
	size_t n;

	(void)state;
	put(2, 0, 10);
	put(1, 0, 10);
	put(1, 10, 20);
	put(1, 0, 20);
	put(10, 0, 5);
	fixture_ok(segments_list(fixture_store, "a", ID, 1, &list, &n, &e),
	    &e);
	assert_int_equal(n, 5);
	assert_true(list[0].seq == 1 && list[0].start == 0 &&
	    list[0].end == 20 && list[0].size == 5);
	assert_true(list[1].start == 0 && list[1].end == 10);
	assert_true(list[2].start == 10 && list[2].end == 20);
	assert_int_equal(list[3].seq, 2);
	assert_int_equal(list[4].seq, 10);
	free(list);
	fixture_ok(segments_list(fixture_store, "a", ID, 2, &list, &n, &e),
	    &e);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].seq, 2);
	free(list);
	fixture_ok(segments_list(fixture_store, "a", ID, 11, &list, &n, &e),
	    &e);
	assert_int_equal(n, 0);
	assert_null(list);
	fixture_ok(segments_list(fixture_store, "a", LATER, 1, &list, &n,
	    &e), &e);
	assert_int_equal(n, 0);
}

static void
test_segments_listed_with_a_stranger(void **state)
{
	struct segment *list;
	struct err e = {0};
	char why[200];
	size_t n;

	(void)state;
	put(1, 0, 10);
	fixture_put(FOLDER "00000001/x", "", 0);
	(void)snprintf(why, sizeof(why), "file://%s: '00000001/x' is no name "
	    "of a segment", fixture_root);
	fixture_failed(segments_list(fixture_store, "a", ID, 1, &list, &n,
	    &e), &e, ERR_CORRUPT, why);
	assert_null(list);
}

/* Digits in pairs: start and end; from; what is left; how far it goes. */
static void
covers(const char *segments, uint64_t from, const char *want, uint64_t end)
{
	struct segment list[20];
	struct buf got = {0};
	size_t n = strlen(segments) / 2, i, used;
	uint64_t reached;

	for (i = 0; i < n; i++)
		list[i] = (struct segment){ .seq = 1,
		    .start = (uint64_t)(segments[2 * i] - '0'),
		    .end = (uint64_t)(segments[2 * i + 1] - '0') };
	used = segments_cover(list, n, from, &reached);
	for (i = 0; i < used; i++)
		buf_addf(&got, "%u%u", (unsigned)list[i].start,
		    (unsigned)list[i].end);
	assert_string_equal(buf_str(&got), want);
	assert_int_equal(reached, end);
	buf_free(&got);
}

static void
test_segments_cover(void **state)
{
	(void)state;
	covers("", 0, "", 0);
	covers("03", 0, "03", 3);
	covers("033669", 0, "033669", 9);
	/* a hole */
	covers("0349", 0, "03", 3);
	covers("19", 0, "", 0);
	/* from the middle: what ends before is not wanted */
	covers("033669", 4, "3669", 9);
	covers("033669", 3, "3669", 9);
	covers("03", 3, "", 3);
	covers("03", 7, "", 7);
	/* the longest from an offset counts, and of those that overlap the
	 * fewest do */
	covers("090336", 0, "09", 9);
	covers("0325", 0, "0325", 5);
	covers("051436", 0, "0536", 6);
	covers("04122859", 0, "042859", 9);
	covers("0412283849", 0, "0449", 9);
	covers("0215263748", 0, "022648", 8);
}

static void
test_segments_cover_leaves_large_ones_out(void **state)
{
	struct segment list[] = {
		{ .seq = 1, .start = 0, .end = SEGMENT_LIVE + 1 },
		{ .seq = 1, .start = 0, .end = SEGMENT_LIVE },
		{ .seq = 1, .start = SEGMENT_LIVE, .end = SEGMENT_LIVE + 1 },
	};
	uint64_t end;

	(void)state;
	assert_int_equal(segments_cover(list, 3, 0, &end), 2);
	assert_int_equal(end, SEGMENT_LIVE + 1);
	assert_int_equal(list[0].end, SEGMENT_LIVE);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_names),
		cmocka_unit_test(test_segment_refuses_other_names),
		IN_STORE(test_segments_listed_in_order),
		IN_STORE(test_segments_listed_with_a_stranger),
		cmocka_unit_test(test_segments_cover),
		cmocka_unit_test(test_segments_cover_leaves_large_ones_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
