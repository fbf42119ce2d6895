/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

#include "backupd/told.h"

#define DAY INT64_C(1000000)	/* of these tests */
#define PAUSE INT64_C(1000)

static const struct told_times times = { DAY, PAUSE };

static struct told *t;

static int
setup(void **state)
{
	struct err e = {0};

	(void)state;
	t = told_new(3, &e);
	return t == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	told_free(t);
	return 0;
}

static bool
trouble(const char *key, int64_t now)
{
	int64_t since = 0;

	return told_accept(t, key, false, &since, now, &times);
}

static bool
recovery(const char *key, int64_t now, int64_t *since)
{
	*since = 0;
	return told_accept(t, key, true, since, now, &times);
}

static void
test_told_trouble_is_told_once_until_it_recovers(void **state)
{
	int64_t since;

	(void)state;
	assert_false(recovery("a", 5, &since));
	assert_true(trouble("a", 10));
	assert_false(trouble("a", 11));
	assert_true(told_wanted(t, "a", false));
	told_done(t, "a", false, true);
	assert_false(trouble("a", 12));
	assert_true(trouble("b", 12));
	assert_true(recovery("a", 20, &since));
	assert_int_equal(since, 10);
	assert_false(recovery("a", 21, &since));
	assert_true(told_wanted(t, "a", true));
	told_done(t, "a", true, true);
	assert_int_equal(told_count(t), 1);
	assert_true(trouble("a", 30));
}

static void
test_told_reminds(void **state)
{
	(void)state;
	assert_true(trouble("a", DAY));
	told_done(t, "a", false, true);
	assert_false(trouble("a", 2 * DAY - 1));
	assert_true(trouble("a", 2 * DAY));
	told_done(t, "a", false, true);
	assert_false(trouble("a", 3 * DAY - 1));
	/* The clock was put back by a year. */
	assert_true(trouble("a", 1));
}

static void
test_told_what_was_not_delivered_comes_again_later(void **state)
{
	int64_t since;

	(void)state;
	assert_true(trouble("a", 10));
	told_done(t, "a", false, false);
	assert_false(trouble("a", 9 + PAUSE));
	assert_true(trouble("a", 10 + PAUSE));
	told_done(t, "a", false, false);
	/* Nobody heard of it: nobody hears of its end. */
	assert_false(recovery("a", 20 + PAUSE, &since));
	assert_int_equal(told_count(t), 0);
	assert_true(trouble("a", 21 + PAUSE));
	/* Its end comes while it waits. */
	assert_true(recovery("a", 22 + PAUSE, &since));
	told_done(t, "a", false, false);
	assert_false(told_wanted(t, "a", true));
	told_done(t, "a", true, false);
	assert_int_equal(told_count(t), 0);
}

static void
test_told_end_that_was_not_delivered_comes_again(void **state)
{
	int64_t since;

	(void)state;
	assert_true(trouble("a", 20));
	assert_null(told_key(t, 0));
	told_done(t, "a", false, true);
	assert_string_equal(told_key(t, 0), "a");
	assert_true(recovery("a", 21, &since));
	told_done(t, "a", true, false);
	assert_true(recovery("a", 22, &since));
	told_done(t, "a", true, true);
	assert_int_equal(told_count(t), 0);
}

static void
test_told_trouble_behind_its_end(void **state)
{
	int64_t since;

	(void)state;
	assert_true(trouble("a", 10));
	told_done(t, "a", false, true);
	assert_true(recovery("a", 11, &since));
	assert_true(trouble("a", 12));
	told_done(t, "a", true, true);
	assert_int_equal(told_count(t), 1);
	assert_false(trouble("a", 13));
	told_done(t, "a", false, true);
	assert_true(recovery("a", 14, &since));
	assert_int_equal(since, 12);
}

static void
test_told_remembers_no_more_than_it_may(void **state)
{
	int64_t since;

	(void)state;
	assert_true(trouble("a", 1) && trouble("b", 1) && trouble("c", 1));
	assert_false(trouble("d", 1));
	told_done(t, "b", false, false);
	assert_false(trouble("d", 1));
	assert_false(recovery("b", 1, &since));
	assert_true(trouble("d", 1));
}

static void
test_told_forget_leaves_no_end_to_tell(void **state)
{
	int64_t since;

	(void)state;
	told_forget(t, "a");
	assert_true(trouble("a", 1));
	told_forget(t, "a");
	assert_int_equal(told_count(t), 1);
	told_done(t, "a", false, true);
	told_forget(t, "a");
	assert_int_equal(told_count(t), 0);
	assert_true(told_changed(t));
	assert_false(recovery("a", 2, &since));
}

static void
test_told_text_comes_back(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	int64_t since;

	(void)state;
	assert_true(trouble("a", 1000000) && trouble("b/c/gap", 2000000));
	assert_false(told_changed(t));
	told_done(t, "b/c/gap", false, true);
	assert_true(told_changed(t));
	assert_int_equal(told_text(t, &text, &e), 0);
	assert_false(told_changed(t));
	assert_string_equal(buf_str(&text), "{\"version\":1,\"told\":["
	    "{\"key\":\"b/c/gap\",\"since\":\"1970-01-01T00:00:02.000000Z\","
	    "\"told\":\"1970-01-01T00:00:02.000000Z\"}]}\n");
	told_free(t);
	t = told_new(3, &e);
	assert_int_equal(told_parse(t, text.data, text.len, &e), 0);
	assert_int_equal(told_count(t), 1);
	assert_false(trouble("b/c/gap", 2000001));
	assert_true(recovery("b/c/gap", 2000002, &since));
	assert_int_equal(since, 2000000);
	buf_free(&text);
}

static void
test_told_parse_refuses_what_is_none(void **state)
{
	static const char *const texts[] = { "", "{}", "[]", "{\"version\":2,"
	    "\"told\":[]}", "{\"version\":1,\"told\":[{\"key\":\"\",\"since\":"
	    "\"1970-01-01T00:00:02Z\",\"told\":\"1970-01-01T00:00:02Z\"}]}",
	    "{\"version\":1,\"told\":[{\"key\":\"a\",\"since\":"
	    "\"never\",\"told\":\"1970-01-01T00:00:02Z\"}]}",
	    "{\"version\":1,\"told\":[7]}" };
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = (struct err){0};
		assert_int_equal(told_parse(t, texts[i], strlen(texts[i]),
		    &e), -1);
		assert_string_equal(e.msg, "not a list of what was told");
		assert_int_equal(told_count(t), 0);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_told_trouble_is_told_once_until_it_recovers),
		TEST(test_told_reminds),
		TEST(test_told_what_was_not_delivered_comes_again_later),
		TEST(test_told_end_that_was_not_delivered_comes_again),
		TEST(test_told_trouble_behind_its_end),
		TEST(test_told_remembers_no_more_than_it_may),
		TEST(test_told_forget_leaves_no_end_to_tell),
		TEST(test_told_text_comes_back),
		TEST(test_told_parse_refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
