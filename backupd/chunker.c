/* SPDX-License-Identifier: Apache-2.0 */
/* chunker: rows of one range become chunks (or a member of the bundle). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/plan.h"
#include "backupd/select.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "codec/frame.h"
#include "codec/tsv.h"
#include "mysql/connect.h"
#include "store/store.h"

#include "backupd/chunker.h"

#define FIRST_BUFFER	((size_t)1 << 20)	/* small tables end in it */
#define CHUNK_MIN	((uint64_t)8 << 20)
#define CHUNK_MAX	((uint64_t)64 << 20)
#define KEYLESS_MAX	((uint64_t)32 << 20)
#define CHUNK_AIM	(20 << 20)
#define LARGE_ROW	((size_t)16 << 20)

struct chunker {
	struct chunker_opts opts;
	struct frame_writer *frame;
	char *data;			/* encoded lines not yet compressed */
	size_t len, cap;
	size_t last;			/* where the newest line begins */
	bool token;			/* we hold opts.large_row */
	struct buf packed, key, first, newest, reload;

	/* The range at hand. */
	struct table_run *table;
	uint64_t buffered;		/* rows in data */
	bool open;			/* a chunk object is being written */
	struct object *object;
	uint32_t number;
	char key_path[STORE_KEY_MAX];	/* relative to the source */
	uint64_t rows, raw, enum0, json_changed;	/* of this chunk */
	struct rowsum digest, digest_reload;
};

struct chunker *
chunker_new(const struct chunker_opts *opts, struct err *e)
{
	struct chunker *k = calloc(1, sizeof(*k));

	if (k == NULL)
		goto err0;
	k->opts = *opts;
	k->cap = FIRST_BUFFER;
	k->data = malloc(k->cap);
	if (k->data == NULL)
		goto err1;
	k->frame = frame_writer_new(opts->level, e);
	if (k->frame == NULL)
		goto err2;
	return k;

err2:	free(k->data);
err1:	free(k);
err0:	(void)err_set(e, ERR_NOMEM, 0, "dump buffer");
	return NULL;
}

static void
token_put(struct chunker *k)
{
	char *data;

	if (!k->token)
		return;
	/* Give the memory back before another worker may take as much. */
	data = realloc(k->data, FIRST_BUFFER);
	if (data != NULL) {
		k->data = data;
		k->cap = FIRST_BUFFER;
	}
	k->token = false;
	(void)pthread_mutex_unlock(k->opts.large_row);
}

static int
sink(void *arg, const void *data, size_t n, struct err *e)
{
	struct chunker *k = arg;

	return object_write(k->object, data, n, e);
}

/* Key columns of a line, joined by tab, appended to *out. */
static void
line_key(const struct table_run *t, const char *line, size_t n,
    struct buf *out)
{
	const char *end = line + n, *p, *tab;
	size_t i, col;

	buf_clear(out);
	for (i = 0; i < t->def.nkey; i++) {
		p = line;
		for (col = 0; col < t->def.key[i]; col++) {
			p = memchr(p, '\t', (size_t)(end - p));
			p++;	/* the line has all its columns */
		}
		tab = memchr(p, '\t', (size_t)(end - p));
		if (i > 0)
			buf_addc(out, '\t');
		buf_add(out, p, (size_t)((tab != NULL ? tab : end) - p));
	}
}

static size_t
last_len(const struct chunker *k)
{
	return k->len - k->last - 1;	/* without LF */
}

static int
chunk_begin(struct chunker *k, struct err *e)
{
	struct table_run *t = k->table;
	char path[STORE_KEY_MAX];

	(void)pthread_mutex_lock(&t->lock);
	k->number = t->next_chunk++;
	(void)pthread_mutex_unlock(&t->lock);
	chunk_key(k->opts.id, t->item->n, t->item->schema, t->item->name,
	    k->number, k->key_path);
	if (snprintf(path, sizeof(path), "sources/%s/%s", k->opts.source,
	    k->key_path) >= (int)sizeof(path))
		return err_set(e, ERR_IO, 0, "chunk key too long");
	k->object = object_create(k->opts.store, path, e);
	if (k->object == NULL)
		return -1;
	frame_writer_begin(k->frame, sink, k);
	k->open = true;
	return 0;
}

