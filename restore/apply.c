/* SPDX-License-Identifier: Apache-2.0 */
/* apply: archived transactions through SQL. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/apply_impl.h"

#define IDLE_S 86400
#define SEND_BYTES ((size_t)512 << 10)

void
apply_where_text(const struct apply *a, const char *schema,
    const char *table, struct buf *out)
{
	char gtid[GTID_TEXT];

	if (a->gtid.gtid.set) {
		gtid_text(&a->gtid.gtid, gtid);
		buf_addf(out, "transaction %s at ", gtid);
	} else {
		buf_adds(out, "transaction at ");
	}
	buf_addf(out, "%s:%" PRIu64, a->file, a->offset);
	if (table != NULL)
		buf_addf(out, ", table %s.%s", schema, table);
}

int
apply_wrap(const struct apply *a, struct err *e)
{
	struct buf text = {0};

	/* What failed in a batch may be of an earlier group: it is named. */
	if (a->batch.named)
		return -1;
	apply_where_text(a, NULL, NULL, &text);
	(void)err_wrap(e, "%s", buf_str(&text));
	buf_free(&text);
	return -1;
}

/* --- events --- */

static bool
is_rows(unsigned type)
{
	return (type >= EVENT_WRITE_V1 && type <= EVENT_DELETE_V1) ||
	    (type >= EVENT_WRITE && type <= EVENT_DELETE) ||
	    type == EVENT_PARTIAL_UPDATE;
}

static int
payload(struct apply *a, const struct event *ev,
    const struct event_format *f, uint64_t offset, struct err *e)
{
	struct event_payload *p = event_payload_open(ev, f, e);
	struct event inner;
	int rc;

	if (p == NULL)
		return -1;
	while ((rc = event_payload_next(p, &inner, e)) == 1)
		if (apply_event(a, &inner, event_payload_format(p), offset,
		    e) != 0) {
			rc = -1;
			break;
		}
	event_payload_close(p);
	return rc;
}

static int
compressed(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct event_format plain;
	struct event inner;

	return event_uncompress(ev, f, &a->room, &inner, &plain, e) != 0 ?
	    -1 : rows_rows(a, &inner, &plain, e);
}

static int
format(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	if (a->open)
		return err_set(e, ERR_CORRUPT, 0, "the archive has a new file "
		    "in the middle of it");
	/* A format description with a time is a server's start. */
	if (f->created != 0 && temporary_drop(a, e) != 0)
		return -1;
	return binlog_format(a, ev, e);
}

/* Events that say nothing to a server that runs. */
static bool
is_silent(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_STOP:
	case EVENT_ROTATE:
	case EVENT_HEARTBEAT:
	case EVENT_HEARTBEAT_V2:
	case EVENT_IGNORABLE:
	case EVENT_ROWS_QUERY:
	case EVENT_PREVIOUS_GTIDS:
	case EVENT_CONTEXT:
	case EVENT_VIEW_CHANGE:
	case EVENT_MARIA_ANNOTATE:
	case EVENT_MARIA_CHECKPOINT:
	case EVENT_MARIA_GTID_LIST:
	case EVENT_MARIA_START_ENCRYPTION:
		return true;
	default:
		return (ev->flags & EVENT_FLAG_IGNORABLE) != 0;
	}
}

static int
unknown(const struct event *ev, struct err *e)
{
	if (ev->type == EVENT_INCIDENT)
		return err_set(e, ERR_CORRUPT, 0, "the source noted there "
		    "that events were lost (Incident event)");
	(void)err_set(e, ERR_USAGE, 0, "a %s event (%u) cannot be applied "
	    "through SQL", event_name(ev->type), ev->type);
	return err_hint(e, "use --replay=serve");
}

int
apply_event(struct apply *a, const struct event *ev,
    const struct event_format *f, uint64_t offset, struct err *e)
{
	switch (ev->type) {
	case EVENT_FORMAT:
		return format(a, ev, f, e);
	case EVENT_GTID:
	case EVENT_ANONYMOUS:
	case EVENT_GTID_TAGGED:
	case EVENT_MARIA_GTID:
		return group_begin(a, ev, f, offset, e);
	default:
		break;
	}
	if (is_silent(ev))
		return 0;
	if (!a->open && group_begin(a, ev, f, offset, e) != 0)
		return -1;
	if (is_rows(ev->type))
		return rows_rows(a, ev, f, e);
	if (ev->type >= EVENT_MARIA_WRITE_COMPRESSED_V1 &&
	    ev->type <= EVENT_MARIA_DELETE_COMPRESSED)
		return compressed(a, ev, f, e);
	switch (ev->type) {
	case EVENT_QUERY:
	case EVENT_EXECUTE_LOAD_QUERY:
	case EVENT_MARIA_QUERY_COMPRESSED:
		return query_run(a, ev, f, e);
	case EVENT_INTVAR:
	case EVENT_RAND:
	case EVENT_USER_VAR:
		return query_variable(a, ev, e);
	case EVENT_TABLE_MAP:
		return rows_map(a, ev, f, e);
	case EVENT_BEGIN_LOAD_QUERY:
	case EVENT_APPEND_BLOCK:
		return blocks_take(a, ev, e);
	case EVENT_DELETE_FILE:
		blocks_clear(a);
		return 0;
	case EVENT_XID:
		return group_commit(a, e);
	case EVENT_XA_PREPARE:
		return xa_prepare(a, ev, e);
	case EVENT_PAYLOAD:
		return payload(a, ev, f, offset, e);
	default:
		return unknown(ev, e);
	}
}

