/* SPDX-License-Identifier: Apache-2.0 */
/* undo_choose: which transactions, and the rows they changed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/binlog.h"
#include "codec/digest.h"
#include "mysql/bytes.h"
#include "restore/filter.h"

#include "restore/undo_impl.h"

#define EVENTS_MAX	((size_t)256 << 20)
#define LINES_MAX	20

void
undo_refuse(struct undo *u, const struct gtid *g, const char *text)
{
	char gtid[GTID_TEXT] = "";

	if (u->nrefused++ >= LINES_MAX)
		return;
	if (g != NULL && g->set)
		gtid_text(g, gtid);
	buf_addf(&u->refused, "%s%s%s\n", gtid, gtid[0] != '\0' ? ": " : "",
	    text);
}

/* --- choosing --- */

static bool
is_chosen(struct undo *u, const struct transaction *tr)
{
	size_t i;

	for (i = 0; i < u->o->ngtids; i++)
		if (tr->gtid.gtid.set && !u->found[i] &&
		    gtid_equal(&u->gtids[i], &tr->gtid.gtid)) {
			u->found[i] = true;
			return true;
		}
	return u->o->ngtids == 0 && tr->time_us >= u->from_us &&
	    tr->time_us <= u->to_us;
}

/* Rows of wanted tables, or of any. */
static bool
has_rows(const struct undo *u, const struct transaction *tr)
{
	const char *schema, *table;
	size_t i;

	if (u->filter == NULL || tr->tables_cut)
		return tr->row_events > 0;
	for (i = 0; i < tr->ntables; i++)
		if (filter_table(u->filter, tr->tables[i].schema,
		    tr->tables[i].table, &schema, &table))
			return true;
	return false;
}

/* What is not rows: is it in the way? */
static void
judge(struct undo *u, const struct transaction *tr)
{
	struct buf text = {0};

	if (tr->incident)
		undo_refuse(u, &tr->gtid.gtid, "the source noted that events "
		    "were lost");
	if (tr->kind != TRANSACTION_DDL && tr->kind != TRANSACTION_STATEMENT &&
	    tr->kind != TRANSACTION_XA_COMMIT &&
	    tr->kind != TRANSACTION_XA_ROLLBACK && !tr->mixed)
		return;
	if (u->filter != NULL && tr->kind != TRANSACTION_XA_COMMIT &&
	    tr->kind != TRANSACTION_XA_ROLLBACK &&
	    filter_statement(u->filter, tr->schema, tr->sql, strlen(tr->sql),
	    &text) == FILTER_LEAVE) {
		buf_free(&text);
		return;
	}
	buf_clear(&text);
	buf_addf(&text, "%s cannot be undone: %.100s", tr->kind ==
	    TRANSACTION_DDL ? "a definition" : tr->kind ==
	    TRANSACTION_STATEMENT || tr->mixed ?
	    "a statement without row images" :
	    "the end of an XA transaction", tr->sql);
	undo_refuse(u, &tr->gtid.gtid, buf_str(&text));
	buf_free(&text);
}

static int
choose(void *arg, uint32_t seq, const struct transaction *tr, struct err *e)
{
	struct undo_at *c = arg;
	struct undo *u = c->u;
	struct undo_transaction *list, *t;

	if (!is_chosen(u, tr))
		return 0;
	judge(u, tr);
	if (!has_rows(u, tr))
		return 0;
	list = realloc(u->transactions, (u->ntransactions + 1) *
	    sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "transactions");
	u->transactions = list;
	t = &list[u->ntransactions++];
	*t = (struct undo_transaction){ .leg = c->leg, .history = c->history,
	    .seq = seq, .offset = tr->offset, .size = tr->size,
	    .gtid = tr->gtid.gtid, .time_us = tr->time_us };
	(void)snprintf(t->file, sizeof(t->file), "%s", c->file);
	return 0;
}

/* Can a finished file hold any of them?  Its document tells. */
static bool
may_hold(const struct undo *u, const struct binlog_file *f)
{
	struct gtid_set *set;
	struct err e = {0};
	bool may = false;
	size_t i;

	if (f->transactions == 0)
		return false;
	if (u->o->ngtids == 0)
		return f->last_us >= u->from_us && f->first_us <= u->to_us;
	/* A MariaDB set tells the highest of each server alone. */
	if (f->gtids == NULL || u->timeline.kind == FLAVOUR_MARIADB)
		return true;
	set = gtid_set_new(u->timeline.kind, &e);
	if (set == NULL || gtid_set_parse(set, f->gtids, &e) != 0)
		may = true;
	for (i = 0; !may && i < u->o->ngtids; i++)
		may = gtid_set_contains(set, &u->gtids[i]);
	gtid_set_free(set);
	return may;
}

