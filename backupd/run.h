/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: one backup of one source, from the first look to the committed head.
 *
 * Steps, each with its undo: open the store, look at the server, say that a
 * run has begun (begun/), read definitions, snapshot, dump, lists, head.  A
 * run that fails or is cancelled leaves no backup; what it had written is
 * removed before run_backup returns, or by the next run.
 */
#ifndef BACKUPD_RUN_H
#define BACKUPD_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/head.h"
#include "mysql/schema.h"
#include "mysql/snapshot.h"

struct cancel;
struct conn_opts;
struct err;
struct store;

struct run_opts {
	const char *source;
	const struct conn_opts *conn;
	struct schema_scope scope;
	unsigned workers;		/* 1 to 64 */
	int level;			/* zstd, 1 to 19 */
	bool accounts, adopt, allow_unproven;
	enum snapshot_method method;
	uint64_t lock_hold_ms, lock_wait_ms, snapshot_wait_ms, ddl_wait_ms;
	uint64_t time_limit_ms;
	int64_t unless_us;		/* 0, or: keep nothing if another run
					 * begun since has made a backup */
	/* Guards; 0: off. */
	uint64_t undo_soft, undo_hard, threads_soft, threads_hard;
	uint64_t lag_soft_s, lag_hard_s;
	uint64_t range_bytes;		/* test build; 0: by size */
	uint64_t chunk_bytes;		/* test build; see chunker.h */
	unsigned test_late_ms;		/* test build; see snapshot.h */
	const char *test_between;	/* test build: SQL to run between the
					 * definitions and the snapshot */
	struct cancel *cancel;
};

/* Run; *h is filled on success (head_free it).  1: another run has made the
 * backup, whose head it is (unless_us). */
int run_backup(struct store *s, const struct run_opts *opts, struct head *h,
    struct err *e);

#endif /* !BACKUPD_RUN_H */
