/* SPDX-License-Identifier: Apache-2.0 */
/* serve_test: who gets the stream, and who gets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/binlog.h"
#include "mysql/wire.h"
#include "restore/ledger.h"
#include "restore/proof.h"
#include "restore/serve.h"

#define TARGET_ID 4242u
#define TARGET_UUID "00000000-0000-0000-0000-0000000000aa"
#define PATIENCE_MS 10000

/* The archive is one format description, or damaged: what is streamed is
 * stream_test's matter. */
static bool damaged;

struct binlog {
	struct event_format format;
	struct event event;
	uint8_t data[EVENT_HEADER + 57 + 42 + 5];
	bool given;
};

struct binlog *
binlog_open(struct store *s, const struct timeline *t,
    const struct route_leg *leg, struct err *e)
{
	struct binlog *b = calloc(1, sizeof(*b));

	(void)s;
	(void)t;
	(void)leg;
	b->data[4] = EVENT_FORMAT;
	b->data[9] = sizeof(b->data);
	b->data[EVENT_HEADER] = 4;
	memcpy(b->data + EVENT_HEADER + 2, "9.7.4", 5);
	b->data[EVENT_HEADER + 56] = EVENT_HEADER;
	b->data[sizeof(b->data) - 5] = 1;
	event_seal(b->data, sizeof(b->data));
	assert_int_equal(event_parse(b->data, sizeof(b->data), &b->format,
	    &b->event, e), 0);
	return b;
}

int
binlog_next(struct binlog *b, struct binlog_item *item, struct err *e)
{
	if (damaged)
		return err_set(e, ERR_CORRUPT, 0, "binlog/h/1/0-9.zst: "
		    "damaged");
	*item = (struct binlog_item){ .seq = 1, .file = "b.1", .offset = 4,
	    .replayed = true, .event = &b->event, .format = &b->format };
	b->given = !b->given;
	return b->given ? 1 : 0;
}

void
binlog_close(struct binlog *b)
{
	free(b);
}

int
leg_each(struct store *s, const struct timeline *t,
    const struct route_leg *leg, int (*each)(void *arg, uint32_t seq,
    const struct transaction *tr, struct err *e), void *arg, struct err *e)
{
	(void)s;
	(void)t;
	(void)leg;
	(void)each;
	(void)arg;
	(void)e;
	return 0;
}

/* --- a client that waits --- */

struct client {
	int fd;
	struct wire *wire;
	struct err e;
};

