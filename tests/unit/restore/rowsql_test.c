/* SPDX-License-Identifier: Apache-2.0 */
/* rowsql_test: rows as statements, values of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/rows.h"
#include "restore/rowsql.h"
#include "restore/shape.h"

#define V(f, s)	{ ROWS_##f, s, sizeof(s) - 1 }

static struct shape_column columns[] = {
	{ .name = "id", .type = SHAPE_PLAIN, .key = true },
	{ .name = "t`x", .type = SHAPE_TEXT, .charset = "utf8mb4" },
	{ .name = "f", .type = SHAPE_FLOAT },
	{ .name = "e", .type = SHAPE_NUMBER, .is_enum = true },
	{ .name = "b", .type = SHAPE_BYTES },
	{ .name = "v", .type = SHAPE_PLAIN, .generated = true },
	{ .name = "upd", .type = SHAPE_PLAIN, .on_update = true },
};
static struct shape shape = {
	.schema = "shop", .table = "o", .transactional = true,
	.columns = columns, .ncolumns = 7, .keyed = true,
};
static const struct rows_value one[] = {
	V(NUMBER, "1"), V(TEXT, "it's \\ \xc3\xbc"), V(NUMBER, "0.1"),
	V(NUMBER, "2"), V(BYTES, "\0'\xff"), V(NUMBER, "9"),
	V(TEXT, "2026-01-01 00:00:00"),
};
static const struct rows_value other[] = {
	V(NUMBER, "1"), V(TEXT, "b"), V(NUMBER, "0.1"), V(NUMBER, "0"),
	{ ROWS_NULL, NULL, 0 }, V(NUMBER, "8"),
	V(TEXT, "2026-01-01 00:00:00"),
};
static const struct rows_value part[] = {
	V(NUMBER, "1"), { ROWS_ABSENT, NULL, 0 }, V(NUMBER, "0.5"),
	{ ROWS_ABSENT, NULL, 0 }, { ROWS_ABSENT, NULL, 0 },
	{ ROWS_ABSENT, NULL, 0 }, { ROWS_ABSENT, NULL, 0 },
};

enum what { INSERT, UPDATE, DELETE, WHERE, WHOLE };

static int
make(const struct rowsql_text *x, enum what what, const struct rows_value *a,
    const struct rows_value *b, struct buf *out, unsigned *warnings,
    struct err *e)
{
	switch (what) {
	case INSERT:
		return rowsql_insert(x, a, out, warnings, e);
	case UPDATE:
		return rowsql_update(x, a, b, out, warnings, e);
	case DELETE:
		return rowsql_delete(x, a, out, e);
	default:
		return rowsql_where(x, a, what == WHOLE, out, e);
	}
}

static void
gives(const struct rowsql_text *x, enum what what, const struct rows_value *a,
    const struct rows_value *b, unsigned warnings, const char *want)
{
	struct buf out = {0};
	struct err e = {0};
	unsigned got = 0;

	assert_int_equal(make(x, what, a, b, &out, &got, &e), 0);
	assert_int_equal(got, warnings);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.data, want, out.len);
	buf_free(&out);
}

static void
test_plain(void **state)
{
	const struct rowsql_text x = { .shape = &shape };

	(void)state;
	gives(&x, INSERT, one, NULL, 0, "INSERT INTO `shop`.`o` (`id`,`t``x`,"
	    "`f`,`e`,`b`,`upd`) VALUES (1,_binary 'it\\'s \\\\ \xc3\xbc',0.1,2,"
	    "_binary '\\0\\'\xff','2026-01-01 00:00:00')");
	gives(&x, UPDATE, one, other, 1, "UPDATE IGNORE `shop`.`o` SET "
	    "`t``x`=_binary 'b',`e`=0,`b`=NULL,`upd`='2026-01-01 00:00:00' "
	    "WHERE `id`=1");
	gives(&x, DELETE, one, NULL, 0,
	    "DELETE FROM `shop`.`o` WHERE `id`=1");
}

static void
test_guarded(void **state)
{
	const struct rowsql_text x = { .shape = &shape, .guard = true,
	    .readable = true };

	(void)state;
	gives(&x, INSERT, other, NULL, 1, "INSERT IGNORE INTO `shop`.`o` "
	    "(`id`,`t``x`,`f`,`e`,`b`,`upd`) VALUES (1,'b',0.1,0,NULL,"
	    "'2026-01-01 00:00:00')");
	gives(&x, UPDATE, other, one, 0, "UPDATE `shop`.`o` SET `t``x`="
	    "'it\\'s \\\\ \xc3\xbc',`e`=2,`b`=x'0027ff',`upd`="
	    "'2026-01-01 00:00:00' WHERE `id`=1 AND CAST(`t``x` AS BINARY)="
	    "'b' AND `e`+0=0 AND `b` IS NULL AND `upd`="
	    "'2026-01-01 00:00:00'");
	gives(&x, DELETE, one, NULL, 0, "DELETE FROM `shop`.`o` WHERE `id`=1 "
	    "AND CAST(`t``x` AS BINARY)=x'69742773205c20c3bc' AND `f`*1e0="
	    "0.10000000149011612e0 AND `e`+0=2 AND `b`=x'0027ff' AND `upd`="
	    "'2026-01-01 00:00:00'");
}

static void
test_keyless(void **state)
{
	struct shape s = shape;
	const struct rowsql_text x = { .shape = &s };

	(void)state;
	s.keyed = false;
	gives(&x, DELETE, other, NULL, 0, "DELETE FROM `shop`.`o` WHERE `id`="
	    "1 AND CAST(`t``x` AS BINARY)=x'62' AND `f`*1e0="
	    "0.10000000149011612e0 AND `e`+0=0 AND `b` IS NULL AND `upd`="
	    "'2026-01-01 00:00:00' LIMIT 1");
	gives(&x, WHERE, other, NULL, 0, "`id`=1 AND CAST(`t``x` AS BINARY)="
	    "x'62' AND `f`*1e0=0.10000000149011612e0 AND `e`+0=0 AND `b` IS "
	    "NULL AND `upd`='2026-01-01 00:00:00'");
}

static void
test_minimal_image(void **state)
{
	const struct rowsql_text x = { .shape = &shape },
	    g = { .shape = &shape, .guard = true };
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	/* What the image leaves out is left to defaults, or as it is. */
	gives(&x, INSERT, part, NULL, 0,
	    "INSERT INTO `shop`.`o` (`id`,`f`) VALUES (1,0.5)");
	gives(&x, UPDATE, part, part, 0,
	    "UPDATE `shop`.`o` SET `id`=1,`f`=0.5 WHERE `id`=1");
	assert_int_equal(rowsql_delete(&g, part, &out, &e), -1);
	assert_string_equal(e.msg, "column t`x: the log does not have its "
	    "value (binlog_row_image is not full)");
	buf_free(&out);
}

