/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: the server that a restore writes to: what it holds, what it lacks,
 * and the notes of a restore that was interrupted (schema kura_restore).
 */
#ifndef RESTORE_TARGET_H
#define RESTORE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mysql/flavour.h"
#include "restore/procedures.h"

struct buf;
struct conn;
struct conn_opts;
struct restore_plan;

struct target {
	const struct conn_opts *opts;
	struct conn *conn;		/* main's */
	struct flavour flavour;
	struct procedures procedures;	/* to replicate by */
	bool empty;			/* no user schema but ours */
	bool local_infile;		/* LOAD DATA LOCAL is possible */
	bool binlog_off;		/* sessions write no binary log */
	bool resume;			/* notes of this same plan exist */
	unsigned broken_views;		/* could not be made: what they stand
					 * on was gone at the source as well */
	struct err broken_view;		/* the first of them */
	char state[17];			/* resume: "planned", "replaying" or
					 * "done" */
	bool stale;			/* notes of another one, that was done */
};

/* Connect, look, take GET_LOCK('kura_restore'); ERR_BUSY when another has
 * it. */
int target_open(struct target *t, const struct conn_opts *opts,
    struct err *e);

/* One more connection for a worker, session set. */
struct conn *target_connect(const struct target *t, struct err *e);

/* Objects of the plan that the target already has, as text, one a line; empty
 * when there are none. */
int target_conflicts(struct target *t, const struct restore_plan *p,
    struct buf *out, struct err *e);

/* Is an interrupted restore noted?  When it is this plan's (same backup, same
 * plan digest) sets t->resume and t->state, and t->empty as it was when that
 * one began; ERR_EXISTS names another one, unless it was done: such notes only
 * serve to go on from it to a later moment.  Writes nothing. */
int target_notes_find(struct target *t, const struct restore_plan *p,
    const char *plan_sha256, struct err *e);
/* The id of the backup of source that the notes are about into id[], "" when
 * there are none or they are of another source. */
int target_notes_backup(struct target *t, const char *source, char *id,
    size_t n, struct err *e);
/* Note how far the whole is. */
int target_state_set(struct target *t, const char *state, struct err *e);
/* Note that this plan begins. */
int target_notes_make(struct target *t, const struct restore_plan *p,
    const char *plan_sha256, struct err *e);

/* Steps are (table, kind, n); table 0 for what is no table's.  A step that
 * has begun tells what is ours to drop from what is others'. */
enum target_step { STEP_NONE, STEP_BEGUN, STEP_DONE };

/* How far a step is; -1 on error. */
int target_step(struct conn *c, uint32_t table, const char *kind, uint32_t n,
    struct err *e);
/* Note it, in the caller's transaction. */
int target_step_begin(struct conn *c, uint32_t table, const char *kind,
    uint32_t n, struct err *e);
int target_step_done(struct conn *c, uint32_t table, const char *kind,
    uint32_t n, struct err *e);
/* Forget all steps of one table. */
int target_steps_clear(struct conn *c, uint32_t table, struct err *e);

/* All is done: drop the notes. */
int target_notes_drop(struct target *t, struct err *e);

void target_close(struct target *t);

#endif /* !RESTORE_TARGET_H */
