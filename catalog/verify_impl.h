/* SPDX-License-Identifier: Apache-2.0 */
/* verify_impl: what the two ways of verifying share. */
#ifndef CATALOG_VERIFY_IMPL_H
#define CATALOG_VERIFY_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/digest.h"

#include "catalog/verify.h"

struct head;
struct store;

/* One thing to look at: a chunk, or a member of a bundle. */
struct item {
	char *object;		/* chunk's key, or the bundle's */
	uint64_t offset, length;	/* member; length 0: a chunk */
	char sha256[65];
	uint64_t size, rows, raw;
	struct rowsum digest;
	uint32_t table;		/* number; 0: a definition */
	bool has_rows;
};

struct table {
	uint32_t n;
	uint32_t columns, chunks, found;
	uint64_t rows, got_rows;
	struct rowsum digest, got;
	char *name;
	bool damaged;
};

struct verify {
	struct store *store;
	const struct head *head;
	const struct verify_opts *opts;
	struct item *items;
	size_t nitems;
	struct table *tables;
	size_t ntables;
	pthread_mutex_t lock;	/* guards the fields below */
	size_t next;
	struct verify_result result;
	bool expired;		/* no damage: it was swept meanwhile */
	struct err failed;
};

/* Tell of damage, unless the backup was swept meanwhile; from any thread. */
void verify_found(struct verify *v, const char *what, const char *why);

/* The table of this number, or NULL. */
struct table *verify_table(const struct verify *v, uint32_t n);

/* Read every object and row; items are sorted by object and offset. */
int verify_full(struct verify *v, struct err *e);

#endif /* !CATALOG_VERIFY_IMPL_H */
