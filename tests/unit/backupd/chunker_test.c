/* SPDX-License-Identifier: Apache-2.0 */
/* chunker_test: rows become chunks, cut where the rows say, all accounted. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/chunker.h"
#include "backupd/plan.h"
#include "backupd/table_run.h"
#include "catalog/bundle.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"
#include "tests/unit/http/peer.h"
#include "tests/unit/mysql/fake.h"

#define MIB ((size_t)1 << 20)

static struct buf answer;		/* rows of the next query */
static const char *names;		/* its columns */
static json_t *lines;			/* what was emitted */
static struct chunk_totals totals;
static struct bundle_writer *bundle;
static struct chunker *chunker;
static struct chunker_opts opts;
static pthread_mutex_t token = PTHREAD_MUTEX_INITIALIZER;
static struct table_run table;
static struct plan_item item;
static struct schema_column columns[3];
static size_t key[1];
static unsigned parts;			/* left to give */
static unsigned empty;			/* as many begin without rows */
static unsigned told;			/* that others may take some */

static int
give(const char *sql, struct buf *out_names, struct buf *rows, struct err *e)
{
	(void)sql;
	(void)e;
	buf_adds(out_names, names);
	if (empty > 0)
		empty--;
	else
		buf_add(rows, buf_str(&answer), answer.len);
	return 0;
}

static int
keep(void *arg, const json_t *line, struct err *e)
{
	(void)arg;
	(void)e;
	return json_array_append_new(lines, json_deep_copy(line));
}

static int
setup(void **state)
{
	static char id[] = "id", text[] = "t", e[] = "e", type[] = "int",
	    enum_type[] = "enum", schema[] = "s", name[] = "n",
	    engine[] = "InnoDB", primary[] = "PRIMARY";
	struct err why = {0};

	if (fixture_setup(state) != 0)
		return -1;
	columns[0] = (struct schema_column){ .name = id, .type = type };
	columns[1] = (struct schema_column){ .name = text, .type = type };
	columns[2] = (struct schema_column){ .name = e, .type = enum_type,
	    .as = CONVERSION_NUMBER };
	key[0] = 0;
	item = (struct plan_item){ .kind = SCHEMA_TABLE, .n = 7,
	    .schema = schema, .name = name, .type = engine };
	table = (struct table_run){ .item = &item, .def = { .schema = schema,
	    .name = name, .columns = columns, .ncolumns = 2, .key = key,
	    .nkey = 1, .key_name = primary } };
	totals = (struct chunk_totals){0};
	told = 0;
	names = "id,t";
	fake.query = give;
	lines = json_array();
	opts = (struct chunker_opts){ .store = fixture_store, .source = "a",
	    .id = ID, .level = 1, .large_row = &token, .totals = &totals,
	    .emit = keep };
	bundle = opts.bundle = bundle_writer_new(fixture_store, "a", ID,
	    &why);
	chunker = chunker_new(&opts, &why);
	return pthread_mutex_init(&table.lock, NULL) != 0 || lines == NULL ||
	    bundle == NULL || chunker == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	chunker_free(chunker);
	bundle_writer_free(bundle);
	json_decref(lines);
	buf_free(&answer);
	(void)pthread_mutex_destroy(&table.lock);
	fake_reset();
	return fixture_teardown(state);
}

static const struct range *
next(void *arg)
{
	static const struct range all;

	(void)arg;
	return parts-- > 0 ? &all : NULL;
}

static void
ready(void *arg)
{
	(void)arg;
	told++;
	/* others may take parts: the cut stands */
	assert_true(table.cut_known);
}

/* Read so many parts, each of the same answer. */
static int
reads(struct chunker *k, unsigned n, struct err *e)
{
	static const struct chunker_range range = { next, ready, NULL };

	parts = n;
	return chunker_read(k, NULL, &table, &range, e);
}

static void
run(bool only)
{
	struct err e = {0};

	table.shared = !only;
	fixture_ok(reads(chunker, 1, &e), &e);
}

static void
runs_not(enum err_code code, const char *why)
{
	struct err e = {0};

	fixture_failed(reads(chunker, 1, &e), &e, code, why);
	assert_int_equal(json_array_size(lines), 0);
}

static const json_t *
line(size_t i)
{
	assert_true(i < json_array_size(lines));
	return json_array_get(lines, i);
}

