/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail: the open segment of a source, and the blocks that all tails share.
 *
 * Bytes are added at its end and cut off at its front: what is cut goes to
 * the store, the rest stays.  All of it belongs to one thread, but for a cut
 * that is on its way: whoever has it reads it.
 */
#ifndef BACKUPD_TAIL_H
#define BACKUPD_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "catalog/segment.h"

struct err;

#define TAIL_BLOCK ((size_t)64 << 10)
#define TAIL_MAX SEGMENT_LIVE	/* bytes of a segment */

/* The memory of all tails and cuts together. */
struct tail_memory {
	size_t limit, used;	/* blocks */
};

struct tail_block {
	struct tail_block *next;
	size_t from, to;	/* what is used of data */
	char data[TAIL_BLOCK];
};

struct tail {
	struct tail_memory *memory;
	uint32_t seq;
	uint64_t start, end;	/* bytes of the file */
	uint64_t boundary;	/* the last place between two transactions */
	struct tail_block *first, *last;
	struct buf lines;	/* index of transactions up to boundary */
	int64_t since_ms;	/* when its first byte came; 0: empty */
	int64_t commit_us;	/* the oldest commit in lines; 0: none */
	int64_t last_us;	/* the newest one */
	bool starved;		/* the last add found no memory */
};

/* A segment that was closed. */
struct tail_cut {
	uint32_t seq;
	uint64_t start, end;
	struct tail_block *first;
	struct buf lines;
	int64_t commit_us, last_us;
};

/* Empty it, and go on at offset of file seq. */
void tail_begin(struct tail *t, uint32_t seq, uint64_t offset);

/* Add as much as memory and TAIL_MAX allow, and say how much. */
size_t tail_add(struct tail *t, const void *data, size_t n);

/* A transaction ended at the tail's end: its index line. */
void tail_line(struct tail *t, const struct buf *line, int64_t commit_us);

/* Cut off what is before at, which is boundary or end; lines go with the
 * first part that has bytes of theirs.  *cut is the caller's then. */
int tail_cut(struct tail *t, uint64_t at, struct tail_cut *cut,
    struct err *e);
void tail_cut_free(struct tail_memory *m, struct tail_cut *cut);

/* Throw away what is in it. */
void tail_clear(struct tail *t);

#endif /* !BACKUPD_TAIL_H */
