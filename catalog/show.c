/* SPDX-License-Identifier: Apache-2.0 */
/* show: backups as text and JSON for people and programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/document.h"
#include "catalog/kept.h"
#include "catalog/list.h"
#include "catalog/names.h"
#include "catalog/timeline.h"
#include "catalog/verification.h"
#include "codec/frame.h"
#include "store/store.h"

#include "catalog/show.h"

const char *
show_size(uint64_t n, char text[SHOW_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n;
	size_t i = 0;

	while (v >= 1024 && i < 4) {
		v /= 1024;
		i++;
	}
	(void)snprintf(text, SHOW_SIZE, i == 0 ? "%.0f %s" : "%.1f %s", v,
	    units[i]);
	return text;
}

const char *
show_time(int64_t us, char text[SHOW_TIME])
{
	clock_rfc3339(us, text);
	if (us % 1000000 == 0)
		(void)snprintf(text + 19, 2, "Z");
	return text;
}

static json_t *
summary(const struct head *h)
{
	char started[CLOCK_TEXT], finished[CLOCK_TEXT];

	clock_rfc3339(h->started_us, started);
	clock_rfc3339(h->finished_us, finished);
	return json_pack("{s:s, s:s, s:s, s:s, s:O, s:O, s:O, s:O, s:O, s:O, "
	    "s:s}", "source", h->source, "id", h->id, "started", started,
	    "finished", finished, "server", h->server, "snapshot",
	    h->snapshot, "coordinates", h->coordinates, "totals", h->totals,
	    "partial", h->partial, "inexact", h->inexact, "lineage",
	    h->lineage);
}

void
show_row(const struct head *h, const struct timeline *t,
    const struct timeline_backup *b, const struct kept *k, bool first,
    json_t *list)
{
	char when[CLOCK_TEXT], until[CLOCK_TEXT] = "no", raw[SHOW_SIZE];
	char stored[SHOW_SIZE];
	struct buf more = {0};
	json_t *one;

	if (list != NULL) {
		one = summary(h);
		(void)json_object_set_new(one, "pitr", show_pitr_json(t, b));
		kept_json(k, h->id, one);
		(void)json_array_append_new(list, one);
		return;
	}
	clock_rfc3339(h->started_us, when);
	when[16] = '\0';
	when[10] = ' ';
	if (b->history >= 0) {
		clock_rfc3339(b->until_us, until);
		until[16] = '\0';
		until[10] = ' ';
	}
	if (first)
		(void)printf("%-37s %-17s %8s %11s %10s %10s  %-16s  %s\n",
		    "BACKUP", "UTC", "TABLES", "ROWS", "RAW", "STORED",
		    "PITR UNTIL", "STATE");
	kept_text(k, h->id, &more);
	(void)printf("%s/%-*s %-17s %8" PRIu64 " %11" PRIu64 " %10s %10s  "
	    "%-16s  %s, %s%s%s\n", h->source, 36 - (int)strlen(h->source),
	    h->id, when, head_count(h->totals, "tables"),
	    head_count(h->totals, "rows"),
	    show_size(head_count(h->totals, "raw"), raw),
	    show_size(head_count(h->totals, "stored"), stored), until,
	    head_text(h->snapshot, "method"),
	    head_proven(h) ? "proven" : "UNPROVEN",
	    json_is_null(h->partial) ? "" : ", partial", buf_str(&more));
	buf_free(&more);
}

void
show_bad(const char *source, const char *id, const struct err *why,
    json_t *list)
{
	if (list != NULL)
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:s}", "source", source, "id", id, "damage",
		    why->msg));
	else
		(void)printf("%s/%s DAMAGED: %s\n", source, id, why->msg);
}

/* --- show --- */

struct tables {
	json_t *list;
};

static int
table_line(void *arg, const struct line *l, struct err *e)
{
	struct tables *x = arg;

	(void)e;
	if (l->kind != LINE_TABLE)
		return 0;
	if (x->list != NULL)
		(void)json_array_append_new(x->list, json_pack(
		    "{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "n",
		    (json_int_t)l->n, "schema", l->schema, "name", l->name,
		    "engine", l->engine, "rows", (json_int_t)l->rows,
		    "raw", (json_int_t)l->raw,
		    "chunks", (json_int_t)l->chunks,
		    "digest", head_text(l->json, "digest")));
	else
		(void)printf("  %s.%s (%s): %" PRIu64 " rows, %" PRIu64
		    " bytes, %" PRIu64 " chunks\n", l->schema, l->name,
		    l->engine, l->rows, l->raw, l->chunks);
	return 0;
}

