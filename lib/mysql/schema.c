/* SPDX-License-Identifier: Apache-2.0 */
/* schema: what a server holds, read in bounded memory. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/schema.h"

#define NOT_SYSTEM(column) column " NOT IN ('information_schema'," \
    "'performance_schema','mysql','sys')"

bool
schema_is_system(const char *schema)
{
	static const char *const names[] = { "information_schema",
	    "performance_schema", "mysql", "sys", "kura_restore",
	    "#mysql50#lost+found", "lost+found" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(schema, names[i]) == 0)
			return true;
	return false;
}

/* Shell-like match of the whole text: * and ?. */
static bool
match(const char *pattern, const char *end, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text != '\0') {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			back = text;
		} else if (pattern < end && (*pattern == '?' ||
		    *pattern == *text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++back;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

/* Does a pattern cover the schema (table NULL) or the table?  For an include
 * list a schema is also in when one of its tables may be. */
static bool
covers(const char *pattern, const char *schema, const char *table,
    bool include)
{
	const char *dot = strchr(pattern, '.');
	const char *end = pattern + strlen(pattern);

	if (dot == NULL)
		return match(pattern, end, schema);
	if (!match(pattern, dot, schema))
		return false;
	if (table == NULL)
		return include;
	return match(dot + 1, end, table);
}

bool
schema_in_scope(const struct schema_scope *scope, const char *schema,
    const char *table)
{
	bool in = scope->includes == 0;
	size_t i;

	if (schema_is_system(schema))
		return false;
	for (i = 0; i < scope->includes && !in; i++)
		in = covers(scope->include[i], schema, table, true);
	for (i = 0; i < scope->excludes && in; i++)
		in = !covers(scope->exclude[i], schema, table, false);
	return in;
}

struct scan {
	const struct schema_scope *scope;
	int (*each)(void *, const struct schema_item *, struct err *);
	void *arg;
};

static bool
transactional(const char *engine)
{
	return strcasecmp(engine, "InnoDB") == 0 ||
	    strcasecmp(engine, "ROCKSDB") == 0 ||
	    strcasecmp(engine, "TokuDB") == 0 || !schema_engine_rows(engine);
}

bool
schema_engine_rows(const char *engine)
{
	static const char *const none[] = { "BLACKHOLE", "FEDERATED",
	    "FederatedX", "CONNECT", "SPIDER", "MRG_MYISAM", "S3" };
	size_t i;

	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcasecmp(engine, none[i]) == 0)
			return false;
	return true;
}

static uint64_t
number(const char *text)
{
	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* One row of the table list: schema, name, type, engine, rows, bytes,
 * comment. */
static int
table_row(const struct scan *s, char **row, struct err *e)
{
	struct schema_item item = { .kind = SCHEMA_TABLE, .schema = row[0],
	    .name = row[1], .type = "" };

	if (strcmp(row[2], "VIEW") == 0 ||
	    strcmp(row[2], "SYSTEM VIEW") == 0) {
		item.kind = SCHEMA_VIEW;
	} else if (strcmp(row[2], "SEQUENCE") == 0) {
		item.kind = SCHEMA_SEQUENCE;
	} else {
		if (row[3] == NULL)
			return err_set(e, ERR_IO, 0, "table %s.%s cannot be "
			    "opened: %s", row[0], row[1], row[6] != NULL ?
			    row[6] : "no engine");
		item.type = row[3];
		item.rows = number(row[4]);
		item.bytes = number(row[5]);
		item.transactional = transactional(row[3]);
	}
	return s->each(s->arg, &item, e);
}

static int
other_row(const struct scan *s, enum schema_kind kind, char **row,
    struct err *e)
{
	const struct schema_item item = { .kind = kind, .schema = row[0],
	    .name = kind == SCHEMA_SCHEMA ? "" : row[1],
	    .type = row[2], .table = row[3],
	    .order = (unsigned)number(row[4]) };

	return s->each(s->arg, &item, e);
}

/* Rows come as they are read: no list of all tables is held here. */
static int
scan_query(struct conn *c, const struct scan *s, enum schema_kind kind,
    const char *sql, struct err *e)
{
	struct result *r = conn_query(c, sql, false, e);
	unsigned long *len;
	const char *in;
	char **row;
	int got, rc = 0;

	if (r == NULL)
		return -1;
	while (rc == 0 && (got = result_next(r, &row, &len, e)) != 0) {
		if (got < 0) {
			rc = -1;
			break;
		}
		/* A trigger is in scope with its table. */
		in = kind == SCHEMA_SCHEMA ? NULL :
		    kind == SCHEMA_TRIGGER ? row[3] : row[1];
		if (!schema_in_scope(s->scope, row[0], in))
			continue;
		rc = kind == SCHEMA_TABLE ? table_row(s, row, e) :
		    other_row(s, kind, row, e);
	}
	result_free(r);
	return rc;
}

int
schema_scan(struct conn *c, const struct flavour *f,
    const struct schema_scope *scope,
    int (*each)(void *arg, const struct schema_item *item, struct err *e),
    void *arg, struct err *e)
{
	const struct scan s = { scope, each, arg };
	static const char schemas[] = "SELECT SCHEMA_NAME,'','',''"
	    ",0 FROM information_schema.SCHEMATA ORDER BY 1";
	static const char tables[] = "SELECT TABLE_SCHEMA,TABLE_NAME,"
	    "TABLE_TYPE,ENGINE,TABLE_ROWS,DATA_LENGTH,TABLE_COMMENT FROM "
	    "information_schema.TABLES WHERE " NOT_SYSTEM("TABLE_SCHEMA")
	    " ORDER BY 1,2";
	static const char libraries[] = "SELECT LIBRARY_SCHEMA,LIBRARY_NAME,"
	    "'LIBRARY','',0 FROM information_schema.LIBRARIES WHERE "
	    NOT_SYSTEM("LIBRARY_SCHEMA") " ORDER BY 1,2";
	static const char routines[] = "SELECT ROUTINE_SCHEMA,ROUTINE_NAME,"
	    "ROUTINE_TYPE,'',0 FROM information_schema.ROUTINES WHERE "
	    NOT_SYSTEM("ROUTINE_SCHEMA") " AND ROUTINE_TYPE <> 'LIBRARY' "
	    "ORDER BY 1,3,2";
	static const char triggers[] = "SELECT TRIGGER_SCHEMA,TRIGGER_NAME,'',"
	    "EVENT_OBJECT_TABLE,ACTION_ORDER FROM information_schema.TRIGGERS "
	    "WHERE " NOT_SYSTEM("TRIGGER_SCHEMA") " ORDER BY 1,4,"
	    "ACTION_TIMING,EVENT_MANIPULATION,5";
	static const char events[] = "SELECT EVENT_SCHEMA,EVENT_NAME,'','',0 "
	    "FROM information_schema.EVENTS WHERE "
	    NOT_SYSTEM("EVENT_SCHEMA") " ORDER BY 1,2";
	bool has_libraries = f->kind == FLAVOUR_MYSQL && f->version >= 90200;

	if (scan_query(c, &s, SCHEMA_SCHEMA, schemas, e) != 0 ||
	    scan_query(c, &s, SCHEMA_TABLE, tables, e) != 0 ||
	    (has_libraries &&
	    scan_query(c, &s, SCHEMA_ROUTINE, libraries, e) != 0) ||
	    scan_query(c, &s, SCHEMA_ROUTINE, routines, e) != 0 ||
	    scan_query(c, &s, SCHEMA_TRIGGER, triggers, e) != 0 ||
	    scan_query(c, &s, SCHEMA_EVENT, events, e) != 0)
		return err_wrap(e, "list the server's objects");
	return 0;
}

static const char *const conversions[] = {
	"plain", "float", "number", "json", "ascii",
};

const char *
conversion_name(enum conversion as)
{
	return conversions[as];
}

int
conversion_parse(const char *name, enum conversion *as)
{
	size_t i;

	for (i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++)
		if (strcmp(conversions[i], name) == 0) {
			*as = (enum conversion)i;
			return 0;
		}
	return -1;
}

void
schema_select_list(const struct schema_table *t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		if (i > 0)
			buf_addc(out, ',');
		sql_ident(out, t->columns[i].name);
		if (t->columns[i].as == CONVERSION_FLOAT)
			buf_adds(out, "*1e0");
		else if (t->columns[i].as == CONVERSION_NUMBER)
			buf_adds(out, "+0");
	}
	/* A table of generated columns alone still has rows to count. */
	if (t->ncolumns == 0)
		buf_adds(out, "1");
}
