/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: archives of source "a" of which the indexes and documents alone are
 * real, so that any history is quickly told.
 *
 * Each file has 100 bytes of head and 100 bytes a transaction, so that the
 * k-th (from 1) stands from 100k to 100k + 100; a finished file ends with 50
 * bytes more.  Times are seconds after LOGS_T0, 2026-11-22T18:15:00Z.
 */
#ifndef TESTS_CATALOG_LOGS_H
#define TESTS_CATALOG_LOGS_H

#include "base/clock.h"
#include "catalog/timeline.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"

#define LOGS_T0	INT64_C(1795371300)
#define UUID_A	"aaaaaaaa-0000-0000-0000-000000000001"
#define UUID_B	"bbbbbbbb-0000-0000-0000-000000000002"
#define HIST(n)	"20261122T18000" #n "Z-aaaa"

/* Who writes: whose GTIDs ("" none, "0-101-": MariaDB). */
struct logs {
	const char *history;
	const char *gtids;	/* UUID_A ":" */
};

static inline int64_t
logs_us(int64_t s)
{
	return (LOGS_T0 + s) * 1000000;
}

static inline void
logs_line(const struct logs *l, uint64_t number, uint64_t k, int64_t time,
    struct buf *out)
{
	char when[CLOCK_TEXT];

	clock_rfc3339(logs_us(time), when);
	buf_addf(out, "{\"time\":\"%s\",", when);
	if (l->gtids[0] != '\0')
		buf_addf(out, "\"gtid\":\"%s%llu\",", l->gtids,
		    (unsigned long long)number);
	buf_addf(out, "\"offset\":%llu,\"size\":100,\"kind\":\"rows\","
	    "\"row_events\":1,\"tables\":[{\"schema\":\"s\",\"table\":"
	    "\"t%llu\",\"writes\":1}]}\n", (unsigned long long)k * 100,
	    (unsigned long long)number);
}

/* "from-to", or what MariaDB calls it, or ""; NULL when there are no GTIDs. */
static inline const char *
logs_set(const struct logs *l, uint64_t from, uint64_t to, char text[80])
{
	text[0] = '\0';
	if (to < from || l->gtids[0] == '\0')
		return text;
	if (strchr(l->gtids, ':') != NULL && from < to)
		(void)snprintf(text, 80, "%s%llu-%llu", l->gtids,
		    (unsigned long long)from, (unsigned long long)to);
	else
		(void)snprintf(text, 80, "%s%llu", l->gtids,
		    (unsigned long long)to);
	return text;
}

/* A finished file of n transactions, numbered from first on. */
static inline void
logs_finish(const struct logs *l, uint32_t seq, const char *name,
    uint64_t first, size_t n, const int64_t *times)
{
	struct file_object object = { 0, 100 * n + 150, 7, SHA };
	struct binlog_file f = { .seq = seq, .size = object.end,
	    .sha256 = SHA, .transactions = n, .objects = &object,
	    .nobjects = 1 };
	char key[STORE_KEY_MAX], before[80], gtids[80], title[64];
	struct buf lines = {0}, index = {0};
	struct err e = {0};
	size_t i;

	for (i = 0; i < n; i++) {
		logs_line(l, first + i, i + 1, times[i], &lines);
		if (i == 0 || logs_us(times[i]) < f.first_us)
			f.first_us = logs_us(times[i]);
		if (i == 0 || logs_us(times[i]) > f.last_us)
			f.last_us = logs_us(times[i]);
	}
	fixture_ok(frame_compress(buf_str(&lines), lines.len, 1, &index, &e),
	    &e);
	index_key("a", l->history, seq, key);
	fixture_put(key, index.data, index.len);
	(void)snprintf(title, sizeof(title), "%s", name);
	f.name = title;
	f.gtid_before = (char *)(uintptr_t)logs_set(l, 1, first - 1, before);
	f.gtids = (char *)(uintptr_t)logs_set(l, first, first + n - 1, gtids);
	f.index_size = index.len;
	fixture_ok(file_create(fixture_store, "a", l->history, &f, &e), &e);
	buf_free(&lines);
	buf_free(&index);
}

