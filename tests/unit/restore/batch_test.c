/* SPDX-License-Identifier: Apache-2.0 */
/* batch_test: many statements in one text, each answer checked, the one that
 * failed named, and no foreign text among ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/batch.h"
#include "tests/unit/mysql/fake.h"

static struct batch batch;

static int
setup(void **state)
{
	static struct conn conn;

	(void)state;
	batch_init(&batch, &conn);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	batch_free(&batch);
	fake_reset();
	return 0;
}

static void
add(const char *sql)
{
	buf_adds(batch_add(&batch), sql);
}

static int
fail_on_bad(const char *sql, struct err *e)
{
	if (strcmp(sql, "bad") != 0)
		return 0;
	(void)err_set(e, ERR_IO, 1062, "Duplicate entry");
	return -1;
}

/* "rows 3", "warns 2" */
static void
as_it_says(const char *sql, uint64_t *rows, unsigned *warnings)
{
	if (strncmp(sql, "rows ", 5) == 0)
		*rows = strtoull(sql + 5, NULL, 10);
	if (strncmp(sql, "warns ", 6) == 0)
		*warnings = (unsigned)strtoul(sql + 6, NULL, 10);
}

static void
fails(const char *msg)
{
	struct err e = {0};

	assert_int_equal(batch_flush(&batch, &e), -1);
	assert_string_equal(e.msg, msg);
}

static void
test_batch_sends_one_text(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(batch_flush(&batch, &e), 0);
	assert_int_equal(fake.log.len, 0);
	add("a");
	add("b");
	assert_int_equal(batch_flush(&batch, &e), 0);
	add("c");
	assert_int_equal(batch_flush(&batch, &e), 0);
	assert_string_equal(buf_str(&fake.log),
	    "several on\ntext\na\nb\ntext\nc\n");
}

static void
test_batch_cuts_where_it_is_told(void **state)
{
	struct err e = {0};

	(void)state;
	add("a");
	batch_cut(&batch);
	add("b");
	add("c");
	batch_cut(&batch);
	assert_int_equal(batch_flush(&batch, &e), 0);
	assert_string_equal(buf_str(&fake.log),
	    "several on\ntext\na\ntext\nb\nc\n");
}

static void
test_batch_names_the_place_that_failed(void **state)
{
	(void)state;
	fake.exec = fail_on_bad;
	batch_where(&batch, "first");
	add("a");
	batch_cut(&batch);
	batch_where(&batch, "second");
	add("b");
	add("bad");
	batch_where(&batch, "third");
	add("c");
	fails("second: Duplicate entry");
	assert_true(batch.named);
	/* what follows it has not run */
	assert_string_equal(buf_str(&fake.log),
	    "several on\ntext\na\ntext\nb\nbad\n");
}

static void
test_batch_keeps_the_last_place(void **state)
{
	struct err e = {0};

	(void)state;
	fake.exec = fail_on_bad;
	batch_where(&batch, "none is under this one");
	batch_where(&batch, "here");
	add("a");
	assert_int_equal(batch_flush(&batch, &e), 0);
	add("bad");
	fails("here: Duplicate entry");
}

static void
test_batch_without_a_place_names_none(void **state)
{
	(void)state;
	fake.exec = fail_on_bad;
	add("bad");
	fails("Duplicate entry");
	assert_false(batch.named);
}

static void
test_batch_checks_rows(void **state)
{
	struct err e = {0};

	(void)state;
	fake.gave = as_it_says;
	add("rows 9");	/* nobody asked */
	buf_adds(batch_rows(&batch, 2, 0), "rows 2");
	buf_adds(batch_rows(&batch, 0, 3), "warns 3");
	assert_int_equal(batch_flush(&batch, &e), 0);
	batch_where(&batch, "good");
	buf_adds(batch_rows(&batch, 1, 0), "rows 1");
	batch_cut(&batch);
	batch_where(&batch, "wrong");
	add("a");
	buf_adds(batch_rows(&batch, 2, 0), "rows 1");
	batch_where(&batch, "after");
	buf_adds(batch_rows(&batch, 1, 0), "rows 1");
	fails("wrong: 1 of 2 rows found as the log says");
}

static void
test_batch_checks_warnings(void **state)
{
	(void)state;
	fake.gave = as_it_says;
	batch_where(&batch, "here");
	buf_adds(batch_rows(&batch, 0, 0), "warns 1");
	fails("here: 1 warning: the values do not fit as they are");
}

/* A text of the log goes with several statements switched off, after all of
 * ours. */
static void
test_batch_runs_foreign_text_alone(void **state)
{
	struct err e = {0};

	(void)state;
	add("a");
	assert_int_equal(batch_alone(&batch, "x; y", 4, &e), 0);
	assert_int_equal(batch_alone(&batch, "z", 1, &e), 0);
	add("b");
	assert_int_equal(batch_flush(&batch, &e), 0);
	assert_string_equal(buf_str(&fake.log), "several on\ntext\na\n"
	    "several off\nx; y\nz\nseveral on\ntext\nb\n");
}

static void
test_batch_alone_waits_for_what_comes_before(void **state)
{
	struct err e = {0};

	(void)state;
	fake.exec = fail_on_bad;
	add("bad");
	assert_int_equal(batch_alone(&batch, "x", 1, &e), -1);
	assert_string_equal(buf_str(&fake.log), "several on\ntext\nbad\n");
}

static long
read_once(void *arg, void *data, size_t n, struct err *e)
{
	const char **text = arg;
	size_t len = strlen(*text);

	(void)e;
	assert_true(len <= n);
	memcpy(data, *text, len);
	*text += len;
	return (long)len;
}

static void
test_batch_loads_alone(void **state)
{
	const char *text = "1\tx\n";
	struct err e = {0};

	(void)state;
	add("a");
	assert_int_equal(batch_load(&batch, "INTO TABLE t", read_once, &text,
	    &e), 0);
	assert_string_equal(buf_str(&fake.log), "several on\ntext\na\n"
	    "several off\nLOAD INTO TABLE t\n");
	assert_string_equal(buf_str(&fake.loaded), "1\tx\n");
}

static void
test_batch_loads_nothing_after_a_failure(void **state)
{
	const char *text = "1\tx\n";
	struct err e = {0};

	(void)state;
	fake.exec = fail_on_bad;
	batch_where(&batch, "here");
	add("bad");
	assert_int_equal(batch_load(&batch, "INTO TABLE t", read_once, &text,
	    &e), -1);
	assert_string_equal(e.msg, "here: Duplicate entry");
	assert_int_equal(fake.loaded.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batch_sends_one_text),
		TEST(test_batch_cuts_where_it_is_told),
		TEST(test_batch_names_the_place_that_failed),
		TEST(test_batch_keeps_the_last_place),
		TEST(test_batch_without_a_place_names_none),
		TEST(test_batch_checks_rows),
		TEST(test_batch_checks_warnings),
		TEST(test_batch_runs_foreign_text_alone),
		TEST(test_batch_alone_waits_for_what_comes_before),
		TEST(test_batch_loads_alone),
		TEST(test_batch_loads_nothing_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
