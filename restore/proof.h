/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: did a target change as many rows as the transactions that it was
 * given?  GTIDs do not tell: a server passes over what it takes for known.
 *
 * What it changed is in the server's own counters for each table: the table
 * I/O summary of MySQL's performance schema, MariaDB's user statistics.  They
 * are lost with the table, so what a table owes begins again with each DDL
 * statement that names it or its schema; retried transactions count twice.
 * Fewer changes than were given are proof of a loss, more prove nothing.
 *
 * One thread at a time.
 */
#ifndef RESTORE_PROOF_H
#define RESTORE_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct conn;
struct err;
struct proof;
struct transaction;

/* f: the target's; what is needed of it is copied. */
struct proof *proof_new(const struct flavour *f, struct err *e);

/* Read the counters before anything is given.  *why (one line) is filled when
 * the target counts nothing: proof_check then compares nothing. */
int proof_begin(struct proof *p, struct conn *c, struct buf *why,
    struct err *e);

/* A transaction was given. */
int proof_add(struct proof *p, const struct transaction *t, struct err *e);

/* ERR_CORRUPT names the first table with fewer changes than it was given, and
 * says how many such there are.  *rows and *tables: what was compared. */
int proof_check(struct proof *p, struct conn *c, uint64_t *rows,
    uint64_t *tables, struct err *e);

void proof_free(struct proof *p);

#endif /* !RESTORE_PROOF_H */
