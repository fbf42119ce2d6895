/* SPDX-License-Identifier: Apache-2.0 */
/* verify: is everything that a backup needs in the store, and whole? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/expiring.h"
#include "catalog/list.h"
#include "catalog/listing.h"
#include "catalog/names.h"
#include "store/store.h"

#include "catalog/verify_impl.h"

void
verify_found(struct verify *v, const char *what, const char *why)
{
	struct err ignored = {0};
	bool gone = expiring_gone(v->store, v->head->source, v->head->id,
	    &ignored) == 1;

	(void)pthread_mutex_lock(&v->lock);
	v->expired |= gone;
	if (!gone) {
		v->result.damaged++;
		v->opts->found(v->opts->arg, what, why);
	}
	(void)pthread_mutex_unlock(&v->lock);
}

/* --- the lists --- */

static struct item *
add_item(struct verify *v, struct err *e)
{
	struct item *items = v->items;

	if ((v->nitems & (v->nitems - 1)) == 0) {
		items = realloc(items, (v->nitems == 0 ? 1 : v->nitems * 2) *
		    sizeof(*items));
		if (items == NULL) {
			(void)err_set(e, ERR_NOMEM, 0, "verify");
			return NULL;
		}
		v->items = items;
	}
	items[v->nitems] = (struct item){0};
	return &items[v->nitems++];
}

static int
add_place(struct verify *v, const struct line *l, struct err *e)
{
	struct item *it = add_item(v, e);

	if (it == NULL)
		return -1;
	it->object = strdup(l->place.bundle);
	it->offset = l->place.offset;
	it->length = l->place.length;
	memcpy(it->sha256, l->place.sha256, sizeof(it->sha256));
	if (l->kind == LINE_MEMBER) {
		it->table = (uint32_t)l->table;
		it->rows = l->rows;
		it->raw = l->raw;
		it->digest = l->digest;
		it->has_rows = true;
	}
	return it->object != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "verify");
}

static int
add_chunk(struct verify *v, const struct line *l, struct err *e)
{
	struct item *it = add_item(v, e);

	if (it == NULL)
		return -1;
	it->object = strdup(l->object);
	it->size = l->size;
	it->rows = l->rows;
	it->raw = l->raw;
	it->digest = l->digest;
	it->table = (uint32_t)l->table;
	it->has_rows = true;
	memcpy(it->sha256, l->stored_sha256, sizeof(it->sha256));
	return it->object != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "verify");
}

static int
add_table(struct verify *v, const struct line *l, struct err *e)
{
	struct table *tables = v->tables;
	struct buf name = {0};

	if ((v->ntables & (v->ntables - 1)) == 0) {
		tables = realloc(tables, (v->ntables == 0 ? 1 :
		    v->ntables * 2) * sizeof(*tables));
		if (tables == NULL)
			return err_set(e, ERR_NOMEM, 0, "verify");
		v->tables = tables;
	}
	buf_addf(&name, "%s.%s", l->schema, l->name);
	tables[v->ntables++] = (struct table){ .n = (uint32_t)l->n,
	    .columns = (uint32_t)line_columns(l), .rows = l->rows,
	    .chunks = (uint32_t)l->chunks, .digest = l->digest,
	    .name = name.data };
	return buf_check(&name, "verify", e) != 0 ? -1 : add_place(v, l, e);
}

static int
each_line(void *arg, const struct line *l, struct err *e)
{
	struct verify *v = arg;

	switch (l->kind) {
	case LINE_TABLE:
		return add_table(v, l, e);
	case LINE_CHUNK:
		return add_chunk(v, l, e);
	case LINE_MEMBER: case LINE_VIEW: case LINE_ROUTINE:
	case LINE_TRIGGER: case LINE_EVENT:
		return add_place(v, l, e);
	case LINE_SCHEMA: case LINE_ACCOUNT: case LINE_ROLE: case LINE_GRANT:
	case LINE_SEQUENCE:
		break;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	return x->n < y->n ? -1 : x->n > y->n;
}

struct table *
verify_table(const struct verify *v, uint32_t n)
{
	const struct table want = { .n = n };

	return v->ntables == 0 ? NULL : bsearch(&want, v->tables, v->ntables,
	    sizeof(*v->tables), by_number);
}

/* --- fast: what is listed --- */

static int
list_one(struct verify *v, const char *id, struct listing *l, struct err *e)
{
	char prefix[STORE_KEY_MAX];

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/data/%s/",
	    v->head->source, id);
	return listing_add(l, v->store, prefix, e);
}

