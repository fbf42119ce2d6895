/* SPDX-License-Identifier: Apache-2.0 */
/* digest_test: published vectors, text forms and the sum of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "codec/digest.h"

#define SHA_ABC \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_EMPTY \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
is_hex(const uint8_t *bytes, size_t n, const char *want)
{
	char text[129];

	hex_encode(bytes, n, text);
	assert_string_equal(text, want);
}

static void
test_digest_sha256_vectors(void **state)
{
	uint8_t out[SHA256_SIZE];
	struct err e = {0};
	struct sha256 *h;

	(void)state;
	sha256_of("abc", 3, out);
	is_hex(out, sizeof(out), SHA_ABC);
	sha256_of("", 0, out);
	is_hex(out, sizeof(out), SHA_EMPTY);
	h = sha256_new(&e);
	assert_non_null(h);
	sha256_add(h, "a", 1);
	sha256_add(h, "", 0);
	sha256_add(h, "bc", 2);
	sha256_finish(h, out);
	is_hex(out, sizeof(out), SHA_ABC);
	/* finish starts over */
	sha256_finish(h, out);
	is_hex(out, sizeof(out), SHA_EMPTY);
	sha256_free(h);
	sha256_free(NULL);
}

static void
test_digest_md5_and_hmac_vectors(void **state)
{
	uint8_t out[SHA256_SIZE], key[131];

	(void)state;
	md5_of("abc", 3, out);
	is_hex(out, MD5_SIZE, "900150983cd24fb0d6963f7d28e17f72");
	/* RFC 4231, cases 2 and 6 */
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	is_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key"
	    " - Hash Key First", 54, out);
	is_hex(out, sizeof(out), "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}

static void
test_digest_hex_both_ways(void **state)
{
	uint8_t bytes[256], back[256];
	char text[513];
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	hex_encode(bytes, 256, text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 506, "fdfeff");
	assert_int_equal(hex_decode(text, back, 256), 0);
	assert_memory_equal(bytes, back, 256);
	assert_int_equal(hex_decode("", back, 0), 0);
}

static void
test_digest_hex_decode_refuses_other_text(void **state)
{
	uint8_t out[4];

	(void)state;
	assert_int_equal(hex_decode("0", out, 1), -1);
	assert_int_equal(hex_decode("000", out, 1), -1);
	assert_int_equal(hex_decode("0011", out, 1), -1);
	assert_int_equal(hex_decode("0g", out, 1), -1);
	assert_int_equal(hex_decode("0A", out, 1), -1);
	assert_int_equal(hex_decode(" 0", out, 1), -1);
	assert_int_equal(hex_decode("\xff\xff", out, 1), -1);
	assert_int_equal(hex_decode("", out, 1), -1);
}

static void
test_digest_base64_vectors_both_ways(void **state)
{
	/* RFC 4648, section 10, and bytes beyond text */
	static const struct { const char *plain; size_t n; const char *text;
	} vector[] = { { "", 0, "" }, { "f", 1, "Zg==" }, { "fo", 2, "Zm8=" },
		{ "foo", 3, "Zm9v" }, { "foob", 4, "Zm9vYg==" },
		{ "fooba", 5, "Zm9vYmE=" }, { "foobar", 6, "Zm9vYmFy" },
		{ "\xfb\xff\xfe\0", 4, "+//+AA==" } };
	char text[16];
	uint8_t out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		base64_encode(vector[i].plain, vector[i].n, text);
		assert_string_equal(text, vector[i].text);
		assert_int_equal(base64_decode(text, out), vector[i].n);
		assert_memory_equal(out, vector[i].plain, vector[i].n);
	}
}

static void
test_digest_base64_decode_refuses_other_text(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm9vY",
		"Zm9v!mFy", "====", "Z===", "Zg==Zg==", "Z=g=",
		" Zg=", "Zm9v\nZg=", "    Zg==", "Zm9vYmF\n" };
	uint8_t out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_decode(bad[i], out) != -1)
			fail_msg("'%s' is taken for base64", bad[i]);
}

static void
test_digest_rowsum_of_rows_ignores_their_order(void **state)
{
	struct rowsum a = {0}, b = {0}, c = {0};
	char text[ROWSUM_HEX];

	(void)state;
	rowsum_hex(&a, text);
	assert_string_equal(text, "00000000000000000000000000000000");
	rowsum_add_row(&a, "1\tx\n", 4);
	rowsum_add_row(&a, "2\ty\n", 4);
	rowsum_add_row(&b, "2\ty\n", 4);
	assert_false(rowsum_equal(&a, &b));
	rowsum_add_row(&c, "1\tx\n", 4);
	rowsum_add(&b, &c);
	assert_true(rowsum_equal(&a, &b));
	/* The same row twice is no row nowhere. */
	rowsum_add_row(&b, "1\tx\n", 4);
	assert_false(rowsum_equal(&a, &b));
}

static void
test_digest_rowsum_is_xxh3_128_of_the_line(void **state)
{
	struct rowsum s = {0};
	char text[ROWSUM_HEX];

	(void)state;
	/* The format's own promise: xxhsum -H2 of the empty input. */
	rowsum_add_row(&s, "", 0);
	rowsum_hex(&s, text);
	assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
	assert_true(xxh3_64("", 0) == UINT64_C(0x2d06800538d394c2));
}

static void
test_digest_rowsum_carries_and_wraps(void **state)
{
	struct rowsum a = { 0, UINT64_MAX }, one = { 0, 1 },
	    all = { UINT64_MAX, UINT64_MAX };

	(void)state;
	rowsum_add(&a, &one);
	assert_true(a.high == 1 && a.low == 0);
	rowsum_add(&all, &one);
	assert_true(all.high == 0 && all.low == 0);
}

static void
test_digest_rowsum_text_both_ways(void **state)
{
	const struct rowsum s = { UINT64_C(0x0123456789abcdef),
	    UINT64_C(0xfedcba9876543210) };
	struct rowsum back = {0};
	char text[ROWSUM_HEX];

	(void)state;
	rowsum_hex(&s, text);
	assert_string_equal(text, "0123456789abcdeffedcba9876543210");
	assert_int_equal(rowsum_parse(text, &back), 0);
	assert_true(rowsum_equal(&s, &back));
	assert_int_equal(rowsum_parse("0123", &back), -1);
	text[31] = 'G';
	assert_int_equal(rowsum_parse(text, &back), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_sha256_vectors),
		cmocka_unit_test(test_digest_md5_and_hmac_vectors),
		cmocka_unit_test(test_digest_hex_both_ways),
		cmocka_unit_test(test_digest_hex_decode_refuses_other_text),
		cmocka_unit_test(test_digest_base64_vectors_both_ways),
		cmocka_unit_test(
		    test_digest_base64_decode_refuses_other_text),
		cmocka_unit_test(
		    test_digest_rowsum_of_rows_ignores_their_order),
		cmocka_unit_test(test_digest_rowsum_is_xxh3_128_of_the_line),
		cmocka_unit_test(test_digest_rowsum_carries_and_wraps),
		cmocka_unit_test(test_digest_rowsum_text_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
