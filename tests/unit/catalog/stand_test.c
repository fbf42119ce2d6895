/* SPDX-License-Identifier: Apache-2.0 */
/* stand_test: how long a server was idle is known where all it had is here. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/document.h"
#include "catalog/stand.h"
#include "tests/unit/catalog/archived.h"
#include "tests/unit/catalog/loaded.h"
#include "tests/unit/catalog/sealed.h"

#define HEARTBEAT "daemons/0123456789abcdef.json"

static const struct logs a = { HIST(1), UUID_A ":" };
static const int64_t ten[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };

static struct stand
stand(const char *source, const char *history, uint32_t seq, uint64_t offset,
    int64_t at)
{
	struct stand x = { .seq = seq, .offset = offset, .at_us =
	    logs_us(at) };

	(void)snprintf(x.source, sizeof(x.source), "%s", source);
	(void)snprintf(x.history, sizeof(x.history), "%s", history);
	return x;
}

/* A daemon says this of its sources. */
static void
say(const struct stand *all, size_t n)
{
	json_t *list = json_array(), *doc;
	struct buf text = {0};
	struct err e = {0};
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, stand_json(&all[i]));
	doc = json_pack("{s:i, s:o}", "format", 1, "stands", list);
	fixture_ok(document_write(doc, "", STAND_HEARTBEAT_MAX, "heartbeat",
	    &text, &e), &e);
	buf_adds(&text, "   ");
	fixture_put(HEARTBEAT, text.data, text.len);
	json_decref(doc);
	buf_free(&text);
}

static size_t
count(const char *source)
{
	struct stand *all;
	struct err e = {0};
	size_t n;

	fixture_ok(stands_load(fixture_store, source, &all, &n, &e), &e);
	free(all);
	return n;
}

static void
test_stands_come_back(void **state)
{
	const struct stand said[] = { stand("b", a.history, 1, 4, 1),
		stand("a", a.history, 3, 500, 7) };
	const struct stand left = stand("a", a.history, 2, 450, 5);
	struct stand *all;
	struct err e = {0};
	size_t n;

	(void)state;
	assert_int_equal(count("a"), 0);
	fixture_ok(stand_store(fixture_store, &said[1], &e), &e);
	fixture_ok(stand_store(fixture_store, &left, &e), &e);
	say(said, 2);
	fixture_ok(stands_load(fixture_store, "a", &all, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_memory_equal(&all[0], &left, sizeof(left));
	assert_memory_equal(&all[1], &said[1], sizeof(left));
	free(all);
	assert_int_equal(count("b"), 1);
}

/* What is damaged proves nothing, and spoils nothing. */
static void
test_stands_that_are_no_stands(void **state)
{
	static const char *const bad[] = { "{}", "{\"format\":1,\"stands\":5}",
		"{\"format\":1,\"stands\":[5]}", ("{\"format\":1,\"stands\":["
		"{\"source\":\"a\",\"history\":\"h\",\"seq\":1}]}"),
		"{\"format\":9}", "{\"format\":1}" };
	struct buf text = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_clear(&text);
		sealed(bad[i], &text);
		fixture_put(HEARTBEAT, text.data, text.len);
		fixture_put("sources/a/stand.json", text.data, text.len);
		assert_int_equal(count("a"), 0);
	}
	buf_free(&text);
}

/* --- windows --- */

/* Until when is the only window, with this left behind? */
static void
until(struct stand x, int64_t window, int64_t stood)
{
	struct err e = {0};

	fixture_ok(stand_store(fixture_store, &x, &e), &e);
	timeline_free(&t);
	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
	fixture_ok(timeline_stands(fixture_store, &t, &e), &e);
	assert_int_equal(t.nbackups, 1);
	assert_true(t.backups[0].until_us == logs_us(window));
	assert_true(t.histories[0].stood_us == (stood == 0 ? 0 :
	    logs_us(stood)));
}

static void
test_stand_stretches_a_window(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 3, ten);
	logs_finish(&a, 2, "b.000002", 4, 3, ten + 3);
	logs_live(&a, 3, 7, 4, ten + 6, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000002", .position = 200, .gtid = UUID_A ":1-4", .at = 45 });
	until(stand("a", a.history, 3, 500, 900), 900, 900);
	until(stand("a", a.history, 2, 450, 900), 900, 900);
	/* nothing beyond the last transaction */
	until(stand("a", a.history, 3, 500, 99), 100, 99);
	/* the server had more than what is here */
	until(stand("a", a.history, 3, 501, 900), 100, 0);
	until(stand("a", a.history, 4, 4, 900), 100, 0);
	until(stand("a", a.history, 0, 4, 900), 100, 0);
	/* another log */
	until(stand("a", HIST(2), 3, 500, 900), 100, 0);
	until(stand("b", a.history, 3, 500, 900), 100, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loaded_setup, \
    loaded_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stands_come_back),
		TEST(test_stands_that_are_no_stands),
		TEST(test_stand_stretches_a_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
