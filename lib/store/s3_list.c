/* SPDX-License-Identifier: Apache-2.0 */
/* s3_list: listings, batch deletes, and uploads that never ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/s3_request.h"
#include "store/xml.h"

#include "store/s3_list.h"

#define BATCH 1000

struct listing {
	struct s3 *s3;
	bool names;
	const char *prefix;	/* whole, as asked for */
	const char *after;	/* whole, or "" */
	size_t skip;		/* of the key: our prefix, or more for names */
	backend_each *each;
	void *arg;
	/* The entry at hand. */
	char key[2048];
	uint64_t size;
	int64_t mtime;
	/* The page. */
	bool root, more;
	char token[2048], last[2048];
};

static int
give(struct listing *l, struct err *e)
{
	struct store_entry entry = { .size = l->size, .mtime_us = l->mtime };
	size_t n = strlen(l->key);

	if (strncmp(l->key, l->prefix, strlen(l->prefix)) != 0)
		return err_set(e, ERR_IO, 0, "the listing holds a key outside "
		    "of its prefix");
	/* Some that speak S3 do not know start-after. */
	if (l->after[0] != '\0' && strcmp(l->key, l->after) <= 0)
		return 0;
	if (l->names && n > 0 && l->key[n - 1] == '/')
		l->key[n - 1] = '\0';
	entry.key = l->key + l->skip;
	l->size = 0;
	l->mtime = 0;
	return entry.key[0] == '\0' ? 0 : l->each(l->arg, &entry, e);
}

static int
element(void *arg, const char *path, const char *text, struct err *e)
{
	struct listing *l = arg;

	if (strcmp(path, "/ListBucketResult") == 0)
		l->root = true;
	else if (strcmp(path, "/ListBucketResult/IsTruncated") == 0)
		l->more = strcmp(text, "true") == 0;
	else if (strcmp(path, "/ListBucketResult/NextContinuationToken") == 0)
		(void)snprintf(l->token, sizeof(l->token), "%s", text);
	else if (strcmp(path, "/ListBucketResult/Contents/Key") == 0)
		(void)snprintf(l->key, sizeof(l->key), "%s", text);
	else if (strcmp(path, "/ListBucketResult/Contents/Size") == 0)
		l->size = strtoull(text, NULL, 10);
	else if (strcmp(path, "/ListBucketResult/Contents/LastModified") == 0)
		l->mtime = clock_parse(text, &l->mtime) != 0 ? 0 :
		    clock_from_system(l->mtime);
	else if (strcmp(path, "/ListBucketResult/Contents") == 0 &&
	    !l->names)
		return give(l, e);
	else if (strcmp(path, "/ListBucketResult/CommonPrefixes/Prefix") == 0) {
		(void)snprintf(l->key, sizeof(l->key), "%s", text);
		l->size = 0;
		l->mtime = 0;
		return give(l, e);
	}
	return 0;
}

static int
goes_nowhere(struct err *e)
{
	return err_set(e, ERR_IO, 0, "the listing goes on, but the store does "
	    "not say where");
}

static int
page(struct listing *l, const char *prefix, struct err *e)
{
	struct s3_request r;
	int rc;

	s3_request_init(&r, l->s3, "GET", NULL, NULL, 0);
	r.job.body_max = (size_t)16 << 20;
	s3_query(&r, "list-type", "2");
	s3_query(&r, "prefix", prefix);
	if (l->names)
		s3_query(&r, "delimiter", "/");
	if (l->last[0] != '\0')
		s3_query(&r, "continuation-token", l->last);
	else if (l->after[0] != '\0')
		s3_query(&r, "start-after", l->after);
	rc = s3_run(&r, e);
	if (rc == 0)
		rc = xml_parse(buf_str(&r.job.reply.body),
		    r.job.reply.body.len, NULL, element, l, e);
	s3_request_fini(&r);
	if (rc == 0 && !l->root)
		rc = err_set(e, ERR_IO, 0, "the answer is no listing");
	return rc;
}

