/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets: the connections that are open, so that what has come in on them can
 * be acknowledged at once.
 *
 * A server that sends head and body of a reply apart, with Nagle's algorithm
 * on (as Ceph's gateway does unless told otherwise), holds the body back until
 * the head is acknowledged; Linux takes 40 ms for that, with each small reply.
 * libcurl does not tell which connection a request runs on; there are few.
 *
 * Used by the transfer thread alone; zeroed is empty.
 */
#ifndef HTTP_SOCKETS_H
#define HTTP_SOCKETS_H

#include <stddef.h>

#include <curl/curl.h>

struct sockets {
	curl_socket_t *fds;
	size_t n, cap;
};

/* Keep the connections that c makes in *s, which must outlive them. */
void sockets_watch(struct sockets *s, CURL *c);

/* Acknowledge all that has come in. */
void sockets_acknowledge(const struct sockets *s);

void sockets_free(struct sockets *s);

#endif /* !HTTP_SOCKETS_H */
