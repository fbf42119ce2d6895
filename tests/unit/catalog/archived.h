/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archived: binary logs of source "a" in the fixture's store, as the archiver
 * writes them.
 */
#ifndef TESTS_CATALOG_ARCHIVED_H
#define TESTS_CATALOG_ARCHIVED_H

#include "catalog/timeline.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"
#include "tests/unit/mysql/recorded.h"

/* The transactions of a binary log, each with its line. */
struct archived_scan {
	struct {
		uint64_t offset, end;
		struct gtid gtid;
		int64_t time_us;
		struct buf line;
	} all[400];
	size_t n;
};

static inline void
archived_scan(const struct buf *file, struct archived_scan *x)
{
	struct event_format format = {0};
	struct transactions *scan;
	const struct transaction *t;
	struct err e = {0};
	struct event ev;
	size_t at = 4, next = 4;

	x->n = 0;
	scan = transactions_new(&e);
	assert_non_null(scan);
	for (; recorded_next(file, &next, &format, &ev); at = next) {
		fixture_ok(transactions_event(scan, &ev, &format, at, &t, &e),
		    &e);
		if (t == NULL)
			continue;
		assert_true(x->n < sizeof(x->all) / sizeof(x->all[0]));
		x->all[x->n].offset = t->offset;
		x->all[x->n].end = t->offset + t->size;
		x->all[x->n].gtid = t->gtid.gtid;
		x->all[x->n].time_us = t->time_us;
		x->all[x->n].line = (struct buf){0};
		transaction_line(t, &x->all[x->n++].line);
	}
	transactions_free(scan);
}

static inline void
archived_scan_free(struct archived_scan *x)
{
	while (x->n > 0)
		buf_free(&x->all[--x->n].line);
}

/* A segment with these bytes and the lines of the transactions that end in
 * it. */
static inline void
archived_segment(const char *id, uint32_t seq, const struct buf *file,
    const struct archived_scan *x, uint64_t start, uint64_t end)
{
	char key[STORE_KEY_MAX];
	struct buf object = {0}, lines = {0};
	struct err e = {0};
	size_t i;

	fixture_ok(frame_compress(file->data + start, end - start, 1,
	    &object, &e), &e);
	for (i = 0; i < x->n; i++)
		if (x->all[i].end > start && x->all[i].end <= end)
			buf_add(&lines, x->all[i].line.data,
			    x->all[i].line.len);
	fixture_ok(segment_index_write(&lines, &object, &e), &e);
	segment_key("a", id, seq, start, end, key);
	fixture_put(key, object.data, object.len);
	buf_free(&object);
	buf_free(&lines);
}

/* A file that goes on: segments between these places. */
static inline void
archived_live(const char *id, uint32_t seq, const struct buf *file,
    const uint64_t *cuts, size_t n)
{
	struct archived_scan *x = calloc(1, sizeof(*x));
	size_t i;

	archived_scan(file, x);
	for (i = 0; i + 1 < n; i++)
		archived_segment(id, seq, file, x, cuts[i], cuts[i + 1]);
	archived_scan_free(x);
	free(x);
}

static inline void
archived_objects(const char *id, const struct buf *file,
    const uint64_t *cuts, struct binlog_file *f)
{
	char key[STORE_KEY_MAX];
	uint8_t sha[SHA256_SIZE];
	struct buf object = {0};
	struct err e = {0};
	size_t i;

	for (i = 0; i < f->nobjects; i++) {
		buf_clear(&object);
		fixture_ok(frame_compress(file->data + cuts[i], cuts[i + 1] -
		    cuts[i], 1, &object, &e), &e);
		segment_key("a", id, f->seq, cuts[i], cuts[i + 1], key);
		fixture_put(key, object.data, object.len);
		f->objects[i] = (struct file_object){ .start = cuts[i],
		    .end = cuts[i + 1], .size = object.len };
		sha256_of(object.data, object.len, sha);
		hex_encode(sha, sizeof(sha), f->objects[i].sha256);
	}
	buf_free(&object);
}

/* GTIDs as text, owned. */
static inline char *
archived_gtids(const struct archived_scan *x)
{
	struct gtid_set *set = NULL;
	struct buf text = {0};
	struct err e = {0};
	size_t i;

	for (i = 0; i < x->n; i++) {
		if (!x->all[i].gtid.set)
			continue;
		if (set == NULL)
			set = gtid_set_new(x->all[i].gtid.kind, &e);
		fixture_ok(gtid_set_add(set, &x->all[i].gtid, &e), &e);
	}
	if (set != NULL)
		gtid_set_text(set, &text);
	gtid_set_free(set);
	return text.data != NULL ? text.data : strdup("");
}

/* A finished file: objects between these places, index, document. */
static inline void
archived_file(const char *id, uint32_t seq, const char *name,
    const char *before, const struct buf *file, const uint64_t *cuts,
    size_t n)
{
	struct file_object objects[16] = {{0}};
	struct binlog_file f = { .seq = seq, .size = file->len,
	    .objects = objects, .nobjects = n - 1 };
	struct archived_scan *x = calloc(1, sizeof(*x));
	struct buf lines = {0}, index = {0};
	char key[STORE_KEY_MAX];
	uint8_t sha[SHA256_SIZE];
	struct err e = {0};
	size_t i;

	archived_scan(file, x);
	archived_objects(id, file, cuts, &f);
	for (i = 0; i < x->n; i++) {
		buf_add(&lines, x->all[i].line.data, x->all[i].line.len);
		if (i == 0 || x->all[i].time_us < f.first_us)
			f.first_us = x->all[i].time_us;
		if (x->all[i].time_us > f.last_us)
			f.last_us = x->all[i].time_us;
	}
	fixture_ok(frame_compress(buf_str(&lines), lines.len, 3, &index, &e),
	    &e);
	index_key("a", id, seq, key);
	fixture_put(key, index.data, index.len);
	sha256_of(file->data, file->len, sha);
	hex_encode(sha, sizeof(sha), f.sha256);
	f.name = strdup(name);
	f.gtid_before = strdup(before);
	f.gtids = archived_gtids(x);
	f.transactions = x->n;
	f.index_size = index.len;
	fixture_ok(file_create(fixture_store, "a", id, &f, &e), &e);
	f.objects = NULL;
	binlog_file_free(&f);
	buf_free(&lines);
	buf_free(&index);
	archived_scan_free(x);
	free(x);
}

/* The first history of a server. */
static inline void
archived_history(const char *id, const char *flavour, const char *first_file)
{
	struct history h = { .flavour = strdup(flavour),
	    .uuid = strdup("11111111-2222-3333-4444-555555555555"),
	    .server_id = 101, .first_file = strdup(first_file),
	    .opened_us = INT64_C(1795371300123456) };
	struct err e = {0};

	(void)snprintf(h.id, sizeof(h.id), "%s", id);
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	history_free(&h);
}

#endif /* !TESTS_CATALOG_ARCHIVED_H */
