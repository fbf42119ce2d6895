/* SPDX-License-Identifier: Apache-2.0 */
/* scheduled: events and the state that each had at a moment. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/transaction.h"
#include "restore/ddl.h"

#include "restore/scheduled.h"

struct entry {
	char *schema, *name;
	enum scheduled_state state;
};

struct scheduled {
	struct entry *list;
	size_t n;
};

/* --- statements --- */

/* What stands between an event's name and its body. */
struct clauses {
	bool state_said, body;
	bool twice;			/* two states: no server takes it */
	enum scheduled_state state;
	const char *from, *to;		/* of the words that say the state */
	char *rename_schema, *rename;	/* owned */
};

/* A name without its quotes; owned. */
static char *
plain(const struct ddl_token *t)
{
	char quote = *t->at == '`' || *t->at == '"' ? *t->at : '\0';
	size_t i = quote != '\0' ? 1 : 0, n = t->len - i, k = 0;
	char *out = malloc(t->len + 1);

	if (out == NULL)
		return NULL;
	for (; i < n; i++) {
		out[k++] = t->at[i];
		if (t->at[i] == quote && quote != '\0')
			i++;
	}
	out[k] = '\0';
	return out;
}

static bool
is_name(const struct ddl_token *t)
{
	return t->kind == DDL_WORD || t->kind == DDL_NAME ||
	    (t->kind == DDL_STRING && *t->at == '"');
}

/* name or schema.name at t; t is then the token after it. */
static int
take_name(struct ddl_reader *r, struct ddl_token *t, const char *home,
    char **schema, char **name)
{
	struct ddl_token first = *t;

	if (!is_name(t))
		return -1;
	*t = ddl_next(r);
	if (!ddl_is_punct(t, '.')) {
		*schema = strdup(home);
		*name = plain(&first);
	} else {
		*t = ddl_next(r);
		if (!is_name(t))
			return -1;
		*schema = plain(&first);
		*name = plain(t);
		*t = ddl_next(r);
	}
	return *schema != NULL && *name != NULL ? 0 : -1;
}

static void
take_state(struct ddl_reader *r, struct ddl_token *t, struct clauses *c)
{
	c->twice |= c->state_said;
	c->from = t->at;
	c->to = t->at + t->len;
	c->state = ddl_is(t, "ENABLE") ? SCHEDULED_ON : SCHEDULED_OFF;
	c->state_said = true;
	*t = ddl_next(r);
	if (!ddl_is(t, "ON"))
		return;
	*t = ddl_next(r);
	if (!ddl_is(t, "SLAVE") && !ddl_is(t, "REPLICA"))
		return;
	c->twice |= c->state == SCHEDULED_ON;
	c->state = SCHEDULED_REPLICA;
	c->to = t->at + t->len;
	*t = ddl_next(r);
	c->twice |= ddl_is(t, "ON");
}

/* t is the token after the name. */
static void
take_clauses(struct ddl_reader *r, struct ddl_token *t, const char *home,
    struct clauses *c)
{
	unsigned depth = 0;

	while (t->kind != DDL_END && t->kind != DDL_BAD) {
		if (ddl_is_punct(t, '('))
			depth++;
		else if (ddl_is_punct(t, ')') && depth > 0)
			depth--;
		if (depth == 0 && ddl_is(t, "DO")) {
			c->body = true;
			return;
		}
		if (depth == 0 && ddl_is(t, "RENAME") && c->rename == NULL) {
			*t = ddl_next(r);
			if (ddl_is(t, "TO"))
				*t = ddl_next(r);
			if (take_name(r, t, home, &c->rename_schema,
			    &c->rename) != 0)
				return;
		} else if (depth == 0 && (ddl_is(t, "ENABLE") ||
		    ddl_is(t, "DISABLE"))) {
			take_state(r, t, c);
		} else {
			*t = ddl_next(r);
		}
	}
}

static void
clauses_free(struct clauses *c)
{
	free(c->rename_schema);
	free(c->rename);
}

/* Past CREATE, ALTER or DROP up to the EVENT that it is about; false when it
 * is about something else.  Before it stand OR REPLACE and a definer. */
static bool
find_event(struct ddl_reader *r, struct ddl_token *t)
{
	unsigned words = 0;

	for (*t = ddl_next(r); t->kind != DDL_END && t->kind != DDL_BAD &&
	    words < 12; *t = ddl_next(r), words++)
		if (ddl_is(t, "EVENT")) {
			*t = ddl_next(r);
			return true;
		} else if (ddl_is(t, "TABLE") || ddl_is(t, "VIEW") ||
		    ddl_is(t, "TRIGGER") || ddl_is(t, "PROCEDURE") ||
		    ddl_is(t, "FUNCTION") || ddl_is(t, "USER")) {
			return false;
		}
	return false;
}

/* IF [NOT] EXISTS. */
static bool
skip_if(struct ddl_reader *r, struct ddl_token *t)
{
	bool is = ddl_is(t, "IF");

	if (!is)
		return false;
	do
		*t = ddl_next(r);
	while (ddl_is(t, "NOT") || ddl_is(t, "EXISTS"));
	return true;
}

