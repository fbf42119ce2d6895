/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir_stream: an object of a store in a directory, written or read bit by bit
 * through a buffer.  Contracts are backend.h's.
 */
#ifndef STORE_DIR_STREAM_H
#define STORE_DIR_STREAM_H

#include <stddef.h>
#include <stdint.h>

struct backend;
struct backend_reader;
struct backend_writer;
struct err;

struct backend_writer *dir_create(struct backend *b, const char *key,
    struct err *e);
int dir_write(struct backend_writer *w, const void *data, size_t n,
    struct err *e);
int dir_seal(struct backend_writer *w, const uint8_t sha256[32],
    struct err *e);
int dir_commit(struct backend_writer *w, struct err *e);
void dir_abort(struct backend_writer *w);

struct backend_reader *dir_open_reader(struct backend *b, const char *key,
    uint64_t offset, uint64_t length, struct err *e);
int dir_read(struct backend_reader *r, const void **data, size_t *n,
    struct err *e);
void dir_close_reader(struct backend_reader *r);

#endif /* !STORE_DIR_STREAM_H */
