/* SPDX-License-Identifier: Apache-2.0 */
/* insert: rows of a chunk as multi-row INSERTs. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/tsv.h"
#include "mysql/flavour.h"
#include "restore/plan.h"

#include "restore/insert.h"

#define STATEMENT	((size_t)1 << 20)
#define READ		((size_t)256 << 10)

struct insert {
	struct conn *conn;
	const struct plan_table *table;
	struct tsv_field *fields;
	struct buf head, sql;
	uint64_t rows;
	uint64_t warnings;
	size_t max;		/* of a statement */
};

static void
add_head(struct insert *x)
{
	size_t i;

	/* IGNORE turns an ENUM's index 0 into a warning, as LOAD LOCAL does;
	 * every warning is then checked. */
	buf_adds(&x->head, "INSERT IGNORE INTO ");
	sql_ident(&x->head, x->table->to_schema);
	buf_addc(&x->head, '.');
	sql_ident(&x->head, x->table->to_name);
	buf_adds(&x->head, " (");
	for (i = 0; i < x->table->ncolumns; i++) {
		if (i > 0)
			buf_addc(&x->head, ',');
		sql_ident(&x->head, x->table->columns[i].name);
	}
	buf_adds(&x->head, ") VALUES ");
}

static int
run(struct insert *x, struct err *e)
{
	static const unsigned enum0[] = { 1265, 0 };
	int rc;

	if (x->sql.len == 0)
		return 0;
	rc = buf_check(&x->sql, "INSERT", e);
	if (rc == 0)
		rc = conn_execn(x->conn, x->sql.data, x->sql.len, e);
	if (rc == 0) {
		x->warnings += conn_warning_count(x->conn);
		rc = conn_check_warnings(x->conn, enum0, e);
	}
	buf_clear(&x->sql);
	return rc;
}

static void
add_field(struct insert *x, const struct tsv_field *f, enum conversion as)
{
	if (f->data == NULL) {
		buf_adds(&x->sql, "NULL");
		return;
	}
	switch (as) {
	case CONVERSION_NUMBER:
	case CONVERSION_FLOAT:
		buf_add(&x->sql, f->data, f->len);
		return;
	case CONVERSION_JSON:
		buf_adds(&x->sql, "CONVERT(");
		sql_hex(&x->sql, f->data, f->len);
		buf_adds(&x->sql, " USING utf8mb4)");
		return;
	case CONVERSION_ASCII:
		buf_adds(&x->sql, "CONVERT(");
		sql_hex(&x->sql, f->data, f->len);
		buf_adds(&x->sql, " USING ascii)");
		return;
	case CONVERSION_PLAIN:
		break;
	}
	/* Bytes as they are: no character set may touch them. */
	buf_adds(&x->sql, "_binary ");
	sql_string(&x->sql, f->data, f->len);
}

static int
add_row(struct insert *x, char *line, size_t n, struct err *e)
{
	size_t i, count = x->table->ncolumns;

	if (tsv_split(line, n, x->fields, count == 0 ? 1 : count, e) != 0)
		return -1;
	if (x->sql.len == 0)
		buf_add(&x->sql, x->head.data, x->head.len);
	else
		buf_addc(&x->sql, ',');
	buf_addc(&x->sql, '(');
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_addc(&x->sql, ',');
		add_field(x, &x->fields[i], x->table->columns[i].as);
	}
	buf_addc(&x->sql, ')');
	x->rows++;
	return x->sql.len >= x->max ? run(x, e) : 0;
}

static int
read_lines(struct insert *x, conn_source *read, void *arg, struct err *e)
{
	struct buf data = {0};
	char *lf, *p;
	int rc = -1;
	long got;

	for (;;) {
		if (buf_reserve(&data, READ) != 0) {
			(void)buf_check(&data, "row", e);
			break;
		}
		got = read(arg, data.data + data.len, READ, e);
		if (got < 0)
			break;
		if (got == 0) {
			rc = data.len == 0 ? run(x, e) : err_set(e,
			    ERR_CORRUPT, 0, "the last row has no end");
			break;
		}
		data.len += (size_t)got;
		p = data.data;
		while ((lf = memchr(p, '\n', (size_t)(data.data + data.len -
		    p))) != NULL) {
			if (add_row(x, p, (size_t)(lf - p), e) != 0)
				goto out;
			p = lf + 1;
		}
		data.len -= (size_t)(p - data.data);
		memmove(data.data, p, data.len);
	}
out:	buf_free(&data);
	return rc;
}

int
insert_rows(struct conn *c, const struct plan_table *t,
    const struct flavour *f, conn_source *read, void *arg, uint64_t rows,
    uint64_t enum0, struct err *e)
{
	struct insert x = { .conn = c, .table = t, .max = STATEMENT };
	int rc = -1;

	if (f->max_allowed_packet / 2 < x.max)
		x.max = (size_t)f->max_allowed_packet / 2;
	x.fields = calloc(t->ncolumns + 1, sizeof(*x.fields));
	if (x.fields == NULL)
		return err_set(e, ERR_NOMEM, 0, "rows");
	add_head(&x);
	if (buf_check(&x.head, "INSERT", e) == 0 &&
	    read_lines(&x, read, arg, e) == 0) {
		if (x.rows != rows || x.warnings != enum0)
			(void)err_set(e, ERR_CORRUPT, 0, "%llu rows and %llu "
			    "warnings; the backup has %llu and %llu",
			    (unsigned long long)x.rows,
			    (unsigned long long)x.warnings,
			    (unsigned long long)rows,
			    (unsigned long long)enum0);
		else
			rc = 0;
	}
	buf_free(&x.head);
	buf_free(&x.sql);
	free(x.fields);
	return rc;
}