static void
test_other_values(void **state)
{
	struct shape_column list[] = {
		{ .name = "j", .type = SHAPE_JSON },
		{ .name = "g", .type = SHAPE_OPAQUE },
		{ .name = "k", .type = SHAPE_TEXT, .charset = "gbk",
		    .key = true },
		{ .name = "w", .type = SHAPE_TEXT, .charset = "utf16" },
	};
	struct shape s = { .schema = "s", .table = "t", .columns = list,
	    .ncolumns = 4, .keyed = true };
	const struct rows_value row[] = { V(JSON, "{\"a\": 1}"),
	    V(GEOMETRY, "\0\1"), V(TEXT, "\xb0\x5c"), V(TEXT, "\0a") };
	const struct rowsql_text x = { .shape = &s },
	    r = { .shape = &s, .readable = true };

	(void)state;
	gives(&x, INSERT, row, NULL, 0, "INSERT INTO `s`.`t` (`j`,`g`,`k`,"
	    "`w`) VALUES (CONVERT(x'7b2261223a20317d' USING utf8mb4),"
	    "_binary '\\0\1',_binary '\xb0\\\\',_binary '\\0a')");
	gives(&r, INSERT, row, NULL, 0, "INSERT INTO `s`.`t` (`j`,`g`,`k`,"
	    "`w`) VALUES ('{\"a\": 1}',x'0001',_gbk x'b05c',"
	    "_utf16 x'0061')");
	gives(&x, WHOLE, row, NULL, 0, "CAST(CONVERT(`j` USING utf8mb4) AS "
	    "BINARY)=x'7b2261223a20317d' AND CAST(`g` AS BINARY)="
	    "x'0001' AND `k`=_gbk x'b05c' AND CAST(`w` AS BINARY)=x'0061'");
}

static void
checks(const struct shape *s, const char *want)
{
	struct err e = {0};

	assert_int_equal(rowsql_check(s, &e), want == NULL ? 0 : -1);
	assert_string_equal(e.msg, want == NULL ? "" : want);
}

static void
test_check(void **state)
{
	struct shape s = shape;

	(void)state;
	checks(&s, NULL);
	s.triggers = 1;
	checks(&s, "its 1 trigger would fire, and what they did is in the log "
	    "too");
	s.versioned = true;
	checks(&s, "it is system versioned: the server would write history of "
	    "its own");
	s.sequence = true;
	checks(&s, "a sequence cannot be set row by row");
}

static void
test_match(void **state)
{
	struct rows_column in_log[] = { { .type = 3, .name = "ID" },
	    { .type = 15 }, { .type = 4 }, { .type = 247 }, { .type = 254 },
	    { .type = 3 }, { .type = 12 } };
	struct rows_table t = { .columns = in_log, .ncolumns = 7 };
	struct err e = {0};

	(void)state;
	columns[6].digits = 3;
	assert_int_equal(rowsql_match(&shape, &t, &e), 0);
	assert_int_equal(in_log[4].collation, ROWS_BINARY);
	assert_int_equal(in_log[6].meta, 3);
	t.ncolumns = 6;
	assert_int_equal(rowsql_match(&shape, &t, &e), -1);
	assert_string_equal(e.msg, "it has 7 columns now, 6 in the log");
	e = (struct err){0};
	t.ncolumns = 7;
	in_log[0].name = "nr";
	assert_int_equal(rowsql_match(&shape, &t, &e), -1);
	assert_string_equal(e.msg, "its column 1 is id now, nr in the log");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_keyless),
		cmocka_unit_test(test_minimal_image),
		cmocka_unit_test(test_other_values),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
