/* SPDX-License-Identifier: Apache-2.0 */
/* apply_rows: table maps and rows events: which are wanted, and how they go
 * to the target. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"
#include "restore/filter.h"
#include "restore/rowsql.h"

#include "restore/apply_impl.h"

#define STATEMENT_END	1u
#define NO_FOREIGN_KEYS	2u
#define RELAXED_UNIQUE	4u

/* Of a statement that wrote nothing: it only ends it. */
#define NO_TABLE	0xffffffu

static struct apply_map *
find_map(struct apply *a, uint64_t id)
{
	size_t i = a->nmaps;

	/* The last of an id counts. */
	while (i > 0)
		if (a->maps[--i].id == id)
			return &a->maps[i];
	return NULL;
}

void
rows_clear(struct apply *a)
{
	while (a->nmaps > 0)
		rows_table_free(&a->maps[--a->nmaps].table);
	buf_clear(&a->maps_sent);
}

/* Nothing of this group goes to the target. */
static bool
passes(const struct apply *a)
{
	return a->left || a->skipped || a->done;
}

static int
name_map(struct apply *a, struct apply_map *m, struct err *e)
{
	m->wanted = true;
	m->schema = m->table.schema;
	m->name = m->table.table;
	if (a->o->filter != NULL)
		m->wanted = filter_table(a->o->filter, m->table.schema,
		    m->table.table, &m->schema, &m->name);
	if (!m->wanted)
		return 0;
	/* A server's own tables: statistics and the like, which it keeps by
	 * itself; our notes when the source was a target once. */
	if (strcmp(m->schema, "kura_restore") == 0) {
		m->wanted = false;
		return 0;
	}
	/* MySQL's CREATE ... SELECT: nobody sees the table yet. */
	if (a->atomic)
		return 0;
	m->shape = a->o->mode == APPLY_ROWS ? shapes_columns(a->shapes,
	    a->side, a->o->flavour, m->schema, m->name, e) :
	    shapes_get(a->shapes, a->side, m->schema, m->name, e);
	if (m->shape == NULL)
		return -1;
	return a->o->mode == APPLY_BINLOG ? 0 : rowsql_check(m->shape, e) !=
	    0 ? -1 : rowsql_match(m->shape, &m->table, e);
}

/* Rows of the table come next: the target gets ready before anything of its
 * statement is gathered.  One that cannot take rows back is noted first. */
static int
begin_rows(struct apply *a, const struct apply_map *m, struct err *e)
{
	if (m->shape != NULL && !m->shape->transactional && !a->plain) {
		if (group_alone(a, e) != 0 || group_note(a, NOTE_PLAIN, "",
		    e) != 0)
			return -1;
		a->plain = true;
	}
	return group_transaction(a, e);
}

int
rows_map(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct apply_map *list, *m;

	if (passes(a))
		return 0;
	list = realloc(a->maps, (a->nmaps + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "table maps");
	a->maps = list;
	m = &list[a->nmaps];
	*m = (struct apply_map){0};
	if (rows_table_parse(ev, f, &m->table, e) != 0)
		return -1;
	a->nmaps++;
	m->id = m->table.id;
	if (name_map(a, m, e) != 0)
		return err_wrap(e, "table %s.%s", m->table.schema,
		    m->table.table);
	if (!m->wanted)
		return 0;
	if (begin_rows(a, m, e) != 0)
		return -1;
	return a->o->mode == APPLY_ROWS ? 0 : binlog_map(a, m, ev, e);
}

static int
count_rows(struct apply *a, const struct apply_map *m,
    const struct rows_event *r, struct err *e)
{
	uint64_t n = 0;

	if (rows_count(&m->table, r, &n, e) != 0)
		return -1;
	if (a->o->totals != NULL)
		a->o->totals->rows += n;
	return 0;
}

static void
place(struct apply *a, const struct apply_map *m)
{
	buf_clear(&a->text);
	apply_where_text(a, m->schema, m->name, &a->text);
	batch_where(&a->batch, buf_str(&a->text));
}

/* Rows as SQL, under the checks that the event was written with. */
static int
as_sql(struct apply *a, const struct apply_map *m, const struct rows_event *r,
    struct err *e)
{
	static const uint32_t no_keys = 1u << 26, relaxed = 1u << 27;
	struct statement_state to = rowsql_state;
	const struct rowsql_opts opts = { .shape = m->shape,
		.max = a->send_max / 2 };

	if ((r->flags & NO_FOREIGN_KEYS) != 0)
		to.flags |= no_keys;
	if ((r->flags & RELAXED_UNIQUE) != 0)
		to.flags |= relaxed;
	query_state(a, &to);
	place(a, m);
	if (rowsql_apply(&opts, &m->table, r, &a->batch, e) != 0)
		return a->batch.named ? -1 : err_wrap(e, "table %s.%s",
		    m->schema, m->name);
	return 0;
}

int
rows_rows(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct rows_event r;
	struct apply_map *m;
	bool last;
	int rc = 0;

	if (rows_event_parse(ev, f, &r, e) != 0)
		return -1;
	last = (r.flags & STATEMENT_END) != 0;
	if (passes(a))
		goto out;
	m = find_map(a, r.table_id);
	if (m == NULL && r.table_id != NO_TABLE)
		return err_set(e, ERR_CORRUPT, 0, "%s event: no Table_map for "
		    "it", event_name(ev->type));
	if (m != NULL && m->wanted) {
		rc = count_rows(a, m, &r, e);
		if (rc == 0)
			rc = a->o->mode == APPLY_ROWS ? as_sql(a, m, &r, e) :
			    binlog_rows(a, ev, last, e);
	} else if (last && a->o->mode == APPLY_BINLOG) {
		binlog_end(a);
	}
out:	if (last)
		rows_clear(a);
	return rc;
}
