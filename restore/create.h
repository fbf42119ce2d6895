/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create: definitions of a plan become objects on the target.
 *
 * Each definition is checked to be one CREATE statement of its kind before
 * the server sees it, and runs under the context that the source had.
 */
#ifndef RESTORE_CREATE_H
#define RESTORE_CREATE_H

#include <stdbool.h>

struct buf;
struct err;
struct plan_object;
struct plan_table;
struct restore_plan;
struct store;
struct target;

struct create_opts {
	struct store *store;
	struct restore_plan *plan;
	struct target *target;
	struct conn *conn;		/* restore session */
	bool defer_indexes;
	bool overwrite;			/* drop what is there first */
	bool keep_names;		/* objects that name an old schema */
	bool events_off;		/* events are made disabled */
};

/* Schemas and sequences, then tables without foreign keys and deferred
 * indexes (kept in the plan as clauses). */
int create_tables(const struct create_opts *o, struct err *e);

/* What can stand only once the rows are in: foreign keys, routines, views; and
 * triggers, which would fire for rows that are inserted later. */
int create_rest(const struct create_opts *o, struct err *e);
int create_triggers(const struct create_opts *o, struct err *e);

/* Events, last of all: some may be due at once. */
int create_events(const struct create_opts *o, struct err *e);

/* A table's definition as it would be made, under the target's name. */
int create_table_text(struct store *s, const struct restore_plan *p,
    const struct plan_table *t, struct buf *out, struct err *e);

/* The word after CREATE of a view, trigger, event or routine; "" for others. */
const char *create_kind(const struct plan_object *x);

/* The SET statement of the context in which it was made. */
void create_context(const struct plan_object *x, struct buf *out);

/* ERR_USAGE when a renamed schema is named by a routine, trigger or event
 * (they are not rewritten), listing the first of them. */
int create_check_names(const struct create_opts *o, struct err *e);

#endif /* !RESTORE_CREATE_H */
