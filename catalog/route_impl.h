/* SPDX-License-Identifier: Apache-2.0 */
/* route_impl: what the files of the routes share; nobody else's. */
#ifndef CATALOG_ROUTE_IMPL_H
#define CATALOG_ROUTE_IMPL_H

#include "catalog/timeline_impl.h"

#define HOUR_US INT64_C(3600000000)

/* A way that is being looked for. */
struct way {
	struct store *store;
	const struct timeline *t;
	const struct moment *moment;
	const struct timeline_backup *b;
	struct gtid_set *has;		/* of the backup; NULL: none */
	struct route_before before;	/* what stands before the backup */
	struct route_leg *legs;
	size_t nlegs;
};

/* A place between two transactions of a way. */
struct cut {
	size_t leg;
	uint32_t seq;
	uint64_t offset;
	bool found;
};

/* A place between two transactions of a run. */
struct place_in_log {
	size_t run;
	uint32_t seq;
	uint64_t offset;
};

/* route_way.c: the part of a file that belongs to a leg: as route_scan. */
int way_scan(const struct way *w, size_t leg, uint32_t seq,
    int (*each)(void *arg, const struct transaction *t, struct err *e),
    void *arg, struct err *e);

/* The end of the way. */
void way_end(const struct way *w, struct cut *cut);

/* Raw bytes of a leg. */
uint64_t way_bytes(const struct timeline *t, const struct route_leg *leg);

/* The last transaction before a cut that is taken: its own place (found:
 * there is one) and an owned copy. */
int way_last(const struct way *w, const struct cut *cut, struct cut *last,
    struct transaction *t, struct err *e);

/* The first one at or after a cut, in the cut's leg: an owned copy, size 0
 * when there is none. */
int way_next(const struct way *w, const struct cut *cut,
    struct transaction *t, struct err *e);

/* Does the last leg of the way hold this place? */
bool way_reaches(const struct way *w, const struct place_in_log *p,
    struct cut *cut);

/* route_place.c: where a GTID or a position ends what is taken, in each run
 * that has it; owned array. */
int places_find(struct store *s, const struct timeline *t,
    const struct moment *m, struct place_in_log **places, size_t *n,
    struct err *e);

/* ERR_NOTFOUND with the windows that there are. */
int route_say_windows(const struct timeline *t, const struct moment *m,
    struct err *e);

/* What cannot be found: ERR_CORRUPT with the damage or the hole that there is,
 * else ERR_NOTFOUND. */
int route_say_broken(const struct timeline *t, const char *what,
    struct err *e);

#endif /* !CATALOG_ROUTE_IMPL_H */
