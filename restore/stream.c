/* SPDX-License-Identifier: Apache-2.0 */
/* stream: the events of a route as a primary sends them to a replica. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/binlog.h"
#include "restore/had.h"
#include "restore/ledger.h"
#include "restore/made.h"
#include "restore/proof.h"

#include "restore/stream.h"

#define PIECES 4		/* events that one event may become */
#define NAME_MAX_ 520
#define MAGIC 4u		/* bytes before a file's first event */

enum fate { FATE_TAKE, FATE_LEAVE, FATE_EMPTY };

struct stream {
	struct stream_opts opts;
	struct had *had;		/* NULL: asked by position */
	struct transactions *scan;
	struct binlog *log;		/* of the leg; NULL: not open */
	struct route_leg leg;		/* as it is taken: may begin later */
	size_t at;			/* index of the leg */
	uint64_t leg_base;		/* bytes of the legs before */

	/* The file that is being read. */
	uint32_t seq;
	char name[NAME_MAX_];
	int64_t base;			/* bytes of the route at its offset 0 */
	uint64_t position;		/* as the replica counts */
	bool checksum;			/* what precedes a ROTATE had one */

	/* The transaction that is being read. */
	enum fate fate;
	struct buf gtid;		/* FATE_EMPTY: its first event */

	/* Made events still to be given. */
	struct buf pieces;
	size_t ends[PIECES], npieces, next;
};

void
stream_name(size_t leg, const char *file, char *name, size_t n)
{
	if (leg == 0)
		(void)snprintf(name, n, "%s", file);
	else
		(void)snprintf(name, n, "%s+%zu", file, leg);
}

static const struct timeline_file *
file_of(const struct timeline *t, const struct route_leg *leg, uint32_t seq)
{
	const struct timeline_history *h = &t->histories[leg->history];
	size_t i;

	/* By seq and without a hole, so the place is known. */
	if (h->nfiles == 0 || seq < h->files[0].file.seq)
		return NULL;
	i = seq - h->files[0].file.seq;
	return i < h->nfiles ? &h->files[i] : NULL;
}

uint64_t
stream_bytes(const struct timeline *t, const struct route_leg *leg,
    uint32_t seq, uint64_t offset)
{
	const struct timeline_file *f;
	uint64_t sum = offset;
	uint32_t i;

	for (i = leg->from_seq; i < seq; i++) {
		f = file_of(t, leg, i);
		if (f != NULL)
			sum += f->live ? f->end : f->file.size;
	}
	return sum - leg->from_offset;
}

/* --- where to begin --- */

struct search {
	struct stream *s;
	const struct route_leg *leg;
	bool found;
};

static bool
has(struct stream *s, const struct route_leg *leg, const struct gtid *g)
{
	bool had = s->had != NULL && had_next(s->had, g);

	return had || (leg->have != NULL && g->set &&
	    gtid_set_contains(leg->have, g));
}

static int
look(void *arg, uint32_t seq, const struct transaction *t, struct err *e)
{
	struct search *x = arg;

	(void)e;
	/* Those of a leg's own set say nothing about where to begin. */
	if (has(x->s, x->leg, &t->gtid.gtid))
		return 0;
	x->s->leg.from_seq = seq;
	x->s->leg.from_offset = t->offset;
	x->found = true;
	return 1;
}

/* To the first transaction that the target lacks, by the indexes: what it
 * has is not fetched again. */
static int
begin_after(struct stream *s, struct err *e)
{
	struct search x = { .s = s };
	struct buf missing = {0};
	int rc = 0;

	if (s->had == NULL || had_nothing(s->had))
		return 0;
	while (s->at < s->opts.nlegs && rc == 0) {
		x.leg = &s->opts.legs[s->at];
		rc = leg_each(s->opts.store, s->opts.timeline, x.leg, look,
		    &x, e);
		if (rc < 0 || x.found)
			return rc < 0 ? -1 : 0;
		s->leg_base += stream_bytes(s->opts.timeline, x.leg,
		    x.leg->to_seq, x.leg->to_offset);
		s->at++;
		if (s->at < s->opts.nlegs)
			s->leg = s->opts.legs[s->at];
	}
	if (had_missing(s->had, &missing)) {
		(void)err_set(e, ERR_NOTFOUND, 0, "the target stands at %s, "
		    "where the way to this moment does not lead",
		    buf_str(&missing));
		rc = -1;
	}
	buf_free(&missing);
	return rc;
}

bool
stream_find(const struct timeline *t, const struct route_leg *legs,
    size_t nlegs, const char *file, uint64_t position, size_t *which,
    struct route_leg *rest)
{
	const struct timeline_history *h;
	char name[NAME_MAX_];
	uint32_t seq;
	size_t i;

