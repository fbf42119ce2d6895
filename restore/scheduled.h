/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduled: events and the state that each had on the source at a moment.
 *
 * While a target is brought to a moment none of its events may run: those of
 * the backup are made disabled, and what a replica applies is disabled by the
 * server.  So the states are worked out from the backup's definitions and the
 * statements after it, and given to the events at the end.
 *
 * Statements are foreign text.  One thread at a time.
 */
#ifndef RESTORE_SCHEDULED_H
#define RESTORE_SCHEDULED_H

#include <stddef.h>

struct buf;
struct conn;
struct err;
struct scheduled;

enum scheduled_state {
	SCHEDULED_ON, SCHEDULED_OFF,
	SCHEDULED_REPLICA,	/* DISABLE ON REPLICA: runs on a primary */
	SCHEDULED_UNKNOWN,	/* its statement was cut off before it said */
};

/* The state that a definition gives (CREATE EVENT ...); off, unless NULL, gets
 * the same definition with DISABLE.  ERR_CORRUPT: no such definition. */
int scheduled_text(const char *text, size_t n, enum scheduled_state *state,
    struct buf *off, struct err *e);

struct scheduled *scheduled_new(struct err *e);

/* An event of the backup. */
int scheduled_add(struct scheduled *s, const char *schema, const char *name,
    enum scheduled_state state, struct err *e);

/* A statement of the log, home its default schema: only those on events and
 * DROP DATABASE matter. */
int scheduled_statement(struct scheduled *s, const char *home,
    const char *sql, struct err *e);

/* Give the target's events their states.  Each that cannot have its own (its
 * time has passed) is left disabled and named in *left, a line each. */
int scheduled_set(const struct scheduled *s, struct conn *c, struct buf *left,
    struct err *e);

void scheduled_free(struct scheduled *s);

#endif /* !RESTORE_SCHEDULED_H */
