/* SPDX-License-Identifier: Apache-2.0 */
/* event: binary log events: their frame, and those that frame files. */
#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "mysql/bytes.h"

#include "mysql/event.h"

#define CHECKSUM 4
#define FLAGS_AT 17

/* A format description: version of the log, of the server, time, length of
 * headers; then the lengths of post-headers and the checksum's algorithm. */
#define FORMAT_VERSION 50
#define FORMAT_FIXED (2 + FORMAT_VERSION + 4 + 1)

static const struct {
	uint8_t type;
	const char *name;
} names[] = {
	{ EVENT_QUERY, "Query" }, { EVENT_STOP, "Stop" },
	{ EVENT_ROTATE, "Rotate" }, { EVENT_INTVAR, "Intvar" },
	{ EVENT_APPEND_BLOCK, "Append_block" },
	{ EVENT_DELETE_FILE, "Delete_file" }, { EVENT_RAND, "Rand" }, { EVENT_USER_VAR, "User_var" },
	{ EVENT_FORMAT, "Format_description" }, { EVENT_XID, "Xid" },
	{ EVENT_BEGIN_LOAD_QUERY, "Begin_load_query" },
	{ EVENT_EXECUTE_LOAD_QUERY, "Execute_load_query" },
	{ EVENT_TABLE_MAP, "Table_map" },
	{ EVENT_WRITE_V1, "Write_rows_v1" },
	{ EVENT_UPDATE_V1, "Update_rows_v1" },
	{ EVENT_DELETE_V1, "Delete_rows_v1" },
	{ EVENT_INCIDENT, "Incident" }, { EVENT_HEARTBEAT, "Heartbeat" },
	{ EVENT_IGNORABLE, "Ignorable" }, { EVENT_ROWS_QUERY, "Rows_query" },
	{ EVENT_WRITE, "Write_rows" }, { EVENT_UPDATE, "Update_rows" },
	{ EVENT_DELETE, "Delete_rows" }, { EVENT_GTID, "Gtid" },
	{ EVENT_ANONYMOUS, "Anonymous_gtid" },
	{ EVENT_PREVIOUS_GTIDS, "Previous_gtids" },
	{ EVENT_CONTEXT, "Transaction_context" },
	{ EVENT_VIEW_CHANGE, "View_change" },
	{ EVENT_XA_PREPARE, "XA_prepare" },
	{ EVENT_PARTIAL_UPDATE, "Partial_update_rows" },
	{ EVENT_PAYLOAD, "Transaction_payload" },
	{ EVENT_HEARTBEAT_V2, "Heartbeat_v2" },
	{ EVENT_GTID_TAGGED, "Gtid_tagged" },
	{ EVENT_MARIA_ANNOTATE, "Annotate_rows" },
	{ EVENT_MARIA_CHECKPOINT, "Binlog_checkpoint" },
	{ EVENT_MARIA_GTID, "Gtid" }, { EVENT_MARIA_GTID_LIST, "Gtid_list" },
	{ EVENT_MARIA_START_ENCRYPTION, "Start_encryption" },
	{ EVENT_MARIA_QUERY_COMPRESSED, "Query_compressed" },
	{ EVENT_MARIA_WRITE_COMPRESSED_V1, "Write_rows_compressed_v1" },
	{ EVENT_MARIA_UPDATE_COMPRESSED_V1, "Update_rows_compressed_v1" },
	{ EVENT_MARIA_DELETE_COMPRESSED_V1, "Delete_rows_compressed_v1" },
	{ EVENT_MARIA_WRITE_COMPRESSED, "Write_rows_compressed" },
	{ EVENT_MARIA_UPDATE_COMPRESSED, "Update_rows_compressed" },
	{ EVENT_MARIA_DELETE_COMPRESSED, "Delete_rows_compressed" },
};

const char *
event_name(unsigned type)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown";
}

size_t
event_size(const uint8_t *data)
{
	uint64_t size = bytes_le_at(data + 9, 4);

	return size < EVENT_HEADER || size > EVENT_MAX ? 0 : (size_t)size;
}

/* The flag that a file is in use is set and cleared without the checksum
 * being made anew: it counts as cleared. */
static uint32_t
checksum(const uint8_t *data, size_t n)
{
	uint8_t header[EVENT_HEADER];
	uLong crc;

	memcpy(header, data, sizeof(header));
	if (header[4] == EVENT_FORMAT)
		header[FLAGS_AT] &= (uint8_t)~EVENT_FLAG_IN_USE;
	crc = crc32(0, header, sizeof(header));
	return (uint32_t)crc32(crc, data + EVENT_HEADER,
	    (uInt)(n - EVENT_HEADER));
}

void
event_seal(uint8_t *data, size_t n)
{
	assert(n >= EVENT_HEADER + CHECKSUM && n <= EVENT_MAX);
	bytes_put_le(data + n - CHECKSUM, checksum(data, n - CHECKSUM),
	    CHECKSUM);
}

/* Whatever the algorithm is, a format description ends with its byte and
 * room for a checksum, which is then taken off. */
