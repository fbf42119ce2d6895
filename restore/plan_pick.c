/* SPDX-License-Identifier: Apache-2.0 */
/* plan_pick: what was asked for, and under which names. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "restore/plan.h"

static char *
cut(const char *from, const char *to)
{
	return strndup(from, (size_t)(to - from));
}

/* Does the text up to end name what an earlier option named? */
static bool
same_pick(const struct plan_rename *r, const char *text, const char *end,
    bool table)
{
	size_t len = (size_t)(end - text), n = strlen(r->schema);

	if ((r->table != NULL) != table || len < n ||
	    memcmp(r->schema, text, n) != 0)
		return false;
	return table ? len == n + 1 + strlen(r->table) && text[n] == '.' &&
	    memcmp(r->table, text + n + 1, strlen(r->table)) == 0 : len == n;
}

int
restore_plan_pick(struct restore_plan *p, const char *text, bool table,
    struct err *e)
{
	const char *equals = strchr(text, '='), *dot, *to, *end;
	struct plan_rename *list, *r;
	size_t n;

	end = equals != NULL ? equals : text + strlen(text);
	to = equals != NULL ? equals + 1 : text;
	dot = table ? memchr(text, '.', (size_t)(end - text)) : NULL;
	if (end == text || *to == '\0' || (table && (dot == NULL ||
	    dot == text || dot + 1 == end)))
		return err_set(e, ERR_USAGE, 0, "--%s %.80s: not %s",
		    table ? "table" : "schema", text, table ?
		    "schema.table or schema.table=schema.table" :
		    "schema or schema=schema");
	for (n = 0; n < p->nrenames; n++)
		if (same_pick(&p->renames[n], text, end, table))
			return err_set(e, ERR_USAGE, 0, "--%s %.80s: named "
			    "twice", table ? "table" : "schema", text);
	list = realloc(p->renames, (p->nrenames + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "plan");
	p->renames = list;
	r = &list[p->nrenames++];
	*r = (struct plan_rename){0};
	if (!table) {
		r->schema = cut(text, end);
		r->to_schema = strdup(equals != NULL ? to : r->schema);
		return 0;
	}
	r->schema = cut(text, dot);
	r->table = cut(dot + 1, end);
	if (equals == NULL) {
		r->to_schema = strdup(r->schema);
		r->to_table = strdup(r->table);
		return 0;
	}
	dot = strchr(to, '.');
	if (dot == NULL || dot == to || dot[1] == '\0')
		return err_set(e, ERR_USAGE, 0, "--table %.80s: not "
		    "schema.table=schema.table", text);
	r->to_schema = cut(to, dot);
	r->to_table = strdup(dot + 1);
	return 0;
}

struct plan_rename *
restore_plan_pick_of(const struct restore_plan *p, const char *schema,
    const char *table)
{
	struct plan_rename *whole = NULL;
	size_t i;

	for (i = 0; i < p->nrenames; i++) {
		if (strcmp(p->renames[i].schema, schema) != 0)
			continue;
		if (p->renames[i].table == NULL)
			whole = &p->renames[i];
		else if (table != NULL &&
		    strcmp(p->renames[i].table, table) == 0)
			return &p->renames[i];
	}
	return whole;
}

const char *
restore_plan_schema(const struct restore_plan *p, const char *schema)
{
	const struct plan_rename *r = restore_plan_pick_of(p, schema, NULL);

	return r != NULL ? r->to_schema : schema;
}

const char *
restore_plan_table(const struct restore_plan *p, const char *schema,
    const char *table)
{
	const struct plan_rename *r = restore_plan_pick_of(p, schema, table);

	return r != NULL && r->table != NULL ? r->to_table : table;
}

bool
restore_plan_renames(const struct restore_plan *p)
{
	const struct plan_rename *r;
	size_t i;

	for (i = 0; i < p->nrenames; i++) {
		r = &p->renames[i];
		if (strcmp(r->schema, r->to_schema) != 0 ||
		    (r->table != NULL && strcmp(r->table, r->to_table) != 0))
			return true;
	}
	return false;
}
