/* SPDX-License-Identifier: Apache-2.0 */
/* select: the statement that reads one range of a table, in key order. */
#ifndef BACKUPD_SELECT_H
#define BACKUPD_SELECT_H

#include <stddef.h>

struct buf;
struct range;
struct schema_table;

/* Append the SELECT.  After the table's own columns come, for each MySQL JSON
 * column, the text it will have after a reload, or NULL where that is the
 * same. */
void select_sql(const struct schema_table *t, const struct range *range,
    struct buf *out);

/* How many of those extra columns there are. */
size_t select_extras(const struct schema_table *t);

#endif /* !BACKUPD_SELECT_H */