static int
parse_format(const struct event *ev, struct event_format *f, struct err *e)
{
	struct event_format new = { .known = true };
	struct bytes b = bytes_of(ev->body, ev->body_len);
	const uint8_t *version, *lengths;
	size_t n;
	unsigned log;

	log = (unsigned)bytes_le(&b, 2);
	version = bytes_take(&b, FORMAT_VERSION);
	new.created = (uint32_t)bytes_le(&b, 4);
	if (bytes_le(&b, 1) != EVENT_HEADER || b.left < 1)
		return err_set(e, ERR_CORRUPT, 0,
		    "Format_description event: wrong length of headers");
	if (log != 4)
		return err_set(e, ERR_CORRUPT, 0, "Format_description event: "
		    "binary log of version %u, not 4", log);
	n = b.left - 1;
	lengths = bytes_take(&b, n);
	memcpy(new.post_len + 1, lengths, n < 255 ? n : 255);
	memcpy(new.version, version, FORMAT_VERSION);
	new.mariadb = strstr(new.version, "MariaDB") != NULL ||
	    n >= EVENT_MARIA_GTID;
	switch (bytes_le(&b, 1)) {
	case 0:
	case 255:
		break;
	case 1:
		new.checksum = true;
		break;
	default:
		return err_set(e, ERR_CORRUPT, 0,
		    "Format_description event: unknown checksum algorithm");
	}
	*f = new;
	return 0;
}

void
event_header(const uint8_t *data, size_t n, struct event *ev)
{
	assert(n >= EVENT_HEADER);
	*ev = (struct event){
		.time = (uint32_t)bytes_le_at(data, 4),
		.type = data[4],
		.server_id = (uint32_t)bytes_le_at(data + 5, 4),
		.size = (uint32_t)n,
		.next = (uint32_t)bytes_le_at(data + 13, 4),
		.flags = (uint16_t)bytes_le_at(data + FLAGS_AT, 2),
		.data = data,
		.body = data + EVENT_HEADER,
		.body_len = n - EVENT_HEADER,
	};
}

int
event_parse(const uint8_t *data, size_t n, struct event_format *f,
    struct event *ev, struct err *e)
{
	struct event_format format = {0};
	bool check = f->known && f->checksum;

	if (n < EVENT_HEADER || event_size(data) != n)
		return err_set(e, ERR_CORRUPT, 0, "%s event: wrong size",
		    n < EVENT_HEADER ? "short" : event_name(data[4]));
	event_header(data, n, ev);
	if (check || ev->type == EVENT_FORMAT) {
		if (ev->body_len < CHECKSUM)
			return err_set(e, ERR_CORRUPT, 0,
			    "%s event: no room for its checksum",
			    event_name(ev->type));
		ev->body_len -= CHECKSUM;
	}
	if (ev->type == EVENT_FORMAT) {
		if (parse_format(ev, &format, e) != 0)
			return -1;
		check = format.checksum;
	}
	if (check && bytes_le_at(data + n - CHECKSUM, CHECKSUM) !=
	    checksum(data, n - CHECKSUM))
		return err_set(e, ERR_CORRUPT, 0, "%s event: wrong checksum",
		    event_name(ev->type));
	if (ev->type == EVENT_FORMAT)
		*f = format;
	return 0;
}

int
event_rotate(const struct event *ev, const char **name, size_t *n,
    uint64_t *position, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);

	assert(ev->type == EVENT_ROTATE);
	*position = bytes_le(&b, 8);
	*name = (const char *)b.at;
	*n = b.left;
	if (b.bad || b.left == 0)
		return err_set(e, ERR_CORRUPT, 0, "Rotate event: no file");
	return 0;
}

int
event_heartbeat(const struct event *ev, const char **name, size_t *n,
    uint64_t *position, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len), field;
	const uint8_t *p;
	uint64_t type, len;

	*name = (const char *)b.at;
	*n = b.left;
	*position = ev->next;
	if (ev->type == EVENT_HEARTBEAT) {
		if (b.left == 0)
			goto corrupt;
		return 0;
	}
	assert(ev->type == EVENT_HEARTBEAT_V2);
	*n = 0;
	for (type = bytes_lenenc(&b); !b.bad && type != 0;
	    type = bytes_lenenc(&b)) {
		len = bytes_lenenc(&b);
		p = bytes_take(&b, len);
		if (p == NULL)
			break;
		if (type == 1) {
			*name = (const char *)p;
			*n = (size_t)len;
		} else if (type == 2) {
			field = bytes_of(p, (size_t)len);
			*position = bytes_lenenc(&field);
			if (field.bad)
				goto corrupt;
		}
	}
	if (!b.bad && *n > 0)
		return 0;
corrupt:
	return err_set(e, ERR_CORRUPT, 0, "%s event: no file or position",
	    event_name(ev->type));
}

int
event_gtid_set(const struct event *ev, struct gtid_set *set, struct err *e)
{
	bool mariadb = ev->type == EVENT_MARIA_GTID_LIST;

	assert(mariadb || ev->type == EVENT_PREVIOUS_GTIDS);
	if (mariadb != (gtid_set_kind(set) == FLAVOUR_MARIADB))
		return err_set(e, ERR_CORRUPT, 0,
		    "%s event in a binary log of %s", event_name(ev->type),
		    mariadb ? "MySQL" : "MariaDB");
	if (gtid_set_decode(set, ev->body, ev->body_len, e) != 0)
		return err_wrap(e, "%s event", event_name(ev->type));
	return 0;
}