/* The rows of a chunk as they are stored. */
static void
stored_rows(const json_t *chunk, struct buf *out)
{
	char path[STORE_KEY_MAX], hex[SHA256_HEX];
	uint8_t sha[SHA256_SIZE];
	struct buf stored = {0};
	struct err e = {0};

	(void)snprintf(path, sizeof(path), "sources/a/%s", head_text(chunk,
	    "object"));
	fixture_ok(store_get(fixture_store, path, 64 * MIB, &stored, &e),
	    &e);
	assert_int_equal(stored.len, head_count(chunk, "size"));
	sha256_of(stored.data, stored.len, sha);
	hex_encode(sha, sizeof(sha), hex);
	assert_string_equal(hex, head_text(chunk, "stored_sha256"));
	assert_string_equal(hex, head_text(chunk, "frame_sha256"));
	buf_clear(out);
	fixture_ok(frame_decompress(stored.data, stored.len, out, &e), &e);
	buf_free(&stored);
}

/* Rows of about size bytes with keys from first on. */
static void
fill(unsigned first, unsigned n, size_t size)
{
	char *text = malloc(size + 1);
	unsigned i;

	memset(text, 'x', size);
	text[size] = '\0';
	for (i = 0; i < n; i++)
		buf_addf(&answer, "%u\t%s\n", first + i, text);
	free(text);
}

/* What the table's sums must be for these rows. */
static void
sums_are(const char *rows, uint64_t count)
{
	struct rowsum sum = {0};
	uint64_t n = 0;
	const char *end, *p;

	for (p = rows; *p != '\0'; p = end, n++) {
		end = strchr(p, '\n') + 1;
		rowsum_add_row(&sum, p, (size_t)(end - p));
	}
	assert_int_equal(n, count);
	assert_int_equal(table.rows, count);
	assert_int_equal(table.raw, strlen(rows));
	assert_true(rowsum_equal(&table.digest, &sum));
	assert_int_equal(totals.done.rows, count);
}

/* --- small ones --- */

static void
test_chunker_small_table_is_a_member(void **state)
{
	static const char rows[] = "1\ta\\tb\n2\t\\N\n3\t\n";
	struct place place = {0};
	struct buf out = {0};
	struct err e = {0};
	const json_t *p;

	(void)state;
	buf_adds(&answer, rows);
	run(true);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(head_text(line(0), "kind"), "member");
	assert_int_equal(head_count(line(0), "table"), 7);
	assert_int_equal(head_count(line(0), "rows"), 3);
	sums_are(rows, 3);
	assert_int_equal(table.chunks, 0);
	fixture_ok(bundle_writer_end(bundle, &e), &e);
	p = json_object_get(line(0), "place");
	(void)snprintf(place.bundle, sizeof(place.bundle), "%s",
	    head_text(p, "bundle"));
	place.offset = head_count(p, "offset");
	place.length = head_count(p, "length");
	memcpy(place.sha256, head_text(p, "sha256"), 65);
	fixture_ok(place_read(fixture_store, "a", &place, &out, &e), &e);
	assert_string_equal(buf_str(&out), rows);
	buf_free(&out);
}

static void
test_chunker_empty_table_is_no_line(void **state)
{
	(void)state;
	run(true);
	assert_int_equal(json_array_size(lines), 0);
	assert_int_equal(table.rows, 0);
}

/* One range of several is a chunk, however small. */
static void
test_chunker_small_range_is_a_chunk(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_adds(&answer, "5\ta\n9\tb\n");
	run(false);
	assert_string_equal(head_text(line(0), "kind"), "chunk");
	assert_string_equal(head_text(line(0), "cut"), "range");
	assert_string_equal(head_text(line(0), "object"), "data/" ID
	    "/00007-s.n/0.tsv.zst");
	assert_string_equal(head_text(line(0), "first_b64"), "NQ==");
	assert_string_equal(head_text(line(0), "last_b64"), "OQ==");
	stored_rows(line(0), &out);
	assert_string_equal(buf_str(&out), "5\ta\n9\tb\n");
	/* and the next range has the next number */
	run(false);
	assert_int_equal(head_count(line(1), "n"), 1);
	assert_int_equal(table.chunks, 2);
	buf_free(&out);
}

/* --- cuts --- */

static void
test_chunker_ends_with_the_table(void **state)
{
	struct buf out = {0};

	(void)state;
	fill(1, 3000, 1000);
	run(true);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(head_text(line(0), "cut"), "end");
	stored_rows(line(0), &out);
	assert_string_equal(buf_str(&out), buf_str(&answer));
	sums_are(buf_str(&answer), 3000);
	buf_free(&out);
}