/* --- the run --- */

static const char *
history_id(const struct apply *a, const struct route_leg *leg)
{
	return a->o->timeline->histories[leg->history].history.id;
}

static int
leg_events(struct apply *a, const struct route_leg *leg, struct err *e)
{
	struct binlog *b = binlog_open(a->o->store, a->o->timeline, leg, e);
	struct binlog_item item;
	int rc;

	if (b == NULL)
		return -1;
	a->have = leg->have;
	while ((rc = binlog_next(b, &item, e)) == 1) {
		if (cancel_check(a->o->cancel, e) != 0) {
			rc = -1;
			break;
		}
		a->seq = item.seq;
		a->file = item.file;
		a->next = item.offset + item.event->size;
		if (!item.replayed && item.event->type != EVENT_FORMAT)
			continue;
		if (apply_event(a, item.event, item.format, item.offset,
		    e) != 0) {
			rc = e->code == ERR_CANCELLED ? -1 : apply_wrap(a, e);
			break;
		}
		if (a->o->totals != NULL && item.replayed)
			a->o->totals->bytes += item.event->size;
	}
	if (rc == 0 && a->open)
		rc = err_set(e, ERR_CORRUPT, 0, "the archive ends in the "
		    "middle of a transaction");
	if (rc == 0)
		rc = group_settle(a, e);
	binlog_close(b);
	return rc;
}

/* The leg that goes on where the note stands: its index, or -1 when all of
 * the route is to be done, -2 when the note is not on it. */
static long
find_note(const struct apply *a)
{
	const struct route *r = a->o->route;
	const struct route_leg *leg;
	size_t i;

	if (a->note.history[0] == '\0')
		return -1;
	for (i = r->nlegs; i > 0; i--) {
		leg = &r->legs[i - 1];
		if (strcmp(history_id(a, leg), a->note.history) == 0 &&
		    (a->note.seq > leg->from_seq ||
		    (a->note.seq == leg->from_seq &&
		    a->note.offset >= leg->from_offset)) &&
		    (a->note.seq < leg->to_seq ||
		    (a->note.seq == leg->to_seq &&
		    a->note.offset <= leg->to_offset)))
			return (long)i - 1;
	}
	return -2;
}

static int
run_legs(struct apply *a, struct err *e)
{
	const struct route *r = a->o->route;
	long first = find_note(a);
	struct route_leg leg;
	size_t i;

	if (first == -2) {
		(void)err_set(e, ERR_USAGE, 0, "the target stands at seq %"
		    PRIu32 ", %" PRIu64 " of history %s, which is not on the "
		    "way to the moment", a->note.seq, a->note.offset,
		    a->note.history);
		return err_hint(e, "ask for a later moment, or begin again "
		    "with --restart");
	}
	for (i = first < 0 ? 0 : (size_t)first; i < r->nlegs; i++) {
		leg = r->legs[i];
		if ((long)i == first) {
			leg.from_seq = a->note.seq;
			leg.from_offset = a->note.offset;
			if (leg.from_seq == leg.to_seq &&
			    leg.from_offset == leg.to_offset)
				continue;
		}
		a->history = history_id(a, &leg);
		if (leg_events(a, &leg, e) != 0)
			return -1;
	}
	return 0;
}

/* A set of GTIDs as a variable of the target has it. */
static struct gtid_set *
read_set(struct apply *a, const char *sql, struct err *e)
{
	struct gtid_set *s = gtid_set_new(a->o->flavour->kind, e);
	struct buf text = {0};

	if (s == NULL)
		return NULL;
	if (conn_value(a->side, sql, &text, e) != 0 ||
	    gtid_set_parse(s, buf_str(&text), e) != 0) {
		gtid_set_free(s);
		s = NULL;
	}
	buf_free(&text);
	return s;
}

static int
read_gtids(struct apply *a, struct err *e)
{
	a->position = gtid_set_new(a->o->flavour->kind, e);
	if (a->position == NULL || (a->maria &&
	    gtid_set_parse(a->position, a->note.gtid, e) != 0))
		return -1;
	/* MariaDB does twice what it is told twice. */
	if (!a->o->own_gtids || a->maria)
		return 0;
	a->known = read_set(a, "SELECT @@global.gtid_executed", e);
	return a->known == NULL ? -1 : 0;
}

