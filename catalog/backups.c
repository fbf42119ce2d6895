/* SPDX-License-Identifier: Apache-2.0 */
/* backups: which backups a store holds, by listing its heads. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/expiring.h"
#include "store/store.h"

#include "catalog/backups.h"

struct names {
	char **list;
	size_t n;
};

static int
add_name(void *arg, const struct store_entry *entry, struct err *e)
{
	struct names *x = arg;
	char **list;

	/* Folders that are no sources are none of ours. */
	if (!source_name_valid(entry->key))
		return 0;
	list = realloc(x->list, (x->n + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	x->list = list;
	list[x->n] = strdup(entry->key);
	if (list[x->n] == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	x->n++;
	return 0;
}

int
sources_list(struct store *s, char ***names, size_t *n, struct err *e)
{
	struct names x = {0};
	int rc = store_list_names(s, "sources/", add_name, &x, e);

	if (rc != 0) {
		while (x.n > 0)
			free(x.list[--x.n]);
		free(x.list);
		x.list = NULL;
	}
	*names = x.list;
	*n = x.n;
	return rc;
}

struct refs {
	struct backup_ref *list;
	size_t n;
};

static int
add_ref(void *arg, const struct store_entry *entry, struct err *e)
{
	struct refs *x = arg;
	struct backup_ref *list;
	const char *name = strrchr(entry->key, '/') + 1;
	size_t n = strlen(name);

	if (n != BACKUP_ID_LEN + 5 || strcmp(name + BACKUP_ID_LEN,
	    ".json") != 0)
		return 0;
	list = realloc(x->list, (x->n + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "backups");
	x->list = list;
	memcpy(list[x->n].id, name, BACKUP_ID_LEN);
	list[x->n].id[BACKUP_ID_LEN] = '\0';
	list[x->n].size = entry->size;
	if (backup_id_valid(list[x->n].id))
		x->n++;
	return 0;
}

int
backups_ids(struct store *s, const char *source, const char *folder,
    struct backup_ref **refs, size_t *n, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct refs x = {0};
	int rc;

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/%s/", source,
	    folder);
	rc = store_list(s, prefix, add_ref, &x, e);
	if (rc != 0) {
		free(x.list);
		x.list = NULL;
		x.n = 0;
	}
	*refs = x.list;
	*n = x.n;
	return rc;
}

int
backups_list(struct store *s, const char *source, struct backup_ref **refs,
    size_t *n, struct err *e)
{
	return backups_ids(s, source, "heads", refs, n, e);
}

/* The newest proven, complete one that is not marked to expire: 1; 0: there is
 * none, and *expired says whether others have gone or are to go. */
static int
find_latest(struct store *s, const char *source,
    const struct backup_ref *refs, size_t n, struct head *h, bool *expired,
    struct err *e)
{
	struct err damage = {0};
	int marked;
	size_t i;

	*expired = false;
	for (i = n; i-- > 0;) {
		if (head_load(s, source, refs[i].id, h, e) != 0) {
			if (e->code == ERR_NOTFOUND) {
				*expired = true;
			} else if (e->code != ERR_CORRUPT) {
				return -1;
			} else {
				log_event(LOG_WARN_, "a damaged backup is "
				    "passed over", "why", e->msg, NULL);
				damage = *e;
			}
			*e = (struct err){0};
			continue;
		}
		marked = !head_proven(h) || !json_is_null(h->partial) ? 2 :
		    expiring_is(s, source, h->id, e);
		if (marked == 0)
			return 1;
		head_free(h);
		if (marked < 0)
			return -1;
		*expired |= marked == 1;
	}
	if (damage.code == ERR_NONE || *expired)
		return 0;
	*e = damage;
	return -1;
}

static int
no_latest(const char *source, size_t n, struct err *e)
{
	(void)err_set(e, ERR_NOTFOUND, 0, "source %s has no proven, complete "
	    "backup, but %zu other%s", source, n, n == 1 ? "" : "s");
	return err_hint(e, "name one of them: see 'catalog list %s'", source);
}

/* A backup is marked when there is a newer one: that may not have been listed
 * yet. */
static int
latest(struct store *s, const char *source, struct backup_ref **refs,
    size_t *n, struct head *h, struct err *e)
{
	bool expired = true;
	int got = 0, again;

	for (again = 0; again < 3 && got == 0 && expired; again++) {
		if (again > 0) {
			free(*refs);
			*refs = NULL;
			if (backups_list(s, source, refs, n, e) != 0)
				return -1;
		}
		got = find_latest(s, source, *refs, *n, h, &expired, e);
	}
	return got == 1 ? 0 : got < 0 ? -1 : no_latest(source, *n, e);
}

int
backup_find(struct store *s, const char *source, const char *id,
    struct head *h, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0, i;
	int rc = -1;

	*h = (struct head){0};
	if (!source_name_valid(source))
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", source);
	if (backups_list(s, source, &refs, &n, e) != 0)
		return -1;
	if (n == 0) {
		(void)err_set(e, ERR_NOTFOUND, 0, "%s holds no backup of "
		    "source %s", store_name(s), source);
		(void)err_hint(e, "see 'catalog list' for what there is");
	} else if (strcmp(id, "latest") == 0 || id[0] == '\0') {
		rc = latest(s, source, &refs, &n, h, e);
	} else {
		for (i = 0; i < n && strcmp(refs[i].id, id) != 0; i++)
			continue;
		if (i < n) {
			rc = head_load(s, source, id, h, e);
		} else {
			(void)err_set(e, ERR_NOTFOUND, 0, "source %s has no "
			    "backup %.40s; newest is %s", source, id,
			    refs[n - 1].id);
			(void)err_hint(e, "see 'catalog list %s'", source);
		}
	}
	free(refs);
	return rc;
}

int
backup_name_split(const char *name, char source[SOURCE_NAME_MAX + 1],
    char id[BACKUP_ID_LEN + 1], struct err *e)
{
	const char *slash = strchr(name, '/');
	size_t n = slash != NULL ? (size_t)(slash - name) : strlen(name);

	id[0] = '\0';
	if (n > SOURCE_NAME_MAX)
		goto bad;
	memcpy(source, name, n);
	source[n] = '\0';
	if (!source_name_valid(source))
		goto bad;
	if (slash == NULL)
		return 0;
	if (strcmp(slash + 1, "latest") != 0 && !backup_id_valid(slash + 1))
		goto bad;
	memcpy(id, slash + 1, strlen(slash + 1) + 1);
	return 0;

bad:	(void)err_set(e, ERR_USAGE, 0, "'%.80s' names no backup", name);
	return err_hint(e, "write SOURCE/ID or SOURCE/latest");
}
