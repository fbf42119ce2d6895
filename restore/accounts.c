/* SPDX-License-Identifier: Apache-2.0 */
/* accounts: users, roles and their grants on the target. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "restore/create.h"
#include "restore/ddl.h"
#include "restore/plan.h"
#include "restore/target.h"

#include "restore/accounts.h"

static int
account_exists(const struct create_opts *o, const char *name, struct err *e)
{
	struct err gone = {0};
	struct result *r = conn_queryf(o->conn, &gone, "SHOW GRANTS FOR %s",
	    name);

	if (r != NULL) {
		result_free(r);
		return 1;
	}
	/* 1141: no such grant; 1133: no such account; 3530 and 1959: roles. */
	if (gone.sys == 1141 || gone.sys == 1133 || gone.sys == 1959 ||
	    gone.sys == 3162 || gone.sys == 1146)
		return 0;
	*e = gone;
	return -1;
}

/* An account's name stands in statements: it is only ever quoted text. */
static bool
is_quoted_account(const char *name)
{
	struct ddl_reader r;
	struct ddl_token t;

	ddl_reader_init(&r, name, strlen(name));
	t = ddl_next(&r);
	if (t.kind != DDL_STRING)
		return false;
	t = ddl_next(&r);
	if (t.kind == DDL_END)
		return true;
	if (t.kind != DDL_PUNCT || *t.at != '@')
		return false;
	t = ddl_next(&r);
	return t.kind == DDL_STRING && ddl_next(&r).kind == DDL_END;
}

/* A grant outlives what it was given on: no such schema (1049), table (1146),
 * column (1054), routine (1305). */
static bool
on_nothing(const struct err *e)
{
	return e->sys == 1049 || e->sys == 1146 || e->sys == 1054 ||
	    e->sys == 1305;
}

int
accounts_create(const struct create_opts *o, bool missing_only,
    struct err *e)
{
	struct plan_object *x;
	size_t i, k;
	int there, made;

	for (i = 0; i < o->plan->nobjects; i++) {
		x = &o->plan->objects[i];
		if (x->kind != LINE_ACCOUNT && x->kind != LINE_ROLE)
			continue;
		if (!is_quoted_account(x->name) ||
		    (ddl_check(x->ddl, strlen(x->ddl), "USER", e) != 0 &&
		    (*e = (struct err){0},
		    ddl_check(x->ddl, strlen(x->ddl), "ROLE", e) != 0)))
			return err_set(e, ERR_CORRUPT, 0, "account %.80s: not "
			    "a definition", x->name);
		there = account_exists(o, x->name, e);
		if (there < 0)
			return err_wrap(e, "account %s", x->name);
		made = target_step(o->conn, 0, "account", (uint32_t)i, e);
		if (made < 0)
			return -1;
		/* Others' accounts, not those of a restore that goes on. */
		x->done = there == 1 && made == STEP_NONE;
		if (x->done)
			log_event(LOG_INFO_, "account exists and is left as "
			    "it is", "account", x->name, NULL);
		else if (there == 0 && (target_step_begin(o->conn, 0,
		    "account", (uint32_t)i, e) != 0 ||
		    conn_exec(o->conn, x->ddl, e) != 0))
			return err_wrap(e, "account %s", x->name);
	}
	for (i = 0; i < o->plan->nobjects; i++) {
		bool skip = false;

		x = &o->plan->objects[i];
		if (x->kind != LINE_GRANT)
			continue;
		for (k = 0; k < o->plan->nobjects && missing_only; k++)
			skip |= o->plan->objects[k].kind != LINE_GRANT &&
			    o->plan->objects[k].done &&
			    strcmp(o->plan->objects[k].name, x->name) == 0;
		if (skip)
			continue;
		if (ddl_check_grant(x->ddl, strlen(x->ddl), e) == 0 &&
		    conn_exec(o->conn, x->ddl, e) == 0)
			continue;
		if (!on_nothing(e))
			return err_wrap(e, "grant to %s", x->name);
		log_event(LOG_WARN_, "a grant on what is not there is left "
		    "out", "account", x->name, "grant", x->ddl, NULL);
		*e = (struct err){0};
	}
	return 0;
}
