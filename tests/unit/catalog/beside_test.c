/* SPDX-License-Identifier: Apache-2.0 */
/* beside_test: which names stand beside backups. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/beside.h"
#include "tests/unit/catalog/fixture.h"

static void
test_beside_lists_names(void **state)
{
	struct beside *list;
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_put("sources/a/holds/" ID "/x.json", "x", 1);
	fixture_put("sources/a/holds/" ID "/y", "x", 1);
	fixture_put("sources/a/holds/" LATER "/z.json", "x", 1);
	fixture_put("sources/a/holds/other/z.json", "x", 1);
	fixture_put("sources/a/notes/" ID "/n.json", "x", 1);
	fixture_ok(beside_list(fixture_store, "a", "holds", NULL, &list, &n,
	    &e), &e);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].backup, ID);
	assert_string_equal(list[0].name, "x.json");
	assert_string_equal(list[1].name, "y");
	assert_string_equal(list[2].backup, LATER);
	free(list);
	fixture_ok(beside_list(fixture_store, "a", "holds", LATER, &list, &n,
	    &e), &e);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "z.json");
	free(list);
	fixture_ok(beside_list(fixture_store, "b", "holds", NULL, &list, &n,
	    &e), &e);
	assert_int_equal(n, 0);
	free(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_beside_lists_names,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