	for (*which = 0; *which < nlegs; (*which)++) {
		*rest = legs[*which];
		h = &t->histories[rest->history];
		for (i = 0; i < h->nfiles; i++) {
			seq = h->files[i].file.seq;
			stream_name(*which, h->files[i].file.name, name,
			    sizeof(name));
			if (strcmp(name, file) != 0 || seq < rest->from_seq ||
			    seq > rest->to_seq || (seq == rest->from_seq &&
			    position < rest->from_offset) ||
			    (seq == rest->to_seq &&
			    position > rest->to_offset))
				continue;
			rest->from_seq = seq;
			rest->from_offset = position;
			return true;
		}
	}
	return false;
}

/* At a position of a file as it is named to replicas. */
static int
begin_at(struct stream *s, const char *file, uint64_t position,
    struct err *e)
{
	const struct route_leg *leg;
	struct route_leg rest;
	size_t i, at;

	if (file[0] == '\0')
		return 0;
	if (!stream_find(s->opts.timeline, s->opts.legs, s->opts.nlegs, file,
	    position, &at, &rest))
		return err_set(e, ERR_NOTFOUND, 0, "the target asks for %s:%"
		    PRIu64 ", where the way to this moment does not lead",
		    file, position);
	for (i = 0; i < at; i++) {
		leg = &s->opts.legs[i];
		s->leg_base += stream_bytes(s->opts.timeline, leg,
		    leg->to_seq, leg->to_offset);
	}
	s->at = at;
	s->leg = rest;
	return 0;
}

struct stream *
stream_open(const struct stream_opts *opts, const struct gtid_set *have,
    const char *file, uint64_t position, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "replay");
		return NULL;
	}
	s->opts = *opts;
	s->checksum = true;
	if (opts->nlegs > 0)
		s->leg = opts->legs[0];
	s->scan = transactions_new(e);
	if (s->scan == NULL)
		goto failed;
	if (have != NULL) {
		s->had = had_new(have, opts->held, e);
		if (s->had == NULL)
			goto failed;
	}
	rc = have != NULL ? begin_after(s, e) : begin_at(s, file, position,
	    e);
	if (rc == 0)
		return s;
failed:	stream_close(s);
	return NULL;
}

void
stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	binlog_close(s->log);
	transactions_free(s->scan);
	had_free(s->had);
	buf_free(&s->gtid);
	buf_free(&s->pieces);
	free(s);
}

/* --- events --- */

static void
piece_end(struct stream *s)
{
	s->ends[s->npieces++] = s->pieces.len;
}

static void
pieces_clear(struct stream *s)
{
	buf_clear(&s->pieces);
	s->npieces = s->next = 0;
}

/* Give the next made event. */
static void
give(struct stream *s, const void **data, size_t *n)
{
	size_t from = s->next == 0 ? 0 : s->ends[s->next - 1];

	*data = s->pieces.data + from;
	*n = s->ends[s->next++] - from;
}

/* A file's head: the artificial ROTATE, then its format description, which
 * is as it stands in the file if the file is read from its beginning. */
static int
begin_file(struct stream *s, const struct binlog_item *item, struct err *e)
{
	bool first = item->seq == s->leg.from_seq &&
	    s->leg.from_offset > item->offset;
	uint64_t at = first ? s->leg.from_offset : MAGIC;

	s->seq = item->seq;
	stream_name(s->at, item->file, s->name, sizeof(s->name));
	s->base = (int64_t)(s->leg_base + stream_bytes(s->opts.timeline,
	    &s->opts.legs[s->at], item->seq, 0));
	s->position = at;
	made_rotate(s->opts.server_id, s->name, at, s->checksum, &s->pieces);
	piece_end(s);
	if (first) {
		made_format(item->event, &s->pieces);
	} else {
		buf_add(&s->pieces, item->event->data, item->event->size);
		s->position += item->event->size;
	}
	piece_end(s);
	s->checksum = item->format->checksum;
	/* What a crash tore off at the end of the file before is void. */
	transactions_begin(s->scan);
	s->fate = FATE_TAKE;
	if (buf_check(&s->pieces, "replay", e) != 0)
		return -1;
	return ledger_file(s->opts.ledger, s->name, s->base, e);
}

/* What becomes of the transaction that this GTID event begins. */
static int
decide(struct stream *s, const struct binlog_item *item, struct err *e)
{
	struct event_gtid g;
	size_t i;

	if (event_gtid(item->event, item->format, &g, e) != 0)
		return -1;
	s->fate = FATE_TAKE;
	if (has(s, &s->leg, &g.gtid)) {
		s->fate = FATE_LEAVE;
		return 0;
	}
	for (i = 0; i < s->opts.nskip && s->fate == FATE_TAKE; i++)
		if (g.gtid.set && gtid_equal(&g.gtid, &s->opts.skip[i]))
			s->fate = FATE_EMPTY;
	if (s->fate == FATE_EMPTY) {
		buf_clear(&s->gtid);
		buf_add(&s->gtid, item->event->data, item->event->size);
	}
	return buf_check(&s->gtid, "a GTID event", e);
}

