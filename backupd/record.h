/* SPDX-License-Identifier: Apache-2.0 */
/* record: what a run found and did, as the parts of its head. */
#ifndef BACKUPD_RECORD_H
#define BACKUPD_RECORD_H

#include <stdint.h>

#include "backupd/dump.h"

struct conn;
struct err;
struct flavour;
struct head;
struct plan;
struct schema_scope;
struct snapshot_facts;
struct store;

/* Fill server, snapshot, coordinates, settings of *h. c: any connection. */
int record_server(struct head *h, struct conn *c, const struct flavour *f,
    const struct snapshot_facts *facts, unsigned workers, struct err *e);

/* Fill partial, totals, inexact, lenders, codec. */
int record_totals(struct head *h, const struct plan *p,
    const struct schema_scope *scope, const struct chunk_totals *t,
    const struct dump_inexact *inexact, const struct store *s, int level,
    struct err *e);

#endif /* !BACKUPD_RECORD_H */
