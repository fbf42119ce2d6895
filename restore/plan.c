/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what a restore brings back, from the lists. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#include "restore/plan.h"

static void *
grown(void *list, size_t n, size_t size)
{
	/* Doubles at each power of two. */
	if (n >= 16 && (n & (n - 1)) != 0)
		return list;
	return realloc(list, (n < 16 ? 16 : n * 2) * size);
}

static int
nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, 0, "plan");
}

static int
add_columns(struct plan_table *t, const struct line *l, struct err *e)
{
	size_t i, n = line_columns(l);

	t->columns = calloc(n == 0 ? 1 : n, sizeof(*t->columns));
	if (t->columns == NULL)
		return nomem(e);
	for (i = 0; i < n; i++) {
		t->columns[i].name = strdup(line_column(l, i,
		    &t->columns[i].as));
		if (t->columns[i].name == NULL)
			return nomem(e);
		t->ncolumns++;
	}
	return 0;
}

static bool
engine_transactional(const char *engine)
{
	return strcasecmp(engine, "InnoDB") == 0 ||
	    strcasecmp(engine, "ROCKSDB") == 0 ||
	    strcasecmp(engine, "TokuDB") == 0;
}

static int
add_table(struct restore_plan *p, const struct line *l, struct err *e)
{
	struct plan_rename *r = restore_plan_pick_of(p, l->schema, l->name);
	struct plan_table *list, *t;

	if (p->nrenames > 0 && r == NULL)
		return 0;
	if (r != NULL)
		r->used = true;
	list = grown(p->tables, p->ntables, sizeof(*list));
	if (list == NULL)
		return nomem(e);
	p->tables = list;
	t = &list[p->ntables++];
	*t = (struct plan_table){ .n = (uint32_t)l->n, .ddl = l->place,
	    .schema = strdup(l->schema), .name = strdup(l->name),
	    .engine = strdup(l->engine), .rows = l->rows, .raw = l->raw,
	    .chunks = (uint32_t)l->chunks,
	    .digest = l->json_changed > 0 ? l->digest_reload : l->digest,
	    .versioned = head_bool(l->json, "versioned"),
	    .transactional = engine_transactional(l->engine) };
	if (t->schema == NULL || t->name == NULL || t->engine == NULL)
		return nomem(e);
	p->rows += l->rows;
	p->raw += l->raw;
	return add_columns(t, l, e);
}

static int
add_chunk(struct restore_plan *p, const struct line *l, struct err *e)
{
	struct plan_chunk *list, *c;

	list = grown(p->chunks, p->nchunks, sizeof(*list));
	if (list == NULL)
		return nomem(e);
	p->chunks = list;
	c = &list[p->nchunks++];
	*c = (struct plan_chunk){ .number = (uint32_t)l->table,
	    .n = (uint32_t)l->n, .rows = l->rows, .raw = l->raw,
	    .size = l->size, .enum0 = l->enum0 };
	if (l->kind == LINE_MEMBER) {
		c->place = l->place;
		c->size = l->place.length;
		return 0;
	}
	c->object = strdup(l->object);
	memcpy(c->stored_sha256, l->stored_sha256, sizeof(c->stored_sha256));
	c->first = strdup(l->first_b64);
	return c->object != NULL && c->first != NULL ? 0 : nomem(e);
}

static char *
copy(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? strdup(text) : NULL;
}

static int
add_object(struct restore_plan *p, const struct line *l, struct err *e)
{
	const char *schema = l->kind == LINE_SCHEMA ? l->name : l->schema;
	bool account = l->kind == LINE_ACCOUNT || l->kind == LINE_ROLE ||
	    l->kind == LINE_GRANT;
	struct plan_rename *r = account ? NULL : restore_plan_pick_of(p, schema,
	    l->kind == LINE_TRIGGER ? l->table_name : NULL);
	const json_t *x = json_object_get(l->json, "context");
	struct plan_object *list, *o;

	/* Picked tables bring their triggers; other objects come with whole
	 * schemas alone. */
	if (p->nrenames > 0 && r == NULL)
		return 0;
	if (r != NULL)
		r->used = true;
	list = grown(p->objects, p->nobjects, sizeof(*list));
	if (list == NULL)
		return nomem(e);
	p->objects = list;
	o = &list[p->nobjects++];
	*o = (struct plan_object){ .kind = l->kind, .schema = strdup(schema),
	    .name = strdup(l->name), .type = strdup(l->type),
	    .table = strdup(l->table_name), .place = l->place,
	    .ddl = l->ddl[0] != '\0' ? strdup(l->ddl) : NULL,
	    .context = { .sql_mode = copy(x, "sql_mode"),
	    .charset = copy(x, "charset"), .collation = copy(x, "collation"),
	    .db_collation = copy(x, "db_collation"),
	    .time_zone = copy(x, "time_zone") },
	    .order = (unsigned)head_count(x, "order"),
	    .next = (long long)json_integer_value(json_object_get(l->json,
	    "next")) };
	return o->schema != NULL && o->name != NULL && o->type != NULL &&
	    o->table != NULL ? 0 : nomem(e);
}

