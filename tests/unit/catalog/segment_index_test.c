/* SPDX-License-Identifier: Apache-2.0 */
/* segment_index_test: an index is found at a segment's end, or not believed. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/segment.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"

#define LINE(offset) "{\"time\":\"2026-11-22T18:15:00.123456Z\",\"offset\":"  \
    #offset ",\"size\":10,\"kind\":\"rows\"}\n"
#define INDEX	"sources/a/index/" ID "-00000007.ndjson.zst"

static const char payload[] = "bytes of a binary log";

/* A live segment: bytes, and an index of these lines. */
static struct segment
put_segment(const struct buf *lines)
{
	struct segment g = { .seq = 7, .start = 0, .end = sizeof(payload) };
	char key[STORE_KEY_MAX];
	struct buf object = {0};
	struct err e = {0};

	fixture_ok(frame_compress(payload, sizeof(payload), 1, &object, &e),
	    &e);
	fixture_ok(segment_index_write(lines, &object, &e), &e);
	segment_key("a", ID, g.seq, g.start, g.end, key);
	fixture_put(key, object.data, object.len);
	g.size = object.len;
	buf_free(&object);
	return g;
}

static void
reads(const struct buf *lines)
{
	struct segment g = put_segment(lines);
	char key[STORE_KEY_MAX];
	struct buf back = {0}, object = {0}, plain = {0};
	struct err e = {0};

	buf_adds(&back, "old");
	fixture_ok(segment_index_read(fixture_store, "a", ID, &g, &back, &e),
	    &e);
	assert_int_equal(back.len, lines->len);
	if (lines->len > 0)
		assert_memory_equal(back.data, lines->data, lines->len);
	/* and a decompressor sees nothing of it */
	segment_key("a", ID, g.seq, g.start, g.end, key);
	fixture_ok(store_get(fixture_store, key, g.size, &object, &e), &e);
	fixture_ok(frame_decompress(object.data, object.len, &plain, &e),
	    &e);
	assert_int_equal(plain.len, sizeof(payload));
	assert_memory_equal(plain.data, payload, sizeof(payload));
	buf_free(&back);
	buf_free(&object);
	buf_free(&plain);
}

static void
test_index_of_a_segment(void **state)
{
	struct buf lines = {0};
	unsigned i;

	(void)state;
	reads(&lines);
	buf_adds(&lines, LINE(4) LINE(14));
	reads(&lines);
	/* more than one request fetches: digits that do not compress */
	for (i = 0; lines.len < 400000; i++)
		buf_addf(&lines, "%08x%08x%08x\n", i * 2654435761u,
		    i * 2246822519u ^ i, ~i * 3266489917u);
	reads(&lines);
	buf_free(&lines);
}

static void
refuses(void *data, size_t n, const char *why)
{
	struct buf lines = {0};
	struct err e = {0};
	void *copy = malloc(n > 0 ? n : 1);

	memcpy(copy, data, n);
	fixture_failed(segment_index_parse(copy, n, &lines, &e), &e,
	    ERR_CORRUPT, why);
	buf_free(&lines);
	free(copy);
}

static void
test_index_refuses_damage(void **state)
{
	struct buf frame = {0}, lines = {0}, back = {0};
	struct err e = {0};
	size_t i, n;

	(void)state;
	buf_adds(&lines, LINE(4));
	fixture_ok(segment_index_write(&lines, &frame, &e), &e);
	n = frame.len;
	for (i = 0; i < n; i++) {
		/* the zstd frame's own header has bits that mean nothing */
		frame.data[i] ^= 1;
		e = (struct err){0};
		if (segment_index_parse(frame.data, n, &back, &e) == 0)
			assert_string_equal(buf_str(&back), buf_str(&lines));
		frame.data[i] ^= 1;
	}
	refuses(frame.data, 15, "the segment ends without its index");
	refuses(frame.data, n - 1, "the segment ends without its index");
	refuses(frame.data + 1, n - 1, "the index is no skippable frame");
	frame.data[0] ^= 1;
	refuses(frame.data, n, "the index is no skippable frame");
	frame.data[0] ^= 1;
	frame.data[4] ^= 1;
	refuses(frame.data, n, "the index is no skippable frame");
	frame.data[4] ^= 1;
	frame.data[n - 17] ^= 1;
	refuses(frame.data, n, "index: damaged zstd data: Restored data "
	    "doesn't match checksum");
	frame.data[n - 17] ^= 1;
	memset(frame.data + n - 16, 0x7f, 8);
	refuses(frame.data, n, "index of 9187201950435737471 bytes");
	buf_clear(&lines);
	buf_clear(&frame);
	buf_adds(&lines, "no end");
	e = (struct err){0};
	fixture_ok(segment_index_write(&lines, &frame, &e), &e);
	refuses(frame.data, frame.len, "index: the last line has no end");
	buf_free(&frame);
	buf_free(&lines);
	buf_free(&back);
}

