/* SPDX-License-Identifier: Apache-2.0 */
/* filter_tables: statements on tables, of those that are wanted alone. */
#include "mysql/connect.h"

#include "restore/filter_impl.h"

static bool
is_digits(const struct ddl_token *t)
{
	return t->kind == DDL_WORD && *t->at >= '0' && *t->at <= '9';
}

/* --- what follows a wanted table's name --- */

/* Another table: it must be wanted too, and gets its new name. */
static const char *
other_table(struct reading *x)
{
	struct table_name n;
	const char *why = NULL;

	if (!filter_name(x, &n))
		return "it cannot be read";
	if (n.wanted)
		filter_replace(x, &n);
	else
		why = "it refers to a table that is left out";
	filter_name_fini(&n);
	return why;
}

/* ALTER ... RENAME: of columns and indexes alone. */
static bool
renames_part(const struct ddl_token *t)
{
	return ddl_is(t, "COLUMN") || ddl_is(t, "INDEX") || ddl_is(t, "KEY");
}

/* Words that reach beyond the table, whatever stands around them. */
static const char *
beyond(const struct reading *x)
{
	if (filter_is(x, "SELECT"))
		return "it reads other tables";
	if (filter_is(x, "EXCHANGE") || filter_is(x, "UNION"))
		return "it works on other tables";
	if (filter_is(x, "TABLESPACE"))
		return "it works on files of the server";
	return NULL;
}

/* From the last token to the end; NULL, or why it is not simple. */
static const char *
rest(struct reading *x)
{
	struct ddl_token last = {0};
	const char *why;

	while (x->t.kind != DDL_END) {
		why = x->t.kind == DDL_BAD ? "it cannot be read" :
		    ddl_is_punct(&x->t, ';') ? "it is more than one" :
		    ddl_is_punct(&x->t, '.') && !is_digits(&last) ?
		    "it names other objects" : beyond(x);
		if (why != NULL)
			return why;
		if (filter_is(x, "REFERENCES")) {
			(void)filter_next(x);
			why = other_table(x);
			if (why != NULL)
				return why;
			continue;
		}
		if (filter_is(x, "RENAME") && !renames_part(filter_next(x)))
			return "it renames the table";
		if (filter_is(x, "CONVERT") && (ddl_is(filter_next(x),
		    "TABLE") || filter_is(x, "PARTITION")))
			return "it works on other tables";
		last = x->t;
		(void)filter_next(x);
	}
	return NULL;
}

/* An unwanted table's rest: it may yet put its rows or its name in the place
 * of a wanted one. */
static enum filter_verdict
others_rest(struct reading *x)
{
	enum filter_verdict v = FILTER_LEAVE;
	struct table_name n;
	const char *why;

	while (v == FILTER_LEAVE && x->t.kind != DDL_END) {
		if (x->t.kind == DDL_BAD)
			return filter_refuse(x, NULL, "it cannot be read");
		why = NULL;
		if (filter_is(x, "RENAME") && !renames_part(filter_next(x))) {
			/* RENAME [TO | AS | =] name */
			if (filter_is(x, "TO") || filter_is(x, "AS") ||
			    ddl_is_punct(&x->t, '='))
				(void)filter_next(x);
			why = "another table is renamed to it";
		} else if (filter_is(x, "TABLE")) {
			/* EXCHANGE PARTITION p WITH TABLE name, CONVERT TABLE
			 * name TO, CONVERT PARTITION p TO TABLE name */
			(void)filter_next(x);
			why = "its rows go to another table, or come from it";
		} else {
			(void)filter_next(x);
		}
		if (why == NULL)
			continue;
		if (!filter_name(x, &n))
			return filter_refuse(x, NULL, "it cannot be read");
		if (n.wanted)
			v = filter_refuse(x, &n, why);
		filter_name_fini(&n);
	}
	return v;
}

/* ... name rest, of one table. */
enum filter_verdict
filter_one_table(struct reading *x)
{
	enum filter_verdict v;
	struct table_name n;
	const char *why;

	filter_skip_if(x);
	if (!filter_name(x, &n))
		return filter_refuse(x, NULL, "it cannot be read");
	if (n.wanted) {
		filter_replace(x, &n);
		why = rest(x);
		v = why == NULL ? filter_take(x) : filter_refuse(x, &n, why);
	} else {
		v = others_rest(x);
	}
	filter_name_fini(&n);
	return v;
}

/* CREATE TABLE name LIKE other, name (LIKE other), name (...) */
enum filter_verdict
filter_create_table(struct reading *x)
{
	enum filter_verdict v = FILTER_LEAVE;
	struct table_name n;
	const char *why = NULL;

	filter_skip_if(x);
	if (!filter_name(x, &n))
		return filter_refuse(x, NULL, "it cannot be read");
	if (n.wanted) {
		filter_replace(x, &n);
		if (ddl_is_punct(&x->t, '('))
			(void)filter_next(x);
		if (filter_is(x, "LIKE")) {
			(void)filter_next(x);
			why = other_table(x);
		}
		if (why == NULL)
			why = rest(x);
		v = why == NULL ? filter_take(x) : filter_refuse(x, &n, why);
	}
	filter_name_fini(&n);
	return v;
}

/* CREATE INDEX i ON name ..., DROP INDEX i ON name */
enum filter_verdict
filter_index_on(struct reading *x)
{
	while (x->t.kind != DDL_END && x->t.kind != DDL_BAD &&
	    !filter_is(x, "ON"))
		(void)filter_next(x);
	(void)filter_next(x);
	return filter_one_table(x);
}

/* DROP TABLE a, b: of those that are wanted. */
enum filter_verdict
filter_drop_tables(struct reading *x)
{
	bool exists = filter_is(x, "IF"), more = true;
	struct table_name n;

	filter_skip_if(x);
	while (more) {
		if (!filter_name(x, &n))
			return filter_refuse(x, NULL, "it cannot be read");
		if (n.wanted) {
			buf_adds(x->out, x->out->len > 0 ? "," : exists ?
			    "DROP TABLE IF EXISTS " : "DROP TABLE ");
			sql_ident(x->out, n.to_schema);
			buf_addc(x->out, '.');
			sql_ident(x->out, n.to_table);
		}
		filter_name_fini(&n);
		more = ddl_is_punct(&x->t, ',');
		(void)filter_next(x);
	}
	return x->out->len > 0 ? FILTER_TAKE : FILTER_LEAVE;
}

/* RENAME TABLE a TO b, ...: what goes in or out of the part cannot be
 * followed. */
enum filter_verdict
filter_rename_tables(struct reading *x)
{
	enum filter_verdict v = FILTER_LEAVE;
	struct table_name n;

	while (v == FILTER_LEAVE && x->t.kind != DDL_END) {
		if (filter_is(x, "TO") || ddl_is_punct(&x->t, ',')) {
			(void)filter_next(x);
			continue;
		}
		filter_skip_if(x);
		if (!filter_name(x, &n))
			return filter_refuse(x, NULL, "it cannot be read");
		if (n.wanted)
			v = filter_refuse(x, &n, "it renames the table");
		filter_name_fini(&n);
	}
	return v;
}
