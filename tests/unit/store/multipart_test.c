/* SPDX-License-Identifier: Apache-2.0 */
/* multipart_test: streamed objects in parts, and the shares they wait for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "codec/digest.h"
#include "http/transfer.h"
#include "store/store.h"
#include "tests/unit/http/peer.h"

#define PART 1000

/* What the peer has seen and how it is to behave. */
struct s3 {
	char log[4096];			/* "POST k?uploads;PUT k?..." */
	char begun_token[64];
	struct buf bodies, completed;
	unsigned refuse_part;		/* this one is denied */
	bool refuse_all;
	bool complete_is_error, complete_is_lost, complete_says_nothing;
	unsigned parts;
	unsigned hold;			/* no PUT is answered before so many */
	char payload[80], md5[32];	/* of the last PUT */
	uint64_t head_size;
};

static void
deny(struct peer_answer *a)
{
	a->status = 403;
	buf_adds(&a->body, "<Error><Code>AccessDenied</Code><Message>no"
	    "</Message><RequestId>R1</RequestId></Error>");
}

static void
on_complete(struct s3 *s, const struct peer_request *r, struct peer_answer *a)
{
	buf_clear(&s->completed);
	buf_add(&s->completed, r->body.data, r->body.len);
	if (s->complete_is_lost) {
		a->status = 403;
	} else if (s->complete_is_error) {
		s->complete_is_error = false;
		buf_adds(&a->body, "\n \n<?xml version=\"1.0\"?>\n<Error><Code>"
		    "InternalError</Code></Error>");
	} else if (!s->complete_says_nothing) {
		buf_adds(&a->body, "\n <CompleteMultipartUploadResult>"
		    "<ETag>\"whole\"</ETag></CompleteMultipartUploadResult>");
	}
}

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct s3 *s = p->arg;
	size_t n = strlen(s->log);
	const char *part = strstr(r->target, "partNumber=");

	(void)snprintf(s->log + n, sizeof(s->log) - n, "%s %s;", r->method,
	    r->target);
	if (strcmp(r->method, "HEAD") == 0) {
		buf_addf(&a->headers, "x-amz-meta-kura-token: %s\r\n"
		    "Content-Length: %llu\r\n", s->begun_token,
		    (unsigned long long)s->head_size);
	} else if (strcmp(r->method, "PUT") == 0) {
		buf_add(&s->bodies, buf_str(&r->body), r->body.len);
		(void)peer_header(r, "x-amz-content-sha256", s->payload,
		    sizeof(s->payload));
		(void)peer_header(r, "content-md5", s->md5, sizeof(s->md5));
		s->parts++;
		(void)pthread_cond_broadcast(&p->change);
		while (s->parts < s->hold && !p->stop)
			(void)pthread_cond_wait(&p->change, &p->lock);
		if (s->refuse_all || (part != NULL && strtoul(part + 11,
		    NULL, 10) == s->refuse_part))
			deny(a);
		buf_addf(&a->headers, "ETag: \"e%lu\"\r\n", part == NULL ? 0 :
		    strtoul(part + 11, NULL, 10));
	} else if (strstr(r->target, "?uploads=") != NULL) {
		(void)peer_header(r, "x-amz-meta-kura-token", s->begun_token,
		    sizeof(s->begun_token));
		buf_adds(&a->body, "<InitiateMultipartUploadResult><UploadId>"
		    "U/1</UploadId></InitiateMultipartUploadResult>");
	} else if (strcmp(r->method, "POST") == 0) {
		on_complete(s, r, a);
	} else {
		a->status = 204;
	}
	(void)pthread_cond_broadcast(&p->change);
}

static struct store *
open_store(struct peer *p, size_t parts)
{
	const struct store_opts opts = { .url = "s3://bucket/pre",
	    .endpoint = p->url, .region = "us-east-1", .part_size = PART,
	    .memory = parts * PART, .transfers = 8, .retry_ms = 60000 };
	struct err e = {0};
	struct store *s = store_open(&opts, &e);

	if (s == NULL)
		fail_msg("%s", e.msg);
	return s;
}

static void
fill(struct object *o, size_t n)
{
	struct err e = {0};
	char data[PART];
	size_t i, k;

	for (i = 0; i < n; i += k) {
		k = n - i < sizeof(data) ? n - i : sizeof(data);
		memset(data, 'a' + (int)(i / PART % 26), k);
		if (object_write(o, data, k, &e) != 0)
			fail_msg("%s", e.msg);
	}
}

