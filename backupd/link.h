/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: a connection to a source for its binary log: a socket under a wire.
 *
 * Life cycle: link_open (blocks); link_query and link_dump; then either
 * link_event, which blocks, or, for an event loop, link_fd, link_read,
 * link_write and link_next; link_close.  One thread at a time.  Every wait
 * ends at a deadline, or when it is cancelled.
 */
#ifndef BACKUPD_LINK_H
#define BACKUPD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/wire.h"

#define LINK_DUMP_ENDED 1236	/* err.sys: the server cannot read on there */

struct cancel;
struct conn_opts;
struct err;
struct link;

/* Connect and log in.  opts->socket must be set for this host's socket. */
struct link *link_open(const struct conn_opts *opts, struct err *e);

/* Run a statement; the first value of its first row, if there is one, is
 * appended to *value (may be NULL).  ERR_NOTFOUND is no failure: no row. */
struct buf;
int link_query(struct link *l, const char *sql, struct buf *value,
    struct err *e);

/* Register as the replica id and ask for file from position on.  stop: the
 * server ends the stream at the end of its last file. */
struct link_dump {
	uint32_t id;
	const char *file;
	uint64_t position;
	bool mysql;		/* positions over 4 GiB can be asked for */
	bool stop;
};
int link_dump(struct link *l, const struct link_dump *d, struct err *e);

/* The next event, borrowed until the next call: 1; 0 at the stream's end; -1
 * also when nothing comes for wait_ms. */
int link_event(struct link *l, unsigned wait_ms, const uint8_t **data,
    size_t *n, struct err *e);

/* --- for an event loop --- */

int link_fd(const struct link *l);
/* Take what has arrived, at most one piece: 1 when something did, 0 when
 * nothing can be taken now. */
int link_read(struct link *l, struct err *e);
/* Send what is due: 0 when all is sent, 1 when more remains. */
int link_write(struct link *l, struct err *e);
/* What the server said; WIRE_REFUSED is made WIRE_FAILED with its words:
 * ERR_BUSY when another dump as the same replica takes the place of ours. */
enum wire_event link_next(struct link *l, struct err *e);
struct wire *link_wire(struct link *l);

/* Hang up; NULL is fine. */
void link_close(struct link *l);

#endif /* !BACKUPD_LINK_H */
