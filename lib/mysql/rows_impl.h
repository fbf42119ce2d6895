/* SPDX-License-Identifier: Apache-2.0 */
/* rows_impl: column types as row images hold them; for rows*.c alone. */
#ifndef MYSQL_ROWS_IMPL_H
#define MYSQL_ROWS_IMPL_H

#include "mysql/bytes.h"
#include "mysql/rows.h"

enum rows_type {
	TYPE_TINY = 1, TYPE_SHORT = 2, TYPE_LONG = 3, TYPE_FLOAT = 4,
	TYPE_DOUBLE = 5, TYPE_NULL = 6, TYPE_TIMESTAMP = 7,
	TYPE_LONGLONG = 8, TYPE_INT24 = 9, TYPE_DATE = 10, TYPE_TIME = 11,
	TYPE_DATETIME = 12, TYPE_YEAR = 13, TYPE_NEWDATE = 14,
	TYPE_VARCHAR = 15, TYPE_BIT = 16, TYPE_TIMESTAMP2 = 17,
	TYPE_DATETIME2 = 18, TYPE_TIME2 = 19, TYPE_TYPED_ARRAY = 20,
	TYPE_MARIA_BLOB_COMPRESSED = 140,
	TYPE_MARIA_VARCHAR_COMPRESSED = 141,
	TYPE_VECTOR = 242, TYPE_JSON = 245, TYPE_DECIMAL = 246,
	TYPE_ENUM = 247, TYPE_SET = 248, TYPE_TINY_BLOB = 249,
	TYPE_MEDIUM_BLOB = 250, TYPE_LONG_BLOB = 251, TYPE_BLOB = 252,
	TYPE_VAR_STRING = 253, TYPE_STRING = 254, TYPE_GEOMETRY = 255,
};

/* The names alone of a TABLE_MAP event, the caller's to free. */
int rows_table_names(const struct event *ev, char **schema, char **table,
    struct err *e);

/* Bytes of a DECIMAL(precision, scale). */
unsigned rows_decimal_size(unsigned precision, unsigned scale);

/* Take one value off *b: its bytes, without a length that stands before
 * them; NULL (and b->bad) when they are not there. */
const uint8_t *rows_field(const struct rows_column *c, struct bytes *b,
    size_t *n);

/* Its value.  v->data is NULL when the text was made: it is then what was
 * appended to *room, v->len bytes. */
int rows_value(const struct rows_column *c, const uint8_t *p, size_t n,
    bool is_unsigned, struct rows_value *v, struct buf *room, struct err *e);

/* Text of numbers and times, appended; false: no such value. */
bool rows_double_text(double d, struct buf *out);
/* MySQL's packed times, of which the sign was taken off: from the highest
 * bit, (hours or year * 13 + month, day, hour), minute, second, and 24 bits
 * of microseconds. */
bool rows_packed_time(bool negative, uint64_t packed, unsigned digits,
    struct buf *out);
bool rows_packed_date(uint64_t packed, struct buf *out);
bool rows_packed_datetime(uint64_t packed, unsigned digits, struct buf *out);

#endif /* !MYSQL_ROWS_IMPL_H */