static struct client
client(const struct serve *s, const char *password)
{
	const struct wire_opts opts = { .user = serve_user(s),
	    .password = password, .host = "127.0.0.1",
	    .ssl = CONN_SSL_REQUIRED, .program = "test" };
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)serve_port(s)) };
	struct client c = { .fd = socket(AF_INET, SOCK_STREAM, 0) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(c.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	c.wire = wire_new(&opts, &c.e);
	assert_non_null(c.wire);
	return c;
}

/* The next thing that comes; WIRE_FAILED also when the peer has gone. */
static enum wire_event
next(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	enum wire_event got;
	const void *data;
	char in[4096];
	ssize_t n;
	size_t len;

	for (;;) {
		while ((data = wire_output(c->wire, &len)) != NULL &&
		    len > 0) {
			n = send(c->fd, data, len, MSG_NOSIGNAL);
			if (n < 0)
				return WIRE_FAILED;
			wire_sent(c->wire, (size_t)n);
		}
		got = wire_next(c->wire, &c->e);
		if (got != WIRE_WAIT)
			return got;
		(void)wire_output(c->wire, &len);
		if (len > 0)
			continue;
		if (poll(&p, 1, PATIENCE_MS) != 1)
			fail_msg("nothing came");
		n = recv(c->fd, in, sizeof(in), 0);
		if (n <= 0 || wire_input(c->wire, in, (size_t)n, &c->e) != 0)
			return WIRE_FAILED;
	}
}

/* Send what there is to be sent. */
static void
flush(struct client *c)
{
	const void *data;
	size_t n;
	ssize_t sent;

	while ((data = wire_output(c->wire, &n)) != NULL && n > 0) {
		sent = send(c->fd, data, n, MSG_NOSIGNAL);
		assert_true(sent > 0);
		wire_sent(c->wire, (size_t)sent);
	}
}

static void
ask(struct client *c, const char *sql, enum wire_event want)
{
	assert_int_equal(wire_query(c->wire, sql, &c->e), 0);
	assert_int_equal(next(c), want);
	if (want == WIRE_ROW)
		assert_int_equal(next(c), WIRE_OK);
}

/* Log in and say who we are. */
static struct client
replica(const struct serve *s, const char *uuid)
{
	struct client c = client(s, serve_password(s));
	char sql[128];

	assert_int_equal(next(&c), WIRE_READY);
	(void)snprintf(sql, sizeof(sql), "SET @slave_uuid = '%s'", uuid);
	ask(&c, sql, WIRE_OK);
	assert_int_equal(wire_register(c.wire, TARGET_ID, &c.e), 0);
	assert_int_equal(next(&c), WIRE_OK);
	return c;
}

static void
dump(struct client *c, uint32_t id, const struct gtid_set *have)
{
	assert_int_equal(wire_dump_gtid(c->wire, id, "", 4, 2, have, &c->e),
	    0);
	flush(c);
}

static void
leave(struct client *c)
{
	wire_free(c->wire);
	(void)close(c->fd);
}

/* --- the server --- */

struct kit {
	struct gtid_set *held;
	struct ledger *ledger;
	struct proof *proof;
	struct stream_opts stream;
	struct serve *serve;
};

static const struct route_leg leg = { .from_seq = 1, .to_seq = 1,
    .to_offset = 123 };
static struct timeline_history history;
static const struct timeline timeline = { .histories = &history,
    .nhistories = 1 };

static void
start(struct kit *k, bool trial)
{
	const struct flavour f = { .kind = FLAVOUR_MYSQL };
	const struct serve_opts opts = { .listen = "127.0.0.1:0",
	    .kind = FLAVOUR_MYSQL, .version = "9.7.4", .gtid = true,
	    .target_id = TARGET_ID, .target_uuid = TARGET_UUID,
	    .trial = trial, .stream = trial ? NULL : &k->stream };
	struct err e = {0};

	k->held = gtid_set_new(FLAVOUR_MYSQL, &e);
	k->ledger = ledger_new(k->held, &e);
	k->proof = proof_new(&f, &e);
	k->stream = (struct stream_opts){ .timeline = &timeline,
	    .legs = &leg, .nlegs = 1, .held = k->held, .ledger = k->ledger, .proof = k->proof };
	k->serve = serve_start(&opts, &e);
	if (k->serve == NULL)
		fail_msg("%s", e.msg);
}

static void
stop(struct kit *k)
{
	serve_stop(k->serve);
	proof_free(k->proof);
	ledger_free(k->ledger);
	gtid_set_free(k->held);
}

/* Wait until so many were turned away. */
static void
refused(struct kit *k, unsigned n)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	struct pollfd none = { .fd = -1 };
	struct serve_state state;
	struct err e = {0};

	do {
		assert_int_equal(serve_look(k->serve, &state, &e), 0);
		if (state.refused == n)
			return;
		(void)poll(&none, 1, 5);
	} while (clock_mono_ms() < end);
	assert_int_equal(state.refused, n);
}

static unsigned
type(const struct client *c)
{
	const uint8_t *data;
	size_t n;
	bool ack;

	wire_binlog(c->wire, &data, &n, &ack);
	assert_true(n >= EVENT_HEADER);
	return data[4];
}

static void
test_serve_gives_the_target_its_stream(void **state)
{
	struct kit k;
	struct client c;
	struct serve_state now;
	struct err e = {0};

	(void)state;
	start(&k, false);
	assert_int_equal(strlen(serve_password(k.serve)), 32);
	assert_int_equal(serve_look(k.serve, &now, &e), 0);
	assert_false(now.asked);
	c = replica(k.serve, TARGET_UUID);
	ask(&c, "SELECT @@GLOBAL.GTID_MODE", WIRE_ROW);
	ask(&c, "SELECT @@global.rpl_semi_sync_source_enabled",
	    WIRE_REFUSED);
	ask(&c, "SET @master_heartbeat_period = 50000000", WIRE_OK);
	dump(&c, TARGET_ID, k.held);
	assert_int_equal(next(&c), WIRE_BINLOG);
	assert_int_equal(type(&c), EVENT_ROTATE);
	assert_int_equal(next(&c), WIRE_BINLOG);
	assert_int_equal(type(&c), EVENT_FORMAT);
	assert_int_equal(next(&c), WIRE_BINLOG);
	assert_int_equal(type(&c), EVENT_HEARTBEAT_V2);
	assert_int_equal(serve_look(k.serve, &now, &e), 0);
	assert_true(now.asked);
	assert_true(now.given);
	refused(&k, 0);
	leave(&c);
	stop(&k);
}

static void
test_serve_turns_a_wrong_password_away(void **state)
{
	struct kit k;
	struct client c;

	(void)state;
	start(&k, false);
	c = client(k.serve, "0123456789abcdef0123456789abcdef");
	assert_int_equal(next(&c), WIRE_FAILED);
	assert_non_null(strstr(c.e.msg, "Access denied"));
	refused(&k, 1);
	leave(&c);
	c = client(k.serve, "");
	assert_int_equal(next(&c), WIRE_FAILED);
	refused(&k, 2);
	leave(&c);
	stop(&k);
}

