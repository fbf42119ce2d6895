/* SPDX-License-Identifier: Apache-2.0 */
/* names: object keys of a backup, and the readable tails in them. */
#ifndef CATALOG_NAMES_H
#define CATALOG_NAMES_H

#include <stdint.h>

#include "store/store.h"

#define NAME_TAIL_SIZE 61

/* "shop.orders" in at most 60 letters of [A-Za-z0-9_.-]: decoration only. */
void name_tail(const char *schema, const char *name,
    char tail[NAME_TAIL_SIZE]);

/* data/<id>/<NNNNN-tail>/<n>.tsv.zst, relative to the source's folder. */
void chunk_key(const char *id, uint32_t table, const char *schema,
    const char *name, uint32_t n, char key[STORE_KEY_MAX]);

/* A key relative to the source's folder as a store key; -1 if too long. */
int source_key(const char *source, const char *relative,
    char key[STORE_KEY_MAX]);

#endif /* !CATALOG_NAMES_H */
