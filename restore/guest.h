/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest: one connection to the primary that we play: its socket, its side of
 * the protocol, what it said of itself, and how long it may stay.
 *
 * Nothing blocks.  One thread at a time.
 */
#ifndef RESTORE_GUEST_H
#define RESTORE_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "mysql/wire_server.h"
#include "restore/answer.h"

struct err;

struct guest {
	int fd;			/* -1: none */
	struct wire_server *wire;
	struct answer_replica replica;
	int64_t deadline;	/* monotonic ms; 0: none */
	bool leaving;		/* goes once its output is out */
	bool refused;
	bool v2;		/* takes the newer heartbeat */
};

/* Take a connection that waits at listener, if there is one. */
int guest_take(struct guest *g, int listener,
    const struct wire_server_opts *opts, struct err *e);

/* Say goodbye: it gets a moment to take what was said to it. */
void guest_leave(struct guest *g);

/* Answer its statement. */
int guest_answer(struct guest *g, const struct answer_opts *opts,
    struct err *e);

/* What poll(2) should wait for. */
short guest_events(struct guest *g);

/* Take what has come, send what can be; -1: it is gone, or its time is up. */
int guest_read(struct guest *g);
int guest_write(struct guest *g);
bool guest_late(const struct guest *g);

void guest_close(struct guest *g);

#endif /* !RESTORE_GUEST_H */