static void
print_text(const struct head *h)
{
	char started[CLOCK_TEXT], raw[SHOW_SIZE], stored[SHOW_SIZE];
	const json_t *c = h->coordinates, *t = h->totals, *s = h->snapshot;

	clock_rfc3339(h->started_us, started);
	(void)printf("backup       %s/%s%s\n", h->source, h->id,
	    json_is_null(h->partial) ? "" : " (partial)");
	(void)printf("server       %s %s, host %s, server_id %" PRIu64 "\n",
	    head_text(h->server, "flavour"), head_text(h->server, "version"),
	    head_text(h->server, "host"), head_count(h->server,
	    "server_id"));
	(void)printf("taken        %s, %.1f s\n", started,
	    (double)(h->finished_us - h->started_us) / 1e6);
	(void)printf("snapshot     %s: %s\n", head_proven(h) ? "proven" :
	    "UNPROVEN", head_text(s, "proof"));
	(void)printf("held         commits %" PRIu64 " ms, DDL %" PRIu64
	    " ms\n", head_count(s, "commits_held_ms"),
	    head_count(s, "ddl_held_ms"));
	(void)printf("coordinates  %s:%" PRIu64 "%s%s\n",
	    head_text(c, "file")[0] != '\0' ? head_text(c, "file") :
	    "no binary log", head_count(c, "position"),
	    head_text(c, "gtid")[0] != '\0' ? ", GTID " : "",
	    head_text(c, "gtid"));
	(void)printf("holds        %" PRIu64 " schemas, %" PRIu64 " tables, %"
	    PRIu64 " views, %" PRIu64 " routines, %" PRIu64 " triggers, %"
	    PRIu64 " events, %" PRIu64 " accounts\n",
	    head_count(t, "schemas"), head_count(t, "tables"),
	    head_count(t, "views"), head_count(t, "routines"),
	    head_count(t, "triggers"), head_count(t, "events"),
	    head_count(t, "accounts"));
	(void)printf("rows         %" PRIu64 ", %s raw, %s stored\n",
	    head_count(t, "rows"), show_size(head_count(t, "raw"), raw),
	    show_size(head_count(t, "stored"), stored));
	if (json_array_size(json_object_get(c, "xa")) > 0)
		(void)printf("prepared XA  %zu transactions stood open\n",
		    json_array_size(json_object_get(c, "xa")));
	if (json_array_size(h->inexact) > 0)
		(void)printf("inexact      %zu columns hold JSON DECIMALs that "
		    "the server reloads as DOUBLE\n",
		    json_array_size(h->inexact));
}

void
show_verified_json(const struct verification *v, const char *id,
    json_t *one)
{
	const struct verified *x = verification_find(v, id, 0);

	(void)json_object_set_new(one, "verified", document_time(
	    x == NULL ? 0 : x->at_us));
	(void)json_object_set_new(one, "verify_findings", x == NULL ?
	    json_null() : json_integer((json_int_t)x->damaged));
}

static void
print_verified(const struct verification *v, const char *id)
{
	const struct verified *x = verification_find(v, id, 0);
	char when[SHOW_TIME];

	if (x != NULL)
		(void)printf("verified     %s, %s\n", show_time(x->at_us,
		    when), x->damaged == 0 ? "whole" : "DAMAGED");
}

int
show_backup(struct store *s, const struct head *h, bool tables, bool json,
    struct err *e)
{
	struct tables x = {0};
	struct verification v;
	struct kept k;
	json_t *doc;
	int rc = 0;

