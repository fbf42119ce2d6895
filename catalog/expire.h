/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expire: what of a source stays and what goes, and the first of two steps:
 * marks.
 *
 * Life cycle: expire_load (looks, decides, changes nothing); expire_mark
 * (writes and takes away marks); sweep_run (sweep.h: the second step);
 * expire_free.
 *
 * Nothing is decided on less than all: a listing or a document that cannot be
 * had, clocks that disagree and what is of the future fail the load.  A head
 * that cannot be read is a backup that stays, with all that it may need.
 */
#ifndef CATALOG_EXPIRE_H
#define CATALOG_EXPIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/expiring.h"
#include "catalog/floor.h"
#include "catalog/hold.h"
#include "catalog/retention.h"
#include "catalog/timeline.h"
#include "catalog/verification.h"

struct err;
struct store;

/* Clocks may differ by so much, and a head be so far ahead (DESIGN). */
#define EXPIRE_SLACK_US (INT64_C(5) * 60 * 1000000)

struct expire_opts {
	struct retention_rules rules;
	int64_t grace_us;
	int64_t ahead_us;	/* tests: the store's time and ours are so
				 * much later */
};

enum expire_state {
	EXPIRE_STAYS,		/* and is not marked */
	EXPIRE_UNMARK,		/* is marked, but stays */
	EXPIRE_MARK,		/* is to be marked */
	EXPIRE_WAITS,		/* is marked */
	EXPIRE_DUE,		/* may be swept */
};

struct expire_backup {
	enum expire_state state;
	int64_t sweep_after_us;	/* 0: not marked, and not to be */
	uint64_t stored;
	uint64_t damaged;	/* findings when it was verified last: then
				 * it is no good one */
};

/* A history's files. */
struct expire_logs {
	char history[HISTORY_ID_LEN + 1];
	uint32_t first, before;	/* those from the one to before the other
				 * go; before is 0: none */
	uint64_t files, bytes;	/* raw */
	char until[512];	/* name of the first that stays; "": none */
	enum expire_state state;
	int64_t sweep_after_us;
};

struct expire {
	struct store *store;
	const char *source;
	struct expire_opts opts;
	int64_t now_us;
	struct timeline timeline;	/* with all that is not gone */
	struct verification verified;
	struct retention_backup *backups;	/* by id */
	struct retention_fate *fates;
	struct expire_backup *states;
	size_t nbackups, unreadable;
	struct hold *holds;
	size_t nholds;
	struct retention_run *runs;
	size_t nruns;
	struct expiring *marks;
	size_t nmarks;
	struct floor *floors;
	size_t nfloors;
	struct expire_logs *logs;
	size_t nlogs;
};

/* source is borrowed. */
int expire_load(struct store *s, const char *source,
    const struct expire_opts *opts, struct expire *x, struct err *e);

/* Mark what goes, and unmark what stays.  States stay what they were. */
int expire_mark(struct expire *x, struct err *e);

/* The backup of this id, its index; SIZE_MAX: there is none. */
size_t expire_find(const struct expire *x, const char *id);

void expire_free(struct expire *x);

/* expire_logs.c: fill x->logs, now that it is known which backups stay. */
int expire_logs(struct expire *x, struct err *e);

#endif /* !CATALOG_EXPIRE_H */
