/* SPDX-License-Identifier: Apache-2.0 */
/* columns: names of columns at a place in archived binary logs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/list.h"
#include "catalog/segment.h"
#include "catalog/timeline.h"

#include "catalog/columns.h"

#define STATEMENTS_MAX 20000	/* kept; later ones end all names */

struct table {
	char *schema, *name;
	struct column *columns;	/* of the backup; NULL: none */
	size_t n;
	struct route_place until;	/* the first statement that names it */
	bool ended;
};

/* A definition, or a statement that may be one. */
struct statement {
	struct route_place place;
	char *sql;
};

struct columns {
	struct store *store;
	const struct timeline *t;
	const struct route_whole *w;
	const struct timeline_backup *backup;	/* NULL: none was found */
	struct route_place since;	/* where it stands */
	struct route_place scanned;	/* statements are known up to here */
	struct table *tables;
	size_t ntables;
	struct statement *statements;
	size_t nstatements;
};

static int
compare(const struct route_place *a, const struct route_place *b)
{
	if (a->leg != b->leg)
		return a->leg < b->leg ? -1 : 1;
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

struct columns *
columns_new(struct store *s, const struct timeline *t,
    const struct route_whole *w, struct err *e)
{
	struct columns *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "columns");
		return NULL;
	}
	c->store = s;
	c->t = t;
	c->w = w;
	return c;
}

void
columns_ddl_free(struct column *list, size_t n)
{
	while (n > 0)
		free(list[--n].name);
	free(list);
}

/* All that is known by one backup. */
static void
forget(struct columns *c)
{
	for (; c->ntables > 0; c->ntables--) {
		free(c->tables[c->ntables - 1].schema);
		free(c->tables[c->ntables - 1].name);
		columns_ddl_free(c->tables[c->ntables - 1].columns,
		    c->tables[c->ntables - 1].n);
	}
	while (c->nstatements > 0)
		free(c->statements[--c->nstatements].sql);
}

void
columns_free(struct columns *c)
{
	if (c == NULL)
		return;
	forget(c);
	free(c->tables);
	free(c->statements);
	free(c);
}

/* --- definitions --- */

/* A name in backticks, a doubled one standing for itself; *end: behind it. */
static char *
take_name(const char *at, const char **end)
{
	char *name = malloc(strlen(at) + 1);
	size_t n = 0;

	for (at++; name != NULL && *at != '\0' && (*at != '`' ||
	    at[1] == '`'); at++) {
		at += *at == '`';
		name[n++] = *at;
	}
	if (name != NULL)
		name[n] = '\0';
	*end = *at == '`' ? at + 1 : at;
	return name;
}

/* " int(10) unsigned": the word that follows a type. */
static bool
is_unsigned(const char *type)
{
	type += strspn(type, " ");
	type += strspn(type, "abcdefghijklmnopqrstuvwxyz");
	if (*type == '(')
		type += strcspn(type, ")\n") + 1;
	return strncmp(type, " unsigned", 9) == 0;
}

int
columns_of_ddl(const char *ddl, struct column **list, size_t *n,
    struct err *e)
{
	const char *line, *type;
	struct column *grown;

	*list = NULL;
	*n = 0;
	/* A line each: two spaces and the name.  Keys begin with a word. */
	for (line = strchr(ddl, '\n'); line != NULL;
	    line = strchr(line + 1, '\n')) {
		if (strncmp(line, "\n  `", 4) != 0)
			continue;
		grown = realloc(*list, (*n + 1) * sizeof(**list));
		if (grown == NULL)
			goto fail;
		*list = grown;
		grown[*n].name = take_name(line + 3, &type);
		if (grown[*n].name == NULL)
			goto fail;
		grown[(*n)++].is_unsigned = is_unsigned(type);
	}
	return 0;

fail:	columns_ddl_free(*list, *n);
	*list = NULL;
	*n = 0;
	return err_set(e, ERR_NOMEM, 0, "columns");
}

