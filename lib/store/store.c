/* SPDX-License-Identifier: Apache-2.0 */
/* store: where backups live; the layer above all kinds of store. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"
#include "store/backend.h"
#include "store/bucket.h"
#include "store/halt.h"

#include "store/store.h"

#define NAME_MAX_LEN 1024
#define COMPONENT_MAX 200

struct store {
	struct backend *backend;
	void (*watch)(void *arg, const char *what, const char *key);
	void *watch_arg;
	char name[NAME_MAX_LEN];	/* URL without slash at its end */
};

struct object {
	struct store *store;
	struct backend_writer *writer;
	struct sha256 *sha;
	uint64_t size;
	bool sealed;
	uint8_t digest[SHA256_SIZE];	/* once sealed */
	struct err err;		/* sticky */
	char key[STORE_KEY_MAX];
};

struct object_reader {
	struct store *store;
	struct backend_reader *reader;
	char key[STORE_KEY_MAX];
};

/* Keys come from stored documents as well: nothing but plain names may reach
 * a file system or a URL. */
static int
check_key(const struct store *s, const char *key, struct err *e)
{
	const char *reserved = s->backend->ops->reserved, *why = NULL;
	size_t n = strlen(key), i, part = 0;

	if (n == 0 || n >= STORE_KEY_MAX)
		why = "bad length";
	for (i = 0; i <= n && why == NULL; i++) {
		if (key[i] == '/' || key[i] == '\0') {
			if (part == 0 || part > COMPONENT_MAX)
				why = "bad component";
			else if ((part == 1 && key[i - 1] == '.') ||
			    (part == 2 && memcmp(key + i - 2, "..", 2) == 0))
				why = "'.' or '..'";
			else if (reserved != NULL &&
			    part == strlen(reserved) &&
			    memcmp(key + i - part, reserved, part) == 0)
				why = "a name that the store keeps for itself";
			part = 0;
			continue;
		}
		part++;
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.=-"
		    "abcdefghijklmnopqrstuvwxyz", key[i]) == NULL)
			why = "a character that no key has";
	}
	if (why == NULL)
		return 0;
	return err_set(e, ERR_CORRUPT, 0, "object key '%.80s': %s", key, why);
}

static void
watch(const struct store *s, const char *what, const char *key)
{
	if (s->watch != NULL)
		s->watch(s->watch_arg, what, key);
}

static int
wrap(const struct store *s, const char *key, struct err *e)
{
	return err_wrap(e, "%s/%s", s->name, key);
}

static struct backend *
open_s3(const char *rest, const struct store_opts *opts, struct err *e)
{
	char bucket[256], prefix[NAME_MAX_LEN];
	const char *slash = strchr(rest, '/');
	size_t n = slash == NULL ? strlen(rest) : (size_t)(slash - rest);

	if (n == 0 || n >= sizeof(bucket)) {
		(void)err_set(e, ERR_USAGE, 0,
		    "store %.200s: no bucket in the URL", opts->url);
		(void)err_hint(e, "write s3://BUCKET/PREFIX");
		return NULL;
	}
	memcpy(bucket, rest, n);
	bucket[n] = '\0';
	while (slash != NULL && *slash == '/')
		slash++;
	(void)snprintf(prefix, sizeof(prefix), "%s", slash == NULL ? "" :
	    slash);
	for (n = strlen(prefix); n > 0 && prefix[n - 1] == '/'; n--)
		prefix[n - 1] = '\0';
	return s3_open(bucket, prefix, opts, e);
}

struct store *
store_open(const struct store_opts *opts, struct err *e)
{
	const char *url = opts->url;
	struct store *s = calloc(1, sizeof(*s));
	size_t n;

	if (s == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "store");
		return NULL;
	}
	if (strlen(url) >= sizeof(s->name))
		(void)err_set(e, ERR_USAGE, 0, "store URL is too long");
	else if (strncmp(url, "s3://", 5) == 0)
		s->backend = open_s3(url + 5, opts, e);
	else if (strncmp(url, "file:///", 8) == 0)
		s->backend = dir_open(url + 7, opts, e);
	else {
		(void)err_set(e, ERR_USAGE, 0, "store '%.200s': not a URL that "
		    "Kura knows", url);
		(void)err_hint(e, "write s3://BUCKET/PREFIX or "
		    "file:///DIRECTORY");
	}
	if (s->backend == NULL) {
		free(s);
		return NULL;
	}
	s->watch = opts->watch;
	s->watch_arg = opts->watch_arg;
	memcpy(s->name, url, strlen(url) + 1);
	for (n = strlen(s->name); n > 8 && s->name[n - 1] == '/'; n--)
		s->name[n - 1] = '\0';
	return s;
}

