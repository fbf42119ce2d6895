/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file_test: kura.conf, its sections and its mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/base/settings_fixture.h"

#define SECTIONS "sections are [daemon], [store NAME], [defaults], [template " \
    "NAME], [source NAME] and [notify NAME]"

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
	char where[200], want[200];
	struct err e = {0};

	(void)state;
	assert_null(settings_only_store(s));
	assert_int_equal(settings_use_source_store(s, "a", &e), 0);
	assert_string_equal(settings_str(s, "store"), "x");
	(void)snprintf(want, sizeof(want), "%s:2", fixture_path);
	assert_string_equal(settings_origin(s, "store", where,
	    sizeof(where)), want);
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

/* inih holds sections of 49 bytes and lines of 198: nothing may be cut. */
static void
test_settings_file_cuts_no_name_and_no_value(void **state)
{
	char text[1000], name[64], value[200];
	struct err e = {0};
	struct settings *s;

	(void)state;
	memset(name, 'n', 63);
	name[63] = '\0';
	memset(value, 'v', 190);
	value[190] = '\0';
	(void)snprintf(text, sizeof(text), "[source %s]\nstore = %s\n"
	    "[source %.62s]\nstore = other\n", name, value, name);
	s = reads(text);
	assert_true(settings_has_source(s, name));
	assert_int_equal(settings_use_source(s, name, &e), 0);
	assert_string_equal(settings_str(s, "store"), value);
	settings_free(s);
	(void)snprintf(text, sizeof(text), "[source %s]\nstore = %sx\n", name,
	    value);
	refuses(text, ":2: a line longer than 198 bytes", "put a long value "
	    "into the environment or on the command line");
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
	refuses("[sources]\nthreads = 1\n", ":1: unknown section [sources]",
	    SECTIONS);
	refuses("\n[source ]\n", ":2: unknown section [source ]", SECTIONS);
	refuses("[source]\n", ":1: unknown section [source]", SECTIONS);
	refuses("[daemon x]\n", ":1: unknown section [daemon x]", SECTIONS);
	refuses("[defaults ]\n", ":1: unknown section [defaults ]", SECTIONS);
	refuses("[]\n", ":1: unknown section []", SECTIONS);
	refuses("# x\nthreads = 1\n", ":2: 'threads' stands in no section",
	    "begin with [store NAME], [defaults] or [source NAME]");
	refuses("[defaults]\nthreads\n", ":2: neither [section] nor key = "
	    "value", "");
	refuses("[defaults]\nthreads =\n", ":2: threads needs a value", "");
	refuses("[defaults\nthreads = 1\n", ":1: '[' without ']'", "");
	(void)snprintf(text, sizeof(text), "[defaults]\nstore = %0300d\n", 0);
	refuses(text, ":2: a line longer than 198 bytes", "put a long value "
	    "into the environment or on the command line");
}

static void
test_settings_file_nothing_is_said_twice(void **state)
{
	char want[200];
	struct settings *s;

	(void)state;
	fixture_file("");
	(void)snprintf(want, sizeof(want), ":4: threads of [source a] is "
	    "given in %s:2 already", fixture_path);
	refuses("[source a]\nthreads = 1\ntimeout = 1s\nthreads = 2\n", want,
	    "take one of the two away");
	(void)snprintf(want, sizeof(want), ":4: [source a] is there already, "
	    "in %s:1", fixture_path);
	refuses("[source a]\nthreads = 1\n[source b]\n[source a]\n", want,
	    "give it another name, or take it away");
	(void)snprintf(want, sizeof(want), ":3: [store a] is there already, "
	    "in %s:1", fixture_path);
	refuses("[store a]\nurl = x\n[store a]\n", want,
	    "give it another name, or take it away");
	(void)snprintf(want, sizeof(want), ":4: threads of [defaults] is "
	    "given in %s:2 already", fixture_path);
	refuses("[defaults]\nthreads = 1\n[defaults]\nthreads = 1\n", want,
	    "take one of the two away");
	(void)snprintf(want, sizeof(want), ":3: on of [notify x] is given in "
	    "%s:2 already", fixture_path);
	refuses("[notify x]\non = a\non = b\n", want,
	    "take one of the two away");
	/* Lists go on; kinds and names are apart. */
	s = reads("[source a]\nexclude = x\nexclude = y\n[store a]\n"
	    "[template a]\n[defaults]\nthreads = 1\n[defaults]\n"
	    "timeout = 1s\n");
	settings_free(s);
}