static int
each(void *arg, const struct line *l, struct err *e)
{
	struct restore_plan *p = arg;

	switch (l->kind) {
	case LINE_TABLE:
		return add_table(p, l, e);
	case LINE_CHUNK:
	case LINE_MEMBER:
		return add_chunk(p, l, e);
	case LINE_SCHEMA:
	case LINE_ACCOUNT:
	case LINE_ROLE:
	case LINE_GRANT:
	case LINE_SEQUENCE:
	case LINE_VIEW:
	case LINE_ROUTINE:
	case LINE_TRIGGER:
	case LINE_EVENT:
		break;
	}
	return add_object(p, l, e);
}

/* --- putting it in order --- */

static int
by_size(const void *a, const void *b)
{
	const struct plan_table *x = a, *y = b;

	if (x->raw != y->raw)
		return x->raw > y->raw ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

struct number {
	uint32_t n, index;
};

static int
by_number(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return x->n < y->n ? -1 : x->n > y->n;
}

static int
by_table(const void *a, const void *b)
{
	const struct plan_chunk *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

/* Give each chunk its table's index; chunks of tables that were not asked for
 * are dropped. */
static int
settle(struct restore_plan *p, struct err *e)
{
	struct number *map = calloc(p->ntables + 1, sizeof(*map));
	const struct number *found;
	struct number want = {0};
	size_t i, kept = 0;
	int rc = 0;

	if (map == NULL)
		return nomem(e);
	for (i = 0; i < p->ntables; i++)
		map[i] = (struct number){ p->tables[i].n, (uint32_t)i };
	qsort(map, p->ntables, sizeof(*map), by_number);
	for (i = 1; i < p->ntables && rc == 0; i++)
		if (map[i].n == map[i - 1].n)
			rc = err_set(e, ERR_CORRUPT, 0, "the lists hold two "
			    "tables with number %u", (unsigned)map[i].n);
	for (i = 0; i < p->nchunks && rc == 0; i++) {
		want.n = p->chunks[i].number;
		found = bsearch(&want, map, p->ntables, sizeof(*map),
		    by_number);
		if (found == NULL) {
			free(p->chunks[i].object);
			free(p->chunks[i].first);
			p->chunks[i] = (struct plan_chunk){0};
			if (p->nrenames == 0)
				rc = err_set(e, ERR_CORRUPT, 0, "the lists "
				    "hold a chunk of table number %u, which "
				    "they do not", (unsigned)want.n);
			continue;
		}
		if (kept < i) {
			p->chunks[kept] = p->chunks[i];
			p->chunks[i] = (struct plan_chunk){0};
		}
		p->chunks[kept].table = found->index;
		p->tables[found->index].found += p->chunks[kept].object !=
		    NULL;
		p->stored += p->chunks[kept].size;
		kept++;
	}
	p->nchunks = rc == 0 ? kept : p->nchunks;
	free(map);
	return rc;
}

static int
by_target(const void *a, const void *b)
{
	const struct plan_table *x = *(const struct plan_table *const *)a;
	const struct plan_table *y = *(const struct plan_table *const *)b;
	int rc = strcmp(x->to_schema, y->to_schema);

	return rc != 0 ? rc : strcmp(x->to_name, y->to_name);
}

static int
check_whole(struct restore_plan *p, struct err *e)
{
	uint64_t *rows = calloc(p->ntables + 1, sizeof(*rows));
	struct plan_table *t;
	size_t i;
	int rc = 0;

	if (rows == NULL)
		return nomem(e);
	for (i = 0; i < p->nchunks; i++)
		rows[p->chunks[i].table] += p->chunks[i].rows;
	for (i = 0; i < p->ntables && rc == 0; i++) {
		t = &p->tables[i];
		if (t->found != t->chunks)
			rc = err_set(e, ERR_CORRUPT, 0, "table %s.%s: the "
			    "lists hold %u of its %u chunks", t->schema,
			    t->name, (unsigned)t->found, (unsigned)t->chunks);
		else if (rows[i] != t->rows)
			rc = err_set(e, ERR_CORRUPT, 0, "table %s.%s: the "
			    "lists hold %llu of its %llu rows", t->schema,
			    t->name, (unsigned long long)rows[i],
			    (unsigned long long)t->rows);
	}
	free(rows);
	return rc;
}

static int
check_picks(const struct restore_plan *p, struct err *e)
{
	const struct plan_rename *r;
	size_t i;

	for (i = 0; i < p->nrenames; i++) {
		r = &p->renames[i];
		if (!r->used)
			return err_set(e, ERR_NOTFOUND, 0, "backup %s/%s "
			    "holds no %s %s%s%s", p->head.source, p->head.id,
			    r->table != NULL ? "table" : "schema", r->schema,
			    r->table != NULL ? "." : "",
			    r->table != NULL ? r->table : "");
	}
	return 0;
}

/* No two tables may become one. */
static int
check_targets(const struct restore_plan *p, struct err *e)
{
	const struct plan_table **list;
	int rc = 0;
	size_t i;

	if (p->nrenames == 0 || p->ntables < 2)
		return 0;
	list = calloc(p->ntables, sizeof(*list));
	if (list == NULL)
		return nomem(e);
	for (i = 0; i < p->ntables; i++)
		list[i] = &p->tables[i];
	qsort(list, p->ntables, sizeof(*list), by_target);
	for (i = 1; i < p->ntables && rc == 0; i++)
		if (by_target(&list[i - 1], &list[i]) == 0)
			rc = err_set(e, ERR_USAGE, 0, "both %s.%s and %s.%s "
			    "would become %s.%s", list[i - 1]->schema,
			    list[i - 1]->name, list[i]->schema, list[i]->name,
			    list[i]->to_schema, list[i]->to_name);
	free(list);
	return rc;
}

/* The target's schema of an object, or of what belongs to a table. */
static const char *
schema_of(const struct restore_plan *p, const char *schema, const char *table)
{
	const struct plan_rename *r = restore_plan_pick_of(p, schema, table);

	return r != NULL ? r->to_schema : schema;
}

int
restore_plan_read(struct store *s, struct restore_plan *p, struct err *e)
{
	struct plan_object *o;
	struct plan_table *t;
	size_t i;

	if (list_read(s, &p->head, each, p, e) != 0)
		return err_wrap(e, "%s/%s", p->head.source, p->head.id);
	if (p->ntables > 0)
		qsort(p->tables, p->ntables, sizeof(*p->tables), by_size);
	if (settle(p, e) != 0 || check_whole(p, e) != 0)
		return err_wrap(e, "%s/%s", p->head.source, p->head.id);
	if (check_picks(p, e) != 0)
		return -1;
	if (p->nchunks > 0)
		qsort(p->chunks, p->nchunks, sizeof(*p->chunks), by_table);
	for (i = 0; i < p->ntables; i++) {
		t = &p->tables[i];
		t->to_schema = schema_of(p, t->schema, t->name);
		t->to_name = restore_plan_table(p, t->schema, t->name);
	}
	for (i = 0; i < p->nobjects; i++) {
		o = &p->objects[i];
		o->to_schema = schema_of(p, o->schema,
		    o->kind == LINE_TRIGGER ? o->table : NULL);
	}
	p->part = p->nrenames > 0;
	return check_targets(p, e);
}

void
restore_plan_free(struct restore_plan *p)
{
	struct plan_table *t;
	struct plan_object *o;
	size_t i, k;

	for (i = 0; i < p->ntables; i++) {
		t = &p->tables[i];
		for (k = 0; k < t->ncolumns; k++)
			free(t->columns[k].name);
		free(t->columns);
		free(t->schema);
		free(t->name);
		free(t->engine);
		free(t->later);
		free(t->keys);
	}
	for (i = 0; i < p->nchunks; i++) {
		free(p->chunks[i].object);
		free(p->chunks[i].first);
	}
	for (i = 0; i < p->nobjects; i++) {
		o = &p->objects[i];
		free(o->schema);
		free(o->name);
		free(o->type);
		free(o->table);
		free(o->ddl);
		schema_context_free(&o->context);
	}
	for (i = 0; i < p->nrenames; i++) {
		free(p->renames[i].schema);
		free(p->renames[i].table);
		free(p->renames[i].to_schema);
		free(p->renames[i].to_table);
	}
	free(p->tables);
	free(p->chunks);
	free(p->objects);
	free(p->renames);
	head_free(&p->head);
	*p = (struct restore_plan){0};
}
