/* SPDX-License-Identifier: Apache-2.0 */
/* schema_table: one table's columns, conversions and key. */
#define _GNU_SOURCE	/* strcasestr */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/schema.h"

static char *
first_word(const char *type)
{
	return strndup(type, strcspn(type, "( "));
}

static bool
is_integer(const char *type)
{
	return strcmp(type, "tinyint") == 0 || strcmp(type, "smallint") == 0 ||
	    strcmp(type, "mediumint") == 0 || strcmp(type, "int") == 0 ||
	    strcmp(type, "bigint") == 0;
}

static enum conversion
conversion_of(const struct flavour *f, const char *type, const char *whole)
{
	/* FLOAT prints six digits; with (M,D) its text is exact. */
	if (strcmp(type, "float") == 0)
		return strchr(whole, '(') == NULL ? CONVERSION_FLOAT :
		    CONVERSION_PLAIN;
	if (strcmp(type, "enum") == 0 || strcmp(type, "set") == 0)
		return CONVERSION_NUMBER;
	if (f->kind == FLAVOUR_MYSQL)
		return strcmp(type, "json") == 0 ? CONVERSION_JSON :
		    CONVERSION_PLAIN;
	return strcmp(type, "inet4") == 0 || strcmp(type, "inet6") == 0 ||
	    strcmp(type, "uuid") == 0 ? CONVERSION_ASCII : CONVERSION_PLAIN;
}

static struct schema_column *
add_column(struct schema_table *t, const char *name, const char *type,
    struct err *e)
{
	struct schema_column *columns, *c;

	columns = realloc(t->columns, (t->ncolumns + 1) * sizeof(*columns));
	if (columns == NULL)
		goto nomem;
	t->columns = columns;
	c = &columns[t->ncolumns];
	*c = (struct schema_column){ .name = strdup(name),
	    .type = first_word(type) };
	t->ncolumns++;
	if (c->name == NULL || c->type == NULL)
		goto nomem;
	return c;

nomem:	(void)err_set(e, ERR_NOMEM, 0, "columns");
	return NULL;
}

/* SHOW FULL COLUMNS: Field, Type, Collation, Null, Key, Default, Extra. */
static int
read_columns(struct conn *c, const struct flavour *f, struct schema_table *t,
    const char *table, struct err *e)
{
	struct result *r = conn_queryf(c, e, "SHOW FULL COLUMNS FROM %s",
	    table);
	struct schema_column *col;
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1) {
		if (row[6] != NULL &&
		    strcasestr(row[6], "DEFAULT_GENERATED") == NULL &&
		    strcasestr(row[6], "GENERATED") != NULL)
			continue;
		if (row[6] != NULL && strcasestr(row[6], "DEFAULT_GENERATED") !=
		    NULL && (strcasestr(row[6], "VIRTUAL GENERATED") != NULL ||
		    strcasestr(row[6], "STORED GENERATED") != NULL))
			continue;
		col = add_column(t, row[0], row[1], e);
		if (col == NULL) {
			got = -1;
			break;
		}
		col->as = conversion_of(f, col->type, row[1]);
		col->key_number = is_integer(col->type);
		col->is_unsigned = strstr(row[1], "unsigned") != NULL;
		if (row[2] != NULL && strcmp(row[2], "binary") != 0) {
			col->key_text = true;
			col->charset = strndup(row[2], strcspn(row[2], "_"));
		}
	}
	result_free(r);
	return got;
}

/* MariaDB's system versioning: the period columns, under their own names or
 * the hidden ones. */
static int
read_period(struct conn *c, struct schema_table *t, struct err *e)
{
	struct buf sql = {0};
	struct result *r = NULL;
	struct schema_column *col;
	unsigned long *len;
	char **row;
	int got = -1;
	size_t before = t->ncolumns;

	buf_adds(&sql, "SELECT TABLE_TYPE FROM information_schema.TABLES WHERE "
	    "TABLE_SCHEMA=_utf8mb4");
	sql_string(&sql, t->schema, strlen(t->schema));
	buf_adds(&sql, " AND TABLE_NAME=_utf8mb4");
	sql_string(&sql, t->name, strlen(t->name));
	r = conn_query(c, buf_str(&sql), true, e);
	if (r == NULL)
		goto out;
	got = result_next(r, &row, &len, e);
	if (got == 1 && strcmp(row[0], "SYSTEM VERSIONED") == 0)
		t->versioned = true;
	result_free(r);
	r = NULL;
	if (got < 0 || !t->versioned)
		goto out;
	buf_clear(&sql);
	buf_adds(&sql, "SELECT COLUMN_NAME,COLUMN_TYPE FROM "
	    "information_schema.COLUMNS WHERE GENERATION_EXPRESSION IN "
	    "('ROW START','ROW END') AND TABLE_SCHEMA=_utf8mb4");
	sql_string(&sql, t->schema, strlen(t->schema));
	buf_adds(&sql, " AND TABLE_NAME=_utf8mb4");
	sql_string(&sql, t->name, strlen(t->name));
	buf_adds(&sql, " ORDER BY GENERATION_EXPRESSION DESC");
	r = conn_query(c, buf_str(&sql), true, e);
	if (r == NULL)
		goto out;
	while ((got = result_next(r, &row, &len, e)) == 1) {
		col = add_column(t, row[0], row[1], e);
		if (col == NULL)
			goto out;
	}
	if (got == 0 && t->ncolumns == before &&
	    (add_column(t, "row_start", "timestamp", e) == NULL ||
	    add_column(t, "row_end", "timestamp", e) == NULL))
		got = -1;
out:	result_free(r);
	buf_free(&sql);
	return got < 0 ? -1 : 0;
}

