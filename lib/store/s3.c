/* SPDX-License-Identifier: Apache-2.0 */
/* s3: a store in an S3 bucket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "codec/digest.h"
#include "store/multipart.h"
#include "store/s3_bucket.h"
#include "store/s3_list.h"
#include "store/s3_reader.h"
#include "store/s3_request.h"

#include "store/backend.h"

#define TOKEN "x-amz-meta-kura-token"

static struct s3 *
self(struct backend *b)
{
	return (struct s3 *)b;
}

/* --- small objects --- */

static int
put_once(struct s3 *s, const char *key, const void *data, size_t n,
    const char *token, bool conditional, struct err *e)
{
	struct s3_request r;
	int rc;

	s3_request_init(&r, s, "PUT", key, n > 0 ? data : "", n);
	s3_extra(&r, TOKEN, token);
	s3_extra(&r, "content-type", "application/octet-stream");
	if (conditional)
		s3_extra(&r, "if-none-match", "*");
	rc = s3_run(&r, e);
	s3_request_fini(&r);
	return rc;
}

static int
delete_one(struct s3 *s, const char *key, struct err *e)
{
	struct s3_request r;
	int rc;

	s3_request_init(&r, s, "DELETE", key, NULL, 0);
	r.missing_ok = true;
	rc = s3_run(&r, e);
	s3_request_fini(&r);
	return rc;
}

/* The token of the object at key: 1, 0 when there is none, -1. */
static int
token_at(struct s3 *s, const char *key, char token[64], struct err *e)
{
	struct s3_request r;
	int rc;

	s3_request_init(&r, s, "HEAD", key, NULL, 0);
	r.missing_ok = true;
	rc = s3_run(&r, e);
	if (rc == 0) {
		rc = r.job.reply.status != 404;
		(void)transfer_reply_header(&r.job, TOKEN, token, 64);
	}
	s3_request_fini(&r);
	return rc;
}

