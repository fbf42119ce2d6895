/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo: names and values that a replay notes on its target, in
 * kura_restore.memo: what is told of, and what is to be put back.
 *
 * The schema is there (target_notes_make).  Names are [a-z_.]; values are any
 * text.
 */
#ifndef RESTORE_MEMO_H
#define RESTORE_MEMO_H

struct buf;
struct conn;
struct err;

/* Make the table where it is missing. */
int memo_open(struct conn *c, struct err *e);

/* Note, or note anew. */
int memo_set(struct conn *c, const char *name, const char *value,
    struct err *e);

/* Append the value to *out: 1, or 0 when there is none (or no table). */
int memo_get(struct conn *c, const char *name, struct buf *out,
    struct err *e);

int memo_forget(struct conn *c, const char *name, struct err *e);

#endif /* !RESTORE_MEMO_H */
