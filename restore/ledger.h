/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: what a replay has given to its target: GTIDs, transactions, bytes;
 * and how far the target's own word of a file and position is.
 *
 * Any thread may call anything; one lock guards the whole.
 */
#ifndef RESTORE_LEDGER_H
#define RESTORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/gtid.h"

struct buf;
struct err;
struct ledger;
struct transaction;

/* held: the GTIDs that the target has before anything is given; copied. */
struct ledger *ledger_new(const struct gtid_set *held, struct err *e);

/* What is given from here on is of file; its offset 0 would stand at base
 * bytes of the route (below 0 when the route begins inside it). */
int ledger_file(struct ledger *l, const char *file, int64_t base,
    struct err *e);

/* A transaction that ends at bytes of the route was given, whole or emptied.
 * *again: it was given before (to a replica that lost its connection) and is
 * not counted twice. */
int ledger_add(struct ledger *l, const struct transaction *t, uint64_t bytes,
    bool emptied, bool *again, struct err *e);

/* The route's bytes up to here were passed, without a transaction. */
void ledger_pass(struct ledger *l, uint64_t bytes);

struct ledger_totals {
	uint64_t transactions, emptied;
	uint64_t bytes;		/* of the route */
	int64_t time_us;	/* of the last transaction, 0: none */
	char last[GTID_TEXT];	/* its GTID, "" without */
};
void ledger_totals(struct ledger *l, struct ledger_totals *out);

/* What was given up to file:position, as near as it is remembered; false when
 * nothing of such a file was. */
bool ledger_place(struct ledger *l, const char *file, uint64_t position,
    struct ledger_totals *out);

/* Does text (a server's own) hold every GTID that the target held or was
 * given? */
int ledger_gtids(struct ledger *l, const char *text, bool *all,
    struct err *e);
/* Those GTIDs as text, appended. */
void ledger_gtid_text(struct ledger *l, struct buf *out);

void ledger_free(struct ledger *l);

#endif /* !RESTORE_LEDGER_H */
