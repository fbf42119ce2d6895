/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file_test: kura.conf, its sections and its mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/settings_fixture.h"

static struct settings *
parse_it(int *rc, struct err *e, const char *first, ...)
{
	struct settings *s;
	va_list ap;

	(void)first;
	va_start(ap, first);
	s = fixture_parse(rc, e, ap);
	va_end(ap);
	return s;
}

static struct settings *
reads(const char *text)
{
	struct err e = {0};
	struct settings *s;
	int rc;

	fixture_file(text);
	s = parse_it(&rc, &e, "", "show", NULL);
	if (rc != 0)
		fail_msg("%s", e.msg);
	return s;
}

/* why follows the file's path. */
static void
refuses(const char *text, const char *why, const char *hint)
{
	struct err e = {0};
	struct settings *s;
	int rc;

	fixture_file(text);
	s = parse_it(&rc, &e, "", "show", NULL);
	assert_int_equal(rc, -1);
	assert_memory_equal(e.msg, fixture_path, strlen(fixture_path));
	assert_string_equal(e.msg + strlen(fixture_path), why);
	assert_string_equal(e.hint, hint);
	assert_int_equal(e.code, ERR_USAGE);
	settings_free(s);
}

static void
test_settings_file_sections(void **state)
{
	struct settings *s = reads("# ours\n[store main]\nurl = s3://b/p\n"
	    "addressing = path\n\n[defaults]\nstore: main\n"
	    "[source orders]\nexclude = a ; not this\nexclude=b#c\n"
	    "[source other]\nresume = no\n");
	struct err e = {0};

	(void)state;
	assert_string_equal(settings_str(s, "store"), "main");
	assert_null(settings_str(s, "url"));
	assert_true(settings_has_source(s, "orders"));
	assert_false(settings_has_source(s, "order"));
	assert_true(settings_has_store(s, "main"));
	assert_false(settings_has_store(s, "orders"));
	assert_string_equal(settings_only_store(s), "main");
	assert_int_equal(settings_use_source(s, "orders", &e), 0);
	assert_int_equal(settings_count(s, "exclude"), 2);
	assert_string_equal(settings_item(s, "exclude", 0), "a");
	assert_string_equal(settings_item(s, "exclude", 1), "b#c");
	assert_true(settings_flag(s, "resume"));
	assert_int_equal(settings_use_store(s, "main", &e), 0);
	assert_string_equal(settings_str(s, "url"), "s3://b/p");
	assert_string_equal(settings_str(s, "addressing"), "path");
	/* Absent from the file is no failure here. */
	assert_int_equal(settings_use_source(s, "none", &e), 0);
	settings_free(s);
}

static void
test_settings_file_store_of_a_source_alone(void **state)
{
	struct settings *s = reads("[source a]\nstore = x\nthreads = 9\n"
	    "[store x]\nurl = u\n[store y]\nurl = v\n");
	struct err e = {0};

	(void)state;
	assert_null(settings_only_store(s));
	assert_int_equal(settings_use_source_store(s, "a", &e), 0);
	assert_string_equal(settings_str(s, "store"), "x");
	assert_int_equal(settings_uint(s, "threads"), 4);
	settings_free(s);
}

static void
test_settings_file_indented_lines_are_keys_too(void **state)
{
	struct settings *s = reads("  [defaults]\n  store = main\n"
	    "\tthreads = 6\n  # a note\n   \n  resume = no\n");

	(void)state;
	assert_string_equal(settings_str(s, "store"), "main");
	assert_int_equal(settings_uint(s, "threads"), 6);
	assert_false(settings_flag(s, "resume"));
	settings_free(s);
}

static void
test_settings_file_any_line_end_and_mark(void **state)
{
	struct settings *s = reads("\xef\xbb\xbf[defaults]\r\nstore = main"
	    "\r\nthreads = 6");

	(void)state;
	assert_string_equal(settings_str(s, "store"), "main");
	assert_int_equal(settings_uint(s, "threads"), 6);
	settings_free(s);
}

