/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: TABLE_MAP events, and the row images of rows events as values.
 *
 * A table map is copied and owns its memory; what a row's values point at
 * lives until the next row.  All bytes are foreign: every length is checked.
 *
 * Sources: facts/mysql.md 6; Table_map_log_event, Rows_log_event and the
 * field formats of MySQL's and MariaDB's manuals.
 */
#ifndef MYSQL_ROWS_H
#define MYSQL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/event.h"

struct buf;
struct bytes;
struct err;

struct rows_column {
	uint8_t type;		/* real type: ENUM and SET taken out of
				 * STRING */
	uint16_t meta;
	bool nullable;
	bool is_unsigned;	/* only when map.signedness is known */
	uint32_t collation;	/* 0: not recorded */
	char *name;		/* NULL: not recorded (row metadata minimal) */
};

struct rows_table {
	uint64_t id;
	char *schema, *table;
	struct rows_column *columns;
	size_t ncolumns;
	bool signedness;	/* is_unsigned was recorded */
};

/* Read a TABLE_MAP event. */
int rows_table_parse(const struct event *ev, const struct event_format *f,
    struct rows_table *t, struct err *e);
void rows_table_free(struct rows_table *t);

/* The same event under other names, sealed when f->checksum, appended to
 * *out. */
int rows_table_rename(const struct event *ev, const struct event_format *f,
    const char *schema, const char *table, struct buf *out, struct err *e);

enum rows_kind { ROWS_WRITE, ROWS_UPDATE, ROWS_DELETE };

/* A rows event (23-25, 30-32, 39): kind, table id, flags. */
struct rows_event {
	enum rows_kind kind;
	uint64_t table_id;
	uint16_t flags;		/* 1: end of statement, 2: no foreign key
				 * checks, 4: relaxed unique checks */
	bool partial;		/* PARTIAL_UPDATE_ROWS */
	uint64_t ncolumns;
	const uint8_t *before_mask, *after_mask;	/* columns present */
	const uint8_t *rows, *end;
};
int rows_event_parse(const struct event *ev, const struct event_format *f,
    struct rows_event *r, struct err *e);

/* How many rows it holds (an UPDATE's two images are one); every length is
 * checked on the way, no value is read. */
int rows_count(const struct rows_table *t, const struct rows_event *r,
    uint64_t *n, struct err *e);

/* A value as SQL understands it, without quotes:
 *
 *   NUMBER    a numeric literal: integers, DECIMAL, FLOAT and DOUBLE as text
 *             that reads back exactly ("-0e0" too), YEAR ("0000"), the index
 *             of an ENUM, the bits of a SET, the number that a BIT(n) is
 *   TEXT      "2026-11-24 10:00:00.000001": DATE, TIME, DATETIME, and TIMESTAMP
 *             in UTC; and strings whose collation is known: bytes in their
 *             own character set
 *   BYTES     binary strings, VECTOR, and strings of unknown collation
 *   JSON      MySQL's, as text
 *   GEOMETRY  SRID and WKB, as the server stores it
 *   CHANGE    of a JSON document (PARTIAL_UPDATE_ROWS): rows_change_next; empty
 *             where it stayed as it was, which is not in the image before
 *
 * Row images cut trailing spaces off a CHAR, and zeros off a BINARY (so also
 * off MariaDB's INET6 and UUID); the zeros are put back where the collation is
 * known to be binary. */
enum rows_form { ROWS_ABSENT, ROWS_NULL, ROWS_NUMBER, ROWS_TEXT, ROWS_BYTES,
	ROWS_JSON, ROWS_GEOMETRY, ROWS_CHANGE };
struct rows_value {
	enum rows_form form;
	const char *data;	/* not ended by NUL */
	size_t len;
};

#define ROWS_BINARY 63		/* the collation of binary strings */

/* Reads rows one after another.  unsigned_columns (ncolumns flags) is used
 * when the map has no signedness; or NULL.  What else a map does not tell may
 * be set in t->columns before: the collation, and as meta the digits of
 * the fraction of MariaDB's old TIME, DATETIME and TIMESTAMP (types 11, 12, 7).
 * *t, *r and the event's bytes are borrowed. */
struct rows_reader;
struct rows_reader *rows_reader_new(const struct rows_table *t,
    const struct rows_event *r, const bool *unsigned_columns, struct err *e);
/* The next row: 1, with before (UPDATE, DELETE) and after (WRITE, UPDATE)
 * each ncolumns values, borrowed until the next call, NULL when the kind has
 * none; 0 at the end; -1 with *e. */
int rows_next(struct rows_reader *r, const struct rows_value **before,
    const struct rows_value **after, struct err *e);
void rows_reader_free(struct rows_reader *r);

/* A DECIMAL(precision, scale) in the servers' binary form, taken off *b, as
 * text; false when it is none. */
bool rows_decimal_text(struct bytes *b, unsigned precision, unsigned scale,
    struct buf *out);

/* MySQL's binary JSON as text, appended, as the server prints it; DECIMALs and
 * times inside keep their exact text. */
int rows_json_text(const void *data, size_t n, struct buf *out,
    struct err *e);

/* The steps of a CHANGE, one after another: *data and *n are moved on.  1 with
 * the step, its path (borrowed) and the new value as text appended to *value
 * (none for REMOVE); 0 at the end; -1 with *e.  In SQL an INSERT whose path
 * ends in ']' is JSON_ARRAY_INSERT. */
enum rows_step { ROWS_REPLACE, ROWS_INSERT, ROWS_REMOVE };
int rows_change_next(const char **data, size_t *n, enum rows_step *step,
    const char **path, size_t *path_len, struct buf *value, struct err *e);

#endif /* !MYSQL_ROWS_H */
