/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: the events of a route as a primary sends them to a replica: each
 * file's artificial ROTATE and its format description, then its events in log
 * order, cut where the route ends.
 *
 * Left out are transactions that the replica has; those to be skipped are sent
 * with nothing in them.  What was sent is noted in the ledger and the proof.
 * A file of the route's first leg has its own name; of later legs, which may
 * have files of the same names, with "+1", "+2" at its end.
 *
 * Blocks on the store; one thread at a time.
 */
#ifndef RESTORE_STREAM_H
#define RESTORE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/timeline.h"

struct err;
struct ledger;
struct proof;
struct store;
struct stream;

struct stream_opts {
	struct store *store;
	const struct timeline *timeline;
	const struct route_leg *legs;
	size_t nlegs;
	const struct gtid_set *held;	/* the target's when the route begins */
	const struct gtid *skip;	/* sent as empty transactions */
	size_t nskip;
	uint32_t server_id;	/* ours, of artificial events */
	uint32_t target_id;	/* no event may carry it: it would be passed
				 * over in silence */
	struct ledger *ledger;
	struct proof *proof;
};

/* Begin where have (borrowed for the call) ends; or, have NULL, at position
 * of a file as it is named here ("" is the route's start).  *opts is copied,
 * what it points at borrowed.  ERR_NOTFOUND: the route does not lead by
 * there. */
struct stream *stream_open(const struct stream_opts *opts,
    const struct gtid_set *have, const char *file, uint64_t position,
    struct err *e);

/* The next event: 1 with its bytes, borrowed until the next call; 0 at the
 * route's end; -1. */
int stream_next(struct stream *s, const void **data, size_t *n,
    struct err *e);

/* Between two transactions? */
bool stream_idle(const struct stream *s);

/* A heartbeat for a replica that has all that was given so far, as it counts
 * positions itself; false while nothing was given. */
bool stream_heartbeat(const struct stream *s, bool v2, struct buf *out);

void stream_close(struct stream *s);

/* A file's name as replicas see it. */
void stream_name(size_t leg, const char *file, char *name, size_t n);

/* The rest of the leg that begins at position of such a file, and which leg it
 * is; false when that is no place of these legs. */
bool stream_find(const struct timeline *t, const struct route_leg *legs,
    size_t nlegs, const char *file, uint64_t position, size_t *which,
    struct route_leg *rest);

/* Bytes of a leg before offset of file seq; of the whole leg with its
 * to_seq and to_offset. */
uint64_t stream_bytes(const struct timeline *t, const struct route_leg *leg,
    uint32_t seq, uint64_t offset);

#endif /* !RESTORE_STREAM_H */
