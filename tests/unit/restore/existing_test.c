/* SPDX-License-Identifier: Apache-2.0 */
/* existing_test: when two definitions are of the same table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "restore/existing.h"

static void
same(const char *a, const char *b)
{
	struct buf where = {0};

	if (!existing_same(a, strlen(a), b, strlen(b), &where))
		fail_msg("%s", buf_str(&where));
	assert_int_equal(where.len, 0);
	buf_free(&where);
}

static void
differ(const char *a, const char *b, const char *how)
{
	struct buf where = {0};

	assert_false(existing_same(a, strlen(a), b, strlen(b), &where));
	assert_string_equal(buf_str(&where), how);
	buf_free(&where);
}

static void
test_existing_same(void **state)
{
	(void)state;
	same("CREATE TABLE `a` (\n  `x` int\n) ENGINE=InnoDB",
	    "CREATE TABLE `rescue`.`b` (`x` int) ENGINE=InnoDB");
	same("CREATE TABLE `a` (`x` int) ENGINE=InnoDB AUTO_INCREMENT=77 "
	    "DEFAULT CHARSET=utf8mb4",
	    "CREATE TABLE `a` (`x` int) ENGINE=InnoDB DEFAULT "
	    "CHARSET=utf8mb4");
	same("CREATE TABLE `a` (`x` int) AUTO_INCREMENT=3",
	    "CREATE TABLE `a` (`x` int) AUTO_INCREMENT=9");
}

static void
test_existing_differ(void **state)
{
	(void)state;
	differ("CREATE TABLE `a` (`x` int)", "CREATE TABLE `a` (`x` bigint)",
	    "int where the backup has bigint");
	differ("CREATE TABLE `a` (`x` int)", "CREATE TABLE `a` (`X` int)",
	    "`x` where the backup has `X`");
	differ("CREATE TABLE `a` (`x` int)",
	    "CREATE TABLE `a` (`x` int) COMMENT='c'",
	    "its end where the backup has COMMENT");
	/* A column's own is no option of the table. */
	differ("CREATE TABLE `a` (`x` int AUTO_INCREMENT)",
	    "CREATE TABLE `a` (`x` int)",
	    "AUTO_INCREMENT where the backup has )");
	differ("CREATE TABLE `a` (`x` int COMMENT 'AUTO_INCREMENT=1')",
	    "CREATE TABLE `a` (`x` int COMMENT 'AUTO_INCREMENT=2')",
	    "'AUTO_INCREMENT=1' where the backup has 'AUTO_INCREMENT=2'");
	differ("CREATE TABLE `a` (`x` int) ENGINE=InnoDB /*!50100 PARTITION "
	    "BY HASH (`x`) */", "CREATE TABLE `a` (`x` int) ENGINE=InnoDB",
	    "PARTITION where the backup has its end");
	differ("CREATE TABLE `a` (`x` int) COMMENT='un",
	    "CREATE TABLE `a` (`x` int) COMMENT='un",
	    "'un where the backup has 'un");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_existing_same),
		cmocka_unit_test(test_existing_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
