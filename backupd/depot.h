/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depot: one store that the daemon uses, and what it does in it: the archive
 * and the claims.
 *
 * Life cycle: depot_new (held once); depot_open, which blocks, in a thread of
 * its own choice while nobody else touches it; depot_hold and depot_drop by
 * the loop's thread; the last drop hands it to be closed (depot_close, which
 * blocks for up to ten seconds).
 */
#ifndef BACKUPD_DEPOT_H
#define BACKUPD_DEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct archiver;
struct cancel;
struct claims;
struct settings;
struct store;

struct depot {
	char *name;			/* of its section, or its URL */
	char *print;			/* all that it was opened with */
	struct settings *settings;
	uint64_t rate;			/* bytes a second, 0: no limit */
	size_t memory;			/* of the archive */
	unsigned holds;
	/* While it is open. */
	bool open;
	bool opening;			/* with a thread */
	struct cancel *cancel;
	struct store *store;
	char store_id[33];
	/* Started and stopped by the loop. */
	struct archiver *archiver;
	struct claims *claims;
	/* Why it is not open, and when it is tried again (monotonic). */
	struct err err;
	int64_t retry_ms, failed_us;
	unsigned failures;
};

/* Of the store that a source's settings name; nothing is opened.  ERR_USAGE
 * when they name none. */
struct depot *depot_new(const struct settings *source, struct err *e);

void depot_hold(struct depot *d);
/* True: that was the last one; the caller closes it. */
bool depot_drop(struct depot *d);

/* Open the store: kura.json is made if there is none. */
int depot_open(struct depot *d, struct err *e);

/* Stop what goes on in it and free it; NULL is fine. */
void depot_close(struct depot *d);

#endif /* !BACKUPD_DEPOT_H */
