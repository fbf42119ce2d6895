/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: archived transactions through SQL, on one session, for targets that
 * cannot be replicas.
 *
 * Life cycle: apply_probe says how a target would be served; filter_new where
 * only a part is wanted, and filter_plan to know what stands against it;
 * apply_run does it all.
 *
 * How far it is stands in kura_restore.apply on the target (one row), written
 * in the transaction of what it tells of; around statements that commit by
 * themselves (DDL, XA) before and after, with what tells later whether the
 * server did them.  So a run that was killed at any moment is gone on with by
 * the next call, no transaction twice; and a call with a later moment goes on
 * from where the last one ended.  The row stays until kura_restore is
 * dropped.
 *
 * The caller keeps the event scheduler off, and in APPLY_ROWS makes triggers
 * only afterwards.
 */
#ifndef RESTORE_APPLY_H
#define RESTORE_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/timeline.h"
#include "mysql/flavour.h"

struct buf;
struct cancel;
struct conn;
struct conn_opts;
struct err;
struct filter;
struct store;

enum apply_mode {
	APPLY_BINLOG,	/* BINLOG statements, with their session state */
	APPLY_ROWS,	/* rows as INSERT, UPDATE, DELETE: needs no right but
			 * these; statements are refused by name */
};

/* Moved on by apply, read by any thread. */
struct apply_totals {
	_Atomic uint64_t transactions;	/* taken, skipped ones among them */
	_Atomic uint64_t skipped;	/* made empty: asked for by name */
	_Atomic uint64_t left;		/* not of the filter's tables */
	_Atomic uint64_t rows, bytes;	/* rows applied; bytes of log read */
	_Atomic int64_t time_us;	/* of the last transaction */
};

struct apply_opts {
	struct store *store;
	const struct timeline *timeline;
	const struct route *route;
	const struct conn_opts *target;
	const struct flavour *flavour;	/* of the target */
	enum apply_mode mode;
	bool own_gtids;		/* each transaction under its source's GTID
				 * (APPLY_BINLOG only); false: AUTOMATIC */
	bool binlog_off;	/* sql_log_bin=0 */
	const struct gtid *skip;	/* these become empty transactions */
	size_t nskip;
	const struct filter *filter;	/* NULL: the whole server */
	struct apply_totals *totals;	/* or NULL */
	struct cancel *cancel;
};

/* What the target allows to the user of c: *mode is APPLY_BINLOG where
 * BINLOG statements may be run, *gtids whether source GTIDs may be set; *why
 * gets one line for the plan ("apply by BINLOG statements", "apply rows by
 * SQL: the right BINLOG_ADMIN or REPLICATION_APPLIER is missing").  Leaves
 * nothing behind. */
int apply_probe(struct conn *c, const struct flavour *f,
    enum apply_mode *mode, bool *gtids, struct buf *why, struct err *e);

/* Apply the route's legs in order.  Makes kura_restore and its table where
 * they are missing.  Errors name the transaction (GTID), the table where one
 * is known, and file:position; whatever was not finished is not done, but for
 * DDL of servers that cannot take it back. */
int apply_run(const struct apply_opts *o, struct err *e);

/* Where the target stands: 1 with the place after the last transaction
 * applied, 0 when nothing is noted. */
struct apply_place {
	char history[HISTORY_ID_LEN + 1];
	uint32_t seq;
	uint64_t offset;
	char gtid[2048];	/* of the last transaction, "" without; MariaDB:
				 * the position, a GTID for each domain applied
				 * from, as gtid_slave_pos takes it */
};
int apply_where(struct conn *c, struct apply_place *place, struct err *e);

#endif /* !RESTORE_APPLY_H */
