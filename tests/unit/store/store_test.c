/* SPDX-License-Identifier: Apache-2.0 */
/* store_test: keys, URLs and streams, in a store that is a directory. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"
#include "store/store.h"

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

static int
setup(void **state)
{
	struct store_opts opts = {0};
	struct err e = {0};
	char url[96];

	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/store-XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	(void)snprintf(url, sizeof(url), "file://%s//", root);
	opts.url = url;
	store = store_open(&opts, &e);
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

/* "/tmp/store-x: ..." after the scheme, which every message begins with. */
static void
failed(int rc, struct err *e, enum err_code code, const char *why)
{
	size_t n = strlen(root) + 7;

	assert_int_equal(rc, -1);
	assert_memory_equal(e->msg, "file://", 7);
	assert_memory_equal(e->msg + 7, root, strlen(root));
	assert_string_equal(e->msg + n, why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

static void
refuses_url(const char *url, enum err_code code, const char *why,
    const char *hint)
{
	const struct store_opts opts = { .url = url };
	struct err e = {0};

	assert_null(store_open(&opts, &e));
	assert_int_equal(e.code, code);
	assert_string_equal(e.msg, why);
	assert_string_equal(e.hint, hint);
}

static void
test_store_open_refuses_other_urls(void **state)
{
	static const char hint[] = "write s3://BUCKET/PREFIX or "
	    "file:///DIRECTORY";
	char url[1100];

	(void)state;
	refuses_url("", ERR_USAGE, "store '': not a URL that Kura knows",
	    hint);
	refuses_url("gs://b", ERR_USAGE, "store 'gs://b': not a URL that Kura "
	    "knows", hint);
	refuses_url("file://relative", ERR_USAGE, "store 'file://relative': "
	    "not a URL that Kura knows", hint);
	refuses_url("/backups", ERR_USAGE, "store '/backups': not a URL that "
	    "Kura knows", hint);
	refuses_url("s3://", ERR_USAGE, "store s3://: no bucket in the URL",
	    "write s3://BUCKET/PREFIX");
	refuses_url("s3:///prefix", ERR_USAGE, "store s3:///prefix: no bucket "
	    "in the URL", "write s3://BUCKET/PREFIX");
	memset(url, 'x', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	refuses_url(url, ERR_USAGE, "store URL is too long", "");
}

static void
test_store_put_and_get(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	uint64_t size = 0;

	(void)state;
	assert_string_equal(store_name(store) + 7, root);
	assert_int_equal(store_put(store, "a/b/c.json", "x\0y", 3, false, &e),
	    0);
	assert_int_equal(store_get(store, "a/b/c.json", 3, &out, &e), 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "x\0y", 3);
	assert_int_equal(store_put(store, "a/b/c.json", "", 0, false, &e), 0);
	assert_int_equal(store_stat(store, "a/b/c.json", &size, &e), 0);
	assert_int_equal(size, 0);
	buf_clear(&out);
	assert_int_equal(store_get(store, "a/b/c.json", 0, &out, &e), 0);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
test_store_put_create_only_never_overwrites(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(store_put(store, "h", "1", 1, true, &e), 0);
	failed(store_put(store, "h", "2", 1, true, &e), &e, ERR_EXISTS,
	    "/h: create: File exists");
	assert_int_equal(store_get(store, "h", 9, &out, &e), 0);
	assert_string_equal(buf_str(&out), "1");
	assert_int_equal(store_put(store, "h", "3", 1, false, &e), 0);
	buf_clear(&out);
	assert_int_equal(store_get(store, "h", 9, &out, &e), 0);
	assert_string_equal(buf_str(&out), "3");
	buf_free(&out);
}

static void
test_store_get_what_is_missing_or_too_large(void **state)
{
	struct buf out = {0};
	struct err e = {0};
	uint64_t size;

	(void)state;
	assert_int_equal(store_put(store, "d/k", "12345", 5, false, &e), 0);
	failed(store_get(store, "x", 9, &out, &e), &e, ERR_NOTFOUND,
	    "/x: open: No such file or directory");
	failed(store_get(store, "d/k/x", 9, &out, &e), &e, ERR_NOTFOUND,
	    "/d/k/x: open: Not a directory");
	failed(store_stat(store, "x", &size, &e), &e, ERR_NOTFOUND,
	    "/x: open: No such file or directory");
	failed(store_get(store, "d/k", 4, &out, &e), &e, ERR_CORRUPT,
	    "/d/k: larger than 4 bytes");
	failed(store_get(store, "d", 9, &out, &e), &e, ERR_CORRUPT,
	    "/d: is no regular file");
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
test_store_get_range_is_exact(void **state)
{
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(store_put(store, "k", "0123456789", 10, false, &e),
	    0);
	buf_adds(&out, "> ");
	assert_int_equal(store_get_range(store, "k", 7, 3, &out, &e), 0);
	assert_string_equal(buf_str(&out), "> 789");
	assert_int_equal(store_get_range(store, "k", 10, 0, &out, &e), 0);
	failed(store_get_range(store, "k", 7, 4, &out, &e), &e, ERR_CORRUPT,
	    "/k: ends before byte 11");
	failed(store_get_range(store, "k", 11, 1, &out, &e), &e, ERR_CORRUPT,
	    "/k: ends before byte 12");
	buf_free(&out);
}

static void
refuses_key(const char *key, const char *why)
{
	const char *const keys[] = { key };
	char want[2000];
	struct err e = {0};
	struct buf out = {0};
	uint64_t size;

	(void)snprintf(want, sizeof(want), "/%s: object key '%.80s': %s", key,
	    key, why);
	/* Cut as messages are, less the root that comes before. */
	want[sizeof(e.msg) - 1 - 7 - strlen(root)] = '\0';
	failed(store_put(store, key, "x", 1, false, &e), &e, ERR_CORRUPT,
	    want);
	failed(store_get(store, key, 9, &out, &e), &e, ERR_CORRUPT, want);
	failed(store_get_range(store, key, 0, 1, &out, &e), &e, ERR_CORRUPT,
	    want);
	failed(store_stat(store, key, &size, &e), &e, ERR_CORRUPT, want);
	failed(store_delete(store, keys, 1, &e), &e, ERR_CORRUPT, want);
	assert_null(object_create(store, key, &e));
	failed(-1, &e, ERR_CORRUPT, want);
	assert_null(object_open(store, key, 0, UINT64_MAX, &e));
	failed(-1, &e, ERR_CORRUPT, want);
}

static void
test_store_refuses_every_key_but_plain_names(void **state)
{
	char key[600];

	(void)state;
	refuses_key("", "bad length");
	refuses_key("/a", "bad component");
	refuses_key("a//b", "bad component");
	refuses_key("a/", "bad component");
	refuses_key("..", "'.' or '..'");
	refuses_key("a/../b", "'.' or '..'");
	refuses_key("a/.", "'.' or '..'");
	refuses_key(".tmp", "a name that the store keeps for itself");
	refuses_key("a/.tmp/b", "a name that the store keeps for itself");
	refuses_key("a b", "a character that no key has");
	refuses_key("a\\b", "a character that no key has");
	refuses_key("\xc3\xa4", "a character that no key has");
	refuses_key("a%2e", "a character that no key has");
	memset(key, 'x', sizeof(key));
	key[201] = '\0';
	refuses_key(key, "bad component");
	memset(key, 'x', sizeof(key));
	key[100] = key[200] = key[300] = key[400] = key[500] = '/';
	key[512] = '\0';
	refuses_key(key, "bad length");
}

static void
test_store_takes_the_longest_key_and_every_character(void **state)
{
	char key[512];
	struct err e = {0};
	uint64_t size;

	(void)state;
	assert_int_equal(store_put(store, "AZaz09_.=-/..x/.../.tmpx/x.tmp", "1", 1, true,
	    &e), 0);
	memset(key, 'x', sizeof(key));
	key[200] = key[400] = '/';
	key[511] = '\0';
	assert_int_equal(store_put(store, key, "1", 1, true, &e), 0);
	assert_int_equal(store_stat(store, key, &size, &e), 0);
}

static void
test_store_delete_takes_absent_keys_and_empty_folders(void **state)
{
	static const char *const keys[] = { "a/b/1", "nope", "a/x/y/z" };
	char path[128];
	struct err e = {0};

	(void)state;
	assert_int_equal(store_put(store, "a/b/1", "", 0, false, &e), 0);
	assert_int_equal(store_put(store, "a/2", "", 0, false, &e), 0);
	assert_int_equal(store_delete(store, keys, 3, &e), 0);
	(void)snprintf(path, sizeof(path), "%s/a/b", root);
	assert_int_equal(access(path, F_OK), -1);
	(void)snprintf(path, sizeof(path), "%s/a/2", root);
	assert_int_equal(access(path, F_OK), 0);
	/* The root stays, however empty. */
	assert_int_equal(store_delete(store, (const char *const[]){ "a/2" },
	    1, &e), 0);
	assert_int_equal(access(root, F_OK), 0);
}

/* --- streams --- */

static void
test_store_object_is_there_only_after_commit(void **state)
{
	uint8_t sha[32], want[32];
	struct object *o;
	struct buf out = {0};
	struct err e = {0};
	uint64_t size;

	(void)state;
	o = object_create(store, "s/k", &e);
	assert_non_null(o);
	assert_int_equal(object_write(o, "hello ", 6, &e), 0);
	assert_int_equal(object_write(o, "", 0, &e), 0);
	assert_int_equal(object_write(o, "world", 5, &e), 0);
	assert_int_equal(object_size(o), 11);
	failed(store_stat(store, "s/k", &size, &e), &e, ERR_NOTFOUND,
	    "/s/k: open: No such file or directory");
	assert_int_equal(object_commit(o, sha, &e), 0);
	sha256_of("hello world", 11, want);
	assert_memory_equal(sha, want, 32);
	assert_int_equal(store_get(store, "s/k", 99, &out, &e), 0);
	assert_string_equal(buf_str(&out), "hello world");
	buf_free(&out);
}

static void
test_store_object_sealed_is_there_after_commit(void **state)
{
	uint8_t sha[32], again[32], want[32];
	struct object *o;
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	o = object_create(store, "s/k", &e);
	assert_non_null(o);
	assert_int_equal(object_write(o, "hello", 5, &e), 0);
	assert_int_equal(object_seal(o, sha, &e), 0);
	assert_int_equal(object_size(o), 5);
	assert_int_equal(object_commit(o, again, &e), 0);
	sha256_of("hello", 5, want);
	assert_memory_equal(sha, want, 32);
	assert_memory_equal(again, want, 32);
	assert_int_equal(store_get(store, "s/k", 99, &out, &e), 0);
	assert_string_equal(buf_str(&out), "hello");
	buf_free(&out);
}

/* A seal that fails is told by it and by commit again. */
static void
test_store_object_that_cannot_be_sealed(void **state)
{
	static const char why[] = "/s/k: rename: Is a directory";
	struct object *o;
	struct err e = {0};
	uint8_t sha[32];

	(void)state;
	assert_int_equal(store_put(store, "s/k/in", "x", 1, false, &e), 0);
	o = object_create(store, "s/k", &e);
	assert_non_null(o);
	failed(object_seal(o, sha, &e), &e, ERR_IO, why);
	failed(object_commit(o, NULL, &e), &e, ERR_IO, why);
}

static void
test_store_object_aborted_leaves_nothing(void **state)
{
	struct object *o;
	struct err e = {0};
	char path[128];
	uint64_t size;

	(void)state;
	o = object_create(store, "s/k", &e);
	assert_non_null(o);
	assert_int_equal(object_write(o, "x", 1, &e), 0);
	object_abort(o);
	object_abort(NULL);
	failed(store_stat(store, "s/k", &size, &e), &e, ERR_NOTFOUND,
	    "/s/k: open: No such file or directory");
	/* Nor a temporary file: the folder for them is empty. */
	(void)snprintf(path, sizeof(path), "%s/.tmp", root);
	assert_int_equal(rmdir(path), 0);
}

static void
test_store_object_larger_than_any_buffer(void **state)
{
	const size_t n = ((size_t)5 << 20) + 3, step = 70001;
	struct object_reader *r;
	struct object *o;
	struct err e = {0};
	const void *piece;
	char *data = malloc(n);
	size_t i, at, len;

	(void)state;
	assert_non_null(data);
	for (i = 0; i < n; i++)
		data[i] = (char)(i * 31 >> 3);
	o = object_create(store, "big", &e);
	assert_non_null(o);
	for (at = 0; at < n; at += step)
		assert_int_equal(object_write(o, data + at, n - at < step ?
		    n - at : step, &e), 0);
	assert_int_equal(object_commit(o, NULL, &e), 0);
	r = object_open(store, "big", 11, n - 20, &e);
	assert_non_null(r);
	for (at = 11; ; at += len) {
		assert_int_equal(object_read(r, &piece, &len, &e), 0);
		if (len == 0)
			break;
		assert_true(at + len <= n - 9);
		assert_memory_equal(piece, data + at, len);
	}
	assert_int_equal(at, n - 9);
	object_close(r);
	object_close(NULL);
	/* More is wanted than there is. */
	r = object_open(store, "big", n - 5, 6, &e);
	assert_non_null(r);
	assert_int_equal(object_read(r, &piece, &len, &e), 0);
	assert_int_equal(len, 5);
	failed(object_read(r, &piece, &len, &e), &e, ERR_CORRUPT,
	    "/big: ends before byte 5242884");
	object_close(r);
	free(data);
}

static void
test_store_reader_of_nothing(void **state)
{
	struct object_reader *r;
	struct err e = {0};
	const void *piece;
	size_t n = 7;

	(void)state;
	assert_int_equal(store_put(store, "k", "", 0, false, &e), 0);
	r = object_open(store, "k", 0, UINT64_MAX, &e);
	assert_non_null(r);
	assert_int_equal(object_read(r, &piece, &n, &e), 0);
	assert_int_equal(n, 0);
	object_close(r);
	assert_null(object_open(store, "k", 1, UINT64_MAX, &e));
	failed(-1, &e, ERR_CORRUPT, "/k: ends before byte 1");
	assert_null(object_open(store, "x", 0, UINT64_MAX, &e));
	failed(-1, &e, ERR_NOTFOUND, "/x: open: No such file or directory");
}

static void
test_store_counts_what_it_moves(void **state)
{
	struct store_counters c;
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(store_put(store, "k", "12345", 5, false, &e), 0);
	assert_int_equal(store_get(store, "k", 9, &out, &e), 0);
	store_counters(store, &c);
	assert_int_equal(c.requests, 2);
	assert_int_equal(c.kinds[STORE_PUT], 1);
	assert_int_equal(c.kinds[STORE_GET], 1);
	assert_string_equal(store_kind_text(STORE_LIST), "list");
	assert_int_equal(c.bytes_out, 5);
	assert_int_equal(c.bytes_in, 5);
	assert_int_equal(c.retries, 0);
	buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_store_open_refuses_other_urls),
		TEST(test_store_put_and_get),
		TEST(test_store_put_create_only_never_overwrites),
		TEST(test_store_get_what_is_missing_or_too_large),
		TEST(test_store_get_range_is_exact),
		TEST(test_store_refuses_every_key_but_plain_names),
		TEST(test_store_takes_the_longest_key_and_every_character),
		TEST(test_store_delete_takes_absent_keys_and_empty_folders),
		TEST(test_store_object_is_there_only_after_commit),
		TEST(test_store_object_sealed_is_there_after_commit),
		TEST(test_store_object_that_cannot_be_sealed),
		TEST(test_store_object_aborted_leaves_nothing),
		TEST(test_store_object_larger_than_any_buffer),
		TEST(test_store_reader_of_nothing),
		TEST(test_store_counts_what_it_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
