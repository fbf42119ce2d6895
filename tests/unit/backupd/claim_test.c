/* SPDX-License-Identifier: Apache-2.0 */
/* claim_test: one note a change of owner, and few of them are kept. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../catalog/fixture.h"
#include "backupd/claim.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"

static void
take(const char *daemon, int want)
{
	struct err e = {0};
	int rc = claim_take(fixture_store, "s", daemon, "started", &e);

	assert_string_equal(e.msg, "");
	assert_int_equal(rc, want);
}

static void
newest_is(uint32_t n, const char *daemon)
{
	struct claim c;
	struct err e = {0};

	fixture_ok(claim_newest(fixture_store, "s", &c, &e), &e);
	assert_int_equal(c.n, n);
	assert_string_equal(c.daemon, daemon);
	assert_string_equal(c.why, "started");
	assert_true(c.taken_us > 0);
}

static void
test_claim_take_once_a_change(void **state)
{
	struct claim c;
	struct err e = {0};

	(void)state;
	assert_int_equal(claim_newest(fixture_store, "s", &c, &e), -1);
	assert_string_equal(e.msg, "no claim of source s");
	assert_int_equal(e.code, ERR_NOTFOUND);
	take(A, 1);
	newest_is(1, A);
	take(A, 0);
	newest_is(1, A);
	take(B, 1);
	newest_is(2, B);
	take(A, 1);
	newest_is(3, A);
}

static int
count(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)entry;
	(void)e;
	++*(size_t *)arg;
	return 0;
}

static void
test_claim_take_keeps_few(void **state)
{
	struct err e = {0};
	size_t n, most = 0;
	uint32_t i;

	(void)state;
	fixture_put("sources/s/claims/readme.txt", "x", 1);
	for (i = 1; i <= 50; i++) {
		take(i % 2 == 1 ? A : B, 1);
		newest_is(i, i % 2 == 1 ? A : B);
		n = 0;
		fixture_ok(store_list(fixture_store, "sources/s/claims/",
		    count, &n, &e), &e);
		assert_true(n >= (i < CLAIM_KEEP ? i : CLAIM_KEEP) + 1);
		most = n > most ? n : most;
	}
	assert_int_equal(most, 2 * CLAIM_KEEP + 1);
}

static void
test_claim_take_over_a_damaged_one(void **state)
{
	struct claim c;
	struct err e = {0};

	(void)state;
	take(A, 1);
	fixture_damage("sources/s/claims/00000001.json", 40);
	assert_int_equal(claim_newest(fixture_store, "s", &c, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	take(A, 1);
	newest_is(2, A);
}

static void
test_claim_parse_refuses(void **state)
{
	static const char other[] = "sources/other/claims/00000002.json";
	struct buf text = {0};
	struct claim c;
	struct err e = {0};

	(void)state;
	fixture_ok(claim_take(fixture_store, "other", A, "x", &e) == 1 ? 0 :
	    -1, &e);
	fixture_ok(store_get(fixture_store,
	    "sources/other/claims/00000001.json", 4096, &text, &e), &e);
	fixture_failed(claim_parse(text.data, text.len, "s", 1, &c, &e), &e,
	    ERR_CORRUPT, "claim: member 'source' is missing or not what it "
	    "must be");
	fixture_failed(claim_parse(text.data, text.len, "other", 2, &c, &e),
	    &e, ERR_CORRUPT, "claim: member 'n' is missing or not what it "
	    "must be");
	fixture_failed(claim_parse(text.data, text.len - 5, "other", 1, &c,
	    &e), &e, ERR_CORRUPT, "claim is no JSON object: premature end of "
	    "input");
	/* In another one's place it is nobody's. */
	fixture_put(other, text.data, text.len);
	fixture_ok(claim_take(fixture_store, "other", A, "x", &e) == 1 ? 0 :
	    -1, &e);
	fixture_ok(claim_newest(fixture_store, "other", &c, &e), &e);
	assert_int_equal(c.n, 3);
	buf_free(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, \
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_claim_take_once_a_change),
		TEST(test_claim_take_keeps_few),
		TEST(test_claim_take_over_a_damaged_one),
		TEST(test_claim_parse_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
