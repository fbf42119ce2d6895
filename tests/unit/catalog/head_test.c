/* SPDX-License-Identifier: Apache-2.0 */
/* head_test: a head comes back as it was written, or not at all. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/catalog/fixture.h"

static void
write_head(const struct head *h, struct buf *out)
{
	struct err e = {0};

	fixture_ok(head_write(h, out, &e), &e);
}

/* --- names --- */

static void
test_head_source_names(void **state)
{
	char long_name[65];

	(void)state;
	assert_true(source_name_valid("orders"));
	assert_true(source_name_valid("0-a_b.c"));
	assert_false(source_name_valid(""));
	assert_false(source_name_valid(".a"));
	assert_false(source_name_valid("-a"));
	assert_false(source_name_valid("a..b"));
	assert_false(source_name_valid("a/b"));
	assert_false(source_name_valid("A"));
	assert_false(source_name_valid("a b"));
	assert_false(source_name_valid("\xc3\xa4"));
	memset(long_name, 'a', sizeof(long_name));
	long_name[63] = '\0';
	assert_true(source_name_valid(long_name));
	long_name[63] = 'a';
	long_name[64] = '\0';
	assert_false(source_name_valid(long_name));
}

static void
test_head_backup_ids(void **state)
{
	char id[BACKUP_ID_LEN + 1];

	(void)state;
	assert_true(backup_id_valid(ID));
	assert_false(backup_id_valid(""));
	assert_false(backup_id_valid("20261122T181500Z-7c1"));
	assert_false(backup_id_valid("20261122T181500Z-7c1ef"));
	assert_false(backup_id_valid("20261122T181500Z-7C1E"));
	assert_false(backup_id_valid("20261122t181500Z-7c1e"));
	assert_false(backup_id_valid("2026112/T181500Z-7c1e"));
	memset(id, 'z', sizeof(id));
	backup_id_make(id);
	assert_true(backup_id_valid(id));
}

/* --- round trip --- */

static void
test_head_round_trip(void **state)
{
	static struct head_list lists[] = {
		{ "data/" ID "/lists/0.ndjson.zst", 12345, SHA },
		{ "data/" ID "/lists/1.ndjson.zst", 0, SHA },
	};
	struct buf one = {0}, two = {0};
	struct head h, back;
	struct err e = {0};

	(void)state;
	fixture_head(&h, "orders", ID);
	(void)snprintf(h.lineage, sizeof(h.lineage), "%s", LATER);
	fixture_set(&h.partial, "{\"include\":[\"a.*\"]}");
	fixture_set(&h.server, "{\"host\":\"\\u0001\\u00e4\\ud83d\\ude00\"}");
	h.lists = lists;
	h.nlists = 2;
	write_head(&h, &one);
	fixture_ok(head_parse(one.data, one.len, &back, &e), &e);
	assert_string_equal(back.id, ID);
	assert_string_equal(back.lineage, LATER);
	assert_string_equal(back.source, "orders");
	assert_string_equal(back.tool, "backupd 1");
	assert_string_equal(head_text(back.server, "host"),
	    "\x01\xc3\xa4\xf0\x9f\x98\x80");
	assert_true(back.started_us == INT64_C(1795371300123456));
	assert_true(back.finished_us == INT64_C(1795371301000000));
	assert_int_equal(back.nlists, 2);
	assert_string_equal(back.lists[0].key, lists[0].key);
	assert_int_equal(back.lists[0].size, 12345);
	assert_string_equal(back.lists[1].sha256, SHA);
	/* and once more: every byte */
	write_head(&back, &two);
	assert_string_equal(buf_str(&two), buf_str(&one));
	head_free(&back);
	h.lists = NULL;
	h.nlists = 0;
	head_free(&h);
	buf_free(&one);
	buf_free(&two);
}

static void
test_head_members_stand_in_order(void **state)
{
	static const char want[] = "{\"format\":1,\"id\":\"" ID "\",\"source\":"
	    "\"a\",\"tool\":\"backupd 1\",\"server\":{\"flavour\":\"mysql\","
	    "\"server_id\":7},\"snapshot\":{\"proven\":true},\"coordinates\":"
	    "{},\"settings\":{},\"partial\":null,\"totals\":{\"tables\":0,"
	    "\"rows\":0},\"inexact\":[],\"lists\":[],\"lenders\":[],"
	    "\"lineage\":\"" ID "\",\"codec\":{\"level\":1,\"encryption\":"
	    "null},\"started\":\"2026-11-22T18:15:00.123456Z\",\"finished\":"
	    "\"2026-11-22T18:15:01.000000Z\",\"sig\":null";
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct buf text = {0};
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	write_head(&h, &text);
	assert_memory_equal(buf_str(&text), want, sizeof(want) - 1);
	sha256_of(want, sizeof(want) - 1, digest);
	hex_encode(digest, sizeof(digest), hex);
	assert_int_equal(text.len, sizeof(want) - 1 + 8 + 64 + 3);
	assert_memory_equal(text.data + sizeof(want) - 1, ",\"sum\":\"", 8);
	assert_memory_equal(text.data + sizeof(want) + 7, hex, 64);
	assert_string_equal(text.data + sizeof(want) + 71, "\"}\n");
	buf_free(&text);
	head_free(&h);
}

