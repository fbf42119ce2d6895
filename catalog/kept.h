/* SPDX-License-Identifier: Apache-2.0 */
/* kept: what stands beside the heads of a source: marks, holds, notes. */
#ifndef CATALOG_KEPT_H
#define CATALOG_KEPT_H

#include <stdio.h>

#include "catalog/expiring.h"
#include "catalog/hold.h"
#include "catalog/note.h"

struct buf;
struct err;
struct store;

struct kept {
	struct expiring *marks;
	size_t nmarks;
	struct hold *holds;
	size_t nholds;
	struct note *notes;
	size_t nnotes;
};

/* Of all backups, or (id) of one alone. */
int kept_load(struct store *s, const char *source, const char *id,
    struct kept *k, struct err *e);

/* ", held, expiring 2026-11-29T02:15:00Z" or "", appended. */
void kept_text(const struct kept *k, const char *id, struct buf *out);

/* Each hold and note of a backup, and when it expires, a line each. */
void kept_print(const struct kept *k, const char *id, FILE *out);

/* Members holds, notes, expires (null, or a time). */
void kept_json(const struct kept *k, const char *id, json_t *object);

void kept_free(struct kept *k);

#endif /* !CATALOG_KEPT_H */
