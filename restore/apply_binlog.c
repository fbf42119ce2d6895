/* SPDX-License-Identifier: Apache-2.0 */
/* apply_binlog: events of rows as BINLOG statements. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/digest.h"
#include "mysql/bytes.h"
#include "mysql/connect.h"

#include "restore/apply_impl.h"

/* Events are sent without checksums: one format for those that come out of
 * payloads and those that were renamed. */
#define CHECKSUM	4
#define STATEMENT_END	1u
#define ROWS_FLAGS	6	/* offset in a rows event's body */
#define STATEMENT_ROOM	64	/* around the events of a statement */

int
binlog_format(struct apply *a, const struct event *ev, struct err *e)
{
	uint8_t *data;

	buf_clear(&a->format);
	buf_add(&a->format, ev->data, ev->size);
	a->format_sent = false;
	if (buf_check(&a->format, "format description", e) != 0)
		return -1;
	data = (uint8_t *)a->format.data;
	data[17] &= (uint8_t)~EVENT_FLAG_IN_USE;
	data[ev->size - CHECKSUM - 1] = 0;
	event_seal(data, ev->size);
	return 0;
}

/* Append bytes in base64 to *out. */
static void
add_base64(struct buf *out, const void *data, size_t n)
{
	size_t len = 4 * ((n + 2) / 3);

	if (buf_reserve(out, len + 1) != 0)
		return;
	base64_encode(data, n, out->data + out->len);
	out->len += len;
}

void
binlog_send_format(struct apply *a)
{
	struct buf *sql;

	/* Not while the session waits for the next GTID. */
	if (!a->maria)
		buf_adds(batch_add(&a->batch),
		    "SET SESSION gtid_next='AUTOMATIC'");
	sql = batch_add(&a->batch);
	buf_adds(sql, "BINLOG '");
	add_base64(sql, a->format.data, a->format.len);
	buf_addc(sql, '\'');
	batch_cut(&a->batch);
	a->format_sent = true;
}

/* An event as it is, but for its checksum. */
static void
add_event(struct buf *out, const struct event *ev)
{
	size_t n = EVENT_HEADER + ev->body_len, at = out->len;

	buf_add(out, ev->data, n);
	if (!out->failed)
		bytes_put_le((uint8_t *)out->data + at + 9, n, 4);
}

/* MariaDB takes the text of two user variables together, where it is too
 * large for one statement. */
static int
send_halves(struct apply *a, struct err *e)
{
	size_t half = (a->events.len / 2 + 2) / 3 * 3;
	struct buf *sql;

	sql = batch_add(&a->batch);
	buf_adds(sql, "SET @kura_0='");
	add_base64(sql, a->events.data, half);
	buf_addc(sql, '\'');
	if (batch_flush(&a->batch, e) != 0)
		return -1;
	sql = batch_add(&a->batch);
	buf_adds(sql, "SET @kura_1='");
	add_base64(sql, a->events.data + half, a->events.len - half);
	buf_addc(sql, '\'');
	if (batch_flush(&a->batch, e) != 0)
		return -1;
	buf_adds(batch_add(&a->batch), "BINLOG @kura_0, @kura_1");
	batch_cut(&a->batch);
	buf_adds(batch_add(&a->batch), "SET @kura_0=NULL,@kura_1=NULL");
	return batch_flush(&a->batch, e);
}

static int
send_large(struct apply *a, size_t n, struct err *e)
{
	size_t max = (size_t)a->o->flavour->max_allowed_packet;

	if (a->maria && n / 2 + STATEMENT_ROOM < max)
		return send_halves(a, e);
	(void)err_set(e, ERR_USAGE, 0, "a row of %zu bytes does not fit the "
	    "target's max_allowed_packet of %zu", a->events.len, max);
	return err_hint(e, "raise it on the target");
}

/* The gathered events end a statement now, whatever the log says: what is
 * left of it follows with its table maps sent again. */
static void
mark_end(struct apply *a)
{
	uint8_t *data = (uint8_t *)a->events.data;

	if (a->last_rows > 0)
		data[a->last_rows + EVENT_HEADER + ROWS_FLAGS] |=
		    STATEMENT_END;
}

static int
send_one(struct apply *a, struct err *e)
{
	size_t n = 4 * ((a->events.len + 2) / 3);
	struct buf *sql;

	if (a->batch.sql.len + n + STATEMENT_ROOM > a->send_max &&
	    batch_flush(&a->batch, e) != 0)
		return -1;
	if (n + STATEMENT_ROOM > a->o->flavour->max_allowed_packet)
		return send_large(a, n, e);
	sql = batch_add(&a->batch);
	buf_adds(sql, "BINLOG '");
	add_base64(sql, a->events.data, a->events.len);
	buf_addc(sql, '\'');
	/* Rows take the mark off that more answers follow. */
	batch_cut(&a->batch);
	a->bytes += n;
	return 0;
}

static int
send(struct apply *a, struct err *e)
{
	int rc = buf_check(&a->events, "events", e);

	if (rc == 0)
		rc = send_one(a, e);
	buf_clear(&a->events);
	a->statement_at = a->last_rows = 0;
	return rc;
}

int
binlog_map(struct apply *a, const struct apply_map *m,
    const struct event *ev, struct err *e)
{
	static const struct event_format plain = { .known = true };
	size_t at = a->maps_sent.len;

	if (at == 0)
		a->statement_at = a->events.len;
	if (a->o->filter == NULL)
		add_event(&a->maps_sent, ev);
	else if (rows_table_rename(ev, &plain, m->schema, m->name,
	    &a->maps_sent, e) != 0)
		return -1;
	buf_add(&a->events, a->maps_sent.data + at, a->maps_sent.len - at);
	return buf_check(&a->maps_sent, "table maps", e);
}

int
binlog_rows(struct apply *a, const struct event *ev, bool last,
    struct err *e)
{
	assert(a->maps_sent.len > 0);
	if (a->last_rows > 0 && a->events.len + ev->size > a->send_max / 2) {
		mark_end(a);
		if (send(a, e) != 0)
			return -1;
		buf_add(&a->events, a->maps_sent.data, a->maps_sent.len);
	}
	a->last_rows = a->events.len;
	add_event(&a->events, ev);
	if (last) {
		buf_clear(&a->maps_sent);
		if (a->events.len >= a->send_max / 2)
			return send(a, e);
	}
	return buf_check(&a->events, "events", e);
}

void
binlog_end(struct apply *a)
{
	if (a->last_rows >= a->statement_at && a->last_rows > 0)
		mark_end(a);
	else if (!a->events.failed)
		/* Maps without rows say nothing. */
		a->events.len = a->statement_at;
	buf_clear(&a->maps_sent);
}

int
binlog_flush(struct apply *a, struct err *e)
{
	if (a->events.len == 0)
		return 0;
	return send(a, e);
}
