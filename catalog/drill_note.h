/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill_note: what came of a drill, in verifications/drill-<id>.json: for the
 * timeline and for whoever watches.
 *
 * It holds numbers and times alone, no names and no words of a server: it
 * stays in clear text where rows are encrypted.
 */
#ifndef CATALOG_DRILL_NOTE_H
#define CATALOG_DRILL_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct store;

struct drill_note {
	char id[BACKUP_ID_LEN + 1];
	char backup[BACKUP_ID_LEN + 1];
	int64_t began_us, ended_us;
	bool ok;
	uint64_t status;	/* the exit status: 0, 1, 3 */
	bool archive;		/* it went on into the archive */
	int64_t recovered_us;	/* the moment that was reached; 0: none */
	uint64_t recover_ms;	/* until a server could be used */
	uint64_t total_ms;
	uint64_t rows, bytes, checked;	/* checked: tables */
	uint64_t asserted, untrue;	/* assertions */
};

/* Write it; n->id is made here. */
int drill_note_create(struct store *s, const char *source,
    struct drill_note *n, struct err *e);

/* Parse a document that must be this one of this source. */
int drill_note_parse(const char *text, size_t n, const char *source,
    const char *id, struct drill_note *out, struct err *e);

/* The newest max of a source, oldest first: one listing, and a request each;
 * owned array.  One that is damaged is passed over with a warning in the log.
 */
int drill_notes_list(struct store *s, const char *source, size_t max,
    struct drill_note **list, size_t *n, struct err *e);

#endif /* !CATALOG_DRILL_NOTE_H */
