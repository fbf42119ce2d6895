/* SPDX-License-Identifier: Apache-2.0 */
/* notify_impl: what the files of the notifiers share; nobody else's. */
#ifndef BACKUPD_NOTIFY_IMPL_H
#define BACKUPD_NOTIFY_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "backupd/notify.h"
#include "backupd/told.h"

/* What waits: a notice, or (url) a ping. */
struct item {
	struct item *next;
	struct notice notice;
	char *url;
	bool ok;
};

struct channel {
	struct notify *all;
	struct notify_channel opts;	/* with parts of its own */
	char *path;			/* of its state, or NULL */
	pthread_t thread;
	bool started;
	pthread_cond_t change;		/* signalled under all->lock */
	/* The rest under all->lock. */
	struct item *head, **tail;
	size_t n, max;
	bool busy;			/* one is being delivered */
	struct told *told;		/* NULL: the channel of the pings */
	uint64_t delivered, failed, dropped;
};

struct notify {
	struct told_times times;
	char *host, *daemon, *page;
	struct notice_origin origin;	/* of these */
	pthread_mutex_t lock;
	pthread_cond_t idle;		/* a channel has nothing to do */
	bool closed;			/* nothing more is taken */
	atomic_bool stop;		/* every attempt ends */
	size_t nchannels;		/* with that of the pings, the last */
	struct channel *channels;
};

/* notify_thread.c: the thread of a channel; arg is the channel. */
void *notify_thread(void *arg);
/* Read what it had told. */
void notify_recall(struct channel *c);

#endif /* !BACKUPD_NOTIFY_IMPL_H */
