/* SPDX-License-Identifier: Apache-2.0 */
/* dir_test: what a store makes of a directory, its order and its dangers. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/store.h"

#define NOBODY 65534

static char root[64];
static struct store *store;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static struct store *
open_at(const char *path, bool create, struct cancel *cancel, struct err *e)
{
	char url[4200];
	const struct store_opts opts = { .url = url, .create = create,
	    .cancel = cancel };

	(void)snprintf(url, sizeof(url), "file://%s", path);
	return store_open(&opts, e);
}

static int
setup(void **state)
{
	struct err e = {0};

	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/dir-XXXXXX");
	if (mkdtemp(root) == NULL || chmod(root, 0755) != 0)
		return -1;
	store = open_at(root, false, NULL, &e);
	return store != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *
below(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void
put(const char *key)
{
	struct err e = {0};

	if (store_put(store, key, key, strlen(key), false, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
failed(int rc, struct err *e, enum err_code code, const char *why)
{
	assert_int_equal(rc, -1);
	assert_memory_equal(e->msg, "file://", 7);
	assert_memory_equal(e->msg + 7, root, strlen(root));
	assert_string_equal(e->msg + 7 + strlen(root), why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

static int
note(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s:%llu ", entry->key,
	    (unsigned long long)entry->size);
	return 0;
}

static void
lists(const char *prefix, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	if (store_list(store, prefix, note, &out, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_dir_lists_keys_in_byte_order(void **state)
{
	static const char *const keys[] = { "a/1", "a-b/1", "a.b",
		"a0/1", "B", "a_", "ab/c/d", "ab/c.d", "ab/c-d" };
	size_t i;

	(void)state;
	/* A folder stands where "a/" does, behind "a-b" and "a.b". */
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put(keys[i]);
	lists("", "B:1 a-b/1:5 a.b:3 a/1:3 a0/1:4 a_:2 ab/c-d:6 ab/c.d:6 "
	    "ab/c/d:6 ");
}

static void
test_dir_lists_by_any_prefix(void **state)
{
	(void)state;
	put("x/heads/1.json");
	put("x/heads/2.json");
	put("x/heads2/3.json");
	put("y/1");
	lists("x/heads/", "x/heads/1.json:14 x/heads/2.json:14 ");
	lists("x/heads", "x/heads/1.json:14 x/heads/2.json:14 "
	    "x/heads2/3.json:15 ");
	lists("x/heads/2", "x/heads/2.json:14 ");
	lists("x/heads/2.json", "x/heads/2.json:14 ");
	lists("x/heads/2.json/", "");
	lists("z", "");
	lists("z/z/", "");
	lists("y/1", "y/1:3 ");
}

static void
test_dir_lists_names_of_folders(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	put("s/orders/k");
	put("s/orders-2/k/k");
	put("s/file");
	assert_int_equal(store_list_names(store, "s/", note, &out, &e), 0);
	assert_string_equal(buf_str(&out), "orders-2:0 orders:0 ");
	buf_clear(&out);
	assert_int_equal(store_list_names(store, "", note, &out, &e), 0);
	/* Not ".tmp", through which the puts went. */
	assert_string_equal(buf_str(&out), "s:0 ");
	buf_clear(&out);
	assert_int_equal(store_list_names(store, "none/", note, &out, &e), 0);
	assert_string_equal(buf_str(&out), "");
	buf_free(&out);
}

static int
stop(void *arg, const struct store_entry *entry, struct err *e)
{
	++*(int *)arg;
	return err_set(e, ERR_BUSY, 0, "enough at %s", entry->key);
}

static void
test_dir_list_stops_when_told_to(void **state)
{
	struct err e = {0};
	int n = 0;

	(void)state;
	put("a/1");
	put("a/2");
	failed(store_list(store, "", stop, &n, &e), &e, ERR_BUSY,
	    ": enough at a/1");
	failed(store_list_names(store, "", stop, &n, &e), &e, ERR_BUSY,
	    ": enough at a");
	assert_int_equal(n, 2);
}

