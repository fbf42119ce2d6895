/* SPDX-License-Identifier: Apache-2.0 */
/* stored: bytes of a binary log file, read back from its segments. */
#ifndef BACKUPD_STORED_H
#define BACKUPD_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "catalog/segment.h"
#include "codec/frame.h"

struct err;
struct store;

/* A file's segments, in order and without a hole from the first's start. */
struct stored {
	struct store *store;
	const char *source, *history;
	const struct segment *segments;
	size_t n;
};

/* Give the bytes from offset on to sink(arg), in order; blocks.  Damage is
 * ERR_CORRUPT naming the object. */
int stored_read(const struct stored *s, uint64_t from, frame_sink *sink,
    void *arg, struct err *e);

#endif /* !BACKUPD_STORED_H */
