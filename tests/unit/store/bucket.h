/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket: a peer that plays S3 with one object, and fails as it is told.
 *
 * peer_main comes first; setup and teardown go around each test; the test then
 * uses store, peer and bucket.
 */
#ifndef UNIT_STORE_BUCKET_H
#define UNIT_STORE_BUCKET_H

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

static inline void
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

static inline void
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

static inline void
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

/* --- each test has a peer and a store of its own --- */

static struct bucket bucket;
static struct peer *peer;
static struct store *store;

static inline void
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

static inline int
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

static inline int
teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	peer_stop(peer);
	buf_free(&bucket.body);
	return 0;
}

static inline void
give(const char *key, const char *text, size_t n)
{
	(void)snprintf(bucket.key, sizeof(bucket.key), "/bucket/pre/%s", key);
	buf_clear(&bucket.body);
	buf_add(&bucket.body, text, n);
	bucket.there = true;
}

static inline void
failed(int rc, struct err *e, enum err_code code, const char *why)
{
	assert_int_equal(rc, -1);
	assert_string_equal(e->msg, why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

#endif /* !UNIT_STORE_BUCKET_H */
