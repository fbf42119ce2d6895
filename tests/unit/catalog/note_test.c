/* SPDX-License-Identifier: Apache-2.0 */
/* note_test: what was written about a backup, in its order. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/note.h"
#include "tests/unit/catalog/sealed.h"

#define GOOD	"{\"format\":1,\"source\":\"a\",\"backup\":\"" ID "\","	\
    "\"id\":\"" LATER "\",\"owner\":\"ann\",\"note\":\"so\","		\
    "\"made\":\"2026-11-22T18:15:00.000000Z\"}"

static void
test_note_comes_back(void **state)
{
	struct note *all;
	struct err e = {0};
	json_t *json;
	size_t n;

	(void)state;
	fixture_ok(note_create(fixture_store, "a", ID, "ann", "so", &e), &e);
	fixture_put("sources/a/notes/" ID "/" LATER ".json", "x", 1);
	fixture_put("sources/a/notes/" ID "/strange", "x", 1);
	fixture_ok(notes_list(fixture_store, "a", NULL, &all, &n, &e), &e);
	assert_int_equal(n, 1);
	assert_string_equal(all[0].text, "so");
	assert_string_equal(all[0].owner, "ann");
	assert_true(all[0].made_us > 0);
	json = notes_json(all, n, ID);
	assert_int_equal(json_array_size(json), 1);
	assert_string_equal(json_string_value(json_object_get(
	    json_array_get(json, 0), "note")), "so");
	json_decref(json);
	notes_free(all, n);
	fixture_ok(notes_list(fixture_store, "a", LATER, &all, &n, &e), &e);
	assert_int_equal(n, 0);
	notes_free(all, n);
}

static void
test_note_refused(void **state)
{
	char *large = calloc(1, NOTE_TEXT_MAX + 2);
	struct err e = {0};

	(void)state;
	assert_non_null(large);
	memset(large, 'x', NOTE_TEXT_MAX + 1);
	fixture_failed(note_create(fixture_store, "a", ID, "ann", "", &e), &e,
	    ERR_USAGE, "a note of 1 to 4000 bytes is wanted");
	fixture_failed(note_create(fixture_store, "a", ID, "ann", large, &e),
	    &e, ERR_USAGE, "a note of 1 to 4000 bytes is wanted");
	free(large);
}

static void
refuses(const char *from, const char *to, const char *member)
{
	struct buf text = {0};
	struct err e = {0};
	struct note note;
	char why[100];

	sealed_with(GOOD, from, to, &text);
	(void)snprintf(why, sizeof(why), "note: member '%s' is missing or not "
	    "what it must be", member);
	fixture_failed(note_parse(text.data, text.len, "a", ID, LATER, &note,
	    &e), &e, ERR_CORRUPT, why);
	assert_null(note.text);
	buf_free(&text);
}

static void
test_note_parse(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	struct note note;

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(note_parse(text.data, text.len, "a", ID, LATER, &note,
	    &e), &e);
	note_free(&note);
	note_free(&note);
	buf_free(&text);
	refuses("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses("\"backup\":\"" ID, "\"backup\":\"" LATER, "backup");
	refuses("\"id\":\"" LATER, "\"id\":\"" ID, "id");
	refuses("\"owner\":", "\"awner\":", "owner");
	refuses("\"note\":\"so\"", "\"note\":7", "note");
	refuses("\"made\":\"2026", "\"made\":\"x026", "made");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_note_comes_back),
		IN_STORE(test_note_refused),
		cmocka_unit_test(test_note_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
