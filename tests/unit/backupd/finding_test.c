/* SPDX-License-Identifier: Apache-2.0 */
/* finding_test: findings, their order, and what they stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/finding.h"
#include "base/err.h"

static struct findings *
some(void)
{
	const struct finding hint = { FINDING_HINT, "a", NULL, FINDING_ALL,
	    NULL };
	const struct finding error = { FINDING_ERROR, "a", "f:3",
	    FINDING_DUMP | FINDING_VERIFY, "do this" };
	const struct finding bare = { FINDING_ERROR, "b", "", FINDING_DRILL,
	    NULL };
	const struct finding warning = { FINDING_WARNING, NULL, "store main",
	    0, NULL };
	struct err e = {0}, why = {0};
	struct findings *f = findings_new(&e);

	assert_non_null(f);
	finding_add(f, &hint, "nice%d", 7);
	finding_add(f, &error, "what\n'%s'", "x");
	(void)err_set(&why, ERR_IO, 0, "f:9: it failed");
	(void)err_hint(&why, "wait");
	finding_err(f, &bare, &why);
	finding_add(f, &warning, "slow");
	return f;
}

static void
test_finding_lines_errors_first(void **state)
{
	struct findings *f = some();
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	findings_print(f, out);
	(void)fclose(out);
	assert_string_equal(text, "f:3: what 'x'; do this\n"
	    "f:9: it failed; wait\n"
	    "store main: warning: slow\n"
	    "a: hint: nice7\n");
	free(text);
	assert_int_equal(findings_count(f, FINDING_ERROR), 2);
	assert_int_equal(findings_count(f, FINDING_WARNING), 1);
	assert_int_equal(findings_count(f, FINDING_HINT), 1);
	assert_false(findings_lost(f));
	findings_free(f);
	findings_free(NULL);
}

/* Only errors stop anything. */
static void
test_finding_stops_jobs(void **state)
{
	struct findings *f = some();

	(void)state;
	assert_int_equal(findings_stopped(f, "a"), FINDING_DUMP |
	    FINDING_VERIFY);
	assert_int_equal(findings_stopped(f, "b"), FINDING_DRILL);
	assert_int_equal(findings_stopped(f, "c"), 0);
	findings_free(f);
}

static void
test_finding_as_a_failure(void **state)
{
	struct findings *f = some(), *none;
	struct err e = {0};

	(void)state;
	assert_int_equal(findings_fail(f, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "f:3: what 'x'");
	assert_string_equal(e.hint, "do this");
	findings_free(f);
	e = (struct err){0};
	none = findings_new(&e);
	assert_int_equal(findings_fail(none, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	findings_free(none);
}

static void
test_finding_json(void **state)
{
	struct findings *f = some();
	json_t *list = findings_json(f);
	char *text = json_dumps(json_array_get(list, 1), 0);

	(void)state;
	assert_int_equal(json_array_size(list), 4);
	assert_string_equal(text, "{\"level\": \"error\", \"source\": \"a\", "
	    "\"where\": \"f:3\", \"stops\": [\"dump\", \"verify\"], \"what\": "
	    "\"what 'x'\", \"todo\": \"do this\"}");
	free(text);
	text = json_dumps(json_array_get(list, 0), 0);
	assert_string_equal(text, "{\"level\": \"hint\", \"source\": \"a\", "
	    "\"where\": null, \"stops\": [], \"what\": \"nice7\", \"todo\": "
	    "null}");
	free(text);
	json_decref(list);
	findings_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding_lines_errors_first),
		cmocka_unit_test(test_finding_stops_jobs),
		cmocka_unit_test(test_finding_as_a_failure),
		cmocka_unit_test(test_finding_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
