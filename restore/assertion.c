/* SPDX-License-Identifier: Apache-2.0 */
/* assertion: a query of the user's own about a restored server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"
#include "restore/ddl.h"

#include "restore/assertion.h"

#define SILENCE_MS	((ASSERTION_S + 30) * 1000)

bool
assertion_true(const char *value)
{
	/* '12 apples' is 12, 'apples' is 0: in SQL, too. */
	return strtod(value, NULL) != 0;
}

int
assertion_check(const char *sql, struct err *e)
{
	static const char *const queries[] = { "SELECT", "WITH", "VALUES",
	    "TABLE" };
	struct ddl_reader r;
	struct ddl_token t;
	size_t i;

	ddl_reader_init(&r, sql, strlen(sql));
	do
		t = ddl_next(&r);
	while (ddl_is_punct(&t, '('));
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (ddl_is(&t, queries[i]))
			return 0;
	(void)err_set(e, ERR_USAGE, 0, "--drill-assert: '%.120s' is no query",
	    sql);
	return err_hint(e, "write SELECT and one value that must be true");
}

/* A definition would end the transaction and run on MariaDB, so that only
 * queries are let through; what else one could do is stopped here. */
static int
begin(struct conn *c, const struct flavour *f, struct err *e)
{
	return (f->kind == FLAVOUR_MARIADB ? conn_execf(c, e,
	    "SET SESSION max_statement_time=%u", ASSERTION_S) :
	    conn_execf(c, e, "SET SESSION max_execution_time=%u",
	    ASSERTION_S * 1000)) != 0 || conn_exec(c,
	    "START TRANSACTION READ ONLY", e) != 0 ? -1 : 0;
}

static int
read_value(struct assertion *a, struct result *r, struct err *e)
{
	unsigned long *len;
	char **row;
	int got;

	if (result_columns(r) != 1)
		return err_set(e, ERR_USAGE, 0, "it gives %u columns, not "
		    "one", result_columns(r));
	got = result_next(r, &row, &len, e);
	if (got < 0)
		return -1;
	if (got == 0)
		return err_set(e, ERR_USAGE, 0, "it gives no row");
	a->null = row[0] == NULL;
	if (!a->null) {
		(void)snprintf(a->value, sizeof(a->value), "%s", row[0]);
		a->ok = assertion_true(row[0]);
	}
	got = result_next(r, &row, &len, e);
	return got == 1 ? err_set(e, ERR_USAGE, 0, "it gives more than one "
	    "row") : got;
}

int
assertion_ask(struct assertion *a, const struct conn_opts *opts,
    const struct flavour *f, struct err *e)
{
	struct conn_opts own = *opts;
	struct err why = {0};
	struct result *r;
	struct conn *c;
	int64_t began = clock_mono_ms();
	int rc = -1;

	a->ok = false;
	a->null = true;
	own.io_ms = SILENCE_MS;
	c = conn_open(&own, e);
	if (c == NULL)
		return -1;
	if (begin(c, f, e) != 0)
		goto out;
	r = conn_query(c, a->sql, false, &why);
	rc = r != NULL ? read_value(a, r, &why) : -1;
	result_free(r);
	if (rc != 0) {
		a->ok = false;
		(void)snprintf(a->error, sizeof(a->error), "%s", why.msg);
	}
	a->seconds = (double)(clock_mono_ms() - began) / 1000;
	rc = cancel_check(opts->cancel, e);
out:	conn_close(c);
	return rc;
}

int
assertion_failed(const struct assertion *a, struct err *e)
{
	if (a->error[0] != '\0')
		return err_set(e, ERR_IO, 0, "the assertion '%.120s' failed: "
		    "%s", a->sql, a->error);
	return err_set(e, ERR_IO, 0, "the assertion '%.120s' failed: its value "
	    "is %s", a->sql, a->null ? "NULL" : a->value);
}
