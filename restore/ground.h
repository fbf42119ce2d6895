/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ground: the server that a drill restores into: is it fit to be thrown away,
 * what did an earlier drill leave there, and giving it back as it was.
 *
 * Fit is a server that is empty, that nobody replicates from, that replicates
 * from nobody, and that is not the source.  What an earlier drill of the same
 * source left is known by its note (ground_note.h), and by nothing else.
 *
 * Life cycle: ground_look; ground_clear where something is left; steps_look
 * with ground_definition; ground_begin before the first write; then either
 * ground_clear or ground_keep; ground_free.  main's thread, its connection.
 */
#ifndef RESTORE_GROUND_H
#define RESTORE_GROUND_H

#include <stdbool.h>

#include "codec/digest.h"
#include "restore/ground_note.h"

struct err;
struct head;
struct restore_plan;
struct target;

struct ground {
	struct target *target;		/* open */
	bool left;			/* an earlier drill left something */
	struct ground_note note;	/* left: its note; else ours */
	char accounts[SHA256_HEX];	/* digest of what those from before
					 * may do, when the drill began */
	unsigned left_out;		/* definitions, by ground_definition */
};

/* Look at the target, of a drill of h's source.  Changes nothing.  ERR_USAGE:
 * it is the source, or is no place for a drill; ERR_EXISTS: it is not empty.
 */
int ground_look(struct ground *g, struct target *t, const struct head *h,
    struct err *e);

/* Remove all that the note tells of: channel and settings of a replay, prepared
 * transactions, schemas, accounts, GTIDs, binary logs, and the note at last.
 * ERR_EXISTS: there is something else.  g->left is false then, and the target
 * is empty; accounts from before that are not as they were are warned of. */
int ground_clear(struct ground *g, struct err *e);

/* Begin the note of a drill of this backup, in memory; what is there now is
 * what was there before. */
int ground_prepare(struct ground *g, const struct head *h, struct err *e);

/* A replay_definition (arg: the ground): notes the schemas that are made, and
 * leaves out what would change accounts that were there before. */
int ground_definition(void *arg, const char *schema, const char *sql,
    struct err *e);

/* Write the note, with the schemas of the plan: from now on the target is this
 * drill's. */
int ground_begin(struct ground *g, const struct restore_plan *p,
    struct err *e);

/* Note that the drill has failed: what stands there is kept. */
int ground_keep(struct ground *g, const char *why, struct err *e);

void ground_free(struct ground *g);

#endif /* !RESTORE_GROUND_H */
