/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: a small whole backup a/ID in the fixture's store, with sums that are
 * right: tables a.big (two chunks), a.small (a member), a.none (no rows), a
 * procedure, a trigger, a schema, an account and its grant.
 */
#ifndef TESTS_CATALOG_MADE_H
#define TESTS_CATALOG_MADE_H

#include "catalog/bundle.h"
#include "catalog/list.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"

#define MADE_BUNDLE	"data/" ID "/bundle/0.tar"
#define MADE_LIST	"data/" ID "/lists/0.ndjson.zst"
#define MADE_CHUNK(n)	"data/" ID "/00001-a.big/" #n ".tsv.zst"
#define MADE_KEY(x)	"sources/a/" x

/* What goes into it; tests change it before made_write. */
struct made {
	const char *chunks[2];		/* rows of a.big */
	const char *small;		/* rows of a.small */
	const char *big_ddl;
	/* Each line may be changed, or left out (returns false). */
	bool (*change)(json_t *line);
	struct head head;
};

#define MADE_INIT { .chunks = { "1\tx\n2\t\\N\n", "3\t\\t\\\\\n" },	\
    .small = "7\n", .big_ddl = "CREATE TABLE `big` (`id` int NOT NULL, `t` "  \
    "text, PRIMARY KEY (`id`), KEY `k` (`t`(9))) ENGINE=InnoDB" }

static inline struct rowsum
made_sum(const char *rows, uint64_t *count)
{
	struct rowsum sum = {0};
	const char *end;

	for (*count = 0; *rows != '\0'; rows = end, (*count)++) {
		end = strchr(rows, '\n') + 1;
		rowsum_add_row(&sum, rows, (size_t)(end - rows));
	}
	return sum;
}

static inline void
made_line(const struct made *m, struct list_writer *w, json_t *line)
{
	struct err e = {0};

	assert_non_null(line);
	if (m->change == NULL || m->change(line))
		fixture_ok(list_add(w, line, &e), &e);
	json_decref(line);
}

static inline struct place
made_place(struct bundle_writer *b, const char *name, const char *text)
{
	struct buf packed = {0};
	struct place place;
	struct err e = {0};

	fixture_ok(frame_compress(text, strlen(text), 1, &packed, &e), &e);
	fixture_ok(bundle_add(b, name, packed.data, packed.len, &place, &e),
	    &e);
	buf_free(&packed);
	return place;
}

static inline void
made_chunk(const struct made *m, struct list_writer *w, int n)
{
	char object[128], key[160], hex[SHA256_HEX], sum[ROWSUM_HEX];
	struct buf packed = {0};
	uint8_t sha[SHA256_SIZE];
	struct rowsum digest;
	struct err e = {0};
	uint64_t rows;

	(void)snprintf(object, sizeof(object), "data/" ID
	    "/00001-a.big/%d.tsv.zst", n);
	(void)snprintf(key, sizeof(key), "sources/a/%s", object);
	fixture_ok(frame_compress(m->chunks[n], strlen(m->chunks[n]), 1,
	    &packed, &e), &e);
	fixture_put(key, packed.data, packed.len);
	sha256_of(packed.data, packed.len, sha);
	hex_encode(sha, sizeof(sha), hex);
	digest = made_sum(m->chunks[n], &rows);
	rowsum_hex(&digest, sum);
	made_line(m, w, json_pack("{s:s, s:i, s:i, s:s, s:I, s:I, s:I, s:i, "
	    "s:s, s:s, s:s, s:s, s:s}", "kind", "chunk", "table", 1, "n", n,
	    "object", object, "size", (json_int_t)packed.len, "rows",
	    (json_int_t)rows, "raw", (json_int_t)strlen(m->chunks[n]),
	    "enum0", 0, "stored_sha256", hex, "frame_sha256", hex, "digest",
	    sum, "first_b64", "MQ==", "last_b64", "Mg=="));
	buf_free(&packed);
}

static inline void
made_table(const struct made *m, struct list_writer *w, int n,
    const char *name, json_t *columns, const struct place *ddl,
    const struct rowsum *digest, uint64_t rows, size_t raw, int chunks)
{
	char sum[ROWSUM_HEX];

	rowsum_hex(digest, sum);
	made_line(m, w, json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:I, "
	    "s:I, s:i, s:i, s:s, s:s}", "kind", "table", "n", n, "schema",
	    "a", "name", name, "engine", "InnoDB", "ddl", place_json(ddl),
	    "columns", columns, "rows", (json_int_t)rows, "raw",
	    (json_int_t)raw, "chunks", chunks, "json_changed", 0, "digest",
	    sum, "digest_reload", sum));
}

