/* SPDX-License-Identifier: Apache-2.0 */
/* line_test: lines of a list are what they must be, or are refused by name. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/list.h"
#include "tests/unit/catalog/fixture.h"

#define PLACE	"{\"bundle\":\"data/" ID "/bundle/0.tar\",\"offset\":512," \
    "\"length\":99,\"sha256\":\"" SHA "\"}"
#define TABLE	"{\"kind\":\"table\",\"n\":42,\"schema\":\"shop\",\"name\":"  \
    "\"orders\",\"engine\":\"InnoDB\",\"ddl\":" PLACE ",\"columns\":[{"	      \
    "\"name\":\"id\",\"as\":\"plain\"},{\"name\":\"f\",\"as\":\"float\"},{"   \
    "\"name\":\"e\",\"as\":\"number\"},{\"name\":\"j\",\"as\":\"json\"},{"    \
    "\"name\":\"u\",\"as\":\"ascii\"}],\"rows\":3,\"raw\":100,\"chunks\":1,"  \
    "\"json_changed\":2,\"digest\":\"0000000000000001000000000000000f\","     \
    "\"digest_reload\":\"" SUM "\"}"
#define CHUNK	"{\"kind\":\"chunk\",\"table\":42,\"n\":7,\"object\":\"data/" \
    ID "/00042-a.b/7.tsv.zst\",\"size\":10,\"rows\":3,\"raw\":100,\"enum0\":" \
    "1,\"stored_sha256\":\"" SHA "\",\"frame_sha256\":\"" SHA "\",\"digest\":"\
    "\"" SUM "\",\"first_b64\":\"MQ==\",\"last_b64\":\"\"}"
#define MEMBER	"{\"kind\":\"member\",\"table\":42,\"place\":" PLACE	      \
    ",\"rows\":3,\"raw\":9,\"digest\":\"" SUM "\",\"enum0\":0}"
#define TRIGGER	"{\"kind\":\"trigger\",\"schema\":\"s\",\"name\":\"g\","      \
    "\"table\":\"t\",\"ddl\":" PLACE "}"

static json_t *
parsed(const char *text, struct line *l)
{
	json_t *json = fixture_json(text);
	struct err e = {0};

	fixture_ok(line_parse(json, l, &e), &e);
	return json;
}

/* text with from replaced by to. */
static void
refuses_with(const char *text, const char *from, const char *to,
    enum err_code code, const char *why)
{
	const char *at = strstr(text, from);
	struct err e = {0};
	struct buf b = {0};
	struct line l;
	json_t *json;

	assert_non_null(at);
	buf_add(&b, text, (size_t)(at - text));
	buf_adds(&b, to);
	buf_adds(&b, at + strlen(from));
	json = fixture_json(buf_str(&b));
	if (line_parse(json, &l, &e) == 0)
		fail_msg("taken: %s", buf_str(&b));
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	json_decref(json);
	buf_free(&b);
}

static void
refuses(const char *text, const char *from, const char *to,
    const char *member)
{
	char why[96];

	(void)snprintf(why, sizeof(why), "member '%s' is missing or not what "
	    "it must be", member);
	refuses_with(text, from, to, ERR_CORRUPT, why);
}

/* --- good ones --- */

static void
test_line_table(void **state)
{
	static const char *const names[] = { "id", "f", "e", "j", "u" };
	enum conversion as = CONVERSION_PLAIN;
	struct line l;
	json_t *json = parsed(TABLE, &l);
	size_t i;

	(void)state;
	assert_int_equal(l.kind, LINE_TABLE);
	assert_int_equal(l.n, 42);
	assert_string_equal(l.schema, "shop");
	assert_string_equal(l.name, "orders");
	assert_string_equal(l.engine, "InnoDB");
	assert_string_equal(l.type, "");
	assert_string_equal(l.place.bundle, "data/" ID "/bundle/0.tar");
	assert_int_equal(l.place.offset, 512);
	assert_int_equal(l.place.length, 99);
	assert_string_equal(l.place.sha256, SHA);
	assert_int_equal(l.rows, 3);
	assert_int_equal(l.raw, 100);
	assert_int_equal(l.chunks, 1);
	assert_int_equal(l.json_changed, 2);
	assert_int_equal(l.digest.high, 1);
	assert_int_equal(l.digest.low, 15);
	assert_true(l.has_digest_reload);
	assert_int_equal(line_columns(&l), 5);
	for (i = 0; i < 5; i++) {
		assert_string_equal(line_column(&l, i, &as), names[i]);
		assert_int_equal(as, i);
	}
	json_decref(json);
}