static void
test_settings_file_daemon_and_notifiers(void **state)
{
	struct settings *s = reads("[daemon]\nsocket = d\nmax-jobs = 7\n"
	    "[notify ops]\nurl = n\non = gap, damage\n[source a]\n"
	    "socket = s\n[notify dba]\n"), *c, *d;
	struct err e = {0};

	(void)state;
	assert_string_equal(settings_name(s, "notify", 0), "ops");
	assert_string_equal(settings_name(s, "notify", 1), "dba");
	assert_null(settings_name(s, "notify", 2));
	assert_null(settings_name(s, "store", 0));
	assert_int_equal(settings_use_daemon(s, &e), 0);
	assert_string_equal(settings_str(s, "socket"), "d");
	assert_int_equal(settings_uint(s, "max-jobs"), 7);
	/* A name of two sections: each clone has its own. */
	c = settings_clone(s, &e);
	d = settings_clone(s, &e);
	assert_non_null(c);
	assert_non_null(d);
	assert_int_equal(settings_use_notify(c, "ops", &e), 0);
	assert_int_equal(settings_use_source(d, "a", &e), 0);
	assert_string_equal(settings_str(s, "socket"), "d");
	settings_free(s);
	assert_string_equal(settings_str(c, "url"), "n");
	assert_int_equal(settings_count(c, "on"), 2);
	assert_string_equal(settings_item(c, "on", 1), "damage");
	assert_string_equal(settings_str(d, "socket"), "s");
	assert_int_equal(settings_use_notify(d, "nobody", &e), -1);
	assert_string_equal(e.msg, "there is no [notify nobody]");
	settings_free(c);
	settings_free(d);
}

static void
test_settings_file_template_between_defaults_and_source(void **state)
{
	struct settings *s = reads("[defaults]\nthreads = 1\ntimeout = 1s\n"
	    "store = d\nuse = small\n[template small]\nthreads = 2\n"
	    "timeout = 2s\n[template big]\nthreads = 3\n[source a]\n"
	    "timeout = 3s\n[source b]\nuse = big\n[source c]\nuse = smal\n"
	    "[source d]\nuse = nightly\n");
	struct settings *c = settings_clone(s, NULL);
	struct err e = {0};
	char want[200];

	(void)state;
	assert_int_equal(settings_use_source(s, "a", &e), 0);
	assert_int_equal(settings_uint(s, "threads"), 2);
	assert_int_equal(settings_ms(s, "timeout"), 3000);
	assert_string_equal(settings_str(s, "store"), "d");
	settings_free(s);
	s = settings_clone(c, NULL);
	assert_int_equal(settings_use_source(s, "b", &e), 0);
	assert_int_equal(settings_uint(s, "threads"), 3);
	assert_int_equal(settings_ms(s, "timeout"), 1000);
	assert_int_equal(settings_use_source(s, "c", &e), -1);
	(void)snprintf(want, sizeof(want), "%s:16: there is no [template "
	    "smal]", fixture_path);
	assert_string_equal(e.msg, want);
	assert_string_equal(e.hint, "did you mean small?");
	e = (struct err){0};
	assert_int_equal(settings_use_source(s, "d", &e), -1);
	assert_string_equal(e.hint, "write one, or take the line away");
	settings_free(s);
	settings_free(c);
	refuses("[template a]\nuse = b\n", ":2: a template uses no other one",
	    "");
}

struct told {
	char text[2000];
};

