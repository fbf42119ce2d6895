/* SPDX-License-Identifier: Apache-2.0 */
/* shape: tables as a server has them now. */
#define _GNU_SOURCE	/* strcasestr */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/schema.h"

#include "restore/shape.h"

struct shapes {
	struct shape **list;	/* by name */
	size_t n, cap;
};

struct shapes *
shapes_new(struct err *e)
{
	struct shapes *s = calloc(1, sizeof(*s));

	if (s == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "tables");
	return s;
}

static void
shape_free(struct shape *t)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		free(t->columns[i].name);
		free(t->columns[i].charset);
	}
	free(t->columns);
	free(t->unsigned_columns);
	free(t->schema);
	free(t->table);
	free(t);
}

/* --- what the server says --- */

/* "head schema AND name=table tail" */
static struct result *
look(struct conn *c, const char *head, const char *name, const char *schema,
    const char *table, struct err *e)
{
	struct buf sql = {0};
	struct result *r = NULL;

	buf_adds(&sql, head);
	buf_adds(&sql, "_utf8mb4");
	sql_string(&sql, schema, strlen(schema));
	buf_addf(&sql, " AND %s=_utf8mb4", name);
	sql_string(&sql, table, strlen(table));
	if (buf_check(&sql, "table", e) == 0)
		r = conn_query(c, buf_str(&sql), true, e);
	buf_free(&sql);
	return r;
}

static int
read_table(struct conn *c, struct shape *t, struct err *e)
{
	struct result *r = look(c, "SELECT T.TABLE_TYPE, E.TRANSACTIONS FROM "
	    "information_schema.TABLES T LEFT JOIN information_schema.ENGINES "
	    "E ON E.ENGINE=T.ENGINE WHERE T.TABLE_SCHEMA=", "T.TABLE_NAME",
	    t->schema, t->table, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1) {
		t->transactional = row[1] != NULL &&
		    strcmp(row[1], "YES") == 0;
		t->versioned = row[0] != NULL &&
		    strcmp(row[0], "SYSTEM VERSIONED") == 0;
		t->sequence = row[0] != NULL &&
		    strcmp(row[0], "SEQUENCE") == 0;
	} else if (got == 0) {
		got = err_set(e, ERR_NOTFOUND, 0, "the target has no table "
		    "%s.%s", t->schema, t->table);
	}
	result_free(r);
	return got == 1 ? 0 : -1;
}

static int
read_triggers(struct conn *c, struct shape *t, struct err *e)
{
	struct result *r = look(c, "SELECT COUNT(*) FROM "
	    "information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA=",
	    "EVENT_OBJECT_TABLE", t->schema, t->table, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1)
		t->triggers = (unsigned)strtoul(row[0], NULL, 10);
	result_free(r);
	return got < 0 ? -1 : 0;
}

static enum shape_type
type_of(const struct flavour *f, const char *type, const char *collation)
{
	static const struct {
		const char *name;
		enum shape_type type;
	} types[] = {
		{ "float", SHAPE_FLOAT }, { "enum", SHAPE_NUMBER },
		{ "set", SHAPE_NUMBER }, { "bit", SHAPE_NUMBER },
		{ "year", SHAPE_NUMBER },
		{ "binary", SHAPE_BYTES }, { "varbinary", SHAPE_BYTES },
		{ "tinyblob", SHAPE_BYTES }, { "blob", SHAPE_BYTES },
		{ "mediumblob", SHAPE_BYTES }, { "longblob", SHAPE_BYTES },
		{ "inet4", SHAPE_BYTES }, { "inet6", SHAPE_BYTES },
		{ "uuid", SHAPE_BYTES }, { "vector", SHAPE_OPAQUE },
		{ "geometry", SHAPE_OPAQUE }, { "point", SHAPE_OPAQUE },
		{ "linestring", SHAPE_OPAQUE }, { "polygon", SHAPE_OPAQUE },
		{ "multipoint", SHAPE_OPAQUE },
		{ "multilinestring", SHAPE_OPAQUE },
		{ "multipolygon", SHAPE_OPAQUE },
		{ "geometrycollection", SHAPE_OPAQUE },
		{ "geomcollection", SHAPE_OPAQUE },
	};
	size_t n = strcspn(type, "( "), i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == n &&
		    strncasecmp(types[i].name, type, n) == 0)
			return types[i].type;
	if (n == 4 && strncasecmp(type, "json", n) == 0 &&
	    f->kind == FLAVOUR_MYSQL)
		return SHAPE_JSON;
	return collation != NULL ? SHAPE_TEXT : SHAPE_PLAIN;
}

/* EXTRA of a column that the server computes; "DEFAULT_GENERATED" is of one
 * whose default is an expression. */
static bool
is_generated(const char *extra)
{
	return strcasestr(extra, "VIRTUAL GENERATED") != NULL ||
	    strcasestr(extra, "STORED GENERATED") != NULL ||
	    strcasestr(extra, "PERSISTENT GENERATED") != NULL;
}

