/* SPDX-License-Identifier: Apache-2.0 */
/* gtid_test: GTIDs and sets of them, as both vendors write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/gtid.h"

#define A "860aca96-e841-11f1-af05-02fc00000001"
#define B "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define LAST "9223372036854775806"	/* the highest number */

static struct gtid_set *
set_of(enum flavour_kind kind, const char *text)
{
	struct err e = {0};
	struct gtid_set *s = gtid_set_new(kind, &e);

	assert_non_null(s);
	assert_int_equal(gtid_set_parse(s, text, &e), 0);
	return s;
}

static void
assert_text(const struct gtid_set *s, const char *text)
{
	struct buf out = {0};

	gtid_set_text(s, &out);
	assert_string_equal(buf_str(&out), text);
	buf_free(&out);
}

static void
check_text(enum flavour_kind kind, const char *in, const char *out)
{
	struct gtid_set *s = set_of(kind, in), *back;

	assert_text(s, out);
	back = set_of(kind, out);
	assert_true(gtid_set_equal(s, back));
	gtid_set_free(back);
	gtid_set_free(s);
}

static void
test_gtid_parse_and_text(void **state)
{
	static const struct {
		enum flavour_kind kind;
		const char *text;
	} good[] = {
		{ FLAVOUR_MYSQL, A ":1" }, { FLAVOUR_MYSQL, A ":" LAST },
		{ FLAVOUR_MYSQL, A ":backup_1:7" },
		{ FLAVOUR_MYSQL, A ":_2345678901234567890123456789012:"
		    LAST },
		{ FLAVOUR_MARIADB, "0-101-7" },
		{ FLAVOUR_MARIADB, "4294967295-4294967295-"
		    "18446744073709551615" },
	};
	struct gtid g, other;
	struct err e = {0};
	char text[GTID_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(gtid_parse(good[i].text, good[i].kind, &g,
		    &e), 0);
		gtid_text(&g, text);
		assert_string_equal(text, good[i].text);
		assert_true(gtid_equal(&g, &g));
		other = g;
		other.number--;
		assert_false(gtid_equal(&g, &other));
		other = (struct gtid){0};
		assert_false(gtid_equal(&g, &other));
	}
	/* Letters are folded, in UUIDs and tags. */
	assert_int_equal(gtid_parse("AAAAAAAA-aaaa-AAAA-aaaa-AAAAAAAAAAAA"
	    ":TaG:3", FLAVOUR_MYSQL, &g, &e), 0);
	gtid_text(&g, text);
	assert_string_equal(text, B ":tag:3");
}