/* Where the answer of the probe is kept on this host. */
static int
probe_path(const struct s3 *s, char path[4096])
{
	uint8_t digest[SHA256_SIZE];
	struct buf text = {0};
	char hex[SHA256_HEX];

	if (s->state_dir == NULL)
		return -1;
	buf_addf(&text, "%s %s", s->endpoint.url, s->endpoint.base);
	sha256_of(buf_str(&text), text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_free(&text);
	(void)snprintf(path, 4096, "%s/probe-%.16s", s->state_dir, hex);
	return 0;
}

/* Does the endpoint honour If-None-Match?  Its word is not trusted: the second
 * of two writes must be refused. */
static int
probe(struct s3 *s, struct err *e)
{
	char key[48], tail[17], path[4096], token[33];
	struct err second = {0}, ignored = {0};
	struct buf text = {0};
	bool keep = probe_path(s, path) == 0;

	if (keep && file_read(path, 16, &text, &ignored) == 0 &&
	    (buf_str(&text)[0] == '0' || buf_str(&text)[0] == '1')) {
		s->create_only = buf_str(&text)[0] == '1';
		buf_free(&text);
		return 0;
	}
	buf_free(&text);
	random_hex(tail, 16);
	random_hex(token, 32);
	(void)snprintf(key, sizeof(key), "probe-%s", tail);
	if (put_once(s, key, "1", 1, token, true, &second) == 0) {
		(void)put_once(s, key, "2", 1, token, true, &second);
		s->create_only = second.code == ERR_EXISTS;
	} else if (second.code == ERR_EXISTS) {
		/* Only a try of our own, whose answer was lost, can have made
		 * this key: the next one was refused, as it should. */
		s->create_only = 1;
	} else if (second.code == ERR_IO && strstr(second.msg, " 501") ==
	    NULL && strstr(second.msg, " 400") == NULL) {
		*e = second;
		return -1;
	} else if (second.code != ERR_IO) {
		*e = second;
		return -1;
	} else {
		s->create_only = 0;
	}
	(void)delete_one(s, key, &ignored);
	ignored = (struct err){0};
	if (keep && file_mkdirs(s->state_dir, &ignored) == 0)
		(void)file_write(path, s->create_only ? "1\n" : "0\n", 2,
		    0600, &ignored);
	return 0;
}

static int
put_create_only(struct s3 *s, const char *key, const void *data, size_t n,
    struct err *e)
{
	char token[33], there[64] = "";
	struct err first = {0};
	int rc;

	if (s->create_only < 0 && probe(s, e) != 0)
		return -1;
	random_hex(token, 32);
	if (!s->create_only) {
		/* Look first, write, and see that ours is what stands. */
		rc = token_at(s, key, there, e);
		if (rc < 0)
			return -1;
		if (rc == 1)
			return err_set(e, ERR_EXISTS, 0, "is there already");
		if (put_once(s, key, data, n, token, false, e) != 0)
			return -1;
		if (token_at(s, key, there, e) < 0)
			return -1;
		return strcmp(there, token) == 0 ? 0 :
		    err_set(e, ERR_EXISTS, 0, "was written by another at the "
		    "same time");
	}
	if (put_once(s, key, data, n, token, true, &first) == 0)
		return 0;
	/* A retry of our own that had won is refused as well. */
	if (first.code == ERR_EXISTS && token_at(s, key, there, e) == 1 &&
	    strcmp(there, token) == 0)
		return 0;
	if (e->code == ERR_NONE)
		*e = first;
	return -1;
}

static int
op_put(struct backend *b, const char *key, const void *data, size_t n,
    bool create_only, struct err *e)
{
	char token[33];

	if (create_only)
		return put_create_only(self(b), key, data, n, e);
	random_hex(token, 32);
	return put_once(self(b), key, data, n, token, false, e);
}

/* Room for n bytes of an object, or for the words of a refusal. */
static size_t
reply_max(uint64_t n)
{
	return n < 65536 ? 65536 : n < BUF_MAX ? (size_t)n : BUF_MAX;
}

static int
op_get(struct backend *b, const char *key, uint64_t offset, uint64_t length,
    size_t max, struct buf *out, struct err *e)
{
	struct s3_request r;
	char range[64];
	int rc;

	if (length == 0)
		return 0;
	s3_request_init(&r, self(b), "GET", key, NULL, 0);
	r.job.body_max = reply_max(max);
	if (length != UINT64_MAX) {
		(void)snprintf(range, sizeof(range), "bytes=%llu-%llu",
		    (unsigned long long)offset,
		    (unsigned long long)(offset + length - 1));
		s3_extra(&r, "range", range);
	}
	rc = s3_run(&r, e);
	if (rc == 0 && length != UINT64_MAX &&
	    r.job.reply.status != 206)
		rc = err_set(e, ERR_IO, 0, "the store ignores ranges");
	else if ((rc == 0 && r.job.reply.body.len > max) ||
	    (rc != 0 && e->code == ERR_CORRUPT)) {
		*e = (struct err){0};
		rc = err_set(e, ERR_CORRUPT, 0, "larger than %zu bytes", max);
	}
	if (rc == 0) {
		buf_add(out, buf_str(&r.job.reply.body),
		    r.job.reply.body.len);
		rc = buf_check(out, "object", e);
	} else if (r.job.reply.status == 416) {
		*e = (struct err){0};
		rc = 0;		/* nothing there: the caller sees it */
	}
	s3_request_fini(&r);
	return rc;
}

static int
op_stat(struct backend *b, const char *key, uint64_t *size, struct err *e)
{
	struct s3_request r;
	char length[32];
	int rc;

	s3_request_init(&r, self(b), "HEAD", key, NULL, 0);
	rc = s3_run(&r, e);
	(void)transfer_reply_header(&r.job, "content-length", length,
	    sizeof(length));
	*size = strtoull(length, NULL, 10);
	s3_request_fini(&r);
	return rc;
}

static int
op_time(struct backend *b, int64_t *us, struct err *e)
{
	struct s3 *s = self(b);
	struct s3_request r;
	int rc = 0;

	/* The latest Date moved on by our monotonic clock is as good. */
	if (s->date_us == 0) {
		s3_request_init(&r, s, "HEAD", "kura.json", NULL, 0);
		r.missing_ok = true;
		rc = s3_run(&r, e);
		s3_request_fini(&r);
	}
	if (rc == 0 && s->date_us == 0)
		rc = err_set(e, ERR_IO, 0, "the store tells no time");
	*us = clock_from_system(s->date_us + (clock_mono_ms() -
	    s->date_mono_ms) * 1000);
	return rc;
}

/* --- life --- */

static void
op_counters(const struct backend *b, struct store_counters *out)
{
	const struct s3 *s = (const struct s3 *)b;
	size_t i;

	for (i = 0; i < STORE_KINDS; i++)
		out->kinds[i] = s->kinds[i];
	out->requests = s->requests;
	out->retries = s->retries;
	out->bytes_out = s->bytes_out;
	out->bytes_in = s->bytes_in;
}

static const char *
op_identity(const struct backend *b)
{
	return ((const struct s3 *)b)->keys.first;
}

static bool
op_until(struct backend *b, struct store_until *out)
{
	return s3_keys_until(&self(b)->keys, out);
}

static void
op_close(struct backend *b)
{
	struct s3 *s = self(b);

	transfer_free(s->transfer);
	s3_keys_close(&s->keys);
	(void)pthread_cond_destroy(&s->slot);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->state_dir);
	free(s);
}

