/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: what the daemon shows over HTTP, read-only: metrics, the status as
 * JSON, one page.
 *
 * Life cycle: http_start; http_reload any number of times; http_stop.  All
 * three are called by one thread.  One thread of its own serves all
 * connections, so that no reader, however slow or many, takes more from the
 * daemon than that thread and HTTP_CONNECTIONS small buffers.
 *
 * Readers are not trusted: GET and HEAD alone, no bodies, headers in
 * HTTP_HEADERS bytes, a request whole within head_ms, its answer taken within
 * answer_ms.  /healthz and /readyz answer anybody; the rest asks for the token
 * when there is one.
 */
#ifndef BACKUPD_HTTP_H
#define BACKUPD_HTTP_H

#include <jansson.h>
#include <stdbool.h>

struct err;
struct http;

#define HTTP_CONNECTIONS 64		/* at once, in all */
#define HTTP_CONNECTIONS_PEER 24	/* at once, of one address */
#define HTTP_HEADERS 16384		/* bytes of a request and its answer's
					 * headers; more is refused */
#define HTTP_HEAD_MS 15000
#define HTTP_ANSWER_MS 60000
#define HTTP_FRESH_MS 500		/* a document this young is shown
					 * again */

struct http_opts {
	/* "127.0.0.1:9747", "[::1]:9747", "localhost:9747", "*:9747" (all
	 * addresses); port 0: any. */
	const char *listen;
	const char *token_file;		/* or NULL: no token is asked for */
	const char *tls_cert, *tls_key;	/* PEM files, both or neither */

	/* The status document: a new reference that nobody changes any more,
	 * or NULL while there is none.  These three are called by the thread
	 * of http: they lock what they need, shortly. */
	json_t *(*status)(void *arg);
	bool (*healthy)(void *arg);	/* false: restart me */
	bool (*ready)(void *arg);	/* false: not yet, or draining */
	void *arg;

	unsigned head_ms, answer_ms;	/* 0: the defaults above */
};

/* Is this a text for opts.listen?  0, or -1 with *e set (ERR_USAGE). */
int http_listen_check(const char *listen, struct err *e);

/* Are these a PEM certificate and its key?  0, or -1 with *e set
 * (ERR_USAGE). */
int http_tls_check(const char *cert, const char *key, struct err *e);

/* Listen and serve.  Strings are copied or read.  NULL, with *e set:
 * ERR_USAGE (address, token, certificate), ERR_BUSY (address in use),
 * ERR_IO. */
struct http *http_start(const struct http_opts *opts, struct err *e);

/* The port that is listened on. */
unsigned http_port(const struct http *h);

/* Serve by these options from now on: files are read again.  Open connections
 * end.  On failure (-1, *e set) all stays as it was. */
int http_reload(struct http *h, const struct http_opts *opts, struct err *e);

/* Close all connections, join the thread, free; NULL is fine. */
void http_stop(struct http *h);

#endif /* !BACKUPD_HTTP_H */