static void
test_gtid_parse_refuses(void **state)
{
	static const char *const mysql[] = { "", A, A ":", A ":0", A ":1-2",
		A ":1:2", A ":1,", A ":9223372036854775807", A ":tag",
		A ":tag:", A ":tag:0", A ":2tag:1", A ":ta-g:1", "x" A ":1",
		A ":a23456789012345678901234567890123:1",
		"860aca96e84111f1af0502fc00000001:1", "0-101-7" };
	static const char *const mariadb[] = { "", "0-1", "0-1-0", "0-1-2,",
		"4294967296-1-1", "0-4294967296-1", " 0-1-1",
		"0-1-18446744073709551616", "-1-1-1", "0-1-1-1", A ":1" };
	struct gtid g;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mysql) / sizeof(mysql[0]); i++) {
		e = (struct err){0};
		assert_int_equal(gtid_parse(mysql[i], FLAVOUR_MYSQL, &g,
		    &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
	}
	e = (struct err){0};
	assert_int_equal(gtid_parse("0-101-7", FLAVOUR_MYSQL, &g, &e), -1);
	assert_string_equal(e.msg, "'0-101-7' is no GTID (uuid:number or "
	    "uuid:tag:number)");
	for (i = 0; i < sizeof(mariadb) / sizeof(mariadb[0]); i++) {
		e = (struct err){0};
		assert_int_equal(gtid_parse(mariadb[i], FLAVOUR_MARIADB, &g,
		    &e), -1);
	}
	assert_string_equal(e.msg, "'" A ":1' is no GTID "
	    "(domain-server-number)");
}

static void
test_gtid_set_text_is_sorted_and_merged(void **state)
{
	(void)state;
	check_text(FLAVOUR_MYSQL, "", "");
	check_text(FLAVOUR_MYSQL, " ,, \n", "");
	check_text(FLAVOUR_MYSQL, A ":1", A ":1");
	check_text(FLAVOUR_MYSQL, A ":5:1-3:4", A ":1-5");
	check_text(FLAVOUR_MYSQL, A ":5-6:1-3:2-7:20", A ":1-7:20");
	check_text(FLAVOUR_MYSQL, B ":1,\n" A " : 3 - 4 : tag : 1-2:7:1,\r\n",
	    A ":3-4:tag:1-2:7," B ":1");
	check_text(FLAVOUR_MYSQL, B ":t:5," A ":tag_1:1-2," A ":1-3:b:1:a:9",
	    A ":1-3:a:9:b:1:tag_1:1-2," B ":t:5");
	check_text(FLAVOUR_MYSQL, A ":1-" LAST, A ":1-" LAST);
	check_text(FLAVOUR_MARIADB, "", "");
	check_text(FLAVOUR_MARIADB, "1-5-9 , 0-101-7", "0-101-7,1-5-9");
	/* What came last in a domain stands last there. */
	check_text(FLAVOUR_MARIADB, "0-2-7,0-1-9", "0-2-7,0-1-9");
	check_text(FLAVOUR_MARIADB, "0-1-9,0-2-7", "0-1-9,0-2-7");
	check_text(FLAVOUR_MARIADB, "0-1-9,0-2-7,0-1-10,5-5-5",
	    "0-2-7,0-1-10,5-5-5");
}

static void
test_gtid_set_parse_refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ A ":1-3," A, "GTID set: wrong at '" A "'" },
		{ A ":0", "GTID set: wrong at '" A ":0'" },
		{ A ":3-2", "GTID set: wrong at '" A ":3-2'" },
		{ A ":1 x", "GTID set: wrong at 'x'" },
		{ A ":tag:", "GTID set: wrong at '05-02fc00000001:tag:'" },
		{ A ":1-3:5-9:11-12:9223372036854775807",
		    "GTID set: wrong at '00001:1-3:5-9:11-12:9223372036854775807'" },
		{ "no set", "GTID set: wrong at 'no set'" },
		{ "0-1-1", "GTID set: wrong at '0-1-1'" },
	};
	struct gtid_set *s = set_of(FLAVOUR_MYSQL, B ":7");
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){0};
		assert_int_equal(gtid_set_parse(s, bad[i].text, &e), -1);
		assert_int_equal(e.code, ERR_CORRUPT);
		assert_string_equal(e.msg, bad[i].message);
		assert_text(s, B ":7");
	}
	gtid_set_free(s);
	s = set_of(FLAVOUR_MARIADB, "0-1-1");
	e = (struct err){0};
	assert_int_equal(gtid_set_parse(s, "0-2-5,1-2", &e), -1);
	assert_string_equal(e.msg, "GTID set: wrong at '1-2'");
	assert_text(s, "0-1-1");
	gtid_set_free(s);
}

/* As MySQL 9.7 wrote it into PREVIOUS_GTIDS. */
static const uint8_t tagged[] = {
	1, 3, 0, 0, 0, 0, 0, 1,
	0x86, 0x0a, 0xca, 0x96, 0xe8, 0x41, 0x11, 0xf1, 0xaf, 5, 2, 0xfc, 0,
	0, 0, 1, 0,
	1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	4, 0, 0, 0, 0, 0, 0, 0,
	0x86, 0x0a, 0xca, 0x96, 0xe8, 0x41, 0x11, 0xf1, 0xaf, 5, 2, 0xfc, 0,
	0, 0, 1, 0x0a, 't', 'a', 'g', '_', '1',
	1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	3, 0, 0, 0, 0, 0, 0, 0,
	0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
	0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 2, 't',
	1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,
	6, 0, 0, 0, 0, 0, 0, 0,
};

static void
check_binary(const char *text, const void *data, size_t n)
{
	struct gtid_set *s = set_of(FLAVOUR_MYSQL, text), *back;
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(gtid_set_encode(s, &out, &e), 0);
	assert_int_equal(out.len, n);
	assert_memory_equal(buf_str(&out), data, n);
	back = gtid_set_new(FLAVOUR_MYSQL, &e);
	assert_int_equal(gtid_set_decode(back, data, n, &e), 0);
	assert_true(gtid_set_equal(s, back));
	/* Whatever is missing at the end is missed. */
	while (n-- > 0) {
		e = (struct err){0};
		assert_int_equal(gtid_set_decode(back, data, n, &e), -1);
		assert_int_equal(e.code, ERR_CORRUPT);
		assert_true(gtid_set_equal(s, back));
	}
	gtid_set_free(back);
	gtid_set_free(s);
	buf_free(&out);
}

static void
test_gtid_set_binary(void **state)
{
	static const uint8_t none[8] = {0}, plain[] = {
		1, 0, 0, 0, 0, 0, 0, 0,
		0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
		0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
		2, 0, 0, 0, 0, 0, 0, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
		7, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
	};

	(void)state;
	check_binary("", none, sizeof(none));
	check_binary(B ":1-3:7-" LAST, plain, sizeof(plain));
	check_binary(A ":1-3:tag_1:1-2," B ":t:5", tagged, sizeof(tagged));
}

