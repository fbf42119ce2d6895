/* SPDX-License-Identifier: Apache-2.0 */
/* cut_test: FORMAT's cut rule, at its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/cut.h"
#include "base/buf.h"
#include "codec/digest.h"

#define MIB ((uint64_t)1 << 20)

static void
test_cut_bits_by_the_mean_row(void **state)
{
	(void)state;
	/* floor(log2(20 MiB / mean)), from 0 to 24 */
	assert_int_equal(cut_bits(20 * MIB), 0);
	assert_int_equal(cut_bits(64 * MIB), 0);
	assert_int_equal(cut_bits(10 * MIB), 1);
	assert_int_equal(cut_bits(10 * MIB + 1), 0);
	assert_int_equal(cut_bits(1006), 14);
	assert_int_equal(cut_bits(2), 23);
	assert_int_equal(cut_bits(1), 24);
}

static void
test_cut_here_by_size(void **state)
{
	struct buf key = {0};

	(void)state;
	buf_adds(&key, "7");
	assert_null(cut_here(CUT_MIN - 1, 0, &key));
	assert_string_equal(cut_here(CUT_MIN, 0, &key), "hash");
	assert_null(cut_here(64 * MIB - 1, 24, &key));
	assert_string_equal(cut_here(64 * MIB, 24, &key), "size");
	assert_null(cut_here(32 * MIB - 1, 0, NULL));
	assert_string_equal(cut_here(32 * MIB, 0, NULL), "size");
	buf_free(&key);
}

/* One in 2^bits rows ends a chunk. */
static void
test_cut_here_by_hash(void **state)
{
	struct buf key = {0};
	unsigned i, n = 0;
	bool zero;

	(void)state;
	for (i = 0; i < 100000; i++) {
		buf_clear(&key);
		buf_addf(&key, "%u\tx", i);
		zero = (xxh3_64(key.data, key.len) & 0x7f) == 0;
		assert_true(zero == (cut_here(CUT_MIN, 7, &key) != NULL));
		n += zero;
	}
	assert_in_range(n, 600, 1000);
	buf_free(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_bits_by_the_mean_row),
		cmocka_unit_test(test_cut_here_by_size),
		cmocka_unit_test(test_cut_here_by_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
