/* SPDX-License-Identifier: Apache-2.0 */
/* leftovers_test: what dead runs left goes, and nothing else. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/begun.h"
#include "catalog/leftovers.h"
#include "tests/unit/catalog/fixture.h"

#define DEAD	"20200101T000000Z-dead"
#define LIVE	"20200101T000000Z-a11e"

static int
note(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s\n", entry->key);
	return 0;
}

static void
holds(const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	fixture_ok(store_list(fixture_store, "", note, &out, &e), &e);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
begin(const char *id)
{
	struct err e = {0};

	fixture_ok(begun_write(fixture_store, "a", id, clock_now_us() +
	    INT64_C(3600000000), &e), &e);
}

static void
test_leftovers_find_what_has_no_head(void **state)
{
	struct leftover *list;
	struct err e = {0};
	struct head h;
	char path[160];
	size_t n;

	(void)state;
	fixture_head(&h, "a", ID);
	fixture_commit(&h);
	head_free(&h);
	fixture_put("sources/a/data/" ID "/bundle/0.tar", "x", 1);
	fixture_put("sources/a/data/" DEAD "/00001-x/0.tsv.zst", "xyz", 3);
	fixture_put("sources/a/data/" DEAD "/bundle/0.tar", "x", 1);
	fixture_put("sources/a/data/README/x", "x", 1);
	fixture_put("sources/b/data/" LATER "/bundle/0.tar", "x", 1);
	begin(LIVE);
	begin(DEAD);
	begin(ID);
	/* An empty folder is nothing. */
	(void)snprintf(path, sizeof(path), "%s/sources/a/data/" LATER,
	    fixture_root);
	assert_int_equal(mkdir(path, 0700), 0);
	fixture_ok(leftovers_find(fixture_store, "a", &list, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, DEAD);
	assert_true(list[0].live);
	assert_int_equal(list[0].objects, 2);
	assert_int_equal(list[0].bytes, 4);
	assert_string_equal(list[1].id, LIVE);
	assert_true(list[1].live);
	assert_int_equal(list[1].objects, 0);
	free(list);
	fixture_ok(leftovers_find(fixture_store, "c", &list, &n, &e), &e);
	assert_int_equal(n, 0);
	free(list);
}

static void
test_leftovers_remove_takes_all_of_one(void **state)
{
	struct err e = {0};

	(void)state;
	fixture_put("sources/a/data/" DEAD "/bundle/0.tar", "x", 1);
	fixture_put("sources/a/data/" DEAD "/lists/0.ndjson.zst", "x", 1);
	fixture_put("sources/a/data/" LIVE "/bundle/0.tar", "x", 1);
	begin(DEAD);
	begin(LIVE);
	fixture_ok(leftovers_remove(fixture_store, "a", DEAD, &e), &e);
	holds("sources/a/begun/" LIVE ".json\n"
	    "sources/a/data/" LIVE "/bundle/0.tar\n");
	fixture_ok(leftovers_remove(fixture_store, "a", DEAD, &e), &e);
}

/* More objects than one request deletes. */
static void
test_leftovers_remove_many(void **state)
{
	char key[80];
	struct err e = {0};
	int i;

	(void)state;
	for (i = 0; i < 1003; i++) {
		(void)snprintf(key, sizeof(key), "sources/a/data/" DEAD
		    "/00001-x/%d.tsv.zst", i);
		fixture_put(key, "", 0);
	}
	fixture_ok(leftovers_remove(fixture_store, "a", DEAD, &e), &e);
	holds("");
}

static void
test_leftovers_remove_refuses_backups(void **state)
{
	struct err e = {0};
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	fixture_commit(&h);
	head_free(&h);
	fixture_put("sources/a/data/" ID "/bundle/0.tar", "x", 1);
	fixture_failed(leftovers_remove(fixture_store, "a", ID, &e), &e,
	    ERR_EXISTS, "a/" ID " is a backup, no leftover");
	holds("sources/a/data/" ID "/bundle/0.tar\n"
	    "sources/a/heads/" ID ".json\n");
}

static void
test_leftovers_clean_spares_the_living(void **state)
{
	struct err e = {0};
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	fixture_commit(&h);
	head_free(&h);
	/* a backup whose note was not removed, a run at work, a dead one */
	begin(ID);
	begin(LIVE);
	fixture_put("sources/a/data/" LIVE "/bundle/0.tar", "x", 1);
	fixture_put("sources/a/data/" DEAD "/bundle/0.tar", "x", 1);
	fixture_ok(leftovers_clean(fixture_store, "a", &e), &e);
	holds("sources/a/begun/" LIVE ".json\n"
	    "sources/a/begun/" ID ".json\n"
	    "sources/a/data/" LIVE "/bundle/0.tar\n"
	    "sources/a/heads/" ID ".json\n");
}

/* Nobody knows whose it is: nothing is removed. */
static void
test_leftovers_clean_stops_at_a_damaged_note(void **state)
{
	struct err e = {0};

	(void)state;
	fixture_put("sources/a/data/" DEAD "/bundle/0.tar", "x", 1);
	fixture_put("sources/a/begun/" DEAD ".json", "{", 1);
	fixture_failed(leftovers_clean(fixture_store, "a", &e), &e,
	    ERR_CORRUPT, "clean up leftovers: sources/a/begun/" DEAD ".json: "
	    "not a begun note");
	holds("sources/a/begun/" DEAD ".json\n"
	    "sources/a/data/" DEAD "/bundle/0.tar\n");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_leftovers_find_what_has_no_head),
		IN_STORE(test_leftovers_remove_takes_all_of_one),
		IN_STORE(test_leftovers_remove_many),
		IN_STORE(test_leftovers_remove_refuses_backups),
		IN_STORE(test_leftovers_clean_spares_the_living),
		IN_STORE(test_leftovers_clean_stops_at_a_damaged_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
