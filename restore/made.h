/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: binary log events that no log holds: what a primary makes itself, and
 * a transaction with nothing in it.
 *
 * Each is appended to *out, whole, with its checksum when the format says so.
 *
 * Sources: facts/mysql.md 6 and 7; the formats of Rotate, Heartbeat and Query
 * events of MySQL's, of Gtid events of MariaDB's documentation.
 */
#ifndef RESTORE_MADE_H
#define RESTORE_MADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/event.h"

struct buf;
struct err;

/* The artificial ROTATE that begins each file: what follows is of file, from
 * position on. */
void made_rotate(uint32_t server_id, const char *file, uint64_t position,
    bool checksum, struct buf *out);

/* A file's format description where the stream begins later in the file: it
 * has no position, and does not tell of a server's start (a replica would
 * drop its temporary tables). */
void made_format(const struct event *format, struct buf *out);

/* Nothing new up to position of file; v2: the form for positions over 32
 * bits. */
void made_heartbeat(uint32_t server_id, const char *file, uint64_t position,
    bool checksum, bool v2, struct buf *out);

/* The transaction that gtid (a GTID event of any kind) begins, with nothing in
 * it; end is where it ends in its file. */
int made_empty(const struct event *gtid, const struct event_format *f,
    uint64_t end, struct buf *out, struct err *e);

#endif /* !RESTORE_MADE_H */
