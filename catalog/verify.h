/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: is everything that a backup needs in the store, and whole?
 *
 * fast: every object exists with its size, by listing.  Full: every object is
 * read, its digest compared, every row decoded, every digest computed again.
 * Damage is reported object by object and spoils nothing else.
 */
#ifndef CATALOG_VERIFY_H
#define CATALOG_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/head.h"

struct cancel;
struct err;
struct progress_totals;
struct store;

/* A file of archived binary logs that was read. */
struct verify_file {
	bool live;		/* it had not ended */
	uint64_t bytes;		/* stored */
	uint64_t damaged;	/* findings */
};

struct verify_opts {
	bool fast;
	unsigned workers;
	/* Called for each finding, one at a time; what names the object. */
	void (*found)(void *arg, const char *what, const char *why);
	void *arg;
	/* Of binary logs: is this file to be read (NULL: all are)?  And what
	 * came of it. */
	bool (*wants)(void *arg, const char *history, uint32_t seq);
	int (*read)(void *arg, const char *history, uint32_t seq,
	    const struct verify_file *f, struct err *e);
	/* Of binary logs: where they break, look again so many times, so far
	 * apart (settled.h). */
	unsigned looks, look_ms;
	struct progress_totals *totals;	/* moved on, or NULL */
	struct cancel *cancel;
};

struct verify_result {
	uint64_t objects, bytes, raw, rows, damaged;
	bool torn;	/* binary logs end within a transaction */
};

/* 0: nothing wrong; -1 with ERR_CORRUPT: damage was found and reported; any
 * other code: could not be done. */
int verify_backup(struct store *s, const struct head *h,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e);

#endif /* !CATALOG_VERIFY_H */
