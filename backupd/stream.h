/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: what a server sends as its binary log, checked event by event, and
 * what of it are bytes of a file.
 *
 * Does no I/O and keeps no bytes.  Fed with every event of a dump in order;
 * says for each whether it stands in the file, whether a transaction ends with
 * it, or whether another file begins.
 *
 * Sources: facts/mysql.md 6.
 */
#ifndef BACKUPD_STREAM_H
#define BACKUPD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/event.h"
#include "mysql/transaction.h"

struct err;

#define STREAM_NAME_MAX 512

struct stream {
	char name[STREAM_NAME_MAX];	/* of the file */
	uint64_t offset;	/* of the next event in it; 0: magic is due */
	struct event_format format;
	struct transactions *scan;
	bool announced;		/* the server has named the file */
	bool described;		/* its format description came */
	bool closed;		/* its last event is a ROTATE or STOP */
};

enum stream_what {
	STREAM_NOTHING,		/* artificial: not in the file */
	STREAM_POSITION,	/* a heartbeat: the server stands at position */
	STREAM_BYTES,		/* the event's bytes stand at offset */
	STREAM_FILE,		/* the file is over: name is the next one */
};

struct stream_event {
	enum stream_what what;
	struct event ev;
	uint64_t offset;	/* of the event; 4 for the first: the magic
				 * precedes it */
	const struct transaction *done;	/* that ends with it, or NULL; lent
				 * until the next event */
	char name[STREAM_NAME_MAX];	/* FILE, POSITION */
	uint64_t position;	/* POSITION */
};

/* Begin a dump of file name from offset on (0 and 4: the whole file), which
 * stands between two transactions.  checksum: as agreed with the server; each
 * file then says it anew.  *s is zeroed before the first time. */
int stream_begin(struct stream *s, const char *name, uint64_t offset,
    bool checksum, struct err *e);

/* The dump goes on with the first byte of another file. */
void stream_file_next(struct stream *s, const char *name);

/* Take an event.  ERR_CORRUPT names file and offset: a checksum, a frame, or a
 * position that is not what it must be. */
int stream_take(struct stream *s, const uint8_t *data, size_t n,
    struct stream_event *out, struct err *e);

/* Does an event of n bytes stand in the file, as its header says? */
bool stream_is_bytes(const uint8_t *data, size_t n);

/* Is the offset between two transactions? */
bool stream_between(const struct stream *s);

void stream_fini(struct stream *s);

/* The name after or before this one, "binlog.000042"; "" if it has no
 * number. */
void stream_name_add(const char *name, int64_t n, char next[STREAM_NAME_MAX]);
/* Its number, and the length of what precedes it; false if it has none. */
bool stream_name_split(const char *name, size_t *base, uint64_t *number);

#endif /* !BACKUPD_STREAM_H */
