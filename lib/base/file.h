/* SPDX-License-Identifier: Apache-2.0 */
/* file: whole small files and folders, read and written safely. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

struct buf;
struct err;

/* Read all of path, at most max bytes; ERR_NOTFOUND, ERR_DENIED, ERR_IO
 * (too large).  *out is appended to. */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);

/* Replace path by these bytes: temporary file, fsync, rename, fsync of the
 * folder.  mode as open(2). */
int file_write(const char *path, const void *data, size_t n, unsigned mode,
    struct err *e);

/* As mkdir -p, mode 0777 less umask. */
int file_mkdirs(const char *path, struct err *e);

/* fsync a folder, so that a rename or link in it survives a crash. */
int file_sync_dir(const char *path, struct err *e);

/* Write all n bytes to fd, across short writes and EINTR. */
int file_write_all(int fd, const void *data, size_t n, struct err *e);

#endif /* !BASE_FILE_H */
