/* SPDX-License-Identifier: Apache-2.0 */
/* timeline_stand: windows of an idle server reach to where it was seen last. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/stand.h"

#include "catalog/timeline_impl.h"

/* Is all that the server had then archived, in this run? */
static bool
covers(const struct timeline_history *h, const struct stand *x)
{
	const struct timeline_file *f = timeline_file_of(h, x->seq);

	return strcmp(h->history.id, x->history) == 0 && f != NULL &&
	    x->offset <= f->end;
}

static int
stretch(const struct timeline *t, struct timeline_backup *b, struct err *e)
{
	const struct timeline_history *h;
	struct route_leg *legs;
	size_t n;

	if (route_line(t, b, SIZE_MAX, &legs, &n, e) != 0)
		return -1;
	/* Of the histories before the last one what follows says it. */
	if (n > 0) {
		h = &t->histories[legs[n - 1].history];
		if (h->stood_us > b->until_us)
			b->until_us = h->stood_us;
	}
	route_line_free(legs, n);
	return 0;
}

int
timeline_stands(struct store *s, struct timeline *t, struct err *e)
{
	struct timeline_history *h;
	struct stand *list;
	size_t n, i, k;
	int rc = 0;

	if (t->nhistories == 0)
		return 0;
	if (stands_load(s, t->source, &list, &n, e) != 0)
		return -1;
	for (i = 0; i < t->nhistories; i++) {
		h = &t->histories[i];
		for (k = 0; k < n; k++)
			if (list[k].at_us > h->stood_us && covers(h, &list[k]))
				h->stood_us = list[k].at_us;
	}
	free(list);
	for (i = 0; i < t->nbackups && rc == 0; i++)
		if (t->backups[i].history >= 0)
			rc = stretch(t, &t->backups[i], e);
	return rc;
}
