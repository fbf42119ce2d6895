/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive: the loop that follows the binary logs of any number of sources into
 * one store.
 *
 * One thread waits for all sockets and timers; what blocks (looking where to
 * go on, storing a segment, finishing a file) runs in a few others.
 *
 * Life cycle: archive_new; archive_add; archive_run, during which sources come
 * and go in opts.turn; archive_close.  All in one thread, but for archive_wake.
 */
#ifndef BACKUPD_ARCHIVE_H
#define BACKUPD_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/follow.h"

struct archive;
struct cancel;
struct err;
struct store;

struct archive_opts {
	struct store *store;
	const char *store_id;
	size_t memory;			/* bytes of all open segments */
	unsigned starts;		/* sources that are looked at at once;
					 * 0: 4 */
	bool stop_at_end;		/* archive all there is, then end */
	struct cancel *cancel;		/* stops: what is in hand is sent */
	struct cancel *store_cancel;	/* requested when that takes long */

	/* For a service, which goes on when no source is left: called in each
	 * turn of the loop, says when to be called next (milliseconds on the
	 * monotonic clock; INT64_MAX: when something happens).  NULL: the loop
	 * ends with its sources. */
	int64_t (*turn)(void *arg, int64_t now_ms);
	/* Something to tell of, in the loop's thread; or NULL. */
	void (*event)(void *arg, enum follow_event event, const char *source,
	    const char *text);
	void *arg;
};

/* *opts is copied. */
struct archive *archive_new(const struct archive_opts *opts, struct err *e);

/* Follow a source: *opts is copied, what it points at must stay until
 * archive_remove or archive_close.  What is returned is the archive's. */
struct follow *archive_add(struct archive *a, const struct follow_opts *opts,
    struct err *e);

/* Forget a source that is over, and free it: true, or false while something
 * of it is still on its way.  In opts.turn alone. */
bool archive_remove(struct archive *a, struct follow *f);

/* Other memory from now on, bytes.  In opts.turn alone. */
void archive_memory(struct archive *a, size_t memory);

/* Is everything being stopped? */
bool archive_stopping(const struct archive *a);

/* Make the loop take a turn; any thread. */
void archive_wake(struct archive *a);

/* Returns when it is cancelled (success); without opts.turn also at the end,
 * or when no source can be followed any more: *e is then the first failure. */
int archive_run(struct archive *a, struct err *e);

/* With opts.turn: make ready to run once more after a failure. */
int archive_again(struct archive *a, struct err *e);

void archive_close(struct archive *a);

#endif /* !BACKUPD_ARCHIVE_H */