static void
test_head_write_refuses_over_1_mib(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	struct head h;
	char *long_text = calloc(1, HEAD_MAX + 1);

	(void)state;
	fixture_head(&h, "a", ID);
	memset(long_text, 'x', HEAD_MAX);
	(void)json_object_set_new(h.server, "x", json_string(long_text));
	fixture_failed(head_write(&h, &text, &e), &e, ERR_IO, "head of over "
	    "1 MiB");
	free(long_text);
	buf_free(&text);
	head_free(&h);
}

/* --- foreign bytes --- */

static void
refuses(const char *text, size_t n, enum err_code code, const char *why)
{
	struct err e = {0};
	/* Exactly as long as the text, so that one byte more is seen. */
	char *copy = malloc(n > 0 ? n : 1);
	struct head h;

	memcpy(copy, text, n);
	fixture_failed(head_parse(copy, n, &h, &e), &e, code, why);
	assert_null(h.source);
	assert_null(h.lists);
	free(copy);
}

/* Does head_parse refuse this document, its sum made right? */
static void
refuses_document(const char *text, enum err_code code, const char *why)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct buf b = {0};

	buf_add(&b, text, strlen(text) - 1);
	sha256_of(b.data, b.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(&b, ",\"sum\":\"%s\"}", hex);
	refuses(b.data, b.len, code, why);
	buf_free(&b);
}

static void
test_head_parse_refuses_any_changed_byte(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	struct head h, back;
	size_t i;

	(void)state;
	fixture_head(&h, "a", ID);
	write_head(&h, &text);
	head_free(&h);
	/* but the line's end, which is no part of the document */
	for (i = 0; i + 1 < text.len; i++) {
		text.data[i] ^= 1;
		assert_int_equal(head_parse(text.data, text.len, &back, &e),
		    -1);
		assert_true(e.code == ERR_CORRUPT || (i == 10 &&
		    e.code == ERR_USAGE));
		text.data[i] ^= 1;
		e = (struct err){0};
	}
	for (i = 0; i + 1 < text.len; i++) {
		assert_int_equal(head_parse(text.data, i, &back, &e), -1);
		assert_int_equal(e.code, ERR_CORRUPT);
		e = (struct err){0};
	}
	text.data[30] ^= 1;
	refuses(text.data, text.len, ERR_CORRUPT, "head is damaged: its sum "
	    "does not match");
	buf_free(&text);
}

static void
test_head_parse_refuses_other_documents(void **state)
{
	struct buf text = {0};

	(void)state;
	refuses("", 0, ERR_CORRUPT, "head is no JSON object: '[' or '{' "
	    "expected near end of file");
	refuses("[]", 2, ERR_CORRUPT, "head is no JSON object: another type");
	refuses("{}", 2, ERR_CORRUPT, "head: member 'format' is missing or not "
	    "what it must be");
	refuses("{\"format\":1}", 12, ERR_CORRUPT, "head is cut short");
	refuses("{\"format\":\"1\"}", 14, ERR_CORRUPT, "head: member 'format' "
	    "is missing or not what it must be");
	refuses("{\"format\":0}", 12, ERR_CORRUPT, "head: member 'format' is "
	    "missing or not what it must be");
	refuses("{\"format\":1,\"x\":\"" SHA SHA "\"}", 147, ERR_CORRUPT,
	    "head ends without its sum");
	refuses("{\"format\":1,\"format\":1}", 23, ERR_CORRUPT, "head is no "
	    "JSON object: duplicate object key near '\"format\"'");
	while (text.len <= HEAD_MAX)
		buf_adds(&text, "                                          ");
	refuses(text.data, text.len, ERR_CORRUPT, "head of over 1 MiB");
	buf_free(&text);
}

static void
test_head_parse_refuses_deep_nesting(void **state)
{
	struct buf text = {0};
	int i;

	(void)state;
	buf_adds(&text, "{\"format\":1,\"x\":");
	for (i = 0; i < 500000; i++)
		buf_addc(&text, '[');
	refuses(text.data, text.len, ERR_CORRUPT, "head is no JSON object: "
	    "maximum parsing depth reached near '['");
	buf_free(&text);
}

