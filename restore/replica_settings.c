/* SPDX-License-Identifier: Apache-2.0 */
/* replica_settings: what is set for the run, and put back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/memo.h"
#include "restore/procedures.h"

#include "restore/replica.h"

#define WAS "was."		/* a memo of what a setting was */
#define NO_SUCH_SCHEMA 1049
#define NO_SUCH_TABLE 1146

/* What is set for the run; value NULL: the workers.  Where nothing can be set,
 * the target must have what else would lose something. */
struct wish {
	const char *name, *older, *value;
	bool must;
};

/* Commits reach the system, not the disk, one by one: the target's death
 * loses nothing, its host's may.  Errors stop the applier, whatever the
 * server's own rule; triggers have run on the source. */
static const struct wish wishes[] = {
	{ "server_id", NULL, NULL, false },
	{ "replica_parallel_workers", "slave_parallel_workers", NULL, false },
	{ "slave_parallel_threads", NULL, NULL, false },
	{ "replica_preserve_commit_order", "slave_preserve_commit_order",
	    "ON", true },
	{ "replica_exec_mode", "slave_exec_mode", "STRICT", true },
	{ "slave_run_triggers_for_rbr", NULL, "NO", true },
	{ "gtid_strict_mode", NULL, "OFF", false },
	{ "gtid_ignore_duplicates", NULL, "OFF", true },
	{ "userstat", NULL, "ON", false },
	{ "innodb_flush_log_at_trx_commit", NULL, "2", false },
	{ "sync_binlog", NULL, "0", false },
};

#define WISHES (sizeof(wishes) / sizeof(wishes[0]))
#define WORKERS (&wishes[1])
#define ORDER (&wishes[3])	/* nothing to one worker */

struct setting_now {
	const struct wish *wish;
	const char *name;	/* as this server has it */
	char value[64];
};

/* The wishes that this server knows, and what they are now. */
static int
look_at(const struct replica *r, struct setting_now *out, size_t *n,
    struct err *e)
{
	struct result *q;
	struct buf sql = {0};
	unsigned long *len;
	char **row;
	size_t i, k;
	int got;