/* Compress what is buffered into the open chunk. */
static int
flush(struct chunker *k, struct err *e)
{
	uint64_t pace = k->opts.totals->pace_ms;

	if (k->len == 0)
		return 0;
	if (!k->open && chunk_begin(k, e) != 0)
		return -1;
	line_key(k->table, k->data + k->last, last_len(k), &k->newest);
	if (frame_write(k->frame, k->data, k->len, e) != 0)
		return -1;
	k->len = k->last = 0;
	k->buffered = 0;
	token_put(k);
	if (pace > 0)
		return cancel_wait(k->opts.cancel, (unsigned)pace, e);
	return cancel_check(k->opts.cancel, e);
}

static json_t *
b64(const struct buf *b)
{
	char *text = malloc(4 * ((b->len + 2) / 3) + 1);
	json_t *json;

	if (text == NULL)
		return NULL;
	base64_encode(buf_str(b), b->len, text);
	json = json_string(text);
	free(text);
	return json;
}

/* Add the chunk's or member's sums to its table and start anew. */
static void
settle(struct chunker *k)
{
	struct table_run *t = k->table;

	(void)pthread_mutex_lock(&t->lock);
	t->rows += k->rows;
	t->raw += k->raw;
	t->json_changed += k->json_changed;
	rowsum_add(&t->digest, &k->digest);
	rowsum_add(&t->digest_reload, &k->digest_reload);
	if (k->open)
		t->chunks++;
	(void)pthread_mutex_unlock(&t->lock);
	k->opts.totals->done.rows += k->rows;
	k->opts.totals->done.raw += k->raw;
	k->rows = k->raw = k->enum0 = k->json_changed = 0;
	k->digest = k->digest_reload = (struct rowsum){0};
	k->open = false;
}

static int
chunk_end(struct chunker *k, const char *cut, struct err *e)
{
	char hex[SHA256_HEX], sum[ROWSUM_HEX];
	uint8_t sha[SHA256_SIZE];
	uint64_t size;
	json_t *line;
	int rc;

	if (flush(k, e) != 0 || frame_writer_end(k->frame, e) != 0)
		return -1;
	size = object_size(k->object);
	rc = object_commit(k->object, sha, e);
	k->object = NULL;
	if (rc != 0)
		return -1;
	hex_encode(sha, sizeof(sha), hex);
	rowsum_hex(&k->digest, sum);
	line = json_pack("{s:s, s:I, s:I, s:s, s:I, s:s, s:s, s:I, s:I, s:s,"
	    " s:o, s:o, s:s, s:I}", "kind", "chunk",
	    "table", (json_int_t)k->table->item->n,
	    "n", (json_int_t)k->number, "object", k->key_path,
	    "size", (json_int_t)size, "stored_sha256", hex,
	    "frame_sha256", hex, "rows", (json_int_t)k->rows,
	    "raw", (json_int_t)k->raw, "digest", sum,
	    "first_b64", b64(&k->first), "last_b64", b64(&k->newest),
	    "cut", cut, "enum0", (json_int_t)k->enum0);
	if (line == NULL)
		return err_set(e, ERR_NOMEM, 0, "list line");
	rc = k->opts.emit(k->opts.arg, line, e);
	json_decref(line);
	k->opts.totals->stored += size;
	k->opts.totals->objects++;
	settle(k);
	return rc;
}

/* The whole table ended in the first buffer: it goes to the bundle. */
static int
member(struct chunker *k, struct err *e)
{
	const struct plan_item *it = k->table->item;
	char tail[NAME_TAIL_SIZE], name[NAME_TAIL_SIZE + 32], sum[ROWSUM_HEX];
	struct place place;
	json_t *line;
	int rc;

	if (k->rows == 0)
		return 0;
	buf_clear(&k->packed);
	if (frame_compress(k->data, k->len, k->opts.level, &k->packed, e) != 0)
		return -1;
	k->len = k->last = 0;
	k->buffered = 0;
	name_tail(it->schema, it->name, tail);
	(void)snprintf(name, sizeof(name), "%05u-%s.tsv.zst", (unsigned)it->n,
	    tail);
	if (bundle_add(k->opts.bundle, name, k->packed.data, k->packed.len,
	    &place, e) != 0)
		return -1;
	rowsum_hex(&k->digest, sum);
	line = json_pack("{s:s, s:I, s:o, s:I, s:I, s:s, s:I}",
	    "kind", "member", "table", (json_int_t)it->n,
	    "place", place_json(&place), "rows", (json_int_t)k->rows,
	    "raw", (json_int_t)k->raw, "digest", sum,
	    "enum0", (json_int_t)k->enum0);
	if (line == NULL)
		return err_set(e, ERR_NOMEM, 0, "list line");
	rc = k->opts.emit(k->opts.arg, line, e);
	json_decref(line);
	k->opts.totals->stored += k->packed.len;
	settle(k);
	return rc;
}

