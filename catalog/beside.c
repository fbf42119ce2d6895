/* SPDX-License-Identifier: Apache-2.0 */
/* beside: names of the small documents of backups. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"

#include "catalog/beside.h"

struct names {
	struct beside *list;
	size_t n, skip;		/* skip: length of the prefix */
};

static int
add(void *arg, const struct store_entry *entry, struct err *e)
{
	struct names *x = arg;
	const char *rest = entry->key + x->skip;
	struct beside *list, one = {0};

	if (strlen(rest) <= BACKUP_ID_LEN || rest[BACKUP_ID_LEN] != '/')
		return 0;
	memcpy(one.backup, rest, BACKUP_ID_LEN);
	if (!backup_id_valid(one.backup))
		return 0;
	(void)snprintf(one.name, sizeof(one.name), "%s", rest +
	    BACKUP_ID_LEN + 1);
	if ((x->n & (x->n - 1)) == 0) {
		list = realloc(x->list, (x->n == 0 ? 1 : x->n * 2) *
		    sizeof(*list));
		if (list == NULL)
			return err_set(e, ERR_NOMEM, 0, "names");
		x->list = list;
	}
	x->list[x->n++] = one;
	return 0;
}

int
beside_list(struct store *s, const char *source, const char *kind,
    const char *backup, struct beside **list, size_t *n, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct names x = {0};
	int rc;

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/%s/", source,
	    kind);
	x.skip = strlen(prefix);
	if (backup != NULL)
		(void)snprintf(prefix + x.skip, sizeof(prefix) - x.skip,
		    "%s/", backup);
	rc = store_list(s, prefix, add, &x, e);
	if (rc != 0) {
		free(x.list);
		x = (struct names){0};
	}
	*list = x.list;
	*n = x.n;
	return rc;
}
