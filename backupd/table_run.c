/* SPDX-License-Identifier: Apache-2.0 */
/* table_run: one table while it is read. */
#include <stdlib.h>
#include <string.h>

#include "backupd/plan.h"
#include "base/buf.h"
#include "base/err.h"
#include "catalog/list.h"

#include "backupd/table_run.h"

struct table_run *
table_run_new(const struct plan_item *item, struct err *e)
{
	struct table_run *t = calloc(1, sizeof(*t));

	if (t == NULL)
		goto err0;
	t->parts = calloc(1, sizeof(*t->parts));
	if (t->parts == NULL)
		goto err1;
	if (pthread_mutex_init(&t->lock, NULL) != 0)
		goto err2;
	t->item = item;
	t->nparts = t->pending = 1;
	return t;

err2:	free(t->parts);
err1:	free(t);
err0:	(void)err_set(e, ERR_NOMEM, 0, "table");
	return NULL;
}

void
table_run_key(const struct table_run *t, const char *line, size_t n,
    struct buf *out)
{
	const char *end = line + n, *p, *tab;
	size_t i, col;

	buf_clear(out);
	for (i = 0; i < t->def.nkey; i++) {
		p = line;
		for (col = 0; col < t->def.key[i]; col++) {
			p = memchr(p, '\t', (size_t)(end - p));
			p++;	/* the line has all its columns */
		}
		tab = memchr(p, '\t', (size_t)(end - p));
		if (i > 0)
			buf_addc(out, '\t');
		buf_add(out, p, (size_t)((tab != NULL ? tab : end) - p));
	}
}

static json_t *
columns_json(const struct table_run *t)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; all != NULL && i < t->def.ncolumns; i++)
		(void)json_array_append_new(all, json_pack("{s:s, s:s}",
		    "name", t->def.columns[i].name, "as",
		    conversion_name(t->def.columns[i].as)));
	return all;
}

static json_t *
key_json(const struct table_run *t)
{
	json_t *key = json_array();
	size_t i;

	for (i = 0; key != NULL && i < t->def.nkey; i++)
		(void)json_array_append_new(key,
		    json_integer((json_int_t)t->def.key[i]));
	return key;
}

json_t *
table_run_line(const struct table_run *t)
{
	char sum[ROWSUM_HEX], reload[ROWSUM_HEX];

	rowsum_hex(&t->digest, sum);
	rowsum_hex(t->njson > 0 ? &t->digest_reload : &t->digest, reload);
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I,"
	    " s:I, s:s, s:s, s:I, s:I, s:b, s:s}", "kind", "table",
	    "n", (json_int_t)t->item->n, "schema", t->item->schema,
	    "name", t->item->name, "engine", t->item->type,
	    "ddl", place_json(&t->item->ddl), "columns", columns_json(t),
	    "key", key_json(t), "cut", (json_int_t)t->cut,
	    "rows", (json_int_t)t->rows, "raw", (json_int_t)t->raw,
	    "digest", sum, "digest_reload", reload,
	    "json_changed", (json_int_t)t->json_changed,
	    "chunks", (json_int_t)t->chunks,
	    "versioned", t->def.versioned,
	    "dumped", t->locked ? "locked" : "snapshot");
}

void
table_run_free(struct table_run *t)
{
	if (t == NULL)
		return;
	range_list_free(t->parts, t->nparts);
	schema_table_free(&t->def);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->changed);
	free(t);
}
