/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory: a store in a directory of its own.
 *
 * The test defines _XOPEN_SOURCE 700 (nftw) before its first include; setup
 * and teardown go around each test, which then uses root and store.
 */
#ifndef UNIT_STORE_DIRECTORY_H
#define UNIT_STORE_DIRECTORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

struct cancel;

static char root[64];
static struct store *store;

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline struct store *
open_at(const char *path, bool create, struct cancel *cancel, struct err *e)
{
	char url[4200];
	const struct store_opts opts = { .url = url, .create = create,
	    .cancel = cancel };

	(void)snprintf(url, sizeof(url), "file://%s", path);
	return store_open(&opts, e);
}

static inline int
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

static inline int
teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline char *
below(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static inline void
put(const char *key)
{
	struct err e = {0};

	if (store_put(store, key, key, strlen(key), false, &e) != 0)
		fail_msg("%s", e.msg);
}

static inline void
failed(int rc, struct err *e, enum err_code code, const char *why)
{
	assert_int_equal(rc, -1);
	assert_memory_equal(e->msg, "file://", 7);
	assert_memory_equal(e->msg + 7, root, strlen(root));
	assert_string_equal(e->msg + 7 + strlen(root), why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

static inline int
note(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s:%llu ", entry->key,
	    (unsigned long long)entry->size);
	return 0;
}

static inline void
lists(const char *prefix, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	if (store_list(store, prefix, note, &out, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif /* !UNIT_STORE_DIRECTORY_H */
