/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_xa: XA transactions that were prepared when the backup was taken.
 *
 * Their rows are not in the snapshot, and their PREPARE lies before its
 * coordinates; what follows may commit them.  So each is fetched from before
 * and becomes a leg of its own, first of all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/head.h"

#include "restore/replay_impl.h"

#define PREPARE "XA PREPARE "

struct prepared {
	char *sql;		/* as an index line has it */
	bool found;
	struct route_leg leg;
	struct gtid gtid;
};

struct search {
	struct prepared *list;
	size_t n, history;
};

/* "1:6162:63" of the head as XA PREPARE X'6162',X'63',1. */
static char *
statement(const char *text)
{
	const char *gtrid = strchr(text, ':'), *bqual;
	struct buf out = {0};

	bqual = gtrid != NULL ? strchr(gtrid + 1, ':') : NULL;
	if (bqual != NULL)
		buf_addf(&out, PREPARE "X'%.*s',X'%s',%.*s",
		    (int)(bqual - gtrid - 1), gtrid + 1, bqual + 1,
		    (int)(gtrid - text), text);
	if (out.failed)
		buf_free(&out);
	return out.data;
}

static int
look(void *arg, uint32_t seq, const struct transaction *t, struct err *e)
{
	struct search *x = arg;
	struct prepared *p;
	size_t i;

	(void)e;
	for (i = 0; i < x->n && t->kind == TRANSACTION_XA_PREPARE; i++) {
		p = &x->list[i];
		/* Of several of that name the last one is still prepared. */
		if (strcmp(p->sql, t->sql) != 0)
			continue;
		p->found = true;
		p->gtid = t->gtid.gtid;
		p->leg = (struct route_leg){ .history = x->history,
		    .from_seq = seq, .to_seq = seq, .from_offset = t->offset,
		    .to_offset = t->offset + t->size };
	}
	return 0;
}

static bool
all_found(const struct search *x)
{
	size_t i;

	for (i = 0; i < x->n && x->list[i].found; i++)
		;
	return i == x->n;
}

/* Backwards file by file: they are rarely far. */
static int
search(struct replay *r, struct search *x, struct err *e)
{
	const struct route_leg *first = &r->route.legs[0];
	const struct timeline_history *h =
	    &r->timeline.histories[first->history];
	struct route_leg one = *first;
	struct search file;
	uint32_t seq;
	size_t i;
	int rc = 0;

	for (seq = first->from_seq; rc == 0 && !all_found(x) &&
	    h->nfiles > 0 && seq >= h->files[0].file.seq; seq--) {
		one.from_seq = one.to_seq = seq;
		one.from_offset = 4;
		i = seq - h->files[0].file.seq;
		one.to_offset = seq == first->from_seq ? first->from_offset :
		    h->files[i].live ? h->files[i].end :
		    h->files[i].file.size;
		/* What was found nearer stays. */
		file = *x;
		file.list = calloc(x->n, sizeof(*file.list));
		if (file.list == NULL)
			return err_set(e, ERR_NOMEM, 0, "XA transactions");
		for (i = 0; i < x->n; i++)
			file.list[i].sql = x->list[i].sql;
		rc = leg_each(r->opts.store, &r->timeline, &one, look, &file,
		    e) < 0 ? -1 : 0;
		for (i = 0; i < x->n; i++)
			if (!x->list[i].found)
				x->list[i] = file.list[i];
		free(file.list);
	}
	return rc;
}

static int
by_place(const void *a, const void *b)
{
	const struct route_leg *x = &((const struct prepared *)a)->leg;
	const struct route_leg *y = &((const struct prepared *)b)->leg;

	if (x->from_seq != y->from_seq)
		return x->from_seq < y->from_seq ? -1 : 1;
	return x->from_offset < y->from_offset ? -1 :
	    x->from_offset > y->from_offset;
}

/* Put them before the route, in log order. */
static int
take(struct replay *r, struct search *x, struct err *e)
{
	struct route_leg *legs;
	size_t i;

	for (i = 0; i < x->n; i++)
		if (!x->list[i].found) {
			(void)err_set(e, ERR_NOTFOUND, 0, "the backup was "
			    "taken while %.100s was prepared, whose beginning "
			    "is not archived", x->list[i].sql + strlen("XA "
			    "PREPARE "));
			return err_hint(e, "restore another backup");
		}
	qsort(x->list, x->n, sizeof(*x->list), by_place);
	legs = calloc(r->route.nlegs + x->n, sizeof(*legs));
	r->prepared = gtid_set_new(r->timeline.kind, e);
	if (legs == NULL || r->prepared == NULL) {
		free(legs);
		return err_set(e, ERR_NOMEM, 0, "XA transactions");
	}
	memcpy(legs + x->n, r->route.legs, r->route.nlegs * sizeof(*legs));
	free(r->route.legs);
	r->route.legs = legs;
	r->route.nlegs += x->n;
	r->nprepared = x->n;
	for (i = 0; i < x->n; i++) {
		legs[i] = x->list[i].leg;
		if (x->list[i].gtid.set && gtid_set_add(r->prepared,
		    &x->list[i].gtid, e) != 0)
			return -1;
	}
	return 0;
}

int
replay_prepared(struct replay *r, const struct head *h, struct err *e)
{
	const json_t *xa = json_object_get(h->coordinates, "xa");
	struct search x = { .n = json_array_size(xa) };
	size_t i;
	int rc = 0;

	if (x.n == 0 || r->route.nlegs == 0)
		return 0;
	x.history = r->route.legs[0].history;
	x.list = calloc(x.n, sizeof(*x.list));
	if (x.list == NULL)
		return err_set(e, ERR_NOMEM, 0, "XA transactions");
	for (i = 0; i < x.n && rc == 0; i++) {
		const char *text = json_string_value(json_array_get(xa, i));

		x.list[i].sql = statement(text != NULL ? text : "");
		if (x.list[i].sql == NULL)
			rc = err_set(e, ERR_CORRUPT, 0, "the backup's head: "
			    "not an XA transaction");
	}
	if (rc == 0)
		rc = search(r, &x, e);
	if (rc == 0)
		rc = take(r, &x, e);
	for (i = 0; i < x.n; i++)
		free(x.list[i].sql);
	free(x.list);
	return rc;
}
