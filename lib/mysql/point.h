/* SPDX-License-Identifier: Apache-2.0 */
/*
 * point: values between two values of a key's column, as text, and how they
 * are written in SQL.
 *
 * Points only have to lie somewhere between: a range is bounded by values that
 * stand in the table, found from a point on, and put in order by the server.
 */
#ifndef MYSQL_POINT_H
#define MYSQL_POINT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct schema_column;

/* Whether the column has a value space that we know how to spread points
 * over: integers, decimals, dates, text and bytes. */
bool point_can(const struct schema_column *c);

/* Point i of n between two values as the server prints them, appended to
 * *out. */
void point_between(const struct schema_column *c, const struct buf *low,
    const struct buf *high, unsigned i, unsigned n, struct buf *out);

/* Whether a value may stand in a condition: no date that is none. */
bool point_usable(const struct schema_column *c, const char *value, size_t n);

/* Append a value as a literal of the column's own type and character set, so
 * that the comparison converts nothing and the index serves it. */
void point_literal(const struct schema_column *c, const char *value, size_t n,
    struct buf *out);

#endif /* !MYSQL_POINT_H */
