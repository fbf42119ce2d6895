/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_test: statements as tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mysql/ddl.h"

/* --- tokens: one letter of the kind and the text of each --- */

static void
reads_as(struct ddl_reader *r, const char *want)
{
	static const char letters[] = "-WNSP!";
	struct buf out = {0};
	struct ddl_token t;

	while ((t = ddl_next(r)).kind != DDL_END && t.kind != DDL_BAD)
		buf_addf(&out, "%c<%.*s>", letters[t.kind], (int)t.len, t.at);
	if (t.kind == DDL_BAD)
		buf_addc(&out, '!');
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
reads(const char *text, const char *want)
{
	struct ddl_reader r;

	ddl_reader_init(&r, text, strlen(text));
	reads_as(&r, want);
}

static void
test_ddl_next_kinds(void **state)
{
	(void)state;
	reads("", "");
	reads(" \t\r\n\v\f", "");
	reads("CREATE t1 $x \xc3\xa4_", "W<CREATE>W<t1>W<$x>W<\xc3\xa4_>");
	reads("a.b,(1.5)", "W<a>P<.>W<b>P<,>P<(>W<1>P<.>W<5>P<)>");
	reads("`a`'b'\"c\"", "N<`a`>S<'b'>S<\"c\">");
	reads("_utf8mb4'x'@`y`", "W<_utf8mb4>S<'x'>P<@>N<`y`>");
}

static void
test_ddl_next_quotes(void **state)
{
	(void)state;
	reads("`a``b`.x", "N<`a``b`>P<.>W<x>");
	reads("'it''s'x", "S<'it''s'>W<x>");
	reads("'a\\'b'x", "S<'a\\'b'>W<x>");
	reads("'a\\\\'x", "S<'a\\\\'>W<x>");
	reads("`a\\`x", "N<`a\\`>W<x>");
	reads("\"a'`\"'\"'", "S<\"a'`\">S<'\"'>");
	reads("`-- #/*`", "N<`-- #/*`>");
	reads("``", "N<``>");
	reads("'", "!");
	reads("x '\\'", "W<x>!");
	reads("'\\", "!");
	reads("`x``", "!");
	reads("\"", "!");
}

static void
test_ddl_next_without_escapes(void **state)
{
	static const char text[] = "'a\\'x'";
	struct ddl_reader r;

	(void)state;
	ddl_reader_init(&r, text, strlen(text));
	r.no_escapes = true;
	reads_as(&r, "S<'a\\'>W<x>!");
}

static void
test_ddl_next_dollars(void **state)
{
	static const char text[] = "$$it's$$ $a$ ' $b$ $$ $a$x $y $z$ '";
	struct ddl_reader r;

	(void)state;
	reads("$$a$$", "W<$$a$$>");
	ddl_reader_init(&r, text, strlen(text));
	r.dollars = true;
	reads_as(&r, "S<$$it's$$>S<$a$ ' $b$ $$ $a$>W<x>W<$y>W<$z$>!");
}

static void
test_ddl_next_comments(void **state)
{
	(void)state;
	reads("a/* ' */b", "W<a>W<b>");
	reads("a/**/b/*/ x */c", "W<a>W<b>W<c>");
	reads("a/* b", "W<a>");
	reads("a/*", "W<a>");
	reads("a# '\nb", "W<a>W<b>");
	reads("a-- '\nb", "W<a>W<b>");
	reads("a--\nb--\x01'\nc--", "W<a>W<b>W<c>");
	reads("a--'b'", "W<a>P<->P<->S<'b'>");
	reads("a- -b/c*d", "W<a>P<->P<->W<b>P</>W<c>P<*>W<d>");
	reads("a*/b", "W<a>P<*>P</>W<b>");
}

static void
test_ddl_next_versioned_comments(void **state)
{
	struct ddl_reader r;

	(void)state;
	reads("/*!50100 a*/ b", "W<a>W<b>");
	reads("/*! a */b", "W<a>W<b>");
	reads("/*M!100301 a */b", "W<a>W<b>");
	reads("/*M a */b", "W<b>");
	reads("/*!1 'x*/' */b*/", "S<'x*/'>W<b>P<*>P</>");
	ddl_reader_init(&r, "/*!1 a */ b /*!2*/ c", 20);
	(void)ddl_next(&r);
	assert_true(r.in_versioned);
	assert_int_equal(r.versioned, 1);
	(void)ddl_next(&r);
	assert_false(r.in_versioned);
	(void)ddl_next(&r);
	assert_false(r.in_versioned);
	assert_int_equal(r.versioned, 2);
	assert_false(r.nested);
	ddl_reader_init(&r, "/*!1 # x\n a */", 14);
	(void)ddl_next(&r);
	assert_true(r.nested);
}

static void
test_ddl_is(void **state)
{
	const struct ddl_token word = { DDL_WORD, "Table(", 5 };
	const struct ddl_token name = { DDL_NAME, "`TABLE`", 7 };
	const struct ddl_token open = { DDL_PUNCT, "(", 1 };

	(void)state;
	assert_true(ddl_is(&word, "TABLE"));
	assert_false(ddl_is(&word, "TABLES"));
	assert_false(ddl_is(&word, "TABL"));
	assert_false(ddl_is(&name, "TABLE"));
	assert_false(ddl_is(&name, "`TABLE`"));
	assert_true(ddl_is_punct(&open, '('));
	assert_false(ddl_is_punct(&open, ')'));
	assert_false(ddl_is_punct(&word, 'T'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ddl_next_kinds),
		cmocka_unit_test(test_ddl_next_quotes),
		cmocka_unit_test(test_ddl_next_without_escapes),
		cmocka_unit_test(test_ddl_next_dollars),
		cmocka_unit_test(test_ddl_next_comments),
		cmocka_unit_test(test_ddl_next_versioned_comments),
		cmocka_unit_test(test_ddl_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
