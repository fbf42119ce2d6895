/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: workers that load all chunks of a plan into the target.
 *
 * A chunk is one LOAD DATA LOCAL from memory in one transaction with its note,
 * so that an interrupted restore goes on with no row twice.  A count that
 * differs or a warning is damage or loss: ERR_CORRUPT naming table and chunk.
 */
#ifndef RESTORE_LOAD_H
#define RESTORE_LOAD_H

#include <stdint.h>

struct buf;
struct cancel;
struct err;
struct plan_table;
struct progress_totals;
struct restore_plan;
struct store;
struct target;

struct load_opts {
	struct store *store;
	const struct restore_plan *plan;
	const struct target *target;
	unsigned workers;
	struct progress_totals *totals;
	struct cancel *cancel;
};

/* Load everything, then each table's deferred indexes as soon as its last
 * chunk is in. */
int load_run(const struct load_opts *opts, struct err *e);

/* The end of the LOAD statement, after the file's name. */
void load_tail(const struct plan_table *t, struct buf *out);

#endif /* !RESTORE_LOAD_H */
