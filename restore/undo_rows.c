/* SPDX-License-Identifier: Apache-2.0 */
/* undo_rows: rows compared with the live tables, and their statements. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/digest.h"
#include "mysql/connect.h"
#include "restore/rowsql.h"

#include "restore/undo_impl.h"

#define ROWS_MAX	4000000u
#define ASK_ROWS	50u	/* compared by one query */
#define LINES_MAX	20
#define NO_ROW		UINT32_MAX

/* What a row will be once all that is newer is undone. */
struct state {
	uint64_t key;		/* 0: free */
	uint64_t row;		/* hash; 0: there is none */
	uint32_t by;		/* the row that made it so */
	uint32_t spare;		/* of tables without key: how many */
};

struct undo_states {
	struct state *slots;
	size_t size, used;
	struct buf query;	/* EXISTS(...), one after another */
	uint32_t asked[ASK_ROWS];
	bool wanted[ASK_ROWS];
	size_t wheres[ASK_ROWS];	/* in texts */
	struct buf texts;
	unsigned n;
};

/* A row of an event, as it will be undone; texts are offsets. */
struct row {
	uint64_t before_key, after_key, before, after;	/* 0: none */
	size_t before_text, after_text;
	unsigned warnings;
};

struct rows {
	struct row *list;
	size_t n, cap;
	struct buf text;
};

/* --- states --- */

static struct state *
find(struct undo_states *s, uint64_t key)
{
	size_t i = (size_t)key & (s->size - 1);

	while (s->slots[i].key != 0 && s->slots[i].key != key)
		i = (i + 1) & (s->size - 1);
	return &s->slots[i];
}

static int
grow(struct undo_states *s, struct err *e)
{
	struct undo_states more = { .size = s->size == 0 ? 1024 :
	    2 * s->size };
	size_t i;

	if (2 * (s->used + 2) < s->size)
		return 0;
	more.slots = calloc(more.size, sizeof(*more.slots));
	if (more.slots == NULL)
		return err_set(e, ERR_NOMEM, 0, "rows");
	for (i = 0; i < s->size; i++)
		if (s->slots[i].key != 0)
			*find(&more, s->slots[i].key) = s->slots[i];
	free(s->slots);
	s->slots = more.slots;
	s->size = more.size;
	return 0;
}

static void
put(struct undo_states *s, uint64_t key, uint64_t row, uint32_t by)
{
	struct state *x = find(s, key);

	if (x->key == 0)
		s->used++;
	*x = (struct state){ key, row, by, x->spare + (row != 0) };
}

/* --- rows as they were logged --- */

static uint64_t
hash_of(const struct undo *u, size_t table, const struct rows_value *v,
    bool key)
{
	const struct shape *s = u->tables[table].shape;
	struct buf bytes = {0};
	uint64_t hash;
	size_t i;

	buf_adds(&bytes, u->tables[table].map.schema);
	buf_addc(&bytes, '\0');
	buf_adds(&bytes, u->tables[table].map.table);
	for (i = 0; i < s->ncolumns; i++) {
		if (s->columns[i].generated || (key && s->keyed &&
		    !s->columns[i].key))
			continue;
		buf_addf(&bytes, "%c%zu:", 'a' + (int)v[i].form, v[i].len);
		buf_add(&bytes, v[i].data, v[i].data == NULL ? 0 : v[i].len);
	}
	hash = xxh3_64(bytes.data, bytes.len);
	buf_free(&bytes);
	return hash == 0 ? 1 : hash;
}

/* Texts by which the live table is asked, or the statement. */
static int
row_texts(struct undo *u, const struct undo_event *ev, bool statement,
    bool readable, const struct rows_value *before,
    const struct rows_value *after, struct rows *rows, struct row *r,
    struct err *e)
{
	const struct undo_table *t = &u->tables[ev->table];
	const struct rowsql_text x = { .shape = t->shape, .guard = true,
	    .readable = readable };
	int rc = 0;

	r->before_text = r->after_text = rows->text.len;
	if (!statement) {
		if (after != NULL)
			rc = rowsql_where(&x, after, true, &rows->text, e);
		buf_addc(&rows->text, '\0');
		r->before_text = rows->text.len;
		if (rc == 0 && before != NULL)
			rc = rowsql_where(&x, before, false, &rows->text, e);
		buf_addc(&rows->text, '\0');
		return rc;
	}
	if (before == NULL) {
		rc = rowsql_delete(&x, after, &rows->text, e);
		buf_add(&rows->text, t->guard.data, t->guard.len);
	} else if (after == NULL) {
		rc = rowsql_insert(&x, before, &rows->text, &r->warnings, e);
	} else {
		rc = rowsql_update(&x, after, before, &rows->text,
		    &r->warnings, e);
	}
	buf_addc(&rows->text, '\0');
	return rc;
}

