/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list: NDJSON objects of a backup, one line a table, object or chunk
 * (FORMAT.md, lists/<n>.ndjson.zst).
 *
 * Writing: list_writer_new; list_add from any thread; list_writer_end gives
 * the head's lists.  A list object is closed at 16 MiB stored and the next
 * number begins; each ends with {"kind":"end","lines":n}.
 *
 * Reading: list_read calls back for each line with a parsed, checked line.
 * Lines are foreign bytes: unknown kinds and conversions are refused by name,
 * numbers and keys are checked, unknown members ignored.
 */
#ifndef CATALOG_LIST_H
#define CATALOG_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "codec/digest.h"
#include "mysql/schema.h"

struct err;
struct head;
struct list_writer;
struct store;

#define LIST_SIZE_MAX ((uint64_t)16 << 20)	/* stored bytes of one list */
#define LIST_LINE_MAX ((size_t)8 << 20)		/* one line */

struct list_writer *list_writer_new(struct store *s, const char *source,
    const char *id, int level, struct err *e);

/* Append a line; blocks on the store now and then.  Thread-safe.  The line is
 * borrowed (the caller decrefs). */
int list_add(struct list_writer *w, const json_t *line, struct err *e);

/* Finish the last list and give key, size, digest of each to h->lists. */
int list_writer_end(struct list_writer *w, struct head *h, struct err *e);

/* Abort what is open (if not ended) and free. */
void list_writer_free(struct list_writer *w);

/* Where a small thing's bytes are: a tar member's body in a bundle. */
struct place {
	char bundle[128];	/* key relative to the source's folder */
	uint64_t offset, length;
	char sha256[65];	/* of the member's stored bytes */
};

enum line_kind {
	LINE_SCHEMA, LINE_ACCOUNT, LINE_ROLE, LINE_GRANT, LINE_SEQUENCE,
	LINE_TABLE, LINE_CHUNK, LINE_MEMBER, LINE_VIEW, LINE_ROUTINE,
	LINE_TRIGGER, LINE_EVENT,
};
const char *line_kind_name(enum line_kind kind);

/* One line, fields by kind; pointers are valid during the callback. */
struct line {
	enum line_kind kind;
	const json_t *json;	/* the whole line */
	const char *schema, *name, *engine;	/* "" where absent */
	const char *type;	/* routine's kind */
	const char *table_name;	/* trigger's table */
	const char *ddl;	/* inline text (schema, account, sequence) */
	struct place place;	/* ddl of table, view ...; rows of a member */
	uint64_t n;		/* table number, or chunk number */
	uint64_t table;		/* chunk, member: table number */
	const char *object;	/* chunk: key relative to the source folder */
	uint64_t size, rows, raw, chunks, enum0, json_changed;
	char stored_sha256[65], frame_sha256[65];
	struct rowsum digest, digest_reload;
	bool has_digest_reload;
	const char *first_b64, *last_b64;
};

/* Table line's columns: count and each name and conversion. */
size_t line_columns(const struct line *l);
const char *line_column(const struct line *l, size_t i,
    enum conversion *as);

/* JSON of a place, for the writer. */
json_t *place_json(const struct place *p);

/* Read all lists of the head in order, checking size, digest, end line. */
int list_read(struct store *s, const struct head *h,
    int (*each)(void *arg, const struct line *line, struct err *e),
    void *arg, struct err *e);

/* Parse one line (fuzzing, tests); json is owned by the caller. */
int line_parse(const json_t *json, struct line *l, struct err *e);

#endif /* !CATALOG_LIST_H */
