/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: a part of a server, also renamed: which tables' rows are wanted,
 * and what becomes of statements.
 *
 * What cannot be told apart is refused, never guessed: statements that write
 * rows, DDL on a wanted table beyond a closed set of simple ones, tables
 * whose rows changed by foreign key cascades of parents that are left out.
 */
#ifndef RESTORE_FILTER_H
#define RESTORE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct filter;
struct restore_plan;
struct route;
struct store;
struct timeline;

/* The tables that p's picks name, under their new names; p is borrowed.
 * any_case: to the source, upper and lower case (of ASCII) are one in names
 * (lower_case_table_names is not 0), and its log has them as they were typed.
 * NULL when p is the whole server and nothing failed. */
struct filter *filter_new(const struct restore_plan *p, bool any_case,
    struct err *e);

/* Is the table wanted?  Its name on the target, borrowed. */
bool filter_table(const struct filter *f, const char *schema,
    const char *table, const char **to_schema, const char **to_table);

enum filter_verdict {
	FILTER_LEAVE,	/* touches nothing that is wanted */
	FILTER_TAKE,	/* *out is the statement as the target should run it:
			 * it names all in full, under any default schema */
	FILTER_KEEP,	/* the same, but under home: *out is its own text */
	FILTER_REFUSE,	/* *out is why, one line */
};

/* What becomes of a statement (of a QUERY event, home its default schema). */
enum filter_verdict filter_statement(const struct filter *f,
    const char *home, const char *sql, size_t n, struct buf *out);

/* What the route holds for this filter, from the indexes and definitions
 * alone. */
struct filter_report {
	uint64_t taken, left;	/* transactions */
	struct buf notes;	/* lines for the plan: DDL that is applied
				 * renamed, statements that are left out */
	struct buf refused;	/* lines: why it cannot be done */
};
int filter_plan(const struct filter *f, struct store *s,
    const struct timeline *t, const struct route *r,
    struct filter_report *report, struct err *e);
void filter_report_free(struct filter_report *report);

void filter_free(struct filter *f);

#endif /* !RESTORE_FILTER_H */
