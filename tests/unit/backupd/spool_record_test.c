/* SPDX-License-Identifier: Apache-2.0 */
/* spool_record_test: a record comes back as it was written, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/spool_record.h"
#include "base/buf.h"

static void
test_spool_record_comes_back(void **state)
{
	const struct spool_record in = { .seq = 7,
	    .start = UINT64_C(5000000000), .whole = UINT64_C(5000000002),
	    .data = "abc", .n = 3, .lines = "{}\n", .nlines = 3 };
	struct spool_record r;
	struct buf out = {0};
	size_t size, n;

	(void)state;
	buf_adds(&out, "before");
	spool_record_write(&in, &out);
	spool_record_write(&in, &out);
	n = SPOOL_HEADER + 6;
	assert_int_equal(out.len, 6 + 2 * n);
	assert_int_equal(spool_record_parse(out.data + 6, out.len - 6, &r,
	    &size), 1);
	assert_int_equal(size, n);
	assert_int_equal(r.seq, 7);
	assert_true(r.start == in.start && r.whole == in.whole);
	assert_int_equal(r.n, 3);
	assert_memory_equal(r.data, "abc", 3);
	assert_int_equal(r.nlines, 3);
	assert_memory_equal(r.lines, "{}\n", 3);
	buf_free(&out);
}

static void
test_spool_record_that_is_torn_or_changed_is_none(void **state)
{
	const struct spool_record in = { .seq = 1, .data = "abcdef", .n = 6 };
	struct spool_record r;
	struct buf out = {0};
	size_t size, i;

	(void)state;
	spool_record_write(&in, &out);
	for (i = 0; i < out.len; i++) {
		assert_int_equal(spool_record_parse(out.data, i, &r, &size),
		    0);
		out.data[i] = (char)(out.data[i] ^ 1);
		assert_int_equal(spool_record_parse(out.data, out.len, &r,
		    &size), 0);
		out.data[i] = (char)(out.data[i] ^ 1);
	}
	assert_int_equal(spool_record_parse(out.data, out.len, &r, &size), 1);
	buf_free(&out);
}

static void
test_spool_record_whole_beyond_its_bytes_is_none(void **state)
{
	const struct spool_record in = { .seq = 1, .start = 10, .whole = 17,
	    .data = "abcdef", .n = 6 };
	struct spool_record r;
	struct buf out = {0};
	size_t size;

	(void)state;
	spool_record_write(&in, &out);
	assert_int_equal(spool_record_parse(out.data, out.len, &r, &size), 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spool_record_comes_back),
		cmocka_unit_test(
		    test_spool_record_that_is_torn_or_changed_is_none),
		cmocka_unit_test(
		    test_spool_record_whole_beyond_its_bytes_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
