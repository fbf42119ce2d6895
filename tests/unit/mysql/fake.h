/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake: every function of mysql/connect.h without a server, linked in place
 * of connect.c: statements are noted, queries answered by the test.
 */
#ifndef TESTS_MYSQL_FAKE_H
#define TESTS_MYSQL_FAKE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#define FAKE_COLUMNS 16

/* The one server that all connections of a test are on. */
static struct fake {
	/* Answers a query: names of columns ("a,b"), rows as in FORMAT's
	 * "Rows" ("1\tx\n\\N\ty\n").  NULL: nothing is ever found. */
	int (*query)(const char *sql, struct buf *names, struct buf *rows,
	    struct err *e);
	/* Runs a statement; NULL: all succeed. */
	int (*exec)(const char *sql, struct err *e);
	/* What one of several statements gave; NULL: nothing. */
	void (*gave)(const char *sql, uint64_t *rows, unsigned *warnings);
	struct buf log;			/* statements, one a line */
	struct buf loaded;		/* bytes of all LOADs */
	const char *warning;		/* the next check finds it, or NULL */
	uint64_t records, skipped, warnings;	/* of the last LOAD */
	bool count_wrong;		/* say one record less */
} fake;

struct conn {
	int unused;
};

struct result {
	struct buf names, rows;
	char *next;
	char *row[FAKE_COLUMNS];
	unsigned long len[FAKE_COLUMNS];
	char name[64];
};

static inline void
fake_reset(void)
{
	buf_free(&fake.log);
	buf_free(&fake.loaded);
	fake = (struct fake){0};
}

int
conn_library_init(struct err *e)
{
	(void)e;
	return 0;
}

int
conn_thread_init(struct err *e)
{
	(void)e;
	return 0;
}

void
conn_thread_end(void)
{
}

struct conn *
conn_open(const struct conn_opts *opts, struct err *e)
{
	(void)opts;
	(void)e;
	return calloc(1, sizeof(struct conn));
}

uint64_t
conn_id(const struct conn *c)
{
	(void)c;
	return 1;
}

const char *
conn_where(const struct conn *c)
{
	(void)c;
	return "fake";
}

const char *
conn_version(const struct conn *c)
{
	(void)c;
	return "8.4.0";
}

int
conn_execn(struct conn *c, const char *sql, size_t n, struct err *e)
{
	(void)c;
	buf_add(&fake.log, sql, n);
	buf_addc(&fake.log, '\n');
	return fake.exec != NULL ? fake.exec(sql, e) : 0;
}

int
conn_exec(struct conn *c, const char *sql, struct err *e)
{
	return conn_execn(c, sql, strlen(sql), e);
}

int
conn_execf(struct conn *c, struct err *e, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return conn_exec(c, text, e);
}

int
conn_multi(struct conn *c, bool on, struct err *e)
{
	(void)c;
	(void)e;
	buf_addf(&fake.log, "several %s\n", on ? "on" : "off");
	return 0;
}

/* Each of the statements is noted by itself; none has a semicolon within. */
int
conn_exec_many(struct conn *c, const char *sql, size_t n, conn_each *each,
    void *arg, size_t *done, struct err *e)
{
	const char *at = sql, *end;
	uint64_t rows;
	unsigned warnings;
	struct buf one = {0};
	int rc = 0, failed = 0;

	buf_adds(&fake.log, "text\n");
	for (*done = 0; failed == 0 && at <= sql + n; at = end + 1) {
		end = memchr(at, ';', (size_t)(sql + n - at));
		end = end != NULL ? end : sql + n;
		buf_clear(&one);
		buf_add(&one, at, (size_t)(end - at));
		failed = conn_execn(c, buf_str(&one), one.len, e);
		rows = warnings = 0;
		if (failed == 0 && fake.gave != NULL)
			fake.gave(buf_str(&one), &rows, &warnings);
		if (failed == 0 && rc == 0 && each != NULL)
			rc = each(arg, *done, rows, warnings, e);
		*done += failed == 0;
	}
	buf_free(&one);
	return failed != 0 ? -1 : rc;
}

uint64_t
conn_affected(const struct conn *c)
{
	(void)c;
	return 0;
}

unsigned
conn_warning_count(const struct conn *c)
{
	(void)c;
	return 0;
}

