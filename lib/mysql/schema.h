/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: what a server holds, read in bounded memory.
 *
 * schema_scan walks information_schema once and calls back for each schema
 * and each base table in scope, ordered by schema and name.  Columns, keys and
 * definitions are read one table at a time by the other calls.
 */
#ifndef MYSQL_SCHEMA_H
#define MYSQL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct conn;
struct err;

/* include/exclude: "schema", "schema.table", with * and ?; empty include
 * means all.  System schemas are never in scope. */
struct schema_scope {
	const char *const *include;
	size_t includes;
	const char *const *exclude;
	size_t excludes;
};
bool schema_in_scope(const struct schema_scope *scope, const char *schema,
    const char *table);	/* table NULL: the schema itself */
bool schema_is_system(const char *schema);

/* False for engines whose rows live elsewhere (BLACKHOLE, FEDERATED, MERGE
 * ...): their definition is all there is to dump. */
bool schema_engine_rows(const char *engine);

enum schema_kind { SCHEMA_SCHEMA, SCHEMA_TABLE, SCHEMA_VIEW,
	SCHEMA_SEQUENCE, SCHEMA_ROUTINE, SCHEMA_TRIGGER, SCHEMA_EVENT };

struct schema_item {
	enum schema_kind kind;
	const char *schema, *name;	/* name "" for a schema */
	const char *type;	/* routine: PROCEDURE, FUNCTION, PACKAGE ...;
				 * table: engine; else "" */
	uint64_t rows, bytes;	/* estimates, tables only */
	bool transactional;	/* tables: engine with MVCC snapshots */
	unsigned order;		/* triggers: ACTION_ORDER */
	const char *table;	/* triggers: their table */
};

/* Call each(arg, item) for every object in scope: schemas first, then tables,
 * sequences, views, routines, triggers (by table and order), events.  Items
 * are valid during the call; the callback must not use c. */
int schema_scan(struct conn *c, const struct flavour *f,
    const struct schema_scope *scope,
    int (*each)(void *arg, const struct schema_item *item, struct err *e),
    void *arg, struct err *e);

/* Conversions of FORMAT.md, "Rows". */
enum conversion { CONVERSION_PLAIN, CONVERSION_FLOAT, CONVERSION_NUMBER,
	CONVERSION_JSON, CONVERSION_ASCII };
const char *conversion_name(enum conversion as);
int conversion_parse(const char *name, enum conversion *as);	/* 0 or -1 */

struct schema_column {
	char *name;
	char *type;		/* DATA_TYPE, lower case */
	enum conversion as;
	bool key_text;		/* compared as text: collation matters */
	bool key_number;	/* integer column */
	bool is_unsigned;
	char *charset;		/* of text columns, else NULL */
};

struct schema_table {
	char *schema, *name, *engine;
	struct schema_column *columns;	/* dumped ones: no generated, with
					 * invisible, in ordinal order */
	size_t ncolumns;
	size_t *key;		/* columns of the primary key or the best
				 * unique NOT NULL key, as indexes of columns */
	size_t nkey;		/* 0: no key */
	char *key_name;		/* for FORCE INDEX; NULL without */
	bool versioned;		/* MariaDB system versioning: history is
				 * dumped with FOR SYSTEM_TIME ALL */
	uint64_t rows, bytes;	/* estimates */
};

/* Read one table's columns and keys.  ERR_NOTFOUND if it is gone. */
int schema_table_read(struct conn *c, const struct flavour *f,
    const char *schema, const char *name, struct schema_table *t,
    struct err *e);
void schema_table_free(struct schema_table *t);

/* The SELECT list with conversions ("`a`,`f`*1e0,...") and for LOAD the
 * column list with SET clauses. */
void schema_select_list(const struct schema_table *t, struct buf *out);

/* The object's definition as the server prints it, appended to *out; context
 * (or NULL) gets what must be set around it: sql_mode, charset, collation,
 * database collation, time zone, definer; owned strings, free with
 * schema_context_free. */
struct schema_context {
	char *sql_mode, *charset, *collation, *db_collation, *time_zone,
	    *definer;
};
int schema_ddl(struct conn *c, const struct flavour *f,
    const struct schema_item *item, struct buf *out,
    struct schema_context *context, struct err *e);
void schema_context_free(struct schema_context *context);

/* Accounts, roles and grants: each(arg, kind, name, sql) with kind "account",
 * "role", "grant"; roles before accounts before grants; name is
 * 'user'@'host'.  System accounts are left out. */
int schema_accounts(struct conn *c, const struct flavour *f,
    int (*each)(void *arg, const char *kind, const char *name,
    const char *sql, struct err *e), void *arg, struct err *e);

#endif /* !MYSQL_SCHEMA_H */
