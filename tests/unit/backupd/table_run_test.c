/* SPDX-License-Identifier: Apache-2.0 */
/* table_run_test: a table's key, rows and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/plan.h"
#include "backupd/table_run.h"
#include "base/buf.h"
#include "base/err.h"
#include "catalog/list.h"

static struct schema_column columns[3];
static struct plan_item item;
static struct table_run *table;

static int
setup(void **state)
{
	static char id[] = "id", text[] = "t", json[] = "j", type[] = "int",
	    schema[] = "s", name[] = "n", engine[] = "InnoDB";
	struct err e = {0};

	(void)state;
	columns[0] = (struct schema_column){ .name = id, .type = type };
	columns[1] = (struct schema_column){ .name = text, .type = type };
	columns[2] = (struct schema_column){ .name = json, .type = type,
	    .as = CONVERSION_JSON };
	item = (struct plan_item){ .kind = SCHEMA_TABLE, .n = 7,
	    .schema = schema, .name = name, .type = engine };
	(void)snprintf(item.ddl.bundle, sizeof(item.ddl.bundle),
	    "data/20261122T181500Z-7c1e/bundle/0.tar");
	memset(item.ddl.sha256, 'a', 64);
	item.ddl.length = 1;
	table = table_run_new(&item, &e);
	if (table == NULL)
		return -1;
	table->def.columns = columns;
	table->def.ncolumns = 3;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	table->def = (struct schema_table){0};
	table_run_free(table);
	return 0;
}

static void
test_table_run_begins_as_one_part(void **state)
{
	(void)state;
	assert_int_equal(table->nparts, 1);
	assert_int_equal(table->pending, 1);
	assert_null(table->parts[0].where);
	table_run_free(NULL);
}

static void
has_key(const char *line, const char *want)
{
	struct buf out = {0};

	buf_adds(&out, "old");
	table_run_key(table, line, strlen(line), &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_table_run_key_in_its_own_order(void **state)
{
	size_t key[] = { 2, 0 };

	(void)state;
	has_key("1\tx\ty", "");
	table->def.key = key;
	table->def.nkey = 1;
	has_key("1\tx\ty", "y");
	has_key("\t\t", "");
	table->def.nkey = 2;
	has_key("1\tx\ty", "y\t1");
	has_key("1\ta\\tb\t\\\\", "\\\\\t1");
}

static void
test_table_run_line_is_a_line(void **state)
{
	size_t key[] = { 0 };
	struct err e = {0};
	struct line l;
	json_t *json;

	(void)state;
	table->def.key = key;
	table->def.nkey = 1;
	table->rows = 3;
	table->raw = 99;
	table->chunks = 1;
	table->cut = 14;
	rowsum_add_row(&table->digest, "1\n", 2);
	json = table_run_line(table);
	if (line_parse(json, &l, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(l.kind, LINE_TABLE);
	assert_int_equal(l.n, 7);
	assert_string_equal(l.name, "n");
	assert_int_equal(l.rows, 3);
	assert_int_equal(l.raw, 99);
	assert_int_equal(l.chunks, 1);
	assert_true(rowsum_equal(&l.digest, &table->digest));
	/* without MySQL JSON a reload changes nothing */
	assert_true(rowsum_equal(&l.digest, &l.digest_reload));
	assert_string_equal(json_string_value(json_object_get(json,
	    "dumped")), "snapshot");
	json_decref(json);
	table->locked = true;
	table->njson = 1;
	json = table_run_line(table);
	if (line_parse(json, &l, &e) != 0)
		fail_msg("%s", e.msg);
	assert_false(rowsum_equal(&l.digest, &l.digest_reload));
	assert_string_equal(json_string_value(json_object_get(json,
	    "dumped")), "locked");
	json_decref(json);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_run_begins_as_one_part),
		TEST(test_table_run_key_in_its_own_order),
		TEST(test_table_run_line_is_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
