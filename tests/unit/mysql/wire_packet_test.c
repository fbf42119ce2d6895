/* SPDX-License-Identifier: Apache-2.0 */
/* wire_packet_test: lengths and strings as packets hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mysql/bytes.h"
#include "mysql/wire_packet.h"

/* What is put comes back, in so many bytes, and no byte less will do. */
static void
lenenc(uint64_t value, size_t size)
{
	struct buf b = {0};
	struct bytes p;
	bool null = true;
	size_t n;

	packet_put_lenenc(&b, value);
	assert_int_equal(b.len, size);
	p = bytes_of(b.data, b.len);
	assert_true(packet_lenenc(&p, &null) == value);
	assert_false(null || p.bad);
	assert_int_equal(p.left, 0);
	for (n = 0; n < size; n++) {
		p = bytes_of(b.data, n);
		assert_true(packet_lenenc(&p, &null) == 0);
		assert_true(p.bad);
		assert_false(null);
	}
	buf_free(&b);
}

static void
test_packet_lenenc(void **state)
{
	(void)state;
	lenenc(0, 1);
	lenenc(250, 1);
	lenenc(251, 3);
	lenenc(65535, 3);
	lenenc(65536, 4);
	lenenc(16777215, 4);
	lenenc(16777216, 9);
	lenenc(UINT64_MAX, 9);
}

static void
test_packet_lenenc_null(void **state)
{
	struct bytes p = bytes_of("\xfb\x07", 2);
	bool null;

	(void)state;
	assert_int_equal(packet_lenenc(&p, &null), 0);
	assert_true(null);
	assert_int_equal(packet_lenenc(&p, &null), 7);
	assert_false(null || p.bad);
	p = bytes_of("\xff", 1);
	(void)packet_lenenc(&p, &null);
	assert_true(p.bad);
}

static void
test_packet_string(void **state)
{
	struct bytes p = bytes_of("ab\0\0cd", 6);

	(void)state;
	assert_string_equal(packet_string(&p), "ab");
	assert_string_equal(packet_string(&p), "");
	assert_null(packet_string(&p));
	assert_true(p.bad);
	p = bytes_of("", 0);
	assert_null(packet_string(&p));
}

static void
test_packet_put(void **state)
{
	struct buf b = {0};

	(void)state;
	packet_put_int(&b, 0x01020304, 3);
	packet_put_string(&b, "xy");
	packet_put_string(&b, "");
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "\x04\x03\x02\x02xy\0", 7);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_lenenc),
		cmocka_unit_test(test_packet_lenenc_null),
		cmocka_unit_test(test_packet_string),
		cmocka_unit_test(test_packet_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
