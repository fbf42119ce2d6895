/* SPDX-License-Identifier: Apache-2.0 */
/* schema_ddl: definitions as the server prints them. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/schema.h"

/* What to ask, and in which column the text comes. */
static int
statement(const struct schema_item *item, struct buf *sql,
    const char **column, struct err *e)
{
	static const struct { const char *type, *show, *column; } routines[] = {
		{ "PROCEDURE", "PROCEDURE", "Create Procedure" },
		{ "FUNCTION", "FUNCTION", "Create Function" },
		{ "PACKAGE", "PACKAGE", "Create Package" },
		{ "PACKAGE BODY", "PACKAGE BODY", "Create Package Body" },
		{ "LIBRARY", "LIBRARY", "Create Library" },
	};
	size_t i;

	switch (item->kind) {
	case SCHEMA_SCHEMA:
		buf_adds(sql, "SHOW CREATE DATABASE ");
		sql_ident(sql, item->schema);
		*column = "Create Database";
		return 0;
	case SCHEMA_TABLE: case SCHEMA_SEQUENCE:
		buf_adds(sql, "SHOW CREATE TABLE ");
		*column = "Create Table";
		break;
	case SCHEMA_VIEW:
		buf_adds(sql, "SHOW CREATE VIEW ");
		*column = "Create View";
		break;
	case SCHEMA_TRIGGER:
		buf_adds(sql, "SHOW CREATE TRIGGER ");
		*column = "SQL Original Statement";
		break;
	case SCHEMA_EVENT:
		buf_adds(sql, "SHOW CREATE EVENT ");
		*column = "Create Event";
		break;
	case SCHEMA_ROUTINE:
		for (i = 0; i < sizeof(routines) / sizeof(routines[0]); i++)
			if (strcmp(routines[i].type, item->type) == 0)
				break;
		if (i == sizeof(routines) / sizeof(routines[0]))
			return err_set(e, ERR_IO, 0, "unknown kind of "
			    "routine '%.40s'", item->type);
		buf_addf(sql, "SHOW CREATE %s ", routines[i].show);
		*column = routines[i].column;
		break;
	}
	if (item->kind == SCHEMA_SEQUENCE) {
		buf_clear(sql);
		buf_adds(sql, "SHOW CREATE SEQUENCE ");
	}
	sql_ident(sql, item->schema);
	buf_addc(sql, '.');
	sql_ident(sql, item->name);
	return 0;
}

static int
keep(const struct result *r, char **row, const char *name, char **out,
    struct err *e)
{
	int i = result_find(r, name);

	if (i < 0 || row[i] == NULL)
		return 0;
	free(*out);
	*out = strdup(row[i]);
	return *out != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "definition");
}

static int
keep_context(const struct result *r, char **row, struct schema_context *x,
    struct err *e)
{
	if (keep(r, row, "sql_mode", &x->sql_mode, e) != 0 ||
	    keep(r, row, "character_set_client", &x->charset, e) != 0 ||
	    keep(r, row, "collation_connection", &x->collation, e) != 0 ||
	    keep(r, row, "Database Collation", &x->db_collation, e) != 0 ||
	    keep(r, row, "time_zone", &x->time_zone, e) != 0)
		return -1;
	return 0;
}

int
schema_ddl(struct conn *c, const struct flavour *f,
    const struct schema_item *item, struct buf *out,
    struct schema_context *context, struct err *e)
{
	struct buf sql = {0};
	struct result *r = NULL;
	const char *column = NULL;
	unsigned long *len;
	char **row;
	int rc = -1, at;

	(void)f;
	if (statement(item, &sql, &column, e) != 0 ||
	    buf_check(&sql, "statement", e) != 0)
		goto out;
	r = conn_query(c, buf_str(&sql), true, e);
	if (r == NULL)
		goto out;
	if (result_next(r, &row, &len, e) != 1) {
		(void)err_set(e, ERR_NOTFOUND, 0, "it is gone");
		goto out;
	}
	at = result_find(r, column);
	/* MariaDB shows a sequence in the table's column. */
	if (at < 0 && item->kind == SCHEMA_SEQUENCE)
		at = result_find(r, "Create Table");
	if (at < 0) {
		(void)err_set(e, ERR_IO, 0, "the server shows no '%s'",
		    column);
		goto out;
	}
	if (row[at] == NULL) {
		(void)err_set(e, ERR_DENIED, 0, "the server hides the text "
		    "from this account");
		(void)err_hint(e, "grant %s", item->kind == SCHEMA_ROUTINE ?
		    "SHOW_ROUTINE (MySQL), or SELECT on mysql.proc "
		    "(MariaDB)" : "the rights that 'backupd grants' prints");
		goto out;
	}
	buf_add(out, row[at], len[at]);
	if (context != NULL && keep_context(r, row, context, e) != 0)
		goto out;
	rc = buf_check(out, "definition", e);
out:	result_free(r);
	buf_free(&sql);
	return rc;
}

void
schema_context_free(struct schema_context *x)
{
	free(x->sql_mode);
	free(x->charset);
	free(x->collation);
	free(x->db_collation);
	free(x->time_zone);
	free(x->definer);
	*x = (struct schema_context){0};
}