/* The places of definitions of the tables that are wanted. */
struct finding {
	struct columns *c;
	size_t first;		/* table to begin with */
	struct place *places;
	bool *found;
};

static int
find_place(void *arg, const struct line *l, struct err *e)
{
	struct finding *x = arg;
	size_t i;

	(void)e;
	if (l->kind != LINE_TABLE)
		return 0;
	for (i = x->first; i < x->c->ntables; i++)
		if (strcmp(x->c->tables[i].schema, l->schema) == 0 &&
		    strcmp(x->c->tables[i].name, l->name) == 0) {
			x->places[i] = l->place;
			x->found[i] = true;
		}
	return 0;
}

static int
load_names(struct columns *c, size_t first, struct err *e)
{
	struct finding x = { .c = c, .first = first };
	struct buf ddl = {0};
	struct head h;
	size_t i;
	int rc = -1;

	if (head_load(c->store, c->t->source, c->backup->id, &h, e) != 0)
		return -1;
	x.places = calloc(c->ntables, sizeof(*x.places));
	x.found = calloc(c->ntables, sizeof(*x.found));
	if (x.places == NULL || x.found == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "columns");
	else
		rc = list_read(c->store, &h, find_place, &x, e);
	for (i = first; i < c->ntables && rc == 0; i++) {
		if (!x.found[i])
			continue;
		buf_clear(&ddl);
		rc = place_read(c->store, c->t->source, &x.places[i], &ddl,
		    e);
		if (rc == 0)
			rc = columns_of_ddl(buf_str(&ddl),
			    &c->tables[i].columns, &c->tables[i].n, e);
	}
	free(x.places);
	free(x.found);
	buf_free(&ddl);
	head_free(&h);
	return rc;
}

/* --- statements since --- */

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' ||
	    (unsigned char)c >= 0x80;
}

/* Does a statement name it?  A word in it, whatever it stands for. */
bool
columns_mentioned(const char *sql, const char *name, size_t n)
{
	const char *p;

	for (p = sql; *p != '\0'; p++)
		if (strncasecmp(p, name, n) == 0 && !is_word(p[n]) &&
		    (p == sql || !is_word(p[-1])))
			return true;
	return false;
}

static void
end_names(struct table *table, const struct statement *s)
{
	if (!table->ended && (s->sql == NULL || columns_mentioned(s->sql,
	    table->name, strlen(table->name)))) {
		table->until = s->place;
		table->ended = true;
	}
}

static int
keep_statement(void *arg, uint32_t seq, const struct transaction *t,
    struct err *e)
{
	struct columns *c = arg;
	struct statement *all = c->statements, *one;
	size_t i;

	c->scanned.offset = t->offset + t->size;
	if (t->sql[0] == '\0' || c->nstatements > STATEMENTS_MAX)
		return 0;
	if ((c->nstatements & (c->nstatements - 1)) == 0) {
		all = realloc(all, (c->nstatements == 0 ? 1 :
		    c->nstatements * 2) * sizeof(*all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "columns");
		c->statements = all;
	}
	one = &all[c->nstatements];
	*one = (struct statement){ .place = { c->scanned.leg, seq,
	    t->offset } };
	/* One too many names all tables; so does one that is cut short. */
	if (c->nstatements < STATEMENTS_MAX &&
	    strlen(t->sql) < TRANSACTION_SQL_MAX - 4) {
		one->sql = strdup(t->sql);
		if (one->sql == NULL)
			return err_set(e, ERR_NOMEM, 0, "columns");
	}
	c->nstatements++;
	for (i = 0; i < c->ntables; i++)
		end_names(&c->tables[i], one);
	return 0;
}

/* Statements from where the last call ended to the end of a file. */
static int
scan_to(struct columns *c, const struct route_place *to, struct err *e)
{
	const struct route_leg *leg;

	while (c->scanned.leg < to->leg || (c->scanned.leg == to->leg &&
	    c->scanned.seq <= to->seq)) {
		leg = &c->w->legs[c->scanned.leg].leg;
		if (leg_file_each(c->store, c->t, leg, c->scanned.seq,
		    c->scanned.offset, keep_statement, c, e) < 0)
			return -1;
		c->scanned.offset = 0;
		if (c->scanned.seq < leg->to_seq) {
			c->scanned.seq++;
		} else if (++c->scanned.leg < c->w->n) {
			c->scanned.seq =
			    c->w->legs[c->scanned.leg].leg.from_seq;
		} else {
			break;
		}
	}
	return 0;
}

/* --- all together --- */

/* Where a backup stands in the whole. */
static bool
place_of(const struct columns *c, const struct timeline_backup *b,
    struct route_place *p)
{
	const struct route_leg *leg;
	size_t i;

