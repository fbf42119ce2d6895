/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: many objects read one after another, those to come ahead of need.
 *
 * Life cycle: fetch_open; fetch_next until 0 or -1; fetch_close.  A few
 * threads read; they open objects in the order of need, so that the store's
 * budget is never held by one that is needed later alone.  Used by one
 * thread.  Memory: 4 MiB a thread beyond the store's parts.
 */
#ifndef CATALOG_FETCH_H
#define CATALOG_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct err;
struct fetch;

#define FETCH_THREADS_MAX 8

/* What to read: length UINT64_MAX is to the end. */
struct fetch_object {
	char key[STORE_KEY_MAX];
	uint64_t offset, length;
};

struct fetch_opts {
	struct store *store;
	unsigned threads;	/* 1 to FETCH_THREADS_MAX */
	size_t n;		/* objects */
	/* Say which the i-th is; called from the threads, one at a time. */
	void (*object)(void *arg, size_t i, struct fetch_object *o);
	void *arg;
};

struct fetch *fetch_open(const struct fetch_opts *opts, struct err *e);

/* The next piece: 1, *data borrowed until the next call; *n 0: the end of
 * the object.  0: the last object has ended.  -1: an object cannot be read. */
int fetch_next(struct fetch *f, const void **data, size_t *n, struct err *e);

/* Ends the threads, whatever they do.  NULL is fine. */
void fetch_close(struct fetch *f);

#endif /* !CATALOG_FETCH_H */
