/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark: a note that objects may be swept after the grace period, since others
 * have taken their place: marks/<id>.json.
 *
 * A mark is a wish, not a fact: whoever sweeps looks again whether anything
 * refers to an object.  Times are the store's own.
 */
#ifndef CATALOG_MARK_H
#define CATALOG_MARK_H

#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct store;

#define MARK_KEYS_MAX 1000	/* more: several marks are written */
#define MARK_GRACE_US (INT64_C(48) * 3600 * 1000000)

struct mark {
	char id[BACKUP_ID_LEN + 1];
	int64_t marked_us, sweep_after_us;
	char *why;		/* "rolled up" */
	char **keys;		/* whole keys, of this source alone */
	size_t nkeys;
};

/* Mark n objects (whole keys); n 0 writes nothing. */
int mark_create(struct store *s, const char *source, const char *why,
    const char *const *keys, size_t n, struct err *e);

/* All of a source, oldest first; owned: marks_free. */
int marks_list(struct store *s, const char *source, struct mark **list,
    size_t *n, struct err *e);
void marks_free(struct mark *list, size_t n);

/* Parse a document that must be this mark of this source; zeroed first. */
int mark_parse(const char *text, size_t n, const char *source,
    const char *id, struct mark *m, struct err *e);
void mark_free(struct mark *m);

#endif /* !CATALOG_MARK_H */
