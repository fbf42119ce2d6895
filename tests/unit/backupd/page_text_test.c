/* SPDX-License-Identifier: Apache-2.0 */
/* page_text_test: words, times and numbers of the pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backupd/facts.h"
#include "backupd/page_impl.h"
#include "base/buf.h"
#include "base/clock.h"

#define SAYS(expected, ...) do { \
	struct buf out_ = {0}; \
	__VA_ARGS__; \
	assert_string_equal(buf_str(&out_), expected); \
	buf_free(&out_); \
} while (0)

static void
test_page_escape(void **state)
{
	(void)state;
	SAYS("a&amp;b&lt;c&gt;d&quot;e&#39;f", page_escape(&out_,
	    "a&b<c>d\"e'f"));
	SAYS("&lt;script&gt;", page_escape(&out_, "<script>"));
	SAYS("a b c ", page_escape(&out_, "a\nb\x01" "c\x7f"));
	SAYS("\xe8\x94\xb5\xef\xbf\xbdx", page_escape(&out_,
	    "\xe8\x94\xb5\xffx"));
	SAYS("", page_escape(&out_, NULL));
	SAYS("<b>&lt;</b>", page_put(&out_, "<b>", "<", "</b>"));
}

static void
test_page_span(void **state)
{
	(void)state;
	SAYS("0 s", page_span(&out_, 0));
	SAYS("0 s", page_span(&out_, -5));
	SAYS("under 1 s", page_span(&out_, 400000));
	SAYS("59 s", page_span(&out_, 59999999));
	SAYS("1 min", page_span(&out_, 60000000));
	SAYS("1 min 5 s", page_span(&out_, 65000000));
	SAYS("12 min", page_span(&out_, 725000000));
	SAYS("3 h 20 min", page_span(&out_, 12000000000));
	SAYS("3 h", page_span(&out_, 10800000000));
	SAYS("47 h", page_span(&out_, 2 * PAGE_DAY - 1));
	SAYS("5 days", page_span(&out_, 5 * PAGE_DAY + 7));
	SAYS("1 min 30 s", page_seconds(&out_, 90.4));
	SAYS("0 s", page_seconds(&out_, -1));
	SAYS("0 s", page_seconds(&out_, 1e300));
}

#define WHOLE "<time datetime=\"2026-11-09T02:05:07Z\" " \
    "title=\"2026-11-09 02:05:07 UTC\">"

static void
test_page_age_and_date(void **state)
{
	int64_t at;

	(void)state;
	assert_int_equal(clock_parse("2026-11-09T02:05:07Z", &at), 0);
	SAYS(WHOLE "just now</time>", page_age(&out_, at + 4000000, at));
	SAYS(WHOLE "45 s ago</time>", page_age(&out_, at + 45000000, at));
	SAYS(WHOLE "3 h ago</time>", page_age(&out_, at + 3LL * 3600000000,
	    at));
	SAYS(WHOLE "in 2 days</time>", page_age(&out_, at - 2 * PAGE_DAY,
	    at));
	SAYS(WHOLE "9 Nov 02:05</time>", page_date(&out_, at));
	SAYS(WHOLE "9 Nov 02:05</time>", page_age(&out_, FACTS_UNKNOWN, at));
	SAYS("never", page_age(&out_, at, FACTS_UNKNOWN));
	SAYS("never", page_age(&out_, FACTS_UNKNOWN, FACTS_UNKNOWN));
	SAYS("never", page_date(&out_, FACTS_UNKNOWN));
}

static void
test_page_result(void **state)
{
	json_t *run = json_pack("{s:b}", "ok", 1);

	(void)state;
	assert_string_equal(page_result(run), "done");
	assert_string_equal(page_class(run), "good");
	(void)json_object_set_new(run, "ok", json_false());
	assert_string_equal(page_result(run), "failed");
	assert_string_equal(page_class(run), "bad");
	(void)json_object_set_new(run, "ok", json_null());
	assert_string_equal(page_result(run), "cancelled");
	assert_string_equal(page_class(run), "mute");
	json_decref(run);
}

static void
test_page_bytes_and_count(void **state)
{
	(void)state;
	SAYS("0 B", page_bytes(&out_, 0));
	SAYS("0 B", page_bytes(&out_, -1));
	SAYS("1023 B", page_bytes(&out_, 1023));
	SAYS("1.0 KiB", page_bytes(&out_, 1024));
	SAYS("12 MiB", page_bytes(&out_, 12.3 * 1048576));
	SAYS("4.2 GiB", page_bytes(&out_, 4.2 * 1073741824));
	SAYS("0", page_count(&out_, 0));
	SAYS("999", page_count(&out_, 999));
	SAYS("1\xe2\x80\xaf" "234\xe2\x80\xaf" "567", page_count(&out_,
	    1234567));
	SAYS("0", page_count(&out_, -3));
	SAYS("0", page_count(&out_, 1e300));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_escape),
		cmocka_unit_test(test_page_span),
		cmocka_unit_test(test_page_age_and_date),
		cmocka_unit_test(test_page_bytes_and_count),
		cmocka_unit_test(test_page_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
