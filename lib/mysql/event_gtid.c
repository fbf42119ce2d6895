/* SPDX-License-Identifier: Apache-2.0 */
/* event_gtid: the events that begin transactions. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "mysql/bytes.h"

#include "mysql/event.h"

/* Commit times have 55 bits, the 56th says that the original follows. */
#define COMMIT_BYTES 7
#define COMMIT_MORE ((uint64_t)1 << 55)

enum {
	MARIA_STANDALONE = 1, MARIA_GROUP_COMMIT = 2, MARIA_DDL = 32,
	MARIA_PREPARED_XA = 64, MARIA_COMPLETED_XA = 128,
};
enum {
	MARIA_MULTI_ENGINE = 1, MARIA_START_ALTER = 2,
	MARIA_COMMIT_ALTER = 4, MARIA_ROLLBACK_ALTER = 8,
};

static int
corrupt(const struct event *ev, const char *field, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "%s event: wrong %s",
	    event_name(ev->type), field);
}

/* A number of a server that counts in signed ones. */
static int
check_number(const struct event *ev, const struct event_gtid *g,
    struct err *e)
{
	if (g->gtid.number == 0 || (g->gtid.kind == FLAVOUR_MYSQL &&
	    g->gtid.number >= INT64_MAX))
		return corrupt(ev, "number", e);
	return 0;
}

static int
parse_mysql(const struct event *ev, struct event_gtid *g, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	const uint8_t *uuid;
	uint64_t time;

	(void)bytes_le(&b, 1);
	uuid = bytes_take(&b, sizeof(g->gtid.uuid));
	g->gtid.number = bytes_le(&b, 8);
	if (b.bad)
		return corrupt(ev, "size", e);
	memcpy(g->gtid.uuid, uuid, sizeof(g->gtid.uuid));
	g->gtid.set = ev->type == EVENT_GTID;
	if (g->gtid.set && check_number(ev, g, e) != 0)
		return -1;
	/* Logical times have a type, 2; what follows came with later
	 * versions, one after another. */
	if (b.left == 0 || bytes_le(&b, 1) != 2)
		return 0;
	g->last_committed = (int64_t)bytes_le(&b, 8);
	g->sequence = (int64_t)bytes_le(&b, 8);
	if (b.bad)
		return corrupt(ev, "logical times", e);
	if (b.left < COMMIT_BYTES)
		return 0;
	time = bytes_le(&b, COMMIT_BYTES);
	g->commit_us = g->original_us = (int64_t)(time & ~COMMIT_MORE);
	if ((time & COMMIT_MORE) != 0)
		g->original_us = (int64_t)(bytes_le(&b, COMMIT_BYTES) &
		    ~COMMIT_MORE);
	if (b.left > 0)
		g->length = bytes_lenenc(&b);
	if (b.bad)
		return corrupt(ev, "commit times", e);
	return 0;
}

/* An integer of MySQL's serialization library: as many bytes as its first
 * has ones at the low end, and one; the bits above those and a zero are the
 * value's lowest. */
static uint64_t
varint(struct bytes *b)
{
	uint64_t first = bytes_le(b, 1), rest;
	unsigned n = 0;

	while (n < 8 && (first >> n & 1) != 0)
		n++;
	rest = bytes_le(b, n);
	if (n == 8)
		return rest;
	return first >> (n + 1) | rest << (7 - n);
}

