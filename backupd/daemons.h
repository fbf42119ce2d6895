/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemons: those that share a store, as seen in listings of their heartbeats,
 * and which of them a source belongs to.
 *
 * Does no I/O and reads no clock.  Whoever lists calls daemons_begin,
 * daemons_see for each heartbeat and daemons_end; reads what daemons_unread
 * names and gives it to daemons_learn.  Times are milliseconds of the
 * observer's monotonic clock: that of the change of a heartbeat is never
 * later than when the last listing without it began.
 */
#ifndef BACKUPD_DAEMONS_H
#define BACKUPD_DAEMONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/heartbeat.h"

struct err;

#define DAEMONS_MAX 10000

struct daemons;

/* One of them. */
struct daemons_one {
	struct heartbeat beat;		/* of beat.id alone until it is known */
	bool known;			/* its document was read */
	bool unread;			/* or is to be, anew */
	bool alive;
	bool seen;			/* in this listing */
	uint64_t size;
	int64_t mtime_us, changed_ms;
};

/* limit_ms: whose heartbeat has not changed for so long is dead; list_ms: how
 * often they are listed. */
struct daemons *daemons_new(int64_t limit_ms, int64_t list_ms, struct err *e);

/* Other times from now on: nobody who is alive dies of them alone. */
void daemons_pace(struct daemons *d, int64_t limit_ms, int64_t list_ms,
    int64_t now_ms);

/* A listing begins now. */
void daemons_begin(struct daemons *d, int64_t now_ms);

/* A heartbeat of the listing.  age_ms: how old it is by the store's own clock,
 * which counts when it was never seen before.  Over DAEMONS_MAX: ERR_IO. */
int daemons_see(struct daemons *d, const char *id, uint64_t size,
    int64_t mtime_us, int64_t age_ms, struct err *e);
/* Was it seen before? */
bool daemons_has(const struct daemons *d, const char *id);

/* The listing is whole: those that are not in it are gone; says whether
 * anybody came to life or died. */
bool daemons_end(struct daemons *d, int64_t now_ms);

/* Whose document is to be read; NULL: nobody's. */
const char *daemons_unread(const struct daemons *d);
/* What it says, which is taken over; NULL: it cannot be read, and nothing is
 * known of it.  gone: its process is known to be, until the heartbeat changes
 * once more. */
void daemons_learn(struct daemons *d, const char *id, struct heartbeat *beat,
    bool gone);

/* When somebody may turn out to be dead; INT64_MAX: nobody. */
int64_t daemons_due(const struct daemons *d);

/* The owner of a source for a job: the one with the highest hash among those
 * that are alive, do the job, and know the source; or NULL. */
const struct daemons_one *daemons_owner(const struct daemons *d,
    uint64_t source, unsigned job);
/* How the hash goes. */
uint64_t daemons_weight(uint64_t source, const char *id);

/* All, by id; and those that are dead for so long. */
const struct daemons_one *daemons_all(const struct daemons *d, size_t *n);
bool daemons_dead_for(const struct daemons_one *one, int64_t ms,
    int64_t now_ms);

void daemons_free(struct daemons *d);

#endif /* !BACKUPD_DAEMONS_H */
