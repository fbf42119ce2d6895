/* SPDX-License-Identifier: Apache-2.0 */
/* blocker: who holds what a snapshot waits for. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/snapshot_impl.h"

/* id, user, command, seconds, what; the likeliest first.  Never the text of a
 * statement: it may hold data. */
static const char mysql_sql[] =
    "SELECT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_COMMAND, "
    "t.PROCESSLIST_TIME, CONCAT(m.LOCK_TYPE,' on ',LOWER(m.OBJECT_TYPE),"
    "COALESCE(CONCAT(' ',m.OBJECT_SCHEMA,'.',m.OBJECT_NAME),'')) "
    "FROM performance_schema.metadata_locks m "
    "JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID "
    "WHERE m.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID IS NOT NULL "
    "AND m.OBJECT_TYPE IN ('TABLE','GLOBAL','COMMIT','BACKUP LOCK','SCHEMA') "
    "AND COALESCE(m.OBJECT_SCHEMA,'') NOT IN ('performance_schema') "
    "AND t.PROCESSLIST_ID NOT IN (%s) "
    "ORDER BY m.OBJECT_TYPE = 'TABLE' DESC, t.PROCESSLIST_TIME DESC LIMIT 1";
static const char mariadb_sql[] =
    "SELECT p.ID, p.USER, p.COMMAND, p.TIME, CONCAT(CASE WHEN x.trx_id IS NOT "
    "NULL AND p.COMMAND = 'Sleep' THEN 'an open transaction' WHEN p.COMMAND = "
    "'Sleep' THEN 'perhaps a table lock' ELSE 'a running statement' END, "
    "COALESCE(CONCAT(' in ',p.DB),'')) "
    "FROM information_schema.PROCESSLIST p LEFT JOIN "
    "information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID "
    "WHERE p.ID NOT IN (%s) AND p.USER <> 'system user' AND p.COMMAND NOT IN "
    "('Daemon','Binlog Dump') AND COALESCE(p.STATE,'') NOT LIKE 'Waiting for "
    "%%lock' ORDER BY p.COMMAND IN ('Query','Execute') DESC, x.trx_id IS NOT "
    "NULL DESC, p.TIME DESC, p.ID LIMIT 1";

static void
own_ids(const struct snapshot *s, struct buf *out)
{
	unsigned i;

	buf_addf(out, "%llu", (unsigned long long)conn_id(s->side));
	if (s->lock != NULL)
		buf_addf(out, ",%llu", (unsigned long long)conn_id(s->lock));
	for (i = 0; i < s->n; i++)
		if (s->conns[i] != NULL)
			buf_addf(out, ",%llu",
			    (unsigned long long)conn_id(s->conns[i]));
}

void
blocker_name(struct snapshot *s, struct err *e)
{
	struct err ignored = {0};
	struct buf ids = {0};
	struct result *r = NULL;
	unsigned long *len;
	char **row;
	size_t n = strlen(e->msg);

	own_ids(s, &ids);
	if (s->flavour->kind == FLAVOUR_MYSQL)
		r = conn_queryf(s->side, &ignored, mysql_sql, buf_str(&ids));
	else
		r = conn_queryf(s->side, &ignored, mariadb_sql, buf_str(&ids));
	if (r != NULL && result_next(r, &row, &len, &ignored) == 1 && row[0]) {
		(void)snprintf(e->msg + n, sizeof(e->msg) - n, "; held up by "
		    "connection %s of user %s (%s, %s s): %s", row[0],
		    row[1] != NULL ? row[1] : "?",
		    row[2] != NULL ? row[2] : "?",
		    row[3] != NULL ? row[3] : "?",
		    row[4] != NULL ? row[4] : "?");
		(void)err_hint(e, "let it end (or KILL %s), then run again",
		    row[0]);
	}
	result_free(r);
	buf_free(&ids);
}
