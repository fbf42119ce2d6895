/* SPDX-License-Identifier: Apache-2.0 */
/* facts_test: members are read with tolerance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/facts.h"

#include "watched.h"

static void
test_facts_text_and_word(void **state)
{
	json_t *o = json_pack("{s:s, s:i, s:n}", "a", "x", "b", 1, "c");

	(void)state;
	assert_string_equal(facts_text(o, "a"), "x");
	assert_null(facts_text(o, "b"));
	assert_null(facts_text(o, "none"));
	assert_null(facts_text(NULL, "a"));
	assert_string_equal(facts_word(o, "c"), "");
	json_decref(o);
}

static void
test_facts_number_knows_what_is_none(void **state)
{
	json_t *o = json_pack("{s:i, s:f, s:b, s:s}", "i", 7, "f", 1.5, "b",
	    1, "s", "9");
	double v;

	(void)state;
	assert_true(facts_number(o, "i", &v));
	assert_float_equal(v, 7, 0);
	assert_true(facts_number(o, "f", &v));
	assert_float_equal(v, 1.5, 0);
	assert_true(facts_number(o, "b", &v));
	assert_float_equal(v, 1, 0);
	assert_false(facts_number(o, "s", &v));
	assert_float_equal(v, 0, 0);
	assert_float_equal(facts_amount(o, "s"), 0, 0);
	assert_true(facts_true(o, "b"));
	assert_false(facts_true(o, "i"));
	json_decref(o);
}

static void
test_facts_time(void **state)
{
	json_t *o = json_pack("{s:s, s:s, s:i}", "t",
	    "1970-01-01T00:00:01.5Z", "bad", "soon", "n", 5);

	(void)state;
	assert_int_equal(facts_time(o, "t"), 1500000);
	assert_true(facts_time(o, "bad") == FACTS_UNKNOWN);
	assert_true(facts_time(o, "n") == FACTS_UNKNOWN);
	json_decref(o);
}

static void
test_facts_object_array_source_newest(void **state)
{
	json_t *doc = watched();
	const json_t *s = facts_source(doc, "orders");

	(void)state;
	assert_non_null(s);
	assert_null(facts_source(doc, "order"));
	assert_null(facts_source(NULL, "orders"));
	assert_non_null(facts_object(s, "archive"));
	assert_null(facts_object(s, "gaps"));
	assert_non_null(facts_array(s, "gaps"));
	assert_null(facts_array(s, "archive"));
	assert_string_equal(facts_word(facts_newest(facts_array(s,
	    "backups"), "at"), "id"), "20261124T021407Z-0002");
	assert_null(facts_newest(facts_array(s, "backups"), "no such"));
	assert_null(facts_newest(NULL, "at"));
	json_decref(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_text_and_word),
		cmocka_unit_test(test_facts_number_knows_what_is_none),
		cmocka_unit_test(test_facts_time),
		cmocka_unit_test(test_facts_object_array_source_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