static void
test_settings_file_long_comments_are_comments(void **state)
{
	struct settings *s;
	char text[1000];

	(void)state;
	(void)snprintf(text, sizeof(text), "[defaults]\n# %0300d threads = 1\n"
	    "; %0300d\nthreads = 6\n", 0, 0);
	s = reads(text);
	assert_int_equal(settings_uint(s, "threads"), 6);
	settings_free(s);
}

static void
test_settings_file_keys_of_other_programs_pass(void **state)
{
	struct settings *s = reads("[defaults]\nkeep-days = 7\n");

	(void)state;
	settings_free(s);
}

static void
test_settings_file_mistakes_have_a_line(void **state)
{
	char text[1000];

	(void)state;
	refuses("[defaults]\n\nthread = 3\n", ":3: unknown key 'thread' in "
	    "[defaults]", "did you mean threads?");
	refuses("[source a]\nfrobnicate = 3\n", ":2: unknown key 'frobnicate' "
	    "in [source a]", "");
	/* A key of a store is none of a source, and the other way round. */
	refuses("[source a]\nurl = x\n", ":2: unknown key 'url' in [source "
	    "a]", "it goes into [store NAME]");
	refuses("[store a]\nthreads = 1\n", ":2: unknown key 'threads' in "
	    "[store a]", "it goes into [defaults] or [source NAME]");
	refuses("[defaults]\nconfig = x\n", ":2: unknown key 'config' in "
	    "[defaults]", "it is an option, not for the file");
	refuses("[sources]\nthreads = 1\n", ":2: unknown section [sources]",
	    "sections are [store NAME], [defaults] and [source NAME]");
	refuses("[source ]\nthreads = 1\n", ":2: unknown section [source ]",
	    "sections are [store NAME], [defaults] and [source NAME]");
	refuses("# x\nthreads = 1\n", ":2: 'threads' stands in no section",
	    "begin with [store NAME], [defaults] or [source NAME]");
	refuses("[defaults]\nthreads\n", ":2: neither [section] nor key = "
	    "value", "");
	refuses("[defaults]\nthreads =\n", ":2: threads needs a value", "");
	refuses("[defaults\nthreads = 1\n", ":1: '[' without ']'", "");
	(void)snprintf(text, sizeof(text), "[defaults]\nstore = %0300d\n", 0);
	refuses(text, ":2: a line longer than 198 bytes", "");
}

static void
test_settings_file_wrong_values_tell_where(void **state)
{
	struct settings *s;
	struct err e = {0};
	char want[200];

	(void)state;
	refuses("[defaults]\n#\nthreads = many\n", ":3: 'many' is not a whole "
	    "number", "");
	/* In a section that is not chosen, nobody looks. */
	s = reads("[source a]\nthreads = many\n[source b]\nthreads = 3\n");
	assert_int_equal(settings_use_source(s, "b", &e), 0);
	assert_int_equal(settings_use_source(s, "a", &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	(void)snprintf(want, sizeof(want), "%s:2: 'many' is not a whole "
	    "number", fixture_path);
	assert_string_equal(e.msg, want);
	settings_free(s);
}

static void
test_settings_file_that_cannot_be_read(void **state)
{
	struct err e = {0};
	struct settings *s;
	int rc;

	(void)state;
	s = parse_it(&rc, &e, "", "show", "--config=/dev/null/none", NULL);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "/dev/null/none: Not a directory");
	settings_free(s);
	e = (struct err){0};
	s = parse_it(&rc, &e, "", "show", "--config=/tmp", NULL);
	assert_int_equal(rc, -1);
	assert_string_equal(e.msg, "/tmp: Is a directory");
	settings_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_clean, \
    fixture_clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_file_sections),
		TEST(test_settings_file_store_of_a_source_alone),
		TEST(test_settings_file_indented_lines_are_keys_too),
		TEST(test_settings_file_any_line_end_and_mark),
		TEST(test_settings_file_long_comments_are_comments),
		TEST(test_settings_file_keys_of_other_programs_pass),
		TEST(test_settings_file_mistakes_have_a_line),
		TEST(test_settings_file_wrong_values_tell_where),
		TEST(test_settings_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