static int
add_row(struct undo *u, const struct undo_event *ev, bool statement,
    bool readable, const struct rows_value *before,
    const struct rows_value *after, struct rows *rows, struct err *e)
{
	struct row *list, *r;

	if (rows->n == rows->cap) {
		list = realloc(rows->list, (2 * rows->cap + 16) *
		    sizeof(*list));
		if (list == NULL)
			return err_set(e, ERR_NOMEM, 0, "rows");
		rows->list = list;
		rows->cap = 2 * rows->cap + 16;
	}
	r = &rows->list[rows->n++];
	*r = (struct row){0};
	if (before != NULL) {
		r->before_key = hash_of(u, ev->table, before, true);
		r->before = hash_of(u, ev->table, before, false);
	}
	if (after != NULL) {
		r->after_key = hash_of(u, ev->table, after, true);
		r->after = hash_of(u, ev->table, after, false);
	}
	return row_texts(u, ev, statement, readable, before, after, rows, r,
	    e);
}

/* All rows of an event. */
static int
read_event(struct undo *u, const struct undo_event *ev, bool statement,
    bool readable, struct rows *rows, bool *keys_off, struct err *e)
{
	struct undo_table *t = &u->tables[ev->table];
	struct event_format plain = { .known = true };
	const struct rows_value *before, *after;
	struct rows_reader *reader;
	struct rows_event r;
	struct event event;
	int got;

	rows->n = 0;
	buf_clear(&rows->text);
	if (event_parse((const uint8_t *)u->events.data + ev->at, ev->size,
	    &plain, &event, e) != 0 || rows_event_parse(&event, &plain, &r,
	    e) != 0)
		return -1;
	*keys_off = (r.flags & 2) != 0;
	t->map.id = r.table_id;
	reader = rows_reader_new(&t->map, &r, t->shape->unsigned_columns, e);
	if (reader == NULL)
		return -1;
	while ((got = rows_next(reader, &before, &after, e)) == 1)
		if (add_row(u, ev, statement, readable, before, after, rows,
		    e) != 0) {
			got = -1;
			break;
		}
	rows_reader_free(reader);
	if (got == 0)
		got = buf_check(&rows->text, "rows", e);
	return got == 0 ? 0 : err_wrap(e, "%s.%s", t->map.schema,
	    t->map.table);
}

static void
rows_fini(struct rows *rows)
{
	free(rows->list);
	buf_free(&rows->text);
}

/* --- comparing --- */

static int
new_row(struct undo *u, uint32_t *n, struct err *e)
{
	uint8_t *conflicts;
	uint32_t *after;
	size_t cap = 2 * u->cap + 1024;

	if (u->nrows == ROWS_MAX) {
		(void)err_set(e, ERR_USAGE, 0, "more than %u rows to undo",
		    ROWS_MAX);
		return err_hint(e, "restore the tables beside the live ones "
		    "instead");
	}
	if (u->nrows == u->cap) {
		conflicts = realloc(u->conflicts, cap);
		if (conflicts != NULL)
			u->conflicts = conflicts;
		after = realloc(u->after, 2 * cap * sizeof(*after));
		if (after != NULL)
			u->after = after;
		if (conflicts == NULL || after == NULL)
			return err_set(e, ERR_NOMEM, 0, "rows");
		u->cap = cap;
	}
	*n = (uint32_t)u->nrows++;
	u->conflicts[*n] = 0;
	u->after[2 * (size_t)*n] = u->after[2 * (size_t)*n + 1] = NO_ROW;
	return 0;
}

/* Send the questions that are gathered. */
static int
ask(struct undo *u, struct err *e)
{
	struct undo_states *s = u->states;
	struct result *r;
	unsigned long *len;
	unsigned i;
	char **row;
	int got;

	if (s->n == 0)
		return 0;
	if (buf_check(&s->query, "question", e) != 0)
		return -1;
	r = conn_query(u->conn, buf_str(&s->query), true, e);
	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	for (i = 0; got == 1 && i < s->n; i++) {
		if ((strcmp(row[i], "1") == 0) == s->wanted[i])
			continue;
		u->conflicts[s->asked[i]] = 1;
		if (u->named.len < 64 * 1024)
			buf_addf(&u->named, "%s\n", s->texts.data +
			    s->wheres[i]);
	}
	result_free(r);
	buf_clear(&s->query);
	buf_clear(&s->texts);
	s->n = 0;
	return got == 1 ? 0 : -1;
}

static int
question(struct undo *u, const struct undo_event *ev, uint32_t row,
    const char *where, bool wanted, struct err *e)
{
	const struct undo_table *t = &u->tables[ev->table];
	struct undo_states *s = u->states;

	buf_adds(&s->query, s->n == 0 ? "SELECT EXISTS(SELECT 1 FROM " :
	    ",EXISTS(SELECT 1 FROM ");
	sql_ident(&s->query, t->map.schema);
	buf_addc(&s->query, '.');
	sql_ident(&s->query, t->map.table);
	buf_addf(&s->query, " WHERE %s)", where);
	s->asked[s->n] = row;
	s->wanted[s->n] = wanted;
	s->wheres[s->n] = s->texts.len;
	buf_addf(&s->texts, "%s.%s: %.200s", t->map.schema, t->map.table,
	    where);
	buf_addc(&s->texts, '\0');
	s->n++;
	return s->n == ASK_ROWS || s->query.len > (size_t)256 * 1024 ?
	    ask(u, e) : 0;
}

