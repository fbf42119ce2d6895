/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wireserve: plays the primary with binary log files, for one replica after
 * the other, until it is killed.
 *
 *   wireserve [--mariadb] [--tls] [--server-id N] [--uuid U] [--version V] FILE...
 *
 * Prints its port on 127.0.0.1.  The user is "replica", the password is
 * WIRECAT_PASSWORD.  stderr has a line for each event of a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/bytes.h"
#include "mysql/event.h"
#include "mysql/gtid.h"
#include "mysql/wire_server.h"

#define SOME 65536
#define AHEAD ((size_t)1 << 20)

struct serve {
	struct wire_server_opts wire;
	const char *uuid;
	uint32_t server_id;
	char **files;
	/* of a connection */
	int fd;
	struct wire_server *w;
	bool streaming;
	size_t file;		/* which is being sent */
	struct buf data;	/* its bytes */
	size_t at;
};

/* --- what a replica asks --- */

struct answer {
	const char *asks;	/* part of the query */
	const char *value;
};

static int
answer(struct serve *s, struct err *e)
{
	char now[32], id[32];
	const struct answer answers[] = {
		{ "UNIX_TIMESTAMP", now }, { "SERVER_ID", id },
		{ "checksum", "CRC32" }, { "GTID_MODE", "ON" },
		{ "SERVER_UUID", s->uuid }, { "gtid_domain_id", "0" },
	};
	const char *sql = wire_server_text(s->w);
	const char *const names[] = { "Variable_name", "Value" };
	const char *values[2];
	bool show = strncmp(sql, "SHOW", 4) == 0;
	size_t i;

	(void)fprintf(stderr, "query %s\n", sql);
	(void)snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	(void)snprintf(id, sizeof(id), "%u", s->server_id);
	if (strncmp(sql, "SET ", 4) == 0)
		return wire_server_ok(s->w, e);
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strstr(sql, answers[i].asks) == NULL)
			continue;
		values[0] = answers[i].asks;
		values[1] = answers[i].value;
		return wire_server_row(s->w, names + !show, values + !show,
		    show ? 2 : 1, e);
	}
	return wire_server_refuse(s->w, 1193, "HY000",
	    "Unknown system variable", e);
}

/* --- the stream --- */

static int
read_file(struct serve *s, struct err *e)
{
	FILE *f = fopen(s->files[s->file], "r");
	char some[SOME];
	size_t n;

	if (f == NULL)
		return err_set(e, ERR_IO, errno, "%s", s->files[s->file]);
	buf_clear(&s->data);
	while ((n = fread(some, 1, sizeof(some), f)) > 0)
		buf_add(&s->data, some, n);
	(void)fclose(f);
	s->at = 4;
	return buf_check(&s->data, "file", e);
}

/* The artificial event that names the file. */
static int
send_name(struct serve *s, struct err *e)
{
	const char *path = s->files[s->file], *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t n = EVENT_HEADER + 8 + strlen(name) + 4;
	uint8_t ev[512] = {0};

	ev[4] = EVENT_ROTATE;
	bytes_put_le(ev + 5, s->server_id, 4);
	bytes_put_le(ev + 9, n, 4);
	bytes_put_le(ev + 17, EVENT_FLAG_ARTIFICIAL, 2);
	bytes_put_le(ev + 19, 4, 8);
	memcpy(ev + 27, name, strlen(name));
	event_seal(ev, n);
	return wire_server_send_event(s->w, ev, n, e);
}

/* One event more; 1: that was all. */
static int
send_next(struct serve *s, struct err *e)
{
	uint8_t *ev;
	size_t n;

	if (s->data.len == 0 || s->at == s->data.len) {
		s->file += s->data.len != 0;
		if (s->files[s->file] == NULL)
			return 1;
		return read_file(s, e) != 0 ? -1 : send_name(s, e);
	}
	ev = (uint8_t *)s->data.data + s->at;
	n = s->data.len - s->at < EVENT_HEADER ? 0 : event_size(ev);
	if (n == 0 || n > s->data.len - s->at)
		return err_set(e, ERR_CORRUPT, 0, "%s: an event is cut off",
		    s->files[s->file]);
	s->at += n;
	if (ev[4] == EVENT_FORMAT)
		ev[17] &= (uint8_t)~EVENT_FLAG_IN_USE;
	if (ev[4] == EVENT_ROTATE || ev[4] == EVENT_STOP)
		return 0;
	return wire_server_send_event(s->w, ev, n, e);
}

/* Have enough on its way. */
static int
fill(struct serve *s, struct err *e)
{
	int rc;

	while (s->streaming && wire_server_pending(s->w) < AHEAD) {
		rc = send_next(s, e);
		if (rc < 0)
			return -1;
		s->streaming = rc == 0;
		if (rc == 1)
			(void)fprintf(stderr, "sent all\n");
	}
	return 0;
}

