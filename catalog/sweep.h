/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep: the second step of expiry: what was marked a grace period ago, and is
 * still wanted by nobody, goes.
 *
 * All is looked at again, the verdict is given (verdict.h), and then objects
 * go: nobody takes a mark away on which that was said, so that a sweep may be
 * stopped anywhere for any time, and whoever comes goes on where it stopped.  A
 * backup's head goes first: from then on there is no such backup, and what is
 * left of it is hidden; its mark goes last.  Of binary logs their floor stands
 * first, and hides them.
 */
#ifndef CATALOG_SWEEP_H
#define CATALOG_SWEEP_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct expire;

struct sweep_result {
	uint64_t backups, floors, objects;	/* swept; objects: of marks
						 * that others wrote */
	uint64_t left;		/* due, but not swept: see the log */
};

/* A look is too old to decide anything after so long, by the store's time. */
#define SWEEP_LOOK_US (INT64_C(30) * 60 * 1000000)

/* Sweep what is due by *x, which says what stays.  Then clean up: what dead
 * runs left, and uploads begun longer ago than any run may take. */
int sweep_run(const struct expire *x, struct sweep_result *out,
    struct err *e);

/* sweep_keys.c: objects that were replaced (mark.h). */
int sweep_keys(const struct expire *x, struct sweep_result *out,
    struct err *e);

/* sweep_logs.c: all before the floors that are gone, and what is due. */
int sweep_logs(const struct expire *x, struct sweep_result *out,
    struct err *e);

/* Is the look of *x too old by now?  1, 0, -1. */
int sweep_is_late(const struct expire *x, struct err *e);

#endif /* !CATALOG_SWEEP_H */
