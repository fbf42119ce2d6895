/* SPDX-License-Identifier: Apache-2.0 */
/* match: are the bytes that a server sends those that are stored? */
#ifndef BACKUPD_MATCH_H
#define BACKUPD_MATCH_H

#include <stddef.h>
#include <stdint.h>

#include "backupd/link.h"
#include "backupd/stored.h"
#include "backupd/stream.h"

struct buf;
struct err;

struct match {
	struct link *link;	/* a dump has begun, at `from` */
	struct stream *stream;
	/* The event that goes on behind what is stored, which the stream was
	 * not given: appended. */
	struct buf *carry;
};

/* Compare with the stored bytes from offset from (4 or more) up to end:
 * 1 when all are the same; 0 when not, *common is then the first offset that
 * differs, or the end of the server's file; -1. */
int match_stored(const struct match *m, const struct stored *stored,
    uint64_t from, uint64_t end, uint64_t *common, struct err *e);

/* The same with bytes in memory. */
int match_bytes(const struct match *m, const void *data, size_t n,
    uint64_t from, uint64_t *common, struct err *e);

#endif /* !BACKUPD_MATCH_H */