/* FORMAT's cut rule, computed again from what is stored. */
static void
test_chunker_cuts_by_the_hash_of_the_key(void **state)
{
	struct buf whole = {0}, out = {0};
	const char *p, *end, *tab;
	uint64_t mask, raw;
	size_t i, n;
	bool cut;

	(void)state;
	fill(1000, 42000, 1000);
	run(true);
	n = json_array_size(lines);
	assert_in_range(n, 2, 5);
	/* floor(log2(20 MiB / 1006)) */
	assert_int_equal(table.cut, 14);
	mask = ((uint64_t)1 << table.cut) - 1;
	for (i = 0; i < n; i++) {
		stored_rows(line(i), &out);
		raw = 0;
		for (p = buf_str(&out); *p != '\0'; p = end) {
			end = strchr(p, '\n') + 1;
			tab = strchr(p, '\t');
			raw += (uint64_t)(end - p);
			cut = raw >= 8 * MIB && (raw >= 64 * MIB ||
			    (xxh3_64(p, (size_t)(tab - p)) & mask) == 0);
			if (*end != '\0')
				assert_false(cut);
			else
				assert_true(cut == (strcmp(head_text(line(i),
				    "cut"), "end") != 0));
		}
		assert_int_equal(raw, head_count(line(i), "raw"));
		buf_add(&whole, out.data, out.len);
	}
	assert_true(whole.len == answer.len && memcmp(whole.data, answer.data,
	    whole.len) == 0);
	sums_are(buf_str(&answer), 42000);
	buf_free(&whole);
	buf_free(&out);
}

static void
test_chunker_cuts_without_key_by_size(void **state)
{
	(void)state;
	table.def.nkey = 0;
	fill(1, 34, MIB);
	run(true);
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(head_text(line(0), "cut"), "size");
	assert_int_equal(head_count(line(0), "rows"), 32);
	assert_string_equal(head_text(line(0), "first_b64"), "");
	assert_string_equal(head_text(line(1), "cut"), "end");
	sums_are(buf_str(&answer), 34);
}

/* A row over 16 MiB takes the token, and gives it back. */
static void
test_chunker_large_row(void **state)
{
	(void)state;
	fill(1, 1, 17 * MIB);
	buf_adds(&answer, "2\tx\n");
	run(true);
	sums_are(buf_str(&answer), 2);
	assert_int_equal(pthread_mutex_trylock(&token), 0);
	assert_int_equal(pthread_mutex_unlock(&token), 0);
}

static void
test_chunker_says_once_that_others_may_take_parts(void **state)
{
	struct err e = {0};

	(void)state;
	/* after the first part at the latest */
	buf_adds(&answer, "1\tx\n");
	fixture_ok(reads(chunker, 3, &e), &e);
	assert_int_equal(told, 1);
	/* as soon as a chunk begins */
	told = 0;
	table.cut_known = false;
	fill(2, 5000, 1000);
	fixture_ok(reads(chunker, 1, &e), &e);
	assert_int_equal(told, 1);
}

/* A chunk goes on from one part to the next. */
static void
test_chunker_parts_are_one_chunk(void **state)
{
	struct buf out = {0}, twice = {0};
	struct err e = {0};

	(void)state;
	fill(1, 3000, 1000);
	buf_add(&twice, answer.data, answer.len);
	buf_add(&twice, answer.data, answer.len);
	fixture_ok(reads(chunker, 2, &e), &e);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(head_text(line(0), "cut"), "end");
	stored_rows(line(0), &out);
	assert_true(out.len == twice.len && memcmp(out.data, twice.data,
	    out.len) == 0);
	sums_are(buf_str(&twice), 6000);
	buf_free(&out);
	buf_free(&twice);
}

/* A part may be empty: the mean row is that of the first rows. */
static void
test_chunker_empty_part_fixes_no_cut(void **state)
{
	struct err e = {0};

	(void)state;
	empty = 2;
	fill(1, 3000, 1000);
	fixture_ok(reads(chunker, 3, &e), &e);
	assert_int_equal(table.cut, 14);
	assert_int_equal(told, 1);
}

static void
test_chunker_small_parts_are_a_member(void **state)
{
	struct err e = {0};

	(void)state;
	buf_adds(&answer, "1\tx\n");
	fixture_ok(reads(chunker, 3, &e), &e);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(head_text(line(0), "kind"), "member");
	assert_int_equal(head_count(line(0), "rows"), 3);
}

/* --- what a reload changes --- */

static void
test_chunker_counts_enums_of_index_0(void **state)
{
	(void)state;
	table.def.ncolumns = 3;
	names = "id,t,e";
	buf_adds(&answer, "1\t0\t0\n2\tx\t\\N\n3\tx\t00\n4\tx\t0\n");
	run(true);
	assert_int_equal(head_count(line(0), "enum0"), 2);
}

