/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: one source that is archived, as a part of an event loop.
 *
 * Life cycle: follow_new; follow_tick, which starts it, and again whenever
 * follow_due has come; follow_ready when its socket is; follow_stop to send
 * what is in hand; follow_free once follow_over.  All in the loop's thread;
 * what blocks runs in the pools, and comes back by pool_reap.
 *
 * A connection that fails is made anew after a while: what came and is whole is
 * sent, and the store then says where to go on, as after a start.
 */
#ifndef BACKUPD_FOLLOW_H
#define BACKUPD_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/endpoint.h"
#include "backupd/tail.h"
#include "catalog/history.h"

struct cancel;
struct conn_opts;
struct err;
struct follow;
struct pool;
struct stand;
struct store;

/* What somebody may want to be told of. */
enum follow_event { FOLLOW_GAP, FOLLOW_HISTORY, FOLLOW_PURGE, FOLLOW_UNACKED,
	FOLLOW_ACKED, FOLLOW_FAILED, FOLLOW_RECOVERED, FOLLOW_SPOOL_FILLING,
	FOLLOW_SPOOL_FULL, FOLLOW_SPOOL_FREE };

/* What all sources of a loop share. */
struct follow_shared {
	struct store *store;
	const char *store_id;
	struct tail_memory memory;
	struct pool *uploads, *starts, *finishes, *spools;
	int epoll;		/* events carry the struct follow */
	bool stop_at_end;	/* of what there is when it starts */
	size_t shedding;	/* uploads that make room for others */
	void (*event)(void *arg, enum follow_event event, const char *source,
	    const char *text);	/* or NULL */
	void *arg;
};

struct follow_opts {
	const char *source;
	const struct conn_opts *conn;
	uint64_t age_ms;	/* of an open segment */
	bool adopt;
	bool ack;		/* tell the server what is stored, */
	const char *spool;	/* or what is safe in this folder; NULL: none */
	uint64_t spool_limit;	/* bytes of this source in it */
	struct endpoints endpoints;	/* what else may be followed */
};

/* A copy of opts and of all it points at, with another cancel; and does it say
 * the same, cancel aside? */
struct follow_opts *follow_opts_copy(const struct follow_opts *opts,
    struct cancel *cancel, struct err *e);
bool follow_opts_same(const struct follow_opts *a,
    const struct follow_opts *b);
void follow_opts_free(struct follow_opts *opts);

struct follow *follow_new(struct follow_shared *shared,
    const struct follow_opts *opts, struct err *e);

/* Its socket may be read or written. */
void follow_ready(struct follow *f);
/* The epoll is another one now. */
void follow_rewatch(struct follow *f);

/* Do what is due; and when something will be (milliseconds on the monotonic
 * clock). */
void follow_tick(struct follow *f, int64_t now_ms);
int64_t follow_due(const struct follow *f);

/* Reading stopped, since the memory is used up; go on when there is some. */
bool follow_starved(const struct follow *f);
/* Bytes in the open segment; and send it, to make room for others. */
uint64_t follow_held(const struct follow *f);
void follow_shed(struct follow *f);

/* Read no more, and send what is whole; and give that up as well. */
void follow_stop(struct follow *f);
void follow_abandon(struct follow *f);

/* Nothing more will happen; *e is set if it failed. */
bool follow_over(const struct follow *f, struct err *e);

/* It is over, and nothing of it is with a pool: it may be freed before the
 * pools, or begin once more, with these options for the same source. */
bool follow_idle(const struct follow *f);
void follow_again(struct follow *f, const struct follow_opts *opts);

/* How it stands. */
struct follow_status {
	enum { FOLLOW_IS_STARTING, FOLLOW_IS_FOLLOWING, FOLLOW_IS_WAITING,
		FOLLOW_IS_OVER } state;
	enum { FOLLOW_ACK_OFF, FOLLOW_ACK_ON, FOLLOW_ACK_LOST } ack;
	const char *history, *server, *file;	/* borrowed; "" */
	const char *endpoint;		/* where it was found; "" */
	const char *error;		/* "", or why it does not go on */
	int64_t error_us;		/* since then */
	uint64_t position;		/* of what was read */
	int64_t behind_us;		/* when what is not stored was
					 * committed; 0: all is; -1: unknown */
	int64_t lag_bytes;		/* -1: unknown */
	int64_t commit_us;		/* of the last stored one; 0: none */
	uint64_t stored;		/* bytes of binary log */
	unsigned gaps;
	const struct stand *stand;	/* borrowed: where the log ended */
	int64_t password_us;		/* when the account's password ends;
					 * 0: not, or unknown */
};
void follow_status(const struct follow *f, struct follow_status *out);

void follow_free(struct follow *f);

#endif /* !BACKUPD_FOLLOW_H */
