/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range: the key interval that one query reads.
 *
 * Bounds are values that stand in the table, found by seeking to points spread
 * over the value space between MIN and MAX, and put in order by the server:
 * its collation decides, never ours.  EXPLAIN (index dives) says how many rows
 * lie between two bounds.  Nothing is walked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"
#include "mysql/point.h"
#include "mysql/schema.h"

#include "mysql/range.h"

#define QUERIES_MAX	2000	/* seeks and dives for one table */
#define POINTS_MAX	64
#define DEPTH_MAX	4
#define RANGES_MAX	4096

struct split {
	struct conn *conn;
	const struct schema_table *table;
	uint64_t target;
	unsigned queries;
	struct range *list;
	size_t n, cap;
	struct buf from;		/* the table by its key */
	struct buf dive;		/* the same, to be explained */
};

/* A part of the key space: rows where the columns before col have one value
 * each (prefix, SQL or ""), and low <= col < high; NULL bounds are open. */
struct part {
	const char *prefix;
	size_t col;		/* which column of the key */
	const char *low, *high;	/* SQL literals */
	bool above;		/* low < col instead of <= */
	int depth;
};

static const struct schema_column *
column(const struct split *s, size_t col)
{
	return &s->table->columns[s->table->key[col]];
}

static void
where_of(const struct split *s, const struct part *p, struct buf *out)
{
	const char *name = column(s, p->col)->name, *and = "";

	buf_clear(out);
	if (p->prefix[0] != '\0') {
		buf_adds(out, p->prefix);
		and = " AND ";
	}
	if (p->low != NULL) {
		buf_adds(out, and);
		sql_ident(out, name);
		buf_addf(out, "%s%s", p->above ? ">" : ">=", p->low);
		and = " AND ";
	}
	if (p->high != NULL) {
		buf_adds(out, and);
		sql_ident(out, name);
		buf_addf(out, "<%s", p->high);
	}
}

static int
emit(struct split *s, const struct part *p, uint64_t rows, struct err *e)
{
	struct buf where = {0};
	struct range *list;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap == 0 ? 16 : s->cap * 2;
		list = realloc(s->list, cap * sizeof(*list));
		if (list == NULL)
			return err_set(e, ERR_NOMEM, 0, "ranges");
		s->list = list;
		s->cap = cap;
	}
	where_of(s, p, &where);
	if (buf_check(&where, "range", e) != 0) {
		buf_free(&where);
		return -1;
	}
	s->list[s->n++] = (struct range){
		.where = where.len == 0 ? NULL : strdup(where.data),
		.rows = rows,
	};
	if (where.len > 0 && s->list[s->n - 1].where == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "ranges");
	buf_free(&where);
	return e->code == ERR_NONE ? 0 : -1;
}

/* How many rows, as the server's index dives say.  With FORCE INDEX MySQL
 * leaves the dives out and says 1, so this asks with USE INDEX. */
static int
estimate(struct split *s, const struct part *p, uint64_t *rows,
    struct err *e)
{
	struct buf sql = {0}, where = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int at, part, got = -1;

	s->queries++;
	*rows = 0;
	where_of(s, p, &where);
	buf_addf(&sql, "EXPLAIN FORMAT=TRADITIONAL SELECT 1 %s%s%s",
	    buf_str(&s->dive), where.len > 0 ? " WHERE " : "",
	    buf_str(&where));
	r = buf_check(&sql, "EXPLAIN", e) != 0 ? NULL :
	    conn_query(s->conn, buf_str(&sql), true, e);
	if (r != NULL) {
		at = result_find(r, "rows");
		got = result_next(r, &row, &len, e);
		if (got == 1 && at >= 0 && row[at] != NULL)
			*rows = strtoull(row[at], NULL, 10);
		/* Where it would rather scan all, the percentage of that. */
		part = result_find(r, "filtered");
		if (got == 1 && part >= 0 && row[part] != NULL)
			*rows = (uint64_t)((double)*rows *
			    strtod(row[part], NULL) / 100.0);
	}
	result_free(r);
	buf_free(&sql);
	buf_free(&where);
	return got < 0 ? -1 : 0;
}

/* A literal as an owned string; NULL when out of memory. */
static char *
literal(const struct schema_column *c, const char *value, size_t n)
{
	struct buf b = {0};

	point_literal(c, value, n, &b);
	if (b.failed)
		buf_free(&b);
	return b.data;
}

/* The first and last value of a part: 1, 0 when it is empty, -1. */
static int
ends(struct split *s, const struct part *p, struct buf *low,
    struct buf *high, struct err *e)
{
	struct buf sql = {0}, where = {0}, name = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int got = -1;

