/* SPDX-License-Identifier: Apache-2.0 */
/* plan_test: the digest of a definition ignores the counter alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/plan.h"

static int
same(const char *a, const char *b)
{
	uint8_t x[32], y[32];

	plan_ddl_digest(a, strlen(a), x);
	plan_ddl_digest(b, strlen(b), y);
	return memcmp(x, y, sizeof(x)) == 0;
}

static void
test_plan_ddl_digest_ignores_counter(void **state)
{
	(void)state;
	assert_true(same(
	    "CREATE TABLE `t` (...) ENGINE=InnoDB AUTO_INCREMENT=7 CHARSET=x",
	    "CREATE TABLE `t` (...) ENGINE=InnoDB AUTO_INCREMENT=81 CHARSET=x"));
	assert_true(same(
	    "CREATE TABLE `t` (...) ENGINE=InnoDB CHARSET=x",
	    "CREATE TABLE `t` (...) ENGINE=InnoDB AUTO_INCREMENT=1 CHARSET=x"));
}

static void
test_plan_ddl_digest_sees_changes(void **state)
{
	(void)state;
	assert_false(same("CREATE TABLE `a` (x int)",
	    "CREATE TABLE `a` (x bigint)"));
	/* inside quotes it is no counter */
	assert_false(same("... COMMENT=' AUTO_INCREMENT=1'",
	    "... COMMENT=' AUTO_INCREMENT=2'"));
	assert_false(same("`a AUTO_INCREMENT=1`", "`a AUTO_INCREMENT=2`"));
	assert_false(same("COMMENT='it\\'s AUTO_INCREMENT=1'",
	    "COMMENT='it\\'s AUTO_INCREMENT=2'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_ddl_digest_ignores_counter),
		cmocka_unit_test(test_plan_ddl_digest_sees_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
