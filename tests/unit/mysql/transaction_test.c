/* SPDX-License-Identifier: Apache-2.0 */
/* transaction_test: where streams may be cut, and what stands between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mysql/transaction_impl.h"
#include "tests/unit/mysql/recorded.h"

static const struct event_format format = { .known = true };

/* Feeds made-up events, each at the place after the last. */
struct feed {
	struct transactions *scan;
	struct buf room;
	uint64_t at;
	const struct transaction *done;
	struct err e;
};

static void
feed_start(struct feed *f)
{
	*f = (struct feed){ .at = 4 };
	f->scan = transactions_new(&f->e);
	assert_non_null(f->scan);
}

static int
feed_event(struct feed *f, unsigned type, unsigned flags, const void *body,
    size_t n)
{
	struct event ev = recorded_event(&f->room, type, flags, body, n);
	int rc;

	ev.time = 1000;
	rc = transactions_event(f->scan, &ev, &format, f->at, &f->done,
	    &f->e);
	f->at += ev.size;
	return rc;
}

static void
feed(struct feed *f, unsigned type, const void *body, size_t n)
{
	assert_int_equal(feed_event(f, type, 0, body, n), 0);
}

static void
feed_query(struct feed *f, const char *sql)
{
	uint8_t body[4096] = { 1 };
	size_t n = strlen(sql);

	/* thread, time, schema "db", error, no status */
	body[8] = 2;
	memcpy(body + 13, "db", 3);
	memcpy(body + 16, sql, n);
	feed(f, EVENT_QUERY, body, 16 + n);
}

static void
feed_gtid(struct feed *f, unsigned flags)
{
	uint8_t body[19] = { 7 };

	body[12] = (uint8_t)flags;
	feed(f, EVENT_MARIA_GTID, body, sizeof(body));
}

static void
feed_end(struct feed *f)
{
	transactions_free(f->scan);
	buf_free(&f->room);
}

/* TABLE_MAP of db.tN(INT), and a rows event of it. */
static void
feed_map(struct feed *f, unsigned id)
{
	uint8_t body[40] = { (uint8_t)id, (uint8_t)(id >> 8), 0, 0, 0, 0, 0,
		0, 2, 'd', 'b', 0, 5, 't' };

	(void)snprintf((char *)body + 14, 5, "%04u", id);
	body[19] = 1;
	body[20] = 3;
	body[21] = 0;
	body[22] = 1;
	feed(f, EVENT_TABLE_MAP, body, 23);
}

static void
feed_rows(struct feed *f, unsigned type, unsigned id, unsigned rows,
    bool last)
{
	uint8_t body[4096] = { (uint8_t)id, (uint8_t)(id >> 8), 0, 0, 0, 0,
		last, 0, 2, 0, 1, 0xff, 0xff };
	size_t n = type == EVENT_UPDATE ? 13 : 12;

	/* Images of zeros are rows without NULLs. */
	memset(body + n, 0, sizeof(body) - n);
	feed(f, type, body, n + (size_t)rows * 5 *
	    (type == EVENT_UPDATE ? 2 : 1));
}

