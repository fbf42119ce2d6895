/* SPDX-License-Identifier: Apache-2.0 */
/* wire_server_test: whom the serving side lets in, and what it serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/gtid.h"
#include "mysql/wire.h"
#include "mysql/wire_auth.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"
#include "mysql/wire_server.h"

#define MIB ((size_t)1 << 20)

/* A server, and across from it a client of ours, or one that says what the
 * test tells it. */
struct pair {
	struct wire_server *s;
	struct wire *c;
	struct wire_link *l;
	size_t step;
	struct err e;		/* the server's */
	struct err ce;		/* the client's */
};

static const struct wire_server_opts mysql = { .kind = FLAVOUR_MYSQL,
	.version = "9.7.0", .user = "replica", .password = "secret",
	.connection = 5 };
static const struct wire_server_opts mariadb = { .kind = FLAVOUR_MARIADB,
	.version = "5.5.5-10.11.6-MariaDB", .user = "replica",
	.password = "secret", .connection = 5 };
static struct wire_tls *tls;

static void
start(struct pair *p, const struct wire_server_opts *opts,
    const struct wire_opts *client)
{
	*p = (struct pair){ .step = SIZE_MAX };
	p->s = wire_server_new(opts, &p->e);
	assert_non_null(p->s);
	if (client != NULL)
		p->c = wire_new(client, &p->ce);
	else
		p->l = wire_link_new("server", 1 << 20, 1 << 30, &p->ce);
	assert_true(p->c != NULL || p->l != NULL);
}

static void
stop(struct pair *p)
{
	wire_server_free(p->s);
	wire_free(p->c);
	wire_link_free(p->l);
}

static bool
move(struct pair *p)
{
	struct err e = {0};
	const void *out;
	size_t n, room, moved = 0;

	out = wire_server_output(p->s, &n);
	room = p->c != NULL ? wire_room(p->c) : wire_link_room(p->l);
	n = n < room ? n : room;
	n = n < p->step ? n : p->step;
	if (n > 0) {
		assert_int_equal(p->c != NULL ? wire_input(p->c, out, n, &e) :
		    wire_link_input(p->l, out, n, &e), 0);
		wire_server_sent(p->s, n);
		moved += n;
	}
	out = p->c != NULL ? wire_output(p->c, &n) :
	    wire_link_output(p->l, &n);
	room = wire_server_room(p->s);
	n = n < room ? n : room;
	n = n < p->step ? n : p->step;
	if (n > 0) {
		assert_int_equal(wire_server_input(p->s, out, n, &e), 0);
		if (p->c != NULL)
			wire_sent(p->c, n);
		else
			wire_link_sent(p->l, n);
		moved += n;
	}
	return moved > 0;
}

/* The server's next event, while the client has none. */
static enum server_event
serve(struct pair *p)
{
	enum server_event event;

	p->e = (struct err){0};
	do
		event = wire_server_next(p->s, &p->e);
	while (event == SERVER_WAIT && (p->c == NULL ||
	    wire_next(p->c, &p->ce) == WIRE_WAIT) && move(p));
	return event;
}

/* The client's next event, while the server has none. */
static enum wire_event
client(struct pair *p)
{
	enum wire_event event;

	p->ce = (struct err){0};
	do
		event = wire_next(p->c, &p->ce);
	while (event == WIRE_WAIT && move(p));
	return event;
}

/* The next packet that a client without mind of its own gets. */
static void
hears(struct pair *p, const void *want, size_t n)
{
	struct err e = {0};
	uint8_t *data;
	size_t len;
	int got;

	while ((got = wire_link_packet(p->l, &data, &len, &e)) == 0)
		if (!move(p))
			break;
	assert_int_equal(got, 1);
	if (want != NULL) {
		assert_int_equal(len, n);
		assert_memory_equal(data, want, n);
	}
	wire_link_release(p->l);
}

static void
say(struct pair *p, const void *data, size_t n)
{
	assert_int_equal(wire_link_send(p->l, NULL, 0, data, n, &p->ce), 0);
}

static void
quits(struct pair *p, enum err_code code, const char *want)
{
	assert_int_equal(serve(p), SERVER_QUIT);
	assert_string_equal(p->e.msg, want);
	assert_int_equal(p->e.code, code);
	/* And nothing else ever. */
	assert_int_equal(wire_server_next(p->s, &p->e), SERVER_QUIT);
	assert_int_equal(wire_server_room(p->s), 0);
}

