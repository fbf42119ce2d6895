/* SPDX-License-Identifier: Apache-2.0 */
/* multipart: a streamed object of S3. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/random.h"
#include "codec/digest.h"
#include "store/s3_request.h"
#include "store/xml.h"

#include "store/multipart.h"

#define PARTS_MAX	10000u
#define TOKEN		"x-amz-meta-kura-token"

struct part {
	struct part *next;
	struct s3_request request;
	struct buf data;
	size_t share;		/* of what is in flight; 0: given back */
	char number[16];
};

struct backend_writer {
	struct s3 *s3;
	char key[STORE_KEY_MAX], token[33], upload[1024];
	struct buf fill;
	uint64_t size;
	bool sealed;
	unsigned parts;			/* started; 0: it is one PUT */
	struct part *flying, **tail;	/* in order of their numbers */
	char **etags;
	unsigned done;			/* etags that are known */
};

/* --- the budget: two shares, so that filling never waits for filling --- */

static int
share_wait(struct s3 *s, size_t *used, size_t need, size_t limit,
    struct err *e)
{
	struct timespec until;
	int rc = 0;

	(void)pthread_mutex_lock(&s->lock);
	while (*used + need > limit && rc == 0) {
		/* Wake now and then to see a request to stop. */
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		(void)pthread_cond_timedwait(&s->slot, &s->lock, &until);
		rc = cancel_check(s->opts.cancel, e);
	}
	if (rc == 0)
		*used += need;
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

static void
share_give(struct s3 *s, size_t *used, size_t n)
{
	(void)pthread_mutex_lock(&s->lock);
	*used -= n;
	(void)pthread_cond_broadcast(&s->slot);
	(void)pthread_mutex_unlock(&s->lock);
}

int
slot_open(struct s3 *s, struct err *e)
{
	return share_wait(s, &s->open_used, 1, s->open_slots, e);
}

void
slot_close(struct s3 *s)
{
	share_give(s, &s->open_used, 1);
}

/* --- parts --- */

struct backend_writer *
multipart_create(struct backend *b, const char *key, struct err *e)
{
	struct s3 *s = (struct s3 *)b;
	struct backend_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "upload");
		return NULL;
	}
	if (slot_open(s, e) != 0) {
		free(w);
		return NULL;
	}
	w->s3 = s;
	(void)snprintf(w->key, sizeof(w->key), "%s", key);
	random_hex(w->token, 32);
	buf_init(&w->fill, s->opts.part_size);
	w->tail = &w->flying;
	return w;
}

static int
upload_id(void *arg, const char *path, const char *text, struct err *e)
{
	struct backend_writer *w = arg;

	(void)e;
	if (strcmp(path, "/InitiateMultipartUploadResult/UploadId") == 0)
		(void)snprintf(w->upload, sizeof(w->upload), "%s", text);
	return 0;
}

static int
begin(struct backend_writer *w, struct err *e)
{
	struct s3_request r;
	int rc;

	s3_request_init(&r, w->s3, "POST", w->key, NULL, 0);
	s3_query(&r, "uploads", "");
	s3_extra(&r, TOKEN, w->token);
	s3_extra(&r, "content-type", "application/octet-stream");
	rc = s3_run(&r, e);
	if (rc == 0)
		rc = xml_parse(buf_str(&r.job.reply.body),
		    r.job.reply.body.len, NULL, upload_id, w, e);
	if (rc == 0 && w->upload[0] == '\0')
		rc = err_set(e, ERR_IO, 0, "S3 gave no id for the upload");
	s3_request_fini(&r);
	return rc == 0 ? 0 : err_wrap(e, "begin upload");
}

static void
part_give(struct part *p)
{
	struct s3 *s = p->request.s3;

	buf_free(&p->data);
	if (p->share > 0)
		share_give(s, &s->flight_used, p->share);
	p->share = 0;
}

/* In the transfer thread: a part that has ended holds no share, though its
 * stream may not look at it for long.  Streams that wait for a share thereby
 * wait for transfers alone, never for each other. */
static void
part_ended(struct s3_request *r)
{
	part_give((struct part *)((char *)r - offsetof(struct part,
	    request)));
}