int
s3_list(struct backend *b, const char *prefix, const char *after,
    bool names, backend_each *each, void *arg, struct err *e)
{
	struct s3 *s = (struct s3 *)b;
	struct listing *l = calloc(1, sizeof(*l));
	struct buf full = {0}, from = {0};
	int rc = 0;

	if (l == NULL)
		return err_set(e, ERR_NOMEM, 0, "listing");
	buf_addf(&full, "%s%s", s->prefix, prefix);
	if (after[0] != '\0')
		buf_addf(&from, "%s%s", s->prefix, after);
	l->s3 = s;
	l->names = names;
	l->prefix = buf_str(&full);
	l->after = buf_str(&from);
	l->skip = names ? full.len : strlen(s->prefix);
	l->each = each;
	l->arg = arg;
	do {
		memcpy(l->last, l->token, sizeof(l->last));
		l->root = l->more = false;
		l->token[0] = '\0';
		rc = buf_check(&full, "prefix", e) != 0 ||
		    buf_check(&from, "prefix", e) != 0 ? -1 :
		    page(l, buf_str(&full), e);
		/* Blank or repeated: it would never end, or end too early. */
		if (rc == 0 && l->more && (l->token[0] == '\0' ||
		    strcmp(l->token, l->last) == 0))
			rc = goes_nowhere(e);
	} while (rc == 0 && l->more);
	buf_free(&full);
	buf_free(&from);
	free(l);
	return rc;
}

/* --- deleting --- */

static void
escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_adds(out, "&amp;");
		else if (*text == '<')
			buf_adds(out, "&lt;");
		else if (*text == '>')
			buf_adds(out, "&gt;");
		else
			buf_addc(out, *text);
	}
}

struct deleted {
	char key[1024], code[64];
	bool failed, root;
};

static int
deleted_element(void *arg, const char *path, const char *text, struct err *e)
{
	struct deleted *d = arg;

	(void)e;
	if (strcmp(path, "/DeleteResult") == 0)
		d->root = true;
	else if (strcmp(path, "/DeleteResult/Error/Key") == 0 && !d->failed)
		(void)snprintf(d->key, sizeof(d->key), "%s", text);
	else if (strcmp(path, "/DeleteResult/Error/Code") == 0 && !d->failed)
		(void)snprintf(d->code, sizeof(d->code), "%s", text);
	else if (strcmp(path, "/DeleteResult/Error") == 0)
		d->failed = strcmp(d->code, "NoSuchKey") != 0 || d->failed;
	return 0;
}

static int
remove_batch(struct s3 *s, const char *const *keys, size_t n, struct err *e)
{
	struct deleted d = {0};
	struct buf body = {0};
	struct s3_request r;
	size_t i;
	int rc;

	buf_adds(&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/"
	    "2006-03-01/\"><Quiet>true</Quiet>");
	for (i = 0; i < n; i++) {
		buf_adds(&body, "<Object><Key>");
		escape(&body, s->prefix);
		escape(&body, keys[i]);
		buf_adds(&body, "</Key></Object>");
	}
	buf_adds(&body, "</Delete>");
	if (buf_check(&body, "delete", e) != 0) {
		buf_free(&body);
		return -1;
	}
	s3_request_init(&r, s, "POST", NULL, body.data, body.len);
	s3_query(&r, "delete", "");
	s3_extra(&r, "content-type", "application/xml");
	r.md5_needed = true;
	rc = s3_run(&r, e);
	if (rc == 0 && r.job.reply.body.len > 0)
		rc = xml_parse(r.job.reply.body.data, r.job.reply.body.len,
		    NULL, deleted_element, &d, e);
	if (rc == 0 && d.failed)
		rc = err_set(e, strcmp(d.code, "AccessDenied") == 0 ?
		    ERR_DENIED : ERR_IO, 0, "delete %s: %s", d.key, d.code);
	s3_request_fini(&r);
	buf_free(&body);
	return rc;
}

int
s3_remove(struct backend *b, const char *const *keys, size_t n,
    struct err *e)
{
	size_t i, batch;

	for (i = 0; i < n; i += batch) {
		batch = n - i < BATCH ? n - i : BATCH;
		if (remove_batch((struct s3 *)b, keys + i, batch, e) != 0)
			return -1;
	}
	return 0;
}

/* --- uploads that never ended --- */

struct upload {
	char key[1025], id[1024];
	int64_t begun_us;	/* INT64_MAX: not known */
};

/* One page of them. */
struct uploads {
	struct upload list[BATCH];
	size_t n;
	struct upload at;		/* the one at hand */
	bool known;			/* when it was begun */
	bool root, more;
	struct upload next, last;	/* markers: of this page, of the one
					 * before */
};