static void
test_line_chunk_and_member(void **state)
{
	struct line l;
	json_t *json = parsed(CHUNK, &l);

	(void)state;
	assert_int_equal(l.kind, LINE_CHUNK);
	assert_int_equal(l.table, 42);
	assert_int_equal(l.n, 7);
	assert_string_equal(l.object, "data/" ID "/00042-a.b/7.tsv.zst");
	assert_int_equal(l.size, 10);
	assert_int_equal(l.enum0, 1);
	assert_string_equal(l.first_b64, "MQ==");
	assert_string_equal(l.stored_sha256, SHA);
	json_decref(json);
	json = parsed(MEMBER, &l);
	assert_int_equal(l.kind, LINE_MEMBER);
	assert_int_equal(l.table, 42);
	assert_int_equal(l.place.length, 99);
	assert_int_equal(l.raw, 9);
	json_decref(json);
}

static void
test_line_objects(void **state)
{
	struct line l;
	json_t *json = parsed(TRIGGER, &l);

	(void)state;
	assert_int_equal(l.kind, LINE_TRIGGER);
	assert_string_equal(l.table_name, "t");
	json_decref(json);
	json = parsed("{\"kind\":\"routine\",\"schema\":\"s\",\"name\":\"p\","
	    "\"type\":\"PROCEDURE\",\"ddl\":" PLACE "}", &l);
	assert_string_equal(l.type, "PROCEDURE");
	json_decref(json);
	json = parsed("{\"kind\":\"sequence\",\"schema\":\"s\",\"name\":\"q\","
	    "\"ddl\":\"CREATE\"}", &l);
	assert_string_equal(l.ddl, "CREATE");
	json_decref(json);
	json = parsed("{\"kind\":\"grant\",\"name\":\"'a'@'b'\",\"ddl\":"
	    "\"GRANT\",\"new member\":[]}", &l);
	assert_int_equal(l.kind, LINE_GRANT);
	assert_string_equal(l.name, "'a'@'b'");
	assert_string_equal(l.ddl, "GRANT");
	json_decref(json);
}

static void
test_line_kind_names(void **state)
{
	enum line_kind k;
	struct line l;
	struct err e;
	json_t *json;

	(void)state;
	/* each name is parsed as its own kind */
	for (k = LINE_SCHEMA; k <= LINE_EVENT; k++) {
		e = (struct err){0};
		json = json_pack("{s:s}", "kind", line_kind_name(k));
		assert_int_equal(line_parse(json, &l, &e), -1);
		assert_int_equal(e.code, ERR_CORRUPT);
		assert_int_equal(l.kind, k);
		json_decref(json);
	}
}

/* --- bad ones --- */

static void
test_line_refuses_unknown_kinds_by_name(void **state)
{
	struct err e = {0};
	struct line l;
	json_t *json;

	(void)state;
	refuses_with(CHUNK, "\"chunk\"", "\"shard\"", ERR_USAGE, "unknown "
	    "kind of line 'shard': it needs a newer Kura");
	refuses(CHUNK, "\"chunk\"", "7", "kind");
	refuses(CHUNK, "\"kind\"", "\"kinds\"", "kind");
	refuses(CHUNK, "\"chunk\"", "\"0123456789abcdef0123456789abcdef0\"",
	    "kind");
	json = fixture_json("[]");
	assert_int_equal(line_parse(json, &l, &e), -1);
	assert_string_equal(e.msg, "member 'kind' is missing or not what it "
	    "must be");
	json_decref(json);
}

static void
test_line_refuses_unknown_conversions_by_name(void **state)
{
	(void)state;
	refuses_with(TABLE, "\"json\"", "\"bson\"", ERR_USAGE, "unknown "
	    "conversion 'bson': it needs a newer Kura");
	refuses_with(TABLE, "\"json\"", "\"\"", ERR_USAGE, "unknown "
	    "conversion '': it needs a newer Kura");
	refuses_with(TABLE, "\"json\"", "\"JSON\"", ERR_USAGE, "unknown "
	    "conversion 'JSON': it needs a newer Kura");
	refuses(TABLE, "\"json\"", "1", "as");
	refuses(TABLE, "{\"name\":\"id\",", "{", "name");
	refuses(TABLE, "[{\"name\"", "[[],{\"name\"", "name");
	refuses(TABLE, "\"columns\":[", "\"columns\":7,\"x\":[", "columns");
	refuses(TABLE, "\"columns\"", "\"column\"", "columns");
}

