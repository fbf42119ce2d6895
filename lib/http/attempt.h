/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt: one try of a transfer job, as libcurl makes it.
 *
 * Used by the transfer thread alone.  Nothing is sent that the job did not
 * set: what is sent was signed.
 */
#ifndef HTTP_ATTEMPT_H
#define HTTP_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

struct attempt;
struct cancel;
struct err;
struct sockets;
struct transfer_job;

/* The same for all; outlives every attempt. */
struct attempt_opts {
	const char *ca;		/* trusted certificates, file or folder; or
				 * NULL: libcurl's own */
	bool ca_is_dir;
	struct cancel *cancel;	/* a running attempt ends when requested, or
				 * when its job is dropped */
	struct sockets *sockets;
};

/* Call the job's prepare and make a request of what it set.  rate: bytes a
 * second, 0 no limit; fresh: on a connection of its own. */
struct attempt *attempt_new(const struct attempt_opts *opts,
    struct transfer_job *job, uint64_t rate, bool fresh, struct err *e);

/* What the multi handle is to run; the attempt owns it. */
CURL *attempt_handle(const struct attempt *a);
struct attempt *attempt_of(CURL *c);

/* It has ended with code: complete the job's reply, and give the job. */
struct transfer_job *attempt_ended(struct attempt *a, CURLcode code);

/* Free it, taken out of the multi handle before. */
void attempt_free(struct attempt *a);

#endif /* !HTTP_ATTEMPT_H */
