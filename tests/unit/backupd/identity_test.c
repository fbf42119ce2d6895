/* SPDX-License-Identifier: Apache-2.0 */
/* identity_test: GTID containment per domain and server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/identity.h"

static void
test_identity_gtid_within_same_and_later(void **state)
{
	(void)state;
	assert_true(identity_gtid_within("0-1-5", "0-1-5"));
	assert_true(identity_gtid_within("0-1-5", "0-1-9,0-2-12"));
	assert_true(identity_gtid_within("0-1-5,3-7-2", "3-7-2,0-1-6"));
}

static void
test_identity_gtid_within_refuses_behind_and_foreign(void **state)
{
	(void)state;
	assert_false(identity_gtid_within("0-1-5", "0-1-4"));
	assert_false(identity_gtid_within("0-1-5", "0-2-900"));
	assert_false(identity_gtid_within("0-1-5,1-1-1", "0-1-5"));
	assert_false(identity_gtid_within("0-1-5", ""));
}

static void
test_identity_gtid_within_refuses_junk(void **state)
{
	(void)state;
	assert_false(identity_gtid_within("", "0-1-5"));
	assert_false(identity_gtid_within("x", "0-1-5"));
	assert_false(identity_gtid_within("0-1-5", "0-1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_gtid_within_same_and_later),
		cmocka_unit_test(
		    test_identity_gtid_within_refuses_behind_and_foreign),
		cmocka_unit_test(test_identity_gtid_within_refuses_junk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
