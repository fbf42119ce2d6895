/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip: a body as the content coding of HTTP has it (RFC 9110, 8.4.1.3).
 *
 * A page of a thousand sources is megabytes, of which most repeat.
 */
#ifndef BACKUPD_GZIP_H
#define BACKUPD_GZIP_H

#include <stdbool.h>

struct buf;

/* Does whoever sent this Accept-Encoding (NULL: none) take gzip? */
bool gzip_accepted(const char *header);

/* Replace b by its coded form, if that is shorter: true.  False: it is as it
 * was, also where memory was short. */
bool gzip_pack(struct buf *b);

#endif /* !BACKUPD_GZIP_H */
