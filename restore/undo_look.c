/* SPDX-License-Identifier: Apache-2.0 */
/* undo_look: the live tables, and what was done to them since. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"
#include "restore/filter.h"
#include "restore/rowsql.h"

#include "restore/undo_impl.h"

/* A definition of one of them that came later: row images do not fit. */
static int
later(void *arg, uint32_t seq, const struct transaction *tr, struct err *e)
{
	struct undo_at *c = arg;
	struct undo *u = c->u;
	const struct undo_transaction *first = &u->transactions[0];
	struct buf text = {0};

	(void)e;
	if (tr->kind != TRANSACTION_DDL || (c->history == first->history &&
	    seq == first->seq && tr->offset < first->offset) ||
	    filter_statement(u->filter, tr->schema, tr->sql, strlen(tr->sql),
	    &text) == FILTER_LEAVE) {
		buf_free(&text);
		return 0;
	}
	buf_clear(&text);
	buf_addf(&text, "the table was changed since: %.100s", tr->sql);
	undo_refuse(u, &tr->gtid.gtid, buf_str(&text));
	buf_free(&text);
	return 0;
}

static int
look_later(struct undo *u, struct err *e)
{
	struct restore_plan plan = {0};
	struct filter *own, *before = u->filter;
	size_t i;
	int rc = 0;

	plan.renames = calloc(u->ntables, sizeof(*plan.renames));
	if (plan.renames == NULL)
		return err_set(e, ERR_NOMEM, 0, "tables");
	plan.nrenames = u->ntables;
	for (i = 0; i < u->ntables; i++) {
		plan.renames[i].schema = plan.renames[i].to_schema =
		    u->tables[i].map.schema;
		plan.renames[i].table = plan.renames[i].to_table =
		    u->tables[i].map.table;
	}
	own = filter_new(&plan, u->flavour.lower_case_table_names != 0, e);
	u->filter = own;
	for (i = u->transactions[0].leg; own != NULL && rc == 0 &&
	    i < u->whole.n; i++)
		rc = undo_each(u, true, i, i == u->transactions[0].leg ?
		    u->transactions[0].seq : 0, later, e);
	u->filter = before;
	filter_free(own);
	free(plan.renames);
	return own == NULL ? -1 : rc;
}

/* Undo is all or nothing: its engine must take rows back. */
static int
look_engine(const struct undo_table *t, struct err *e)
{
	return t->shape->transactional ? 0 : err_set(e, ERR_USAGE, 0, "its "
	    "engine knows no transactions: an undo that fails would stay half "
	    "done");
}

/* Rows of other tables that follow this one's by a foreign key. */
static int
look_keys(struct undo *u, struct undo_table *t, struct err *e)
{
	struct buf sql = {0}, text = {0};
	struct result *r = NULL;
	unsigned long *len;
	char **row, last[256] = "";
	int got = -1;

	buf_adds(&sql, "SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.COLUMN_NAME, "
	    "k.REFERENCED_COLUMN_NAME, k.CONSTRAINT_NAME, "
	    "c.DELETE_RULE IN ('CASCADE','SET NULL','SET DEFAULT'), "
	    "c.UPDATE_RULE IN ('CASCADE','SET NULL','SET DEFAULT') FROM "
	    "information_schema.KEY_COLUMN_USAGE k JOIN information_schema."
	    "REFERENTIAL_CONSTRAINTS c ON c.CONSTRAINT_SCHEMA="
	    "k.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME=k.CONSTRAINT_NAME AND "
	    "c.TABLE_NAME=k.TABLE_NAME WHERE k.REFERENCED_TABLE_SCHEMA=");
	sql_string(&sql, t->map.schema, strlen(t->map.schema));
	buf_adds(&sql, " AND k.REFERENCED_TABLE_NAME=");
	sql_string(&sql, t->map.table, strlen(t->map.table));
	buf_adds(&sql, " ORDER BY 1,2,5,k.ORDINAL_POSITION");
	if (buf_check(&sql, "keys", e) == 0)
		r = conn_query(u->conn, buf_str(&sql), true, e);
	while (r != NULL && (got = result_next(r, &row, &len, e)) == 1) {
		t->carries |= strcmp(row[6], "1") == 0;
		if (strcmp(row[5], "1") != 0)
			continue;
		/* MySQL logs what its foreign keys do from 9.6 on. */
		if (t->deletes > 0 && (u->flavour.kind == FLAVOUR_MARIADB ||
		    u->flavour.version < 90600)) {
			buf_clear(&text);
			buf_addf(&text, "%s.%s: rows of %s.%s that went with "
			    "the deleted ones by a foreign key may be missing "
			    "in the log", t->map.schema, t->map.table, row[0],
			    row[1]);
			undo_refuse(u, NULL, buf_str(&text));
			break;
		}
		buf_adds(&t->guard, strcmp(last, row[4]) == 0 ? " AND " :
		    last[0] != '\0' ? ") AND NOT EXISTS (SELECT 1 FROM " :
		    " AND NOT EXISTS (SELECT 1 FROM ");
		if (strcmp(last, row[4]) != 0) {
			sql_ident(&t->guard, row[0]);
			buf_addc(&t->guard, '.');
			sql_ident(&t->guard, row[1]);
			buf_adds(&t->guard, " kura WHERE ");
		}
		buf_adds(&t->guard, "kura.");
		sql_ident(&t->guard, row[2]);
		buf_addc(&t->guard, '=');
		sql_ident(&t->guard, t->map.schema);
		buf_addc(&t->guard, '.');
		sql_ident(&t->guard, t->map.table);
		buf_addc(&t->guard, '.');
		sql_ident(&t->guard, row[3]);
		(void)snprintf(last, sizeof(last), "%s", row[4]);
	}
	if (last[0] != '\0')
		buf_addc(&t->guard, ')');
	result_free(r);
	buf_free(&sql);
	buf_free(&text);
	return got < 0 ? -1 : 0;
}

int
undo_look(struct undo *u, struct err *e)
{
	struct undo_table *t;
	struct err one;

	if (u->ntransactions == 0 || u->ntables == 0)
		return 0;
	if (look_later(u, e) != 0)
		return -1;
	for (t = u->tables; t < u->tables + u->ntables; t++) {
		one = (struct err){0};
		t->shape = shapes_columns(u->shapes, u->conn, &u->flavour,
		    t->map.schema, t->map.table, &one);
		if (t->shape == NULL || look_engine(t, &one) != 0 ||
		    rowsql_check(t->shape, &one) != 0 ||
		    rowsql_match(t->shape, &t->map, &one) != 0) {
			if (one.code != ERR_USAGE && one.code !=
			    ERR_NOTFOUND) {
				*e = one;
				return -1;
			}
			(void)err_wrap(&one, "%s.%s", t->map.schema,
			    t->map.table);
			undo_refuse(u, NULL, one.msg);
		} else if (look_keys(u, t, e) != 0) {
			return -1;
		}
	}
	return 0;
}