/* --- login --- */

static const struct wire_opts right = { .user = "replica",
	.password = "secret", .ssl = CONN_SSL_DISABLED };

static void
enter(struct pair *p, const struct wire_server_opts *opts,
    const struct wire_opts *as)
{
	start(p, opts, as);
	assert_int_equal(serve(p), SERVER_LOGIN);
	assert_int_equal(client(p), WIRE_READY);
}

static void
lets_in(const struct wire_server_opts *opts, const struct wire_opts *as,
    size_t step)
{
	struct pair p;

	start(&p, opts, as);
	p.step = step;
	assert_int_equal(serve(&p), SERVER_LOGIN);
	assert_int_equal(client(&p), WIRE_READY);
	assert_int_equal(wire_id(p.c), 5);
	assert_int_equal(serve(&p), SERVER_WAIT);
	stop(&p);
}

static void
test_server_lets_in(void **state)
{
	struct wire_server_opts my = mysql, maria = mariadb;
	struct wire_opts as = right;

	(void)state;
	lets_in(&my, &as, 1);
	lets_in(&maria, &as, SIZE_MAX);
	my.tls = maria.tls = tls;
	lets_in(&my, &as, SIZE_MAX);
	as.ssl = CONN_SSL_REQUIRED;
	my.tls_required = true;
	lets_in(&my, &as, SIZE_MAX);
	lets_in(&maria, &as, 1);
}

/* Refused, and both sides know why. */
static void
turns_away(const struct wire_server_opts *opts, const char *user,
    const char *password, const char *told)
{
	const struct wire_opts as = { .user = user, .password = password,
	    .ssl = opts->tls != NULL ? CONN_SSL_REQUIRED :
	    CONN_SSL_DISABLED };
	struct pair p;

	start(&p, opts, &as);
	quits(&p, ERR_DENIED,
	    "a client with the wrong user or password was refused");
	assert_int_equal(client(&p), WIRE_FAILED);
	assert_string_equal(p.ce.msg, told);
	assert_int_equal(p.ce.code, ERR_DENIED);
	stop(&p);
}

static void
test_server_turns_away(void **state)
{
	struct wire_server_opts opts[] = { mysql, mariadb, mysql, mariadb };
	size_t i;

	(void)state;
	opts[2].tls = opts[3].tls = tls;
	for (i = 0; i < 4; i++) {
		turns_away(&opts[i], "replica", "secreT", "server error 1045: "
		    "Access denied for user 'replica' (using password: YES)");
		turns_away(&opts[i], "replica", "secret2", "server error "
		    "1045: Access denied for user 'replica' (using password: "
		    "YES)");
		turns_away(&opts[i], "replicb", "secret", "server error 1045: "
		    "Access denied for user 'replicb' (using password: YES)");
		turns_away(&opts[i], "", "secret", "server error 1045: "
		    "Access denied for user '' (using password: YES)");
		turns_away(&opts[i], "replica2", "secret", "server error "
		    "1045: Access denied for user 'replica2' (using password: "
		    "YES)");
	}
	for (i = 0; i < 2; i++)
		turns_away(&opts[i], "replica", "", "server error 1045: "
		    "Access denied for user 'replica' (using password: NO)");
}

static void
test_server_needs_tls(void **state)
{
	struct wire_server_opts opts = mysql;
	struct pair p;

	(void)state;
	opts.tls = tls;
	opts.tls_required = true;
	start(&p, &opts, &right);
	quits(&p, ERR_DENIED, "a client without TLS was refused");
	assert_int_equal(client(&p), WIRE_FAILED);
	assert_string_equal(p.ce.msg, "server error 3159: Connections using "
	    "insecure transport are prohibited");
	stop(&p);
}

/* A response by hand, to which an answer of n bytes belongs. */
static void
respond(struct pair *p, uint32_t caps, const char *user, const void *answer,
    size_t n, const char *method)
{
	struct buf b = {0};

	hears(p, NULL, 0);
	packet_put_int(&b, caps, 4);
	packet_put_int(&b, 0, 8);
	packet_put_int(&b, 0, 8);
	packet_put_int(&b, 0, 8);
	packet_put_int(&b, 0, 4);
	buf_add(&b, user, strlen(user) + 1);
	packet_put_int(&b, n, 1);
	buf_add(&b, answer, n);
	if (caps & CAP_CONNECT_WITH_DB)
		buf_add(&b, "db", 3);
	if (method != NULL)
		buf_add(&b, method, strlen(method) + 1);
	say(p, b.data, b.len);
	buf_free(&b);
}

