/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portion: which part of a source is verified now, so that each of it is read
 * again within a time: arithmetic alone, without store or clock.
 *
 * A run may cost about (cost of all / within) x (time since the last run): what
 * was never read first (the newest first), then what was read longest ago.
 * Units are read whole, so a run may go over; what it went over is owed by
 * the next ones, so that small runs of large units keep the measure.  What
 * would be over its time before the next run of the same interval is read in
 * any case, and so is what was damaged.
 */
#ifndef CATALOG_PORTION_H
#define CATALOG_PORTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a unit costs beside its bytes, since it takes requests: many small ones
 * are no less work, and no part of a small one is rounded to nothing. */
#define PORTION_UNIT ((uint64_t)64 << 10)

struct portion_unit {
	uint64_t bytes;
	int64_t made_us;
	int64_t read_us;	/* 0: never */
	bool damaged;		/* when it was read */
	bool picked;		/* by portion_pick */
	void *what;		/* the caller's */
};

struct portion_opts {
	int64_t now_us;
	int64_t last_us;	/* begin of the last run; 0: none, which counts
				 * as a day ago */
	int64_t within_us;	/* > 0 */
	int64_t balance;	/* cost over from the last run; < 0: owed */
	uint64_t cap;		/* no more in this run, but for its first unit;
				 * 0: no cap */
};

struct portion {
	size_t n;		/* units that were picked */
	uint64_t bytes;		/* of them */
	uint64_t cost;		/* bytes, and PORTION_UNIT for each */
	uint64_t all;		/* of all units */
	int64_t balance;	/* for the next run */
};

/* Sorts units into the order in which they are to be read, and picks some. */
struct portion portion_pick(struct portion_unit *units, size_t n,
    const struct portion_opts *o);

#endif /* !CATALOG_PORTION_H */
