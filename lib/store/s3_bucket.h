/* SPDX-License-Identifier: Apache-2.0 */
/* s3_bucket: asks a bucket what it does by itself. */
#ifndef STORE_S3_BUCKET_H
#define STORE_S3_BUCKET_H

struct backend;
struct bucket;
struct err;

/* As backend_ops.bucket. */
int s3_bucket(struct backend *b, struct bucket *out, struct err *e);

#endif /* !STORE_S3_BUCKET_H */