static void
part_free(struct part *p)
{
	s3_request_fini(&p->request);
	part_give(p);
	free(p);
}

/* Wait for the oldest part; keep its ETag. */
static int
land(struct backend_writer *w, struct err *e)
{
	struct part *p = w->flying;
	char etag[256], **etags;
	int rc;

	w->flying = p->next;
	if (w->flying == NULL)
		w->tail = &w->flying;
	rc = s3_finish(&p->request, e);
	if (rc == 0) {
		(void)transfer_reply_header(&p->request.job, "etag", etag,
		    sizeof(etag));
		etags = realloc(w->etags, (w->done + 1) * sizeof(*etags));
		if (etags != NULL) {
			w->etags = etags;
			etags[w->done] = strdup(etag);
		}
		if (etags == NULL || etags[w->done] == NULL)
			rc = err_set(e, ERR_NOMEM, 0, "upload");
		else
			w->done++;
	} else if (w->parts > 0) {
		(void)err_wrap(e, "part %s", p->number);
	}
	part_free(p);
	return rc;
}

/* Make a PUT of what is filled, with its share in flight, to be started. */
static struct part *
part_new(struct backend_writer *w, struct err *e)
{
	struct s3 *s = w->s3;
	struct part *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "upload");
		return NULL;
	}
	if (share_wait(s, &s->flight_used, w->fill.len, s->flight_bytes,
	    e) != 0) {
		free(p);
		return NULL;
	}
	p->share = w->fill.len;
	p->data = w->fill;
	buf_init(&w->fill, s->opts.part_size);
	s3_request_init(&p->request, s, "PUT", w->key, buf_str(&p->data),
	    p->data.len);
	p->request.ended = part_ended;
	return p;
}

static void
part_start(struct backend_writer *w, struct part *p)
{
	*w->tail = p;
	w->tail = &p->next;
	s3_start(&p->request);
}

/* Send what is filled as the next part. */
static int
fly(struct backend_writer *w, struct err *e)
{
	struct part *p;

	if (w->parts == PARTS_MAX)
		return err_set(e, ERR_IO, 0, "object of over %u parts",
		    PARTS_MAX);
	if (w->upload[0] == '\0' && begin(w, e) != 0)
		return -1;
	/* No stream has more parts under way than the share is large: what
	 * failed is seen soon. */
	while (w->parts - w->done >= w->s3->flight_parts)
		if (land(w, e) != 0)
			return -1;
	p = part_new(w, e);
	if (p == NULL)
		return -1;
	w->parts++;
	(void)snprintf(p->number, sizeof(p->number), "%u", w->parts);
	s3_query(&p->request, "partNumber", p->number);
	s3_query(&p->request, "uploadId", w->upload);
	part_start(w, p);
	return 0;
}

/* All of the object is in its first part. */
static int
fly_whole(struct backend_writer *w, const uint8_t sha256[32], struct err *e)
{
	struct part *p = part_new(w, e);

	if (p == NULL)
		return -1;
	s3_extra(&p->request, TOKEN, w->token);
	s3_extra(&p->request, "content-type", "application/octet-stream");
	hex_encode(sha256, SHA256_SIZE, p->request.payload);
	part_start(w, p);
	return 0;
}

int
multipart_write(struct backend_writer *w, const void *data, size_t n,
    struct err *e)
{
	size_t room, part = w->s3->opts.part_size;
	const char *p = data;

	while (n > 0) {
		if (w->fill.len == part && fly(w, e) != 0)
			return -1;
		room = part - w->fill.len;
		room = room < n ? room : n;
		buf_add(&w->fill, p, room);
		if (buf_check(&w->fill, "part", e) != 0)
			return -1;
		p += room;
		n -= room;
		w->size += room;
	}
	return 0;
}

/* --- the end --- */

static void
writer_free(struct backend_writer *w)
{
	while (w->done > 0)
		free(w->etags[--w->done]);
	free(w->etags);
	buf_free(&w->fill);
	if (!w->sealed)
		slot_close(w->s3);
	free(w);
}

