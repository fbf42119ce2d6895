/* SPDX-License-Identifier: Apache-2.0 */
/* create: definitions of a plan become objects on the target. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/bundle.h"
#include "mysql/connect.h"
#include "restore/ddl.h"
#include "restore/plan.h"
#include "restore/target.h"
#include "store/store.h"

#include "restore/create.h"

/* Warnings of deprecation (DESIGN, promise 3), and advice that changes nothing
 * of what is made: a duplicate index (1831), a spatial index over columns
 * without SRID (3674). */
static const unsigned deprecations[] = { 1287, 1681, 3719, 3778, 1831, 3674,
	0 };
/* MariaDB says of each new event that the scheduler is off (1105). */
static const unsigned of_events[] = { 1287, 1681, 3719, 3778, 1105, 0 };

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
static int
read_ddl(const struct create_opts *o, const struct place *place,
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

static int
run(const struct create_opts *o, const struct buf *sql,
    const unsigned *allowed, struct err *e)
{
	if (conn_execn(o->conn, buf_str(sql), sql->len, e) != 0)
		return -1;
	return conn_check_warnings(o->conn, allowed, e);
}

static int
use(const struct create_opts *o, const char *schema, struct err *e)
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
static int
begin(const struct create_opts *o, uint32_t table, const char *step,
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

static int
drop(const struct create_opts *o, bool drop_it, const char *kind,
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
	int rc = begin(o, 0, "sequence", n, &drop_it, e);

	if (rc == 1)
		return 0;
	if (rc == 0)
		rc = drop(o, drop_it, "SEQUENCE", s->to_schema, s->name, e);
	if (rc != 0)
		goto out;
	rc = -1;
	if (use(o, s->to_schema, e) != 0 ||
	    read_ddl(o, NULL, s->ddl, "SEQUENCE", s->schema, false, &sql,
	    e) != 0 || run(o, &sql, deprecations, e) != 0)
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

static int
create_table(const struct create_opts *o, struct plan_table *t, struct err *e)
{
	struct buf ddl = {0}, sql = {0}, later = {0}, keys = {0};
	bool defer = o->defer_indexes && strcasecmp(t->engine,
	    "InnoDB") == 0 && t->rows > 0, drop_it;
	int rc = -1;

	if (read_ddl(o, &t->ddl, NULL, "TABLE", t->schema, true, &ddl,
	    e) != 0 ||
	    ddl_split_table(buf_str(&ddl), ddl.len, defer, &sql, &later,
	    &keys, e) != 0)
		goto out;
	if (later.len > 0)
		t->later = strdup(buf_str(&later));
	if (keys.len > 0)
		t->keys = strdup(buf_str(&keys));
	rc = begin(o, t->n, "table", 0, &drop_it, e);
	if (rc == 1)
		rc = t->transactional ? 0 : begin_again(o, t, e);
	else if (rc == 0)
		rc = drop(o, drop_it, "TABLE", t->to_schema, t->to_name,
		    e) != 0 || use(o, t->to_schema, e) != 0 ||
		    run(o, &sql, deprecations, e) != 0 ||
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
		if (p->objects[i].kind == LINE_SEQUENCE && create_sequence(o, &p->objects[i], e) != 0)
			return -1;
	for (i = 0; i < p->ntables; i++)
		if (create_table(o, &p->tables[i], e) != 0)
			return -1;
	return 0;
}

/* --- the rest --- */

void
create_context(const struct plan_object *x, struct buf *out)
{
	const struct schema_context *c = &x->context;
	/* Whatever is not known stays at what a dump would have said. */
	const char *mode = c->sql_mode != NULL ? c->sql_mode : "";
	const char *zone = c->time_zone != NULL ? c->time_zone : "+00:00";

	buf_adds(out, "SET sql_mode=");
	sql_string(out, mode, strlen(mode));
	buf_adds(out, ", time_zone=");
	sql_string(out, zone, strlen(zone));
	if (c->charset != NULL && c->collation != NULL) {
		buf_adds(out, ", character_set_client=");
		sql_string(out, c->charset, strlen(c->charset));
		buf_adds(out, ", collation_connection=");
		sql_string(out, c->collation, strlen(c->collation));
	}
}

static int
set_context(const struct create_opts *o, const struct plan_object *x,
    struct err *e)
{
	struct buf sql = {0};
	int rc;

	create_context(x, &sql);
	rc = buf_check(&sql, "SET", e) != 0 ? -1 :
	    conn_exec(o->conn, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

static int
reset_context(const struct create_opts *o, struct err *e)
{
	return conn_exec(o->conn, "SET NAMES utf8mb4, time_zone='+00:00', "
	    "sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,"
	    "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
	    e);
}

const char *
create_kind(const struct plan_object *x)
{
	switch (x->kind) {
	case LINE_VIEW:
		return "VIEW";
	case LINE_TRIGGER:
		return "TRIGGER";
	case LINE_EVENT:
		return "EVENT";
	case LINE_ROUTINE:
		return x->type;
	case LINE_SCHEMA: case LINE_ACCOUNT: case LINE_ROLE: case LINE_GRANT:
	case LINE_SEQUENCE: case LINE_TABLE: case LINE_CHUNK:
	case LINE_MEMBER:
		break;
	}
	return "";
}

static bool
known_routine(const char *type)
{
	return strcmp(type, "PROCEDURE") == 0 ||
	    strcmp(type, "FUNCTION") == 0 || strcmp(type, "PACKAGE") == 0 ||
	    strcmp(type, "PACKAGE BODY") == 0 || strcmp(type, "LIBRARY") == 0;
}

static int
create_object(const struct create_opts *o, struct plan_object *x,
    struct err *e)
{
	const char *kind = create_kind(x), *step = line_kind_name(x->kind);
	uint32_t n = (uint32_t)(x - o->plan->objects);
	struct err reset = {0};
	struct buf sql = {0};
	bool drop_it;
	int rc = -1;

	if (x->kind == LINE_ROUTINE && !known_routine(x->type))
		return err_set(e, ERR_USAGE, 0, "unknown kind of routine "
		    "'%.32s': it needs a newer Kura", x->type);
	rc = begin(o, 0, step, n, &drop_it, e);
	if (rc == 1)
		x->done = true;
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	rc = -1;
	if (drop(o, drop_it, kind, x->to_schema, x->name, e) == 0 &&
	    read_ddl(o, &x->place, NULL, kind, x->schema,
	    x->kind == LINE_VIEW, &sql, e) == 0 && use(o, x->to_schema, e) == 0 &&
	    set_context(o, x, e) == 0)
		rc = run(o, &sql, x->kind == LINE_EVENT ? of_events :
		    deprecations, e);
	if (reset_context(o, &reset) != 0 && rc == 0) {
		*e = reset;
		rc = -1;
	}
	if (rc == 0)
		rc = target_step_done(o->conn, 0, step, n, e);
	buf_free(&sql);
	x->done = rc == 0;
	return rc == 0 ? 0 : err_wrap(e, "%s %s.%s", line_kind_name(x->kind),
	    x->to_schema, x->name);
}

/* Objects of some kinds may need one another in any order: go round until a
 * round makes nothing new. */
static int
create_all(const struct create_opts *o, enum line_kind kind, struct err *e)
{
	struct restore_plan *p = o->plan;
	struct err last = {0}, one;
	size_t i, left, made;

	do {
		left = made = 0;
		for (i = 0; i < p->nobjects; i++) {
			if (p->objects[i].kind != kind || p->objects[i].done)
				continue;
			one = (struct err){0};
			if (create_object(o, &p->objects[i], &one) == 0) {
				made++;
				continue;
			}
			last = one;
			left++;
			if (one.code == ERR_CORRUPT && one.sys == 0)
				break;
		}
	} while (left > 0 && made > 0 && !(last.code == ERR_CORRUPT &&
	    last.sys == 0));
	if (left == 0)
		return 0;
	*e = last;
	return -1;
}

static int
add_keys(const struct create_opts *o, const struct plan_table *t,
    struct err *e)
{
	struct buf sql = {0};
	bool again;
	int rc = begin(o, t->n, "keys", 0, &again, e);

	if (rc != 0)
		return rc == 1 ? 0 : -1;
	buf_adds(&sql, "ALTER TABLE ");
	sql_ident(&sql, t->to_schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, t->to_name);
	buf_addf(&sql, " %s", t->keys);
	rc = buf_check(&sql, "ALTER TABLE", e);
	if (rc == 0 && use(o, t->to_schema, e) == 0)
		rc = conn_exec(o->conn, buf_str(&sql), e);
	/* Killed before it was noted: duplicate names mean they are there. */
	if (rc != 0 && o->target->resume && (e->sys == 1826 ||
	    e->sys == 1061 || (e->sys == 1005 && strstr(e->msg, "errno: 121")
	    != NULL))) {
		*e = (struct err){0};
		rc = 0;
	}
	if (rc == 0)
		rc = target_step_done(o->conn, t->n, "keys", 0, e);
	buf_free(&sql);
	return rc == 0 ? 0 : err_wrap(e, "foreign keys of table %s.%s",
	    t->to_schema, t->to_name);
}

int
create_rest(const struct create_opts *o, struct err *e)
{
	size_t i;

	for (i = 0; i < o->plan->ntables; i++)
		if (o->plan->tables[i].keys != NULL &&
		    add_keys(o, &o->plan->tables[i], e) != 0)
			return -1;
	if (create_all(o, LINE_ROUTINE, e) != 0 ||
	    create_all(o, LINE_VIEW, e) != 0)
		return -1;
	return create_all(o, LINE_TRIGGER, e);
}

int
create_events(const struct create_opts *o, struct err *e)
{
	return create_all(o, LINE_EVENT, e);
}

int
create_check_names(const struct create_opts *o, struct err *e)
{
	const struct plan_object *x;
	struct buf text = {0};
	int rc = 0;
	size_t i;

	for (i = 0; i < o->plan->nobjects && rc == 0; i++) {
		x = &o->plan->objects[i];
		if ((x->kind != LINE_ROUTINE && x->kind != LINE_TRIGGER &&
		    x->kind != LINE_EVENT) ||
		    strcmp(x->schema, x->to_schema) == 0)
			continue;
		buf_clear(&text);
		rc = place_read(o->store, o->plan->head.source, &x->place,
		    &text, e);
		if (rc == 0 && !o->keep_names &&
		    ddl_names(buf_str(&text), text.len, x->schema)) {
			rc = err_set(e, ERR_USAGE, 0, "%s %s.%s names the "
			    "old schema in its text, which is not rewritten",
			    line_kind_name(x->kind), x->schema, x->name);
			(void)err_hint(e, "use --keep-names to restore it as "
			    "it stands");
		}
	}
	buf_free(&text);
	return rc;
}