static void
test_dir_follows_no_links_to_objects(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	put("real");
	assert_int_equal(symlink("/etc/passwd", below("link")), 0);
	assert_int_equal(mkfifo(below("pipe"), 0600), 0);
	failed(store_get(store, "link", 1000000, &out, &e), &e, ERR_IO,
	    "/link: open: Too many levels of symbolic links");
	failed(store_get(store, "pipe", 1000000, &out, &e), &e, ERR_CORRUPT,
	    "/pipe: is no regular file");
	assert_null(object_open(store, "link", 0, UINT64_MAX, &e));
	failed(-1, &e, ERR_IO, "/link: open: Too many levels of symbolic "
	    "links");
	lists("", "real:4 ");
	/* A put replaces the link and not what it points at. */
	put("link");
	lists("", "link:4 real:4 ");
	buf_free(&out);
}

static void
test_dir_open_tells_what_is_wrong(void **state)
{
	char want[200];
	struct err e = {0};

	(void)state;
	put("file");
	assert_null(open_at(below("none"), false, NULL, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	(void)snprintf(want, sizeof(want), "%s/none: No such file or "
	    "directory", root);
	assert_string_equal(e.msg, want);
	e = (struct err){0};
	assert_null(open_at(below("file"), false, NULL, &e));
	assert_int_equal(e.code, ERR_USAGE);
	(void)snprintf(want, sizeof(want), "%s/file: Not a directory", root);
	assert_string_equal(e.msg, want);
}

static void
test_dir_open_creates_when_asked_to(void **state)
{
	struct store *s;
	struct err e = {0};
	struct stat st;

	(void)state;
	s = open_at(below("new/deep/"), true, NULL, &e);
	assert_non_null(s);
	store_close(s);
	assert_int_equal(stat(below("new/deep"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
}

static void
test_dir_unwritable_says_so(void **state)
{
	static const char *const keys[] = { "d/k" };
	static const char hint[] = "let this user write to the store's "
	    "directory";
	struct object *o;
	struct buf out = {0};
	struct err e = {0};
	int64_t us;
	bool mighty = geteuid() == 0;

	(void)state;
	put("d/k");
	/* Root may do anything: be somebody who may not. */
	assert_int_equal(chmod(root, 0555), 0);
	assert_int_equal(chmod(below("d"), 0555), 0);
	assert_int_equal(chmod(below(".tmp"), 0555), 0);
	if (mighty)
		assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(store_put(store, "x", "1", 1, false, &e), -1);
	assert_string_equal(e.hint, hint);
	failed(-1, &e, ERR_DENIED, "/x: create: Permission denied");
	o = object_create(store, "y", &e);
	assert_null(o);
	failed(-1, &e, ERR_DENIED, "/y: create: Permission denied");
	failed(store_delete(store, keys, 1, &e), &e, ERR_DENIED,
	    ": d/k: delete: Permission denied");
	failed(store_time(store, &us, &e), &e, ERR_DENIED,
	    ": create: Permission denied");
	assert_int_equal(store_get(store, "d/k", 9, &out, &e), 0);
	assert_string_equal(buf_str(&out), "d/k");
	if (mighty)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(chmod(below("d"), 0755), 0);
	assert_int_equal(chmod(below(".tmp"), 0755), 0);
	buf_free(&out);
}

static void
test_dir_file_in_the_way_of_a_folder(void **state)
{
	struct err e = {0};

	(void)state;
	put("a");
	failed(store_put(store, "a/b", "1", 1, false, &e), &e, ERR_IO,
	    "/a/b: rename: Not a directory");
	put("d/k");
	failed(store_put(store, "d", "1", 1, false, &e), &e, ERR_IO,
	    "/d: rename: Is a directory");
	failed(store_put(store, "d", "1", 1, true, &e), &e, ERR_EXISTS,
	    "/d: create: File exists");
}

/* Deletes prune the folders that puts are just about to use. */
static void *
put_and_delete(void *arg)
{
	static const char *const keys[] = { "p/q/1", "p/q/2" };
	const char *const *key = keys + (arg != NULL);
	struct err e = {0};
	int i;

	for (i = 0; i < 300; i++)
		if (store_put(store, *key, "x", 1, i % 2 == 0, &e) != 0 ||
		    store_delete(store, key, 1, &e) != 0)
			return "failed";
	return NULL;
}

static void
test_dir_puts_and_deletes_in_one_folder_at_once(void **state)
{
	pthread_t thread;
	void *other = NULL, *own;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, put_and_delete,
	    root), 0);
	own = put_and_delete(NULL);
	assert_int_equal(pthread_join(thread, &other), 0);
	assert_null(own);
	assert_null(other);
}

static void
touch(const char *name, time_t age)
{
	const struct timespec times[2] = { { time(NULL) - age, 0 },
	    { time(NULL) - age, 0 } };
	int fd = open(below(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(close(fd), 0);
}

static void
test_dir_removes_leftovers_of_a_day(void **state)
{
	struct err e = {0};

	(void)state;
	/* No folder yet: nothing to do. */
	assert_int_equal(store_abort_uploads(store, "", &e), 0);
	put("k");
	touch(".tmp/old", 86400 + 3600);
	touch(".tmp/young", 86400 - 3600);
	assert_int_equal(store_abort_uploads(store, "", &e), 0);
	assert_int_equal(access(below(".tmp/old"), F_OK), -1);
	assert_int_equal(access(below(".tmp/young"), F_OK), 0);
	assert_int_equal(access(below("k"), F_OK), 0);
}

static void
test_dir_time_is_the_file_systems(void **state)
{
	struct err e = {0};
	int64_t us = 0, now = clock_now_us();

	(void)state;
	assert_int_equal(store_time(store, &us, &e), 0);
	/* File systems may keep whole seconds; and the day is the same. */
	assert_true(us > now - INT64_C(86400000000) &&
	    us < now + INT64_C(86400000000));
	assert_int_equal(rmdir(below(".tmp")), 0);
}

static void
test_dir_obeys_a_request_to_stop(void **state)
{
	static const char *const keys[] = { "k" };
	struct err e = {0};
	struct cancel *c = cancel_new(&e);
	struct store *s;
	struct object *o;
	struct buf out = {0};

	(void)state;
	put("k");
	assert_non_null(c);
	s = open_at(root, false, c, &e);
	assert_non_null(s);
	o = object_create(s, "o", &e);
	assert_non_null(o);
	assert_int_equal(object_write(o, "x", 1, &e), 0);
	cancel_request(c, "SIGTERM");
	failed(object_commit(o, NULL, &e), &e, ERR_CANCELLED,
	    "/o: stopped by SIGTERM");
	failed(store_list(s, "", note, &out, &e), &e, ERR_CANCELLED,
	    ": stopped by SIGTERM");
	failed(store_delete(s, keys, 1, &e), &e, ERR_CANCELLED,
	    ": stopped by SIGTERM");
	store_close(s);
	cancel_free(c);
	lists("", "k:1 ");
	assert_int_equal(rmdir(below(".tmp")), 0);
	buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dir_lists_keys_in_byte_order),
		TEST(test_dir_lists_by_any_prefix),
		TEST(test_dir_lists_names_of_folders),
		TEST(test_dir_list_stops_when_told_to),
		TEST(test_dir_follows_no_links_to_objects),
		TEST(test_dir_open_tells_what_is_wrong),
		TEST(test_dir_open_creates_when_asked_to),
		TEST(test_dir_unwritable_says_so),
		TEST(test_dir_file_in_the_way_of_a_folder),
		TEST(test_dir_puts_and_deletes_in_one_folder_at_once),
		TEST(test_dir_removes_leftovers_of_a_day),
		TEST(test_dir_time_is_the_file_systems),
		TEST(test_dir_obeys_a_request_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