	buf_adds(&sql, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('-'");
	for (i = 0; i < WISHES; i++) {
		buf_addf(&sql, ",'%s'", wishes[i].name);
		if (wishes[i].older != NULL)
			buf_addf(&sql, ",'%s'", wishes[i].older);
	}
	buf_addc(&sql, ')');
	q = conn_query(r->conn, buf_str(&sql), true, e);
	buf_free(&sql);
	if (q == NULL)
		return -1;
	*n = 0;
	while ((got = result_next(q, &row, &len, e)) == 1)
		for (i = 0; i < WISHES; i++) {
			if (strcasecmp(row[0], wishes[i].name) != 0 &&
			    (wishes[i].older == NULL ||
			    strcasecmp(row[0], wishes[i].older) != 0))
				continue;
			/* A server may have a variable under both names. */
			for (k = 0; k < *n && out[k].wish != &wishes[i]; k++)
				;
			*n += k == *n ? 1 : 0;
			out[k].wish = &wishes[i];
			out[k].name = strcasecmp(row[0], wishes[i].name) ==
			    0 ? wishes[i].name : wishes[i].older;
			(void)snprintf(out[k].value, sizeof(out[k].value),
			    "%s", row[1]);
		}
	result_free(q);
	return got;
}

static const char *
wanted(const struct setting_now *s, unsigned workers, uint32_t server_id,
    char room[16])
{
	if (s->wish->value != NULL)
		return s->wish->value;
	(void)snprintf(room, 16, "%u", s->wish == &wishes[0] ?
	    (unsigned)server_id : workers);
	return room;
}

static int
set_global(const struct replica *r, const char *name, const char *value,
    struct err *e)
{
	bool digits = value[0] != '\0' &&
	    strspn(value, "0123456789") == strlen(value);

	return conn_execf(r->conn, e, digits ? "SET GLOBAL %s=%s" :
	    "SET GLOBAL %s='%s'", name, value) == 0 ? 0 : err_wrap(e, "%s",
	    name);
}

int
replica_set(const struct replica *r, const char *name, const char *value,
    const char *before, struct err *e)
{
	struct err none = {0};
	char note[80];

	(void)snprintf(note, sizeof(note), WAS "%s", name);
	if (memo_set(r->conn, note, before, e) != 0)
		return -1;
	if (set_global(r, name, value, e) == 0)
		return 0;
	/* What was not set need not be put back. */
	(void)memo_forget(r->conn, note, &none);
	return -1;
}

int
replica_settings_text(const struct replica *r, unsigned workers,
    struct buf *out, struct err *e)
{
	struct setting_now now[WISHES];
	const char *to;
	char room[16];
	size_t i, n;

	if (r->procedures->used)
		return 0;
	if (look_at(r, now, &n, e) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		to = now[i].wish == &wishes[0] ? "a free one" :
		    wanted(&now[i], workers, 0, room);
		if (strcasecmp(now[i].value, to) != 0)
			buf_addf(out, "%s %s -> %s\n", now[i].name,
			    now[i].value, to);
	}
	return buf_check(out, "settings", e);
}

int
replica_settings(const struct replica *r, unsigned workers,
    uint32_t server_id, struct err *e)
{
	struct setting_now now[WISHES];
	char room[16];
	const char *to;
	size_t i, n;

	if (r->procedures->used)
		return 0;
	if (look_at(r, now, &n, e) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		to = wanted(&now[i], workers, server_id, room);
		if (strcasecmp(now[i].value, to) == 0)
			continue;
		if (replica_set(r, now[i].name, to, now[i].value, e) != 0)
			return err_wrap(e, "settings of the target");
	}
	return 0;
}

/* Whatever is noted, also what a killed run of another way has noted. */
int
replica_put_back(const struct replica *r, struct err *e)
{
	struct err none = {0};
	struct result *q = conn_query(r->conn, "SELECT name, value FROM "
	    "kura_restore.memo WHERE name LIKE '" WAS "%'", true, &none);
	unsigned long *len;
	char **row;
	int got, rc = 0;

	if (q == NULL && (none.sys == NO_SUCH_TABLE ||
	    none.sys == NO_SUCH_SCHEMA))
		return 0;
	if (q == NULL) {
		*e = none;
		return -1;
	}
	while (rc == 0 && (got = result_next(q, &row, &len, e)) != 0)
		rc = got < 0 || set_global(r, row[0] + strlen(WAS), row[1],
		    e) != 0 || memo_forget(r->conn, row[0], e) != 0 ? -1 : 0;
	result_free(q);
	return rc == 0 ? 0 : err_wrap(e, "put settings of the target back");
}

/* The first setting that is wrong where nobody may set it. */
static int
wrong_setting(const struct replica *r, struct buf *why, struct err *e)
{
	struct setting_now now[WISHES];
	bool one = false;
	size_t i, n;

	if (look_at(r, now, &n, e) != 0)
		return -1;
	for (i = 0; i < n; i++)
		one = one || (now[i].wish == WORKERS &&
		    strtoul(now[i].value, NULL, 10) <= 1);
	for (i = 0; i < n && why->len == 0; i++)
		if (now[i].wish->must && !(one && now[i].wish == ORDER) &&
		    strcasecmp(now[i].value, now[i].wish->value) != 0)
			buf_addf(why, "%s is %s on the target and must be %s "
			    "in its parameter group", now[i].name,
			    now[i].value, now[i].wish->value);
	return buf_check(why, "plan", e);
}

int
replica_reasons(const struct replica *r, struct buf *why, struct err *e)
{
	struct result *q = conn_query(r->conn, "SHOW GLOBAL VARIABLES WHERE "
	    "Variable_name IN ('replica_skip_errors','slave_skip_errors') AND "
	    "Value NOT IN ('OFF','') OR Variable_name IN ("
	    "'sql_replica_skip_counter','sql_slave_skip_counter') AND Value "
	    "<> '0'", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (q == NULL)
		return -1;
	got = result_next(q, &row, &len, e);
	if (got == 1)
		buf_addf(why, "%s is %s on the target", row[0], row[1]);
	result_free(q);
	if (got < 0 || buf_check(why, "plan", e) != 0)
		return -1;
	return r->procedures->used && why->len == 0 ? wrong_setting(r, why,
	    e) : 0;
}
