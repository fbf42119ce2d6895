/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: binary log events, MySQL's and MariaDB's, read from foreign bytes.
 *
 * Nothing here does I/O or keeps the bytes: what a struct points at lives as
 * long as the event's own bytes, unless it says otherwise.  Failures are
 * ERR_CORRUPT and name the event's type and the field.
 *
 * Sources: facts/mysql.md 6; the binary log chapters of MySQL's internals
 * manual and of MariaDB's knowledge base.
 */
#ifndef MYSQL_EVENT_H
#define MYSQL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/gtid.h"

struct buf;
struct err;

#define EVENT_HEADER 19
#define EVENT_MAX ((size_t)1 << 30)	/* max_allowed_packet's ceiling */
#define EVENT_MAGIC "\xfe" "bin"	/* the first 4 bytes of a file */

/* Types that Kura knows; others are carried as they are. */
enum event_type {
	EVENT_QUERY = 2, EVENT_STOP = 3, EVENT_ROTATE = 4, EVENT_INTVAR = 5,
	EVENT_APPEND_BLOCK = 9, EVENT_DELETE_FILE = 11, EVENT_RAND = 13, EVENT_USER_VAR = 14, EVENT_FORMAT = 15,
	EVENT_XID = 16, EVENT_BEGIN_LOAD_QUERY = 17,
	EVENT_EXECUTE_LOAD_QUERY = 18, EVENT_TABLE_MAP = 19,
	EVENT_WRITE_V1 = 23, EVENT_UPDATE_V1 = 24, EVENT_DELETE_V1 = 25,
	EVENT_INCIDENT = 26, EVENT_HEARTBEAT = 27, EVENT_IGNORABLE = 28,
	EVENT_ROWS_QUERY = 29, EVENT_WRITE = 30, EVENT_UPDATE = 31,
	EVENT_DELETE = 32, EVENT_GTID = 33, EVENT_ANONYMOUS = 34,
	EVENT_PREVIOUS_GTIDS = 35, EVENT_CONTEXT = 36, EVENT_VIEW_CHANGE = 37,
	EVENT_XA_PREPARE = 38, EVENT_PARTIAL_UPDATE = 39, EVENT_PAYLOAD = 40,
	EVENT_HEARTBEAT_V2 = 41, EVENT_GTID_TAGGED = 42,
	EVENT_MARIA_ANNOTATE = 160, EVENT_MARIA_CHECKPOINT = 161,
	EVENT_MARIA_GTID = 162, EVENT_MARIA_GTID_LIST = 163,
	EVENT_MARIA_START_ENCRYPTION = 164, EVENT_MARIA_QUERY_COMPRESSED = 165,
	EVENT_MARIA_WRITE_COMPRESSED_V1 = 166,
	EVENT_MARIA_UPDATE_COMPRESSED_V1 = 167,
	EVENT_MARIA_DELETE_COMPRESSED_V1 = 168,
	EVENT_MARIA_WRITE_COMPRESSED = 169,
	EVENT_MARIA_UPDATE_COMPRESSED = 170,
	EVENT_MARIA_DELETE_COMPRESSED = 171,
};

#define EVENT_FLAG_IN_USE	0x01u	/* of a format description */
#define EVENT_FLAG_ARTIFICIAL	0x20u
#define EVENT_FLAG_IGNORABLE	0x80u

/* What a file's format description says of the events after it. */
struct event_format {
	bool known;
	bool mariadb;
	bool checksum;		/* each event ends with a CRC32 */
	char version[51];	/* of the server */
	uint32_t created;
	uint8_t post_len[256];	/* post-header lengths by type, 0: unknown */
};

struct event {
	uint32_t time;		/* seconds; start of the statement */
	uint8_t type;
	uint32_t server_id;
	uint32_t size;		/* whole, with header and checksum */
	uint32_t next;		/* end_log_pos, wraps at 4 GiB */
	uint16_t flags;
	const uint8_t *data;	/* whole */
	const uint8_t *body;	/* after the header */
	size_t body_len;	/* without the checksum */
};

/* Size of the event whose first EVENT_HEADER bytes are at data; 0 when it is
 * below the header's or above EVENT_MAX. */
size_t event_size(const uint8_t *data);

