/* SPDX-License-Identifier: Apache-2.0 */
/* rows_test: table maps and row images, where the servers' own tests end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mysql/rows_impl.h"
#include "tests/unit/mysql/recorded.h"

static const struct event_format format = { .known = true };

/* The n-th TABLE_MAP event of a recorded file with its rows event. */
struct pair {
	struct buf file;
	struct event_format f;
	struct event map, rows;
	struct rows_table table;
};

static void
pair_find(struct pair *p, const char *name, int n)
{
	struct err e = {0};
	size_t at = 4;

	*p = (struct pair){0};
	recorded_read(name, "binlog", &p->file);
	while (recorded_next(&p->file, &at, &p->f, &p->map))
		if (p->map.type == EVENT_TABLE_MAP && n-- == 0)
			break;
	assert_true(recorded_next(&p->file, &at, &p->f, &p->rows));
	assert_int_equal(rows_table_parse(&p->map, &p->f, &p->table, &e), 0);
}

static void
pair_free(struct pair *p)
{
	rows_table_free(&p->table);
	buf_free(&p->file);
}

static void
assert_value(const struct rows_value *v, enum rows_form form,
    const char *text)
{
	assert_int_equal(v->form, form);
	assert_int_equal(v->len, strlen(text));
	assert_memory_equal(v->data, text, v->len);
}

static void
test_rows_what_a_map_does_not_tell(void **state)
{
	static const bool unsigned_columns[] = { true, false };
	const struct rows_value *before, *after;
	struct rows_reader *reader;
	struct rows_event r;
	struct err e = {0};
	struct pair p;
	uint64_t n;

	(void)state;
	pair_find(&p, "mariadb-plain", 1);
	assert_false(p.table.signedness);
	assert_null(p.table.columns[0].name);
	assert_int_equal(rows_event_parse(&p.rows, &p.f, &r, &e), 0);
	assert_int_equal(rows_count(&p.table, &r, &n, &e), 0);
	assert_true(n == 2);
	reader = rows_reader_new(&p.table, &r, NULL, &e);
	assert_int_equal(rows_next(reader, &before, &after, &e), 1);
	assert_null(before);
	assert_value(&after[0], ROWS_NUMBER, "-1");
	assert_value(&after[1], ROWS_BYTES, "ab");
	rows_reader_free(reader);
	/* A caller who knows the table's definition. */
	p.table.columns[1].collation = ROWS_BINARY;
	reader = rows_reader_new(&p.table, &r, unsigned_columns, &e);
	assert_int_equal(rows_next(reader, &before, &after, &e), 1);
	assert_value(&after[0], ROWS_NUMBER, "18446744073709551615");
	assert_int_equal(after[1].len, 4);
	assert_memory_equal(after[1].data, "ab\0\0", 4);
	assert_int_equal(rows_next(reader, &before, &after, &e), 1);
	assert_value(&after[0], ROWS_NUMBER, "1");
	assert_int_equal(rows_next(reader, &before, &after, &e), 0);
	assert_int_equal(rows_next(reader, &before, &after, &e), 0);
	rows_reader_free(reader);
	pair_free(&p);
}

static void
test_rows_old_times_of_mariadb(void **state)
{
	static const uint8_t digits[] = { 0, 3, 0, 6, 0, 2 };
	static const char *const values[2][6] = {
		{ "-12:34:56", "-12:34:56.789", "2024-01-02 03:04:05",
		    "2024-01-02 03:04:05.678901", "2020-01-01 00:00:01",
		    "2020-01-01 00:00:01.25" },
		{ "838:59:59", "838:59:59.999", "9999-12-31 23:59:59",
		    "0000-00-00 00:00:00.000000", "0000-00-00 00:00:00",
		    "2038-01-19 03:14:07.00" },
	};
	const struct rows_value *before, *after;
	struct rows_reader *reader;
	struct rows_event r;
	struct err e = {0};
	struct pair p;
	size_t i, k;
	uint64_t n;

	(void)state;
	pair_find(&p, "mariadb-plain", 0);
	assert_int_equal(rows_event_parse(&p.rows, &p.f, &r, &e), 0);
	/* Their digits are not told: without them nothing is read wrongly. */
	assert_int_equal(rows_count(&p.table, &r, &n, &e), -1);
	assert_string_equal(e.msg, "rows event: ends within a row");
	e = (struct err){0};
	for (i = 0; i < 6; i++)
		p.table.columns[i].meta = digits[i];
	reader = rows_reader_new(&p.table, &r, NULL, &e);
	for (k = 0; k < 2; k++) {
		assert_int_equal(rows_next(reader, &before, &after, &e), 1);
		for (i = 0; i < 6; i++)
			assert_value(&after[i], ROWS_TEXT, values[k][i]);
	}
	assert_int_equal(rows_next(reader, &before, &after, &e), 0);
	rows_reader_free(reader);
	pair_free(&p);
}

