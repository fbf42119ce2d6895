/* SPDX-License-Identifier: Apache-2.0 */
/* wire: the client's side of the MySQL protocol, without I/O. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mysql/bytes.h"
#include "mysql/event.h"
#include "mysql/server_error.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"

#include "mysql/wire_impl.h"

#define MEMORY ((size_t)1 << 20)
#define LOGIN_MAX ((size_t)64 << 10)	/* no packet of a login is longer */
#define PACKET_MAX (EVENT_MAX + 64)	/* an event and what precedes it */
#define COLUMNS_MAX 4096		/* as a server's tables may have */

/* --- new and free --- */

static char *
own(const char *text, bool *failed)
{
	char *copy = text == NULL ? NULL : strdup(text);

	*failed |= text != NULL && copy == NULL;
	return copy;
}

struct wire *
wire_new(const struct wire_opts *o, struct err *e)
{
	struct wire *w = calloc(1, sizeof(*w));
	bool failed = false;

	assert(o->ssl != CONN_SSL_DEFAULT);
	if (w == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "wire");
		return NULL;
	}
	w->opts = *o;
	w->opts.user = own(o->user != NULL ? o->user : "", &failed);
	w->opts.password = own(o->password != NULL ? o->password : "",
	    &failed);
	w->opts.host = own(o->host, &failed);
	w->opts.ssl_ca = own(o->ssl_ca, &failed);
	w->opts.ssl_capath = own(o->ssl_capath, &failed);
	w->opts.ssl_cert = own(o->ssl_cert, &failed);
	w->opts.ssl_key = own(o->ssl_key, &failed);
	w->opts.program = own(o->program, &failed);
	w->link = wire_link_new("server", o->memory != 0 ? o->memory :
	    MEMORY, LOGIN_MAX, e);
	if (failed)
		(void)err_set(e, ERR_NOMEM, 0, "wire");
	if (failed || w->link == NULL) {
		wire_free(w);
		return NULL;
	}
	return w;
}

void
wire_free(struct wire *w)
{
	struct wire_opts *o;

	if (w == NULL)
		return;
	o = &w->opts;
	if (o->password != NULL)
		OPENSSL_cleanse((void *)(uintptr_t)o->password,
		    strlen(o->password));
	free((void *)(uintptr_t)o->user);
	free((void *)(uintptr_t)o->password);
	free((void *)(uintptr_t)o->host);
	free((void *)(uintptr_t)o->ssl_ca);
	free((void *)(uintptr_t)o->ssl_capath);
	free((void *)(uintptr_t)o->ssl_cert);
	free((void *)(uintptr_t)o->ssl_key);
	free((void *)(uintptr_t)o->program);
	free(w->values);
	free(w->lengths);
	wire_link_free(w->link);
	free(w);
}

/* --- bytes in and out --- */

const void *
wire_output(struct wire *w, size_t *n)
{
	return wire_link_output(w->link, n);
}

void
wire_sent(struct wire *w, size_t n)
{
	wire_link_sent(w->link, n);
}

size_t
wire_room(const struct wire *w)
{
	return w->state == STATE_FAILED ? 0 : wire_link_room(w->link);
}

int
wire_input(struct wire *w, const void *data, size_t n, struct err *e)
{
	return wire_link_input(w->link, data, n, e);
}

/* --- the server's errors --- */

int
wire_take_error(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	struct bytes p = bytes_of(data + 1, n - 1);
	size_t len;

	w->error = (unsigned)bytes_le(&p, 2);
	if (p.bad)
		return err_set(e, ERR_CORRUPT, 0, "the server sent a "
		    "malformed error");
	/* '#' and SQLSTATE, but for errors before the login. */
	if (p.left >= 6 && p.at[0] == '#')
		(void)bytes_take(&p, 6);
	len = p.left;
	if (len > sizeof(w->error_text) - 1)
		len = sizeof(w->error_text) - 1;
	memcpy(w->error_text, p.at, len);
	w->error_text[len] = '\0';
	return 0;
}

int
wire_server_words(struct wire *w, struct err *e)
{
	(void)err_set(e, server_error_code(w->error), 0,
	    "server error %u: %s", w->error, w->error_text);
	e->sys = (int)w->error;
	return -1;
}

