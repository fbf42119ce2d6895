/* SPDX-License-Identifier: Apache-2.0 */
/* err_test: the first failure stays, and every line of it is one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void
test_err_set_records_code_cause_and_text(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(err_set(&e, ERR_IO, ENOSPC, "write %s", "x"), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(e.sys, ENOSPC);
	assert_string_equal(e.msg, "write x: No space left on device");
	assert_string_equal(e.hint, "");
}

static void
test_err_set_without_errno_adds_nothing(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_CORRUPT, 0, "line %d is cut short", 7);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "line 7 is cut short");
}

static void
test_err_set_first_record_wins(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_NOTFOUND, 0, "first");
	assert_int_equal(err_set(&e, ERR_IO, EIO, "second"), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "first");
}

static void
test_err_set_flattens_control_characters(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_IO, 0, "a\nb\tc\033[31md\177e\303\244");
	assert_string_equal(e.msg, "a b c [31md e\303\244");
}

static void
test_err_set_cuts_what_is_too_long(void **state)
{
	char text[1000];
	struct err e = {0};

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, ERR_IO, EIO, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_memory_equal(e.msg, text, sizeof(e.msg) - 1);
}

static void
test_err_wrap_puts_the_noun_in_front(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_AGAIN, 0, "reset");
	assert_int_equal(err_wrap(&e, "part %d", 7), -1);
	assert_int_equal(err_wrap(&e, "upload\n%s", "x"), -1);
	assert_int_equal(e.code, ERR_AGAIN);
	assert_string_equal(e.msg, "upload x: part 7: reset");
}

static void
test_err_wrap_keeps_the_outer_noun_when_full(void **state)
{
	char text[383];
	struct err e = {0};

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, ERR_IO, 0, "%s", text);
	(void)err_wrap(&e, "outer");
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_memory_equal(e.msg, "outer: xxx", 10);
}

static void
test_err_hint_first_hint_wins(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_USAGE, 0, "bad");
	assert_int_equal(err_hint(&e, "do %s\n", "this"), -1);
	assert_int_equal(err_hint(&e, "do that"), -1);
	assert_string_equal(e.hint, "do this ");
}

static void
test_err_exit_status_as_documented(void **state)
{
	(void)state;
	assert_int_equal(err_exit_status(ERR_NONE), 0);
	assert_int_equal(err_exit_status(ERR_USAGE), 2);
	assert_int_equal(err_exit_status(ERR_CORRUPT), 3);
	assert_int_equal(err_exit_status(ERR_NOTFOUND), 4);
	assert_int_equal(err_exit_status(ERR_BUSY), 75);
	assert_int_equal(err_exit_status(ERR_EXISTS), 1);
	assert_int_equal(err_exit_status(ERR_AGAIN), 1);
	assert_int_equal(err_exit_status(ERR_DENIED), 1);
	assert_int_equal(err_exit_status(ERR_CANCELLED), 1);
	assert_int_equal(err_exit_status(ERR_NOMEM), 1);
	assert_int_equal(err_exit_status(ERR_IO), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set_records_code_cause_and_text),
		cmocka_unit_test(test_err_set_without_errno_adds_nothing),
		cmocka_unit_test(test_err_set_first_record_wins),
		cmocka_unit_test(test_err_set_flattens_control_characters),
		cmocka_unit_test(test_err_set_cuts_what_is_too_long),
		cmocka_unit_test(test_err_wrap_puts_the_noun_in_front),
		cmocka_unit_test(test_err_wrap_keeps_the_outer_noun_when_full),
		cmocka_unit_test(test_err_hint_first_hint_wins),
		cmocka_unit_test(test_err_exit_status_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
