/* SPDX-License-Identifier: Apache-2.0 */
/* ground: the server that a drill restores into. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/head.h"
#include "mysql/connect.h"
#include "mysql/schema.h"
#include "mysql/transaction.h"
#include "restore/ground_statement.h"
#include "restore/memo.h"
#include "restore/plan.h"
#include "restore/target.h"

#include "restore/ground_impl.h"

#define CHANNEL "kura_restore"
#define NO_GROUP 1146		/* performance_schema without that table */
#define NAMES_MAX 3		/* listed in a refusal */

static bool
mariadb(const struct ground *g)
{
	return g->target->flavour.kind == FLAVOUR_MARIADB;
}

/* --- is it the source? --- */

static int
is_source(const struct ground *g, const struct head *h, struct err *e)
{
	const struct flavour *f = &g->target->flavour;
	const char *uuid = head_text(h->server, "uuid");
	bool same = uuid[0] != '\0' && f->uuid[0] != '\0' ?
	    strcmp(uuid, f->uuid) == 0 :
	    head_count(h->server, "server_id") == f->server_id &&
	    strcasecmp(head_text(h->server, "host"), f->host) == 0;

	if (!same)
		return 0;
	(void)err_set(e, ERR_USAGE, 0, "%s is source %s itself (host %s, "
	    "server_id %llu%s%s)", conn_where(g->target->conn), h->source,
	    f->host, (unsigned long long)f->server_id,
	    f->uuid[0] != '\0' ? ", uuid " : "", f->uuid);
	return err_hint(e, "give the drill a server of its own, with a "
	    "server_id of its own");
}

/* --- does it replicate, or is it replicated from? --- */

/* The first value of a column, in the first row for which it is not `but`:
 * 1, or 0 when there is none. */
static int
first_other(struct conn *c, const char *sql, const char *column,
    const char *but, struct buf *out, struct err *e)
{
	struct result *r = conn_query(c, sql, true, e);
	unsigned long *len;
	char **row;
	int got, i, found = 0;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1 && found == 0) {
		i = column != NULL ? result_find(r, column) : 0;
		if (i < 0 || row[i] == NULL || (but != NULL &&
		    strcmp(row[i], but) == 0))
			continue;
		buf_adds(out, row[i]);
		found = 1;
	}
	result_free(r);
	return got < 0 ? -1 : buf_check(out, "target", e) != 0 ? -1 : found;
}

static int
unfit(const struct ground *g, const char *why, const char *what,
    struct err *e)
{
	(void)err_set(e, ERR_USAGE, 0, "%s %s%s: no place for a drill",
	    conn_where(g->target->conn), why, what);
	return err_hint(e, "give the drill a server that nothing depends on");
}

static int
is_connected(const struct ground *g, struct err *e)
{
	const struct flavour *f = &g->target->flavour;
	struct conn *c = g->target->conn;
	struct buf text = {0};
	struct err none = {0};
	bool newer = !mariadb(g) && f->version >= 80022;
	int got;

	if (f->is_galera)
		return unfit(g, "belongs to a cluster", "", e);
	/* Who has a replica's account sees them; who has not must not guess. */
	got = first_other(c, newer ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS",
	    NULL, NULL, &text, e);
	if (got == 0)
		got = first_other(c, "SELECT USER FROM "
		    "information_schema.PROCESSLIST WHERE COMMAND LIKE "
		    "'Binlog Dump%'", NULL, NULL, &text, e);
	if (got == 1)
		got = unfit(g, "has a replica attached: ", buf_str(&text), e);
	buf_clear(&text);
	if (got == 0)
		got = first_other(c, mariadb(g) ? "SHOW ALL SLAVES STATUS" :
		    newer ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS",
		    mariadb(g) ? "Connection_name" : "Channel_Name", CHANNEL,
		    &text, e);
	if (got == 1)
		got = unfit(g, "is a replica of another server", "", e);
	if (got == 0 && !mariadb(g)) {
		got = first_other(c, "SELECT MEMBER_STATE FROM "
		    "performance_schema.replication_group_members WHERE "
		    "MEMBER_STATE <> 'OFFLINE'", NULL, NULL, &text, &none);
		if (got == 1)
			got = unfit(g, "is a member of a group", "", e);
		else if (got < 0 && none.sys == NO_GROUP)
			got = 0;
		else if (got < 0)
			*e = none;
	}
	buf_free(&text);
	if (got < 0 && e->code == ERR_DENIED)
		(void)err_hint(e, "the drill's account needs all rights on "
		    "its server");
	return got == 0 ? 0 : -1;
}

