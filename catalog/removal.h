/* SPDX-License-Identifier: Apache-2.0 */
/*
 * removal: keys that are deleted as many at once as a store takes.
 *
 * Life cycle: removal_new; any number of removal_add; removal_flush; removal_free.
 * Keys that were added and not flushed stand.
 */
#ifndef CATALOG_REMOVAL_H
#define CATALOG_REMOVAL_H

struct removal;
struct err;
struct store;

struct removal *removal_new(struct store *s, struct err *e);

/* Copy a key; deletes all that wait when it is full. */
int removal_add(struct removal *r, const char *key, struct err *e);

/* Delete what waits. */
int removal_flush(struct removal *r, struct err *e);

void removal_free(struct removal *r);

/* Delete every object whose key begins with a prefix. */
int removal_prefix(struct store *s, const char *prefix, struct err *e);

#endif /* !CATALOG_REMOVAL_H */