int
conn_check_warnings(struct conn *c, const unsigned *allowed, struct err *e)
{
	(void)c;
	return fake.warning != NULL && allowed == NULL ?
	    err_set(e, ERR_CORRUPT, 0, "%s", fake.warning) : 0;
}

struct result *
conn_query(struct conn *c, const char *sql, bool store, struct err *e)
{
	struct result *r = calloc(1, sizeof(*r));

	(void)c;
	(void)store;
	buf_addf(&fake.log, "%s\n", sql);
	if (r != NULL && fake.query != NULL &&
	    fake.query(sql, &r->names, &r->rows, e) != 0) {
		result_free(r);
		return NULL;
	}
	if (r != NULL)
		r->next = r->rows.data;
	return r;
}

struct result *
conn_queryf(struct conn *c, struct err *e, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return conn_query(c, text, true, e);
}

unsigned
result_columns(const struct result *r)
{
	const char *p = buf_str(&r->names);
	unsigned n = *p != '\0';

	for (; *p != '\0'; p++)
		n += *p == ',';
	return n;
}

const char *
result_name(const struct result *r, unsigned i)
{
	(void)r;
	(void)i;
	return "";
}

int
result_find(const struct result *r, const char *name)
{
	const char *p = buf_str(&r->names);
	size_t n;
	int i;

	for (i = 0; *p != '\0'; i++, p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == strlen(name) && memcmp(p, name, n) == 0)
			return i;
	}
	return -1;
}

static inline char *
fake_field(struct result *r, unsigned i, char *p)
{
	char *to = p;

	r->row[i] = p;
	for (; *p != '\t' && *p != '\n'; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		p++;
		if (*p == 'N')
			r->row[i] = NULL;
		else
			*to++ = *p == 't' ? '\t' : *p == 'n' ? '\n' :
			    *p == '0' ? '\0' : '\\';
	}
	r->len[i] = r->row[i] != NULL ? (unsigned long)(to - r->row[i]) : 0;
	/* Values end in NUL, which falls on what was read already. */
	i = *p == '\n';
	*to = '\0';
	r->next = i ? p + 1 : NULL;
	return p + 1;
}

int
result_next(struct result *r, char ***row, unsigned long **len, struct err *e)
{
	char *p = r->next;
	unsigned i;

	(void)e;
	if (p == NULL || *p == '\0')
		return 0;
	r->next = NULL;
	for (i = 0; i < FAKE_COLUMNS && r->next == NULL; i++)
		p = fake_field(r, i, p);
	*row = r->row;
	*len = r->len;
	return 1;
}

void
result_free(struct result *r)
{
	if (r == NULL)
		return;
	buf_free(&r->names);
	buf_free(&r->rows);
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
		rc = 0;
	} else {
		(void)err_set(e, ERR_NOTFOUND, 0, "no value");
	}
	result_free(r);
	return rc;
}

int
conn_load(struct conn *c, const char *tail, conn_source *source, void *arg,
    struct err *e)
{
	char data[7];
	long n, i;

	(void)c;
	buf_addf(&fake.log, "LOAD %s\n", tail);
	fake.records = 0;
	while ((n = source(arg, data, sizeof(data), e)) > 0) {
		buf_add(&fake.loaded, data, (size_t)n);
		for (i = 0; i < n; i++)
			fake.records += data[i] == '\n';
	}
	return n < 0 ? -1 : 0;
}

int
conn_load_info(struct conn *c, uint64_t *records, uint64_t *deleted,
    uint64_t *skipped, uint64_t *warnings)
{
	(void)c;
	*records = fake.records - fake.count_wrong;
	*deleted = 0;
	*skipped = fake.skipped;
	*warnings = fake.warnings;
	return 0;
}

void
conn_interrupt(struct conn *c)
{
	(void)c;
}

void
conn_close(struct conn *c)
{
	free(c);
}

void
sql_ident(struct buf *b, const char *name)
{
	buf_addc(b, '`');
	for (; *name != '\0'; name++)
		buf_addf(b, *name == '`' ? "`%c" : "%c", *name);
	buf_addc(b, '`');
}

void
sql_string(struct buf *b, const char *text, size_t n)
{
	buf_addf(b, "'%.*s'", (int)n, text);
}

void
sql_hex(struct buf *b, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t i;

	buf_adds(b, "x'");
	for (i = 0; i < n; i++)
		buf_addf(b, "%02x", p[i]);
	buf_addc(b, '\'');
}

#endif /* !TESTS_MYSQL_FAKE_H */