static void
test_rows_table_rename(void **state)
{
	struct buf out = {0}, back = {0};
	struct rows_table t;
	struct event_format f;
	struct event ev;
	struct err e = {0};
	struct pair p;
	size_t i;

	(void)state;
	pair_find(&p, "mysql-values", 0);
	buf_adds(&out, "before");
	assert_int_equal(rows_table_rename(&p.map, &p.f, "rescue",
	    "orders_1403", &out, &e), 0);
	f = p.f;
	assert_int_equal(event_parse((uint8_t *)out.data + 6, out.len - 6, &f,
	    &ev, &e), 0);
	assert_int_equal(rows_table_parse(&ev, &f, &t, &e), 0);
	assert_string_equal(t.schema, "rescue");
	assert_string_equal(t.table, "orders_1403");
	assert_int_equal(t.ncolumns, p.table.ncolumns);
	for (i = 0; i < t.ncolumns; i++) {
		assert_string_equal(t.columns[i].name,
		    p.table.columns[i].name);
		assert_int_equal(t.columns[i].type, p.table.columns[i].type);
	}
	rows_table_free(&t);
	/* Back again: byte for byte what it was. */
	assert_int_equal(rows_table_rename(&ev, &f, "ev", "t", &back, &e), 0);
	assert_int_equal(back.len, p.map.size);
	assert_memory_equal(back.data, p.map.data, back.len);
	buf_free(&back);
	buf_free(&out);
	pair_free(&p);
	/* Without checksums, too. */
	pair_find(&p, "mariadb-plain", 1);
	assert_int_equal(rows_table_rename(&p.map, &p.f, "ev", "t", &out,
	    &e), 0);
	assert_int_equal(out.len, p.map.size);
	assert_memory_equal(out.data, p.map.data, out.len);
	buf_free(&out);
	pair_free(&p);
}

static int
parse_map(const char *body, size_t n, struct err *e)
{
	struct buf room = {0};
	struct rows_table t;
	struct event ev;
	int rc;

	ev = recorded_event(&room, EVENT_TABLE_MAP, 0, body, n);
	*e = (struct err){0};
	rc = rows_table_parse(&ev, &format, &t, e);
	if (rc == 0)
		rows_table_free(&t);
	else
		assert_null(t.columns);
	buf_free(&room);
	return rc;
}

#define MAP "\1\0\0\0\0\0\0\0\1s\0\1t\0"
#define PARSE(text) parse_map(text, sizeof(text) - 1, &e)

static void
test_rows_table_refuses(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(PARSE(MAP "\1\3\0\0"), 0);
	assert_int_equal(PARSE(MAP "\0\0"), 0);
	assert_int_equal(PARSE("\1\0\0\0\0\0\0\0\3s\0x\0\1t\0\1\3\0\0"), -1);
	assert_string_equal(e.msg, "Table_map event: wrong schema");
	assert_int_equal(PARSE("\1\0\0\0\0\0\0\0\1s\0\1tt\1\3\0\0"), -1);
	assert_string_equal(e.msg, "Table_map event: wrong table");
	assert_int_equal(PARSE(MAP "\xfd\0\0\1\3"), -1);
	assert_string_equal(e.msg, "Table_map event: wrong number of columns");
	assert_int_equal(PARSE(MAP "\1\3\1x\0"), -1);
	assert_string_equal(e.msg, "Table_map event: wrong metadata");
	assert_int_equal(PARSE(MAP "\2\3\x14\0\0"), -1);
	assert_string_equal(e.msg, "Table_map event: column 2 of s.t has type "
	    "20, which Kura cannot read");
	assert_int_equal(PARSE(MAP "\1\xf6\2\5\6\0"), -1);
	assert_string_equal(e.msg, "Table_map event: column 1 of s.t has type "
	    "246, which Kura cannot read");
	assert_int_equal(PARSE(MAP "\1\xfe\2\xf7\3\0"), -1);
	assert_int_equal(PARSE(MAP "\1\x10\2\0\x09\0"), -1);
	assert_int_equal(PARSE(MAP "\1\x12\1\7\0"), -1);
	assert_int_equal(PARSE(MAP "\1\xfc\1\5\0"), -1);
	/* Metadata beside: one name missing, a number of no column. */
	assert_int_equal(PARSE(MAP "\2\3\3\0\0\4\2\1a"), -1);
	assert_string_equal(e.msg, "Table_map event: wrong optional metadata");
	assert_int_equal(PARSE(MAP "\2\3\3\0\0\4\2\1a\4\2\1a"), -1);
	assert_int_equal(PARSE(MAP "\1\xf\2\4\0\0\2\3\x3f\1\x21"), -1);
	assert_int_equal(PARSE(MAP "\1\xf\2\4\0\0\2\3\x3f\0\x21"), 0);
	assert_int_equal(PARSE(MAP "\1\xf\2\4\0\0\x63\1z"), 0);
}

