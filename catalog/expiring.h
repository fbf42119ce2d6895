/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiring: marks of whole backups, which may be swept after a grace period:
 * marks/backup-<id>.json.
 *
 * Whoever sweeps one and whoever takes its mark away gives a verdict first
 * (verdict.h), so that of both at the same time one gives way, whatever their
 * order.  The grace begins when the mark was written, by the store's own time:
 * a process may be stopped between its look and that.
 */
#ifndef CATALOG_EXPIRING_H
#define CATALOG_EXPIRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct store;

struct expiring {
	char backup[BACKUP_ID_LEN + 1];
	int64_t said_us;	/* the mark's own word, its verdict's name */
	int64_t marked_us, sweep_after_us;
	char *why;
	bool marked;		/* false: verdicts alone are left */
	bool sweeping;		/* the verdict is that it goes */
	bool stays;		/* or that it stays: the mark is void */
	bool unreadable;	/* why says why; times are 0 */
};

/* Mark one at this time of the store's; that it is marked already is fine. */
int expiring_mark(struct store *s, const char *source, const char *id,
    const char *why, int64_t now_us, int64_t grace_us, struct err *e);

/* Take a mark away; none is fine.  ERR_BUSY: it is being swept. */
int expiring_unmark(struct store *s, const char *source, const char *id,
    struct err *e);

/* The verdict that it goes: *go; false: it was taken away. */
int expiring_sweep(struct store *s, const char *source,
    const struct expiring *x, bool *go, struct err *e);
/* The mark goes last, when all else has gone: while it stands, whoever comes
 * goes on. */
int expiring_end(struct store *s, const char *source, const char *id,
    struct err *e);

/* All of a source by id; owned: expiring_free. */
int expiring_list(struct store *s, const char *source,
    struct expiring **list, size_t *n, struct err *e);
void expiring_free(struct expiring *list, size_t n);
/* The mark of a backup, or NULL. */
const struct expiring *expiring_of(const struct expiring *list, size_t n,
    const char *id);

/* Is this backup marked?  1, 0, -1. */
int expiring_is(struct store *s, const char *source, const char *id,
    struct err *e);

/* A restore may not begin from a backup that is marked: ERR_NOTFOUND with the
 * remedy. */
int expiring_refuse(struct store *s, const char *source, const char *id,
    struct err *e);

/* Is the head of a backup that was there gone?  1, 0, -1. */
int expiring_gone(struct store *s, const char *source, const char *id,
    struct err *e);
/* Something of a backup is missing or wrong, by *e: if that is since the
 * backup was swept meanwhile, say so.  Returns -1. */
int expiring_explain(struct store *s, const char *source, const char *id,
    struct err *e);

/* Parse a document that must be this mark; zeroed first. */
int expiring_parse(const char *text, size_t n, const char *source,
    const char *id, struct expiring *x, struct err *e);
void expiring_fini(struct expiring *x);

#endif /* !CATALOG_EXPIRING_H */
