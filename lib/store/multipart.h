/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart: a streamed object of S3: one PUT if it ends in its first part,
 * else a multipart upload with its parts in flight side by side.
 */
#ifndef STORE_MULTIPART_H
#define STORE_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

struct backend;
struct backend_writer;
struct err;
struct s3;

struct backend_writer *multipart_create(struct backend *b, const char *key,
    struct err *e);
int multipart_write(struct backend_writer *w, const void *data, size_t n,
    struct err *e);
int multipart_seal(struct backend_writer *w, const uint8_t sha256[32],
    struct err *e);
int multipart_commit(struct backend_writer *w, struct err *e);
void multipart_abort(struct backend_writer *w);

/* Reserve the one part that an open stream fills; blocks.  Give it back. */
int slot_open(struct s3 *s, struct err *e);
void slot_close(struct s3 *s);

#endif /* !STORE_MULTIPART_H */
