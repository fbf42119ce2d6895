/* SPDX-License-Identifier: Apache-2.0 */
/* connect_test: names, texts and bytes as SQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

static void
ident(const char *name, const char *want)
{
	struct buf b = {0};

	sql_ident(&b, name);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
string(const char *text, size_t n, const char *want)
{
	struct buf b = {0};

	sql_string(&b, text, n);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
test_sql_ident(void **state)
{
	(void)state;
	ident("a", "`a`");
	ident("", "``");
	ident("`", "````");
	ident("a`b``c", "`a``b````c`");
	ident("a'b\"c\\d/e\nf.", "`a'b\"c\\d/e\nf.`");
	ident("\xc3\xa4\xf0\x9f\x98\x80", "`\xc3\xa4\xf0\x9f\x98\x80`");
}

static void
test_sql_string(void **state)
{
	(void)state;
	string("", 0, "''");
	string("it's", 4, "'it\\'s'");
	string("a\\", 2, "'a\\\\'");
	string("a\0b", 3, "'a\\0b'");
	string("\n\x1a\r\t\"`", 6, "'\\n\\Z\r\t\"`'");
	string("\xff\xfe", 2, "'\xff\xfe'");
	string("abc", 2, "'ab'");
}

static void
test_sql_hex(void **state)
{
	struct buf b = {0};

	(void)state;
	sql_hex(&b, "\x00\x7f\x80\xff'", 5);
	assert_string_equal(buf_str(&b), "x'007f80ff27'");
	buf_clear(&b);
	sql_hex(&b, "", 0);
	assert_string_equal(buf_str(&b), "x''");
	buf_free(&b);
}

/* Nobody listens: what was asked for is named, no secret is. */
static void
test_conn_open_where_nobody_listens(void **state)
{
	const struct conn_opts opts = { .socket = "/nonexistent/mysql.sock",
	    .user = "u", .password = "secret" };
	struct err e = {0};

	(void)state;
	assert_int_equal(conn_library_init(&e), 0);
	assert_null(conn_open(&opts, &e));
	assert_int_equal(e.code, ERR_AGAIN);
	assert_non_null(strstr(e.msg, "/nonexistent/mysql.sock: "));
	assert_null(strstr(e.msg, "secret"));
	conn_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sql_ident),
		cmocka_unit_test(test_sql_string),
		cmocka_unit_test(test_sql_hex),
		cmocka_unit_test(test_conn_open_where_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