/* A small object that would fill any memory. */
static void
test_index_refuses_a_bomb(void **state)
{
	struct buf frame = {0}, lines = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	lines.len = SEGMENT_INDEX_MAX + 1;
	fixture_failed(segment_index_write(&lines, &frame, &e), &e, ERR_IO,
	    "index of over 67108864 bytes");
	lines.len = 0;
	/* so it is made by hand: the frame of 65 MiB of LF */
	for (i = 0; i < (size_t)65 << 20; i++)
		buf_addc(&lines, '\n');
	buf_add(&frame, "\x50\x2a\x4d\x18\0\0\0\0", 8);
	fixture_ok(frame_compress(lines.data, lines.len, 1, &frame, &e), &e);
	i = frame.len - 8;
	for (lines.len = 0; lines.len < 8; i >>= 8)
		lines.data[lines.len++] = (char)(i & 0xff);
	buf_add(&frame, lines.data, 8);
	buf_adds(&frame, "kuraidx1");
	for (i = 0; i < 4; i++)
		frame.data[4 + i] = (char)((frame.len - 8) >> (8 * i) & 0xff);
	refuses(frame.data, frame.len, "index: decompressed data is larger "
	    "than allowed");
	buf_free(&frame);
	buf_free(&lines);
}

static void
test_index_of_a_segment_that_has_none(void **state)
{
	struct segment g = { .seq = 7, .start = 0, .end = 30, .size = 30 };
	struct buf lines = {0};
	struct err e = {0};
	char key[STORE_KEY_MAX], why[STORE_KEY_MAX + 160];

	(void)state;
	segment_key("a", ID, 7, 0, 30, key);
	fixture_put(key, "123456789012345678901234567890", 30);
	(void)snprintf(why, sizeof(why), "file://%s/%s: the segment ends "
	    "without its index", fixture_root, key);
	fixture_failed(segment_index_read(fixture_store, "a", ID, &g, &lines,
	    &e), &e, ERR_CORRUPT, why);
	fixture_put(key, "12345678901234\x40\0\0\0\0\0\0\0kuraidx1", 30);
	(void)snprintf(why, sizeof(why), "file://%s/%s: the index is larger "
	    "than the segment", fixture_root, key);
	fixture_failed(segment_index_read(fixture_store, "a", ID, &g, &lines,
	    &e), &e, ERR_CORRUPT, why);
	buf_free(&lines);
}

/* --- of a finished file --- */

static void
put_index(const char *lines)
{
	struct buf object = {0};
	struct err e = {0};

	fixture_ok(frame_compress(lines, strlen(lines), 1, &object, &e), &e);
	fixture_put(INDEX, object.data, object.len);
	buf_free(&object);
}

static int
note(void *arg, const struct transaction *t, struct err *e)
{
	buf_addf(arg, "%u ", (unsigned)t->offset);
	if (t->offset == 24)
		return 1;
	return t->offset != 44 ? 0 : err_set(e, ERR_BUSY, 0, "enough");
}

static void
each_is(int want, const char *offsets, enum err_code code, const char *why)
{
	struct buf got = {0};
	struct err e = {0};

	assert_int_equal(index_each(fixture_store, "a", ID, 7, note, &got,
	    &e), want);
	assert_string_equal(buf_str(&got), offsets);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	buf_free(&got);
}

