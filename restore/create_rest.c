/* SPDX-License-Identifier: Apache-2.0 */
/* create_rest: what can stand once the rows are in. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/bundle.h"
#include "mysql/connect.h"
#include "restore/ddl.h"
#include "restore/plan.h"
#include "restore/scheduled.h"
#include "restore/target.h"
#include "store/store.h"

#include "restore/create_impl.h"

/* MariaDB says of each new event that the scheduler is off (1105). */
static const unsigned of_events[] = { 1287, 1681, 3719, 3778, 1105, 0 };

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

static bool
known_routine(const char *type)
{
	return strcmp(type, "PROCEDURE") == 0 ||
	    strcmp(type, "FUNCTION") == 0 || strcmp(type, "PACKAGE") == 0 ||
	    strcmp(type, "PACKAGE BODY") == 0 || strcmp(type, "LIBRARY") == 0;
}

/* The same event, but disabled. */
static int
switch_off(struct buf *sql, struct err *e)
{
	enum scheduled_state state;
	struct buf off = {0};

	if (scheduled_text(buf_str(sql), sql->len, &state, &off, e) != 0) {
		buf_free(&off);
		return -1;
	}
	buf_free(sql);
	*sql = off;
	return 0;
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
	rc = create_begin(o, 0, step, n, &drop_it, e);
	if (rc == 1)
		x->done = true;
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	rc = -1;
	if (create_drop(o, drop_it, kind, x->to_schema, x->name, e) == 0 &&
	    create_read(o, &x->place, NULL, kind, x->schema,
	    x->kind == LINE_VIEW, &sql, e) == 0 &&
	    (x->kind != LINE_EVENT || !o->events_off ||
	    switch_off(&sql, e) == 0) && create_use(o, x->to_schema, e) == 0 &&
	    set_context(o, x, e) == 0)
		rc = create_run(o, &sql, x->kind == LINE_EVENT ? of_events :
		    create_deprecations, e);
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
	int rc = create_begin(o, t->n, "keys", 0, &again, e);

	if (rc != 0)
		return rc == 1 ? 0 : -1;
	buf_adds(&sql, "ALTER TABLE ");
	sql_ident(&sql, t->to_schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, t->to_name);
	buf_addf(&sql, " %s", t->keys);
	rc = buf_check(&sql, "ALTER TABLE", e);
	if (rc == 0 && create_use(o, t->to_schema, e) == 0)
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

/* The source lets a view outlive what it stands on; none can be made so. */
static bool
stands_on_nothing(const struct err *e)
{
	return e->sys == 1146 || e->sys == 1054 || e->sys == 1356 ||
	    e->sys == 1305 || e->sys == 1630;
}

static int
create_views(const struct create_opts *o, struct err *e)
{
	struct restore_plan *p = o->plan;
	struct err one;
	size_t i;

	if (create_all(o, LINE_VIEW, e) == 0)
		return 0;
	if (!stands_on_nothing(e))
		return -1;
	*e = (struct err){0};
	for (i = 0; i < p->nobjects; i++) {
		if (p->objects[i].kind != LINE_VIEW || p->objects[i].done)
			continue;
		one = (struct err){0};
		if (create_object(o, &p->objects[i], &one) == 0)
			continue;
		if (!stands_on_nothing(&one)) {
			*e = one;
			return -1;
		}
		log_event(LOG_WARN_, "a view cannot be made", "why", one.msg,
		    NULL);
		if (o->target->broken_views++ == 0)
			o->target->broken_view = one;
	}
	return 0;
}

int
create_rest(const struct create_opts *o, struct err *e)
{
	size_t i;

	for (i = 0; i < o->plan->ntables; i++)
		if (o->plan->tables[i].keys != NULL &&
		    add_keys(o, &o->plan->tables[i], e) != 0)
			return -1;
	return create_all(o, LINE_ROUTINE, e) != 0 ||
	    create_views(o, e) != 0 ? -1 : 0;
}

int
create_triggers(const struct create_opts *o, struct err *e)
{
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