/* One row of one column; its text. */
static int
read_one(const char *map, size_t nmap, const char *row, size_t nrow,
    struct buf *out, struct err *e)
{
	const struct rows_value *before, *after;
	struct buf room = {0}, room2 = {0};
	struct rows_reader *reader;
	struct rows_table t;
	struct rows_event r;
	struct event ev;
	int rc;

	buf_clear(out);
	*e = (struct err){0};
	ev = recorded_event(&room, EVENT_TABLE_MAP, 0, map, nmap);
	assert_int_equal(rows_table_parse(&ev, &format, &t, e), 0);
	buf_add(&room2, "\1\0\0\0\0\0\0\0\2\0\1\xff\0", 13);
	buf_add(&room2, row, nrow);
	ev = recorded_event(&room, EVENT_WRITE, 0, room2.data, room2.len);
	assert_int_equal(rows_event_parse(&ev, &format, &r, e), 0);
	reader = rows_reader_new(&t, &r, NULL, e);
	assert_non_null(reader);
	rc = rows_next(reader, &before, &after, e);
	if (rc == 1)
		buf_add(out, after[0].data, after[0].len);
	rows_reader_free(reader);
	rows_table_free(&t);
	buf_free(&room);
	buf_free(&room2);
	return rc;
}

#define READ(map, row) read_one(MAP map, sizeof(MAP map) - 1, row, \
    sizeof(row) - 1, &out, &e)

static void
test_rows_values_that_no_server_has(void **state)
{
	struct buf out = {0};
	struct err e;

	(void)state;
	assert_int_equal(READ("\1\5\1\x8\0", "\0\0\0\0\0\0\0\x80"), 1);
	assert_string_equal(buf_str(&out), "-0e0");
	assert_int_equal(READ("\1\4\1\x4\0", "\0\0\0\x80"), 1);
	assert_string_equal(buf_str(&out), "-0e0");
	assert_int_equal(READ("\1\5\1\x8\0", "\0\0\0\0\0\0\xf0\x7f"), -1);
	assert_string_equal(e.msg, "s.t, column 1: no value of its type (5)");
	assert_int_equal(READ("\1\4\1\x4\0", "\0\0\xc0\x7f"), -1);
	/* Nine digits that are ten. */
	assert_int_equal(READ("\1\xf6\2\x9\0\0", "\xff\xff\xff\xff"), -1);
	assert_int_equal(READ("\1\xf6\2\x9\0\0", "\xbb\x9a\xc9\xff"), 1);
	assert_string_equal(buf_str(&out), "999999999");
	/* A year of five digits, a fraction of seven. */
	assert_int_equal(READ("\1\x12\1\0\0", "\xff\xff\xff\xff\xff"), -1);
	assert_int_equal(READ("\1\x11\1\6\0", "\0\0\0\1\xff\xff\xff"), -1);
	assert_int_equal(READ("\1\xa\0\0", "\xff\xff\xff"), -1);
	assert_int_equal(READ("\1\xb\0\0", "\xff\xff\xff"), 1);
	assert_string_equal(buf_str(&out), "-00:00:01");
	/* Seconds to the year 2106, as MariaDB counts since 11.5. */
	assert_int_equal(READ("\1\x11\1\0\0", "\xff\xff\xff\xff"), 1);
	assert_string_equal(buf_str(&out), "2106-02-07 06:28:15");
	/* Compressed columns: not zlib, too long, damaged. */
	assert_int_equal(READ("\1\x8c\1\1\0", "\0"), 1);
	assert_string_equal(buf_str(&out), "");
	assert_int_equal(READ("\1\x8c\1\1\0", "\4\0abc"), 1);
	assert_string_equal(buf_str(&out), "abc");
	assert_int_equal(READ("\1\x8c\1\1\0", "\4\x91" "abc"), -1);
	assert_int_equal(READ("\1\x8c\1\1\0", "\6\x84\x40\0\0\0a"), -1);
	assert_int_equal(READ("\1\x8c\1\1\0", "\4\x81\3ab"), -1);
	assert_int_equal(READ("\1\x8c\1\1\0", "\5abc"), -1);
	assert_string_equal(e.msg, "rows event: ends within a row");
	buf_free(&out);
}

