/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns: names of columns at a place in archived binary logs, and which
 * numbers have no sign: what row events themselves need not tell.
 *
 * They are those of the newest backup before that place, as long as no
 * statement since has named the table.  Places are those of a route_whole, in
 * log order.
 */
#ifndef CATALOG_COLUMNS_H
#define CATALOG_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/route.h"

struct columns;
struct err;
struct store;
struct timeline;
struct transaction;

struct columns *columns_new(struct store *s, const struct timeline *t,
    const struct route_whole *w, struct err *e);

/* Look for what transactions of one file need, from the first to the last of
 * n; to be called in log order.  Reads lists of a backup and indexes. */
int columns_prepare(struct columns *c, size_t leg, uint32_t seq,
    const struct transaction *all, size_t n, struct err *e);

struct column {
	char *name;
	bool is_unsigned;
};

/* All n columns of a table, borrowed; NULL when they are not known (any more)
 * at this place. */
const struct column *columns_of(const struct columns *c,
    const struct route_place *p, const char *schema, const char *table,
    size_t n);

void columns_free(struct columns *c);

/* The columns in a definition as SHOW CREATE TABLE prints it; owned:
 * columns_ddl_free. */
int columns_of_ddl(const char *ddl, struct column **list, size_t *n,
    struct err *e);
void columns_ddl_free(struct column *list, size_t n);

/* Does a statement name it (n bytes)?  A word in it, whatever it stands for. */
bool columns_mentioned(const char *sql, const char *name, size_t n);

#endif /* !CATALOG_COLUMNS_H */
