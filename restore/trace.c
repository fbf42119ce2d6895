/* SPDX-License-Identifier: Apache-2.0 */
/* trace: what a server shows of the objects that a statement names. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/ddl.h"

#include "restore/trace.h"

#define NAMES_MAX 500	/* words of a statement that are looked up */

struct trace {
	struct conn *conn;
	struct sha256 *sum;
	struct buf names;	/* quoted, comma-joined */
	size_t count;
	bool accounts;
};

/* What there is of each kind; every %s is the list of names. */
static const char *const shows[] = {
	"SELECT 's', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, "
	    "DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE "
	    "SCHEMA_NAME IN (%s) ORDER BY SCHEMA_NAME",
	"SELECT 'r', ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, "
	    "ROUTINE_DEFINITION, LAST_ALTERED, SQL_DATA_ACCESS, "
	    "SECURITY_TYPE, ROUTINE_COMMENT, DEFINER FROM "
	    "information_schema.ROUTINES WHERE ROUTINE_NAME IN (%s) ORDER BY "
	    "ROUTINE_SCHEMA, ROUTINE_TYPE, ROUTINE_NAME",
	"SELECT 't', TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, "
	    "ACTION_STATEMENT, ACTION_ORDER, ACTION_TIMING, "
	    "EVENT_MANIPULATION FROM information_schema.TRIGGERS WHERE "
	    "TRIGGER_NAME IN (%s) ORDER BY TRIGGER_SCHEMA, TRIGGER_NAME",
	"SELECT 'e', EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION, STATUS, "
	    "LAST_ALTERED, EXECUTE_AT, STARTS, ENDS, INTERVAL_VALUE, "
	    "INTERVAL_FIELD, EVENT_COMMENT, DEFINER FROM "
	    "information_schema.EVENTS WHERE EVENT_NAME IN (%s) ORDER BY "
	    "EVENT_SCHEMA, EVENT_NAME",
};

/* Where accounts are; those that a server lacks or hides count for nothing. */
static const char *const accounts[] = {
	"SELECT * FROM mysql.global_priv ORDER BY Host, User",
	"SELECT * FROM mysql.roles_mapping ORDER BY Host, User, Role",
	"SELECT * FROM mysql.user ORDER BY Host, User",
	"SELECT * FROM mysql.role_edges ORDER BY 1, 2, 3, 4",
	"SELECT * FROM mysql.default_roles ORDER BY 1, 2, 3, 4",
};

static void
add_value(struct trace *t, const char *value, size_t n)
{
	sha256_add(t->sum, value == NULL ? "\1" : value, value == NULL ? 1 :
	    n);
	sha256_add(t->sum, "", 1);
}

/* A definition without its next counter: that moves by itself, with a crash
 * too. */
static void
add_definition(struct trace *t, const char *text)
{
	static const char counter[] = " AUTO_INCREMENT=";
	const char *p;

	while ((p = strstr(text, counter)) != NULL) {
		sha256_add(t->sum, text, (size_t)(p - text));
		text = p + sizeof(counter) - 1;
		text += strspn(text, "0123456789");
	}
	sha256_add(t->sum, text, strlen(text) + 1);
}

/* Add all values of a query's rows. */
static int
add_rows(struct trace *t, const char *sql, struct err *e)
{
	struct result *r = conn_query(t->conn, sql, true, e);
	unsigned long *len;
	unsigned i;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		for (i = 0; i < result_columns(r); i++)
			if (row[i] != NULL && strncmp(row[i], "CREATE ", 7) ==
			    0)
				add_definition(t, row[i]);
			else
				add_value(t, row[i], len[i]);
	result_free(r);
	return got;
}