static void
test_rows_event_refuses(void **state)
{
	struct buf room = {0};
	struct rows_event r;
	struct event ev;
	struct err e = {0};
	struct pair p;
	uint64_t n;

	(void)state;
	ev = recorded_event(&room, EVENT_UPDATE, 0, "\1\0\0\0\0\0\0\0\1\0\1",
	    11);
	assert_int_equal(rows_event_parse(&ev, &format, &r, &e), -1);
	assert_string_equal(e.msg, "rows event: wrong extra data");
	e = (struct err){0};
	ev = recorded_event(&room, EVENT_UPDATE, 0, "\1\0\0\0\0\0\0\0\3\0x"
	    "\11\xff\xff\xff", 15);
	assert_int_equal(rows_event_parse(&ev, &format, &r, &e), -1);
	assert_string_equal(e.msg, "rows event: ends within its masks");
	e = (struct err){0};
	pair_find(&p, "mysql-values", 0);
	assert_int_equal(rows_event_parse(&p.rows, &p.f, &r, &e), 0);
	p.table.id++;
	assert_int_equal(rows_count(&p.table, &r, &n, &e), -1);
	assert_string_equal(e.msg, "rows event: does not belong to the map of "
	    "ev.t");
	pair_free(&p);
	/* No column present: rows of no bytes are none. */
	e = (struct err){0};
	ev = recorded_event(&room, EVENT_WRITE, 0, "\1\0\0\0\0\0\0\0\2\0\0",
	    11);
	assert_int_equal(rows_event_parse(&ev, &format, &r, &e), 0);
	p.table = (struct rows_table){ .id = 1 };
	assert_int_equal(rows_count(&p.table, &r, &n, &e), 0);
	assert_true(n == 0);
	r.end = r.rows + 1;
	assert_int_equal(rows_count(&p.table, &r, &n, &e), -1);
	buf_free(&room);
}

/* A change of a JSON document is told from a document. */
static void
test_rows_partial_update(void **state)
{
	const struct rows_value *before, *after;
	struct rows_reader *reader;
	struct rows_table t;
	struct rows_event r = {0};
	struct event_format f = {0};
	struct event ev;
	struct buf file = {0}, value = {0};
	struct err e = {0};
	size_t at = 4, len, path_len;
	const char *data, *path;
	enum rows_step step;
	uint8_t *copy;
	uint64_t n;

	(void)state;
	recorded_read("mysql-transactions", "binlog", &file);
	t = (struct rows_table){0};
	while (recorded_next(&file, &at, &f, &ev)) {
		if (ev.type == EVENT_TABLE_MAP) {
			rows_table_free(&t);
			assert_int_equal(rows_table_parse(&ev, &f, &t, &e),
			    0);
		}
		if (ev.type == EVENT_PARTIAL_UPDATE)
			break;
	}
	assert_int_equal(rows_event_parse(&ev, &f, &r, &e), 0);
	assert_true(r.partial);
	assert_int_equal(rows_count(&t, &r, &n, &e), 0);
	assert_true(n == 1);
	reader = rows_reader_new(&t, &r, NULL, &e);
	assert_int_equal(rows_next(reader, &before, &after, &e), 1);
	assert_value(&before[0], ROWS_JSON, "{\"a\": 1, \"b\": [1, 2]}");
	assert_int_equal(after[0].form, ROWS_CHANGE);
	/* One step; and none of it but the whole. */
	for (n = 1; n < after[0].len; n++) {
		data = after[0].data;
		len = (size_t)n;
		assert_int_equal(rows_change_next(&data, &len, &step, &path,
		    &path_len, &value, &e), -1);
		e = (struct err){0};
	}
	data = after[0].data;
	len = after[0].len;
	buf_clear(&value);
	assert_int_equal(rows_change_next(&data, &len, &step, &path,
	    &path_len, &value, &e), 1);
	assert_int_equal(step, ROWS_REPLACE);
	assert_int_equal(path_len, 3);
	assert_memory_equal(path, "$.a", 3);
	assert_string_equal(buf_str(&value), "2");
	assert_int_equal(rows_change_next(&data, &len, &step, &path,
	    &path_len, &value, &e), 0);
	buf_free(&value);
	assert_int_equal(rows_next(reader, &before, &after, &e), 0);
	/* No step at all: the document is the one before. */
	len = (size_t)(r.end - r.rows);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, r.rows, len);
	len -= after[0].len;
	memset(copy + len - 4, 0, 4);
	rows_reader_free(reader);
	r.rows = copy;
	r.end = copy + len;
	reader = rows_reader_new(&t, &r, NULL, &e);
	assert_int_equal(rows_next(reader, &before, &after, &e), 1);
	assert_value(&after[0], ROWS_JSON, "{\"a\": 1, \"b\": [1, 2]}");
	rows_reader_free(reader);
	free(copy);
	rows_table_free(&t);
	buf_free(&file);
}

