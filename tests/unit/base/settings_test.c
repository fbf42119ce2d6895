/* SPDX-License-Identifier: Apache-2.0 */
/* settings_test: types of values, and who wins over whom. */
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
refuse(const char *why, ...)
{
	struct err e = {0};
	struct settings *s;
	va_list ap;
	int rc;

	va_start(ap, why);
	s = fixture_parse(&rc, &e, ap);
	va_end(ap);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, why);
	settings_free(s);
}

static void
origin_is(const struct settings *s, const char *name, const char *want)
{
	char text[128];

	assert_string_equal(settings_origin(s, name, text, sizeof(text)),
	    want);
}

static void
test_settings_defaults_alone(void **state)
{
	struct settings *s = parse("", "show", NULL);

	(void)state;
	assert_int_equal(settings_size(s, "max-memory"), 256 << 20);
	assert_int_equal(settings_uint(s, "threads"), 4);
	assert_int_equal(settings_ms(s, "timeout"), 0);
	assert_null(settings_str(s, "timeout"));
	assert_string_equal(settings_str(s, "addressing"), "auto");
	assert_int_equal(settings_count(s, "exclude"), 0);
	assert_true(settings_flag(s, "resume"));
	assert_false(settings_flag(s, "yes"));
	origin_is(s, "threads", "default");
	origin_is(s, "timeout", "");
	settings_free(s);
	settings_free(NULL);
}

static void
size_is(const char *text, uint64_t want)
{
	struct settings *s = parse("", "run", "x", "--max-memory", text,
	    NULL);

	assert_int_equal(settings_size(s, "max-memory"), want);
	settings_free(s);
}

static void
test_settings_sizes(void **state)
{
	(void)state;
	size_is("0", 0);
	size_is("123", 123);
	size_is("7B", 7);
	size_is("64KiB", 65536);
	size_is("64k", 65536);
	size_is("16M", 16 << 20);
	size_is("16mib", 16 << 20);
	size_is("1GiB", 1 << 30);
	size_is("3T", UINT64_C(3) << 40);
	size_is("9223372036854775807", INT64_MAX);
	size_is("8388607T", UINT64_C(8388607) << 40);
}

static void
test_settings_sizes_that_are_none(void **state)
{
	static const char *const bad[] = { "", "M", "-1", "+1", " 1", "1 M",
		"1KB", "1MB", "1.5G", "0x10", "1MM", "9223372036854775808",
		"8388608T", "99999999999999999999", "16777216TiB" };
	char why[200], arg[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(arg, sizeof(arg), "--max-memory=%s", bad[i]);
		(void)snprintf(why, sizeof(why), "--max-memory: '%s' is not "
		    "a size such as 64KiB, 16MiB or 1GiB", bad[i]);
		refuse(why, "run", "x", arg, NULL);
	}
}

static void
ms_is(const char *text, uint64_t want)
{
	struct settings *s = parse("", "show", "--timeout", text, NULL);

	assert_int_equal(settings_ms(s, "timeout"), want);
	settings_free(s);
}

static void
test_settings_durations(void **state)
{
	(void)state;
	ms_is("0", 0);
	ms_is("10", 10000);
	ms_is("500ms", 500);
	ms_is("10s", 10000);
	ms_is("5m", 300000);
	ms_is("2H", 7200000);
	ms_is("1d", 86400000);
	refuse("--timeout: '1w' is not a time such as 500ms, 10s, 5m or 2h",
	    "show", "--timeout=1w", NULL);
	refuse("--timeout: '' is not a time such as 500ms, 10s, 5m or 2h",
	    "show", "--timeout=", NULL);
	refuse("--timeout: '9223372036854775807' is not a time such as 500ms, "
	    "10s, 5m or 2h", "show", "--timeout=9223372036854775807", NULL);
}

static void
test_settings_choice_and_number_and_flag_values(void **state)
{
	struct settings *s = parse("", "run", "x", "--threads=12",
	    "--addressing=PATH", "--no-resume", "--yes", NULL);

	(void)state;
	assert_int_equal(settings_uint(s, "threads"), 12);
	assert_string_equal(settings_str(s, "addressing"), "PATH");
	assert_false(settings_flag(s, "resume"));
	assert_true(settings_flag(s, "yes"));
	origin_is(s, "resume", "--no-resume");
	settings_free(s);
	refuse("--threads: '4k' is not a whole number", "show",
	    "--threads=4k", NULL);
	refuse("--addressing: 'auto|path' is not one of auto|path|virtual",
	    "show", "--addressing=auto|path", NULL);
	refuse("--addressing: 'pat' is not one of auto|path|virtual",
	    "show", "--addressing=pat", NULL);
	refuse("--resume: 'maybe' is not yes or no", "show",
	    "--resume=maybe", NULL);
}

