/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: plays the primary for one replica: listens, lets in who has the
 * run's user and password, answers what a replica asks, and streams a route
 * to the one server that it is for.
 *
 * Life cycle: serve_start binds and starts a thread with poll(2); serve_look
 * says how far it is; serve_stop ends the thread and frees all.  Nobody else
 * gets anything: another password, server id or UUID, a second stream beside
 * a living one.  A replica that lost its connection may come back.
 *
 * Not more than SERVE_AHEAD bytes are given beyond what the target is said to
 * have applied (serve_applied), so that its relay logs stay small.
 *
 * Protocol: facts/mysql.md 7 A; MySQL's and MariaDB's client/server protocol.
 */
#ifndef RESTORE_SERVE_H
#define RESTORE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "mysql/flavour.h"
#include "restore/stream.h"

struct cancel;
struct err;
struct serve;

#define SERVE_AHEAD ((uint64_t)512 << 20)
#define SERVE_PASSWORD 32
#define SERVE_UUID 36

struct serve_opts {
	const char *listen;		/* "127.0.0.1:0", "[::1]:3307" */
	enum flavour_kind kind;		/* whose protocol */
	const char *version;		/* of the server whose log it is */
	bool gtid;			/* its transactions have GTIDs */
	uint32_t target_id;		/* who may have the stream: server id */
	const char *target_uuid;	/* and UUID, "" without */
	bool trial;			/* stream nothing: may it be done? */
	const struct stream_opts *stream;	/* borrowed; trial: NULL;
					 * server_id and target_id are set
					 * here */
	struct cancel *cancel;
};

/* ERR_USAGE for an address that is none or cannot be bound. */
struct serve *serve_start(const struct serve_opts *opts, struct err *e);

/* For the target: the port that is bound, user and password of the run. */
unsigned serve_port(const struct serve *s);
const char *serve_user(const struct serve *s);
const char *serve_password(const struct serve *s);
/* Is it the user of such a run, of whichever? */
bool serve_is_user(const char *name);

struct serve_state {
	bool asked;		/* the target has asked for the stream */
	bool given;		/* all of the route was given */
	unsigned refused;	/* clients that were turned away */
};
/* Any thread.  -1 with *e once serving has failed. */
int serve_look(struct serve *s, struct serve_state *state, struct err *e);

/* The target has applied so many bytes of the route.  Any thread. */
void serve_applied(struct serve *s, uint64_t bytes);

/* End the thread and free; NULL is fine. */
void serve_stop(struct serve *s);

#endif /* !RESTORE_SERVE_H */
