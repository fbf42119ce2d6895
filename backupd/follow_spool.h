/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow_spool: commits of a source that wait until they are in a local
 * folder.
 *
 * From the first byte that a commit may wait for, all that is read is also
 * written to the spool (a run), and told to the server once it survives a
 * crash and the store has all before the run.  When the spool is full the run
 * ends: what is in the store is told, as without a spool, until there is room.
 */
#ifndef BACKUPD_FOLLOW_SPOOL_H
#define BACKUPD_FOLLOW_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct follow;
struct tail_cut;

/* Before the source is followed, in a thread that may block: open the folder
 * if it is not yet, and store what it holds. */
int follow_spool_start(struct follow *f, struct err *e);

/* The link is of no use any more. */
void follow_spool_stop(struct follow *f);

/* Bytes were added to the tail; a transaction's line; a place between two. */
void follow_spool_bytes(struct follow *f, const void *data, size_t n);
void follow_spool_line(struct follow *f, const struct buf *line);
void follow_spool_between(struct follow *f);
/* The file is over. */
void follow_spool_turn(struct follow *f);

/* So much waits to be written that reading must, too. */
bool follow_spool_busy(const struct follow *f);
/* It is with the pool. */
bool follow_spool_asked(const struct follow *f);
/* What commits wait for goes to the spool. */
bool follow_spool_running(const struct follow *f);

/* A commit waits for what is in the tail: begin a run, if there is room. */
void follow_spool_wanted(struct follow *f);
/* Write what is due. */
void follow_spool_due(struct follow *f);
/* Something was stored: tell the server, if that was missing; remove files. */
int follow_spool_stored(struct follow *f, uint32_t seq, uint64_t offset,
    struct err *e);

/* All of it is in the store: remove the files. */
void follow_spool_empty(struct follow *f);

/* Is all of this safe in the spool?  And read it back from there, in any
 * thread. */
bool follow_spool_has(const struct follow *f, uint32_t seq, uint64_t start,
    uint64_t end);
int follow_spool_read(const struct follow *f, struct tail_cut *cut,
    struct err *e);

void follow_spool_free(struct follow *f);

#endif /* !BACKUPD_FOLLOW_SPOOL_H */
