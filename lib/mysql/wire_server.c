/* SPDX-License-Identifier: Apache-2.0 */
/* wire_server: the primary's side of the MySQL protocol, without I/O. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mysql/bytes.h"
#include "mysql/event.h"
#include "mysql/gtid.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"

#include "mysql/wire_server_impl.h"

#define MEMORY ((size_t)64 << 10)
#define LOGIN_MAX ((size_t)64 << 10)
#define TYPE_VAR_STRING 253

/* --- sending --- */

int
wire_serve_send(struct wire_server *w, struct buf *b, struct err *e)
{
	int rc = buf_check(b, "packet", e);

	if (rc == 0)
		rc = wire_link_send(w->link, NULL, 0, b->data, b->len, e);
	buf_free(b);
	return rc;
}

int
wire_serve_ok(struct wire_server *w, struct err *e)
{
	const uint8_t ok[] = { PACKET_OK, 0, 0, SERVE_STATUS, 0, 0, 0 };

	return wire_link_send(w->link, ok, sizeof(ok), NULL, 0, e);
}

static int
send_eof(struct wire_server *w, struct err *e)
{
	const uint8_t eof[] = { PACKET_EOF, 0, 0, SERVE_STATUS, 0 };

	return wire_link_send(w->link, eof, sizeof(eof), NULL, 0, e);
}

int
wire_serve_error(struct wire_server *w, unsigned number, const char *state,
    const char *text, struct err *e)
{
	struct buf b = {0};

	packet_put_int(&b, PACKET_ERR, 1);
	packet_put_int(&b, number, 2);
	buf_addf(&b, "#%.5s%.511s", state, text);
	return wire_serve_send(w, &b, e);
}

int
wire_serve_malformed(const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "the client sent a malformed %s",
	    what);
}

void
wire_serve_await(struct wire_server *w)
{
	w->state = SERVE_COMMAND;
	wire_link_apart(w->link, false);
	wire_link_sequence(w->link, 0);
}

/* --- new and free --- */

struct wire_server *
wire_server_new(const struct wire_server_opts *o, struct err *e)
{
	struct wire_server *w = calloc(1, sizeof(*w));

	assert(o->user[0] != '\0' && o->password[0] != '\0');
	assert(!o->tls_required || o->tls != NULL);
	if (w == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "wire");
		return NULL;
	}
	w->user = strdup(o->user);
	w->password = strdup(o->password);
	w->tls = o->tls;
	w->tls_required = o->tls_required;
	w->method = o->kind == FLAVOUR_MYSQL ? AUTH_SHA2 : AUTH_NATIVE;
	w->link = wire_link_new("client", MEMORY, LOGIN_MAX, e);
	if (w->user == NULL || w->password == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "wire");
	else if (w->link != NULL && wire_serve_greet(w, o, e) == 0)
		return w;
	wire_server_free(w);
	return NULL;
}

void
wire_server_free(struct wire_server *w)
{
	if (w == NULL)
		return;
	if (w->password != NULL)
		OPENSSL_cleanse(w->password, strlen(w->password));
	free(w->user);
	free(w->password);
	buf_free(&w->text);
	gtid_set_free(w->dump.gtids);
	wire_link_free(w->link);
	free(w);
}

/* --- bytes in and out --- */

const void *
wire_server_output(struct wire_server *w, size_t *n)
{
	return wire_link_output(w->link, n);
}

void
wire_server_sent(struct wire_server *w, size_t n)
{
	wire_link_sent(w->link, n);
}

size_t
wire_server_room(const struct wire_server *w)
{
	return w->state == SERVE_OVER ? 0 : wire_link_room(w->link);
}

int
wire_server_input(struct wire_server *w, const void *data, size_t n,
    struct err *e)
{
	return wire_link_input(w->link, data, n, e);
}

size_t
wire_server_pending(const struct wire_server *w)
{
	return wire_link_pending(w->link);
}

