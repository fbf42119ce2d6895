/* SPDX-License-Identifier: Apache-2.0 */
/* undo_impl: what the parts of undo share; for undo*.c alone. */
#ifndef RESTORE_UNDO_IMPL_H
#define RESTORE_UNDO_IMPL_H

#include <stdint.h>

#include "base/buf.h"
#include "catalog/timeline.h"
#include "mysql/flavour.h"
#include "mysql/rows.h"
#include "restore/plan.h"
#include "restore/shape.h"
#include "restore/undo.h"

struct filter;

/* A chosen transaction. */
struct undo_transaction {
	size_t leg, history;
	uint32_t seq;
	uint64_t offset, size;
	struct gtid gtid;
	int64_t time_us;
	char file[256];
};

/* A table as it was mapped; one for each shape that it had. */
struct undo_table {
	struct rows_table map;
	uint64_t hash;		/* of the map */
	const struct shape *shape;
	struct buf guard;	/* what a DELETE adds: no rows of others that
				 * would go with it */
	bool carries;		/* another table's rows follow its key */
	uint64_t inserts, updates, deletes;	/* to undo */
};

/* A rows event, plain, in events. */
struct undo_event {
	size_t at, size;
	size_t transaction, table;
};

struct undo_states;

struct undo {
	const struct undo_opts *o;
	struct store *store;
	struct timeline timeline;
	struct route_whole whole;
	struct conn *conn;
	struct flavour flavour;
	struct restore_plan picks;	/* of --table */
	struct filter *filter;		/* NULL: all tables */
	struct gtid *gtids;
	bool *found;
	int64_t from_us, to_us;
	struct undo_transaction *transactions;	/* in log order */
	size_t ntransactions;
	struct undo_table *tables;
	size_t ntables;
	struct buf events;
	struct undo_event *list;
	size_t nlist;
	struct shapes *shapes;
	struct buf refused;	/* lines */
	unsigned nrefused;
	/* by row, in the order of undoing */
	uint8_t *conflicts;
	uint32_t *after;	/* a row before it on which it stands */
	size_t nrows, cap;
	struct undo_states *states;
	struct buf named;	/* conflicts, a line each */
	uint64_t nconflicts;
};

void undo_refuse(struct undo *u, const struct gtid *g, const char *text);

/* undo_choose.c: find the transactions, read their rows. */
int undo_choose(struct undo *u, struct err *e);
int undo_read(struct undo *u, struct err *e);
/* Call each, with a struct undo_at as arg, for the transactions of a leg of
 * the whole from its file number from on, none of a side branch, which the
 * live server never had; all false: of the files that may hold a chosen
 * one. */
struct undo_at {
	struct undo *u;
	size_t leg, history;
	const char *file;
};
int undo_each(struct undo *u, bool all, size_t leg, uint32_t from,
    int (*each)(void *arg, uint32_t seq, const struct transaction *tr,
    struct err *e), struct err *e);

/* undo_look.c: definitions of these tables that came after; and the live tables. */
int undo_look(struct undo *u, struct err *e);

/* undo_rows.c: compare all rows with the live tables; then make the
 * statements of those without conflict: each gets every one, newest first,
 * with the number of warnings that it gives. */
int undo_check(struct undo *u, struct err *e);
int undo_make(struct undo *u, bool readable, int (*each)(void *arg,
    const struct undo_event *ev, bool keys_off, const struct buf *sql,
    unsigned warnings, struct err *e), void *arg, struct err *e);
void undo_rows_free(struct undo *u);

#endif /* !RESTORE_UNDO_IMPL_H */
