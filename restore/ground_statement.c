/* SPDX-License-Identifier: Apache-2.0 */
/* ground_statement: what a definition would do to a drill's target. */
#include <string.h>

#include "base/buf.h"
#include "restore/ddl.h"
#include "restore/ground_note.h"

#include "restore/ground_statement.h"

static bool
is_name(const struct ddl_token *t)
{
	return t->kind == DDL_NAME || t->kind == DDL_WORD ||
	    t->kind == DDL_STRING;
}

static struct ddl_token
skip_if_exists(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r);

	while (ddl_is(&t, "IF") || ddl_is(&t, "NOT") || ddl_is(&t, "EXISTS"))
		t = ddl_next(r);
	return t;
}

/* Any name that may be an account's, with its host if it has one.  A password
 * that reads like one only makes us more careful. */
static bool
names_one(const struct ground_note *n, struct ddl_reader *r)
{
	struct buf user = {0}, host = {0};
	struct ddl_token t = ddl_next(r);
	bool found = false;

	while (!found && t.kind != DDL_END && t.kind != DDL_BAD) {
		if (!is_name(&t)) {
			t = ddl_next(r);
			continue;
		}
		buf_clear(&user);
		buf_clear(&host);
		ddl_name(&t, &user);
		t = ddl_next(r);
		if (ddl_is_punct(&t, '@')) {
			t = ddl_next(r);
			if (is_name(&t)) {
				ddl_name(&t, &host);
				t = ddl_next(r);
			}
			found = ground_note_had_account(n, buf_str(&user),
			    buf_str(&host));
		} else {
			found = ground_note_had_account(n, buf_str(&user),
			    "%") || ground_note_had_account(n,
			    buf_str(&user), "");
		}
	}
	found |= t.kind == DDL_BAD || user.failed || host.failed;
	buf_free(&user);
	buf_free(&host);
	return found;
}

/* Is it about accounts?  *r stands behind the words that say so. */
static bool
about_accounts(struct ddl_reader *r, const struct ddl_token *first,
    struct ddl_token *second)
{
	if (ddl_is(first, "GRANT") || ddl_is(first, "REVOKE"))
		return true;
	if (ddl_is(first, "SET"))
		return ddl_is(second, "PASSWORD") ||
		    ddl_is(second, "DEFAULT") || ddl_is(second, "ROLE");
	if (ddl_is(first, "CREATE") && ddl_is(second, "OR")) {
		(void)ddl_next(r);
		*second = ddl_next(r);
	}
	return (ddl_is(first, "CREATE") || ddl_is(first, "ALTER") ||
	    ddl_is(first, "DROP") || ddl_is(first, "RENAME")) &&
	    (ddl_is(second, "USER") || ddl_is(second, "ROLE"));
}

bool
ground_statement(const struct ground_note *n, const char *sql, size_t len,
    bool cut, struct buf *schema)
{
	struct ddl_token first, second, name;
	struct ddl_reader r;

	ddl_reader_init(&r, sql, len);
	first = ddl_next(&r);
	second = ddl_next(&r);
	if (about_accounts(&r, &first, &second)) {
		/* All of it: a grant names the account behind what it is. */
		ddl_reader_init(&r, sql, len);
		return cut || names_one(n, &r);
	}
	if (!ddl_is(&first, "CREATE") || (!ddl_is(&second, "DATABASE") &&
	    !ddl_is(&second, "SCHEMA")))
		return false;
	name = skip_if_exists(&r);
	if (is_name(&name))
		ddl_name(&name, schema);
	return false;
}