static void
test_head_parse_newer_format(void **state)
{
	(void)state;
	/* What else it is made of nobody knows yet. */
	refuses("{\"format\":2}", 12, ERR_USAGE, "head has format 2, which "
	    "needs a newer Kura");
	refuses("{\"format\":9223372036854775807}", 30, ERR_USAGE, "head has "
	    "format 9223372036854775807, which needs a newer Kura");
}

#define SERVER	"\"server\":{},\"snapshot\":{},\"coordinates\":{},"	\
    "\"settings\":{},\"partial\":null,\"totals\":{},\"inexact\":[],"	\
    "\"lenders\":[],"
#define TIMES	"\"started\":\"2026-11-22T18:15:00.123456Z\","		\
    "\"finished\":\"2026-11-22T18:15:00.123456Z\"}"
#define GOOD	"{\"format\":1,\"id\":\"" ID "\",\"lineage\":\"" ID	\
    "\",\"source\":\"a\",\"tool\":\"x\"," SERVER			\
    "\"codec\":{\"encryption\":null},\"lists\":[]," TIMES

/* The good document with one member's text replaced. */
static void
refuses_with(const char *from, const char *to, enum err_code code,
    const char *why)
{
	const char *at = strstr(GOOD, from);
	struct buf b = {0};

	assert_non_null(at);
	buf_add(&b, GOOD, (size_t)(at - GOOD));
	buf_adds(&b, to);
	buf_adds(&b, at + strlen(from));
	refuses_document(buf_str(&b), code, why);
	buf_free(&b);
}

static void
refuses_member(const char *from, const char *to, const char *member)
{
	char why[80];

	(void)snprintf(why, sizeof(why), "head: member '%s' is missing or not "
	    "what it must be", member);
	refuses_with(from, to, ERR_CORRUPT, why);
}

static void
test_head_parse_refuses_wrong_members(void **state)
{
	(void)state;
	refuses_member("\"" ID "\",\"lineage\"", "\"../../../../etc/passw\","
	    "\"lineage\"", "id");
	refuses_member("\"id\"", "\"Id\"", "id");
	refuses_member("\"lineage\":\"2", "\"lineage\":\"x", "lineage");
	refuses_member("\"source\":\"a\"", "\"source\":\"../b\"", "source");
	refuses_member("\"source\":\"a\"", "\"source\":7", "source");
	refuses_member("\"tool\":\"x\"", "\"tool\":{}", "tool");
	refuses_member("\"server\":{}", "\"server\":[]", "server");
	refuses_member("\"server\":{}", "\"server\":null", "server");
	refuses_member("\"snapshot\":{}", "\"snapshot\":1", "snapshot");
	refuses_member("\"partial\":null", "\"partial\":false", "partial");
	refuses_member("\"totals\":{}", "\"totals\":\"\"", "totals");
	refuses_member("\"inexact\":[]", "\"inexact\":{}", "inexact");
	refuses_member("\"lenders\":[]", "\"lender\":[]", "lenders");
	refuses_member("\"codec\":{\"encryption\":null}", "\"codec\":null",
	    "codec");
	refuses_member("\"started\":\"2026", "\"started\":\"x026", "started");
	refuses_member("\"finished\":\"2026-11", "\"finished\":\"2026-13",
	    "finished");
	refuses_with("\"encryption\":null", "\"encryption\":\"k\"", ERR_USAGE,
	    "the backup is encrypted, which this Kura cannot read: it needs a "
	    "newer Kura");
	refuses_with("\"tool\":\"x\"", "\"tool\":\"\\u0000\"", ERR_CORRUPT,
	    "head is no JSON object: \\u0000 is not allowed without "
	    "JSON_ALLOW_NUL near '\"\\u0000\"'");
}

