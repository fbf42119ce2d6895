/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_check: is a stored definition the one statement that it should be? */
#include <string.h>
#include <strings.h>

#include "base/err.h"

#include "restore/ddl.h"

static int
refuse(const char *kind, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "the stored definition is not one "
	    "%s%s statement: refused", strcmp(kind, "GRANT") == 0 ? "" :
	    "CREATE ", kind);
}

/* Definitions that are no code: one object, all of it in the statement. */
static bool
is_plain(const char *kind)
{
	static const char *const kinds[] = { "TABLE", "DATABASE", "SEQUENCE",
	    "VIEW", "USER", "ROLE" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

/* Words that may stand between CREATE and the kind of code or a view. */
static bool
is_prefix(const struct ddl_token *t)
{
	static const char *const words[] = { "OR", "REPLACE", "ALGORITHM",
	    "UNDEFINED", "MERGE", "TEMPTABLE", "DEFINER", "SQL", "SECURITY",
	    "INVOKER", "AGGREGATE", "JSON", "RELATIONAL", "DUALITY",
	    "MATERIALIZED" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ddl_is(t, words[i]))
			return true;
	return false;
}

static bool
accept(struct ddl_reader *r, char c)
{
	struct ddl_reader ahead = *r;
	struct ddl_token t = ddl_next(&ahead);

	if (!ddl_is_punct(&t, c))
		return false;
	*r = ahead;
	return true;
}

/* What follows DEFINER=: a name, a name and a host, or CURRENT_USER(). */
static bool
skip_account(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r);

	if (t.kind != DDL_NAME && t.kind != DDL_STRING && t.kind != DDL_WORD)
		return false;
	if (accept(r, '('))
		return accept(r, ')');
	if (!accept(r, '@'))
		return true;
	do
		t = ddl_next(r);
	while (t.kind == DDL_WORD && accept(r, '.'));
	return t.kind == DDL_NAME || t.kind == DDL_STRING ||
	    t.kind == DDL_WORD;
}

/* Past CREATE and what may stand before the kind; true when the kind follows.
 * None of it in a versioned comment: a server may skip that. */
static bool
at_kind(struct ddl_reader *r, const char *kind)
{
	bool bare = is_plain(kind) && strcmp(kind, "VIEW") != 0, equals;
	struct ddl_token t = ddl_next(r);
	int n;

	if (!ddl_is(&t, "CREATE"))
		return false;
	for (n = 0; n < 12; n++) {
		t = ddl_next(r);
		if (ddl_is(&t, kind))
			return r->versioned == 0;
		if (bare || !is_prefix(&t))
			return false;
		equals = accept(r, '=');
		if (equals && !ddl_is(&t, "ALGORITHM") &&
		    (!ddl_is(&t, "DEFINER") || !skip_account(r)))
			return false;
	}
	return false;
}

/* FUNCTION x RETURNS ... SONAME would load a library into the server: stored
 * functions have their parameters there. */
static bool
is_stored(struct ddl_reader r)
{
	struct ddl_token t;
	int n;

	for (n = 0; n < 8; n++) {
		t = ddl_next(&r);
		if (ddl_is_punct(&t, '('))
			return r.versioned == 0;
		if (ddl_is(&t, "RETURNS") || ddl_is(&t, "SONAME"))
			return false;
	}
	return r.versioned == 0;
}

/* One name of its own schema, and what it is made of. */
static bool
at_columns(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r), open = ddl_next(r);

	return t.kind == DDL_NAME && ddl_is_punct(&open, '(') &&
	    r->versioned == 0;
}

/* The state of going through a definition that is no code. */
struct walk {
	int depth;
	unsigned comment;	/* the versioned one we are in, or 0 */
	int entry;		/* depth where it began */
};

/* A server runs the text of a versioned comment or skips it to the first end
 * mark.  Both must see the same ends and the same nesting. */
static bool
same_both_ways(struct walk *w, const struct ddl_reader *r,
    const struct ddl_token *t)
{
	unsigned comment = r->in_versioned ? r->versioned : 0;
	size_t i;

	if (comment != w->comment) {
		if (w->comment != 0 && w->depth != w->entry)
			return false;
		w->comment = comment;
		w->entry = w->depth;
	}
	if (comment == 0)
		return !r->nested;
	if (t->kind == DDL_END || (ddl_is_punct(t, ')') &&
	    w->depth == w->entry))
		return false;
	for (i = 0; i + 1 < t->len; i++)
		if (t->at[i] == '*' && t->at[i + 1] == '/')
			return false;
	return !r->nested;
}

static bool
is_number(const struct ddl_token *t)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if (memchr("0123456789abcdefABCDEFxX", t->at[i], 24) == NULL)
			return false;
	return true;
}

/* Does this word begin rows that come with a table?  Numbers end where the
 * server's lexer ends them: "1e0SELECT" is two words to it. */
static bool
brings_rows(const struct ddl_token *t, const struct ddl_reader *r)
{
	struct ddl_reader ahead = *r;
	struct ddl_token next;

	if (ddl_is_punct(t, '\\'))
		return true;
	if (t->kind != DDL_WORD)
		return false;
	if (*t->at >= '0' && *t->at <= '9')
		return !is_number(t);
	if (ddl_is(t, "VALUES")) {
		next = ddl_next(&ahead);
		return !ddl_is(&next, "LESS") && !ddl_is(&next, "IN");
	}
	return ddl_is(t, "SELECT") || ddl_is(t, "TABLE");
}

