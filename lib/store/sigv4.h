/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4: AWS Signature Version 4, header form.  Source: the AWS reference
 * "Signature Version 4 signing process"; for S3 the path is encoded once and
 * never normalised.
 */
#ifndef STORE_SIGV4_H
#define STORE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct sigv4_pair {
	const char *name, *value;	/* as they are, not yet encoded */
};

struct sigv4_keys {
	const char *id, *secret, *token;	/* token may be NULL */
};

struct sigv4_request {
	const char *method;
	const char *path;		/* as it is: "/bucket/a b" */
	const struct sigv4_pair *query;
	size_t nquery;
	const struct sigv4_pair *headers;	/* all that are signed: host,
						 * x-amz-date ...; any order */
	size_t nheaders;
	const char *payload_sha256;	/* hex */
	const char *region, *service;
	const char *date;		/* 20261124T120000Z */
	bool plain_path;		/* S3: encode once, do not normalise */
	bool encoded_query;		/* query comes encoded (test vectors) */
};

/* Append text percent-encoded; slash: '/' stays. */
void sigv4_encode(const char *text, size_t n, bool slash, struct buf *out);

/* Append the query as it stands in the URL and in the signature: encoded and
 * sorted. */
int sigv4_query(const struct sigv4_pair *query, size_t n, bool encoded,
    struct buf *out, struct err *e);

/* The canonical request, and the Authorization header's value. */
int sigv4_canonical(const struct sigv4_request *r, struct buf *out,
    struct err *e);
int sigv4_sign(const struct sigv4_request *r, const struct sigv4_keys *k,
    struct buf *authorization, struct err *e);

#endif /* !STORE_SIGV4_H */
