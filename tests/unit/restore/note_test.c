/* SPDX-License-Identifier: Apache-2.0 */
/* note_test: the statement that notes how far a target is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "restore/note.h"

static void
test_write(void **state)
{
	const struct note none = {0};
	const struct note n = { .history = "20261124T000000Z-abcd", .seq = 7,
	    .offset = 5000000000, .gtid = "0-1-5", .state = NOTE_DDL,
	    .proof = "ab", .temporary = 2 };
	struct buf out = {0};

	(void)state;
	note_write(&none, &out);
	assert_string_equal(buf_str(&out), "UPDATE kura_restore.apply SET "
	    "history='',seq=0,place=0,gtid='',state='done',proof='',"
	    "temporary=0 WHERE one=1");
	buf_clear(&out);
	note_write(&n, &out);
	assert_string_equal(buf_str(&out), "UPDATE kura_restore.apply SET "
	    "history='20261124T000000Z-abcd',seq=7,place=5000000000,"
	    "gtid='0-1-5',state='ddl',proof='ab',temporary=2 WHERE one=1");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
