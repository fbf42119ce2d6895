/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl: reads definitions that come from a store, as tokens.
 *
 * They are foreign text: a definition is run only if it is one statement of
 * its own kind (DESIGN, promise 9).  Source: the MySQL and MariaDB manuals on
 * lexical structure; strings, quoted names, and comments of all three kinds;
 * the text of versioned comments counts as code.
 */
#ifndef RESTORE_DDL_H
#define RESTORE_DDL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

enum ddl_token_kind { DDL_END, DDL_WORD, DDL_NAME, DDL_STRING, DDL_PUNCT,
	DDL_BAD };

struct ddl_token {
	enum ddl_token_kind kind;
	const char *at;		/* first byte in the text */
	size_t len;		/* with its quotes */
};

struct ddl_reader {
	const char *p, *end;
	bool in_versioned;	/* inside a versioned comment */
	bool nested;		/* a comment stood inside a versioned one */
	unsigned versioned;	/* versioned comments begun so far */
	bool no_escapes;	/* a backslash is a backslash */
	bool dollars;		/* $tag$ ... $tag$ is a string */
};

void ddl_reader_init(struct ddl_reader *r, const char *text, size_t n);

/* The next token; DDL_END at the end, DDL_BAD for an unended quote. */
struct ddl_token ddl_next(struct ddl_reader *r);

/* Is the token this keyword (any case), this character? */
bool ddl_is(const struct ddl_token *t, const char *word);
bool ddl_is_punct(const struct ddl_token *t, char c);

/* 0 if text is one CREATE statement of kind ("TABLE", "VIEW", "PROCEDURE",
 * "FUNCTION", "TRIGGER", "EVENT", "DATABASE", "SEQUENCE", "USER", "ROLE",
 * "PACKAGE", "LIBRARY"), else -1 with *e (ERR_CORRUPT).  A table's definition
 * brings no rows and names one table of its own schema, whether a server
 * reads or skips the text of versioned comments; only code may hold a
 * semicolon; nothing but code and views may replace what is there. */
int ddl_check(const char *text, size_t n, const char *kind, struct err *e);

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
 * only foreign keys are taken out.
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
