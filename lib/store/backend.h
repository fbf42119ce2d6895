/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend: what a kind of store must do; called by store.c alone.
 *
 * Keys are checked already and are without the store's prefix.  Contracts are
 * those of store.h's functions of the same names; the generic layer owns
 * common error text (it wraps errors with the object's URL), the digest and
 * the byte counters of object_write.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct backend;
struct bucket;
struct backend_writer;
struct backend_reader;

typedef int backend_each(void *arg, const struct store_entry *entry,
    struct err *e);

struct backend_ops {
	const char *reserved;	/* a component that the back end keeps for
				 * itself: no key has it; or NULL */
	int (*put)(struct backend *b, const char *key, const void *data,
	    size_t n, bool create_only, struct err *e);
	/* length UINT64_MAX: the whole; appends at most max bytes */
	int (*get)(struct backend *b, const char *key, uint64_t offset,
	    uint64_t length, size_t max, struct buf *out, struct err *e);
	int (*stat)(struct backend *b, const char *key, uint64_t *size,
	    struct err *e);
	/* after "": all; never given together with names */
	int (*list)(struct backend *b, const char *prefix, const char *after,
	    bool names, backend_each *each, void *arg, struct err *e);
	int (*remove)(struct backend *b, const char *const *keys, size_t n,
	    struct err *e);
	int (*time)(struct backend *b, int64_t *us, struct err *e);
	/* those begun before that time alone; INT64_MAX: all */
	int (*abort_uploads)(struct backend *b, const char *prefix,
	    int64_t before_us, struct err *e);
	struct backend_writer *(*create)(struct backend *b, const char *key,
	    struct err *e);
	int (*write)(struct backend_writer *w, const void *data, size_t n,
	    struct err *e);
	/* no write comes after it, commit or abort does; sha256 is that of
	 * all bytes; a failure is sticky as that of write is */
	int (*seal)(struct backend_writer *w, const uint8_t sha256[32],
	    struct err *e);
	/* after seal; frees w in either case */
	int (*commit)(struct backend_writer *w, struct err *e);
	void (*abort)(struct backend_writer *w);
	struct backend_reader *(*open)(struct backend *b, const char *key,
	    uint64_t offset, uint64_t length, struct err *e);
	int (*read)(struct backend_reader *r, const void **data, size_t *n,
	    struct err *e);
	void (*close_reader)(struct backend_reader *r);
	/* NULL: nothing but us touches the objects */
	int (*bucket)(struct backend *b, struct bucket *out, struct err *e);
	void (*counters)(const struct backend *b, struct store_counters *out);
	/* whose credentials are used; NULL: this kind of store has none */
	const char *(*identity)(const struct backend *b);
	/* NULL: it has no credentials that end */
	bool (*until)(struct backend *b, struct store_until *out);
	void (*close)(struct backend *b);
};

/* The first member of every back end's own struct. */
struct backend {
	const struct backend_ops *ops;
};

/* Constructors: path is what follows file://; bucket and prefix (without
 * slashes at its ends, "" for none) come from s3://. */
struct backend *dir_open(const char *path, const struct store_opts *opts,
    struct err *e);
struct backend *s3_open(const char *bucket, const char *prefix,
    const struct store_opts *opts, struct err *e);

#endif /* !STORE_BACKEND_H */
