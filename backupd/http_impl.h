/* SPDX-License-Identifier: Apache-2.0 */
/* http_impl: what the files of http share. */
#ifndef BACKUPD_HTTP_IMPL_H
#define BACKUPD_HTTP_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "backupd/token.h"
#include "base/buf.h"

struct MHD_Daemon;
struct err;
struct http_opts;

/* What MHD says: while it starts, to us; later, to the log. */
struct http_said {
	bool starting;
	char why[200];
};

/* One set of options, in force until the next reload. */
struct http_service {
	char *listen;
	int fd;			/* listening; MHD's once daemon is set */
	bool asks;		/* for the token */
	uint8_t token[TOKEN_DIGEST];
	struct buf cert, key;	/* read by MHD while it lives */
	struct http_said *said;
	struct MHD_Daemon *daemon;
};

/* Read the files that the options name; 0, or -1 with *e set. */
int http_service_read(const struct http_opts *opts, struct http_service *s,
    struct err *e);

/* End its connections, close what it listens on, free; it may be half made. */
void http_service_end(struct http_service *s);

/* A listening socket (closed on exec, not blocking) for http_opts.listen;
 * -1 with *e set. */
int http_listen_open(const char *listen, struct err *e);

/* The port a socket is bound to, 0 when it has none. */
unsigned http_listen_port(int fd);

#endif /* !BACKUPD_HTTP_IMPL_H */
