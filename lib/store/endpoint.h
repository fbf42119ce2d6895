/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: where a bucket is, and how its URLs look. */
#ifndef STORE_ENDPOINT_H
#define STORE_ENDPOINT_H

#include <stdbool.h>

struct err;

struct endpoint {
	char url[512];		/* scheme and authority: https://host:port */
	char host[300];		/* as the Host header has it */
	char base[256];		/* "/bucket", "/base/bucket" or "" */
	char region[64];
	bool custom;		/* not AWS: region hints are not followed */
};

struct endpoint_opts {
	const char *bucket;
	const char *url;	/* custom endpoint, or NULL */
	const char *region;	/* or NULL: us-east-1 */
	const char *addressing;	/* "auto", "path", "virtual", or NULL */
};

/* ERR_USAGE for the name of a bucket that no endpoint serves. */
int endpoint_bucket(const char *bucket, struct err *e);

/* ERR_USAGE with what is wrong. */
int endpoint_make(const struct endpoint_opts *opts, struct endpoint *out,
    struct err *e);

#endif /* !STORE_ENDPOINT_H */
