/* SPDX-License-Identifier: Apache-2.0 */
/* drill_note_test: what came of a drill comes back. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/drill_note.h"
#include "tests/unit/catalog/sealed.h"

#define GOOD	"{\"format\":1,\"kind\":\"drill\",\"id\":\"" ID "\","	\
    "\"source\":\"a\",\"backup\":\"" LATER "\","			\
    "\"began\":\"2026-11-22T18:15:00.000000Z\","			\
    "\"ended\":\"2026-11-22T18:16:00.000000Z\",\"ok\":false,"		\
    "\"status\":3,\"archive\":true,\"recovered_to\":null,"		\
    "\"recover_ms\":1,\"total_ms\":2,\"rows\":3,\"bytes\":4,"		\
    "\"checked\":5,\"asserted\":6,\"untrue\":7}"

static void
test_drill_note_comes_back(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	struct drill_note n;

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(drill_note_parse(text.data, text.len, "a", ID, &n, &e),
	    &e);
	assert_string_equal(n.backup, LATER);
	assert_true(n.ended_us - n.began_us == 60000000);
	assert_true(!n.ok && n.archive && n.recovered_us == 0);
	assert_int_equal(n.status, 3);
	assert_int_equal(n.recover_ms, 1);
	assert_int_equal(n.total_ms, 2);
	assert_int_equal(n.rows, 3);
	assert_int_equal(n.bytes, 4);
	assert_int_equal(n.checked, 5);
	assert_int_equal(n.asserted, 6);
	assert_int_equal(n.untrue, 7);
	buf_free(&text);
}

static void
test_drill_notes_are_listed(void **state)
{
	struct drill_note made = { .backup = ID, .began_us = 1000000,
	    .ended_us = 2000000, .ok = true, .recovered_us = 900000,
	    .rows = 12 }, *list;
	struct buf other = {0};
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_ok(drill_notes_list(fixture_store, "a", 2, &list, &n, &e),
	    &e);
	assert_int_equal(n, 0);
	free(list);
	fixture_ok(drill_note_create(fixture_store, "a", &made, &e), &e);
	/* Of another kind, and none at all: they hide nothing. */
	fixture_ok(store_put(fixture_store, "sources/a/verifications/" ID
	    ".json", "{}", 2, true, &e), &e);
	fixture_ok(store_put(fixture_store, "sources/a/verifications/drill-"
	    "x.json", "{}", 2, true, &e), &e);
	fixture_ok(store_put(fixture_store, "sources/a/verifications/drill-"
	    ID ".json", "{}", 2, true, &e), &e);
	fixture_ok(drill_notes_list(fixture_store, "a", 2, &list, &n, &e),
	    &e);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].id, made.id);
	assert_string_equal(list[0].backup, ID);
	assert_true(list[0].ok && !list[0].archive);
	assert_true(list[0].recovered_us == 900000);
	assert_int_equal(list[0].rows, 12);
	free(list);
	/* The newest alone. */
	sealed(GOOD, &other);
	fixture_ok(store_put(fixture_store, "sources/a/verifications/drill-"
	    ID ".json", other.data, other.len, false, &e), &e);
	fixture_ok(drill_notes_list(fixture_store, "a", 2, &list, &n, &e),
	    &e);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, ID);
	assert_string_equal(list[1].id, made.id);
	free(list);
	fixture_ok(drill_notes_list(fixture_store, "a", 1, &list, &n, &e),
	    &e);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].id, made.id);
	free(list);
	buf_free(&other);
}

static void
refuses(const char *from, const char *to, const char *why)
{
	struct buf text = {0};
	struct err e = {0};
	struct drill_note n;

	sealed_with(GOOD, from, to, &text);
	fixture_failed(drill_note_parse(text.data, text.len, "a", ID, &n,
	    &e), &e, ERR_CORRUPT, why);
	buf_free(&text);
}

#define BAD(member)	"drill: member '" member "' is missing or not what "	\
    "it must be"

static void
test_drill_note_refuses_wrong_members(void **state)
{
	(void)state;
	refuses("\"kind\":\"drill\"", "\"kind\":\"verify\"",
	    BAD("kind"));
	refuses("\"kind\":\"drill\"", "\"kind\":1", BAD("kind"));
	refuses("\"id\":\"" ID, "\"id\":\"20261122T181500Z-7c1f",
	    BAD("id"));
	refuses("\"source\":\"a\"", "\"source\":\"b\"", BAD("source"));
	refuses("\"backup\":\"2", "\"backup\":\"/", BAD("backup"));
	refuses("\"began\":\"", "\"began\":\"x", BAD("began"));
	refuses("\"ok\":false", "\"ok\":0", BAD("ok"));
	refuses("\"recovered_to\":null", "\"recovered_to\":1",
	    BAD("recovered_to"));
	refuses("\"rows\":3", "\"rows\":-3", BAD("rows"));
	refuses("\"untrue\":7", "\"untru\":7", BAD("untrue"));
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drill_note_comes_back),
		IN_STORE(test_drill_notes_are_listed),
		cmocka_unit_test(test_drill_note_refuses_wrong_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
