/* SPDX-License-Identifier: Apache-2.0 */
/* mask: a statement's text without the passwords in it. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "mysql/ddl.h"

#include "mysql/mask.h"

#define STARS "'***'"

enum state {
	MASK_OPEN,		/* nothing secret */
	MASK_ACCOUNT,		/* SET PASSWORD FOR: up to = or TO */
	MASK_PLUGIN,		/* after WITH or VIA: the next string stays */
	MASK_SECRET,		/* a string is one */
};

/* PASSWORD, MASTER_PASSWORD, `password` ... */
static bool
is_password(const struct ddl_token *t)
{
	size_t n = t->kind == DDL_NAME ? t->len - 1 : t->len;

	return (t->kind == DDL_WORD || t->kind == DDL_NAME) && n >= 8 &&
	    strncasecmp(t->at + n - 8, "PASSWORD", 8) == 0;
}

static enum state
next_state(enum state s, const struct ddl_token *t,
    const struct ddl_token *last)
{
	if (is_password(t) || ddl_is(t, "IDENTIFIED"))
		return MASK_SECRET;
	if (s == MASK_ACCOUNT)
		return ddl_is_punct(t, '=') || ddl_is(t, "TO") ?
		    MASK_SECRET : s;
	if (s == MASK_OPEN)
		return s;
	if (ddl_is_punct(t, ',') || ddl_is_punct(t, ')') ||
	    ddl_is_punct(t, ';'))
		return MASK_OPEN;
	if (ddl_is(t, "FOR") && is_password(last))
		return MASK_ACCOUNT;
	return ddl_is(t, "WITH") || ddl_is(t, "VIA") ? MASK_PLUGIN :
	    MASK_SECRET;
}

/* A string, one that is cut, or a number of 0x and hexadecimal digits. */
static bool
is_secret(const struct ddl_token *t)
{
	return t->kind == DDL_STRING || t->kind == DDL_BAD ||
	    (t->kind == DDL_WORD && t->len > 2 && t->at[0] == '0' &&
	    (t->at[1] | 0x20) == 'x');
}

void
mask_statement(const char *sql, size_t n, struct buf *out)
{
	bool escapes = memchr(sql, '\\', n) != NULL;
	struct ddl_token t, last = { DDL_END, sql, 0 };
	const char *done = sql;
	enum state s = MASK_OPEN;
	struct ddl_reader r;

	ddl_reader_init(&r, sql, n);
	while ((t = ddl_next(&r)).kind != DDL_END) {
		if (s == MASK_SECRET && is_secret(&t)) {
			buf_add(out, done, (size_t)(t.at - done));
			buf_adds(out, STARS);
			done = t.at + t.len;
			/* Whether a backslash hides a quote is a matter of
			 * sql_mode: what follows may be read wrong. */
			if (escapes)
				return;
		}
		if (t.kind == DDL_BAD)
			break;
		s = next_state(s, &t, &last);
		last = t;
	}
	buf_add(out, done, (size_t)(sql + n - done));
}
