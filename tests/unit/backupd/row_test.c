/* SPDX-License-Identifier: Apache-2.0 */
/* row_test: rows as lines, and as they will be after a reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/row.h"
#include "backupd/table_run.h"
#include "base/buf.h"
#include "base/err.h"

static void
test_row_put_fields(void **state)
{
	char one[] = "a\tb", two[] = "", line[64];
	char *row[] = { one, NULL, two };
	unsigned long len[] = { 3, 0, 0 };
	size_t n;

	(void)state;
	assert_true(row_room(len, 3) <= sizeof(line));
	n = row_put(line, row, len, 3);
	assert_memory_equal(line, "a\\tb\t\\N\t\n", n);
	assert_int_equal(n, 9);
	/* room for the worst: every byte escaped */
	memset(line, '\t', 8);
	row[0] = row[1] = row[2] = memset(malloc(8), '\\', 8);
	len[0] = len[1] = len[2] = 8;
	assert_true(row_put(line, row, len, 3) <= row_room(len, 3));
	free(row[0]);
}

static void
test_row_reload_where_it_differs(void **state)
{
	char id[] = "1", json[] = "1.0", after[] = "1";
	char *row[] = { id, NULL, json, NULL };
	unsigned long len[] = { 1, 0, 3, 0 };
	uint64_t changed[3] = {0};
	struct schema_column columns[3] = { [2] = { .as = CONVERSION_JSON } };
	struct table_run table = { .def = { .columns = columns,
	    .ncolumns = 3 }, .njson = 1, .changed = changed };
	struct buf line = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(pthread_mutex_init(&table.lock, NULL), 0);
	assert_int_equal(row_reload(&table, row, len, &line, &e), 0);
	assert_int_equal(line.len, 0);
	row[3] = after;
	len[3] = 1;
	assert_int_equal(row_reload(&table, row, len, &line, &e), 1);
	assert_int_equal(line.len, 7);
	assert_memory_equal(line.data, "1\t\\N\t1\n", 7);
	assert_int_equal(changed[2], 1);
	buf_free(&line);
	(void)pthread_mutex_destroy(&table.lock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_put_fields),
		cmocka_unit_test(test_row_reload_where_it_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