static inline void
made_tables(const struct made *m, struct list_writer *w,
    struct bundle_writer *b)
{
	struct place big = made_place(b, "00001.sql.zst", m->big_ddl);
	struct place small = made_place(b, "00002.sql.zst",
	    "CREATE TABLE `small` (`id` int) ENGINE=InnoDB");
	struct place none = made_place(b, "00003.sql.zst",
	    "CREATE TABLE `none` (`id` int) ENGINE=InnoDB");
	struct place rows = made_place(b, "00002.tsv.zst", m->small);
	struct rowsum zero = {0}, sum, more;
	uint64_t count, others;
	char hex[ROWSUM_HEX];

	made_chunk(m, w, 1);
	made_chunk(m, w, 0);
	sum = made_sum(m->chunks[0], &count);
	more = made_sum(m->chunks[1], &others);
	rowsum_add(&sum, &more);
	made_table(m, w, 1, "big", json_pack("[{s:s, s:s}, {s:s, s:s}]",
	    "name", "id", "as", "plain", "name", "t", "as", "plain"), &big,
	    &sum, count + others, strlen(m->chunks[0]) + strlen(m->chunks[1]),
	    2);
	sum = made_sum(m->small, &count);
	rowsum_hex(&sum, hex);
	made_line(m, w, json_pack("{s:s, s:i, s:o, s:I, s:I, s:i, s:s}",
	    "kind", "member", "table", 2, "place", place_json(&rows), "rows",
	    (json_int_t)count, "raw", (json_int_t)strlen(m->small), "enum0",
	    0, "digest", hex));
	made_table(m, w, 2, "small", json_pack("[{s:s, s:s}]", "name", "id",
	    "as", "number"), &small, &sum, count, strlen(m->small), 0);
	made_table(m, w, 3, "none", json_pack("[{s:s, s:s}]", "name", "id",
	    "as", "plain"), &none, &zero, 0, 0, 0);
}

static inline void
made_objects(const struct made *m, struct list_writer *w,
    struct bundle_writer *b)
{
	struct place p = made_place(b, "p.sql.zst", "CREATE PROCEDURE `p`() "
	    "SELECT 1 FROM a.big");
	struct place t = made_place(b, "t.sql.zst", "CREATE TRIGGER `t` "
	    "BEFORE INSERT ON `big` FOR EACH ROW SET @x = 1");

	made_line(m, w, json_pack("{s:s, s:s, s:s}", "kind", "schema", "name",
	    "a", "ddl", "CREATE DATABASE `a` DEFAULT CHARACTER SET utf8mb4"));
	made_line(m, w, json_pack("{s:s, s:s, s:s}", "kind", "account", "name",
	    "'u'@'%'", "ddl", "CREATE USER 'u'@'%'"));
	made_line(m, w, json_pack("{s:s, s:s, s:s}", "kind", "grant", "name",
	    "'u'@'%'", "ddl", "GRANT SELECT ON `a`.* TO 'u'@'%'"));
	made_line(m, w, json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s}}",
	    "kind", "routine", "schema", "a", "name", "p", "type",
	    "PROCEDURE", "ddl", place_json(&p), "context", "sql_mode",
	    "ANSI"));
	made_line(m, w, json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:i}}",
	    "kind", "trigger", "schema", "a", "name", "t", "table", "big",
	    "ddl", place_json(&t), "context", "order", 1));
}

/* Write all but the head, and fill m->head; head_free it. */
static inline void
made_write(struct made *m)
{
	struct err e = {0};
	struct list_writer *w;
	struct bundle_writer *b;

	fixture_head(&m->head, "a", ID);
	w = list_writer_new(fixture_store, "a", ID, 1, &e);
	b = bundle_writer_new(fixture_store, "a", ID, &e);
	assert_non_null(w);
	assert_non_null(b);
	made_objects(m, w, b);
	made_tables(m, w, b);
	fixture_ok(bundle_writer_end(b, &e), &e);
	fixture_ok(list_writer_end(w, &m->head, &e), &e);
	bundle_writer_free(b);
	list_writer_free(w);
	fixture_set(&m->head.totals, "{\"tables\":3,\"rows\":4}");
}

#endif /* !TESTS_CATALOG_MADE_H */