static void
test_gtid_set_decode_refuses(void **state)
{
	/* Where a byte is changed, to what, and where that is found. */
	static const struct {
		size_t at;
		uint8_t to;
		size_t found;	/* 0: it does not matter where */
	} bad[] = {
		{ 7, 2, 8 }, { 1, 4, sizeof(tagged) }, { 6, 0xff, 0 },
		{ 1, 2, 95 },
		{ 24, 1, 25 }, { 24, 66, 25 }, { 65, 8, 0 }, { 66, '1', 71 },
		{ 66, 0, 71 }, { 25, 2, 0 }, { 33, 0, 49 }, { 41, 1, 49 },
		{ 48, 0x80, 49 },
	};
	struct gtid_set *s = set_of(FLAVOUR_MYSQL, "");
	uint8_t copy[sizeof(tagged)];
	char message[80];
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(copy, tagged, sizeof(copy));
		copy[bad[i].at] = bad[i].to;
		e = (struct err){0};
		assert_int_equal(gtid_set_decode(s, copy, sizeof(copy), &e),
		    -1);
		if (bad[i].found == 0)
			continue;
		(void)snprintf(message, sizeof(message), "GTID set: wrong at "
		    "byte %zu of %zu", bad[i].found, sizeof(tagged));
		assert_string_equal(e.msg, message);
	}
	gtid_set_free(s);
}

static void
test_gtid_list_is_a_mariadb_position(void **state)
{
	static const uint8_t list[] = { 2, 0, 0, 0x10,
		0, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t none[6] = {0};
	struct gtid_set *s = set_of(FLAVOUR_MARIADB, "");
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(gtid_set_decode(s, none, sizeof(none), &e), 0);
	assert_true(gtid_set_empty(s));
	assert_int_equal(gtid_set_decode(s, list, sizeof(list), &e), 0);
	assert_text(s, "0-2-9,0-1-8");
	gtid_set_position(s, &out);
	assert_string_equal(buf_str(&out), "0-1-8");
	assert_int_equal(gtid_set_decode(s, list, sizeof(list) - 1, &e), -1);
	assert_string_equal(e.msg, "GTID set: wrong at byte 28 of 35");
	buf_free(&out);
	gtid_set_free(s);
}

static struct gtid
gtid_of(const char *text)
{
	struct err e = {0};
	struct gtid g;

	assert_int_equal(gtid_parse(text, strchr(text, ':') != NULL ?
	    FLAVOUR_MYSQL : FLAVOUR_MARIADB, &g, &e), 0);
	return g;
}

static void
test_gtid_set_mariadb_is_the_highest_of_a_domain(void **state)
{
	struct gtid_set *s = set_of(FLAVOUR_MARIADB, "0-1-5,3-1-9"), *other;
	struct gtid g = gtid_of("0-2-7");
	struct err e = {0};
	struct buf out = {0};

	(void)state;
	assert_false(gtid_set_contains(s, &g));
	assert_int_equal(gtid_set_add(s, &g, &e), 0);
	assert_text(s, "0-1-5,0-2-7,3-1-9");
	assert_true(gtid_set_contains(s, &g));
	g = gtid_of("0-9-6");
	assert_true(gtid_set_contains(s, &g));
	g = gtid_of("1-1-1");
	assert_false(gtid_set_contains(s, &g));
	/* A server that writes again comes last again. */
	g = gtid_of("0-1-8");
	assert_int_equal(gtid_set_add(s, &g, &e), 0);
	assert_text(s, "0-2-7,0-1-8,3-1-9");
	gtid_set_position(s, &out);
	assert_string_equal(buf_str(&out), "0-1-8,3-1-9");
	other = set_of(FLAVOUR_MARIADB, "0-7-8");
	assert_true(gtid_set_includes(s, other));
	assert_false(gtid_set_includes(other, s));
	assert_int_equal(gtid_set_parse(other, "0-7-10,4-4-4", &e), 0);
	assert_false(gtid_set_includes(s, other));
	assert_int_equal(gtid_set_union(s, other, &e), 0);
	assert_text(s, "0-1-8,0-2-7,0-7-10,3-1-9,4-4-4");
	assert_true(gtid_set_count(s) == 0);
	gtid_set_free(other);
	gtid_set_free(s);
	buf_free(&out);
}

static void
test_gtid_set_add_extends(void **state)
{
	static const char *const steps[][2] = {
		{ A ":5", A ":5" }, { A ":5", A ":5" }, { A ":6", A ":5-6" },
		{ A ":4", A ":4-6" }, { A ":8", A ":4-6:8" },
		{ A ":7", A ":4-8" }, { A ":1", A ":1:4-8" },
		{ A ":t:9", A ":1:4-8:t:9" },
		{ A ":t:8", A ":1:4-8:t:8-9" },
		{ A ":9", A ":1:4-9:t:8-9" }, { A ":6", A ":1:4-9:t:8-9" },
		{ A ":" LAST, A ":1:4-9:" LAST ":t:8-9" },
	};
	struct gtid_set *s = set_of(FLAVOUR_MYSQL, "");
	struct err e = {0};
	struct gtid g;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		g = gtid_of(steps[i][0]);
		assert_int_equal(gtid_set_add(s, &g, &e), 0);
		assert_text(s, steps[i][1]);
		assert_true(gtid_set_contains(s, &g));
	}
	assert_true(gtid_set_count(s) == 10);
	gtid_set_free(s);
}

