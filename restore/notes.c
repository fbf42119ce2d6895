/* SPDX-License-Identifier: Apache-2.0 */
/* notes: schema kura_restore on a target. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/notes.h"

static const struct {
	const char *name, *columns;
} tables[] = {
	{ "run", "one INT PRIMARY KEY, backup VARCHAR(128) CHARACTER SET "
	    "ascii, plan_sha256 CHAR(64) CHARACTER SET ascii, was_empty INT, "
	    "state VARCHAR(16) CHARACTER SET ascii, started DATETIME, tool "
	    "VARCHAR(64) CHARACTER SET ascii) ENGINE=InnoDB" },
	{ "step", "table_n BIGINT UNSIGNED, kind VARCHAR(16) CHARACTER SET "
	    "ascii, n BIGINT UNSIGNED, state VARCHAR(16) CHARACTER SET ascii, "
	    "PRIMARY KEY (table_n, kind, n)) ENGINE=InnoDB" },
	{ "memo", "name VARCHAR(64) CHARACTER SET ascii PRIMARY KEY, value "
	    "LONGTEXT CHARACTER SET utf8mb4) ENGINE=InnoDB" },
	{ "apply", "one INT PRIMARY KEY, history VARCHAR(64) NOT NULL, seq "
	    "INT UNSIGNED NOT NULL, place BIGINT UNSIGNED NOT NULL, gtid "
	    "VARCHAR(2048) NOT NULL, state VARCHAR(16) NOT NULL, proof "
	    "VARCHAR(64) NOT NULL, temporary INT UNSIGNED NOT NULL) "
	    "ENGINE=InnoDB CHARACTER SET ascii" },
};

#define NTABLES (sizeof(tables) / sizeof(tables[0]))

int
notes_has(struct conn *c, const char *table, struct err *e)
{
	struct buf sql = {0}, v = {0};
	int rc;

	buf_addf(&sql, "SELECT COUNT(*) FROM information_schema.TABLES WHERE "
	    "TABLE_SCHEMA='kura_restore' AND TABLE_NAME='%s'", table);
	rc = conn_value(c, buf_str(&sql), &v, e);
	if (rc == 0)
		rc = strcmp(buf_str(&v), "1") == 0;
	buf_free(&sql);
	buf_free(&v);
	return rc;
}

int
notes_need(struct conn *c, const char *table, struct err *e)
{
	int rc = notes_has(c, table, e);
	size_t i;

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	for (i = 0; strcmp(tables[i].name, table) != 0; i++)
		assert(i + 1 < NTABLES);
	/* One right for each: the schema may be there and be ours to fill. */
	if (conn_exec(c, "CREATE DATABASE IF NOT EXISTS kura_restore",
	    e) != 0 && e->code == ERR_DENIED)
		*e = (struct err){0};
	rc = e->code != ERR_NONE ? -1 : conn_execf(c, e, "CREATE TABLE IF NOT "
	    "EXISTS kura_restore.%s (%s", tables[i].name, tables[i].columns);
	if (rc != 0 && e->code == ERR_DENIED)
		(void)err_hint(e, "let an administrator run what 'restore "
		    "plan --into-existing' prints, or CREATE DATABASE "
		    "kura_restore and GRANT ALL on it");
	return rc == 0 ? 0 : err_wrap(e, "schema kura_restore on the target");
}

int
notes_have_all(struct conn *c, struct err *e)
{
	size_t i;
	int got = 1;

	for (i = 0; i < NTABLES && got == 1; i++)
		got = notes_has(c, tables[i].name, e);
	return got;
}

void
notes_statements(const char *user, struct buf *out)
{
	const char *at = strrchr(user, '@');
	size_t n = at != NULL ? (size_t)(at - user) : strlen(user), i;

	buf_adds(out, "CREATE DATABASE kura_restore;\n");
	for (i = 0; i < NTABLES; i++)
		buf_addf(out, "CREATE TABLE kura_restore.%s (%s;\n",
		    tables[i].name, tables[i].columns);
	buf_adds(out, "GRANT SELECT, INSERT, UPDATE, DELETE ON kura_restore.* "
	    "TO ");
	sql_string(out, user, n);
	if (at != NULL) {
		buf_addc(out, '@');
		sql_string(out, at + 1, strlen(at + 1));
	}
	buf_adds(out, ";\n");
}

int
notes_drop(struct conn *c, struct err *e)
{
	struct err denied = {0};
	size_t i;
	int got;

	if (conn_exec(c, "DROP DATABASE IF EXISTS kura_restore",
	    &denied) == 0)
		return 0;
	if (denied.code != ERR_DENIED) {
		*e = denied;
		return -1;
	}
	for (i = 0; i < NTABLES; i++) {
		got = notes_has(c, tables[i].name, e);
		if (got < 0 || (got == 1 && conn_execf(c, e,
		    "DELETE FROM kura_restore.%s", tables[i].name) != 0))
			return -1;
	}
	return 0;
}
