/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assertion: a query of the user's own that says whether a restored server is
 * as it should be: its single value must be true.
 *
 * Each runs in a read-only transaction of a connection of its own, not longer
 * than ASSERTION_S.
 */
#ifndef RESTORE_ASSERTION_H
#define RESTORE_ASSERTION_H

#include <stdbool.h>
#include <stddef.h>

struct conn_opts;
struct err;
struct flavour;

#define ASSERTION_S	300u
#define ASSERTION_VALUE	120

struct assertion {
	const char *sql;		/* borrowed */
	bool ok;
	bool null;			/* the value is NULL, or there is none */
	char value[ASSERTION_VALUE];	/* its beginning */
	char error[384];		/* "", or why there is no single value */
	double seconds;
};

/* ERR_USAGE: the text is no query. */
int assertion_check(const char *sql, struct err *e);

/* Ask; fills *a (sql is set).  -1 only when the server cannot be asked at
 * all, or we are told to stop. */
int assertion_ask(struct assertion *a, const struct conn_opts *opts,
    const struct flavour *f, struct err *e);

/* Is a value true, as the servers judge it? */
bool assertion_true(const char *value);

/* What is to be said of one that is not ok: always -1. */
int assertion_failed(const struct assertion *a, struct err *e);

#endif /* !RESTORE_ASSERTION_H */
