/* SPDX-License-Identifier: Apache-2.0 */
/* verify_archive_test: whatever is damaged is named, and nothing else. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/verify_archive.h"
#include "tests/unit/catalog/archived.h"

#define SEGMENT(seq, start, end) "sources/a/binlog/" ID "/0000000" #seq	\
    "/0000000000000000" start "-0000000000000000" end ".zst"
#define INDEX "sources/a/index/" ID "-00000001.ndjson.zst"
#define FILES "sources/a/files/" ID "-00000001.json"

static struct buf file;

/* A finished file in two objects, and a live one in two segments. */
static int
setup(void **state)
{
	uint64_t cuts[3] = { 0, 1187 }, live[3] = { 0, 1187, 1815 };

	if (fixture_setup(state) != 0)
		return -1;
	file = (struct buf){0};
	recorded_read("mysql-transactions", "binlog", &file);
	cuts[2] = file.len;
	archived_history(ID, "mysql", "b.000001");
	archived_file(ID, 1, "b.000001", "", &file, cuts, 3);
	archived_live(ID, 2, &file, live, 3);
	return 0;
}

static int
teardown(void **state)
{
	buf_free(&file);
	return fixture_teardown(state);
}

static void
note(void *arg, const char *what, const char *why)
{
	buf_addf(arg, "%s: %s\n", what, why);
}

static void
finds(bool fast, const char *want)
{
	struct buf got = {0};
	const struct verify_opts opts = { .fast = fast, .found = note,
	    .arg = &got };
	struct verify_result result;
	struct err e = {0};
	int rc = verify_archive(fixture_store, "a", &opts, &result, &e);

	assert_string_equal(buf_str(&got), want);
	assert_int_equal(rc, want[0] == '\0' ? 0 : -1);
	assert_true(want[0] == '\0' || e.code == ERR_CORRUPT);
	buf_free(&got);
}

static void
test_verify_archive_that_is_whole(void **state)
{
	(void)state;
	finds(true, "");
	finds(false, "");
}

static void
test_verify_archive_of_nothing(void **state)
{
	const struct verify_opts opts = { .found = note };
	struct verify_result result;
	struct err e = {0};

	(void)state;
	fixture_ok(verify_archive(fixture_store, "b", &opts, &result, &e),
	    &e);
	assert_int_equal(result.objects, 0);
}

static void
test_verify_archive_by_listing(void **state)
{
	const char *keys[] = { SEGMENT(1, "0000", "1187"), INDEX };
	struct err e = {0};

	(void)state;
	fixture_ok(store_delete(fixture_store, keys, 2, &e), &e);
	finds(true, SEGMENT(1, "0000", "1187") ": missing\n" INDEX
	    ": missing\n");
	fixture_put(INDEX, "x", 1);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	fixture_damage(FILES, 90);
	finds(true, FILES ": files is damaged: its sum does not match\n");
}

static void
test_verify_archive_reads_all(void **state)
{
	(void)state;
	fixture_damage(SEGMENT(1, "0000", "1187"), -1);
	finds(true, "");
	finds(false, SEGMENT(1, "0000", "1187") ": damaged zstd data: "
	    "Restored data doesn't match checksum\n");
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	fixture_damage(INDEX, -1);
	finds(false, INDEX ": damaged zstd data: Restored data doesn't match "
	    "checksum\n");
}

/* Indexes that are whole, but of other events. */
static void
test_verify_archive_compares_indexes(void **state)
{
	struct archived_scan *x = calloc(1, sizeof(*x));
	struct buf index = {0};
	struct err e = {0};
	char size[128];
	size_t n;

	(void)state;
	archived_scan(&file, x);
	fixture_ok(frame_compress(x->all[0].line.data, x->all[0].line.len, 1,
	    &index, &e), &e);
	fixture_put(INDEX, index.data, index.len);
	/* a live segment with the lines of one transaction less */
	n = x->n;
	x->n = 5;
	archived_segment(ID, 2, &file, x, 1187, 1815);
	x->n = n;
	(void)snprintf(size, sizeof(size), INDEX ": has %zu bytes", index.len);
	{
		struct buf got = {0};
		const struct verify_opts opts = { .found = note,
		    .arg = &got };
		struct verify_result result;

		assert_int_equal(verify_archive(fixture_store, "a", &opts,
		    &result, &e), -1);
		assert_int_equal(result.damaged, 3);
		assert_memory_equal(buf_str(&got), size, strlen(size));
		assert_non_null(strstr(buf_str(&got), INDEX ": is not the "
		    "index of the file's events\n"));
		assert_non_null(strstr(buf_str(&got), SEGMENT(2, "1187",
		    "1815") ": its index is not that of its events\n"));
		buf_free(&got);
	}
	archived_scan_free(x);
	free(x);
	buf_free(&index);
}

/* An archiver whose earlier segment comes after the later one: before the
 * listing of that number. */
struct late {
	unsigned listing, before;
	bool spoils;		/* and something else has gone since */
	char path[2][640];
};

static void
late_watch(void *arg, const char *what, const char *key)
{
	struct late *l = arg;

	if (strcmp(what, "list") != 0 || strstr(key, "/binlog/") == NULL)
		return;
	l->listing++;
	/* This look has read them already. */
	if (l->spoils && l->listing == 1)
		fixture_damage(FILES, 90);
	if (l->listing == l->before)
		assert_int_equal(rename(l->path[1], l->path[0]), 0);
}

static void
finds_late(unsigned before, unsigned looks, bool spoils, const char *want)
{
	struct late late = { .before = before, .spoils = spoils };
	char url[80];
	const struct store_opts so = { .url = url, .watch = late_watch,
	    .watch_arg = &late };
	struct buf got = {0};
	const struct verify_opts opts = { .fast = true, .found = note,
	    .arg = &got, .looks = looks, .look_ms = 1 };
	struct verify_result result;
	struct err e = {0};
	struct store *s;

	assert_int_equal(teardown(NULL), 0);
	assert_int_equal(setup(NULL), 0);
	(void)snprintf(url, sizeof(url), "file://%s", fixture_root);
	(void)snprintf(late.path[0], sizeof(late.path[0]), "%s/%s",
	    fixture_root, SEGMENT(2, "0000", "1187"));
	(void)snprintf(late.path[1], sizeof(late.path[1]), "%s/late",
	    fixture_root);
	assert_int_equal(rename(late.path[0], late.path[1]), 0);
	s = store_open(&so, &e);
	assert_non_null(s);
	assert_int_equal(verify_archive(s, "a", &opts, &result, &e),
	    want[0] == '\0' ? 0 : -1);
	assert_string_equal(buf_str(&got), want);
	assert_true(late.listing >= before);
	store_close(s);
	buf_free(&got);
}

static void
test_verify_archive_waits_for_segments_under_way(void **state)
{
	const char *lacks = "a: history " ID ": file 2 lacks its first 1187 "
	    "bytes\n";

	(void)state;
	/* it is there at the second look, or the third */
	finds_late(2, 1, false, "");
	finds_late(3, 2, false, "");
	/* it is there already, or never */
	finds_late(1, 0, false, "");
	finds_late(0, 0, false, lacks);
	finds_late(0, 2, false, lacks);
	/* what is seen once may be under way as well */
	finds_late(2, 1, true, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_verify_archive_that_is_whole),
		TEST(test_verify_archive_of_nothing),
		TEST(test_verify_archive_by_listing),
		TEST(test_verify_archive_reads_all),
		TEST(test_verify_archive_compares_indexes),
		TEST(test_verify_archive_waits_for_segments_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
