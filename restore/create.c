/* SPDX-License-Identifier: Apache-2.0 */
/* create: definitions of a plan become objects on the target. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "mysql/connect.h"
#include "restore/ddl.h"
#include "restore/plan.h"
#include "restore/target.h"
#include "store/store.h"

#include "restore/create_impl.h"

/* Warnings of deprecation (DESIGN, promise 3), and advice that changes nothing
 * of what is made: a duplicate index (1831), a spatial index over columns
 * without SRID (3674). */
const unsigned create_deprecations[] = { 1287, 1681, 3719, 3778, 1831, 3674,
	0 };

static const char *
map_schema(void *arg, const char *schema)
{
	return restore_plan_schema(arg, schema);
}

static const char *
map_table(void *arg, const char *schema, const char *table)
{
	return restore_plan_table(arg, schema, table);
}

/* The text of a place, checked to be of its kind and renamed. */
int
create_read(const struct create_opts *o, const struct place *place,
    const char *inline_text, const char *kind, const char *home,
    bool rename, struct buf *out, struct err *e)
{
	const struct ddl_map map = { map_schema, map_table, o->plan, home };
	struct buf raw = {0};
	int rc = -1;

	if (inline_text != NULL)
		buf_adds(&raw, inline_text);
	else if (place_read(o->store, o->plan->head.source, place, &raw,
	    e) != 0)
		goto out;
	if (ddl_check(buf_str(&raw), raw.len, kind, e) != 0)
		goto out;
	if (rename && restore_plan_renames(o->plan)) {
		rc = ddl_rename(buf_str(&raw), raw.len, &map, out, e);
	} else {
		buf_add(out, buf_str(&raw), raw.len);
		rc = buf_check(out, "definition", e);
	}
out:	buf_free(&raw);
	return rc;
}

int
create_run(const struct create_opts *o, const struct buf *sql,
    const unsigned *allowed, struct err *e)
{
	if (conn_execn(o->conn, buf_str(sql), sql->len, e) != 0)
		return -1;
	return conn_check_warnings(o->conn, allowed, e);
}

