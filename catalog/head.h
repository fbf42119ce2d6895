/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: the small JSON document whose create-only write commits a backup
 * (FORMAT.md, heads/<id>.json).
 *
 * Heads are foreign bytes: parsing checks format, types, ranges, names and the
 * document's own sum, and refuses hostile keys.  Strings are owned by the head.
 */
#ifndef CATALOG_HEAD_H
#define CATALOG_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct buf;
struct err;
struct store;

#define HEAD_MAX ((size_t)1 << 20)
#define BACKUP_ID_LEN 21		/* 20261122T181500Z-7c1e */
#define SOURCE_NAME_MAX 63

struct head_list {
	char *key;		/* relative to the source's folder */
	uint64_t size;
	char sha256[65];
};

struct head {
	char id[BACKUP_ID_LEN + 1];
	char *source, *tool;
	json_t *server, *snapshot, *coordinates, *settings, *partial,
	    *totals, *inexact, *lenders, *codec;	/* objects as FORMAT
							 * says; partial may be
							 * null */
	struct head_list *lists;
	size_t nlists;
	char lineage[BACKUP_ID_LEN + 1];
	int64_t started_us, finished_us;
};

/* [a-z0-9][a-z0-9._-]{0,62} without ".."; and 20261122T181500Z-7c1e. */
bool source_name_valid(const char *name);
bool backup_id_valid(const char *id);
/* A fresh id of now. */
void backup_id_make(char id[BACKUP_ID_LEN + 1]);

/* Write *h as the document (members in FORMAT's order, sig null, sum last). */
int head_write(const struct head *h, struct buf *out, struct err *e);

/* Parse; *h is zeroed first.  ERR_CORRUPT: damaged or hostile; ERR_USAGE:
 * newer format ("needs a newer Kura"). */
int head_parse(const char *text, size_t n, struct head *h, struct err *e);

/* Read SOURCE's head id from the store. */
int head_load(struct store *s, const char *source, const char *id,
    struct head *h, struct err *e);

/* Create-only write of the head: the commit. */
int head_commit(struct store *s, const struct head *h, struct err *e);

/* Typed reads of the objects: defaults when absent. */
const char *head_text(const json_t *object, const char *name);	/* or "" */
uint64_t head_count(const json_t *object, const char *name);	/* or 0 */
bool head_bool(const json_t *object, const char *name);

/* True: proven (or the only kind) and complete. */
bool head_proven(const struct head *h);

void head_free(struct head *h);

#endif /* !CATALOG_HEAD_H */
