/* SPDX-License-Identifier: Apache-2.0 */
/* backups: which backups a store holds, by listing its heads. */
#ifndef CATALOG_BACKUPS_H
#define CATALOG_BACKUPS_H

#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct store;

struct backup_ref {
	char id[BACKUP_ID_LEN + 1];
	uint64_t size;		/* of the document */
};

/* Names of all sources, sorted; owned array of owned strings. */
int sources_list(struct store *s, char ***names, size_t *n, struct err *e);

/* Ids of the documents in a folder of SOURCE's ("histories"), and of its
 * heads, oldest first; owned array. */
int backups_ids(struct store *s, const char *source, const char *folder,
    struct backup_ref **refs, size_t *n, struct err *e);
int backups_list(struct store *s, const char *source,
    struct backup_ref **refs, size_t *n, struct err *e);

/* Find by id, or "latest": the newest proven, complete (not partial) one.
 * ERR_NOTFOUND says what there is instead. */
int backup_find(struct store *s, const char *source, const char *id,
    struct head *h, struct err *e);

/* Split "SOURCE/ID" or "SOURCE" (id "" then). ERR_USAGE. */
int backup_name_split(const char *name, char source[SOURCE_NAME_MAX + 1],
    char id[BACKUP_ID_LEN + 1], struct err *e);

#endif /* !CATALOG_BACKUPS_H */
