/* SPDX-License-Identifier: Apache-2.0 */
/* accepted_test: the file is ours alone, whole, and comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backupd/accepted.h"
#include "backupd/settings.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

static char folder[] = "/tmp/accepted-XXXXXX";
static char state_dir[64], config[64];

static struct settings *
reads(const char *text)
{
	char option[80];
	char *argv[] = { (char *)(size_t)"backupd", (char *)(size_t)"serve",
	    option, NULL };
	struct err e = {0};
	struct settings *s = settings_new(&backupd_program, &e);

	(void)snprintf(option, sizeof(option), "--config=%s", config);
	if (file_write(config, text, strlen(text), 0600, &e) != 0 ||
	    settings_parse(s, 3, argv, &e) != 0)
		fail_msg("%s", e.msg);
	return s;
}

static void
assert_holds(const char *path, const char *part)
{
	struct buf text = {0};
	struct err e = {0};
	struct stat st;

	assert_int_equal(file_read(path, 65536, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), part));
	buf_free(&text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_accepted_is_written_for_us_alone(void **state)
{
	struct settings *s = reads("[source a]\nstore = file:///x\n"
	    "password-file = /etc/kura/secret\n");
	struct err e = {0};
	struct accepted *a;

	(void)state;
	(void)umask(0);
	a = accepted_new(state_dir, s, &e);
	if (a == NULL)
		fail_msg("%s", e.msg);
	assert_holds(accepted_path(a), "password-file=/etc/kura/secret\n");
	accepted_free(a);
	settings_free(s);
}

static void
test_accepted_comes_back(void **state)
{
	struct settings *s = reads("[source a]\nstore = file:///x\n");
	struct accepted *a, *other;
	struct err e = {0};
	struct stat was, is;

	(void)state;
	a = accepted_new(state_dir, s, &e);
	assert_non_null(a);
	assert_int_equal(stat(accepted_path(a), &was), 0);
	/* Nothing is written where nothing is missing. */
	assert_int_equal(accepted_keep(a, &e), 0);
	assert_int_equal(stat(accepted_path(a), &is), 0);
	assert_int_equal(is.st_ino, was.st_ino);
	assert_int_equal(unlink(accepted_path(a)), 0);
	assert_int_equal(rmdir(state_dir), 0);
	assert_int_equal(accepted_keep(a, &e), 0);
	assert_holds(accepted_path(a), "store=file:///x\n");
	settings_free(s);
	/* Another one in its place is not what was accepted. */
	s = reads("[source a]\nstore = file:///y\n");
	other = accepted_new(state_dir, s, &e);
	assert_holds(accepted_path(other), "store=file:///y\n");
	assert_int_equal(accepted_keep(a, &e), 0);
	assert_holds(accepted_path(a), "store=file:///x\n");
	accepted_free(a);
	accepted_free(other);
	settings_free(s);
}

static void
test_accepted_says_why_it_cannot_be_written(void **state)
{
	struct settings *s = reads("[source a]\nstore = file:///x\n");
	struct err e = {0};

	(void)state;
	assert_null(accepted_new("/dev/null/x", s, &e));
	assert_memory_equal(e.msg, "the configuration for jobs: /dev/null",
	    37);
	settings_free(s);
}

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(state_dir, sizeof(state_dir), "%s/state", folder);
	(void)snprintf(config, sizeof(config), "%s/kura.conf", folder);
	return 0;
}

static int
end(void **state)
{
	char path[80];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/accepted.conf", state_dir);
	(void)unlink(path);
	(void)rmdir(state_dir);
	(void)unlink(config);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted_is_written_for_us_alone),
		cmocka_unit_test(test_accepted_comes_back),
		cmocka_unit_test(test_accepted_says_why_it_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