	s->queries++;
	where_of(s, p, &where);
	sql_ident(&name, column(s, p->col)->name);
	buf_addf(&sql, "SELECT MIN(%s),MAX(%s) %s%s%s", buf_str(&name),
	    buf_str(&name), buf_str(&s->from), where.len > 0 ? " WHERE " : "",
	    buf_str(&where));
	r = buf_check(&sql, "SELECT", e) != 0 ? NULL :
	    conn_query(s->conn, buf_str(&sql), true, e);
	if (r != NULL)
		got = result_next(r, &row, &len, e);
	if (got == 1 && (row[0] == NULL || row[1] == NULL)) {
		got = 0;
	} else if (got == 1) {
		buf_clear(low);
		buf_clear(high);
		buf_add(low, row[0], len[0]);
		buf_add(high, row[1], len[1]);
	}
	result_free(r);
	buf_free(&sql);
	buf_free(&where);
	buf_free(&name);
	return got;
}

/* The first value of the part at or after a point: appended as a literal to
 * the list; nothing when there is none. */
static int
seek(struct split *s, const struct part *p, const struct buf *point,
    struct buf *list, struct err *e)
{
	const struct schema_column *c = column(s, p->col);
	struct buf sql = {0}, where = {0}, name = {0};
	struct result *r = NULL;
	unsigned long *len;
	char **row, *value = literal(c, buf_str(point), point->len);
	int got = -1;

	s->queries++;
	where_of(s, p, &where);
	sql_ident(&name, c->name);
	buf_addf(&sql, "SELECT %s %s WHERE %s%s%s>=%s ORDER BY %s LIMIT 1",
	    buf_str(&name), buf_str(&s->from), buf_str(&where),
	    where.len > 0 ? " AND " : "", buf_str(&name),
	    value != NULL ? value : "", buf_str(&name));
	if (value != NULL && buf_check(&sql, "SELECT", e) == 0)
		r = conn_query(s->conn, buf_str(&sql), true, e);
	if (r != NULL)
		got = result_next(r, &row, &len, e);
	if (got == 1 && point_usable(c, row[0], len[0])) {
		buf_adds(list, list->len > 0 ? "," : "");
		point_literal(c, row[0], len[0], list);
	}
	result_free(r);
	free(value);
	buf_free(&sql);
	buf_free(&where);
	buf_free(&name);
	return got < 0 ? -1 : buf_check(list, "bounds", e);
}

/* Bounds in the server's order: owned literals. */
static int
order(struct split *s, const struct part *p, const char *list,
    char **bounds, size_t *n, struct err *e)
{
	const struct schema_column *c = column(s, p->col);
	struct buf sql = {0}, where = {0}, name = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int got = -1;

	s->queries++;
	*n = 0;
	where_of(s, p, &where);
	sql_ident(&name, c->name);
	/* GROUP BY: one of what the collation calls equal. */
	buf_addf(&sql, "SELECT MIN(%s) %s WHERE %s%s%s IN (%s) GROUP BY %s "
	    "ORDER BY %s", buf_str(&name), buf_str(&s->from), buf_str(&where),
	    where.len > 0 ? " AND " : "", buf_str(&name), list,
	    buf_str(&name), buf_str(&name));
	r = buf_check(&sql, "SELECT", e) != 0 ? NULL :
	    conn_query(s->conn, buf_str(&sql), true, e);
	while (r != NULL && *n < POINTS_MAX &&
	    (got = result_next(r, &row, &len, e)) == 1) {
		bounds[*n] = literal(c, row[0], len[0]);
		if (bounds[*n] == NULL) {
			got = err_set(e, ERR_NOMEM, 0, "bounds");
			break;
		}
		(*n)++;
	}
	result_free(r);
	buf_free(&sql);
	buf_free(&where);
	buf_free(&name);
	return got < 0 ? -1 : 0;
}

static int divide(struct split *s, const struct part *p, uint64_t rows,
    struct err *e);

/* All rows of the part have one value in this column: go on with the next
 * one.  The parts below and above that value are empty, but no estimate is
 * trusted for that: they are ranges of their own. */
static int
descend(struct split *s, const struct part *p, const struct buf *value,
    uint64_t rows, struct err *e)
{
	const struct schema_column *c = column(s, p->col);
	struct part below = *p, above = *p, inside = { .col = p->col + 1,
	    .depth = p->depth + 1 };
	char *lit = literal(c, buf_str(value), value->len);
	struct buf prefix = {0};
	int rc = -1;

	if (lit == NULL)
		return err_set(e, ERR_NOMEM, 0, "bounds");
	if (p->prefix[0] != '\0')
		buf_addf(&prefix, "%s AND ", p->prefix);
	sql_ident(&prefix, c->name);
	buf_addf(&prefix, "=%s", lit);
	below.high = lit;
	above.low = lit;
	above.above = true;
	inside.prefix = buf_str(&prefix);
	if (buf_check(&prefix, "bounds", e) == 0 &&
	    emit(s, &below, 0, e) == 0 &&
	    divide(s, &inside, rows, e) == 0)
		rc = emit(s, &above, 0, e);
	buf_free(&prefix);
	free(lit);
	return rc;
}

