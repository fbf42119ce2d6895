/* SPDX-License-Identifier: Apache-2.0 */
/* wire_dump: what a replica says to its source. */
#include <assert.h>
#include <string.h>

#include "mysql/gtid.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"

#include "mysql/wire_impl.h"

/* Send what was put together, and free it. */
static int
send(struct wire *w, enum wire_state state, struct buf *b, struct err *e)
{
	int rc = buf_check(b, "command", e);

	if (rc == 0)
		rc = wire_command(w, state, NULL, 0, b->data, b->len, e);
	buf_free(b);
	return rc;
}

int
wire_register(struct wire *w, uint32_t server_id, struct err *e)
{
	struct buf b = {0};

	packet_put_int(&b, COM_REGISTER_SLAVE, 1);
	packet_put_int(&b, server_id, 4);
	/* Host, user, password and port under which nobody will call. */
	packet_put_int(&b, 0, 3);
	packet_put_int(&b, 0, 2);
	packet_put_int(&b, 0, 4);		/* rank: unused */
	packet_put_int(&b, 0, 4);		/* the source's own id */
	return send(w, STATE_SIMPLE, &b, e);
}

int
wire_dump(struct wire *w, uint32_t server_id, const char *file,
    uint64_t position, uint16_t flags, struct err *e)
{
	struct buf b = {0};

	if (position > UINT32_MAX)
		return err_set(e, ERR_USAGE, 0, "%s: position %llu is beyond "
		    "4 GiB, which only a dump by GTID can ask for", file,
		    (unsigned long long)position);
	packet_put_int(&b, COM_BINLOG_DUMP, 1);
	packet_put_int(&b, position, 4);
	packet_put_int(&b, flags, 2);
	packet_put_int(&b, server_id, 4);
	buf_adds(&b, file);
	return send(w, STATE_STREAM, &b, e);
}

int
wire_dump_gtid(struct wire *w, uint32_t server_id, const char *file,
    uint64_t position, uint16_t flags, const struct gtid_set *set,
    struct err *e)
{
	struct buf b = {0}, encoded = {0};

	if (gtid_set_encode(set, &encoded, e) != 0 ||
	    buf_check(&encoded, "GTID set", e) != 0) {
		buf_free(&encoded);
		return -1;
	}
	packet_put_int(&b, COM_BINLOG_DUMP_GTID, 1);
	packet_put_int(&b, flags, 2);
	packet_put_int(&b, server_id, 4);
	packet_put_int(&b, strlen(file), 4);
	buf_adds(&b, file);
	packet_put_int(&b, position, 8);
	packet_put_int(&b, encoded.len, 4);
	buf_add(&b, encoded.data, encoded.len);
	buf_free(&encoded);
	return send(w, STATE_STREAM, &b, e);
}

void
wire_semisync(struct wire *w)
{
	w->semisync = true;
}

bool
wire_is_semisync(const struct wire *w)
{
	return w->semisync;
}

int
wire_ack(struct wire *w, const char *file, uint64_t position, struct err *e)
{
	struct buf b = {0};
	int rc;

	assert(w->semisync);
	/* What waited for an acknowledgement may be over meanwhile. */
	if (w->state != STATE_STREAM)
		return err_set(e, ERR_AGAIN, 0, "the stream to be "
		    "acknowledged is over");
	packet_put_int(&b, SEMISYNC_MAGIC, 1);
	packet_put_int(&b, position, 8);
	buf_adds(&b, file);
	rc = buf_check(&b, "acknowledgement", e);
	/* It stands outside the stream's numbers. */
	if (rc == 0)
		rc = wire_link_aside(w->link, b.data, b.len, e);
	buf_free(&b);
	return rc;
}
