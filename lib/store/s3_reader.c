/* SPDX-License-Identifier: Apache-2.0 */
/* s3_reader: an object of S3 as a stream, fetched ahead of its reader. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/multipart.h"
#include "store/s3_request.h"

#include "store/s3_reader.h"

#define PIECES 8u

struct piece {
	struct s3_request request;
	char range[64];
	uint64_t from;
	size_t want;
};

struct backend_reader {
	struct s3 *s3;
	char key[STORE_KEY_MAX];
	uint64_t next, end;	/* to be asked for; end UINT64_MAX: not yet
				 * known */
	struct piece pieces[PIECES];	/* a ring, in order of their bytes */
	unsigned first, n;
	bool lent;		/* the first one's bytes */
};

struct backend_reader *
s3_reader_open(struct backend *b, const char *key, uint64_t offset,
    uint64_t length, struct err *e)
{
	struct backend_reader *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "download");
		return NULL;
	}
	if (slot_open((struct s3 *)b, e) != 0) {
		free(r);
		return NULL;
	}
	r->s3 = (struct s3 *)b;
	(void)snprintf(r->key, sizeof(r->key), "%s", key);
	r->next = offset;
	r->end = length > UINT64_MAX - offset ? UINT64_MAX : offset + length;
	return r;
}

/* Ask for the next piece, if there is one and a place for it. */
static bool
fetch(struct backend_reader *r)
{
	uint64_t want = (r->s3->opts.part_size + PIECES - 1) / PIECES;
	struct piece *p = &r->pieces[(r->first + r->n) % PIECES];

	if (r->n == PIECES || r->next >= r->end)
		return false;
	want = want < r->end - r->next ? want : r->end - r->next;
	p->from = r->next;
	p->want = (size_t)want;
	r->next += want;
	r->n++;
	(void)snprintf(p->range, sizeof(p->range), "bytes=%llu-%llu",
	    (unsigned long long)p->from,
	    (unsigned long long)(p->from + want - 1));
	s3_request_init(&p->request, r->s3, "GET", r->key, NULL, 0);
	/* Room for the words of a refusal as well. */
	p->request.job.body_max = want < 65536 ? 65536 : p->want;
	s3_extra(&p->request, "range", p->range);
	s3_start(&p->request);
	return true;
}

static void
forget_first(struct backend_reader *r)
{
	s3_request_fini(&r->pieces[r->first].request);
	r->first = (r->first + 1) % PIECES;
	r->n--;
	r->lent = false;
}

/* "bytes 0-99/1234": how large the whole is. */
static uint64_t
total_of(const struct transfer_job *job)
{
	char text[96];
	const char *slash;

	(void)transfer_reply_header(job, "content-range", text, sizeof(text));
	slash = strchr(text, '/');
	return slash == NULL ? 0 : strtoull(slash + 1, NULL, 10);
}

static int
ends_early(const struct backend_reader *r, struct err *e)
{
	*e = (struct err){0};
	return err_set(e, ERR_CORRUPT, 0, "ends before byte %llu",
	    (unsigned long long)r->end);
}

/* The piece has come: is it what was asked for? */
static int
check(struct backend_reader *r, struct piece *p, struct err *e)
{
	size_t n = p->request.job.reply.body.len;
	uint64_t whole;

	if (p->request.job.reply.status != 206 || n > p->want)
		return err_set(e, ERR_IO, 0, "the store ignores ranges");
	/* The first piece tells where the object ends. */
	if (r->end == UINT64_MAX) {
		whole = total_of(&p->request.job);
		if (whole <= p->from)
			return err_set(e, ERR_IO, 0, "the store does not say "
			    "how large the object is");
		if (whole - p->from < p->want)
			p->want = (size_t)(whole - p->from);
		r->next = p->from + p->want;
		r->end = whole;
	}
	return n == p->want ? 0 : ends_early(r, e);
}

int
s3_reader_read(struct backend_reader *r, const void **data, size_t *n,
    struct err *e)
{
	struct piece *p;

	*n = 0;
	*data = "";
	if (r->lent)
		forget_first(r);
	/* How far to read ahead is known once the end is. */
	while (fetch(r) && r->end != UINT64_MAX)
		continue;
	if (r->n == 0)
		return 0;
	p = &r->pieces[r->first];
	if (s3_finish(&p->request, e) != 0) {
		if (p->request.job.reply.status != 416)
			return -1;
		if (r->end != UINT64_MAX)
			return ends_early(r, e);
		/* An empty object has no first byte. */
		*e = (struct err){0};
		r->end = r->next;
		forget_first(r);
		return 0;
	}
	if (check(r, p, e) != 0)
		return -1;
	while (fetch(r))
		continue;
	*data = buf_str(&p->request.job.reply.body);
	*n = p->request.job.reply.body.len;
	r->lent = true;
	return 0;
}

void
s3_reader_close(struct backend_reader *r)
{
	struct err ignored = {0};
	struct piece *p;

	while (r->n > 0) {
		p = &r->pieces[r->first];
		if (!r->lent) {
			s3_drop(&p->request);
			(void)s3_finish(&p->request, &ignored);
		}
		forget_first(r);
	}
	slot_close(r->s3);
	free(r);
}
