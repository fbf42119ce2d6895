/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_server: the primary's side of the MySQL protocol as a state machine
 * without I/O: just what a replica asks, for serving an archive.
 *
 * Life cycle as wire.h: new; move bytes by output, sent, room and input; call
 * wire_server_next until SERVER_WAIT; answer each command before the next
 * call; free.  One thread at a time; one object a connection.
 *
 * Login is really verified, in constant time: one user, one password, by
 * caching_sha2_password for MySQL and mysql_native_password for MariaDB, in
 * TLS or, unless tls_required, without.  A client proves that it knows the
 * password and never says it (caching_sha2_password's fast way, for which the
 * password is always at hand): who sits between a replica that checks no
 * certificate and us learns nothing to log in with.
 *
 * Ping, and commands that no replica says, are answered inside.
 */
#ifndef MYSQL_WIRE_SERVER_H
#define MYSQL_WIRE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct err;
struct gtid_set;
struct wire_server;
struct wire_tls;

/* A self-signed key and certificate, made for the run; name: its subject, at
 * most 64 bytes. */
struct wire_tls *wire_tls_new(const char *name, struct err *e);
void wire_tls_free(struct wire_tls *t);

struct wire_server_opts {
	enum flavour_kind kind;
	const char *version;	/* as the greeting shows it (MariaDB below 11:
				 * with "5.5.5-"); copied */
	const char *user, *password;	/* copied; neither empty */
	const struct wire_tls *tls;	/* borrowed; NULL: none */
	bool tls_required;
	uint32_t connection;
};

struct wire_server *wire_server_new(const struct wire_server_opts *opts,
    struct err *e);

const void *wire_server_output(struct wire_server *w, size_t *n);
void wire_server_sent(struct wire_server *w, size_t n);
size_t wire_server_room(const struct wire_server *w);
int wire_server_input(struct wire_server *w, const void *data, size_t n,
    struct err *e);

enum server_event {
	SERVER_WAIT,		/* more input is needed */
	SERVER_LOGIN,		/* a client logged in; once; nothing to say */
	SERVER_QUERY,		/* wire_server_text */
	SERVER_REGISTER,	/* answer with wire_server_ok */
	SERVER_DUMP,		/* wire_server_dump, then stream */
	SERVER_ACK,		/* a semi-sync ack; nothing to say */
	SERVER_QUIT,		/* the client left (ERR_AGAIN), was refused
				 * (ERR_DENIED) or broke the protocol: close
				 * after the output is sent; *e says why */
};
enum server_event wire_server_next(struct wire_server *w, struct err *e);

/* The query, borrowed until the next call. */
const char *wire_server_text(const struct wire_server *w);

struct wire_server_dump {
	uint32_t server_id;
	uint16_t flags;
	uint64_t position;
	char file[512];
	struct gtid_set *gtids;	/* NULL: by file and position; borrowed */
};
const struct wire_server_dump *wire_server_dump(const struct wire_server *w);

/* Answers. A result of one row; names and values, NULL is SQL NULL. */
int wire_server_ok(struct wire_server *w, struct err *e);
int wire_server_refuse(struct wire_server *w, unsigned number,
    const char *state, const char *text, struct err *e);
int wire_server_row(struct wire_server *w, const char *const *names,
    const char *const *values, size_t n, struct err *e);

/* Stream an event's bytes (an OK byte is added; split over 16 MiB), until
 * wire_server_refuse or wire_server_eof ends it. */
int wire_server_send_event(struct wire_server *w, const void *data, size_t n,
    struct err *e);
int wire_server_eof(struct wire_server *w, struct err *e);
/* Bytes of output not yet sent: the caller stops producing above its limit. */
size_t wire_server_pending(const struct wire_server *w);

void wire_server_free(struct wire_server *w);

#endif /* !MYSQL_WIRE_SERVER_H */
