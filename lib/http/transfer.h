/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: one thread that makes all HTTP requests, over curl_multi.
 *
 * Life cycle: transfer_new; any number of jobs from any threads, each
 * transfer_submit and then transfer_wait; transfer_free when no job is left.
 *
 * A job is tried until its decide callback says that it is done.  Callbacks
 * run in the transfer thread, must not block and must not call transfer_*.
 * A request to cancel ends every job, those in back-off included.
 */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct cancel;
struct transfer;

#define HTTP_HEADERS_MAX 24

struct http_header {
	char *name, *value;	/* owned by the job */
};

/* What came back from one try. */
struct http_reply {
	long status;		/* 0: none */
	struct buf body;	/* at most the job's body_max */
	struct buf headers;	/* "name: value" LF, names in lower case */
	int curl;		/* CURLcode */
	bool fatal;		/* no other try can do better (certificate) */
	char what[256];		/* the transport's words */
};

struct transfer_job {
	const char *method;	/* GET PUT POST DELETE HEAD */
	struct buf url;		/* set by prepare */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t nheaders;
	const void *body;	/* borrowed until the job is done */
	size_t body_len;
	size_t body_max;	/* of the reply */
	bool patient;		/* no low-speed limit (Complete) */
	struct http_reply reply;
	/* Set url and headers for the next try; 0, or -1 with *e. */
	int (*prepare)(struct transfer_job *job, struct err *e);
	/* Look at the reply: -1 it is done (job->err may be set), else try
	 * again after so many milliseconds. */
	long (*decide)(struct transfer_job *job);
	void *arg;
	struct err err;

	/* Private to transfer. */
	struct transfer_job *next;
	atomic_bool dropped;
	int64_t due;
	bool done;
};

struct transfer_opts {
	const char *ca_file;	/* or NULL: see ca_path() in transfer.c */
	unsigned at_once;	/* requests in flight */
	uint64_t rate;		/* bytes a second in all, 0: no limit */
	struct cancel *cancel;
};

struct transfer *transfer_new(const struct transfer_opts *opts,
    struct err *e);

/* Hand a job over; it must stay in place until waited for. */
void transfer_submit(struct transfer *t, struct transfer_job *job);

/* Nobody wants the reply any more: end the job as soon as may be, with
 * ERR_CANCELLED unless it is done already.  It is to be waited for all the
 * same. */
void transfer_drop(struct transfer *t, struct transfer_job *job);

/* Wait until it is done: 0, or -1 with *e = job->err. */
int transfer_wait(struct transfer *t, struct transfer_job *job,
    struct err *e);

/* Add or replace a header (copied). */
int transfer_header(struct transfer_job *job, const char *name,
    const char *value, struct err *e);

/* A header of the reply, name in lower case; "" when absent.  text holds it. */
const char *transfer_reply_header(const struct transfer_job *job,
    const char *name, char *text, size_t n);

/* Free what a job owns; it may be used anew. */
void transfer_job_fini(struct transfer_job *job);

void transfer_free(struct transfer *t);

#endif /* !HTTP_TRANSFER_H */
