/* SPDX-License-Identifier: Apache-2.0 */
/* verdict_test: the first word on a mark is the last. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/verdict.h"
#include "tests/unit/catalog/sealed.h"

#define KEY "sources/a/marks/sweep-" ID "-0001795371300000.json"

static enum verdict
give(enum verdict want)
{
	enum verdict is;
	struct err e = {0};

	fixture_ok(verdict_give(fixture_store, KEY, want, &is, &e), &e);
	return is;
}

static enum verdict
look(void)
{
	enum verdict is;
	struct err e = {0};

	fixture_ok(verdict_look(fixture_store, KEY, &is, &e), &e);
	return is;
}

static void
test_verdict_is_given_once(void **state)
{
	const char *keys[1] = { KEY };
	struct err e = {0};

	(void)state;
	assert_int_equal(look(), VERDICT_NONE);
	assert_int_equal(give(VERDICT_GO), VERDICT_GO);
	assert_int_equal(give(VERDICT_STAY), VERDICT_GO);
	assert_int_equal(give(VERDICT_GO), VERDICT_GO);
	assert_int_equal(look(), VERDICT_GO);
	fixture_ok(store_delete(fixture_store, keys, 1, &e), &e);
	assert_int_equal(give(VERDICT_STAY), VERDICT_STAY);
	assert_int_equal(give(VERDICT_GO), VERDICT_STAY);
	assert_int_equal(look(), VERDICT_STAY);
}

static void
test_verdict_key(void **state)
{
	char key[STORE_KEY_MAX];

	(void)state;
	verdict_key("a", "sweep", ID, 1795371300000, key, sizeof(key));
	assert_string_equal(key, KEY);
}

/* Two marks of one moment have a verdict each. */
static void
test_verdict_of_a_second_mark(void **state)
{
	int64_t at = 1795371300000;
	struct err e = {0};

	(void)state;
	fixture_ok(verdict_time(fixture_store, "a", "sweep", ID, &at, &e),
	    &e);
	assert_int_equal(at, 1795371300000);
	(void)give(VERDICT_STAY);
	fixture_ok(verdict_time(fixture_store, "a", "sweep", ID, &at, &e),
	    &e);
	assert_int_equal(at, 1795371300001);
}

/* Nobody sweeps by what nobody can read. */
static void
test_verdict_that_cannot_be_read(void **state)
{
	(void)state;
	fixture_put(KEY, "x", 1);
	assert_int_equal(look(), VERDICT_STAY);
	assert_int_equal(give(VERDICT_GO), VERDICT_STAY);
}

static void
test_verdict_parse(void **state)
{
	struct buf text = {0};
	enum verdict is;
	struct err e = {0};

	(void)state;
	sealed("{\"format\":1,\"verdict\":\"go\"}", &text);
	fixture_ok(verdict_parse(text.data, text.len, &is, &e), &e);
	assert_int_equal(is, VERDICT_GO);
	buf_clear(&text);
	sealed("{\"format\":1,\"verdict\":\"gone\"}", &text);
	fixture_failed(verdict_parse(text.data, text.len, &is, &e), &e,
	    ERR_CORRUPT, "verdict: member 'verdict' is missing or not what it "
	    "must be");
	buf_free(&text);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_verdict_is_given_once),
		cmocka_unit_test(test_verdict_key),
		IN_STORE(test_verdict_of_a_second_mark),
		IN_STORE(test_verdict_that_cannot_be_read),
		cmocka_unit_test(test_verdict_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