const char *
store_name(const struct store *s)
{
	return s->name;
}

bool
store_until(struct store *s, struct store_until *out)
{
	return s->backend->ops->until != NULL &&
	    s->backend->ops->until(s->backend, out);
}

const char *
store_identity(const struct store *s)
{
	return s->backend->ops->identity == NULL ? NULL :
	    s->backend->ops->identity(s->backend);
}

int
store_put(struct store *s, const char *key, const void *data, size_t n,
    bool create_only, struct err *e)
{
	watch(s, "put", key);
	if (check_key(s, key, e) != 0)
		return wrap(s, key, e);
	halt_at("before-put", &key, 1);
	if (s->backend->ops->put(s->backend, key, data, n, create_only,
	    e) != 0)
		return wrap(s, key, e);
	halt_at("after-put", &key, 1);
	return 0;
}

int
store_get(struct store *s, const char *key, size_t max, struct buf *out,
    struct err *e)
{
	watch(s, "get", key);
	if (check_key(s, key, e) != 0 ||
	    s->backend->ops->get(s->backend, key, 0, UINT64_MAX, max, out,
	    e) != 0)
		return wrap(s, key, e);
	return 0;
}

int
store_get_range(struct store *s, const char *key, uint64_t offset,
    uint64_t length, struct buf *out, struct err *e)
{
	size_t before = out->len;

	watch(s, "get", key);
	if (check_key(s, key, e) != 0 ||
	    s->backend->ops->get(s->backend, key, offset, length,
	    (size_t)length, out, e) != 0)
		return wrap(s, key, e);
	if (out->len - before != length) {
		(void)err_set(e, ERR_CORRUPT, 0, "ends before byte %llu",
		    (unsigned long long)(offset + length));
		return wrap(s, key, e);
	}
	return 0;
}

int
store_stat(struct store *s, const char *key, uint64_t *size, struct err *e)
{
	watch(s, "stat", key);
	if (check_key(s, key, e) != 0 ||
	    s->backend->ops->stat(s->backend, key, size, e) != 0)
		return wrap(s, key, e);
	return 0;
}