/* Walk the bounds, joining neighbours until a range is large enough.  A small
 * one is not joined to a large one: that would be divided in vain. */
static int
join(struct split *s, const struct part *p, char **bounds, size_t n,
    struct err *e)
{
	struct part one = *p, piece;
	uint64_t rows, sum = 0;
	size_t i;

	one.depth = p->depth + 1;
	piece = one;
	for (i = 0; i <= n; i++) {
		one.high = i < n ? bounds[i] : p->high;
		if (estimate(s, &one, &rows, e) != 0)
			return -1;
		if (i > 0 && sum + rows > s->target + s->target / 4) {
			if (divide(s, &piece, sum, e) != 0)
				return -1;
			piece = one;
			sum = 0;
		}
		piece.high = one.high;
		sum += rows;
		one.low = one.high;
		one.above = false;
	}
	return divide(s, &piece, sum, e);
}

static int
spread(struct split *s, const struct part *p, const struct buf *low,
    const struct buf *high, uint64_t rows, struct err *e)
{
	const struct schema_column *c = column(s, p->col);
	uint64_t want = 2 * rows / s->target + 2;
	unsigned n = want > POINTS_MAX ? POINTS_MAX : (unsigned)want, i;
	struct buf list = {0}, point = {0};
	char *bounds[POINTS_MAX];
	size_t got = 0;
	int rc = 0;

	for (i = 1; i < n && rc == 0; i++) {
		buf_clear(&point);
		point_between(c, low, high, i, n, &point);
		rc = seek(s, p, &point, &list, e);
	}
	if (rc == 0 && list.len > 0)
		rc = order(s, p, buf_str(&list), bounds, &got, e);
	if (rc == 0)
		rc = got > 0 ? join(s, p, bounds, got, e) : emit(s, p, rows, e);
	while (got > 0)
		free(bounds[--got]);
	buf_free(&list);
	buf_free(&point);
	return rc;
}

static int
divide(struct split *s, const struct part *p, uint64_t rows, struct err *e)
{
	struct buf low = {0}, high = {0};
	int rc;

	/* Past a limit one range too large is better than no end. */
	if (rows <= s->target + s->target / 2 || p->depth > DEPTH_MAX ||
	    s->queries > QUERIES_MAX || s->n > RANGES_MAX ||
	    !point_can(column(s, p->col)))
		return emit(s, p, rows, e);
	rc = ends(s, p, &low, &high, e);
	if (rc == 0)
		rc = emit(s, p, rows, e);
	else if (rc == 1 && low.len == high.len &&
	    memcmp(buf_str(&low), buf_str(&high), low.len) == 0)
		rc = p->col + 1 < s->table->nkey && point_usable(column(s,
		    p->col), buf_str(&low), low.len) ?
		    descend(s, p, &low, rows, e) : emit(s, p, rows, e);
	else if (rc == 1)
		rc = spread(s, p, &low, &high, rows, e);
	buf_free(&low);
	buf_free(&high);
	return rc;
}

static void
from(const struct schema_table *t, const char *hint, struct buf *out)
{
	buf_adds(out, "FROM ");
	sql_ident(out, t->schema);
	buf_addc(out, '.');
	sql_ident(out, t->name);
	if (t->nkey == 0)
		return;
	buf_addf(out, " %s INDEX (", hint);
	sql_ident(out, t->key_name);
	buf_addc(out, ')');
}

int
range_split(struct conn *c, const struct flavour *f,
    const struct schema_table *t, uint64_t target, struct range **out,
    size_t *n, struct err *e)
{
	struct split s = { .conn = c, .table = t,
	    .target = target == 0 ? 1 : target };
	const struct part whole = { .prefix = "" };
	int rc = -1;

	from(t, "FORCE", &s.from);
	from(t, f->kind == FLAVOUR_MARIADB ? "FORCE" : "USE", &s.dive);
	if (buf_check(&s.from, "name", e) != 0 ||
	    buf_check(&s.dive, "name", e) != 0)
		goto out;
	if (t->nkey == 0 || t->versioned) {
		s.list = calloc(1, sizeof(*s.list));
		s.n = 1;
		rc = s.list != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "ranges");
		goto out;
	}
	/* Start as if nothing were known: the table's estimate may be old. */
	rc = divide(&s, &whole, t->rows > target * 4 ? t->rows : target * 4, e);
out:	buf_free(&s.from);
	buf_free(&s.dive);
	if (rc != 0) {
		range_list_free(s.list, s.n);
		return -1;
	}
	*out = s.list;
	*n = s.n;
	return 0;
}

void
range_list_free(struct range *list, size_t n)
{
	size_t i;

	for (i = 0; i < n && list != NULL; i++)
		free(list[i].where);
	free(list);
}