void
wire_error(const struct wire *w, unsigned *number, const char **text)
{
	*number = w->error;
	*text = w->error_text;
}

/* --- packets of each state --- */

static enum wire_event
broken(struct err *e, const char *what)
{
	(void)err_set(e, ERR_CORRUPT, 0, "the server sent a malformed %s",
	    what);
	return WIRE_FAILED;
}

/* The answer is over: nothing is asked any more. */
static enum wire_event
over(struct wire *w, enum wire_event event)
{
	w->state = STATE_IDLE;
	wire_link_sequence(w->link, LINK_ANY);
	return event;
}

static enum wire_event
take_refusal(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	if (wire_take_error(w, data, n, e) != 0)
		return WIRE_FAILED;
	return over(w, WIRE_REFUSED);
}

static bool
is_eof(const uint8_t *data, size_t n)
{
	return data[0] == PACKET_EOF && n < 9;
}

static enum wire_event
take_login(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	switch (wire_login_packet(w, data, n, e)) {
	case 0:
		return WIRE_WAIT;
	case 1:
		wire_link_packet_max(w->link, PACKET_MAX);
		return over(w, WIRE_READY);
	default:
		return WIRE_FAILED;
	}
}

/* Nobody asked; but a server says why it hangs up. */
static enum wire_event
take_unasked(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	if (data[0] != PACKET_ERR)
		(void)err_set(e, ERR_CORRUPT, 0, "the server sent a packet "
		    "that nobody asked for");
	else if (wire_take_error(w, data, n, e) == 0)
		(void)wire_server_words(w, e);
	return WIRE_FAILED;
}

/* What a query gives: nothing, or columns. */
static enum wire_event
take_result(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	struct bytes p = bytes_of(data, n);
	uint64_t columns;

	if (data[0] == PACKET_OK)
		return over(w, WIRE_OK);
	if (data[0] == PACKET_LOCAL) {
		(void)err_set(e, ERR_DENIED, 0, "the server asked for file "
		    "'%.*s', which no statement of ours names: refused",
		    n > 60 ? 60 : (int)n - 1, (const char *)data + 1);
		return WIRE_FAILED;
	}
	columns = bytes_lenenc(&p);
	if (p.bad || p.left != 0 || columns == 0 ||
	    columns > COLUMNS_MAX)
		return broken(e, "number of columns");
	free(w->values);
	free(w->lengths);
	w->values = calloc(columns, sizeof(*w->values));
	w->lengths = calloc(columns, sizeof(*w->lengths));
	if (w->values == NULL || w->lengths == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "row");
		return WIRE_FAILED;
	}
	w->columns = columns;
	w->due = columns;
	w->state = STATE_COLUMNS;
	return WIRE_WAIT;
}

static enum wire_event
take_column(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	if (w->due > 0) {
		/* A definition begins with its catalog, "def". */
		if (data[0] != 3)
			return broken(e, "column definition");
		w->due--;
		return WIRE_WAIT;
	}
	if (!is_eof(data, n))
		return broken(e, "end of column definitions");
	w->state = STATE_ROWS;
	return WIRE_WAIT;
}

static enum wire_event
take_row(struct wire *w, uint8_t *data, size_t n, struct err *e)
{
	struct bytes p = bytes_of(data, n);
	const uint8_t *value;
	bool null;
	size_t i;

	if (is_eof(data, n))
		return over(w, WIRE_OK);
	for (i = 0; i < w->columns; i++) {
		w->lengths[i] = packet_lenenc(&p, &null);
		value = null ? NULL : bytes_take(&p, w->lengths[i]);
		w->values[i] = (const char *)value;
		if (p.bad)
			break;
	}
	if (p.bad || p.left != 0)
		return broken(e, "row");
	/* Each value ends where a length was that is read by now, the last
	 * one where perhaps the next packet begins: that byte is lent. */
	w->ended = data + n;
	w->lent = *w->ended;
	for (i = 0; i < w->columns; i++)
		if (w->values[i] != NULL)
			data[(const uint8_t *)w->values[i] - data +
			    (ptrdiff_t)w->lengths[i]] = '\0';
	return WIRE_ROW;
}

