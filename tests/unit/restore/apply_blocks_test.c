/* SPDX-License-Identifier: Apache-2.0 */
/* apply_blocks_test: the file of a LOAD DATA comes in blocks before its
 * statement, and goes with no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/apply_impl.h"
#include "tests/unit/mysql/fake.h"

/* The name from INFILE on, to be left out. */
#define LOAD	"LOAD DATA "
#define FROM	"INFILE '/tmp/x' INTO"
#define TABLE	" TABLE `t` (`a`)"

static struct apply a;

static int
setup(void **state)
{
	static struct conn conn;

	(void)state;
	a = (struct apply){ .conn = &conn };
	batch_init(&a.batch, &conn);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	blocks_clear(&a);
	batch_free(&a.batch);
	fake_reset();
	return 0;
}

static int
take(uint8_t type, uint8_t id, const char *text, struct err *e)
{
	uint8_t body[64] = { id };
	size_t n = strlen(text);
	const struct event ev = { .type = type, .body = body,
	    .body_len = 4 + n };

	assert_true(n <= sizeof(body) - 4);
	memcpy(body + 4, text, n);
	return blocks_take(&a, &ev, e);
}

static void
taken(uint8_t type, uint8_t id, const char *text)
{
	struct err e = {0};

	assert_int_equal(take(type, id, text, &e), 0);
}

static void
not_taken(uint8_t type, uint8_t id, const char *msg)
{
	struct err e = {0};

	assert_int_equal(take(type, id, "x", &e), -1);
	assert_string_equal(e.msg, msg);
}

static struct apply_query
statement(const char *sql, size_t from, size_t to, uint32_t file)
{
	return (struct apply_query){ .sql = sql, .n = strlen(sql),
		.q = { .sql = sql, .sql_len = strlen(sql), .load_from = from,
		.load_to = to, .load_file = file } };
}

static struct apply_query
plain(uint32_t file)
{
	return statement(LOAD FROM TABLE, sizeof(LOAD) - 1,
	    sizeof(LOAD FROM) - 1, file);
}

static void
loaded(const struct apply_query *x)
{
	struct err e = {0};

	assert_int_equal(blocks_load(&a, x, &e), 0);
	assert_null(a.blocks);
}

static void
not_loaded(const struct apply_query *x, const char *msg, const char *hint)
{
	struct err e = {0};

	assert_int_equal(blocks_load(&a, x, &e), -1);
	assert_string_equal(e.msg, msg);
	assert_string_equal(e.hint, hint);
	assert_null(a.blocks);
	assert_int_equal(fake.loaded.len, 0);
}

static void
test_blocks_are_one_file(void **state)
{
	const struct apply_query x = plain(3);

	(void)state;
	taken(EVENT_BEGIN_LOAD_QUERY, 3, "1\n2");
	taken(EVENT_APPEND_BLOCK, 3, "2\n");
	taken(EVENT_APPEND_BLOCK, 3, "");
	loaded(&x);
	assert_string_equal(buf_str(&fake.log),
	    "LOAD INTO  TABLE `t` (`a`)\n");
	assert_string_equal(buf_str(&fake.loaded), "1\n22\n");
}

static void
test_blocks_of_an_empty_file(void **state)
{
	const struct apply_query x = plain(1);

	(void)state;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "");
	loaded(&x);
	assert_int_equal(fake.loaded.len, 0);
}

static void
test_blocks_what_was_said_of_duplicates(void **state)
{
	struct apply_query x = plain(1);

	(void)state;
	x.q.load_duplicates = LOAD_REPLACE;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	loaded(&x);
	assert_string_equal(buf_str(&fake.log),
	    "LOAD REPLACE INTO  TABLE `t` (`a`)\n");
	/* left out on the source, so here */
	fake.skipped = 1;
	x.q.load_duplicates = 1;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	loaded(&x);
}

static void
test_blocks_a_duplicate_where_there_was_none(void **state)
{
	const struct apply_query x = plain(1);
	struct err e = {0};

	(void)state;
	fake.skipped = 2;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n2\n");
	assert_int_equal(blocks_load(&a, &x, &e), -1);
	assert_string_equal(e.msg, "LOAD DATA: 2 rows were there already");
}

