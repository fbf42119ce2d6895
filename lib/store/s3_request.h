/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_request: one request to S3, signed anew for each try, tried until the
 * deadline.  facts: retries by code, full jitter, a retry budget, one corrected
 * retry after a clock that is off, one after a region hint.
 */
#ifndef STORE_S3_REQUEST_H
#define STORE_S3_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/transfer.h"
#include "store/backend.h"
#include "store/s3_keys.h"
#include "store/endpoint.h"
#include "store/sigv4.h"

#define S3_QUERY_MAX 8
#define S3_EXTRA_MAX 6

struct s3 {
	struct backend backend;		/* first */
	struct store_opts opts;		/* strings are not kept */
	char prefix[512];		/* "backups/" or "" */
	struct s3_keys keys;
	struct transfer *transfer;
	pthread_mutex_t lock;		/* guards endpoint and budget */
	struct endpoint endpoint;
	double budget;			/* retries that may be spent */
	size_t open_slots, open_used;		/* streams that fill a part */
	size_t flight_parts;			/* of one stream, in flight */
	size_t flight_bytes, flight_used;	/* of all streams */
	pthread_cond_t slot;		/* one was given back */
	int create_only;		/* -1 unknown, 0 ignored, 1 honoured */
	char *state_dir;
	atomic_int_fast64_t clock_off_us;	/* theirs less ours */
	atomic_int_fast64_t date_us, date_mono_ms;	/* latest Date */
	atomic_uint_fast64_t requests, retries, bytes_out, bytes_in;
	atomic_uint_fast64_t kinds[STORE_KINDS];
};

struct s3_request {
	struct transfer_job job;	/* first */
	struct s3 *s3;
	const char *key;		/* without the prefix; NULL: bucket */
	struct sigv4_pair query[S3_QUERY_MAX];
	size_t nquery;
	struct sigv4_pair extra[S3_EXTRA_MAX];	/* headers */
	size_t nextra;
	bool md5_needed;
	bool missing_ok;		/* 404 is an answer, no failure */
	/* Called in the transfer thread after the last try, unless a request
	 * to stop or s3_drop ended it; must not block; may be NULL. */
	void (*ended)(struct s3_request *r);
	int64_t deadline;
	unsigned attempt;
	bool skewed, moved;
	unsigned turn;			/* of the keys that signed it */
	char payload[65];		/* SHA-256 of the body; set before the
					 * start by who knows it already */
	char md5[32];
	/* What an error answer said. */
	char code[64], message[200], region[64], request_id[80];
};

/* Prepare; strings are borrowed until it is freed. body may be NULL. */
void s3_request_init(struct s3_request *r, struct s3 *s, const char *method,
    const char *key, const void *body, size_t n);
void s3_query(struct s3_request *r, const char *name, const char *value);
void s3_extra(struct s3_request *r, const char *name, const char *value);

/* Run to the end: 0 when the status is 2xx (or 404 with missing_ok); else -1
 * with *e (ERR_NOTFOUND for 404, ERR_EXISTS for 412). */
int s3_run(struct s3_request *r, struct err *e);
/* The same in two steps, for several at once. */
void s3_start(struct s3_request *r);
int s3_finish(struct s3_request *r, struct err *e);
/* Between the two: nobody wants the answer any more; s3_finish then comes back
 * at once, with ERR_CANCELLED unless it was done already. */
void s3_drop(struct s3_request *r);

void s3_request_fini(struct s3_request *r);

#endif /* !STORE_S3_REQUEST_H */
