/* SPDX-License-Identifier: Apache-2.0 */
/* leftovers: objects of no backup and no live run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/begun.h"
#include "catalog/names.h"
#include "catalog/removal.h"
#include "store/store.h"

#include "catalog/leftovers.h"

struct ids {
	struct leftover *list;
	size_t n;
};

static int
add_id(struct ids *x, const char *id, bool noted, struct err *e)
{
	struct leftover *list;
	size_t i;

	for (i = 0; i < x->n; i++)
		if (strncmp(x->list[i].id, id, BACKUP_ID_LEN) == 0) {
			x->list[i].noted |= noted;
			return 0;
		}
	list = realloc(x->list, (x->n + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "leftovers");
	x->list = list;
	list[x->n] = (struct leftover){ .noted = noted };
	memcpy(list[x->n].id, id, BACKUP_ID_LEN);
	if (backup_id_valid(list[x->n].id))
		x->n++;
	return 0;
}

static int
add_folder(void *arg, const struct store_entry *entry, struct err *e)
{
	return backup_id_valid(entry->key) ? add_id(arg, entry->key, false,
	    e) : 0;
}

static int
add_note(void *arg, const struct store_entry *entry, struct err *e)
{
	const char *name = strrchr(entry->key, '/') + 1;

	return strlen(name) == BACKUP_ID_LEN + 5 ? add_id(arg, name, true, e) :
	    0;
}

static int
add_size(void *arg, const struct store_entry *entry, struct err *e)
{
	struct leftover *l = arg;

	(void)e;
	l->objects++;
	l->bytes += entry->size;
	return 0;
}

/* Heads are listed last: a run that commits meanwhile is then seen. */
static int
drop_committed(struct store *s, const char *source, struct ids *x,
    struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0, i, k, kept = 0;

	if (backups_list(s, source, &refs, &n, e) != 0)
		return -1;
	for (i = 0; i < x->n; i++) {
		for (k = 0; k < n; k++)
			if (strcmp(refs[k].id, x->list[i].id) == 0)
				break;
		if (k == n)
			x->list[kept++] = x->list[i];
	}
	x->n = kept;
	free(refs);
	return 0;
}

int
leftovers_find(struct store *s, const char *source, struct leftover **list,
    size_t *n, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct ids x = {0};
	size_t i, kept = 0;
	int dead;

	*list = NULL;
	*n = 0;
	(void)source_key(source, "data/", prefix);
	if (store_list_names(s, prefix, add_folder, &x, e) != 0)
		goto fail;
	(void)source_key(source, "begun/", prefix);
	if (store_list(s, prefix, add_note, &x, e) != 0 ||
	    drop_committed(s, source, &x, e) != 0)
		goto fail;
	for (i = 0; i < x.n; i++) {
		dead = begun_dead(s, source, x.list[i].id, e);
		if (dead < 0)
			goto fail;
		x.list[i].live = !dead;
		(void)snprintf(prefix, sizeof(prefix), "sources/%s/data/%s/",
		    source, x.list[i].id);
		if (store_list(s, prefix, add_size, &x.list[i], e) != 0)
			goto fail;
		/* In a file:// store somebody left an empty folder. */
		if (x.list[i].objects > 0 || x.list[i].noted)
			x.list[kept++] = x.list[i];
	}
	*list = x.list;
	*n = kept;
	return 0;

fail:	free(x.list);
	return -1;
}

static int
has_head(struct store *s, const char *source, const char *id, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct err missing = {0};
	uint64_t size;

	(void)snprintf(key, sizeof(key), "sources/%s/heads/%s.json", source,
	    id);
	if (store_stat(s, key, &size, &missing) == 0)
		return 1;
	if (missing.code == ERR_NOTFOUND)
		return 0;
	*e = missing;
	return -1;
}

int
leftovers_empty(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char prefix[STORE_KEY_MAX];
	int rc = has_head(s, source, id, e);

	if (rc == 1)
		return err_set(e, ERR_EXISTS, 0, "%s/%s is a backup, no "
		    "leftover", source, id);
	if (rc != 0)
		return -1;
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/data/%s/", source,
	    id);
	return store_abort_uploads(s, prefix, e) == 0 ?
	    removal_prefix(s, prefix, e) : -1;
}

int
leftovers_remove(struct store *s, const char *source, const char *id,
    struct err *e)
{
	return leftovers_empty(s, source, id, e) != 0 ? -1 :
	    begun_remove(s, source, id, e);
}

int
leftovers_clean(struct store *s, const char *source, struct err *e)
{
	struct leftover *list = NULL;
	size_t n = 0, i;
	int rc;

	rc = leftovers_find(s, source, &list, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		if (list[i].live)
			continue;
		log_event(LOG_INFO_, "removing what a dead run left", "id",
		    list[i].id, NULL);
		rc = leftovers_remove(s, source, list[i].id, e);
		/* It was not dead after all, and is a backup now. */
		if (rc != 0 && e->code == ERR_EXISTS) {
			*e = (struct err){0};
			rc = 0;
		}
	}
	free(list);
	return rc == 0 ? 0 : err_wrap(e, "clean up leftovers");
}
