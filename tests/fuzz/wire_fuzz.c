/* SPDX-License-Identifier: Apache-2.0 */
/* wire_fuzz: whatever a server says, a client ends or waits, stays in bounds,
 * and says its password to nobody who may not hear it.
 *
 * The first byte: how (below), the second: bytes at once.  What follows is
 * the server's bytes, or its packets, each with 2 bytes of length. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/wire.h"
#include "mysql/wire_link.h"

#define HOW_RAW		1	/* bytes as they are; else in frames */
#define HOW_TLS		2	/* preferred */
#define HOW_SECURE	4	/* a Unix socket */
#define HOW_SEMISYNC	8
#define MEMORY 4096
#define PASSWORD "correct horse battery staple"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
	struct wire *w;
	struct wire_link *l;	/* frames what the server says */
	unsigned how, asked;
	bool over;
};

static volatile size_t sum;

static void
touch(const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < n; i++)
		sum += p[i];
}

/* What the client says goes nowhere, but is listened to. */
static void
listen_to(struct client *c)
{
	struct err e = {0};
	const uint8_t *out;
	uint8_t *packet;
	size_t n, i, room;

	while ((out = wire_output(c->w, &n)), n > 0) {
		for (i = 0; !(c->how & HOW_SECURE) &&
		    i + sizeof(PASSWORD) <= n; i++)
			assert(memcmp(out + i, PASSWORD,
			    sizeof(PASSWORD)) != 0);
		/* The server's next packet has the number after it. */
		room = wire_link_room(c->l);
		n = n < room ? n : room;
		wire_link_sequence(c->l, LINK_ANY);
		if (n == 0 || wire_link_input(c->l, out, n, &e) != 0)
			break;
		wire_sent(c->w, n);
		while (wire_link_packet(c->l, &packet, &n, &e) == 1)
			wire_link_release(c->l);
	}
}

/* The next command, when none is under way. */
static void
ask(struct client *c)
{
	struct err e = {0};
	int rc;

	switch (c->asked++ % 4) {
	case 0:
		rc = wire_query(c->w, "SELECT 1", &e);
		break;
	case 1:
		rc = wire_register(c->w, 7, &e);
		break;
	default:
		if (c->how & HOW_SEMISYNC)
			wire_semisync(c->w);
		rc = wire_dump(c->w, 7, "b", 4, 0, &e);
		break;
	}
	assert(rc == 0);
}

static void
look_at_row(const struct client *c)
{
	const char *const *values;
	const size_t *lengths;
	size_t n = wire_values(c->w, &values, &lengths), i;

	for (i = 0; i < n; i++)
		if (values[i] != NULL) {
			touch(values[i], lengths[i]);
			assert(values[i][lengths[i]] == '\0');
		}
}

static void
look_at_event(const struct client *c)
{
	const uint8_t *event;
	struct err e = {0};
	size_t n;
	bool ack;

	wire_binlog(c->w, &event, &n, &ack);
	assert(n > 0);
	touch(event, n);
	assert(!ack || wire_ack(c->w, "b", 4, &e) == 0);
}

/* Take what happened, until more is needed. */
static void
react(struct client *c)
{
	struct err e = {0};
	enum wire_event event;
	const char *text;
	unsigned number;

	while ((event = wire_next(c->w, &e)) != WIRE_WAIT && !c->over) {
		switch (event) {
		case WIRE_ROW:
			look_at_row(c);
			break;
		case WIRE_BINLOG:
			look_at_event(c);
			break;
		case WIRE_REFUSED:
			wire_error(c->w, &number, &text);
			touch(text, strlen(text));
			ask(c);
			break;
		case WIRE_READY: case WIRE_OK: case WIRE_END:
			touch(wire_version(c->w), strlen(wire_version(c->w)));
			ask(c);
			break;
		case WIRE_FAILED: case WIRE_WAIT:
			assert(e.code != ERR_NONE);
			assert(wire_room(c->w) == 0);
			c->over = true;
		}
	}
	listen_to(c);
}

static void
put(struct client *c, const uint8_t *data, size_t n, size_t step)
{
	struct err e = {0};
	size_t some, room;

	while (n > 0 && !c->over) {
		room = wire_room(c->w);
		assert(room > 0);
		some = n < room ? n : room;
		some = some < step ? some : step;
		assert(wire_input(c->w, data, some, &e) == 0);
		data += some;
		n -= some;
		react(c);
	}
}

/* One packet of the server. */
static void
say(struct client *c, const uint8_t *data, size_t n, size_t step)
{
	struct err e = {0};
	const uint8_t *out;

	assert(wire_link_send(c->l, NULL, 0, data, n, &e) == 0);
	out = wire_link_output(c->l, &n);
	put(c, out, n, step);
	wire_link_sent(c->l, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client c = { .how = size > 0 ? data[0] : 0 };
	const struct wire_opts opts = { .user = "me", .password = PASSWORD,
	    .ssl = c.how & HOW_TLS ? CONN_SSL_PREFERRED : CONN_SSL_DISABLED,
	    .secure = c.how & HOW_SECURE, .memory = MEMORY };
	size_t step = size > 1 ? data[1] + 1u : 1, n;
	struct err e = {0};

	if (size < 2)
		return 0;
	c.w = wire_new(&opts, &e);
	c.l = wire_link_new("client", 1 << 16, 1 << 24, &e);
	assert(c.w != NULL && c.l != NULL);
	data += 2;
	size -= 2;
	if (c.how & HOW_RAW)
		put(&c, data, size, step);
	while (!(c.how & HOW_RAW) && size >= 2 && !c.over) {
		n = data[0] | (size_t)data[1] << 8;
		n = n < size - 2 ? n : size - 2;
		say(&c, data + 2, n, step);
		data += 2 + n;
		size -= 2 + n;
	}
	assert(wire_input(c.w, "", 0, &e) == 0);
	c.over = false;
	react(&c);
	assert(c.over);
	wire_free(c.w);
	wire_link_free(c.l);
	return 0;
}
