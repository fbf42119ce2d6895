/* SPDX-License-Identifier: Apache-2.0 */
/* filter_impl: for filter*.c alone. */
#ifndef RESTORE_FILTER_IMPL_H
#define RESTORE_FILTER_IMPL_H

#include "restore/ddl.h"
#include "restore/filter.h"

struct plan_rename;

struct filter {
	const struct restore_plan *plan;	/* borrowed */
	bool any_case;
};

/* Do two names of schemas or tables mean the same one? */
bool filter_same(const struct filter *f, const char *a, const char *b);

/* Does a statement name anything that is wanted? */
bool filter_mentions(const struct filter *f, const char *home,
    const char *sql, size_t n);

/* The pick of a whole schema, or NULL. */
const struct plan_rename *filter_schema(const struct filter *f,
    const char *schema);

/* --- a statement, word by word (filter_read.c) --- */

/* What is read and what is written of one statement. */
struct reading {
	const struct filter *filter;
	const char *home;
	const char *sql, *end;
	struct ddl_reader r;
	struct ddl_token t;	/* the last one */
	const char *copied;	/* up to here *out has it */
	struct buf *out;
	const char *what;	/* "ALTER TABLE", for a refusal */
};

/* A table's name in the text. */
struct table_name {
	const char *from, *to;
	struct buf schema, table;
	bool wanted;
	const char *to_schema, *to_table;
};

void filter_name_fini(struct table_name *n);
const struct ddl_token *filter_next(struct reading *x);
/* Is the last token this word?  Might it be a name? */
bool filter_is(const struct reading *x, const char *word);
bool filter_is_name(const struct ddl_token *t);
/* The name that begins with the last token; false when that is none.  The
 * last token is then the one after. */
bool filter_name(struct reading *x, struct table_name *n);
void filter_skip_if(struct reading *x);
/* Write the text up to the name, and the new name; the rest of it. */
void filter_replace(struct reading *x, const struct table_name *n);
enum filter_verdict filter_take(struct reading *x);
enum filter_verdict filter_refuse(struct reading *x,
    const struct table_name *n, const char *why);

/* --- statements on tables (filter_tables.c) --- */

/* ... name rest, of one table. */
enum filter_verdict filter_one_table(struct reading *x);
/* CREATE TABLE name LIKE other, name (LIKE other), name (...) */
enum filter_verdict filter_create_table(struct reading *x);
/* CREATE INDEX i ON name ..., DROP INDEX i ON name */
enum filter_verdict filter_index_on(struct reading *x);
enum filter_verdict filter_drop_tables(struct reading *x);
enum filter_verdict filter_rename_tables(struct reading *x);

#endif /* !RESTORE_FILTER_IMPL_H */
