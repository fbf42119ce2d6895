/* SPDX-License-Identifier: Apache-2.0 */
/* check_server: tries on a source what its jobs will need. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/check.h"
#include "backupd/endpoint.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/settings.h"
#include "mysql/password.h"
#include "mysql/rights.h"

#include "backupd/check_server_impl.h"

#define SKEW_MAX_US (INT64_C(300) * 1000000)
#define DAY_US (INT64_C(86400) * 1000000)
#define PASSWORD_US (14 * DAY_US)	/* as the daemon tells of it */

/* A right, the jobs that end without it, and what else it does. */
struct need {
	const char *right;
	unsigned mysql, mariadb;	/* since this version; 0: never */
	unsigned stops;			/* 0: a warning */
	const char *without;
};

static const struct need needs[] = {
	{ "SELECT", 1, 1, FINDING_DUMP, "tables cannot be read" },
	{ "SHOW VIEW", 1, 1, FINDING_DUMP, "views cannot be read" },
	{ "TRIGGER", 1, 1, FINDING_DUMP, "triggers are not even shown" },
	{ "EVENT", 1, 1, FINDING_DUMP, "events are not even shown" },
	{ "REPLICATION CLIENT", 1, 0, FINDING_DUMP | FINDING_ARCHIVE,
	    "coordinates and binary logs are not shown" },
	{ "BINLOG MONITOR", 0, 100502, FINDING_ARCHIVE,
	    "binary logs are not shown" },
	{ "REPLICATION SLAVE", 1, 1, FINDING_ARCHIVE,
	    "binary logs cannot be read" },
	{ "SLAVE MONITOR", 0, 100502, 0, "whether it is a replica, and how "
	    "far behind, is not shown" },
	{ "RELOAD", 1, 1, 0, "no lock makes a snapshot certain: it is proven "
	    "by comparing, which may take several attempts" },
	{ "PROCESS", 1, 1, 0, "who waits for our locks is not shown" },
	{ "LOCK TABLES", 1, 1, 0, "tables cannot be locked where nothing "
	    "shorter will do" },
	{ "BACKUP_ADMIN", 80000, 0, 0, "definitions may change while they are "
	    "read: they are read again then" },
	{ "XA_RECOVER_ADMIN", 80000, 0, 0, "prepared XA transactions are not "
	    "shown" },
	{ "BINLOG ADMIN", 0, 100502, 0, "metadata locks stay until the end of "
	    "the dump" },
	{ NULL, 0, 0, 0, NULL },
};

/* What RDS and Aurora grant to nobody: the snapshot does without. */
static bool
never_there(const struct flavour *f, const char *right)
{
	return (f->is_rds || f->is_aurora) &&
	    (strcmp(right, "RELOAD") == 0 ||
	    strcmp(right, "BACKUP_ADMIN") == 0 ||
	    strcmp(right, "XA_RECOVER_ADMIN") == 0);
}

static void
check_need(struct trial *t, const struct need *n, const char *account)
{
	bool part = strcmp(n->right, "SELECT") == 0 &&
	    settings_count(t->c->settings, "include") > 0;
	struct finding at = t->at;
	char todo[300];

	at.jobs = n->stops & t->c->jobs;
	if (t->spare)
		at.jobs &= FINDING_ARCHIVE;
	/* What is stopped is not wanted. */
	if ((n->stops != 0 || t->spare) && at.jobs == 0)
		return;
	at.level = at.jobs == 0 || part || t->spare ? FINDING_WARNING :
	    FINDING_ERROR;
	(void)snprintf(todo, sizeof(todo), "GRANT %s ON *.* TO %s", n->right,
	    account);
	at.todo = todo;
	finding_add(t->f, &at, "no right %s: %s", n->right, n->without);
}

static void
check_rights(struct trial *t)
{
	const struct flavour *f = &t->flavour;
	struct rights r = {0};
	struct buf account = {0};
	struct err e = {0};
	const struct need *n;
	unsigned since;

	if (conn_value(t->conn, "SELECT CONCAT(QUOTE(SUBSTRING_INDEX("
	    "CURRENT_USER(), '@', CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH("
	    "REPLACE(CURRENT_USER(), '@', '')))), '@', QUOTE(SUBSTRING_INDEX("
	    "CURRENT_USER(), '@', -1)))", &account, &e) != 0 ||
	    rights_read(t->conn, f, &r, &e) != 0) {
		finding_err(t->f, &t->at, &e);
	} else {
		for (n = needs; n->right != NULL; n++) {
			since = f->kind == FLAVOUR_MARIADB ? n->mariadb :
			    n->mysql;
			if (since != 0 && f->version >= since &&
			    !never_there(f, n->right) &&
			    !rights_has(&r, n->right))
				check_need(t, n, buf_str(&account));
		}
	}
	buf_free(&account);
	rights_free(&r);
}