/* --- commands --- */

static enum server_event
take_dump(struct wire_server *w, struct bytes *p, bool by_gtid,
    struct err *e)
{
	struct wire_server_dump *d = &w->dump;
	const uint8_t *file, *set;
	uint64_t n, len;

	gtid_set_free(d->gtids);
	*d = (struct wire_server_dump){0};
	if (!by_gtid)
		d->position = bytes_le(p, 4);
	d->flags = (uint16_t)bytes_le(p, 2);
	d->server_id = (uint32_t)bytes_le(p, 4);
	n = by_gtid ? bytes_le(p, 4) : p->left;
	file = bytes_take(p, n);
	if (by_gtid)
		d->position = bytes_le(p, 8);
	len = by_gtid ? bytes_le(p, 4) : 0;
	set = bytes_take(p, len);
	if (p->bad || n >= sizeof(d->file))
		goto bad;
	if (n > 0)
		memcpy(d->file, file, n);
	if (by_gtid) {
		d->gtids = gtid_set_new(FLAVOUR_MYSQL, e);
		if (d->gtids == NULL ||
		    gtid_set_decode(d->gtids, set, len, e) != 0) {
			(void)err_wrap(e, "the client's GTID set");
			return SERVER_QUIT;
		}
	}
	w->state = SERVE_STREAM;
	wire_link_apart(w->link, true);
	return SERVER_DUMP;

bad:	(void)wire_serve_malformed("request for a binary log", e);
	return SERVER_QUIT;
}

static enum server_event
take_query(struct wire_server *w, struct bytes *p, struct err *e)
{
	buf_clear(&w->text);
	buf_add(&w->text, p->at, p->left);
	if (buf_check(&w->text, "query", e) != 0)
		return SERVER_QUIT;
	w->state = SERVE_ANSWER;
	return SERVER_QUERY;
}

static enum server_event
answered(struct wire_server *w, int rc)
{
	if (rc != 0)
		return SERVER_QUIT;
	wire_serve_await(w);
	return SERVER_WAIT;
}

static enum server_event
take_command(struct wire_server *w, struct bytes *p, struct err *e)
{
	switch (bytes_le(p, 1)) {
	case COM_QUERY:
		return take_query(w, p, e);
	case COM_PING:
		return answered(w, wire_serve_ok(w, e));
	case COM_REGISTER_SLAVE:
		w->state = SERVE_ANSWER;
		return SERVER_REGISTER;
	case COM_BINLOG_DUMP:
		return take_dump(w, p, false, e);
	case COM_BINLOG_DUMP_GTID:
		return take_dump(w, p, true, e);
	case COM_QUIT:
		(void)err_set(e, ERR_AGAIN, 0, "the client left");
		return SERVER_QUIT;
	default:
		return answered(w, wire_serve_error(w, 1047, "08S01",
		    "Unknown command", e));
	}
}

/* While it streams, a client acknowledges or leaves. */
static enum server_event
take_aside(const uint8_t *data, size_t n, struct err *e)
{
	if (data[0] == SEMISYNC_MAGIC && n >= 9)
		return SERVER_ACK;
	if (data[0] == COM_QUIT && n == 1)
		(void)err_set(e, ERR_AGAIN, 0, "the client left");
	else
		(void)wire_serve_malformed("acknowledgement", e);
	return SERVER_QUIT;
}

static enum server_event
take(struct wire_server *w, const uint8_t *data, size_t n, struct err *e)
{
	struct bytes p = bytes_of(data, n);
	int rc = 0;

	if (n == 0) {
		(void)wire_serve_malformed("packet: it is empty", e);
		return SERVER_QUIT;
	}
	switch (w->state) {
	case SERVE_HELLO: case SERVE_SWITCHED:
		rc = wire_serve_login(w, data, n, e);
		break;
	case SERVE_COMMAND:
		return take_command(w, &p, e);
	case SERVE_STREAM:
		return take_aside(data, n, e);
	case SERVE_ANSWER: case SERVE_OVER:
		break;
	}
	if (rc != 0)
		return SERVER_QUIT;
	return w->state == SERVE_COMMAND ? SERVER_LOGIN : SERVER_WAIT;
}

