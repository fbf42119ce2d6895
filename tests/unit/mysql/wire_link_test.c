/* SPDX-License-Identifier: Apache-2.0 */
/* wire_link_test: frames, their numbers, their memory, and TLS under them. */
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
#include "mysql/wire_link.h"
#include "mysql/wire_server.h"
#include "mysql/wire_tls.h"

#define MEMORY ((size_t)64 << 10)
#define RECORD ((size_t)17 << 10)
#define MAX ((size_t)64 << 20)

static struct wire_link *
fresh(void)
{
	struct err e = {0};
	struct wire_link *l = wire_link_new("peer", MEMORY, MAX, &e);

	assert_non_null(l);
	return l;
}

/* Move up to `step` bytes from one to the other; false: nothing moved. */
static bool
carry(struct wire_link *from, struct wire_link *to, size_t step)
{
	struct err e = {0};
	const void *out;
	size_t n, room = wire_link_room(to);

	out = wire_link_output(from, &n);
	n = n < room ? n : room;
	n = n < step ? n : step;
	if (n == 0)
		return false;
	assert_int_equal(wire_link_input(to, out, n, &e), 0);
	wire_link_sent(from, n);
	return true;
}

/* The next packet must be these bytes. */
static void
receive(struct wire_link *from, struct wire_link *to, size_t step,
    const void *want, size_t n)
{
	struct err e = {0};
	uint8_t *data;
	size_t len;
	bool moved = true;
	int got = 0;

	while (got == 0 && moved) {
		got = wire_link_packet(to, &data, &len, &e);
		moved = got == 0 && carry(from, to, step);
		/* The other way: TLS answers. */
		moved |= carry(to, from, step);
	}
	assert_string_equal(e.msg, "");
	assert_int_equal(got, 1);
	assert_int_equal(len, n);
	assert_int_equal(memcmp(data, want, n), 0);
	/* Nothing more while it is lent. */
	assert_int_equal(wire_link_room(to), 0);
	wire_link_release(to);
}

static uint8_t *
pattern(size_t n)
{
	uint8_t *p = malloc(n + 1);
	uint32_t x = 1;
	size_t i;

	assert_non_null(p);
	for (i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24);
	}
	return p;
}

static void
send(struct wire_link *l, const void *data, size_t n)
{
	struct err e = {0};

	assert_int_equal(wire_link_send(l, data, n < 1 ? n : 1,
	    (const uint8_t *)data + (n < 1 ? 0 : 1), n < 1 ? 0 : n - 1, &e),
	    0);
}

/* What bytes arrive as one packet's frames. */
static void
frames(size_t n, const char *want, size_t want_len)
{
	struct wire_link *l = fresh();
	uint8_t *data = pattern(n);
	const uint8_t *out;
	struct buf heads = {0};
	size_t len, at, frame = LINK_FRAME;

	send(l, data, n);
	out = wire_link_output(l, &len);
	for (at = 0; frame == LINK_FRAME; at += 4 + frame) {
		assert_true(at + 4 <= len);
		buf_add(&heads, out + at, 4);
		frame = out[at] | (size_t)out[at + 1] << 8 |
		    (size_t)out[at + 2] << 16;
	}
	assert_int_equal(at, len);
	assert_int_equal(heads.len, want_len);
	assert_memory_equal(heads.data, want, want_len);
	buf_free(&heads);
	free(data);
	wire_link_free(l);
}

static void
test_link_frames(void **state)
{
	(void)state;
	frames(0, "\0\0\0\0", 4);
	frames(1, "\1\0\0\0", 4);
	frames(0xfffffe, "\xfe\xff\xff\0", 4);
	frames(0xffffff, "\xff\xff\xff\0\0\0\0\1", 8);
	frames(0x1000000, "\xff\xff\xff\0\1\0\0\1", 8);
	frames(0xffffff * 2, "\xff\xff\xff\0\xff\xff\xff\1\0\0\0\2", 12);
}

/* Packets of all sizes that differ, one after the other, in steps. */
static void
through(struct wire_link *a, struct wire_link *b, size_t step, size_t scale)
{
	static const size_t sizes[] = { 1, 5, 0xfffffe, 2, 0xffffff, 3,
		0x1000000, 0x1000001, 7, 40u << 20, 4 };
	uint8_t *data = pattern((40u << 20) + 16);
	size_t i, n = sizeof(sizes) / sizeof(sizes[0]);

	for (i = 0; i < n; i++)
		send(a, data + i, sizes[i] / scale + 1);
	for (i = 0; i < n; i++)
		receive(a, b, step, data + i, sizes[i] / scale + 1);
	free(data);
}

