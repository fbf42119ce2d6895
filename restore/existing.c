/* SPDX-License-Identifier: Apache-2.0 */
/* existing: tables that stand on the target already, and are filled. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/schema.h"
#include "restore/create.h"
#include "restore/ddl.h"
#include "restore/plan.h"
#include "restore/target.h"

#include "restore/existing.h"

#define SHOWN 40		/* bytes of a token in a message */
#define NO_SUCH_TABLE 1146
#define NO_SUCH_SCHEMA 1049

/* --- two definitions --- */

/* Behind CREATE TABLE and its name. */
static struct ddl_token
behind_name(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r);

	while (t.kind != DDL_END && t.kind != DDL_BAD &&
	    !ddl_is_punct(&t, '('))
		t = ddl_next(r);
	return t;
}

/* The next token that counts: AUTO_INCREMENT=n is how far the rows are. */
static struct ddl_token
counted(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r), value;
	struct ddl_reader ahead;

	while (ddl_is(&t, "AUTO_INCREMENT")) {
		ahead = *r;
		value = ddl_next(&ahead);
		if (!ddl_is_punct(&value, '='))
			break;
		(void)ddl_next(&ahead);
		*r = ahead;
		t = ddl_next(r);
	}
	return t;
}

static void
show(const struct ddl_token *t, struct buf *out)
{
	if (t->kind == DDL_END)
		buf_adds(out, "its end");
	else
		buf_addf(out, "%.*s", (int)(t->len < SHOWN ? t->len : SHOWN),
		    t->at);
}

bool
existing_same(const char *a, size_t na, const char *b, size_t nb,
    struct buf *where)
{
	struct ddl_reader x, y;
	struct ddl_token t, u;

	ddl_reader_init(&x, a, na);
	ddl_reader_init(&y, b, nb);
	t = behind_name(&x);
	u = behind_name(&y);
	while (t.kind == u.kind && t.len == u.len &&
	    memcmp(t.at, u.at, t.len) == 0 && t.kind != DDL_END &&
	    t.kind != DDL_BAD) {
		t = counted(&x);
		u = counted(&y);
	}
	if (t.kind == DDL_END && u.kind == DDL_END)
		return true;
	show(&t, where);
	buf_adds(where, " where the backup has ");
	show(&u, where);
	return false;
}

/* --- one table --- */

static int
read_theirs(const struct target *t, const struct plan_table *x,
    struct buf *out, struct err *e)
{
	const struct schema_item item = { .kind = SCHEMA_TABLE,
	    .schema = x->to_schema, .name = x->to_name, .type = x->engine };

	if (schema_ddl(t->conn, &t->flavour, &item, out, NULL, e) == 0)
		return 0;
	if (e->sys != NO_SUCH_TABLE && e->sys != NO_SUCH_SCHEMA)
		return -1;
	*e = (struct err){0};
	(void)err_set(e, ERR_NOTFOUND, 0, "it is not there");
	return err_hint(e, "let an administrator make it; 'catalog cat' shows "
	    "its definition");
}

static int
compare(struct store *s, const struct restore_plan *p,
    const struct target *t, const struct plan_table *x, struct err *e)
{
	struct buf theirs = {0}, ours = {0}, where = {0};
	int rc = -1;

	if (read_theirs(t, x, &theirs, e) == 0 && create_table_text(s, p, x,
	    &ours, e) == 0)
		rc = existing_same(buf_str(&theirs), theirs.len,
		    buf_str(&ours), ours.len, &where) ? 0 : err_set(e,
		    ERR_USAGE, 0, "its definition has %s", buf_str(&where));
	buf_free(&theirs);
	buf_free(&ours);
	buf_free(&where);
	return rc;
}

/* Any value of a query: something is there. */
static int
any(const struct target *t, const struct buf *sql, struct err *e)
{
	struct err none = {0};
	struct buf value = {0};
	int rc = buf_check(sql, "query", e);

	if (rc == 0 && conn_value(t->conn, buf_str(sql), &value,
	    &none) == 0) {
		rc = 1;
	} else if (rc == 0 && none.code != ERR_NOTFOUND) {
		*e = none;
		rc = -1;
	}
	buf_free(&value);
	return rc;
}

static int
no_triggers(const struct target *t, const struct plan_table *x,
    struct err *e)
{
	struct buf sql = {0};
	int got;

	buf_adds(&sql, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS "
	    "WHERE EVENT_OBJECT_SCHEMA=");
	sql_string(&sql, x->to_schema, strlen(x->to_schema));
	buf_adds(&sql, " AND EVENT_OBJECT_TABLE=");
	sql_string(&sql, x->to_name, strlen(x->to_name));
	buf_adds(&sql, " LIMIT 1");
	got = any(t, &sql, e);
	buf_free(&sql);
	return got != 1 ? got : err_set(e, ERR_USAGE, 0, "it has triggers, "
	    "which would fire for what is restored");
}

static int
is_empty(const struct target *t, const struct plan_table *x, struct err *e)
{
	struct buf sql = {0};
	int got;

	buf_adds(&sql, "SELECT 1 FROM ");
	sql_ident(&sql, x->to_schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, x->to_name);
	buf_adds(&sql, " LIMIT 1");
	got = any(t, &sql, e);
	buf_free(&sql);
	if (got != 1)
		return got;
	(void)err_set(e, ERR_EXISTS, 0, "it holds rows");
	return err_hint(e, "--into-existing fills empty tables alone");
}

static int
look(struct store *s, const struct restore_plan *p, const struct target *t,
    const struct plan_table *x, struct err *e)
{
	if (!x->transactional)
		return err_set(e, ERR_USAGE, 0, "engine %s has no "
		    "transactions: a load that is interrupted could not be "
		    "gone on with", x->engine);
	return compare(s, p, t, x, e) != 0 || no_triggers(t, x, e) != 0 ||
	    (!t->resume && is_empty(t, x, e) != 0) ? -1 : 0;
}

int
existing_look(struct store *s, const struct restore_plan *p,
    const struct target *t, struct err *e)
{
	size_t i;

	for (i = 0; i < p->ntables; i++)
		if (look(s, p, t, &p->tables[i], e) != 0)
			return err_wrap(e, "table %s.%s",
			    p->tables[i].to_schema, p->tables[i].to_name);
	return 0;
}
