/* SPDX-License-Identifier: Apache-2.0 */
/* rowsql: row images as INSERT, UPDATE and DELETE statements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/rows.h"
#include "restore/batch.h"
#include "restore/shape.h"

#include "restore/rowsql_impl.h"

#define UTF8MB4	45	/* utf8mb4_general_ci, on every server */
/* NO_AUTO_VALUE_ON_ZERO, STRICT_TRANS_TABLES, STRICT_ALL_TABLES,
 * ALLOW_INVALID_DATES, NO_ENGINE_SUBSTITUTION */
#define SQL_MODE 0x42680000u
#define NO_CHECKS (1u << 15)	/* MariaDB's CHECKs: the source has checked */

const struct statement_state rowsql_state = {
	.flags = NO_CHECKS, .sql_mode = SQL_MODE, .increment = 1, .offset = 1,
	.client = UTF8MB4, .connection = UTF8MB4, .server = UTF8MB4,
	.explicit_timestamp = -1, .require_key = -1, .encryption = -1,
	.zone = "+00:00",
};

int
rowsql_check(const struct shape *s, struct err *e)
{
	if (s->sequence)
		return err_set(e, ERR_USAGE, 0, "a sequence cannot be set row "
		    "by row");
	if (s->versioned)
		return err_set(e, ERR_USAGE, 0, "it is system versioned: the "
		    "server would write history of its own");
	if (s->triggers > 0) {
		(void)err_set(e, ERR_USAGE, 0, "its %u trigger%s would fire, "
		    "and what they did is in the log too", s->triggers,
		    s->triggers == 1 ? "" : "s");
		return err_hint(e, "drop them for the time");
	}
	return 0;
}

int
rowsql_match(const struct shape *s, struct rows_table *t, struct err *e)
{
	struct rows_column *c;
	size_t i;

	if (s->ncolumns != t->ncolumns)
		return err_set(e, ERR_USAGE, 0, "it has %zu columns now, %zu "
		    "in the log", s->ncolumns, t->ncolumns);
	for (i = 0; i < s->ncolumns; i++) {
		c = &t->columns[i];
		if (c->name != NULL && strcasecmp(c->name,
		    s->columns[i].name) != 0)
			return err_set(e, ERR_USAGE, 0, "its column %zu is %s "
			    "now, %s in the log", i + 1, s->columns[i].name,
			    c->name);
		if (s->columns[i].type == SHAPE_BYTES)
			c->collation = ROWS_BINARY;
		/* MariaDB's old formats do not tell their fraction. */
		if (c->type == 7 || c->type == 11 || c->type == 12)
			c->meta = (uint16_t)s->columns[i].digits;
	}
	return 0;
}

/* --- statements --- */

static void
table_name(const struct shape *s, struct buf *out)
{
	sql_ident(out, s->schema);
	buf_addc(out, '.');
	sql_ident(out, s->table);
}

/* An ENUM's index 0 is written with a warning, under IGNORE. */
static bool
is_index0(const struct shape_column *c, const struct rows_value *v)
{
	return c->is_enum && v->form == ROWS_NUMBER && v->len == 1 &&
	    *v->data == '0';
}

static bool
written(const struct shape *s, size_t i, const struct rows_value *row)
{
	return !s->columns[i].generated && row[i].form != ROWS_ABSENT;
}

static void
insert_head(const struct shape *s, const struct rows_value *row,
    unsigned *warnings, struct buf *out)
{
	bool first = true;
	size_t i;

	*warnings = 0;
	for (i = 0; i < s->ncolumns; i++)
		*warnings += is_index0(&s->columns[i], &row[i]);
	buf_adds(out, *warnings > 0 ? "INSERT IGNORE INTO " : "INSERT INTO ");
	table_name(s, out);
	buf_adds(out, " (");
	for (i = 0; i < s->ncolumns; i++) {
		if (!written(s, i, row))
			continue;
		if (!first)
			buf_addc(out, ',');
		first = false;
		sql_ident(out, s->columns[i].name);
	}
	buf_adds(out, ") VALUES ");
}

static int
insert_values(const struct rowsql_text *x, const struct rows_value *row,
    struct buf *out, struct err *e)
{
	const struct shape *s = x->shape;
	bool first = true;
	size_t i;

	buf_addc(out, '(');
	for (i = 0; i < s->ncolumns; i++) {
		if (!written(s, i, row))
			continue;
		if (!first)
			buf_addc(out, ',');
		first = false;
		if (rowsql_value(x, i, &row[i], out, e) != 0)
			return -1;
	}
	buf_addc(out, ')');
	return 0;
}

int
rowsql_insert(const struct rowsql_text *x, const struct rows_value *row,
    struct buf *out, unsigned *warnings, struct err *e)
{
	insert_head(x->shape, row, warnings, out);
	return insert_values(x, row, out, e);
}

static bool
same(const struct rows_value *a, const struct rows_value *b)
{
	return a->form == b->form && a->len == b->len && (a->len == 0 ||
	    memcmp(a->data, b->data, a->len) == 0);
}

/* Must the column be set? One that changes by itself is, to what it was. */
static bool
is_set(const struct shape *s, size_t i, const struct rows_value *before,
    const struct rows_value *after)
{
	return written(s, i, after) && (!same(&before[i], &after[i]) ||
	    s->columns[i].on_update);
}

