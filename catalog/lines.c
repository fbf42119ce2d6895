/* SPDX-License-Identifier: Apache-2.0 */
/* lines: a stream of bytes cut into lines. */
#include <string.h>

#include "base/err.h"

#include "catalog/lines.h"

void
lines_init(struct lines *l, size_t max, lines_each *each, void *arg)
{
	*l = (struct lines){ .each = each, .arg = arg, .max = max };
	buf_init(&l->begun, max);
}

static int
too_long(const struct lines *l, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "a line of over %zu bytes", l->max);
}

int
lines_take(void *arg, const void *data, size_t n, struct err *e)
{
	struct lines *l = arg;
	const char *p = data, *end = p + n, *lf;
	size_t len;
	int rc;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		len = (size_t)((lf != NULL ? lf : end) - p);
		if (lf == NULL || l->begun.len > 0)
			buf_add(&l->begun, p, len);
		if (l->begun.failed || len > l->max)
			return too_long(l, e);
		if (lf == NULL)
			return 0;
		if (l->begun.len == 0)
			rc = l->each(l->arg, p, len, e);
		else
			rc = l->each(l->arg, l->begun.data, l->begun.len, e);
		buf_clear(&l->begun);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
lines_end(const struct lines *l, struct err *e)
{
	return l->begun.len == 0 ? 0 : err_set(e, ERR_CORRUPT, 0, "the last "
	    "line has no end");
}

void
lines_fini(struct lines *l)
{
	buf_free(&l->begun);
}
