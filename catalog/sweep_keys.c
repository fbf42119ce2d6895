/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep_keys: objects that were marked since others took their place.
 *
 * A mark is a wish: an object goes only when what took its place is there,
 * whole as far as a listing tells, and does not need it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/expire.h"
#include "catalog/listing.h"
#include "catalog/mark.h"
#include "store/store.h"

#include "catalog/sweep.h"

/* What a key is of: a segment, or a document of files. */
struct named {
	char history[HISTORY_ID_LEN + 1];
	bool document;
	struct segment segment;
	uint32_t first, last;
};

static bool
take_history(const char *key, char history[HISTORY_ID_LEN + 1])
{
	if (strlen(key) <= HISTORY_ID_LEN)
		return false;
	memcpy(history, key, HISTORY_ID_LEN);
	history[HISTORY_ID_LEN] = '\0';
	return backup_id_valid(history);
}

static bool
take_span(const char *name, struct named *k)
{
	char want[40];

	if (strspn(name, "0123456789") != 8)
		return false;
	k->document = true;
	k->first = k->last = (uint32_t)strtoul(name, NULL, 10);
	if (name[8] == '-' && strspn(name + 9, "0123456789") == 8)
		k->last = (uint32_t)strtoul(name + 9, NULL, 10);
	(void)snprintf(want, sizeof(want), k->first == k->last ? "%08u.json" :
	    "%08u-%08u.json", (unsigned)k->first, (unsigned)k->last);
	return k->first > 0 && strcmp(want, name) == 0;
}

static bool
take_key(const char *source, const char *key, struct named *k)
{
	struct err ignored = {0};
	char prefix[STORE_KEY_MAX];
	size_t skip;

	*k = (struct named){0};
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/", source);
	skip = strlen(prefix);
	if (strncmp(key, prefix, skip) != 0)
		return false;
	key += skip;
	if (strncmp(key, "binlog/", 7) == 0)
		return take_history(key + 7, k->history) &&
		    key[7 + HISTORY_ID_LEN] == '/' && segment_name_parse(
		    key + 8 + HISTORY_ID_LEN, &k->segment, &ignored) == 0;
	return strncmp(key, "files/", 6) == 0 &&
	    take_history(key + 6, k->history) &&
	    key[6 + HISTORY_ID_LEN] == '-' &&
	    take_span(key + 7 + HISTORY_ID_LEN, k);
}

/* --- what took its place --- */

static const struct timeline_file *
file_of(const struct expire *x, const char *history, uint32_t seq)
{
	const struct timeline_file *f = NULL;
	size_t i;

	for (i = 0; i < x->timeline.nhistories && f == NULL; i++)
		if (strcmp(x->timeline.histories[i].history.id,
		    history) == 0)
			f = timeline_file_of(&x->timeline.histories[i], seq);
	return f;
}

/* All objects of a finished file are there, and this is none of them: 1, 0,
 * -1. */
static int
segment_replaced(const struct expire *x, const struct named *k,
    struct err *e)
{
	const struct timeline_file *f = file_of(x, k->history,
	    k->segment.seq);
	char key[STORE_KEY_MAX], prefix[STORE_KEY_MAX], text[LISTING_TEXT];
	struct listing l = {0};
	int rc = 1;
	size_t i;

	if (f == NULL || f->live)
		return 0;
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/binlog/%s/%08u/",
	    x->source, k->history, (unsigned)k->segment.seq);
	if (listing_add(&l, x->store, prefix, e) != 0)
		rc = -1;
	listing_sort(&l);
	for (i = 0; i < f->file.nobjects && rc == 1; i++) {
		segment_key(x->source, k->history, k->segment.seq,
		    f->file.objects[i].start, f->file.objects[i].end, key);
		if ((f->file.objects[i].start == k->segment.start &&
		    f->file.objects[i].end == k->segment.end) ||
		    listing_wrong(&l, key, f->file.objects[i].size,
		    text) != NULL)
			rc = 0;
	}
	listing_free(&l);
	return rc;
}

struct larger {
	const struct named *than;
	size_t skip;
	bool found;
};

