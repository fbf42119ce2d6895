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

#endif /* !CATALOG_BEGUN_H */
