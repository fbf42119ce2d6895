/* SPDX-License-Identifier: Apache-2.0 */
/* s3_test: single objects, whole, in ranges and created once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store/bucket.h"

static void
test_s3_put_is_signed_and_stores_the_bytes(void **state)
{
	struct err e = {0};
	char day[128];

	(void)state;
	assert_int_equal(store_put(store, "a/b.json", "x\0y", 3, false, &e),
	    0);
	assert_string_equal(bucket.key, "/bucket/pre/a/b.json");
	assert_int_equal(bucket.body.len, 3);
	assert_memory_equal(bucket.body.data, "x\0y", 3);
	assert_int_equal(strlen(bucket.token), 32);
	(void)snprintf(day, sizeof(day), "AWS4-HMAC-SHA256 Credential="
	    "AKIDEXAMPLE/%.8s/eu-west-1/s3/aws4_request, SignedHeaders=",
	    bucket.last_date);
	assert_memory_equal(bucket.last_auth, day, strlen(day));
	assert_non_null(strstr(bucket.last_auth, "=content-type;host;"
	    "x-amz-content-sha256;x-amz-date;x-amz-meta-kura-token, "));
	assert_string_equal(store_name(store), "s3://bucket/pre");
}

static void
test_s3_put_create_only_where_it_is_honoured(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(store_put(store, "h", "1", 1, true, &e), 0);
	/* Two for the probe, one to remove it, one of ours. */
	assert_int_equal(peer->requests, 4);
	failed(store_put(store, "h", "2", 1, true, &e), &e, ERR_EXISTS,
	    "s3://bucket/pre/h: S3 answered 412 PreconditionFailed");
	assert_string_equal(buf_str(&bucket.body), "1");
	assert_int_equal(store_put(store, "h", "3", 1, false, &e), 0);
	assert_string_equal(buf_str(&bucket.body), "3");
}

static void
test_s3_put_create_only_where_it_is_ignored_or_unknown(void **state)
{
	struct err e = {0};
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		bucket.ignores_conditions = i == 0;
		bucket.no_conditions = i == 1;
		bucket.there = false;
		open_store(60000);
		assert_int_equal(store_put(store, "h", "1", 1, true, &e), 0);
		failed(store_put(store, "h", "2", 1, true, &e), &e,
		    ERR_EXISTS, "s3://bucket/pre/h: is there already");
		assert_string_equal(buf_str(&bucket.body), "1");
	}
}

static void
test_s3_put_create_only_knows_its_own_lost_answer(void **state)
{
	struct err e = {0};

	(void)state;
	bucket.lose_next_put = true;
	assert_int_equal(store_put(store, "h", "1", 1, true, &e), 0);
	assert_false(bucket.lose_next_put);
	assert_string_equal(buf_str(&bucket.body), "1");
}

static void
test_s3_get_whole_and_missing(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	uint64_t size;

	(void)state;
	give("k", "hello", 5);
	buf_adds(&out, "> ");
	assert_int_equal(store_get(store, "k", 5, &out, &e), 0);
	assert_string_equal(buf_str(&out), "> hello");
	assert_int_equal(store_stat(store, "k", &size, &e), 0);
	assert_int_equal(size, 5);
	failed(store_get(store, "x", 5, &out, &e), &e, ERR_NOTFOUND,
	    "s3://bucket/pre/x: S3 answered 404 NoSuchKey (gone), request R1");
	failed(store_stat(store, "x", &size, &e), &e, ERR_NOTFOUND,
	    "s3://bucket/pre/x: S3 answered 404");
	assert_string_equal(buf_str(&out), "> hello");
	buf_free(&out);
}

static void
test_s3_get_refuses_what_is_too_large_at_once(void **state)
{
	static char large[200000];
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	memset(large, 'x', sizeof(large));
	give("k", large, sizeof(large));
	failed(store_get(store, "k", 199999, &out, &e), &e, ERR_CORRUPT,
	    "s3://bucket/pre/k: larger than 199999 bytes");
	failed(store_get(store, "k", 10, &out, &e), &e, ERR_CORRUPT,
	    "s3://bucket/pre/k: larger than 10 bytes");
	assert_int_equal(peer->requests, 2);
	assert_int_equal(store_get(store, "k", 200000, &out, &e), 0);
	assert_int_equal(out.len, 200000);
	buf_free(&out);
}

static void
test_s3_get_range(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	give("k", "0123456789", 10);
	assert_int_equal(store_get_range(store, "k", 2, 3, &out, &e), 0);
	assert_string_equal(buf_str(&out), "234");
	assert_string_equal(bucket.last_range, "bytes=2-4");
	failed(store_get_range(store, "k", 8, 5, &out, &e), &e, ERR_CORRUPT,
	    "s3://bucket/pre/k: ends before byte 13");
	failed(store_get_range(store, "k", 20, 1, &out, &e), &e, ERR_CORRUPT,
	    "s3://bucket/pre/k: ends before byte 21");
	bucket.ignores_ranges = true;
	failed(store_get_range(store, "k", 0, 3, &out, &e), &e, ERR_IO,
	    "s3://bucket/pre/k: the store ignores ranges");
	buf_free(&out);
}

static void
test_s3_object_that_looks_like_an_error_is_none(void **state)
{
	static const char text[] = "<Error><Code>InternalError</Code></Error>";
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	give("k", text, sizeof(text) - 1);
	assert_int_equal(store_get(store, "k", 1000, &out, &e), 0);
	assert_string_equal(buf_str(&out), text);
	assert_int_equal(peer->requests, 1);
	buf_free(&out);
}

static void
test_s3_keys_are_checked_before_a_request(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	failed(store_get(store, "../x", 9, &out, &e), &e, ERR_CORRUPT,
	    "s3://bucket/pre/../x: object key '../x': '.' or '..'");
	failed(store_put(store, "a?b", "", 0, false, &e), &e, ERR_CORRUPT,
	    "s3://bucket/pre/a?b: object key 'a?b': a character that no key "
	    "has");
	assert_int_equal(peer->requests, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s3_put_is_signed_and_stores_the_bytes),
		TEST(test_s3_put_create_only_where_it_is_honoured),
		TEST(test_s3_put_create_only_where_it_is_ignored_or_unknown),
		TEST(test_s3_put_create_only_knows_its_own_lost_answer),
		TEST(test_s3_get_whole_and_missing),
		TEST(test_s3_get_refuses_what_is_too_large_at_once),
		TEST(test_s3_get_range),
		TEST(test_s3_object_that_looks_like_an_error_is_none),
		TEST(test_s3_keys_are_checked_before_a_request),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
