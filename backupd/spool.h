/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: a local folder that holds what a source's server was told is safe and
 * the store has not got.
 *
 * DIR/<store id>/<source>/ holds a lock, and files of records
 * (spool_record.h) named <history>-<file>-<offset>.spool.
 *
 * Life cycle: spool_open; spool_write and spool_stored by one thread at a
 * time; spool_read, spool_size and spool_each by any; spool_close.
 */
#ifndef BACKUPD_SPOOL_H
#define BACKUPD_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "backupd/spool_record.h"
#include "catalog/history.h"

struct buf;
struct err;
struct spool;

struct spool_opts {
	const char *dir, *store_id, *source;
	uint64_t limit;		/* bytes of all files */
};

/* Make the folder and lock it: ERR_BUSY when another archiver has it. */
struct spool *spool_open(const struct spool_opts *opts, struct err *e);

/* Write records that go on in one history, and return when they survive a
 * crash: 0; 1 when the limit would be passed, and nothing is written; -1. */
int spool_write(struct spool *s, const char *history,
    const struct buf *records, struct err *e);

/* All of a history is in the store before offset of file seq: remove files
 * that hold no more than that. */
void spool_stored(struct spool *s, const char *history, uint32_t seq,
    uint64_t offset);

/* Bytes from start to end, and the index lines of the transactions that end in
 * them; replaces what is in *data and *lines.  ERR_CORRUPT when they are not
 * there. */
int spool_read(const struct spool *s, const char *history, uint32_t seq,
    uint64_t start, uint64_t end, struct buf *data, struct buf *lines,
    struct err *e);

/* Call each for all records in order; the file's name is lent.  0, or what
 * each returned; the rest of a file behind a torn record is left out. */
typedef int spool_take(void *arg, const char *file, const char *history,
    const struct spool_record *r, struct err *e);
int spool_each(const struct spool *s, spool_take *each, void *arg,
    struct err *e);

/* Remove a file, or put it aside, in the folder "aside" where nothing looks
 * for it again. */
int spool_remove(struct spool *s, const char *file, struct err *e);
int spool_aside(struct spool *s, const char *file, struct err *e);

/* Bytes of all files. */
uint64_t spool_size(const struct spool *s);
const char *spool_path(const struct spool *s);

/* What is in it stays.  NULL is fine. */
void spool_close(struct spool *s);

#endif /* !BACKUPD_SPOOL_H */
