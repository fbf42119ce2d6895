/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: one tar object of many small things, written by libarchive (ustar
 * with pax headers where needed), each member compressed by itself.
 *
 * Writing: thread-safe; bundle_add gives the place at once; members of a
 * closed bundle are durable only after bundle_writer_end (or, for one that
 * rolled over at 64 MiB, when the next begins).
 */
#ifndef CATALOG_BUNDLE_H
#define CATALOG_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "catalog/list.h"

struct buf;
struct bundle_writer;
struct err;
struct store;

#define BUNDLE_SIZE_MAX ((uint64_t)64 << 20)

struct bundle_writer *bundle_writer_new(struct store *s, const char *source,
    const char *id, struct err *e);

/* Add one member: name as in the tar ("00042-shop.orders.sql.zst"), data are
 * its stored (compressed) bytes.  *place says where it is. */
int bundle_add(struct bundle_writer *w, const char *name, const void *data,
    size_t n, struct place *place, struct err *e);

int bundle_writer_end(struct bundle_writer *w, struct err *e);
void bundle_writer_free(struct bundle_writer *w);

/* Bytes of a bundle whose last member's body ends here. */
uint64_t bundle_size(uint64_t end);

/* Read a whole bundle in order, headers and all; each is called for every
 * member with its body's offset and stored bytes.  *size: bytes of the object.
 * ERR_CORRUPT for what is no tar; ERR_NOTFOUND. */
int bundle_read(struct store *s, const char *source, const char *object,
    int (*each)(void *arg, uint64_t offset, const struct buf *stored,
    struct err *e), void *arg, uint64_t *size, struct err *e);

/* Read one place: ranged GET, digest check, decompression; appends plain
 * bytes to *out (its ceiling bounds them).  Damage: ERR_CORRUPT naming the
 * bundle and offset. */
int place_read(struct store *s, const char *source, const struct place *p,
    struct buf *out, struct err *e);

#endif /* !CATALOG_BUNDLE_H */
