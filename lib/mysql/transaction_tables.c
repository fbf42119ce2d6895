/* SPDX-License-Identifier: Apache-2.0 */
/* transaction_tables: which tables a transaction changed, and how many rows. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "mysql/rows_impl.h"
#include "mysql/transaction_impl.h"

/* Maps are kept for a statement; no real one has that many. */
#define MAPS_MAX 4096
#define MAPS_BYTES_MAX ((uint64_t)16 << 20)

static void
forget_maps(struct transaction_tables *s)
{
	while (s->nmaps > 0)
		rows_table_free(&s->maps[--s->nmaps].table);
	s->bytes = 0;
}

void
transaction_tables_clear(struct transaction_tables *s)
{
	forget_maps(s);
	while (s->ntables > 0) {
		s->ntables--;
		free(s->tables[s->ntables].schema);
		free(s->tables[s->ntables].table);
	}
	s->cut = s->uncounted = false;
}

/* The place of a table in the list; TRANSACTION_TABLES_MAX when it is full.
 * Takes the names over. */
static int
table_at(struct transaction_tables *s, char *schema, char *table, size_t *at,
    struct err *e)
{
	struct transaction_table *t;

	if (s->tables == NULL)
		s->tables = calloc(TRANSACTION_TABLES_MAX,
		    sizeof(*s->tables));
	if (s->tables == NULL || schema == NULL || table == NULL) {
		free(schema);
		free(table);
		return err_set(e, ERR_NOMEM, 0, "tables of a transaction");
	}
	for (*at = 0; *at < s->ntables; ++*at) {
		t = &s->tables[*at];
		if (strcmp(t->table, table) == 0 &&
		    strcmp(t->schema, schema) == 0)
			break;
	}
	if (*at < s->ntables || s->ntables == TRANSACTION_TABLES_MAX) {
		s->cut |= *at == s->ntables;
		free(schema);
		free(table);
		return 0;
	}
	s->tables[s->ntables++] = (struct transaction_table){
		.schema = schema, .table = table };
	return 0;
}

static struct transaction_map *
map_of(const struct transaction_tables *s, uint64_t id)
{
	size_t i;

	for (i = s->nmaps; i > 0; i--)
		if (s->maps[i - 1].table.id == id)
			return &s->maps[i - 1];
	return NULL;
}

/* A table whose columns cannot be read is still one that is changed. */
static int
name_alone(struct transaction_tables *s, const struct event *ev,
    struct err *e)
{
	char *schema, *table;
	size_t at;

	s->uncounted = true;
	if (e->code == ERR_NOMEM)
		return -1;
	*e = (struct err){0};
	if (rows_table_names(ev, &schema, &table, e) != 0)
		return -1;
	return table_at(s, schema, table, &at, e);
}

static int
grow(struct transaction_tables *s, struct err *e)
{
	struct transaction_map *p;
	size_t cap = s->cap == 0 ? 8 : s->cap * 2;

	if (s->nmaps < s->cap)
		return 0;
	p = reallocarray(s->maps, cap, sizeof(*p));
	if (p == NULL)
		return err_set(e, ERR_NOMEM, 0, "tables of a transaction");
	s->maps = p;
	s->cap = cap;
	return 0;
}

int
transaction_tables_map(struct transaction_tables *s, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct transaction_map map, *old;

	if (s->nmaps == MAPS_MAX || ev->size > MAPS_BYTES_MAX - s->bytes) {
		forget_maps(s);
		s->uncounted = true;
	}
	if (ev->size > MAPS_BYTES_MAX)
		return name_alone(s, ev, e);
	s->bytes += ev->size;
	if (rows_table_parse(ev, f, &map.table, e) != 0)
		return name_alone(s, ev, e);
	if (grow(s, e) != 0 || table_at(s, strdup(map.table.schema),
	    strdup(map.table.table), &map.at, e) != 0) {
		rows_table_free(&map.table);
		return -1;
	}
	old = map_of(s, map.table.id);
	if (old != NULL) {
		rows_table_free(&old->table);
		*old = map;
	} else
		s->maps[s->nmaps++] = map;
	return 0;
}

static void
count(struct transaction_tables *s, const struct rows_event *r, size_t at,
    uint64_t n)
{
	struct transaction_table *t = &s->tables[at];

	if (r->kind == ROWS_WRITE)
		t->writes += n;
	else if (r->kind == ROWS_UPDATE)
		t->updates += n;
	else
		t->deletes += n;
}

int
transaction_tables_rows(struct transaction_tables *s, const struct event *ev,
    const struct event_format *f, bool *last, struct err *e)
{
	const struct transaction_map *map;
	struct rows_event r;
	struct err why = {0};
	uint64_t n;

	if (rows_event_parse(ev, f, &r, e) != 0)
		return -1;
	map = map_of(s, r.table_id);
	if (map == NULL)
		s->uncounted |= r.rows < r.end;
	else if (rows_count(&map->table, &r, &n, &why) != 0)
		s->uncounted = true;
	else if (map->at < s->ntables)
		count(s, &r, map->at, n);
	*last = (r.flags & 1) != 0;
	if (*last)
		forget_maps(s);
	return 0;
}
