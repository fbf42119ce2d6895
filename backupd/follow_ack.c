/* SPDX-License-Identifier: Apache-2.0 */
/* follow_ack: commits of a source that wait until they are stored. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"

#include "backupd/follow_impl.h"
#include "backupd/follow_spool.h"

#define FLIGHT_MAX 4		/* segments on their way: what comes meanwhile
				 * goes in one */

/* The server stopped waiting, or waits again. */
static void
turned(struct follow *f, bool acked)
{
	char seconds[32];

	if (acked && f->alone_us != 0) {
		(void)snprintf(seconds, sizeof(seconds), "%.1f",
		    (double)(clock_now_us() - f->alone_us) / 1e6);
		log_event(LOG_WARN_, "commits wait for the archive again",
		    "source", f->opts.source, "without_s", seconds, NULL);
		f->alone_us = 0;
		follow_tell(f, FOLLOW_ACKED, "commits wait for the archive "
		    "again");
	}
	if (!acked && f->acked && f->alone_us == 0) {
		f->alone_us = clock_now_us();
		log_event(LOG_ERROR_, "commits do not wait for the archive "
		    "any more: what is lost now may be lost for good",
		    "source", f->opts.source, NULL);
		follow_tell(f, FOLLOW_UNACKED, "commits do not wait for the "
		    "archive any more: what is lost now may be lost for "
		    "good");
	}
	f->acked |= acked;
	f->was_acked |= acked;
}

static size_t
in_flight(const struct follow *f)
{
	const struct follow_upload *u;
	size_t n = 0;

	for (u = f->first; u != NULL; u = u->next)
		n += !u->sent;
	return n;
}

void
follow_ack_event(struct follow *f, bool ack)
{
	/* Only the last event of a transaction is waited for. */
	if (ack || f->event.done != NULL)
		turned(f, ack);
	if (!ack)
		return;
	f->ack_seq = f->tail.seq;
	f->ack_offset = f->tail.end;
	follow_spool_wanted(f);
}

int
follow_ack_due(struct follow *f, struct err *e)
{
	if (follow_spool_running(f)) {
		follow_spool_due(f);
		return 0;
	}
	/* What is wanted and already on its way is not in the tail. */
	if (f->ack_offset == 0 || f->ack_seq != f->tail.seq ||
	    f->ack_offset <= f->tail.start ||
	    f->tail.boundary <= f->tail.start || in_flight(f) >= FLIGHT_MAX)
		return 0;
	return follow_send(f, f->tail.boundary, e);
}

int
follow_ack_say(struct follow *f, uint32_t seq, uint64_t offset,
    struct err *e)
{
	char name[STREAM_NAME_MAX];
	int rc;

	stream_name_add(f->stream.name, (int64_t)seq - (int64_t)f->tail.seq,
	    name);
	if (wire_ack(link_wire(f->link), name, offset, e) != 0)
		return -1;
	rc = link_write(f->link, e);
	if (rc == 1)
		follow_watch(f, (f->feeding ? 0 : EPOLLIN) | EPOLLOUT);
	return rc < 0 ? -1 : 0;
}

int
follow_ack_begin(struct follow *f, struct err *e)
{
	if (f->tail.start == 0 || !wire_is_semisync(link_wire(f->link)))
		return 0;
	return follow_ack_say(f, f->tail.seq, f->tail.start, e);
}

int
follow_ack(struct follow *f, uint32_t seq, uint64_t offset, struct err *e)
{
	if (f->ack_offset == 0 || seq > f->ack_seq)
		return 0;
	if (seq == f->ack_seq && offset >= f->ack_offset)
		f->ack_offset = 0;
	return follow_ack_say(f, seq, offset, e);
}
