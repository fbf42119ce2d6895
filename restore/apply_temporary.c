/* SPDX-License-Identifier: Apache-2.0 */
/* apply_temporary: temporary tables of the log, which live on the one session. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"
#include "restore/ddl.h"

#include "restore/apply_impl.h"

static int
keep(struct apply *a, const struct apply_query *x, const char *name,
    bool created, struct err *e)
{
	struct apply_temporary *list;
	char *gone;
	size_t i;

	for (i = 0; i < a->ntemporary; i++)
		if (a->temporary[i].thread == x->q.thread &&
		    strcmp(a->temporary[i].name, name) == 0)
			break;
	if (!created && i < a->ntemporary) {
		gone = a->temporary[i].name;
		a->temporary[i] = a->temporary[a->ntemporary - 1];
		a->temporary[--a->ntemporary].name = NULL;
		free(gone);
	} else if (created && i == a->ntemporary) {
		list = realloc(a->temporary, (i + 1) * sizeof(*list));
		if (list == NULL)
			return err_set(e, ERR_NOMEM, 0, "temporary tables");
		a->temporary = list;
		list[i] = (struct apply_temporary){ x->q.thread,
			strdup(name) };
		if (list[i].name == NULL)
			return err_set(e, ERR_NOMEM, 0, "temporary tables");
		a->ntemporary++;
	}
	a->note.temporary = (unsigned)a->ntemporary;
	return 0;
}

/* The next name, with its schema, quoted; false at anything else. */
static bool
next_name(struct ddl_reader *r, const char *home, struct buf *name)
{
	struct ddl_token t = ddl_next(r), dot;
	struct ddl_reader ahead;
	struct buf first = {0}, second = {0};

	if (t.kind != DDL_WORD && t.kind != DDL_NAME)
		return false;
	ddl_name(&t, &first);
	ahead = *r;
	dot = ddl_next(&ahead);
	if (ddl_is_punct(&dot, '.')) {
		t = ddl_next(&ahead);
		ddl_name(&t, &second);
		*r = ahead;
	}
	sql_ident(name, second.len > 0 ? buf_str(&first) : home);
	buf_addc(name, '.');
	sql_ident(name, buf_str(second.len > 0 ? &second : &first));
	buf_free(&first);
	buf_free(&second);
	return true;
}

/* Which temporary tables it made or dropped. */
int
temporary_follow(struct apply *a, const struct apply_query *x, struct err *e)
{
	struct buf name = {0};
	struct ddl_reader r, ahead;
	struct ddl_token t;
	bool created;
	int rc = 0;

	ddl_reader_init(&r, x->sql, x->n);
	t = ddl_next(&r);
	created = ddl_is(&t, "CREATE");
	do
		t = ddl_next(&r);
	while (t.kind != DDL_END && !ddl_is(&t, "TABLE"));
	for (ahead = r; t = ddl_next(&ahead), ddl_is(&t, "IF") ||
	    ddl_is(&t, "NOT") || ddl_is(&t, "EXISTS"); r = ahead)
		continue;
	while (rc == 0 && next_name(&r, x->home, &name)) {
		rc = keep(a, x, buf_str(&name), created, e);
		buf_clear(&name);
		t = ddl_next(&r);
		if (created || !ddl_is_punct(&t, ','))
			break;
	}
	buf_free(&name);
	return rc;
}

int
temporary_drop(struct apply *a, struct err *e)
{
	struct apply_temporary *t;

	if (a->ntemporary == 0)
		return 0;
	if (group_settle(a, e) != 0)
		return -1;
	while (a->ntemporary > 0) {
		t = &a->temporary[--a->ntemporary];
		query_utf8(a);
		buf_addf(batch_add(&a->batch), "SET SESSION pseudo_thread_id=%"
		    PRIu32, t->thread);
		buf_addf(batch_add(&a->batch), "DROP TEMPORARY TABLE IF EXISTS "
		    "%s", t->name);
		free(t->name);
	}
	a->note.temporary = 0;
	return batch_flush(&a->batch, e);
}