/* One object of n bytes through a peer that behaves as *s says. */
static int
one(struct s3 *s, size_t n, uint8_t sha[32], struct err *e)
{
	struct peer *p = peer_start(answer, s);
	struct store *store;
	struct object *o;
	int rc;

	assert_non_null(p);
	store = open_store(p, 6);
	o = object_create(store, "k", e);
	assert_non_null(o);
	fill(o, n);
	assert_int_equal(object_size(o), n);
	rc = object_commit(o, sha, e);
	store_close(store);
	peer_stop(p);
	return rc;
}

static void
done(struct s3 *s)
{
	buf_free(&s->bodies);
	buf_free(&s->completed);
}

static void
test_multipart_object_of_one_part_is_one_put(void **state)
{
	static const size_t sizes[] = { 0, 1, PART };
	uint8_t sha[32], want[32];
	char hex[SHA256_HEX];
	struct err e = {0};
	struct s3 s;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		s = (struct s3){0};
		assert_int_equal(one(&s, sizes[i], sha, &e), 0);
		assert_string_equal(s.log, "PUT /bucket/pre/k;");
		assert_int_equal(s.bodies.len, sizes[i]);
		sha256_of(buf_str(&s.bodies), s.bodies.len, want);
		assert_memory_equal(sha, want, 32);
		/* The digest that was there already signs the payload. */
		hex_encode(want, 32, hex);
		assert_string_equal(s.payload, hex);
		assert_string_equal(s.md5, "");
		done(&s);
	}
}

static void
test_multipart_parts_have_numbers_and_etags(void **state)
{
	struct s3 s = {0};
	struct err e = {0};
	uint8_t sha[32];

	(void)state;
	assert_int_equal(one(&s, 2 * PART + 1, sha, &e), 0);
	assert_int_equal(s.parts, 3);
	assert_int_equal(s.bodies.len, 2 * PART + 1);
	assert_int_equal(strlen(s.begun_token), 32);
	assert_memory_equal(s.log, "POST /bucket/pre/k?uploads=;", 28);
	assert_non_null(strstr(s.log,
	    ";PUT /bucket/pre/k?partNumber=1&uploadId=U%2F1;"));
	assert_non_null(strstr(s.log,
	    ";PUT /bucket/pre/k?partNumber=3&uploadId=U%2F1;"));
	assert_non_null(strstr(s.log, ";POST /bucket/pre/k?uploadId=U%2F1;"));
	assert_string_equal(buf_str(&s.completed),
	    "<CompleteMultipartUpload xmlns=\""
	    "http://s3.amazonaws.com/doc/2006-03-01/\">"
	    "<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;</ETag></Part>"
	    "<Part><PartNumber>2</PartNumber><ETag>&quot;e2&quot;</ETag></Part>"
	    "<Part><PartNumber>3</PartNumber><ETag>&quot;e3&quot;</ETag></Part>"
	    "</CompleteMultipartUpload>");
	done(&s);
}

