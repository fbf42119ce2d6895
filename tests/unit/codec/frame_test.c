/* SPDX-License-Identifier: Apache-2.0 */
/* frame_test: what was written comes back, and damage never passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/frame.h"

#define KIB ((size_t)1 << 10)

/* Bytes that repeat enough to shrink, and differ enough to be told apart. */
static char *
sample(size_t n)
{
	char *data = malloc(n + 1);
	uint32_t x = 1;
	size_t i;

	assert_non_null(data);
	for (i = 0; i < n; i++) {
		if (i % 7 == 0)
			x = x * 1664525u + 1013904223u;
		data[i] = (char)(x >> 24);
	}
	return data;
}

static int
to_buf(void *arg, const void *data, size_t n, struct err *e)
{
	(void)e;
	buf_add(arg, data, n);
	return 0;
}

static int
refuse(void *arg, const void *data, size_t n, struct err *e)
{
	(void)arg;
	(void)data;
	(void)n;
	return err_set(e, ERR_IO, 0, "sink is full");
}

static void
packed(const void *data, size_t n, struct buf *out)
{
	struct err e = {0};

	assert_int_equal(frame_compress(data, n, 3, out, &e), 0);
}

/* Read stored bytes in pieces of step bytes; what reader_end says. */
static int
unpack(const struct buf *in, size_t step, struct buf *out, struct err *e)
{
	struct frame_reader *r = frame_reader_new(e);
	size_t at, n;
	int rc = 0;

	assert_non_null(r);
	frame_reader_begin(r, to_buf, out);
	for (at = 0; at < in->len && rc == 0; at += n) {
		n = in->len - at < step ? in->len - at : step;
		rc = frame_read(r, in->data + at, n, e);
	}
	if (rc == 0)
		rc = frame_reader_end(r, e);
	frame_reader_free(r);
	return rc;
}

