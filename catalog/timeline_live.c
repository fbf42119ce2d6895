/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_live: what the last segments of a file that goes on say of it. */
#include "base/buf.h"
#include "base/err.h"
#include "catalog/binlog.h"

#include "catalog/timeline_impl.h"

/* The transactions of one segment. */
struct seen {
	int64_t last_us;
	uint64_t end;		/* of the last transaction; 0: none */
};

static int
look(void *arg, const struct transaction *t, struct err *e)
{
	struct seen *x = arg;

	(void)e;
	if (t->time_us > x->last_us)
		x->last_us = t->time_us;
	x->end = t->offset + t->size;
	return 0;
}

/* Of the last segment in which a transaction ends. */
static int
last_seen(struct store *s, const struct timeline *t, size_t history,
    const struct timeline_file *f, struct seen *x, struct err *e)
{
	const char *h = t->histories[history].history.id;
	const struct segment *g;
	struct buf lines = {0};
	size_t i;
	int rc = 0;

	*x = (struct seen){0};
	for (i = f->nsegments; i-- > 0 && x->end == 0 && rc == 0;) {
		g = &f->segments[i];
		rc = segment_index_read(s, t->source, h, g, &lines, e);
		if (rc == 0)
			rc = segment_index_each(s, t->source, h, g, &lines,
			    look, x, e);
	}
	buf_free(&lines);
	return rc;
}

int
timeline_last_time(struct store *s, const struct timeline *t, size_t history,
    const struct timeline_file *f, int64_t *us, struct err *e)
{
	struct seen x;
	int rc = last_seen(s, t, history, f, &x, e);

	*us = x.last_us;
	return rc;
}

int
timeline_ended(struct store *s, const struct timeline *t, size_t history,
    const struct timeline_file *f, struct err *e)
{
	struct route_leg leg = { .history = history,
	    .from_seq = f->file.seq, .to_seq = f->file.seq,
	    .to_offset = f->end };
	struct binlog_item item;
	struct binlog *b;
	struct seen x;
	unsigned last = EVENT_FORMAT;
	int rc;

	/* From the end of the last transaction: an event begins there. */
	if (last_seen(s, t, history, f, &x, e) != 0)
		return -1;
	leg.from_offset = x.end > f->end ? f->end : x.end;
	b = binlog_open(s, t, &leg, e);
	if (b == NULL)
		return -1;
	while ((rc = binlog_next(b, &item, e)) == 1)
		last = item.event->type;
	binlog_close(b);
	return rc < 0 ? -1 : last == EVENT_ROTATE || last == EVENT_STOP;
}
