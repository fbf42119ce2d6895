/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill: a restore into a throw-away server that proves a backup: its rows by
 * digests, the way on to the newest archived moment, and what the user says
 * must be true; with the time that it took.
 */
#ifndef RESTORE_DRILL_H
#define RESTORE_DRILL_H

#include <stddef.h>
#include <stdio.h>

#include "restore/steps.h"

struct err;
struct store;

struct drill_opts {
	/* Of these: source, backup, conn, replay, listen, advertise, workers,
	 * yes (clear what a failed drill left to be looked at), json, cancel. */
	struct restore_opts restore;
	const char *const *asserts;	/* SQL */
	size_t nasserts;
};

/* Do it, and say on out what was found.  The target is given back as it was;
 * after a failure it is kept.  ERR_EXISTS: the target is not empty; ERR_USAGE:
 * it is no place for a drill; ERR_CORRUPT: the backup is damaged, or the target
 * does not equal it; ERR_IO: an assertion is not true. */
int drill_run(struct store *s, const struct drill_opts *opts, FILE *out,
    struct err *e);

#endif /* !RESTORE_DRILL_H */
