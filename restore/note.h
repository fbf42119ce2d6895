/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note: how far archived transactions are applied: the one row of
 * kura_restore.apply on the target.
 *
 * A note is written in the transaction of what it tells of.  What commits by
 * itself has a note before (state and proof say what was about to be done)
 * and one after.
 */
#ifndef RESTORE_NOTE_H
#define RESTORE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/history.h"
#include "codec/digest.h"

struct buf;
struct conn;
struct err;

#define NOTE_GTID 2048		/* MariaDB: one GTID a domain */

enum note_state {
	NOTE_DONE,	/* all up to the place, nothing after */
	NOTE_DDL,	/* the next transaction's statement, begun: proof is
			 * what the server showed before it */
	NOTE_XA,	/* the next transaction, XA PREPARE, COMMIT or ROLLBACK,
			 * begun: the server's list of them tells */
	NOTE_PLAIN,	/* the next transaction, on tables that cannot take
			 * rows back, begun: nothing tells */
};

struct note {
	char history[HISTORY_ID_LEN + 1];	/* "": nothing done yet */
	uint32_t seq;
	uint64_t offset;	/* after the last transaction */
	char gtid[NOTE_GTID];
	enum note_state state;
	char proof[SHA256_HEX];
	unsigned temporary;	/* temporary tables of the log that are open */
};

/* Make schema, table and row where they are missing (ERR_DENIED hints at the
 * statements), then read it. */
int note_open(struct conn *c, struct note *n, struct err *e);

/* Read it if there is one: 1, else 0. */
int note_read(struct conn *c, struct note *n, struct err *e);

/* Append the statement that writes it (no semicolon), valid under any
 * sql_mode. */
void note_write(const struct note *n, struct buf *out);

#endif /* !RESTORE_NOTE_H */
