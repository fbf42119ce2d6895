/* SPDX-License-Identifier: Apache-2.0 */
/* wire_dump_test: what a replica says, and the stream that it gets. */
#include "wire_peer.h"

#include "mysql/gtid.h"

#define MIB ((size_t)1 << 20)

static const struct wire_opts plain = { .password = "x" };

static void
test_dump_register(void **state)
{
	struct peer p;

	(void)state;
	peer_enter(&p, &plain);
	assert_int_equal(wire_register(p.w, 0x01020304, &p.e), 0);
	peer_asked(&p, "\x15\4\3\2\1\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
	peer_ok(&p);
	assert_int_equal(peer_next(&p), WIRE_OK);
	assert_int_equal(wire_register(p.w, 1, &p.e), 0);
	peer_asked(&p, "\x15\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
	peer_eof(&p);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent a malformed answer to a command");
	peer_stop(&p);
}

static void
test_dump_asks(void **state)
{
	static const char text[] = "00000000-0000-0000-0000-0000000000ff:1-7";
	struct gtid_set *set;
	struct err e = {0};
	struct peer p;

	(void)state;
	peer_enter(&p, &plain);
	assert_int_equal(wire_dump(p.w, 7, "b.000002", UINT32_MAX + 1ull, 0,
	    &e), -1);
	assert_string_equal(e.msg, "b.000002: position 4294967296 is beyond "
	    "4 GiB, which only a dump by GTID can ask for");
	assert_int_equal(wire_dump(p.w, 7, "b.000002", 0x11223344, 3, &p.e),
	    0);
	peer_asked(&p, "\x12\x44\x33\x22\x11\3\0\7\0\0\0b.000002", 19);
	peer_stop(&p);

	set = gtid_set_new(FLAVOUR_MYSQL, &p.e);
	assert_non_null(set);
	assert_int_equal(gtid_set_parse(set, text, &p.e), 0);
	peer_enter(&p, &plain);
	assert_int_equal(wire_dump_gtid(p.w, 7, "b", 1ull << 32, 2, set,
	    &p.e), 0);
	peer_asked(&p, "\x1e\2\0\7\0\0\0\1\0\0\0b\0\0\0\0\1\0\0\0\x30\0\0\0"
	    "\1\0\0\0\0\0\0\0"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\1\0\0\0\0\0\0\0"
	    "\1\0\0\0\0\0\0\0\x8\0\0\0\0\0\0\0", 72);
	peer_stop(&p);
	gtid_set_free(set);
}

static void
begin(struct peer *p, bool semisync)
{
	peer_enter(p, &plain);
	if (semisync)
		wire_semisync(p->w);
	assert_int_equal(wire_dump(p->w, 7, "b", 4, 0, &p->e), 0);
	peer_asked(p, "\x12\4\0\0\0\0\0\7\0\0\0b", 12);
}

static void
event(struct peer *p, const void *want, size_t n, bool want_ack)
{
	const uint8_t *data;
	size_t len;
	bool ack;

	assert_int_equal(peer_next(p), WIRE_BINLOG);
	wire_binlog(p->w, &data, &len, &ack);
	assert_int_equal(len, n);
	assert_int_equal(memcmp(data, want, n), 0);
	assert_int_equal(ack, want_ack);
}

static void
test_dump_stream(void **state)
{
	const char *text;
	unsigned number;
	struct peer p;

	(void)state;
	begin(&p, false);
	p.step = 1;
	peer_say(&p, "\0event", 6);
	/* What would be a short row's or an acknowledgement's mark is not. */
	peer_say(&p, "\0\xfe", 2);
	peer_say(&p, "\0\xef\1ent", 6);
	event(&p, "event", 5, false);
	event(&p, "\xfe", 1, false);
	event(&p, "\xef\1ent", 5, false);
	peer_eof(&p);
	assert_int_equal(peer_next(&p), WIRE_END);
	/* And then anything else, or the next stream. */
	assert_int_equal(wire_dump(p.w, 7, "b", 4, 0, &p.e), 0);
	peer_asked(&p, "\x12\4\0\0\0\0\0\7\0\0\0b", 12);
	peer_error(&p, 1236, "#HY000Could not find first log file name");
	assert_int_equal(peer_next(&p), WIRE_REFUSED);
	wire_error(p.w, &number, &text);
	assert_int_equal(number, 1236);
	assert_string_equal(text, "Could not find first log file name");
	peer_stop(&p);
}

static void
test_dump_large_events(void **state)
{
	static const size_t sizes[] = { 16 * MIB - 3, 16 * MIB - 2,
		16 * MIB - 1, 16 * MIB, 40 * MIB, 2 * (16 * MIB - 1) - 1 };
	uint8_t *data = malloc(40 * MIB + 1);
	struct peer p;
	size_t i;

	(void)state;
	assert_non_null(data);
	for (i = 0; i <= 40 * MIB; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 24);
	begin(&p, false);
	p.step = 65536;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		data[0] = 0;
		peer_say(&p, data, sizes[i] + 1);
		peer_say(&p, "\0small", 6);
		event(&p, data + 1, sizes[i], false);
		event(&p, "small", 5, false);
	}
	peer_stop(&p);
	free(data);
}

static void
test_dump_semisync(void **state)
{
	struct err e = {0};
	struct peer p;

	(void)state;
	begin(&p, true);
	peer_say(&p, "\0\xef\0first", 8);
	peer_say(&p, "\0\xef\1second", 9);
	event(&p, "first", 5, false);
	event(&p, "second", 6, true);
	/* The server, waiting, counts anew; acknowledgements stand aside. */
	wire_link_sequence(p.l, 1);
	peer_say(&p, "\0\xef\0third", 8);
	event(&p, "third", 5, false);
	assert_int_equal(wire_ack(p.w, "b.000001", 0x1122334455, &p.e), 0);
	wire_link_apart(p.l, true);
	peer_hears(&p, "\xef\x55\x44\x33\x22\x11\0\0\0b.000001", 17);
	peer_say(&p, "\0\xef\0fourth", 9);
	event(&p, "fourth", 6, false);
	peer_eof(&p);
	assert_int_equal(peer_next(&p), WIRE_END);
	assert_int_equal(wire_ack(p.w, "b.000001", 4, &e), -1);
	assert_string_equal(e.msg, "the stream to be acknowledged is over");
	assert_int_equal(e.code, ERR_AGAIN);
	peer_stop(&p);
}

/* This packet ends the stream. */
static void
breaks(bool semisync, const void *packet, size_t n)
{
	struct peer p;

	begin(&p, semisync);
	peer_say(&p, packet, n);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent a malformed packet of a binary log");
	peer_stop(&p);
}

static void
test_dump_malformed(void **state)
{
	struct err e = {0};
	struct peer p;

	(void)state;
	breaks(false, "\0", 1);
	breaks(false, "\1x", 2);
	breaks(false, "\xfexxxxxxxx", 9);
	breaks(false, "\xfb/etc/passwd", 12);
	breaks(true, "\0event", 6);
	breaks(true, "\0\xef\0", 3);
	/* Nor one out of order. */
	begin(&p, false);
	assert_int_equal(wire_input(p.w, "\xff\xff\xff\2x", 5, &e), 0);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent packet 2 where 1 was due");
	peer_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump_register),
		cmocka_unit_test(test_dump_asks),
		cmocka_unit_test(test_dump_stream),
		cmocka_unit_test(test_dump_large_events),
		cmocka_unit_test(test_dump_semisync),
		cmocka_unit_test(test_dump_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
