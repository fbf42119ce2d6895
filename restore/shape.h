/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape: tables as a server has them now, as far as row images need it.
 *
 * Life cycle: shapes_new; shapes_get any number of times; shapes_clear after
 * a definition changed; shapes_free.  A shape is borrowed until then.
 */
#ifndef RESTORE_SHAPE_H
#define RESTORE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "mysql/flavour.h"

struct conn;
struct err;
struct shapes;

/* How values of a row image become SQL, and are compared. */
enum shape_type {
	SHAPE_PLAIN,	/* as they are: numbers, times */
	SHAPE_FLOAT,	/* compared as the DOUBLE that each is */
	SHAPE_NUMBER,	/* compared as a number: ENUM, SET, BIT, YEAR */
	SHAPE_TEXT, SHAPE_JSON,
	SHAPE_BYTES,	/* also MariaDB's INET4, INET6, UUID */
	SHAPE_OPAQUE,	/* compared as bytes: GEOMETRY, VECTOR */
};

struct shape_column {
	char *name;
	enum shape_type type;
	bool is_enum;
	bool is_unsigned;
	bool generated;		/* cannot be written */
	bool on_update;		/* changes by itself unless written */
	bool key;		/* of the key below */
	unsigned digits;	/* of a time's fraction */
	char *charset;		/* of text, else NULL */
};

struct shape {
	char *schema, *table;
	bool transactional;	/* its engine takes rows back */
	bool versioned, sequence;	/* MariaDB */
	/* The rest only by shapes_columns. */
	unsigned triggers;
	struct shape_column *columns;	/* all, in the order of row images */
	size_t ncolumns;
	bool keyed;		/* has a primary or unique NOT NULL key */
	bool *unsigned_columns;	/* ncolumns flags, for rows_reader_new */
};

struct shapes *shapes_new(struct err *e);

/* A table; ERR_NOTFOUND when it is not there. */
const struct shape *shapes_get(struct shapes *s, struct conn *c,
    const char *schema, const char *table, struct err *e);
/* The same with its columns, keys and triggers read. */
const struct shape *shapes_columns(struct shapes *s, struct conn *c,
    const struct flavour *f, const char *schema, const char *table,
    struct err *e);

void shapes_clear(struct shapes *s);
void shapes_free(struct shapes *s);

#endif /* !RESTORE_SHAPE_H */
