/* SPDX-License-Identifier: Apache-2.0 */
/* segment_file_test: finished files come back, by few documents. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/mark.h"
#include "catalog/segment.h"
#include "tests/unit/catalog/sealed.h"

#define UUID	"11111111-2222-3333-4444-555555555555"
#define KEY	"sources/a/files/" ID "-00000003.json"
#define GOOD	"{\"format\":1,\"source\":\"a\",\"history\":\"" ID "\","	\
    "\"files\":[{\"seq\":3,\"name\":\"binlog.000042\",\"size\":1200,"	\
    "\"sha256\":\"" SHA "\",\"closed\":\"rotate\",\"first\":"		\
    "\"2026-11-22T18:15:00.123456Z\",\"last\":"			\
    "\"2026-11-22T18:15:01.000000Z\",\"gtid_before\":\"" UUID ":1-5\","  \
    "\"gtids\":\"" UUID ":6-7\",\"transactions\":2,\"index_size\":90,"	\
    "\"objects\":[{\"start\":0,\"end\":1000,\"size\":100,\"sha256\":\""	\
    SHA "\"},{\"start\":1000,\"end\":1200,\"size\":50,\"sha256\":\"" SHA  \
    "\"}]}]}"

static struct binlog_file
file(uint32_t seq)
{
	static char name[] = "binlog.000042", before[] = UUID ":1-5",
	    gtids[] = UUID ":6-7";
	static struct file_object objects[2] = { { 0, 1000, 100, SHA },
		{ 1000, 1200, 50, SHA } };

	return (struct binlog_file){ .seq = seq, .name = name, .size = 1200,
	    .sha256 = SHA, .first_us = INT64_C(1795371300123456),
	    .last_us = INT64_C(1795371301000000), .gtid_before = before,
	    .gtids = gtids, .transactions = 2, .index_size = 90,
	    .objects = objects, .nobjects = 2 };
}

static void
test_file_comes_back(void **state)
{
	struct binlog_file f = file(3), *list;
	struct buf text = {0};
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_ok(file_create(fixture_store, "a", ID, &f, &e), &e);
	sealed_open(KEY, &text);
	assert_string_equal(buf_str(&text), GOOD);
	fixture_ok(files_list(fixture_store, "a", ID, 1, &list, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].seq, 3);
	assert_string_equal(list[0].name, f.name);
	assert_int_equal(list[0].size, 1200);
	assert_string_equal(list[0].sha256, SHA);
	assert_false(list[0].crashed);
	assert_true(list[0].first_us == f.first_us &&
	    list[0].last_us == f.last_us);
	assert_string_equal(list[0].gtid_before, f.gtid_before);
	assert_string_equal(list[0].gtids, f.gtids);
	assert_int_equal(list[0].transactions, 2);
	assert_int_equal(list[0].index_size, 90);
	assert_int_equal(list[0].nobjects, 2);
	assert_true(list[0].objects[1].start == 1000 &&
	    list[0].objects[1].end == 1200 && list[0].objects[1].size == 50);
	files_free(list, n);
	assert_int_equal(file_create(fixture_store, "a", ID, &f, &e), -1);
	assert_int_equal(e.code, ERR_EXISTS);
	buf_free(&text);
}

/* Without transactions, after a crash, with sets too long to be kept. */
static void
test_file_with_nothing_in_it(void **state)
{
	struct binlog_file f = file(1), *list;
	struct err e = {0};
	char long_set[1026];
	size_t n;

	(void)state;
	memset(long_set, 'x', sizeof(long_set));
	long_set[1025] = '\0';
	f.crashed = true;
	f.first_us = f.last_us = 0;
	f.transactions = 0;
	f.gtid_before = long_set;
	f.gtids = NULL;
	fixture_ok(file_create(fixture_store, "a", ID, &f, &e), &e);
	fixture_ok(files_list(fixture_store, "a", ID, 1, &list, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_true(list[0].crashed);
	assert_true(list[0].first_us == 0 && list[0].last_us == 0);
	assert_null(list[0].gtid_before);
	assert_null(list[0].gtids);
	files_free(list, n);
}

/* --- hostile documents --- */

static void
refuses(const char *from, const char *to, enum err_code code,
    const char *why)
{
	struct buf text = {0};
	struct err e = {0};
	struct binlog_file f;

	sealed_with(GOOD, from, to, &text);
	fixture_failed(files_parse(text.data, text.len, "a", ID, 3, 3, &f,
	    &e), &e, code, why);
	assert_null(f.name);
	assert_null(f.objects);
	buf_free(&text);
}

static void
refuses_member(const char *from, const char *to, const char *member)
{
	char why[120];

	(void)snprintf(why, sizeof(why), "files: file 3: member '%s' is "
	    "missing or not what it must be", member);
	refuses(from, to, ERR_CORRUPT, why);
}

#define BAD(member) "files: member '" member "' is missing or not what it "  \
    "must be"

static void
test_file_refuses_wrong_members(void **state)
{
	(void)state;
	refuses("\"source\":\"a\"", "\"source\":\"b\"", ERR_CORRUPT,
	    BAD("source"));
	refuses("\"history\":\"" ID, "\"history\":\"" LATER, ERR_CORRUPT,
	    BAD("history"));
	refuses("\"files\":[", "\"files\":[{},", ERR_CORRUPT, BAD("files"));
	refuses("\"files\":[", "\"files\":[],\"x\":[", ERR_CORRUPT,
	    BAD("files"));
	refuses("\"seq\":3", "\"seq\":4", ERR_CORRUPT, BAD("seq"));
	refuses_member("\"seq\":3", "\"seq\":4294967299", "seq");
	refuses_member("binlog.000042", "a/b", "name");
	refuses_member("\"size\":1200", "\"size\":-1", "size");
	refuses_member("\"size\":1200", "\"size\":1201", "objects");
	refuses_member("\"size\":1200", "\"size\":1199", "end");
	refuses_member("\"sha256\":\"" SHA "\",\"closed\"",
	    "\"sha256\":\"\",\"closed\"", "sha256");
	refuses_member("\"closed\":\"rotate\"", "\"closed\":\"door\"",
	    "closed");
	refuses_member("\"first\":\"", "\"first\":7,\"x\":\"", "first");
	refuses_member("\"last\":\"", "\"lost\":\"", "last");
	refuses_member("\"gtid_before\":", "\"gtid_befor\":", "gtid_before");
	refuses_member("\"gtids\":\"", "\"gtids\":0,\"x\":\"", "gtids");
	refuses_member("\"transactions\":2", "\"transactions\":null",
	    "transactions");
	refuses_member("\"index_size\":90", "\"index_size\":90.0",
	    "index_size");
	/* holes, overlaps, nothing, backwards */
	refuses_member("\"start\":0", "\"start\":1", "objects");
	refuses_member("\"start\":1000", "\"start\":1001", "objects");
	refuses_member("\"start\":1000", "\"start\":999", "objects");
	refuses_member("\"end\":1200", "\"end\":1000", "objects");
	refuses_member("\"objects\":[", "\"objects\":[],\"x\":[", "objects");
	refuses_member("\"objects\":[", "\"objects\":[7,", "start");
}

static void
test_file_refuses_damage_and_names_it(void **state)
{
	struct binlog_file f = file(3), *list;
	struct err e = {0};
	char why[300];
	size_t n;

	(void)state;
	fixture_ok(file_create(fixture_store, "a", ID, &f, &e), &e);
	fixture_damage(KEY, 90);
	(void)snprintf(why, sizeof(why), "file://%s/" KEY ": files is "
	    "damaged: its sum does not match", fixture_root);
	fixture_failed(files_list(fixture_store, "a", ID, 1, &list, &n, &e),
	    &e, ERR_CORRUPT, why);
	assert_null(list);
	assert_int_equal(n, 0);
}

/* --- rolls --- */

static void
put_files(uint32_t first, uint32_t last)
{
	struct binlog_file f;
	struct err e = {0};

	for (; first <= last; first++) {
		f = file(first);
		fixture_ok(file_create(fixture_store, "a", ID, &f, &e), &e);
		fixture_ok(files_roll(fixture_store, "a", ID, &e), &e);
	}
}

/* Files from a number on: first and last that come, by how many documents. */
static void
lists(uint32_t from, uint32_t first, uint32_t last, uint64_t documents)
{
	struct store_counters before, after;
	struct binlog_file *list;
	struct err e = {0};
	size_t n, i;

	store_counters(fixture_store, &before);
	fixture_ok(files_list(fixture_store, "a", ID, from, &list, &n, &e),
	    &e);
	store_counters(fixture_store, &after);
	/* one more is the listing */
	assert_int_equal(after.requests - before.requests, documents + 1);
	assert_int_equal(n, last - first + 1);
	for (i = 0; i < n; i++)
		assert_int_equal(list[i].seq, first + i);
	files_free(list, n);
}

static int
note(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s ", strchr(entry->key, '-') + 6);
	return 0;
}

static void
test_files_rolled_up_by_fours(void **state)
{
	struct buf names = {0};
	struct err e = {0};

	(void)state;
	put_files(1, 3);
	lists(1, 1, 3, 3);
	put_files(4, 4);
	lists(1, 1, 4, 1);
	put_files(5, 15);
	lists(1, 1, 15, 6);
	put_files(16, 21);
	lists(1, 1, 21, 3);
	lists(3, 3, 21, 3);
	lists(17, 17, 21, 2);
	lists(19, 19, 21, 2);
	lists(21, 21, 21, 1);
	fixture_ok(store_list(fixture_store, "sources/a/files/" ID
	    "-0000000", note, &names, &e), &e);
	assert_string_equal(buf_str(&names),
	    "00000001-00000004.json 00000001-00000016.json 00000001.json "
	    "00000002.json 00000003.json 00000004.json "
	    "00000005-00000008.json 00000005.json 00000006.json "
	    "00000007.json 00000008.json 00000009-00000012.json "
	    "00000009.json ");
	buf_free(&names);
}

static void
test_files_of_a_long_history(void **state)
{
	(void)state;
	put_files(1, 256);
	lists(1, 1, 256, 1);
	put_files(257, 260);
	/* 256 is the largest */
	lists(1, 1, 260, 2);
}

/* What a roll holds is marked, and may then be gone. */
static void
test_files_marked_when_rolled_up(void **state)
{
	struct mark *marks;
	struct err e = {0};
	size_t n;

	(void)state;
	put_files(1, 4);
	fixture_ok(marks_list(fixture_store, "a", &marks, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_string_equal(marks[0].why, "rolled up");
	assert_int_equal(marks[0].nkeys, 4);
	assert_string_equal(marks[0].keys[3], "sources/a/files/" ID
	    "-00000004.json");
	fixture_ok(store_delete(fixture_store, (const char *const *)
	    (void *)marks[0].keys, 4, &e), &e);
	marks_free(marks, n);
	lists(1, 1, 4, 1);
	put_files(5, 5);
	lists(1, 1, 5, 2);
}

static void
test_files_roll_again_changes_nothing(void **state)
{
	struct err e = {0};
	struct mark *marks;
	size_t n;

	(void)state;
	put_files(1, 4);
	fixture_ok(files_roll(fixture_store, "a", ID, &e), &e);
	fixture_ok(marks_list(fixture_store, "a", &marks, &n, &e), &e);
	assert_int_equal(n, 1);
	marks_free(marks, n);
}

static void
test_files_with_a_hole(void **state)
{
	struct binlog_file f = file(2), *list;
	struct err e = {0};
	size_t n;

	(void)state;
	put_files(1, 1);
	put_files(3, 5);
	fixture_ok(files_list(fixture_store, "a", ID, 1, &list, &n, &e), &e);
	assert_int_equal(n, 4);
	assert_int_equal(list[1].seq, 3);
	files_free(list, n);
	fixture_ok(file_create(fixture_store, "a", ID, &f, &e), &e);
	fixture_ok(files_roll(fixture_store, "a", ID, &e), &e);
	lists(1, 1, 5, 2);
}

static void
test_files_pass_over_strangers(void **state)
{
	static const char *const names[] = { "0000000x.json", "00000009.jso",
		"00000009-00000008.json", "00000000.json",
		"00000001-00000257.json", "00000009-00000009.json",
		"000000009.json", "" };
	char key[STORE_KEY_MAX];
	size_t i;

	(void)state;
	put_files(1, 2);
	for (i = 0; names[i][0] != '\0'; i++) {
		(void)snprintf(key, sizeof(key), "sources/a/files/" ID "-%s",
		    names[i]);
		fixture_put(key, "x", 1);
	}
	/* another history's */
	fixture_put("sources/a/files/" LATER "-00000003.json", "x", 1);
	lists(1, 1, 2, 2);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_file_comes_back),
		IN_STORE(test_file_with_nothing_in_it),
		cmocka_unit_test(test_file_refuses_wrong_members),
		IN_STORE(test_file_refuses_damage_and_names_it),
		IN_STORE(test_files_rolled_up_by_fours),
		IN_STORE(test_files_of_a_long_history),
		IN_STORE(test_files_marked_when_rolled_up),
		IN_STORE(test_files_roll_again_changes_nothing),
		IN_STORE(test_files_with_a_hole),
		IN_STORE(test_files_pass_over_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
