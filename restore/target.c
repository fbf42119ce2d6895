/* SPDX-License-Identifier: Apache-2.0 */
/* target: the server that a restore writes to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/notes.h"
#include "restore/plan.h"

#include "restore/target.h"

#define IDLE_S 86400
#define CONFLICTS_MAX 20

static int
truth(struct conn *c, const char *sql, bool *out, struct err *e)
{
	struct buf v = {0};
	int rc = conn_value(c, sql, &v, e);

	*out = rc == 0 && (strcmp(buf_str(&v), "1") == 0 ||
	    strcmp(buf_str(&v), "ON") == 0);
	buf_free(&v);
	return rc;
}

int
target_open(struct target *t, const struct conn_opts *opts, struct err *e)
{
	bool free_lock;

	t->opts = opts;
	t->conn = conn_open(opts, e);
	if (t->conn == NULL)
		return -1;
	if (flavour_probe(t->conn, &t->flavour, e) != 0 ||
	    procedures_find(t->conn, &t->flavour, &t->procedures, e) != 0 ||
	    truth(t->conn, "SELECT @@global.local_infile", &t->local_infile,
	    e) != 0 ||
	    truth(t->conn, "SELECT COUNT(*) = 0 FROM "
	    "information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql',"
	    "'sys','information_schema','performance_schema','kura_restore')",
	    &t->empty, e) != 0 ||
	    truth(t->conn, "SELECT GET_LOCK('kura_restore', 0)", &free_lock,
	    e) != 0)
		return err_wrap(e, "%s", conn_where(t->conn));
	if (!free_lock) {
		(void)err_set(e, ERR_BUSY, 0, "%s: another restore is running "
		    "on this server", conn_where(t->conn));
		return err_hint(e, "wait for it, or stop it");
	}
	return 0;
}

struct conn *
target_connect(const struct target *t, struct err *e)
{
	struct conn_opts opts = *t->opts;
	struct conn *c;

	opts.local_infile = t->local_infile;
	c = conn_open(&opts, e);
	if (c == NULL)
		return NULL;
	if (flavour_restore_session(c, &t->flavour, IDLE_S, t->binlog_off,
	    e) != 0) {
		conn_close(c);
		return NULL;
	}
	return c;
}

/* --- conflicts --- */

static void
add_name(struct buf *out, unsigned *n, const char *kind, const char *schema,
    const char *name)
{
	if ((*n)++ < CONFLICTS_MAX)
		buf_addf(out, "%s %s%s%s\n", kind, schema,
		    name[0] != '\0' ? "." : "", name);
}

/* Names that exist already, read once into a sorted list. */
struct names {
	char **list;
	size_t n;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
add_copy(struct names *x, const char *name, struct err *e)
{
	char **list = realloc(x->list, (x->n + 1) * sizeof(*list));

	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "names");
	x->list = list;
	list[x->n] = strdup(name);
	if (list[x->n] == NULL)
		return err_set(e, ERR_NOMEM, 0, "names");
	x->n++;
	return 0;
}

static int
read_names(struct conn *c, const char *sql, struct names *x, struct err *e)
{
	struct result *r = conn_query(c, sql, false, e);
	struct buf name = {0};
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1) {
		buf_clear(&name);
		buf_addf(&name, "%s%c%s", row[0], 1, row[1]);
		got = buf_check(&name, "names", e) != 0 ? -1 : add_copy(x,
		    buf_str(&name), e);
		if (got != 0)
			break;
	}
	result_free(r);
	buf_free(&name);
	if (x->n > 0)
		qsort(x->list, x->n, sizeof(*x->list), by_text);
	return got;
}

static bool
has_name(const struct names *x, const char *schema, const char *name)
{
	struct buf key = {0};
	const char *text;
	bool found;

	buf_addf(&key, "%s%c%s", schema, 1, name);
	text = buf_str(&key);
	found = x->n > 0 && bsearch(&text, x->list, x->n, sizeof(*x->list),
	    by_text) != NULL;
	buf_free(&key);
	return found;
}

static void
names_free(struct names *x)
{
	while (x->n > 0)
		free(x->list[--x->n]);
	free(x->list);
	x->list = NULL;
}

int
target_conflicts(struct target *t, const struct restore_plan *p,
    struct buf *out, struct err *e)
{
	struct names tables = {0}, routines = {0}, triggers = {0},
	    events = {0};
	const struct plan_object *o;
	unsigned n = 0;
	size_t i;
	int rc = -1;

	if (read_names(t->conn, "SELECT TABLE_SCHEMA, TABLE_NAME FROM "
	    "information_schema.TABLES", &tables, e) != 0 ||
	    read_names(t->conn, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME FROM "
	    "information_schema.ROUTINES", &routines, e) != 0 ||
	    read_names(t->conn, "SELECT TRIGGER_SCHEMA, TRIGGER_NAME FROM "
	    "information_schema.TRIGGERS", &triggers, e) != 0 ||
	    read_names(t->conn, "SELECT EVENT_SCHEMA, EVENT_NAME FROM "
	    "information_schema.EVENTS", &events, e) != 0)
		goto out;
	for (i = 0; i < p->ntables; i++)
		if (has_name(&tables, p->tables[i].to_schema,
		    p->tables[i].to_name))
			add_name(out, &n, "table", p->tables[i].to_schema,
			    p->tables[i].to_name);
	for (i = 0; i < p->nobjects; i++) {
		o = &p->objects[i];
		if ((o->kind == LINE_VIEW || o->kind == LINE_SEQUENCE) &&
		    has_name(&tables, o->to_schema, o->name))
			add_name(out, &n, line_kind_name(o->kind),
			    o->to_schema, o->name);
		else if (o->kind == LINE_ROUTINE &&
		    has_name(&routines, o->to_schema, o->name))
			add_name(out, &n, "routine", o->to_schema, o->name);
		else if (o->kind == LINE_TRIGGER &&
		    has_name(&triggers, o->to_schema, o->name))
			add_name(out, &n, "trigger", o->to_schema, o->name);
		else if (o->kind == LINE_EVENT &&
		    has_name(&events, o->to_schema, o->name))
			add_name(out, &n, "event", o->to_schema, o->name);
	}
	if (n > CONFLICTS_MAX)
		buf_addf(out, "and %u more\n", n - CONFLICTS_MAX);
	rc = buf_check(out, "conflicts", e);
out:	names_free(&tables);
	names_free(&routines);
	names_free(&triggers);
	names_free(&events);
	return rc;
}

