/* SPDX-License-Identifier: Apache-2.0 */
/* stored: bytes of a binary log file, read back from its segments. */
#include <stdbool.h>

#include "base/err.h"

#include "backupd/stored.h"

struct cursor {
	frame_sink *sink;
	void *arg;
	uint64_t at;		/* offset of the next byte that comes */
	uint64_t from;		/* of the next one that is wanted */
	bool refused;		/* by the sink: its error names the place */
};

/* Segments may overlap: what was given before is left out. */
static int
take(void *arg, const void *data, size_t n, struct err *e)
{
	struct cursor *c = arg;
	const char *p = data;
	uint64_t skip = c->from > c->at ? c->from - c->at : 0;

	c->at += n;
	if (skip >= n)
		return 0;
	c->from = c->at;
	if (c->sink(c->arg, p + skip, n - (size_t)skip, e) == 0)
		return 0;
	c->refused = true;
	return -1;
}

static int
read_segment(const struct stored *s, const struct segment *g,
    struct frame_reader *r, struct cursor *c, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct object_reader *o;
	const void *data;
	size_t n;
	int rc = -1;

	segment_key(s->source, s->history, g->seq, g->start, g->end, key);
	o = object_open(s->store, key, 0, UINT64_MAX, e);
	if (o == NULL)
		return -1;
	c->at = g->start;
	frame_reader_begin(r, take, c);
	do {
		if (object_read(o, &data, &n, e) != 0)
			goto out;
		if (n > 0 && frame_read(r, data, n, e) != 0)
			goto wrap;
	} while (n > 0);
	rc = frame_reader_end(r, e);
	if (rc == 0 && c->at != g->end)
		rc = err_set(e, ERR_CORRUPT, 0, "holds %llu bytes, not %llu",
		    (unsigned long long)(c->at - g->start),
		    (unsigned long long)(g->end - g->start));
wrap:	if (rc != 0 && !c->refused)
		(void)err_wrap(e, "%s/%s", store_name(s->store), key);
out:	object_close(o);
	return rc;
}

int
stored_read(const struct stored *s, uint64_t from, frame_sink *sink,
    void *arg, struct err *e)
{
	struct cursor c = { .sink = sink, .arg = arg, .from = from };
	struct frame_reader *r = frame_reader_new(e);
	size_t i;
	int rc = r == NULL ? -1 : 0;

	for (i = 0; i < s->n && rc == 0; i++)
		if (s->segments[i].end > c.from)
			rc = read_segment(s, &s->segments[i], r, &c, e);
	frame_reader_free(r);
	return rc;
}
