/* SPDX-License-Identifier: Apache-2.0 */
/* segment_file: what is known of finished binary log files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/document.h"
#include "catalog/floor.h"
#include "catalog/mark.h"

#include "catalog/segment.h"

#define GTID_MAX 1024
#define ROLL_MAX ((size_t)4 << 20)	/* as in segment_parse.c */
#define ROLL_STEP 4		/* documents in the next larger roll */

/* --- writing --- */

static json_t *
gtid_json(const char *text)
{
	return text == NULL || strlen(text) > GTID_MAX ? json_null() :
	    json_string(text);
}

static json_t *
objects_json(const struct binlog_file *f)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < f->nobjects; i++)
		(void)json_array_append_new(all, json_pack(
		    "{s:I, s:I, s:I, s:s}", "start",
		    (json_int_t)f->objects[i].start, "end",
		    (json_int_t)f->objects[i].end, "size",
		    (json_int_t)f->objects[i].size, "sha256",
		    f->objects[i].sha256));
	return all;
}

static json_t *
file_json(const struct binlog_file *f)
{
	return json_pack("{s:I, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:I, "
	    "s:I, s:o}", "seq", (json_int_t)f->seq, "name", f->name,
	    "size", (json_int_t)f->size, "sha256", f->sha256,
	    "closed", f->crashed ? "crash" : "rotate",
	    "first", document_time(f->first_us),
	    "last", document_time(f->last_us),
	    "gtid_before", gtid_json(f->gtid_before),
	    "gtids", gtid_json(f->gtids),
	    "transactions", (json_int_t)f->transactions,
	    "index_size", (json_int_t)f->index_size,
	    "objects", objects_json(f));
}

static void
files_key(const char *source, const char *history, uint32_t first,
    uint32_t last, char key[STORE_KEY_MAX])
{
	if (first == last)
		(void)snprintf(key, STORE_KEY_MAX, "sources/%s/files/%s-%08u"
		    ".json", source, history, (unsigned)first);
	else
		(void)snprintf(key, STORE_KEY_MAX, "sources/%s/files/%s-%08u-"
		    "%08u.json", source, history, (unsigned)first,
		    (unsigned)last);
}

/* One document for one file or many. */
static int
create(struct store *s, const char *source, const char *history,
    const struct binlog_file *files, size_t n, struct err *e)
{
	json_t *all = json_array();
	char key[STORE_KEY_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(all, file_json(&files[i])) != 0) {
			json_decref(all);
			return err_set(e, ERR_NOMEM, 0, "files");
		}
	files_key(source, history, files[0].seq, files[n - 1].seq, key);
	return document_create(s, key, json_pack("{s:i, s:s, s:s, s:o}",
	    "format", DOCUMENT_FORMAT, "source", source, "history", history,
	    "files", all), n == 1 ? FILE_MAX : ROLL_MAX, "files", e);
}

int
file_create(struct store *s, const char *source, const char *history,
    const struct binlog_file *f, struct err *e)
{
	return create(s, source, history, f, 1, e);
}

/* --- which there are --- */

struct span {
	uint32_t first, last;
};

struct spans {
	struct span *all;
	size_t n, skip;		/* skip: length of the prefix */
	uint32_t floor, gone;	/* what is before is marked, is gone */
};

static void
note_floor(struct spans *x, uint32_t before, bool gone)
{
	if (before > x->floor)
		x->floor = before;
	if (gone && before > x->gone)
		x->gone = before;
}

static int
add_span(void *arg, const struct store_entry *entry, struct err *e)
{
	const char *name = entry->key + ((struct spans *)arg)->skip;
	struct spans *x = arg;
	struct span one, *all;
	unsigned long long a = 0, b = 0;
	uint32_t before;
	char want[40];
	bool gone;

	if (floor_name(name, &before, &gone)) {
		note_floor(x, before, gone);
		return 0;
	}
	/* Nothing but what files_key makes; the rest is none of ours. */
	if (strspn(name, "0123456789") != 8)
		return 0;
	a = b = strtoull(name, NULL, 10);
	if (name[8] == '-' && strspn(name + 9, "0123456789") == 8)
		b = strtoull(name + 9, NULL, 10);
	(void)snprintf(want, sizeof(want), a == b ? "%08llu.json" :
	    "%08llu-%08llu.json", a, b);
	if (strcmp(want, name) != 0 || a == 0 || b < a ||
	    b - a >= FILE_ROLL)
		return 0;
	one = (struct span){ (uint32_t)a, (uint32_t)b };
	if ((x->n & (x->n - 1)) == 0) {
		all = realloc(x->all, (x->n == 0 ? 1 : x->n * 2) *
		    sizeof(*all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "files");
		x->all = all;
	}
	x->all[x->n++] = one;
	return 0;
}

static int
by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last > y->last ? -1 : x->last < y->last;
}

