/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_archive: are a source's archived binary logs all there, and whole?
 *
 * fast: every object of a finished file and every index exists with its size;
 * documents are what they must be; runs have no holes.  Full: also every
 * segment is decoded, its digest, framing and checksums compared, and each
 * index is that of the events.
 */
#ifndef CATALOG_VERIFY_ARCHIVE_H
#define CATALOG_VERIFY_ARCHIVE_H

#include "catalog/verify.h"

struct timeline;
struct timeline_file;

/* As verify_backup; opts->workers is not used.  out->objects and bytes are
 * segments, raw the bytes of the files, rows transactions. */
int verify_archive(struct store *s, const char *source,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e);

/* The same of a timeline that is loaded. */
int verify_timeline(struct store *s, const struct timeline *t,
    const struct verify_opts *opts, struct verify_result *out,
    struct err *e);

/* Bytes of a file as it is stored. */
uint64_t verify_file_bytes(const struct timeline_file *f);

#endif /* !CATALOG_VERIFY_ARCHIVE_H */
