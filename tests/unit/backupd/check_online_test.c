/* SPDX-License-Identifier: Apache-2.0 */
/* check_online_test: stores that are folders, and a server that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backupd/check.h"
#include "backupd/check_online.h"
#include "backupd/finding.h"
#include "backupd/settings.h"
#include "base/err.h"
#include "mysql/connect.h"

static char folder[64], path[128];

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/check-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/kura.conf", folder);
	(void)setenv("HOME", "/nonexistent", 1);
	(void)unsetenv("KURA_STORE");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)rmdir(folder);
	return 0;
}

/* %s of the text is the folder. */
static struct settings *
parsed(const char *text)
{
	char option[160];
	char *argv[] = { (char[]){ "backupd" }, (char[]){ "check" }, option,
	    NULL };
	struct err e = {0};
	struct settings *s = settings_new(&backupd_program, &e);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_non_null(s);
	(void)fprintf(f, "[store main]\nurl = file://%s%s", folder, text);
	(void)fclose(f);
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	if (settings_parse(s, 3, argv, &e) != 0)
		fail_msg("%s", e.msg);
	return s;
}

static struct settings *
settings_of(const char *text)
{
	struct settings *s = parsed(text);
	struct err e = {0};

	if (settings_use_source(s, "a", &e) != 0)
		fail_msg("%s", e.msg);
	return s;
}

static char *
printed(const struct findings *f)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	findings_print(f, out);
	(void)fclose(out);
	return text;
}

static void
test_check_store_that_is_a_folder(void **state)
{
	struct check_store c = { .label = "main" };
	struct err e = {0};
	struct findings *f = findings_new(&e);

	(void)state;
	c.settings = settings_of("\n[source a]\n");
	check_store_try(&c, f);
	assert_true(c.reached && c.writes && c.create_only && c.reads &&
	    c.deletes && c.file);
	assert_false(c.exists);
	assert_true(c.free > 0);
	assert_int_equal(findings_count(f, FINDING_ERROR), 0);
	assert_int_equal(c.bucket.lifecycle, BUCKET_NO);
	settings_free(c.settings);
	findings_free(f);
	/* Nothing is left but what the store keeps for itself. */
	(void)snprintf(path, sizeof(path), "%s/.tmp", folder);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/kura.conf", folder);
}

static void
test_check_store_that_is_not_there_yet(void **state)
{
	struct check_store c = { .label = "main" };
	struct err e = {0};
	struct findings *f = findings_new(&e);
	char want[300], *text;

	(void)state;
	c.settings = settings_of("/a/b\n[source a]\n");
	check_store_try(&c, f);
	text = printed(f);
	(void)snprintf(want, sizeof(want), "store main: warning: %s/a/b is "
	    "not there yet: the first backup makes it; see that the file "
	    "system is mounted\n", folder);
	assert_string_equal(text, want);
	assert_true(c.reached && c.writes);
	free(text);
	settings_free(c.settings);
	findings_free(f);
}

static void
test_check_source_that_is_not_there(void **state)
{
	const struct check_store store = { .label = "main" };
	struct check_source c = { .name = "a", .jobs = FINDING_DUMP,
	    .store = &store };
	struct err e = {0};
	struct findings *f = findings_new(&e);
	char *text;

	(void)state;
	assert_int_equal(conn_library_init(&e), 0);
	c.settings = settings_of("\n[source a]\nhost = 127.0.0.1\nport = 1\n");
	check_source_try(&c, f);
	assert_false(c.reached);
	assert_int_equal(findings_stopped(f, "a"), FINDING_DUMP |
	    FINDING_ARCHIVE | FINDING_DRILL);
	settings_free(c.settings);
	findings_free(f);
	/* Of several endpoints, each that does not answer is named. */
	f = findings_new(&e);
	c.settings = settings_of("\n[source a]\n"
	    "endpoints = 127.0.0.1:1, 127.0.0.1:2\n");
	check_source_try(&c, f);
	assert_int_equal(findings_count(f, FINDING_WARNING), 2);
	text = printed(f);
	assert_non_null(strstr(text, "a: none of its endpoints answers\n"));
	free(text);
	settings_free(c.settings);
	findings_free(f);
}

/* All of it together: a source that cannot be reached ends it with status 1,
 * a wrong configuration with 2 before anything is reached. */
static void
test_check_run_exit(void **state)
{
	struct settings *s = parsed("\n[source a]\nhost = 127.0.0.1\n"
	    "port = 1\n");
	struct err e = {0};
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	assert_int_equal(check_run(s, NULL, out, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "1 thing will stop jobs");
	(void)fclose(out);
	assert_non_null(strstr(text, "\na       main   no       -        "));
	free(text);
	settings_free(s);
	(void)snprintf(path, sizeof(path), "%s/.tmp", folder);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/kura.conf", folder);
	s = parsed("\n[source a]\nhost = 127.0.0.1\nport = 1\n"
	    "notify = x\n");
	e = (struct err){0};
	out = open_memstream(&text, &n);
	assert_non_null(out);
	assert_int_equal(check_run(s, NULL, out, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "1 error in the configuration");
	(void)fclose(out);
	free(text);
	settings_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_check_store_that_is_a_folder),
		TEST(test_check_store_that_is_not_there_yet),
		TEST(test_check_source_that_is_not_there),
		TEST(test_check_run_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
