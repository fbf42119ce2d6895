/* SPDX-License-Identifier: Apache-2.0 */
/* claims_impl: what the files of claims share. */
#ifndef BACKUPD_CLAIMS_IMPL_H
#define BACKUPD_CLAIMS_IMPL_H

#include <pthread.h>

#include "backupd/daemons.h"
#include "base/err.h"

#include "backupd/claims.h"

struct claims_taken {
	struct claims_taken *next;
	char source[64], why[256];
};

struct claims {
	struct store *store;
	struct cancel *store_cancel;
	int fd;				/* eventfd: owners may have changed */
	pthread_t thread;

	pthread_mutex_t lock;		/* guards the fields below */
	pthread_cond_t change;
	bool stop, stopped;
	int64_t heartbeat_ms, list_ms, limit_ms;	/* the thread alone
							 * changes them */
	unsigned beat_wanted, stale_wanted;	/* what they are to be */
	bool paced;			/* and that they are */
	struct heartbeat self;		/* sources: ours */
	char **names;			/* of them */
	size_t nnames;
	struct stand *stands;		/* where logs of theirs ended */
	bool set;			/* they were told to us */
	bool dirty;			/* it says other things than before */
	struct daemons *daemons;
	struct claims_taken *first, *last;
	int64_t beat_ms, list_ok_ms;	/* when the last one that succeeded
					 * began; INT64_MIN: none did */
	int64_t lost_us;
	uint64_t requests;

	/* The thread's own. */
	int64_t next_beat_ms, next_list_ms;
	int64_t next_ask_ms;		/* for processes of this host, */
	int64_t ask_ms;			/* and the wait after that */
	size_t written;			/* bytes of the document */
	struct err beat_err, list_err;	/* of the last ones */
};

/* Under the lock: was the store heard from lately? */
bool claims_sure(const struct claims *c, int64_t now_ms);

/* The thread, under the lock: take over what is wanted. */
void claims_take_pace(struct claims *c);

/* Owners may have changed. */
void claims_fire(struct claims *c);

/* The thread: beat and list whenever it is time. */
void *claims_serve(void *arg);

#endif /* !BACKUPD_CLAIMS_IMPL_H */
