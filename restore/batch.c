/* SPDX-License-Identifier: Apache-2.0 */
/* batch: our own statements, sent to a server many at a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"

#include "restore/batch.h"

struct batch_mark {
	size_t first;		/* statement */
	size_t text;		/* offset in places */
};

struct batch_want {
	size_t statement;
	uint64_t rows;
	unsigned warnings;
};

struct batch_cut {
	size_t statements, bytes;	/* up to its end */
};

/* What an answer is checked against, going through the wants in step. */
struct check {
	const struct batch *batch;
	size_t first;		/* statement of the text */
	size_t next;
};

void
batch_init(struct batch *b, struct conn *c)
{
	*b = (struct batch){ .conn = c };
}

/* Room for one more; false when out of memory, which batch_flush tells. */
static bool
room(struct batch *b, void **list, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? 64 : 2 * *cap;
	void *bigger;

	if (n < *cap)
		return true;
	bigger = realloc(*list, more * size);
	if (bigger == NULL) {
		b->sql.failed = true;
		return false;
	}
	*list = bigger;
	*cap = more;
	return true;
}

void
batch_where(struct batch *b, const char *text)
{
	void *list = b->marks;

	/* Nothing was added under the last one: it is not needed. */
	if (b->nmarks > 0 && b->marks[b->nmarks - 1].first == b->statements)
		b->places.len = b->marks[--b->nmarks].text;
	if (!room(b, &list, b->nmarks, &b->marks_cap, sizeof(*b->marks)))
		return;
	b->marks = list;
	b->marks[b->nmarks++] = (struct batch_mark){ b->statements,
	    b->places.len };
	buf_add(&b->places, text, strlen(text) + 1);
	b->sql.failed |= b->places.failed;
}

struct buf *
batch_add(struct batch *b)
{
	size_t n = b->ncuts == 0 ? 0 : b->cuts[b->ncuts - 1].statements;

	if (b->statements++ > n)
		buf_addc(&b->sql, ';');
	return &b->sql;
}

void
batch_cut(struct batch *b)
{
	void *list = b->cuts;

	if (!room(b, &list, b->ncuts, &b->cuts_cap, sizeof(*b->cuts)))
		return;
	b->cuts = list;
	b->cuts[b->ncuts++] = (struct batch_cut){ b->statements, b->sql.len };
}

struct buf *
batch_rows(struct batch *b, uint64_t rows, unsigned warnings)
{
	void *list = b->wants;

	if (room(b, &list, b->nwants, &b->wants_cap, sizeof(*b->wants))) {
		b->wants = list;
		b->wants[b->nwants++] = (struct batch_want){ b->statements,
		    rows, warnings };
	}
	return batch_add(b);
}

static int
check(void *arg, size_t i, uint64_t affected, unsigned warnings,
    struct err *e)
{
	struct check *x = arg;
	const struct batch_want *w;

	if (x->next == x->batch->nwants ||
	    x->batch->wants[x->next].statement != x->first + i)
		return 0;
	w = &x->batch->wants[x->next++];
	if (affected != w->rows)
		return err_set(e, ERR_CORRUPT, 0, "%" PRIu64 " of %" PRIu64
		    " row%s found as the log says", affected, w->rows,
		    w->rows == 1 ? "" : "s");
	if (warnings != w->warnings)
		return err_set(e, ERR_CORRUPT, 0, "%u warning%s: the values "
		    "do not fit as they are", warnings, warnings == 1 ? "" :
		    "s");
	return 0;
}

/* Name the place of the statement that failed. */
static int
failed(struct batch *b, size_t statement, struct err *e)
{
	size_t i = b->nmarks;

	while (i > 0 && b->marks[i - 1].first > statement)
		i--;
	if (i == 0)
		return -1;
	b->named = true;
	return err_wrap(e, "%s", b->places.data + b->marks[i - 1].text);
}

static int
set_multi(struct batch *b, bool on, struct err *e)
{
	if (b->multi == on)
		return 0;
	b->multi = on;
	return conn_multi(b->conn, on, e);
}

static void
clear(struct batch *b)
{
	size_t last = b->nmarks > 0 ? b->marks[b->nmarks - 1].text : 0;

	/* What comes next is still about the last place. */
	if (b->nmarks > 0 && !b->places.failed) {
		memmove(b->places.data, b->places.data + last,
		    b->places.len - last);
		b->places.len -= last;
		b->marks[0] = (struct batch_mark){0};
		b->nmarks = 1;
	}
	buf_clear(&b->sql);
	b->nwants = b->ncuts = b->statements = 0;
}

/* Send the texts up to each cut in turn. */
static int
send(struct batch *b, struct check *x, size_t *done, struct err *e)
{
	const struct batch_cut *c;
	size_t from = 0, n;
	int rc = 0;

	if (b->ncuts == 0 || b->cuts[b->ncuts - 1].statements < b->statements)
		batch_cut(b);
	for (c = b->cuts; rc == 0 && c < b->cuts + b->ncuts; c++) {
		rc = conn_exec_many(b->conn, b->sql.data + from, c->bytes -
		    from, check, x, &n, e);
		*done = x->first + n;
		x->first = c->statements;
		from = c->bytes;
	}
	return rc;
}

int
batch_flush(struct batch *b, struct err *e)
{
	struct check x = { .batch = b };
	size_t done = 0;
	int rc = -1;

	if (b->statements == 0 && !b->sql.failed)
		return 0;
	if (buf_check(&b->sql, "statements", e) == 0 &&
	    set_multi(b, true, e) == 0)
		rc = send(b, &x, &done, e);
	if (rc != 0)
		/* A count that was wrong is that of the last one checked. */
		(void)failed(b, e->sys == 0 && x.next > 0 ?
		    b->wants[x.next - 1].statement : done, e);
	clear(b);
	return rc;
}

int
batch_alone(struct batch *b, const char *sql, size_t n, struct err *e)
{
	if (batch_flush(b, e) != 0 || set_multi(b, false, e) != 0)
		return -1;
	return conn_execn(b->conn, sql, n, e);
}

int
batch_load(struct batch *b, const char *tail,
    long (*read)(void *, void *, size_t, struct err *), void *arg,
    struct err *e)
{
	if (batch_flush(b, e) != 0 || set_multi(b, false, e) != 0)
		return -1;
	return conn_load(b->conn, tail, read, arg, e);
}

void
batch_free(struct batch *b)
{
	buf_free(&b->sql);
	buf_free(&b->places);
	free(b->marks);
	free(b->wants);
	free(b->cuts);
	*b = (struct batch){0};
}
