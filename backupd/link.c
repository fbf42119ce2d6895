/* SPDX-License-Identifier: Apache-2.0 */
/* link: a connection to a source for its binary log. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/gtid.h"
#include "mysql/server_error.h"

#include "backupd/link.h"

#define CONNECT_MS 10000
#define ANSWER_MS 30000		/* of the server to a statement */
#define PIECE ((size_t)256 << 10)	/* read at once */
#define MEMORY ((size_t)512 << 10)
#define FLAG_STOP 1		/* BINLOG_DUMP_NON_BLOCK */
#define FLAG_ANNOTATE 2		/* MariaDB: BINLOG_SEND_ANNOTATE_ROWS_EVENT */
#define MARIA_SAME_ID 4052
#define POSITION_MAX UINT32_MAX	/* that COM_BINLOG_DUMP can say */

struct link {
	int fd;
	struct wire *wire;
	struct cancel *cancel;
	unsigned waker;
	char where[300];
	char piece[PIECE];
};

static void
wake(void *arg)
{
	struct link *l = arg;

	(void)shutdown(l->fd, SHUT_RDWR);
}

/* Wait until the socket is ready for events; 0, or -1 at the deadline. */
static int
await(struct link *l, short events, int64_t deadline, struct err *e)
{
	struct pollfd p = { .fd = l->fd, .events = events };
	int64_t left;
	int n;

	do {
		if (cancel_check(l->cancel, e) != 0)
			return -1;
		left = deadline - clock_mono_ms();
		if (left <= 0)
			return err_set(e, ERR_AGAIN, 0, "%s: the server says "
			    "nothing", l->where);
		n = poll(&p, 1, (int)left);
	} while (n == 0 || (n == -1 && errno == EINTR));
	return n > 0 ? 0 : err_set(e, ERR_IO, errno, "poll");
}

/* --- bytes --- */

int
link_fd(const struct link *l)
{
	return l->fd;
}

struct wire *
link_wire(struct link *l)
{
	return l->wire;
}

int
link_read(struct link *l, struct err *e)
{
	size_t room = wire_room(l->wire);
	ssize_t n;

	if (room == 0)
		return 0;
	do {
		n = recv(l->fd, l->piece, room < PIECE ? room : PIECE, 0);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n == -1)
		return err_set(e, ERR_AGAIN, errno, "%s: read", l->where);
	return wire_input(l->wire, l->piece, (size_t)n, e) == 0 ? 1 :
	    err_wrap(e, "%s", l->where);
}

int
link_write(struct link *l, struct err *e)
{
	const void *data;
	size_t due;
	ssize_t n;

	for (;;) {
		data = wire_output(l->wire, &due);
		if (due == 0)
			return 0;
		n = send(l->fd, data, due, MSG_NOSIGNAL);
		if (n >= 0)
			wire_sent(l->wire, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 1;
		else if (errno != EINTR)
			return err_set(e, ERR_AGAIN, errno, "%s: write",
			    l->where);
	}
}

/* --- connecting --- */

static int
finish_connect(struct link *l, struct err *e)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (await(l, POLLOUT, clock_mono_ms() + CONNECT_MS, e) != 0)
		return -1;
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	return error == 0 ? 0 : err_set(e, ERR_AGAIN, error, "connect to %s",
	    l->where);
}

static int
connect_to(struct link *l, int family, const struct sockaddr *to, socklen_t n,
    struct err *e)
{
	int on = 1;

	l->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1)
		return err_set(e, ERR_NOMEM, errno, "socket");
	(void)setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (family != AF_UNIX)
		(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	l->waker = cancel_add(l->cancel, wake, l);
	if (connect(l->fd, to, n) == 0 ||
	    ((errno == EINPROGRESS || errno == EAGAIN) &&
	    finish_connect(l, e) == 0))
		return 0;
	if (e->code == ERR_NONE)
		(void)err_set(e, ERR_AGAIN, errno, "connect to %s", l->where);
	cancel_remove(l->cancel, l->waker);
	l->waker = 0;
	(void)close(l->fd);
	l->fd = -1;
	return -1;
}

static int
connect_unix(struct link *l, const char *path, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (path == NULL || strlen(path) >= sizeof(to.sun_path))
		return err_set(e, ERR_USAGE, 0, "socket path is missing or "
		    "too long");
	memcpy(to.sun_path, path, strlen(path) + 1);
	return connect_to(l, AF_UNIX, (const struct sockaddr *)&to,
	    sizeof(to), e);
}

static int
connect_tcp(struct link *l, const char *host, unsigned port, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all, *a;
	char service[16];
	int rc = -1, error;

	(void)snprintf(service, sizeof(service), "%u", port);
	error = getaddrinfo(host, service, &hints, &all);
	if (error != 0)
		return err_set(e, ERR_AGAIN, 0, "look up %s: %s", host,
		    gai_strerror(error));
	for (a = all; a != NULL && rc != 0; a = a->ai_next) {
		*e = (struct err){0};
		rc = connect_to(l, a->ai_family, a->ai_addr, a->ai_addrlen, e);
		if (e->code == ERR_CANCELLED)
			break;
	}
	freeaddrinfo(all);
	return rc;
}