static void
check_password(struct trial *t)
{
	int64_t until, left = 0;
	struct finding at = t->at;
	struct err e = {0};

	at.level = FINDING_WARNING;
	at.todo = "give it a new one";
	if (password_until(t->conn, &t->flavour, &until, &e) != 0)
		finding_err(t->f, &t->at, &e);
	else if (until != 0)
		left = until - clock_now_us();
	if (e.code == ERR_NONE && until != 0 && left < PASSWORD_US)
		finding_add(t->f, &at, "the password of its account expires "
		    "in %" PRId64 " days", left < 0 ? 0 : left / DAY_US);
}

/* --- the server --- */

uint64_t
check_server_number(struct trial *t, const char *sql)
{
	struct buf text = {0};
	struct err e = {0};
	uint64_t n = 0;

	if (conn_value(t->conn, sql, &text, &e) == 0)
		n = strtoull(buf_str(&text), NULL, 10);
	buf_free(&text);
	return n;
}

bool
check_server_shown(struct trial *t, const char *sql, char *value, size_t size)
{
	struct err e = {0};
	struct result *r = conn_query(t->conn, sql, true, &e);
	unsigned long *len;
	bool found = false;
	char **row;

	value[0] = '\0';
	while (r != NULL && result_next(r, &row, &len, &e) == 1)
		if (!found && row[1] != NULL) {
			(void)snprintf(value, size, "%s", row[1]);
			found = true;
		}
	result_free(r);
	return found;
}

static void
check_clock(struct trial *t)
{
	struct finding at = t->at;
	struct buf text = {0};
	struct err e = {0};
	int64_t off;

	if (conn_value(t->conn, "SELECT UNIX_TIMESTAMP(NOW(6))", &text, &e) ==
	    0) {
		off = clock_from_system((int64_t)(strtod(buf_str(&text),
		    NULL) * 1e6)) - clock_now_us();
		at.level = FINDING_WARNING;
		at.todo = "let both follow a time server";
		if (off > SKEW_MAX_US || off < -SKEW_MAX_US)
			finding_add(t->f, &at, "the server's clock is %" PRId64
			    " s from ours: times of restores are the server's",
			    off / 1000000);
	}
	buf_free(&text);
}

static void
check_tls(struct trial *t, bool local)
{
	struct finding at = t->at;
	char version[64];

	at.level = FINDING_WARNING;
	at.todo = "set ssl-mode = VERIFY_IDENTITY and ssl-ca";
	if (!local && (!check_server_shown(t, "SHOW SESSION STATUS LIKE "
	    "'Ssl_version'", version, sizeof(version)) || version[0] == '\0'))
		finding_add(t->f, &at, "the connection is not encrypted");
}

/* --- the server of drills --- */

/* Holds it anything, and is it another server? */
static void
look_at_target(struct trial *t, struct conn *c, const struct finding *at)
{
	struct flavour f;
	struct buf names = {0};
	struct err e = {0};

	if (flavour_probe(c, &f, &e) != 0) {
		finding_err(t->f, at, &e);
		return;
	}
	if (f.uuid[0] != '\0' && strcmp(f.uuid, t->flavour.uuid) == 0)
		finding_add(t->f, at, "drill: it is the source itself that "
		    "would be emptied");
	if (conn_value(c, "SELECT GROUP_CONCAT(schema_name) FROM "
	    "information_schema.schemata WHERE schema_name NOT IN ('mysql', "
	    "'sys', 'information_schema', 'performance_schema', "
	    "'kura_restore')", &names, &e) == 0)
		finding_add(t->f, at, "drill: its server holds other schemas: "
		    "%.100s", buf_str(&names));
	else if (e.code != ERR_NOTFOUND)
		finding_err(t->f, at, &e);
	buf_free(&names);
}

