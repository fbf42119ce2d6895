/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post: one small web request, for a thread that may wait for it.
 *
 * The transfer thread of lib/http serves the store; what people are told does
 * not queue behind it.  Redirects are not followed, TLS is checked.  Messages
 * name the host of a URL alone: the rest may be a secret.
 */
#ifndef BACKUPD_POST_H
#define BACKUPD_POST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct post_link;

#define POST_REPLY 512		/* bytes of a reply that are kept */
#define POST_HEADERS_MAX 6
#define POST_HOST 128

struct post {
	const char *url;
	const char *body;		/* NULL: GET */
	size_t body_len;
	const char *headers[POST_HEADERS_MAX];	/* "Name: value", NULL-ended
						 * unless all are used */
	const char *secret;		/* hidden in what is said of a reply, as
					 * the URL's path is; or NULL */
	uint64_t time_limit_ms;		/* 0: 30 s */
	const atomic_bool *stop;	/* ends it within a second; or NULL */
};

struct post_reply {
	long status;			/* 0: none came */
	unsigned retry_after_s;		/* 0: not said */
	char text[POST_REPLY + 1];	/* the reply's begin, flattened */
};

/* Does it have a form that can be sent?  ERR_USAGE. */
int post_check_url(const char *url, struct err *e);

/* The host and port of a URL, for messages. */
const char *post_host(const char *url, char host[POST_HOST]);

/* Keeps connections open between requests.  Of one thread. */
struct post_link *post_link_new(struct err *e);
void post_link_free(struct post_link *link);

/* Make the request; 0 when a reply of 200 to 299 came.  Otherwise -1: ERR_AGAIN
 * where another try may do better, ERR_CANCELLED when stopped, else
 * ERR_DENIED or ERR_IO; *reply says what came. */
int post_send(struct post_link *link, const struct post *p,
    struct post_reply *reply, struct err *e);

#endif /* !BACKUPD_POST_H */
