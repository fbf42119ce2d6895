/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/backupd/config_fixture.h"

#include "backupd/next.h"

static const char text[] = "[defaults]\ndump = 30 2 * * *\n"
    "zone = Europe/Berlin\nexpire = never\n"
    "[source orders]\nhost = x\n"
    "[source billing]\nhost = y\nzone = UTC\nverify = 0 1 * * sun\n"
    "[source 2026]\ndump = never\n";

/* What is printed for these options, in a static buffer. */
static const char *
printed(const char *source, size_t n, bool json)
{
	static char out[4000];
	struct settings *s = config_of(text, "next", NULL, NULL);
	struct next_opts o = { .source = source, .n = n, .json = json };
	FILE *f = fmemopen(memset(out, 0, sizeof(out)), sizeof(out), "w");
	struct err e = {0};

	assert_non_null(f);
	assert_int_equal(clock_parse("2026-10-24T12:00:00Z", &o.after_us), 0);
	if (next_print(s, &o, f, &e) != 0)
		fail_msg("%s", e.msg);
	(void)fclose(f);
	settings_free(s);
	return out;
}

static void
test_next_print_in_order_of_time(void **state)
{
	(void)state;
	assert_string_equal(printed(NULL, 5, false),
	    "2026-10-25T00:30:00Z  2026-10-25T02:30:00+02:00 Europe/Berlin  "
	    "orders  dump  30 2 * * *\n"
	    "2026-10-25T01:00:00Z  2026-10-25T01:00:00Z UTC  "
	    "billing  verify  0 1 * * sun\n"
	    "2026-10-25T02:30:00Z  2026-10-25T02:30:00Z UTC  "
	    "billing  dump  30 2 * * *\n"
	    "2026-10-26T01:30:00Z  2026-10-26T02:30:00+01:00 Europe/Berlin  "
	    "orders  dump  30 2 * * *\n"
	    "2026-10-26T02:30:00Z  2026-10-26T02:30:00Z UTC  "
	    "billing  dump  30 2 * * *\n");
	assert_string_equal(printed("2026", 5, false), "");
}

static void
test_next_print_json(void **state)
{
	(void)state;
	assert_string_equal(printed("orders", 1, true), "{\n"
	    "  \"version\": 1,\n"
	    "  \"now\": \"2026-10-24T12:00:00.000000Z\",\n"
	    "  \"runs\": [\n    {\n"
	    "      \"at\": \"2026-10-25T00:30:00.000000Z\",\n"
	    "      \"local\": \"2026-10-25T02:30:00+02:00\",\n"
	    "      \"zone\": \"Europe/Berlin\",\n"
	    "      \"source\": \"orders\",\n"
	    "      \"job\": \"dump\",\n"
	    "      \"schedule\": \"30 2 * * *\",\n"
	    "      \"spread_s\": 0\n    }\n  ]\n}\n");
}

static int
verb(const char *first, const char *second, struct err *e)
{
	struct settings *s = config_of(text, "next", first, second);
	FILE *f = fopen("/dev/null", "w");
	int rc;

	assert_non_null(f);
	*e = (struct err){0};
	rc = next_verb(s, f, e);
	(void)fclose(f);
	settings_free(s);
	return rc;
}

static void
test_next_verb_takes_a_source_and_a_number(void **state)
{
	static const struct { const char *first, *second, *msg; } t[] = {
		{ NULL, NULL, "" },
		{ "3", NULL, "" },
		{ "orders", NULL, "" },
		{ "orders", "3", "" },
		/* A source may be called as a number. */
		{ "2026", NULL, "" },
		{ "nobody", NULL, "there is no [source nobody]" },
		{ "3", "3", "there is no [source 3]" },
		{ "0", NULL, "next: '0' is not 1 to 10000" },
		{ "orders", "10001", "next: '10001' is not 1 to 10000" },
		{ "orders", "3x", "next: '3x' is not 1 to 10000" },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(verb(t[i].first, t[i].second, &e),
		    t[i].msg[0] == '\0' ? 0 : -1);
		assert_string_equal(e.msg, t[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_print_in_order_of_time),
		cmocka_unit_test(test_next_print_json),
		cmocka_unit_test(test_next_verb_takes_a_source_and_a_number),
	};

	(void)unsetenv("TZDIR");
	return cmocka_run_group_tests(tests, config_begin, config_end);
}
