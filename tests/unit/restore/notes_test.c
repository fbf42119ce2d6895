/* SPDX-License-Identifier: Apache-2.0 */
/* notes_test: schema kura_restore, made by us or for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../mysql/fake.h"
#include "restore/notes.h"

static const char *there;	/* "1\n": each table is there */
static const char *denied;	/* statements that begin so */

static int
answer(const char *sql, struct buf *n, struct buf *r, struct err *e)
{
	(void)sql;
	(void)e;
	buf_adds(n, "n");
	buf_adds(r, there);
	return 0;
}

static int
run(const char *sql, struct err *e)
{
	return denied != NULL && strncmp(sql, denied, strlen(denied)) == 0 ?
	    err_set(e, ERR_DENIED, 0, "denied") : 0;
}

static void
begin(const char *is, const char *not)
{
	fake_reset();
	fake.query = answer;
	fake.exec = run;
	there = is;
	denied = not;
}

static void
test_notes_are_made_where_they_are_missing(void **state)
{
	struct err e = {0};

	(void)state;
	begin("1\n", "CREATE");
	assert_int_equal(notes_need(NULL, "memo", &e), 0);
	assert_int_equal(notes_have_all(NULL, &e), 1);
	begin("0\n", NULL);
	assert_int_equal(notes_have_all(NULL, &e), 0);
	assert_int_equal(notes_need(NULL, "memo", &e), 0);
	assert_non_null(strstr(buf_str(&fake.log), "CREATE DATABASE IF NOT "
	    "EXISTS kura_restore\nCREATE TABLE IF NOT EXISTS "
	    "kura_restore.memo (name VARCHAR(64) CHARACTER SET ascii PRIMARY "
	    "KEY, value LONGTEXT CHARACTER SET utf8mb4) ENGINE=InnoDB\n"));
	/* The schema is there, and ours to fill. */
	begin("0\n", "CREATE DATABASE");
	assert_int_equal(notes_need(NULL, "step", &e), 0);
	begin("0\n", "CREATE");
	assert_int_equal(notes_need(NULL, "run", &e), -1);
	assert_string_equal(e.msg, "schema kura_restore on the target: "
	    "denied");
	assert_string_equal(e.hint, "let an administrator run what 'restore "
	    "plan --into-existing' prints, or CREATE DATABASE kura_restore "
	    "and GRANT ALL on it");
	fake_reset();
}

static void
test_notes_are_dropped_or_emptied(void **state)
{
	struct err e = {0};

	(void)state;
	begin("1\n", NULL);
	assert_int_equal(notes_drop(NULL, &e), 0);
	assert_string_equal(buf_str(&fake.log), "DROP DATABASE IF EXISTS "
	    "kura_restore\n");
	begin("1\n", "DROP");
	assert_int_equal(notes_drop(NULL, &e), 0);
	assert_non_null(strstr(buf_str(&fake.log), "DELETE FROM "
	    "kura_restore.run\n"));
	assert_non_null(strstr(buf_str(&fake.log), "DELETE FROM "
	    "kura_restore.apply\n"));
	assert_int_equal(e.code, ERR_NONE);
	fake_reset();
}

static void
test_notes_made_by_others(void **state)
{
	struct buf text = {0};

	(void)state;
	notes_statements("ob@r@10.%", &text);
	assert_non_null(strstr(buf_str(&text), "CREATE DATABASE kura_restore;"
	    "\nCREATE TABLE kura_restore.run (one INT PRIMARY KEY, "));
	assert_non_null(strstr(buf_str(&text), "\nGRANT SELECT, INSERT, "
	    "UPDATE, DELETE ON kura_restore.* TO 'ob@r'@'10.%';\n"));
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes_are_made_where_they_are_missing),
		cmocka_unit_test(test_notes_are_dropped_or_emptied),
		cmocka_unit_test(test_notes_made_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
