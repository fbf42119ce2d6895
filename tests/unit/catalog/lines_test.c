/* SPDX-License-Identifier: Apache-2.0 */
/* lines_test: lines are the same in whatever pieces they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "catalog/lines.h"

static int
note(void *arg, const char *line, size_t n, struct err *e)
{
	struct buf *out = arg;

	(void)e;
	buf_add(out, line, n);
	buf_addc(out, '|');
	return n == 4 && memcmp(line, "stop", 4) == 0 ? 7 : 0;
}

static void
test_lines_in_any_pieces(void **state)
{
	static const char text[] = "one\n\ntwo three\nx\n";
	struct buf out = {0};
	struct err e = {0};
	struct lines l;
	size_t piece, i, n;

	(void)state;
	lines_init(&l, 9, note, &out);
	for (piece = 1; piece < sizeof(text); piece++) {
		for (i = 0; i < sizeof(text) - 1; i += n) {
			n = sizeof(text) - 1 - i < piece ?
			    sizeof(text) - 1 - i : piece;
			assert_int_equal(lines_take(&l, text + i, n, &e), 0);
		}
		assert_int_equal(lines_end(&l, &e), 0);
		assert_string_equal(buf_str(&out), "one||two three|x|");
		buf_clear(&out);
	}
	lines_fini(&l);
	buf_free(&out);
}

static void
test_lines_end_within_a_line(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	struct lines l;

	(void)state;
	lines_init(&l, 9, note, &out);
	assert_int_equal(lines_take(&l, "a\nb", 3, &e), 0);
	assert_int_equal(lines_end(&l, &e), -1);
	assert_string_equal(e.msg, "the last line has no end");
	assert_int_equal(e.code, ERR_CORRUPT);
	lines_fini(&l);
	buf_free(&out);
}

static void
test_lines_too_long(void **state)
{
	static const char *const texts[] = { "123456\n", "123456", "1\n123456",
		"123\n123456\n" };
	struct buf out = {0};
	struct lines l;
	struct err e;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		n = strlen(texts[i]);
		lines_init(&l, 5, note, &out);
		e = (struct err){0};
		assert_int_equal(lines_take(&l, texts[i], n, &e), -1);
		assert_string_equal(e.msg, "a line of over 5 bytes");
		lines_fini(&l);
		lines_init(&l, 5, note, &out);
		e = (struct err){0};
		for (k = 0; k < n && e.code == ERR_NONE; k++)
			(void)lines_take(&l, texts[i] + k, 1, &e);
		assert_string_equal(e.msg, "a line of over 5 bytes");
		lines_fini(&l);
	}
	buf_free(&out);
}

static void
test_lines_stop_as_told(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	struct lines l;

	(void)state;
	lines_init(&l, 9, note, &out);
	assert_int_equal(lines_take(&l, "a\nstop\nb\n", 9, &e), 7);
	assert_string_equal(buf_str(&out), "a|stop|");
	lines_fini(&l);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_in_any_pieces),
		cmocka_unit_test(test_lines_end_within_a_line),
		cmocka_unit_test(test_lines_too_long),
		cmocka_unit_test(test_lines_stop_as_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
