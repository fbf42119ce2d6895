/* SPDX-License-Identifier: Apache-2.0 */
/* serve: plays the primary for one replica. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "restore/listen.h"

#include "restore/serve_impl.h"

#define POLL_MS 1000
#define USER "kura_"		/* and hexadecimal digits */
#define USER_HEX 8

/* --- what others ask and say --- */

unsigned
serve_port(const struct serve *s)
{
	return s->port;
}

const char *
serve_user(const struct serve *s)
{
	return s->user;
}

const char *
serve_password(const struct serve *s)
{
	return s->password;
}

bool
serve_is_user(const char *name)
{
	size_t n = sizeof(USER) - 1;

	return strncmp(name, USER, n) == 0 && strlen(name) == n + USER_HEX &&
	    strspn(name + n, "0123456789abcdef") == USER_HEX;
}

int
serve_look(struct serve *s, struct serve_state *state, struct err *e)
{
	bool failed;

	(void)pthread_mutex_lock(&s->mtx);
	*state = s->state;
	failed = s->failure.code != ERR_NONE;
	if (failed)
		*e = s->failure;
	(void)pthread_mutex_unlock(&s->mtx);
	return failed ? -1 : 0;
}

static void
wake_up(struct serve *s)
{
	/* A full pipe wakes it as well. */
	(void)!write(s->wake[1], "", 1);
}

void
serve_applied(struct serve *s, uint64_t bytes)
{
	(void)pthread_mutex_lock(&s->mtx);
	s->applied = bytes;
	(void)pthread_mutex_unlock(&s->mtx);
	wake_up(s);
}

void
serve_fail(struct serve *s, const struct err *e)
{
	(void)pthread_mutex_lock(&s->mtx);
	if (s->failure.code == ERR_NONE)
		s->failure = *e;
	(void)pthread_mutex_unlock(&s->mtx);
}

static bool
stopping(struct serve *s)
{
	bool stop;

	(void)pthread_mutex_lock(&s->mtx);
	stop = s->stop || s->failure.code != ERR_NONE;
	(void)pthread_mutex_unlock(&s->mtx);
	return stop;
}

/* --- clients --- */

static void
drop(struct serve *s, struct guest *g)
{
	if (g == s->dumper) {
		s->dumper = NULL;
		stream_close(s->stream);
		s->stream = NULL;
	}
	guest_close(g);
}

void
serve_refuse(struct serve *s, struct guest *g, const char *why)
{
	if (!g->refused) {
		log_event(LOG_WARN_, "turned a client away", "why", why,
		    NULL);
		(void)pthread_mutex_lock(&s->mtx);
		s->state.refused++;
		(void)pthread_mutex_unlock(&s->mtx);
	}
	g->refused = true;
	guest_leave(g);
}

static void
let_in(struct serve *s)
{
	const struct wire_server_opts opts = { .kind = s->opts.kind,
	    .version = s->version, .user = s->user, .password = s->password,
	    .tls = s->tls, .tls_required = true,
	    .connection = ++s->connections };
	struct err e = {0};
	struct guest *g;

	for (g = s->guests; g < s->guests + GUESTS_MAX && g->fd >= 0; g++)
		;
	if (g < s->guests + GUESTS_MAX && guest_take(g, s->listener, &opts,
	    &e) != 0)
		serve_fail(s, &e);
}

/* --- commands --- */

/* All that a client has said so far; -1: it is done with. */
static int
serve_guest(struct serve *s, struct guest *g)
{
	struct err e = {0};
	int rc = 0;

	while (rc == 0 && !g->leaving)
		switch (wire_server_next(g->wire, &e)) {
		case SERVER_WAIT:
			return 0;
		case SERVER_LOGIN:
		case SERVER_ACK:
			break;
		case SERVER_QUERY:
			rc = guest_answer(g, &s->answers, &e);
			break;
		case SERVER_REGISTER:
			rc = wire_server_ok(g->wire, &e);
			break;
		case SERVER_DUMP:
			rc = serve_dump(s, g, &e);
			break;
		case SERVER_QUIT:
			if (e.code == ERR_DENIED)
				serve_refuse(s, g, e.msg);
			else if (e.code != ERR_NONE && e.code != ERR_AGAIN)
				log_event(LOG_WARN_, "a client left",
				    "why", e.msg, NULL);
			guest_leave(g);
			break;
		}
	return rc;
}

/* --- the thread --- */

static int
wait_ms(const struct serve *s)
{
	int64_t ms = POLL_MS;

	if (s->dumper != NULL && serve_period_ms(s->dumper) > 0 &&
	    serve_period_ms(s->dumper) / 2 < ms)
		ms = serve_period_ms(s->dumper) / 2 + 1;
	return (int)ms;
}

static void
one_guest(struct serve *s, struct guest *g, short events)
{
	int rc = 0;

	if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
		rc = guest_read(g);
		if (rc == 0)
			rc = serve_guest(s, g);
	}
	if (rc == 0)
		rc = guest_write(g);
	if (rc == 0 && guest_late(g)) {
		if (!g->leaving)
			log_event(LOG_WARN_, "a client said nothing", NULL);
		rc = -1;
	}
	if (rc != 0)
		drop(s, g);
}

