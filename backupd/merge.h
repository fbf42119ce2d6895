/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: the objects and the index of a finished file, written as its events
 * come.
 *
 * Life cycle: merge_new; merge_bytes and merge_event for all of the file, in
 * order; merge_end; merge_free.  One thread; blocks on the store.
 */
#ifndef BACKUPD_MERGE_H
#define BACKUPD_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/stored.h"
#include "codec/digest.h"

struct err;
struct merge;
struct stream_event;

/* From a file's segments (in order, without a hole, from 0 to `end` at least)
 * objects of at most SEGMENT_MAX bytes are made; one that is a segment as it
 * stands is kept. */
struct merge *merge_new(const struct stored *segments, uint64_t end,
    struct err *e);

/* The next bytes of the file; those from `end` on are left out. */
int merge_bytes(struct merge *m, const void *data, size_t n, struct err *e);
/* What stands behind the bytes so far. */
int merge_event(struct merge *m, const struct stream_event *ev,
    struct err *e);

/* All was given: objects and index are committed, and *f has size, digests,
 * times, GTIDs and objects (but for digests of those that were kept).  sha256
 * (or NULL) is what the file must have: 0 when it has not, and then nothing
 * that a reader may come upon was committed; 1; -1. */
int merge_end(struct merge *m, const uint8_t *sha256, struct binlog_file *f,
    struct err *e);

/* Read the objects back: they hold the file's bytes, and are stored as they
 * were written; digests of what was kept are filled in. */
int merge_verify(const struct merge *m, struct binlog_file *f,
    struct err *e);

/* Is the file made of this object? */
bool merge_uses(const struct merge *m, uint64_t start, uint64_t end);

/* Free; what was not committed is aborted. NULL is fine. */
void merge_free(struct merge *m);

#endif /* !BACKUPD_MERGE_H */
