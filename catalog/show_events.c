/* SPDX-License-Identifier: Apache-2.0 */
/* show_events: archived transactions, by indexes; and their rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "catalog/binlog.h"
#include "catalog/columns.h"
#include "catalog/show_rows.h"
#include "catalog/show_transaction.h"

#include "catalog/show_events.h"

#define BATCH 2000		/* transactions whose rows are read at once */

struct listing {
	const struct show_events_opts *o;
	struct route_whole whole;
	struct route_place from, to;
	bool has_from, has_to;		/* places; times are looked at singly */
	size_t leg;
	const struct timeline_file *f;
	struct transaction *batch;
	size_t nbatch;
	uint64_t shown;
	struct show_rows *rows;
};

/* --- what is wanted --- */

static bool
touches(const struct transaction *t, const char *table)
{
	const char *dot = strchr(table, '.');
	size_t schema = (size_t)(dot - table), i;
	bool any = strcmp(dot + 1, "*") == 0;

	for (i = 0; i < t->ntables; i++)
		if (strlen(t->tables[i].schema) == schema &&
		    strncmp(t->tables[i].schema, table, schema) == 0 &&
		    (any || strcmp(t->tables[i].table, dot + 1) == 0))
			return true;
	/* What the index does not name may touch it. */
	if (t->tables_cut)
		return true;
	if (t->sql[0] == '\0')
		return false;
	return any ? (strlen(t->schema) == schema && strncmp(t->schema, table,
	    schema) == 0) || columns_mentioned(t->sql, table, schema) :
	    columns_mentioned(t->sql, dot + 1, strlen(dot + 1));
}

static bool
is_wanted(const struct listing *x, const struct transaction *t)
{
	const struct show_events_opts *o = x->o;
	size_t i;

	if ((o->from != NULL && o->from->kind == MOMENT_TIME &&
	    t->time_us < o->from->time_us) || (o->to != NULL &&
	    o->to->kind == MOMENT_TIME && t->time_us > o->to->time_us) ||
	    (o->kind != NULL && strcasecmp(o->kind,
	    transaction_kind_text(t->kind)) != 0))
		return false;
	for (i = 0; i < o->ntables; i++)
		if (touches(t, o->tables[i]))
			return true;
	return o->ntables == 0;
}

/* --- showing --- */

static void
begin_json(struct listing *x, const struct transaction *t)
{
	json_t *json = show_transaction_json(x->f->file.name, t);
	char *text;

	(void)json_object_set_new(json, "history", json_string(
	    x->o->timeline->histories[x->whole.legs[x->leg].leg.history].
	    history.id));
	if (x->whole.legs[x->leg].side)
		(void)json_object_set_new(json, "side_branch", json_true());
	text = json_dumps(json, JSON_COMPACT);
	/* Without its brace: rows may follow. */
	(void)printf("%s\n%.*s", x->shown > 0 ? "," : "",
	    text != NULL ? (int)strlen(text) - 1 : 0, text);
	free(text);
	json_decref(json);
}

static int
check_output(struct err *e)
{
	return ferror(stdout) == 0 ? 0 : err_set(e, ERR_IO, 0,
	    "standard output: cannot write");
}

static void
show_begin(struct listing *x, const struct transaction *t)
{
	if (x->o->json) {
		begin_json(x, t);
	} else {
		if (x->whole.legs[x->leg].side)
			(void)printf("side branch  ");
		show_transaction(x->f->file.name, t);
	}
	x->shown++;
}

static int
look(void *arg, uint32_t seq, const struct transaction *t, struct err *e)
{
	struct listing *x = arg;

	if (x->has_from && x->leg == x->from.leg && seq == x->from.seq &&
	    t->offset < x->from.offset)
		return 0;
	if (x->has_to && x->leg == x->to.leg && seq == x->to.seq &&
	    t->offset >= x->to.offset)
		return 1;
	if (!is_wanted(x, t))
		return 0;
	if (x->batch != NULL) {
		if (transaction_line_copy(t, &x->batch[x->nbatch], e) != 0)
			return -1;
		return ++x->nbatch == BATCH ? 1 : 0;
	}
	show_begin(x, t);
	if (x->o->json)
		(void)putchar('}');
	return check_output(e);
}

/* --- with rows --- */

static void
show_end(struct listing *x)
{
	show_rows_end(x->rows);
	if (x->o->json)
		(void)putchar('}');
}

/* The events of one transaction, the first of which is at hand. */
static int
show_one(struct listing *x, struct binlog *b, struct binlog_item *item,
    const struct transaction *t, struct err *e)
{
	int rc = 1;

	show_begin(x, t);
	show_rows_begin(x->rows, x->leg, item->seq, item->offset);
	while (rc == 1) {
		rc = show_rows_event(x->rows, item->event, item->format, e);
		if (rc != 0) {
			(void)err_wrap(e, "%s:%llu", item->file,
			    (unsigned long long)item->offset);
			break;
		}
		if (item->offset + item->event->size >= t->offset + t->size)
			break;
		rc = binlog_next(b, item, e);
	}
	show_end(x);
	return rc < 0 ? -1 : check_output(e);
}

static int
show_batch(struct listing *x, struct binlog *b, struct err *e)
{
	struct binlog_item item;
	size_t i = 0;
	int rc = 1;

	while (i < x->nbatch && (rc = binlog_next(b, &item, e)) == 1) {
		if (!item.replayed || item.offset < x->batch[i].offset)
			continue;
		if (show_one(x, b, &item, &x->batch[i++], e) != 0)
			return -1;
	}
	return rc < 0 ? -1 : 0;
}