static int
find_larger(void *arg, const struct store_entry *entry, struct err *e)
{
	struct larger *x = arg;
	struct named k = {0};

	(void)e;
	if (take_span(entry->key + x->skip, &k) && entry->size > 0 &&
	    k.first <= x->than->first && k.last >= x->than->last &&
	    k.last - k.first > x->than->last - x->than->first)
		x->found = true;
	return 0;
}

/* Its files are in a larger document, which could be read: 1, 0, -1. */
static int
document_replaced(const struct expire *x, const struct named *k,
    struct err *e)
{
	struct larger larger = { .than = k };
	char prefix[STORE_KEY_MAX];
	uint32_t seq;

	for (seq = k->first; seq <= k->last; seq++)
		if (file_of(x, k->history, seq) == NULL)
			return 0;
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/files/%s-",
	    x->source, k->history);
	larger.skip = strlen(prefix);
	if (store_list(x->store, prefix, find_larger, &larger, e) != 0)
		return -1;
	return larger.found;
}

/* A history of which not even the document is left: 1, 0, -1. */
static int
history_gone(const struct expire *x, const char *history, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct err missing = {0};
	uint64_t size;

	(void)snprintf(key, sizeof(key), "sources/%s/histories/%s.json",
	    x->source, history);
	if (store_stat(x->store, key, &size, &missing) == 0)
		return 0;
	if (missing.code == ERR_NOTFOUND)
		return 1;
	*e = missing;
	return -1;
}

static bool
is_known(const struct expire *x, const char *history)
{
	size_t i;

	for (i = 0; i < x->nlogs; i++)
		if (strcmp(x->logs[i].history, history) == 0)
			return true;
	return false;
}

static int
may_go(const struct expire *x, const char *key, struct err *e)
{
	struct named k;
	uint32_t gone;

	if (!take_key(x->source, key, &k))
		return 0;
	gone = floors_gone(x->floors, x->nfloors, k.history);
	if ((k.document ? k.last : k.segment.seq) < gone)
		return 1;
	if (!is_known(x, k.history))
		return history_gone(x, k.history, e);
	return k.document ? document_replaced(x, &k, e) :
	    segment_replaced(x, &k, e);
}

/* --- marks --- */

static int
sweep_mark(const struct expire *x, const struct mark *m,
    struct sweep_result *out, struct err *e)
{
	const char **keys = calloc(m->nkeys + 1, sizeof(*keys));
	char mark[STORE_KEY_MAX];
	size_t n = 0, i;
	int rc = keys == NULL ? err_set(e, ERR_NOMEM, 0, "sweep") : 0;
	int go, late;

	for (i = 0; i < m->nkeys && rc == 0; i++) {
		go = may_go(x, m->keys[i], e);
		if (go < 0)
			rc = -1;
		else if (go == 1)
			keys[n++] = m->keys[i];
		else
			log_event(LOG_WARN_, "a marked object is not swept: "
			    "nothing whole took its place", "object",
			    m->keys[i], NULL);
	}
	/* What took their place was there at the look. */
	late = rc == 0 ? sweep_is_late(x, e) : 0;
	if (late == 1)
		n = 0;
	if (rc == 0)
		rc = late < 0 ? -1 : store_delete(x->store, keys, n, e);
	if (rc == 0 && n == m->nkeys) {
		/* The mark last, so that what was interrupted goes on. */
		(void)snprintf(mark, sizeof(mark), "sources/%s/marks/%s.json",
		    x->source, m->id);
		keys[0] = mark;
		rc = store_delete(x->store, keys, 1, e);
	}
	if (rc == 0) {
		out->objects += n;
		out->left += n < m->nkeys;
	}
	free(keys);
	return rc;
}

int
sweep_keys(const struct expire *x, struct sweep_result *out, struct err *e)
{
	struct mark *list = NULL;
	size_t n = 0, i;
	int rc;

	/* What cannot be read may be what took their place. */
	if (x->timeline.ndamage > 0)
		return 0;
	rc = marks_list(x->store, x->source, &list, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		if (list[i].marked_us > x->now_us + EXPIRE_SLACK_US)
			rc = err_set(e, ERR_IO, 0, "%s: mark %s is of the "
			    "future", x->source, list[i].id);
		else if (list[i].sweep_after_us <= x->now_us &&
		    list[i].marked_us + x->opts.grace_us <= x->now_us)
			rc = sweep_mark(x, &list[i], out, e);
	}
	marks_free(list, n);
	return rc;
}
