/* SPDX-License-Identifier: Apache-2.0 */
/* insert: rows of a chunk as multi-row INSERTs, where LOAD LOCAL is off. */
#ifndef RESTORE_INSERT_H
#define RESTORE_INSERT_H

#include <stdint.h>

#include "mysql/connect.h"

struct err;
struct flavour;
struct plan_table;

/* Read TSV lines from read(arg) and insert them in c's open transaction;
 * ERR_CORRUPT when the count is not rows.  enum0 values with index 0 are
 * expected. */
int insert_rows(struct conn *c, const struct plan_table *t,
    const struct flavour *f, conn_source *read, void *arg, uint64_t rows,
    uint64_t enum0, struct err *e);

#endif /* !RESTORE_INSERT_H */
