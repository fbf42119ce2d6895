/* SPDX-License-Identifier: Apache-2.0 */
/* hold: a note that keeps a backup from expiring. */
#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/beside.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/hold.h"

#define HOLD_MAX ((size_t)16 << 10)

static void
hold_key(const char *source, const char *id, const char *name,
    char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/holds/%s/%s.json",
	    source, id, name);
}

void
hold_owner(char owner[HOLD_OWNER_MAX])
{
	char room[4096];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(geteuid(), &pw, room, sizeof(room), &found) == 0 &&
	    found != NULL)
		(void)snprintf(owner, HOLD_OWNER_MAX, "%s", pw.pw_name);
	else
		(void)snprintf(owner, HOLD_OWNER_MAX, "uid %lu",
		    (unsigned long)geteuid());
}

/* --- writing --- */

int
hold_create(struct store *s, const char *source, const struct hold *h,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	int64_t now;

	if (!source_name_valid(h->name)) {
		(void)err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a hold",
		    h->name);
		return err_hint(e, "letters a to z, digits, '.', '_' and '-'");
	}
	if (strlen(h->reason) > HOLD_TEXT_MAX)
		return err_set(e, ERR_USAGE, 0, "a reason of over %d bytes",
		    HOLD_TEXT_MAX);
	if (store_time(s, &now, e) != 0)
		return -1;
	if (h->until_us != 0 && h->until_us <= now)
		return err_set(e, ERR_USAGE, 0, "the hold would end in the "
		    "past");
	hold_key(source, h->backup, h->name, key);
	if (document_create(s, key, json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, "
	    "s:o, s:o}", "format", DOCUMENT_FORMAT, "source", source,
	    "backup", h->backup, "name", h->name, "owner", h->owner,
	    "reason", h->reason, "until", document_time(h->until_us), "made",
	    document_time(now)), HOLD_MAX, "hold", e) == 0)
		return 0;
	if (e->code == ERR_EXISTS)
		(void)err_hint(e, "choose another --name, or release it "
		    "first");
	return -1;
}

int
hold_release(struct store *s, const char *source, const char *id,
    const char *name, struct err *e)
{
	char key[STORE_KEY_MAX];
	const char *keys[1] = { key };
	uint64_t size;

	if (!source_name_valid(name))
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a hold",
		    name);
	hold_key(source, id, name, key);
	if (store_stat(s, key, &size, e) == 0)
		return store_delete(s, keys, 1, e);
	if (e->code == ERR_NOTFOUND) {
		*e = (struct err){0};
		(void)err_set(e, ERR_NOTFOUND, 0, "%s/%s has no hold '%s'",
		    source, id, name);
		(void)err_hint(e, "see 'catalog show %s/%s'", source, id);
	}
	return -1;
}

/* --- reading --- */

static int
must_be(const json_t *doc, const char *member, const char *want,
    struct err *e)
{
	const char *text;

	if (member_text(doc, member, 255, &text, e) != 0)
		return -1;
	return strcmp(text, want) == 0 ? 0 : member_bad(e, member);
}

static int
take_all(const json_t *doc, const char *source, struct hold *h,
    struct err *e)
{
	if (must_be(doc, "source", source, e) != 0 ||
	    must_be(doc, "backup", h->backup, e) != 0 ||
	    must_be(doc, "name", h->name, e) != 0 ||
	    member_copy(doc, "owner", 255, &h->owner, e) != 0 ||
	    member_copy(doc, "reason", HOLD_TEXT_MAX, &h->reason, e) != 0)
		return -1;
	if (!member_null(doc, "until") &&
	    member_time(doc, "until", &h->until_us, e) != 0)
		return -1;
	return member_time(doc, "made", &h->made_us, e);
}

int
hold_parse(const char *text, size_t n, const char *source, const char *id,
    const char *name, struct hold *h, struct err *e)
{
	json_t *doc = document_read(text, n, HOLD_MAX, "hold", e);
	int rc = -1;

	*h = (struct hold){0};
	(void)snprintf(h->backup, sizeof(h->backup), "%s", id);
	(void)snprintf(h->name, sizeof(h->name), "%s", name);
	if (doc != NULL) {
		rc = take_all(doc, source, h, e);
		if (rc != 0)
			(void)err_wrap(e, "hold");
	}
	json_decref(doc);
	if (rc != 0)
		hold_free(h);
	return rc;
}

