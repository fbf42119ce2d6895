/* SPDX-License-Identifier: Apache-2.0 */
/* filter: a part of a server, also renamed. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "mysql/connect.h"
#include "restore/ddl.h"
#include "restore/plan.h"

#include "restore/filter_impl.h"

struct filter *
filter_new(const struct restore_plan *p, bool any_case, struct err *e)
{
	struct filter *f;

	if (p->nrenames == 0)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "filter");
		return NULL;
	}
	f->plan = p;
	f->any_case = any_case;
	return f;
}

void
filter_free(struct filter *f)
{
	free(f);
}

bool
filter_same(const struct filter *f, const char *a, const char *b)
{
	return (f->any_case ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

const struct plan_rename *
filter_schema(const struct filter *f, const char *schema)
{
	const struct restore_plan *p = f->plan;
	size_t i;

	for (i = 0; i < p->nrenames; i++)
		if (p->renames[i].table == NULL &&
		    filter_same(f, p->renames[i].schema, schema))
			return &p->renames[i];
	return NULL;
}

bool
filter_table(const struct filter *f, const char *schema, const char *table,
    const char **to_schema, const char **to_table)
{
	const struct restore_plan *p = f->plan;
	const struct plan_rename *r;
	size_t i;

	for (i = 0; i < p->nrenames; i++) {
		r = &p->renames[i];
		if (r->table == NULL || !filter_same(f, r->schema, schema) ||
		    !filter_same(f, r->table, table))
			continue;
		*to_schema = r->to_schema;
		*to_table = r->to_table;
		return true;
	}
	r = filter_schema(f, schema);
	if (r == NULL)
		return false;
	*to_schema = r->to_schema;
	*to_table = table;
	return true;
}

/* --- schemas and other objects --- */

/* CREATE, ALTER, DROP DATABASE [name] ... */
static enum filter_verdict
database(struct reading *x, bool create, bool drop)
{
	const struct plan_rename *r;
	struct buf name = {0};
	const char *after;

	filter_skip_if(x);
	if (filter_is_name(&x->t) && !filter_is(x, "CHARACTER") &&
	    !filter_is(x, "DEFAULT") && !filter_is(x, "COLLATE")) {
		ddl_name(&x->t, &name);
		(void)filter_next(x);
	} else {
		buf_adds(&name, x->home);
	}
	after = x->t.kind == DDL_END ? x->end : x->t.at;
	r = filter_schema(x->filter, buf_str(&name));
	buf_free(&name);
	if (r == NULL)
		return FILTER_LEAVE;
	buf_adds(x->out, create ? "CREATE DATABASE IF NOT EXISTS " : drop ?
	    "DROP DATABASE IF EXISTS " : "ALTER DATABASE ");
	sql_ident(x->out, r->to_schema);
	buf_addc(x->out, ' ');
	buf_add(x->out, after, (size_t)(x->end - after));
	return FILTER_TAKE;
}

/* Of a schema that keeps its name the rest is taken as it is. */
static enum filter_verdict
other_object(struct reading *x)
{
	static const char *const kinds[] = { "VIEW", "TRIGGER", "PROCEDURE",
		"FUNCTION", "EVENT", "SEQUENCE", "PACKAGE", "LIBRARY" };
	const struct plan_rename *r = NULL;
	struct table_name n;
	size_t i;

	for (; x->t.kind != DDL_END && x->t.kind != DDL_BAD;
	    (void)filter_next(x)) {
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (filter_is(x, kinds[i]))
				break;
		if (i < sizeof(kinds) / sizeof(kinds[0]))
			break;
		/* Accounts and the like are of no schema. */
		if (filter_is(x, "USER") || filter_is(x, "ROLE") ||
		    filter_is(x, "SERVER"))
			return FILTER_LEAVE;
	}
	(void)filter_next(x);
	if (filter_is(x, "BODY"))
		(void)filter_next(x);
	filter_skip_if(x);
	if (!filter_name(x, &n))
		return FILTER_LEAVE;
	r = filter_schema(x->filter, buf_str(&n.schema));
	filter_name_fini(&n);
	if (r == NULL || strcmp(r->schema, r->to_schema) != 0)
		return FILTER_LEAVE;
	(void)filter_take(x);
	return FILTER_KEEP;
}