/* A segment with no more in it than lines: of transactions k to k + n - 1 of
 * the file. */
static inline void
logs_segment(const struct logs *l, uint32_t seq, uint64_t number, uint64_t k,
    size_t n, const int64_t *times)
{
	struct buf lines = {0}, object = {0};
	char key[STORE_KEY_MAX];
	struct err e = {0};
	size_t i;

	for (i = 0; i < n; i++)
		logs_line(l, number + i, k + i, times[i], &lines);
	fixture_ok(frame_compress("x", 1, 1, &object, &e), &e);
	fixture_ok(segment_index_write(&lines, &object, &e), &e);
	segment_key("a", l->history, seq, k == 1 ? 0 : 100 * k,
	    100 * (k + n), key);
	fixture_put(key, object.data, object.len);
	buf_free(&lines);
	buf_free(&object);
}

/* A live file of n transactions, in segments of so many. */
static inline void
logs_live(const struct logs *l, uint32_t seq, uint64_t first, size_t n,
    const int64_t *times, size_t each)
{
	size_t i;

	for (i = 0; i < n; i += each)
		logs_segment(l, seq, first + i, i + 1, n - i < each ? n - i :
		    each, times + i);
}

/* A history of server A or B ('a', 'b'); what its parent had: "" none. */
struct logs_history {
	const char *id;
	char server;
	const char *first_file, *gtid_before;
	enum history_why why;
	const char *parent, *fork_gtid;
	uint32_t fork_seq;
	uint64_t fork_offset;
	bool mariadb;
};

static inline void
logs_history(const struct logs_history *x)
{
	static int64_t opened;	/* one after another */
	struct history h = { .server_id = x->server == 'a' ? 101 : 102,
	    .why = x->why, .fork_seq = x->fork_seq,
	    .fork_offset = x->fork_offset, .opened_us = logs_us(0) +
	    opened++ };
	struct err e = {0};

	(void)snprintf(h.id, sizeof(h.id), "%s", x->id);
	(void)snprintf(h.parent, sizeof(h.parent), "%s",
	    x->parent != NULL ? x->parent : "");
	h.flavour = strdup(x->mariadb ? "mariadb" : "mysql");
	h.uuid = strdup(x->mariadb ? "" : x->server == 'a' ? UUID_A :
	    UUID_B);
	h.first_file = strdup(x->first_file != NULL ? x->first_file :
	    "b.000001");
	h.gtid_before = strdup(x->gtid_before != NULL ? x->gtid_before : "");
	h.fork_gtid = strdup(x->fork_gtid != NULL ? x->fork_gtid : "");
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	history_free(&h);
}

/* A backup's head. */
struct logs_backup {
	const char *id, *file, *gtid;
	char server;
	uint64_t position;
	int64_t at;
	bool unproven, partial;
};

static inline void
logs_backup(const struct logs_backup *x)
{
	char at[CLOCK_TEXT];
	struct head h;

	fixture_head(&h, "a", x->id);
	clock_rfc3339(logs_us(x->at), at);
	json_decref(h.server);
	h.server = json_pack("{s:s, s:s, s:i}", "flavour", "mysql", "uuid",
	    x->server == 'b' ? UUID_B : UUID_A, "server_id",
	    x->server == 'b' ? 102 : 101);
	json_decref(h.snapshot);
	h.snapshot = json_pack("{s:b, s:s}", "proven", !x->unproven, "at",
	    at);
	json_decref(h.coordinates);
	h.coordinates = json_pack("{s:s, s:I, s:s}", "file", x->file,
	    "position", (json_int_t)x->position, "gtid",
	    x->gtid != NULL ? x->gtid : "");
	if (x->partial)
		fixture_set(&h.partial, "{}");
	fixture_commit(&h);
	head_free(&h);
}

#define BACKUP(n)	"20261122T18150" #n "Z-0000"

#endif /* !TESTS_CATALOG_LOGS_H */