static int
add_list(struct trace *t, const char *show, struct err *e)
{
	const char *mark = strstr(show, "%s");
	struct buf sql = {0};
	int rc = -1;

	buf_add(&sql, show, (size_t)(mark - show));
	buf_add(&sql, t->names.data, t->names.len);
	buf_adds(&sql, mark + 2);
	if (buf_check(&sql, "trace", e) == 0)
		rc = add_rows(t, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

/* One SHOW CREATE after another, so their list is read first. */
static int
add_tables(struct trace *t, struct err *e)
{
	struct buf sql = {0}, list = {0};
	struct result *r = NULL;
	unsigned long *len;
	const char *p;
	char **row;
	int got = -1;

	buf_adds(&sql, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM "
	    "information_schema.TABLES WHERE TABLE_SCHEMA IN (");
	buf_add(&sql, t->names.data, t->names.len);
	buf_adds(&sql, ") AND TABLE_NAME IN (");
	buf_add(&sql, t->names.data, t->names.len);
	buf_adds(&sql, ") ORDER BY TABLE_SCHEMA, TABLE_NAME");
	if (buf_check(&sql, "trace", e) != 0 ||
	    (r = conn_query(t->conn, buf_str(&sql), true, e)) == NULL)
		goto out;
	while ((got = result_next(r, &row, &len, e)) == 1) {
		add_value(t, row[2], len[2]);
		buf_adds(&list, "SHOW CREATE TABLE ");
		sql_ident(&list, row[0]);
		buf_addc(&list, '.');
		sql_ident(&list, row[1]);
		buf_addc(&list, '\0');
	}
	if (got == 0)
		got = buf_check(&list, "trace", e);
	for (p = list.data; got == 0 && p < list.data + list.len;
	    p += strlen(p) + 1)
		got = add_rows(t, p, e);
out:	result_free(r);
	buf_free(&sql);
	buf_free(&list);
	return got;
}

static void
add_name(struct trace *t, const char *name, size_t n)
{
	if (n == 0 || n > 256 || t->count++ >= NAMES_MAX)
		return;
	if (t->names.len > 0)
		buf_addc(&t->names, ',');
	sql_string(&t->names, name, n);
}

/* A quoted name's text. */
static void
add_quoted(struct trace *t, const struct ddl_token *token)
{
	struct buf name = {0};

	ddl_name(token, &name);
	add_name(t, buf_str(&name), name.len);
	t->names.failed |= name.failed;
	buf_free(&name);
}

static void
read_names(struct trace *t, const char *home, const char *sql, size_t n)
{
	static const char *const about[] = { "USER", "ROLE", "GRANT", "REVOKE",
		"PASSWORD" };
	struct ddl_reader r;
	struct ddl_token token;
	size_t i;

	ddl_reader_init(&r, sql, n);
	add_name(t, home, strlen(home));
	while ((token = ddl_next(&r)).kind != DDL_END &&
	    token.kind != DDL_BAD) {
		for (i = 0; i < sizeof(about) / sizeof(about[0]); i++)
			t->accounts |= ddl_is(&token, about[i]);
		if (token.kind == DDL_WORD)
			add_name(t, token.at, token.len);
		else if (token.kind == DDL_NAME || (token.kind == DDL_STRING &&
		    *token.at == '"'))
			add_quoted(t, &token);
	}
	if (t->count == 0)
		add_name(t, " ", 1);
}

static int
add_accounts(struct trace *t, struct err *e)
{
	struct err one;
	size_t i;

	for (i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		one = (struct err){0};
		if (add_rows(t, accounts[i], &one) != 0 &&
		    one.code != ERR_DENIED && one.sys != 1146) {
			*e = one;
			return -1;
		}
	}
	return 0;
}

int
trace_take(struct conn *c, const char *home, const char *sql, size_t n,
    char hex[SHA256_HEX], struct err *e)
{
	struct trace t = { .conn = c };
	uint8_t digest[SHA256_SIZE];
	size_t i;
	int rc = -1;

	t.sum = sha256_new(e);
	if (t.sum == NULL)
		return -1;
	read_names(&t, home, sql, n);
	if (buf_check(&t.names, "trace", e) != 0 || add_tables(&t, e) != 0)
		goto out;
	for (i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (add_list(&t, shows[i], e) != 0)
			goto out;
	if (t.accounts && add_accounts(&t, e) != 0)
		goto out;
	sha256_finish(t.sum, digest);
	hex_encode(digest, sizeof(digest), hex);
	rc = 0;
out:	sha256_free(t.sum);
	buf_free(&t.names);
	return rc == 0 ? 0 : err_wrap(e, "what the target shows");
}