static int
add_column(const struct flavour *f, struct shape *t, char **row,
    struct err *e)
{
	struct shape_column *list, *c;
	const char *extra = row[6] == NULL ? "" : row[6];

	list = realloc(t->columns, (t->ncolumns + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "columns");
	t->columns = list;
	c = &list[t->ncolumns++];
	*c = (struct shape_column){ .name = strdup(row[0]),
		.type = type_of(f, row[1], row[2]),
		.is_enum = strncmp(row[1], "enum(", 5) == 0,
		.is_unsigned = strstr(row[1], "unsigned") != NULL,
		.generated = is_generated(extra),
		.on_update = strcasestr(extra, "on update") != NULL };
	if (c->type == SHAPE_PLAIN && strchr(row[1], '(') != NULL)
		c->digits = (unsigned)strtoul(strchr(row[1], '(') + 1, NULL,
		    10);
	if (row[2] != NULL && strcmp(row[2], "binary") != 0)
		c->charset = strndup(row[2], strcspn(row[2], "_"));
	return c->name == NULL ? err_set(e, ERR_NOMEM, 0, "columns") : 0;
}

static int
read_columns(struct conn *c, const struct flavour *f, struct shape *t,
    struct err *e)
{
	struct buf name = {0};
	struct result *r = NULL;
	unsigned long *len;
	char **row;
	int got = -1;

	sql_ident(&name, t->schema);
	buf_addc(&name, '.');
	sql_ident(&name, t->table);
	if (buf_check(&name, "table", e) == 0)
		r = conn_queryf(c, e, "SHOW FULL COLUMNS FROM %s",
		    buf_str(&name));
	buf_free(&name);
	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (add_column(f, t, row, e) != 0) {
			got = -1;
			break;
		}
	result_free(r);
	return got;
}

static struct shape_column *
column(struct shape *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		if (strcasecmp(t->columns[i].name, name) == 0)
			return &t->columns[i];
	return NULL;
}

static int
read_key(struct conn *c, const struct flavour *f, struct shape *t,
    struct err *e)
{
	struct schema_table k = {0};
	struct shape_column *col;
	size_t i;
	int rc = schema_table_read(c, f, t->schema, t->table, &k, e);

	for (i = 0; rc == 0 && i < k.nkey; i++) {
		col = column(t, k.columns[k.key[i]].name);
		if (col != NULL)
			col->key = t->keyed = true;
	}
	for (i = 0; rc == 0 && i < t->ncolumns; i++)
		t->unsigned_columns[i] = t->columns[i].is_unsigned;
	schema_table_free(&k);
	return rc;
}

/* --- the list --- */

static struct shape *
find(const struct shapes *s, const char *schema, const char *table,
    size_t *at)
{
	size_t low = 0, high = s->n, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(s->list[middle]->schema, schema);
		if (order == 0)
			order = strcmp(s->list[middle]->table, table);
		if (order == 0)
			return s->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return NULL;
}

static int
insert(struct shapes *s, struct shape *t, size_t at, struct err *e)
{
	struct shape **list;

	if (s->n == s->cap) {
		list = realloc(s->list, (2 * s->cap + 16) * sizeof(*list));
		if (list == NULL)
			return err_set(e, ERR_NOMEM, 0, "tables");
		s->list = list;
		s->cap = 2 * s->cap + 16;
	}
	memmove(&s->list[at + 1], &s->list[at], (s->n - at) *
	    sizeof(*s->list));
	s->list[at] = t;
	s->n++;
	return 0;
}

static struct shape *
get(struct shapes *s, struct conn *c, const char *schema, const char *table,
    struct err *e)
{
	size_t at = 0;
	struct shape *t = find(s, schema, table, &at);

	if (t != NULL)
		return t;
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "tables");
		return NULL;
	}
	t->schema = strdup(schema);
	t->table = strdup(table);
	if (t->schema == NULL || t->table == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "tables");
		goto fail;
	}
	if (read_table(c, t, e) != 0 || insert(s, t, at, e) != 0)
		goto fail;
	return t;

fail:	shape_free(t);
	return NULL;
}

const struct shape *
shapes_get(struct shapes *s, struct conn *c, const char *schema,
    const char *table, struct err *e)
{
	return get(s, c, schema, table, e);
}

const struct shape *
shapes_columns(struct shapes *s, struct conn *c, const struct flavour *f,
    const char *schema, const char *table, struct err *e)
{
	struct shape *t = get(s, c, schema, table, e);

	if (t == NULL || t->unsigned_columns != NULL)
		return t;
	if (read_columns(c, f, t, e) != 0 || read_triggers(c, t, e) != 0)
		return NULL;
	t->unsigned_columns = calloc(t->ncolumns + 1, sizeof(bool));
	if (t->unsigned_columns == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "columns");
		return NULL;
	}
	return read_key(c, f, t, e) == 0 ? t : NULL;
}

void
shapes_clear(struct shapes *s)
{
	while (s->n > 0)
		shape_free(s->list[--s->n]);
}

void
shapes_free(struct shapes *s)
{
	if (s == NULL)
		return;
	shapes_clear(s);
	free(s->list);
	free(s);
}
