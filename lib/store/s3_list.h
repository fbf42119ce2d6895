/* SPDX-License-Identifier: Apache-2.0 */
/* s3_list: listings, batch deletes, and uploads that never ended. */
#ifndef STORE_S3_LIST_H
#define STORE_S3_LIST_H

#include "store/backend.h"

/* As backend_ops: list, remove, abort_uploads. */
int s3_list(struct backend *b, const char *prefix, const char *after,
    bool names, backend_each *each, void *arg, struct err *e);
int s3_remove(struct backend *b, const char *const *keys, size_t n,
    struct err *e);
int s3_abort_uploads(struct backend *b, const char *prefix,
    int64_t before_us, struct err *e);

#endif /* !STORE_S3_LIST_H */
