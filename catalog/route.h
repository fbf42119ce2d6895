/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: the way from a backup to a moment, through archived binary logs.
 *
 * In log order everything is taken up to and without the first transaction
 * that committed later than the moment (DESIGN, promise 4).  Only indexes are
 * read.
 */
#ifndef CATALOG_ROUTE_H
#define CATALOG_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"
#include "catalog/moment.h"
#include "mysql/transaction.h"

struct err;
struct store;
struct timeline;

struct route_leg {
	size_t history;		/* index in the timeline */
	uint32_t from_seq, to_seq;
	uint64_t from_offset;	/* of the first event to take; 4: the file's
				 * first */
	uint64_t to_offset;	/* after the last event to take */
	struct gtid_set *have;	/* transactions to leave out, since they came
				 * by an earlier leg, or are in the backup;
				 * NULL: none */
};

struct route {
	char backup[BACKUP_ID_LEN + 1];
	struct route_leg *legs;	/* the last one ends with its last
				 * transaction */
	size_t nlegs;		/* 0: the backup itself is the moment */
	uint64_t bytes;		/* raw, of all legs */
	uint64_t transactions;	/* 0 when not counted */
	struct transaction last;	/* the last one taken: .size 0: none */
	struct transaction first_not;	/* the first one not taken, or .size 0 */
	uint64_t late;		/* of a time only: not taken, for they stand
				 * after first_not, although their time is not
				 * later; in the live file as far as an hour
				 * after the moment */
};

/* From backup (an id, or NULL: the newest whose window holds the moment,
 * proven and not partial).  ERR_NOTFOUND says why, or names the windows that
 * there are; ERR_USAGE: a position inside a transaction, or in two
 * histories. */
int route_find(struct store *s, const struct timeline *t, const char *backup,
    const struct moment *m, struct route *r, struct err *e);
void route_free(struct route *r);

/* Call each for the transactions (from indexes) of a leg in log order, but
 * for those of leg->have; each returns 0 to go on, 1 to stop, -1 with *e. */
int leg_each(struct store *s, const struct timeline *t,
    const struct route_leg *leg, int (*each)(void *arg, uint32_t seq,
    const struct transaction *tr, struct err *e), void *arg, struct err *e);

/* Call each for the archived transactions behind the route's backup whose time
 * is no farther than span from time, in log order; taken: the route reaches
 * over it.  each returns 0, or -1 with *e. */
int route_near(struct store *s, const struct timeline *t,
    const struct route *r, int64_t time_us, int64_t span_us, int (*each)(
    void *arg, const struct transaction *tr, bool taken, struct err *e),
    void *arg, struct err *e);

/* All that is archived, each transaction once: main lines from their first
 * files on, and what lies beside them. */
struct route_whole_leg {
	struct route_leg leg;
	bool side;		/* a side branch */
};
struct route_whole {
	struct route_whole_leg *legs;
	size_t n;
};
int route_whole(const struct timeline *t, struct route_whole *w,
    struct err *e);
void route_whole_free(struct route_whole *w);

/* Where in the whole a GTID's transaction ends (m->before: begins), or a
 * position is. */
struct route_place {
	size_t leg;
	uint32_t seq;
	uint64_t offset;
};
int route_whole_find(struct store *s, const struct timeline *t,
    const struct route_whole *w, const struct moment *m,
    struct route_place *p, struct err *e);

/* The transactions of one file that belong to a leg, as leg_each, from an
 * offset on; 1: stopped. */
int leg_file_each(struct store *s, const struct timeline *t,
    const struct route_leg *leg, uint32_t seq, uint64_t from,
    int (*each)(void *arg, uint32_t seq, const struct transaction *tr,
    struct err *e), void *arg, struct err *e);

#endif /* !CATALOG_ROUTE_H */
