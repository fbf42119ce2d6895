/* SPDX-License-Identifier: Apache-2.0 */
/* listen: a TCP socket that waits for connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

#include "restore/listen.h"

#define BACKLOG 8
#define HOST_MAX 64
#define IDLE_S 10	/* silence before the first probe, then 3 of 5 s */
#define PROBE_S 5
#define PROBES 3
#define UNSENT_MS 25000	/* sent and not confirmed */

static int
bad(const char *address, struct err *e)
{
	(void)err_set(e, ERR_USAGE, 0, "--listen: '%.80s' is no ADDRESS:PORT",
	    address);
	(void)err_hint(e, "for example 10.0.0.5:3307, or [::1]:0 for any "
	    "free port");
	return -1;
}

static int
split(const char *address, char *host, size_t n, const char **port,
    struct err *e)
{
	const char *colon = strrchr(address, ':');
	size_t len;

	if (colon == NULL || colon[1] == '\0' || colon == address ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return bad(address, e);
	*port = colon + 1;
	len = (size_t)(colon - address);
	if (address[0] == '[') {
		if (address[len - 1] != ']')
			return bad(address, e);
		address++;
		len -= 2;
	}
	if (len == 0 || len >= n)
		return bad(address, e);
	memcpy(host, address, len);
	host[len] = '\0';
	return 0;
}

int
listen_host(const char *address, char *host, size_t n, bool *any,
    struct err *e)
{
	const char *port;

	if (split(address, host, n, &port, e) != 0)
		return -1;
	*any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
	return 0;
}

static int
nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ? -1 : 0;
}

static unsigned
bound_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

int
listen_open(const char *address, unsigned *port, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	char host[HOST_MAX];
	struct addrinfo *a = NULL;
	const char *service;
	int fd = -1, one = 1;

	if (split(address, host, sizeof(host), &service, e) != 0)
		return -1;
	if (strtoul(service, NULL, 10) > 65535 ||
	    getaddrinfo(host, service, &hints, &a) != 0)
		return bad(address, e);
	fd = socket(a->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) != 0 || bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(fd, BACKLOG) != 0 || nonblocking(fd) != 0) {
		(void)err_set(e, ERR_USAGE, errno, "--listen=%.80s", address);
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
	} else {
		*port = bound_port(fd);
	}
	freeaddrinfo(a);
	return fd;
}

int
listen_accept(int listener)
{
	int fd = accept(listener, NULL, NULL);
	int one = 1, idle = IDLE_S, probe = PROBE_S, probes = PROBES;
	unsigned unsent = UNSENT_MS;

	if (fd < 0)
		return -1;
	if (nonblocking(fd) != 0) {
		(void)close(fd);
		return -1;
	}
	/* Best effort: without these a dead peer is noticed later. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe,
	    sizeof(probe));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes,
	    sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent,
	    sizeof(unsent));
	return fd;
}