static void
test_line_refuses_too_many_columns(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	buf_adds(&b, "\"columns\":[");
	for (i = 0; i < 4096; i++)
		buf_adds(&b, "{\"name\":\"a\",\"as\":\"plain\"},");
	refuses(TABLE, "\"columns\":[", buf_str(&b), "columns");
	buf_free(&b);
}

static void
test_line_refuses_wrong_counts(void **state)
{
	static const char *const counts[] = { "n", "rows", "raw", "chunks",
		"json_changed" };
	char from[32], to[48];
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		(void)snprintf(from, sizeof(from), "\"%s\":", counts[i]);
		(void)snprintf(to, sizeof(to), "\"%s\":-", counts[i]);
		refuses(TABLE, from, to, counts[i]);
		(void)snprintf(to, sizeof(to), "\"%s\":\"1\",\"_\":",
		    counts[i]);
		refuses(TABLE, from, to, counts[i]);
		(void)snprintf(to, sizeof(to), "\"%s\":1.5,\"_\":", counts[i]);
		refuses(TABLE, from, to, counts[i]);
		(void)snprintf(to, sizeof(to), "\"_%s\":", counts[i]);
		refuses(TABLE, from, to, counts[i]);
	}
	refuses(TABLE, "\"n\":42", "\"n\":4294967296", "n");
	refuses(TABLE, "\"chunks\":1", "\"chunks\":4294967296", "chunks");
	refuses(CHUNK, "\"table\":42", "\"table\":4294967296", "table");
	refuses(CHUNK, "\"n\":7", "\"n\":4294967296", "n");
	refuses(CHUNK, "\"size\":10", "\"size\":-1", "size");
	refuses(CHUNK, "\"enum0\":1", "\"enum0\":null", "enum0");
	refuses(MEMBER, "\"table\":42", "\"table\":true", "table");
}

static void
test_line_refuses_keys_that_lead_elsewhere(void **state)
{
	static const char *const keys[] = { "", "/etc/passwd", "data/",
		"data/" ID, "data/" ID "/", "data/../heads/x",
		"data/" ID "/../x", "data/" ID "/..", "data/" ID "//x",
		"heads/" ID ".json", "data/20261122T181500Z-7c1g/x",
		"xdata/" ID "/x" };
	char to[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		(void)snprintf(to, sizeof(to), "\"object\":\"%s\",\"_\":",
		    keys[i]);
		refuses(CHUNK, "\"object\":", to, "object");
		(void)snprintf(to, sizeof(to), "\"bundle\":\"%s\",\"_\":",
		    keys[i]);
		refuses(TABLE, "\"bundle\":", to, "ddl");
		refuses(MEMBER, "\"bundle\":", to, "place");
		refuses(TRIGGER, "\"bundle\":", to, "ddl");
	}
	refuses(CHUNK, "\"object\":", "\"object\":7,\"_\":", "object");
}

static void
test_line_refuses_wrong_places(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	refuses(TABLE, "\"ddl\":", "\"ddl\":\"CREATE\",\"_\":", "ddl");
	refuses(TABLE, "\"ddl\":", "\"_\":", "ddl");
	refuses(TABLE, "\"offset\":512", "\"offset\":-1", "offset");
	refuses(TABLE, "\"offset\":512", "\"offset\":4294967297", "offset");
	refuses(TABLE, "\"length\":99", "\"length\":2147483649", "length");
	refuses(TABLE, "\"length\":99", "\"length\":\"99\"", "length");
	refuses(TABLE, "\"sha256\":\"e", "\"sha256\":\"", "sha256");
	refuses(TABLE, "\"sha256\":\"e", "\"sha256\":\"g", "sha256");
	/* a key that would not fit its place */
	buf_adds(&b, "\"bundle\":\"data/" ID "/");
	for (i = 0; i < 101; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\",\"_\":");
	refuses(TABLE, "\"bundle\":", buf_str(&b), "bundle");
	buf_free(&b);
}