	if (verification_load(s, h->source, &v, e) != 0)
		return -1;
	if (kept_load(s, h->source, h->id, &k, e) != 0) {
		verification_free(&v);
		return -1;
	}
	if (!json) {
		print_text(h);
		print_verified(&v, h->id);
		verification_free(&v);
		kept_print(&k, h->id, stdout);
		kept_free(&k);
		return tables ? list_read(s, h, table_line, &x, e) : 0;
	}
	doc = summary(h);
	show_verified_json(&v, h->id, doc);
	verification_free(&v);
	kept_json(&k, h->id, doc);
	kept_free(&k);
	(void)json_object_set_new(doc, "version", json_integer(1));
	(void)json_object_set(doc, "settings", h->settings);
	if (tables) {
		x.list = json_array();
		rc = list_read(s, h, table_line, &x, e);
		(void)json_object_set_new(doc, "tables", x.list);
	}
	if (rc == 0) {
		(void)json_dumpf(doc, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(doc);
	return rc;
}

/* --- cat --- */

struct cat {
	struct store *store;
	const struct head *head;
	const char *object;	/* after its prefix */
	bool ddl, rows;
	uint64_t table;		/* number of the named one */
	bool found;
};

static int
to_stdout(void *arg, const void *data, size_t n, struct err *e)
{
	(void)arg;
	if (fwrite(data, 1, n, stdout) != n)
		return err_set(e, ERR_IO, 0, "standard output: cannot write");
	return 0;
}

static int
cat_place(struct cat *x, const struct place *p, struct err *e)
{
	struct buf plain = {0};
	int rc = place_read(x->store, x->head->source, p, &plain, e);

	if (rc == 0)
		rc = to_stdout(NULL, buf_str(&plain), plain.len, e);
	buf_free(&plain);
	return rc;
}

static int
cat_chunk(struct cat *x, const char *object, struct err *e)
{
	struct frame_reader *frame = frame_reader_new(e);
	struct object_reader *r = NULL;
	char key[STORE_KEY_MAX];
	const void *data;
	size_t n;
	int rc = -1;

	if (frame == NULL)
		return -1;
	(void)source_key(x->head->source, object, key);
	r = object_open(x->store, key, 0, UINT64_MAX, e);
	if (r == NULL)
		goto out;
	frame_reader_begin(frame, to_stdout, NULL);
	for (;;) {
		if (object_read(r, &data, &n, e) != 0)
			goto out;
		if (n == 0)
			break;
		if (frame_read(frame, data, n, e) != 0)
			goto out;
	}
	rc = frame_reader_end(frame, e);
out:	object_close(r);
	frame_reader_free(frame);
	return rc;
}

static bool
is_named(const struct cat *x, const struct line *l)
{
	size_t n = strlen(l->schema);

	return strncmp(x->object, l->schema, n) == 0 &&
	    x->object[n] == '.' && strcmp(x->object + n + 1, l->name) == 0;
}

/* First pass: find the table's number, or write its definition. */
static int
find_line(void *arg, const struct line *l, struct err *e)
{
	struct cat *x = arg;

	if (l->kind == LINE_CHUNK && !x->ddl && !x->rows &&
	    strcmp(l->object, x->object) == 0 && !x->found) {
		x->found = true;
		return cat_chunk(x, l->object, e);
	}
	if ((!x->ddl && !x->rows) || x->found || !is_named(x, l))
		return 0;
	if (x->ddl && l->kind == LINE_SEQUENCE) {
		x->found = true;
		return to_stdout(NULL, l->ddl, strlen(l->ddl), e);
	}
	if (l->kind == LINE_CHUNK || l->kind == LINE_MEMBER ||
	    (x->rows && l->kind != LINE_TABLE))
		return 0;
	x->found = true;
	x->table = l->n;
	return x->ddl ? cat_place(x, &l->place, e) : 0;
}

static int
rows_line(void *arg, const struct line *l, struct err *e)
{
	struct cat *x = arg;

	if ((l->kind != LINE_CHUNK && l->kind != LINE_MEMBER) ||
	    l->table != x->table)
		return 0;
	return l->kind == LINE_CHUNK ? cat_chunk(x, l->object, e) :
	    cat_place(x, &l->place, e);
}

int
show_cat(struct store *s, const struct head *h, const char *object,
    struct err *e)
{
	struct cat x = { .store = s, .head = h, .object = object };

	x.ddl = strncmp(object, "ddl:", 4) == 0;
	x.rows = strncmp(object, "rows:", 5) == 0;
	x.object += x.ddl ? 4 : x.rows ? 5 : 0;
	if (list_read(s, h, find_line, &x, e) != 0)
		return -1;
	if (!x.found) {
		(void)err_set(e, ERR_NOTFOUND, 0, "%s/%s holds no %.120s",
		    h->source, h->id, object);
		return err_hint(e, "name ddl:SCHEMA.TABLE, rows:SCHEMA.TABLE "
		    "or a chunk's key");
	}
	return x.rows ? list_read(s, h, rows_line, &x, e) : 0;
}
