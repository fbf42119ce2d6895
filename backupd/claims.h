/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims: which daemon works for which source of one store.
 *
 * Each daemon writes a heartbeat, daemons/<id>.json, and lists those of the
 * others; a source belongs to the daemon with the highest hash of both names
 * among those that are alive, do that kind of job, and have the source in
 * their configuration.  Whether one is alive is judged by changes that are
 * seen, on our own monotonic clock.  Correctness never rests on it: claims
 * save work (DESIGN, "Correctness never rests on claims or clocks").
 *
 * Life cycle: claims_start; everything else from any thread; claims_stop.
 * No call but claims_stop waits for the store: a thread of its own does.
 */
#ifndef BACKUPD_CLAIMS_H
#define BACKUPD_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cancel;
struct claims;
struct err;
struct stand;
struct store;

#define CLAIMS_ID_LEN 16	/* hex digits of a daemon's id */

/* Kinds of jobs, as a set: what a daemon may do. */
enum claims_job {
	CLAIMS_DUMP = 1,
	CLAIMS_ARCHIVE = 2,
	CLAIMS_VERIFY = 4,
	CLAIMS_EXPIRE = 8,
	CLAIMS_DRILL = 16,
};
#define CLAIMS_ALL 31u

struct claims_opts {
	struct store *store;
	/* The store was opened with it: requested when the store takes too
	 * long at the end.  May be NULL. */
	struct cancel *store_cancel;
	const char *id;		/* of this process, claims_id_make(); copied */
	const char *host;	/* NULL: this host's name */
	const char *tool;	/* NULL: "backupd VERSION" */
	unsigned jobs;		/* set of enum claims_job */
	unsigned heartbeat_ms;	/* 0: 30 s; others are listed every 1.5 */
	unsigned stale_ms;	/* 0: 120 s; at least three heartbeats: that
				 * long after a death others have taken over */
};

/* A new random id for a process, the same in all its stores. */
void claims_id_make(char id[CLAIMS_ID_LEN + 1]);

/* NULL on failure; *opts is copied.  Nobody owns anything until the first
 * heartbeat is written and the others are listed. */
struct claims *claims_start(const struct claims_opts *opts, struct err *e);

/* The sources that this daemon could work for, in any order; replaces what was
 * set before.  Names are copied.  Nothing is written before the first time:
 * others would take us for one that has none. */
int claims_set(struct claims *c, const char *const *sources, size_t n,
    struct err *e);

/* The kinds of jobs that it does from now on (none: it is on its way out). */
void claims_jobs(struct claims *c, unsigned jobs);

/* Other times from now on, as in claims_opts. */
void claims_pace(struct claims *c, unsigned heartbeat_ms, unsigned stale_ms);

/* Where logs of sources ended, to be told in the next heartbeats: an array that
 * is the claims' own from now on. */
void claims_stands(struct claims *c, struct stand *stands, size_t n);

/* Who works for a source. */
enum claims_owner {
	CLAIMS_UNSURE,	/* nothing was heard from the store for too long (or
			 * yet), or nobody does this job: begin nothing new,
			 * and go on with what runs */
	CLAIMS_OURS,
	CLAIMS_OTHERS,	/* owner is its id: end what runs for it */
};
enum claims_owner claims_owner(struct claims *c, const char *source,
    enum claims_job job, char owner[CLAIMS_ID_LEN + 1]);
/* Is it CLAIMS_OURS? */
bool claims_mine(struct claims *c, const char *source, enum claims_job job);

/* We begin to work for a source: a claim document says so, if the last one is
 * not ours (sources/<source>/claims/<n>.json).  why: "started", "daemon x is
 * gone".  Written later by the thread; a failure is logged, no more. */
void claims_taken(struct claims *c, const char *source, const char *why);

/* Readable whenever the owner of some source may have changed since the last
 * claims_ack. */
int claims_fd(const struct claims *c);
void claims_ack(struct claims *c);

struct claims_daemon {
	char id[CLAIMS_ID_LEN + 1];
	char host[256], tool[128];	/* "": not read yet */
	int64_t started_us;
	unsigned jobs;
	bool alive, ours;
	size_t sources;			/* of ours, that it archives; else of
					 * its first kind of job */
};
/* All that have a heartbeat, by id: owned, free(3); NULL with *n 0 when there
 * are none or memory is out. */
struct claims_daemon *claims_daemons(struct claims *c, size_t *n);

/* How many requests this made, and since when nothing was heard (0: all is
 * well; microseconds since the epoch). */
uint64_t claims_requests(struct claims *c);
int64_t claims_lost_since(struct claims *c);

/* Remove the heartbeat, so that others take over at once, and free it; waits 2
 * seconds at most, then requests *store_cancel.  NULL is fine. */
void claims_stop(struct claims *c);

#endif /* !BACKUPD_CLAIMS_H */