static void
test_line_refuses_wrong_digests(void **state)
{
	(void)state;
	refuses(TABLE, "\"digest\":\"0", "\"digest\":\"", "digest");
	refuses(TABLE, "\"digest\":\"0", "\"digest\":\"x", "digest");
	refuses(TABLE, "\"digest\":\"", "\"digest\":7,\"_\":\"", "digest");
	refuses(TABLE, "\"digest_reload\"", "\"reload\"", "digest_reload");
	refuses(CHUNK, "\"stored_sha256\":\"e", "\"stored_sha256\":\"",
	    "stored_sha256");
	refuses(CHUNK, "\"frame_sha256\":\"e", "\"frame_sha256\":\"ee",
	    "frame_sha256");
	refuses(MEMBER, "\"digest\":\"0", "\"digest\":\"00", "digest");
}

static void
test_line_refuses_what_is_no_base64(void **state)
{
	static const char *const texts[] = { "M", "MQ", "MQ=", "====", "M===",
		"MQ==MQ==", "M Q=", "M-Q=", "MQ\\n=" };
	char to[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)snprintf(to, sizeof(to), "\"first_b64\":\"%s\"",
		    texts[i]);
		refuses(CHUNK, "\"first_b64\":\"MQ==\"", to, "first_b64 or "
		    "last_b64");
	}
	refuses(CHUNK, "\"last_b64\":\"\"", "\"last_b64\":\"x\"",
	    "first_b64 or last_b64");
	refuses(CHUNK, "\"last_b64\":\"\"", "\"last_b64\":null", "last_b64");
}

static void
test_line_refuses_wrong_names(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	refuses(TABLE, "\"schema\":\"shop\"", "\"schema\":null", "schema");
	refuses(TABLE, "\"engine\":\"InnoDB\"", "\"engine\":7", "engine");
	refuses(TRIGGER, "\"table\":\"t\"", "\"_\":0", "table");
	refuses("{\"kind\":\"routine\",\"schema\":\"s\",\"name\":\"p\",\"type"
	    "\":\"x\",\"ddl\":" PLACE "}", "\"type\"", "\"_\"", "type");
	/* 64 letters of four bytes are the longest */
	buf_adds(&b, "\"name\":\"");
	for (i = 0; i < 257; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\",\"_\":");
	refuses(TRIGGER, "\"name\":", buf_str(&b), "name");
	buf_free(&b);
}

/* An empty definition would be no definition to anybody. */
static void
test_line_refuses_empty_definitions(void **state)
{
	(void)state;
	refuses("{\"kind\":\"account\",\"name\":\"'a'@'b'\",\"ddl\":\"x\"}",
	    "\"x\"", "\"\"", "ddl");
	refuses("{\"kind\":\"schema\",\"name\":\"a\",\"ddl\":\"x\"}", "\"x\"",
	    "\"\"", "ddl");
	refuses("{\"kind\":\"grant\",\"name\":\"a\",\"ddl\":\"x\"}", "\"x\"",
	    "null", "ddl");
	refuses("{\"kind\":\"sequence\",\"schema\":\"s\",\"name\":\"a\","
	    "\"ddl\":\"x\"}", "\"x\"", "\"\"", "ddl");
}

static void
test_line_place_json_round_trip(void **state)
{
	struct place p = { .offset = UINT64_C(4294967296), .length = 7 };
	json_t *json;
	char *text;

	(void)state;
	(void)snprintf(p.bundle, sizeof(p.bundle), "data/" ID "/bundle/0.tar");
	memcpy(p.sha256, SHA, sizeof(p.sha256));
	json = place_json(&p);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, "{\"bundle\":\"data/" ID "/bundle/0.tar\","
	    "\"offset\":4294967296,\"length\":7,\"sha256\":\"" SHA "\"}");
	free(text);
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_table),
		cmocka_unit_test(test_line_chunk_and_member),
		cmocka_unit_test(test_line_objects),
		cmocka_unit_test(test_line_kind_names),
		cmocka_unit_test(test_line_refuses_unknown_kinds_by_name),
		cmocka_unit_test(test_line_refuses_unknown_conversions_by_name),
		cmocka_unit_test(test_line_refuses_too_many_columns),
		cmocka_unit_test(test_line_refuses_wrong_counts),
		cmocka_unit_test(test_line_refuses_keys_that_lead_elsewhere),
		cmocka_unit_test(test_line_refuses_wrong_places),
		cmocka_unit_test(test_line_refuses_wrong_digests),
		cmocka_unit_test(test_line_refuses_what_is_no_base64),
		cmocka_unit_test(test_line_refuses_wrong_names),
		cmocka_unit_test(test_line_refuses_empty_definitions),
		cmocka_unit_test(test_line_place_json_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
