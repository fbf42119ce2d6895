/* SPDX-License-Identifier: Apache-2.0 */
/*
 * begun: notes that a run has begun (begun/<id>.json), and what dead runs left.
 *
 * A live run on another host must never be touched: leftovers are objects of
 * an id without head whose deadline is an hour past, or whose host and boot
 * are ours and whose process is gone.
 */
#ifndef CATALOG_BEGUN_H
#define CATALOG_BEGUN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/head.h"

struct err;
struct store;

/* Write the note of this process's run; deadline by the store's clock. */
int begun_write(struct store *s, const char *source, const char *id,
    int64_t deadline_us, struct err *e);
int begun_remove(struct store *s, const char *source, const char *id,
    struct err *e);

/* Is the run with this id surely dead?  1 yes, 0 no or unknown, -1 failure.
 * No note: dead an hour after the longest deadline that a run may have (its id
 * holds its start). */
int begun_dead(struct store *s, const char *source, const char *id,
    struct err *e);

/* Call each for every backup that a run which may be alive may borrow from;
 * a note that cannot be read is ERR_CORRUPT. */
int begun_borrows(struct store *s, const char *source,
    int (*each)(void *arg, const char *id, const char *lender,
    struct err *e), void *arg, struct err *e);

/* Host, boot and process of this one, as members of a document; and is the
 * process of such a one gone, so that nothing of it can come any more? */
void begun_owner(json_t *doc);
bool begun_owner_gone(const json_t *doc);

#endif /* !CATALOG_BEGUN_H */
