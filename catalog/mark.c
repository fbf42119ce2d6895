/* SPDX-License-Identifier: Apache-2.0 */
/* mark: a note that objects may be swept after the grace period. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/mark.h"

#define MARK_MAX ((size_t)1 << 20)

static void
mark_key(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/marks/%s.json", source,
	    id);
}

static int
create(struct store *s, const char *source, const char *why,
    const char *const *keys, size_t n, struct err *e)
{
	char key[STORE_KEY_MAX], marked[CLOCK_TEXT], after[CLOCK_TEXT];
	char id[BACKUP_ID_LEN + 1];
	json_t *all = json_array();
	int64_t now;
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(all, json_string(keys[i]));
	if (store_time(s, &now, e) != 0) {
		json_decref(all);
		return -1;
	}
	backup_id_make(id);
	mark_key(source, id, key);
	clock_rfc3339(now, marked);
	clock_rfc3339(now + MARK_GRACE_US, after);
	return document_create(s, key, json_pack("{s:i, s:s, s:s, s:s, s:s, "
	    "s:s, s:o}", "format", DOCUMENT_FORMAT, "id", id, "source",
	    source, "marked", marked, "why", why, "sweep_after", after,
	    "keys", all), MARK_MAX, "mark", e);
}

int
mark_create(struct store *s, const char *source, const char *why,
    const char *const *keys, size_t n, struct err *e)
{
	size_t i, some;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i += some) {
		some = n - i < MARK_KEYS_MAX ? n - i : MARK_KEYS_MAX;
		rc = create(s, source, why, keys + i, some, e);
		/* Ids hold a second and 16 random bits: another may have the
		 * same. */
		if (rc != 0 && e->code == ERR_EXISTS) {
			*e = (struct err){0};
			rc = create(s, source, why, keys + i, some, e);
		}
	}
	return rc;
}

static int
take_keys(const json_t *doc, const char *source, struct mark *m,
    struct err *e)
{
	const json_t *keys = json_object_get(doc, "keys");
	size_t n = json_array_size(keys), i;
	char prefix[STORE_KEY_MAX];
	const char *key;

	if (!json_is_array(keys) || n == 0 || n > MARK_KEYS_MAX)
		return member_bad(e, "keys");
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/", source);
	m->keys = calloc(n, sizeof(*m->keys));
	if (m->keys == NULL)
		return err_set(e, ERR_NOMEM, 0, "mark");
	for (i = 0; i < n; i++) {
		key = json_string_value(json_array_get(keys, i));
		/* Nothing of another source; the store checks the rest. */
		if (key == NULL || strlen(key) >= STORE_KEY_MAX ||
		    strncmp(key, prefix, strlen(prefix)) != 0)
			return member_bad(e, "keys");
		m->keys[i] = strdup(key);
		if (m->keys[i] == NULL)
			return err_set(e, ERR_NOMEM, 0, "mark");
		m->nkeys++;
	}
	return 0;
}

static int
take_all(const json_t *doc, const char *source, const char *id,
    struct mark *m, struct err *e)
{
	const char *text;

	if (member_text(doc, "id", BACKUP_ID_LEN, &text, e) != 0)
		return -1;
	if (strcmp(text, id) != 0)
		return member_bad(e, "id");
	memcpy(m->id, text, sizeof(m->id));
	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (member_time(doc, "marked", &m->marked_us, e) != 0 ||
	    member_copy(doc, "why", 255, &m->why, e) != 0 ||
	    member_time(doc, "sweep_after", &m->sweep_after_us, e) != 0)
		return -1;
	return take_keys(doc, source, m, e);
}

int
mark_parse(const char *text, size_t n, const char *source, const char *id,
    struct mark *m, struct err *e)
{
	json_t *doc = document_read(text, n, MARK_MAX, "mark", e);
	int rc = -1;

	*m = (struct mark){0};
	if (doc != NULL) {
		rc = take_all(doc, source, id, m, e);
		if (rc != 0)
			(void)err_wrap(e, "mark");
	}
	json_decref(doc);
	if (rc != 0)
		mark_free(m);
	return rc;
}

static int
load(struct store *s, const char *source, const char *id, struct mark *m,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc = -1;

	*m = (struct mark){0};
	mark_key(source, id, key);
	if (store_get(s, key, MARK_MAX, &text, e) == 0) {
		rc = mark_parse(buf_str(&text), text.len, source, id, m, e);
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(s), key);
	}
	buf_free(&text);
	return rc;
}

int
marks_list(struct store *s, const char *source, struct mark **list,
    size_t *n, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t found = 0, i;
	int rc = backups_ids(s, source, "marks", &refs, &found, e);

	*n = 0;
	*list = calloc(found + 1, sizeof(**list));
	if (*list == NULL) {
		free(refs);
		return err_set(e, ERR_NOMEM, 0, "marks");
	}
	for (i = 0; i < found && rc == 0; i++) {
		rc = load(s, source, refs[i].id, &(*list)[*n], e);
		*n += rc == 0;
		/* It was swept meanwhile. */
		if (rc != 0 && e->code == ERR_NOTFOUND) {
			*e = (struct err){0};
			rc = 0;
		}
	}
	free(refs);
	if (rc != 0) {
		marks_free(*list, *n);
		*list = NULL;
		*n = 0;
	}
	return rc;
}

void
marks_free(struct mark *list, size_t n)
{
	assert(list != NULL || n == 0);
	while (n > 0)
		mark_free(&list[--n]);
	free(list);
}

void
mark_free(struct mark *m)
{
	while (m->nkeys > 0)
		free(m->keys[--m->nkeys]);
	free(m->keys);
	free(m->why);
	*m = (struct mark){0};
}
