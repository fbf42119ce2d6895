/* SPDX-License-Identifier: Apache-2.0 */
/* segment_index: the transactions of a segment or a file, found without it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/lines.h"
#include "codec/frame.h"

#include "catalog/segment.h"

#define MAGIC 0x184D2A50u
#define MARK "kuraidx1"
#define HEAD 8			/* magic, size */
#define FOOT 16			/* length of the zstd frame, mark */
#define LEVEL 3
#define FIRST_GET ((uint64_t)64 << 10)
#define STORED_MAX ((uint64_t)64 << 20)

static void
put_le(struct buf *out, uint64_t v, int bytes)
{
	for (; bytes > 0; bytes--, v >>= 8)
		buf_addc(out, (char)(unsigned char)(v & 0xff));
}

static uint64_t
get_le(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	while (bytes > 0)
		v = v << 8 | p[--bytes];
	return v;
}

int
segment_index_write(const struct buf *lines, struct buf *out, struct err *e)
{
	struct buf frame = {0};
	int rc = -1;

	if (lines->len > SEGMENT_INDEX_MAX)
		return err_set(e, ERR_IO, 0, "index of over %zu bytes",
		    SEGMENT_INDEX_MAX);
	if (frame_compress(buf_str(lines), lines->len, LEVEL, &frame, e) ==
	    0) {
		put_le(out, MAGIC, 4);
		put_le(out, frame.len + FOOT, 4);
		buf_add(out, frame.data, frame.len);
		put_le(out, frame.len, 8);
		buf_adds(out, MARK);
		rc = buf_check(out, "index", e);
	}
	buf_free(&frame);
	return rc;
}

int
segment_index_size(const void *tail, size_t n, uint64_t *size, struct err *e)
{
	const unsigned char *end = (const unsigned char *)tail + n;
	uint64_t frame;

	if (n < FOOT || memcmp(end - strlen(MARK), MARK, strlen(MARK)) != 0)
		return err_set(e, ERR_CORRUPT, 0, "the segment ends without "
		    "its index");
	frame = get_le(end - FOOT, 8);
	if (frame > STORED_MAX)
		return err_set(e, ERR_CORRUPT, 0, "index of %" PRIu64
		    " bytes", frame);
	*size = HEAD + frame + FOOT;
	return 0;
}

int
segment_index_parse(const void *data, size_t n, struct buf *lines,
    struct err *e)
{
	const unsigned char *p = data;
	uint64_t size;

	if (segment_index_size(data, n, &size, e) != 0)
		return -1;
	if (size != n || get_le(p, 4) != MAGIC || get_le(p + 4, 4) != n - HEAD)
		return err_set(e, ERR_CORRUPT, 0, "the index is no skippable "
		    "frame");
	buf_clear(lines);
	lines->max = SEGMENT_INDEX_MAX;
	if (frame_decompress(p + HEAD, n - HEAD - FOOT, lines, e) != 0)
		return err_wrap(e, "index");
	if (lines->len > 0 && lines->data[lines->len - 1] != '\n')
		return err_set(e, ERR_CORRUPT, 0, "index: the last line has "
		    "no end");
	return 0;
}

int
segment_index_read(struct store *s, const char *source, const char *history,
    const struct segment *g, struct buf *lines, struct err *e)
{
	uint64_t first = g->size < FIRST_GET ? g->size : FIRST_GET, size;
	struct buf tail = {0}, whole = {0}, *at = &tail;
	char key[STORE_KEY_MAX];
	int rc = -1;

	segment_key(source, history, g->seq, g->start, g->end, key);
	if (store_get_range(s, key, g->size - first, first, &tail, e) != 0)
		goto out;
	if (segment_index_size(buf_str(&tail), tail.len, &size, e) != 0)
		goto wrap;
	if (size > g->size) {
		(void)err_set(e, ERR_CORRUPT, 0, "the index is larger than "
		    "the segment");
		goto wrap;
	}
	if (size > first) {
		at = &whole;
		if (store_get_range(s, key, g->size - size, size - first,
		    &whole, e) != 0)
			goto out;
		buf_add(&whole, tail.data, tail.len);
		if (buf_check(&whole, "index", e) != 0)
			goto out;
	}
	rc = segment_index_parse(at->data + at->len - size, (size_t)size,
	    lines, e);
wrap:	if (rc != 0)
		(void)err_wrap(e, "%s/%s", store_name(s), key);
out:	buf_free(&tail);
	buf_free(&whole);
	return rc;
}

/* --- lines as transactions --- */