/* --- notes --- */

static int
has_notes(struct target *t, bool *out, struct err *e)
{
	return truth(t->conn, "SELECT COUNT(*) = 2 FROM "
	    "information_schema.TABLES WHERE TABLE_SCHEMA = 'kura_restore' "
	    "AND TABLE_NAME IN ('run','step')", out, e);
}

int
target_notes_make(struct target *t, const struct restore_plan *p,
    const char *plan_sha256, struct err *e)
{
	struct buf sql = {0};
	int rc = -1;

	if (notes_need(t->conn, "step", e) != 0 ||
	    notes_need(t->conn, "run", e) != 0)
		return -1;
	buf_addf(&sql, "INSERT INTO kura_restore.run VALUES (1,'%s/%s','%s',"
	    "%d,'planned',UTC_TIMESTAMP(),'restore " KURA_VERSION "')",
	    p->head.source, p->head.id, plan_sha256, t->empty);
	if (buf_check(&sql, "INSERT", e) == 0)
		rc = conn_exec(t->conn, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

int
target_notes_backup(struct target *t, const char *source, char *id,
    size_t n, struct err *e)
{
	size_t len = strlen(source);
	struct buf text = {0};
	bool notes;
	int rc;

	id[0] = '\0';
	if (has_notes(t, &notes, e) != 0)
		return -1;
	if (!notes)
		return 0;
	rc = conn_value(t->conn, "SELECT COALESCE(MAX(backup), '') FROM "
	    "kura_restore.run", &text, e);
	if (rc == 0 && text.len > len && text.data[len] == '/' &&
	    memcmp(text.data, source, len) == 0)
		(void)snprintf(id, n, "%s", text.data + len + 1);
	buf_free(&text);
	return rc;
}

int
target_state_set(struct target *t, const char *state, struct err *e)
{
	return conn_execf(t->conn, e, "UPDATE kura_restore.run SET state='%s'",
	    state);
}

int
target_notes_find(struct target *t, const struct restore_plan *p,
    const char *plan_sha256, struct err *e)
{
	char backup[128];
	struct result *r;
	unsigned long *len;
	bool notes;
	char **row;
	int got, rc = 0;

	if (has_notes(t, &notes, e) != 0)
		return -1;
	if (!notes)
		return 0;
	(void)snprintf(backup, sizeof(backup), "%s/%s", p->head.source,
	    p->head.id);
	r = conn_query(t->conn, "SELECT backup, plan_sha256, was_empty, state "
	    "FROM kura_restore.run", true, e);
	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1 && strcmp(row[0], backup) == 0 &&
	    strcmp(row[1], plan_sha256) == 0) {
		t->resume = true;
		t->empty = strcmp(row[2], "1") == 0;
		(void)snprintf(t->state, sizeof(t->state), "%s", row[3]);
	} else if (got == 1 && strcmp(row[3], "done") != 0) {
		rc = err_set(e, ERR_EXISTS, 0, "an interrupted restore of %s "
		    "is noted on the target, this one is of %s%s", row[0],
		    backup, strcmp(row[0], backup) == 0 ?
		    " with other options" : "");
		(void)err_hint(e, "finish that one with the same options, or "
		    "use --restart to forget it");
	}
	t->stale = got == 1 && !t->resume && rc == 0;
	result_free(r);
	return got < 0 ? -1 : rc;
}

int
target_step(struct conn *c, uint32_t table, const char *kind, uint32_t n,
    struct err *e)
{
	struct result *r = conn_queryf(c, e, "SELECT state FROM "
	    "kura_restore.step WHERE table_n=%u AND kind='%s' AND n=%u",
	    (unsigned)table, kind, (unsigned)n);
	enum target_step step = STEP_NONE;
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1)
		step = strcmp(row[0], "done") == 0 ? STEP_DONE : STEP_BEGUN;
	result_free(r);
	return got < 0 ? -1 : (int)step;
}

static int
step_set(struct conn *c, uint32_t table, const char *kind, uint32_t n,
    const char *state, struct err *e)
{
	return conn_execf(c, e, "INSERT INTO kura_restore.step VALUES "
	    "(%u,'%s',%u,'%s') ON DUPLICATE KEY UPDATE state='%s'",
	    (unsigned)table, kind, (unsigned)n, state, state);
}

int
target_step_begin(struct conn *c, uint32_t table, const char *kind,
    uint32_t n, struct err *e)
{
	return step_set(c, table, kind, n, "begun", e);
}

int
target_step_done(struct conn *c, uint32_t table, const char *kind,
    uint32_t n, struct err *e)
{
	return step_set(c, table, kind, n, "done", e);
}

int
target_steps_clear(struct conn *c, uint32_t table, struct err *e)
{
	return conn_execf(c, e, "DELETE FROM kura_restore.step WHERE "
	    "table_n=%u", (unsigned)table);
}

int
target_notes_drop(struct target *t, struct err *e)
{
	return notes_drop(t->conn, e);
}

void
target_close(struct target *t)
{
	conn_close(t->conn);
	t->conn = NULL;
}