static int
upload_element(void *arg, const char *path, const char *text, struct err *e)
{
	static const char root[] = "/ListMultipartUploadsResult";
	struct uploads *u = arg;

	(void)e;
	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return 0;
	path += sizeof(root) - 1;
	if (path[0] == '\0')
		u->root = true;
	else if (strcmp(path, "/IsTruncated") == 0)
		u->more = strcmp(text, "true") == 0;
	else if (strcmp(path, "/NextKeyMarker") == 0)
		(void)snprintf(u->next.key, sizeof(u->next.key), "%s", text);
	else if (strcmp(path, "/NextUploadIdMarker") == 0)
		(void)snprintf(u->next.id, sizeof(u->next.id), "%s", text);
	else if (strcmp(path, "/Upload/Key") == 0)
		(void)snprintf(u->at.key, sizeof(u->at.key), "%s", text);
	else if (strcmp(path, "/Upload/UploadId") == 0)
		(void)snprintf(u->at.id, sizeof(u->at.id), "%s", text);
	else if (strcmp(path, "/Upload/Initiated") == 0)
		u->known = clock_parse(text, &u->at.begun_us) == 0;
	else if (strcmp(path, "/Upload") == 0 && u->n < BATCH) {
		if (!u->known)
			u->at.begun_us = INT64_MAX;
		u->list[u->n++] = u->at;
		u->known = false;
	}
	return 0;
}

static int
uploads_page(struct s3 *s, const char *prefix, struct uploads *u,
    struct err *e)
{
	struct s3_request r;
	int rc;

	u->last = u->next;
	u->next = (struct upload){0};
	u->n = 0;
	u->root = u->more = false;
	s3_request_init(&r, s, "GET", NULL, NULL, 0);
	r.job.body_max = (size_t)16 << 20;
	s3_query(&r, "uploads", "");
	s3_query(&r, "prefix", prefix);
	if (u->last.key[0] != '\0')
		s3_query(&r, "key-marker", u->last.key);
	if (u->last.id[0] != '\0')
		s3_query(&r, "upload-id-marker", u->last.id);
	rc = s3_run(&r, e);
	if (rc == 0)
		rc = xml_parse(buf_str(&r.job.reply.body),
		    r.job.reply.body.len, NULL, upload_element, u, e);
	s3_request_fini(&r);
	if (rc == 0 && !u->root)
		rc = err_set(e, ERR_IO, 0, "the answer is no listing");
	/* As with objects: it must neither end too early nor never. */
	if (rc == 0 && u->more && (u->next.key[0] == '\0' ||
	    (strcmp(u->next.key, u->last.key) == 0 &&
	    strcmp(u->next.id, u->last.id) == 0)))
		rc = goes_nowhere(e);
	return rc;
}

static int
abort_one(struct s3 *s, const struct upload *u, struct err *e)
{
	size_t skip = strlen(s->prefix);
	struct s3_request r;
	int rc;

	if (strncmp(u->key, s->prefix, skip) != 0)
		return 0;
	s3_request_init(&r, s, "DELETE", u->key + skip, NULL, 0);
	s3_query(&r, "uploadId", u->id);
	r.missing_ok = true;
	rc = s3_run(&r, e);
	s3_request_fini(&r);
	return rc;
}

int
s3_abort_uploads(struct backend *b, const char *prefix, int64_t before_us,
    struct err *e)
{
	struct s3 *s = (struct s3 *)b;
	struct uploads *u = calloc(1, sizeof(*u));
	struct buf full = {0};
	size_t i;
	int rc;

	if (u == NULL)
		return err_set(e, ERR_NOMEM, 0, "uploads");
	buf_addf(&full, "%s%s", s->prefix, prefix);
	rc = buf_check(&full, "prefix", e);
	do {
		if (rc == 0)
			rc = uploads_page(s, buf_str(&full), u, e);
		/* Those whose age nobody tells may be young. */
		for (i = 0; rc == 0 && i < u->n; i++)
			if (before_us == INT64_MAX ||
			    u->list[i].begun_us < before_us)
				rc = abort_one(s, &u->list[i], e);
	} while (rc == 0 && u->more);
	buf_free(&full);
	free(u);
	return rc;
}
