/* SPDX-License-Identifier: Apache-2.0 */
/* transaction_statement: what a statement is, by its first words. */
#include <string.h>
#include <strings.h>

#include "mysql/transaction_impl.h"

struct text {
	const char *at, *end;
};

static bool
starts(const struct text *t, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(t->end - t->at) >= n && memcmp(t->at, with, n) == 0;
}

static void
skip_until(struct text *t, const char *what)
{
	size_t n = strlen(what);

	while (t->at < t->end && !starts(t, what))
		t->at++;
	if (t->at < t->end)
		t->at += n;
}

/* White space, parentheses and comments; what a versioned comment holds is
 * not one. */
static void
skip_space(struct text *t)
{
	while (t->at < t->end) {
		if (strchr(" \t\r\n\v\f(;", *t->at) != NULL)
			t->at++;
		else if (starts(t, "/*!") || starts(t, "/*M!")) {
			t->at += starts(t, "/*!") ? 3 : 4;
			while (t->at < t->end && *t->at >= '0' &&
			    *t->at <= '9')
				t->at++;
		} else if (starts(t, "/*"))
			skip_until(t, "*/");
		else if (starts(t, "*/"))
			t->at += 2;
		else if (*t->at == '#' || starts(t, "-- "))
			skip_until(t, "\n");
		else
			break;
	}
}

/* The next word is this one: step over it. */
static bool
word(struct text *t, const char *w)
{
	size_t n = strlen(w);
	char c;

	skip_space(t);
	if ((size_t)(t->end - t->at) < n || strncasecmp(t->at, w, n) != 0)
		return false;
	c = (size_t)(t->end - t->at) > n ? t->at[n] : ' ';
	if (c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return false;
	t->at += n;
	return true;
}

static bool
at_end(struct text *t)
{
	skip_space(t);
	return t->at == t->end;
}

static enum statement_kind
xa_kind(struct text *t)
{
	if (word(t, "START") || word(t, "BEGIN"))
		return STATEMENT_BEGIN;
	if (word(t, "COMMIT"))
		return STATEMENT_XA_COMMIT;
	if (word(t, "ROLLBACK"))
		return STATEMENT_XA_ROLLBACK;
	return STATEMENT_SAVEPOINT;
}

enum statement_kind
statement_kind(const char *sql, size_t n)
{
	static const char *const rows[] = { "INSERT", "UPDATE", "DELETE",
		"REPLACE", "LOAD", "WITH", "SELECT", "CALL", "DO", "VALUES",
		"TABLE" };
	struct text t = { sql, sql + n };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (word(&t, rows[i]))
			return STATEMENT_ROWS;
	if (word(&t, "BEGIN"))
		return STATEMENT_BEGIN;
	if (word(&t, "COMMIT"))
		return STATEMENT_COMMIT;
	if (word(&t, "ROLLBACK"))
		return at_end(&t) ? STATEMENT_COMMIT : STATEMENT_SAVEPOINT;
	if (word(&t, "SAVEPOINT") || word(&t, "RELEASE"))
		return STATEMENT_SAVEPOINT;
	if (word(&t, "XA"))
		return xa_kind(&t);
	/* SET STATEMENT ... FOR INSERT: the server tells definitions. */
	if (word(&t, "SET") && word(&t, "STATEMENT"))
		return STATEMENT_ROWS;
	return STATEMENT_OTHER;
}
