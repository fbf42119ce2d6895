/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_rename: a definition with other names, and the names it holds. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/ddl.h"

/* A quoted name without its quotes; owned. */
static char *
unquote(const struct ddl_token *t)
{
	char *out = malloc(t->len), *to = out;
	size_t i;

	if (out == NULL)
		return NULL;
	for (i = 1; i + 1 < t->len; i++) {
		*to++ = t->at[i];
		if (t->at[i] == '`' && i + 2 < t->len)
			i++;
	}
	*to = '\0';
	return out;
}

/* Write `a`.`b`, both mapped, with all that stands between: a comment may
 * begin or end there. */
static int
put_pair(const struct ddl_token *a, const struct ddl_token *b,
    const struct ddl_map *map, struct buf *out)
{
	char *schema = unquote(a), *name = unquote(b);

	if (schema != NULL && name != NULL) {
		sql_ident(out, map->schema(map->arg, schema));
		buf_add(out, a->at + a->len, (size_t)(b->at - a->at) - a->len);
		sql_ident(out, map->table(map->arg, schema, name));
	} else {
		out->failed = true;
	}
	free(schema);
	free(name);
	return out->failed ? -1 : 0;
}

static void
put_home(const struct ddl_token *t, const struct ddl_map *map,
    struct buf *out)
{
	char *name = unquote(t);

	if (name == NULL) {
		out->failed = true;
		return;
	}
	sql_ident(out, map->table(map->arg, map->home, name));
	free(name);
}

int
ddl_rename(const char *text, size_t n, const struct ddl_map *map,
    struct buf *out, struct err *e)
{
	struct ddl_token t, second, dot;
	struct ddl_reader r, ahead;
	const char *copied = text;
	bool expect = false;	/* a table's name comes next */

	ddl_reader_init(&r, text, n);
	while ((t = ddl_next(&r)).kind != DDL_END) {
		if (t.kind == DDL_BAD)
			return err_set(e, ERR_CORRUPT, 0, "the stored "
			    "definition cannot be read");
		if (t.kind != DDL_NAME) {
			expect = ddl_is(&t, "TABLE") ||
			    ddl_is(&t, "REFERENCES") ||
			    (expect && (ddl_is(&t, "IF") ||
			    ddl_is(&t, "NOT") || ddl_is(&t, "EXISTS")));
			continue;
		}
		ahead = r;
		dot = ddl_next(&ahead);
		second = ddl_is_punct(&dot, '.') ? ddl_next(&ahead) : dot;
		if (ddl_is_punct(&dot, '.') && second.kind == DDL_NAME) {
			buf_add(out, copied, (size_t)(t.at - copied));
			(void)put_pair(&t, &second, map, out);
			copied = second.at + second.len;
			r = ahead;
		} else if (expect) {
			buf_add(out, copied, (size_t)(t.at - copied));
			put_home(&t, map, out);
			copied = t.at + t.len;
		}
		expect = false;
	}
	buf_add(out, copied, (size_t)(text + n - copied));
	return buf_check(out, "definition", e);
}

bool
ddl_names(const char *text, size_t n, const char *schema)
{
	struct ddl_reader r;
	struct ddl_token t;
	size_t len = strlen(schema);
	char *name;
	bool same;

	ddl_reader_init(&r, text, n);
	while ((t = ddl_next(&r)).kind != DDL_END && t.kind != DDL_BAD) {
		if (t.kind == DDL_WORD && t.len == len &&
		    strncasecmp(t.at, schema, len) == 0)
			return true;
		if (t.kind != DDL_NAME)
			continue;
		name = unquote(&t);
		same = name != NULL && strcasecmp(name, schema) == 0;
		free(name);
		if (same)
			return true;
	}
	return false;
}
