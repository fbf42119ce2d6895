/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: the connections that are open. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/sockets.h"

/* Without memory for its number a connection is merely slower. */
static int
on_open(void *arg, curl_socket_t fd, curlsocktype type)
{
	struct sockets *s = arg;
	curl_socket_t *grown;
	size_t cap = s->cap == 0 ? 16 : 2 * s->cap;

	(void)type;
	/* No program that is started meanwhile has it. */
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (s->n == s->cap) {
		grown = realloc(s->fds, cap * sizeof(*grown));
		if (grown == NULL)
			return CURL_SOCKOPT_OK;
		s->fds = grown;
		s->cap = cap;
	}
	s->fds[s->n++] = fd;
	return CURL_SOCKOPT_OK;
}

static int
on_close(void *arg, curl_socket_t fd)
{
	struct sockets *s = arg;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->fds[i] == fd) {
			s->fds[i] = s->fds[--s->n];
			break;
		}
	return close(fd);
}

void
sockets_watch(struct sockets *s, CURL *c)
{
	(void)curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, on_open);
	(void)curl_easy_setopt(c, CURLOPT_SOCKOPTDATA, s);
	(void)curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	(void)curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, s);
}

void
sockets_acknowledge(const struct sockets *s)
{
#ifdef TCP_QUICKACK
	const int on = 1;
	size_t i;

	/* The kernel forgets it when the next request is sent. */
	for (i = 0; i < s->n; i++)
		(void)setsockopt(s->fds[i], IPPROTO_TCP, TCP_QUICKACK, &on,
		    sizeof(on));
#else
	(void)s;
#endif
}

void
sockets_free(struct sockets *s)
{
	free(s->fds);
	*s = (struct sockets){0};
}
