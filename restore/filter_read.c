/* SPDX-License-Identifier: Apache-2.0 */
/* filter_read: a statement, word by word, and what is written of it. */
#include "mysql/connect.h"

#include "restore/filter_impl.h"

void
filter_name_fini(struct table_name *n)
{
	buf_free(&n->schema);
	buf_free(&n->table);
}

const struct ddl_token *
filter_next(struct reading *x)
{
	x->t = ddl_next(&x->r);
	return &x->t;
}

bool
filter_is(const struct reading *x, const char *word)
{
	return ddl_is(&x->t, word);
}

bool
filter_is_name(const struct ddl_token *t)
{
	/* In double quotes under ANSI_QUOTES. */
	return t->kind == DDL_NAME || t->kind == DDL_WORD ||
	    (t->kind == DDL_STRING && *t->at == '"');
}

/* The name that begins with the last token; false when that is none.  The
 * last token is then the one after. */
bool
filter_name(struct reading *x, struct table_name *n)
{
	*n = (struct table_name){ .from = x->t.at };
	if (!filter_is_name(&x->t))
		return false;
	n->to = x->t.at + x->t.len;
	ddl_name(&x->t, &n->table);
	if (ddl_is_punct(filter_next(x), '.')) {
		n->schema = n->table;
		n->table = (struct buf){0};
		if (!filter_is_name(filter_next(x))) {
			filter_name_fini(n);
			return false;
		}
		n->to = x->t.at + x->t.len;
		ddl_name(&x->t, &n->table);
		(void)filter_next(x);
	} else {
		buf_adds(&n->schema, x->home);
	}
	n->wanted = filter_table(x->filter, buf_str(&n->schema),
	    buf_str(&n->table), &n->to_schema, &n->to_table);
	return true;
}

void
filter_skip_if(struct reading *x)
{
	while (filter_is(x, "IF") || filter_is(x, "NOT") ||
	    filter_is(x, "EXISTS"))
		(void)filter_next(x);
}

/* Write the text up to the name, and the new name. */
void
filter_replace(struct reading *x, const struct table_name *n)
{
	buf_add(x->out, x->copied, (size_t)(n->from - x->copied));
	sql_ident(x->out, n->to_schema);
	buf_addc(x->out, '.');
	sql_ident(x->out, n->to_table);
	x->copied = n->to;
}

enum filter_verdict
filter_take(struct reading *x)
{
	buf_add(x->out, x->copied, (size_t)(x->end - x->copied));
	return FILTER_TAKE;
}

enum filter_verdict
filter_refuse(struct reading *x, const struct table_name *n, const char *why)
{
	buf_clear(x->out);
	buf_adds(x->out, x->what);
	if (n != NULL)
		buf_addf(x->out, " %s.%s", buf_str(&n->schema),
		    buf_str(&n->table));
	buf_addf(x->out, ": %s", why);
	return FILTER_REFUSE;
}
