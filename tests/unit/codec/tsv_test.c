/* SPDX-License-Identifier: Apache-2.0 */
/* tsv_test: every byte survives a row, and no other text is a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "codec/tsv.h"

#define LITERAL(s) s, sizeof(s) - 1

static void
put_is(const char *field, size_t n, const char *want, size_t len)
{
	char *out = malloc(2 * n + 1), *end;

	assert_non_null(out);
	out[2 * n] = 'z';
	end = tsv_put(out, field, n);
	assert_int_equal(end - out, len);
	assert_memory_equal(out, want, len);
	assert_int_equal(out[2 * n], 'z');
	free(out);
}

static void
test_tsv_put_escapes_four_bytes_alone(void **state)
{
	char field[256], *out, *end, *p;
	int i;

	(void)state;
	put_is("", 0, "", 0);
	put_is(LITERAL("plain"), LITERAL("plain"));
	put_is(LITERAL("a\tb\nc\\d\0e"), LITERAL("a\\tb\\nc\\\\d\\0e"));
	put_is(LITERAL("\\N"), LITERAL("\\\\N"));
	put_is(LITERAL("\t\t\t\t\t\t\t\t\t"),
	    LITERAL("\\t\\t\\t\\t\\t\\t\\t\\t\\t"));
	for (i = 0; i < 256; i++)
		field[i] = (char)i;
	out = malloc(512);
	assert_non_null(out);
	end = tsv_put(out, field, 256);
	assert_int_equal(end - out, 260);
	for (i = 0, p = out; i < 256; i++) {
		if (i == 0 || i == '\t' || i == '\n' || i == '\\')
			assert_int_equal(*p++, '\\');
		if (i == 0 || i == '\t' || i == '\n')
			assert_int_equal(*p++, i == 0 ? '0' : i == '\t' ?
			    't' : 'n');
		else
			assert_int_equal((unsigned char)*p++, i);
	}
	free(out);
}

/* Each special byte at each place of a word of eight. */
static void
test_tsv_put_finds_special_bytes_at_every_offset(void **state)
{
	static const char special[4] = { '\t', '\n', '\\', '\0' };
	static const char letter[4] = { 't', 'n', '\\', '0' };
	/* Neighbours that cheap tests for a byte confuse with it. */
	static const unsigned char filler[5] = { 'x', 0x01, 0x80, 0xff, 0x0b };
	char field[24], out[48], *end;
	size_t k, at, n, f, before;

	(void)state;
	for (f = 0; f < sizeof(filler); f++)
		for (k = 0; k < 4; k++)
			for (n = 1; n <= sizeof(field); n++)
				for (at = 0; at < n; at++) {
					memset(field, filler[f], n);
					field[at] = special[k];
					end = tsv_put(out, field, n);
					before = at;
					assert_int_equal(end - out, n + 1);
					assert_memory_equal(out, field,
					    before);
					assert_int_equal(out[at], '\\');
					assert_int_equal(out[at + 1],
					    letter[k]);
					assert_memory_equal(out + at + 2,
					    field + at + 1, n - at - 1);
				}
}

static void
test_tsv_round_trip_of_hard_fields(void **state)
{
	static const struct { const char *data; size_t n; } in[] = {
		{ LITERAL("") }, { NULL, 0 }, { LITERAL("\\N") },
		{ LITERAL("N") }, { LITERAL("\0") },
		{ LITERAL("\xff\xfe\0\t") },
		{ LITERAL("a\tb\\t\n") }, { LITERAL("\\") },
		{ LITERAL("0123456\t9abcde\n") }, { LITERAL("") },
	};
	const size_t count = sizeof(in) / sizeof(in[0]);
	struct tsv_field out[sizeof(in) / sizeof(in[0])];
	char line[400], *p = line;
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < count; i++) {
		if (i > 0)
			*p++ = '\t';
		if (in[i].data == NULL) {
			*p++ = '\\';
			*p++ = 'N';
		} else {
			p = tsv_put(p, in[i].data, in[i].n);
		}
	}
	assert_int_equal(tsv_split(line, (size_t)(p - line), out, count, &e),
	    0);
	for (i = 0; i < count; i++) {
		if (in[i].data == NULL) {
			assert_null(out[i].data);
		} else {
			assert_non_null(out[i].data);
			assert_int_equal(out[i].len, in[i].n);
			assert_memory_equal(out[i].data, in[i].data, in[i].n);
		}
	}
}

static void
test_tsv_round_trip_of_random_rows(void **state)
{
	static const char alphabet[] = "\t\n\\\0N0tn\xff";
	char field[3][40], line[300], *p;
	struct tsv_field out[3];
	struct err e = {0};
	uint32_t x = 7;
	size_t len[3], i, k, round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		p = line;
		for (i = 0; i < 3; i++) {
			x = x * 1664525u + 1013904223u;
			len[i] = (x >> 16) % 40;
			for (k = 0; k < len[i]; k++) {
				x = x * 1664525u + 1013904223u;
				field[i][k] = alphabet[(x >> 16) % 9];
			}
			if (i > 0)
				*p++ = '\t';
			p = tsv_put(p, field[i], len[i]);
		}
		assert_int_equal(tsv_split(line, (size_t)(p - line), out, 3,
		    &e), 0);
		for (i = 0; i < 3; i++) {
			assert_int_equal(out[i].len, len[i]);
			assert_memory_equal(out[i].data, field[i], len[i]);
		}
	}
}

static void
refused(const char *line, size_t n, size_t count, const char *why)
{
	struct tsv_field out[8];
	struct err e = {0};
	char *copy = malloc(n + 1);

	assert_non_null(copy);
	memcpy(copy, line, n);
	copy[n] = '\0';
	assert_int_equal(tsv_split(copy, n, out, count, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, why);
	free(copy);
}

static void
test_tsv_split_refuses_a_wrong_count(void **state)
{
	(void)state;
	refused(LITERAL("a\tb"), 3, "a row has fewer than 3 columns");
	refused(LITERAL(""), 2, "a row has fewer than 2 columns");
	refused(LITERAL("a\tb\t"), 2, "a row has more than 2 columns");
	refused(LITERAL("\t"), 1, "a row has more than 1 columns");
}

static void
test_tsv_split_refuses_unknown_escapes(void **state)
{
	(void)state;
	refused(LITERAL("a\t\\x"), 2, "column 2 of a row: unknown escape");
	refused(LITERAL("a\\"), 1, "column 1 of a row: unknown escape");
	refused(LITERAL("a\\\tb"), 2, "column 1 of a row: unknown escape");
	/* NULL is a whole field, never a part of one. */
	refused(LITERAL("\\Nx"), 1, "column 1 of a row: unknown escape");
	refused(LITERAL("x\\N"), 1, "column 1 of a row: unknown escape");
	refused(LITERAL("\\n\\N"), 1, "column 1 of a row: unknown escape");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tsv_put_escapes_four_bytes_alone),
		cmocka_unit_test(
		    test_tsv_put_finds_special_bytes_at_every_offset),
		cmocka_unit_test(test_tsv_round_trip_of_hard_fields),
		cmocka_unit_test(test_tsv_round_trip_of_random_rows),
		cmocka_unit_test(test_tsv_split_refuses_a_wrong_count),
		cmocka_unit_test(test_tsv_split_refuses_unknown_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
