/* SPDX-License-Identifier: Apache-2.0 */
/* beside: names of the small documents of backups: KIND/<backup>/<name>. */
#ifndef CATALOG_BESIDE_H
#define CATALOG_BESIDE_H

#include <stddef.h>

#include "catalog/head.h"

struct err;
struct store;

struct beside {
	char backup[BACKUP_ID_LEN + 1];
	char name[128];		/* what stands after it; a longer one is cut */
};

/* Those of a kind ("holds") of a source, in the order of keys; backup: of that
 * one alone, or NULL.  Owned array; NULL on failure as well. */
int beside_list(struct store *s, const char *source, const char *kind,
    const char *backup, struct beside **list, size_t *n, struct err *e);

#endif /* !CATALOG_BESIDE_H */
