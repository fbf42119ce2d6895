/* SPDX-License-Identifier: Apache-2.0 */
/* listing: which objects there are under some prefixes, and how large. */
#ifndef CATALOG_LISTING_H
#define CATALOG_LISTING_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;
struct store_entry;

/* Zeroed it is empty. */
struct listing {
	struct store_entry *all;
	size_t n;
};

/* Add all objects under a prefix. */
int listing_add(struct listing *l, struct store *s, const char *prefix,
    struct err *e);

/* To be called after the last listing_add, before the first listing_find. */
void listing_sort(struct listing *l);

/* The object of this whole key, or NULL. */
const struct store_entry *listing_find(const struct listing *l,
    const char *key);

/* What is wrong with an object that must have this size, in text; NULL:
 * nothing. */
#define LISTING_TEXT 96
const char *listing_wrong(const struct listing *l, const char *key,
    uint64_t size, char text[LISTING_TEXT]);

void listing_free(struct listing *l);

#endif /* !CATALOG_LISTING_H */
