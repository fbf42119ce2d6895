/* SPDX-License-Identifier: Apache-2.0 */
/* segment_line_test: a transaction's line says the same when read. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/segment.h"
#include "tests/unit/catalog/fixture.h"

#define UUID	"11111111-2222-3333-4444-555555555555"
#define TIME	"\"time\":\"2026-11-22T18:15:00.123456Z\""
#define WHERE	",\"offset\":4,\"size\":9"
#define GOOD	"{" TIME ",\"committed\":\"2026-11-22T18:15:01.000000Z\","  \
    "\"gtid\":\"" UUID ":7\"" WHERE ",\"kind\":\"rows\",\"row_events\":3," \
    "\"tables\":[{\"schema\":\"shop\",\"table\":\"orders\",\"writes\":1,"  \
    "\"deletes\":9},{\"schema\":\"s\",\"table\":\"t\",\"updates\":2}],"	   \
    "\"tables_cut\":true,\"uncounted\":true,\"mixed\":true,"		   \
    "\"incident\":true,\"schema\":\"shop\",\"sql\":"	   \
    "\"INSERT \\\"x\\\"\"}\n"

/* Read, and written again: every byte. */
static void
comes_back(const char *line, struct transaction *t)
{
	struct buf again = {0};
	struct err e = {0};

	fixture_ok(transaction_line_parse(line, strlen(line), t, &e), &e);
	transaction_line(t, &again);
	assert_string_equal(buf_str(&again), line);
	buf_free(&again);
}

static void
test_line_of_everything(void **state)
{
	struct transaction t, copy;
	struct err e = {0};
	struct buf text = {0};
	char gtid[GTID_TEXT];

	(void)state;
	comes_back(GOOD, &t);
	assert_true(t.time_us == INT64_C(1795371300123456));
	assert_true(t.gtid.commit_us == INT64_C(1795371301000000));
	gtid_text(&t.gtid.gtid, gtid);
	assert_string_equal(gtid, UUID ":7");
	assert_int_equal(t.offset, 4);
	assert_int_equal(t.size, 9);
	assert_int_equal(t.kind, TRANSACTION_ROWS);
	assert_int_equal(t.row_events, 3);
	assert_int_equal(t.ntables, 2);
	assert_string_equal(t.tables[0].schema, "shop");
	assert_string_equal(t.tables[0].table, "orders");
	assert_int_equal(t.tables[0].writes, 1);
	assert_int_equal(t.tables[0].updates, 0);
	assert_int_equal(t.tables[0].deletes, 9);
	assert_true(t.tables_cut && t.uncounted && t.mixed && t.incident);
	assert_string_equal(t.schema, "shop");
	assert_string_equal(t.sql, "INSERT \"x\"");
	fixture_ok(transaction_line_copy(&t, &copy, &e), &e);
	transaction_line_free(&t);
	assert_null(t.tables);
	transaction_line(&copy, &text);
	assert_string_equal(buf_str(&text), GOOD);
	transaction_line_free(&copy);
	buf_free(&text);
}

static void
test_line_of_each_kind(void **state)
{
	static const struct {
		enum transaction_kind kind;
		const char *line;
	} all[] = {
		{ TRANSACTION_ROWS, "{" TIME WHERE ",\"kind\":\"rows\"}\n" },
		{ TRANSACTION_STATEMENT, "{" TIME ",\"gtid\":\"0-101-7\""
		    WHERE ",\"kind\":\"statement\"}\n" },
		{ TRANSACTION_DDL, "{" TIME WHERE ",\"kind\":\"ddl\","
		    "\"start_alter\":5,\"commit_alter\":6,"
		    "\"rollback_alter\":7}\n" },
		{ TRANSACTION_XA_PREPARE, "{" TIME WHERE
		    ",\"kind\":\"xa-prepare\"}\n" },
		{ TRANSACTION_XA_COMMIT, "{" TIME WHERE
		    ",\"kind\":\"xa-commit\"}\n" },
		{ TRANSACTION_XA_ROLLBACK, "{" TIME WHERE
		    ",\"kind\":\"xa-rollback\"}\n" },
		{ TRANSACTION_EMPTY, "{" TIME WHERE ",\"kind\":\"empty\"}\n" },
	};
	struct transaction t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		comes_back(all[i].line, &t);
		assert_int_equal(t.kind, all[i].kind);
		transaction_line_free(&t);
	}
}

/* Names and statements are bytes of a character set that nobody says. */
static void
test_line_of_bytes_that_are_no_utf8(void **state)
{
	struct transaction t;

	(void)state;
	comes_back("{" TIME WHERE ",\"kind\":\"ddl\",\"tables\":["
	    "{\"schema_b64\":\"5A==\",\"table_b64\":\"/w==\"}],"
	    "\"schema_b64\":\"5A==\",\"sql_b64\":\"RFJPUCD/\"}\n", &t);
	assert_string_equal(t.tables[0].schema, "\xe4");
	assert_string_equal(t.tables[0].table, "\xff");
	assert_string_equal(t.schema, "\xe4");
	assert_string_equal(t.sql, "DROP \xff");
	transaction_line_free(&t);
}