	for (i = 0; i < c->w->n; i++) {
		leg = &c->w->legs[i].leg;
		if (b->history == (long)leg->history && !b->by_gtid &&
		    b->seq >= leg->from_seq && b->seq <= leg->to_seq) {
			*p = (struct route_place){ i, b->seq, b->position };
			return true;
		}
	}
	return false;
}

/* The newest backup that stands before the first transaction, else the oldest
 * before the last one. */
static void
choose_backup(struct columns *c, const struct route_place *first,
    const struct route_place *last)
{
	const struct timeline_backup *best = NULL;
	struct route_place p, at = {0};
	size_t i;

	for (i = 0; i < c->t->nbackups; i++) {
		if (c->t->backups[i].history < 0 ||
		    !place_of(c, &c->t->backups[i], &p) ||
		    compare(&p, last) > 0 || (best != NULL &&
		    (compare(&p, first) > 0 || compare(&p, &at) < 0)))
			continue;
		best = &c->t->backups[i];
		at = p;
	}
	if (best == NULL || best == c->backup)
		return;
	forget(c);
	c->backup = best;
	c->since = c->scanned = at;
}

static struct table *
find(const struct columns *c, const char *schema, const char *table)
{
	size_t i;

	for (i = 0; i < c->ntables; i++)
		if (strcmp(c->tables[i].name, table) == 0 &&
		    strcmp(c->tables[i].schema, schema) == 0)
			return &c->tables[i];
	return NULL;
}

static int
add_table(struct columns *c, const struct transaction_table *t,
    struct err *e)
{
	struct table *all, *one;
	size_t i;

	if (find(c, t->schema, t->table) != NULL)
		return 0;
	all = realloc(c->tables, (c->ntables + 1) * sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "columns");
	c->tables = all;
	one = &all[c->ntables];
	*one = (struct table){ .schema = strdup(t->schema),
	    .name = strdup(t->table) };
	c->ntables++;
	if (one->schema == NULL || one->name == NULL)
		return err_set(e, ERR_NOMEM, 0, "columns");
	for (i = 0; i < c->nstatements; i++)
		end_names(one, &c->statements[i]);
	return 0;
}

int
columns_prepare(struct columns *c, size_t leg, uint32_t seq,
    const struct transaction *all, size_t n, struct err *e)
{
	const struct route_place first = { leg, seq, all[0].offset };
	const struct route_place last = { leg, seq, all[n - 1].offset };
	size_t i, k, had;

	choose_backup(c, &first, &last);
	if (c->backup == NULL)
		return 0;
	had = c->ntables;
	for (i = 0; i < n; i++)
		for (k = 0; k < all[i].ntables; k++)
			if (add_table(c, &all[i].tables[k], e) != 0)
				return -1;
	if (c->ntables > had && load_names(c, had, e) != 0)
		return -1;
	return scan_to(c, &first, e);
}

const struct column *
columns_of(const struct columns *c, const struct route_place *p,
    const char *schema, const char *table, size_t n)
{
	const struct table *t = find(c, schema, table);

	if (t == NULL || t->n != n || compare(p, &c->since) < 0 ||
	    (t->ended && compare(p, &t->until) > 0))
		return NULL;
	return t->columns;
}