static int
flush(struct listing *x, struct err *e)
{
	const struct transaction *last = &x->batch[x->nbatch - 1];
	struct route_leg leg = x->whole.legs[x->leg].leg;
	struct binlog *b;
	int rc;

	leg.have = NULL;
	leg.from_seq = leg.to_seq = x->f->file.seq;
	leg.from_offset = x->batch[0].offset;
	leg.to_offset = last->offset + last->size;
	/* Names are looked for before anything else holds the store's parts. */
	rc = show_rows_prepare(x->rows, x->leg, leg.from_seq, x->batch,
	    x->nbatch, e);
	b = rc == 0 ? binlog_open(x->o->store, x->o->timeline, &leg, e) :
	    NULL;
	rc = b == NULL ? -1 : show_batch(x, b, e);
	binlog_close(b);
	return rc;
}

static void
clear(struct listing *x)
{
	while (x->nbatch > 0)
		transaction_line_free(&x->batch[--x->nbatch]);
}

/* --- files --- */

/* Nothing of the file lies in the span of time. */
static bool
is_outside(const struct listing *x, const struct timeline_file *f)
{
	const struct show_events_opts *o = x->o;

	if (f->live)
		return false;
	return f->file.transactions == 0 || (o->from != NULL &&
	    o->from->kind == MOMENT_TIME && f->file.last_us <
	    o->from->time_us) || (o->to != NULL && o->to->kind ==
	    MOMENT_TIME && f->file.first_us > o->to->time_us);
}

static int
list_file(struct listing *x, struct err *e)
{
	const struct route_leg *leg = &x->whole.legs[x->leg].leg;
	const struct transaction *last;
	uint64_t from = 0;
	bool full;
	int rc;

	do {
		rc = leg_file_each(x->o->store, x->o->timeline, leg,
		    x->f->file.seq, from, look, x, e);
		full = x->nbatch == BATCH;
		if (rc >= 0 && x->nbatch > 0) {
			last = &x->batch[x->nbatch - 1];
			from = last->offset + last->size;
			if (flush(x, e) != 0)
				rc = -1;
		}
		clear(x);
	} while (rc >= 0 && full);
	return rc < 0 ? -1 : 0;
}

static int
list_leg(struct listing *x, struct err *e)
{
	const struct route_leg *leg = &x->whole.legs[x->leg].leg;
	uint32_t seq = leg->from_seq;

	if (x->has_from && x->leg == x->from.leg)
		seq = x->from.seq;
	for (; seq <= leg->to_seq; seq++) {
		if (x->has_to && x->leg == x->to.leg && seq > x->to.seq)
			break;
		x->f = timeline_file_of(
		    &x->o->timeline->histories[leg->history], seq);
		if (!is_outside(x, x->f) && list_file(x, e) != 0)
			return -1;
	}
	return 0;
}

static int
find_place(struct listing *x, const struct moment *m, bool before,
    struct route_place *p, bool *has, struct err *e)
{
	struct moment at;

	*has = m != NULL && (m->kind == MOMENT_GTID ||
	    m->kind == MOMENT_POSITION);
	if (!*has)
		return 0;
	at = *m;
	at.before = before && m->kind == MOMENT_GTID;
	return route_whole_find(x->o->store, x->o->timeline, &x->whole, &at,
	    p, e);
}

static int
list_all(struct listing *x, struct err *e)
{
	size_t first, end;
	int rc = 0;

	if (find_place(x, x->o->from, true, &x->from, &x->has_from, e) != 0 ||
	    find_place(x, x->o->to, false, &x->to, &x->has_to, e) != 0)
		return -1;
	first = x->has_from ? x->from.leg : 0;
	end = x->has_to ? x->to.leg + 1 : x->whole.n;
	for (x->leg = first; x->leg < end && rc == 0; x->leg++)
		rc = list_leg(x, e);
	return rc;
}

int
show_events(const struct show_events_opts *o, struct err *e)
{
	struct listing x = { .o = o };
	int rc = -1;
	size_t i;

	for (i = 0; i < o->ntables; i++)
		if (strchr(o->tables[i], '.') == NULL)
			return err_set(e, ERR_USAGE, 0, "--table: '%.100s' is "
			    "not SCHEMA.TABLE", o->tables[i]);
	if (o->from != NULL && o->from->kind == MOMENT_LATEST)
		return err_set(e, ERR_USAGE, 0, "--from: latest is no "
		    "beginning");
	if (o->json)
		(void)printf("{\"version\": 1, \"source\": \"%s\", "
		    "\"transactions\": [", o->timeline->source);
	if (o->rows) {
		x.batch = calloc(BATCH, sizeof(*x.batch));
		x.rows = show_rows_new(o->store, o->timeline, &x.whole,
		    o->json, e);
	}
	if (o->rows && (x.batch == NULL || x.rows == NULL))
		(void)err_set(e, ERR_NOMEM, 0, "events");
	else if (route_whole(o->timeline, &x.whole, e) == 0)
		rc = list_all(&x, e);
	if (o->json)
		(void)printf("\n]}\n");
	clear(&x);
	free(x.batch);
	show_rows_free(x.rows);
	route_whole_free(&x.whole);
	return rc;
}
