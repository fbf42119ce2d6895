/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_cut_test: what was checked is what is run, cut and renamed or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/ddl.h"

/* A server that skips the comment up to the first end mark would find the
 * SELECT outside of the string, if the comment's own end were gone. */
#define HIDDEN	"`b` int COMMENT '*/ ) SELECT (1 -- '\n)"

static void
checked(const char *text, size_t n)
{
	struct err e = {0};

	if (ddl_check(text, n, "TABLE", &e) != 0)
		fail_msg("%s: %s", e.msg, text);
}

static void
splits(const char *text, const char *create, const char *later,
    const char *keys)
{
	struct buf a = {0}, b = {0}, c = {0};
	struct err e = {0};

	checked(text, strlen(text));
	if (ddl_split_table(text, strlen(text), true, &a, &b, &c, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&a), create);
	assert_string_equal(buf_str(&b), later);
	assert_string_equal(buf_str(&c), keys);
	checked(buf_str(&a), a.len);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

/* Comments that no server writes: nothing is taken out. */
static void
test_ddl_split_table_cuts_no_comment(void **state)
{
	static const char *const texts[] = {
		/* the index took the comment's end along */
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"`a` int /*!999999 , KEY `x` (`id`) */,\n" HIDDEN,
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"`a` int /*M!999999 , KEY `x` (`id`) */,\n" HIDDEN,
		"CREATE TABLE `t` (`id` int,\n`a` int /*!999999 , FOREIGN KEY "
		"(`a`) REFERENCES `p` (`id`) */,\n" HIDDEN,
		/* the first line took the second one's head along */
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"KEY `x` (`id`) #\n, KEY `y` /*\n ; SELECT 1 */ (`id`)\n)",
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"KEY `x` (`id`) -- \n, KEY `y` /*\n ; SELECT 1 */ (`id`)\n)",
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"KEY `x` (`id`) --\t\n, KEY `y` (`id`)\n)",
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"KEY `x` (`id`) /* ` */, KEY `y` (`id`)\n)",
		/* before the first part, and after the last */
		"CREATE TABLE `t` /* ( */ (`id` int, PRIMARY KEY (`id`),\n"
		"KEY `x` (`id`))",
		"CREATE TABLE `t` (`id` int, PRIMARY KEY (`id`),\n"
		"KEY `x` (`id`) # )\n)",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		splits(texts[i], texts[i], "", "");
}

/* Comments as servers write them lie within one part. */
static void
test_ddl_split_table_takes_versioned_comments_along(void **state)
{
	(void)state;
	splits("CREATE TABLE `t` (\n"
	    "  `id` int /*!80023 INVISIBLE */,\n"
	    "  `a` int /*!50606 COLUMN_FORMAT DYNAMIC */ DEFAULT NULL,\n"
	    "  `g` int /*M!100201 DEFAULT (abs(1,2)) */,\n"
	    "  PRIMARY KEY (`id`),\n"
	    "  KEY `x` (`a`) /*!80000 INVISIBLE */,\n"
	    "  CONSTRAINT `c` CHECK ((`a` - -1 > 0)) /*!80016 NOT ENFORCED */,"
	    "\n  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`)\n"
	    ") ENGINE=InnoDB\n"
	    "/*!50100 PARTITION BY HASH (`id`) PARTITIONS 2 */",
	    "CREATE TABLE `t` (\n"
	    "  `id` int /*!80023 INVISIBLE */,\n"
	    "  `a` int /*!50606 COLUMN_FORMAT DYNAMIC */ DEFAULT NULL,\n"
	    "  `g` int /*M!100201 DEFAULT (abs(1,2)) */,\n"
	    "  PRIMARY KEY (`id`),\n"
	    "  CONSTRAINT `c` CHECK ((`a` - -1 > 0)) /*!80016 NOT ENFORCED */"
	    "\n) ENGINE=InnoDB\n"
	    "/*!50100 PARTITION BY HASH (`id`) PARTITIONS 2 */",
	    "ADD KEY `x` (`a`) /*!80000 INVISIBLE */",
	    "ADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`)");
}

/* The second wall: what comes out is checked, whoever looked at the text. */
static void
test_ddl_split_table_checks_what_it_made(void **state)
{
	static const char *const texts[] = {
		"CREATE TABLE `t` (`a` int, PRIMARY KEY (`a`)) SELECT 1",
		"CREATE TABLE `t` (`a` int, PRIMARY KEY (`a`), KEY `x` (`a`) "
		"; DROP TABLE `y`)",
		"CREATE TABLE `t` (`a` int, CONSTRAINT `f` FOREIGN KEY (`a`) "
		"SELECT `p` (`a`))",
		/* a comment: nothing is taken out */
		"CREATE TABLE `t` (`a` int /* */, PRIMARY KEY (`a`)) SELECT 1",
		/* the foreign key gone, a list of columns would be none */
		"CREATE TABLE `t` (FOREIGN KEY (`a`) REFERENCES `p` (`a`), "
		"LIKE `mysql`.`user`)",
	};
	struct buf a = {0}, b = {0}, c = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (ddl_split_table(texts[i], strlen(texts[i]), true, &a, &b,
		    &c, &e) == 0)
			fail_msg("taken: %s", texts[i]);
		assert_string_equal(e.msg, "the stored definition is not one "
		    "CREATE TABLE statement: refused");
		assert_int_equal(e.code, ERR_CORRUPT);
		e = (struct err){0};
		buf_free(&a);
		buf_free(&b);
		buf_free(&c);
	}
}

/* What looks like a comment in quotes is none. */
static void
test_ddl_split_table_reads_no_comment_in_quotes(void **state)
{
	(void)state;
	splits("CREATE TABLE `t` (`#` int COMMENT '/* -- #', PRIMARY KEY "
	    "(`#`), KEY `-- /*` (`#`))",
	    "CREATE TABLE `t` (\n  `#` int COMMENT '/* -- #',\n  PRIMARY KEY "
	    "(`#`)\n)", "ADD KEY `-- /*` (`#`)", "");
}

static const char *
to_live(void *arg, const char *schema)
{
	(void)arg;
	return strcmp(schema, "shop") == 0 ? "live" : schema;
}

static const char *
same_table(void *arg, const char *schema, const char *table)
{
	(void)arg;
	(void)schema;
	return table;
}

static void
renames(const char *text, const char *want)
{
	const struct ddl_map map = { to_live, same_table, NULL, "shop" };
	struct buf out = {0};
	struct err e = {0};

	checked(text, strlen(text));
	if (ddl_rename(text, strlen(text), &map, &out, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&out), want);
	checked(buf_str(&out), out.len);
	buf_free(&out);
}

/* Between the two names of a pair a comment may begin or end. */
static void
test_ddl_rename_keeps_what_stands_in_a_pair(void **state)
{
	(void)state;
	renames("CREATE TABLE `t` (`a` int /*!999999 REFERENCES `shop` */ . "
	    "`p` (`id`),\n" HIDDEN,
	    "CREATE TABLE `t` (`a` int /*!999999 REFERENCES `live` */ . "
	    "`p` (`id`),\n" HIDDEN);
	renames("CREATE TABLE `t` (`a` int REFERENCES `shop` /*!999999 . `p` "
	    "*/ (`id`))",
	    "CREATE TABLE `t` (`a` int REFERENCES `live` /*!999999 . `p` "
	    "*/ (`id`))");
	renames("CREATE TABLE `t` (`a` int REFERENCES `shop`#\n.`p` (`id`))",
	    "CREATE TABLE `t` (`a` int REFERENCES `live`#\n.`p` (`id`))");
	renames("CREATE TABLE `t` (`a` int REFERENCES `shop`.`p` (`id`))",
	    "CREATE TABLE `t` (`a` int REFERENCES `live`.`p` (`id`))");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ddl_split_table_cuts_no_comment),
		cmocka_unit_test(
		    test_ddl_split_table_takes_versioned_comments_along),
		cmocka_unit_test(
		    test_ddl_split_table_reads_no_comment_in_quotes),
		cmocka_unit_test(test_ddl_split_table_checks_what_it_made),
		cmocka_unit_test(test_ddl_rename_keeps_what_stands_in_a_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