/* The fewest documents that hold what there is from a number on, in order; but
 * nothing of what is gone, or (unless marked) marked. */
static int
list_spans(struct store *s, const char *source, const char *history,
    uint32_t from, bool marked, struct spans *x, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	size_t i, kept = 0;
	uint32_t next = from;

	*x = (struct spans){0};
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/files/%s-", source,
	    history);
	x->skip = strlen(prefix);
	if (store_list(s, prefix, add_span, x, e) != 0) {
		free(x->all);
		x->all = NULL;
		x->n = 0;
		return -1;
	}
	if (marked)
		x->floor = x->gone;
	if (x->floor > next)
		next = x->floor;
	x->floor = next;
	if (x->n > 0)
		qsort(x->all, x->n, sizeof(*x->all), by_first);
	/* A larger roll stands before the smaller ones that begin with it, and
	 * holds all that begin inside it. */
	for (i = 0; i < x->n; i++)
		if (x->all[i].last >= next && (kept == 0 ||
		    x->all[i].first >= next)) {
			next = x->all[i].last + 1;
			x->all[kept++] = x->all[i];
		}
	x->n = kept;
	return 0;
}

/* Drop the files before a number from an owned array. */
static void
drop_before(struct binlog_file *list, size_t *n, uint32_t seq)
{
	size_t skip = 0, i;

	while (skip < *n && list[skip].seq < seq)
		binlog_file_free(&list[skip++]);
	for (i = skip; i < *n; i++)
		list[i - skip] = list[i];
	*n -= skip;
}

static int
load_span(struct store *s, const char *source, const char *history,
    const struct span *one, struct binlog_file *files, struct err *e)
{
	struct buf text = {0};
	char key[STORE_KEY_MAX];
	int rc = -1;

	files_key(source, history, one->first, one->last, key);
	if (store_get(s, key, one->first == one->last ? FILE_MAX : ROLL_MAX,
	    &text, e) == 0) {
		rc = files_parse(buf_str(&text), text.len, source, history,
		    one->first, one->last, files, e);
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(s), key);
	}
	buf_free(&text);
	return rc;
}

void
files_free(struct binlog_file *list, size_t n)
{
	while (n > 0)
		binlog_file_free(&list[--n]);
	free(list);
}

/* All files of n documents; *count: how many, also when it fails.  What cannot
 * be read is bad's matter, unless that is NULL. */
static int
load_spans(struct store *s, const char *source, const char *history,
    const struct span *all, size_t n, struct binlog_file **out, size_t *count,
    files_bad *bad, void *arg, struct err *e)
{
	size_t i, total = 0;
	struct err why = {0};
	int rc = 0;

	for (i = 0; i < n; i++)
		total += all[i].last - all[i].first + 1;
	*count = 0;
	*out = calloc(total == 0 ? 1 : total, sizeof(**out));
	if (*out == NULL)
		return err_set(e, ERR_NOMEM, 0, "files");
	for (i = 0; i < n && rc == 0; i++) {
		if (load_span(s, source, history, &all[i], *out + *count,
		    &why) == 0) {
			*count += all[i].last - all[i].first + 1;
			continue;
		}
		if (bad == NULL)
			*e = why;
		rc = bad == NULL ? -1 : bad(arg, &why, e);
		why = (struct err){0};
	}
	return rc;
}