static void
wait_is(const char *option, const char *want)
{
	struct settings *s = parse("", option, "run", "x", NULL);

	assert_string_equal(settings_str(s, "wait"), want);
	settings_free(s);
}

static void
test_settings_choice_that_is_a_flag_too(void **state)
{
	(void)state;
	wait_is("--threads=1", "never");
	wait_is("--wait", "once");
	wait_is("--wait=yes", "once");
	wait_is("--wait=always", "always");
	wait_is("--no-wait", "never");
	wait_is("--wait=off", "never");
	refuse("--no-wait takes no value", "show", "--no-wait=once", NULL);
	refuse("--wait: 'maybe' is not one of never|once|always", "show",
	    "--wait=maybe", NULL);
}

static void
test_settings_repeated_ones_are_a_list(void **state)
{
	struct settings *s = parse("", "show", "--exclude=a", "--exclude",
	    "b c", "--threads=1", "--threads=2", NULL);

	(void)state;
	assert_int_equal(settings_count(s, "exclude"), 2);
	assert_string_equal(settings_item(s, "exclude", 0), "a");
	assert_string_equal(settings_item(s, "exclude", 1), "b c");
	/* Of others, the last one counts. */
	assert_int_equal(settings_count(s, "threads"), 1);
	assert_int_equal(settings_uint(s, "threads"), 2);
	settings_free(s);
}

/* Each rank over the next: the list of PRECEDENCE in the header. */
static void
test_settings_precedence(void **state)
{
	struct settings *s;
	struct err e = {0};
	char want[128];

	(void)state;
	fixture_file("[defaults]\nthreads = 5\n[source s]\nthreads = 6\n"
	    "exclude = one\nexclude = two\n");
	s = parse("", "show", NULL);
	assert_int_equal(settings_uint(s, "threads"), 5);
	(void)snprintf(want, sizeof(want), "%s:2", fixture_path);
	origin_is(s, "threads", want);
	assert_int_equal(settings_use_source(s, "s", &e), 0);
	assert_int_equal(settings_uint(s, "threads"), 6);
	(void)snprintf(want, sizeof(want), "%s:4", fixture_path);
	origin_is(s, "threads", want);
	assert_int_equal(settings_count(s, "exclude"), 2);
	settings_free(s);
	(void)setenv("KURA_THREADS", "7", 1);
	s = parse("", "show", NULL);
	assert_int_equal(settings_use_source(s, "s", &e), 0);
	assert_int_equal(settings_uint(s, "threads"), 7);
	origin_is(s, "threads", "KURA_THREADS");
	settings_free(s);
	s = parse("", "show", "--threads=8", "--exclude=x", NULL);
	assert_int_equal(settings_use_source(s, "s", &e), 0);
	assert_int_equal(settings_uint(s, "threads"), 8);
	origin_is(s, "threads", "--threads");
	/* A list of higher rank takes the place of the lower one. */
	assert_int_equal(settings_count(s, "exclude"), 1);
	settings_free(s);
}

static void
test_settings_effective_print_names_origins(void **state)
{
	struct settings *s = parse("", "run", "x", "--exclude=a",
	    "--exclude=b", NULL);
	char text[2000];
	FILE *f = tmpfile();
	size_t n;

	(void)state;
	assert_non_null(f);
	settings_print_effective(s, 0, f);
	settings_print_effective(s, SETTING_IN_SOURCE | SETTING_IN_STORE, f);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	assert_string_equal(text, "config = /dev/null  # KURA_CONFIG\n"
	    "wait = never  # default\n"
	    "# yes is not set\n"
	    "max-memory = 256MiB  # default\n"
	    "threads = 4  # default\n"
	    "# timeout is not set\n"
	    "addressing = auto  # default\n"
	    "exclude = a  # --exclude\n"
	    "exclude = b  # --exclude\n"
	    "resume = yes  # default\n"
	    "# store is not set\n"
	    "# url is not set\n"
	    "# socket is not set\n"
	    "# use is not set\n");
	settings_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_clean, \
    fixture_clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_defaults_alone),
		TEST(test_settings_sizes),
		TEST(test_settings_sizes_that_are_none),
		TEST(test_settings_durations),
		TEST(test_settings_choice_and_number_and_flag_values),
		TEST(test_settings_choice_that_is_a_flag_too),
		TEST(test_settings_repeated_ones_are_a_list),
		TEST(test_settings_precedence),
		TEST(test_settings_effective_print_names_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
