/* SPDX-License-Identifier: Apache-2.0 */
/* dir_test: what a store makes of a directory, its order and its dangers. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <pthread.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "tests/unit/store/directory.h"

#define NOBODY 65534

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

static int
none_listed(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)arg;
	(void)entry;
	(void)e;
	fail();
	return -1;
}

/* A disc that is not mounted any more leaves an empty folder, or none. */
static void
test_dir_another_folder_is_not_the_store(void **state)
{
	char away[80], want[200];
	struct err e = {0};

	(void)state;
	put("a");
	(void)snprintf(away, sizeof(away), "%s.away", root);
	(void)snprintf(want, sizeof(want), "%s is not the folder any more "
	    "that was opened", root);
	assert_int_equal(rename(root, away), 0);
	assert_int_equal(store_put(store, "b", "b", 1, false, &e), -1);
	assert_non_null(strstr(e.msg, want));
	assert_string_equal(e.hint, "is its disc mounted?");
	assert_int_equal(mkdir(root, 0700), 0);
	e = (struct err){0};
	assert_int_equal(store_put(store, "b", "b", 1, false, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	e = (struct err){0};
	assert_int_equal(store_list(store, "", none_listed, NULL, &e), -1);
	assert_non_null(strstr(e.msg, want));
	assert_int_equal(rmdir(root), 0);
	assert_int_equal(rename(away, root), 0);
	put("b");
	lists("", "a:1 b:1 ");
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dir_follows_no_links_to_objects),
		TEST(test_dir_open_tells_what_is_wrong),
		TEST(test_dir_another_folder_is_not_the_store),
		TEST(test_dir_open_creates_when_asked_to),
		TEST(test_dir_unwritable_says_so),
		TEST(test_dir_file_in_the_way_of_a_folder),
		TEST(test_dir_puts_and_deletes_in_one_folder_at_once),
		TEST(test_dir_time_is_the_file_systems),
		TEST(test_dir_obeys_a_request_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