/* Is a history the newest one, or of those that it descends from? */
static bool
leads_to_newest(const struct timeline *t, size_t history)
{
	const char *id = t->histories[t->nhistories - 1].history.id;
	size_t i, steps;

	for (steps = 0; steps <= t->nhistories; steps++) {
		if (strcmp(t->histories[history].history.id, id) == 0)
			return true;
		for (i = 0; i < t->nhistories; i++)
			if (strcmp(t->histories[i].history.id, id) == 0)
				break;
		if (i == t->nhistories)
			break;
		id = t->histories[i].history.parent;
	}
	return false;
}

/* What the live server never had.  Where no way leads on from the parent, as
 * after a gap, the whole takes its own line for a side branch too. */
static bool
is_side(const struct undo *u, size_t leg)
{
	const struct route_whole_leg *w = &u->whole.legs[leg];

	if (!w->side)
		return false;
	/* The rest of a run behind a fork stands next to the run. */
	return (leg > 0 && w[-1].leg.history == w->leg.history) ||
	    !leads_to_newest(&u->timeline, w->leg.history);
}

int
undo_each(struct undo *u, bool all, size_t leg, uint32_t from,
    int (*each)(void *arg, uint32_t seq, const struct transaction *tr,
    struct err *e), struct err *e)
{
	const struct route_leg *l = &u->whole.legs[leg].leg;
	const struct timeline_history *h = &u->timeline.histories[l->history];
	struct undo_at c = { .u = u, .leg = leg, .history = l->history };
	const struct timeline_file *f;

	if (is_side(u, leg))
		return 0;
	for (f = h->files; f < h->files + h->nfiles; f++) {
		if (f->file.seq < from || f->file.seq < l->from_seq ||
		    f->file.seq > l->to_seq || f->end <= 4 ||
		    (!all && !f->live && !may_hold(u, &f->file)))
			continue;
		c.file = f->file.name;
		if (leg_file_each(u->store, &u->timeline, l, f->file.seq, 0,
		    each, &c, e) < 0)
			return -1;
	}
	return 0;
}

int
undo_choose(struct undo *u, struct err *e)
{
	size_t i;

	if (route_whole(&u->timeline, &u->whole, e) != 0)
		return -1;
	for (i = 0; i < u->whole.n; i++)
		if (undo_each(u, false, i, 0, choose, e) != 0)
			return -1;
	for (i = 0; i < u->o->ngtids; i++)
		if (!u->found[i])
			return err_set(e, ERR_NOTFOUND, 0, "--gtid=%.80s: no "
			    "such transaction in the archive, side branches "
			    "left aside", u->o->gtids[i]);
	if (u->ntransactions == 0 && u->nrefused == 0)
		return err_set(e, ERR_NOTFOUND, 0, "nothing to undo: no rows "
		    "were changed");
	return 0;
}

/* --- reading --- */

/* Maps of the statement that is being read: id and table, -1: not wanted. */
struct maps {
	struct { uint64_t id; long table; } list[64];
	size_t n;
};

