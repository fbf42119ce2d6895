/* SPDX-License-Identifier: Apache-2.0 */
/* history_test: a history comes back as it was written, or not at all. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/history.h"
#include "tests/unit/catalog/sealed.h"

#define KEY	"sources/a/histories/" ID ".json"
#define UUID	"11111111-2222-3333-4444-555555555555"
#define GOOD	"{\"format\":1,\"id\":\"" LATER "\",\"source\":\"a\","	\
    "\"flavour\":\"mysql\",\"server\":{\"version\":\"9.7.4\",\"uuid\":\""  \
    UUID "\",\"server_id\":7},\"first_file\":\"binlog.000003\","	\
    "\"gtid_before\":\"" UUID ":1-5\",\"head_bytes_b64\":\"/mJpbg==\","	\
    "\"why\":\"fail-over\",\"parent\":{\"history\":\"" ID "\",\"seq\":2,"  \
    "\"offset\":1234,\"gtid\":\"" UUID ":1-4\"},\"marked\":\"row image "   \
    "is minimal\",\"opened\":\"2026-11-23T18:15:00.123456Z\"}"

/* Strings of literals: not to be freed. */
static struct history
child(void)
{
	static char flavour[] = "mysql", uuid[] = UUID, version[] = "9.7.4",
	    file[] = "binlog.000003", before[] = UUID ":1-5",
	    bytes[] = "\xfe" "bin", gtid[] = UUID ":1-4",
	    marked[] = "row image is minimal";

	return (struct history){ .id = LATER, .flavour = flavour,
	    .uuid = uuid, .server_id = 7, .version = version,
	    .first_file = file, .gtid_before = before,
	    .head_bytes = { .data = bytes, .len = 4 },
	    .why = HISTORY_FAILOVER, .parent = ID, .fork_seq = 2,
	    .fork_offset = 1234, .fork_gtid = gtid, .marked = marked,
	    .opened_us = INT64_C(1795457700123456) };
}

static void
test_history_comes_back(void **state)
{
	struct history h = child(), back;
	struct buf text = {0};
	struct err e = {0};

	(void)state;
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	sealed_open("sources/a/histories/" LATER ".json", &text);
	assert_string_equal(buf_str(&text), GOOD);
	fixture_ok(history_load(fixture_store, "a", LATER, &back, &e), &e);
	assert_string_equal(back.id, LATER);
	assert_string_equal(back.flavour, "mysql");
	assert_string_equal(back.uuid, UUID);
	assert_int_equal(back.server_id, 7);
	assert_string_equal(back.version, "9.7.4");
	assert_string_equal(back.first_file, "binlog.000003");
	assert_string_equal(back.gtid_before, UUID ":1-5");
	assert_int_equal(back.head_bytes.len, 4);
	assert_memory_equal(back.head_bytes.data, "\xfe" "bin", 4);
	assert_int_equal(back.why, HISTORY_FAILOVER);
	assert_string_equal(back.parent, ID);
	assert_int_equal(back.fork_seq, 2);
	assert_int_equal(back.fork_offset, 1234);
	assert_string_equal(back.fork_gtid, UUID ":1-4");
	assert_string_equal(back.marked, "row image is minimal");
	assert_true(back.opened_us == h.opened_us);
	history_free(&back);
	buf_free(&text);
}

static void
test_history_first_of_a_source(void **state)
{
	static char flavour[] = "mariadb", file[] = "b.000001";
	struct history h = { .flavour = flavour, .first_file = file }, back;
	struct err e = {0};

	(void)state;
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	assert_true(backup_id_valid(h.id));
	fixture_ok(history_load(fixture_store, "a", h.id, &back, &e), &e);
	assert_int_equal(back.why, HISTORY_FIRST);
	assert_string_equal(back.parent, "");
	assert_string_equal(back.fork_gtid, "");
	assert_string_equal(back.uuid, "");
	assert_string_equal(back.gtid_before, "");
	assert_string_equal(back.marked, "");
	assert_int_equal(back.head_bytes.len, 0);
	history_free(&back);
}

static void
test_history_is_never_written_over(void **state)
{
	struct history h = child();
	struct err e = {0};

	(void)state;
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	assert_int_equal(history_create(fixture_store, "a", &h, &e), -1);
	assert_int_equal(e.code, ERR_EXISTS);
}

