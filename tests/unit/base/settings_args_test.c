/* SPDX-License-Identifier: Apache-2.0 */
/* settings_args_test: command lines and environments, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/settings_fixture.h"

static struct settings *
parse(const char *first, ...)
{
	struct err e = {0};
	struct settings *s;
	va_list ap;
	int rc;

	(void)first;
	va_start(ap, first);
	s = fixture_parse(&rc, &e, ap);
	va_end(ap);
	if (rc != 0)
		fail_msg("%s", e.msg);
	return s;
}

static void
refuse(const char *why, const char *hint, ...)
{
	struct err e = {0};
	struct settings *s;
	va_list ap;
	int rc;

	va_start(ap, hint);
	s = fixture_parse(&rc, &e, ap);
	va_end(ap);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, why);
	assert_string_equal(e.hint, hint);
	assert_false(settings_done(s));
	settings_free(s);
}

static void
test_settings_args_verb_and_positionals(void **state)
{
	struct settings *s = parse("", "show", "orders", "--threads", "2",
	    "id", NULL);

	(void)state;
	assert_string_equal(settings_verb(s), "show");
	assert_int_equal(settings_args(s), 2);
	assert_string_equal(settings_arg(s, 0), "orders");
	assert_string_equal(settings_arg(s, 1), "id");
	assert_null(settings_arg(s, 2));
	assert_false(settings_done(s));
	settings_free(s);
}

static void
test_settings_args_after_two_dashes_are_no_options(void **state)
{
	struct settings *s = parse("", "show", "--", "--threads", "-x", NULL);

	(void)state;
	assert_int_equal(settings_args(s), 2);
	assert_string_equal(settings_arg(s, 0), "--threads");
	assert_string_equal(settings_arg(s, 1), "-x");
	settings_free(s);
	s = parse("", "run", "-", NULL);
	assert_string_equal(settings_arg(s, 0), "-");
	settings_free(s);
}

static void
test_settings_args_values_in_both_forms(void **state)
{
	struct settings *s = parse("", "--store=a=b", "show", "--exclude",
	    "-x", "--exclude=", NULL);

	(void)state;
	assert_string_equal(settings_str(s, "store"), "a=b");
	assert_string_equal(settings_item(s, "exclude", 0), "-x");
	assert_string_equal(settings_item(s, "exclude", 1), "");
	settings_free(s);
}

static void
test_settings_args_unknown_options(void **state)
{
	(void)state;
	refuse("unknown option --thread", "did you mean --threads?", "show",
	    "--thread=3", NULL);
	refuse("unknown option --max-memroy", "did you mean --max-memory?",
	    "run", "x", "--max-memroy", "1", NULL);
	refuse("unknown option --frobnicate", "see prog --help", "show",
	    "--frobnicate", NULL);
	refuse("unknown option --no-threads", "did you mean --threads?",
	    "show", "--no-threads", NULL);
	refuse("unknown option -v", "options begin with --", "show", "-v",
	    NULL);
	refuse("unknown option --=x", "", "show", "--=x", NULL);
	refuse("--password: passwords never stand on the command line",
	    "use --password-file, KURA_PASSWORD or an option file", "show",
	    "--password=secret", NULL);
}

static void
test_settings_args_options_without_their_value(void **state)
{
	(void)state;
	refuse("--threads needs a value (N)", "", "show", "--threads", NULL);
	refuse("--addressing needs a value (auto|path|virtual)", "", "show",
	    "--addressing", "--threads=3", NULL);
	refuse("--no-resume takes no value", "", "show", "--no-resume=yes",
	    NULL);
}

static void
test_settings_args_wrong_commands(void **state)
{
	(void)state;
	refuse("no command given", "see prog --help", NULL);
	refuse("no command given", "see prog --help", "--threads=3", NULL);
	refuse("unknown command 'rnu'", "see prog --help", "rnu", NULL);
	refuse("run needs SOURCE", "", "run", NULL);
	refuse("run: unexpected argument 'b'", "", "run", "a", "b", NULL);
	refuse("--max-memory does not go with 'show'", "", "show",
	    "--max-memory=1M", NULL);
	refuse("--yes does not go with 'show'", "", "show", "--yes", NULL);
}

static void
test_settings_args_environment(void **state)
{
	struct settings *s;

	(void)state;
	(void)setenv("KURA_MAX_MEMORY", "1M", 1);
	(void)setenv("KURA_RESUME", "no", 1);
	(void)setenv("KURA_STORE", "", 1);
	(void)setenv("KURA_URL", "not from here", 1);
	s = parse("", "run", "x", NULL);
	assert_int_equal(settings_size(s, "max-memory"), 1 << 20);
	assert_false(settings_flag(s, "resume"));
	/* Empty is not set; and some are not to be set so. */
	assert_null(settings_str(s, "store"));
	assert_null(settings_str(s, "url"));
	settings_free(s);
	/* What is no option of this verb may still stand there. */
	s = parse("", "show", NULL);
	settings_free(s);
	(void)setenv("KURA_THREADS", "many", 1);
	refuse("KURA_THREADS: 'many' is not a whole number", "", "show",
	    NULL);
}

static void
test_settings_args_long_ones_are_cut_in_messages(void **state)
{
	char arg[200], want[100];

	(void)state;
	memset(arg, 'x', sizeof(arg) - 1);
	arg[sizeof(arg) - 1] = '\0';
	(void)snprintf(want, sizeof(want), "unknown command '%.60s'", arg);
	refuse(want, "see prog --help", arg, NULL);
	arg[0] = arg[1] = '-';
	(void)snprintf(want, sizeof(want), "unknown option %.60s", arg);
	refuse(want, "", "show", arg, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_clean, \
    fixture_clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_args_verb_and_positionals),
		TEST(test_settings_args_after_two_dashes_are_no_options),
		TEST(test_settings_args_values_in_both_forms),
		TEST(test_settings_args_unknown_options),
		TEST(test_settings_args_options_without_their_value),
		TEST(test_settings_args_wrong_commands),
		TEST(test_settings_args_environment),
		TEST(test_settings_args_long_ones_are_cut_in_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
