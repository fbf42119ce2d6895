/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_test: tables taken apart, names replaced. */
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