static struct wire *
make_wire(const struct conn_opts *o, struct err *e)
{
	struct wire_opts w = { .user = o->user, .password = o->password,
	    .host = o->host, .ssl = conn_ssl_mode(o),
	    .secure = conn_is_local(o), .ssl_ca = o->ssl_ca,
	    .ssl_capath = o->ssl_capath, .ssl_cert = o->ssl_cert,
	    .ssl_key = o->ssl_key, .program = o->program, .memory = MEMORY };
	struct passwd room, *me = NULL;
	char names[4096];

	if (w.user == NULL && getpwuid_r(geteuid(), &room, names,
	    sizeof(names), &me) == 0 && me != NULL)
		w.user = me->pw_name;
	return wire_new(&w, e);
}

enum wire_event
link_next(struct link *l, struct err *e)
{
	enum wire_event event = wire_next(l->wire, e);
	const char *text;
	unsigned number;
	bool busy;

	if (event == WIRE_REFUSED) {
		wire_error(l->wire, &number, &text);
		/* MySQL has one number for much that ends a dump. */
		busy = number == MARIA_SAME_ID || (number == LINK_DUMP_ENDED &&
		    strstr(text, "same server_uuid/server_id") != NULL);
		(void)err_set(e, busy ? ERR_BUSY : server_error_code(number),
		    0, "%s: server error %u: %s", l->where, number, text);
		e->sys = (int)number;
		if (busy)
			(void)err_hint(e, "another archiver of this store "
			    "follows the source: end one of them");
		return WIRE_FAILED;
	}
	if (event == WIRE_FAILED)
		(void)err_wrap(e, "%s", l->where);
	return event;
}

/* What the wire says next, waiting for it. */
static enum wire_event
await_event(struct link *l, int64_t deadline, struct err *e)
{
	enum wire_event event;
	int more;

	for (;;) {
		event = link_next(l, e);
		more = event == WIRE_FAILED ? 0 : link_write(l, e);
		if (more == -1)
			return WIRE_FAILED;
		if (event != WIRE_WAIT)
			return event;
		if (await(l, more ? POLLIN | POLLOUT : POLLIN, deadline,
		    e) != 0 || link_read(l, e) == -1)
			return WIRE_FAILED;
	}
}

struct link *
link_open(const struct conn_opts *o, struct err *e)
{
	struct link *l = calloc(1, sizeof(*l));
	unsigned port = o->port == 0 ? 3306 : o->port;
	bool local = conn_is_local(o);
	int rc;

	if (l == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "connection");
		return NULL;
	}
	l->fd = -1;
	l->cancel = o->cancel;
	if (local)
		(void)snprintf(l->where, sizeof(l->where), "%s", o->socket !=
		    NULL ? o->socket : "localhost");
	else
		(void)snprintf(l->where, sizeof(l->where), "%.255s:%u",
		    o->host, port);
	l->wire = make_wire(o, e);
	rc = l->wire == NULL ? -1 : local ? connect_unix(l, o->socket, e) :
	    connect_tcp(l, o->host, port, e);
	if (rc == 0 && await_event(l, clock_mono_ms() + ANSWER_MS, e) ==
	    WIRE_READY)
		return l;
	link_close(l);
	return NULL;
}

void
link_close(struct link *l)
{
	if (l == NULL)
		return;
	cancel_remove(l->cancel, l->waker);
	if (l->fd != -1)
		(void)close(l->fd);
	wire_free(l->wire);
	free(l);
}

/* --- commands --- */

int
link_query(struct link *l, const char *sql, struct buf *value, struct err *e)
{
	int64_t deadline = clock_mono_ms() + ANSWER_MS;
	const char *const *values;
	const size_t *lengths;
	enum wire_event event;
	bool first = true;

	if (wire_query(l->wire, sql, e) != 0)
		return -1;
	while ((event = await_event(l, deadline, e)) == WIRE_ROW) {
		if (first && value != NULL &&
		    wire_values(l->wire, &values, &lengths) > 0 &&
		    values[0] != NULL)
			buf_add(value, values[0], lengths[0]);
		first = false;
	}
	if (event != WIRE_OK)
		return -1;
	return value == NULL ? 0 : buf_check(value, "answer", e);
}

int
link_dump(struct link *l, const struct link_dump *d, struct err *e)
{
	uint16_t flags = (uint16_t)((d->stop ? FLAG_STOP : 0) |
	    (d->mysql ? 0 : FLAG_ANNOTATE));
	struct gtid_set *none = NULL;
	int rc = -1;

	if (wire_register(l->wire, d->id, e) != 0 ||
	    await_event(l, clock_mono_ms() + ANSWER_MS, e) != WIRE_OK)
		return -1;
	if (d->position <= POSITION_MAX)
		return wire_dump(l->wire, d->id, d->file, d->position, flags,
		    e);
	/* Only the form with GTIDs has 64 bits for the position; with an
	 * empty set it leaves nothing out. */
	none = gtid_set_new(FLAVOUR_MYSQL, e);
	if (none != NULL)
		rc = wire_dump_gtid(l->wire, d->id, d->file, d->position,
		    flags, none, e);
	gtid_set_free(none);
	return rc;
}

int
link_event(struct link *l, unsigned wait_ms, const uint8_t **data, size_t *n,
    struct err *e)
{
	enum wire_event event = await_event(l, clock_mono_ms() + wait_ms, e);
	bool ack;

	switch (event) {
	case WIRE_BINLOG:
		wire_binlog(l->wire, data, n, &ack);
		return 1;
	case WIRE_END:
		return 0;
	default:
		return -1;
	}
}
