/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_peer: a client of wire.h, in memory, and across from it a server that
 * says what the test tells it, in the clear or in TLS.
 *
 * Life cycle: peer_start; peer_say, peer_hear and peer_next in any order;
 * peer_stop.  Bytes move `step` at a time.
 */
#ifndef TESTS_MYSQL_WIRE_PEER_H
#define TESTS_MYSQL_WIRE_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/wire.h"
#include "mysql/wire_auth.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"

#define PEER_SCRAMBLE "0123456789abcdefghij"

static const uint8_t peer_other[] = "jihgfedcba9876543210";

struct peer {
	struct wire *w;
	struct wire_link *l;
	size_t step;
	struct err e;		/* of the last peer_next */
};

static inline void
peer_start(struct peer *p, const struct wire_opts *opts)
{
	struct wire_opts o = *opts;

	if (o.ssl == CONN_SSL_DEFAULT)
		o.ssl = CONN_SSL_DISABLED;
	if (o.user == NULL)
		o.user = "me";
	*p = (struct peer){ .step = SIZE_MAX };
	p->w = wire_new(&o, &p->e);
	p->l = wire_link_new("client", 1 << 20, 1 << 30, &p->e);
	assert_non_null(p->w);
	assert_non_null(p->l);
}

static inline void
peer_stop(struct peer *p)
{
	wire_free(p->w);
	wire_link_free(p->l);
}

/* Move what can be moved; false: nothing. */
static inline bool
peer_move(struct peer *p)
{
	struct err e = {0};
	const void *out;
	size_t n, room, moved = 0;

	out = wire_output(p->w, &n);
	room = wire_link_room(p->l);
	n = n < room ? n : room;
	n = n < p->step ? n : p->step;
	if (n > 0) {
		assert_int_equal(wire_link_input(p->l, out, n, &e), 0);
		wire_sent(p->w, n);
		moved += n;
	}
	out = wire_link_output(p->l, &n);
	room = wire_room(p->w);
	n = n < room ? n : room;
	n = n < p->step ? n : p->step;
	if (n > 0) {
		assert_int_equal(wire_input(p->w, out, n, &e), 0);
		wire_link_sent(p->l, n);
		moved += n;
	}
	return moved > 0;
}

/* The client's next event; WIRE_WAIT: none without more from the server. */
static inline enum wire_event
peer_next(struct peer *p)
{
	enum wire_event event;

	p->e = (struct err){0};
	do
		event = wire_next(p->w, &p->e);
	while (event == WIRE_WAIT && peer_move(p));
	return event;
}

static inline void
peer_say(struct peer *p, const void *data, size_t n)
{
	struct err e = {0};

	assert_int_equal(wire_link_send(p->l, NULL, 0, data, n, &e), 0);
}

/* The client's next packet into *b; false: it says nothing. */
static inline bool
peer_hear(struct peer *p, struct buf *b)
{
	struct err e = {0};
	uint8_t *data;
	size_t n;
	int got;

	while ((got = wire_link_packet(p->l, &data, &n, &e)) == 0)
		if (wire_next(p->w, &p->e) != WIRE_WAIT || !peer_move(p))
			break;
	buf_clear(b);
	if (got != 1)
		return false;
	buf_add(b, data, n);
	wire_link_release(p->l);
	return true;
}

/* The greeting: caps are the server's, method its default one. */
static inline void
peer_greet(struct peer *p, uint32_t caps, const char *version,
    const char *method)
{
	struct buf b = {0};

	packet_put_int(&b, 10, 1);
	buf_add(&b, version, strlen(version) + 1);
	packet_put_int(&b, 77, 4);
	buf_add(&b, PEER_SCRAMBLE, 8);
	packet_put_int(&b, 0, 1);
	packet_put_int(&b, caps & 0xffff, 2);
	packet_put_int(&b, 45, 1);
	packet_put_int(&b, 2, 2);
	packet_put_int(&b, caps >> 16, 2);
	packet_put_int(&b, 21, 1);
	packet_put_int(&b, 0, 8);
	packet_put_int(&b, 0, 2);
	buf_add(&b, &PEER_SCRAMBLE[8], 13);
	buf_add(&b, method, strlen(method) + 1);
	peer_say(p, b.data, b.len);
	buf_free(&b);
}

/* All that a server of today offers. */
#define PEER_CAPS (0xffffffffu & ~CAP_SSL)

static inline void
peer_ok(struct peer *p)
{
	peer_say(p, "\0\0\0\2\0\0\0", 7);
}

static inline void
peer_eof(struct peer *p)
{
	peer_say(p, "\xfe\0\0\2\0", 5);
}

static inline void
peer_error(struct peer *p, unsigned number, const char *text)
{
	struct buf b = {0};

	packet_put_int(&b, 0xff, 1);
	packet_put_int(&b, number, 2);
	buf_adds(&b, text);
	peer_say(p, b.data, b.len);
	buf_free(&b);
}

/* A client that is in, with nothing asked. */
static inline void
peer_enter(struct peer *p, const struct wire_opts *opts)
{
	struct buf b = {0};

	peer_start(p, opts);
	peer_greet(p, PEER_CAPS, "9.7.0", AUTH_SHA2);
	assert_true(peer_hear(p, &b));
	peer_ok(p);
	assert_int_equal(peer_next(p), WIRE_READY);
	buf_free(&b);
}

/* The client's next packet must be these bytes. */
static inline void
peer_hears(struct peer *p, const void *want, size_t n)
{
	struct buf b = {0};

	assert_true(peer_hear(p, &b));
	assert_int_equal(b.len, n);
	assert_memory_equal(b.data, want, n);
	buf_free(&b);
}

/* OK: the client is in. */
static inline void
peer_entered(struct peer *p)
{
	peer_ok(p);
	assert_int_equal(peer_next(p), WIRE_READY);
	assert_int_equal(peer_next(p), WIRE_WAIT);
	peer_stop(p);
}

/* Ask for another method, with a challenge of its own. */
static inline void
peer_change(struct peer *p, const char *method)
{
	struct buf b = {0};

	buf_addc(&b, (char)0xfe);
	buf_add(&b, method, strlen(method) + 1);
	buf_add(&b, peer_other, sizeof(peer_other));
	peer_say(p, b.data, b.len);
	buf_free(&b);
}

/* The client's command must be these bytes. */
static inline void
peer_asked(struct peer *p, const void *want, size_t n)
{
	wire_link_sequence(p->l, 0);
	peer_hears(p, want, n);
}

/* The client fails with these words. */
static inline void
peer_failed(struct peer *p, enum err_code code, const char *want)
{
	assert_int_equal(peer_next(p), WIRE_FAILED);
	assert_string_equal(p->e.msg, want);
	assert_int_equal(p->e.code, code);
	/* And goes on saying so, takes nothing more, and sends nothing. */
	assert_int_equal(wire_next(p->w, &p->e), WIRE_FAILED);
	assert_string_equal(p->e.msg, want);
	assert_int_equal(wire_room(p->w), 0);
}

#endif /* !TESTS_MYSQL_WIRE_PEER_H */
