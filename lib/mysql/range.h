/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range: the key interval that one query reads.
 *
 * A table's key space is cut by index dives (EXPLAIN FORMAT=TRADITIONAL) and
 * bisection in value space, never by walking rows (facts/mysql.md, 5).  A
 * range is [from, to) on the key's leading columns; NULL bounds are open.
 * Bounds are values of the first key column (of the second inside one value of
 * the first when that is skewed).  A partitioned table is read across its
 * partitions: a chunk is one interval of keys, however the table is laid out.
 */
#ifndef MYSQL_RANGE_H
#define MYSQL_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct conn;
struct err;
struct schema_table;

struct range {
	char *where;		/* SQL condition, or NULL: the whole table */
	uint64_t rows;		/* estimate */
};

/* Cut table t into ranges of about target rows (at least 1 range); *out and
 * *n are owned, free with range_list_free.  c must be inside the snapshot or
 * any other session; only estimates depend on it, never correctness: every row
 * is in exactly one range whatever the estimates say. */
int range_split(struct conn *c, const struct flavour *f,
    const struct schema_table *t, uint64_t target, struct range **out,
    size_t *n, struct err *e);
void range_list_free(struct range *list, size_t n);

#endif /* !MYSQL_RANGE_H */
