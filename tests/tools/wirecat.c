/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wirecat: the wire module by hand, over a TCP or Unix socket.
 *
 *   wirecat [OPTION...] query SQL...       rows as TSV
 *   wirecat [OPTION...] dump FILE [POS]    events as mysqlbinlog --raw
 *
 * The password is WIRECAT_PASSWORD.  One line on stderr and status 1 for any
 * failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/event.h"
#include "mysql/wire.h"

#define SILENCE_MS 60000
#define SOME 65536

struct cat {
	struct wire_opts wire;
	const char *socket, *gtid, *stop;
	unsigned port;
	uint32_t server_id;
	uint16_t flags;
	bool semisync, mariadb, checksum;
	int fd;
	struct wire *w;
	/* of a dump */
	char file[512];
	bool begun;
};

static int
connect_to(struct cat *c, struct err *e)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int rc;

	c->fd = socket(c->socket != NULL ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	if (c->socket != NULL) {
		(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s",
		    c->socket);
		rc = connect(c->fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		in.sin_port = htons((uint16_t)c->port);
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		rc = connect(c->fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (rc != 0)
		return err_set(e, ERR_AGAIN, errno, "connect");
	(void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Wait for the socket, move what can be moved. */
static int
move(struct cat *c, struct err *e)
{
	struct pollfd p = { .fd = c->fd };
	char data[SOME];
	const void *out;
	size_t n, room = wire_room(c->w);
	ssize_t got;

	out = wire_output(c->w, &n);
	p.events = (short)((n > 0 ? POLLOUT : 0) | (room > 0 ? POLLIN : 0));
	if (poll(&p, 1, SILENCE_MS) != 1)
		return err_set(e, ERR_AGAIN, 0, "the server is silent");
	if (n > 0 && (p.revents & POLLOUT)) {
		got = send(c->fd, out, n, MSG_NOSIGNAL);
		if (got > 0)
			wire_sent(c->w, (size_t)got);
	}
	if (room > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR))) {
		got = recv(c->fd, data, room < SOME ? room : SOME, 0);
		if (got >= 0 || errno != EAGAIN)
			return wire_input(c->w, data, got > 0 ? (size_t)got :
			    0, e);
	}
	return 0;
}

/* What happens next; WIRE_FAILED with *e set. */
static enum wire_event
next(struct cat *c, struct err *e)
{
	enum wire_event event;

	while ((event = wire_next(c->w, e)) == WIRE_WAIT)
		if (move(c, e) != 0)
			return WIRE_FAILED;
	return event;
}

static int
refused(struct cat *c, struct err *e)
{
	const char *text;
	unsigned number;

	wire_error(c->w, &number, &text);
	return err_set(e, ERR_IO, 0, "refused: %u %s", number, text);
}

static void
print_row(const struct cat *c)
{
	const char *const *values;
	const size_t *lengths;
	size_t n = wire_values(c->w, &values, &lengths), i;

	for (i = 0; i < n; i++) {
		if (values[i] == NULL)
			(void)fputs("NULL", stdout);
		else
			(void)fwrite(values[i], 1, lengths[i], stdout);
		(void)putchar(i + 1 < n ? '\t' : '\n');
	}
}

static int
query(struct cat *c, const char *sql, bool print, struct err *e)
{
	enum wire_event event;

	if (wire_query(c->w, sql, e) != 0)
		return -1;
	while ((event = next(c, e)) == WIRE_ROW)
		if (print)
			print_row(c);
	(void)fflush(stdout);
	if (event == WIRE_REFUSED)
		return refused(c, e);
	return event == WIRE_OK ? 0 : -1;
}

/* --- dump --- */

static uint64_t
number(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes > 0)
		v = v << 8 | p[--bytes];
	return v;
}

/* Everything that a replica says before it asks for events; each server
 * overlooks the other's variables. */
static int
introduce(struct cat *c, struct err *e)
{
	static const char *const statements[] = {
		"SET @master_heartbeat_period=1000000000, "
		    "@source_heartbeat_period=1000000000",
		"SET @master_binlog_checksum=@@global.binlog_checksum, "
		    "@source_binlog_checksum=@@global.binlog_checksum",
		"SET @mariadb_slave_capability=4",
	};
	char text[4096];
	size_t i;

	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (query(c, statements[i], false, e) != 0)
			return -1;
	(void)snprintf(text, sizeof(text), "SET @slave_uuid='%08x-0000-0000-"
	    "0000-000000000000', @replica_uuid=@slave_uuid", c->server_id);
	if (query(c, text, false, e) != 0)
		return -1;
	(void)snprintf(text, sizeof(text), "SET @slave_connect_state='%s'",
	    c->gtid);
	if (c->mariadb && c->gtid != NULL && query(c, text, false, e) != 0)
		return -1;
	if (!c->semisync)
		return 0;
	wire_semisync(c->w);
	return query(c, "SET @rpl_semi_sync_replica=1, "
	    "@rpl_semi_sync_slave=1", false, e);
}

/* Write an event as the file has it; 1: the file is over. */
static int
put_event(struct cat *c, const uint8_t *data, size_t n, struct err *e)
{
	unsigned type = data[4], flags = (unsigned)number(data + 17, 2);
	size_t name;

	if (n < EVENT_HEADER || number(data + 9, 4) != n)
		return err_set(e, ERR_CORRUPT, 0, "an event's size is wrong");
	if (type == EVENT_ROTATE && (flags & EVENT_FLAG_ARTIFICIAL)) {
		if (c->begun)
			return 1;
		name = n - EVENT_HEADER - 8 - (c->checksum ? 4 : 0);
		(void)snprintf(c->file, sizeof(c->file), "%.*s", (int)name,
		    (const char *)data + EVENT_HEADER + 8);
	}
	if ((flags & EVENT_FLAG_ARTIFICIAL) || type == EVENT_HEARTBEAT ||
	    type == EVENT_HEARTBEAT_V2 || number(data + 13, 4) == 0)
		return 0;
	if (!c->begun)
		(void)fwrite(EVENT_MAGIC, 1, 4, stdout);
	c->begun = true;
	if (fwrite(data, 1, n, stdout) != n)
		return err_set(e, ERR_IO, errno, "write");
	return 0;
}

static int
stream(struct cat *c, struct err *e)
{
	enum wire_event event;
	const uint8_t *data;
	bool ack;
	size_t n;
	int rc = 0;

	while (rc == 0 && (event = next(c, e)) == WIRE_BINLOG) {
		wire_binlog(c->w, &data, &n, &ack);
		rc = put_event(c, data, n, e);
		if (rc == 0 && ack && (fflush(stdout) != 0 ||
		    wire_ack(c->w, c->file, number(data + 13, 4), e) != 0))
			rc = -1;
	}
	(void)fflush(stdout);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (event == WIRE_REFUSED)
		return refused(c, e);
	return event == WIRE_END ? 0 : -1;
}

static int
dump(struct cat *c, char **args, struct err *e)
{
	const char *file = args[0] != NULL ? args[0] : "";
	uint64_t position = file[0] != '\0' && args[1] != NULL ?
	    strtoull(args[1], NULL, 10) : 4;
	struct gtid_set *set = NULL;
	int rc;

	/* All our servers have checksums on. */
	c->checksum = true;
	if (introduce(c, e) != 0 || wire_register(c->w, c->server_id, e) != 0)
		return -1;
	if (next(c, e) != WIRE_OK)
		return e->code != ERR_NONE ? -1 : refused(c, e);
	if (c->gtid == NULL || c->mariadb) {
		rc = wire_dump(c->w, c->server_id, file, position, c->flags,
		    e);
	} else {
		set = gtid_set_new(FLAVOUR_MYSQL, e);
		rc = set == NULL || gtid_set_parse(set, c->gtid, e) != 0 ||
		    wire_dump_gtid(c->w, c->server_id, file, position,
		    c->flags, set, e) != 0 ? -1 : 0;
		gtid_set_free(set);
	}
	return rc == 0 ? stream(c, e) : -1;
}

/* --- main --- */

static enum conn_ssl
ssl_mode(const char *name)
{
	static const char *const names[] = { "", "DISABLED", "PREFERRED",
		"REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY" };
	unsigned i;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum conn_ssl)i;
	return CONN_SSL_DISABLED;
}

static int
talk(struct cat *c, char **args, struct err *e)
{
	int rc = 0;

	c->wire.password = getenv("WIRECAT_PASSWORD");
	c->wire.secure = c->socket != NULL;
	c->wire.program = "wirecat";
	c->w = wire_new(&c->wire, e);
	if (c->w == NULL || connect_to(c, e) != 0 ||
	    next(c, e) != WIRE_READY)
		return -1;
	(void)fprintf(stderr, "server %s, connection %u\n",
	    wire_version(c->w), wire_id(c->w));
	if (strcmp(args[0], "dump") == 0) {
		rc = dump(c, args + 1, e);
	} else {
		for (args++; rc == 0 && *args != NULL; args++)
			rc = query(c, *args, true, e);
	}
	if (rc == 0 && wire_quit(c->w, e) == 0)
		rc = move(c, e);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", 1, NULL, 's' }, { "port", 1, NULL, 'p' },
		{ "user", 1, NULL, 'u' }, { "host", 1, NULL, 'h' },
		{ "ssl-mode", 1, NULL, 'm' }, { "ssl-ca", 1, NULL, 'c' },
		{ "server-id", 1, NULL, 'i' }, { "flags", 1, NULL, 'f' },
		{ "gtid", 1, NULL, 'g' }, { "mariadb", 0, NULL, 'a' },
		{ "semisync", 0, NULL, 'y' }, { NULL, 0, NULL, 0 },
	};
	struct cat c = { .fd = -1, .server_id = 4711,
	    .wire = { .ssl = CONN_SSL_DISABLED } };
	struct err e = {0};
	int o, rc = -1;

	while ((o = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (o) {
		case 's': c.socket = optarg; break;
		case 'p': c.port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'u': c.wire.user = optarg; break;
		case 'h': c.wire.host = optarg; break;
		case 'm': c.wire.ssl = ssl_mode(optarg); break;
		case 'c': c.wire.ssl_ca = optarg; break;
		case 'i': c.server_id = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'f': c.flags = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'g': c.gtid = optarg; break;
		case 'a': c.mariadb = true; break;
		case 'y': c.semisync = true; break;
		default: return 2;
		}
	}
	if (optind == argc)
		return 2;
	rc = talk(&c, argv + optind, &e);
	if (rc != 0)
		(void)fprintf(stderr, "wirecat: %s\n", e.msg);
	wire_free(c.w);
	if (c.fd >= 0)
		(void)close(c.fd);
	return rc == 0 ? 0 : 1;
}