/* A transaction came to its end. */
static int
done(struct stream *s, const struct transaction *t,
    const struct binlog_item *item, struct err *e)
{
	uint64_t end = item->offset + item->event->size;
	struct event_format f = *item->format;
	struct event gtid;
	bool again;
	size_t i, from;

	if (s->fate == FATE_LEAVE) {
		ledger_pass(s->opts.ledger, (uint64_t)(s->base +
		    (int64_t)end));
		return 0;
	}
	if (ledger_add(s->opts.ledger, t, (uint64_t)(s->base + (int64_t)end),
	    s->fate == FATE_EMPTY, &again, e) != 0)
		return -1;
	if (s->fate == FATE_TAKE)
		return again ? 0 : proof_add(s->opts.proof, t, e);
	if (event_parse((const uint8_t *)s->gtid.data, s->gtid.len, &f, &gtid,
	    e) != 0 ||
	    made_empty(&gtid, item->format, end, &s->pieces, e) != 0)
		return -1;
	for (i = from = 0; i < s->pieces.len; i += from) {
		from = event_size((const uint8_t *)s->pieces.data + i);
		s->ends[s->npieces++] = i + from;
	}
	s->position += s->pieces.len;
	return 0;
}

static bool
is_gtid(const struct event *ev)
{
	return ev->type == EVENT_GTID || ev->type == EVENT_GTID_TAGGED ||
	    ev->type == EVENT_MARIA_GTID || ev->type == EVENT_ANONYMOUS;
}

/* One event of the log: 1 when it is to be given as it is. */
static int
take(struct stream *s, const struct binlog_item *item, struct err *e)
{
	const struct transaction *t;
	const struct event *ev = item->event;
	enum fate fate;

	if (ev->type == EVENT_FORMAT)
		return begin_file(s, item, e);
	/* Where a file ends is told by the next one's artificial ROTATE. */
	if (!item->replayed || ev->type == EVENT_ROTATE ||
	    ev->type == EVENT_STOP)
		return 0;
	if (ev->server_id == s->opts.target_id)
		return err_set(e, ERR_USAGE, 0, "an event bears the target's "
		    "server id %u: it would be passed over in silence",
		    (unsigned)ev->server_id);
	if (is_gtid(ev) && decide(s, item, e) != 0)
		return -1;
	if (transactions_event(s->scan, ev, item->format, item->offset, &t,
	    e) != 0 || (t != NULL && done(s, t, item, e) != 0))
		return -1;
	fate = s->fate;
	if (t != NULL)
		s->fate = FATE_TAKE;
	if (fate == FATE_TAKE)
		s->position += ev->size;
	return fate == FATE_TAKE;
}

static int
next_leg(struct stream *s, struct err *e)
{
	if (s->log != NULL) {
		binlog_close(s->log);
		s->log = NULL;
		s->leg_base += stream_bytes(s->opts.timeline,
		    &s->opts.legs[s->at], s->leg.to_seq, s->leg.to_offset);
		s->at++;
		if (s->at < s->opts.nlegs)
			s->leg = s->opts.legs[s->at];
	}
	if (s->at >= s->opts.nlegs)
		return 0;
	s->log = binlog_open(s->opts.store, s->opts.timeline, &s->leg, e);
	return s->log != NULL ? 1 : -1;
}

int
stream_next(struct stream *s, const void **data, size_t *n, struct err *e)
{
	struct binlog_item item;
	int got;

	for (;;) {
		if (s->next < s->npieces) {
			give(s, data, n);
			return 1;
		}
		pieces_clear(s);
		got = s->log == NULL ? 0 : binlog_next(s->log, &item, e);
		if (got == 0) {
			got = next_leg(s, e);
			if (got <= 0)
				return got;
			continue;
		}
		if (got < 0)
			return -1;
		got = take(s, &item, e);
		if (got < 0)
			return err_wrap(e, "%s:%" PRIu64, item.file,
			    item.offset);
		if (got > 0) {
			*data = item.event->data;
			*n = item.event->size;
			return 1;
		}
	}
}

bool
stream_idle(const struct stream *s)
{
	return transactions_idle(s->scan) && s->next >= s->npieces;
}

bool
stream_heartbeat(const struct stream *s, bool v2, struct buf *out)
{
	if (s->name[0] == '\0')
		return false;
	made_heartbeat(s->opts.server_id, s->name, s->position, s->checksum,
	    v2, out);
	return true;
}
