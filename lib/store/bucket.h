/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket: what a bucket does by itself to the objects under a prefix:
 * lifecycle rules, versions, locks.  Parsers of S3's answers; who asks is
 * s3_bucket.c.
 */
#ifndef STORE_BUCKET_H
#define STORE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum bucket_answer {
	BUCKET_UNKNOWN,		/* not told: no right, or no such thing */
	BUCKET_NO, BUCKET_YES,
};

#define BUCKET_RULE 64

struct bucket {
	enum bucket_answer lifecycle;	/* are there rules at all */
	/* Rules that are on and that our prefix meets, by their id or number:
	 * "" when there is none. */
	char expires[BUCKET_RULE];	/* deletes objects */
	char archives[BUCKET_RULE];	/* moves them where a read waits */
	bool aborts;			/* ends uploads that stay open */
	bool drops_versions;		/* deletes old versions */
	enum bucket_answer versions;
	enum bucket_answer lock;	/* may objects be locked */
	char lock_mode[32];		/* of each new object: "GOVERNANCE" */
	unsigned lock_days;
};

/* GET ?lifecycle, ?versioning, ?object-lock; prefix "backups/" or "". ERR_IO
 * when the text is no such answer. */
int bucket_lifecycle(struct bucket *b, const char *prefix, const char *text,
    size_t n, struct err *e);
int bucket_versioning(struct bucket *b, const char *text, size_t n,
    struct err *e);
int bucket_object_lock(struct bucket *b, const char *text, size_t n,
    struct err *e);

#endif /* !STORE_BUCKET_H */
