/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binlog: archived binary logs read back as events, in log order.
 *
 * Life cycle: binlog_open with a leg of a route; binlog_next until 0;
 * binlog_close.  Segments are fetched ahead within the store's budget,
 * decompressed as they come, and every event's framing and checksum is
 * checked; damage is ERR_CORRUPT naming the object.  Memory: one event plus
 * the store's parts.
 */
#ifndef CATALOG_BINLOG_H
#define CATALOG_BINLOG_H

#include "catalog/timeline.h"
#include "mysql/event.h"

struct binlog;

struct binlog_item {
	uint32_t seq;
	const char *file;	/* name of the binary log */
	uint64_t offset;
	bool replayed;		/* false: before the leg's first event (only
				 * a file's format description, and what comes
				 * with it), so that events can be read */
	const struct event *event;
	const struct event_format *format;
};

struct binlog *binlog_open(struct store *s, const struct timeline *t,
    const struct route_leg *leg, struct err *e);
/* The next event: 1 with *item, borrowed until the next call; 0 at the leg's
 * end; -1. Each file's format description comes first. */
int binlog_next(struct binlog *b, struct binlog_item *item, struct err *e);
/* After a failure: it is that the file or the leg ends within an event. */
bool binlog_torn(const struct binlog *b);
void binlog_close(struct binlog *b);

/* What reading a leg takes: objects and their stored bytes, added. */
int binlog_cost(const struct timeline *t, const struct route_leg *leg,
    uint64_t *objects, uint64_t *stored, struct err *e);

#endif /* !CATALOG_BINLOG_H */