/* --- what does it hold? --- */

static bool
folds_names(const struct ground *g)
{
	return g->target->flavour.lower_case_table_names != 0;
}

int
ground_schemas(struct conn *c, int (*each)(void *arg, const char *name,
    struct err *e), void *arg, struct err *e)
{
	struct result *r = conn_query(c, "SELECT SCHEMA_NAME FROM "
	    "information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql',"
	    "'sys','information_schema','performance_schema','kura_restore')"
	    " ORDER BY 1", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (each(arg, row[0], e) != 0) {
			got = -1;
			break;
		}
	result_free(r);
	return got;
}

struct others {
	const struct ground *g;
	struct buf names;
	size_t n;
};

static int
other_schema(void *arg, const char *name, struct err *e)
{
	struct others *x = arg;

	(void)e;
	if (x->g->note.doc != NULL && ground_note_has_schema(&x->g->note, name,
	    folds_names(x->g)))
		return 0;
	if (x->n++ < NAMES_MAX)
		buf_addf(&x->names, "%s%s", x->n > 1 ? ", " : "", name);
	return 0;
}

int
ground_is_bare(const struct ground *g, struct err *e)
{
	struct others x = { .g = g };
	int rc = ground_schemas(g->target->conn, other_schema, &x, e);

	if (rc == 0)
		rc = buf_check(&x.names, "schemas", e);
	if (rc == 0 && x.n > 0) {
		(void)err_set(e, ERR_EXISTS, 0, "%s holds %s%s%s: a drill "
		    "wants a server that holds nothing",
		    conn_where(g->target->conn), buf_str(&x.names),
		    x.n > NAMES_MAX ? " and other schemas" : "",
		    g->note.doc != NULL ? " that the drill did not make" :
		    "");
		rc = err_hint(e, "drop what is not wanted there, or name "
		    "another server");
	}
	buf_free(&x.names);
	return rc;
}

/* Notes of a restore that is no drill: it may yet be gone on with. */
static int
no_restore(const struct ground *g, struct err *e)
{
	struct buf backup = {0};
	struct err none = {0};
	int rc = conn_value(g->target->conn, "SELECT backup FROM "
	    "kura_restore.run", &backup, &none);

	if (rc == 0) {
		(void)err_set(e, ERR_EXISTS, 0, "%s holds the notes of a "
		    "restore of %s, which is no drill",
		    conn_where(g->target->conn), buf_str(&backup));
		rc = err_hint(e, "if it is not wanted any more, drop schema "
		    "kura_restore there");
	} else if (none.code == ERR_NOTFOUND || none.sys == 1049 ||
	    none.sys == 1146) {
		rc = 0;
	} else {
		*e = none;
	}
	buf_free(&backup);
	return rc;
}

static int
read_note(struct ground *g, const char *source, struct err *e)
{
	struct buf text = {0};
	int got = memo_get(g->target->conn, "drill", &text, e), rc = -1;

	if (got == 0)
		rc = no_restore(g, e);
	if (got != 1)
		goto out;
	if (ground_note_parse(&g->note, buf_str(&text), text.len, e) != 0)
		goto out;
	g->left = true;
	rc = 0;
	if (strcmp(ground_note_source(&g->note), source) != 0) {
		rc = err_set(e, ERR_EXISTS, 0, "%s holds a drill of source "
		    "%s, begun %s", conn_where(g->target->conn),
		    ground_note_source(&g->note),
		    ground_note_began(&g->note));
		(void)err_hint(e, "each source's drill clears its own; or "
		    "give this one another server");
	}
out:	buf_free(&text);
	return rc;
}

int
ground_look(struct ground *g, struct target *t, const struct head *h,
    struct err *e)
{
	*g = (struct ground){ .target = t };
	if (is_source(g, h, e) != 0 || is_connected(g, e) != 0 ||
	    read_note(g, h->source, e) != 0)
		return -1;
	return ground_is_bare(g, e);
}

/* --- the note --- */

int
ground_accounts(struct ground *g, int (*each)(void *arg, const char *user,
    const char *host, bool role, struct err *e), void *arg, struct err *e)
{
	struct result *r = conn_query(g->target->conn, mariadb(g) ?
	    "SELECT User, Host, is_role = 'Y' FROM mysql.user" :
	    "SELECT User, Host, 0 FROM mysql.user", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (each(arg, row[0], row[1], strcmp(row[2], "1") == 0,
		    e) != 0) {
			got = -1;
			break;
		}
	result_free(r);
	return got;
}

static int
note_before(void *arg, const char *user, const char *host, bool role,
    struct err *e)
{
	(void)role;
	return ground_note_add_account(arg, false, user, host, e);
}

static int
note_after(void *arg, const char *user, const char *host, bool role,
    struct err *e)
{
	(void)role;
	return ground_note_add_account(arg, true, user, host, e);
}

/* One line of what an account is and may do. */
static int
add_line(void *arg, const char *kind, const char *name, const char *sql,
    struct err *e)
{
	(void)kind;
	(void)name;
	(void)e;
	sha256_add(arg, sql, strlen(sql) + 1);
	return 0;
}

int
ground_digest(const struct ground *g, char hex[SHA256_HEX], struct err *e)
{
	struct sha256 *sha = sha256_new(e);
	uint8_t digest[SHA256_SIZE];
	int rc;

	if (sha == NULL)
		return -1;
	rc = schema_accounts(g->target->conn, &g->target->flavour, add_line,
	    sha, e);
	sha256_finish(sha, digest);
	hex_encode(digest, sizeof(digest), hex);
	sha256_free(sha);
	return rc;
}

int
ground_prepare(struct ground *g, const struct head *h, struct err *e)
{
	assert(!g->left);
	if (ground_note_init(&g->note, h->source, h->id, e) != 0 ||
	    ground_accounts(g, note_before, &g->note, e) != 0 ||
	    ground_digest(g, g->accounts, e) != 0)
		return err_wrap(e, "accounts of the target");
	return 0;
}

int
ground_definition(void *arg, const char *schema, const char *sql,
    struct err *e)
{
	struct ground *g = arg;
	size_t len = strlen(sql);
	struct buf made = {0};
	bool about;
	int rc;

	(void)schema;
	about = ground_statement(&g->note, sql, len,
	    len >= TRANSACTION_SQL_MAX - 3, &made);
	rc = buf_check(&made, "schema", e);
	if (rc == 0 && made.len > 0)
		rc = ground_note_add_schema(&g->note, buf_str(&made), e);
	buf_free(&made);
	if (rc != 0 || !about)
		return rc;
	/* Else the next drill might not get in any more. */
	log_event(LOG_WARN_, "left out: it is about an account that the "
	    "target has", NULL);
	g->left_out++;
	return 1;
}

static int
write_note(struct ground *g, struct err *e)
{
	struct conn *c = g->target->conn;
	struct buf text = {0};
	int rc = -1;

	if (ground_note_text(&g->note, &text, e) == 0 &&
	    conn_exec(c, "CREATE DATABASE IF NOT EXISTS kura_restore",
	    e) == 0 && memo_open(c, e) == 0)
		rc = memo_set(c, "drill", buf_str(&text), e);
	buf_free(&text);
	return rc == 0 ? 0 : err_wrap(e, "notes of the drill");
}

int
ground_begin(struct ground *g, const struct restore_plan *p, struct err *e)
{
	size_t i;

	for (i = 0; i < p->nobjects; i++)
		if (p->objects[i].kind == LINE_SCHEMA &&
		    ground_note_add_schema(&g->note, p->objects[i].to_schema,
		    e) != 0)
			return -1;
	return write_note(g, e);
}

int
ground_keep(struct ground *g, const char *why, struct err *e)
{
	return ground_note_fail(&g->note, why, e) != 0 ||
	    ground_accounts(g, note_after, &g->note, e) != 0 ? -1 :
	    write_note(g, e);
}

void
ground_free(struct ground *g)
{
	ground_note_free(&g->note);
}