int
files_load(struct store *s, const char *source, const char *history,
    bool marked, files_bad *bad, void *arg, struct binlog_file **list,
    size_t *n, uint32_t *last, struct err *e)
{
	struct spans x;
	int rc;

	*list = NULL;
	*n = 0;
	if (list_spans(s, source, history, 1, marked, &x, e) != 0)
		return -1;
	*last = x.n > 0 ? x.all[x.n - 1].last : x.floor - 1;
	rc = load_spans(s, source, history, x.all, x.n, list, n, bad, arg,
	    e);
	free(x.all);
	drop_before(*list, n, x.floor);
	if (rc != 0) {
		files_free(*list, *n);
		*list = NULL;
		*n = 0;
	}
	return rc;
}

int
files_list(struct store *s, const char *source, const char *history,
    uint32_t from_seq, struct binlog_file **list, size_t *n, struct err *e)
{
	struct spans x;
	int rc;

	*list = NULL;
	*n = 0;
	if (list_spans(s, source, history, from_seq, false, &x, e) != 0)
		return -1;
	rc = load_spans(s, source, history, x.all, x.n, list, n, NULL, NULL,
	    e);
	free(x.all);
	if (rc != 0) {
		files_free(*list, *n);
		*list = NULL;
		*n = 0;
		return -1;
	}
	drop_before(*list, n, x.floor);
	return 0;
}

int
files_last(struct store *s, const char *source, const char *history,
    uint32_t *seq, struct err *e)
{
	struct spans x;
	size_t i;
	int rc = list_spans(s, source, history, 1, false, &x, e);

	*seq = rc == 0 ? x.floor - 1 : 0;
	if (rc == 0 && x.n > 0 && x.all[0].first < x.floor)
		*seq = x.all[0].first - 1;
	for (i = 0; rc == 0 && i < x.n && x.all[i].first == *seq + 1; i++)
		*seq = x.all[i].last;
	free(x.all);
	return rc;
}

/* --- rolls --- */

/* Do these documents, of one size and without a hole, make the next larger
 * roll? */
static bool
makes_roll(const struct span *four)
{
	uint32_t size = four[0].last - four[0].first + 1, i;

	if (size >= FILE_ROLL || (four[0].first - 1) % (size * ROLL_STEP) !=
	    0)
		return false;
	for (i = 1; i < ROLL_STEP; i++)
		if (four[i].first != four[0].first + i * size ||
		    four[i].last != four[i].first + size - 1)
			return false;
	return true;
}

/* What the roll holds is not needed any more. */
static int
mark_spans(struct store *s, const char *source, const char *history,
    const struct span *four, struct err *e)
{
	char keys[ROLL_STEP][STORE_KEY_MAX];
	const char *all[ROLL_STEP];
	size_t i;

	for (i = 0; i < ROLL_STEP; i++) {
		files_key(source, history, four[i].first, four[i].last,
		    keys[i]);
		all[i] = keys[i];
	}
	return mark_create(s, source, "rolled up", all, ROLL_STEP, e);
}

static int
roll(struct store *s, const char *source, const char *history,
    const struct span *four, struct err *e)
{
	struct binlog_file *files = NULL;
	size_t n = 0;
	int rc = load_spans(s, source, history, four, ROLL_STEP, &files, &n,
	    NULL, NULL, e);

	if (rc == 0)
		rc = create(s, source, history, files, n, e);
	files_free(files, n);
	if (rc == 0)
		return mark_spans(s, source, history, four, e);
	if (e->code != ERR_EXISTS)
		return -1;
	/* Another did it at the same time, and marks as well. */
	*e = (struct err){0};
	return 0;
}

int
files_roll(struct store *s, const char *source, const char *history,
    struct err *e)
{
	struct spans x;
	size_t i;
	int rc = list_spans(s, source, history, 1, false, &x, e);

	for (i = 0; rc == 0 && i + ROLL_STEP <= x.n; i++) {
		if (!makes_roll(x.all + i))
			continue;
		rc = roll(s, source, history, x.all + i, e);
		/* One stands for four, and may make the next larger. */
		x.all[i].last = x.all[i + ROLL_STEP - 1].last;
		x.n -= ROLL_STEP - 1;
		memmove(x.all + i + 1, x.all + i + ROLL_STEP, (x.n - i - 1) *
		    sizeof(*x.all));
		i = (size_t)-1;
	}
	free(x.all);
	return rc;
}

void
binlog_file_free(struct binlog_file *f)
{
	free(f->name);
	free(f->gtid_before);
	free(f->gtids);
	free(f->objects);
	*f = (struct binlog_file){0};
}