int
create_use(const struct create_opts *o, const char *schema, struct err *e)
{
	struct buf sql = {0};
	int rc;

	buf_adds(&sql, "USE ");
	sql_ident(&sql, schema);
	rc = buf_check(&sql, "USE", e) != 0 ? -1 :
	    conn_exec(o->conn, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

/* Note that something is about to be made; 1 when it is made already.  What
 * stands there is dropped only if that was asked for, or if it is half of what
 * an interrupted restore made. */
int
create_begin(const struct create_opts *o, uint32_t table, const char *step,
    uint32_t n, bool *drop_it, struct err *e)
{
	int state = STEP_NONE;

	if (o->target->resume)
		state = target_step(o->conn, table, step, n, e);
	*drop_it = o->overwrite || state == STEP_BEGUN;
	if (state != STEP_NONE)
		return state == STEP_DONE ? 1 : state == STEP_BEGUN ? 0 : -1;
	return target_step_begin(o->conn, table, step, n, e);
}

int
create_drop(const struct create_opts *o, bool drop_it, const char *kind,
    const char *schema, const char *name, struct err *e)
{
	struct buf sql = {0};
	int rc;

	if (!drop_it)
		return 0;
	buf_addf(&sql, "DROP %s IF EXISTS ", kind);
	sql_ident(&sql, schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, name);
	rc = buf_check(&sql, "DROP", e) != 0 ? -1 :
	    conn_exec(o->conn, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

/* --- schemas, sequences, tables --- */

static int
create_schema(const struct create_opts *o, const struct plan_object *s,
    struct err *e)
{
	struct buf sql = {0}, text = {0};
	struct ddl_reader r;
	struct ddl_token t;
	int rc = -1;

	if (ddl_check(s->ddl != NULL ? s->ddl : "", s->ddl != NULL ?
	    strlen(s->ddl) : 0, "DATABASE", e) != 0)
		goto out;
	/* What stands after the name: character set, collation, encryption. */
	ddl_reader_init(&r, s->ddl, strlen(s->ddl));
	do
		t = ddl_next(&r);
	while (t.kind != DDL_NAME && t.kind != DDL_END);
	buf_adds(&sql, "CREATE DATABASE IF NOT EXISTS ");
	sql_ident(&sql, s->to_schema);
	buf_adds(&sql, t.kind == DDL_NAME ? t.at + t.len : "");
	rc = buf_check(&sql, "definition", e) != 0 ? -1 :
	    conn_exec(o->conn, buf_str(&sql), e);
out:	buf_free(&sql);
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(e, "schema %s", s->to_schema);
}

/* Picked tables alone: their schema may not be there. */
static int
need_schema(const struct create_opts *o, const char *schema, struct err *e)
{
	struct buf sql = {0};
	int rc;

	buf_adds(&sql, "CREATE DATABASE IF NOT EXISTS ");
	sql_ident(&sql, schema);
	rc = buf_check(&sql, "CREATE DATABASE", e) != 0 ? -1 :
	    conn_exec(o->conn, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

static int
create_sequence(const struct create_opts *o, const struct plan_object *s,
    struct err *e)
{
	uint32_t n = (uint32_t)(s - o->plan->objects);
	struct buf sql = {0};
	bool drop_it;
	int rc = create_begin(o, 0, "sequence", n, &drop_it, e);

	if (rc == 1)
		return 0;
	if (rc == 0)
		rc = create_drop(o, drop_it, "SEQUENCE", s->to_schema,
		    s->name, e);
	if (rc != 0)
		goto out;
	rc = -1;
	if (create_use(o, s->to_schema, e) != 0 ||
	    create_read(o, NULL, s->ddl, "SEQUENCE", s->schema, false, &sql,
	    e) != 0 || create_run(o, &sql, create_deprecations, e) != 0)
		goto out;
	buf_clear(&sql);
	buf_adds(&sql, "SELECT SETVAL(");
	sql_ident(&sql, s->to_schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, s->name);
	buf_addf(&sql, ",%lld,0)", s->next);
	if (buf_check(&sql, "SETVAL", e) == 0)
		rc = conn_exec(o->conn, buf_str(&sql), e) != 0 ? -1 :
		    target_step_done(o->conn, 0, "sequence", n, e);
out:	buf_free(&sql);
	return rc == 0 ? 0 : err_wrap(e, "sequence %s.%s", s->to_schema,
	    s->name);
}

/* A table without transactions may hold half a chunk: begin it again. */
static int
begin_again(const struct create_opts *o, const struct plan_table *t,
    struct err *e)
{
	struct buf sql = {0};
	int rc;

	buf_adds(&sql, "TRUNCATE TABLE ");
	sql_ident(&sql, t->to_schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, t->to_name);
	rc = buf_check(&sql, "TRUNCATE", e) != 0 ||
	    conn_exec(o->conn, buf_str(&sql), e) != 0 ||
	    target_steps_clear(o->conn, t->n, e) != 0 ||
	    target_step_done(o->conn, t->n, "table", 0, e) != 0 ? -1 : 0;
	buf_free(&sql);
	return rc;
}

int
create_table_text(struct store *s, const struct restore_plan *p,
    const struct plan_table *t, struct buf *out, struct err *e)
{
	struct restore_plan *plan = (struct restore_plan *)(uintptr_t)p;
	const struct create_opts o = { .store = s, .plan = plan };

	return create_read(&o, &t->ddl, NULL, "TABLE", t->schema, true, out, e);
}

static int
create_table(const struct create_opts *o, struct plan_table *t, struct err *e)
{
	struct buf ddl = {0}, sql = {0}, later = {0}, keys = {0};
	bool defer = o->defer_indexes && strcasecmp(t->engine,
	    "InnoDB") == 0 && t->rows > 0, drop_it;
	int rc = -1;

	if (create_read(o, &t->ddl, NULL, "TABLE", t->schema, true, &ddl,
	    e) != 0 ||
	    ddl_split_table(buf_str(&ddl), ddl.len, defer, &sql, &later,
	    &keys, e) != 0)
		goto out;
	if (later.len > 0)
		t->later = strdup(buf_str(&later));
	if (keys.len > 0)
		t->keys = strdup(buf_str(&keys));
	rc = create_begin(o, t->n, "table", 0, &drop_it, e);
	if (rc == 1)
		rc = t->transactional ? 0 : begin_again(o, t, e);
	else if (rc == 0)
		rc = create_drop(o, drop_it, "TABLE", t->to_schema, t->to_name,
		    e) != 0 || create_use(o, t->to_schema, e) != 0 ||
		    create_run(o, &sql, create_deprecations, e) != 0 ||
		    target_step_done(o->conn, t->n, "table", 0, e) != 0 ? -1 :
		    0;
out:	buf_free(&ddl);
	buf_free(&sql);
	buf_free(&later);
	buf_free(&keys);
	return rc == 0 ? 0 : err_wrap(e, "table %s.%s", t->to_schema,
	    t->to_name);
}

int
create_tables(const struct create_opts *o, struct err *e)
{
	struct restore_plan *p = o->plan;
	size_t i;

	for (i = 0; i < p->nobjects; i++)
		if (p->objects[i].kind == LINE_SCHEMA &&
		    create_schema(o, &p->objects[i], e) != 0)
			return -1;
	for (i = 0; i < p->ntables && p->part; i++)
		if (need_schema(o, p->tables[i].to_schema, e) != 0)
			return -1;
	for (i = 0; i < p->nobjects; i++)
		if (p->objects[i].kind == LINE_SEQUENCE &&
		    create_sequence(o, &p->objects[i], e) != 0)
			return -1;
	for (i = 0; i < p->ntables; i++)
		if (create_table(o, &p->tables[i], e) != 0)
			return -1;
	return 0;
}
