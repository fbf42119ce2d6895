/* SPDX-License-Identifier: Apache-2.0 */
/* guest: one connection to the primary that we play. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "restore/listen.h"

#include "restore/guest.h"

#define READ_MAX ((size_t)64 << 10)
#define LOGIN_MS 10000		/* to log in and ask for the stream */
#define CLOSE_MS 2000		/* to take the last words */

int
guest_take(struct guest *g, int listener,
    const struct wire_server_opts *opts, struct err *e)
{
	int fd = listen_accept(listener);

	*g = (struct guest){ .fd = -1 };
	if (fd < 0)
		return 0;
	g->wire = wire_server_new(opts, e);
	if (g->wire == NULL) {
		(void)close(fd);
		return -1;
	}
	g->fd = fd;
	g->deadline = clock_mono_ms() + LOGIN_MS;
	return 0;
}

void
guest_leave(struct guest *g)
{
	g->leaving = true;
	g->deadline = clock_mono_ms() + CLOSE_MS;
}

int
guest_answer(struct guest *g, const struct answer_opts *opts, struct err *e)
{
	const char *sql = wire_server_text(g->wire);
	struct answer a;

	switch (answer_to(opts, &g->replica, sql, &a)) {
	case ANSWER_OK:
		return wire_server_ok(g->wire, e);
	case ANSWER_ROW:
		return wire_server_row(g->wire, a.names, a.values, a.n, e);
	case ANSWER_UNKNOWN:
		break;
	}
	return wire_server_refuse(g->wire, 1193, "HY000",
	    "Unknown system variable", e);
}

short
guest_events(struct guest *g)
{
	size_t n;

	(void)wire_server_output(g->wire, &n);
	return (short)((n > 0 ? POLLOUT : 0) |
	    (wire_server_room(g->wire) > 0 ? POLLIN : 0));
}

int
guest_read(struct guest *g)
{
	uint8_t data[READ_MAX];
	size_t room = wire_server_room(g->wire);
	struct err e = {0};
	ssize_t n;

	if (room == 0)
		return 0;
	n = recv(g->fd, data, room < sizeof(data) ? room : sizeof(data), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	return wire_server_input(g->wire, data, (size_t)n, &e);
}

int
guest_write(struct guest *g)
{
	const void *data;
	size_t n;
	ssize_t sent;

	for (;;) {
		data = wire_server_output(g->wire, &n);
		if (n == 0)
			return g->leaving ? -1 : 0;
		sent = send(g->fd, data, n, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		wire_server_sent(g->wire, (size_t)sent);
	}
}

bool
guest_late(const struct guest *g)
{
	return g->deadline != 0 && clock_mono_ms() > g->deadline;
}

void
guest_close(struct guest *g)
{
	if (g->fd < 0)
		return;
	wire_server_free(g->wire);
	(void)close(g->fd);
	*g = (struct guest){ .fd = -1 };
}