enum server_event
wire_server_next(struct wire_server *w, struct err *e)
{
	enum server_event event = SERVER_WAIT;
	uint8_t *data;
	size_t n;
	int got = 1;

	assert(w->state != SERVE_ANSWER);
	while (event == SERVER_WAIT && got == 1 && w->state != SERVE_OVER) {
		got = wire_link_packet(w->link, &data, &n, &w->err);
		if (got == 1)
			event = take(w, data, n, &w->err);
		wire_link_release(w->link);
	}
	if (event == SERVER_QUIT || got == -1)
		w->state = SERVE_OVER;
	if (w->state == SERVE_OVER) {
		*e = w->err;
		return SERVER_QUIT;
	}
	return event;
}

const char *
wire_server_text(const struct wire_server *w)
{
	return buf_str(&w->text);
}

const struct wire_server_dump *
wire_server_dump(const struct wire_server *w)
{
	return &w->dump;
}

/* --- answers --- */

/* The answer is given: on to the next command. */
static int
done(struct wire_server *w, int rc)
{
	if (rc == 0)
		wire_serve_await(w);
	return rc;
}

int
wire_server_ok(struct wire_server *w, struct err *e)
{
	assert(w->state == SERVE_ANSWER);
	return done(w, wire_serve_ok(w, e));
}

int
wire_server_refuse(struct wire_server *w, unsigned number, const char *state,
    const char *text, struct err *e)
{
	assert(w->state == SERVE_ANSWER || w->state == SERVE_STREAM);
	return done(w, wire_serve_error(w, number, state, text, e));
}

static int
send_column(struct wire_server *w, const char *name, struct err *e)
{
	struct buf b = {0};

	packet_put_string(&b, "def");
	packet_put_string(&b, "");		/* schema */
	packet_put_string(&b, "");		/* table, and its alias */
	packet_put_string(&b, "");
	packet_put_string(&b, name);
	packet_put_string(&b, "");		/* name in the table */
	packet_put_int(&b, 12, 1);		/* what follows */
	packet_put_int(&b, SERVE_CHARSET, 2);
	packet_put_int(&b, 1024, 4);
	packet_put_int(&b, TYPE_VAR_STRING, 1);
	packet_put_int(&b, 0, 5);
	return wire_serve_send(w, &b, e);
}

int
wire_server_row(struct wire_server *w, const char *const *names,
    const char *const *values, size_t n, struct err *e)
{
	struct buf b = {0};
	size_t i;

	assert(w->state == SERVE_ANSWER);
	packet_put_lenenc(&b, n);
	if (wire_serve_send(w, &b, e) != 0)
		return -1;
	for (i = 0; i < n; i++)
		if (send_column(w, names[i], e) != 0)
			return -1;
	if (send_eof(w, e) != 0)
		return -1;
	for (i = 0; i < n; i++)
		if (values[i] != NULL)
			packet_put_string(&b, values[i]);
		else
			packet_put_int(&b, PACKET_LOCAL, 1);
	if (wire_serve_send(w, &b, e) != 0)
		return -1;
	return done(w, send_eof(w, e));
}

/* --- the stream --- */

int
wire_server_send_event(struct wire_server *w, const void *data, size_t n,
    struct err *e)
{
	const uint8_t ok = PACKET_OK;

	assert(w->state == SERVE_STREAM && n <= EVENT_MAX);
	return wire_link_send(w->link, &ok, 1, data, n, e);
}

int
wire_server_eof(struct wire_server *w, struct err *e)
{
	assert(w->state == SERVE_STREAM);
	return done(w, send_eof(w, e));
}
