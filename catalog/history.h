/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: one unbroken line of a source's binary log, as the store knows it:
 * histories/<h>.json.
 *
 * A history begins where archiving began, or where it could not go on: after
 * a fail-over, a RESET, a rolled back or cloned server, or a gap.  Nothing is
 * ever written over one.  Documents are foreign bytes when read.
 */
#ifndef CATALOG_HISTORY_H
#define CATALOG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "catalog/head.h"

struct err;
struct store;

#define HISTORY_ID_LEN BACKUP_ID_LEN	/* made as a backup's id is */
#define HISTORY_MAX ((size_t)4 << 20)	/* bytes of a document */

/* Why it is not the one before gone on with. */
enum history_why { HISTORY_FIRST, HISTORY_FAILOVER, HISTORY_RESET,
	HISTORY_ROLLBACK, HISTORY_CLONE, HISTORY_GAP };

struct history {
	char id[HISTORY_ID_LEN + 1];
	char *flavour;		/* mysql, mariadb */
	char *uuid;		/* of the server, "" without */
	uint64_t server_id;
	char *version;		/* of the server */
	char *first_file;	/* its seq is 1 */
	char *gtid_before;	/* what precedes the first file's events */
	struct buf head_bytes;	/* magic, format description and GTID list of
				 * the first file: what a server is known by */
	enum history_why why;
	char parent[HISTORY_ID_LEN + 1];	/* "" for the first */
	/* The last archived point of the parent that both share; seq 0: none
	 * is known (a gap). */
	uint32_t fork_seq;
	uint64_t fork_offset;
	char *fork_gtid;	/* GTIDs of the parent up to there */
	char *marked;		/* "" or why it cannot serve point-in-time
				 * restores in full: "row image is minimal" */
	int64_t opened_us;
};

const char *history_why_text(enum history_why why);	/* "fail-over" */

/* Can this be the name of a binary log file?  UTF-8 of at most 511 bytes, no
 * '/', no control characters. */
bool binlog_name_valid(const char *name);

/* Write a new one (create-only); h->id is made when it is "".  A text that is
 * NULL counts as "". */
int history_create(struct store *s, const char *source, struct history *h,
    struct err *e);

/* Take back one that was created a moment ago, and holds nothing. */
int history_remove(struct store *s, const char *source, const char *id,
    struct err *e);

/* Parse a document that must be this history of this source; *h is zeroed
 * first.  ERR_CORRUPT, or ERR_USAGE: needs a newer Kura. */
int history_parse(const char *text, size_t n, const char *source,
    const char *id, struct history *h, struct err *e);
int history_load(struct store *s, const char *source, const char *id,
    struct history *h, struct err *e);
/* All of a source, oldest first; owned: histories_free. */
int histories_list(struct store *s, const char *source,
    struct history **list, size_t *n, struct err *e);
void histories_sort(struct history *list, size_t n);
void histories_free(struct history *list, size_t n);
void history_free(struct history *h);

#endif /* !CATALOG_HISTORY_H */
