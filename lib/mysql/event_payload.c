/* SPDX-License-Identifier: Apache-2.0 */
/* event_payload: the events inside a compressed transaction. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/bytes.h"

#include "mysql/event.h"

/* Memory grows by what arrived, not by what a header claims. */
#define STEP ((size_t)64 << 10)

enum { FIELD_END, FIELD_SIZE, FIELD_ALGORITHM, FIELD_PLAIN };
enum { ALGORITHM_ZSTD = 0, ALGORITHM_NONE = 255 };

struct event_payload {
	struct event_format format;
	ZSTD_DStream *stream;	/* NULL: not compressed */
	ZSTD_inBuffer in;
	uint64_t plain, claimed;	/* bytes so far, and in all */
	bool claims, ended;	/* claimed is known; the frame is complete */
	struct buf event;
};

static int
corrupt(const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "Transaction_payload event: %s",
	    what);
}

/* Numbers with a type, a length and a value; then the payload. */
static bool
parse_head(struct bytes *b, struct event_payload *p, uint64_t *algorithm)
{
	uint64_t type, size = 0;
	bool sized = false;
	struct bytes value;
	size_t len;

	*algorithm = ALGORITHM_NONE;
	for (type = bytes_lenenc(b); !b->bad && type != FIELD_END;
	    type = bytes_lenenc(b)) {
		len = (size_t)bytes_lenenc(b);
		value.at = bytes_take(b, len);
		if (value.at == NULL)
			return false;
		value = bytes_of(value.at, len);
		switch (type) {
		case FIELD_SIZE:
			size = bytes_lenenc(&value);
			sized = true;
			break;
		case FIELD_ALGORITHM:
			*algorithm = bytes_lenenc(&value);
			break;
		case FIELD_PLAIN:
			p->claimed = bytes_lenenc(&value);
			p->claims = true;
			break;
		default:
			break;
		}
		if (value.bad)
			return false;
	}
	return !b->bad && (!sized || size == b->left);
}

struct event_payload *
event_payload_open(const struct event *ev, const struct event_format *f,
    struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	struct event_payload *p = calloc(1, sizeof(*p));
	uint64_t algorithm;

	assert(ev->type == EVENT_PAYLOAD);
	if (p == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "Transaction_payload event");
		return NULL;
	}
	p->format = *f;
	p->format.checksum = false;
	buf_init(&p->event, EVENT_MAX);
	if (!parse_head(&b, p, &algorithm)) {
		(void)corrupt("wrong header", e);
		goto fail;
	}
	p->in = (ZSTD_inBuffer){ .src = b.at, .size = b.left };
	if (algorithm == ALGORITHM_ZSTD) {
		p->stream = ZSTD_createDStream();
		if (p->stream == NULL) {
			(void)err_set(e, ERR_NOMEM, 0,
			    "Transaction_payload event");
			goto fail;
		}
		return p;
	}
	if (algorithm == ALGORITHM_NONE)
		return p;
	(void)corrupt("unknown compression", e);
fail:
	event_payload_close(p);
	return NULL;
}

const struct event_format *
event_payload_format(const struct event_payload *p)
{
	return &p->format;
}

/* Decompress once, into [out->pos, out->size). */
static int
decompress(struct event_payload *p, ZSTD_outBuffer *out, struct err *e)
{
	size_t rc, n, before = out->pos, taken = p->in.pos;

	if (p->stream == NULL) {
		n = out->size - out->pos;
		if (n > p->in.size - p->in.pos)
			n = p->in.size - p->in.pos;
		memcpy((char *)out->dst + out->pos,
		    (const char *)p->in.src + p->in.pos, n);
		p->in.pos += n;
		out->pos += n;
		p->ended = p->in.pos == p->in.size;
	} else {
		rc = ZSTD_decompressStream(p->stream, out, &p->in);
		if (ZSTD_isError(rc))
			return corrupt("damaged zstd frame", e);
		/* With nothing left it asks for another frame. */
		if (out->pos > before || p->in.pos > taken)
			p->ended = rc == 0;
	}
	p->plain += out->pos - before;
	if (p->claims && p->plain > p->claimed)
		return corrupt("more bytes than its header says", e);
	return 0;
}

/* Have n bytes of the event; 1, or 0 when there is not one byte more. */
static int
fill(struct event_payload *p, size_t n, struct err *e)
{
	size_t more, before;
	ZSTD_outBuffer out;

	while (p->event.len < n) {
		more = n - p->event.len;
		if (more > STEP && more > p->event.len)
			more = p->event.len > STEP ? p->event.len : STEP;
		if (buf_reserve(&p->event, more) != 0)
			return buf_check(&p->event, "event", e);
		before = p->in.pos;
		out = (ZSTD_outBuffer){ .dst = p->event.data + p->event.len,
			.size = more };
		if (decompress(p, &out, e) != 0)
			return -1;
		p->event.len += out.pos;
		if (out.pos > 0 || p->in.pos > before)
			continue;
		if (p->event.len > 0 || !p->ended)
			return corrupt("ends within an event", e);
		if (p->claims && p->plain != p->claimed)
			return corrupt("fewer bytes than its header says", e);
		return 0;
	}
	return 1;
}

int
event_payload_next(struct event_payload *p, struct event *inner,
    struct err *e)
{
	size_t size;
	int rc;

	buf_clear(&p->event);
	rc = fill(p, EVENT_HEADER, e);
	if (rc != 1)
		return rc;
	size = event_size((const uint8_t *)p->event.data);
	if (size == 0)
		return corrupt("wrong size of an event in it", e);
	if (fill(p, size, e) != 1)
		return -1;
	if (event_parse((const uint8_t *)p->event.data, size, &p->format,
	    inner, e) != 0)
		return err_wrap(e, "Transaction_payload event");
	if (inner->type == EVENT_FORMAT || inner->type == EVENT_PAYLOAD)
		return corrupt("holds what none may hold", e);
	return 1;
}

void
event_payload_close(struct event_payload *p)
{
	if (p == NULL)
		return;
	(void)ZSTD_freeDStream(p->stream);
	buf_free(&p->event);
	free(p);
}
