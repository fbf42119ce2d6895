/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction: a stream of binary log events, cut into transactions.
 *
 * Fed with every event of a file in order (from the file's first one, or from
 * a transaction's first one after transactions_begin).  A transaction is what
 * stands or falls together: from its GTID event (or its first event, where
 * there are no GTIDs) to its XID, COMMIT, XA PREPARE, DDL or payload event.
 * Only between transactions may a stream be cut.
 */
#ifndef MYSQL_TRANSACTION_H
#define MYSQL_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/event.h"

enum transaction_kind {
	TRANSACTION_ROWS,	/* row events only */
	TRANSACTION_STATEMENT,	/* a statement that changes rows */
	TRANSACTION_DDL,
	TRANSACTION_XA_PREPARE,	/* not of XA COMMIT ... ONE PHASE */
	TRANSACTION_XA_COMMIT, TRANSACTION_XA_ROLLBACK,
	TRANSACTION_EMPTY,
};

struct transaction_table {
	char *schema, *table;
	uint64_t writes, updates, deletes;	/* rows */
};

#define TRANSACTION_SQL_MAX 1024
#define TRANSACTION_TABLES_MAX 256	/* more: tables_cut */

struct transaction {
	enum transaction_kind kind;
	struct event_gtid gtid;
	int64_t time_us;	/* promise 4: original commit if recorded, else
				 * immediate, else the first event's seconds */
	uint64_t offset;	/* of the first event in its file */
	uint64_t size;		/* bytes to the end of the last event */
	uint64_t row_events;
	struct transaction_table *tables;
	size_t ntables;
	bool tables_cut;	/* there are, or may be, more */
	bool uncounted;		/* rows were not all counted: a column type or
				 * compression that Kura does not know */
	bool mixed;		/* a statement beside row events, or one that
				 * is not DDL: "statements mixed in" */
	bool incident;		/* the server says that events were lost */
	char schema[193];	/* default schema of the DDL or statement */
	char sql[TRANSACTION_SQL_MAX + 1];	/* of DDL, statement, XA; cut
				 * at a character's end */
};

struct transactions;		/* the scanner */

struct transactions *transactions_new(struct err *e);

/* The next event stands at offset, between two transactions. */
void transactions_begin(struct transactions *t);

/* One event, at offset.  *done: the transaction that it ends, borrowed until
 * the next call, else NULL.  f is the file's format. */
int transactions_event(struct transactions *t, const struct event *ev,
    const struct event_format *f, uint64_t offset,
    const struct transaction **done, struct err *e);

/* True between two transactions: here the stream may be cut. */
bool transactions_idle(const struct transactions *t);

void transactions_free(struct transactions *t);

#endif /* !MYSQL_TRANSACTION_H */
