/* SPDX-License-Identifier: Apache-2.0 */
/* note: what somebody wrote about a backup later. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/beside.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/note.h"

#define NOTE_MAX ((size_t)32 << 10)

static void
note_key(const char *source, const char *backup, const char *id,
    char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/notes/%s/%s.json",
	    source, backup, id);
}

int
note_create(struct store *s, const char *source, const char *backup,
    const char *owner, const char *text, struct err *e)
{
	char key[STORE_KEY_MAX], id[BACKUP_ID_LEN + 1], made[CLOCK_TEXT];
	int64_t now;

	if (text[0] == '\0' || strlen(text) > NOTE_TEXT_MAX)
		return err_set(e, ERR_USAGE, 0, "a note of 1 to %d bytes is "
		    "wanted", NOTE_TEXT_MAX);
	if (store_time(s, &now, e) != 0)
		return -1;
	clock_rfc3339(now, made);
	backup_id_make(id);
	note_key(source, backup, id, key);
	return document_create(s, key, json_pack("{s:i, s:s, s:s, s:s, s:s, "
	    "s:s, s:s}", "format", DOCUMENT_FORMAT, "source", source,
	    "backup", backup, "id", id, "owner", owner, "note", text, "made",
	    made), NOTE_MAX, "note", e);
}

static int
must_be(const json_t *doc, const char *member, const char *want,
    struct err *e)
{
	const char *text;

	if (member_text(doc, member, 255, &text, e) != 0)
		return -1;
	return strcmp(text, want) == 0 ? 0 : member_bad(e, member);
}

int
note_parse(const char *text, size_t n, const char *source,
    const char *backup, const char *id, struct note *note, struct err *e)
{
	json_t *doc = document_read(text, n, NOTE_MAX, "note", e);
	int rc = -1;

	*note = (struct note){0};
	(void)snprintf(note->backup, sizeof(note->backup), "%s", backup);
	(void)snprintf(note->id, sizeof(note->id), "%s", id);
	if (doc == NULL)
		goto out;
	if (must_be(doc, "source", source, e) == 0 &&
	    must_be(doc, "backup", backup, e) == 0 &&
	    must_be(doc, "id", id, e) == 0 &&
	    member_copy(doc, "owner", 255, &note->owner, e) == 0 &&
	    member_copy(doc, "note", NOTE_TEXT_MAX, &note->text, e) == 0 &&
	    member_time(doc, "made", &note->made_us, e) == 0)
		rc = 0;
	else
		(void)err_wrap(e, "note");
out:	json_decref(doc);
	if (rc != 0)
		note_free(note);
	return rc;
}

/* "<id>.json" */
static bool
take_name(const struct beside *from, struct note *note)
{
	*note = (struct note){0};
	if (strlen(from->name) != BACKUP_ID_LEN + 5 ||
	    strcmp(from->name + BACKUP_ID_LEN, ".json") != 0)
		return false;
	memcpy(note->backup, from->backup, sizeof(note->backup));
	memcpy(note->id, from->name, BACKUP_ID_LEN);
	return backup_id_valid(note->id);
}

/* 1; 0: there is none that can be read; -1. */
static int
load(struct store *s, const char *source, struct note *note, struct err *e)
{
	const struct note named = *note;
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	struct err why = {0};

	note_key(source, named.backup, named.id, key);
	if (store_get(s, key, NOTE_MAX, &text, &why) == 0)
		(void)note_parse(buf_str(&text), text.len, source,
		    named.backup, named.id, note, &why);
	buf_free(&text);
	if (why.code == ERR_NONE)
		return 1;
	if (why.code == ERR_NOTFOUND)
		return 0;
	if (why.code != ERR_CORRUPT && why.code != ERR_USAGE) {
		*e = why;
		return -1;
	}
	log_event(LOG_WARN_, "a note cannot be read", "object", key, "why",
	    why.msg, NULL);
	return 0;
}

int
notes_list(struct store *s, const char *source, const char *backup,
    struct note **list, size_t *n, struct err *e)
{
	struct beside *names = NULL;
	struct note *all = NULL;
	size_t found = 0, kept = 0, i;
	int rc = beside_list(s, source, "notes", backup, &names, &found, e);
	int got;

	if (rc == 0) {
		all = calloc(found + 1, sizeof(*all));
		rc = all == NULL ? err_set(e, ERR_NOMEM, 0, "notes") : 0;
	}
	for (i = 0; i < found && rc == 0; i++) {
		if (!take_name(&names[i], &all[kept]))
			continue;
		got = load(s, source, &all[kept], e);
		if (got < 0)
			rc = -1;
		kept += got == 1;
	}
	free(names);
	if (rc != 0) {
		notes_free(all, kept);
		all = NULL;
		kept = 0;
	}
	*list = all;
	*n = kept;
	return rc;
}

json_t *
notes_json(const struct note *list, size_t n, const char *backup)
{
	json_t *all = json_array();
	char made[CLOCK_TEXT];
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(list[i].backup, backup) != 0)
			continue;
		clock_rfc3339(list[i].made_us, made);
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s}",
		    "note", list[i].text, "owner", list[i].owner, "made",
		    made));
	}
	return all;
}

void
notes_free(struct note *list, size_t n)
{
	while (n > 0)
		note_free(&list[--n]);
	free(list);
}

void
note_free(struct note *note)
{
	free(note->owner);
	free(note->text);
	*note = (struct note){0};
}
