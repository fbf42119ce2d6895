/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: watches, from a connection of its own, that the dump does not hurt
 * the server: sessions that wait for our metadata locks, undo history, running
 * threads, replica lag.  Slower at a soft limit, given up at a hard one.
 */
#ifndef BACKUPD_GUARD_H
#define BACKUPD_GUARD_H

struct chunk_totals;
struct err;
struct flavour;
struct guard;
struct run_opts;
struct snapshot;

/* Looks once a second until guard_stop.  On a hard limit the dump's
 * connections are interrupted; guard_stop then gives the reason. */
struct guard *guard_start(const struct run_opts *opts,
    const struct flavour *f, struct snapshot *s, struct chunk_totals *totals,
    struct err *e);

/* End it.  If it gave the dump up, *e is replaced by why.  NULL is fine. */
void guard_stop(struct guard *g, struct err *e);

#endif /* !BACKUPD_GUARD_H */