static void
test_link_carries_packets(void **state)
{
	struct wire_link *a = fresh(), *b = fresh();

	(void)state;
	through(a, b, 1, 10000);
	through(a, b, 7, 10000);
	through(b, a, SIZE_MAX, 1);
	through(a, b, 4096, 100);
	through(a, b, 100003, 1);
	wire_link_free(a);
	wire_link_free(b);
}

static void
start_tls(struct wire_link *client, struct wire_link *server,
    const struct wire_tls *tls)
{
	const struct wire_opts opts = { .ssl = CONN_SSL_REQUIRED };
	struct err e = {0};
	SSL *c = wire_tls_client(&opts, &e), *s = wire_tls_server(tls, &e);

	assert_non_null(c);
	assert_non_null(s);
	wire_link_tls(client, c);
	wire_link_tls(server, s);
}

static void
test_link_carries_packets_in_tls(void **state)
{
	struct err e = {0};
	struct wire_tls *tls = wire_tls_new("test", &e);
	struct wire_link *a, *b;
	size_t step, n;
	const uint8_t *out;

	(void)state;
	assert_non_null(tls);
	for (step = 1; step < (1u << 20); step = step * 1000 + 3) {
		a = fresh();
		b = fresh();
		start_tls(a, b, tls);
		/* Not a byte of it before the handshake is done. */
		send(a, "secret", 6);
		out = wire_link_output(a, &n);
		assert_int_equal(out[0], 22);
		while (n >= 6 && memcmp(out + n - 6, "secret", 6) != 0)
			n--;
		assert_true(n < 6);
		receive(a, b, step, "secret", 6);
		through(a, b, step, step == 1 ? 10000 : 1);
		through(b, a, step, 1000);
		wire_link_free(a);
		wire_link_free(b);
	}
	wire_tls_free(tls);
}

/* After these bytes, the failure. */
static void
fails(struct wire_link *l, const char *bytes, size_t n, enum err_code code,
    const char *want)
{
	struct err e = {0};
	uint8_t *data;
	size_t len;

	if (n > 0)
		assert_int_equal(wire_link_input(l, bytes, n, &e), 0);
	assert_int_equal(wire_link_packet(l, &data, &len, &e), -1);
	assert_string_equal(e.msg, want);
	assert_int_equal(e.code, code);
	wire_link_free(l);
}

static void
test_link_sequence(void **state)
{
	struct wire_link *l = fresh();
	struct err e = {0};
	uint8_t *data;
	size_t n, i;

	(void)state;
	/* They begin anew after 255. */
	for (i = 0; i < 600; i++) {
		char frame[] = { 1, 0, 0, (char)(i & 0xff), 'x' };

		assert_int_equal(wire_link_input(l, frame, 5, &e), 0);
		assert_int_equal(wire_link_packet(l, &data, &n, &e), 1);
		wire_link_release(l);
	}
	fails(l, "\1\0\0\1x", 5, ERR_CORRUPT,
	    "the peer sent packet 1 where 88 was due");
	l = fresh();
	wire_link_sequence(l, 3);
	fails(l, "\0\0\0\2", 4, ERR_CORRUPT,
	    "the peer sent packet 2 where 3 was due");
	/* Between the frames of one packet too. */
	l = fresh();
	data = calloc(1, LINK_FRAME + 4);
	assert_non_null(data);
	memcpy(data, "\xff\xff\xff\0", 4);
	for (i = 0; i < LINK_FRAME + 4; i += n) {
		struct err none = {0};
		uint8_t *got;
		size_t len;

		n = wire_link_room(l);
		n = n < LINK_FRAME + 4 - i ? n : LINK_FRAME + 4 - i;
		assert_int_equal(wire_link_input(l, data + i, n, &none), 0);
		assert_int_equal(wire_link_packet(l, &got, &len, &none), 0);
	}
	free(data);
	fails(l, "\1\0\0\0\xff", 5, ERR_CORRUPT,
	    "the peer sent packet 0 where 1 was due");
}

