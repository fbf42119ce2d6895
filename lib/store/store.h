/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: where backups live, s3://bucket/prefix or file:///dir.
 *
 * Keys are relative to the store's root ("sources/orders/heads/x.json"):
 * components of [A-Za-z0-9_.=-], joined by '/', no "." or "..", none that the
 * kind of store keeps for itself (file://: ".tmp"), under 512 bytes; anything
 * else is ERR_CORRUPT (a hostile document) before it reaches the back end.  All
 * calls block and may be made from any thread at once.
 *
 * Waiting: each call retries transient failures until the store's retry
 * deadline (store_opts.retry_ms), then fails with ERR_IO; a request to cancel
 * ends it with ERR_CANCELLED.
 *
 * Memory: writers and readers of all threads share one budget of
 * store_opts.memory bytes in parts of part_size.  Opening a stream reserves
 * its one part and may wait for it; filling never does; what is in flight is
 * a separate share (DESIGN, "No deadlock by design").
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cancel;
struct err;
struct object;
struct object_reader;
struct store;

#define STORE_KEY_MAX 512
#define STORE_PART_SIZE ((size_t)16 << 20)

struct store_opts {
	const char *url;		/* s3://bucket[/prefix], file:///dir */
	const char *endpoint;		/* https://host:port, or NULL: AWS */
	const char *region;		/* or NULL: environment, profile */
	const char *addressing;		/* "auto", "path", "virtual" */
	const char *profile;		/* of the AWS files, or NULL */
	const char *ca_file;		/* or NULL */
	bool content_md5;		/* send Content-MD5 with each write */
	size_t memory;			/* budget in bytes; 0: 128 MiB */
	size_t part_size;		/* 0: STORE_PART_SIZE; tests: smaller */
	unsigned transfers;		/* requests at once; 0: 16 */
	uint64_t retry_ms;		/* 0: 900 000 (15 minutes) */
	uint64_t rate;			/* bytes a second in all; 0: no limit */
	const char *state_dir;		/* for the probe's answer, or NULL */
	bool create;			/* file://: make the folder */
	struct cancel *cancel;		/* or NULL; borrowed */
	/* Tests: called before each call below that asks the store, with its
	 * name ("put", "delete") and key or prefix; or NULL. */
	void (*watch)(void *arg, const char *what, const char *key);
	void *watch_arg;
};

/* Open; does no I/O beyond credentials (file://: the folder must exist,
 * unless create).  ERR_USAGE for a bad URL.  *opts is copied. */
struct store *store_open(const struct store_opts *opts, struct err *e);

/* "s3://bucket/prefix" for messages. */
const char *store_name(const struct store *s);

/* The id of the access key that signs its requests, NULL where there is none;
 * borrowed from s: the one that it was opened with. */
const char *store_identity(const struct store *s);

/* Until when its credentials are good: true where that is told.  Newer ones
 * that the AWS files have are used from now on; not renewable: this process
 * finds none. */
struct store_until {
	int64_t us;
	bool renewable;
};
bool store_until(struct store *s, struct store_until *out);

/* Write a small object at once.  create_only: ERR_EXISTS if there is one (a
 * retry of our own that won is recognised and is success). */
int store_put(struct store *s, const char *key, const void *data, size_t n,
    bool create_only, struct err *e);

/* Append the object's bytes to *out; at most max, larger is ERR_CORRUPT.
 * ERR_NOTFOUND when there is none. */
int store_get(struct store *s, const char *key, size_t max, struct buf *out,
    struct err *e);

/* Append length bytes from offset to *out: one ranged GET.  A shorter object
 * is ERR_CORRUPT. */
int store_get_range(struct store *s, const char *key, uint64_t offset,
    uint64_t length, struct buf *out, struct err *e);

/* Size of an object; ERR_NOTFOUND. */
int store_stat(struct store *s, const char *key, uint64_t *size,
    struct err *e);

struct store_entry {
	const char *key;	/* whole key, valid during the call */
	uint64_t size;
	int64_t mtime_us;
};

/* Call each(arg, entry) for every object whose key begins with prefix, in
 * byte order of keys; each returns 0 to go on, -1 (with *e set) to stop.  A
 * listing that cannot be completed is an error, never a short list. */
int store_list(struct store *s, const char *prefix,
    int (*each)(void *arg, const struct store_entry *entry, struct err *e),
    void *arg, struct err *e);

/* As store_list, of the keys alone that stand after `after` in byte order
 * (which need be no key): what stands before costs no request. */
int store_list_after(struct store *s, const char *prefix, const char *after,
    int (*each)(void *arg, const struct store_entry *entry, struct err *e),
    void *arg, struct err *e);

/* As store_list, but with '/' as delimiter: names of the "folders" directly
 * under prefix (which ends with '/'), without slash: key is the bare name. */
int store_list_names(struct store *s, const char *prefix,
    int (*each)(void *arg, const struct store_entry *entry, struct err *e),
    void *arg, struct err *e);

/* Delete n objects (in batches); absent ones are fine. */
int store_delete(struct store *s, const char *const *keys, size_t n,
    struct err *e);

/* The store's own time, from the Date of its latest reply (file://: the mtime
 * of a fresh file). */
int store_time(struct store *s, int64_t *us, struct err *e);

/* Abort unfinished uploads of keys that begin with prefix (S3), remove
 * temporary files older than a day (file://). */
int store_abort_uploads(struct store *s, const char *prefix, struct err *e);
/* The same of those that were begun before a time of the store's. */
int store_abort_old_uploads(struct store *s, const char *prefix,
    int64_t before_us, struct err *e);

/* What the bucket does by itself (bucket.h); what it does not tell is
 * unknown.  Of a directory, all is BUCKET_NO. */
struct bucket;
int store_bucket(struct store *s, struct bucket *out, struct err *e);

/* Requests made so far, also by kind, and bytes moved, for the head, the log
 * and metrics.  A repeated request counts each time. */
enum store_kind {
	STORE_GET,
	STORE_PUT,		/* uploads in parts as well */
	STORE_LIST,
	STORE_DELETE,
	STORE_OTHER,		/* is it there, how large? */
	STORE_KINDS
};
struct store_counters {
	uint64_t requests, retries, bytes_out, bytes_in;
	uint64_t kinds[STORE_KINDS];
};
/* "get", "put", "list", "delete", "other". */
const char *store_kind_text(enum store_kind kind);
void store_counters(const struct store *s, struct store_counters *out);

/* --- A streamed object: written, maybe sealed; exactly one of commit or abort
 * ends it. --- */

/* Start an object; blocks until a part of the budget is free. */
struct object *object_create(struct store *s, const char *key,
    struct err *e);

/* Append bytes; blocks while every part in flight is taken.  Errors are
 * sticky and are repeated by commit. */
int object_write(struct object *o, const void *data, size_t n,
    struct err *e);

/* Bytes written so far. */
uint64_t object_size(const struct object *o);

/* No more is written: send what is left and do not wait for the answer, so
 * that the caller may fill its next object meanwhile.  Blocks while every part
 * in flight is taken; gives the part that was filled back to the budget.
 * sha256 gets the digest of all bytes.  Errors stay, as object_write's do. */
int object_seal(struct object *o, uint8_t sha256[32], struct err *e);

/* Finish: blocks until the object is durable and whole.  sha256 (or NULL)
 * gets the digest of all its bytes.  Frees the object in either case. */
int object_commit(struct object *o, uint8_t sha256[32], struct err *e);

/* Throw it away and free it.  Nothing is left in the store; but a sealed
 * object may be there already, and is then its writer's to delete.  NULL is
 * fine. */
void object_abort(struct object *o);

/* --- Reading an object as a stream, fetched ahead within its one part. --- */

/* Open length bytes from offset (length UINT64_MAX: to the end); an object
 * that ends before them is ERR_CORRUPT, here or when that is seen. */
struct object_reader *object_open(struct store *s, const char *key,
    uint64_t offset, uint64_t length, struct err *e);

/* The next piece: *data is borrowed until the next call, *n its length, 0 at
 * the end.  Resumes after a broken connection. */
int object_read(struct object_reader *r, const void **data, size_t *n,
    struct err *e);
void object_close(struct object_reader *r);

/* Free the store; every stream must be ended before. */
void store_close(struct store *s);

#endif /* !STORE_STORE_H */
