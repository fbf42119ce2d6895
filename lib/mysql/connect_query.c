/* SPDX-License-Identifier: Apache-2.0 */
/* connect_query: statements on a connection, and their results. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <mysql/mysql.h>
#include <mysql/errmsg.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "mysql/server_error.h"

#include "mysql/connect_impl.h"

struct result {
	struct conn *conn;
	MYSQL_RES *res;
	MYSQL_FIELD *fields;
	unsigned columns;
	bool stored;
};

int
conn_fail(struct conn *c, struct err *e)
{
	unsigned number = mysql_errno(c->mysql);

	if (cancel_check(c->cancel, e) != 0)
		return -1;
	(void)err_set(e, server_error_code(number), 0, "server error %u: %s",
	    number, mysql_error(c->mysql));
	e->sys = (int)number;
	if (number == CR_SERVER_LOST || number == CR_SERVER_GONE_ERROR)
		c->broken = true;
	return -1;
}

int
conn_execn(struct conn *c, const char *sql, size_t n, struct err *e)
{
	MYSQL_RES *res;

	if (cancel_check(c->cancel, e) != 0)
		return -1;
	if (mysql_real_query(c->mysql, sql, (unsigned long)n) != 0)
		return conn_fail(c, e);
	if (mysql_field_count(c->mysql) == 0)
		return 0;
	/* A statement that gives rows nobody asked for. */
	res = mysql_store_result(c->mysql);
	if (res == NULL)
		return conn_fail(c, e);
	mysql_free_result(res);
	return 0;
}

int
conn_exec(struct conn *c, const char *sql, struct err *e)
{
	return conn_execn(c, sql, strlen(sql), e);
}

int
conn_execf(struct conn *c, struct err *e, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = n < 0 ? NULL : malloc((size_t)n + 1);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "statement");
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	rc = conn_execn(c, text, (size_t)n, e);
	free(text);
	return rc;
}

int
conn_multi(struct conn *c, bool on, struct err *e)
{
	if (mysql_set_server_option(c->mysql, on ?
	    MYSQL_OPTION_MULTI_STATEMENTS_ON :
	    MYSQL_OPTION_MULTI_STATEMENTS_OFF) != 0)
		return conn_fail(c, e);
	return 0;
}

int
conn_exec_many(struct conn *c, const char *sql, size_t n, conn_each *each,
    void *arg, size_t *done, struct err *e)
{
	MYSQL_RES *res;
	int more, rc = 0;

	*done = 0;
	if (cancel_check(c->cancel, e) != 0)
		return -1;
	if (mysql_real_query(c->mysql, sql, (unsigned long)n) != 0)
		return conn_fail(c, e);
	do {
		res = mysql_store_result(c->mysql);
		if (res == NULL && mysql_field_count(c->mysql) != 0)
			return conn_fail(c, e);
		mysql_free_result(res);
		/* What the callback refuses is kept; the rest is read off,
		 * so that the session can go on. */
		if (rc == 0 && each != NULL)
			rc = each(arg, *done, mysql_affected_rows(c->mysql),
			    mysql_warning_count(c->mysql), e);
		(*done)++;
		more = mysql_next_result(c->mysql);
	} while (more == 0);
	if (more > 0)
		return rc == 0 ? conn_fail(c, e) : rc;
	return rc;
}

uint64_t
conn_affected(const struct conn *c)
{
	return mysql_affected_rows(c->mysql);
}

unsigned
conn_warning_count(const struct conn *c)
{
	return mysql_warning_count(c->mysql);
}

int
conn_check_warnings(struct conn *c, const unsigned *allowed, struct err *e)
{
	unsigned count = mysql_warning_count(c->mysql), number, seen = 0;
	struct result *r;
	unsigned long *len;
	const unsigned *a;
	char **row;
	int got, rc = 0;

	if (count == 0)
		return 0;
	r = conn_query(c, "SHOW WARNINGS", true, e);
	if (r == NULL)
		return -1;
	while (rc == 0 && (got = result_next(r, &row, &len, e)) == 1) {
		number = row[1] != NULL ? (unsigned)strtoul(row[1], NULL, 10) :
		    0;
		seen++;
		for (a = allowed; a != NULL && *a != 0 && *a != number; a++)
			continue;
		if (a != NULL && *a == number && number != 0)
			continue;
		rc = err_set(e, ERR_CORRUPT, 0, "%u warning%s, first %u: %s",
		    count, count == 1 ? "" : "s", number,
		    row[2] != NULL ? row[2] : "");
		e->sys = (int)number;
	}
	result_free(r);
	if (rc == 0 && e->code != ERR_NONE)
		return -1;
	/* The server keeps only max_error_count of them to look at. */
	if (rc == 0 && seen < count && allowed == NULL)
		rc = err_set(e, ERR_CORRUPT, 0, "%u warnings, of which the "
		    "server shows %u", count, seen);
	return rc;
}

struct result *
conn_query(struct conn *c, const char *sql, bool store, struct err *e)
{
	struct result *r;

	if (cancel_check(c->cancel, e) != 0)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "result");
		return NULL;
	}
	if (mysql_real_query(c->mysql, sql, (unsigned long)strlen(sql)) != 0) {
		(void)conn_fail(c, e);
		goto out;
	}
	r->conn = c;
	r->stored = store;
	r->res = store ? mysql_store_result(c->mysql) :
	    mysql_use_result(c->mysql);
	if (r->res == NULL) {
		if (mysql_errno(c->mysql) != 0)
			(void)conn_fail(c, e);
		else
			(void)err_set(e, ERR_IO, 0, "the statement gave no "
			    "rows at all");
		goto out;
	}
	r->columns = mysql_num_fields(r->res);
	r->fields = mysql_fetch_fields(r->res);
	return r;

out:	free(r);
	return NULL;
}

struct result *
conn_queryf(struct conn *c, struct err *e, const char *fmt, ...)
{
	struct result *r;
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = n < 0 ? NULL : malloc((size_t)n + 1);
	if (text == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "statement");
		return NULL;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	r = conn_query(c, text, true, e);
	free(text);
	return r;
}

unsigned
result_columns(const struct result *r)
{
	return r->columns;
}

const char *
result_name(const struct result *r, unsigned i)
{
	assert(i < r->columns);
	return r->fields[i].name;
}

int
result_find(const struct result *r, const char *name)
{
	unsigned i;

	for (i = 0; i < r->columns; i++)
		if (strcasecmp(r->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
result_next(struct result *r, char ***row, unsigned long **len,
    struct err *e)
{
	*row = mysql_fetch_row(r->res);
	if (*row == NULL) {
		/* NULL is the end and any error alike. */
		if (!r->stored && mysql_errno(r->conn->mysql) != 0)
			return conn_fail(r->conn, e);
		return 0;
	}
	*len = mysql_fetch_lengths(r->res);
	return 1;
}

void
result_free(struct result *r)
{
	if (r == NULL)
		return;
	mysql_free_result(r->res);
	free(r);
}

int
conn_value(struct conn *c, const char *sql, struct buf *out, struct err *e)
{
	struct result *r = conn_query(c, sql, true, e);
	unsigned long *len;
	char **row;
	int rc = -1;

	if (r == NULL)
		return -1;
	if (result_next(r, &row, &len, e) == 1 && row[0] != NULL) {
		buf_add(out, row[0], len[0]);
		rc = buf_check(out, "value", e);
	} else if (e->code == ERR_NONE) {
		(void)err_set(e, ERR_NOTFOUND, 0, "no value");
	}
	result_free(r);
	return rc;
}
