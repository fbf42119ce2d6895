/* SPDX-License-Identifier: Apache-2.0 */
/* random_test: bytes, digits and fractions have their whole range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void
test_random_bytes_fills_all_and_no_more(void **state)
{
	unsigned char a[4096], b[4096];
	unsigned seen[256] = {0};
	size_t i;

	(void)state;
	memset(a, 0, sizeof(a));
	a[4095] = 0xa5;
	random_bytes(a, 4095);
	random_bytes(b, sizeof(b));
	assert_int_equal(a[4095], 0xa5);
	assert_memory_not_equal(a, b, 64);
	assert_memory_not_equal(a + 4000, b + 4000, 64);
	for (i = 0; i < sizeof(b); i++)
		seen[b[i]]++;
	/* 16 expected of each; over 256 of one is no accident. */
	for (i = 0; i < 256; i++)
		assert_true(seen[i] < 256);
	random_bytes(b, 0);
}

static void
test_random_hex_writes_n_digits_and_nul(void **state)
{
	char text[40], other[40];
	size_t n;

	(void)state;
	for (n = 0; n <= 33; n++) {
		memset(text, 'z', sizeof(text));
		random_hex(text, n);
		assert_int_equal(strspn(text, "0123456789abcdef"), n);
		assert_int_equal(text[n], '\0');
		assert_int_equal(text[n + 1], 'z');
	}
	random_hex(text, 32);
	random_hex(other, 32);
	assert_string_not_equal(text, other);
}

static void
test_random_unit_lies_in_its_range(void **state)
{
	unsigned low = 0;
	double x;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		x = random_unit();
		assert_true(x >= 0 && x < 1);
		low += x < 0.5;
	}
	assert_true(low > 250 && low < 750);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_bytes_fills_all_and_no_more),
		cmocka_unit_test(test_random_hex_writes_n_digits_and_nul),
		cmocka_unit_test(test_random_unit_lies_in_its_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
