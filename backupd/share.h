/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share: which worker reads what.
 *
 * A worker takes the next table of the plan, and reads it part by part.  When
 * no table is left, it takes half of the parts that nobody has begun from
 * whoever has the most of them left; so workers end together, and a chunk is
 * cut short only where a share was taken.
 *
 * Any thread, with a worker's number of its own; share_free when all are
 * done.
 */
#ifndef BACKUPD_SHARE_H
#define BACKUPD_SHARE_H

#include <stddef.h>

struct err;
struct plan;
struct plan_item;
struct range;
struct share;
struct table_run;

/* plan is borrowed; its tables that are dumped already are left out. */
struct share *share_new(const struct plan *plan, unsigned workers,
    struct err *e);

enum share_kind { SHARE_NOTHING, SHARE_TABLE, SHARE_PARTS };

/* What worker w is to do next: *item, a table to begin, or parts of *table,
 * which another worker began.  Blocks while others may still have something to
 * give.  SHARE_NOTHING: all is taken, or share_stop was called. */
enum share_kind share_take(struct share *s, unsigned w,
    struct plan_item **item, struct table_run **table);

/* Worker w begins table t: all its parts are its own. */
void share_begin(struct share *s, unsigned w, struct table_run *t);

/* The others may take parts from worker w. */
void share_open(struct share *s, unsigned w);

/* The next part that worker w is to read; NULL: no more. */
const struct range *share_next(struct share *s, unsigned w);

/* Worker w is through with what it took: how many parts it read. */
size_t share_end(struct share *s, unsigned w);

/* Nobody gets anything more. */
void share_stop(struct share *s);

void share_free(struct share *s);

#endif /* !BACKUPD_SHARE_H */
