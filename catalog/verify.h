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
struct store;

struct verify_opts {
	bool fast;
	unsigned workers;
	/* Called for each finding, one at a time; what names the object. */
	void (*found)(void *arg, const char *what, const char *why);
	void *arg;
	struct cancel *cancel;
};

struct verify_result {
	uint64_t objects, bytes, raw, rows, damaged;
};

/* 0: nothing wrong; -1 with ERR_CORRUPT: damage was found and reported; any
 * other code: could not be done. */
int verify_backup(struct store *s, const struct head *h,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e);

#endif /* !CATALOG_VERIFY_H */
