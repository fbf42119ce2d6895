/* SPDX-License-Identifier: Apache-2.0 */
/* listen: a TCP socket that waits for connections, from "ADDR:PORT". */
#ifndef RESTORE_LISTEN_H
#define RESTORE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Bind and listen; port 0 takes a free one.  ADDR is numeric, IPv6 in
 * brackets.  The socket (non-blocking, closed on exec) and the port that it
 * has; -1 with *e (ERR_USAGE). */
int listen_open(const char *address, unsigned *port, struct err *e);

/* The address without port and brackets into host; *any: it stands for all
 * addresses of this host.  ERR_USAGE. */
int listen_host(const char *address, char *host, size_t n, bool *any,
    struct err *e);

/* The next connection (non-blocking, watched by keep-alive so that a dead
 * peer is noticed in seconds), or -1 when there is none. */
int listen_accept(int fd);

#endif /* !RESTORE_LISTEN_H */
