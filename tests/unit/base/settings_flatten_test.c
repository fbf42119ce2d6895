/* SPDX-License-Identifier: Apache-2.0 */
/* settings_flatten_test: all files as one, with the lines they came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/unit/base/settings_fixture.h"

static char folder[] = "/tmp/settings-flatten-XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static struct settings *
parse_it(const char *name, int *rc, struct err *e, ...)
{
	struct settings *s;
	va_list ap;

	(void)setenv("KURA_CONFIG", path_of(name), 1);
	va_start(ap, e);
	s = fixture_parse(rc, e, ap);
	va_end(ap);
	return s;
}

/* Read the first file and write all as "flat.conf". */
static void
flatten(const char *name)
{
	struct buf out = {0};
	struct err e = {0};
	struct settings *s;
	int rc;

	s = parse_it(name, &rc, &e, "show", NULL);
	if (rc != 0 || settings_flatten(s, &out, &e) != 0)
		fail_msg("%s", e.msg);
	write_file("flat.conf", buf_str(&out));
	buf_free(&out);
	settings_free(s);
}

static void
print_all(const char *name, FILE *out)
{
	struct err e = {0};
	struct settings *s;
	int rc;

	s = parse_it(name, &rc, &e, "show", NULL);
	if (rc != 0 || settings_use_source(s, "orders", &e) != 0 ||
	    settings_use_store(s, "main", &e) != 0)
		fail_msg("%s", e.msg);
	settings_print_effective(s, SETTING_IN_SOURCE, out);
	settings_print_effective(s, SETTING_IN_STORE, out);
	assert_int_equal(settings_use_daemon(s, &e), 0);
	assert_string_equal(settings_str(s, "socket"), "/run/b");
	settings_free(s);
}

static void
test_settings_flatten_values_and_their_origins_stay(void **state)
{
	char *before = NULL, *after = NULL;
	size_t n;
	FILE *f;

	(void)state;
	write_file("kura.conf", "# ours\n[daemon]\ninclude = more.conf\n"
	    "socket = /run/b\n[store main]\nurl = s3://b/p ; not this\n"
	    "[defaults]\n\n\nexclude=;x\nuse=fast\n[template fast]\n"
	    "threads = 16\n");
	write_file("more.conf", "\n\n[source orders]\nexclude = a = b: c\n"
	    "exclude = y#z\n timeout = 5m\n[notify ops]\n"
	    "url = https://x.invalid/secret\n");
	f = open_memstream(&before, &n);
	print_all("kura.conf", f);
	(void)fclose(f);
	flatten("kura.conf");
	f = open_memstream(&after, &n);
	print_all("flat.conf", f);
	(void)fclose(f);
	assert_string_equal(after, before);
	assert_non_null(strstr(after, "more.conf:6"));
	free(before);
	free(after);
}

/* What it names as a secret stays where it is; what is one is not copied. */
static void
test_settings_flatten_leaves_notifiers_out(void **state)
{
	struct err e = {0};
	struct settings *s;
	int rc;

	(void)state;
	write_file("kura.conf", "[notify ops]\nurl = https://x/secret\n"
	    "[source orders]\nthreads = 2\n");
	flatten("kura.conf");
	s = parse_it("flat.conf", &rc, &e, "show", NULL);
	assert_int_equal(rc, 0);
	assert_null(settings_name(s, "notify", 0));
	assert_string_equal(settings_section_origin(s, "source", "orders") +
	    strlen(folder), "/kura.conf:3");
	settings_free(s);
}

/* A line of the greatest length is no longer than before. */
static void
test_settings_flatten_keeps_long_lines(void **state)
{
	char line[300] = "exclude=", text[400];
	struct err e = {0};
	struct settings *s;
	int rc;

	(void)state;
	memset(line + 8, 'x', 190);
	(void)snprintf(text, sizeof(text), "[source orders]\n%s\n", line);
	write_file("kura.conf", text);
	flatten("kura.conf");
	s = parse_it("flat.conf", &rc, &e, "show", NULL);
	if (rc != 0 || settings_use_source(s, "orders", &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(settings_str(s, "exclude"), line + 8);
	settings_free(s);
}

static void
test_settings_flatten_a_mistake_names_the_file_it_is_from(void **state)
{
	static const char wrong[] = "# kura.conf as it was read, with all "
	    "that it includes.\n#@/etc/a.conf:7\n[source x]\nthread=1\n";
	struct err e = {0};
	struct settings *s;
	int rc;

	(void)state;
	write_file("flat.conf", wrong);
	s = parse_it("flat.conf", &rc, &e, "show", NULL);
	assert_int_equal(rc, -1);
	assert_string_equal(e.msg, "/etc/a.conf:8: unknown key 'thread' in "
	    "[source x]");
	settings_free(s);
	e = (struct err){0};
	write_file("flat.conf", "# kura.conf as it was read, with all that "
	    "it includes.\n#@/etc/a.conf\n");
	s = parse_it("flat.conf", &rc, &e, "show", NULL);
	assert_int_equal(rc, -1);
	assert_string_equal(e.msg + strlen(folder), "/flat.conf:2: a mark "
	    "without a line");
	settings_free(s);
	/* In a file of its own, it is a comment. */
	e = (struct err){0};
	write_file("kura.conf", "#@/etc/a.conf:7\n[source x]\nthread=1\n");
	s = parse_it("kura.conf", &rc, &e, "show", NULL);
	assert_string_equal(e.msg + strlen(folder), "/kura.conf:3: unknown "
	    "key 'thread' in [source x]");
	settings_free(s);
}

static int
begin(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? fixture_clean(state) : -1;
}

static int
end(void **state)
{
	(void)state;
	(void)unlink(path_of("kura.conf"));
	(void)unlink(path_of("more.conf"));
	(void)unlink(path_of("flat.conf"));
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_settings_flatten_values_and_their_origins_stay),
		cmocka_unit_test(test_settings_flatten_leaves_notifiers_out),
		cmocka_unit_test(test_settings_flatten_keeps_long_lines),
		cmocka_unit_test(
		    test_settings_flatten_a_mistake_names_the_file_it_is_from),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