static void
test_blocks_a_new_file_takes_the_place_of_one(void **state)
{
	const struct apply_query x = plain(2);

	(void)state;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "old\n");
	taken(EVENT_BEGIN_LOAD_QUERY, 2, "new\n");
	not_taken(EVENT_APPEND_BLOCK, 1,
	    "Append_block event: of a file that has no begin");
	loaded(&x);
	assert_string_equal(buf_str(&fake.loaded), "new\n");
}

static void
test_blocks_without_a_begin(void **state)
{
	const struct event cut = { .type = EVENT_APPEND_BLOCK,
	    .body = (const uint8_t *)"abc", .body_len = 3 };
	struct err e = {0};

	(void)state;
	not_taken(EVENT_APPEND_BLOCK, 1,
	    "Append_block event: of a file that has no begin");
	assert_int_equal(blocks_take(&a, &cut, &e), -1);
	assert_string_equal(e.msg, "Append_block event: wrong size");
}

/* Of a transaction that is passed over nothing is kept. */
static void
test_blocks_of_what_is_left_out(void **state)
{
	bool *const why[] = { &a.left, &a.skipped, &a.done };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		*why[i] = true;
		taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
		taken(EVENT_APPEND_BLOCK, 7, "1\n");
		assert_null(a.blocks);
		*why[i] = false;
	}
}

static void
test_blocks_of_another_statement(void **state)
{
	const struct apply_query x = plain(2);

	(void)state;
	not_loaded(&x, "LOAD DATA without its file", "");
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&x, "LOAD DATA without its file", "");
}

static void
test_blocks_a_place_outside_of_the_statement(void **state)
{
	const struct apply_query x = statement("LOAD DATA", 4, 10, 1),
	    y = statement("LOAD DATA", 5, 4, 1);

	(void)state;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&x, "Execute_load_query event: wrong place of its file's "
	    "name", "");
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&y, "Execute_load_query event: wrong place of its file's "
	    "name", "");
}

static void
test_blocks_that_no_sql_can_load(void **state)
{
	static const char other[] = LOAD FROM TABLE;
	struct apply_query xml = statement("LOAD XML " FROM TABLE, 9,
	    sizeof("LOAD XML " FROM) - 1, 1);
	struct apply_query x = plain(1);

	(void)state;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&xml, "LOAD XML cannot be applied through SQL",
	    "use --replay=serve");
	x.q.error = 1062;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&x, "LOAD DATA that failed on the source cannot be applied "
	    "through SQL", "use --replay=serve");
	/* renamed: the text is not the log's */
	x = plain(1);
	x.q.sql = other + 1;
	x.q.sql_len--;
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&x, "LOAD DATA of a part of the server cannot be applied "
	    "through SQL", "use --replay=serve");
}

static int
local_is_off(const char *sql, struct err *e)
{
	return strncmp(sql, "before", 6) != 0 ? 0 :
	    err_set(e, ERR_USAGE, 3948, "Loading local data is disabled");
}

static void
test_blocks_say_what_to_do_where_local_is_off(void **state)
{
	const struct apply_query x = plain(1);

	(void)state;
	fake.exec = local_is_off;
	buf_adds(batch_add(&a.batch), "before");
	taken(EVENT_BEGIN_LOAD_QUERY, 1, "1\n");
	not_loaded(&x, "Loading local data is disabled",
	    "set local_infile=ON on the target, or use --replay=serve");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_blocks_are_one_file),
		TEST(test_blocks_of_an_empty_file),
		TEST(test_blocks_what_was_said_of_duplicates),
		TEST(test_blocks_a_duplicate_where_there_was_none),
		TEST(test_blocks_a_new_file_takes_the_place_of_one),
		TEST(test_blocks_without_a_begin),
		TEST(test_blocks_of_what_is_left_out),
		TEST(test_blocks_of_another_statement),
		TEST(test_blocks_a_place_outside_of_the_statement),
		TEST(test_blocks_that_no_sql_can_load),
		TEST(test_blocks_say_what_to_do_where_local_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