static void
test_head_parse_refuses_hostile_lists(void **state)
{
	static const char *const lists[] = { "{}", "null", "[1]", "[{}]",
		"[{\"key\":\"data/" ID "/lists/0\",\"sha256\":\"x\"}]",
		"[{\"key\":\"data/" ID "/lists/0\",\"sha256\":\"" SHA "0\"}]",
		"[{\"key\":\"data/" LATER "/lists/0\",\"sha256\":\"" SHA "\"}]",
		"[{\"key\":\"data/" ID "/lists/a/b\",\"sha256\":\"" SHA "\"}]",
		"[{\"key\":\"data/" ID "/lists/../../x\",\"sha256\":\"" SHA
		"\"}]",
		"[{\"key\":\"/data/" ID "/lists/0\",\"sha256\":\"" SHA "\"}]",
		"[{\"key\":\"data/" ID "\",\"sha256\":\"" SHA "\"}]",
		"[{\"key\":\"data/\",\"sha256\":\"" SHA "\"}]",
		"[{\"key\":7,\"sha256\":\"" SHA "\"}]" };
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_clear(&b);
		buf_addf(&b, "\"lists\":%s", lists[i]);
		refuses_member("\"lists\":[]", buf_str(&b), "lists");
	}
	/* a key of 201 bytes */
	buf_clear(&b);
	buf_adds(&b, "\"lists\":[{\"key\":\"data/" ID "/lists/");
	for (i = 0; i < 168; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\",\"sha256\":\"" SHA "\"}]");
	refuses_member("\"lists\":[]", buf_str(&b), "lists");
	buf_clear(&b);
	/* more lists than any backup has */
	buf_adds(&b, "\"lists\":[0");
	for (i = 0; i < 100000; i++)
		buf_adds(&b, ",0");
	buf_addc(&b, ']');
	refuses_member("\"lists\":[]", buf_str(&b), "lists");
	buf_free(&b);
}

static void
test_head_getters_of_wrong_types(void **state)
{
	json_t *o = fixture_json("{\"n\":-1,\"t\":7,\"b\":1,\"big\":"
	    "9223372036854775807}");

	(void)state;
	assert_int_equal(head_count(o, "n"), 0);
	assert_int_equal(head_count(o, "none"), 0);
	assert_true(head_count(o, "big") == INT64_MAX);
	assert_string_equal(head_text(o, "t"), "");
	assert_string_equal(head_text(NULL, "t"), "");
	assert_false(head_bool(o, "b"));
	json_decref(o);
}

/* --- in a store --- */

static void
test_head_commit_once_and_load(void **state)
{
	struct head h, back;
	struct err e = {0};
	char why[200];

	(void)state;
	fixture_head(&h, "orders", ID);
	fixture_commit(&h);
	fixture_ok(head_load(fixture_store, "orders", ID, &back, &e), &e);
	assert_string_equal(back.id, ID);
	assert_true(head_proven(&back));
	head_free(&back);
	assert_int_equal(head_commit(fixture_store, &h, &e), -1);
	assert_int_equal(e.code, ERR_EXISTS);
	e = (struct err){0};
	(void)snprintf(why, sizeof(why), "file://%s/sources/orders/heads/"
	    LATER ".json: no such object", fixture_root);
	assert_int_equal(head_load(fixture_store, "orders", LATER, &back, &e),
	    -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_null(back.source);
	head_free(&h);
}

/* A head that was put in another's place. */
static void
test_head_load_refuses_anothers(void **state)
{
	struct buf text = {0};
	struct head h, back;
	struct err e = {0};
	char why[200];

	(void)state;
	fixture_head(&h, "orders", ID);
	write_head(&h, &text);
	fixture_put("sources/orders/heads/" LATER ".json", text.data,
	    text.len);
	fixture_put("sources/other/heads/" ID ".json", text.data, text.len);
	(void)snprintf(why, sizeof(why), "file://%s/sources/orders/heads/"
	    LATER ".json: head is that of orders/" ID, fixture_root);
	fixture_failed(head_load(fixture_store, "orders", LATER, &back, &e),
	    &e, ERR_CORRUPT, why);
	(void)snprintf(why, sizeof(why), "file://%s/sources/other/heads/" ID
	    ".json: head is that of orders/" ID, fixture_root);
	fixture_failed(head_load(fixture_store, "other", ID, &back, &e), &e,
	    ERR_CORRUPT, why);
	buf_free(&text);
	head_free(&h);
}

static void
test_head_free_takes_nothing(void **state)
{
	struct head h = {0};

	(void)state;
	head_free(&h);
	head_free(&h);
	assert_null(h.source);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_source_names),
		cmocka_unit_test(test_head_backup_ids),
		cmocka_unit_test(test_head_round_trip),
		cmocka_unit_test(test_head_members_stand_in_order),
		cmocka_unit_test(test_head_write_refuses_over_1_mib),
		cmocka_unit_test(test_head_parse_refuses_any_changed_byte),
		cmocka_unit_test(test_head_parse_refuses_other_documents),
		cmocka_unit_test(test_head_parse_refuses_deep_nesting),
		cmocka_unit_test(test_head_parse_newer_format),
		cmocka_unit_test(test_head_parse_refuses_wrong_members),
		cmocka_unit_test(test_head_parse_refuses_hostile_lists),
		cmocka_unit_test(test_head_getters_of_wrong_types),
		IN_STORE(test_head_commit_once_and_load),
		IN_STORE(test_head_load_refuses_anothers),
		cmocka_unit_test(test_head_free_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
