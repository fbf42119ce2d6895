/* SPDX-License-Identifier: Apache-2.0 */
/* leftovers: objects of no backup and no live run. */
#ifndef CATALOG_LEFTOVERS_H
#define CATALOG_LEFTOVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct store;

struct leftover {
	char id[BACKUP_ID_LEN + 1];
	bool live;		/* its run may still be going on */
	bool noted;		/* in begun/ */
	uint64_t objects, bytes;
};

/* Ids below data/ and begun/ that have no head; owned array. */
int leftovers_find(struct store *s, const char *source,
    struct leftover **list, size_t *n, struct err *e);

/* Remove all objects of an id and abort its uploads; refuses (ERR_EXISTS) an
 * id that has a head. */
int leftovers_empty(struct store *s, const char *source, const char *id,
    struct err *e);

/* The same, and then its begun note. */
int leftovers_remove(struct store *s, const char *source, const char *id,
    struct err *e);

/* Remove what dead runs left; live ones are not touched. */
int leftovers_clean(struct store *s, const char *source, struct err *e);

#endif /* !CATALOG_LEFTOVERS_H */
