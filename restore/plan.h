/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what a restore brings back, from the lists, in bounded memory.
 *
 * Life cycle: restore_plan_read; the parts of the restore use it; plan_free.
 * Names in it are foreign: they are quoted wherever they become SQL.
 */
#ifndef RESTORE_PLAN_H
#define RESTORE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/head.h"
#include "catalog/list.h"
#include "mysql/schema.h"

struct err;
struct store;

/* --schema and --table: "a", "a=b", "a.t", "a.t=b.t2". */
struct plan_rename {
	char *schema, *table;	/* table NULL: the whole schema */
	char *to_schema, *to_table;
	bool used;
};

struct plan_chunk {
	uint32_t table;		/* index into tables, once sorted */
	uint32_t number;	/* n of the list's table line, before */
	uint32_t n;
	char *object;		/* NULL: a member of the bundle */
	struct place place;	/* of a member */
	uint64_t size, rows, raw, enum0;
	char stored_sha256[SHA256_HEX];	/* of the object */
	char *first;		/* base64 of its first key: loading order */
};

struct plan_table {
	uint32_t n;
	char *schema, *name;	/* as in the backup */
	const char *to_schema, *to_name;
	char *engine;
	struct place ddl;
	struct schema_column *columns;
	size_t ncolumns;
	uint64_t rows, raw;
	uint32_t chunks;	/* by the table's line */
	uint32_t found;		/* by the chunk lines */
	struct rowsum digest;	/* as it will read back */
	bool versioned, transactional;
	char *later, *keys;	/* clauses of indexes, foreign keys */
};

struct plan_object {
	enum line_kind kind;
	char *schema, *name, *type, *table;
	const char *to_schema;
	char *ddl;		/* inline, or NULL */
	struct place place;
	struct schema_context context;
	unsigned order;
	long long next;		/* of a sequence */
	bool done;
};

struct restore_plan {
	struct head head;
	struct plan_table *tables;	/* largest first */
	size_t ntables;
	struct plan_chunk *chunks;	/* by table, in key order */
	size_t nchunks;
	struct plan_object *objects;	/* in the list's order */
	size_t nobjects;
	struct plan_rename *renames;
	size_t nrenames;
	bool part;			/* not the whole backup */
	bool existing;			/* its tables stand on the target: no
					 * definition is made or changed */
	uint64_t rows, raw, stored;
};

/* Read the lists of p->head (filled by the caller) as far as the renames ask
 * for them. */
int restore_plan_read(struct store *s, struct restore_plan *p, struct err *e);

/* Add one --schema or --table.  ERR_USAGE. */
int restore_plan_pick(struct restore_plan *p, const char *text, bool table,
    struct err *e);

/* The pick that covers a table (or, with NULL, a schema's other objects), or
 * NULL. */
struct plan_rename *restore_plan_pick_of(const struct restore_plan *p,
    const char *schema, const char *table);

/* The target's names of a schema and of a table. */
const char *restore_plan_schema(const struct restore_plan *p,
    const char *schema);
const char *restore_plan_table(const struct restore_plan *p,
    const char *schema, const char *table);
/* True if any name changes. */
bool restore_plan_renames(const struct restore_plan *p);

void restore_plan_free(struct restore_plan *p);

#endif /* !RESTORE_PLAN_H */
