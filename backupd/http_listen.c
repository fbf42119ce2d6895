/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen: the address that http listens on. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

#include "backupd/http_impl.h"
#include "backupd/http.h"

#define BACKLOG 64

struct address {
	struct sockaddr_storage at;
	socklen_t len;
	bool all;		/* IPv4 and IPv6, by one socket */
};

static int
not_address(const char *listen, struct err *e)
{
	(void)err_set(e, ERR_USAGE, 0, "listen '%s': not ADDRESS:PORT",
	    listen);
	return err_hint(e, "such as 127.0.0.1:9747, [::1]:9747 or *:9747");
}

/* Take apart "HOST:PORT" or "[HOST]:PORT". */
static int
split(const char *listen, char host[64], const char **port, struct err *e)
{
	const char *begin = listen, *end = strrchr(listen, ':');
	unsigned long number;
	char *rest;

	if (end == NULL || end[1] < '0' || end[1] > '9')
		return not_address(listen, e);
	*port = end + 1;
	number = strtoul(*port, &rest, 10);
	if (*rest != '\0' || number > 65535)
		return not_address(listen, e);
	if (begin[0] == '[') {
		if (end[-1] != ']')
			return not_address(listen, e);
		begin++;
		end--;
	} else if (memchr(begin, ':', (size_t)(end - begin)) != NULL) {
		return not_address(listen, e);
	}
	if (end <= begin || end - begin > 63)
		return not_address(listen, e);
	(void)snprintf(host, 64, "%.*s", (int)(end - begin), begin);
	return 0;
}

/* Names are not looked up: a resolver that hangs must not stop the start. */
static int
parse(const char *listen, struct address *a, struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_STREAM }, *found = NULL;
	const char *port = "0", *numeric;
	char host[64];

	*a = (struct address){0};
	if (split(listen, host, &port, e) != 0)
		return -1;
	a->all = strcmp(host, "*") == 0;
	numeric = a->all ? "::" :
	    strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	if (getaddrinfo(numeric, port, &hints, &found) != 0)
		return not_address(listen, e);
	memcpy(&a->at, found->ai_addr, found->ai_addrlen);
	a->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int
http_listen_check(const char *listen, struct err *e)
{
	struct address a;

	return parse(listen, &a, e);
}

/* All addresses of a host without IPv6 are those of IPv4. */
static void
fall_back(struct address *a)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four = { .sin_family = AF_INET };

	memcpy(&six, &a->at, sizeof(six));
	four.sin_port = six.sin6_port;
	memcpy(&a->at, &four, sizeof(four));
	a->len = sizeof(four);
}

static int
open_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
http_listen_open(const char *listen_at, struct err *e)
{
	struct address a;
	int fd, on = 1, off = 0, error;

	if (parse(listen_at, &a, e) != 0)
		return -1;
	fd = open_socket(a.at.ss_family);
	if (fd < 0 && a.all && errno == EAFNOSUPPORT) {
		fall_back(&a);
		fd = open_socket(AF_INET);
	}
	if (fd < 0)
		return err_set(e, ERR_IO, errno, "listen %s", listen_at);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.at.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
		    a.all ? &off : &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a.at, a.len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	(void)err_set(e, error == EADDRINUSE ? ERR_BUSY :
	    error == EACCES || error == EADDRNOTAVAIL ? ERR_USAGE : ERR_IO,
	    error, "listen %s", listen_at);
	if (error == EADDRINUSE)
		(void)err_hint(e, "stop the other program or set listen");
	return -1;
}

unsigned
http_listen_port(int fd)
{
	struct sockaddr_storage at;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return 0;
	if (at.ss_family == AF_INET) {
		memcpy(&four, &at, sizeof(four));
		return ntohs(four.sin_port);
	}
	memcpy(&six, &at, sizeof(six));
	return ntohs(six.sin6_port);
}