static void
test_chunker_digest_of_json_after_a_reload(void **state)
{
	static const char after[] = "1\t{\"a\": 1.0}\n2\t{}\n3\t\\N\n";
	struct rowsum sum = {0};
	uint64_t changed[2] = {0};
	const char *p, *end;
	json_t *json;

	(void)state;
	columns[1].as = CONVERSION_JSON;
	table.njson = 1;
	table.changed = changed;
	names = "id,t,reload";
	buf_adds(&answer, "1\t{\"a\": 1.00}\t{\"a\": 1.0}\n2\t{}\t\\N\n"
	    "3\t\\N\t\\N\n");
	run(true);
	for (p = after; *p != '\0'; p = end) {
		end = strchr(p, '\n') + 1;
		rowsum_add_row(&sum, p, (size_t)(end - p));
	}
	assert_true(rowsum_equal(&table.digest_reload, &sum));
	assert_false(rowsum_equal(&table.digest, &sum));
	assert_int_equal(table.json_changed, 1);
	assert_int_equal(changed[1], 1);
	json = table_run_line(&table);
	assert_int_equal(head_count(json, "json_changed"), 1);
	assert_string_not_equal(head_text(json, "digest"),
	    head_text(json, "digest_reload"));
	json_decref(json);
}

/* --- a store that answers late --- */

struct late {
	unsigned puts, hold;	/* no PUT is answered before so many */
	bool refuse;
};

static void
late(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct late *l = p->arg;

	(void)r;
	l->puts++;
	(void)pthread_cond_broadcast(&p->change);
	while (l->puts < l->hold && !p->stop)
		(void)pthread_cond_wait(&p->change, &p->lock);
	a->status = l->refuse ? 403 : 200;
}

/* Two ranges of a chunk each, into a store that behaves as *l says. */
static int
two_chunks(struct late *l, struct err *e)
{
	struct peer *p = peer_start(late, l);
	struct store_opts s3 = { .url = "s3://bucket", .region = "r" };
	struct chunker_opts o = opts;
	struct chunker *k;
	int i, rc;

	assert_non_null(p);
	s3.endpoint = p->url;
	o.store = store_open(&s3, e);
	if (o.store == NULL)
		fail_msg("%s", e->msg);
	k = chunker_new(&o, e);
	assert_non_null(k);
	buf_adds(&answer, "1\tx\n");
	table.shared = true;
	for (i = 0; i < 2; i++)
		fixture_ok(reads(k, 1, e), e);
	rc = chunker_settle(k, e);
	assert_int_equal(l->puts, 2);
	chunker_free(k);
	store_close(o.store);
	peer_stop(p);
	return rc;
}

static void
test_chunker_goes_on_while_chunks_are_under_way(void **state)
{
	struct late l = { .hold = 2 };
	struct err e = {0};

	(void)state;
	fixture_ok(two_chunks(&l, &e), &e);
}

static void
test_chunker_settle_tells_what_was_not_stored(void **state)
{
	struct late l = { .hold = 2, .refuse = true };
	struct err e = {0};

	(void)state;
	fixture_failed(two_chunks(&l, &e), &e, ERR_DENIED,
	    "s3://bucket/sources/a/data/" ID "/00007-s.n/0.tsv.zst: "
	    "S3 answered 403");
}

/* --- failures --- */

static void
test_chunker_wrong_number_of_columns(void **state)
{
	(void)state;
	names = "id";
	buf_adds(&answer, "1\n");
	runs_not(ERR_CORRUPT, "the server gave 1 columns for 2");
}

static void
test_chunker_warnings_are_errors(void **state)
{
	struct err e = {0};

	(void)state;
	buf_adds(&answer, "1\tx\n");
	fake.warning = "Truncated";
	fixture_failed(reads(chunker, 1, &e), &e, ERR_CORRUPT, "Truncated");
}

static int
lost(const char *sql, struct buf *out_names, struct buf *rows, struct err *e)
{
	(void)sql;
	(void)out_names;
	(void)rows;
	return err_set(e, ERR_AGAIN, 0, "Lost connection");
}

static void
test_chunker_lost_query(void **state)
{
	(void)state;
	fake.query = lost;
	runs_not(ERR_AGAIN, "Lost connection");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_chunker_small_table_is_a_member),
		IN_STORE(test_chunker_empty_table_is_no_line),
		IN_STORE(test_chunker_small_range_is_a_chunk),
		IN_STORE(test_chunker_ends_with_the_table),
		IN_STORE(test_chunker_cuts_by_the_hash_of_the_key),
		IN_STORE(test_chunker_cuts_without_key_by_size),
		IN_STORE(test_chunker_large_row),
		IN_STORE(test_chunker_says_once_that_others_may_take_parts),
		IN_STORE(test_chunker_parts_are_one_chunk),
		IN_STORE(test_chunker_empty_part_fixes_no_cut),
		IN_STORE(test_chunker_small_parts_are_a_member),
		IN_STORE(test_chunker_counts_enums_of_index_0),
		IN_STORE(test_chunker_digest_of_json_after_a_reload),
		IN_STORE(test_chunker_goes_on_while_chunks_are_under_way),
		IN_STORE(test_chunker_settle_tells_what_was_not_stored),
		IN_STORE(test_chunker_wrong_number_of_columns),
		IN_STORE(test_chunker_warnings_are_errors),
		IN_STORE(test_chunker_lost_query),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
