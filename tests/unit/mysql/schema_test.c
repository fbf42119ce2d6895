/* SPDX-License-Identifier: Apache-2.0 */
/* schema_test: what is in scope, and how its columns are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mysql/schema.h"

/* Is it in scope with one include and one exclude pattern (NULL: none)? */
static bool
in(const char *include, const char *exclude, const char *schema,
    const char *table)
{
	const struct schema_scope scope = { &include, include != NULL,
	    &exclude, exclude != NULL };

	return schema_in_scope(&scope, schema, table);
}

static void
test_schema_scope_all(void **state)
{
	(void)state;
	assert_true(in(NULL, NULL, "shop", NULL));
	assert_true(in(NULL, NULL, "shop", "o"));
	assert_true(in(NULL, NULL, "", ""));
}

static void
test_schema_scope_never_system(void **state)
{
	static const char *const names[] = { "mysql", "sys", "MySQL",
		"information_schema", "PERFORMANCE_SCHEMA", "kura_restore",
		"lost+found", "#mysql50#lost+found" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(schema_is_system(names[i]));
		assert_false(in(NULL, NULL, names[i], NULL));
		assert_false(in("*", NULL, names[i], "t"));
	}
	assert_false(schema_is_system("mysql2"));
	assert_false(schema_is_system(""));
	assert_false(schema_is_system("sy"));
}

static void
test_schema_scope_include(void **state)
{
	(void)state;
	assert_true(in("shop", NULL, "shop", NULL));
	assert_true(in("shop", NULL, "shop", "o"));
	assert_false(in("shop", NULL, "shop2", NULL));
	assert_false(in("shop", NULL, "sho", "o"));
	assert_false(in("shop", NULL, "Shop", "o"));
	assert_true(in("shop.o", NULL, "shop", "o"));
	assert_false(in("shop.o", NULL, "shop", "p"));
	assert_false(in("shop.o", NULL, "other", "o"));
	/* the schema itself is needed for its tables */
	assert_true(in("shop.o", NULL, "shop", NULL));
	assert_false(in("shop.o", NULL, "other", NULL));
}

static void
test_schema_scope_exclude(void **state)
{
	(void)state;
	assert_false(in(NULL, "shop", "shop", NULL));
	assert_false(in(NULL, "shop", "shop", "o"));
	assert_true(in(NULL, "shop", "shop2", "o"));
	assert_false(in(NULL, "shop.o", "shop", "o"));
	assert_true(in(NULL, "shop.o", "shop", "p"));
	assert_true(in(NULL, "shop.o", "shop", NULL));
	assert_true(in(NULL, "shop.*", "shop", NULL));
	assert_false(in("shop", "shop.o", "shop", "o"));
	assert_true(in("shop", "shop.o", "shop", "p"));
	assert_false(in("shop.o", "shop", "shop", "o"));
}

static void
test_schema_scope_patterns(void **state)
{
	(void)state;
	assert_true(in("*", NULL, "shop", "o"));
	assert_true(in("s*p", NULL, "sp", NULL));
	assert_true(in("s*p", NULL, "spsp", NULL));
	assert_true(in("s*p*", NULL, "sxpy", NULL));
	assert_false(in("s*p", NULL, "spx", NULL));
	assert_true(in("sh?p", NULL, "shop", NULL));
	assert_false(in("sh?p", NULL, "shp", NULL));
	assert_true(in("*.log_?", NULL, "any", "log_1"));
	assert_false(in("*.log_?", NULL, "any", "log_10"));
	assert_true(in("*.*", NULL, "a", "b"));
	assert_true(in("***", NULL, "a", NULL));
	assert_false(in("", NULL, "a", NULL));
	/* a dot in a table's name, none in a schema's part */
	assert_true(in("a.b.c", NULL, "a", "b.c"));
	assert_false(in("a*b", NULL, "a", "b"));
	/* much backing up, and an end to it */
	assert_false(in("*a*a*a*a*a*a*a*b", NULL,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    NULL));
}

static void
test_schema_engine_rows(void **state)
{
	(void)state;
	assert_true(schema_engine_rows("InnoDB"));
	assert_true(schema_engine_rows("MyISAM"));
	assert_true(schema_engine_rows("MEMORY"));
	assert_false(schema_engine_rows("BLACKHOLE"));
	assert_false(schema_engine_rows("blackhole"));
	assert_false(schema_engine_rows("FEDERATED"));
	assert_false(schema_engine_rows("MRG_MYISAM"));
}

/* The names are in every list ever written. */
static void
test_schema_conversions(void **state)
{
	static const char *const names[] = { "plain", "float", "number",
		"json", "ascii" };
	enum conversion as;
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		assert_string_equal(conversion_name((enum conversion)i),
		    names[i]);
		assert_int_equal(conversion_parse(names[i], &as), 0);
		assert_int_equal(as, i);
	}
	assert_int_equal(conversion_parse("", &as), -1);
	assert_int_equal(conversion_parse("Plain", &as), -1);
	assert_int_equal(conversion_parse("plain ", &as), -1);
}

static void
test_schema_select_list(void **state)
{
	struct schema_column columns[] = {
		{ .name = (char[]){ "a`b" }, .as = CONVERSION_PLAIN },
		{ .name = (char[]){ "f" }, .as = CONVERSION_FLOAT },
		{ .name = (char[]){ "e" }, .as = CONVERSION_NUMBER },
		{ .name = (char[]){ "j" }, .as = CONVERSION_JSON },
		{ .name = (char[]){ "u" }, .as = CONVERSION_ASCII },
	};
	struct schema_table t = { .columns = columns, .ncolumns = 5 };
	struct buf out = {0};

	(void)state;
	schema_select_list(&t, &out);
	assert_string_equal(buf_str(&out), "`a``b`,`f`*1e0,`e`+0,`j`,`u`");
	buf_clear(&out);
	t.ncolumns = 0;
	schema_select_list(&t, &out);
	assert_string_equal(buf_str(&out), "1");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_scope_all),
		cmocka_unit_test(test_schema_scope_never_system),
		cmocka_unit_test(test_schema_scope_include),
		cmocka_unit_test(test_schema_scope_exclude),
		cmocka_unit_test(test_schema_scope_patterns),
		cmocka_unit_test(test_schema_engine_rows),
		cmocka_unit_test(test_schema_conversions),
		cmocka_unit_test(test_schema_select_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
