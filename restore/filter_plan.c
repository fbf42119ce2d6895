/* SPDX-License-Identifier: Apache-2.0 */
/* filter_plan: what a route holds for a filter. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/timeline.h"
#include "mysql/mask.h"
#include "restore/ddl.h"
#include "restore/plan.h"

#include "restore/filter_impl.h"

#define LINES_MAX 20		/* of each kind */
#define DDL_MAX	((size_t)16 << 20)

/* A parent whose rows' changes reach a wanted child without row events. */
struct cascade {
	char *schema, *table;
	const char *child_schema, *child;
	bool deletes, updates;	/* which of its changes reach it */
	uint64_t rows;		/* of those, in the route */
};

struct looking {
	const struct filter *filter;
	struct store *store;
	struct filter_report *report;
	struct cascade *cascades;
	size_t ncascades;
	unsigned notes, refusals;
};

static void
line(struct buf *out, unsigned *n, const struct transaction *tr,
    const char *text)
{
	char gtid[GTID_TEXT] = "";

	if ((*n)++ >= LINES_MAX)
		return;
	if (tr != NULL && tr->gtid.gtid.set)
		gtid_text(&tr->gtid.gtid, gtid);
	buf_addf(out, "%s%s", gtid, gtid[0] != '\0' ? ": " : "");
	mask_statement(text, strlen(text), out);
	buf_addc(out, '\n');
}

/* --- foreign keys --- */

/* Did the source log what its cascades did?  MySQL does from 9.6 on. */
static bool
logs_cascades(const struct head *h)
{
	const char *version = head_text(h->server, "version");
	unsigned long major, minor;
	char *end;

	if (strstr(version, "MariaDB") != NULL)
		return false;
	major = strtoul(version, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, &end, 10) : 0;
	return major > 9 || (major == 9 && minor >= 6);
}

