/* SPDX-License-Identifier: Apache-2.0 */
/* wire_server_impl: what wire_server.c and wire_server_login.c share. */
#ifndef MYSQL_WIRE_SERVER_IMPL_H
#define MYSQL_WIRE_SERVER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/wire_auth.h"
#include "mysql/wire_server.h"

struct wire_link;

#define SERVE_CHARSET 45		/* utf8mb4_general_ci */
#define SERVE_STATUS 2			/* autocommit */

enum serve_state {
	SERVE_HELLO,		/* a request for TLS, or a login, is due */
	SERVE_SWITCHED,		/* the answer by another method is due */
	SERVE_COMMAND,
	SERVE_ANSWER,		/* the caller's turn */
	SERVE_STREAM,
	SERVE_OVER,
};

struct wire_server {
	char *user, *password;
	const struct wire_tls *tls;
	bool tls_required;
	const char *method;	/* of the login */
	struct wire_link *link;
	enum serve_state state;
	struct err err;		/* of SERVE_OVER */
	uint8_t scramble[WIRE_SCRAMBLE];
	char who[65];		/* the client's user */
	struct buf text;
	struct wire_server_dump dump;
};

/* Send the greeting. */
int wire_serve_greet(struct wire_server *w, const struct wire_server_opts *opts,
    struct err *e);
/* A packet of the login, which is done when the state is SERVE_COMMAND. */
int wire_serve_login(struct wire_server *w, const uint8_t *data, size_t n,
    struct err *e);

/* Send a packet: what was put together (and is freed), OK, ERR. */
int wire_serve_send(struct wire_server *w, struct buf *b, struct err *e);
int wire_serve_ok(struct wire_server *w, struct err *e);
int wire_serve_error(struct wire_server *w, unsigned number, const char *state,
    const char *text, struct err *e);
/* The next command may come. */
void wire_serve_await(struct wire_server *w);
/* Record what the client did. Returns -1. */
int wire_serve_malformed(const char *what, struct err *e);

#endif /* !MYSQL_WIRE_SERVER_IMPL_H */
