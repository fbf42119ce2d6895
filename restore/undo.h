/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo: the reverse of chosen transactions, as SQL, newest first.
 *
 * Every row that would be changed is compared with the live table before
 * anything is: a row that changed since is a conflict, and then nothing is
 * done unless conflicts are to be kept as they are.  What cannot be undone
 * (definitions, statements without full row images, changes that foreign keys
 * made and the log does not have) is named, and nothing is done.
 */
#ifndef RESTORE_UNDO_H
#define RESTORE_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct audit;
struct cancel;
struct conn_opts;
struct err;
struct store;

struct undo_opts {
	const char *source;
	const struct conn_opts *conn;	/* of the live server */
	const char *const *gtids;	/* these transactions */
	size_t ngtids;
	const char *from, *to;		/* or all from one time to another */
	const char *const *tables;	/* "schema.table": only their rows */
	size_t ntables;
	const char *out;		/* write a script there, a new file */
	bool apply;			/* run it, in one transaction */
	bool keep_conflicts, yes, json;
	struct cancel *cancel;
	struct audit *audit;		/* told when it is applied; or NULL */
};

/* Say on out what would be undone; with o->out or o->apply do it.  ERR_USAGE:
 * it cannot be undone; ERR_EXISTS: conflicts. */
int undo_run(struct store *s, const struct undo_opts *o, FILE *out,
    struct err *e);

#endif /* !RESTORE_UNDO_H */
