/* SPDX-License-Identifier: Apache-2.0 */
/* chunker: rows of one range become chunks (or a member of the bundle). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/cut.h"
#include "backupd/plan.h"
#include "backupd/row.h"
#include "backupd/select.h"
#include "backupd/table_run.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "codec/frame.h"
#include "mysql/connect.h"
#include "store/store.h"

#include "backupd/chunker.h"

#define FIRST_BUFFER	((size_t)1 << 20)	/* small tables end in it */
#define LARGE_ROW	((size_t)16 << 20)
/* Chunks whose last bytes are on their way to the store while the next one is
 * filled: enough for a store that takes a while to answer each. */
#define SEALED_MAX	4

struct chunker {
	struct chunker_opts opts;
	struct frame_writer *frame;
	char *data;			/* encoded lines not yet compressed */
	size_t len, cap;
	size_t last;			/* where the newest line begins */
	bool token;			/* we hold opts.large_row */
	struct buf packed, key, first, newest, reload;
	struct object *sealed[SEALED_MAX];	/* not yet known to be stored */
	size_t nsealed;

	/* The range at hand. */
	struct table_run *table;
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
	table_run_key(k->table, k->data + k->last, last_len(k), &k->newest);
	if (frame_write(k->frame, k->data, k->len, e) != 0)
		return -1;
	k->len = k->last = 0;
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

/* Wait until no more than n sealed chunks are left, the oldest first. */
static int
commit_to(struct chunker *k, size_t n, struct err *e)
{
	struct object *o;

	while (k->nsealed > n) {
		o = k->sealed[0];
		k->nsealed--;
		memmove(k->sealed, k->sealed + 1, k->nsealed *
		    sizeof(k->sealed[0]));
		if (object_commit(o, NULL, e) != 0)
			return -1;
	}
	return 0;
}

static int
chunk_end(struct chunker *k, const char *cut, struct err *e)
{
	char hex[SHA256_HEX], sum[ROWSUM_HEX];
	uint8_t sha[SHA256_SIZE];
	uint64_t size;
	json_t *line;
	int rc;

	if (flush(k, e) != 0 || frame_writer_end(k->frame, e) != 0 ||
	    object_seal(k->object, sha, e) != 0 ||
	    commit_to(k, SEALED_MAX - 1, e) != 0)
		return -1;
	size = object_size(k->object);
	k->sealed[k->nsealed++] = k->object;
	k->object = NULL;
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

	(void)pthread_mutex_lock(&t->lock);
	if (!t->cut_known) {
		t->cut = cut_bits(k->rows == 0 ? 1 : k->raw / k->rows);
		t->cut_known = true;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

/* After a row: does the chunk end here?  NULL: no; else why. */
static const char *
cut_now(struct chunker *k)
{
	const struct table_run *t = k->table;

	if (k->opts.chunk_bytes > 0)
		return k->raw >= k->opts.chunk_bytes ? "size" : NULL;
	if (k->raw < CUT_MIN)
		return NULL;
	if (t->def.nkey == 0)
		return cut_here(k->raw, 0, NULL);
	table_run_key(t, k->data + k->last, last_len(k), &k->key);
	return cut_here(k->raw, t->cut, &k->key);
}

/* MySQL JSON: the line as it will print after a reload, where it differs. */
static int
add_reload(struct chunker *k, char **row, const unsigned long *len,
    const struct rowsum *plain, struct err *e)
{
	struct rowsum sum = {0};
	int differs = row_reload(k->table, row, len, &k->reload, e);

	if (differs < 0)
		return -1;
	if (differs)
		rowsum_add_row(&sum, k->reload.data, k->reload.len);
	rowsum_add(&k->digest_reload, differs ? &sum : plain);
	k->json_changed += (uint64_t)differs;
	return 0;
}

static int
add_row(struct chunker *k, char **row, const unsigned long *len,
    struct err *e)
{
	const struct schema_table *def = &k->table->def;
	size_t need = row_room(len, def->ncolumns), i, n;
	struct rowsum sum = {0};

	if (k->cap - k->len < need && make_room(k, need, e) != 0)
		return -1;
	for (i = 0; i < def->ncolumns; i++)
		if (def->columns[i].as == CONVERSION_NUMBER && len[i] == 1 &&
		    row[i] != NULL && row[i][0] == '0' &&
		    strcmp(def->columns[i].type, "enum") == 0)
			k->enum0++;
	k->last = k->len;
	n = row_put(k->data + k->len, row, len, def->ncolumns);
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
		table_run_key(k->table, k->data + k->last, n - 1, &k->first);
	k->rows++;
	k->raw += n;
	return 0;
}

/* The first worker of a table says when others may take parts. */
static void
tell(struct chunker *k, const struct chunker_range *range, bool *told)
{
	if (!*told) {
		fix_cut(k);
		*told = true;
		range->ready(range->arg);
	}
}

static int
read_rows(struct chunker *k, struct result *r,
    const struct chunker_range *range, bool *told, struct err *e)
{
	unsigned long *len;
	const char *cut;
	char **row;
	int got;

	while ((got = result_next(r, &row, &len, e)) == 1) {
		if (add_row(k, row, len, e) != 0)
			return -1;
		if (!k->open && k->opts.chunk_bytes == 0)
			continue;
		/* The first chunk has begun: the mean row is known. */
		tell(k, range, told);
		if (!k->table->cut_known)
			fix_cut(k);
		cut = cut_now(k);
		if (cut != NULL && chunk_end(k, cut, e) != 0)
			return -1;
	}
	return got;
}

static int
read_part(struct chunker *k, struct conn *c, const struct range *part,
    const struct chunker_range *range, bool *told, struct err *e)
{
	const struct table_run *t = k->table;
	struct buf sql = {0};
	struct result *r = NULL;
	int rc = -1;

	select_sql(&t->def, part, &sql);
	if (buf_check(&sql, "SELECT", e) == 0)
		r = conn_query(c, buf_str(&sql), false, e);
	buf_free(&sql);
	if (r == NULL)
		return -1;
	if (result_columns(r) == t->def.ncolumns + t->njson)
		rc = read_rows(k, r, range, told, e);
	else
		(void)err_set(e, ERR_CORRUPT, 0, "the server gave %u columns "
		    "for %zu", result_columns(r), t->def.ncolumns + t->njson);
	result_free(r);
	/* Promise 3: a warning of a query is an error. */
	return rc != 0 ? -1 : conn_check_warnings(c, NULL, e);
}

/* What is left when all parts are read. */
static int
read_end(struct chunker *k, struct err *e)
{
	const struct table_run *t = k->table;

	fix_cut(k);
	if (!k->open && !t->shared && t->next_chunk == 0)
		return member(k, e);
	return k->rows == 0 ? 0 : chunk_end(k, t->shared ? "range" : "end", e);
}

int
chunker_read(struct chunker *k, struct conn *c, struct table_run *t,
    const struct chunker_range *range, struct err *e)
{
	bool told = range->ready == NULL;
	const struct range *part;
	int rc = 0;

	k->table = t;
	k->len = k->last = 0;
	k->rows = k->raw = k->enum0 = k->json_changed = 0;
	k->digest = k->digest_reload = (struct rowsum){0};
	while (rc == 0 && (part = range->next(range->arg)) != NULL) {
		rc = read_part(k, c, part, range, &told, e);
		/* Without a row there is no mean row. */
		if (rc == 0 && k->rows > 0)
			tell(k, range, &told);
	}
	if (rc == 0)
		rc = read_end(k, e);
	object_abort(k->object);
	k->object = NULL;
	k->open = false;
	token_put(k);
	return rc;
}

int
chunker_settle(struct chunker *k, struct err *e)
{
	return commit_to(k, 0, e);
}

void
chunker_free(struct chunker *k)
{
	if (k == NULL)
		return;
	object_abort(k->object);
	while (k->nsealed > 0)
		object_abort(k->sealed[--k->nsealed]);
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
