/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention: which backups of a source stay, which go, and why.
 *
 * Pure: what it is given is all it looks at, and the same gives the same.
 * Rules count per lineage, and good backups (proven, complete, not found
 * damaged) apart from others, so that a partial one pushes out no whole one.  Hours, days, weeks,
 * months and years are those of UTC.
 *
 * What no rule can change: the newest good backup of a lineage stays; what is
 * held, what lent chunks to one that stays or to a run under way, and what
 * cannot be read stay; without any rule all stay.
 */
#ifndef CATALOG_RETENTION_H
#define CATALOG_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;

enum retention_unit { RETENTION_HOUR, RETENTION_DAY, RETENTION_WEEK,
	RETENTION_MONTH, RETENTION_YEAR, RETENTION_UNITS };

/* 0: the rule is not set. */
struct retention_rules {
	uint64_t last;
	uint64_t unit[RETENTION_UNITS];	/* the newest of so many of each */
	int64_t within_us;
	int64_t window_us;	/* every moment of it can be restored */
	uint64_t min;		/* good ones that stay in any case; no rule
				 * by itself, at least 1 is meant */
};

struct retention_backup {
	char id[BACKUP_ID_LEN + 1], lineage[BACKUP_ID_LEN + 1];
	int64_t at_us;			/* of its snapshot */
	bool good;			/* proven, complete, not damaged */
	const char *unreadable;		/* why, or NULL */
	int64_t logs_until_us;		/* end of its window; 0: none */
	const char *const *lenders;	/* ids */
	size_t nlenders;
};

struct retention_hold {
	char backup[BACKUP_ID_LEN + 1];
	const char *name, *owner;
	int64_t until_us;		/* 0: until it is released */
};

/* A run under way that may borrow. */
struct retention_run {
	char id[BACKUP_ID_LEN + 1], lender[BACKUP_ID_LEN + 1];
};

struct retention_set {
	struct retention_rules rules;
	const struct retention_backup *backups;	/* in any order */
	size_t nbackups;
	const struct retention_hold *holds;
	size_t nholds;
	const struct retention_run *runs;
	size_t nruns;
};

/* Of the backup of the same index. */
struct retention_fate {
	bool keep;
	bool logs;		/* what comes after it must stay, too */
	int64_t until_us;	/* when it will go; 0: cannot be told */
	char **why;		/* in words, at least one */
	size_t nwhy;
};

/* Is any rule set?  Without, nothing ever goes. */
bool retention_is_set(const struct retention_rules *r);

/* Owned array of in->nbackups, or NULL. */
struct retention_fate *retention_decide(const struct retention_set *in,
    int64_t now_us, struct err *e);
void retention_free(struct retention_fate *fates, size_t n);

/* "7 days", "36 hours", "90 minutes". */
#define RETENTION_SPAN 32
const char *retention_span(int64_t us, char text[RETENTION_SPAN]);

/* "week 2026-W48"; two moments have the same text when they are in the same
 * one. */
#define RETENTION_BUCKET 32
const char *retention_bucket(enum retention_unit unit, int64_t us,
    char text[RETENTION_BUCKET]);

#endif /* !CATALOG_RETENTION_H */