static int64_t
varint_signed(struct bytes *b)
{
	uint64_t v = varint(b);

	return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

static void
tag_field(struct bytes *b, struct event_gtid *g)
{
	uint64_t n = varint(b), i;
	const uint8_t *p = bytes_take(b, n);

	for (i = 0; p != NULL && i < n; i++) {
		if (i == GTID_TAG_MAX || (p[i] != '_' &&
		    !(p[i] >= 'a' && p[i] <= 'z') &&
		    !(i > 0 && p[i] >= '0' && p[i] <= '9'))) {
			b->bad = true;
			return;
		}
		g->gtid.tag[i] = (char)p[i];
	}
}

/* One field of the message, by its number; false: not one that we know. */
static bool
field(struct bytes *b, uint64_t id, struct event_gtid *g)
{
	size_t i;

	switch (id) {
	case 0:		/* flags */
	case 9:		/* versions of the servers */
	case 10:
	case 11:	/* ticket of a commit group */
		(void)varint(b);
		return true;
	case 1:
		for (i = 0; i < sizeof(g->gtid.uuid); i++)
			g->gtid.uuid[i] = (uint8_t)varint(b);
		return true;
	case 2:
		g->gtid.number = (uint64_t)varint_signed(b);
		return true;
	case 3:
		tag_field(b, g);
		return true;
	case 4:
		g->last_committed = varint_signed(b);
		return true;
	case 5:
		g->sequence = varint_signed(b);
		return true;
	case 6:
		g->commit_us = (int64_t)varint(b);
		return true;
	case 7:
		g->original_us = (int64_t)varint(b);
		return true;
	case 8:
		g->length = varint(b);
		return true;
	default:
		return false;
	}
}

/* A message of MySQL's serialization library: version, size of the whole,
 * the last field that may not be ignored, then fields by rising numbers. */
static int
parse_tagged(const struct event *ev, struct event_gtid *g, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	uint64_t version = varint(&b), size = varint(&b), last = varint(&b);
	uint64_t id, before = 0;

	if (b.bad || version != 1 || size != ev->body_len)
		return corrupt(ev, "frame", e);
	g->gtid.set = true;
	for (; b.left > 0; before = id) {
		id = varint(&b);
		if (b.bad || id < before)
			return corrupt(ev, "field", e);
		if (field(&b, id, g))
			continue;
		/* Fields of a later version: their lengths are not told. */
		if (id <= last)
			return corrupt(ev, "field", e);
		break;
	}
	if (b.bad)
		return corrupt(ev, "field", e);
	if (g->original_us == 0)
		g->original_us = g->commit_us;
	if (g->commit_us < 0 || g->original_us < 0)
		return corrupt(ev, "commit times", e);
	return check_number(ev, g, e);
}

static int
parse_mariadb(const struct event *ev, struct event_gtid *g, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	unsigned flags, extra;
	uint64_t n;

	g->gtid.set = true;
	g->gtid.kind = FLAVOUR_MARIADB;
	g->gtid.number = bytes_le(&b, 8);
	g->gtid.domain = (uint32_t)bytes_le(&b, 4);
	g->gtid.server = ev->server_id;
	flags = (unsigned)bytes_le(&b, 1);
	g->standalone = (flags & MARIA_STANDALONE) != 0;
	g->ddl = (flags & MARIA_DDL) != 0;
	g->xa_prepare = (flags & MARIA_PREPARED_XA) != 0;
	g->xa_complete = (flags & MARIA_COMPLETED_XA) != 0;
	if ((flags & MARIA_GROUP_COMMIT) != 0)
		(void)bytes_le(&b, 8);
	if (g->xa_prepare || g->xa_complete) {
		(void)bytes_le(&b, 4);
		n = bytes_le(&b, 1);
		n += bytes_le(&b, 1);
		(void)bytes_take(&b, n);
	}
	/* What follows may be zeros that only fill it up. */
	extra = b.left == 0 ? 0 : (unsigned)bytes_le(&b, 1);
	if ((extra & MARIA_MULTI_ENGINE) != 0)
		(void)bytes_le(&b, 1);
	if ((extra & MARIA_START_ALTER) != 0)
		g->start_alter = g->gtid.number;
	if ((extra & (MARIA_COMMIT_ALTER | MARIA_ROLLBACK_ALTER)) != 0) {
		n = bytes_le(&b, 8);
		if ((extra & MARIA_COMMIT_ALTER) != 0)
			g->commit_alter = n;
		else
			g->rollback_alter = n;
	}
	if (b.bad)
		return corrupt(ev, "size", e);
	return check_number(ev, g, e);
}

int
event_gtid(const struct event *ev, const struct event_format *f,
    struct event_gtid *g, struct err *e)
{
	(void)f;
	*g = (struct event_gtid){0};
	switch (ev->type) {
	case EVENT_MARIA_GTID:
		return parse_mariadb(ev, g, e);
	case EVENT_GTID_TAGGED:
		return parse_tagged(ev, g, e);
	default:
		assert(ev->type == EVENT_GTID || ev->type == EVENT_ANONYMOUS);
		return parse_mysql(ev, g, e);
	}
}
