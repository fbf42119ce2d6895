/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump: the workers that read all tables of a plan, each on its own
 * connection inside the one snapshot.
 *
 * A worker takes the largest table that is left; when none is, it takes half
 * of what another one has yet to read (share.h).  The first failure stops all.
 */
#ifndef BACKUPD_DUMP_H
#define BACKUPD_DUMP_H

#include <stdint.h>

#include "backupd/chunker.h"

struct cancel;
struct conn;
struct err;
struct flavour;
struct list_writer;
struct plan;
struct plan_item;
struct snapshot;

struct dump_opts {
	const struct flavour *flavour;
	struct plan *plan;
	struct snapshot *snapshot;
	struct list_writer *lists;
	struct chunker_opts chunker;	/* emit and arg are set by dump */
	uint64_t range_bytes;		/* 0: by size; tests: smaller */
	struct cancel *cancel;
};

/* What cannot be reloaded exactly: one JSON column of one table. */
struct dump_inexact {
	uint32_t table, column;
	uint64_t rows;
	struct dump_inexact *next;
};

/* Read all tables that are not dumped yet.  Blocks until done.  *inexact is an
 * owned list (dump_inexact_free), added to also on failure. */
int dump_run(const struct dump_opts *opts, struct dump_inexact **inexact,
    struct err *e);

/* Read one table on c under the commit lock (engines without
 * transactions); its lines are kept in the plan. */
int dump_locked(const struct dump_opts *opts, struct conn *c,
    struct plan_item *item, struct dump_inexact **inexact, struct err *e);

void dump_inexact_free(struct dump_inexact *list);

#endif /* !BACKUPD_DUMP_H */