int
scheduled_text(const char *text, size_t n, enum scheduled_state *state,
    struct buf *off, struct err *e)
{
	struct clauses c = { .state = SCHEDULED_ON };
	char *schema = NULL, *name = NULL;
	struct ddl_reader r;
	struct ddl_token t;
	int rc = -1;

	ddl_reader_init(&r, text, n);
	t = ddl_next(&r);
	if (ddl_is(&t, "CREATE") && find_event(&r, &t)) {
		(void)skip_if(&r, &t);
		rc = take_name(&r, &t, "", &schema, &name);
	}
	if (rc == 0)
		take_clauses(&r, &t, "", &c);
	if (rc != 0 || !c.body || c.twice) {
		rc = err_set(e, ERR_CORRUPT, 0, "no definition of an event");
		goto out;
	}
	*state = c.state;
	if (off == NULL)
		goto out;
	/* Without a state it goes before the body: DO comes last. */
	if (!c.state_said)
		c.from = c.to = t.at;
	buf_add(off, text, (size_t)(c.from - text));
	buf_adds(off, c.state_said ? "DISABLE" : "DISABLE ");
	buf_add(off, c.to, n - (size_t)(c.to - text));
	rc = buf_check(off, "definition", e);
out:	clauses_free(&c);
	free(schema);
	free(name);
	return rc;
}

/* --- the map --- */

struct scheduled *
scheduled_new(struct err *e)
{
	struct scheduled *s = calloc(1, sizeof(*s));

	if (s == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "events");
	return s;
}

/* Events are few: a walk each time. */
static struct entry *
find(const struct scheduled *s, const char *schema, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->list[i].schema, schema) == 0 &&
		    strcmp(s->list[i].name, name) == 0)
			return &s->list[i];
	return NULL;
}

static void
forget(struct scheduled *s, struct entry *x)
{
	free(x->schema);
	free(x->name);
	*x = s->list[--s->n];
}

int
scheduled_add(struct scheduled *s, const char *schema, const char *name,
    enum scheduled_state state, struct err *e)
{
	struct entry *x = find(s, schema, name), *wider;

	if (x == NULL) {
		wider = realloc(s->list, (s->n + 1) * sizeof(*wider));
		if (wider == NULL)
			return err_set(e, ERR_NOMEM, 0, "events");
		s->list = wider;
		x = &wider[s->n];
		x->schema = strdup(schema);
		x->name = strdup(name);
		if (x->schema == NULL || x->name == NULL) {
			free(x->schema);
			free(x->name);
			return err_set(e, ERR_NOMEM, 0, "events");
		}
		s->n++;
	}
	x->state = state;
	return 0;
}

static int
created(struct scheduled *s, bool unless_there, const char *schema,
    const char *name, const struct clauses *c, struct err *e)
{
	if (unless_there && find(s, schema, name) != NULL)
		return 0;
	return scheduled_add(s, schema, name, c->state_said ? c->state :
	    c->body ? SCHEDULED_ON : SCHEDULED_UNKNOWN, e);
}

static int
altered(struct scheduled *s, const char *schema, const char *name,
    const struct clauses *c, bool cut, struct err *e)
{
	struct entry *x = find(s, schema, name);
	enum scheduled_state state;

	state = c->state_said ? c->state : cut && !c->body ?
	    SCHEDULED_UNKNOWN : x != NULL ? x->state : SCHEDULED_UNKNOWN;
	if (x != NULL && c->rename != NULL)
		forget(s, x);
	if (c->rename != NULL)
		return scheduled_add(s, c->rename_schema, c->rename, state,
		    e);
	return scheduled_add(s, schema, name, state, e);
}

static void
dropped_schema(struct scheduled *s, struct ddl_reader *r,
    struct ddl_token *t)
{
	char *name;
	size_t i;

	*t = ddl_next(r);
	(void)skip_if(r, t);
	name = is_name(t) ? plain(t) : NULL;
	for (i = s->n; i-- > 0 && name != NULL;)
		if (strcmp(s->list[i].schema, name) == 0)
			forget(s, &s->list[i]);
	free(name);
}

int
scheduled_statement(struct scheduled *s, const char *home, const char *sql,
    struct err *e)
{
	struct clauses c = { .state = SCHEDULED_ON };
	bool create, alter, drop, unless, cut;
	char *schema = NULL, *name = NULL;
	struct ddl_reader r, ahead;
	struct ddl_token t, next;
	struct entry *x;
	int rc = 0;

