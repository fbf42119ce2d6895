/* SPDX-License-Identifier: Apache-2.0 */
/* rowsql_value: values of row images as literals, and what finds them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/shape.h"

#include "restore/rowsql_impl.h"

static bool
is_printable(const char *p, size_t n, bool utf8)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f ||
		    ((unsigned char)p[i] >= 0x80 && !utf8))
			return false;
	return true;
}

/* Text in its column's own character set. */
static void
text_literal(const struct rowsql_text *x, const struct shape_column *c,
    const struct rows_value *v, struct buf *out)
{
	bool utf8 = strncmp(c->charset, "utf8", 4) == 0;
	/* These hold no ASCII as such. */
	bool wide = strncmp(c->charset, "ucs2", 4) == 0 ||
	    strncmp(c->charset, "utf16", 5) == 0 ||
	    strncmp(c->charset, "utf32", 5) == 0;

	if (x->readable && !wide && is_printable(v->data, v->len, utf8)) {
		sql_string(out, v->data, v->len);
	} else {
		buf_addf(out, "_%s ", c->charset);
		sql_hex(out, v->data, v->len);
	}
}

static int
only_a_part(const struct shape_column *c, struct err *e)
{
	return err_set(e, ERR_USAGE, 0, "column %s: the log has only a part "
	    "of its value (binlog_row_value_options)", c->name);
}

/* A value to write. */
int
rowsql_value(const struct rowsql_text *x, size_t i, const struct rows_value *v,
    struct buf *out, struct err *e)
{
	const struct shape_column *c = &x->shape->columns[i];

	switch (v->form) {
	case ROWS_NULL:
		buf_adds(out, "NULL");
		return 0;
	case ROWS_NUMBER:
		buf_add(out, v->data, v->len);
		return 0;
	case ROWS_JSON:
		if (x->readable) {
			sql_string(out, v->data, v->len);
			return 0;
		}
		buf_adds(out, "CONVERT(");
		sql_hex(out, v->data, v->len);
		buf_adds(out, " USING utf8mb4)");
		return 0;
	case ROWS_TEXT:
	case ROWS_BYTES:
	case ROWS_GEOMETRY:
		break;
	case ROWS_ABSENT:
	case ROWS_CHANGE:
		(void)only_a_part(c, e);
		return err_hint(e, "use --replay=serve, or a user who may run "
		    "BINLOG statements");
	}
	if (c->type == SHAPE_TEXT && c->charset != NULL && x->readable)
		text_literal(x, c, v, out);
	else if (c->type == SHAPE_PLAIN)
		sql_string(out, v->data, v->len);
	else if (x->readable)
		sql_hex(out, v->data, v->len);
	else {
		/* Bytes as they are: no character set may touch them. */
		buf_adds(out, "_binary ");
		sql_string(out, v->data, v->len);
	}
	return 0;
}

/* --- conditions --- */

/* A FLOAT is compared as the DOUBLE that it is exactly. */
static void
compare_float(const struct shape_column *c, const struct rows_value *v,
    struct buf *out)
{
	char text[64], *end;

	(void)snprintf(text, sizeof(text), "%.*s", (int)(v->len < 60 ?
	    v->len : 60), v->data);
	sql_ident(out, c->name);
	buf_addf(out, "*1e0=%.17ge0", (double)strtof(text, &end));
}

static void
compare_cast(const struct shape_column *c, const struct rows_value *v,
    const char *type, struct buf *out)
{
	buf_adds(out, "CAST(");
	sql_ident(out, c->name);
	buf_addf(out, " AS %s)=", type);
	sql_hex(out, v->data, v->len);
}

/* A key's columns are compared so that the key serves to find the row. */
static void
compare_key(const struct rowsql_text *x, const struct shape_column *c,
    const struct rows_value *v, struct buf *out)
{
	sql_ident(out, c->name);
	buf_addc(out, '=');
	if (v->form == ROWS_NUMBER)
		buf_add(out, v->data, v->len);
	else if (c->type == SHAPE_TEXT && c->charset != NULL)
		text_literal(x, c, v, out);
	else if (c->type == SHAPE_PLAIN)
		sql_string(out, v->data, v->len);
	else
		sql_hex(out, v->data, v->len);
}

/* All others to the last byte. */
int
rowsql_compare(const struct rowsql_text *x, size_t i, const struct rows_value *v,
    struct buf *out, struct err *e)
{
	const struct shape_column *c = &x->shape->columns[i];

	if (v->form == ROWS_ABSENT)
		return err_set(e, ERR_USAGE, 0, "column %s: the log does not "
		    "have its value (binlog_row_image is not full)", c->name);
	if (v->form == ROWS_CHANGE)
		return only_a_part(c, e);
	if (v->form == ROWS_NULL) {
		sql_ident(out, c->name);
		buf_adds(out, " IS NULL");
	} else if (c->key && x->shape->keyed) {
		compare_key(x, c, v, out);
	} else if (c->type == SHAPE_FLOAT) {
		compare_float(c, v, out);
	} else if (c->type == SHAPE_NUMBER) {
		sql_ident(out, c->name);
		buf_adds(out, "+0=");
		buf_add(out, v->data, v->len);
	} else if (c->type == SHAPE_TEXT && x->readable &&
	    is_printable(v->data, v->len, false)) {
		/* Readable and yet exact. */
		buf_adds(out, "CAST(");
		sql_ident(out, c->name);
		buf_adds(out, " AS BINARY)=");
		sql_string(out, v->data, v->len);
	} else if (c->type == SHAPE_TEXT || c->type == SHAPE_OPAQUE) {
		compare_cast(c, v, "BINARY", out);
	} else if (c->type == SHAPE_JSON) {
		/* By bytes: collations call other texts equal. */
		buf_adds(out, "CAST(CONVERT(");
		sql_ident(out, c->name);
		buf_adds(out, " USING utf8mb4) AS BINARY)=");
		sql_hex(out, v->data, v->len);
	} else if (v->form == ROWS_NUMBER) {
		sql_ident(out, c->name);
		buf_addc(out, '=');
		buf_add(out, v->data, v->len);
	} else {
		sql_ident(out, c->name);
		buf_addc(out, '=');
		if (c->type == SHAPE_PLAIN)
			sql_string(out, v->data, v->len);
		else
			sql_hex(out, v->data, v->len);
	}
	return 0;
}

int
rowsql_where(const struct rowsql_text *x, const struct rows_value *row,
    bool whole, struct buf *out, struct err *e)
{
	const struct shape *s = x->shape;
	bool first = true;
	size_t i;

	whole |= !s->keyed;
	for (i = 0; i < s->ncolumns; i++) {
		if (!(s->keyed && s->columns[i].key) && (!whole ||
		    s->columns[i].generated))
			continue;
		if (!first)
			buf_adds(out, " AND ");
		first = false;
		if (rowsql_compare(x, i, &row[i], out, e) != 0)
			return -1;
	}
	return 0;
}