static const struct backend_ops ops = {
	.put = op_put, .get = op_get, .stat = op_stat, .list = s3_list,
	.remove = s3_remove, .time = op_time,
	.abort_uploads = s3_abort_uploads, .create = multipart_create,
	.write = multipart_write, .seal = multipart_seal,
	.commit = multipart_commit, .abort = multipart_abort,
	.open = s3_reader_open, .read = s3_reader_read,
	.close_reader = s3_reader_close,
	.bucket = s3_bucket, .counters = op_counters,
	.identity = op_identity, .until = op_until, .close = op_close,
};

static const char *
first_of(const char *a, const char *b, const char *c)
{
	return a != NULL && a[0] != '\0' ? a : b != NULL && b[0] != '\0' ? b :
	    c;
}

static int
configure(struct s3 *s, const char *bucket, const struct store_opts *o,
    struct err *e)
{
	const bool ignore = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") !=
	    NULL;
	struct endpoint_opts at = { .bucket = bucket,
	    .addressing = o->addressing };
	struct transfer_opts t = { .cancel = o->cancel, .rate = o->rate };
	unsigned slots;

	if (endpoint_bucket(bucket, e) != 0 ||
	    s3_keys_open(&s->keys, o->profile, e) != 0)
		return -1;
	at.url = o->endpoint;
	if (at.url == NULL && !ignore)
		at.url = first_of(getenv("AWS_ENDPOINT_URL_S3"),
		    getenv("AWS_ENDPOINT_URL"), s->keys.now.endpoint);
	at.region = first_of(o->region, getenv("AWS_REGION"),
	    first_of(getenv("AWS_DEFAULT_REGION"), s->keys.now.region, NULL));
	if (endpoint_make(&at, &s->endpoint, e) != 0)
		return -1;
	s->opts.memory = o->memory == 0 ? (size_t)128 << 20 : o->memory;
	s->opts.part_size = o->part_size == 0 ? STORE_PART_SIZE :
	    o->part_size;
	s->opts.retry_ms = o->retry_ms == 0 ? 900000 : o->retry_ms;
	slots = (unsigned)(s->opts.memory / s->opts.part_size);
	slots = slots < 2 ? 2 : slots;
	s->flight_parts = slots / 3 == 0 ? 1 : slots / 3;
	s->flight_bytes = s->flight_parts * s->opts.part_size;
	s->open_slots = slots - s->flight_parts;
	t.at_once = o->transfers == 0 ? 16 : o->transfers;
	t.ca_file = first_of(o->ca_file, getenv("AWS_CA_BUNDLE"),
	    s->keys.now.ca_bundle);
	s->transfer = transfer_new(&t, e);
	return s->transfer != NULL ? 0 : -1;
}

struct backend *
s3_open(const char *bucket, const char *prefix,
    const struct store_opts *opts, struct err *e)
{
	struct s3 *s = calloc(1, sizeof(*s));

	if (s == NULL || strlen(prefix) + 2 > sizeof(s->prefix)) {
		free(s);
		(void)err_set(e, ERR_USAGE, 0, "prefix is too long");
		return NULL;
	}
	s->backend.ops = &ops;
	s->opts.cancel = opts->cancel;
	s->opts.content_md5 = opts->content_md5;
	s->create_only = -1;
	s->budget = 500;
	if (prefix[0] != '\0')
		(void)snprintf(s->prefix, sizeof(s->prefix), "%s/", prefix);
	if (opts->state_dir != NULL)
		s->state_dir = strdup(opts->state_dir);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->slot, NULL);
	if (configure(s, bucket, opts, e) != 0) {
		op_close(&s->backend);
		return NULL;
	}
	return &s->backend;
}
