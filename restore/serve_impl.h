/* SPDX-License-Identifier: Apache-2.0 */
/* serve_impl: what the files of serve share. */
#ifndef RESTORE_SERVE_IMPL_H
#define RESTORE_SERVE_IMPL_H

#include <pthread.h>

#include "base/err.h"
#include "restore/guest.h"
#include "restore/serve.h"

struct wire_tls;

#define GUESTS_MAX 8

struct serve {
	struct serve_opts opts;
	struct stream_opts stream_opts;
	char user[16], password[SERVE_PASSWORD + 1], uuid[SERVE_UUID + 1];
	char *version;
	struct answer_opts answers;
	struct wire_tls *tls;
	int listener, wake[2];
	unsigned port;
	pthread_t thread;

	/* The thread's own. */
	struct guest guests[GUESTS_MAX];
	struct guest *dumper;		/* who has the stream */
	struct stream *stream;
	bool ended;			/* of the stream */
	int64_t sent;			/* when the last event went out */
	uint32_t connections;

	pthread_mutex_t mtx;		/* guards what follows */
	bool stop;
	uint64_t applied;
	struct serve_state state;
	struct err failure;
};

void serve_fail(struct serve *s, const struct err *e);
void serve_refuse(struct serve *s, struct guest *g, const char *why);

/* A guest asks for the stream: it gets it, or nothing. */
int serve_dump(struct serve *s, struct guest *g, struct err *e);

/* Could more of the stream be made now?  Make some, and a heartbeat where
 * nothing was said for its period. */
bool serve_wants_more(struct serve *s);
int serve_pump(struct serve *s, struct err *e);
int serve_heartbeat(struct serve *s, struct err *e);
int64_t serve_period_ms(const struct guest *g);

#endif /* !RESTORE_SERVE_IMPL_H */