static void
test_index_of_a_file(void **state)
{
	char why[300];

	(void)state;
	(void)snprintf(why, sizeof(why), "file://%s/" INDEX ": open: "
	    "No such file or directory", fixture_root);
	each_is(-1, "", ERR_CORRUPT, why);
	put_index("");
	each_is(0, "", ERR_NONE, "");
	put_index(LINE(4) LINE(14));
	each_is(0, "4 14 ", ERR_NONE, "");
	put_index(LINE(4) LINE(24) LINE(34));
	each_is(1, "4 24 ", ERR_NONE, "");
	put_index(LINE(4) LINE(44) LINE(54));
	each_is(-1, "4 44 ", ERR_BUSY, "enough");
	put_index(LINE(4) LINE(13));
	(void)snprintf(why, sizeof(why), "file://%s/" INDEX ": line 2: the "
	    "transaction begins inside the one before", fixture_root);
	each_is(-1, "4 ", ERR_CORRUPT, why);
	put_index(LINE(4) "{}\n");
	(void)snprintf(why, sizeof(why), "file://%s/" INDEX ": line 2: member "
	    "'time' is missing or not what it must be", fixture_root);
	each_is(-1, "4 ", ERR_CORRUPT, why);
	put_index(LINE(4) "{}");
	(void)snprintf(why, sizeof(why), "file://%s/" INDEX ": the last line "
	    "has no end", fixture_root);
	each_is(-1, "4 ", ERR_CORRUPT, why);
	put_index(LINE(4));
	fixture_damage(INDEX, -1);
	(void)snprintf(why, sizeof(why), "file://%s/" INDEX ": damaged zstd "
	    "data: Restored data doesn't match checksum", fixture_root);
	each_is(-1, "", ERR_CORRUPT, why);
}

static void
test_index_lines_in_memory(void **state)
{
	struct buf lines = {0}, got = {0};
	struct err e = {0};

	(void)state;
	buf_adds(&lines, LINE(4) LINE(14) LINE(24) LINE(34));
	assert_int_equal(index_lines(&lines, note, &got, &e), 1);
	assert_string_equal(buf_str(&got), "4 14 24 ");
	buf_clear(&lines);
	assert_int_equal(index_lines(&lines, note, &got, &e), 0);
	buf_adds(&lines, LINE(34));
	lines.len--;
	fixture_failed(index_lines(&lines, note, &got, &e), &e, ERR_CORRUPT,
	    "the last line has no end");
	buf_free(&lines);
	buf_free(&got);
}

static void
test_index_of_another_segment(void **state)
{
	const struct segment g = { .seq = 7, .start = 14, .end = 34 };
	struct buf lines = {0}, got = {0};
	char key[STORE_KEY_MAX], why[STORE_KEY_MAX + 160];
	struct err e = {0};

	(void)state;
	segment_key("a", ID, 7, 14, 34, key);
	buf_adds(&lines, LINE(14) LINE(24));
	assert_int_equal(segment_index_each(fixture_store, "a", ID, &g,
	    &lines, note, &got, &e), 1);
	assert_string_equal(buf_str(&got), "14 24 ");
	buf_clear(&lines);
	buf_adds(&lines, LINE(4));
	(void)snprintf(why, sizeof(why), "file://%s/%s: a transaction ends at "
	    "14: the index is another segment's", fixture_root, key);
	fixture_failed(segment_index_each(fixture_store, "a", ID, &g, &lines,
	    note, &got, &e), &e, ERR_CORRUPT, why);
	buf_clear(&lines);
	buf_adds(&lines, LINE(25));
	(void)snprintf(why, sizeof(why), "file://%s/%s: a transaction ends at "
	    "35: the index is another segment's", fixture_root, key);
	fixture_failed(segment_index_each(fixture_store, "a", ID, &g, &lines,
	    note, &got, &e), &e, ERR_CORRUPT, why);
	buf_free(&lines);
	buf_free(&got);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_index_of_a_segment),
		cmocka_unit_test(test_index_refuses_damage),
		cmocka_unit_test(test_index_refuses_a_bomb),
		IN_STORE(test_index_of_a_segment_that_has_none),
		IN_STORE(test_index_of_a_file),
		cmocka_unit_test(test_index_lines_in_memory),
		IN_STORE(test_index_of_another_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