static void
check_drill_target(struct trial *t)
{
	struct conn_opts o;
	struct optfile files;
	struct conn *c = NULL;
	struct finding at = t->at;
	struct err e = {0};

	at.jobs = FINDING_DRILL;
	if (settings_connect_drill(t->c->settings, "backupd", &o, &files,
	    &e) == 0) {
		o.connect_ms = CHECK_WAIT_MS;
		o.io_ms = CHECK_WAIT_MS;
		o.cancel = t->c->cancel;
		c = conn_open(&o, &e);
	}
	if (c == NULL) {
		(void)err_wrap(&e, "drill");
		finding_err(t->f, &at, &e);
	} else {
		look_at_target(t, c, &at);
	}
	conn_close(c);
	optfile_free(&files);
}

/* --- all of it --- */

static void
check_connected(struct trial *t, bool local)
{
	struct finding at = t->at;
	struct err e = {0};

	if (flavour_probe(t->conn, &t->flavour, &e) != 0) {
		finding_err(t->f, &t->at, &e);
		return;
	}
	t->c->reached = true;
	(void)snprintf(t->c->server, sizeof(t->c->server), "%s %.90s",
	    t->flavour.name, t->flavour.version_text);
	check_tls(t, local);
	check_clock(t);
	check_rights(t);
	check_password(t);
	if ((t->c->jobs & FINDING_ARCHIVE) != 0) {
		check_archive(t);
	} else if (!t->flavour.log_bin) {
		at.level = FINDING_HINT;
		at.todo = "set log_bin in its configuration";
		finding_add(t->f, &at, "the server writes no binary log: its "
		    "backups can be restored, moments between them cannot");
	}
	if ((t->c->jobs & FINDING_DRILL) != 0)
		check_drill_target(t);
}

/* The archive may move to it. */
static void
check_spare(const struct trial *t, struct conn *c, const char *endpoint)
{
	struct trial x = { .c = t->c, .f = t->f, .conn = c, .spare = true,
	    .at = { .level = FINDING_WARNING, .source = t->c->name,
	    .jobs = FINDING_ARCHIVE } };
	struct err e = {0};
	char where[400];

	(void)snprintf(where, sizeof(where), "%s at %s", t->c->name,
	    endpoint);
	x.at.where = where;
	if (flavour_probe(c, &x.flavour, &e) != 0) {
		finding_err(t->f, &x.at, &e);
		return;
	}
	check_rights(&x);
	check_archive(&x);
}

/* The first of the endpoints that answers is looked at; host goes before all
 * of them.  NULL, with *e set, when none answers. */
static struct conn *
connect_any(struct trial *t, const struct conn_opts *named, struct err *e)
{
	const struct settings *s = t->c->settings;
	size_t n = settings_count(s, "endpoints"), i;
	struct conn_opts o = *named;
	struct conn *first = NULL, *c;
	struct finding at = t->at;
	struct endpoint x;
	struct err why;

	at.level = FINDING_WARNING;
	if (n == 0 || settings_str(s, "host") != NULL ||
	    settings_str(s, "socket") != NULL)
		first = conn_open(named, e);
	for (i = 0; i < n; i++) {
		why = (struct err){0};
		endpoint_split(settings_item(s, "endpoints", i), &x);
		o.host = x.host;
		o.port = x.port;
		o.socket = NULL;
		c = conn_open(&o, &why);
		if (c == NULL) {
			finding_err(t->f, &at, &why);
		} else if (first == NULL && e->code == ERR_NONE) {
			first = c;
		} else {
			if ((t->c->jobs & FINDING_ARCHIVE) != 0)
				check_spare(t, c, settings_item(s,
				    "endpoints", i));
			conn_close(c);
		}
	}
	if (first == NULL && e->code == ERR_NONE)
		(void)err_set(e, ERR_AGAIN, 0, "none of its endpoints "
		    "answers");
	return first;
}

void
check_source_try(struct check_source *c, struct findings *f)
{
	struct trial t = { .c = c, .f = f, .at = { .level = FINDING_ERROR,
	    .source = c->name, .jobs = FINDING_DUMP | FINDING_ARCHIVE |
	    FINDING_DRILL } };
	struct conn_opts o;
	struct optfile files;
	struct err e = {0};
	bool local = false;

	if (settings_connect(c->settings, "backupd", &o, &files, &e) == 0) {
		o.connect_ms = CHECK_WAIT_MS;
		o.io_ms = CHECK_WAIT_MS;
		o.cancel = c->cancel;
		local = conn_is_local(&o) &&
		    settings_count(c->settings, "endpoints") == 0;
		t.conn = connect_any(&t, &o, &e);
	}
	if (t.conn == NULL)
		finding_err(f, &t.at, &e);
	else
		check_connected(&t, local);
	conn_close(t.conn);
	optfile_free(&files);
}
