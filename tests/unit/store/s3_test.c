/* SPDX-License-Identifier: Apache-2.0 */
/* s3_test: single requests, what is tried again, and how failures read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/store.h"
#include "tests/unit/http/peer.h"

/* A bucket with one object, and what it does to the next requests. */
struct bucket {
	char key[128], token[64];
	struct buf body;
	bool there, ignores_conditions, no_conditions, ignores_ranges;
	bool lose_next_put;		/* store it, then drop the line */
	unsigned fail_first;		/* so many requests fail */
	int fail_status;		/* 0: no answer */
	const char *fail_body, *fail_headers;
	char last_auth[512], last_date[32], last_range[64];
};

static void
put(struct bucket *b, const struct peer_request *r, struct peer_answer *a)
{
	char text[64], path[128];
	bool once = peer_header(r, "if-none-match", text,
	    sizeof(text))[0] != '\0';

	(void)snprintf(path, sizeof(path), "%.127s", r->target);
	if (once && b->no_conditions) {
		a->status = 501;
		buf_adds(&a->body, "<Error><Code>NotImplemented</Code>"
		    "</Error>");
		return;
	}
	if (once && !b->ignores_conditions && b->there &&
	    strcmp(path, b->key) == 0) {
		a->status = 412;
		buf_adds(&a->body, "<Error><Code>PreconditionFailed</Code>"
		    "</Error>");
		return;
	}
	(void)snprintf(b->key, sizeof(b->key), "%s", path);
	(void)peer_header(r, "x-amz-meta-kura-token", b->token,
	    sizeof(b->token));
	buf_clear(&b->body);
	buf_add(&b->body, buf_str(&r->body), r->body.len);
	b->there = true;
	if (b->lose_next_put && strstr(path, "probe-") == NULL) {
		b->lose_next_put = false;
		a->status = 0;
	}
}

static void
get(struct bucket *b, const struct peer_request *r, struct peer_answer *a)
{
	unsigned long from = 0, to = 0;

	if (!b->there || strcmp(r->target, b->key) != 0) {
		a->status = 404;
		buf_adds(&a->body, "<Error><Code>NoSuchKey</Code><Message>gone"
		    "</Message><RequestId>R1</RequestId></Error>");
		return;
	}
	buf_addf(&a->headers, "x-amz-meta-kura-token: %s\r\n", b->token);
	if (sscanf(b->last_range, "bytes=%lu-%lu", &from, &to) != 2 ||
	    b->ignores_ranges) {
		buf_add(&a->body, buf_str(&b->body), b->body.len);
		return;
	}
	if (from >= b->body.len) {
		a->status = 416;
		buf_adds(&a->body, "<Error><Code>InvalidRange</Code></Error>");
		return;
	}
	to = to >= b->body.len ? b->body.len - 1 : to;
	a->status = 206;
	buf_addf(&a->headers, "Content-Range: bytes %lu-%lu/%zu\r\n", from,
	    to, b->body.len);
	buf_add(&a->body, b->body.data + from, to - from + 1);
}

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct bucket *b = p->arg;

	(void)peer_header(r, "authorization", b->last_auth,
	    sizeof(b->last_auth));
	(void)peer_header(r, "x-amz-date", b->last_date,
	    sizeof(b->last_date));
	(void)peer_header(r, "range", b->last_range, sizeof(b->last_range));
	if (b->fail_first > 0) {
		b->fail_first--;
		a->status = b->fail_status;
		buf_adds(&a->body, b->fail_body != NULL ? b->fail_body : "");
		buf_adds(&a->headers, b->fail_headers != NULL ?
		    b->fail_headers : "");
	} else if (strcmp(r->method, "PUT") == 0) {
		put(b, r, a);
	} else if (strcmp(r->method, "DELETE") == 0) {
		a->status = 204;
		b->there = false;
	} else {
		get(b, r, a);
		if (strcmp(r->method, "HEAD") == 0)
			buf_addf(&a->headers, "Content-Length: %zu\r\n",
			    a->body.len);
	}
}

/* --- each test has a peer and a store --- */

static struct bucket bucket;
static struct peer *peer;
static struct store *store;

static void
open_store(uint64_t retry_ms)
{
	const struct store_opts opts = { .url = "s3://bucket/pre/",
	    .endpoint = peer->url, .region = "eu-west-1",
	    .retry_ms = retry_ms, .part_size = 1000, .memory = 6000 };
	struct err e = {0};

	store_close(store);
	store = store_open(&opts, &e);
	if (store == NULL)
		fail_msg("%s", e.msg);
}