static void
note(void *arg, const struct err *mistake)
{
	struct told *t = arg;
	size_t n = strlen(t->text);

	(void)snprintf(t->text + n, sizeof(t->text) - n, "%s%s%s\n",
	    mistake->msg + strlen(fixture_path), mistake->hint[0] != '\0' ?
	    "; " : "", mistake->hint);
}

static void
test_settings_file_all_mistakes_are_found(void **state)
{
	struct told t = { "" };
	struct err e = {0};
	struct settings *s;
	int rc;

	(void)state;
	fixture_file("threads = 1\n[defaults]\nthread = 3\nthreads = many\n"
	    "[sources]\nthreads = none\n[source a]\njust words\n"
	    "addressing = auto\ntimeout =\nthreads = 4\n[daemon\n"
	    "[template t]\nuse = t\n[source b]\ntimeout = 1w\n");
	s = parse_it(&rc, &e, "", "show", NULL);
	assert_int_equal(rc, -1);
	assert_int_equal(settings_mistakes(s, note, &t), 10);
	assert_string_equal(t.text,
	    ":1: 'threads' stands in no section; begin with [store NAME], "
	    "[defaults] or [source NAME]\n"
	    ":3: unknown key 'thread' in [defaults]; did you mean threads?\n"
	    ":4: threads: 'many' is not a whole number\n"
	    ":5: unknown section [sources]; " SECTIONS "\n"
	    ":8: neither [section] nor key = value\n"
	    ":9: unknown key 'addressing' in [source a]; it goes into [store "
	    "NAME]\n"
	    ":10: timeout needs a value\n"
	    ":12: '[' without ']'\n"
	    ":14: a template uses no other one\n"
	    ":16: timeout: '1w' is not a time such as 500ms, 10s, 5m or 2h\n");
	settings_free(s);
	t.text[0] = '\0';
	s = reads("[source a]\nthreads = 3\n");
	assert_int_equal(settings_mistakes(s, note, &t), 0);
	assert_string_equal(t.text, "");
	settings_free(s);
}

static void
test_settings_file_that_others_may_write(void **state)
{
	struct err e = {0};
	struct settings *s;
	char want[200];
	int rc;

	(void)state;
	fixture_file("[defaults]\nthreads = 3\n");
	assert_int_equal(chmod(fixture_path, 0666), 0);
	s = parse_it(&rc, &e, "", "show", NULL);
	assert_int_equal(rc, -1);
	(void)snprintf(want, sizeof(want), "%s: others may write this file",
	    fixture_path);
	assert_string_equal(e.msg, want);
	(void)snprintf(want, sizeof(want), "chmod o-w %s", fixture_path);
	assert_string_equal(e.hint, want);
	settings_free(s);
}

/* --- what a file includes --- */

static char folder[64];

static void
put(const char *name, const char *text)
{
	char path[400];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void
drop(const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)remove(path);
}

static void
test_settings_file_includes_others(void **state)
{
	char text[300], where[200], want[200];
	struct err e = {0};
	struct settings *s;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/settings-d-XXXXXX");
	assert_non_null(mkdtemp(folder));
	put("b.conf", "[source b]\nthreads = 2\n");
	put("a.conf", "[source a]\nthreads = 1\n[daemon]\nmax-jobs = 9\n");
	put("other", "[source c]\nthreads = 3\n");
	(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %s\n"
	    "socket = /x\n[source d]\ntimeout = 3s\n[daemon]\n"
	    "include = %s/*.none\n", folder, folder);
	s = reads(text);
	assert_string_equal(settings_name(s, "source", 0), "a");
	assert_string_equal(settings_name(s, "source", 1), "b");
	assert_string_equal(settings_name(s, "source", 2), "d");
	assert_null(settings_name(s, "source", 3));
	assert_int_equal(settings_use_source(s, "a", &e), 0);
	assert_int_equal(settings_uint(s, "threads"), 1);
	(void)snprintf(want, sizeof(want), "%s/a.conf:2", folder);
	assert_string_equal(settings_origin(s, "threads", where,
	    sizeof(where)), want);
	/* Files share [daemon]. */
	assert_int_equal(settings_use_daemon(s, &e), 0);
	assert_int_equal(settings_uint(s, "max-jobs"), 9);
	assert_string_equal(settings_str(s, "socket"), "/x");
	settings_free(s);
	/* But nothing is said twice, in whatever files. */
	(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %s\n"
	    "max-jobs = 5\n", folder);
	(void)snprintf(want, sizeof(want), ":3: max-jobs of [daemon] is given "
	    "in %s/a.conf:4 already", folder);
	refuses(text, want, "take one of the two away");
	(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %s\n"
	    "[source a]\n", folder);
	(void)snprintf(want, sizeof(want), ":3: [source a] is there already, "
	    "in %s/a.conf:1", folder);
	refuses(text, want, "give it another name, or take it away");
	(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %s/nothing\n",
	    folder);
	(void)snprintf(want, sizeof(want), ":2: include: there is no "
	    "%s/nothing", folder);
	refuses(text, want, "");
	/* Relative names are beside the file that has them. */
	put("b.conf", "[daemon]\ninclude = other\n");
	put("a.conf", "");
	(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %s\n",
	    folder);
	s = reads(text);
	assert_true(settings_has_source(s, "c"));
	settings_free(s);
	drop("a.conf");
	drop("b.conf");
	drop("other");
	assert_int_equal(rmdir(folder), 0);
}