static int
column_index(const struct schema_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		if (strcasecmp(t->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

struct key_try {
	char *name;
	size_t *columns, n;
	bool usable;
};

static void
key_fini(struct key_try *k)
{
	free(k->name);
	free(k->columns);
	*k = (struct key_try){0};
}

/* The first usable unique key wins; the server lists PRIMARY first. */
static void
key_settle(struct schema_table *t, struct key_try *k)
{
	if (k->name != NULL && k->usable && t->nkey == 0) {
		t->key = k->columns;
		t->nkey = k->n;
		t->key_name = k->name;
		*k = (struct key_try){0};
	}
	key_fini(k);
}

static int
key_part(struct schema_table *t, struct key_try *k, const char *column,
    struct err *e)
{
	size_t *columns = realloc(k->columns, (k->n + 1) * sizeof(*columns));
	int at;

	if (columns == NULL)
		return err_set(e, ERR_NOMEM, 0, "key");
	k->columns = columns;
	at = column == NULL ? -1 : column_index(t, column);
	if (at < 0 || strcmp(t->columns[at].type, "float") == 0 ||
	    strcmp(t->columns[at].type, "double") == 0) {
		k->usable = false;
		return 0;
	}
	columns[k->n++] = (size_t)at;
	return 0;
}

static int
read_keys(struct conn *c, struct schema_table *t, const char *table,
    struct err *e)
{
	struct result *r = conn_queryf(c, e, "SHOW INDEX FROM %s", table);
	struct key_try k = {0};
	int name, unique, column, part, null, kind, visible, got = -1;
	unsigned long *len;
	char **row;

	if (r == NULL)
		return -1;
	name = result_find(r, "Key_name");
	unique = result_find(r, "Non_unique");
	column = result_find(r, "Column_name");
	part = result_find(r, "Sub_part");
	null = result_find(r, "Null");
	kind = result_find(r, "Index_type");
	visible = result_find(r, "Visible");
	if (name < 0 || unique < 0 || column < 0 || part < 0 || null < 0 ||
	    kind < 0) {
		(void)err_set(e, ERR_IO, 0, "SHOW INDEX lacks a column");
		goto out;
	}
	while ((got = result_next(r, &row, &len, e)) == 1) {
		if (k.name == NULL || strcmp(k.name, row[name]) != 0) {
			key_settle(t, &k);
			k.name = strdup(row[name]);
			k.usable = k.name != NULL;
		}
		if (strcmp(row[unique], "0") != 0 || row[part] != NULL ||
		    (row[null] != NULL && strcmp(row[null], "YES") == 0) ||
		    strcmp(row[kind], "BTREE") != 0 ||
		    (visible >= 0 && row[visible] != NULL &&
		    strcmp(row[visible], "NO") == 0))
			k.usable = false;
		if (key_part(t, &k, row[column], e) != 0) {
			got = -1;
			break;
		}
	}
	key_settle(t, &k);
out:	key_fini(&k);
	result_free(r);
	return got;
}

int
schema_table_read(struct conn *c, const struct flavour *f,
    const char *schema, const char *name, struct schema_table *t,
    struct err *e)
{
	struct buf table = {0};
	int rc = -1;

	*t = (struct schema_table){ .schema = strdup(schema),
	    .name = strdup(name) };
	sql_ident(&table, schema);
	buf_addc(&table, '.');
	sql_ident(&table, name);
	if (t->schema == NULL || t->name == NULL ||
	    buf_check(&table, "name", e) != 0)
		(void)err_set(e, ERR_NOMEM, 0, "table");
	else if (read_columns(c, f, t, buf_str(&table), e) == 0 &&
	    (f->kind != FLAVOUR_MARIADB || read_period(c, t, e) == 0) &&
	    read_keys(c, t, buf_str(&table), e) == 0)
		rc = 0;
	buf_free(&table);
	return rc;
}

void
schema_table_free(struct schema_table *t)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		free(t->columns[i].name);
		free(t->columns[i].type);
		free(t->columns[i].charset);
	}
	free(t->columns);
	free(t->schema);
	free(t->name);
	free(t->engine);
	free(t->key);
	free(t->key_name);
	*t = (struct schema_table){0};
}