#define CAPS (CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH)

/* The server asks for its own method, with a new challenge. */
static void
challenged(struct pair *p, const char *method, uint8_t *scramble)
{
	struct err e = {0};
	size_t n, len = strlen(method) + 1;
	uint8_t *data;

	while (wire_link_packet(p->l, &data, &n, &e) == 0)
		assert_true(move(p));
	assert_int_equal(n, 1 + len + WIRE_SCRAMBLE + 1);
	assert_int_equal(data[0], 0xfe);
	assert_string_equal((char *)data + 1, method);
	memcpy(scramble, data + 1 + len, WIRE_SCRAMBLE);
	assert_null(memchr(scramble, '\0', WIRE_SCRAMBLE));
	assert_int_equal(data[n - 1], 0);
	wire_link_release(p->l);
}

static void
test_server_changes_method(void **state)
{
	uint8_t scramble[WIRE_SCRAMBLE], answer[32];
	struct pair p;

	(void)state;
	start(&p, &mysql, NULL);
	respond(&p, CAPS | CAP_CONNECT_WITH_DB, "replica", "12345678901234567"
	    "890", 20, AUTH_NATIVE);
	assert_int_equal(serve(&p), SERVER_WAIT);
	challenged(&p, AUTH_SHA2, scramble);
	wire_auth_sha2("secret", scramble, answer);
	say(&p, answer, 32);
	assert_int_equal(serve(&p), SERVER_LOGIN);
	hears(&p, "\1\3", 2);
	hears(&p, "\0\0\0\2\0\0\0", 7);
	stop(&p);

	/* A client that knows of no methods means the old one. */
	start(&p, &mariadb, NULL);
	respond(&p, CAPS & ~CAP_PLUGIN_AUTH, "replica", "", 0, NULL);
	quits(&p, ERR_DENIED,
	    "a client with the wrong user or password was refused");
	stop(&p);
	start(&p, &mariadb, NULL);
	respond(&p, CAPS, "replica", "", 0, "dialog");
	assert_int_equal(serve(&p), SERVER_WAIT);
	challenged(&p, AUTH_NATIVE, scramble);
	wire_auth_native("secret", scramble, answer);
	answer[19] ^= 1;
	say(&p, answer, 20);
	quits(&p, ERR_DENIED,
	    "a client with the wrong user or password was refused");
	stop(&p);
}

/* No challenge is the same as another. */
static void
test_server_challenges_anew(void **state)
{
	struct pair a, b;
	const uint8_t *x, *y;
	size_t n;

	(void)state;
	start(&a, &mysql, NULL);
	start(&b, &mysql, NULL);
	x = wire_server_output(a.s, &n);
	y = wire_server_output(b.s, &n);
	assert_int_equal(n, 4 + 1 + 6 + 4 + 9 + 18 + 13 + sizeof(AUTH_SHA2));
	assert_memory_equal(x, y, 4 + 1 + 6 + 4);
	assert_memory_not_equal(x + 15, y + 15, 8);
	assert_memory_not_equal(x + 42, y + 42, 12);
	stop(&a);
	stop(&b);
}

/* After the greeting, these bytes as a packet. */
static void
breaks_login(const void *packet, size_t n, const char *want)
{
	struct pair p;

	start(&p, &mysql, NULL);
	hears(&p, NULL, 0);
	say(&p, packet, n);
	quits(&p, ERR_CORRUPT, want);
	stop(&p);
}

static void
test_server_malformed_login(void **state)
{
	static const char what[] = "the client sent a malformed login";
	uint8_t login[64] = { 0x00, 0x82, 0x28, 0x00 };
	struct pair p;

	(void)state;
	breaks_login("", 0, "the client sent a malformed packet: it is empty");
	breaks_login("x", 1, what);
	breaks_login(login, 31, what);
	breaks_login(login, 32, what);
	memcpy(login + 32, "replica", 8);
	breaks_login(login, 39, what);
	breaks_login(login, 40, what);
	login[40] = 20;
	breaks_login(login, 60, what);
	login[40] = 0xfb;
	breaks_login(login, 60, what);
	/* The server has no TLS; and who is in it already. */
	login[1] |= CAP_SSL >> 8;
	breaks_login(login, 32, "the client sent a malformed request for TLS");
	/* A client before version 4.1. */
	login[1] = 0x80;
	breaks_login(login, 64, what);
	start(&p, &mysql, NULL);
	hears(&p, NULL, 0);
	wire_link_sequence(p.l, 2);
	say(&p, login, 32);
	quits(&p, ERR_CORRUPT, "the client sent packet 2 where 1 was due");
	stop(&p);
	start(&p, &mysql, NULL);
	assert_int_equal(wire_server_input(p.s, "\0\0\2\1", 4, &p.e), 0);
	quits(&p, ERR_CORRUPT,
	    "the client sent a packet of more than 65536 bytes");
	stop(&p);
}

