/* SPDX-License-Identifier: Apache-2.0 */
/* segment: objects of binary log bytes, by their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "catalog/segment.h"

void
segment_key(const char *source, const char *history, uint32_t seq,
    uint64_t start, uint64_t end, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/binlog/%s/%08u/"
	    "%020llu-%020llu.zst", source, history, (unsigned)seq,
	    (unsigned long long)start, (unsigned long long)end);
}

/* Exactly n digits. */
static bool
digits(const char **at, size_t n, uint64_t *value)
{
	*value = 0;
	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9' || *value > INT64_MAX / 10)
			return false;
		*value = *value * 10 + (uint64_t)(**at - '0');
	}
	return *value <= INT64_MAX;
}

int
segment_name_parse(const char *name, struct segment *g, struct err *e)
{
	const char *at = name;
	uint64_t seq;

	*g = (struct segment){0};
	if (!digits(&at, 8, &seq) || *at++ != '/' ||
	    !digits(&at, 20, &g->start) || *at++ != '-' ||
	    !digits(&at, 20, &g->end) || strncmp(at, ".zst", 4) != 0 ||
	    seq == 0 || g->end <= g->start)
		return err_set(e, ERR_CORRUPT, 0, "'%.80s' is no name of a "
		    "segment", name);
	g->seq = (uint32_t)seq;
	if (strcmp(at, ".zst.age") == 0)
		return err_set(e, ERR_USAGE, 0, "segment '%.80s' is "
		    "encrypted: it needs a newer Kura", name);
	if (strcmp(at, ".zst") != 0)
		return err_set(e, ERR_CORRUPT, 0, "'%.80s' is no name of a "
		    "segment", name);
	return 0;
}

struct list {
	struct segment *all;
	size_t n;
	size_t skip;		/* length of the prefix */
};

static int
add(void *arg, const struct store_entry *entry, struct err *e)
{
	struct list *l = arg;
	struct segment *all = l->all, g;

	if (segment_name_parse(entry->key + l->skip, &g, e) != 0)
		return -1;
	g.size = entry->size;
	g.stored_us = entry->mtime_us;
	/* Room for a power of two. */
	if ((l->n & (l->n - 1)) == 0) {
		all = realloc(all, (l->n == 0 ? 1 : l->n * 2) * sizeof(*all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "segments");
		l->all = all;
	}
	all[l->n++] = g;
	return 0;
}

static int
in_order(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

int
segments_list(struct store *s, const char *source, const char *history,
    uint32_t from_seq, struct segment **list, size_t *n, struct err *e)
{
	char prefix[STORE_KEY_MAX], after[STORE_KEY_MAX + 16];
	struct list l = {0};
	int rc;

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/binlog/%s/",
	    source, history);
	/* No key of an earlier file stands after its own number. */
	(void)snprintf(after, sizeof(after), "%s%08u", prefix,
	    (unsigned)from_seq);
	l.skip = strlen(prefix);
	rc = store_list_after(s, prefix, after, add, &l, e);
	if (rc != 0) {
		free(l.all);
		l = (struct list){0};
	}
	if (l.n > 0)
		qsort(l.all, l.n, sizeof(*l.all), in_order);
	*list = l.all;
	*n = l.n;
	return rc;
}

size_t
segments_cover(struct segment *list, size_t n, uint64_t from, uint64_t *end)
{
	size_t used = 0, best, i = 0;

	*end = from;
	for (;;) {
		/* Of all that begin by here, the one that reaches farthest. */
		for (best = n; i < n && list[i].start <= *end; i++)
			if (list[i].end - list[i].start <= SEGMENT_LIVE &&
			    list[i].end > *end && (best == n ||
			    list[i].end > list[best].end))
				best = i;
		if (best == n)
			return used;
		*end = list[best].end;
		list[used++] = list[best];
	}
}