int
store_list_after(struct store *s, const char *prefix, const char *after,
    int (*each)(void *, const struct store_entry *, struct err *), void *arg,
    struct err *e)
{
	watch(s, "list", prefix);
	if (s->backend->ops->list(s->backend, prefix, after, false, each, arg,
	    e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_list(struct store *s, const char *prefix, int (*each)(void *,
    const struct store_entry *, struct err *), void *arg, struct err *e)
{
	return store_list_after(s, prefix, "", each, arg, e);
}

int
store_list_names(struct store *s, const char *prefix, int (*each)(void *,
    const struct store_entry *, struct err *), void *arg, struct err *e)
{
	watch(s, "list", prefix);
	assert(prefix[0] == '\0' || prefix[strlen(prefix) - 1] == '/');
	if (s->backend->ops->list(s->backend, prefix, "", true, each, arg,
	    e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_delete(struct store *s, const char *const *keys, size_t n,
    struct err *e)
{
	size_t i;

	watch(s, "delete", n > 0 ? keys[0] : "");
	for (i = 0; i < n; i++)
		if (check_key(s, keys[i], e) != 0)
			return wrap(s, keys[i], e);
	halt_at("before-delete", keys, n);
	if (n > 0 && s->backend->ops->remove(s->backend, keys, n, e) != 0)
		return err_wrap(e, "%s", s->name);
	halt_at("after-delete", keys, n);
	return 0;
}

int
store_time(struct store *s, int64_t *us, struct err *e)
{
	watch(s, "time", "");
	if (s->backend->ops->time(s->backend, us, e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_abort_old_uploads(struct store *s, const char *prefix,
    int64_t before_us, struct err *e)
{
	watch(s, "abort", prefix);
	if (s->backend->ops->abort_uploads(s->backend, prefix, before_us,
	    e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_bucket(struct store *s, struct bucket *out, struct err *e)
{
	if (s->backend->ops->bucket == NULL) {
		*out = (struct bucket){ .lifecycle = BUCKET_NO,
		    .versions = BUCKET_NO, .lock = BUCKET_NO };
		return 0;
	}
	return s->backend->ops->bucket(s->backend, out, e) == 0 ? 0 :
	    err_wrap(e, "%s", s->name);
}

int
store_abort_uploads(struct store *s, const char *prefix, struct err *e)
{
	return store_abort_old_uploads(s, prefix, INT64_MAX, e);
}

const char *
store_kind_text(enum store_kind kind)
{
	static const char *const texts[STORE_KINDS] = { "get", "put", "list",
	    "delete", "other" };

	return texts[kind];
}

void
store_counters(const struct store *s, struct store_counters *out)
{
	*out = (struct store_counters){0};
	s->backend->ops->counters(s->backend, out);
}

struct object *
object_create(struct store *s, const char *key, struct err *e)
{
	struct object *o = calloc(1, sizeof(*o));

	watch(s, "create", key);
	if (o == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "object");
		goto fail;
	}
	o->store = s;
	if (check_key(s, key, e) != 0)
		goto fail;
	memcpy(o->key, key, strlen(key) + 1);
	o->sha = sha256_new(e);
	if (o->sha == NULL)
		goto fail;
	o->writer = s->backend->ops->create(s->backend, key, e);
	if (o->writer == NULL)
		goto fail;
	return o;

fail:	if (o != NULL)
		sha256_free(o->sha);
	free(o);
	(void)wrap(s, key, e);
	return NULL;
}

int
object_write(struct object *o, const void *data, size_t n, struct err *e)
{
	assert(!o->sealed);
	if (o->err.code == ERR_NONE) {
		sha256_add(o->sha, data, n);
		o->size += n;
		if (o->store->backend->ops->write(o->writer, data, n,
		    &o->err) != 0)
			(void)wrap(o->store, o->key, &o->err);
	}
	if (o->err.code == ERR_NONE)
		return 0;
	*e = o->err;
	return -1;
}

uint64_t
object_size(const struct object *o)
{
	return o->size;
}

int
object_seal(struct object *o, uint8_t sha256[32], struct err *e)
{
	if (o->err.code == ERR_NONE && !o->sealed) {
		sha256_finish(o->sha, o->digest);
		if (o->store->backend->ops->seal(o->writer, o->digest,
		    &o->err) != 0)
			(void)wrap(o->store, o->key, &o->err);
	}
	o->sealed = true;
	memcpy(sha256, o->digest, sizeof(o->digest));
	if (o->err.code == ERR_NONE)
		return 0;
	*e = o->err;
	return -1;
}

static void
object_free(struct object *o)
{
	sha256_free(o->sha);
	free(o);
}

int
object_commit(struct object *o, uint8_t sha256[32], struct err *e)
{
	const struct backend_ops *ops = o->store->backend->ops;
	uint8_t digest[SHA256_SIZE];
	const char *key = o->key;
	int rc = object_seal(o, digest, e);

	halt_at("before-put", &key, 1);
	if (rc != 0) {
		ops->abort(o->writer);
	} else if (ops->commit(o->writer, e) != 0) {
		rc = wrap(o->store, o->key, e);
	} else if (sha256 != NULL) {
		memcpy(sha256, digest, sizeof(digest));
	}
	object_free(o);
	return rc;
}

void
object_abort(struct object *o)
{
	if (o == NULL)
		return;
	o->store->backend->ops->abort(o->writer);
	object_free(o);
}

struct object_reader *
object_open(struct store *s, const char *key, uint64_t offset,
    uint64_t length, struct err *e)
{
	struct object_reader *r = calloc(1, sizeof(*r));

	watch(s, "open", key);
	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "object");
		goto fail;
	}
	r->store = s;
	if (check_key(s, key, e) != 0)
		goto fail;
	memcpy(r->key, key, strlen(key) + 1);
	r->reader = s->backend->ops->open(s->backend, key, offset, length, e);
	if (r->reader == NULL)
		goto fail;
	return r;

fail:	free(r);
	(void)wrap(s, key, e);
	return NULL;
}

int
object_read(struct object_reader *r, const void **data, size_t *n,
    struct err *e)
{
	if (r->store->backend->ops->read(r->reader, data, n, e) != 0)
		return wrap(r->store, r->key, e);
	return 0;
}

void
object_close(struct object_reader *r)
{
	if (r == NULL)
		return;
	r->store->backend->ops->close_reader(r->reader);
	free(r);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->backend->ops->close(s->backend);
	free(s);
}