/* --- commands --- */

static void
test_server_queries(void **state)
{
	const char *const names[] = { "a", "b", "c" };
	const char *const sent[] = { "1", NULL, "" };
	const char *const *values;
	const size_t *lengths;
	const char *text;
	unsigned number;
	struct pair p;

	(void)state;
	enter(&p, &mysql, &right);
	assert_int_equal(wire_query(p.c, "SELECT 1, NULL, ''", &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_QUERY);
	assert_string_equal(wire_server_text(p.s), "SELECT 1, NULL, ''");
	assert_int_equal(wire_server_row(p.s, names, sent, 3, &p.e), 0);
	assert_int_equal(client(&p), WIRE_ROW);
	assert_int_equal(wire_values(p.c, &values, &lengths), 3);
	assert_string_equal(values[0], "1");
	assert_null(values[1]);
	assert_string_equal(values[2], "");
	assert_int_equal(client(&p), WIRE_OK);

	assert_int_equal(wire_query(p.c, "SET @a=1", &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_QUERY);
	assert_string_equal(wire_server_text(p.s), "SET @a=1");
	assert_int_equal(wire_server_ok(p.s, &p.e), 0);
	assert_int_equal(client(&p), WIRE_OK);

	assert_int_equal(wire_query(p.c, "", &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_QUERY);
	assert_string_equal(wire_server_text(p.s), "");
	assert_int_equal(wire_server_refuse(p.s, 1193, "HY000",
	    "Unknown system variable", &p.e), 0);
	assert_int_equal(client(&p), WIRE_REFUSED);
	wire_error(p.c, &number, &text);
	assert_int_equal(number, 1193);
	assert_string_equal(text, "Unknown system variable");

	assert_int_equal(wire_register(p.c, 7, &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_REGISTER);
	assert_int_equal(wire_server_ok(p.s, &p.e), 0);
	assert_int_equal(client(&p), WIRE_OK);
	assert_int_equal(wire_quit(p.c, &p.ce), 0);
	quits(&p, ERR_AGAIN, "the client left");
	stop(&p);
}

/* One that is in, and says packets by hand. */
static void
enter_by_hand(struct pair *p)
{
	uint8_t scramble[WIRE_SCRAMBLE], answer[32];

	start(p, &mariadb, NULL);
	respond(p, CAPS, "replica", "", 0, "dialog");
	assert_int_equal(serve(p), SERVER_WAIT);
	challenged(p, AUTH_NATIVE, scramble);
	wire_auth_native("secret", scramble, answer);
	say(p, answer, 20);
	assert_int_equal(serve(p), SERVER_LOGIN);
	hears(p, "\0\0\0\2\0\0\0", 7);
}

static void
command(struct pair *p, const void *data, size_t n)
{
	wire_link_sequence(p->l, 0);
	say(p, data, n);
}

static void
test_server_other_commands(void **state)
{
	struct pair p;

	(void)state;
	enter_by_hand(&p);
	command(&p, "\x0e", 1);
	assert_int_equal(serve(&p), SERVER_WAIT);
	hears(&p, "\0\0\0\2\0\0\0", 7);
	command(&p, "\x11root\0", 6);
	assert_int_equal(serve(&p), SERVER_WAIT);
	hears(&p, "\xff\x17\4#08S01Unknown command", 24);
	/* A query with a NUL ends there. */
	command(&p, "\3a\0b", 4);
	assert_int_equal(serve(&p), SERVER_QUERY);
	assert_string_equal(wire_server_text(p.s), "a");
	assert_int_equal(wire_server_ok(p.s, &p.e), 0);
	hears(&p, "\0\0\0\2\0\0\0", 7);
	/* No command begins with another number. */
	wire_link_sequence(p.l, 1);
	say(&p, "\x0e", 1);
	quits(&p, ERR_CORRUPT, "the client sent packet 1 where 0 was due");
	stop(&p);
	enter_by_hand(&p);
	command(&p, "", 0);
	quits(&p, ERR_CORRUPT,
	    "the client sent a malformed packet: it is empty");
	stop(&p);
	enter_by_hand(&p);
	assert_int_equal(wire_server_input(p.s, "", 0, &p.e), 0);
	quits(&p, ERR_AGAIN, "the client closed the connection");
	stop(&p);
}

static void
test_server_large_query(void **state)
{
	char *sql = malloc(15 * MIB);
	struct pair p;

	(void)state;
	assert_non_null(sql);
	memset(sql, 'x', 15 * MIB);
	sql[15 * MIB - 1] = '\0';
	enter(&p, &mysql, &right);
	assert_int_equal(wire_query(p.c, sql, &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_QUERY);
	assert_int_equal(strlen(wire_server_text(p.s)), 15 * MIB - 1);
	stop(&p);
	free(sql);
}

/* --- the stream --- */

static void
test_server_dump(void **state)
{
	const struct wire_server_dump *d;
	struct pair p;

	(void)state;
	enter(&p, &mysql, &right);
	assert_int_equal(wire_dump(p.c, 0xfffffffe, "b.000007", 0xfffffff0,
	    2, &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_DUMP);
	d = wire_server_dump(p.s);
	assert_true(d->server_id == 0xfffffffe && d->position == 0xfffffff0);
	assert_int_equal(d->flags, 2);
	assert_string_equal(d->file, "b.000007");
	assert_null(d->gtids);
	/* Not served after all; then another, of everything. */
	assert_int_equal(wire_server_refuse(p.s, 1236, "HY000", "no such "
	    "file", &p.e), 0);
	assert_int_equal(client(&p), WIRE_REFUSED);
	assert_int_equal(wire_dump(p.c, 1, "", 4, 0, &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_DUMP);
	assert_string_equal(wire_server_dump(p.s)->file, "");
	assert_int_equal(wire_server_eof(p.s, &p.e), 0);
	assert_int_equal(client(&p), WIRE_END);
	stop(&p);
}

static void
test_server_dump_gtid(void **state)
{
	static const char text[] =
	    "00000000-0000-0000-0000-0000000000ff:1-7:9";
	const struct wire_server_dump *d;
	struct gtid_set *set;
	struct buf b = {0};
	struct pair p;

	(void)state;
	enter(&p, &mysql, &right);
	set = gtid_set_new(FLAVOUR_MYSQL, &p.e);
	assert_non_null(set);
	assert_int_equal(gtid_set_parse(set, text, &p.e), 0);
	assert_int_equal(wire_dump_gtid(p.c, 7, "", 1ull << 33, 2, set,
	    &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_DUMP);
	d = wire_server_dump(p.s);
	assert_true(d->position == 1ull << 33 && d->server_id == 7);
	gtid_set_text(d->gtids, &b);
	assert_string_equal(buf_str(&b), text);
	stop(&p);
	gtid_set_free(set);
	buf_free(&b);
}

static void
breaks_dump(const void *packet, size_t n, const char *want)
{
	struct pair p;

	enter_by_hand(&p);
	command(&p, packet, n);
	quits(&p, ERR_CORRUPT, want);
	stop(&p);
}

static void
test_server_malformed_dump(void **state)
{
	static const char what[] = "the client sent a malformed request for "
	    "a binary log";
	char name[600] = "\x12\4\0\0\0\0\0\7\0\0\0";
	struct pair p;

	(void)state;
	breaks_dump("\x12\4\0\0", 4, what);
	breaks_dump("\x1e\0\0\1\0\0\0\2\0\0\0a", 12, what);
	breaks_dump("\x1e\0\0\1\0\0\0\xff\xff\xff\xff" "a", 12, what);
	breaks_dump("\x1e\0\0\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\2\0\0\0x", 24,
	    what);
	memset(name + 11, 'x', 512);
	breaks_dump(name, 11 + 512, what);
	enter_by_hand(&p);
	command(&p, name, 11 + 511);
	assert_int_equal(serve(&p), SERVER_DUMP);
	assert_int_equal(strlen(wire_server_dump(p.s)->file), 511);
	stop(&p);
	/* A set that is none. */
	enter_by_hand(&p);
	command(&p, "\x1e\0\0\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0x", 24);
	assert_int_equal(serve(&p), SERVER_QUIT);
	assert_int_equal(p.e.code, ERR_CORRUPT);
	assert_memory_equal(p.e.msg, "the client's GTID set: ", 23);
	stop(&p);
}

/* Events of these sizes arrive as they were sent. */
static void
streams(const struct wire_server_opts *opts, enum conn_ssl ssl, size_t step)
{
	static const size_t sizes[] = { 19, 16 * MIB - 2, 1, 16 * MIB - 1,
		16 * MIB, 40 * MIB, 50 };
	struct wire_opts as = right;
	uint8_t *data = malloc(40 * MIB);
	const uint8_t *got;
	struct pair p;
	size_t i, n;
	bool ack;

	assert_non_null(data);
	for (i = 0; i < 40 * MIB; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 24);
	as.ssl = ssl;
	enter(&p, opts, &as);
	p.step = step;
	assert_int_equal(wire_dump(p.c, 1, "", 4, 0, &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_DUMP);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(wire_server_pending(p.s), 0);
		assert_int_equal(wire_server_send_event(p.s, data, sizes[i],
		    &p.e), 0);
		assert_true(wire_server_pending(p.s) > sizes[i]);
		assert_int_equal(client(&p), WIRE_BINLOG);
		wire_binlog(p.c, &got, &n, &ack);
		assert_int_equal(n, sizes[i]);
		assert_int_equal(memcmp(got, data, n), 0);
	}
	assert_int_equal(wire_server_eof(p.s, &p.e), 0);
	assert_int_equal(client(&p), WIRE_END);
	stop(&p);
	free(data);
}

static void
test_server_streams(void **state)
{
	struct wire_server_opts opts = mysql;

	(void)state;
	streams(&opts, CONN_SSL_DISABLED, 65536);
	opts.tls = tls;
	streams(&opts, CONN_SSL_REQUIRED, 65536);
	streams(&opts, CONN_SSL_REQUIRED, 9999);
}

static void
test_server_acknowledged(void **state)
{
	struct pair p;

	(void)state;
	enter_by_hand(&p);
	command(&p, "\x12\4\0\0\0\0\0\7\0\0\0", 11);
	assert_int_equal(serve(&p), SERVER_DUMP);
	wire_link_sequence(p.l, 1);
	assert_int_equal(wire_server_send_event(p.s, "one", 3, &p.e), 0);
	hears(&p, "\0one", 4);
	/* Each stands aside, and the stream's numbers go on. */
	assert_int_equal(wire_link_aside(p.l, "\xef\1\0\0\0\0\0\0\0b", 10,
	    &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_ACK);
	assert_int_equal(wire_link_aside(p.l, "\xef\2\0\0\0\0\0\0\0b", 10,
	    &p.ce), 0);
	assert_int_equal(serve(&p), SERVER_ACK);
	assert_int_equal(wire_server_send_event(p.s, "two", 3, &p.e), 0);
	hears(&p, "\0two", 4);
	assert_int_equal(wire_link_aside(p.l, "\1", 1, &p.ce), 0);
	quits(&p, ERR_AGAIN, "the client left");
	stop(&p);

	/* Nothing else may be said meanwhile. */
	enter_by_hand(&p);
	command(&p, "\x12\4\0\0\0\0\0\7\0\0\0", 11);
	assert_int_equal(serve(&p), SERVER_DUMP);
	assert_int_equal(wire_link_aside(p.l, "\3SELECT 1", 9, &p.ce), 0);
	quits(&p, ERR_CORRUPT, "the client sent a malformed acknowledgement");
	stop(&p);
}

static int
make_tls(void **state)
{
	struct err e = {0};

	(void)state;
	tls = wire_tls_new("test", &e);
	return tls != NULL ? 0 : -1;
}

static int
free_tls(void **state)
{
	(void)state;
	wire_tls_free(tls);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_lets_in),
		cmocka_unit_test(test_server_turns_away),
		cmocka_unit_test(test_server_needs_tls),
		cmocka_unit_test(test_server_changes_method),
		cmocka_unit_test(test_server_challenges_anew),
		cmocka_unit_test(test_server_malformed_login),
		cmocka_unit_test(test_server_queries),
		cmocka_unit_test(test_server_other_commands),
		cmocka_unit_test(test_server_large_query),
		cmocka_unit_test(test_server_dump),
		cmocka_unit_test(test_server_dump_gtid),
		cmocka_unit_test(test_server_malformed_dump),
		cmocka_unit_test(test_server_streams),
		cmocka_unit_test(test_server_acknowledged),
	};

	return cmocka_run_group_tests(tests, make_tls, free_tls);
}
