/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told: which troubles a channel of the notifiers has told, so that each is
 * told once, and its end only where it was.
 *
 * Per notice: told_accept when it comes; if that says yes, told_wanted just
 * before it is delivered, and told_done after it was, was given up or was
 * passed over.  Callers lock.  No clock, no I/O.
 */
#ifndef BACKUPD_TOLD_H
#define BACKUPD_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct told;

/* At most max troubles are remembered. */
struct told *told_new(size_t max, struct err *e);

/* After what time the same trouble is told once more. */
struct told_times {
	int64_t reminder_us;	/* if it was delivered */
	int64_t again_us;	/* if it could not be */
};

/* Is it to be delivered?  A trouble: not while the same key waits, or the time
 * has not come, and not when no more can be remembered.  A recovery: only after
 * a trouble that was told or waits.  *since_us, when the trouble began: kept
 * from its first notice if 0, and given back. */
bool told_accept(struct told *t, const char *key, bool recovered,
    int64_t *since_us, int64_t now_us, const struct told_times *times);

/* False for the recovery of what could not be told. */
bool told_wanted(const struct told *t, const char *key, bool recovered);

/* What became of one that was accepted. */
void told_done(struct told *t, const char *key, bool recovered,
    bool delivered);

/* It is another's to tell: forget it, unless something of it waits. */
void told_forget(struct told *t, const char *key);

/* Has what is worth keeping changed since the last told_text? */
bool told_changed(const struct told *t);

/* What was told and is not over, as a JSON document; and back into a new
 * table: 0, or -1 for what is none, with nothing taken. */
int told_text(struct told *t, struct buf *out, struct err *e);
int told_parse(struct told *t, const char *text, size_t n, struct err *e);

/* How many troubles there are, and the key of the i-th that was told, in no
 * order; borrowed until the next call that changes something, NULL: it was
 * not. */
size_t told_count(const struct told *t);
const char *told_key(const struct told *t, size_t i);

void told_free(struct told *t);

#endif /* !BACKUPD_TOLD_H */
