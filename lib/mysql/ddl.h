/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl: statements as tokens.
 *
 * They are foreign text.  Source: the MySQL and MariaDB manuals on lexical
 * structure; strings, quoted names, and comments of all three kinds; the text
 * of versioned comments counts as code.
 */
#ifndef MYSQL_DDL_H
#define MYSQL_DDL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

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

/* A word's or quoted name's text without quotes, appended. */
void ddl_name(const struct ddl_token *t, struct buf *out);

/* Is the token this keyword (any case), this character? */
bool ddl_is(const struct ddl_token *t, const char *word);
bool ddl_is_punct(const struct ddl_token *t, char c);

/* Is there a comment that is no code between two tokens? */
bool ddl_has_comment(const char *p, const char *end);

#endif /* !MYSQL_DDL_H */
