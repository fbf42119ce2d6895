/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes: schema kura_restore on a target, and the tables in which a restore
 * notes there how far it is.
 *
 * A user who may make no schema works with one that an administrator has made:
 * nothing here asks for more than what is missing.
 */
#ifndef RESTORE_NOTES_H
#define RESTORE_NOTES_H

#include <stdbool.h>

struct buf;
struct conn;
struct err;

/* Is the table (run, step, memo, apply) there?  1, 0, or -1 with *e. */
int notes_has(struct conn *c, const char *table, struct err *e);

/* Make schema and table where they are missing.  ERR_DENIED hints at how to
 * have them made. */
int notes_need(struct conn *c, const char *table, struct err *e);

/* Are all of them there? */
int notes_have_all(struct conn *c, struct err *e);

/* What an administrator runs so that this user (as CURRENT_USER() has it) may
 * restore without making a schema: statements with their semicolons, a line
 * each. */
void notes_statements(const char *user, struct buf *out);

/* Drop the schema; where that is not allowed, empty its tables. */
int notes_drop(struct conn *c, struct err *e);

#endif /* !RESTORE_NOTES_H */
