/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: tells people, by a command or a web request, what happens.
 *
 * Life cycle: notify_new; notify_event and notify_ping from any threads;
 * notify_stop; notify_free.  Each channel ([notify NAME]) has a thread and a
 * bounded queue of its own, so that one that does not answer delays no other.
 * notify_event and notify_ping never block and cannot fail: what has no room
 * pushes out the oldest, which is logged.
 *
 * A trouble is told once: the same key is passed over until it recovered, or
 * until the reminder's time has passed, or, if it could not be delivered, ten
 * minutes.  A recovery is told only where the trouble was.  So callers may
 * repeat both:
 * report each trouble whenever it is seen, and each recovery whenever a thing
 * is seen well.  With a folder for its state, what was told outlives the
 * process.
 *
 * Secrets and whole URLs never reach the log.
 */
#ifndef BACKUPD_NOTIFY_H
#define BACKUPD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/notice.h"

struct err;
struct notify;

#define NOTIFY_CHANNELS_MAX 32
#define NOTIFY_QUEUE 256	/* notices that wait, per channel */
#define NOTIFY_PINGS 512	/* pings that wait */
#define NOTIFY_OPEN_MAX 4096	/* troubles remembered, per channel */

enum notify_type { NOTIFY_EXEC, NOTIFY_WEBHOOK };

/* One [notify NAME]. */
struct notify_channel {
	const char *name;
	enum notify_type type;
	const char *const *argv;	/* exec: NULL-ended */
	const char *url;		/* webhook */
	enum notice_form form;
	const char *secret;		/* or NULL */
	const struct notice_filter *on;	/* what it hears of */
	size_t non;			/* 0: all */
	uint64_t time_limit_ms;		/* of an attempt; 0: 30 s */
	uint64_t retry_ms;		/* attempts are repeated so long; 0:
					 * one attempt */
};

struct notify_opts {
	const struct notify_channel *channels;	/* deep copied */
	size_t nchannels;
	uint64_t reminder_ms;		/* 0: 24 h */
	const char *state;		/* folder, or NULL: not kept */
	struct notice_origin origin;	/* copied */
};

/* One trouble or recovery, for the length of the call. */
struct notify_event {
	enum notice_kind kind;
	bool recovered, error;
	const char *source, *job;	/* or NULL */
	const char *key;		/* NULL: source/job/kind */
	const char *text;
	int64_t since_us;		/* 0: now */
	const char *const *to;		/* names of channels, NULL-ended, of
					 * the source's `notify`; NULL: all */
};

struct notify *notify_new(const struct notify_opts *opts, struct err *e);

void notify_event(struct notify *n, const struct notify_event *event);

/* A dead man's switch: GET url when ok, else url/fail (before its query), as
 * healthchecks.io understands it; three attempts. */
void notify_ping(struct notify *n, const char *url, bool ok);

/* It is another daemon's to tell now, maybe it is not over: no recovery. */
void notify_forget(struct notify *n, const char *key);

/* What was told, by this process or one before it, is over where is_wrong says
 * so: each such key is told as recovered.  It is called without a lock. */
void notify_settle(struct notify *n,
    bool (*is_wrong)(void *arg, const char *key), void *arg);

/* Figures of a channel, i from 0; false beyond the last. */
struct notify_figures {
	const char *name;	/* borrowed; "ping" for the pings, the last */
	uint64_t delivered, failed, dropped;
	size_t waiting;
};
bool notify_figures(struct notify *n, size_t i, struct notify_figures *f);

/* Deliver what waits, for at most so long, then end every attempt and all
 * threads.  What comes later is passed over. */
void notify_stop(struct notify *n, uint64_t ms);

/* Stops at once, where notify_stop was not called.  NULL is fine. */
void notify_free(struct notify *n);

#endif /* !BACKUPD_NOTIFY_H */