static void
test_multipart_refused_part_ends_and_cleans_up(void **state)
{
	struct s3 s = { .refuse_part = 3 };
	struct err e = {0};
	static const char end[] = "DELETE /bucket/pre/k?uploadId=U%2F1;";

	(void)state;
	assert_int_equal(one(&s, 2 * PART + 1, NULL, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.msg, "s3://bucket/pre/k: part 3: S3 answered "
	    "403 AccessDenied (no), request R1");
	assert_string_equal(e.hint, "let these S3 keys read, write, list and "
	    "delete under the prefix");
	assert_true(strlen(s.log) > sizeof(end));
	assert_string_equal(s.log + strlen(s.log) - (sizeof(end) - 1), end);
	assert_int_equal(s.completed.len, 0);
	done(&s);
}

static void
test_multipart_complete_is_tried_again_after_an_error_in_200(void **state)
{
	struct s3 s = { .complete_is_error = true };
	struct err e = {0};

	(void)state;
	assert_int_equal(one(&s, PART + 1, NULL, &e), 0);
	assert_false(s.complete_is_error);
	assert_null(strstr(s.log, "DELETE"));
	done(&s);
}

static void
test_multipart_lost_end_is_settled_by_looking(void **state)
{
	struct s3 s = { .complete_is_lost = true, .head_size = PART + 1 };
	struct err e = {0};

	(void)state;
	assert_int_equal(one(&s, PART + 1, NULL, &e), 0);
	assert_non_null(strstr(s.log, ";HEAD /bucket/pre/k;"));
	assert_null(strstr(s.log, "DELETE"));
	done(&s);
	/* Not whole: it is not ours to call complete. */
	s = (struct s3){ .complete_is_lost = true, .head_size = PART };
	assert_int_equal(one(&s, PART + 1, NULL, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.msg, "s3://bucket/pre/k: complete upload: S3 "
	    "answered 403");
	assert_non_null(strstr(s.log, ";DELETE "));
	done(&s);
}

static void
test_multipart_answer_that_says_nothing_is_no_success(void **state)
{
	struct s3 s = { .complete_says_nothing = true };
	struct err e = {0};

	(void)state;
	assert_int_equal(one(&s, PART + 1, NULL, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "s3://bucket/pre/k: complete upload: S3's "
	    "answer does not say that the upload is complete");
	done(&s);
}

static void
test_multipart_abort_leaves_nothing(void **state)
{
	struct s3 s = {0};
	struct err e = {0};
	struct peer *p = peer_start(answer, &s);
	struct store *store;
	struct object *o;

	(void)state;
	assert_non_null(p);
	store = open_store(p, 6);
	o = object_create(store, "k", &e);
	assert_non_null(o);
	fill(o, PART / 2);
	object_abort(o);
	/* Nothing was sent yet, so there is nothing to take back. */
	assert_string_equal(s.log, "");
	o = object_create(store, "k", &e);
	assert_non_null(o);
	fill(o, PART + 1);
	object_abort(o);
	object_abort(NULL);
	assert_non_null(strstr(s.log, ";DELETE /bucket/pre/k?uploadId=U%2F1;"));
	store_close(store);
	peer_stop(p);
	done(&s);
}

/* The peer answers no PUT before it has all: whoever waited for an answer
 * before the next object would wait for ever.  The share in flight is two
 * parts of 1000 bytes, which is five objects of 400. */
static void
test_multipart_sealed_objects_go_out_side_by_side(void **state)
{
	struct s3 s = { .hold = 5 };
	struct err e = {0};
	struct peer *p = peer_start(answer, &s);
	struct store *store;
	struct object *o[5];
	uint8_t sha[32], again[32];
	size_t i;

	(void)state;
	assert_non_null(p);
	store = open_store(p, 6);
	for (i = 0; i < 5; i++) {
		o[i] = object_create(store, "k", &e);
		assert_non_null(o[i]);
		fill(o[i], 400);
		assert_int_equal(object_seal(o[i], sha, &e), 0);
	}
	for (i = 0; i < 5; i++) {
		assert_int_equal(object_commit(o[i], again, &e), 0);
		assert_memory_equal(again, sha, 32);
	}
	assert_int_equal(s.parts, 5);
	assert_int_equal(s.bodies.len, 5 * 400);
	store_close(store);
	peer_stop(p);
	done(&s);
}

static void
test_multipart_sealed_object_of_parts_is_completed_by_commit(void **state)
{
	struct s3 s = {0};
	struct err e = {0};
	struct peer *p = peer_start(answer, &s);
	struct store *store;
	struct object *o;
	uint8_t sha[32], want[32];
	char data[2 * PART];

	(void)state;
	assert_non_null(p);
	store = open_store(p, 6);
	o = object_create(store, "k", &e);
	assert_non_null(o);
	fill(o, 2 * PART);
	assert_int_equal(object_seal(o, sha, &e), 0);
	(void)pthread_mutex_lock(&p->lock);
	assert_null(strstr(s.log, ";POST "));
	(void)pthread_mutex_unlock(&p->lock);
	assert_int_equal(object_commit(o, NULL, &e), 0);
	assert_non_null(strstr(s.log, ";POST /bucket/pre/k?uploadId=U%2F1;"));
	/* Parts arrive in any order; the digest is that of the object. */
	memset(data, 'a', PART);
	memset(data + PART, 'b', PART);
	sha256_of(data, sizeof(data), want);
	assert_memory_equal(sha, want, 32);
	/* and one that nobody wants any more is taken back */
	o = object_create(store, "k", &e);
	assert_non_null(o);
	fill(o, 2 * PART);
	assert_int_equal(object_seal(o, sha, &e), 0);
	object_abort(o);
	assert_non_null(strstr(s.log, ";DELETE /bucket/pre/k?uploadId=U%2F1;"));
	store_close(store);
	peer_stop(p);
	done(&s);
}

static void
test_multipart_sealed_object_that_fails_is_told_by_commit(void **state)
{
	struct s3 s = { .refuse_all = true };
	struct err e = {0};
	struct peer *p = peer_start(answer, &s);
	struct store_opts opts = { .url = "s3://bucket/pre",
	    .part_size = PART, .memory = 2 * PART, .content_md5 = true };
	struct store *store;
	struct object *o[2];
	uint8_t sha[32];
	size_t i;

	(void)state;
	assert_non_null(p);
	opts.endpoint = p->url;
	store = store_open(&opts, &e);
	assert_non_null(store);
	/* The only part to fill is free again, though nobody looks. */
	for (i = 0; i < 2; i++) {
		o[i] = object_create(store, "k", &e);
		assert_non_null(o[i]);
		fill(o[i], PART);
		assert_int_equal(object_seal(o[i], sha, &e), 0);
	}
	assert_int_equal(object_commit(o[0], NULL, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.msg, "s3://bucket/pre/k: S3 answered 403 "
	    "AccessDenied (no), request R1");
	object_abort(o[1]);
	assert_int_equal(strlen(s.md5), 24);
	assert_null(strstr(s.log, "DELETE"));
	store_close(store);
	peer_stop(p);
	done(&s);
}

/* Streams that stand still after a part was sent must not keep the share of
 * parts in flight from the others: six parts are four to fill and two to fly,
 * and both that fly belong to streams nobody writes to any more. */
static void
test_multipart_idle_streams_keep_no_share_in_flight(void **state)
{
	struct s3 s = {0};
	struct err e = {0};
	struct peer *p = peer_start(answer, &s);
	struct store *store;
	struct object *o[4];
	size_t i;

	(void)state;
	assert_non_null(p);
	store = open_store(p, 6);
	for (i = 0; i < 4; i++) {
		o[i] = object_create(store, "k", &e);
		assert_non_null(o[i]);
		fill(o[i], PART + 1);
	}
	fill(o[3], 20 * PART);
	for (i = 0; i < 4; i++)
		assert_int_equal(object_commit(o[i], NULL, &e), 0);
	assert_int_equal(s.bodies.len, 4 * (PART + 1) + 20 * PART);
	store_close(store);
	peer_stop(p);
	done(&s);
}

/* The same with streams that all write at once. */
static void *
stream(void *arg)
{
	struct store *store = arg;
	struct err e = {0};
	char data[PART] = {0};
	struct object *o;
	int i, k;

	for (k = 0; k < 3; k++) {
		o = object_create(store, "k", &e);
		if (o == NULL)
			return "create";
		for (i = 0; i < 20; i++)
			if (object_write(o, data, sizeof(data), &e) != 0) {
				object_abort(o);
				return "write";
			}
		if (object_commit(o, NULL, &e) != 0)
			return "commit";
	}
	return NULL;
}

static void
test_multipart_streams_side_by_side_all_end(void **state)
{
	struct s3 s = {0};
	struct peer *p = peer_start(answer, &s);
	struct store *store;
	pthread_t thread[6];
	void *failed;
	size_t i;

	(void)state;
	assert_non_null(p);
	/* Two shares to fill, one to fly: six streams queue for them. */
	store = open_store(p, 3);
	for (i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, stream,
		    store), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(s.parts, 6 * 3 * 20);
	store_close(store);
	peer_stop(p);
	done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_multipart_object_of_one_part_is_one_put),
		cmocka_unit_test(test_multipart_parts_have_numbers_and_etags),
		cmocka_unit_test(
		    test_multipart_refused_part_ends_and_cleans_up),
		cmocka_unit_test(
		test_multipart_complete_is_tried_again_after_an_error_in_200),
		cmocka_unit_test(
		    test_multipart_lost_end_is_settled_by_looking),
		cmocka_unit_test(
		    test_multipart_answer_that_says_nothing_is_no_success),
		cmocka_unit_test(test_multipart_abort_leaves_nothing),
		cmocka_unit_test(
		    test_multipart_sealed_objects_go_out_side_by_side),
		cmocka_unit_test(
		test_multipart_sealed_object_of_parts_is_completed_by_commit),
		cmocka_unit_test(
		    test_multipart_sealed_object_that_fails_is_told_by_commit),
		cmocka_unit_test(
		    test_multipart_idle_streams_keep_no_share_in_flight),
		cmocka_unit_test(
		    test_multipart_streams_side_by_side_all_end),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