static int
json(const void *data, size_t n, struct buf *out)
{
	struct err e = {0};
	uint8_t *copy = malloc(n > 0 ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, data, n);
	buf_clear(out);
	rc = rows_json_text(copy, n, out, &e);
	if (rc != 0)
		assert_string_equal(e.msg, "damaged JSON document");
	free(copy);
	return rc;
}

#define JSON(text) json(text, sizeof(text) - 1, &out)

static void
test_rows_json(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_int_equal(JSON(""), 0);
	assert_string_equal(buf_str(&out), "null");
	assert_int_equal(JSON("\4\1"), 0);
	assert_string_equal(buf_str(&out), "true");
	assert_int_equal(JSON("\4\3"), -1);
	assert_int_equal(JSON("\xd\0"), -1);
	assert_int_equal(JSON("\xb\0\0\0\0\0\0\0\x80"), 0);
	assert_string_equal(buf_str(&out), "-0.0");
	assert_int_equal(JSON("\xb\0\0\0\0\0\0\xf8\x7f"), -1);
	assert_int_equal(JSON("\xc\x3" "a\x1f\""), 0);
	assert_string_equal(buf_str(&out), "\"a\\u001f\\\"\"");
	assert_int_equal(JSON("\xc\x4" "abc"), -1);
	assert_int_equal(JSON("\xc\xff\xff\xff\xff\xff\xff"), -1);
	/* [1, [2]]: a small array with one inside. */
	assert_int_equal(JSON("\2\2\0\x11\0\5\1\0\2\xa\0\1\0\7\0\5\2\0"), 0);
	assert_string_equal(buf_str(&out), "[1, [2]]");
	/* An opaque value that ends early; a decimal of no digits. */
	assert_int_equal(JSON("\xf\xc\x8\0\0\0"), -1);
	assert_int_equal(JSON("\xf\xf6\2\5\6"), -1);
	assert_int_equal(JSON("\xf\xf6\4\5\2\x80\x1"), -1);
	assert_int_equal(JSON("\xf\xf6\5\5\2\x80\x7b\x2d"), 0);
	assert_string_equal(buf_str(&out), "123.45");
	buf_free(&out);
}

/* Places that share what they hold: 2^40 values in 400 bytes, did nobody
 * count; and an array within itself. */
static void
test_rows_json_is_bounded(void **state)
{
	uint8_t doc[1 + 41 * 10] = { 2 };
	struct buf out = {0};
	size_t i, at, end = sizeof(doc) - 1;

	(void)state;
	for (i = 0; i < 40; i++) {
		at = 1 + i * 10;
		doc[at] = 2;	/* two values, both the next array */
		doc[at + 2] = (uint8_t)(end - i * 10);
		doc[at + 3] = (uint8_t)((end - i * 10) >> 8);
		doc[at + 4] = doc[at + 7] = 2;
		doc[at + 5] = doc[at + 8] = 10;
	}
	doc[1 + i * 10 + 2] = 10;	/* none */
	assert_int_equal(json(doc, sizeof(doc), &out), -1);
	assert_true(out.len < sizeof(doc) * 10);
	assert_int_equal(JSON("\2\1\0\7\0\2\0\0"), -1);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_what_a_map_does_not_tell),
		cmocka_unit_test(test_rows_old_times_of_mariadb),
		cmocka_unit_test(test_rows_table_rename),
		cmocka_unit_test(test_rows_table_refuses),
		cmocka_unit_test(test_rows_values_that_no_server_has),
		cmocka_unit_test(test_rows_event_refuses),
		cmocka_unit_test(test_rows_partial_update),
		cmocka_unit_test(test_rows_json),
		cmocka_unit_test(test_rows_json_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
