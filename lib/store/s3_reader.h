/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_reader: an object of S3 as a stream, fetched ahead of its reader.
 *
 * The one part that a stream reserves is fetched in pieces: one is lent out
 * while the next ones are under way.  So no reader holds more than its part,
 * and reading ahead waits for nothing that another stream holds.
 */
#ifndef STORE_S3_READER_H
#define STORE_S3_READER_H

#include <stddef.h>
#include <stdint.h>

struct backend;
struct backend_reader;
struct err;

struct backend_reader *s3_reader_open(struct backend *b, const char *key,
    uint64_t offset, uint64_t length, struct err *e);
int s3_reader_read(struct backend_reader *r, const void **data, size_t *n,
    struct err *e);
/* Waits for nothing: what is under way is dropped. */
void s3_reader_close(struct backend_reader *r);

#endif /* !STORE_S3_READER_H */
