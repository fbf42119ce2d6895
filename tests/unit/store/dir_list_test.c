/* SPDX-License-Identifier: Apache-2.0 */
/* dir_list_test: what a directory lists, in which order, and what it forgets. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/store/directory.h"

static void
test_dir_list_keys_in_byte_order(void **state)
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
test_dir_list_by_any_prefix(void **state)
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
test_dir_list_what_stands_after(void **state)
{
	static const struct { const char *after, *want; } all[] = {
		{ "", "x/1/a:5 x/1/b:5 x/10/a:6 x/2/a:5 x/3:3 " },
		{ "x/1/a", "x/1/b:5 x/10/a:6 x/2/a:5 x/3:3 " },
		{ "x/1/aa", "x/1/b:5 x/10/a:6 x/2/a:5 x/3:3 " },
		{ "x/1", "x/1/a:5 x/1/b:5 x/10/a:6 x/2/a:5 x/3:3 " },
		{ "x/10", "x/10/a:6 x/2/a:5 x/3:3 " },
		{ "x/2", "x/2/a:5 x/3:3 " },
		{ "x/2/a", "x/3:3 " },
		{ "x/3", "" },
		{ "y", "" },
	};
	struct buf out = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	put("x/1/a");
	put("x/1/b");
	put("x/10/a");
	put("x/2/a");
	put("x/3");
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		buf_clear(&out);
		assert_int_equal(store_list_after(store, "x/", all[i].after,
		    note, &out, &e), 0);
		assert_string_equal(buf_str(&out), all[i].want);
	}
	buf_free(&out);
}

static void
test_dir_list_names_of_folders(void **state)
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
test_dir_list_removes_leftovers_of_a_day(void **state)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dir_list_keys_in_byte_order),
		TEST(test_dir_list_by_any_prefix),
		TEST(test_dir_list_what_stands_after),
		TEST(test_dir_list_names_of_folders),
		TEST(test_dir_list_stops_when_told_to),
		TEST(test_dir_list_removes_leftovers_of_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
