/* SPDX-License-Identifier: Apache-2.0 */
/* file_test: whole files read and replaced, and what stays on failure. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define NOBODY 65534

static char root[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/file-XXXXXX");
	return mkdtemp(root) != NULL && chmod(root, 0755) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *
below(const char *name)
{
	static char path[4200];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

/* why follows the folder's path. */
static void
failed(int rc, struct err *e, enum err_code code, const char *why)
{
	assert_int_equal(rc, -1);
	assert_memory_equal(e->msg, root, strlen(root));
	assert_string_equal(e->msg + strlen(root), why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

static unsigned
entries(void)
{
	DIR *dir = opendir(root);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n - 2;
}

static void
test_file_write_then_read(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	struct stat st;

	(void)state;
	(void)umask(022);
	assert_int_equal(file_write(below("f"), "a\0b", 3, 0600, &e), 0);
	assert_int_equal(stat(below("f"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_adds(&out, ">");
	assert_int_equal(file_read(below("f"), 3, &out, &e), 0);
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.data, ">a\0b", 4);
	/* Replaced as a whole; nothing else is left beside it. */
	assert_int_equal(file_write(below("f"), "", 0, 0644, &e), 0);
	buf_clear(&out);
	assert_int_equal(file_read(below("f"), 0, &out, &e), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(entries(), 1);
	buf_free(&out);
}

static void
test_file_read_bounds_its_memory(void **state)
{
	char data[40000];
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_int_equal(file_write(below("f"), data, sizeof(data), 0600,
	    &e), 0);
	failed(file_read(below("f"), sizeof(data) - 1, &out, &e), &e, ERR_IO,
	    "/f: larger than 39999 bytes");
	buf_clear(&out);
	assert_int_equal(file_read(below("f"), sizeof(data), &out, &e), 0);
	assert_int_equal(out.len, sizeof(data));
	buf_free(&out);
	buf_init(&out, 100);
	failed(file_read(below("f"), sizeof(data), &out, &e), &e, ERR_NOMEM,
	    "/f: too large or out of memory");
	buf_free(&out);
}

static void
test_file_read_tells_why_not(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	bool mighty = geteuid() == 0;

	(void)state;
	failed(file_read(below("none"), 9, &out, &e), &e, ERR_NOTFOUND,
	    "/none: No such file or directory");
	failed(file_read(below(""), 9, &out, &e), &e, ERR_IO,
	    "/: Is a directory");
	assert_int_equal(file_write(below("f"), "x", 1, 0, &e), 0);
	failed(file_read(below("f/x"), 9, &out, &e), &e, ERR_NOTFOUND,
	    "/f/x: Not a directory");
	if (mighty)
		assert_int_equal(seteuid(NOBODY), 0);
	failed(file_read(below("f"), 9, &out, &e), &e, ERR_DENIED,
	    "/f: Permission denied");
	if (mighty)
		assert_int_equal(seteuid(0), 0);
	buf_free(&out);
}

static void
test_file_write_failure_keeps_the_old_file(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(file_mkdirs(below("d/full"), &e), 0);
	failed(file_write(below("d"), "x", 1, 0600, &e), &e, ERR_IO,
	    "/d: Is a directory");
	failed(file_write(below("none/f"), "x", 1, 0600, &e), &e,
	    ERR_NOTFOUND, "/none/f: No such file or directory");
	/* No temporary file is left behind. */
	assert_int_equal(entries(), 1);
	buf_free(&out);
}

static void
test_file_write_where_it_may_not(void **state)
{
	struct err e = {0};
	bool mighty = geteuid() == 0;

	(void)state;
	assert_int_equal(chmod(root, 0555), 0);
	if (mighty)
		assert_int_equal(seteuid(NOBODY), 0);
	failed(file_write(below("f"), "x", 1, 0600, &e), &e, ERR_DENIED,
	    "/f: Permission denied");
	failed(file_mkdirs(below("d/e"), &e), &e, ERR_DENIED,
	    "/d: Permission denied");
	if (mighty)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(root, 0755), 0);
}

static void
test_file_names_too_long_are_refused(void **state)
{
	char name[5000];
	struct err e = {0};

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_write(name, "x", 1, 0600, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_memory_equal(e.msg, "xxxx", 4);
	e = (struct err){0};
	assert_int_equal(file_mkdirs(name, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	e = (struct err){0};
	assert_int_equal(file_mkdirs("", &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, ": File name too long");
}

static void
test_file_mkdirs_makes_what_is_missing(void **state)
{
	struct err e = {0};
	struct stat st;

	(void)state;
	assert_int_equal(file_mkdirs(below("a//b/c/"), &e), 0);
	assert_int_equal(stat(below("a/b/c"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(file_mkdirs(below("a/b/c"), &e), 0);
	assert_int_equal(file_mkdirs("/", &e), 0);
	assert_int_equal(file_write(below("f"), "", 0, 0600, &e), 0);
	failed(file_mkdirs(below("f/x"), &e), &e, ERR_IO,
	    "/f/x: Not a directory");
}

static void
test_file_sync_dir_wants_a_folder(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(file_sync_dir(root, &e), 0);
	failed(file_sync_dir(below("none"), &e), &e, ERR_NOTFOUND,
	    "/none: No such file or directory");
}

static void
test_file_write_all_reports_a_full_device(void **state)
{
	struct err e = {0};
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(file_write_all(fd, "x", 1, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "write: No space left on device");
	e = (struct err){0};
	assert_int_equal(file_write_all(fd, "", 0, &e), 0);
	(void)close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_write_then_read),
		TEST(test_file_read_bounds_its_memory),
		TEST(test_file_read_tells_why_not),
		TEST(test_file_write_failure_keeps_the_old_file),
		TEST(test_file_write_where_it_may_not),
		TEST(test_file_names_too_long_are_refused),
		TEST(test_file_mkdirs_makes_what_is_missing),
		TEST(test_file_sync_dir_wants_a_folder),
		TEST(test_file_write_all_reports_a_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