/* The header of an event of n bytes (EVENT_HEADER at least), as it stands. */
void event_header(const uint8_t *data, size_t n, struct event *ev);

/* Take n bytes as one whole event, its checksum checked as *f says (a format
 * description always by its own).  f->known false: no checksum, so for the
 * artificial ROTATE before the first format description.  *f is updated when
 * the event is a format description. */
int event_parse(const uint8_t *data, size_t n, struct event_format *f,
    struct event *ev, struct err *e);

/* Compute and store the checksum of a whole event that was changed. */
void event_seal(uint8_t *data, size_t n);

/* A static name, "Write_rows", "Gtid"; "type 99" is "unknown". */
const char *event_name(unsigned type);

/* ROTATE: the next file's name (not ended by NUL) and position. */
int event_rotate(const struct event *ev, const char **name, size_t *n,
    uint64_t *position, struct err *e);

/* HEARTBEAT and HEARTBEAT_V2: name and 64-bit position. */
int event_heartbeat(const struct event *ev, const char **name, size_t *n,
    uint64_t *position, struct err *e);

/* A GTID event of any kind (33, 34, 42, 162). */
struct event_gtid {
	struct gtid gtid;	/* .set false: anonymous */
	int64_t commit_us;	/* immediate commit, 0 when not recorded:
				 * then the header's seconds count */
	int64_t original_us;	/* original commit, 0 when not recorded */
	uint64_t length;	/* of the transaction with this event; 0:
				 * not recorded */
	int64_t last_committed, sequence;
	bool standalone;	/* MariaDB: no COMMIT or XID follows */
	bool ddl;		/* MariaDB: FL_DDL */
	bool xa_prepare, xa_complete;	/* MariaDB */
	uint64_t start_alter, commit_alter, rollback_alter; /* MariaDB: seq
				 * of the ALTER's start; start: own; 0: none */
};
int event_gtid(const struct event *ev, const struct event_format *f,
    struct event_gtid *g, struct err *e);

/* PREVIOUS_GTIDS or GTID_LIST: added to *set. */
int event_gtid_set(const struct event *ev, struct gtid_set *set,
    struct err *e);

/* QUERY, EXECUTE_LOAD_QUERY, and MariaDB's compressed one: its sql is
 * appended to *room. */
#define LOAD_REPLACE 2		/* of load_duplicates; 0: an error, 1: left
				 * out */
struct event_query {
	uint32_t thread;
	uint16_t error;
	const char *schema;
	size_t schema_len;
	const char *sql;
	size_t sql_len;
	const uint8_t *status;	/* status variables, as they are */
	size_t status_len;
	/* EXECUTE_LOAD_QUERY: the file's number; where in sql "INFILE ...
	 * INTO" stands for it; what becomes of duplicates. */
	uint32_t load_file;
	size_t load_from, load_to;
	unsigned load_duplicates;
};
int event_query(const struct event *ev, const struct event_format *f,
    struct event_query *q, struct buf *room, struct err *e);

/* XA_PREPARE_LOG_EVENT: one phase? and the xid as SQL text
 * (X'..',X'..',1) in *text. */
int event_xa(const struct event *ev, bool *one_phase, struct buf *text,
    struct err *e);

/* The events inside a TRANSACTION_PAYLOAD, decompressed one after another, so
 * that memory is that of the largest; ev's bytes are borrowed.  next: 1 with
 * *inner, valid until the next call; 0 at the end; -1 with *e.  They have no
 * checksums: f is the file's format, and *inner is read as one without. */
struct event_payload;
struct event_payload *event_payload_open(const struct event *ev,
    const struct event_format *f, struct err *e);
int event_payload_next(struct event_payload *p, struct event *inner,
    struct err *e);
/* The format of what is inside: f without checksum. */
const struct event_format *event_payload_format(
    const struct event_payload *p);
void event_payload_close(struct event_payload *p);

/* A MariaDB compressed rows event as the plain one: *inner, whose bytes are
 * *room's (which is cleared), and the format to read it by, f without
 * checksum. */
int event_uncompress(const struct event *ev, const struct event_format *f,
    struct buf *room, struct event *inner, struct event_format *plain,
    struct err *e);

#endif /* !MYSQL_EVENT_H */
