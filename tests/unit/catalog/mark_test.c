/* SPDX-License-Identifier: Apache-2.0 */
/* mark_test: what was marked, when, and nothing of others. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/mark.h"
#include "tests/unit/catalog/sealed.h"

#define GOOD	"{\"format\":1,\"id\":\"" ID "\",\"source\":\"a\","	\
    "\"marked\":\"2026-11-22T18:15:00.123456Z\",\"why\":\"rolled up\","	\
    "\"sweep_after\":\"2026-11-24T18:15:00.123456Z\",\"keys\":["	\
    "\"sources/a/x\",\"sources/a/y/z\"]}"

static void
test_mark_comes_back(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	struct mark m;

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(mark_parse(text.data, text.len, "a", ID, &m, &e), &e);
	assert_string_equal(m.id, ID);
	assert_string_equal(m.why, "rolled up");
	assert_true(m.sweep_after_us - m.marked_us == MARK_GRACE_US);
	assert_int_equal(m.nkeys, 2);
	assert_string_equal(m.keys[1], "sources/a/y/z");
	mark_free(&m);
	mark_free(&m);
	buf_free(&text);
}

static void
test_mark_by_the_stores_time(void **state)
{
	const char *keys[] = { "sources/a/1", "sources/a/2" };
	struct err e = {0};
	struct mark *list;
	int64_t before, after;
	size_t n;

	(void)state;
	fixture_ok(mark_create(fixture_store, "a", "merged", keys, 0, &e),
	    &e);
	fixture_ok(marks_list(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 0);
	marks_free(list, n);
	fixture_ok(store_time(fixture_store, &before, &e), &e);
	fixture_ok(mark_create(fixture_store, "a", "merged", keys, 2, &e),
	    &e);
	fixture_ok(store_time(fixture_store, &after, &e), &e);
	fixture_ok(marks_list(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].why, "merged");
	assert_int_equal(list[0].nkeys, 2);
	assert_string_equal(list[0].keys[0], "sources/a/1");
	assert_true(list[0].marked_us >= before &&
	    list[0].marked_us <= after);
	assert_true(list[0].sweep_after_us == list[0].marked_us +
	    MARK_GRACE_US);
	marks_free(list, n);
}

static void
test_mark_many(void **state)
{
	const char *keys[2 * MARK_KEYS_MAX + 1];
	struct err e = {0};
	struct mark *list;
	size_t n, i, sum = 0;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		keys[i] = "sources/a/x";
	fixture_ok(mark_create(fixture_store, "a", "merged", keys,
	    sizeof(keys) / sizeof(keys[0]), &e), &e);
	fixture_ok(marks_list(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 3);
	for (i = 0; i < n; i++)
		sum += list[i].nkeys;
	assert_int_equal(sum, 2 * MARK_KEYS_MAX + 1);
	marks_free(list, n);
}

static void
refuses(const char *from, const char *to, const char *member)
{
	struct buf text = {0};
	struct err e = {0};
	struct mark m;
	char why[100];

	sealed_with(GOOD, from, to, &text);
	(void)snprintf(why, sizeof(why), "mark: member '%s' is missing or not "
	    "what it must be", member);
	fixture_failed(mark_parse(text.data, text.len, "a", ID, &m, &e), &e,
	    ERR_CORRUPT, why);
	assert_null(m.keys);
	buf_free(&text);
}

static void
test_mark_refuses_wrong_members(void **state)
{
	(void)state;
	refuses("\"id\":\"" ID, "\"id\":\"" LATER, "id");
	refuses("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses("\"marked\":\"2026", "\"marked\":\"x026", "marked");
	refuses("\"why\":", "\"whi\":", "why");
	refuses("\"sweep_after\":\"", "\"sweep_after\":1,\"x\":\"",
	    "sweep_after");
	refuses("\"keys\":[", "\"keys\":[],\"x\":[", "keys");
	refuses("\"keys\":[", "\"keys\":{},\"x\":[", "keys");
	refuses("\"keys\":[", "\"keys\":[7,", "keys");
	refuses("sources/a/x", "sources/b/x", "keys");
	refuses("sources/a/x", "kura.json", "keys");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mark_comes_back),
		IN_STORE(test_mark_by_the_stores_time),
		IN_STORE(test_mark_many),
		cmocka_unit_test(test_mark_refuses_wrong_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
