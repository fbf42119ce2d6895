/* SPDX-License-Identifier: Apache-2.0 */
/* drill_note: what came of a drill. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/drill_note.h"

#define NOTE_MAX ((size_t)64 << 10)
#define WHAT "drill"

static void
note_key(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/verifications/drill-"
	    "%s.json", source, id);
}

static int
create(struct store *s, const char *source, struct drill_note *n,
    struct err *e)
{
	char key[STORE_KEY_MAX];

	backup_id_make(n->id);
	note_key(source, n->id, key);
	return document_create(s, key, json_pack("{s:i, s:s, s:s, s:s, s:s, "
	    "s:o, s:o, s:b, s:I, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "format", DOCUMENT_FORMAT, "kind", "drill", "id", n->id,
	    "source", source, "backup", n->backup,
	    "began", document_time(n->began_us),
	    "ended", document_time(n->ended_us),
	    "ok", n->ok, "status", (json_int_t)n->status,
	    "archive", n->archive,
	    "recovered_to", document_time(n->recovered_us),
	    "recover_ms", (json_int_t)n->recover_ms,
	    "total_ms", (json_int_t)n->total_ms,
	    "rows", (json_int_t)n->rows, "bytes", (json_int_t)n->bytes,
	    "checked", (json_int_t)n->checked,
	    "asserted", (json_int_t)n->asserted,
	    "untrue", (json_int_t)n->untrue), NOTE_MAX, WHAT, e);
}

int
drill_note_create(struct store *s, const char *source, struct drill_note *n,
    struct err *e)
{
	if (create(s, source, n, e) == 0)
		return 0;
	if (e->code != ERR_EXISTS)
		return -1;
	/* Ids hold a second and 16 random bits: another may have the same. */
	*e = (struct err){0};
	return create(s, source, n, e);
}

static int
take_flag(const json_t *doc, const char *name, bool *out, struct err *e)
{
	const json_t *value = json_object_get(doc, name);

	if (!json_is_boolean(value))
		return member_bad(e, name);
	*out = json_is_true(value);
	return 0;
}

static int
take_counts(const json_t *doc, struct drill_note *n, struct err *e)
{
	const struct {
		const char *name;
		uint64_t *to;
	} all[] = {
		{ "status", &n->status }, { "recover_ms", &n->recover_ms },
		{ "total_ms", &n->total_ms }, { "rows", &n->rows },
		{ "bytes", &n->bytes }, { "checked", &n->checked },
		{ "asserted", &n->asserted }, { "untrue", &n->untrue },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (member_count(doc, all[i].name, INT64_MAX, all[i].to,
		    e) != 0)
			return -1;
	return 0;
}

static int
take_id(const json_t *doc, const char *name, char out[BACKUP_ID_LEN + 1],
    struct err *e)
{
	const char *text;

	if (member_text(doc, name, BACKUP_ID_LEN, &text, e) != 0)
		return -1;
	if (!backup_id_valid(text))
		return member_bad(e, name);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int
take_all(const json_t *doc, const char *source, const char *id,
    struct drill_note *n, struct err *e)
{
	const char *text;

	if (take_id(doc, "id", n->id, e) != 0)
		return -1;
	if (strcmp(n->id, id) != 0)
		return member_bad(e, "id");
	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (take_id(doc, "backup", n->backup, e) != 0 ||
	    member_time(doc, "began", &n->began_us, e) != 0 ||
	    member_time(doc, "ended", &n->ended_us, e) != 0 ||
	    take_flag(doc, "ok", &n->ok, e) != 0 ||
	    take_flag(doc, "archive", &n->archive, e) != 0 ||
	    (!member_null(doc, "recovered_to") && member_time(doc,
	    "recovered_to", &n->recovered_us, e) != 0))
		return -1;
	return take_counts(doc, n, e);
}

int
drill_note_parse(const char *text, size_t n, const char *source,
    const char *id, struct drill_note *out, struct err *e)
{
	json_t *doc = document_read(text, n, NOTE_MAX, WHAT, e);
	const char *kind = json_string_value(json_object_get(doc, "kind"));
	int rc = -1;

	*out = (struct drill_note){0};
	if (doc != NULL) {
		rc = kind == NULL || strcmp(kind, "drill") != 0 ?
		    member_bad(e, "kind") : take_all(doc, source, id, out, e);
		if (rc != 0)
			(void)err_wrap(e, WHAT);
	}
	json_decref(doc);
	return rc;
}

/* --- all of a source --- */

/* Ids of the newest notes: a ring. */
struct newest {
	size_t prefix;		/* bytes of a key before its id */
	char (*ids)[BACKUP_ID_LEN + 1];
	size_t max, n;		/* n: seen so far */
};

static int
add_id(void *arg, const struct store_entry *entry, struct err *e)
{
	struct newest *x = arg;
	const char *id = entry->key + x->prefix;
	char text[BACKUP_ID_LEN + 1];

	(void)e;
	if (strlen(id) != BACKUP_ID_LEN + 5 ||
	    strcmp(id + BACKUP_ID_LEN, ".json") != 0)
		return 0;
	memcpy(text, id, BACKUP_ID_LEN);
	text[BACKUP_ID_LEN] = '\0';
	if (backup_id_valid(text))
		memcpy(x->ids[x->n++ % x->max], text, sizeof(text));
	return 0;
}

/* 1: a note; 0: gone meanwhile, or damaged. */
static int
load(struct store *s, const char *source, const char *id,
    struct drill_note *n, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	struct err one = {0};
	int rc;

	note_key(source, id, key);
	rc = store_get(s, key, NOTE_MAX, &text, &one);
	if (rc == 0)
		rc = drill_note_parse(buf_str(&text), text.len, source, id, n,
		    &one);
	buf_free(&text);
	if (rc == 0)
		return 1;
	if (one.code == ERR_CORRUPT || one.code == ERR_USAGE)
		log_event(LOG_WARN_, "the note of a drill cannot be read",
		    "object", key, "why", one.msg, NULL);
	else if (one.code != ERR_NOTFOUND)
		*e = one;
	return e->code != ERR_NONE ? -1 : 0;
}

int
drill_notes_list(struct store *s, const char *source, size_t max,
    struct drill_note **list, size_t *n, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct newest x = { .max = max };
	size_t i, first;
	int got, rc = -1;

	assert(max > 0);
	*n = 0;
	*list = calloc(max, sizeof(**list));
	x.ids = calloc(max, sizeof(*x.ids));
	if (*list == NULL || x.ids == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "drills");
		goto out;
	}
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/verifications/"
	    "drill-", source);
	x.prefix = strlen(prefix);
	rc = store_list(s, prefix, add_id, &x, e);
	first = x.n > max ? x.n - max : 0;
	for (i = first; i < x.n && rc == 0; i++) {
		got = load(s, source, x.ids[i % max], &(*list)[*n], e);
		*n += got == 1;
		rc = got < 0 ? -1 : 0;
	}
out:	free(x.ids);
	if (rc != 0) {
		free(*list);
		*list = NULL;
		*n = 0;
	}
	return rc;
}
