/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_run: one table while it is read, shared by the workers that read it.
 *
 * Life cycle: table_run_new; its definition and parts are set before anybody
 * else sees it; workers add their sums under its lock; table_run_line once all
 * parts are read; table_run_free.
 */
#ifndef BACKUPD_TABLE_RUN_H
#define BACKUPD_TABLE_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "codec/digest.h"
#include "mysql/range.h"
#include "mysql/schema.h"

struct buf;
struct err;
struct plan_item;

struct table_run {
	struct table_run *next;		/* dump's list of tables begun */
	const struct plan_item *item;
	struct schema_table def;	/* constant once read */
	size_t njson;			/* MySQL JSON columns */
	/* What is read by one query each, in key order; constant. */
	struct range *parts;
	size_t nparts;
	uint64_t part_bytes;		/* size of one, as estimated */
	bool locked;			/* read under the commit lock */
	bool shared;			/* by several workers; see share.h */
	pthread_mutex_t lock;		/* guards the fields below */
	unsigned cut;			/* see FORMAT.md; fixed by the first
					 * worker before others start */
	bool cut_known;
	size_t pending;			/* parts not yet read to the end */
	uint32_t next_chunk, chunks;
	uint64_t rows, raw;
	uint64_t json_changed;
	uint64_t *changed;		/* per column, when njson > 0 */
	struct rowsum digest, digest_reload;
};

/* One table as one part, all of it; item is borrowed. */
struct table_run *table_run_new(const struct plan_item *item, struct err *e);

/* Key columns of one of its lines (n bytes, without LF), joined by tab, into
 * *out. */
void table_run_key(const struct table_run *t, const char *line, size_t n,
    struct buf *out);

/* The table's line, once all is read. */
json_t *table_run_line(const struct table_run *t);

void table_run_free(struct table_run *t);

#endif /* !BACKUPD_TABLE_RUN_H */
