/* SPDX-License-Identifier: Apache-2.0 */
/* select_test: one statement reads one range, in the order of the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/select.h"
#include "base/buf.h"
#include "mysql/range.h"
#include "mysql/schema.h"

static struct schema_column columns[] = {
	{ .name = (char[]){ "a" } },
	{ .name = (char[]){ "f" }, .as = CONVERSION_FLOAT },
	{ .name = (char[]){ "j`" }, .as = CONVERSION_JSON },
	{ .name = (char[]){ "b" }, .as = CONVERSION_NUMBER },
};
static size_t key[] = { 3, 0 };

static struct schema_table
table(size_t ncolumns, size_t nkey)
{
	static char schema[] = "s`x", name[] = "t", primary[] = "PRIMARY";

	return (struct schema_table){ .schema = schema, .name = name,
	    .columns = columns, .ncolumns = ncolumns, .key = key,
	    .nkey = nkey, .key_name = primary };
}

static void
selects(const struct schema_table *t, const struct range *range,
    const char *want)
{
	struct buf out = {0};

	select_sql(t, range, &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_select_without_key(void **state)
{
	const struct schema_table t = table(2, 0);
	const struct range all = {0};

	(void)state;
	selects(&t, &all, "SELECT `a`,`f`*1e0 FROM `s``x`.`t`");
	assert_int_equal(select_extras(&t), 0);
}

static void
test_select_in_key_order(void **state)
{
	const struct schema_table t = table(4, 2);
	const struct range all = {0};

	(void)state;
	selects(&t, &all, "SELECT `a`,`f`*1e0,`j```,`b`+0,NULLIF(CAST(CAST("
	    "CAST(CAST(`j``` AS CHAR CHARACTER SET utf8mb4) AS JSON) AS CHAR "
	    "CHARACTER SET utf8mb4) AS BINARY),CAST(`j``` AS BINARY)) FROM "
	    "`s``x`.`t` FORCE INDEX (`PRIMARY`) ORDER BY `b`,`a`");
	assert_int_equal(select_extras(&t), 1);
}

static void
test_select_range(void **state)
{
	const struct schema_table t = table(1, 1);
	const struct range part = { .where = (char[]){ "`b`>=3 AND `b`<9" } };

	(void)state;
	selects(&t, &part, "SELECT `a` FROM `s``x`.`t` FORCE INDEX "
	    "(`PRIMARY`) WHERE `b`>=3 AND `b`<9 ORDER BY `b`");
}

/* History rows repeat the key: no index can be forced. */
static void
test_select_versioned(void **state)
{
	struct schema_table t = table(1, 1);
	const struct range all = {0};

	(void)state;
	t.versioned = true;
	selects(&t, &all, "SELECT `a` FROM `s``x`.`t` FOR SYSTEM_TIME ALL "
	    "ORDER BY `b`");
}

static void
test_select_table_without_columns(void **state)
{
	const struct schema_table t = table(0, 0);
	const struct range all = {0};

	(void)state;
	selects(&t, &all, "SELECT 1 FROM `s``x`.`t`");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select_without_key),
		cmocka_unit_test(test_select_in_key_order),
		cmocka_unit_test(test_select_range),
		cmocka_unit_test(test_select_versioned),
		cmocka_unit_test(test_select_table_without_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