	cut = strlen(sql) >= TRANSACTION_SQL_MAX - 4;
	ddl_reader_init(&r, sql, strlen(sql));
	t = ddl_next(&r);
	create = ddl_is(&t, "CREATE");
	alter = ddl_is(&t, "ALTER");
	drop = ddl_is(&t, "DROP");
	ahead = r;
	next = ddl_next(&ahead);
	if (drop && (ddl_is(&next, "DATABASE") || ddl_is(&next, "SCHEMA"))) {
		dropped_schema(s, &ahead, &next);
		return 0;
	}
	if ((!create && !alter && !drop) || !find_event(&r, &t))
		return 0;
	unless = skip_if(&r, &t);
	if (take_name(&r, &t, home, &schema, &name) != 0)
		goto out;
	if (!drop)
		take_clauses(&r, &t, home, &c);
	x = find(s, schema, name);
	if (drop && x != NULL)
		forget(s, x);
	else if (create)
		rc = created(s, unless, schema, name, &c, e);
	else if (alter)
		rc = altered(s, schema, name, &c, cut, e);
out:	clauses_free(&c);
	free(schema);
	free(name);
	return rc;
}

/* --- on the target --- */

/* MySQL 8.2 gave the third one another name. */
static bool
has_state(const char *status, enum scheduled_state state)
{
	if (state == SCHEDULED_REPLICA)
		return strcmp(status, "SLAVESIDE_DISABLED") == 0 ||
		    strcmp(status, "REPLICA_SIDE_DISABLED") == 0;
	return strcmp(status, state == SCHEDULED_ON ? "ENABLED" :
	    "DISABLED") == 0;
}

/* ALTER EVENT makes who runs it the definer, and keeps the session's
 * character set: give it both as they are. */
static void
alter_text(char **row, enum scheduled_state state, struct buf *set,
    struct buf *sql)
{
	const char *at = strrchr(row[3], '@');
	struct buf user = {0};

	buf_clear(set);
	buf_clear(sql);
	buf_adds(set, "SET sql_mode=");
	sql_string(set, row[4], strlen(row[4]));
	buf_adds(set, ", time_zone=");
	sql_string(set, row[5], strlen(row[5]));
	buf_addf(set, ", character_set_client='%s', collation_connection="
	    "'%s'", row[6], row[7]);
	buf_add(&user, row[3], at != NULL ? (size_t)(at - row[3]) :
	    strlen(row[3]));
	buf_adds(sql, "ALTER DEFINER=");
	sql_ident(sql, buf_str(&user));
	buf_addc(sql, '@');
	sql_ident(sql, at != NULL ? at + 1 : "");
	buf_adds(sql, " EVENT ");
	sql_ident(sql, row[0]);
	buf_addc(sql, '.');
	sql_ident(sql, row[1]);
	buf_adds(sql, state == SCHEDULED_ON ? " ENABLE" :
	    state == SCHEDULED_OFF ? " DISABLE" : " DISABLE ON SLAVE");
	buf_free(&user);
}

#define EVENT_IN_THE_PAST 1589

static int
set_one(struct conn *c, char **row, enum scheduled_state state,
    struct buf *left, struct err *e)
{
	struct buf set = {0}, sql = {0};
	struct err one = {0};
	int rc = -1;

	alter_text(row, state, &set, &sql);
	if (buf_check(&set, "SET", e) == 0 && buf_check(&sql, "ALTER EVENT",
	    e) == 0 && conn_exec(c, buf_str(&set), e) == 0) {
		rc = conn_exec(c, buf_str(&sql), &one);
		if (rc != 0 && one.sys == EVENT_IN_THE_PAST) {
			buf_addf(left, "event %s.%s: its time has passed\n",
			    row[0], row[1]);
			rc = 0;
		} else if (rc != 0) {
			*e = one;
			(void)err_wrap(e, "event %s.%s", row[0], row[1]);
		}
	}
	buf_free(&set);
	buf_free(&sql);
	return rc;
}

int
scheduled_set(const struct scheduled *s, struct conn *c, struct buf *left,
    struct err *e)
{
	struct result *r = conn_query(c, "SELECT EVENT_SCHEMA, EVENT_NAME, "
	    "STATUS, DEFINER, SQL_MODE, TIME_ZONE, CHARACTER_SET_CLIENT, "
	    "COLLATION_CONNECTION FROM information_schema.EVENTS", true, e);
	const struct entry *x;
	unsigned long *len;
	char **row;
	int got, rc = 0;

	if (r == NULL)
		return -1;
	while (rc == 0 && (got = result_next(r, &row, &len, e)) != 0) {
		if (got < 0) {
			rc = -1;
			break;
		}
		x = find(s, row[0], row[1]);
		if (x == NULL)
			continue;
		if (x->state == SCHEDULED_UNKNOWN)
			buf_addf(left, "event %s.%s: its statement is too "
			    "long to tell its state\n", row[0], row[1]);
		else if (!has_state(row[2], x->state))
			rc = set_one(c, row, x->state, left, e);
	}
	result_free(r);
	if (rc == 0)
		rc = buf_check(left, "events", e);
	return rc;
}

void
scheduled_free(struct scheduled *s)
{
	if (s == NULL)
		return;
	while (s->n > 0)
		forget(s, &s->list[s->n - 1]);
	free(s->list);
	free(s);
}
