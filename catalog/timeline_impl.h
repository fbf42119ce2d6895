/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_impl: what timeline*.c and route*.c share; nobody else's. */
#ifndef CATALOG_TIMELINE_IMPL_H
#define CATALOG_TIMELINE_IMPL_H

#include "catalog/timeline.h"

/* A clock of a host may differ from another's by so much (DESIGN). */
#define TIMELINE_SLACK_US (INT64_C(5) * 60 * 1000000)

/* A set of the GTIDs in two texts, NULL counting as ""; NULL when one is no
 * text of the source's kind, or without memory. */
struct gtid_set *timeline_set(const struct timeline *t, const char *a,
    const char *b);

/* timeline_backup.c: no window begins at a backup that is marked: what comes
 * after it may go with it. */
int timeline_hide_marked(struct store *s, struct timeline *t, struct err *e);

/* timeline_live.c: is the last archived event of a live file the one that ends
 * files?  1, 0, or -1 with *e. */
int timeline_ended(struct store *s, const struct timeline *t, size_t history,
    const struct timeline_file *f, struct err *e);

/* The latest time of a transaction in the last segment of a live file in which
 * one ends; 0: none. */
int timeline_last_time(struct store *s, const struct timeline *t,
    size_t history, const struct timeline_file *f, int64_t *us,
    struct err *e);

/* route_line.c: the legs from a backup (whose history is not -1) on: to the end of the main
 * line (run SIZE_MAX), or to the end of another run that descends from its.
 * ERR_NOTFOUND when there is no such way.  Owned: route_line_free. */
int route_line(const struct timeline *t, const struct timeline_backup *b,
    size_t run, struct route_leg **legs, size_t *n, struct err *e);
void route_line_free(struct route_leg *legs, size_t n);

/* route_scan.c: the transactions of one file of a run, in log order, by its
 * index or those of its segments: those that begin at `from` or after, and end
 * at `to` or before.  0, 1 when stopped, -1. */
int route_scan(struct store *s, const struct timeline *t, size_t history,
    const struct timeline_file *f, uint64_t from, uint64_t to,
    int (*each)(void *arg, const struct transaction *tr, struct err *e),
    void *arg, struct err *e);

/* route_fits.c: are a backup's coordinates, by the index of their file, between
 * two transactions, of which only those before are in it?  1, 0, -1.  What
 * stands before, or NULL: the latest time of it in the run, and how many it are
 * in the file. */
struct route_before {
	int64_t latest_us;
	uint64_t n;
};
int route_fits(struct store *s, const struct timeline *t,
    const struct timeline_backup *b, struct route_before *before,
    struct err *e);

#endif /* !CATALOG_TIMELINE_IMPL_H */