static enum wire_event
take_event(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	size_t skip = w->semisync ? 3 : 1;

	if (is_eof(data, n))
		return over(w, WIRE_END);
	if (data[0] != PACKET_OK || n <= skip ||
	    (w->semisync && data[1] != SEMISYNC_MAGIC))
		return broken(e, "packet of a binary log");
	w->ack = w->semisync && (data[2] & 1);
	w->event = data + skip;
	w->event_len = n - skip;
	/* A server that waits for an answer counts anew behind it. */
	if (w->ack)
		wire_link_sequence(w->link, 1);
	return WIRE_BINLOG;
}

static enum wire_event
take(struct wire *w, uint8_t *data, size_t n, struct err *e)
{
	if (w->state == STATE_QUIT)
		return WIRE_WAIT;
	if (n == 0)
		return broken(e, "packet: it is empty");
	if (data[0] == PACKET_ERR && w->state > STATE_IDLE)
		return take_refusal(w, data, n, e);
	switch (w->state) {
	case STATE_LOGIN:
		return take_login(w, data, n, e);
	case STATE_SIMPLE:
		return data[0] == PACKET_OK ? over(w, WIRE_OK) :
		    broken(e, "answer to a command");
	case STATE_RESULT:
		return take_result(w, data, n, e);
	case STATE_COLUMNS:
		return take_column(w, data, n, e);
	case STATE_ROWS:
		return take_row(w, data, n, e);
	case STATE_STREAM:
		return take_event(w, data, n, e);
	case STATE_IDLE: case STATE_QUIT: case STATE_FAILED:
		break;
	}
	return take_unasked(w, data, n, e);
}

enum wire_event
wire_next(struct wire *w, struct err *e)
{
	enum wire_event event = WIRE_WAIT;
	uint8_t *data;
	size_t n;
	int got = 1;

	if (w->ended != NULL)
		*w->ended = w->lent;
	w->ended = NULL;
	while (event == WIRE_WAIT && got == 1 && w->state != STATE_FAILED) {
		got = wire_link_packet(w->link, &data, &n, &w->err);
		if (got == 1)
			event = take(w, data, n, &w->err);
	}
	if (w->state == STATE_QUIT)
		return WIRE_WAIT;
	if (event == WIRE_FAILED || got == -1)
		w->state = STATE_FAILED;
	if (w->state == STATE_FAILED) {
		*e = w->err;
		return WIRE_FAILED;
	}
	/* Nothing is borrowed but rows and events. */
	if (event != WIRE_ROW && event != WIRE_BINLOG)
		wire_link_release(w->link);
	return event;
}

/* --- what came --- */

const char *
wire_version(const struct wire *w)
{
	return w->version;
}

uint32_t
wire_id(const struct wire *w)
{
	return w->id;
}

size_t
wire_values(const struct wire *w, const char *const **values,
    const size_t **lengths)
{
	*values = w->values;
	*lengths = w->lengths;
	return w->columns;
}

void
wire_binlog(const struct wire *w, const uint8_t **data, size_t *n, bool *ack)
{
	*data = w->event;
	*n = w->event_len;
	*ack = w->ack;
}

/* --- commands --- */

int
wire_command(struct wire *w, enum wire_state state, const void *head,
    size_t head_len, const void *data, size_t n, struct err *e)
{
	if (w->state == STATE_FAILED) {
		*e = w->err;
		return -1;
	}
	assert(w->state == STATE_IDLE);
	wire_link_sequence(w->link, 0);
	w->state = state;
	return wire_link_send(w->link, head, head_len, data, n, e);
}

int
wire_query(struct wire *w, const char *sql, struct err *e)
{
	const uint8_t command = COM_QUERY;

	return wire_command(w, STATE_RESULT, &command, 1, sql, strlen(sql),
	    e);
}

int
wire_quit(struct wire *w, struct err *e)
{
	const uint8_t command = COM_QUIT;

	/* Also from within an answer, which nobody reads then. */
	if (w->state != STATE_FAILED)
		w->state = STATE_IDLE;
	return wire_command(w, STATE_QUIT, &command, 1, NULL, 0, e);
}
