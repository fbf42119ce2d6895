/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_test: tokens, tables taken apart, names replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/ddl.h"

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

/* --- tables taken apart --- */

static void
splits(const char *text, bool indexes, const char *create, const char *later,
    const char *keys)
{
	struct buf a = {0}, b = {0}, c = {0};
	struct err e = {0};

	if (ddl_split_table(text, strlen(text), indexes, &a, &b, &c, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&a), create);
	assert_string_equal(buf_str(&b), later);
	assert_string_equal(buf_str(&c), keys);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

static const char orders[] = "CREATE TABLE `o` (\n"
    "  `id` bigint NOT NULL AUTO_INCREMENT,\n"
    "  `n` varchar(9) COMMENT 'KEY `x` (`y`), (',\n"
    "  `p` decimal(9,2),\n"
    "  PRIMARY KEY (`id`),\n"
    "  UNIQUE KEY `u` (`n`,`p`),\n"
    "  KEY `c` (`id`,`n`),\n"
    "  KEY `k``,` (`n`(3) DESC) COMMENT 'it''s)',\n"
    "  FULLTEXT KEY `f` (`n`),\n"
    "  SPATIAL KEY `s` (`n`),\n"
    "  CONSTRAINT `a,b` FOREIGN KEY (`n`) REFERENCES `x`.`y` (`z`) ON DELETE "
    "CASCADE,\n"
    "  CONSTRAINT `ck` CHECK ((`p` > 0))\n"
    ") ENGINE=InnoDB COMMENT=') KEY'";

static void
test_ddl_split_table_takes_out_indexes_and_keys(void **state)
{
	(void)state;
	splits(orders, true, "CREATE TABLE `o` (\n"
	    "  `id` bigint NOT NULL AUTO_INCREMENT,\n"
	    "  `n` varchar(9) COMMENT 'KEY `x` (`y`), (',\n"
	    "  `p` decimal(9,2),\n"
	    "  PRIMARY KEY (`id`),\n"
	    /* the counter's column may need it */
	    "  KEY `c` (`id`,`n`),\n"
	    "  FULLTEXT KEY `f` (`n`),\n"
	    "  SPATIAL KEY `s` (`n`),\n"
	    "  CONSTRAINT `ck` CHECK ((`p` > 0))\n"
	    ") ENGINE=InnoDB COMMENT=') KEY'",
	    "ADD UNIQUE KEY `u` (`n`,`p`), ADD KEY `k``,` (`n`(3) DESC) "
	    "COMMENT 'it''s)'",
	    "ADD CONSTRAINT `a,b` FOREIGN KEY (`n`) REFERENCES `x`.`y` (`z`) "
	    "ON DELETE CASCADE");
}

static void
test_ddl_split_table_leaves_indexes_when_told(void **state)
{
	(void)state;
	splits("CREATE TABLE `t` (`a` int, PRIMARY KEY (`a`), KEY `k` (`a`), "
	    "FOREIGN KEY (`a`) REFERENCES `u` (`b`)) X", false,
	    "CREATE TABLE `t` (\n  `a` int,\n  PRIMARY KEY (`a`),\n  KEY `k` "
	    "(`a`)\n) X", "",
	    "ADD FOREIGN KEY (`a`) REFERENCES `u` (`b`)");
}

/* InnoDB would cluster by another key. */
static void
test_ddl_split_table_without_primary_key(void **state)
{
	(void)state;
	splits("CREATE TABLE `t` (`a` int NOT NULL, UNIQUE KEY `u` (`a`), KEY "
	    "`k` (`a`))", true, "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  "
	    "UNIQUE KEY `u` (`a`),\n  KEY `k` (`a`)\n)", "", "");
}

static void
test_ddl_split_table_keeps_columns_named_like_keys(void **state)
{
	(void)state;
	splits("CREATE TABLE `t` (`KEY` int, `FOREIGN` int, PRIMARY KEY "
	    "(`KEY`), KEY (`KEY`))", true, "CREATE TABLE `t` (\n  `KEY` int,\n"
	    "  `FOREIGN` int,\n  PRIMARY KEY (`KEY`),\n  KEY (`KEY`)\n)", "",
	    "");
}

static void
test_ddl_split_table_all_foreign(void **state)
{
	(void)state;
	splits("CREATE TABLE `t` (`a` int, CONSTRAINT `x` FOREIGN KEY (`a`) "
	    "REFERENCES `u` (`b`), CONSTRAINT `y` FOREIGN KEY (`a`) REFERENCES "
	    "`v` (`b`))", true, "CREATE TABLE `t` (\n  `a` int\n)", "",
	    "ADD CONSTRAINT `x` FOREIGN KEY (`a`) REFERENCES `u` (`b`), ADD "
	    "CONSTRAINT `y` FOREIGN KEY (`a`) REFERENCES `v` (`b`)");
}

static void
test_ddl_split_table_refuses_what_it_cannot_read(void **state)
{
	static const char *const texts[] = { "", "CREATE TABLE `t`",
		"CREATE TABLE `t` (`a` int", "CREATE TABLE `t` )(",
		"CREATE TABLE `t` (`a int)",
		"CREATE TABLE `t` (`a` int DEFAULT 'x)",
		"CREATE TABLE `t` ((`a` int)" };
	struct buf a = {0}, b = {0}, c = {0};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = (struct err){0};
		assert_int_equal(ddl_split_table(texts[i], strlen(texts[i]),
		    true, &a, &b, &c, &e), -1);
		assert_string_equal(e.msg, "the stored definition of the table "
		    "cannot be read");
		assert_int_equal(e.code, ERR_CORRUPT);
	}
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

/* --- names --- */

static const char *
new_schema(void *arg, const char *schema)
{
	(void)arg;
	return strcmp(schema, "shop") == 0 ? "sh`op2" : schema;
}

static const char *
new_table(void *arg, const char *schema, const char *table)
{
	(void)arg;
	return strcmp(schema, "shop") == 0 && strcmp(table, "o") == 0 ?
	    "old`o" : table;
}

static const struct ddl_map map = { new_schema, new_table, NULL, "shop" };

static void
renames(const char *text, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	if (ddl_rename(text, strlen(text), &map, &out, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_ddl_rename_tables(void **state)
{
	(void)state;
	renames("CREATE TABLE `o` (`o` int) COMMENT='TABLE `o` `shop`.`o`'",
	    "CREATE TABLE `old``o` (`o` int) COMMENT='TABLE `o` `shop`.`o`'");
	renames("CREATE TABLE IF NOT EXISTS `o` (`a` int)",
	    "CREATE TABLE IF NOT EXISTS `old``o` (`a` int)");
	renames("CREATE TABLE `p` (`a` int)", "CREATE TABLE `p` (`a` int)");
	renames("", "");
}

static void
test_ddl_rename_references(void **state)
{
	(void)state;
	renames("CREATE TABLE `p` (FOREIGN KEY (`o`) REFERENCES `o` (`o`), "
	    "FOREIGN KEY (`o`) REFERENCES `shop`.`o` (`o`), FOREIGN KEY (`o`) "
	    "REFERENCES `x`.`o` (`o`))",
	    "CREATE TABLE `p` (FOREIGN KEY (`o`) REFERENCES `old``o` (`o`), "
	    "FOREIGN KEY (`o`) REFERENCES `sh``op2`.`old``o` (`o`), FOREIGN "
	    "KEY (`o`) REFERENCES `x`.`o` (`o`))");
}

static void
test_ddl_rename_views(void **state)
{
	(void)state;
	renames("CREATE VIEW `v` AS select `shop`.`o`.`id` AS `o` from "
	    "(`shop`.`o` join `x`.`shop`)",
	    "CREATE VIEW `v` AS select `sh``op2`.`old``o`.`id` AS `o` from "
	    "(`sh``op2`.`old``o` join `x`.`shop`)");
	renames("select `sh``op`.`o` . `p` /* `shop`.`o` */",
	    "select `sh``op`.`o` . `p` /* `shop`.`o` */");
}

static void
test_ddl_rename_refuses_what_it_cannot_read(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(ddl_rename("CREATE TABLE `o", 15, &map, &out, &e),
	    -1);
	assert_string_equal(e.msg, "the stored definition cannot be read");
	assert_int_equal(e.code, ERR_CORRUPT);
	buf_free(&out);
}

static void
test_ddl_names(void **state)
{
	static const char text[] = "SELECT 'inside' FROM `Sh``op`.t, bare.u "
	    "/* comment */ -- line\n";
	size_t n = strlen(text);

	(void)state;
	assert_true(ddl_names(text, n, "sh`op"));
	assert_true(ddl_names(text, n, "BARE"));
	assert_true(ddl_names(text, n, "t"));
	assert_false(ddl_names(text, n, "inside"));
	assert_false(ddl_names(text, n, "comment"));
	assert_false(ddl_names(text, n, "line"));
	assert_false(ddl_names(text, n, "bar"));
	assert_false(ddl_names("", 0, "x"));
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
		cmocka_unit_test(
		    test_ddl_split_table_takes_out_indexes_and_keys),
		cmocka_unit_test(test_ddl_split_table_leaves_indexes_when_told),
		cmocka_unit_test(test_ddl_split_table_without_primary_key),
		cmocka_unit_test(
		    test_ddl_split_table_keeps_columns_named_like_keys),
		cmocka_unit_test(test_ddl_split_table_all_foreign),
		cmocka_unit_test(
		    test_ddl_split_table_refuses_what_it_cannot_read),
		cmocka_unit_test(test_ddl_rename_tables),
		cmocka_unit_test(test_ddl_rename_references),
		cmocka_unit_test(test_ddl_rename_views),
		cmocka_unit_test(test_ddl_rename_refuses_what_it_cannot_read),
		cmocka_unit_test(test_ddl_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
