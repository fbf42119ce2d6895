/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunker: rows of one range become chunks (or a member of the bundle).
 *
 * One chunker a worker, with its own buffers, for any number of ranges, one
 * after another.  FORMAT.md, "Rows", is the source of lines, digests and the
 * cut rule.  A range starts in a 1 MiB buffer: if a whole table ends there it
 * goes to the bundle, else chunk objects are streamed to the store.
 */
#ifndef BACKUPD_CHUNKER_H
#define BACKUPD_CHUNKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/progress.h"
#include "codec/digest.h"
#include "mysql/range.h"
#include "mysql/schema.h"

struct bundle_writer;
struct cancel;
struct chunker;
struct conn;
struct err;
struct plan_item;
struct store;

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
	struct cancel *cancel;
	pthread_mutex_t *large_row;	/* token for rows over 16 MiB */
	struct chunk_totals *totals;
	/* Takes a finished line (borrowed). */
	int (*emit)(void *arg, const json_t *line, struct err *e);
	void *arg;
};

/* One table while it is read; shared by the workers of its ranges. */
struct table_run {
	struct table_run *next;		/* dump's list of tables begun */
	const struct plan_item *item;
	struct schema_table def;	/* constant once read */
	size_t njson;			/* MySQL JSON columns */
	bool locked;			/* read under the commit lock */
	pthread_mutex_t lock;		/* guards the fields below */
	unsigned cut;			/* see FORMAT.md; fixed by the first
					 * range before others start */
	bool cut_known;
	size_t pending;			/* ranges not yet read to the end */
	uint32_t next_chunk, chunks;
	uint64_t rows, raw;
	uint64_t json_changed;
	uint64_t *changed;		/* per column, when njson > 0 */
	struct rowsum digest, digest_reload;
};

struct chunker *chunker_new(const struct chunker_opts *opts, struct err *e);

/* Read one range on c (inside its snapshot, definition checked, locks held).
 * only: it is the table's only range, so that a small one may go to the
 * bundle.  ready(ready_arg) is called once, as soon as the cut is fixed (or at
 * the end), so that further ranges may start; may be NULL. */
int chunker_range(struct chunker *k, struct conn *c, struct table_run *t,
    const struct range *range, bool only,
    int (*ready)(void *arg, struct err *e), void *ready_arg, struct err *e);

/* The table's line, once all its ranges are read. */
json_t *table_run_line(const struct table_run *t);

void chunker_free(struct chunker *k);

#endif /* !BACKUPD_CHUNKER_H */
