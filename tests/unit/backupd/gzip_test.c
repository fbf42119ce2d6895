/* SPDX-License-Identifier: Apache-2.0 */
/* gzip_test: who takes it, and that it is what it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "backupd/gzip.h"
#include "base/buf.h"
#include "base/random.h"

static void
test_gzip_accepted(void **state)
{
	static const char *const yes[] = { "gzip", "GZIP", "gzip, deflate, br",
		"br;q=1.0, gzip;q=0.8, *;q=0.1", "deflate,gzip;q=1", "*",
		"x-gzip", "gzip;q=0.001", " gzip ", "identity;q=0, *" };
	static const char *const no[] = { "", "identity", "gzip;q=0",
		"gzip; q=0.000, *", "br", "gzipped", "*;q=0", "gzip;q=",
		"deflate;gzip", ",", ";q=1" };
	size_t i;

	(void)state;
	assert_false(gzip_accepted(NULL));
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!gzip_accepted(yes[i]))
			fail_msg("'%s' takes it", yes[i]);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (gzip_accepted(no[i]))
			fail_msg("'%s' does not", no[i]);
}

static void
assert_unpacks(const struct buf *packed, const char *want, size_t n)
{
	char *got = malloc(n + 1);
	z_stream z = { .next_in = (Bytef *)packed->data,
	    .avail_in = (uInt)packed->len, .next_out = (Bytef *)got,
	    .avail_out = (uInt)n + 1 };

	assert_non_null(got);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, n);
	assert_int_equal(z.avail_in, 0);
	assert_memory_equal(got, want, n);
	(void)inflateEnd(&z);
	free(got);
}

static void
test_gzip_pack_is_what_it_was(void **state)
{
	struct buf body = {0}, copy = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 50000; i++)
		buf_addf(&body, "<tr><td>source-%zu</td><td>ok</td></tr>", i);
	buf_add(&copy, body.data, body.len);
	assert_true(gzip_pack(&body));
	assert_true(body.len < copy.len / 5);
	assert_unpacks(&body, copy.data, copy.len);
	buf_free(&body);
	buf_free(&copy);
}

/* What would not be shorter stays, byte for byte. */
static void
test_gzip_pack_leaves_what_does_not_shrink(void **state)
{
	struct buf body = {0}, copy = {0};
	char bytes[4097];

	(void)state;
	buf_adds(&body, "ok\n");
	assert_false(gzip_pack(&body));
	assert_string_equal(buf_str(&body), "ok\n");
	buf_clear(&body);
	random_bytes(bytes, sizeof(bytes));
	buf_add(&body, bytes, sizeof(bytes));
	buf_add(&copy, bytes, sizeof(bytes));
	assert_false(gzip_pack(&body));
	assert_int_equal(body.len, copy.len);
	assert_memory_equal(body.data, copy.data, copy.len);
	buf_free(&body);
	buf_free(&copy);
	assert_false(gzip_pack(&body));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gzip_accepted),
		cmocka_unit_test(test_gzip_pack_is_what_it_was),
		cmocka_unit_test(test_gzip_pack_leaves_what_does_not_shrink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
