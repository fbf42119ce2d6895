/* SPDX-License-Identifier: Apache-2.0 */
/* follow_read: what a source sends, event by event, into its open segment. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "catalog/segment.h"

#include "backupd/follow_impl.h"
#include "backupd/follow_spool.h"

#define TURN ((size_t)2 << 20)	/* bytes of events taken at once */

/* --- is anything missing? --- */

/* Bytes are missing before file: another history must begin with it. */
static int
gap(struct follow *f, const char *file, struct err *e)
{
	(void)snprintf(f->gap, sizeof(f->gap), "%s", file);
	tail_clear(&f->tail);
	return err_set(e, ERR_EXISTS, 0, "%s does not follow what is "
	    "archived", file);
}

/* A file's list of the GTIDs before it: they must be those that were seen. */
static int
check_list(struct follow *f, const struct event *ev, struct err *e)
{
	struct gtid_set *list = gtid_set_new(f->stream.format.mariadb ?
	    FLAVOUR_MARIADB : FLAVOUR_MYSQL, e);
	bool joins = true;

	if (list == NULL || event_gtid_set(ev, list, e) != 0) {
		gtid_set_free(list);
		return -1;
	}
	if (f->gtids != NULL)
		joins = gtid_set_includes(list, f->gtids) &&
		    (!f->gtids_whole || gtid_set_includes(f->gtids, list));
	gtid_set_free(f->gtids);
	f->gtids = list;
	f->gtids_whole = true;
	return joins ? 0 : gap(f, f->stream.name, e);
}

static int
seen(struct follow *f, const struct gtid *g, struct err *e)
{
	if (!g->set)
		return 0;
	if (f->gtids == NULL)
		f->gtids = gtid_set_new(g->kind, e);
	return f->gtids == NULL ? -1 : gtid_set_add(f->gtids, g, e);
}

/* --- events --- */

/* Put the event's bytes into the tail: 1 when all are there, 0 when there is
 * no memory. */
static int
feed(struct follow *f, struct err *e)
{
	const struct event *ev = &f->event.ev;
	uint64_t offset = f->event.offset, to = offset + ev->size, at;
	struct tail *t = &f->tail;
	const void *from;
	size_t added;

	while (t->end < to) {
		if (follow_spool_busy(f))
			return 0;
		at = t->end;
		/* The first event comes behind the file's magic. */
		from = at < offset ? (const void *)&EVENT_MAGIC[at] :
		    ev->data + (at - offset);
		if (at < offset && (offset != 4 || at > 4))
			return err_set(e, ERR_CORRUPT, 0, "%s at %" PRIu64
			    ": bytes are missing", f->stream.name, at);
		added = tail_add(t, from, (size_t)((at < offset ? offset :
		    to) - at));
		sha256_add(f->sha, from, added);
		follow_spool_bytes(f, from, added);
		if (added > 0)
			continue;
		if (t->starved)
			return 0;
		/* The segment is full: the transaction stays whole, if it is
		 * not all of it. */
		if (follow_send(f, t->boundary > t->start ? t->boundary :
		    t->end, e) != 0)
			return -1;
	}
	return 1;
}

static int
fed(struct follow *f, struct err *e)
{
	const struct transaction *done = f->event.done;
	struct buf line = {0};
	int rc = 0;

	f->feeding = false;
	f->failures = 0;
	if (done != NULL) {
		if (seen(f, &done->gtid.gtid, e) != 0)
			return -1;
		transaction_line(done, &line);
		rc = buf_check(&line, "index line", e);
		if (rc == 0)
			tail_line(&f->tail, &line, done->time_us);
		if (rc == 0)
			follow_spool_line(f, &line);
		buf_free(&line);
	}
	if (stream_between(&f->stream)) {
		f->tail.boundary = f->tail.end;
		follow_spool_between(f);
	}
	if (rc == 0 && f->opts.ack) {
		follow_ack_event(f, f->ack_wanted);
		rc = follow_ack_due(f, e);
	}
	return rc;
}

static bool
is_later(const char *name, const char *than)
{
	uint64_t a, b;
	size_t base, same;

	return stream_name_split(name, &base, &a) &&
	    stream_name_split(than, &same, &b) && base == same &&
	    memcmp(name, than, base) == 0 && a > b;
}