/* Not even an error packet: the connection just ends. */
static void
gets_nothing(struct kit *k, const char *uuid, uint32_t id, unsigned nth)
{
	struct client c = replica(k->serve, uuid);

	dump(&c, id, k->held);
	assert_int_equal(next(&c), WIRE_FAILED);
	refused(k, nth);
	leave(&c);
}

static void
test_serve_gives_others_nothing(void **state)
{
	struct kit k;
	struct client c;
	struct serve_state now;
	enum wire_event got;
	struct err e = {0};

	(void)state;
	start(&k, false);
	gets_nothing(&k, "00000000-0000-0000-0000-0000000000bb", TARGET_ID,
	    1);
	gets_nothing(&k, TARGET_UUID, TARGET_ID + 1, 2);
	gets_nothing(&k, "", TARGET_ID, 3);
	c = replica(k.serve, TARGET_UUID);
	/* by file and position, though it was told to go by GTID */
	assert_int_equal(wire_dump(c.wire, TARGET_ID, "b.1", 4, 0, &c.e), 0);
	assert_int_equal(next(&c), WIRE_FAILED);
	refused(&k, 4);
	leave(&c);
	assert_int_equal(serve_look(k.serve, &now, &e), 0);
	assert_false(now.asked);
	/* a second stream beside a living one */
	c = replica(k.serve, TARGET_UUID);
	dump(&c, TARGET_ID, k.held);
	assert_int_equal(next(&c), WIRE_BINLOG);
	gets_nothing(&k, TARGET_UUID, TARGET_ID, 5);
	/* but one that lost its connection may come back, as soon as that is
	 * known */
	leave(&c);
	do {
		c = replica(k.serve, TARGET_UUID);
		dump(&c, TARGET_ID, k.held);
		got = next(&c);
		leave(&c);
	} while (got == WIRE_FAILED);
	assert_int_equal(got, WIRE_BINLOG);
	stop(&k);
}

static void
test_serve_trial_streams_nothing(void **state)
{
	struct kit k;
	struct client c;
	struct serve_state now;
	struct err e = {0};

	(void)state;
	start(&k, true);
	c = replica(k.serve, TARGET_UUID);
	dump(&c, TARGET_ID, k.held);
	do
		assert_int_equal(serve_look(k.serve, &now, &e), 0);
	while (!now.asked && poll(NULL, 0, 5) == 0);
	assert_false(now.given);
	leave(&c);
	stop(&k);
}

static void
test_serve_tells_of_damage(void **state)
{
	struct kit k;
	struct client c;
	struct serve_state now;
	struct err e = {0};

	(void)state;
	damaged = true;
	start(&k, false);
	c = replica(k.serve, TARGET_UUID);
	dump(&c, TARGET_ID, k.held);
	while (serve_look(k.serve, &now, &e) == 0)
		(void)poll(NULL, 0, 5);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "binlog/h/1/0-9.zst: damaged");
	damaged = false;
	leave(&c);
	stop(&k);
}

static void
test_serve_addresses(void **state)
{
	static const char *const bad[] = { "", "127.0.0.1", "127.0.0.1:",
	    "127.0.0.1:x", "localhost:0", ":3306", "[::1:0", "1.2.3.4:70000" };
	struct serve_opts opts = { .kind = FLAVOUR_MYSQL, .version = "9.7.4",
	    .target_uuid = "", .trial = true };
	struct err e;
	size_t i;
	char want[160];

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){0};
		opts.listen = bad[i];
		assert_null(serve_start(&opts, &e));
		(void)snprintf(want, sizeof(want), "--listen: '%s' is no "
		    "ADDRESS:PORT", bad[i]);
		assert_string_equal(e.msg, want);
		assert_int_equal(e.code, ERR_USAGE);
	}
	/* an address that this host does not have */
	e = (struct err){0};
	opts.listen = "192.0.2.1:0";
	assert_null(serve_start(&opts, &e));
	assert_string_equal(e.msg, "--listen=192.0.2.1:0: Cannot assign "
	    "requested address");
	serve_stop(NULL);
}

static void
test_serve_knows_its_users(void **state)
{
	(void)state;
	assert_true(serve_is_user("kura_0123abcd"));
	assert_false(serve_is_user("kura_repl"));
	assert_false(serve_is_user("kura_0123abcd9"));
	assert_false(serve_is_user("kura_0123ABCD"));
	assert_false(serve_is_user(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_gives_the_target_its_stream),
		cmocka_unit_test(test_serve_turns_a_wrong_password_away),
		cmocka_unit_test(test_serve_gives_others_nothing),
		cmocka_unit_test(test_serve_trial_streams_nothing),
		cmocka_unit_test(test_serve_tells_of_damage),
		cmocka_unit_test(test_serve_addresses),
		cmocka_unit_test(test_serve_knows_its_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
