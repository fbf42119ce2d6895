/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heartbeat: a daemon's word in a store that it is alive, and what it could
 * work for: daemons/<id>.json.
 *
 * Written every half minute; whoever lists sees by the object's size when its
 * daemon's sources or jobs changed, so all else is of a fixed width, or made so
 * by blanks at its end (stands).  A document of another daemon is foreign
 * bytes.
 */
#ifndef BACKUPD_HEARTBEAT_H
#define BACKUPD_HEARTBEAT_H

#include <stddef.h>
#include <stdint.h>

#include "backupd/claims.h"
#include "base/process.h"
#include "store/store.h"

struct buf;
struct err;
struct stand;

#define HEARTBEAT_MAX ((size_t)4 << 20)
#define HEARTBEAT_SOURCES_MAX 50000
#define HEARTBEAT_PREFIX "daemons/"

struct heartbeat {
	char id[CLAIMS_ID_LEN + 1];
	char tool[128];
	struct process process;
	int64_t started_us, beat_us;
	unsigned jobs;
	uint64_t *sources;	/* hashes of their names, in order */
	size_t nsources;
	const struct stand *stands;	/* written alone; borrowed */
	size_t nstands;
};

/* The source's name, as one number. */
uint64_t heartbeat_hash(const char *source);

/* Sort the hashes and leave out doubles. */
void heartbeat_sort(uint64_t *sources, size_t *n);

/* "daemons/<id>.json"; and the id of such a key, or -1. */
void heartbeat_key(const char *id, char key[STORE_KEY_MAX]);
int heartbeat_id(const char *key, char id[CLAIMS_ID_LEN + 1]);

/* Append the document, with these names for the sources, and as many stands as
 * there is room for. */
int heartbeat_write(const struct heartbeat *h, const char *const *names,
    size_t n, struct buf *out, struct err *e);

/* Parse a document that must be of this daemon; zeroed first. */
int heartbeat_parse(const char *text, size_t n, const char *id,
    struct heartbeat *h, struct err *e);

void heartbeat_free(struct heartbeat *h);

#endif /* !BACKUPD_HEARTBEAT_H */