static int
open_session(struct apply *a, struct err *e)
{
	const struct apply_opts *o = a->o;
	struct conn_opts opts = *o->target;
	struct err denied = {0};

	/* For LOAD DATA of the log: it serves that one statement's name. */
	opts.local_infile = true;
	opts.found_rows = true;
	opts.cancel = o->cancel;
	a->conn = conn_open(&opts, e);
	if (a->conn == NULL)
		return -1;
	opts.local_infile = false;
	a->side = conn_open(&opts, e);
	if (a->side == NULL)
		return -1;
	if (flavour_restore_session(a->conn, o->flavour, IDLE_S,
	    o->binlog_off, e) != 0 || flavour_restore_session(a->side,
	    o->flavour, IDLE_S, o->binlog_off, e) != 0)
		return -1;
	/* As a replica's thread: sql_modes of other versions are taken, a
	 * prepared XA transaction is let go. */
	if (conn_exec(a->conn, "SET SESSION pseudo_slave_mode=1", &denied) !=
	    0 && (o->mode == APPLY_BINLOG || denied.code != ERR_DENIED)) {
		*e = denied;
		return -1;
	}
	batch_init(&a->batch, a->conn);
	a->send_max = o->flavour->max_allowed_packet / 4 < SEND_BYTES ?
	    (size_t)o->flavour->max_allowed_packet / 4 : SEND_BYTES;
	return 0;
}

/* A run that was cut short: can it be gone on with? */
static int
check_note(struct apply *a, struct err *e)
{
	a->resumed = a->note.state;
	memcpy(a->proof, a->note.proof, sizeof(a->proof));
	a->note.state = NOTE_DONE;
	a->note.proof[0] = '\0';
	if (a->resumed == NOTE_PLAIN) {
		(void)err_set(e, ERR_USAGE, 0, "the run before was cut short "
		    "in a transaction on tables that cannot take rows back, "
		    "after %s of the log", a->note.gtid[0] == '\0' ?
		    "the beginning" : a->note.gtid);
		return err_hint(e, "begin again with --restart");
	}
	if (a->note.temporary > 0) {
		(void)err_set(e, ERR_USAGE, 0, "the run before was cut short "
		    "while the log had %u temporary table%s open: %s went "
		    "with its session", a->note.temporary,
		    a->note.temporary == 1 ? "" : "s", a->note.temporary == 1 ?
		    "it" : "they");
		return err_hint(e, "begin again with --restart");
	}
	return 0;
}

static void
fini(struct apply *a)
{
	rows_clear(a);
	blocks_clear(a);
	free(a->maps);
	while (a->ntemporary > 0)
		free(a->temporary[--a->ntemporary].name);
	free(a->temporary);
	batch_free(&a->batch);
	shapes_free(a->shapes);
	gtid_set_free(a->known);
	gtid_set_free(a->position);
	buf_free(&a->format);
	buf_free(&a->xid);
	buf_free(&a->events);
	buf_free(&a->maps_sent);
	buf_free(&a->variables);
	buf_free(&a->room);
	buf_free(&a->text);
	conn_close(a->conn);
	conn_close(a->side);
}

static int
run_once(struct apply *a, struct err *e)
{
	a->shapes = shapes_new(e);
	if (a->shapes == NULL || open_session(a, e) != 0 ||
	    note_open(a->side, &a->note, e) != 0)
		return -1;
	a->stuck = check_note(a, e) != 0;
	if (a->stuck || read_gtids(a, e) != 0)
		return -1;
	return run_legs(a, e);
}

/* No statement's fault: the client library's numbers. */
static bool
is_lost(const struct err *e)
{
	return e->code == ERR_AGAIN && e->sys >= 2000 && e->sys < 3000;
}

int
apply_run(const struct apply_opts *o, struct err *e)
{
	struct apply a = { .o = o, .state = statement_unknown,
	    .maria = o->flavour->kind == FLAVOUR_MARIADB, .file = "" };
	struct err first = {0}, second = {0};
	int rc;

	rc = run_once(&a, &first);
	/* What failed may have stood with others in a transaction: it is gone
	 * back to where the note stands, to do or name each by itself. */
	if (rc != 0 && !o->own_gtids && (a.again || first.sys != 0) &&
	    first.code != ERR_CANCELLED && !is_lost(&first)) {
		fini(&a);
		a = (struct apply){ .o = o, .state = statement_unknown,
			.maria = a.maria, .file = "", .careful = true };
		rc = run_once(&a, &second);
		/* That it cannot go on does not say what went wrong. */
		if (a.stuck)
			(void)err_hint(&first, "begin again with --restart");
		else
			first = second;
	}
	fini(&a);
	*e = first;
	/* All that MySQL says when BINLOG may be run and the rows not. */
	if (rc != 0 && e->sys == 1105 && o->mode == APPLY_BINLOG)
		(void)err_hint(e, "the user needs INSERT, UPDATE and DELETE "
		    "on the tables besides");
	return rc;
}

int
apply_where(struct conn *c, struct apply_place *place, struct err *e)
{
	struct note n;
	int got = note_read(c, &n, e);

	*place = (struct apply_place){0};
	if (got != 1 || n.history[0] == '\0')
		return got < 0 ? -1 : 0;
	memcpy(place->history, n.history, sizeof(place->history));
	memcpy(place->gtid, n.gtid, sizeof(place->gtid));
	place->seq = n.seq;
	place->offset = n.offset;
	return 1;
}
