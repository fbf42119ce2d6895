/* SPDX-License-Identifier: Apache-2.0 */
/* select: the statement that reads one range of a table, in key order. */
#include "base/buf.h"
#include "mysql/connect.h"
#include "mysql/range.h"
#include "mysql/schema.h"

#include "backupd/select.h"

size_t
select_extras(const struct schema_table *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->ncolumns; i++)
		n += t->columns[i].as == CONVERSION_JSON;
	return n;
}

/* The printed text is stable but for DECIMALs, which come back as DOUBLE
 * (facts on JSON).  Compared as bytes: a collation would hide a change. */
static void
add_reload(const char *column, struct buf *out)
{
	buf_adds(out, ",NULLIF(CAST(CAST(CAST(CAST(");
	sql_ident(out, column);
	buf_adds(out, " AS CHAR CHARACTER SET utf8mb4) AS JSON) AS CHAR "
	    "CHARACTER SET utf8mb4) AS BINARY),CAST(");
	sql_ident(out, column);
	buf_adds(out, " AS BINARY))");
}

void
select_sql(const struct schema_table *t, const struct range *range,
    struct buf *out)
{
	size_t i;

	buf_adds(out, "SELECT ");
	schema_select_list(t, out);
	for (i = 0; i < t->ncolumns; i++)
		if (t->columns[i].as == CONVERSION_JSON)
			add_reload(t->columns[i].name, out);
	buf_adds(out, " FROM ");
	sql_ident(out, t->schema);
	buf_addc(out, '.');
	sql_ident(out, t->name);
	if (t->versioned)
		buf_adds(out, " FOR SYSTEM_TIME ALL");
	if (t->nkey > 0 && !t->versioned) {
		buf_adds(out, " FORCE INDEX (");
		sql_ident(out, t->key_name);
		buf_addc(out, ')');
	}
	if (range->where != NULL)
		buf_addf(out, " WHERE %s", range->where);
	for (i = 0; i < t->nkey; i++) {
		buf_adds(out, i == 0 ? " ORDER BY " : ",");
		sql_ident(out, t->columns[t->key[i]].name);
	}
}
