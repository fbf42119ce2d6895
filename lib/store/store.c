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

#include "store/store.h"

#define NAME_MAX_LEN 1024
#define COMPONENT_MAX 200

struct store {
	struct backend *backend;
	char name[NAME_MAX_LEN];	/* URL without slash at its end */
};

struct object {
	struct store *store;
	struct backend_writer *writer;
	struct sha256 *sha;
	uint64_t size;
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
check_key(const char *key, struct err *e)
{
	size_t n = strlen(key), i, part = 0;
	const char *why = NULL;

	if (n == 0 || n >= STORE_KEY_MAX)
		why = "bad length";
	for (i = 0; i <= n && why == NULL; i++) {
		if (key[i] == '/' || key[i] == '\0') {
			if (part == 0 || part > COMPONENT_MAX)
				why = "bad component";
			else if ((part == 1 && key[i - 1] == '.') ||
			    (part == 2 && memcmp(key + i - 2, "..", 2) == 0))
				why = "'.' or '..'";
			part = 0;
			continue;
		}
		part++;
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789_.=-", key[i]) == NULL)
			why = "a character that no key has";
	}
	if (why == NULL)
		return 0;
	return err_set(e, ERR_CORRUPT, 0, "object key '%.80s': %s", key, why);
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

int
store_put(struct store *s, const char *key, const void *data, size_t n,
    bool create_only, struct err *e)
{
	if (check_key(key, e) != 0 ||
	    s->backend->ops->put(s->backend, key, data, n, create_only,
	    e) != 0)
		return wrap(s, key, e);
	return 0;
}

int
store_get(struct store *s, const char *key, size_t max, struct buf *out,
    struct err *e)
{
	if (check_key(key, e) != 0 ||
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

	if (check_key(key, e) != 0 ||
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
	if (check_key(key, e) != 0 ||
	    s->backend->ops->stat(s->backend, key, size, e) != 0)
		return wrap(s, key, e);
	return 0;
}

int
store_list(struct store *s, const char *prefix, int (*each)(void *,
    const struct store_entry *, struct err *), void *arg, struct err *e)
{
	if (s->backend->ops->list(s->backend, prefix, false, each, arg, e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_list_names(struct store *s, const char *prefix, int (*each)(void *,
    const struct store_entry *, struct err *), void *arg, struct err *e)
{
	assert(prefix[0] == '\0' || prefix[strlen(prefix) - 1] == '/');
	if (s->backend->ops->list(s->backend, prefix, true, each, arg, e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_delete(struct store *s, const char *const *keys, size_t n,
    struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (check_key(keys[i], e) != 0)
			return wrap(s, keys[i], e);
	if (n > 0 && s->backend->ops->remove(s->backend, keys, n, e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_time(struct store *s, int64_t *us, struct err *e)
{
	if (s->backend->ops->time(s->backend, us, e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
}

int
store_abort_uploads(struct store *s, const char *prefix, struct err *e)
{
	if (s->backend->ops->abort_uploads(s->backend, prefix, e) != 0)
		return err_wrap(e, "%s", s->name);
	return 0;
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

	if (o == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "object");
		goto fail;
	}
	o->store = s;
	if (check_key(key, e) != 0)
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

	if (o->err.code != ERR_NONE) {
		ops->abort(o->writer);
	} else {
		sha256_finish(o->sha, digest);
		if (sha256 != NULL)
			memcpy(sha256, digest, sizeof(digest));
		if (ops->commit(o->writer, &o->err) != 0)
			(void)wrap(o->store, o->key, &o->err);
	}
	if (o->err.code != ERR_NONE) {
		*e = o->err;
		object_free(o);
		return -1;
	}
	object_free(o);
	return 0;
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

	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "object");
		goto fail;
	}
	r->store = s;
	if (check_key(key, e) != 0)
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
