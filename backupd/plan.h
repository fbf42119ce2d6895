/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what a run will dump, in bounded memory (under 512 bytes a table).
 *
 * Life cycle: plan_init; plan_scan (again for each attempt at the snapshot:
 * it starts over); plan_define reads every definition into the bundle;
 * plan_sort; the tables are then read by the dump's workers; plan_free.
 */
#ifndef BACKUPD_PLAN_H
#define BACKUPD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/list.h"
#include "mysql/schema.h"

struct bundle_writer;
struct conn;
struct err;
struct flavour;
struct list_writer;

/* One thing with a definition.  Strings are owned by the plan. */
struct plan_item {
	enum schema_kind kind;
	uint32_t n;		/* table number, 1 up; 0: no table */
	char *schema, *name, *type, *table;
	uint64_t rows, bytes;	/* estimates */
	uint32_t order;
	bool transactional;
	bool dumped;		/* rows are in the store */
	/* Definition as it was under the lock, and a digest of it that
	 * plain writes do not change (AUTO_INCREMENT taken out). */
	struct place ddl;
	uint8_t ddl_digest[32];
};

struct plan {
	const struct schema_scope *scope;
	const struct flavour *flavour;
	struct plan_item *items;
	size_t nitems, cap;
	/* Serialised list lines of all but tables: kept until the snapshot
	 * stands, because an attempt may be repeated. */
	char **lines;
	size_t nlines, lines_cap;
	uint64_t counts[SCHEMA_EVENT + 1];
	uint64_t accounts;
	uint64_t bytes;		/* estimate of all tables */
	bool non_transactional;
};

void plan_init(struct plan *p, const struct schema_scope *scope,
    const struct flavour *f);

/* Read what is in scope.  Starts over. */
int plan_scan(struct plan *p, struct conn *c, struct err *e);

/* Read each definition (and accounts, if wanted) into bundle and lines. */
int plan_define(struct plan *p, struct conn *c, struct bundle_writer *b,
    bool accounts, int level, struct err *e);

/* Keep one serialised line (malloc'ed; taken in any case) for the list. */
int plan_keep_line(struct plan *p, char *line, struct err *e);

/* Write the kept lines to the list. */
int plan_write_lines(const struct plan *p, struct list_writer *w,
    struct err *e);

/* Largest tables first, so that the last worker has little left. */
void plan_sort(struct plan *p);

/* Digest of a table's definition without its AUTO_INCREMENT counter. */
void plan_ddl_digest(const char *ddl, size_t n, uint8_t digest[32]);

/* A short text that changes when objects come, go or are redefined. */
int plan_fingerprint(const struct plan *p, struct conn *c, struct buf *out,
    struct err *e);

void plan_free(struct plan *p);

#endif /* !BACKUPD_PLAN_H */
