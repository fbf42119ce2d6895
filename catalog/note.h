/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note: what somebody wrote about a backup later: notes/<id>/<when>.json.
 *
 * Heads never change.  Documents are foreign bytes.
 */
#ifndef CATALOG_NOTE_H
#define CATALOG_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/head.h"

struct err;
struct store;

#define NOTE_TEXT_MAX 4000	/* bytes */

struct note {
	char backup[BACKUP_ID_LEN + 1], id[BACKUP_ID_LEN + 1];
	char *owner, *text;
	int64_t made_us;
};

/* Write one more, by the store's time. */
int note_create(struct store *s, const char *source, const char *backup,
    const char *owner, const char *text, struct err *e);

/* All of a source, by backup and time; backup: of that one alone, or NULL.
 * What cannot be read is passed over with a warning.  Owned: notes_free. */
int notes_list(struct store *s, const char *source, const char *backup,
    struct note **list, size_t *n, struct err *e);
void notes_free(struct note *list, size_t n);

/* Those of a backup, for --json. */
json_t *notes_json(const struct note *list, size_t n, const char *backup);

/* Parse a document that must be this note; zeroed first. */
int note_parse(const char *text, size_t n, const char *source,
    const char *backup, const char *id, struct note *note, struct err *e);
void note_free(struct note *note);

#endif /* !CATALOG_NOTE_H */