static void
test_frame_round_trip_of_every_size(void **state)
{
	/* Around zstd's block of 128 KiB, where buffers are just full. */
	static const size_t sizes[] = { 0, 1, 100, 128 * KIB - 1, 128 * KIB,
		128 * KIB + 1, 256 * KIB, 384 * KIB, 1000 * KIB };
	struct buf stored = {0}, plain = {0};
	struct err e = {0};
	char *data;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		data = sample(sizes[i]);
		buf_clear(&stored);
		buf_clear(&plain);
		packed(data, sizes[i], &stored);
		if (frame_decompress(stored.data, stored.len, &plain, &e) != 0)
			fail_msg("%zu bytes: %s", sizes[i], e.msg);
		assert_int_equal(plain.len, sizes[i]);
		assert_memory_equal(buf_str(&plain), data, sizes[i]);
		free(data);
	}
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_reads_pieces_of_any_size(void **state)
{
	static const size_t steps[] = { 1, 3, 4, 5, 17, 4096, 1000000 };
	const size_t n = 256 * KIB;
	struct buf stored = {0}, plain = {0};
	struct err e = {0};
	char *data = sample(n);
	size_t i;

	(void)state;
	packed(data, n, &stored);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		buf_clear(&plain);
		assert_int_equal(unpack(&stored, steps[i], &plain, &e), 0);
		assert_int_equal(plain.len, n);
		assert_memory_equal(plain.data, data, n);
	}
	free(data);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_written_in_pieces_is_one_frame_with_checksum(void **state)
{
	struct frame_writer *w;
	struct buf stored = {0}, plain = {0};
	struct err e = {0};
	char *data = sample(300 * KIB);
	size_t at;
	int round;

	(void)state;
	w = frame_writer_new(3, &e);
	assert_non_null(w);
	/* Twice: a writer is used for any number of frames. */
	for (round = 0; round < 2; round++) {
		buf_clear(&stored);
		buf_clear(&plain);
		frame_writer_begin(w, to_buf, &stored);
		for (at = 0; at < 300 * KIB; at += KIB)
			assert_int_equal(frame_write(w, data + at, KIB, &e),
			    0);
		assert_int_equal(frame_writer_end(w, &e), 0);
		assert_int_equal(ZSTD_findFrameCompressedSize(stored.data,
		    stored.len), stored.len);
		/* Bit 2 of the descriptor: content checksum. */
		assert_int_equal(stored.data[4] & 4, 4);
		assert_int_equal(unpack(&stored, 1000, &plain, &e), 0);
		assert_int_equal(plain.len, 300 * KIB);
		assert_memory_equal(plain.data, data, 300 * KIB);
	}
	frame_writer_free(w);
	free(data);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_cut_short_anywhere_is_corrupt(void **state)
{
	struct buf stored = {0}, plain = {0}, cut;
	struct err e;
	char *data = sample(2000);

	(void)state;
	packed(data, 2000, &stored);
	for (cut = stored; cut.len > 0; ) {
		cut.len--;
		e = (struct err){0};
		buf_clear(&plain);
		assert_int_equal(unpack(&cut, 100, &plain, &e), -1);
		assert_int_equal(e.code, ERR_CORRUPT);
		assert_string_equal(e.msg, "damaged zstd data: cut short");
	}
	free(data);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_flipped_bit_never_gives_other_bytes(void **state)
{
	struct buf stored = {0}, plain = {0};
	struct err e;
	char *data = sample(500);
	size_t i, found = 0;
	int bit, rc;

	(void)state;
	packed(data, 500, &stored);
	for (i = 0; i < stored.len; i++)
		for (bit = 0; bit < 8; bit++) {
			e = (struct err){0};
			buf_clear(&plain);
			stored.data[i] = (char)(stored.data[i] ^ 1 << bit);
			rc = frame_decompress(stored.data, stored.len, &plain,
			    &e);
			stored.data[i] = (char)(stored.data[i] ^ 1 << bit);
			if (rc == 0) {
				/* A bit that means nothing may be flipped. */
				assert_int_equal(plain.len, 500);
				assert_memory_equal(plain.data, data, 500);
				continue;
			}
			found++;
			assert_int_equal(e.code, ERR_CORRUPT);
			assert_memory_equal(e.msg, "damaged zstd data: ", 19);
		}
	assert_true(found > stored.len * 8 * 9 / 10);
	free(data);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_wrong_checksum_is_named(void **state)
{
	struct buf stored = {0}, plain = {0};
	struct err e = {0};

	(void)state;
	packed("abc", 3, &stored);
	stored.data[stored.len - 1] ^= 1;
	assert_int_equal(frame_decompress(stored.data, stored.len, &plain,
	    &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "damaged zstd data: Restored data doesn't "
	    "match checksum");
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_nothing_and_garbage_are_corrupt(void **state)
{
	struct buf plain = {0}, in = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(frame_decompress("", 0, &plain, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "damaged zstd data: cut short");
	e = (struct err){0};
	assert_int_equal(frame_decompress("hello, world", 12, &plain, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "damaged zstd data: Unknown frame "
	    "descriptor");
	e = (struct err){0};
	packed("abc", 3, &in);
	buf_adds(&in, "trailing bytes");
	assert_int_equal(unpack(&in, 1000, &plain, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "damaged zstd data: Unknown frame "
	    "descriptor");
	buf_free(&in);
	buf_free(&plain);
}

static void
test_frame_reads_frames_in_a_row_and_skips_skippable(void **state)
{
	static const char skippable[] = "\x50\x2a\x4d\x18\x05\0\0\0index";
	struct buf stored = {0}, plain = {0};
	struct err e = {0};
	size_t step;

	(void)state;
	packed("one ", 4, &stored);
	buf_add(&stored, skippable, sizeof(skippable) - 1);
	packed("two", 3, &stored);
	buf_add(&stored, skippable, sizeof(skippable) - 1);
	for (step = 1; step < 100; step += 7) {
		buf_clear(&plain);
		assert_int_equal(unpack(&stored, step, &plain, &e), 0);
		assert_string_equal(buf_str(&plain), "one two");
	}
	stored.len--;
	assert_int_equal(unpack(&stored, 100, &plain, &e), -1);
	assert_string_equal(e.msg, "damaged zstd data: cut short");
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_refuses_a_window_over_its_limit(void **state)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	struct buf stored = {0}, plain = {0};
	struct err e = {0};
	ZSTD_outBuffer out;
	ZSTD_inBuffer in = { "abc", 3, 0 };

	(void)state;
	assert_non_null(ctx);
	assert_int_equal(buf_reserve(&stored, 1000), 0);
	out = (ZSTD_outBuffer){ stored.data, 1000, 0 };
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, 24);
	/* Flushed first: the writer cannot know that so little comes. */
	(void)ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_flush);
	assert_int_equal(ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_end), 0);
	stored.len = out.pos;
	assert_int_equal(unpack(&stored, 1000, &plain, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "damaged zstd data: Frame requires too "
	    "much memory for decoding");
	(void)ZSTD_freeCCtx(ctx);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_of_every_level_is_read_again(void **state)
{
	struct buf stored = {0}, plain = {0};
	struct err e = {0};
	char *data = sample(5000);
	int level;

	(void)state;
	for (level = 1; level <= 19; level++) {
		buf_clear(&stored);
		buf_clear(&plain);
		assert_int_equal(frame_compress(data, 5000, level, &stored,
		    &e), 0);
		assert_int_equal(unpack(&stored, 999, &plain, &e), 0);
		assert_memory_equal(plain.data, data, 5000);
	}
	free(data);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_bomb_stops_at_the_ceiling(void **state)
{
	struct buf stored = {0}, plain;
	struct err e = {0};
	char *data = calloc(1, 10000 * KIB);

	(void)state;
	assert_non_null(data);
	packed(data, 10000 * KIB, &stored);
	assert_true(stored.len < 10 * KIB);
	buf_init(&plain, 1000 * KIB);
	assert_int_equal(frame_decompress(stored.data, stored.len, &plain,
	    &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "decompressed data is larger than "
	    "allowed");
	assert_true(plain.cap <= 1000 * KIB + 1);
	free(data);
	buf_free(&stored);
	buf_free(&plain);
}

static void
test_frame_passes_the_sinks_failure_on(void **state)
{
	struct frame_writer *w;
	struct frame_reader *r;
	struct buf stored = {0};
	struct err e = {0};

	(void)state;
	w = frame_writer_new(3, &e);
	r = frame_reader_new(&e);
	assert_non_null(w);
	assert_non_null(r);
	frame_writer_begin(w, refuse, NULL);
	assert_int_equal(frame_write(w, "abc", 3, &e), 0);
	assert_int_equal(frame_writer_end(w, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "sink is full");
	/* The next frame is not touched by the one that failed. */
	e = (struct err){0};
	frame_writer_begin(w, to_buf, &stored);
	assert_int_equal(frame_write(w, "xyz", 3, &e), 0);
	assert_int_equal(frame_writer_end(w, &e), 0);
	frame_reader_begin(r, refuse, NULL);
	assert_int_equal(frame_read(r, stored.data, stored.len, &e), -1);
	assert_string_equal(e.msg, "sink is full");
	frame_writer_free(w);
	frame_reader_free(r);
	frame_writer_free(NULL);
	frame_reader_free(NULL);
	buf_free(&stored);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_round_trip_of_every_size),
		cmocka_unit_test(test_frame_reads_pieces_of_any_size),
		cmocka_unit_test(
		    test_frame_written_in_pieces_is_one_frame_with_checksum),
		cmocka_unit_test(test_frame_cut_short_anywhere_is_corrupt),
		cmocka_unit_test(
		    test_frame_flipped_bit_never_gives_other_bytes),
		cmocka_unit_test(test_frame_wrong_checksum_is_named),
		cmocka_unit_test(test_frame_nothing_and_garbage_are_corrupt),
		cmocka_unit_test(
		    test_frame_reads_frames_in_a_row_and_skips_skippable),
		cmocka_unit_test(test_frame_refuses_a_window_over_its_limit),
		cmocka_unit_test(test_frame_of_every_level_is_read_again),
		cmocka_unit_test(test_frame_bomb_stops_at_the_ceiling),
		cmocka_unit_test(test_frame_passes_the_sinks_failure_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
