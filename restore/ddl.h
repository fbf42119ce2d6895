/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl: definitions that come from a store, read as tokens (mysql/ddl.h).
 *
 * They are foreign text: a definition is run only if it is one statement of
 * its own kind (DESIGN, promise 9).
 */
#ifndef RESTORE_DDL_H
#define RESTORE_DDL_H

#include <stdbool.h>
#include <stddef.h>

#include "mysql/ddl.h"

struct buf;
struct err;

/* 0 if text is one CREATE statement of kind ("TABLE", "VIEW", "PROCEDURE",
 * "FUNCTION", "TRIGGER", "EVENT", "DATABASE", "SEQUENCE", "USER", "ROLE",
 * "PACKAGE", "LIBRARY"), else -1 with *e (ERR_CORRUPT).  A table's definition
 * brings no rows and names one table of its own schema, whether a server
 * reads or skips the text of versioned comments; only code may hold a
 * semicolon; nothing but code and views may replace what is there. */
int ddl_check(const char *text, size_t n, const char *kind, struct err *e);

/* Nothing, or clauses of ALTER TABLE that each add an index or a foreign key
 * and do nothing else.  ERR_CORRUPT. */
int ddl_check_added(const char *text, size_t n, struct err *e);

/* One GRANT, REVOKE or SET DEFAULT ROLE. */
int ddl_check_grant(const char *text, size_t n, struct err *e);

/* Nothing in it that the mysql client takes for a command of its own, between
 * "DELIMITER //" and "//".  ERR_CORRUPT. */
int ddl_check_script(const char *text, size_t n, struct err *e);

/*
 * A table's definition in two parts: *create without the secondary indexes
 * that may come later and without foreign keys, *later a list of ALTER TABLE
 * clauses (", "-joined ADD ... clauses) for indexes, *keys the same for foreign
 * keys.  What is not surely safe to take out stays in *create.  indexes false:
 * only foreign keys are taken out.  *create passes ddl_check, *later and *keys
 * ddl_check_added, else -1 with *e (ERR_CORRUPT).
 */
int ddl_split_table(const char *text, size_t n, bool indexes,
    struct buf *create, struct buf *later, struct buf *keys, struct err *e);

/* Copy a definition, with names replaced: map(arg, schema, name, out_schema,
 * out_name) is asked for each quoted name pair `a`.`b` (and, with schema
 * NULL, for the first name after CREATE ... TABLE and after REFERENCES). */
struct ddl_map {
	/* Both return the new name or the old one. */
	const char *(*schema)(void *arg, const char *schema);
	const char *(*table)(void *arg, const char *schema,
	    const char *table);
	void *arg;
	const char *home;	/* schema of unqualified names */
};
int ddl_rename(const char *text, size_t n, const struct ddl_map *map,
    struct buf *out, struct err *e);

/* Does the text name this schema, quoted or as a bare word? */
bool ddl_names(const char *text, size_t n, const char *schema);

#endif /* !RESTORE_DDL_H */
