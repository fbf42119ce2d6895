/* SPDX-License-Identifier: Apache-2.0 */
/* made: binary log events that no log holds. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "restore/made.h"

#define CHECKSUM 4u
#define POST_QUERY 13u		/* thread, seconds, schema, error, status */
#define MARIA_GTID_BODY 19u
#define MARIA_FLAGS 12u		/* where its flags stand in the body */
#define FORMAT_CREATED (EVENT_HEADER + 2u + 50u)
#define NEXT_AT 13u		/* of the header: end_log_pos, then flags */
#define FLAGS_AT 17u

static void
put(uint8_t *at, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

/* Header and body, and the checksum over both. */
static void
add_event(unsigned type, uint32_t server_id, uint32_t time, uint64_t next,
    unsigned flags, const void *body, size_t n, bool checksum,
    struct buf *out)
{
	size_t size = EVENT_HEADER + n + (checksum ? CHECKSUM : 0);
	uint8_t head[EVENT_HEADER];
	static const uint8_t room[CHECKSUM];

	put(head, time, 4);
	head[4] = (uint8_t)type;
	put(head + 5, server_id, 4);
	put(head + 9, size, 4);
	put(head + NEXT_AT, next, 4);
	put(head + FLAGS_AT, flags, 2);
	buf_add(out, head, sizeof(head));
	buf_add(out, body, n);
	if (!checksum)
		return;
	buf_add(out, room, sizeof(room));
	if (!out->failed)
		event_seal((uint8_t *)out->data + out->len - size, size);
}

void
made_rotate(uint32_t server_id, const char *file, uint64_t position,
    bool checksum, struct buf *out)
{
	struct buf body = {0};
	uint8_t at[8];

	put(at, position, sizeof(at));
	buf_add(&body, at, sizeof(at));
	buf_adds(&body, file);
	add_event(EVENT_ROTATE, server_id, 0, 0, EVENT_FLAG_ARTIFICIAL,
	    buf_str(&body), body.len, checksum, out);
	out->failed |= body.failed;
	buf_free(&body);
}

void
made_format(const struct event *format, struct buf *out)
{
	size_t n = format->size;
	uint8_t *data;

	buf_add(out, format->data, n);
	if (out->failed || n < FORMAT_CREATED + 4)
		return;
	data = (uint8_t *)out->data + out->len - n;
	put(data + NEXT_AT, 0, 4);
	put(data + FORMAT_CREATED, 0, 4);
	/* Its own checksum is there whatever it says of the others. */
	event_seal(data, n);
}

void
made_heartbeat(uint32_t server_id, const char *file, uint64_t position,
    bool checksum, bool v2, struct buf *out)
{
	struct buf body = {0};
	size_t n = strlen(file);
	uint8_t at[9];

	if (!v2) {
		add_event(EVENT_HEARTBEAT, server_id, 0, position, 0, file, n,
		    checksum, out);
		return;
	}
	/* Type, length, value: the name, then a length-encoded number; its
	 * 8-byte form begins with 254. */
	buf_addc(&body, 1);
	buf_addc(&body, (char)(n < 251 ? n : 250));
	buf_add(&body, file, n < 251 ? n : 250);
	at[0] = 254;
	put(at + 1, position, 8);
	buf_addc(&body, 2);
	buf_addc(&body, (char)sizeof(at));
	buf_add(&body, at, sizeof(at));
	buf_addc(&body, 0);
	add_event(EVENT_HEARTBEAT_V2, server_id, 0, 0, 0, buf_str(&body),
	    body.len, checksum, out);
	out->failed |= body.failed;
	buf_free(&body);
}

static void
add_query(const struct event *like, const char *sql, uint64_t end,
    bool checksum, struct buf *out)
{
	uint8_t body[POST_QUERY + 1 + 8] = {0};
	size_t n = strlen(sql);

	/* No schema, no status variables, no error: the post-header is all
	 * zero, and so is the byte that ends the schema's name. */
	memcpy(body + POST_QUERY + 1, sql, n);
	add_event(EVENT_QUERY, like->server_id, like->time, end, 0, body,
	    POST_QUERY + 1 + n, checksum, out);
}

int
made_empty(const struct event *gtid, const struct event_format *f,
    uint64_t end, struct buf *out, struct err *e)
{
	uint8_t body[MARIA_GTID_BODY];

	if (gtid->type == EVENT_MARIA_GTID) {
		if (gtid->body_len < MARIA_FLAGS + 1)
			return err_set(e, ERR_CORRUPT, 0, "Gtid event: too "
			    "short");
		/* Neither a statement by itself nor part of a group or of an
		 * ALTER in two steps: it begins what COMMIT ends. */
		memset(body, 0, sizeof(body));
		memcpy(body, gtid->body, MARIA_FLAGS);
		add_event(EVENT_MARIA_GTID, gtid->server_id, gtid->time, end,
		    0, body, sizeof(body), f->checksum, out);
	} else {
		buf_add(out, gtid->data, gtid->size);
		add_query(gtid, "BEGIN", end, f->checksum, out);
	}
	add_query(gtid, "COMMIT", end, f->checksum, out);
	return buf_check(out, "an empty transaction", e);
}
