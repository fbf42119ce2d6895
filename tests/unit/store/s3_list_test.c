/* SPDX-License-Identifier: Apache-2.0 */
/* s3_list_test: pages, batches and leftovers, and listings that lie. */
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
#include "base/err.h"
#include "store/store.h"
#include "tests/unit/http/peer.h"

#define PAGES 4

/* The peer answers request n with the n-th text and keeps what was asked. */
struct script {
	const char *answers[PAGES];
	struct buf asked, body;
	char md5[64];
};

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct script *s = p->arg;

	buf_addf(&s->asked, "%s %s\n", r->method, r->target);
	buf_clear(&s->body);
	buf_add(&s->body, buf_str(&r->body), r->body.len);
	(void)peer_header(r, "content-md5", s->md5, sizeof(s->md5));
	if (r->n > PAGES || s->answers[r->n - 1] == NULL)
		a->status = 418;
	else
		buf_adds(&a->body, s->answers[r->n - 1]);
}

static struct script script;
static struct peer *peer;
static struct store *store;

static int
setup_url(const char *url)
{
	struct store_opts opts = { .url = url, .retry_ms = 60000 };
	struct err e = {0};

	script = (struct script){0};
	peer = peer_start(answer, &script);
	if (peer == NULL)
		return -1;
	opts.endpoint = peer->url;
	store = store_open(&opts, &e);
	return store != NULL ? 0 : -1;
}

static int
setup(void **state)
{
	(void)state;
	return setup_url("s3://bucket/pre");
}

static int
setup_bare(void **state)
{
	(void)state;
	return setup_url("s3://bucket");
}

static int
teardown(void **state)
{
	(void)state;
	store_close(store);
	peer_stop(peer);
	buf_free(&script.asked);
	buf_free(&script.body);
	return 0;
}

static int
note(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s %llu %lld\n", entry->key,
	    (unsigned long long)entry->size, (long long)entry->mtime_us);
	return 0;
}

static int
stop(void *arg, const struct store_entry *entry, struct err *e)
{
	++*(int *)arg;
	return err_set(e, ERR_BUSY, 0, "enough at %s", entry->key);
}

#define CONTENT(key) "<Contents><Key>" key "</Key><LastModified>" \
    "1970-01-01T00:00:01.000Z</LastModified><Size>7</Size></Contents>"
#define LIST(inside) "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=" \
    "\"http://s3.amazonaws.com/doc/2006-03-01/\">" inside \
    "</ListBucketResult>"

static void
test_s3_list_goes_through_every_page(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	script.answers[0] = LIST("<IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>a/b+c=</NextContinuationToken>"
	    CONTENT("pre/d/1") CONTENT("pre/d/2"));
	script.answers[1] = LIST("<IsTruncated>false</IsTruncated>"
	    CONTENT("pre/d/3"));
	assert_int_equal(store_list(store, "d/", note, &out, &e), 0);
	assert_string_equal(buf_str(&out), "d/1 7 1000000\nd/2 7 1000000\n"
	    "d/3 7 1000000\n");
	assert_string_equal(buf_str(&script.asked),
	    "GET /bucket/?list-type=2&prefix=pre%2Fd%2F\n"
	    "GET /bucket/?continuation-token=a%2Fb%2Bc%3D&list-type=2&"
	    "prefix=pre%2Fd%2F\n");
	buf_free(&out);
}

/* The first page begins there; what comes from before all the same, of stores
 * that do not know start-after, is left out. */
static void
test_s3_list_begins_after_a_key(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	script.answers[0] = LIST("<IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>t</NextContinuationToken>"
	    CONTENT("pre/d/1") CONTENT("pre/d/2"));
	script.answers[1] = LIST(CONTENT("pre/d/3"));
	assert_int_equal(store_list_after(store, "d/", "d/1", note, &out, &e),
	    0);
	assert_string_equal(buf_str(&out), "d/2 7 1000000\nd/3 7 1000000\n");
	assert_string_equal(buf_str(&script.asked),
	    "GET /bucket/?list-type=2&prefix=pre%2Fd%2F&"
	    "start-after=pre%2Fd%2F1\n"
	    "GET /bucket/?continuation-token=t&list-type=2&"
	    "prefix=pre%2Fd%2F\n");
	buf_free(&out);
}

static void
test_s3_list_names_are_folders_alone(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	script.answers[0] = LIST(CONTENT("pre/d/file")
	    "<CommonPrefixes><Prefix>pre/d/x/</Prefix></CommonPrefixes>"
	    "<CommonPrefixes><Prefix>pre/d/y-z/</Prefix></CommonPrefixes>");
	assert_int_equal(store_list_names(store, "d/", note, &out, &e), 0);
	assert_string_equal(buf_str(&out), "x 0 0\ny-z 0 0\n");
	assert_string_equal(buf_str(&script.asked),
	    "GET /bucket/?delimiter=%2F&list-type=2&prefix=pre%2Fd%2F\n");
	buf_free(&out);
}

