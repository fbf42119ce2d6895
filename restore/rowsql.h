/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rowsql: row images as INSERT, UPDATE and DELETE statements.
 *
 * Rows are found by the primary or a unique NOT NULL key, else by all that
 * they hold; every statement says how many rows it must find.  Values go in
 * byte for byte, times in UTC.  The session's state must be rowsql_state's
 * (checks apart).
 */
#ifndef RESTORE_ROWSQL_H
#define RESTORE_ROWSQL_H

#include <stdbool.h>
#include <stddef.h>

#include "restore/statement.h"

struct batch;
struct buf;
struct err;
struct rows_event;
struct rows_table;
struct rows_value;
struct shape;

extern const struct statement_state rowsql_state;

struct rowsql_opts {
	const struct shape *shape;
	size_t max;		/* bytes of a statement, where it can be cut */
};

/* Can rows of this table go through SQL?  ERR_USAGE says why not: triggers
 * that would fire, history kept by the server, sequences. */
int rowsql_check(const struct shape *s, struct err *e);

/* Do the table and its rows events have the same columns?  ERR_USAGE.  Sets
 * in *t what a table map may leave untold. */
int rowsql_match(const struct shape *s, struct rows_table *t,
    struct err *e);

/* A rows event's rows, appended to the batch (flushed as it grows). */
int rowsql_apply(const struct rowsql_opts *o, const struct rows_table *t,
    const struct rows_event *r, struct batch *b, struct err *e);

/* Single statements, appended; before and after have the shape's columns.
 * guard: an UPDATE also compares the columns that it changes, a DELETE all.
 * readable: text is written as text where it can be read.  *warnings gets how
 * many the statement will give: one for each index 0 of an ENUM. */
struct rowsql_text {
	const struct shape *shape;
	bool guard, readable;
};
int rowsql_insert(const struct rowsql_text *x, const struct rows_value *row,
    struct buf *out, unsigned *warnings, struct err *e);
int rowsql_update(const struct rowsql_text *x,
    const struct rows_value *before, const struct rows_value *after,
    struct buf *out, unsigned *warnings, struct err *e);
int rowsql_delete(const struct rowsql_text *x, const struct rows_value *row,
    struct buf *out, struct err *e);
/* The condition that a row is found by: its key, or all it holds; whole: all
 * in any case. */
int rowsql_where(const struct rowsql_text *x, const struct rows_value *row,
    bool whole, struct buf *out, struct err *e);

#endif /* !RESTORE_ROWSQL_H */