static int
setup(void **state)
{
	(void)state;
	bucket = (struct bucket){0};
	peer = peer_start(answer, &bucket);
	if (peer == NULL)
		return -1;
	open_store(60000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	peer_stop(peer);
	buf_free(&bucket.body);
	return 0;
}

static void
give(const char *key, const char *text, size_t n)
{
	(void)snprintf(bucket.key, sizeof(bucket.key), "/bucket/pre/%s", key);
	buf_clear(&bucket.body);
	buf_add(&bucket.body, text, n);
	bucket.there = true;
}

static void
failed(int rc, struct err *e, enum err_code code, const char *why)
{
	assert_int_equal(rc, -1);
	assert_string_equal(e->msg, why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

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
test_s3_reader_reads_in_parts_to_the_end(void **state)
{
	char data[2500], got[2500];
	struct object_reader *r;
	struct err e = {0};
	const void *piece;
	size_t i, n, at = 0;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i % 251);
	give("k", data, sizeof(data));
	r = object_open(store, "k", 100, UINT64_MAX, &e);
	assert_non_null(r);
	do {
		assert_int_equal(object_read(r, &piece, &n, &e), 0);
		assert_true(n <= 1000 && at + n <= 2400);
		memcpy(got + at, piece, n);
		at += n;
	} while (n > 0);
	object_close(r);
	object_close(NULL);
	assert_int_equal(at, 2400);
	assert_memory_equal(got, data + 100, 2400);
	assert_int_equal(peer->requests, 3);
	r = object_open(store, "gone", 0, UINT64_MAX, &e);
	assert_non_null(r);
	failed(object_read(r, &piece, &n, &e), &e, ERR_NOTFOUND, "s3://bucket/"
	    "pre/gone: S3 answered 404 NoSuchKey (gone), request R1");
	object_close(r);
}

static void
test_s3_transient_failures_are_tried_again(void **state)
{
	static const int statuses[] = { 0, 500, 502, 504, 408, 400 };
	struct store_counters c;
	struct buf out = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	give("k", "v", 1);
	for (i = 0; i < 6; i++) {
		bucket.fail_first = 1;
		bucket.fail_status = statuses[i];
		bucket.fail_body = statuses[i] == 400 ?
		    "<Error><Code>RequestTimeout</Code></Error>" : NULL;
		assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	}
	assert_string_equal(buf_str(&out), "vvvvvv");
	store_counters(store, &c);
	assert_int_equal(c.requests, 12);
	assert_int_equal(c.retries, 6);
	buf_free(&out);
}

static void
test_s3_lasting_failures_are_not(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	bucket.fail_first = 100;
	bucket.fail_status = 403;
	bucket.fail_body = "<Error><Code>SignatureDoesNotMatch</Code>"
	    "<Message>The\nsignature</Message></Error>";
	bucket.fail_headers = "x-amz-request-id: R7\r\n";
	assert_int_equal(store_get(store, "k", 9, &out, &e), -1);
	assert_string_equal(e.hint, "check the S3 keys (from the environment) "
	    "and region");
	failed(-1, &e, ERR_DENIED, "s3://bucket/pre/k: S3 answered 403 "
	    "SignatureDoesNotMatch (The signature), request R7");
	bucket.fail_headers = NULL;
	bucket.fail_status = 404;
	bucket.fail_body = "<Error><Code>NoSuchBucket</Code></Error>";
	assert_int_equal(store_get(store, "k", 9, &out, &e), -1);
	assert_string_equal(e.hint, "create the bucket, or correct its name");
	failed(-1, &e, ERR_USAGE, "s3://bucket/pre/k: S3 answered 404 "
	    "NoSuchBucket");
	bucket.fail_status = 400;
	bucket.fail_body = "<html>proxy</html>";
	failed(store_get(store, "k", 9, &out, &e), &e, ERR_IO,
	    "s3://bucket/pre/k: S3 answered 400");
	assert_int_equal(peer->requests, 3);
	buf_free(&out);
}

static void
test_s3_deadline_ends_the_tries(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	/* Over before the first answer: there is no second try. */
	open_store(1);
	(void)pthread_mutex_lock(&peer->lock);
	bucket.fail_first = 1000000;
	bucket.fail_status = 0;
	(void)pthread_mutex_unlock(&peer->lock);
	assert_int_equal(store_get(store, "k", 9, &out, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_memory_equal(e.msg, "s3://bucket/pre/k: no answer after ", 35);
	assert_string_equal(strrchr(e.msg, ':'), ": Empty reply from server");
	assert_string_equal(e.hint, "check the endpoint and the network");
	buf_free(&out);
}

static void
test_s3_follows_the_bucket_to_its_region_once(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	give("k", "v", 1);
	bucket.fail_first = 1;
	bucket.fail_status = 301;
	bucket.fail_headers = "x-amz-bucket-region: ap-south-1\r\n";
	assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	assert_non_null(strstr(bucket.last_auth, "/ap-south-1/s3/"));
	assert_int_equal(peer->requests, 2);
	/* Sent there again, it is no answer. */
	bucket.fail_first = 100;
	failed(store_get(store, "k", 9, &out, &e), &e, ERR_IO,
	    "s3://bucket/pre/k: S3 answered 301");
	assert_int_equal(peer->requests, 3);
	buf_free(&out);
}

static void
test_s3_goes_by_the_stores_clock_when_ours_is_off(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	int64_t us, want;

	(void)state;
	give("k", "v", 1);
	bucket.fail_first = 1;
	bucket.fail_status = 403;
	bucket.fail_body = "<Error><Code>RequestTimeTooSkewed</Code></Error>";
	bucket.fail_headers = "Date: Sun, 22 Nov 2037 18:15:00 GMT\r\n";
	assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	assert_memory_equal(bucket.last_date, "20371122T18", 11);
	assert_int_equal(clock_parse("20371122T181500Z", &want), 0);
	assert_int_equal(store_time(store, &us, &e), 0);
	assert_true(us >= want && us < want + INT64_C(600000000));
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
		TEST(test_s3_reader_reads_in_parts_to_the_end),
		TEST(test_s3_transient_failures_are_tried_again),
		TEST(test_s3_lasting_failures_are_not),
		TEST(test_s3_deadline_ends_the_tries),
		TEST(test_s3_follows_the_bucket_to_its_region_once),
		TEST(test_s3_goes_by_the_stores_clock_when_ours_is_off),
		TEST(test_s3_keys_are_checked_before_a_request),
	};

	(void)alarm(100);
	(void)unsetenv("http_proxy");
	(void)unsetenv("AWS_PROFILE");
	(void)unsetenv("AWS_SESSION_TOKEN");
	(void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	(void)setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