static void
test_link_sequence_excused(void **state)
{
	struct wire_link *l = fresh();
	struct err e = {0};
	uint8_t *data;
	size_t n;

	(void)state;
	/* Whatever its number, an error is heard. */
	wire_link_sequence(l, 7);
	assert_int_equal(wire_link_input(l, "\2\0\0\0", 4, &e), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 0);
	assert_int_equal(wire_link_input(l, "\xff!", 2, &e), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 1);
	assert_int_equal(n, 2);
	wire_link_release(l);
	/* Any number will do when none is due. */
	wire_link_sequence(l, LINK_ANY);
	assert_int_equal(wire_link_input(l, "\1\0\0\x63x", 5, &e), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 1);
	wire_link_release(l);
	/* What stands aside has number 0 and does not count. */
	wire_link_apart(l, true);
	assert_int_equal(wire_link_input(l, "\1\0\0\0x", 5, &e), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 1);
	wire_link_apart(l, false);
	assert_int_equal(wire_link_aside(l, "y", 1, &e), 0);
	assert_int_equal(wire_link_send(l, "z", 1, NULL, 0, &e), 0);
	data = (uint8_t *)(uintptr_t)wire_link_output(l, &n);
	assert_int_equal(n, 10);
	assert_memory_equal(data, "\1\0\0\0y\1\0\0\x64z", 10);
	wire_link_free(l);
}

static void
test_link_refuses_what_is_too_long(void **state)
{
	struct wire_link *l = fresh();

	(void)state;
	/* At once, not when it is all there. */
	wire_link_packet_max(l, 1000);
	fails(l, "\xe9\3\0\0", 4, ERR_CORRUPT,
	    "the peer sent a packet of more than 1000 bytes");
}

static void
test_link_memory_is_bounded(void **state)
{
	struct wire_link *l = fresh();
	struct err e = {0};
	uint8_t *data, *piece = calloc(1, MEMORY);
	size_t n, room;

	(void)state;
	assert_non_null(piece);
	/* A packet of 1000 bytes, and what may come before it is taken. */
	piece[0] = 1000 & 0xff;
	piece[1] = 1000 >> 8;
	room = wire_link_room(l);
	assert_int_equal(room, MEMORY);
	assert_int_equal(wire_link_input(l, piece, room, &e), 0);
	assert_int_equal(wire_link_room(l), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 1);
	wire_link_free(l);

	/* A long one may come whole, and not much more. */
	l = fresh();
	memcpy(piece, "\0\0\x80\0", 4);
	assert_int_equal(wire_link_input(l, piece, MEMORY, &e), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 0);
	assert_int_equal(wire_link_room(l), (8u << 20) + 4 - MEMORY + RECORD);
	wire_link_free(l);
	free(piece);
}

static void
test_link_end(void **state)
{
	struct wire_link *l = fresh();
	struct err e = {0};
	uint8_t *data;
	size_t n;

	(void)state;
	/* What came before is given first. */
	assert_int_equal(wire_link_input(l, "\1\0\0\0x\1", 6, &e), 0);
	assert_int_equal(wire_link_input(l, "", 0, &e), 0);
	assert_int_equal(wire_link_room(l), 0);
	assert_int_equal(wire_link_packet(l, &data, &n, &e), 1);
	fails(l, "", 0, ERR_AGAIN, "the peer closed the connection");
}

static void
test_link_tls_fails(void **state)
{
	const struct wire_opts opts = { .ssl = CONN_SSL_REQUIRED };
	struct wire_link *l = fresh();
	struct err e = {0};

	(void)state;
	wire_link_tls(l, wire_tls_client(&opts, &e));
	fails(l, "HTTP/1.1 400 Bad Request\r\n", 26, ERR_IO,
	    "TLS: wrong version number");
	/* Bytes in the clear, sent ahead, are no packets afterwards. */
	l = fresh();
	assert_int_equal(wire_link_input(l, "\7\0\0\2\0\0\0\2\0\0\0", 11, &e),
	    0);
	wire_link_tls(l, wire_tls_client(&opts, &e));
	fails(l, "", 0, ERR_IO, "TLS: wrong version number");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_frames),
		cmocka_unit_test(test_link_carries_packets),
		cmocka_unit_test(test_link_carries_packets_in_tls),
		cmocka_unit_test(test_link_sequence),
		cmocka_unit_test(test_link_sequence_excused),
		cmocka_unit_test(test_link_refuses_what_is_too_long),
		cmocka_unit_test(test_link_memory_is_bounded),
		cmocka_unit_test(test_link_end),
		cmocka_unit_test(test_link_tls_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