/* Is a clause next that adds an index or a foreign key? */
static bool
at_added(struct ddl_reader r)
{
	unsigned versioned = r.versioned;
	struct ddl_token t = ddl_next(&r);

	if (!ddl_is(&t, "ADD"))
		return false;
	t = ddl_next(&r);
	if (ddl_is(&t, "CONSTRAINT")) {
		(void)ddl_next(&r);
		t = ddl_next(&r);
		return ddl_is(&t, "FOREIGN") && r.versioned == versioned;
	}
	if (ddl_is(&t, "UNIQUE"))
		t = ddl_next(&r);
	return r.versioned == versioned && (ddl_is(&t, "FOREIGN") ||
	    ddl_is(&t, "KEY") || ddl_is(&t, "INDEX"));
}

/* The rest of a table, schema, sequence or account; or clauses of ALTER. */
static int
check_rest(struct ddl_reader *r, const char *kind)
{
	bool table = strcmp(kind, "TABLE") == 0;
	bool alter = strcmp(kind, "ALTER") == 0;
	struct walk w = { .depth = table };
	struct ddl_token t;
	bool first = true;	/* of a list's element */

	if (alter && !at_added(*r))
		return -1;
	do {
		t = ddl_next(r);
		if (t.kind == DDL_BAD || ddl_is_punct(&t, ';') ||
		    !same_both_ways(&w, r, &t) || brings_rows(&t, r))
			return -1;
		if (ddl_is_punct(&t, '('))
			w.depth++;
		else if (ddl_is_punct(&t, ')') && --w.depth < 0)
			return -1;
		else if (table && ((w.depth == 0 && ddl_is(&t, "AS")) ||
		    ((w.depth == 0 || first) && ddl_is(&t, "LIKE"))))
			return -1;
		else if (alter && w.depth == 0 && ddl_is_punct(&t, ',') &&
		    (r->in_versioned || !at_added(*r)))
			return -1;
		first = ddl_is_punct(&t, '(') || ddl_is_punct(&t, ',');
	} while (t.kind != DDL_END);
	return w.depth == 0 ? 0 : -1;
}

static int
check(const char *text, size_t n, const char *kind, bool no_escapes,
    bool dollars)
{
	bool view = strcmp(kind, "VIEW") == 0;
	struct ddl_reader r;
	struct ddl_token t;

	ddl_reader_init(&r, text, n);
	r.no_escapes = no_escapes;
	r.dollars = dollars;
	if (!at_kind(&r, kind) ||
	    (strcmp(kind, "TABLE") == 0 && !at_columns(&r)) ||
	    (strcmp(kind, "FUNCTION") == 0 && !is_stored(r)))
		return -1;
	if (is_plain(kind) && !view)
		return check_rest(&r, kind);
	while ((t = ddl_next(&r)).kind != DDL_END)
		if (t.kind == DDL_BAD || (view && ddl_is_punct(&t, ';')))
			return -1;
	return 0;
}

int
ddl_check(const char *text, size_t n, const char *kind, struct err *e)
{
	const char *word = strcmp(kind, "PACKAGE BODY") == 0 ? "PACKAGE" :
	    kind;

	if (memchr(text, '\0', n) == NULL &&
	    (check(text, n, word, false, false) == 0 ||
	    /* Code may stand as sql_mode NO_BACKSLASH_ESCAPES had it, or
	     * between dollars in another language. */
	    (!is_plain(word) && (check(text, n, word, true, false) == 0 ||
	    check(text, n, word, false, true) == 0))))
		return 0;
	return refuse(kind, e);
}

int
ddl_check_added(const char *text, size_t n, struct err *e)
{
	struct ddl_reader r;

	if (n == 0)
		return 0;
	ddl_reader_init(&r, text, n);
	return memchr(text, '\0', n) == NULL &&
	    check_rest(&r, "ALTER") == 0 ? 0 : refuse("TABLE", e);
}

int
ddl_check_grant(const char *text, size_t n, struct err *e)
{
	struct ddl_reader r;
	struct ddl_token t;
	bool good;

	ddl_reader_init(&r, text, n);
	t = ddl_next(&r);
	if (ddl_is(&t, "SET")) {
		t = ddl_next(&r);
		good = ddl_is(&t, "DEFAULT");
		t = ddl_next(&r);
		good = good && ddl_is(&t, "ROLE");
	} else {
		good = ddl_is(&t, "GRANT") || ddl_is(&t, "REVOKE");
	}
	while (good && (t = ddl_next(&r)).kind != DDL_END)
		good = t.kind != DDL_BAD && !ddl_is_punct(&t, ';');
	/* A server may skip what stands in a versioned comment. */
	return good && r.versioned == 0 && memchr(text, '\0', n) == NULL ? 0 :
	    refuse("GRANT", e);
}

int
ddl_check_script(const char *text, size_t n, struct err *e)
{
	struct ddl_token t, last = { DDL_END, NULL, 0 };
	struct ddl_reader r;

	ddl_reader_init(&r, text, n);
	for (; (t = ddl_next(&r)).kind != DDL_END; last = t) {
		if (ddl_is_punct(&t, '\\') || (ddl_is_punct(&t, '/') &&
		    ddl_is_punct(&last, '/') && last.at + 1 == t.at) ||
		    (ddl_is(&t, "DELIMITER") &&
		    (t.at == text || t.at[-1] == '\n')))
			return err_set(e, ERR_CORRUPT, 0, "the stored "
			    "definition holds a command of the mysql client: "
			    "refused");
	}
	return 0;
}
