/* SPDX-License-Identifier: Apache-2.0 */
/* removal_test: which objects go, and when. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/removal.h"
#include "tests/unit/catalog/fixture.h"

static int
count_one(void *arg, const struct store_entry *entry, struct err *e)
{
	size_t *n = arg;

	(void)entry;
	(void)e;
	(*n)++;
	return 0;
}

static size_t
count(const char *prefix)
{
	struct err e = {0};
	size_t n = 0;

	fixture_ok(store_list(fixture_store, prefix, count_one, &n, &e), &e);
	return n;
}

static void
fill(const char *prefix, size_t n)
{
	char key[64];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(key, sizeof(key), "%s%05zu", prefix, i);
		fixture_put(key, "x", 1);
	}
}

static void
test_removal_prefix_of_more_than_one_request(void **state)
{
	struct err e = {0};

	(void)state;
	fill("a/b/", 1003);
	fill("a/bb/", 2);
	fixture_ok(removal_prefix(fixture_store, "a/b/", &e), &e);
	assert_int_equal(count("a/b/"), 0);
	assert_int_equal(count("a/bb/"), 2);
	fixture_ok(removal_prefix(fixture_store, "a/b/", &e), &e);
}

static void
test_removal_without_flush_keeps(void **state)
{
	struct removal *r;
	struct err e = {0};

	(void)state;
	fill("a/", 2);
	r = removal_new(fixture_store, &e);
	assert_non_null(r);
	fixture_ok(removal_add(r, "a/00000", &e), &e);
	removal_free(r);
	assert_int_equal(count("a/"), 2);
	r = removal_new(fixture_store, &e);
	assert_non_null(r);
	fixture_ok(removal_add(r, "a/00000", &e), &e);
	fixture_ok(removal_flush(r, &e), &e);
	removal_free(r);
	assert_int_equal(count("a/"), 1);
	removal_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_removal_prefix_of_more_than_one_request,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_removal_without_flush_keeps, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
