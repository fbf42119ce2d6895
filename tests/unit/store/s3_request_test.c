/* SPDX-License-Identifier: Apache-2.0 */
/* s3_request_test: what is tried again, and how failures read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/store/bucket.h"

static void
test_s3_request_transient_failures_are_tried_again(void **state)
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
	assert_int_equal(c.kinds[STORE_GET], 12);
	assert_int_equal(c.retries, 6);
	buf_free(&out);
}

static void
test_s3_request_lasting_failures_are_not(void **state)
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
test_s3_request_deadline_ends_the_tries(void **state)
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
test_s3_request_follows_the_bucket_to_its_region_once(void **state)
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
test_s3_request_goes_by_the_stores_clock_when_ours_is_off(void **state)
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

/* The AWS files of a home of its own. */
static void
write_keys(const char *path, const char *id, const char *more)
{
	struct err e = {0};
	struct buf text = {0};

	buf_addf(&text, "[default]\naws_access_key_id = %s\n"
	    "aws_secret_access_key = s\naws_session_token = t\n%s", id, more);
	if (file_write(path, text.data, text.len, 0600, &e) != 0)
		fail_msg("%s", e.msg);
	buf_free(&text);
}

static void
test_s3_request_takes_newer_keys_when_those_have_ended(void **state)
{
	char home[] = "/tmp/request-XXXXXX", path[64];
	struct store_until until;
	struct buf out = {0};
	struct err e = {0};
	uint64_t size;
	int64_t want;

	(void)state;
	assert_non_null(mkdtemp(home));
	(void)snprintf(path, sizeof(path), "%s/credentials", home);
	write_keys(path, "OLD", "");
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	(void)unsetenv("AWS_ACCESS_KEY_ID");
	(void)unsetenv("AWS_SECRET_ACCESS_KEY");
	open_store(60000);
	give("k", "v", 1);
	assert_false(store_until(store, &until));
	/* Nobody has renewed them: one try. */
	bucket.fail_first = 1;
	bucket.fail_status = 400;
	bucket.fail_body = "<Error><Code>ExpiredToken</Code></Error>";
	assert_int_equal(store_get(store, "k", 9, &out, &e), -1);
	assert_string_equal(e.hint, "renew the session token (from the AWS "
	    "files)");
	failed(-1, &e, ERR_DENIED, "s3://bucket/pre/k: S3 answered 400 "
	    "ExpiredToken");
	assert_int_equal(peer->requests, 1);
	write_keys(path, "NEW", "");
	bucket.fail_first = 1;
	assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	assert_non_null(strstr(bucket.last_auth, "Credential=NEW/"));
	assert_int_equal(peer->requests, 3);
	/* A refusal without words. */
	write_keys(path, "NEWER", "");
	bucket.fail_first = 1;
	bucket.fail_status = 403;
	bucket.fail_body = NULL;
	assert_int_equal(store_stat(store, "k", &size, &e), 0);
	assert_non_null(strstr(bucket.last_auth, "Credential=NEWER/"));
	/* Whoever asks for their end has them as well. */
	write_keys(path, "LAST", "expiration = 2027-01-02 03:04:05\n");
	assert_true(store_until(store, &until));
	assert_int_equal(clock_parse("2027-01-02T03:04:05Z", &want), 0);
	assert_true(until.us == want && until.renewable);
	assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	assert_non_null(strstr(bucket.last_auth, "Credential=LAST/"));
	assert_string_equal(store_identity(store), "OLD");
	/* A file that is away, or half of one, changes nothing. */
	assert_int_equal(truncate(path, 20), 0);
	assert_true(store_until(store, &until));
	assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	assert_string_equal(buf_str(&out), "vvv");
	buf_free(&out);
	(void)unlink(path);
	(void)rmdir(home);
	(void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	peer_main();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s3_request_transient_failures_are_tried_again),
		TEST(test_s3_request_lasting_failures_are_not),
		TEST(test_s3_request_deadline_ends_the_tries),
		TEST(test_s3_request_follows_the_bucket_to_its_region_once),
		TEST(test_s3_request_takes_newer_keys_when_those_have_ended),
		TEST(test_s3_request_goes_by_the_stores_clock_when_ours_is_off),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
