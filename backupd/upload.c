/* SPDX-License-Identifier: Apache-2.0 */
/* upload: a closed segment on its way to the store. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/segment.h"
#include "codec/frame.h"
#include "store/store.h"

#include "backupd/upload.h"

#define LEVEL 1
#define STORED_MAX ((size_t)(TAIL_MAX * 2) + SEGMENT_INDEX_MAX)

static int
sink(void *arg, const void *data, size_t n, struct err *e)
{
	struct buf *out = arg;

	buf_add(out, data, n);
	return buf_check(out, "segment", e);
}

static int
compress(const struct tail_cut *cut, struct buf *out, struct err *e)
{
	struct frame_writer *w = frame_writer_new(LEVEL, e);
	const struct tail_block *b;
	int rc = w == NULL ? -1 : 0;

	if (rc == 0)
		frame_writer_begin(w, sink, out);
	for (b = cut->first; b != NULL && rc == 0; b = b->next)
		rc = frame_write(w, b->data + b->from, b->to - b->from, e);
	if (rc == 0)
		rc = frame_writer_end(w, e);
	frame_writer_free(w);
	return rc == 0 ? segment_index_write(&cut->lines, out, e) : -1;
}

struct compare {
	const struct tail_block *b;
	size_t at;
	uint64_t left;
};

static int
same(void *arg, const void *data, size_t n, struct err *e)
{
	struct compare *c = arg;
	const char *p = data;
	size_t len;

	if (n > c->left)
		return err_set(e, ERR_CORRUPT, 0, "differs");
	for (; n > 0; n -= len, p += len) {
		while (c->at == c->b->to - c->b->from) {
			c->b = c->b->next;
			c->at = 0;
		}
		len = c->b->to - c->b->from - c->at;
		if (len > n)
			len = n;
		if (memcmp(c->b->data + c->b->from + c->at, p, len) != 0)
			return err_set(e, ERR_CORRUPT, 0, "differs");
		c->at += len;
		c->left -= len;
	}
	return 0;
}

/* What is there was perhaps compressed by another version: its bytes count. */
static int
compare(struct store *s, const char *key, const struct tail_cut *cut,
    const struct buf *made, struct err *e)
{
	struct compare c = { .b = cut->first, .left = cut->end - cut->start };
	struct frame_reader *r = NULL;
	struct buf there = {0};
	struct err why = {0};
	int rc = store_get(s, key, STORED_MAX, &there, e);

	if (rc != 0 || (there.len == made->len &&
	    memcmp(there.data, made->data, made->len) == 0))
		goto out;
	rc = -1;
	r = frame_reader_new(e);
	if (r == NULL)
		goto out;
	frame_reader_begin(r, same, &c);
	if (frame_read(r, buf_str(&there), there.len, &why) == 0 &&
	    frame_reader_end(r, &why) == 0 && c.left == 0)
		rc = 0;
	else
		(void)err_set(e, ERR_CORRUPT, 0, "%s/%s is in the store "
		    "already, and holds other bytes", store_name(s), key);
out:	frame_reader_free(r);
	buf_free(&there);
	return rc;
}

int
upload_cut(struct store *s, const char *source, const char *history,
    const struct tail_cut *cut, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf out = {0};
	int rc;

	segment_key(source, history, cut->seq, cut->start, cut->end, key);
	rc = compress(cut, &out, e);
	if (rc == 0)
		rc = store_put(s, key, out.data, out.len, true, e);
	if (rc != 0 && e->code == ERR_EXISTS) {
		*e = (struct err){0};
		rc = compare(s, key, cut, &out, e);
	}
	buf_free(&out);
	return rc;
}
