/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunker: rows of one range become chunks (or a member of the bundle).
 *
 * One chunker a worker, with its own buffers, for any number of ranges, one
 * after another.  FORMAT.md, "Rows", is the source of lines, digests and the
 * cut rule.  A range starts in a 1 MiB buffer: if a whole table ends there it
 * goes to the bundle, else chunk objects are streamed to the store.  A range
 * is read part by part; a chunk goes on from one part to the next.
 */
#ifndef BACKUPD_CHUNKER_H
#define BACKUPD_CHUNKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/progress.h"

struct bundle_writer;
struct cancel;
struct chunker;
struct conn;
struct err;
struct range;
struct store;
struct table_run;

/* Totals of a run, added to by all workers. */
struct chunk_totals {
	struct progress_totals done;	/* tables, rows, raw */
	_Atomic uint64_t stored, objects;
	_Atomic uint64_t pace_ms;	/* wait between flushes: a guard says
					 * the server is under pressure */
};

struct chunker_opts {
	struct store *store;
	const char *source, *id;
	struct bundle_writer *bundle;
	int level;
	uint64_t chunk_bytes;		/* 0: FORMAT's rule; tests: raw bytes
					 * at which each chunk ends */
	struct cancel *cancel;
	pthread_mutex_t *large_row;	/* token for rows over 16 MiB */
	struct chunk_totals *totals;
	/* Takes a finished line (borrowed). */
	int (*emit)(void *arg, const json_t *line, struct err *e);
	void *arg;
};

struct chunker *chunker_new(const struct chunker_opts *opts, struct err *e);

/* What a worker is to read of a table. */
struct chunker_range {
	/* The next part, in key order; borrowed; NULL: no more. */
	const struct range *(*next)(void *arg);
	/* Called once, as soon as the cut is fixed: other workers may take
	 * parts.  NULL: it was fixed before. */
	void (*ready)(void *arg);
	void *arg;
};

/* Read one range on c (inside its snapshot, definition checked, locks held).
 * If nobody else reads any of the table (t->shared, looked at behind the last
 * part), a small one goes to the bundle. */
int chunker_read(struct chunker *k, struct conn *c, struct table_run *t,
    const struct chunker_range *range, struct err *e);

/* Wait until every chunk of all ranges so far is stored: chunker_read returns
 * while the last ones are on their way, though their lines are emitted. */
int chunker_settle(struct chunker *k, struct err *e);

void chunker_free(struct chunker *k);

#endif /* !BACKUPD_CHUNKER_H */
