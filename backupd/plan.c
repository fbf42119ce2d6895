/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what a run will dump, in bounded memory. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"

#include "backupd/plan.h"

/* A fleet's worst server, ten times over: a limit against runaway input. */
#define ITEMS_MAX 4000000u

void
plan_init(struct plan *p, const struct schema_scope *scope,
    const struct flavour *f)
{
	*p = (struct plan){ .scope = scope, .flavour = f };
}

static void
item_fini(struct plan_item *it)
{
	free(it->schema);
	free(it->name);
	free(it->type);
	free(it->table);
}

static void
clear(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->nitems; i++)
		item_fini(&p->items[i]);
	for (i = 0; i < p->nlines; i++)
		free(p->lines[i]);
	p->nitems = p->nlines = 0;
	memset(p->counts, 0, sizeof(p->counts));
	p->accounts = p->bytes = 0;
	p->non_transactional = false;
}

static int
grow(struct plan *p, struct err *e)
{
	size_t cap = p->cap == 0 ? 256 : p->cap * 2;
	struct plan_item *items;

	if (p->nitems >= ITEMS_MAX)
		return err_set(e, ERR_USAGE, 0,
		    "the server holds over %u objects in scope", ITEMS_MAX);
	items = realloc(p->items, cap * sizeof(*items));
	if (items == NULL)
		return err_set(e, ERR_NOMEM, 0, "plan of %zu objects", cap);
	p->items = items;
	p->cap = cap;
	return 0;
}

static int
add_item(void *arg, const struct schema_item *item, struct err *e)
{
	struct plan *p = arg;
	struct plan_item *it;

	if (p->nitems == p->cap && grow(p, e) != 0)
		return -1;
	it = &p->items[p->nitems];
	*it = (struct plan_item){
		.kind = item->kind, .rows = item->rows, .bytes = item->bytes,
		.order = item->order, .transactional = item->transactional,
		.schema = strdup(item->schema), .name = strdup(item->name),
		.type = strdup(item->type != NULL ? item->type : ""),
		.table = strdup(item->table != NULL ? item->table : ""),
	};
	p->nitems++;
	if (it->schema == NULL || it->name == NULL || it->type == NULL ||
	    it->table == NULL)
		return err_set(e, ERR_NOMEM, 0, "plan");
	p->counts[item->kind]++;
	if (item->kind == SCHEMA_TABLE) {
		it->n = (uint32_t)p->counts[SCHEMA_TABLE];
		p->bytes += item->bytes;
		if (!item->transactional)
			p->non_transactional = true;
	}
	return 0;
}

int
plan_scan(struct plan *p, struct conn *c, struct err *e)
{
	clear(p);
	return schema_scan(c, p->flavour, p->scope, add_item, p, e);
}

int
plan_keep_line(struct plan *p, char *line, struct err *e)
{
	size_t cap = p->lines_cap == 0 ? 256 : p->lines_cap * 2;
	char **lines;

	if (line == NULL)
		return err_set(e, ERR_NOMEM, 0, "list line");
	if (p->nlines == p->lines_cap) {
		lines = realloc(p->lines, cap * sizeof(*lines));
		if (lines == NULL) {
			free(line);
			return err_set(e, ERR_NOMEM, 0, "list lines");
		}
		p->lines = lines;
		p->lines_cap = cap;
	}
	p->lines[p->nlines++] = line;
	return 0;
}

