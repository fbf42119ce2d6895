/* SPDX-License-Identifier: Apache-2.0 */
/* expiry: until when a file of certificates is good. */
#ifndef BACKUPD_EXPIRY_H
#define BACKUPD_EXPIRY_H

#include <stdint.h>

struct err;

/* Of the certificates in a PEM file the earliest end, in microseconds.
 * ERR_NOTFOUND, ERR_DENIED or ERR_IO of the file; ERR_CORRUPT when it holds no
 * certificate. */
int expiry_of(const char *path, int64_t *until_us, struct err *e);

#endif /* !BACKUPD_EXPIRY_H */