static void
round_of(struct serve *s, bool more)
{
	struct pollfd fds[GUESTS_MAX + 2] = {
		{ .fd = s->wake[0], .events = POLLIN },
		{ .fd = s->listener, .events = POLLIN },
	};
	struct guest *g;
	char drain[64];
	size_t i;

	/* Full up, others wait at the door. */
	fds[1].events = 0;
	for (i = 0; i < GUESTS_MAX; i++) {
		g = &s->guests[i];
		fds[i + 2].fd = g->fd;
		if (g->fd >= 0)
			fds[i + 2].events = guest_events(g);
		else
			fds[1].events = POLLIN;
	}
	if (poll(fds, GUESTS_MAX + 2, more ? 0 : wait_ms(s)) < 0)
		return;
	while (read(s->wake[0], drain, sizeof(drain)) > 0)
		;
	for (i = 0; i < GUESTS_MAX; i++)
		if (s->guests[i].fd >= 0)
			one_guest(s, &s->guests[i], fds[i + 2].revents);
	if (fds[1].revents != 0)
		let_in(s);
}

static void *
run(void *arg)
{
	struct serve *s = arg;
	struct err e = {0};
	bool more = false;

	while (!stopping(s)) {
		round_of(s, more);
		more = false;
		if (s->dumper == NULL || s->stream == NULL)
			continue;
		if (serve_pump(s, &e) != 0 || serve_heartbeat(s, &e) != 0) {
			serve_fail(s, &e);
			break;
		}
		if (guest_write(s->dumper) != 0)
			drop(s, s->dumper);
		else
			more = serve_wants_more(s);
	}
	return NULL;
}

/* --- life --- */

static int
prepare(struct serve *s, struct err *e)
{
	uint8_t bytes[16];
	char hex[33];
	uint32_t id;

	(void)snprintf(s->user, sizeof(s->user), USER);
	random_hex(s->user + sizeof(USER) - 1, USER_HEX);
	random_hex(s->password, SERVE_PASSWORD);
	random_hex(hex, 32);
	(void)snprintf(s->uuid, sizeof(s->uuid), "%.8s-%.4s-4%.3s-8%.3s-%.12s",
	    hex, hex + 8, hex + 13, hex + 17, hex + 20);
	do {
		random_bytes(bytes, sizeof(bytes));
		memcpy(&id, bytes, sizeof(id));
		id |= 0x80000000u;
	} while (id == s->opts.target_id);
	s->answers = (struct answer_opts){ .server_id = id, .uuid = s->uuid,
	    .gtid = s->opts.gtid };
	if (s->opts.stream != NULL) {
		s->stream_opts = *s->opts.stream;
		s->stream_opts.server_id = id;
		s->stream_opts.target_id = s->opts.target_id;
	}
	s->version = strdup(s->opts.version);
	s->tls = wire_tls_new("kura", e);
	if (s->version == NULL)
		return err_set(e, ERR_NOMEM, 0, "replay");
	return s->tls != NULL ? 0 : -1;
}

static int
open_sockets(struct serve *s, struct err *e)
{
	int i, flags;

	s->listener = listen_open(s->opts.listen, &s->port, e);
	if (s->listener < 0)
		return -1;
	if (pipe(s->wake) != 0)
		return err_set(e, ERR_IO, errno, "a pipe");
	for (i = 0; i < 2; i++) {
		flags = fcntl(s->wake[i], F_GETFL);
		if (flags < 0 || fcntl(s->wake[i], F_SETFL, flags |
		    O_NONBLOCK) != 0 || fcntl(s->wake[i], F_SETFD,
		    FD_CLOEXEC) != 0)
			return err_set(e, ERR_IO, errno, "a pipe");
	}
	return 0;
}

static void
serve_free(struct serve *s)
{
	size_t i;

	for (i = 0; i < GUESTS_MAX; i++)
		drop(s, &s->guests[i]);
	if (s->listener >= 0)
		(void)close(s->listener);
	for (i = 0; i < 2; i++)
		if (s->wake[i] >= 0)
			(void)close(s->wake[i]);
	wire_tls_free(s->tls);
	(void)pthread_mutex_destroy(&s->mtx);
	free(s->version);
	free(s);
}

struct serve *
serve_start(const struct serve_opts *opts, struct err *e)
{
	struct serve *s = calloc(1, sizeof(*s));
	size_t i;
	int error;

	if (s == NULL || pthread_mutex_init(&s->mtx, NULL) != 0) {
		free(s);
		(void)err_set(e, ERR_NOMEM, 0, "replay");
		return NULL;
	}
	s->opts = *opts;
	s->listener = s->wake[0] = s->wake[1] = -1;
	for (i = 0; i < GUESTS_MAX; i++)
		s->guests[i].fd = -1;
	if (prepare(s, e) != 0 || open_sockets(s, e) != 0)
		goto failed;
	error = pthread_create(&s->thread, NULL, run, s);
	if (error == 0)
		return s;
	(void)err_set(e, ERR_NOMEM, error, "a thread");
failed:	serve_free(s);
	return NULL;
}

void
serve_stop(struct serve *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->mtx);
	s->stop = true;
	(void)pthread_mutex_unlock(&s->mtx);
	wake_up(s);
	(void)pthread_join(s->thread, NULL);
	serve_free(s);
}
