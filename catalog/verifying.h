/* SPDX-License-Identifier: Apache-2.0 */
/* verifying: the verb verify of catalog: all of what is named, or with
 * --within a portion of each source. */
#ifndef CATALOG_VERIFYING_H
#define CATALOG_VERIFYING_H

#include <stdint.h>

struct buf;
struct cancel;
struct err;
struct settings;
struct store;

/* Do the verb of *s; its answer goes to standard output.  *damaged: findings,
 * added; the first one's object and what is wrong with it are appended to
 * *first. */
int verifying(struct settings *s, struct store *store,
    struct cancel *cancel, uint64_t *damaged, struct buf *first,
    struct err *e);

#endif /* !CATALOG_VERIFYING_H */
