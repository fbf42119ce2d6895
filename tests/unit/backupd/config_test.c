/* SPDX-License-Identifier: Apache-2.0 */
/* config_test: the effective settings, in the form of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backupd/config.h"
#include "backupd/settings.h"
#include "base/err.h"

static char path[64];

static char *
shown(const char *text, const char *source)
{
	char option[100], *printed = NULL;
	char *argv[] = { (char[]){ "backupd" }, (char[]){ "config" }, option,
	    NULL };
	struct err e = {0};
	struct settings *s = settings_new(&backupd_program, &e);
	FILE *f, *out;
	size_t n;

	assert_non_null(s);
	(void)snprintf(path, sizeof(path), "/tmp/config-XXXXXX");
	(void)close(mkstemp(path));
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	(void)unsetenv("KURA_STORE");
	if (settings_parse(s, 3, argv, &e) != 0)
		fail_msg("%s", e.msg);
	out = open_memstream(&printed, &n);
	assert_non_null(out);
	if (config_print(s, source, out, &e) != 0)
		fail_msg("%s", e.msg);
	(void)fclose(out);
	(void)unlink(path);
	settings_free(s);
	return printed;
}

static const char file[] = "[daemon]\nmax-jobs = 9\nsocket = /run/k\n"
    "[notify ops]\ntype = exec\non = gap, damage\n[store main]\n"
    "url = file:///x\n[template t]\nlevel = 5\n[source a]\nuse = t\n"
    "[source b]\nsocket = /run/m\n";

static void
has(const char *text, const char *line, unsigned number)
{
	char want[200];

	(void)snprintf(want, sizeof(want), "\n%s  # %s:%u\n", line, path,
	    number);
	if (strstr(text, want) == NULL)
		fail_msg("no %s in %s", want, text);
}

static void
test_config_of_all_sections(void **state)
{
	char *text = shown(file, NULL);

	(void)state;
	has(text, "max-jobs = 9", 2);
	has(text, "socket = /run/k", 3);
	has(text, "on = gap, damage", 6);
	has(text, "url = file:///x", 8);
	has(text, "level = 5", 10);
	has(text, "socket = /run/m", 14);
	assert_non_null(strstr(text, "\n[daemon]\n"));
	assert_non_null(strstr(text, "\n[notify ops]\n"));
	assert_non_null(strstr(text, "\n[store main]\n"));
	assert_non_null(strstr(text, "\n[defaults]\n"));
	assert_non_null(strstr(text, "\n[source a]\n"));
	assert_non_null(strstr(text, "\nlevel = 1  # default\n"));
	free(text);
}

static void
test_config_of_one_source(void **state)
{
	char *text = shown(file, "a");

	(void)state;
	has(text, "level = 5", 10);
	has(text, "url = file:///x", 8);
	assert_null(strstr(text, "[daemon]"));
	assert_null(strstr(text, "[source b]"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_of_all_sections),
		cmocka_unit_test(test_config_of_one_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