/* Room for n more bytes: flush, then grow for a row that is larger. */
static int
make_room(struct chunker *k, size_t n, struct err *e)
{
	char *data;

	if (flush(k, e) != 0)
		return -1;
	if (n <= k->cap)
		return 0;
	if (n > LARGE_ROW && !k->token) {
		(void)pthread_mutex_lock(k->opts.large_row);
		k->token = true;
	}
	data = realloc(k->data, n);
	if (data == NULL)
		return err_set(e, ERR_NOMEM, 0, "row of %zu bytes", n);
	k->data = data;
	k->cap = n;
	return 0;
}

/* The cut rule needs the mean row: known once the first buffer is full. */
static void
fix_cut(struct chunker *k)
{
	struct table_run *t = k->table;
	uint64_t mean;

	(void)pthread_mutex_lock(&t->lock);
	if (!t->cut_known) {
		mean = k->rows == 0 ? 1 : k->raw / k->rows;
		t->cut = 0;
		while ((uint64_t)CHUNK_AIM >> (t->cut + 1) >= mean &&
		    t->cut < 24)
			t->cut++;
		t->cut_known = true;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

/* After a row: does the chunk end here?  NULL: no; else why. */
static const char *
cut_here(struct chunker *k)
{
	const struct table_run *t = k->table;

	if (k->raw < CHUNK_MIN)
		return NULL;
	if (t->def.nkey == 0)
		return k->raw >= KEYLESS_MAX ? "size" : NULL;
	if (k->raw >= CHUNK_MAX)
		return "size";
	line_key(t, k->data + k->last, last_len(k), &k->key);
	if ((xxh3_64(buf_str(&k->key), k->key.len) &
	    (((uint64_t)1 << t->cut) - 1)) == 0)
		return "hash";
	return NULL;
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

/* MySQL JSON: the line as it will print after a reload, where it differs. */
static int
add_reload(struct chunker *k, char **row, const unsigned long *len,
    const struct rowsum *plain, struct err *e)
{
	struct table_run *t = k->table;
	struct rowsum sum = {0};
	size_t i, extra = t->def.ncolumns, need = 2;
	bool changed = false;
	char *p;

	for (i = 0; i < t->def.ncolumns + t->njson; i++) {
		changed |= i >= t->def.ncolumns && row[i] != NULL;
		need += 2 * len[i] + 3;
	}
	if (!changed) {
		rowsum_add(&k->digest_reload, plain);
		return 0;
	}
	buf_clear(&k->reload);
	if (buf_reserve(&k->reload, need) != 0)
		return buf_check(&k->reload, "row", e);
	p = k->reload.data;
	(void)pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->def.ncolumns; i++) {
		size_t from = i;

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
	rowsum_add_row(&sum, k->reload.data, (size_t)(p - k->reload.data));
	rowsum_add(&k->digest_reload, &sum);
	k->json_changed++;
	return 0;
}

static int
add_row(struct chunker *k, char **row, const unsigned long *len,
    struct err *e)
{
	const struct schema_table *def = &k->table->def;
	size_t need = 2, i, n;
	struct rowsum sum = {0};
	char *p;

	for (i = 0; i < def->ncolumns; i++)
		need += 2 * len[i] + 3;
	if (k->cap - k->len < need && make_room(k, need, e) != 0)
		return -1;
	k->last = k->len;
	p = k->data + k->len;
	for (i = 0; i < def->ncolumns; i++) {
		if (i > 0)
			*p++ = '\t';
		p = put_field(p, row[i], len[i]);
		if (def->columns[i].as == CONVERSION_NUMBER && len[i] == 1 &&
		    row[i] != NULL && row[i][0] == '0' &&
		    strcmp(def->columns[i].type, "enum") == 0)
			k->enum0++;
	}
	*p++ = '\n';
	n = (size_t)(p - (k->data + k->len));
	k->len += n;
	if (k->table->njson == 0) {
		rowsum_add_row(&k->digest, k->data + k->last, n);
	} else {
		rowsum_add_row(&sum, k->data + k->last, n);
		rowsum_add(&k->digest, &sum);
		if (add_reload(k, row, len, &sum, e) != 0)
			return -1;
	}
	if (k->rows == 0)
		line_key(k->table, k->data + k->last, n - 1, &k->first);
	k->rows++;
	k->raw += n;
	k->buffered++;
	return 0;
}

static int
read_rows(struct chunker *k, struct result *r, bool only,
    int (*ready)(void *, struct err *), void *ready_arg, struct err *e)
{
	unsigned long *len;
	const char *cut;
	char **row;
	bool told = ready == NULL;
	int got;

	while ((got = result_next(r, &row, &len, e)) == 1) {
		if (add_row(k, row, len, e) != 0)
			return -1;
		/* The first chunk has begun: the mean row is known. */
		if (k->open && !told) {
			fix_cut(k);
			told = true;
			if (ready(ready_arg, e) != 0)
				return -1;
		}
		if (k->open && !k->table->cut_known)
			fix_cut(k);
		cut = k->open ? cut_here(k) : NULL;
		if (cut != NULL && chunk_end(k, cut, e) != 0)
			return -1;
	}
	if (got != 0)
		return -1;
	if (!told) {
		fix_cut(k);
		if (ready(ready_arg, e) != 0)
			return -1;
	}
	if (!k->open && only && k->table->next_chunk == 0)
		return member(k, e);
	if (k->rows > 0)
		return chunk_end(k, only ? "end" : "range", e);
	return 0;
}

int
chunker_range(struct chunker *k, struct conn *c, struct table_run *t,
    const struct range *range, bool only, int (*ready)(void *, struct err *),
    void *ready_arg, struct err *e)
{
	struct buf sql = {0};
	struct result *r = NULL;
	int rc = -1;

	k->table = t;
	k->len = k->last = 0;
	k->rows = k->raw = k->enum0 = k->json_changed = k->buffered = 0;
	k->digest = k->digest_reload = (struct rowsum){0};
	select_sql(&t->def, range, &sql);
	if (buf_check(&sql, "SELECT", e) != 0)
		goto out;
	r = conn_query(c, buf_str(&sql), false, e);
	if (r == NULL)
		goto out;
	if (result_columns(r) != t->def.ncolumns + t->njson) {
		(void)err_set(e, ERR_CORRUPT, 0, "the server gave %u columns "
		    "for %zu", result_columns(r), t->def.ncolumns + t->njson);
		goto out;
	}
	rc = read_rows(k, r, only, ready, ready_arg, e);
	result_free(r);
	r = NULL;
	/* Promise 3: a warning of a query is an error. */
	if (rc == 0)
		rc = conn_check_warnings(c, NULL, e);
out:	result_free(r);
	object_abort(k->object);
	k->object = NULL;
	k->open = false;
	token_put(k);
	buf_free(&sql);
	return rc;
}

static json_t *
columns_json(const struct table_run *t)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; all != NULL && i < t->def.ncolumns; i++)
		(void)json_array_append_new(all, json_pack("{s:s, s:s}",
		    "name", t->def.columns[i].name, "as",
		    conversion_name(t->def.columns[i].as)));
	return all;
}

static json_t *
key_json(const struct table_run *t)
{
	json_t *key = json_array();
	size_t i;

	for (i = 0; key != NULL && i < t->def.nkey; i++)
		(void)json_array_append_new(key,
		    json_integer((json_int_t)t->def.key[i]));
	return key;
}

json_t *
table_run_line(const struct table_run *t)
{
	char sum[ROWSUM_HEX], reload[ROWSUM_HEX];

	rowsum_hex(&t->digest, sum);
	rowsum_hex(t->njson > 0 ? &t->digest_reload : &t->digest, reload);
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I,"
	    " s:I, s:s, s:s, s:I, s:I, s:b, s:s}", "kind", "table",
	    "n", (json_int_t)t->item->n, "schema", t->item->schema,
	    "name", t->item->name, "engine", t->item->type,
	    "ddl", place_json(&t->item->ddl), "columns", columns_json(t),
	    "key", key_json(t), "cut", (json_int_t)t->cut,
	    "rows", (json_int_t)t->rows, "raw", (json_int_t)t->raw,
	    "digest", sum, "digest_reload", reload,
	    "json_changed", (json_int_t)t->json_changed,
	    "chunks", (json_int_t)t->chunks,
	    "versioned", t->def.versioned,
	    "dumped", t->locked ? "locked" : "snapshot");
}

void
chunker_free(struct chunker *k)
{
	if (k == NULL)
		return;
	object_abort(k->object);
	token_put(k);
	frame_writer_free(k->frame);
	buf_free(&k->packed);
	buf_free(&k->key);
	buf_free(&k->first);
	buf_free(&k->newest);
	buf_free(&k->reload);
	free(k->data);
	free(k);
}
