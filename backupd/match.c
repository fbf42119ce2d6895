/* SPDX-License-Identifier: Apache-2.0 */
/* match: are the bytes that a server sends those that are stored? */
#include <stdbool.h>
#include <string.h>

#include "backupd/ask.h"
#include "base/buf.h"
#include "base/err.h"

#include "backupd/match.h"

struct matching {
	const struct match *m;
	uint64_t at, end;	/* next byte to compare; where it is over */
	const uint8_t *data;	/* the rest of the event that came last */
	size_t left;
	bool differs;
};

static int
differ(struct matching *x, struct err *e)
{
	x->differs = true;
	return err_set(e, ERR_EXISTS, 0, "differs");
}

/* Get the next event that stands in the file. */
static int
next_bytes(struct matching *x, struct err *e)
{
	const struct match *m = x->m;
	struct stream_event out;
	uint64_t offset;
	size_t n;
	int rc;

	for (;;) {
		rc = link_event(m->link, ASK_WAIT_MS, &x->data, &n, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return differ(x, e);
		offset = m->stream->offset < 4 ? 4 : m->stream->offset;
		if (stream_is_bytes(x->data, n) && offset + n > x->end) {
			buf_add(m->carry, x->data, n);
			x->data = (const uint8_t *)m->carry->data +
			    (m->carry->len - n);
			x->left = (size_t)(x->end - offset);
			return buf_check(m->carry, "event", e);
		}
		if (stream_take(m->stream, x->data, n, &out, e) != 0)
			return -1;
		if (out.what == STREAM_FILE)
			return differ(x, e);
		x->left = out.what == STREAM_BYTES ? n : 0;
		if (x->left > 0)
			return 0;
	}
}

static int
expect(void *arg, const void *data, size_t n, struct err *e)
{
	struct matching *x = arg;
	const uint8_t *p = data;
	size_t len, i;

	for (; n > 0; n -= len, p += len, x->at += len) {
		if (x->left == 0 && next_bytes(x, e) != 0)
			return -1;
		len = x->left < n ? x->left : n;
		if (memcmp(x->data, p, len) != 0) {
			for (i = 0; x->data[i] == p[i]; i++)
				continue;
			x->at += i;
			return differ(x, e);
		}
		x->data += len;
		x->left -= len;
	}
	return 0;
}

static int
verdict(const struct matching *x, int rc, uint64_t *common, struct err *e)
{
	*common = x->at;
	if (rc == 0)
		return 1;
	if (!x->differs)
		return err_wrap(e, "compare %s with what is stored",
		    x->m->stream->name);
	*e = (struct err){0};
	return 0;
}

int
match_stored(const struct match *m, const struct stored *stored,
    uint64_t from, uint64_t end, uint64_t *common, struct err *e)
{
	struct matching x = { .m = m, .at = from, .end = end };

	return verdict(&x, stored_read(stored, from, expect, &x, e), common,
	    e);
}

int
match_bytes(const struct match *m, const void *data, size_t n, uint64_t from,
    uint64_t *common, struct err *e)
{
	struct matching x = { .m = m, .at = from, .end = from + n };

	return verdict(&x, expect(&x, data, n, e), common, e);
}