/* A doubtful end: is the object there, ours by its token, and whole? */
static int
settled(struct backend_writer *w)
{
	struct err ignored = {0};
	struct s3_request r;
	char token[64], length[32];
	int ours = 0;

	s3_request_init(&r, w->s3, "HEAD", w->key, NULL, 0);
	if (s3_run(&r, &ignored) == 0) {
		(void)transfer_reply_header(&r.job, TOKEN, token,
		    sizeof(token));
		(void)transfer_reply_header(&r.job, "content-length", length,
		    sizeof(length));
		ours = strcmp(token, w->token) == 0 &&
		    strtoull(length, NULL, 10) == w->size;
	}
	s3_request_fini(&r);
	return ours;
}

struct completed {
	bool root, etag;
};

static int
completed_element(void *arg, const char *path, const char *text,
    struct err *e)
{
	struct completed *c = arg;

	(void)e;
	if (strcmp(path, "/CompleteMultipartUploadResult") == 0)
		c->root = true;
	if (strcmp(path, "/CompleteMultipartUploadResult/ETag") == 0)
		c->etag = text[0] != '\0';
	return 0;
}

static int
complete(struct backend_writer *w, struct err *e)
{
	struct completed c = {0};
	struct buf body = {0};
	struct s3_request r;
	unsigned i;
	int rc;

	buf_adds(&body, "<CompleteMultipartUpload xmlns=\""
	    "http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (i = 0; i < w->done; i++) {
		const char *p;

		buf_addf(&body, "<Part><PartNumber>%u</PartNumber><ETag>",
		    i + 1);
		for (p = w->etags[i]; *p != '\0'; p++)
			if (*p == '"')
				buf_adds(&body, "&quot;");
			else if (*p != '<' && *p != '&' && *p != '>')
				buf_addc(&body, *p);
		buf_adds(&body, "</ETag></Part>");
	}
	buf_adds(&body, "</CompleteMultipartUpload>");
	if (buf_check(&body, "upload", e) != 0) {
		buf_free(&body);
		return -1;
	}
	s3_request_init(&r, w->s3, "POST", w->key, body.data, body.len);
	s3_query(&r, "uploadId", w->upload);
	s3_extra(&r, "content-type", "application/xml");
	r.job.patient = true;
	rc = s3_run(&r, e);
	if (rc == 0 && (xml_parse(buf_str(&r.job.reply.body),
	    r.job.reply.body.len, NULL, completed_element, &c, e) != 0 ||
	    !c.root || !c.etag)) {
		*e = (struct err){0};
		rc = err_set(e, ERR_IO, 0, "S3's answer does not say that the "
		    "upload is complete");
	}
	s3_request_fini(&r);
	buf_free(&body);
	/* A lost answer is no failure. */
	if (rc != 0 && e->code != ERR_CANCELLED && settled(w)) {
		*e = (struct err){0};
		rc = 0;
	}
	return rc == 0 ? 0 : err_wrap(e, "complete upload");
}

static void
abort_upload(struct backend_writer *w)
{
	struct err ignored = {0};
	struct s3_request r;

	while (w->flying != NULL)
		(void)land(w, &ignored);
	if (w->upload[0] == '\0')
		return;
	ignored = (struct err){0};
	s3_request_init(&r, w->s3, "DELETE", w->key, NULL, 0);
	s3_query(&r, "uploadId", w->upload);
	r.missing_ok = true;
	(void)s3_run(&r, &ignored);
	s3_request_fini(&r);
}

int
multipart_seal(struct backend_writer *w, const uint8_t sha256[32],
    struct err *e)
{
	int rc = 0;

	if (w->parts == 0)
		rc = fly_whole(w, sha256, e);
	else if (w->fill.len > 0)
		rc = fly(w, e);
	if (rc != 0)
		return -1;
	w->sealed = true;
	slot_close(w->s3);
	return 0;
}

int
multipart_commit(struct backend_writer *w, struct err *e)
{
	int rc = 0;

	while (rc == 0 && w->flying != NULL)
		rc = land(w, e);
	if (rc == 0 && w->parts > 0)
		rc = complete(w, e);
	if (rc != 0)
		abort_upload(w);
	writer_free(w);
	return rc;
}

void
multipart_abort(struct backend_writer *w)
{
	abort_upload(w);
	writer_free(w);
}
