/* SPDX-License-Identifier: Apache-2.0 */
/* columns_test: names are those of the newest backup, while they can be. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/columns.h"
#include "tests/unit/catalog/fixture.h"

static void
test_columns_of_a_definition(void **state)
{
	static const char ddl[] = "CREATE TABLE `t` (\n"
	    "  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n"
	    "  `a``b` varchar(9) DEFAULT 'x\n  y' COMMENT 'unsigned',\n"
	    "  `n` bigint unsigned DEFAULT NULL,\n"
	    "  `d` decimal(5,2) unsigned DEFAULT NULL,\n"
	    "  `s` bigint NOT NULL COMMENT ' unsigned',\n"
	    "  PRIMARY KEY (`id`),\n"
	    "  KEY `k` (`n`)\n"
	    ") ENGINE=InnoDB";
	static const struct column want[] = { { (char *)(uintptr_t)"id",
	    true }, { (char *)(uintptr_t)"a`b", false },
	    { (char *)(uintptr_t)"n", true }, { (char *)(uintptr_t)"d",
	    true }, { (char *)(uintptr_t)"s", false } };
	struct column *list;
	struct err e = {0};
	size_t n, i;

	(void)state;
	fixture_ok(columns_of_ddl(ddl, &list, &n, &e), &e);
	assert_int_equal(n, 5);
	for (i = 0; i < n; i++) {
		assert_string_equal(list[i].name, want[i].name);
		assert_true(list[i].is_unsigned == want[i].is_unsigned);
	}
	columns_ddl_free(list, n);
	fixture_ok(columns_of_ddl("CREATE TABLE t (a INT)", &list, &n, &e),
	    &e);
	assert_int_equal(n, 0);
	columns_ddl_free(list, n);
}

static void
test_columns_mentioned_as_a_word(void **state)
{
	(void)state;
	assert_true(columns_mentioned("DROP TABLE orders", "orders", 6));
	assert_true(columns_mentioned("drop table `shop`.`ORDERS`", "orders",
	    6));
	assert_true(columns_mentioned("orders", "orders", 6));
	assert_false(columns_mentioned("DROP TABLE orders2", "orders", 6));
	assert_false(columns_mentioned("DROP TABLE reorders", "orders", 6));
	assert_false(columns_mentioned("DROP TABLE or", "orders", 6));
	assert_false(columns_mentioned("", "orders", 6));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_of_a_definition),
		cmocka_unit_test(test_columns_mentioned_as_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