static void
check_listed(struct verify *v, const struct listing *l,
    const struct item *it)
{
	char key[STORE_KEY_MAX], text[LISTING_TEXT];
	const char *why = "missing";

	if (source_key(v->head->source, it->object, key) == 0)
		why = listing_wrong(l, key, it->length == 0 ? it->size :
		    bundle_size(it->offset + it->length), text);
	if (why != NULL)
		verify_found(v, it->object, why);
}

static int
by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int rc = strcmp(x->object, y->object);

	if (rc != 0)
		return rc;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int
fast(struct verify *v, struct err *e)
{
	struct listing l = {0};
	const json_t *lender;
	size_t i;
	int rc;

	rc = list_one(v, v->head->id, &l, e);
	json_array_foreach(v->head->lenders, i, lender)
		if (rc == 0 && json_is_string(lender) &&
		    backup_id_valid(json_string_value(lender)))
			rc = list_one(v, json_string_value(lender), &l, e);
	listing_sort(&l);
	for (i = 0; i < v->nitems && rc == 0; i++) {
		/* The last member of a bundle tells the bundle's size. */
		if (i + 1 < v->nitems && strcmp(v->items[i].object,
		    v->items[i + 1].object) == 0)
			continue;
		v->result.objects++;
		check_listed(v, &l, &v->items[i]);
	}
	listing_free(&l);
	return rc;
}

/* The head's sums must be those of its lists. */
static void
check_totals(struct verify *v)
{
	const json_t *totals = v->head->totals;
	uint64_t rows = 0;
	size_t i;

	for (i = 0; i < v->ntables; i++)
		rows += v->tables[i].rows;
	if (head_count(totals, "tables") != v->ntables ||
	    head_count(totals, "rows") != rows)
		verify_found(v, "head", "its totals are not those of the "
		    "lists");
}

int
verify_backup(struct store *s, const struct head *h,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e)
{
	struct verify v = { .store = s, .head = h, .opts = opts };
	struct err lists = {0};
	char object[STORE_KEY_MAX];
	int rc;
	size_t i;

	(void)pthread_mutex_init(&v.lock, NULL);
	rc = list_read(s, h, each_line, &v, &lists);
	if (rc != 0 && lists.code == ERR_CORRUPT) {
		/* Without its lists nothing else of a backup can be known. */
		(void)snprintf(object, sizeof(object), "%.*s",
		    (int)strcspn(lists.msg, ":"), lists.msg);
		verify_found(&v, object, lists.msg + strcspn(lists.msg, ":") +
		    (strchr(lists.msg, ':') != NULL ? 2 : 0));
		rc = 0;
	} else if (rc != 0) {
		*e = lists;
	} else {
		if (v.ntables > 0)
			qsort(v.tables, v.ntables, sizeof(*v.tables),
			    by_number);
		if (v.nitems > 0)
			qsort(v.items, v.nitems, sizeof(*v.items), by_place);
		check_totals(&v);
		rc = opts->fast ? fast(&v, e) : verify_full(&v, e);
	}
	for (i = 0; i < v.nitems; i++)
		free(v.items[i].object);
	for (i = 0; i < v.ntables; i++)
		free(v.tables[i].name);
	free(v.items);
	free(v.tables);
	(void)pthread_mutex_destroy(&v.lock);
	*out = v.result;
	if (rc == 0 && v.expired)
		return err_set(e, ERR_NOTFOUND, 0, "%s/%s has expired "
		    "meanwhile", h->source, h->id);
	if (rc == 0 && v.result.damaged > 0) {
		(void)err_set(e, ERR_CORRUPT, 0, "%s/%s: %" PRIu64
		    " damaged", h->source, h->id, v.result.damaged);
		rc = -1;
	}
	return rc;
}