static void
test_line_of_the_largest_texts(void **state)
{
	struct transaction t = { .kind = TRANSACTION_DDL, .size = 1 }, back;
	struct buf line = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	memset(t.sql, 0xff, TRANSACTION_SQL_MAX);
	memset(t.schema, 1, sizeof(t.schema) - 1);
	t.tables = calloc(TRANSACTION_TABLES_MAX, sizeof(*t.tables));
	for (i = 0; i < TRANSACTION_TABLES_MAX; i++) {
		t.tables[i].schema = malloc(256);
		t.tables[i].table = malloc(256);
		memset(t.tables[i].schema, 1, 255);
		memset(t.tables[i].table, 0xff, 255);
		t.tables[i].schema[255] = t.tables[i].table[255] = '\0';
		t.tables[i].writes = INT64_MAX;
	}
	t.ntables = TRANSACTION_TABLES_MAX;
	transaction_line(&t, &line);
	assert_true(line.len <= TRANSACTION_LINE_MAX);
	fixture_ok(transaction_line_parse(line.data, line.len, &back, &e),
	    &e);
	assert_string_equal(back.sql, t.sql);
	assert_string_equal(back.schema, t.schema);
	assert_int_equal(back.ntables, TRANSACTION_TABLES_MAX);
	assert_string_equal(back.tables[255].table, t.tables[255].table);
	transaction_line_free(&back);
	transaction_line_free(&t);
	buf_free(&line);
}

static void
refuses(const char *from, const char *to, enum err_code code,
    const char *why)
{
	const char *at = strstr(GOOD, from);
	struct buf text = {0};
	struct transaction t;
	struct err e = {0};

	assert_non_null(at);
	buf_add(&text, GOOD, (size_t)(at - GOOD));
	buf_adds(&text, to);
	buf_adds(&text, at + strlen(from));
	fixture_failed(transaction_line_parse(text.data, text.len, &t, &e),
	    &e, code, why);
	assert_null(t.tables);
	buf_free(&text);
}

static void
refuses_member(const char *from, const char *to, const char *member)
{
	char why[100];

	(void)snprintf(why, sizeof(why), "member '%s' is missing or not what "
	    "it must be", member);
	refuses(from, to, ERR_CORRUPT, why);
}

static void
test_line_refuses_wrong_members(void **state)
{
	(void)state;
	refuses_member("\"time\":\"2026-11", "\"time\":\"2026-13", "time");
	refuses_member("\"time\"", "\"Time\"", "time");
	refuses_member("\"committed\":\"", "\"committed\":7,\"x\":\"",
	    "committed");
	refuses_member(":7\"", ":0\"", "gtid");
	refuses_member("\"" UUID ":7\"", "\"0-1\"", "gtid");
	refuses_member("\"offset\":4", "\"offset\":-4", "offset");
	refuses_member("\"offset\":4", "\"offset\":4.0", "offset");
	refuses_member("\"size\":9", "\"size\":0", "size");
	refuses_member("\"size\":9", "\"size\":9223372036854775807", "size");
	refuses_member("\"kind\":\"rows\"", "\"kind\":1", "kind");
	refuses("\"kind\":\"rows\"", "\"kind\":\"magic\"", ERR_USAGE,
	    "unknown kind of transaction 'magic': it needs a newer Kura");
	refuses_member("\"row_events\":3", "\"row_events\":-3",
	    "row_events");
	refuses_member("\"tables\":[", "\"tables\":7,\"x\":[", "tables");
	refuses_member("\"tables\":[", "\"tables\":[7,", "tables");
	refuses_member("\"tables\":[", "\"tables\":[],\"x\":[", "tables");
	refuses_member("\"table\":\"orders\"", "\"table\":7", "table");
	refuses_member("\"table\":\"orders\"", "\"x\":7", "table");
	refuses_member("\"table\":\"orders\"", "\"table_b64\":\"AA==\"",
	    "table_b64");
	refuses_member("\"table\":\"orders\"", "\"table_b64\":\"A\"",
	    "table_b64");
	refuses_member("\"deletes\":9", "\"deletes\":true", "deletes");
	refuses_member("\"sql\":\"", "\"sql\":null,\"x\":\"", "sql");
	refuses("{", "[", ERR_CORRUPT, "no JSON object: ']' expected near "
	    "':'");
	refuses("{" TIME, "{" TIME "," TIME, ERR_CORRUPT, "no JSON object: "
	    "duplicate object key near '\"time\"'");
}

static void
test_line_refuses_what_is_too_large(void **state)
{
	struct transaction t;
	struct buf text = {0};
	struct err e = {0};
	int i;

	(void)state;
	buf_adds(&text, "{" TIME WHERE ",\"kind\":\"ddl\",\"sql\":\"");
	for (i = 0; i <= TRANSACTION_SQL_MAX; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\"}");
	fixture_failed(transaction_line_parse(text.data, text.len, &t, &e),
	    &e, ERR_CORRUPT, "member 'sql' is missing or not what it must "
	    "be");
	while (text.len <= TRANSACTION_LINE_MAX)
		buf_adds(&text, "                                        ");
	fixture_failed(transaction_line_parse(text.data, text.len, &t, &e),
	    &e, ERR_CORRUPT, "a line of over 1048576 bytes");
	buf_clear(&text);
	buf_adds(&text, "{" TIME WHERE ",\"kind\":\"ddl\",\"tables\":[");
	for (i = 0; i <= TRANSACTION_TABLES_MAX; i++)
		buf_addf(&text, "%s{\"schema\":\"\",\"table\":\"\"}",
		    i > 0 ? "," : "");
	buf_adds(&text, "]}");
	fixture_failed(transaction_line_parse(text.data, text.len, &t, &e),
	    &e, ERR_CORRUPT, "member 'tables' is missing or not what it must "
	    "be");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_of_everything),
		cmocka_unit_test(test_line_of_each_kind),
		cmocka_unit_test(test_line_of_bytes_that_are_no_utf8),
		cmocka_unit_test(test_line_of_the_largest_texts),
		cmocka_unit_test(test_line_refuses_wrong_members),
		cmocka_unit_test(test_line_refuses_what_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
