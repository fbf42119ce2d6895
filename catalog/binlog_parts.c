/* SPDX-License-Identifier: Apache-2.0 */
/* binlog_parts: which objects a leg is read from. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"

#include "catalog/binlog_impl.h"

struct parts {
	struct binlog_part *all;
	size_t n;
};

static struct binlog_part
part_of(const struct timeline_file *f, size_t i)
{
	const struct file_object *o;
	const struct segment *g;

	if (f->live) {
		g = &f->segments[i];
		return (struct binlog_part){ .seq = f->file.seq,
		    .start = g->start, .end = g->end, .size = g->size };
	}
	o = &f->file.objects[i];
	return (struct binlog_part){ .seq = f->file.seq, .start = o->start,
	    .end = o->end, .size = o->size, .sha256 = o->sha256 };
}

static int
add(struct parts *x, const struct binlog_part *p, struct err *e)
{
	struct binlog_part *all = x->all;

	if ((x->n & (x->n - 1)) == 0) {
		all = realloc(all, (x->n == 0 ? 1 : x->n * 2) * sizeof(*all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "segments");
		x->all = all;
	}
	all[x->n++] = *p;
	return 0;
}

/* A format description lies in the first so many bytes of a file. */
#define HEAD_BYTES 512

/* Those of a file that hold bytes from `from` to `to`, and the first one (or
 * few, if they are tiny) for the file's format. */
static int
add_file(struct parts *x, const struct timeline_file *f, uint64_t from,
    uint64_t to, struct err *e)
{
	size_t n = f->live ? f->nsegments : f->file.nobjects, i;
	bool any = from == f->end;
	struct binlog_part p;

	for (i = 0; i < n; i++) {
		p = part_of(f, i);
		if (p.start >= to)
			break;
		if (p.end <= from && p.start >= HEAD_BYTES)
			continue;
		p.head = p.end <= from;
		any = any || !p.head;
		if (add(x, &p, e) != 0)
			return -1;
	}
	return any ? 0 : err_set(e, ERR_CORRUPT, 0, "%s: no archived bytes at "
	    "%" PRIu64, f->file.name, from);
}

static int
add_all(struct parts *x, const struct timeline_history *h,
    const struct route_leg *leg, struct err *e)
{
	const struct timeline_file *f;
	uint32_t seq;

	for (seq = leg->from_seq; seq <= leg->to_seq; seq++) {
		f = timeline_file_of(h, seq);
		if (f == NULL)
			return err_set(e, ERR_CORRUPT, 0, "file %u of history "
			    "%s is not in the archive", (unsigned)seq,
			    h->history.id);
		if (seq == leg->to_seq && leg->to_offset <= 4)
			break;
		/* At 4 nothing but the magic has gone before. */
		if (add_file(x, f, seq == leg->from_seq &&
		    leg->from_offset > 4 ? leg->from_offset : 0,
		    seq == leg->to_seq ? leg->to_offset : UINT64_MAX,
		    e) != 0)
			return -1;
	}
	return 0;
}

int
binlog_parts(const struct timeline_history *h, const struct route_leg *leg,
    struct binlog_part **parts, size_t *n, struct err *e)
{
	struct parts x = {0};
	int rc = add_all(&x, h, leg, e);

	if (rc != 0) {
		free(x.all);
		x = (struct parts){0};
	}
	*parts = x.all;
	*n = x.n;
	return rc;
}

int
binlog_cost(const struct timeline *t, const struct route_leg *leg,
    uint64_t *objects, uint64_t *stored, struct err *e)
{
	struct binlog_part *parts;
	size_t n, i;

	if (binlog_parts(&t->histories[leg->history], leg, &parts, &n, e) !=
	    0)
		return -1;
	*objects += n;
	for (i = 0; i < n; i++)
		*stored += parts[i].size;
	free(parts);
	return 0;
}