/* --- a connection --- */

static int
move(struct serve *s, struct err *e)
{
	struct pollfd p = { .fd = s->fd };
	size_t n, room = wire_server_room(s->w);
	const void *out = wire_server_output(s->w, &n);
	char data[SOME];
	ssize_t got;

	p.events = (short)((n > 0 ? POLLOUT : 0) | (room > 0 ? POLLIN : 0));
	if (poll(&p, 1, -1) != 1)
		return err_set(e, ERR_IO, errno, "poll");
	if (n > 0 && (p.revents & POLLOUT)) {
		got = send(s->fd, out, n, MSG_NOSIGNAL);
		if (got > 0)
			wire_server_sent(s->w, (size_t)got);
	}
	if (room > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR))) {
		got = recv(s->fd, data, room < SOME ? room : SOME, 0);
		if (got >= 0 || errno != EAGAIN)
			return wire_server_input(s->w, data,
			    got > 0 ? (size_t)got : 0, e);
	}
	return 0;
}

static void
say_dump(const struct wire_server_dump *d)
{
	struct buf b = {0};

	if (d->gtids != NULL)
		gtid_set_text(d->gtids, &b);
	(void)fprintf(stderr, "dump %s %" PRIu64 " server %u flags %u gtids "
	    "%s\n", d->file, d->position, d->server_id, d->flags,
	    d->gtids != NULL ? buf_str(&b) : "none");
	buf_free(&b);
}

static int
react(struct serve *s, enum server_event event, struct err *e)
{
	switch (event) {
	case SERVER_WAIT:
		return fill(s, e) != 0 ? -1 : move(s, e);
	case SERVER_LOGIN:
		(void)fprintf(stderr, "login\n");
		return 0;
	case SERVER_QUERY:
		return answer(s, e);
	case SERVER_REGISTER:
		(void)fprintf(stderr, "register\n");
		return wire_server_ok(s->w, e);
	case SERVER_DUMP:
		say_dump(wire_server_dump(s->w));
		s->streaming = true;
		return 0;
	case SERVER_ACK:
		return 0;
	case SERVER_QUIT:
		break;
	}
	return -1;
}

/* From the greeting to the end, whoever brings it about. */
static void
attend(struct serve *s)
{
	struct err e = {0};
	const void *out;
	size_t n;

	s->streaming = false;
	s->file = 0;
	buf_free(&s->data);
	(void)fcntl(s->fd, F_SETFL, O_NONBLOCK);
	s->w = wire_server_new(&s->wire, &e);
	while (s->w != NULL && react(s, wire_server_next(s->w, &e), &e) == 0)
		continue;
	/* What is left to say is little. */
	out = s->w == NULL ? NULL : wire_server_output(s->w, &n);
	if (out != NULL)
		(void)send(s->fd, out, n, MSG_NOSIGNAL);
	(void)fprintf(stderr, "end %s\n", e.msg);
	wire_server_free(s->w);
	(void)close(s->fd);
	s->wire.connection++;
}

static int
listen_here(unsigned *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	*port = ntohs(at.sin_port);
	return fd;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mariadb", 0, NULL, 'm' }, { "tls", 0, NULL, 't' },
		{ "server-id", 1, NULL, 'i' }, { "uuid", 1, NULL, 'u' },
		{ "version", 1, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	struct serve s = { .server_id = 990,
	    .uuid = "99000000-0000-0000-0000-000000000099",
	    .wire = { .kind = FLAVOUR_MYSQL, .version = "9.7.0",
	    .user = "replica", .password = getenv("WIRECAT_PASSWORD") } };
	struct wire_tls *tls = NULL;
	struct err e = {0};
	unsigned port;
	int o, fd;

	while ((o = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (o) {
		case 'm': s.wire.kind = FLAVOUR_MARIADB;
			s.wire.version = "5.5.5-10.11.6-MariaDB-log"; break;
		case 't': tls = wire_tls_new("wireserve", &e); break;
		case 'i': s.server_id = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'u': s.uuid = optarg; break;
		case 'v': s.wire.version = optarg; break;
		default: return 2;
		}
	}
	s.files = argv + optind;
	s.wire.tls = tls;
	s.wire.tls_required = tls != NULL;
	fd = listen_here(&port);
	if (fd < 0 || e.code != ERR_NONE || s.wire.password == NULL)
		return 1;
	(void)printf("%u\n", port);
	(void)fflush(stdout);
	while ((s.fd = accept(fd, NULL, NULL)) >= 0)
		attend(&s);
	return 1;
}