static void
test_settings_file_includes_no_file_twice(void **state)
{
	char text[300], want[300];
	struct err e = {0};
	struct settings *s;
	int rc, i;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/settings-d-XXXXXX");
	assert_non_null(mkdtemp(folder));
	put("0", "[daemon]\ninclude = 1\n");
	put("1", "[daemon]\n\ninclude = 0\n");
	(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %s/0\n",
	    folder);
	fixture_file(text);
	s = parse_it(&rc, &e, "", "show", NULL);
	assert_int_equal(rc, -1);
	(void)snprintf(want, sizeof(want), "%s/1:3: include: %s/0 is read "
	    "already", folder, folder);
	assert_string_equal(e.msg, want);
	settings_free(s);
	for (i = 0; i < 9; i++) {
		(void)snprintf(text, sizeof(text), "[daemon]\ninclude = %d\n",
		    i + 1);
		(void)snprintf(want, sizeof(want), "%d", i);
		put(want, text);
	}
	put("9", "");
	e = (struct err){0};
	s = parse_it(&rc, &e, "", "show", NULL);
	assert_int_equal(rc, -1);
	(void)snprintf(want, sizeof(want), "%s/7:2: include: more than 8 files "
	    "within each other", folder);
	assert_string_equal(e.msg, want);
	settings_free(s);
	for (i = 0; i < 10; i++) {
		(void)snprintf(want, sizeof(want), "%d", i);
		drop(want);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void
test_settings_file_wrong_values_tell_where(void **state)
{
	struct settings *s;
	struct err e = {0};
	char want[200];

	(void)state;
	refuses("[defaults]\n#\nthreads = many\n", ":3: threads: 'many' is not a whole "
	    "number", "");
	/* In a section that is not chosen, nobody looks. */
	s = reads("[source a]\nthreads = many\n[source b]\nthreads = 3\n");
	assert_int_equal(settings_use_source(s, "b", &e), 0);
	assert_int_equal(settings_use_source(s, "a", &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	(void)snprintf(want, sizeof(want), "%s:2: threads: 'many' is not a whole "
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
		TEST(test_settings_file_cuts_no_name_and_no_value),
		TEST(test_settings_file_keys_of_other_programs_pass),
		TEST(test_settings_file_mistakes_have_a_line),
		TEST(test_settings_file_nothing_is_said_twice),
		TEST(test_settings_file_daemon_and_notifiers),
		TEST(test_settings_file_template_between_defaults_and_source),
		TEST(test_settings_file_all_mistakes_are_found),
		TEST(test_settings_file_that_others_may_write),
		TEST(test_settings_file_includes_others),
		TEST(test_settings_file_includes_no_file_twice),
		TEST(test_settings_file_wrong_values_tell_where),
		TEST(test_settings_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
