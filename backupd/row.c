/* SPDX-License-Identifier: Apache-2.0 */
/* row: one row of a result as a line of TSV. */
#include <stdbool.h>

#include "backupd/table_run.h"
#include "base/buf.h"
#include "codec/tsv.h"

#include "backupd/row.h"

size_t
row_room(const unsigned long *len, size_t n)
{
	size_t need = 2, i;

	for (i = 0; i < n; i++)
		need += 2 * len[i] + 3;
	return need;
}

static char *
put_field(char *p, const char *field, size_t len)
{
	if (field == NULL) {
		*p++ = '\\';
		*p++ = 'N';
		return p;
	}
	return tsv_put(p, field, len);
}

size_t
row_put(char *p, char **row, const unsigned long *len, size_t n)
{
	const char *start = p;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			*p++ = '\t';
		p = put_field(p, row[i], len[i]);
	}
	*p++ = '\n';
	return (size_t)(p - start);
}

int
row_reload(struct table_run *t, char **row, const unsigned long *len,
    struct buf *line, struct err *e)
{
	size_t n = t->def.ncolumns, extra = n, from, i;
	bool differs = false;
	char *p;

	for (i = n; i < n + t->njson; i++)
		differs |= row[i] != NULL;
	if (!differs)
		return 0;
	buf_clear(line);
	if (buf_reserve(line, row_room(len, n + t->njson)) != 0)
		return buf_check(line, "row", e);
	p = line->data;
	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < n; i++) {
		from = i;
		if (t->def.columns[i].as == CONVERSION_JSON) {
			if (row[extra] != NULL) {
				from = extra;
				t->changed[i]++;
			}
			extra++;
		}
		if (i > 0)
			*p++ = '\t';
		p = put_field(p, row[from], len[from]);
	}
	(void)pthread_mutex_unlock(&t->lock);
	*p++ = '\n';
	line->len = (size_t)(p - line->data);
	return 1;
}