bool
filter_mentions(const struct filter *f, const char *home, const char *sql,
    size_t n)
{
	const struct restore_plan *p = f->plan;
	struct ddl_reader r;
	struct ddl_token t;
	struct buf name = {0};
	bool found = filter_schema(f, home) != NULL;
	size_t i;

	ddl_reader_init(&r, sql, n);
	while (!found && (t = ddl_next(&r)).kind != DDL_END &&
	    t.kind != DDL_BAD) {
		if (!filter_is_name(&t))
			continue;
		buf_clear(&name);
		ddl_name(&t, &name);
		for (i = 0; i < p->nrenames; i++)
			found |= strcasecmp(buf_str(&name),
			    p->renames[i].table != NULL ?
			    p->renames[i].table : p->renames[i].schema) == 0;
	}
	buf_free(&name);
	return found;
}

/* --- the statement --- */

static enum filter_verdict
create(struct reading *x)
{
	while (filter_next(x)->kind == DDL_WORD) {
		if (filter_is(x, "TEMPORARY"))
			return FILTER_LEAVE;
		if (filter_is(x, "TABLE")) {
			x->what = "CREATE TABLE";
			(void)filter_next(x);
			return filter_create_table(x);
		}
		if (filter_is(x, "INDEX")) {
			x->what = "CREATE INDEX";
			return filter_index_on(x);
		}
		if (filter_is(x, "DATABASE") || filter_is(x, "SCHEMA")) {
			(void)filter_next(x);
			return database(x, true, false);
		}
		if (!filter_is(x, "OR") && !filter_is(x, "REPLACE") &&
		    !filter_is(x, "UNIQUE") && !filter_is(x, "FULLTEXT") &&
		    !filter_is(x, "SPATIAL"))
			break;
	}
	return other_object(x);
}

static enum filter_verdict
alter(struct reading *x)
{
	x->what = "ALTER TABLE";
	while (filter_next(x)->kind == DDL_WORD) {
		if (filter_is(x, "TABLE")) {
			(void)filter_next(x);
			return filter_one_table(x);
		}
		if (filter_is(x, "DATABASE") || filter_is(x, "SCHEMA")) {
			(void)filter_next(x);
			return database(x, false, false);
		}
		if (!filter_is(x, "ONLINE") && !filter_is(x, "IGNORE"))
			break;
	}
	return other_object(x);
}

static enum filter_verdict
drop(struct reading *x)
{
	(void)filter_next(x);
	if (filter_is(x, "TEMPORARY"))
		return FILTER_LEAVE;
	if (filter_is(x, "TABLE") || filter_is(x, "TABLES")) {
		x->what = "DROP TABLE";
		(void)filter_next(x);
		return filter_drop_tables(x);
	}
	if (filter_is(x, "INDEX")) {
		x->what = "DROP INDEX";
		return filter_index_on(x);
	}
	if (filter_is(x, "DATABASE") || filter_is(x, "SCHEMA")) {
		(void)filter_next(x);
		return database(x, false, true);
	}
	return other_object(x);
}

static bool
leaves(const struct reading *x)
{
	static const char *const words[] = { "GRANT", "REVOKE", "SET",
		"ANALYZE", "OPTIMIZE", "REPAIR", "CHECK", "FLUSH", "INSTALL",
		"UNINSTALL", "RESET" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (filter_is(x, words[i]))
			return true;
	return false;
}

enum filter_verdict
filter_statement(const struct filter *f, const char *home, const char *sql,
    size_t n, struct buf *out)
{
	struct reading x = { .filter = f, .home = home, .sql = sql,
	    .end = sql + n, .copied = sql, .out = out, .what = "" };

	ddl_reader_init(&x.r, sql, n);
	(void)filter_next(&x);
	if (filter_is(&x, "CREATE"))
		return create(&x);
	if (filter_is(&x, "ALTER"))
		return alter(&x);
	if (filter_is(&x, "DROP"))
		return drop(&x);
	if (filter_is(&x, "TRUNCATE")) {
		x.what = "TRUNCATE TABLE";
		if (ddl_is(filter_next(&x), "TABLE"))
			(void)filter_next(&x);
		return filter_one_table(&x);
	}
	if (filter_is(&x, "RENAME")) {
		x.what = "RENAME TABLE";
		if (!ddl_is(filter_next(&x), "TABLE") &&
		    !filter_is(&x, "TABLES"))
			return FILTER_LEAVE;
		(void)filter_next(&x);
		return filter_rename_tables(&x);
	}
	if (leaves(&x) || !filter_mentions(f, home, sql, n))
		return FILTER_LEAVE;
	x.what = "a statement";
	return filter_refuse(&x, NULL, "it writes rows by itself, and those "
	    "of one table cannot be told from others");
}
