/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_impl: what the files of archiver share. */
#ifndef BACKUPD_ARCHIVER_IMPL_H
#define BACKUPD_ARCHIVER_IMPL_H

#include <pthread.h>

#include "base/err.h"
#include "catalog/settings.h"
#include "catalog/stand.h"

#include "backupd/archiver.h"

struct archive;
struct follow;

/* A source; the archiver's thread alone. */
struct archiver_entry {
	char name[64];
	struct cancel *cancel;
	struct follow_opts *opts, *next;	/* in use; to be used */
	struct follow *follow;
	bool stopped;		/* told to stop, and not yet gone */
	bool leaving;
	int64_t again_ms;	/* when what failed is tried again; 0 */
};

/* What other threads ask for, in order. */
struct archiver_command {
	struct archiver_command *next;
	char name[64];
	struct follow_opts *opts;	/* NULL: leave */
	struct cancel *cancel;
	bool told;			/* that it could not be done yet */
};

/* What other threads may know. */
struct archiver_shown {
	struct archiver_source s;
	int64_t behind_us;
	struct stand stand;
};

struct archiver {
	struct archiver_opts opts;
	char store_id[STORE_ID_LEN + 1];
	struct archive *archive;
	struct cancel *cancel;
	pthread_t thread;
	struct err err;			/* why the loop ended early, */
	int64_t err_us;			/* and when: it is begun again */
	int64_t obey_ms;		/* commands wait until then */
	struct archiver_entry *entries;		/* the thread's own */
	size_t n;
	int64_t published_ms;

	pthread_mutex_t lock;		/* guards the fields below */
	struct archiver_command *first, *last;
	size_t memory;				/* wanted; 0: as it is */
	struct archiver_shown *shown;		/* by name */
	size_t nshown;
};

/* Let other threads see how all stand; the archiver's thread. */
void archiver_publish(struct archiver *a);
/* Show a source at once that was asked for. */
void archiver_show(struct archiver *a, const char *source);

#endif /* !BACKUPD_ARCHIVER_IMPL_H */
