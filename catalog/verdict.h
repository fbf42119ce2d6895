/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: the last word on a mark, for ever.
 *
 *   marks/sweep-<id>-<when>.json          on the mark of a backup
 *   marks/floor-<h>-<seq>-<when>.json     on the mark of binary logs
 *
 * <when> is the mark's own time, so that a later mark has a verdict of its own.
 * Whoever sweeps looks whether anybody wants it, and says GO before it deletes
 * anything; whoever takes a mark away says STAY before.  The document is only
 * ever created: one of both is first, and the other gives way, however long
 * either was stopped between its look and its word.
 */
#ifndef CATALOG_VERDICT_H
#define CATALOG_VERDICT_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

enum verdict { VERDICT_NONE, VERDICT_GO, VERDICT_STAY };

/* Its key; kind and name are "sweep" and an id, "floor" and "<h>-<seq>". */
void verdict_key(const char *source, const char *kind, const char *name,
    int64_t marked_us, char *key, size_t room);

/* The time of a new mark: *marked_us, or right after, where an earlier mark of
 * that very time (some stores' clocks know whole seconds) has its verdict. */
int verdict_time(struct store *s, const char *source, const char *kind,
    const char *name, int64_t *marked_us, struct err *e);

/* Say so, unless something was said before: *is, what stands. */
int verdict_give(struct store *s, const char *key, enum verdict want,
    enum verdict *is, struct err *e);

/* What stands, or VERDICT_NONE.  One that is damaged lets it stay. */
int verdict_look(struct store *s, const char *key, enum verdict *is,
    struct err *e);

/* Parse a document; ERR_CORRUPT. */
int verdict_parse(const char *text, size_t n, enum verdict *is,
    struct err *e);

#endif /* !CATALOG_VERDICT_H */