/* "<name>.json"; what is named otherwise holds the backup all the same. */
static int
take_name(const struct beside *from, struct hold *h, struct err *e)
{
	size_t n = strlen(from->name);

	*h = (struct hold){0};
	memcpy(h->backup, from->backup, sizeof(h->backup));
	if (n > 5 && strcmp(from->name + n - 5, ".json") == 0 &&
	    n - 5 <= HOLD_NAME_MAX)
		memcpy(h->name, from->name, n - 5);
	if (source_name_valid(h->name))
		return 0;
	(void)snprintf(h->name, sizeof(h->name), "%.60s", from->name);
	h->unreadable = true;
	h->reason = strdup("its name is none of a hold");
	h->owner = strdup("?");
	return h->reason != NULL && h->owner != NULL ? 0 : err_set(e,
	    ERR_NOMEM, 0, "holds");
}

/* 1 with *h; 0: it was released meanwhile; -1. */
static int
load(struct store *s, const char *source, struct hold *h, struct err *e)
{
	char key[STORE_KEY_MAX];
	const struct hold named = *h;
	struct buf text = {0};
	struct err why = {0};
	int rc = 1;

	assert(h->owner == NULL && h->reason == NULL);
	hold_key(source, named.backup, named.name, key);
	if (store_get(s, key, HOLD_MAX, &text, &why) == 0)
		(void)hold_parse(buf_str(&text), text.len, source,
		    named.backup, named.name, h, &why);
	buf_free(&text);
	if (why.code == ERR_NOTFOUND) {
		rc = 0;
	} else if (why.code == ERR_CORRUPT || why.code == ERR_USAGE) {
		*h = named;
		h->unreadable = true;
		h->reason = strdup(why.msg);
		h->owner = strdup("?");
		if (h->reason == NULL || h->owner == NULL)
			rc = err_set(e, ERR_NOMEM, 0, "holds");
	} else if (why.code != ERR_NONE) {
		*h = named;
		*e = why;
		rc = -1;
	}
	return rc;
}

int
holds_list(struct store *s, const char *source, const char *id,
    struct hold **list, size_t *n, struct err *e)
{
	struct beside *names = NULL;
	struct hold *all = NULL;
	size_t found = 0, kept = 0, i;
	int rc = beside_list(s, source, "holds", id, &names, &found, e), got;

	if (rc == 0) {
		all = calloc(found + 1, sizeof(*all));
		rc = all == NULL ? err_set(e, ERR_NOMEM, 0, "holds") : 0;
	}
	for (i = 0; i < found && rc == 0; i++) {
		rc = take_name(&names[i], &all[kept], e);
		got = rc != 0 || all[kept].unreadable ? 1 : load(s, source,
		    &all[kept], e);
		if (got < 0)
			rc = -1;
		kept += got != 0;
	}
	free(names);
	if (rc != 0) {
		holds_free(all, kept);
		all = NULL;
		kept = 0;
	}
	*list = all;
	*n = kept;
	return rc;
}

json_t *
holds_json(const struct hold *list, size_t n, const char *id)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i].backup, id) == 0)
			(void)json_array_append_new(all, json_pack("{s:s, "
			    "s:s*, s:s*, s:o, s:o, s:b}", "name",
			    list[i].name, "owner", list[i].owner, "reason",
			    list[i].reason, "until", document_time(
			    list[i].until_us), "made", document_time(
			    list[i].made_us), "unreadable",
			    list[i].unreadable));
	return all;
}

void
holds_free(struct hold *list, size_t n)
{
	while (n > 0)
		hold_free(&list[--n]);
	free(list);
}

void
hold_free(struct hold *h)
{
	free(h->owner);
	free(h->reason);
	*h = (struct hold){0};
}
