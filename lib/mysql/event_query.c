/* SPDX-License-Identifier: Apache-2.0 */
/* event_query: statements, XA identifiers, and MariaDB's compressed events. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/bytes.h"

#include "mysql/event.h"

/* zlib makes at most 1032 bytes of one: more than that is a lie about the
 * size, found before memory is taken for it. */
#define ZLIB_RATIO 1032

#define XID_PART_MAX 64

static int
corrupt(const struct event *ev, const char *field, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "%s event: wrong %s",
	    event_name(ev->type), field);
}

/* MariaDB's compressed bytes: a head with algorithm (0: zlib) and the length
 * of the length, the uncompressed length, a zlib stream; appended to *out. */
static int
uncompress_bytes(const struct event *ev, struct bytes b, struct buf *out,
    struct err *e)
{
	unsigned head = (unsigned)bytes_le(&b, 1);
	uint64_t len;
	uLongf n;

	if ((head & 0xe0) != 0x80 || (head & 0x70) != 0 ||
	    (head & 7) < 1 || (head & 7) > 4)
		return corrupt(ev, "head of compressed bytes", e);
	len = bytes_be(&b, head & 7);
	if (b.bad || len == 0 || len > EVENT_MAX ||
	    len > (uint64_t)b.left * ZLIB_RATIO)
		return corrupt(ev, "length of compressed bytes", e);
	if (buf_reserve(out, (size_t)len) != 0)
		return buf_check(out, "compressed event", e);
	n = (uLongf)len;
	if (uncompress((Bytef *)out->data + out->len, &n, b.at,
	    (uLong)b.left) != Z_OK || n != len)
		return corrupt(ev, "compressed bytes", e);
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

int
event_query(const struct event *ev, const struct event_format *f,
    struct event_query *q, struct buf *room, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	size_t at;

	(void)f;
	assert(ev->type == EVENT_QUERY ||
	    ev->type == EVENT_EXECUTE_LOAD_QUERY ||
	    ev->type == EVENT_MARIA_QUERY_COMPRESSED);
	*q = (struct event_query){0};
	q->thread = (uint32_t)bytes_le(&b, 4);
	(void)bytes_le(&b, 4);
	q->schema_len = (size_t)bytes_le(&b, 1);
	q->error = (uint16_t)bytes_le(&b, 2);
	q->status_len = (size_t)bytes_le(&b, 2);
	if (ev->type == EVENT_EXECUTE_LOAD_QUERY) {
		q->load_file = (uint32_t)bytes_le(&b, 4);
		q->load_from = (size_t)bytes_le(&b, 4);
		q->load_to = (size_t)bytes_le(&b, 4);
		q->load_duplicates = (unsigned)bytes_le(&b, 1);
	}
	q->status = bytes_take(&b, q->status_len);
	q->schema = (const char *)bytes_take(&b, q->schema_len);
	(void)bytes_le(&b, 1);
	if (b.bad)
		return corrupt(ev, "size", e);
	q->sql = (const char *)b.at;
	q->sql_len = b.left;
	if (ev->type == EVENT_MARIA_QUERY_COMPRESSED) {
		at = room->len;
		if (uncompress_bytes(ev, b, room, e) != 0)
			return -1;
		q->sql = room->data + at;
		q->sql_len = room->len - at;
	}
	return 0;
}

static void
hex_text(struct buf *out, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	buf_adds(out, "X'");
	for (i = 0; i < n; i++) {
		buf_addc(out, hex[p[i] >> 4]);
		buf_addc(out, hex[p[i] & 15]);
	}
	buf_addc(out, '\'');
}

int
event_xa(const struct event *ev, bool *one_phase, struct buf *text,
    struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	uint64_t format, gtrid_len, bqual_len;
	const uint8_t *gtrid, *bqual;

	assert(ev->type == EVENT_XA_PREPARE);
	*one_phase = bytes_le(&b, 1) != 0;
	format = bytes_le(&b, 4);
	gtrid_len = bytes_le(&b, 4);
	bqual_len = bytes_le(&b, 4);
	if (b.bad || gtrid_len > XID_PART_MAX || bqual_len > XID_PART_MAX)
		return corrupt(ev, "length of its XID", e);
	gtrid = bytes_take(&b, gtrid_len);
	bqual = bytes_take(&b, bqual_len);
	if (b.bad)
		return corrupt(ev, "length of its XID", e);
	hex_text(text, gtrid, (size_t)gtrid_len);
	buf_addc(text, ',');
	hex_text(text, bqual, (size_t)bqual_len);
	buf_addf(text, ",%" PRIu64, format);
	return buf_check(text, "XID", e);
}

/* The plain type of a compressed rows event. */
static uint8_t
plain_type(uint8_t type)
{
	return (uint8_t)(type >= EVENT_MARIA_WRITE_COMPRESSED ?
	    type - EVENT_MARIA_WRITE_COMPRESSED + EVENT_WRITE :
	    type - EVENT_MARIA_WRITE_COMPRESSED_V1 + EVENT_WRITE_V1);
}

/* Up to the masks of columns nothing is compressed. */
static int
uncompress_rows(const struct event *ev, struct buf *plain, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	uint8_t type, *header;
	uint64_t mask;
	size_t head;

	assert(ev->type >= EVENT_MARIA_WRITE_COMPRESSED_V1 &&
	    ev->type <= EVENT_MARIA_DELETE_COMPRESSED);
	type = plain_type(ev->type);
	(void)bytes_take(&b, 8);
	if (type >= EVENT_WRITE) {
		/* The length of extra data counts itself. */
		mask = bytes_le(&b, 2);
		if (mask < 2)
			return corrupt(ev, "extra data", e);
		(void)bytes_take(&b, mask - 2);
	}
	mask = bytes_lenenc(&b);
	if (mask > UINT16_MAX)
		return corrupt(ev, "number of columns", e);
	mask = (mask + 7) / 8;
	(void)bytes_take(&b, mask);
	if (type == EVENT_UPDATE || type == EVENT_UPDATE_V1)
		(void)bytes_take(&b, mask);
	if (b.bad)
		return corrupt(ev, "size", e);
	head = (size_t)(b.at - ev->data);
	buf_add(plain, ev->data, head);
	if (uncompress_bytes(ev, b, plain, e) != 0)
		return -1;
	if (plain->len > EVENT_MAX)
		return corrupt(ev, "length of compressed bytes", e);
	header = (uint8_t *)plain->data;
	header[4] = type;
	bytes_put_le(header + 9, plain->len, 4);
	return 0;
}

int
event_uncompress(const struct event *ev, const struct event_format *f,
    struct buf *room, struct event *inner, struct event_format *plain,
    struct err *e)
{
	*plain = *f;
	plain->checksum = false;
	buf_clear(room);
	return uncompress_rows(ev, room, e) != 0 ? -1 : event_parse(
	    (const uint8_t *)room->data, room->len, plain, inner, e);
}