static void
test_transaction_without_gtids(void **state)
{
	static const uint8_t xid[8];
	struct feed f;

	(void)state;
	feed_start(&f);
	assert_true(transactions_idle(f.scan));
	feed_query(&f, "CREATE TABLE x (a INT)");
	assert_non_null(f.done);
	assert_int_equal(f.done->kind, TRANSACTION_DDL);
	assert_string_equal(f.done->sql, "CREATE TABLE x (a INT)");
	assert_string_equal(f.done->schema, "db");
	assert_true(f.done->time_us == 1000000000);
	assert_false(f.done->gtid.gtid.set);
	assert_true(f.done->offset == 4 && f.done->size == f.at - 4);
	feed(&f, EVENT_INTVAR, xid, 8);
	assert_false(transactions_idle(f.scan));
	assert_null(f.done);
	feed_query(&f, "INSERT INTO m VALUES (1)");
	assert_non_null(f.done);
	assert_int_equal(f.done->kind, TRANSACTION_STATEMENT);
	assert_true(f.done->mixed);
	feed_query(&f, "BEGIN");
	assert_null(f.done);
	feed_map(&f, 1);
	feed_rows(&f, EVENT_WRITE, 1, 3, false);
	feed_rows(&f, EVENT_UPDATE, 1, 2, true);
	feed_map(&f, 2);
	feed_rows(&f, EVENT_DELETE, 2, 1, true);
	feed_map(&f, 1);
	feed_rows(&f, EVENT_WRITE, 1, 1, true);
	assert_null(f.done);
	assert_false(transactions_idle(f.scan));
	feed(&f, EVENT_XID, xid, 8);
	assert_non_null(f.done);
	assert_true(transactions_idle(f.scan));
	assert_int_equal(f.done->kind, TRANSACTION_ROWS);
	assert_true(f.done->row_events == 4 && !f.done->mixed);
	assert_int_equal(f.done->ntables, 2);
	assert_string_equal(f.done->tables[0].schema, "db");
	assert_string_equal(f.done->tables[0].table, "t0001");
	assert_true(f.done->tables[0].writes == 4 &&
	    f.done->tables[0].updates == 2 && f.done->tables[0].deletes == 0);
	assert_true(f.done->tables[1].deletes == 1);
	assert_true(f.done->offset + f.done->size == f.at);
	feed_end(&f);
}

static void
test_transaction_of_mariadb_ends_by_its_flags(void **state)
{
	struct feed f;

	(void)state;
	feed_start(&f);
	/* Standalone: one statement, or rows to a statement's end. */
	feed_gtid(&f, 1);
	assert_null(f.done);
	assert_int_equal(feed_event(&f, EVENT_ROTATE, EVENT_FLAG_ARTIFICIAL,
	    "\4\0\0\0\0\0\0\0f", 9), 0);
	assert_false(transactions_idle(f.scan));
	feed_query(&f, "FLUSH TABLES");
	assert_non_null(f.done);
	assert_true(f.done->gtid.gtid.set && f.done->gtid.gtid.number == 7);
	feed_gtid(&f, 1);
	feed_map(&f, 1);
	feed_rows(&f, EVENT_WRITE, 1, 1, false);
	assert_null(f.done);
	feed_rows(&f, EVENT_WRITE, 1, 1, true);
	assert_non_null(f.done);
	assert_true(f.done->tables[0].writes == 2);
	/* Else until COMMIT, whatever is in it. */
	feed_gtid(&f, 0);
	feed_query(&f, "INSERT INTO m VALUES (1)");
	feed_query(&f, "SAVEPOINT a");
	feed_query(&f, "ROLLBACK TO a");
	feed_query(&f, "XA END X'61'");
	assert_null(f.done);
	feed_query(&f, "COMMIT");
	assert_non_null(f.done);
	assert_int_equal(f.done->kind, TRANSACTION_STATEMENT);
	assert_string_equal(f.done->sql, "INSERT INTO m VALUES (1)");
	feed_gtid(&f, 0);
	feed_query(&f, "ROLLBACK");
	assert_non_null(f.done);
	assert_int_equal(f.done->kind, TRANSACTION_EMPTY);
	assert_string_equal(f.done->sql, "");
	feed_end(&f);
}

static void
test_transaction_incident(void **state)
{
	struct feed f;

	(void)state;
	feed_start(&f);
	feed(&f, EVENT_INCIDENT, "\1\0\4lost", 7);
	assert_non_null(f.done);
	assert_true(f.done->incident);
	assert_int_equal(f.done->kind, TRANSACTION_EMPTY);
	feed_gtid(&f, 1);
	feed(&f, EVENT_INCIDENT, "\1\0\4lost", 7);
	assert_non_null(f.done);
	assert_true(f.done->incident && f.done->gtid.gtid.set);
	feed_query(&f, "FLUSH TABLES");
	assert_false(f.done->incident);
	feed_end(&f);
}

