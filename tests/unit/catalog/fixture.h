/* SPDX-License-Identifier: Apache-2.0 */
/* fixture: a store in a directory of its own, and a head to begin from. */
#ifndef TESTS_CATALOG_FIXTURE_H
#define TESTS_CATALOG_FIXTURE_H

#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/head.h"
#include "codec/digest.h"
#include "store/store.h"

#define ID	"20261122T181500Z-7c1e"
#define LATER	"20261123T181500Z-0001"
#define SHA	"e3b0c44298fc1c149afbf4c8996fb924"	\
		"27ae41e4649b934ca495991b7852b855"
#define SUM	"00000000000000000000000000000000"

static char fixture_root[64];
static struct store *fixture_store;

static inline int
fixture_remove(const char *path, const struct stat *st, int type,
    struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline int
fixture_setup(void **state)
{
	struct err e = {0};
	char url[80];
	const struct store_opts opts = { .url = url };

	/* In memory where there is such a folder: a store is synced often. */
	(void)state;
	(void)snprintf(fixture_root, sizeof(fixture_root), "%s/unit-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(fixture_root) == NULL)
		return -1;
	(void)snprintf(url, sizeof(url), "file://%s", fixture_root);
	fixture_store = store_open(&opts, &e);
	return fixture_store != NULL ? 0 : -1;
}

static inline int
fixture_teardown(void **state)
{
	(void)state;
	store_close(fixture_store);
	fixture_store = NULL;
	return nftw(fixture_root, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Fails unless rc and *e are this failure; clears *e. */
static inline void
fixture_failed(int rc, struct err *e, enum err_code code, const char *why)
{
	assert_int_equal(rc, -1);
	assert_string_equal(e->msg, why);
	assert_int_equal(e->code, code);
	*e = (struct err){0};
}

/* Fails with the message of *e unless rc is 0. */
static inline void
fixture_ok(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", e->msg);
	assert_int_equal(e->code, ERR_NONE);
}

static inline void
fixture_put(const char *key, const void *data, size_t n)
{
	struct err e = {0};

	fixture_ok(store_put(fixture_store, key, data, n, false, &e), &e);
}

/* Change one byte of an object in its file. */
static inline void
fixture_damage(const char *key, long offset)
{
	char path[640];
	FILE *fp;
	int c;

	(void)snprintf(path, sizeof(path), "%s/%s", fixture_root, key);
	fp = fopen(path, "r+b");
	assert_non_null(fp);
	assert_int_equal(fseek(fp, offset, offset < 0 ? SEEK_END : SEEK_SET),
	    0);
	c = fgetc(fp);
	assert_true(c != EOF);
	assert_int_equal(fseek(fp, -1, SEEK_CUR), 0);
	assert_true(fputc(c ^ 1, fp) != EOF);
	assert_int_equal(fclose(fp), 0);
}

static inline json_t *
fixture_json(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);

	if (json == NULL)
		fail_msg("%s: %s", why.text, text);
	return json;
}

/* A head without lists. */
static inline void
fixture_head(struct head *h, const char *source, const char *id)
{
	*h = (struct head){ .started_us = INT64_C(1795371300123456),
	    .finished_us = INT64_C(1795371301000000) };
	(void)snprintf(h->id, sizeof(h->id), "%s", id);
	(void)snprintf(h->lineage, sizeof(h->lineage), "%s", ID);
	h->source = strdup(source);
	h->tool = strdup("backupd 1");
	h->server = fixture_json("{\"flavour\":\"mysql\",\"server_id\":7}");
	h->snapshot = fixture_json("{\"proven\":true}");
	h->coordinates = json_object();
	h->settings = json_object();
	h->partial = json_null();
	h->totals = fixture_json("{\"tables\":0,\"rows\":0}");
	h->inexact = json_array();
	h->lenders = json_array();
	h->codec = fixture_json("{\"level\":1,\"encryption\":null}");
}

/* Replace a member; value is JSON. */
static inline void
fixture_set(json_t **member, const char *value)
{
	json_decref(*member);
	*member = json_loads(value, JSON_DECODE_ANY, NULL);
	assert_non_null(*member);
}

static inline void
fixture_commit(const struct head *h)
{
	struct err e = {0};

	fixture_ok(head_commit(fixture_store, h, &e), &e);
}

#endif /* !TESTS_CATALOG_FIXTURE_H */
