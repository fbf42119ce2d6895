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

/* Words that may stand between CREATE and the kind. */
static bool
is_prefix(const struct ddl_token *t)
{
	static const char *const words[] = { "OR", "REPLACE", "ALGORITHM",
	    "UNDEFINED", "MERGE", "TEMPTABLE", "DEFINER", "SQL", "SECURITY",
	    "INVOKER", "AGGREGATE", "CURRENT_USER", "JSON", "RELATIONAL",
	    "DUALITY", "MATERIALIZED" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ddl_is(t, words[i]))
			return true;
	return false;
}

/* Past CREATE and what may stand before the kind; true when the kind follows.
 * An account after DEFINER= is names, strings and an @. */
static bool
at_kind(struct ddl_reader *r, const char *kind)
{
	struct ddl_token t = ddl_next(r);
	bool account = false;
	int n;

	if (!ddl_is(&t, "CREATE"))
		return false;
	for (n = 0; n < 40; n++) {
		t = ddl_next(r);
		if (ddl_is(&t, kind))
			return true;
		if (is_prefix(&t)) {
			account = ddl_is(&t, "DEFINER");
			continue;
		}
		if (ddl_is_punct(&t, '=') || ddl_is_punct(&t, '@') ||
		    ddl_is_punct(&t, '(') || ddl_is_punct(&t, ')'))
			continue;
		if (!account || (t.kind != DDL_NAME && t.kind != DDL_STRING &&
		    t.kind != DDL_WORD))
			return false;
	}
	return false;
}

/* Kinds whose statements hold no others. */
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

static int
check(const char *text, size_t n, const char *kind, bool no_escapes)
{
	bool plain = is_plain(kind), table = strcmp(kind, "TABLE") == 0 ||
	    strcmp(kind, "DATABASE") == 0 || strcmp(kind, "SEQUENCE") == 0;
	struct ddl_reader r;
	struct ddl_token t;
	int depth = 0;

	ddl_reader_init(&r, text, n);
	r.no_escapes = no_escapes;
	if (!at_kind(&r, kind))
		return -1;
	while ((t = ddl_next(&r)).kind != DDL_END) {
		if (t.kind == DDL_BAD || (plain && ddl_is_punct(&t, ';')))
			return -1;
		if (!table)
			continue;
		if (ddl_is_punct(&t, '('))
			depth++;
		else if (ddl_is_punct(&t, ')'))
			depth--;
		else if (depth == 0 && (ddl_is(&t, "SELECT") ||
		    ddl_is(&t, "AS") || ddl_is(&t, "LIKE")))
			return -1;
	}
	return 0;
}

int
ddl_check(const char *text, size_t n, const char *kind, struct err *e)
{
	const char *word = strcmp(kind, "PACKAGE BODY") == 0 ? "PACKAGE" :
	    kind;

	if (memchr(text, '\0', n) == NULL &&
	    (check(text, n, word, false) == 0 ||
	    /* Code may stand as sql_mode NO_BACKSLASH_ESCAPES had it. */
	    (!is_plain(word) && check(text, n, word, true) == 0)))
		return 0;
	return refuse(kind, e);
}

int
ddl_check_grant(const char *text, size_t n, struct err *e)
{
	struct ddl_reader r;
	struct ddl_token t;
	bool first = true;

	ddl_reader_init(&r, text, n);
	t = ddl_next(&r);
	if (ddl_is(&t, "SET")) {
		t = ddl_next(&r);
		first = ddl_is(&t, "DEFAULT");
	} else {
		first = ddl_is(&t, "GRANT") || ddl_is(&t, "REVOKE");
	}
	while (first && (t = ddl_next(&r)).kind != DDL_END)
		if (t.kind == DDL_BAD || ddl_is_punct(&t, ';'))
			first = false;
	return first && memchr(text, '\0', n) == NULL ? 0 :
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
