/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume: where the archive of a source goes on.
 *
 * What the store holds is the checkpoint.  The newest history is gone on with
 * if the server still has the bytes that were stored last; else a new history
 * begins, and nothing is ever written over one (DESIGN, "A history is known by
 * its bytes").
 */
#ifndef BACKUPD_RESUME_H
#define BACKUPD_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/endpoint.h"
#include "backupd/link.h"
#include "backupd/probe.h"
#include "backupd/stream.h"
#include "catalog/history.h"

struct conn_opts;
struct err;
struct store;

struct resume_opts {
	struct store *store;
	const char *store_id;
	const char *source;
	const struct conn_opts *conn;
	bool adopt;		/* a server that does not belong */
	bool ack;		/* follow as a semi-synchronous replica */
	/* Bytes are missing before this file: a new history begins with it,
	 * for this reason.  NULL: the store decides. */
	const char *gap;
	const struct endpoints *endpoints;	/* NULL: conn's server alone */
	struct endpoint at;	/* that was followed, if any was */
	bool move;		/* it was waited for long enough */
};

struct resume {
	struct endpoint at;	/* that is followed now, */
	char where[300];	/* as a text */
	struct probe probe;
	struct history history;	/* that goes on */
	bool began;		/* it is a new one */
	uint32_t finished;	/* files that are; those after it and before
				 * seq are stored, and no more */
	uint32_t seq;		/* of the file that goes on */
	uint64_t stored;	/* its bytes that the store holds */
	struct link *link;	/* its dump is under way */
	struct stream stream;	/* at the next event */
	struct buf carry;	/* whole events that came and were not taken */
};

/* Look at the server and at the store, decide, and start the dump; blocks.
 * ERR_AGAIN may go away; ERR_EXISTS is a server that does not belong. */
int resume(const struct resume_opts *opts, struct resume *r, struct err *e);

/* The same for a source of several servers: the archive stays with the one that
 * the newest history came from, and goes on at the first other one that can
 * take over when that one is gone for good or opts->move says so. */
int resume_any(const struct resume_opts *opts, struct resume *r,
    struct err *e);
/* Would another one than opts->at do, by what it says of itself? */
bool resume_has_other(const struct resume_opts *opts);

void resume_free(struct resume *r);

#endif /* !BACKUPD_RESUME_H */
