/* SPDX-License-Identifier: Apache-2.0 */
/* listing: which objects there are under some prefixes, and how large. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"

#include "catalog/listing.h"

static int
keep(void *arg, const struct store_entry *entry, struct err *e)
{
	struct listing *l = arg;
	struct store_entry *all = l->all;

	if ((l->n & (l->n - 1)) == 0) {
		all = realloc(all, (l->n == 0 ? 1 : l->n * 2) * sizeof(*all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "listing");
		l->all = all;
	}
	all[l->n] = *entry;
	all[l->n].key = strdup(entry->key);
	if (all[l->n].key == NULL)
		return err_set(e, ERR_NOMEM, 0, "listing");
	l->n++;
	return 0;
}

int
listing_add(struct listing *l, struct store *s, const char *prefix,
    struct err *e)
{
	return store_list(s, prefix, keep, l, e);
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct store_entry *)a)->key,
	    ((const struct store_entry *)b)->key);
}

void
listing_sort(struct listing *l)
{
	if (l->n > 0)
		qsort(l->all, l->n, sizeof(*l->all), by_key);
}

const struct store_entry *
listing_find(const struct listing *l, const char *key)
{
	const struct store_entry want = { .key = key };

	return l->n == 0 ? NULL : bsearch(&want, l->all, l->n,
	    sizeof(*l->all), by_key);
}

const char *
listing_wrong(const struct listing *l, const char *key, uint64_t size,
    char text[LISTING_TEXT])
{
	const struct store_entry *entry = listing_find(l, key);

	if (entry == NULL)
		return "missing";
	if (entry->size == size)
		return NULL;
	(void)snprintf(text, LISTING_TEXT, "has %" PRIu64 " bytes, not %"
	    PRIu64, entry->size, size);
	return text;
}

void
listing_free(struct listing *l)
{
	while (l->n > 0)
		free((void *)(uintptr_t)l->all[--l->n].key);
	free(l->all);
	*l = (struct listing){0};
}