/* The row must be there as it is logged (row 0: must not be there). */
static int
need(struct undo *u, const struct undo_event *ev, uint32_t n, int which,
    uint64_t key, uint64_t row, const char *where, struct err *e)
{
	const bool keyed = u->tables[ev->table].shape->keyed;
	struct state *x = u->states->size == 0 ? NULL : find(u->states, key);

	if (x != NULL && x->key != 0 && (keyed || x->spare > 0)) {
		/* Changed between by what is not undone. */
		if (keyed && x->row != row)
			u->conflicts[n] = 1;
		if (!keyed)
			x->spare--;
		u->after[2 * (size_t)n + (size_t)which] = x->by;
		return 0;
	}
	if (!keyed && row == 0)
		return 0;
	return question(u, ev, n, where, row != 0, e);
}

static int
check_row(struct undo *u, const struct undo_event *ev, const struct row *r,
    const char *text, struct err *e)
{
	const struct undo_table *t = &u->tables[ev->table];
	bool moved = r->before_key != 0 && r->after_key != 0 &&
	    r->before_key != r->after_key && t->shape->keyed;
	uint32_t n = 0;

	if (new_row(u, &n, e) != 0 || grow(u->states, e) != 0)
		return -1;
	if (moved && t->carries)
		return err_set(e, ERR_USAGE, 0, "%s.%s: a key was changed, "
		    "and rows of another table with it by a foreign key",
		    t->map.schema, t->map.table);
	if (r->after_key != 0 && need(u, ev, n, 0, r->after_key, r->after,
	    text + r->after_text, e) != 0)
		return -1;
	if (r->before_key != 0 && (moved || r->after_key == 0) &&
	    need(u, ev, n, 1, r->before_key, 0, text + r->before_text,
	    e) != 0)
		return -1;
	if (r->after_key != 0 && (moved || r->before_key == 0) &&
	    t->shape->keyed)
		put(u->states, r->after_key, 0, n);
	if (r->before_key != 0)
		put(u->states, r->before_key, r->before, n);
	return 0;
}

/* What stands on a conflict is one. */
static void
spread(struct undo *u)
{
	size_t i, k;
	uint32_t on;

	for (i = 0; i < u->nrows; i++) {
		for (k = 0; k < 2; k++) {
			on = u->after[2 * i + k];
			if (on != NO_ROW && u->conflicts[on] != 0)
				u->conflicts[i] = 1;
		}
		u->nconflicts += u->conflicts[i];
	}
}

int
undo_check(struct undo *u, struct err *e)
{
	struct rows rows = {0};
	size_t i, k;
	bool off;
	int rc = 0;

	u->states = calloc(1, sizeof(*u->states));
	if (u->states == NULL)
		return err_set(e, ERR_NOMEM, 0, "rows");
	for (i = u->nlist; rc == 0 && i > 0; i--) {
		rc = read_event(u, &u->list[i - 1], false, false, &rows, &off,
		    e);
		for (k = rows.n; rc == 0 && k > 0; k--)
			rc = check_row(u, &u->list[i - 1], &rows.list[k - 1],
			    rows.text.data, e);
	}
	if (rc == 0)
		rc = ask(u, e);
	if (rc == 0)
		spread(u);
	rows_fini(&rows);
	return rc;
}

int
undo_make(struct undo *u, bool readable, int (*each)(void *arg,
    const struct undo_event *ev, bool keys_off, const struct buf *sql,
    unsigned warnings, struct err *e), void *arg, struct err *e)
{
	struct rows rows = {0};
	const struct row *r;
	struct buf sql = {0};
	size_t i, k, n = 0;
	bool off;
	int rc = 0;

	for (i = u->nlist; rc == 0 && i > 0; i--) {
		rc = read_event(u, &u->list[i - 1], true, readable, &rows,
		    &off, e);
		for (k = rows.n; rc == 0 && k > 0; k--) {
			if (u->conflicts[n++] != 0)
				continue;
			r = &rows.list[k - 1];
			buf_clear(&sql);
			buf_adds(&sql, rows.text.data + r->after_text);
			rc = buf_check(&sql, "statement", e) != 0 ? -1 :
			    each(arg, &u->list[i - 1], off, &sql, r->warnings,
			    e);
		}
	}
	rows_fini(&rows);
	buf_free(&sql);
	return rc;
}

void
undo_rows_free(struct undo *u)
{
	free(u->conflicts);
	free(u->after);
	if (u->states == NULL)
		return;
	free(u->states->slots);
	buf_free(&u->states->query);
	buf_free(&u->states->texts);
	free(u->states);
}