struct reading {
	int (*each)(void *, const struct transaction *, struct err *);
	void *arg;
	uint64_t number, end;	/* lines; end of the last transaction */
	bool stopped, failed;	/* by each */
};

static int
take_line(void *arg, const char *line, size_t n, struct err *e)
{
	struct reading *r = arg;
	struct transaction t;
	int rc = -1;

	r->number++;
	if (transaction_line_parse(line, n, &t, e) != 0)
		return err_wrap(e, "line %" PRIu64, r->number);
	if (t.offset < r->end) {
		(void)err_set(e, ERR_CORRUPT, 0, "line %" PRIu64 ": the "
		    "transaction begins inside the one before", r->number);
	} else {
		rc = r->each(r->arg, &t, e);
		r->stopped = rc > 0;
		r->failed = rc < 0;
	}
	r->end = t.offset + t.size;
	transaction_line_free(&t);
	return rc;
}

int
index_lines(const struct buf *lines, int (*each)(void *,
    const struct transaction *, struct err *), void *arg, struct err *e)
{
	struct reading r = { .each = each, .arg = arg };
	struct lines cut;
	int rc;

	lines_init(&cut, TRANSACTION_LINE_MAX, take_line, &r);
	rc = lines_take(&cut, buf_str(lines), lines->len, e);
	if (rc == 0)
		rc = lines_end(&cut, e);
	lines_fini(&cut);
	return r.stopped ? 1 : rc;
}

struct within {
	const struct segment *g;
	int (*each)(void *, const struct transaction *, struct err *);
	void *arg;
	bool failed;		/* by each */
};

static int
take_within(void *arg, const struct transaction *t, struct err *e)
{
	struct within *w = arg;
	uint64_t end = t->offset + t->size;
	int rc;

	if (end <= w->g->start || end > w->g->end)
		return err_set(e, ERR_CORRUPT, 0, "a transaction ends at %"
		    PRIu64 ": the index is another segment's", end);
	rc = w->each(w->arg, t, e);
	w->failed = rc < 0;
	return rc;
}

int
segment_index_each(const struct store *s, const char *source,
    const char *history, const struct segment *g, const struct buf *lines,
    int (*each)(void *, const struct transaction *, struct err *), void *arg,
    struct err *e)
{
	struct within w = { .g = g, .each = each, .arg = arg };
	int rc = index_lines(lines, take_within, &w, e);
	char key[STORE_KEY_MAX];

	if (rc >= 0 || w.failed)
		return rc;
	segment_key(source, history, g->seq, g->start, g->end, key);
	return err_wrap(e, "%s/%s", store_name(s), key);
}

void
index_key(const char *source, const char *history, uint32_t seq,
    char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/index/%s-%08u"
	    ".ndjson.zst", source, history, (unsigned)seq);
}

/* 1: the store failed, and has named the object. */
static int
read_object(struct object_reader *o, struct lines *cut,
    struct frame_reader *frame, struct err *e)
{
	const void *data;
	size_t n;

	frame_reader_begin(frame, lines_take, cut);
	for (;;) {
		if (object_read(o, &data, &n, e) != 0)
			return 1;
		if (n == 0)
			break;
		if (frame_read(frame, data, n, e) != 0)
			return -1;
	}
	if (frame_reader_end(frame, e) != 0)
		return -1;
	return lines_end(cut, e);
}

int
index_each(struct store *s, const char *source, const char *history,
    uint32_t seq, int (*each)(void *, const struct transaction *,
    struct err *), void *arg, struct err *e)
{
	struct reading r = { .each = each, .arg = arg };
	struct frame_reader *frame = frame_reader_new(e);
	struct object_reader *o;
	char key[STORE_KEY_MAX];
	struct lines cut;
	int rc = 1;

	if (frame == NULL)
		return -1;
	lines_init(&cut, TRANSACTION_LINE_MAX, take_line, &r);
	index_key(source, history, seq, key);
	o = object_open(s, key, 0, UINT64_MAX, e);
	if (o != NULL)
		rc = read_object(o, &cut, frame, e);
	if (rc < 0 && !r.stopped && !r.failed)
		(void)err_wrap(e, "%s/%s", store_name(s), key);
	/* The file's document says that there is one. */
	if (rc > 0 && e->code == ERR_NOTFOUND)
		e->code = ERR_CORRUPT;
	object_close(o);
	frame_reader_free(frame);
	lines_fini(&cut);
	return r.stopped ? 1 : rc == 0 ? 0 : -1;
}