/* The table of a map; maps that say the same are one. */
static long
add_table(struct undo *u, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	uint64_t hash = xxh3_64(ev->body + 6, ev->body_len < 6 ? 0 :
	    ev->body_len - 6);
	struct undo_table *list, *t;
	const char *schema, *table;
	size_t i;

	for (i = 0; i < u->ntables; i++)
		if (u->tables[i].hash == hash)
			return (long)i;
	list = realloc(u->tables, (u->ntables + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "tables");
	u->tables = list;
	t = &list[u->ntables];
	*t = (struct undo_table){ .hash = hash };
	if (rows_table_parse(ev, f, &t->map, e) != 0)
		return -1;
	if (strcmp(t->map.schema, "kura_restore") == 0 ||
	    (u->filter != NULL && !filter_table(u->filter, t->map.schema,
	    t->map.table, &schema, &table))) {
		rows_table_free(&t->map);
		return -2;
	}
	return (long)u->ntables++;
}

static int
read_map(struct undo *u, struct maps *m, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	long table = add_table(u, ev, f, e);

	if (table == -1)
		return -1;
	if (m->n == sizeof(m->list) / sizeof(m->list[0]))
		return err_set(e, ERR_USAGE, 0, "a statement on more than %zu "
		    "tables", m->n);
	m->list[m->n].id = bytes_le_at(ev->body, 6);
	m->list[m->n++].table = table;
	return 0;
}

static void
count(struct undo_table *t, enum rows_kind kind, uint64_t n)
{
	if (kind == ROWS_WRITE)
		t->inserts += n;
	else if (kind == ROWS_UPDATE)
		t->updates += n;
	else
		t->deletes += n;
}

static int
read_rows(struct undo *u, struct maps *m, size_t transaction,
    const struct event *ev, const struct event_format *f, struct err *e)
{
	size_t n = EVENT_HEADER + ev->body_len, at = u->events.len, i = m->n;
	struct undo_event *list;
	struct undo_table *t;
	struct rows_event r;
	uint64_t rows;

	if (rows_event_parse(ev, f, &r, e) != 0)
		return -1;
	while (i > 0 && m->list[i - 1].id != r.table_id)
		i--;
	if ((r.flags & 1) != 0)
		m->n = 0;
	if (i == 0 || m->list[i - 1].table < 0)
		return 0;
	t = &u->tables[m->list[i - 1].table];
	t->map.id = r.table_id;
	if (rows_count(&t->map, &r, &rows, e) != 0)
		return -1;
	count(t, r.kind, rows);
	list = realloc(u->list, (u->nlist + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "rows");
	u->list = list;
	list[u->nlist++] = (struct undo_event){ at, n, transaction,
	    (size_t)m->list[i - 1].table };
	buf_add(&u->events, ev->data, n);
	if (u->events.failed) {
		(void)err_set(e, ERR_USAGE, 0, "more than %zu MiB of rows to "
		    "undo", EVENTS_MAX >> 20);
		return err_hint(e, "restore the tables beside the live ones "
		    "instead");
	}
	bytes_put_le((uint8_t *)u->events.data + at + 9, n, 4);
	return 0;
}

static int
read_event(struct undo *u, struct maps *m, size_t transaction,
    const struct event *ev, const struct event_format *f, struct err *e)
{
	struct event_format plain;
	struct event_payload *p;
	struct buf room = {0};
	struct event inner;
	int rc = 0;

	if (ev->type == EVENT_TABLE_MAP)
		return read_map(u, m, ev, f, e);
	if ((ev->type >= EVENT_WRITE_V1 && ev->type <= EVENT_DELETE_V1) ||
	    (ev->type >= EVENT_WRITE && ev->type <= EVENT_DELETE) ||
	    ev->type == EVENT_PARTIAL_UPDATE)
		return read_rows(u, m, transaction, ev, f, e);
	if (ev->type >= EVENT_MARIA_WRITE_COMPRESSED_V1 &&
	    ev->type <= EVENT_MARIA_DELETE_COMPRESSED) {
		rc = event_uncompress(ev, f, &room, &inner, &plain, e) != 0 ?
		    -1 : read_rows(u, m, transaction, &inner, &plain, e);
		buf_free(&room);
	} else if (ev->type == EVENT_PAYLOAD) {
		p = event_payload_open(ev, f, e);
		if (p == NULL)
			return -1;
		while ((rc = event_payload_next(p, &inner, e)) == 1)
			if (read_event(u, m, transaction, &inner,
			    event_payload_format(p), e) != 0) {
				rc = -1;
				break;
			}
		event_payload_close(p);
	}
	return rc;
}

static int
read_transaction(struct undo *u, size_t i, struct err *e)
{
	const struct undo_transaction *t = &u->transactions[i];
	const struct route_leg leg = { .history = t->history,
	    .from_seq = t->seq, .to_seq = t->seq, .from_offset = t->offset,
	    .to_offset = t->offset + t->size };
	struct binlog *b = binlog_open(u->store, &u->timeline, &leg, e);
	struct binlog_item item;
	struct maps maps = {0};
	int rc;

	if (b == NULL)
		return -1;
	while ((rc = binlog_next(b, &item, e)) == 1)
		if (item.replayed && read_event(u, &maps, i, item.event,
		    item.format, e) != 0) {
			rc = -1;
			break;
		}
	binlog_close(b);
	return rc == 0 ? 0 : err_wrap(e, "%s:%" PRIu64, t->file, t->offset);
}

int
undo_read(struct undo *u, struct err *e)
{
	size_t i;

	buf_init(&u->events, EVENTS_MAX);
	for (i = 0; i < u->ntransactions; i++)
		if (read_transaction(u, i, e) != 0)
			return -1;
	return 0;
}
