/* SPDX-License-Identifier: Apache-2.0 */
/* wire_impl: what wire.c, wire_login.c and wire_dump.c share. */
#ifndef MYSQL_WIRE_IMPL_H
#define MYSQL_WIRE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/wire.h"
#include "mysql/wire_auth.h"

struct wire_link;

#define WIRE_VERSION_MAX 255

enum wire_state {
	STATE_LOGIN,
	STATE_IDLE,		/* nothing was asked */
	STATE_SIMPLE,		/* OK or ERR is due */
	STATE_RESULT,		/* OK, ERR, or a number of columns */
	STATE_COLUMNS,		/* so many definitions, then an EOF */
	STATE_ROWS,
	STATE_STREAM,		/* of events */
	STATE_QUIT,
	STATE_FAILED,
};

enum login_phase {
	LOGIN_GREETING,
	LOGIN_ANSWER,		/* what does the server say to our answer? */
	LOGIN_KEY,		/* its public key is due */
	LOGIN_END,		/* OK or ERR, nothing else */
};

struct wire_login {
	enum login_phase phase;
	bool switched;		/* a server may change the method once */
	char method[32];
	uint8_t scramble[WIRE_SCRAMBLE];
};

struct wire {
	struct wire_opts opts;	/* strings are our own */
	struct wire_link *link;
	enum wire_state state;
	struct err err;		/* of STATE_FAILED */
	struct wire_login login;
	char version[WIRE_VERSION_MAX + 1];
	uint32_t id;
	bool semisync;

	/* Of the last ERR. */
	unsigned error;
	char error_text[513];

	/* Of a result: columns, then one row. */
	size_t columns, due;
	const char **values;
	size_t *lengths;
	uint8_t *ended, lent;	/* where a NUL stands for the byte lent */

	/* Of a stream. */
	const uint8_t *event;
	size_t event_len;
	bool ack;
};

/* One packet of the login, not an empty one: 1 when it is done, 0 to go on, -1. */
int wire_login_packet(struct wire *w, const uint8_t *data, size_t n,
    struct err *e);

/* Keep number and text of an ERR packet. */
int wire_take_error(struct wire *w, const uint8_t *data, size_t n,
    struct err *e);
/* As a failure, with the server's words. Returns -1. */
int wire_server_words(struct wire *w, struct err *e);

/* Send a command, which must be due; state is what follows. */
int wire_command(struct wire *w, enum wire_state state, const void *head,
    size_t head_len, const void *data, size_t n, struct err *e);

#endif /* !MYSQL_WIRE_IMPL_H */