static void
test_history_remove_takes_it_back(void **state)
{
	struct history h = child(), *list;
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	fixture_ok(history_remove(fixture_store, "a", h.id, &e), &e);
	fixture_ok(history_remove(fixture_store, "a", h.id, &e), &e);
	fixture_ok(histories_list(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 0);
	histories_free(list, n);
}

static void
test_histories_oldest_first(void **state)
{
	struct history h = child(), *list;
	struct err e = {0};
	char why[300];
	size_t n;

	(void)state;
	fixture_ok(histories_list(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 0);
	histories_free(list, n);
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	(void)snprintf(h.id, sizeof(h.id), "%s", ID);
	h.parent[0] = '\0';
	fixture_ok(history_create(fixture_store, "a", &h, &e), &e);
	/* what is no history's name is none of ours */
	fixture_put("sources/a/histories/note.txt", "x", 1);
	fixture_ok(histories_list(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, ID);
	assert_string_equal(list[1].id, LATER);
	histories_free(list, n);
	/* one that is damaged is not left out */
	fixture_damage(KEY, 30);
	(void)snprintf(why, sizeof(why), "file://%s/" KEY ": history is "
	    "damaged: its sum does not match", fixture_root);
	fixture_failed(histories_list(fixture_store, "a", &list, &n, &e), &e,
	    ERR_CORRUPT, why);
	assert_null(list);
	assert_int_equal(n, 0);
}

static void
refuses(const char *from, const char *to, enum err_code code,
    const char *why)
{
	struct buf text = {0};
	struct err e = {0};
	struct history h;

	sealed_with(GOOD, from, to, &text);
	fixture_failed(history_parse(text.data, text.len, "a", LATER, &h, &e),
	    &e, code, why);
	assert_null(h.flavour);
	assert_null(h.head_bytes.data);
	buf_free(&text);
}

static void
refuses_member(const char *from, const char *to, const char *member)
{
	char why[120];

	(void)snprintf(why, sizeof(why), "history: member '%s' is missing or "
	    "not what it must be", member);
	refuses(from, to, ERR_CORRUPT, why);
}

static void
test_history_refuses_wrong_members(void **state)
{
	(void)state;
	refuses_member("\"id\":\"" LATER, "\"id\":\"" ID, "id");
	refuses_member("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses_member("\"flavour\":\"mysql\"", "\"flavour\":7", "flavour");
	refuses("\"flavour\":\"mysql\"", "\"flavour\":\"tidb\"", ERR_USAGE,
	    "history: flavour 'tidb' needs a newer Kura");
	refuses_member("\"server\":{", "\"server\":7,\"x\":{", "server");
	refuses_member("\"server_id\":7", "\"server_id\":4294967296",
	    "server_id");
	refuses_member("\"server_id\":7", "\"server_id\":-1", "server_id");
	refuses_member("binlog.000003", "../binlog.000003", "first_file");
	refuses_member("binlog.000003", "", "first_file");
	refuses_member("binlog.000003", "b\\n", "first_file");
	refuses_member("\"gtid_before\":", "\"before\":", "gtid_before");
	refuses_member("/mJpbg==", "/mJpbg=", "head_bytes_b64");
	refuses_member("/mJpbg==", "/mJpb\\n==", "head_bytes_b64");
	refuses("\"why\":\"fail-over\"", "\"why\":\"weather\"", ERR_USAGE,
	    "history: reason 'weather' needs a newer Kura");
	refuses_member("\"parent\":{", "\"parent\":[],\"x\":{", "parent");
	refuses_member("\"history\":\"" ID, "\"history\":\"../../passwd",
	    "history");
	refuses_member("\"history\":\"" ID, "\"history\":\"" LATER,
	    "history");
	refuses_member("\"seq\":2", "\"seq\":\"2\"", "seq");
	refuses_member("\"offset\":1234", "\"offset\":-1", "offset");
	refuses_member("\"marked\":\"", "\"marked\":null,\"x\":\"", "marked");
	refuses_member("2026-11-23T", "2026-13-23T", "opened");
	refuses("\"format\":1", "\"format\":2", ERR_USAGE, "history has "
	    "format 2, which needs a newer Kura");
}

static void
test_history_refuses_any_changed_byte(void **state)
{
	struct buf text = {0};
	struct history h;
	struct err e;
	size_t i;

	(void)state;
	sealed(GOOD, &text);
	for (i = 0; i + 1 < text.len; i++) {
		text.data[i] ^= 1;
		e = (struct err){0};
		assert_int_equal(history_parse(text.data, text.len, "a",
		    LATER, &h, &e), -1);
		text.data[i] ^= 1;
		e = (struct err){0};
		assert_int_equal(history_parse(text.data, i, "a", LATER, &h,
		    &e), -1);
	}
	text.data[30] ^= 1;
	e = (struct err){0};
	fixture_failed(history_parse(text.data, text.len, "a", LATER, &h, &e),
	    &e, ERR_CORRUPT, "history is damaged: its sum does not match");
	buf_free(&text);
}

static void
test_binlog_names(void **state)
{
	char long_name[513];

	(void)state;
	assert_true(binlog_name_valid("binlog.000001"));
	assert_true(binlog_name_valid("a b\xc3\xa4"));
	assert_false(binlog_name_valid(""));
	assert_false(binlog_name_valid("a/b"));
	assert_false(binlog_name_valid("a\x1b[1m"));
	assert_false(binlog_name_valid("a\x7f"));
	assert_false(binlog_name_valid("\xff"));
	memset(long_name, 'a', sizeof(long_name));
	long_name[512] = '\0';
	assert_false(binlog_name_valid(long_name));
	long_name[511] = '\0';
	assert_true(binlog_name_valid(long_name));
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_history_comes_back),
		IN_STORE(test_history_first_of_a_source),
		IN_STORE(test_history_is_never_written_over),
		IN_STORE(test_history_remove_takes_it_back),
		IN_STORE(test_histories_oldest_first),
		cmocka_unit_test(test_history_refuses_wrong_members),
		cmocka_unit_test(test_history_refuses_any_changed_byte),
		cmocka_unit_test(test_binlog_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
