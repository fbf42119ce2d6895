/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row: one row of a result as a line of TSV (FORMAT.md, "Rows").
 */
#ifndef BACKUPD_ROW_H
#define BACKUPD_ROW_H

#include <stddef.h>

struct buf;
struct err;
struct table_run;

/* Bytes that the line of n fields of these lengths may need. */
size_t row_room(const unsigned long *len, size_t n);

/* Write the line, with its LF, of n fields (NULL: SQL NULL) to p, which has
 * row_room bytes.  Returns its length. */
size_t row_put(char *p, char **row, const unsigned long *len, size_t n);

/* Behind the table's own fields stand those of select_sql for its MySQL JSON
 * columns.  1: *line is the line as it will be after a reload, and the columns
 * that differ are counted in t; 0: it will be the same; -1 with *e set. */
int row_reload(struct table_run *t, char **row, const unsigned long *len,
    struct buf *line, struct err *e);

#endif /* !BACKUPD_ROW_H */