static void
test_s3_list_of_nothing(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	script.answers[0] = LIST("");
	assert_int_equal(store_list(store, "", note, &out, &e), 0);
	assert_string_equal(buf_str(&out), "");
}

static void
test_s3_list_stops_when_told_to(void **state)
{
	struct err e = {0};
	int n = 0;

	(void)state;
	script.answers[0] = LIST("<IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>t</NextContinuationToken>"
	    CONTENT("pre/1") CONTENT("pre/2"));
	assert_int_equal(store_list(store, "", stop, &n, &e), -1);
	assert_int_equal(n, 1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(e.msg, "s3://bucket/pre: enough at 1");
	assert_int_equal(peer->requests, 1);
}

/* A listing cut short must not look whole. */
static void
refuses(const char *first, const char *second, enum err_code code,
    const char *why)
{
	struct buf out = {0};
	struct err e = {0};

	script.answers[0] = first;
	script.answers[1] = second;
	assert_int_equal(store_list(store, "", note, &out, &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	buf_free(&out);
}

static void
test_s3_list_without_the_next_token(void **state)
{
	(void)state;
	refuses(LIST("<IsTruncated>true</IsTruncated>" CONTENT("pre/1")),
	    NULL, ERR_IO, "s3://bucket/pre: the listing goes on, but the "
	    "store does not say where");
}

static void
test_s3_list_with_the_same_token_again(void **state)
{
	static const char page[] = LIST("<IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>t</NextContinuationToken>");

	(void)state;
	refuses(page, page, ERR_IO, "s3://bucket/pre: the listing goes on, "
	    "but the store does not say where");
}

static void
test_s3_list_of_keys_outside_its_prefix(void **state)
{
	(void)state;
	refuses(LIST(CONTENT("other/long/key")), NULL, ERR_IO,
	    "s3://bucket/pre: the listing holds a key outside of its prefix");
}

static void
test_s3_list_that_is_none(void **state)
{
	(void)state;
	refuses("<html></html>", NULL, ERR_IO, "s3://bucket/pre: the answer "
	    "is no listing");
}

static void
test_s3_list_cut_short(void **state)
{
	(void)state;
	refuses("<ListBucketResult><Contents><Key>pre/1</Key>", NULL,
	    ERR_CORRUPT, "s3://bucket/pre: the answer is no XML: no element "
	    "found");
}

static void
test_s3_list_names_of_the_whole_bucket(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	/* Nothing, and a slash alone, are the names of nothing. */
	script.answers[0] = LIST(
	    "<CommonPrefixes><Prefix></Prefix></CommonPrefixes>"
	    "<CommonPrefixes><Prefix>/</Prefix></CommonPrefixes>"
	    "<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>");
	assert_int_equal(store_list_names(store, "", note, &out, &e), 0);
	assert_string_equal(buf_str(&out), "x 0 0\n");
	buf_free(&out);
}

static void
test_s3_delete_in_one_request(void **state)
{
	static const char *const keys[] = { "a/1", "b=2" };
	struct err e = {0};

	(void)state;
	script.answers[0] = "<DeleteResult><Error><Key>pre/a/1</Key><Code>"
	    "NoSuchKey</Code></Error></DeleteResult>";
	assert_int_equal(store_delete(store, keys, 2, &e), 0);
	assert_string_equal(buf_str(&script.asked), "POST /bucket/?delete=\n");
	assert_string_equal(buf_str(&script.body), "<Delete xmlns=\""
	    "http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
	    "<Object><Key>pre/a/1</Key></Object>"
	    "<Object><Key>pre/b=2</Key></Object></Delete>");
	/* S3 wants it with every batch. */
	assert_int_equal(strlen(script.md5), 24);
	assert_int_equal(store_delete(store, keys, 0, &e), 0);
	assert_int_equal(peer->requests, 1);
}

static void
test_s3_delete_names_what_stays(void **state)
{
	static const char *const keys[] = { "a", "b" };
	struct err e = {0};

	(void)state;
	script.answers[0] = "<DeleteResult>"
	    "<Error><Key>pre/a</Key><Code>NoSuchKey</Code></Error>"
	    "<Error><Key>pre/b</Key><Code>AccessDenied</Code></Error>"
	    "<Error><Key>pre/c</Key><Code>InternalError</Code></Error>"
	    "</DeleteResult>";
	assert_int_equal(store_delete(store, keys, 2, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.msg, "s3://bucket/pre: delete pre/b: "
	    "AccessDenied");
}

static void
test_s3_delete_in_batches_of_a_thousand(void **state)
{
	const char *keys[2001];
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 2001; i++)
		keys[i] = "k";
	for (i = 0; i < 3; i++)
		script.answers[i] = "<DeleteResult/>";
	assert_int_equal(store_delete(store, keys, 2001, &e), 0);
	assert_int_equal(peer->requests, 3);
}

#define UPLOADS(inside) "<ListMultipartUploadsResult>" inside \
    "</ListMultipartUploadsResult>"
#define UPLOAD(key, id) "<Upload><Key>" key "</Key><UploadId>" id \
    "</UploadId></Upload>"
#define NEXT(key, id) "<IsTruncated>true</IsTruncated><NextKeyMarker>" key \
    "</NextKeyMarker><NextUploadIdMarker>" id "</NextUploadIdMarker>"

static void
test_s3_abort_uploads_under_the_prefix(void **state)
{
	struct err e = {0};

	(void)state;
	script.answers[0] = UPLOADS(UPLOAD("pre/a/1", "U 1")
	    UPLOAD("other/2", "U2"));
	script.answers[1] = "";
	assert_int_equal(store_abort_uploads(store, "a/", &e), 0);
	assert_string_equal(buf_str(&script.asked),
	    "GET /bucket/?prefix=pre%2Fa%2F&uploads=\n"
	    "DELETE /bucket/pre/a/1?uploadId=U%201\n");
}

/* Those whose age nobody tells may be young. */
static void
test_s3_abort_old_uploads(void **state)
{
#define BEGUN(key, when) "<Upload><Key>pre/a/" key "</Key><UploadId>U" \
    "</UploadId><Initiated>" when "</Initiated></Upload>"
	struct err e = {0};

	(void)state;
	script.answers[0] = UPLOADS(BEGUN("1", "2026-11-22T18:14:59.999Z")
	    BEGUN("2", "2026-11-22T18:15:00.000Z") UPLOAD("pre/a/3", "U")
	    BEGUN("4", "yesterday"));
	script.answers[1] = "";
	assert_int_equal(store_abort_old_uploads(store, "a/",
	    INT64_C(1795371300000000), &e), 0);
	assert_string_equal(buf_str(&script.asked),
	    "GET /bucket/?prefix=pre%2Fa%2F&uploads=\n"
	    "DELETE /bucket/pre/a/1?uploadId=U\n");
#undef BEGUN
}

static void
test_s3_abort_uploads_of_every_page(void **state)
{
	struct err e = {0};

	(void)state;
	script.answers[0] = UPLOADS(NEXT("pre/a/1", "U/1")
	    UPLOAD("pre/a/1", "U/1"));
	script.answers[1] = "";
	script.answers[2] = UPLOADS("<IsTruncated>false</IsTruncated>"
	    UPLOAD("pre/a/1", "U2"));
	script.answers[3] = "";
	assert_int_equal(store_abort_uploads(store, "a/", &e), 0);
	assert_string_equal(buf_str(&script.asked),
	    "GET /bucket/?prefix=pre%2Fa%2F&uploads=\n"
	    "DELETE /bucket/pre/a/1?uploadId=U%2F1\n"
	    "GET /bucket/?key-marker=pre%2Fa%2F1&prefix=pre%2Fa%2F&"
	    "upload-id-marker=U%2F1&uploads=\n"
	    "DELETE /bucket/pre/a/1?uploadId=U2\n");
}

static void
aborts_not(const char *first, const char *second, const char *why)
{
	struct err e = {0};

	script.answers[0] = first;
	script.answers[1] = second;
	assert_int_equal(store_abort_uploads(store, "a/", &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_IO);
}

static void
test_s3_abort_uploads_without_the_next_marker(void **state)
{
	(void)state;
	aborts_not(UPLOADS(NEXT("", "")), NULL, "s3://bucket/pre: the listing "
	    "goes on, but the store does not say where");
}

static void
test_s3_abort_uploads_with_the_same_marker_again(void **state)
{
	static const char page[] = UPLOADS(NEXT("pre/a/1", "U"));

	(void)state;
	aborts_not(page, page, "s3://bucket/pre: the listing goes on, but the "
	    "store does not say where");
}

static void
test_s3_abort_uploads_of_no_listing(void **state)
{
	(void)state;
	aborts_not("<html></html>", NULL, "s3://bucket/pre: the answer is no "
	    "listing");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s3_list_goes_through_every_page),
		TEST(test_s3_list_begins_after_a_key),
		TEST(test_s3_list_names_are_folders_alone),
		TEST(test_s3_list_of_nothing),
		TEST(test_s3_list_stops_when_told_to),
		TEST(test_s3_list_without_the_next_token),
		TEST(test_s3_list_with_the_same_token_again),
		TEST(test_s3_list_of_keys_outside_its_prefix),
		TEST(test_s3_list_that_is_none),
		TEST(test_s3_list_cut_short),
		cmocka_unit_test_setup_teardown(
		    test_s3_list_names_of_the_whole_bucket, setup_bare,
		    teardown),
		TEST(test_s3_delete_in_one_request),
		TEST(test_s3_delete_names_what_stays),
		TEST(test_s3_delete_in_batches_of_a_thousand),
		TEST(test_s3_abort_uploads_under_the_prefix),
		TEST(test_s3_abort_old_uploads),
		TEST(test_s3_abort_uploads_of_every_page),
		TEST(test_s3_abort_uploads_without_the_next_marker),
		TEST(test_s3_abort_uploads_with_the_same_marker_again),
		TEST(test_s3_abort_uploads_of_no_listing),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
