/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: progress as JSON lines, for the program that started us.
 *
 * One a process, as the log is: feed_open before the first thread, feed_phase
 * and feed_progress from any thread, feed_close at the end.  Without
 * feed_open all of them do nothing.
 *
 * Never holds the work up: a line that the reader has no room for is dropped,
 * and once nobody reads nothing is written any more.
 */
#ifndef CATALOG_FEED_H
#define CATALOG_FEED_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* What a line says beside its phase. */
struct feed_state {
	uint64_t tables, rows, bytes;
	uint64_t total;		/* bytes to expect; 0: unknown */
	uint64_t rate;		/* bytes a second */
	int64_t left_s;		/* seconds to go; -1: unknown */
	uint64_t transactions;	/* of a replay */
	int64_t at_us;		/* the source's time it reached, or 0 */
};

/* Write to this inherited descriptor from now on; no child of ours inherits
 * it.  ERR_USAGE: below 3, or not open. */
int feed_open(uint64_t fd, struct err *e);

bool feed_is_open(void);

/* Another part of the work begins; name is static.  What was counted stands
 * until the next feed_progress. */
void feed_phase(const char *name);

void feed_progress(const struct feed_state *now);

/* Repeat the last state, and write no more.  The descriptor stays open. */
void feed_close(void);

#endif /* !CATALOG_FEED_H */
