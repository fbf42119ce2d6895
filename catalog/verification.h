/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verification: what of a source was read and checked when:
 * verifications/<id>.json, one document a run, each with all that is known, so
 * that the newest few are enough and older ones are removed.
 *
 * Two that verify at once lose nothing: what is known is what all documents
 * say together.  Documents are foreign bytes; one that is damaged is passed
 * over with a warning, and what it alone knew is read again.
 */
#ifndef CATALOG_VERIFICATION_H
#define CATALOG_VERIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct store;

#define VERIFICATION_MAX ((size_t)8 << 20)	/* bytes of a document */
#define VERIFICATION_KEPT 8			/* documents of a source */
#define VERIFICATION_FINDINGS 1000		/* in a document; no more */

/* A backup, or a file of archived binary logs. */
struct verified {
	char id[BACKUP_ID_LEN + 1];	/* of the backup, or the history */
	uint32_t seq;		/* of the file in it; 0: a backup */
	bool live;		/* the file had not ended */
	int64_t at_us;		/* begin of the run that read it last */
	uint64_t damaged;	/* findings then */
};

struct verification {
	char id[BACKUP_ID_LEN + 1];
	int64_t started_us, finished_us;
	int64_t within_us;
	uint64_t objects, bytes, rows;	/* that the run read */
	int64_t balance;		/* see portion.h */
	struct verified *all;	/* sorted by id and seq */
	size_t n, cap;
	json_t *findings;	/* [{object, damage}] of the run, or NULL */
};

/* All that the documents of a source say together; the members of a run are
 * those of the run that ended last.  Without documents *v is empty. */
int verification_load(struct store *s, const char *source,
    struct verification *v, struct err *e);

/* When it was read last, or NULL: never. */
const struct verified *verification_find(const struct verification *v,
    const char *id, uint32_t seq);

/* Note it; at most one entry an id and seq stays after verification_sort. */
int verification_add(struct verification *v, const struct verified *one,
    struct err *e);
void verification_sort(struct verification *v);

/* Write the document under a fresh id, which begins with finished_us, and
 * remove those that nobody needs any more (a failure to do so is a warning).
 * v must be sorted. */
int verification_store(struct store *s, const char *source,
    struct verification *v, struct err *e);

/* Note what came of a backup that was read by itself, with its findings
 * ([{object, damage}]), beside what is known; the last run stays what it was. */
int verification_note(struct store *s, const char *source,
    const struct verified *one, const json_t *findings, struct err *e);

/* The document as text; and a text that must be this one; zeroed first. */
struct buf;
int verification_write(const struct verification *v, const char *source,
    struct buf *out, struct err *e);
int verification_parse(const char *text, size_t n, const char *source,
    const char *id, struct verification *v, struct err *e);

void verification_free(struct verification *v);

#endif /* !CATALOG_VERIFICATION_H */