int
rowsql_update(const struct rowsql_text *x, const struct rows_value *before,
    const struct rows_value *after, struct buf *out, unsigned *warnings,
    struct err *e)
{
	const struct shape *s = x->shape;
	bool any = false, all, first = true;
	size_t i;

	*warnings = 0;
	for (i = 0; i < s->ncolumns; i++)
		any |= is_set(s, i, before, after);
	all = !any;
	for (i = 0; i < s->ncolumns; i++)
		if (is_set(s, i, before, after))
			*warnings += is_index0(&s->columns[i], &after[i]);
	buf_adds(out, *warnings > 0 ? "UPDATE IGNORE " : "UPDATE ");
	table_name(s, out);
	buf_adds(out, " SET ");
	for (i = 0; i < s->ncolumns; i++) {
		if (!(all ? written(s, i, after) : is_set(s, i, before,
		    after)))
			continue;
		if (!first)
			buf_addc(out, ',');
		first = false;
		sql_ident(out, s->columns[i].name);
		buf_addc(out, '=');
		if (rowsql_value(x, i, &after[i], out, e) != 0)
			return -1;
	}
	buf_adds(out, " WHERE ");
	if (rowsql_where(x, before, false, out, e) != 0)
		return -1;
	for (i = 0; x->guard && s->keyed && i < s->ncolumns; i++)
		if (is_set(s, i, before, after) && !s->columns[i].key) {
			buf_adds(out, " AND ");
			if (rowsql_compare(x, i, &before[i], out, e) != 0)
				return -1;
		}
	buf_adds(out, s->keyed ? "" : " LIMIT 1");
	return 0;
}

int
rowsql_delete(const struct rowsql_text *x, const struct rows_value *row,
    struct buf *out, struct err *e)
{
	buf_adds(out, "DELETE FROM ");
	table_name(x->shape, out);
	buf_adds(out, " WHERE ");
	if (rowsql_where(x, row, x->guard, out, e) != 0)
		return -1;
	buf_adds(out, x->shape->keyed ? "" : " LIMIT 1");
	return 0;
}

/* --- a rows event --- */

/* INSERTs of the same columns are joined. */
struct joined {
	struct buf sql;
	uint64_t rows;
	size_t head;
};

static int
put(struct batch *b, const struct rowsql_opts *o, const struct buf *sql,
    uint64_t rows, unsigned warnings, struct err *e)
{
	struct buf *to;

	if (b->sql.len > 0 && b->sql.len + sql->len > o->max &&
	    batch_flush(b, e) != 0)
		return -1;
	to = batch_rows(b, rows, warnings);
	buf_add(to, sql->data, sql->len);
	to->failed |= sql->failed;
	return 0;
}

static int
put_joined(struct batch *b, const struct rowsql_opts *o, struct joined *j,
    struct err *e)
{
	int rc = j->rows == 0 ? 0 : put(b, o, &j->sql, j->rows, 0, e);

	buf_clear(&j->sql);
	j->rows = 0;
	return rc;
}

static int
join(struct batch *b, const struct rowsql_opts *o, struct joined *j,
    const struct rows_value *row, struct err *e)
{
	const struct rowsql_text x = { .shape = o->shape };
	unsigned warnings = 0;

	if (j->rows > 0 && j->sql.len >= o->max && put_joined(b, o, j,
	    e) != 0)
		return -1;
	if (j->rows == 0) {
		insert_head(o->shape, row, &warnings, &j->sql);
		j->head = j->sql.len;
	} else {
		buf_addc(&j->sql, ',');
	}
	if (insert_values(&x, row, &j->sql, e) != 0)
		return -1;
	j->rows++;
	return 0;
}

static bool
has_index0(const struct shape *s, const struct rows_value *row)
{
	size_t i;

	for (i = 0; i < s->ncolumns; i++)
		if (is_index0(&s->columns[i], &row[i]))
			return true;
	return false;
}

static int
one_row(struct batch *b, const struct rowsql_opts *o, struct joined *j,
    const struct rows_value *before, const struct rows_value *after,
    struct err *e)
{
	const struct rowsql_text x = { .shape = o->shape };
	struct buf sql = {0};
	unsigned warnings = 0;
	int rc;

	/* Rows of one event have all the same columns. */
	if (before == NULL && !has_index0(o->shape, after))
		return join(b, o, j, after, e);
	if (put_joined(b, o, j, e) != 0)
		return -1;
	if (before == NULL)
		rc = rowsql_insert(&x, after, &sql, &warnings, e);
	else if (after == NULL)
		rc = rowsql_delete(&x, before, &sql, e);
	else
		rc = rowsql_update(&x, before, after, &sql, &warnings, e);
	if (rc == 0)
		rc = put(b, o, &sql, 1, warnings, e);
	buf_free(&sql);
	return rc;
}

int
rowsql_apply(const struct rowsql_opts *o, const struct rows_table *t,
    const struct rows_event *r, struct batch *b, struct err *e)
{
	struct rows_reader *reader = rows_reader_new(t, r,
	    o->shape->unsigned_columns, e);
	const struct rows_value *before, *after;
	struct joined j = {0};
	int got;

	if (reader == NULL)
		return -1;
	while ((got = rows_next(reader, &before, &after, e)) == 1)
		if (one_row(b, o, &j, before, after, e) != 0) {
			got = -1;
			break;
		}
	if (got == 0)
		got = put_joined(b, o, &j, e);
	buf_free(&j.sql);
	rows_reader_free(reader);
	return got;
}
