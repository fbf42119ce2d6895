/* SPDX-License-Identifier: Apache-2.0 */
/* s3_bucket_test: what a bucket tells of itself, or does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/bucket.h"
#include "store/store.h"
#include "tests/unit/http/peer.h"

/* Answers to ?lifecycle, ?versioning and ?object-lock. */
struct script {
	struct { int status; const char *text; } answers[3];
	unsigned asked[3];
};

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	static const char *const what[] = { "lifecycle", "versioning",
		"object-lock" };
	struct script *s = p->arg;
	size_t i;

	a->status = 418;
	for (i = 0; i < 3; i++)
		if (strstr(r->target, what[i]) != NULL) {
			a->status = s->answers[i].status;
			buf_adds(&a->body, s->answers[i].text);
			s->asked[i]++;
		}
}

static int
ask(struct script *s, struct bucket *b, struct err *e)
{
	struct store_opts opts = { .url = "s3://bucket/pre",
	    .retry_ms = 1000 };
	struct peer *peer = peer_start(answer, s);
	struct store *store;
	int rc;

	assert_non_null(peer);
	(void)setenv("AWS_ACCESS_KEY_ID", "k", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	opts.endpoint = peer->url;
	store = store_open(&opts, e);
	assert_non_null(store);
	rc = store_bucket(store, b, e);
	store_close(store);
	peer_stop(peer);
	return rc;
}

#define NONE "<Error><Code>NoSuchLifecycleConfiguration</Code></Error>"
#define DENIED "<Error><Code>AccessDenied</Code></Error>"

static void
test_s3_bucket_tells(void **state)
{
	struct script s = { { { 200, "<LifecycleConfiguration><Rule><ID>r</ID>"
	    "<Prefix>pre/</Prefix><Status>Enabled</Status><Expiration><Days>1"
	    "</Days></Expiration></Rule></LifecycleConfiguration>" },
	    { 200, "<VersioningConfiguration><Status>Enabled</Status>"
	    "</VersioningConfiguration>" },
	    { 200, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
	    "</ObjectLockEnabled></ObjectLockConfiguration>" } }, {0} };
	struct bucket b;
	struct err e = {0};

	(void)state;
	assert_int_equal(ask(&s, &b, &e), 0);
	assert_string_equal(b.expires, "'r'");
	assert_int_equal(b.versions, BUCKET_YES);
	assert_int_equal(b.lock, BUCKET_YES);
	assert_int_equal(s.asked[0] + s.asked[1] + s.asked[2], 3);
}

static void
test_s3_bucket_has_none_or_does_not_say(void **state)
{
	struct script s = { { { 404, NONE }, { 403, DENIED },
	    { 501, "<Error><Code>NotImplemented</Code></Error>" } }, {0} };
	struct bucket b;
	struct err e = {0};

	(void)state;
	assert_int_equal(ask(&s, &b, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(b.lifecycle, BUCKET_NO);
	assert_int_equal(b.versions, BUCKET_UNKNOWN);
	assert_int_equal(b.lock, BUCKET_UNKNOWN);
	/* What is no answer at all is not known, too. */
	s = (struct script){ { { 200, "<html/>" }, { 405, "" }, { 400, "" } },
	    {0} };
	assert_int_equal(ask(&s, &b, &e), 0);
	assert_int_equal(b.lifecycle, BUCKET_UNKNOWN);
	assert_int_equal(b.lock, BUCKET_UNKNOWN);
}

static void
test_s3_bucket_of_a_directory(void **state)
{
	struct store_opts opts = { .url = "file:///tmp" };
	struct err e = {0};
	struct store *store = store_open(&opts, &e);
	struct bucket b;

	(void)state;
	assert_non_null(store);
	assert_int_equal(store_bucket(store, &b, &e), 0);
	assert_int_equal(b.lifecycle, BUCKET_NO);
	assert_int_equal(b.versions, BUCKET_NO);
	assert_int_equal(b.lock, BUCKET_NO);
	assert_string_equal(b.expires, "");
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s3_bucket_tells),
		cmocka_unit_test(test_s3_bucket_has_none_or_does_not_say),
		cmocka_unit_test(test_s3_bucket_of_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
