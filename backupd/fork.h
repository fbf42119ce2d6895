/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork: why the newest history of a source cannot go on, and where the next
 * one begins.
 *
 * Bytes decide, where both have files in common; else GTIDs.  A server that
 * has neither, and is not the one that was archived, is refused unless it is
 * adopted.
 */
#ifndef BACKUPD_FORK_H
#define BACKUPD_FORK_H

#include "backupd/archived.h"
#include "backupd/ask.h"
#include "base/buf.h"

struct conn;
struct err;

struct fork {
	enum history_why why;
	char file[STREAM_NAME_MAX];	/* where the next one begins */
	uint32_t seq;		/* of the parent: what both have; 0: none is */
	uint64_t offset;	/* known */
	struct buf gtid;
};

/* c: a connection to the server, for questions.  ERR_EXISTS shows both
 * identities. */
int fork_find(struct conn *c, const struct ask *ask,
    const struct archived *parent, bool adopt, struct fork *f,
    struct err *e);

void fork_free(struct fork *f);

#endif /* !BACKUPD_FORK_H */
