/* SPDX-License-Identifier: Apache-2.0 */
/* check: reads the target back and compares every table's digest. */
#ifndef RESTORE_CHECK_H
#define RESTORE_CHECK_H

#include <stdint.h>

struct cancel;
struct err;
struct restore_plan;
struct target;

/* ERR_CORRUPT names the first table that differs and how many do.  *tables
 * counts those that were compared. */
int check_run(const struct restore_plan *p, const struct target *t,
    unsigned workers, uint64_t *tables, struct err *e);

#endif /* !RESTORE_CHECK_H */
