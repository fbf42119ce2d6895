/* SPDX-License-Identifier: Apache-2.0 */
/* memo: names and values that a replay notes on its target. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/notes.h"

#include "restore/memo.h"

#define NO_SUCH_TABLE 1146
#define NO_SUCH_SCHEMA 1049

int
memo_open(struct conn *c, struct err *e)
{
	return notes_need(c, "memo", e);
}

int
memo_set(struct conn *c, const char *name, const char *value, struct err *e)
{
	struct buf sql = {0};
	int rc = -1;

	buf_addf(&sql, "REPLACE INTO kura_restore.memo VALUES ('%s',", name);
	sql_string(&sql, value, strlen(value));
	buf_addc(&sql, ')');
	if (buf_check(&sql, "REPLACE", e) == 0)
		rc = conn_execn(c, sql.data, sql.len, e);
	buf_free(&sql);
	return rc;
}

int
memo_get(struct conn *c, const char *name, struct buf *out, struct err *e)
{
	struct err none = {0};
	struct buf sql = {0};
	int rc;

	buf_addf(&sql, "SELECT value FROM kura_restore.memo WHERE name='%s'",
	    name);
	rc = conn_value(c, buf_str(&sql), out, &none);
	buf_free(&sql);
	if (rc == 0)
		return 1;
	if (none.code == ERR_NOTFOUND || none.sys == NO_SUCH_TABLE ||
	    none.sys == NO_SUCH_SCHEMA)
		return 0;
	*e = none;
	return -1;
}

int
memo_forget(struct conn *c, const char *name, struct err *e)
{
	return conn_execf(c, e, "DELETE FROM kura_restore.memo WHERE name="
	    "'%s'", name);
}
