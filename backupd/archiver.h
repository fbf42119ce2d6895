/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archiver: the archive of binary logs as a service of the daemon: a thread of
 * its own follows the sources of one store, which come and go meanwhile.
 *
 * Life cycle: archiver_start; archiver_follow, archiver_leave and the
 * questions from any thread; archiver_stop.  No call but archiver_stop waits
 * for a server or the store.
 *
 * A source that cannot be followed never ends the others: it is tried again
 * with growing waits, and, if waiting alone does not mend it (a foreign
 * server, a refused login), after opts.retry_ms or when it is followed anew.
 * Should the thread's loop fail, all are shown and told as failed, and it is
 * begun again with growing waits.
 */
#ifndef BACKUPD_ARCHIVER_H
#define BACKUPD_ARCHIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/history.h"

struct archiver;
struct cancel;
struct err;
struct follow_opts;
struct stand;
struct store;

/* What somebody may want to be told of. */
enum archiver_event {
	ARCHIVER_GAP,		/* transactions are missing for good */
	ARCHIVER_HISTORY,	/* a new history begins (fail-over, reset...),
				 * but for a source's first */
	ARCHIVER_PURGE,		/* the source will purge what is not stored */
	ARCHIVER_UNACKED,	/* commits do not wait for the archive */
	ARCHIVER_ACKED,		/* they do again */
	ARCHIVER_FAILED,	/* it fails for a minute, or for good */
	ARCHIVER_RECOVERED,	/* after ARCHIVER_FAILED */
	ARCHIVER_SPOOL_FILLING,	/* four fifths of its room are taken */
	ARCHIVER_SPOOL_FULL,	/* commits wait for the store instead */
	ARCHIVER_SPOOL_FREE,	/* after either: half of it is free again */
};

const char *archiver_event_text(enum archiver_event event);	/* "gap" */

struct archiver_opts {
	struct store *store;
	const char *store_id;		/* copied */
	/* The store was opened with it; requested when the store takes too
	 * long at the end, which ends all that goes on in the store. */
	struct cancel *store_cancel;
	size_t memory;			/* of all open segments; 0: 128 MiB */
	unsigned retry_ms;		/* 0: 5 minutes */
	/* Called in the archiver's thread, with no lock held: must not block,
	 * nor call archiver_stop.  text is borrowed.  NULL: nobody is told. */
	void (*event)(void *arg, enum archiver_event event,
	    const char *source, const char *text);
	void *arg;
};

enum archiver_state {
	ARCHIVER_STARTING,	/* looks where to go on */
	ARCHIVER_FOLLOWING,
	ARCHIVER_WAITING,	/* failed: it is tried again soon */
	ARCHIVER_STOPPED,	/* failed for good: tried again much later */
	ARCHIVER_LEAVING,	/* what is in hand is sent, then it is gone */
};

enum archiver_ack { ARCHIVER_ACK_OFF, ARCHIVER_ACK_ON, ARCHIVER_ACK_LOST };

const char *archiver_state_text(enum archiver_state state);
const char *archiver_ack_text(enum archiver_ack ack);

/* How a source stands, at most a second ago.  -1: not known (yet). */
struct archiver_source {
	char name[64];
	enum archiver_state state;
	enum archiver_ack ack;		/* OFF: not asked for, or not yet */
	char history[HISTORY_ID_LEN + 1];	/* "": not yet */
	char server[96];		/* its version text; "" */
	char endpoint[300];		/* and where it is; "" */
	char file[512];			/* "", or what is read now */
	int64_t position;
	int64_t lag_s;			/* age of what is not stored; 0: all
					 * that was heard of is */
	int64_t lag_bytes;		/* asked for once a minute */
	int64_t last_commit_us;		/* of a stored transaction; 0: none */
	uint64_t stored_bytes;		/* since it is followed */
	unsigned gaps;			/* found since then */
	int64_t password_us;		/* when the account's password ends;
					 * 0: not, or unknown */
	char error[512];		/* "", or why it does not go on */
	int64_t error_since_us;
};

/* NULL on failure.  *opts is copied; store and store_cancel are borrowed until
 * archiver_stop has returned. */
struct archiver *archiver_start(const struct archiver_opts *opts,
    struct err *e);

/* Follow a source, too.  opts and all it points at is copied, but for
 * conn->cancel, which is not used: each source has its own.  A source that is
 * followed already goes on with the new options (its connection is made
 * anew, unless they are the same); one that stopped is tried again at once. */
int archiver_follow(struct archiver *a, const struct follow_opts *opts,
    struct err *e);

/* Send what is whole of a source's open segment, then forget the source;
 * returns at once.  An unknown name does nothing. */
void archiver_leave(struct archiver *a, const char *source);

/* Other memory from now on, as in archiver_opts: what is over it is sent, and
 * nothing more is read before. */
void archiver_memory(struct archiver *a, size_t memory);

/* How a source stands: 0, or -1 if it is not followed (and not leaving). */
int archiver_state(struct archiver *a, const char *source,
    struct archiver_source *out);

/* All of them, by name: owned, free(3); NULL with *n 0 when there are none or
 * memory is out. */
struct archiver_source *archiver_list(struct archiver *a, size_t *n);

/* Where their logs ended when last asked, as far as it is known: owned,
 * free(3). */
struct stand *archiver_stands(struct archiver *a, size_t *n);

/* Leave all sources, wait until what is in hand is stored (8 s at most, then
 * *store_cancel is requested), and free it.  NULL is fine. */
void archiver_stop(struct archiver *a);

#endif /* !BACKUPD_ARCHIVER_H */
