/* SPDX-License-Identifier: Apache-2.0 */
/*
 * had: which transactions of a route a target has already.
 *
 * MySQL's GTIDs say it one by one.  MariaDB's position says how far each
 * domain is, in log order: all of it up to that very transaction; numbers are
 * not compared, since two writing servers may mix them.
 *
 * Asked in the route's order, from its beginning; one thread at a time.
 */
#ifndef RESTORE_HAD_H
#define RESTORE_HAD_H

#include <stdbool.h>

#include "mysql/gtid.h"

struct buf;
struct err;
struct had;

/* What a target has (copied), and what it had when the route began. */
struct had *had_new(const struct gtid_set *have, const struct gtid_set *held,
    struct err *e);

/* True when the target has nothing of the route. */
bool had_nothing(const struct had *h);

/* Does the target have it?  The next transaction of the route. */
bool had_next(struct had *h, const struct gtid *g);

/* Positions (MariaDB) that did not come by: the target stands where the route
 * does not lead.  Appended to *out (may be NULL) as text; true when there are any. */
bool had_missing(const struct had *h, struct buf *out);

void had_free(struct had *h);

#endif /* !RESTORE_HAD_H */
