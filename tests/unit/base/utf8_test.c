/* SPDX-License-Identifier: Apache-2.0 */
/* utf8_test: what is UTF-8, and how any bytes become JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"

static void
test_utf8_valid(void **state)
{
	(void)state;
	assert_true(utf8_valid(""));
	assert_true(utf8_valid("a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"
	    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
	assert_false(utf8_valid("\x80"));
	assert_false(utf8_valid("\xc1\xbf"));		/* overlong */
	assert_false(utf8_valid("\xe0\x9f\xbf"));
	assert_false(utf8_valid("\xf0\x8f\xbf\xbf"));
	assert_false(utf8_valid("\xed\xa0\x80"));	/* a surrogate */
	assert_false(utf8_valid("\xf4\x90\x80\x80"));
	assert_false(utf8_valid("\xf5\x80\x80\x80"));
	assert_false(utf8_valid("a\xe2\x82"));		/* cut short */
	assert_false(utf8_valid("\xff"));
}

static void
mended(const char *text, const char *want)
{
	char room[32];

	(void)snprintf(room, sizeof(room), "%s", text);
	utf8_mend(room);
	assert_string_equal(room, want);
	assert_true(utf8_valid(room));
}

static void
test_utf8_mend(void **state)
{
	(void)state;
	mended("", "");
	mended("plain \xc3\xa4", "plain \xc3\xa4");
	mended("a\xffz", "a?z");
	mended("cut \xf0\x9f\x98", "cut ???");
}

static void
json_is(const char *text, const char *want)
{
	struct buf out = {0};

	utf8_json(text, &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_utf8_json(void **state)
{
	(void)state;
	json_is("", "\"\"");
	json_is("plain", "\"plain\"");
	json_is("a\"b\\c", "\"a\\\"b\\\\c\"");
	json_is("\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\\u007f\"");
	json_is("\xc3\xa4-\xf0\x9f\x98\x80", "\"\xc3\xa4-\xf0\x9f\x98\x80\"");
	/* each byte that is none */
	json_is("x\xe2\x82", "\"x\xef\xbf\xbd\xef\xbf\xbd\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_valid),
		cmocka_unit_test(test_utf8_mend),
		cmocka_unit_test(test_utf8_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
