/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_online: tries on stores and servers what the jobs will need.
 *
 * One store or server a call, each in a thread of its own that the caller has
 * prepared for the client library (conn_thread_init).  Findings go to f; what
 * was seen, to *out, whose strings are borrowed or of fixed size.
 */
#ifndef BACKUPD_CHECK_ONLINE_H
#define BACKUPD_CHECK_ONLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/bucket.h"

struct cancel;
struct findings;
struct settings;

struct check_store {
	/* Set before: */
	struct settings *settings;	/* a clone in which it was chosen */
	char label[128];		/* "main", or its URL */
	struct cancel *cancel;
	/* Seen: */
	bool reached, reads, writes, deletes;
	bool exists;			/* it holds a Kura store already */
	int64_t skew_us;		/* its clock less ours */
	uint64_t put_ms;		/* the middle one of three writes */
	bool create_only;		/* a second write was refused */
	bool file;			/* file:// */
	uint64_t free;			/* of a directory: bytes left */
	struct bucket bucket;
};

struct check_source {
	/* Set before: */
	struct settings *settings;	/* a clone in which it was chosen */
	const char *name;
	unsigned jobs;			/* wanted: FINDING_DUMP | ... */
	const struct check_store *store;
	struct cancel *cancel;
	/* Seen: */
	bool reached;
	char server[128];		/* "mariadb 10.11.6-MariaDB-log" */
};

void check_store_try(struct check_store *s, struct findings *f);
void check_source_try(struct check_source *s, struct findings *f);

#endif /* !BACKUPD_CHECK_ONLINE_H */