/* A crash leaves a transaction without its end; nothing else may. */
static void
test_transaction_unfinished(void **state)
{
	static const unsigned ends[] = { EVENT_ROTATE, EVENT_STOP,
		EVENT_MARIA_GTID, EVENT_MARIA_GTID_LIST };
	static const char *const messages[] = {
		"Rotate event within a transaction",
		"Stop event within a transaction",
		"Gtid event within a transaction",
		"Gtid_list event within a transaction" };
	struct buf file = {0};
	struct feed f;
	size_t i, n;

	(void)state;
	recorded_read("mariadb-plain", "binlog", &file);
	n = event_size((const uint8_t *)file.data + 4);
	feed_start(&f);
	feed_gtid(&f, 0);
	assert_int_equal(feed_event(&f, EVENT_FORMAT, 0, file.data + 4 +
	    EVENT_HEADER, n - EVENT_HEADER), 0);
	assert_true(transactions_idle(f.scan));
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		feed_gtid(&f, 0);
		assert_int_equal(feed_event(&f, ends[i], 0,
		    "\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 19), -1);
		assert_int_equal(f.e.code, ERR_CORRUPT);
		assert_string_equal(f.e.msg, messages[i]);
		f.e = (struct err){0};
		transactions_begin(f.scan);
		assert_true(transactions_idle(f.scan));
	}
	feed_end(&f);
	buf_free(&file);
}

static void
test_transaction_of_many_tables(void **state)
{
	static const uint8_t xid[8];
	struct feed f;
	unsigned i;

	(void)state;
	feed_start(&f);
	feed_query(&f, "BEGIN");
	for (i = 0; i < 5000; i++) {
		feed_map(&f, i);
		feed_rows(&f, EVENT_WRITE, i, 1, true);
	}
	feed(&f, EVENT_XID, xid, 8);
	assert_non_null(f.done);
	assert_int_equal(f.done->ntables, TRANSACTION_TABLES_MAX);
	assert_true(f.done->tables_cut && !f.done->uncounted);
	assert_string_equal(f.done->tables[255].table, "t0255");
	/* And maps without end: forgotten, so that memory is bounded. */
	feed_query(&f, "BEGIN");
	for (i = 0; i <= 4096; i++)
		feed_map(&f, i);
	feed_rows(&f, EVENT_WRITE, 0, 1, true);
	feed(&f, EVENT_XID, xid, 8);
	assert_true(f.done->uncounted);
	feed_end(&f);
}

static void
test_transaction_uncounted(void **state)
{
	/* db.x with a column of type 99. */
	static const uint8_t map[] = { 5, 0, 0, 0, 0, 0, 0, 0, 2, 'd', 'b', 0,
		1, 'x', 0, 1, 99, 0, 1 };
	static const uint8_t xid[8];
	struct feed f;

	(void)state;
	feed_start(&f);
	feed_query(&f, "BEGIN");
	feed(&f, EVENT_TABLE_MAP, map, sizeof(map));
	feed_rows(&f, EVENT_WRITE, 5, 1, true);
	feed(&f, EVENT_XID, xid, 8);
	assert_non_null(f.done);
	assert_true(f.done->uncounted);
	assert_int_equal(f.done->ntables, 1);
	assert_string_equal(f.done->tables[0].table, "x");
	/* Rows that end within a value. */
	feed_query(&f, "BEGIN");
	feed_map(&f, 1);
	feed(&f, EVENT_WRITE, "\1\0\0\0\0\0\1\0\2\0\1\xff\0\0\0", 15);
	feed(&f, EVENT_XID, xid, 8);
	assert_true(f.done->uncounted);
	/* A transaction compressed in a way of tomorrow. */
	feed(&f, EVENT_PAYLOAD, "\2\1\7\0abc", 7);
	assert_non_null(f.done);
	assert_true(f.done->uncounted && f.done->tables_cut);
	assert_int_equal(f.done->kind, TRANSACTION_ROWS);
	/* Rows of no table, as written only to end a statement. */
	feed_query(&f, "BEGIN");
	feed_rows(&f, EVENT_WRITE, 77, 0, true);
	feed(&f, EVENT_XID, xid, 8);
	assert_false(f.done->uncounted);
	feed_end(&f);
}

static void
test_transaction_statement_kinds(void **state)
{
	static const struct {
		const char *sql;
		enum statement_kind kind;
	} known[] = {
		{ "BEGIN", STATEMENT_BEGIN }, { "begin", STATEMENT_BEGIN },
		{ "XA START X'61',X'',1", STATEMENT_BEGIN },
		{ "COMMIT", STATEMENT_COMMIT },
		{ "ROLLBACK", STATEMENT_COMMIT },
		{ "ROLLBACK /* added */", STATEMENT_COMMIT },
		{ "ROLLBACK TO `a`", STATEMENT_SAVEPOINT },
		{ "SAVEPOINT `COMMIT`", STATEMENT_SAVEPOINT },
		{ "RELEASE SAVEPOINT a", STATEMENT_SAVEPOINT },
		{ "XA END X'61',X'',1", STATEMENT_SAVEPOINT },
		{ "XA COMMIT X'61',X'',1", STATEMENT_XA_COMMIT },
		{ "XA ROLLBACK X'61',X'',1", STATEMENT_XA_ROLLBACK },
		{ "INSERT INTO t VALUES (1)", STATEMENT_ROWS },
		{ "insert\tt values (1)", STATEMENT_ROWS },
		{ "(SELECT f())", STATEMENT_ROWS },
		{ "WITH a AS (SELECT 1) DELETE FROM t", STATEMENT_ROWS },
		{ "/* x */ -- DROP\n# y\n DELETE FROM t", STATEMENT_ROWS },
		{ "/*!50003 UPDATE t SET a=1 */", STATEMENT_ROWS },
		{ "/*M!100100 UPDATE t SET a=1 */", STATEMENT_ROWS },
		{ "SET STATEMENT a=1 FOR INSERT INTO t VALUES (1)",
		    STATEMENT_ROWS },
		{ "SET PASSWORD FOR a='x'", STATEMENT_OTHER },
		{ "/*!40000 DROP TABLE t */", STATEMENT_OTHER },
		{ "INSERTED", STATEMENT_OTHER },
		{ "CREATE TABLE t SELECT 1", STATEMENT_OTHER },
		{ "", STATEMENT_OTHER }, { "/*", STATEMENT_OTHER },
		{ "-- ", STATEMENT_OTHER }, { "/* INSERT", STATEMENT_OTHER },
		{ "INSERT", STATEMENT_ROWS }, { "INSER", STATEMENT_OTHER },
	};
	size_t i, n;
	char *copy;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		/* Without a NUL, so that asan sees a byte too far. */
		n = strlen(known[i].sql);
		copy = malloc(n > 0 ? n : 1);
		assert_non_null(copy);
		memcpy(copy, known[i].sql, n);
		assert_int_equal(statement_kind(copy, n), known[i].kind);
		free(copy);
	}
}

static void
test_transaction_sql_is_cut_at_a_character(void **state)
{
	char sql[1200] = "DROP TABLE ";
	struct feed f;
	size_t i, n = strlen(sql);

	(void)state;
	/* Two bytes each; the limit is within one. */
	for (i = 0; i < 550; i++)
		memcpy(sql + n + 2 * i, "\xc3\xbc", 3);
	feed_start(&f);
	feed_query(&f, sql);
	assert_non_null(f.done);
	assert_int_equal(strlen(f.done->sql), TRANSACTION_SQL_MAX - 1);
	assert_memory_equal(f.done->sql, sql, TRANSACTION_SQL_MAX - 1);
	feed_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transaction_without_gtids),
		cmocka_unit_test(
		    test_transaction_of_mariadb_ends_by_its_flags),
		cmocka_unit_test(test_transaction_incident),
		cmocka_unit_test(test_transaction_unfinished),
		cmocka_unit_test(test_transaction_of_many_tables),
		cmocka_unit_test(test_transaction_uncounted),
		cmocka_unit_test(test_transaction_statement_kinds),
		cmocka_unit_test(test_transaction_sql_is_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