/* The file is over, and another begins. */
static int
turn(struct follow *f, struct err *e)
{
	bool whole = f->tail.boundary == f->tail.end;
	uint8_t sha256[SHA256_SIZE];
	char next[STREAM_NAME_MAX];
	uint32_t seq = f->tail.seq;

	stream_name_add(f->stream.name, 1, next);
	if (!f->stream.closed)
		log_event(LOG_WARN_, "the server crashed: the file ends with "
		    "its last whole transaction", "source", f->opts.source,
		    "file", f->stream.name, NULL);
	follow_spool_turn(f);
	sha256_finish(f->sha, sha256);
	if (follow_flush(f, e) != 0 || follow_ended(f, seq, f->stream.name,
	    f->sha_known && whole ? sha256 : NULL, e) != 0)
		return -1;
	follow_finish(f, clock_mono_ms());
	f->sha_known = true;
	if (strcmp(next, f->event.name) != 0)
		return is_later(f->event.name, next) ? gap(f, f->event.name,
		    e) : err_set(e, ERR_AGAIN, 0, "%s comes after %s",
		    f->event.name, f->stream.name);
	stream_file_next(&f->stream, next);
	tail_begin(&f->tail, seq + 1, 0);
	return 0;
}

/* The next event of the carry or the link: 1, 0 when there is none yet. */
static int
next_event(struct follow *f, const uint8_t **data, size_t *n, struct err *e)
{
	bool ack = false;

	if (f->carried < f->carry.len) {
		*data = (const uint8_t *)f->carry.data + f->carried;
		*n = event_size(*data);
		f->carried += *n;
		f->ack_wanted = false;
		return 1;
	}
	switch (link_next(f->link, e)) {
	case WIRE_BINLOG:
		wire_binlog(link_wire(f->link), data, n, &ack);
		f->ack_wanted = ack;
		return 1;
	case WIRE_WAIT:
		return 0;
	case WIRE_END:
		return err_set(e, ERR_AGAIN, 0, "the server ended the dump");
	default:
		return -1;
	}
}

/* Take one event: 1, 0 when there is none or no memory. */
static int
step(struct follow *f, size_t *taken, struct err *e)
{
	const uint8_t *data;
	size_t n;
	int rc;

	if (!f->feeding) {
		rc = next_event(f, &data, &n, e);
		if (rc <= 0)
			return rc;
		*taken += n;
		if (stream_take(&f->stream, data, n, &f->event, e) != 0)
			return -1;
		if (f->event.what == STREAM_FILE)
			return turn(f, e) == 0 ? 1 : -1;
		if (f->event.what != STREAM_BYTES)
			return 1;
		if ((f->event.ev.type == EVENT_PREVIOUS_GTIDS ||
		    f->event.ev.type == EVENT_MARIA_GTID_LIST) &&
		    check_list(f, &f->event.ev, e) != 0)
			return -1;
		if (f->event.ev.time != 0)
			f->lag.event_us = clock_from_system(
			    (int64_t)f->event.ev.time * 1000000);
		f->feeding = true;
	}
	rc = feed(f, e);
	return rc == 1 ? fed(f, e) == 0 ? 1 : -1 : rc;
}

/* With --stop-at-end: is all there that was when it began? */
static bool
at_end(const struct follow *f)
{
	return f->shared->stop_at_end && !f->feeding &&
	    (f->tail.seq > f->end_seq || (f->tail.seq == f->end_seq &&
	    f->stream.offset >= f->end_position));
}

int
follow_read(struct follow *f, struct err *e)
{
	size_t taken = 0;
	int rc = 1;

	f->busy = false;
	while (rc == 1) {
		f->busy = taken >= TURN;
		if (f->busy)
			break;
		rc = step(f, &taken, e);
		if (rc == -1)
			return -1;
		if (at_end(f)) {
			follow_end(f);
			return 0;
		}
		if (rc == 1)
			continue;
		if (f->feeding)
			break;
		rc = link_read(f->link, e);
		if (rc == -1)
			return -1;
		if (rc == 0)
			break;
		f->heard_ms = clock_mono_ms();
	}
	rc = link_write(f->link, e);
	if (rc == -1)
		return -1;
	follow_watch(f, (f->feeding ? 0 : EPOLLIN) | (rc == 1 ? EPOLLOUT : 0));
	return 0;
}

