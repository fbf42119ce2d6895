/* SPDX-License-Identifier: Apache-2.0 */
/* s3_bucket: asks a bucket what it does by itself. */
#include "base/buf.h"
#include "base/err.h"
#include "store/bucket.h"
#include "store/s3_request.h"

#include "store/s3_bucket.h"

#define ANSWER_MAX ((size_t)1 << 20)

/* 1 with the answer in *out; 0 when there is no such setting; -1 when the
 * bucket does not say (no right to ask, or nothing it knows), or for a
 * failure of any other kind, with *e set. */
static int
ask(struct s3 *s, const char *what, struct buf *out, struct err *e)
{
	struct s3_request r;
	struct err why = {0};
	long status;
	int rc;

	s3_request_init(&r, s, "GET", NULL, NULL, 0);
	r.job.body_max = ANSWER_MAX;
	s3_query(&r, what, "");
	rc = s3_run(&r, &why);
	status = r.job.reply.status;
	if (rc == 0)
		buf_add(out, buf_str(&r.job.reply.body),
		    r.job.reply.body.len);
	s3_request_fini(&r);
	if (rc == 0)
		return buf_check(out, what, e) == 0 ? 1 : -1;
	if (status == 404)
		return 0;
	/* 400, 405 and 501: what this kind of store has not. */
	if (status != 400 && status != 403 && status != 405 && status != 501)
		*e = why;
	return -1;
}

int
s3_bucket(struct backend *b, struct bucket *out, struct err *e)
{
	struct s3 *s = (struct s3 *)b;
	struct buf text = {0};
	struct err bad = {0};
	int got;

	*out = (struct bucket){0};
	got = ask(s, "lifecycle", &text, e);
	if (got == 0)
		out->lifecycle = BUCKET_NO;
	else if (got == 1)
		(void)bucket_lifecycle(out, s->prefix, buf_str(&text),
		    text.len, &bad);
	buf_clear(&text);
	if (e->code == ERR_NONE && ask(s, "versioning", &text, e) == 1)
		(void)bucket_versioning(out, buf_str(&text), text.len, &bad);
	buf_clear(&text);
	if (e->code == ERR_NONE) {
		got = ask(s, "object-lock", &text, e);
		if (got == 0)
			out->lock = BUCKET_NO;
		else if (got == 1)
			(void)bucket_object_lock(out, buf_str(&text),
			    text.len, &bad);
	}
	buf_free(&text);
	return e->code == ERR_NONE ? 0 : -1;
}
