/* SPDX-License-Identifier: Apache-2.0 */
/* removal: keys that are deleted as many at once as a store takes. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"

#include "catalog/removal.h"

#define KEYS 1000

struct removal {
	struct store *store;
	char *keys[KEYS];
	size_t n;
};

struct removal *
removal_new(struct store *s, struct err *e)
{
	struct removal *r = calloc(1, sizeof(*r));

	if (r == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "keys to delete");
	else
		r->store = s;
	return r;
}

static void
clear(struct removal *r)
{
	while (r->n > 0)
		free(r->keys[--r->n]);
}

int
removal_flush(struct removal *r, struct err *e)
{
	const char *keys[KEYS];
	size_t i;
	int rc;

	for (i = 0; i < r->n; i++)
		keys[i] = r->keys[i];
	rc = store_delete(r->store, keys, r->n, e);
	clear(r);
	return rc;
}

int
removal_add(struct removal *r, const char *key, struct err *e)
{
	r->keys[r->n] = strdup(key);
	if (r->keys[r->n] == NULL)
		return err_set(e, ERR_NOMEM, 0, "keys to delete");
	r->n++;
	return r->n == KEYS ? removal_flush(r, e) : 0;
}

void
removal_free(struct removal *r)
{
	if (r == NULL)
		return;
	clear(r);
	free(r);
}

static int
add_entry(void *arg, const struct store_entry *entry, struct err *e)
{
	return removal_add(arg, entry->key, e);
}

int
removal_prefix(struct store *s, const char *prefix, struct err *e)
{
	struct removal *r = removal_new(s, e);
	int rc;

	if (r == NULL)
		return -1;
	rc = store_list(s, prefix, add_entry, r, e);
	if (rc == 0)
		rc = removal_flush(r, e);
	removal_free(r);
	return rc;
}