int
plan_write_lines(const struct plan *p, struct list_writer *w, struct err *e)
{
	json_t *json;
	size_t i;
	int rc;

	for (i = 0; i < p->nlines; i++) {
		json = json_loads(p->lines[i], 0, NULL);
		if (json == NULL)
			return err_set(e, ERR_NOMEM, 0, "list line");
		rc = list_add(w, json, e);
		json_decref(json);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int
larger_first(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

void
plan_sort(struct plan *p)
{
	if (p->nitems > 1)
		qsort(p->items, p->nitems, sizeof(p->items[0]), larger_first);
}

void
plan_ddl_digest(const char *ddl, size_t n, uint8_t digest[32])
{
	static const char counter[] = " AUTO_INCREMENT=";
	struct buf text = {0};
	size_t i, start = 0;
	char quote = '\0';

	/* The counter moves with each plain insert: leave it out, wherever it
	 * stands outside of quotes. */
	for (i = 0; i < n; i++) {
		if (quote != '\0') {
			if (ddl[i] == '\\' && quote != '`')
				i++;
			else if (ddl[i] == quote)
				quote = '\0';
			continue;
		}
		if (ddl[i] == '\'' || ddl[i] == '"' || ddl[i] == '`') {
			quote = ddl[i];
		} else if (n - i >= sizeof(counter) - 1 &&
		    memcmp(ddl + i, counter, sizeof(counter) - 1) == 0) {
			buf_add(&text, ddl + start, i - start);
			i += sizeof(counter) - 1;
			while (i < n && ddl[i] >= '0' && ddl[i] <= '9')
				i++;
			start = i;
			i--;
		}
	}
	if (start < n)
		buf_add(&text, ddl + start, n - start);
	sha256_of(buf_str(&text), text.len, digest);
	buf_free(&text);
}

int
plan_fingerprint(const struct plan *p, struct conn *c, struct buf *out,
    struct err *e)
{
	/* Names and texts always (times are of whole seconds); times of tables
	 * where the data dictionary has them at hand.  A table that is altered
	 * is found again when its turn comes, so this may stay cheap: it can
	 * run while commits are stopped. */
	const char *dictionary[] = {
	    "SELECT CONCAT(COUNT(*),' ',COALESCE(SUM(CRC32(CONCAT_WS('.',"
	    "TABLE_SCHEMA,TABLE_NAME,TABLE_TYPE,CREATE_TIME))),0)) "
	    "FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN "
	    "('information_schema','performance_schema','mysql','sys')",
	    "SELECT CONCAT(COUNT(*),' ',COALESCE(SUM(CRC32(CONCAT_WS('.',"
	    "ROUTINE_SCHEMA,ROUTINE_NAME,ROUTINE_TYPE,LAST_ALTERED,"
	    "ROUTINE_DEFINITION))),0)) "
	    "FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA <> 'sys'",
	    "SELECT CONCAT(COUNT(*),' ',COALESCE(SUM(CRC32(CONCAT_WS('.',"
	    "TRIGGER_SCHEMA,TRIGGER_NAME,ACTION_ORDER,CREATED,"
	    "ACTION_STATEMENT))),0)) "
	    "FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA <> 'sys'",
	    "SELECT CONCAT(COUNT(*),' ',COALESCE(SUM(CRC32(CONCAT_WS('.',"
	    "EVENT_SCHEMA,EVENT_NAME,LAST_ALTERED,EVENT_DEFINITION))),0)) "
	    "FROM information_schema.EVENTS",
	    "SELECT CONCAT(COUNT(*),' ',COALESCE(SUM(CRC32(CONCAT_WS('.',"
	    "TABLE_SCHEMA,TABLE_NAME,VIEW_DEFINITION))),0)) "
	    "FROM information_schema.VIEWS WHERE TABLE_SCHEMA <> 'sys'",
	};
	const char *names =
	    "SELECT CONCAT(COUNT(*),' ',COALESCE(SUM(CRC32(CONCAT_WS('.',"
	    "TABLE_SCHEMA,TABLE_NAME))),0)) FROM information_schema.TABLES "
	    "WHERE TABLE_SCHEMA NOT IN "
	    "('information_schema','performance_schema','mysql','sys')";
	size_t i;

	for (i = 0; i < sizeof(dictionary) / sizeof(dictionary[0]); i++) {
		const char *sql = dictionary[i];

		/* Elsewhere CREATE_TIME opens every table. */
		if (i == 0 && (p->flavour->kind != FLAVOUR_MYSQL ||
		    p->flavour->version < 80000))
			sql = names;
		if (conn_value(c, sql, out, e) != 0)
			return err_wrap(e, "fingerprint of the definitions");
		buf_addc(out, '\n');
	}
	return buf_check(out, "fingerprint", e);
}

void
plan_free(struct plan *p)
{
	clear(p);
	free(p->items);
	free(p->lines);
	*p = (struct plan){0};
}