static int
add_cascade(struct looking *l, const struct plan_table *t,
    const struct buf *schema, const struct buf *table, bool deletes,
    bool updates, struct err *e)
{
	struct cascade *list, *c;
	const char *to_schema, *to_table;

	if (filter_table(l->filter, buf_str(schema), buf_str(table),
	    &to_schema, &to_table))
		return 0;
	list = realloc(l->cascades, (l->ncascades + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "foreign keys");
	l->cascades = list;
	c = &list[l->ncascades++];
	*c = (struct cascade){ .schema = strdup(buf_str(schema)),
	    .table = strdup(buf_str(table)), .child_schema = t->schema,
	    .child = t->name, .deletes = deletes, .updates = updates };
	if (c->schema == NULL || c->table == NULL)
		return err_set(e, ERR_NOMEM, 0, "foreign keys");
	return 0;
}

/* ON DELETE CASCADE and kin, up to the end of the key's clause. */
static void
read_rules(struct ddl_reader *r, bool *deletes, bool *updates)
{
	struct ddl_token t, what;
	struct ddl_reader ahead = *r;
	bool *rule;

	*deletes = *updates = false;
	while ((t = ddl_next(&ahead)).kind != DDL_END &&
	    t.kind != DDL_BAD && !ddl_is_punct(&t, ',')) {
		*r = ahead;
		if (!ddl_is(&t, "ON"))
			continue;
		what = ddl_next(&ahead);
		rule = ddl_is(&what, "DELETE") ? deletes : updates;
		t = ddl_next(&ahead);
		*rule = ddl_is(&t, "CASCADE") || ddl_is(&t, "SET");
		*r = ahead;
	}
}

/* REFERENCES [schema.]table (columns) rules */
static int
read_reference(struct looking *l, const struct plan_table *t,
    struct ddl_reader *r, struct err *e)
{
	struct buf schema = {0}, table = {0};
	struct ddl_token name = ddl_next(r), dot = ddl_next(r), p = dot;
	bool deletes, updates;
	int rc = 0;

	ddl_name(&name, &table);
	buf_adds(&schema, t->schema);
	if (ddl_is_punct(&dot, '.')) {
		buf_clear(&schema);
		buf_add(&schema, buf_str(&table), table.len);
		buf_clear(&table);
		name = ddl_next(r);
		ddl_name(&name, &table);
		p = ddl_next(r);
	}
	/* Past its columns. */
	while (p.kind != DDL_END && p.kind != DDL_BAD &&
	    !ddl_is_punct(&p, ')'))
		p = ddl_next(r);
	read_rules(r, &deletes, &updates);
	if (deletes || updates)
		rc = add_cascade(l, t, &schema, &table, deletes, updates, e);
	buf_free(&schema);
	buf_free(&table);
	return rc;
}

static int
read_keys(struct looking *l, const struct plan_table *t, struct err *e)
{
	struct buf ddl = {0};
	struct ddl_reader r;
	struct ddl_token token;
	int rc;

	buf_init(&ddl, DDL_MAX);
	rc = place_read(l->store, l->filter->plan->head.source, &t->ddl, &ddl,
	    e);
	ddl_reader_init(&r, buf_str(&ddl), ddl.len);
	while (rc == 0 && (token = ddl_next(&r)).kind != DDL_END &&
	    token.kind != DDL_BAD)
		if (ddl_is(&token, "REFERENCES"))
			rc = read_reference(l, t, &r, e);
	buf_free(&ddl);
	return rc == 0 ? 0 : err_wrap(e, "definition of %s.%s", t->schema,
	    t->name);
}

static void
refuse_cascades(struct looking *l)
{
	const struct cascade *c;
	struct buf text = {0};
	size_t i;

	for (i = 0; i < l->ncascades; i++) {
		c = &l->cascades[i];
		if (c->rows == 0)
			continue;
		buf_clear(&text);
		buf_addf(&text, "rows of %s.%s changed with %" PRIu64 " rows "
		    "of %s.%s by a foreign key, which is not in the log; take "
		    "that table too", c->child_schema, c->child, c->rows,
		    c->schema, c->table);
		line(&l->report->refused, &l->refusals, NULL, buf_str(&text));
	}
	buf_free(&text);
}

/* --- transactions --- */

static void
count_cascades(struct looking *l, const struct transaction_table *t)
{
	struct cascade *c;

	for (c = l->cascades; c < l->cascades + l->ncascades; c++)
		if (filter_same(l->filter, c->schema, t->schema) &&
		    filter_same(l->filter, c->table, t->table))
			c->rows += (c->deletes ? t->deletes : 0) +
			    (c->updates ? t->updates : 0);
}

static bool
has_rows(struct looking *l, const struct transaction *tr)
{
	const char *schema, *table;
	bool found = tr->tables_cut;
	size_t i;

	for (i = 0; i < tr->ntables; i++) {
		count_cascades(l, &tr->tables[i]);
		found |= filter_table(l->filter, tr->tables[i].schema,
		    tr->tables[i].table, &schema, &table);
	}
	return found;
}

/* What becomes of its statement; true when it is taken. */
static bool
judge(struct looking *l, const struct transaction *tr)
{
	struct buf out = {0}, text = {0};
	size_t n = strlen(tr->sql);
	bool taken = false, cut = n >= TRANSACTION_SQL_MAX - 4;

	switch (filter_statement(l->filter, tr->schema, tr->sql, n, &out)) {
	case FILTER_TAKE:
	case FILTER_KEEP:
		taken = true;
		buf_addf(&text, "%s%.120s%s", l->filter->plan->existing ?
		    "no definition is changed by --into-existing: " : "",
		    buf_str(&out), out.len > 120 ? " ..." : "");
		if (l->filter->plan->existing)
			line(&l->report->refused, &l->refusals, tr,
			    buf_str(&text));
		else
			line(&l->report->notes, &l->notes, tr,
			    buf_str(&text));
		break;
	case FILTER_REFUSE:
		/* The index has only the first of a long one: its end is
		 * seen when its turn comes. */
		line(cut ? &l->report->notes : &l->report->refused, cut ?
		    &l->notes : &l->refusals, tr, buf_str(&out));
		break;
	case FILTER_LEAVE:
		if (tr->kind == TRANSACTION_DDL && !filter_mentions(l->filter,
		    tr->schema, tr->sql, n))
			break;
		buf_addf(&text, "left out: %.120s%s", tr->sql, n > 120 ?
		    " ..." : "");
		line(&l->report->notes, &l->notes, tr, buf_str(&text));
		break;
	}
	buf_free(&out);
	buf_free(&text);
	return taken;
}

static int
look(void *arg, uint32_t seq, const struct transaction *tr, struct err *e)
{
	struct looking *l = arg;
	bool taken = has_rows(l, tr);

	(void)seq;
	(void)e;
	if (tr->kind == TRANSACTION_DDL || tr->kind == TRANSACTION_STATEMENT ||
	    tr->mixed)
		taken |= judge(l, tr);
	if (tr->incident)
		line(&l->report->refused, &l->refusals, tr, "the source noted "
		    "that events were lost");
	if (taken)
		l->report->taken++;
	else
		l->report->left++;
	return 0;
}

static void
count_rest(struct buf *out, unsigned n)
{
	if (n > LINES_MAX)
		buf_addf(out, "and %u more\n", n - LINES_MAX);
}

int
filter_plan(const struct filter *f, struct store *s,
    const struct timeline *t, const struct route *r,
    struct filter_report *report, struct err *e)
{
	struct looking l = { .filter = f, .store = s, .report = report };
	const struct restore_plan *p = f->plan;
	size_t i;
	int rc = 0;

	*report = (struct filter_report){0};
	for (i = 0; rc == 0 && !logs_cascades(&p->head) && i < p->ntables; i++)
		rc = read_keys(&l, &p->tables[i], e);
	for (i = 0; rc == 0 && i < r->nlegs; i++)
		rc = leg_each(s, t, &r->legs[i], look, &l, e);
	refuse_cascades(&l);
	count_rest(&report->notes, l.notes);
	count_rest(&report->refused, l.refusals);
	if (rc == 0 && (buf_check(&report->notes, "plan", e) != 0 ||
	    buf_check(&report->refused, "plan", e) != 0))
		rc = -1;
	while (l.ncascades > 0) {
		free(l.cascades[--l.ncascades].schema);
		free(l.cascades[l.ncascades].table);
	}
	free(l.cascades);
	return rc < 0 ? -1 : 0;
}

void
filter_report_free(struct filter_report *report)
{
	buf_free(&report->notes);
	buf_free(&report->refused);
}
