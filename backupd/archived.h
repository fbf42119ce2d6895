/* SPDX-License-Identifier: Apache-2.0 */
/* archived: what the store holds of a history: its last file, and the
 * transactions of any. */
#ifndef BACKUPD_ARCHIVED_H
#define BACKUPD_ARCHIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/stored.h"
#include "backupd/stream.h"
#include "catalog/history.h"
#include "catalog/segment.h"
#include "mysql/gtid.h"

struct err;
struct store;

struct archived {
	struct store *store;
	const char *source;
	const struct history *history;	/* borrowed */
	uint32_t first;		/* what is before has expired; 0: nothing */
	uint32_t finished;	/* files 1 to this are */
	uint32_t seq;		/* the first that is not, and is the last one
				 * where bytes go on without a hole */
	struct segment *segments;	/* of all files after the finished */
	size_t nsegments;
	uint64_t end;		/* bytes of seq that are stored */
};

/* Look what there is; by names alone. */
int archived_load(struct store *s, const char *source,
    const struct history *h, struct archived *a, struct err *e);

/* The cover of one file after the finished ones; owned array. */
int archived_cover(const struct archived *a, uint32_t seq,
    struct segment **list, struct stored *stored, uint64_t *end,
    struct err *e);

void archived_name(const struct archived *a, uint32_t seq,
    char name[STREAM_NAME_MAX]);

/* Where to begin so that the bytes stored last are gone over: the first
 * transaction that ends in the last segment where one does; else 4. */
int archived_last(const struct stored *stored, uint64_t *offset,
    struct err *e);

/* Does what is stored of a file end with a ROTATE or STOP?  1, 0 or -1. */
int archived_closed(const struct stored *stored, uint64_t from,
    struct err *e);

/* Add what precedes the events of a file to *set. */
int archived_before(const struct archived *a, uint32_t seq,
    struct gtid_set *set, struct err *e);

/* Call each for the transactions of a file, in order; as index_each. */
int archived_each(const struct archived *a, uint32_t seq,
    int (*each)(void *arg, const struct transaction *t, struct err *e),
    void *arg, struct err *e);

void archived_free(struct archived *a);

#endif /* !BACKUPD_ARCHIVED_H */
