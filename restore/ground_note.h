/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ground_note: what a drill notes on its target before it makes anything
 * there: whose drill it is, which accounts were there before, and which
 * schemas it may make.
 *
 * One JSON object, in the memo "drill".  By it the next drill knows what a
 * killed or failed one has left, and what is not a drill's at all.
 */
#ifndef RESTORE_GROUND_NOTE_H
#define RESTORE_GROUND_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct buf;
struct err;

struct ground_note {
	json_t *doc;
};

/* Of a drill that begins now. */
int ground_note_init(struct ground_note *n, const char *source,
    const char *backup, struct err *e);

/* Read one; ERR_CORRUPT: it is none. */
int ground_note_parse(struct ground_note *n, const char *text, size_t len,
    struct err *e);

int ground_note_text(const struct ground_note *n, struct buf *out,
    struct err *e);

const char *ground_note_source(const struct ground_note *n);
const char *ground_note_backup(const struct ground_note *n);
const char *ground_note_began(const struct ground_note *n);
/* Why it failed and was kept, or NULL: it was cut short. */
const char *ground_note_failed(const struct ground_note *n);

/* Note a schema that the drill may make; twice is once. */
int ground_note_add_schema(struct ground_note *n, const char *name,
    struct err *e);
/* May this schema be the drill's?  any_case: the server folds names. */
bool ground_note_has_schema(const struct ground_note *n, const char *name,
    bool any_case);

/* Note an account that was there before; or, once the drill has failed, one
 * that is there then.  A role of MariaDB has no host. */
int ground_note_add_account(struct ground_note *n, bool after,
    const char *user, const char *host, struct err *e);
/* Was it there before?  Was it made by the drill, as far as is known? */
bool ground_note_had_account(const struct ground_note *n, const char *user,
    const char *host);
bool ground_note_made_account(const struct ground_note *n, const char *user,
    const char *host);

/* It failed: what stands on the target is kept. */
int ground_note_fail(struct ground_note *n, const char *why, struct err *e);

void ground_note_free(struct ground_note *n);

#endif /* !RESTORE_GROUND_NOTE_H */
