/* SPDX-License-Identifier: Apache-2.0 */
/* buf_test: growth, the ceiling, and errors that stick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

static void
test_buf_zeroed_is_empty_and_valid(void **state)
{
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_check(&b, "x", &e), 0);
	buf_clear(&b);
	buf_free(&b);
	buf_free(&b);
	assert_int_equal(e.code, ERR_NONE);
}

static void
test_buf_appends_in_order(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_add(&b, "t\0o", 3);
	buf_addf(&b, " %d%s", 3, "!");
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "one t\0o 3!", 11);
	buf_free(&b);
}

static void
test_buf_grows_and_keeps_bytes(void **state)
{
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	assert_int_equal(b.data[b.len], '\0');
	buf_free(&b);
}

static void
test_buf_takes_exactly_its_ceiling(void **state)
{
	struct buf b;
	struct err e = {0};

	(void)state;
	buf_init(&b, 100);
	buf_addf(&b, "%0100d", 7);
	assert_int_equal(buf_check(&b, "list", &e), 0);
	assert_int_equal(b.len, 100);
	buf_addc(&b, 'x');
	assert_int_equal(buf_check(&b, "list", &e), -1);
	assert_int_equal(e.code, ERR_NOMEM);
	assert_string_equal(e.msg, "list: too large or out of memory");
	assert_int_equal(b.len, 100);
	buf_free(&b);
}

static void
test_buf_failure_sticks_until_cleared(void **state)
{
	struct buf b;
	struct err e = {0};

	(void)state;
	buf_init(&b, 4);
	buf_adds(&b, "abcde");
	buf_adds(&b, "f");
	buf_addf(&b, "%d", 1);
	assert_true(b.failed);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_reserve(&b, 1), -1);
	buf_clear(&b);
	buf_adds(&b, "abcd");
	assert_int_equal(buf_check(&b, "x", &e), 0);
	assert_string_equal(buf_str(&b), "abcd");
	buf_free(&b);
	assert_false(b.failed);
}

static void
test_buf_huge_reserve_fails_without_overflow(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_adds(&b, "kept");
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 4), -1);
	assert_string_equal(buf_str(&b), "kept");
	buf_free(&b);
}

static void
test_buf_reserve_gives_room_and_a_string(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_reserve(&b, 1000), 0);
	assert_true(b.cap > 1000);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	memset(b.data, 'x', 1000);
	b.len = 1000;
	buf_addc(&b, 'y');
	assert_int_equal(strlen(buf_str(&b)), 1001);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_zeroed_is_empty_and_valid),
		cmocka_unit_test(test_buf_appends_in_order),
		cmocka_unit_test(test_buf_grows_and_keeps_bytes),
		cmocka_unit_test(test_buf_takes_exactly_its_ceiling),
		cmocka_unit_test(test_buf_failure_sticks_until_cleared),
		cmocka_unit_test(test_buf_huge_reserve_fails_without_overflow),
		cmocka_unit_test(test_buf_reserve_gives_room_and_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
