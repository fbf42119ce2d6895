/* SPDX-License-Identifier: Apache-2.0 */
/* rights_test: lines of SHOW GRANTS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mysql/rights.h"

static void
test_rights_of_every_schema_alone(void **state)
{
	struct rights r = {0};

	(void)state;
	rights_take(&r, "GRANT SELECT, LOCK TABLES, REPLICATION CLIENT ON *.* "
	    "TO `k`@`%` IDENTIFIED BY PASSWORD '*0123'");
	rights_take(&r, "GRANT BACKUP_ADMIN,SHOW_ROUTINE ON *.* TO `k`@`%`");
	rights_take(&r, "GRANT INSERT ON `shop`.* TO `k`@`%`");
	rights_take(&r, "GRANT `RELOAD ON *.* TO `@`%` TO `k`@`%`");
	rights_take(&r, "REVOKE DELETE ON `x`.* FROM `k`@`%`");
	rights_take(&r, "");
	assert_true(rights_has(&r, "SELECT"));
	assert_true(rights_has(&r, "LOCK TABLES"));
	assert_true(rights_has(&r, "SHOW_ROUTINE"));
	assert_true(rights_has(&r, "BACKUP_ADMIN"));
	assert_false(rights_has(&r, "LOCK"));
	assert_false(rights_has(&r, "TABLES"));
	assert_false(rights_has(&r, "INSERT"));
	assert_false(rights_has(&r, "RELOAD"));
	/* One right, two names. */
	assert_true(rights_has(&r, "BINLOG MONITOR"));
	assert_false(rights_has(&r, "SLAVE MONITOR"));
	rights_free(&r);
	assert_false(rights_has(&r, "SELECT"));
	rights_free(&r);
}

static void
test_rights_all_of_them(void **state)
{
	struct rights r = {0};

	(void)state;
	rights_take(&r, "GRANT USAGE ON *.* TO `k`@`%`");
	assert_false(rights_has(&r, "SELECT"));
	rights_take(&r, "GRANT ALL PRIVILEGES ON `a`.* TO `k`@`%`");
	assert_false(rights_has(&r, "SELECT"));
	rights_take(&r, "GRANT ALL PRIVILEGES ON *.* TO `k`@`%` WITH GRANT "
	    "OPTION");
	assert_true(rights_has(&r, "SELECT"));
	assert_true(rights_has(&r, "BACKUP_ADMIN"));
	rights_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights_of_every_schema_alone),
		cmocka_unit_test(test_rights_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