/* Sets of small numbers against arrays of bits. */
#define SOURCES 3
#define NUMBERS 40

static uint32_t seed = 7;

static uint32_t
dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static struct gtid_set *
random_set(bool bits[SOURCES][NUMBERS])
{
	static const char *const sources[SOURCES] = { A, A ":tag", B };
	struct gtid_set *s = set_of(FLAVOUR_MYSQL, "");
	struct err e = {0};
	char text[100];
	uint32_t n = dice(12), source, from, to;

	while (n-- > 0) {
		source = dice(SOURCES);
		from = dice(NUMBERS - 1) + 1;
		to = from + dice(NUMBERS - from);
		(void)snprintf(text, sizeof(text), "%s:%u-%u",
		    sources[source], from, to);
		assert_int_equal(gtid_set_parse(s, text, &e), 0);
		for (; from <= to; from++)
			bits[source][from] = true;
	}
	return s;
}

static void
test_gtid_set_arithmetic(void **state)
{
	struct gtid_set *a, *b, *sum, *rest;
	struct err e = {0};
	uint64_t both, either, left;
	size_t round, i, k;

	(void)state;
	for (round = 0; round < 2000; round++) {
		bool x[SOURCES][NUMBERS] = {0}, y[SOURCES][NUMBERS] = {0};

		a = random_set(x);
		b = random_set(y);
		both = either = left = 0;
		for (i = 0; i < SOURCES; i++)
			for (k = 0; k < NUMBERS; k++) {
				both += x[i][k] && y[i][k];
				either += x[i][k] || y[i][k];
				left += x[i][k] && !y[i][k];
			}
		sum = gtid_set_copy(a, &e);
		assert_true(gtid_set_equal(sum, a));
		assert_int_equal(gtid_set_union(sum, b, &e), 0);
		assert_true(gtid_set_count(sum) == either);
		assert_true(gtid_set_includes(sum, a));
		assert_true(gtid_set_includes(sum, b));
		assert_int_equal(gtid_set_includes(b, a), left == 0);
		rest = gtid_set_copy(a, &e);
		assert_int_equal(gtid_set_subtract(rest, b, &e), 0);
		assert_true(gtid_set_count(rest) == left);
		assert_true(gtid_set_count(a) == left + both);
		assert_int_equal(gtid_set_empty(rest), left == 0);
		assert_int_equal(gtid_set_union(rest, b, &e), 0);
		assert_true(gtid_set_equal(rest, sum));
		gtid_set_free(a);
		gtid_set_free(b);
		gtid_set_free(sum);
		gtid_set_free(rest);
	}
}

/* A megabyte that falls: were each put in its place at once, this would take
 * minutes. */
static void
test_gtid_set_of_many_parts(void **state)
{
	struct gtid_set *s;
	struct buf text = {0};
	unsigned i;

	(void)state;
	buf_adds(&text, A);
	for (i = 300000; i > 0; i -= 2)
		buf_addf(&text, ":%u", i);
	s = set_of(FLAVOUR_MYSQL, buf_str(&text));
	assert_true(gtid_set_count(s) == 150000);
	gtid_set_free(s);
	buf_clear(&text);
	for (i = 100000; i > 0; i--)
		buf_addf(&text, ",0-%u-1", i);
	s = set_of(FLAVOUR_MARIADB, buf_str(&text));
	gtid_set_free(s);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gtid_parse_and_text),
		cmocka_unit_test(test_gtid_parse_refuses),
		cmocka_unit_test(test_gtid_set_text_is_sorted_and_merged),
		cmocka_unit_test(test_gtid_set_parse_refuses),
		cmocka_unit_test(test_gtid_set_binary),
		cmocka_unit_test(test_gtid_set_decode_refuses),
		cmocka_unit_test(test_gtid_list_is_a_mariadb_position),
		cmocka_unit_test(
		    test_gtid_set_mariadb_is_the_highest_of_a_domain),
		cmocka_unit_test(test_gtid_set_add_extends),
		cmocka_unit_test(test_gtid_set_arithmetic),
		cmocka_unit_test(test_gtid_set_of_many_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
