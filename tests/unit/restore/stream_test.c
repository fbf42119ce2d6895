/* SPDX-License-Identifier: Apache-2.0 */
/* stream_test: what a replica is given of a route, event by event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/binlog.h"
#include "mysql/flavour.h"
#include "restore/ledger.h"
#include "restore/made.h"
#include "restore/proof.h"
#include "restore/stream.h"

#define UUID "00000000-0000-0000-0000-000000000001"
#define SERVER 3u
#define OURS 77u
#define FILES 3
#define TRANSACTIONS 4		/* in each file */

/* --- an archive in memory, in place of the store's --- */

static struct buf files[FILES];		/* whole files */
static uint64_t starts[FILES][TRANSACTIONS + 1];

struct binlog {
	struct route_leg leg;
	uint32_t seq;
	size_t at;
	struct event_format format;
	struct event event;
	char name[32];
};

struct binlog *
binlog_open(struct store *s, const struct timeline *t,
    const struct route_leg *leg, struct err *e)
{
	struct binlog *b = calloc(1, sizeof(*b));

	(void)s;
	(void)t;
	(void)e;
	b->leg = *leg;
	b->seq = leg->from_seq;
	b->at = 4;
	return b;
}

int
binlog_next(struct binlog *b, struct binlog_item *item, struct err *e)
{
	const struct buf *f;
	const uint8_t *data;

	for (;;) {
		if (b->seq > b->leg.to_seq)
			return 0;
		f = &files[b->seq - 1];
		if (b->at >= f->len || (b->seq == b->leg.to_seq &&
		    b->at >= b->leg.to_offset)) {
			b->seq++;
			b->at = 4;
			continue;
		}
		data = (const uint8_t *)f->data + b->at;
		if (event_parse(data, event_size(data), &b->format, &b->event,
		    e) != 0)
			return -1;
		(void)snprintf(b->name, sizeof(b->name), "b.%u",
		    (unsigned)b->seq);
		*item = (struct binlog_item){ .seq = b->seq, .file = b->name,
		    .offset = b->at, .event = &b->event,
		    .format = &b->format, .replayed = b->seq !=
		    b->leg.from_seq || b->at >= b->leg.from_offset };
		b->at += b->event.size;
		if (item->replayed || b->event.type == EVENT_FORMAT)
			return 1;
	}
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
	struct transactions *scan = transactions_new(e);
	struct binlog *b = binlog_open(s, t, leg, e);
	const struct transaction *one;
	struct binlog_item item;
	int rc = 0;

	while (rc == 0 && binlog_next(b, &item, e) == 1) {
		if (!item.replayed)
			continue;
		assert_int_equal(transactions_event(scan, item.event,
		    item.format, item.offset, &one, e), 0);
		if (one != NULL)
			rc = each(arg, item.seq, one, e);
	}
	transactions_free(scan);
	binlog_close(b);
	return rc;
}

static void
add_format(struct buf *f)
{
	uint8_t data[EVENT_HEADER + 57 + 42 + 5] = {0};

	memset(data + EVENT_HEADER + 57, 0, 42);
	data[4] = EVENT_FORMAT;
	data[5] = SERVER;
	data[9] = sizeof(data);
	data[13] = 4 + sizeof(data);
	data[EVENT_HEADER] = 4;
	memcpy(data + EVENT_HEADER + 2, "9.7.4", 5);
	data[EVENT_HEADER + 52] = 1;		/* the server was started */
	data[EVENT_HEADER + 56] = EVENT_HEADER;
	data[EVENT_HEADER + 57 + EVENT_QUERY - 1] = 13;
	data[EVENT_HEADER + 57 + EVENT_ROTATE - 1] = 8;
	data[EVENT_HEADER + 57 + EVENT_GTID - 1] = 42;
	data[sizeof(data) - 5] = 1;
	event_seal(data, sizeof(data));
	buf_add(f, data, sizeof(data));
}

static void
add_transaction(struct buf *f, unsigned number)
{
	const struct event_format format = { .known = true,
	    .checksum = true };
	uint8_t data[EVENT_HEADER + 42 + 4] = {0};
	struct event ev = { .type = EVENT_GTID, .server_id = SERVER,
	    .size = sizeof(data), .data = data };
	struct err e = {0};

	data[4] = EVENT_GTID;
	data[5] = SERVER;
	data[9] = sizeof(data);
	data[EVENT_HEADER + 16] = 1;		/* the UUID's last byte */
	data[EVENT_HEADER + 17] = (uint8_t)number;
	data[EVENT_HEADER + 25] = 2;
	event_seal(data, sizeof(data));
	assert_int_equal(made_empty(&ev, &format, 0, f, &e), 0);
}

static int
setup(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; i < FILES; i++) {
		buf_add(&files[i], EVENT_MAGIC, 4);
		add_format(&files[i]);
		for (k = 0; k < TRANSACTIONS; k++) {
			starts[i][k] = files[i].len;
			add_transaction(&files[i], i * TRANSACTIONS + k + 1);
		}
		starts[i][k] = files[i].len;
	}
	return 0;
}

static int
teardown(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < FILES; i++)
		buf_free(&files[i]);
	return 0;
}

/* --- a stream of it --- */

static struct timeline_file known[FILES];
static struct timeline_history history = { .files = known,
    .nfiles = FILES };
static const struct timeline timeline = { .histories = &history,
    .nhistories = 1 };
static struct ledger *ledger;
static struct proof *proof;
static struct gtid_set *held;

static struct gtid_set *
set(const char *text)
{
	struct err e = {0};
	struct gtid_set *s = gtid_set_new(FLAVOUR_MYSQL, &e);

	assert_int_equal(gtid_set_parse(s, text, &e), 0);
	return s;
}

static void
free_all(struct stream *s)
{
	stream_close(s);
	ledger_free(ledger);
	proof_free(proof);
	gtid_set_free(held);
}

/* From transaction 3 of the first file up to the 2nd of the last; have NULL:
 * by file and position. */
static struct stream *
opened(const struct stream_opts *more, const char *have, const char *file,
    uint64_t position, struct err *e)
{
	static char names[FILES][8];
	static struct route_leg leg;
	const struct flavour f = { .kind = FLAVOUR_MYSQL };
	struct stream_opts o = *more;
	struct gtid_set *from = NULL;
	struct stream *s;
	unsigned i;

	for (i = 0; i < FILES; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "b.%u", i + 1);
		known[i].file = (struct binlog_file){ .seq = i + 1,
		    .name = names[i], .size = files[i].len };
	}
	leg = (struct route_leg){ .from_seq = 1, .to_seq = 3,
	    .from_offset = starts[0][2], .to_offset = starts[2][2] };
	held = set(UUID ":1-2");
	ledger = ledger_new(held, e);
	proof = proof_new(&f, e);
	o.timeline = &timeline;
	if (o.legs == NULL) {
		o.legs = &leg;
		o.nlegs = 1;
	}
	o.held = held;
	o.server_id = OURS;
	o.ledger = ledger;
	o.proof = proof;
	if (have != NULL)
		from = set(have);
	s = stream_open(&o, from, file, position, e);
	gtid_set_free(from);
	return s;
}

/* The rest of it as text: "R b.1:300" and "F" or "f" (without position) for a
 * file's head, a GTID's number, "B" and "C" for BEGIN and COMMIT. */
static int
read_all(struct stream *s, struct buf *out, struct err *e)
{
	struct event_format f = { .known = true, .checksum = true };
	struct event_gtid g;
	struct event_query q;
	struct buf room = {0};
	struct event ev;
	const void *data;
	const char *name;
	uint64_t position;
	size_t n;
	int got;

	while ((got = stream_next(s, &data, &n, e)) == 1) {
		assert_int_equal(event_parse(data, n, &f, &ev, e), 0);
		if (out->len > 0)
			buf_addc(out, ' ');
		if (ev.type == EVENT_ROTATE) {
			assert_int_equal(ev.server_id, OURS);
			assert_int_equal(event_rotate(&ev, &name, &n,
			    &position, e), 0);
			buf_addf(out, "R %.*s:%u", (int)n, name,
			    (unsigned)position);
		} else if (ev.type == EVENT_FORMAT) {
			buf_addc(out, ev.next == 0 ? 'f' : 'F');
		} else if (ev.type == EVENT_GTID) {
			assert_int_equal(event_gtid(&ev, &f, &g, e), 0);
			buf_addf(out, "%u", (unsigned)g.gtid.number);
		} else {
			assert_int_equal(ev.type, EVENT_QUERY);
			assert_int_equal(event_query(&ev, &f, &q, &room, e),
			    0);
			buf_addc(out, q.sql[0]);
		}
	}
	buf_free(&room);
	return got;
}

static void
gives(const struct stream_opts *more, const char *have, const char *file,
    uint64_t position, const char *want)
{
	struct buf out = {0};
	struct err e = {0};
	struct stream *s = opened(more, have, file, position, &e);

	if (s == NULL || read_all(s, &out, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&out), want);
	assert_true(stream_idle(s));
	buf_free(&out);
	free_all(s);
}

static void
first_at(char *text, size_t n, const char *rest)
{
	(void)snprintf(text, n, "R b.1:%u f 3 B C 4 B C %s",
	    (unsigned)starts[0][2], rest);
}

#define REST "R b.2:4 F 5 B C 6 B C 7 B C 8 B C R b.3:4 F 9 B C 10 B C"

static void
test_stream_begins_and_ends_where_the_route_does(void **state)
{
	const struct stream_opts o = {0};
	char want[200];

	(void)state;
	first_at(want, sizeof(want), REST);
	gives(&o, UUID ":1-2", "", 4, want);
	gives(&o, NULL, "b.1", starts[0][2], want);
	gives(&o, NULL, "", 4, want);
}

static void
test_stream_goes_on_behind_what_a_replica_has(void **state)
{
	const struct stream_opts o = {0};
	char want[200];

	(void)state;
	(void)snprintf(want, sizeof(want), "R b.2:%u f 6 B C 8 B C R b.3:4 F "
	    "10 B C", (unsigned)starts[1][1]);
	gives(&o, UUID ":1-5:7:9", "", 4, want);
	gives(&o, UUID ":1-10", "", 4, "");
	(void)snprintf(want, sizeof(want), "R b.3:%u f 10 B C",
	    (unsigned)starts[2][1]);
	gives(&o, NULL, "b.3", starts[2][1], want);
}

static void
test_stream_skips_by_emptying(void **state)
{
	struct stream_opts o = { .nskip = 2 };
	struct gtid skip[2];
	struct err e = {0};
	struct ledger_totals t;
	struct buf out = {0};
	struct stream *s;
	char want[200];

	(void)state;
	assert_int_equal(gtid_parse(UUID ":4", FLAVOUR_MYSQL, &skip[0], &e),
	    0);
	assert_int_equal(gtid_parse(UUID ":9", FLAVOUR_MYSQL, &skip[1], &e),
	    0);
	o.skip = skip;
	first_at(want, sizeof(want), REST);
	s = opened(&o, UUID ":1-2", "", 4, &e);
	assert_int_equal(read_all(s, &out, &e), 0);
	assert_string_equal(buf_str(&out), want);
	ledger_totals(ledger, &t);
	assert_int_equal(t.transactions, 8);
	assert_int_equal(t.emptied, 2);
	assert_string_equal(t.last, UUID ":10");
	assert_int_equal(t.bytes, files[0].len - starts[0][2] +
	    files[1].len + starts[2][2]);
	buf_free(&out);
	free_all(s);
}

static void
test_stream_of_two_legs(void **state)
{
	struct gtid_set *came = set(UUID ":5-6");
	const struct route_leg legs[2] = {
		{ .from_seq = 1, .to_seq = 1, .from_offset = starts[0][2],
		    .to_offset = starts[0][4] },
		{ .from_seq = 2, .to_seq = 2, .from_offset = starts[1][0],
		    .to_offset = starts[1][3], .have = came },
	};
	const struct stream_opts o = { .legs = legs, .nlegs = 2 };
	char want[200];

	(void)state;
	first_at(want, sizeof(want), "R b.2+1:");
	(void)snprintf(want + strlen(want), 100, "%u f 7 B C",
	    (unsigned)starts[1][0]);
	gives(&o, UUID ":1-2", "", 4, want);
	(void)snprintf(want, sizeof(want), "R b.2+1:%u f 7 B C",
	    (unsigned)starts[1][2]);
	gives(&o, UUID ":1-6", "", 4, want);
	gives(&o, NULL, "b.2+1", starts[1][2], want);
	gtid_set_free(came);
}

static void
test_stream_refuses_events_of_the_target(void **state)
{
	const struct stream_opts o = { .target_id = SERVER };
	struct buf out = {0};
	struct err e = {0};
	struct stream *s = opened(&o, UUID ":1-2", "", 4, &e);
	char want[200];

	(void)state;
	assert_int_equal(read_all(s, &out, &e), -1);
	(void)snprintf(want, sizeof(want), "b.1:%u: an event bears the "
	    "target's server id 3: it would be passed over in silence",
	    (unsigned)starts[0][2]);
	assert_string_equal(e.msg, want);
	buf_free(&out);
	free_all(s);
}

static void
test_stream_of_a_place_that_is_not_in_it(void **state)
{
	const struct stream_opts o = {0};
	struct err e = {0};

	(void)state;
	assert_null(opened(&o, NULL, "b.3", starts[2][3], &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	free_all(NULL);
	e = (struct err){0};
	assert_null(opened(&o, NULL, "b.9", 4, &e));
	assert_string_equal(e.msg, "the target asks for b.9:4, where the way "
	    "to this moment does not lead");
	free_all(NULL);
}

/* A replica counts: the ROTATE's position, then the size of each event. */
static void
test_stream_heartbeat_at_the_replicas_position(void **state)
{
	const struct stream_opts o = {0};
	struct event_format f = { .known = true, .checksum = true };
	struct buf out = {0};
	struct err e = {0};
	struct stream *s = opened(&o, UUID ":1-2", "", 4, &e);
	struct event ev;
	const void *data;
	const char *name;
	uint64_t position;
	size_t n;
	int i;

	(void)state;
	assert_false(stream_heartbeat(s, false, &out));
	for (i = 0; i < 5; i++)
		assert_int_equal(stream_next(s, &data, &n, &e), 1);
	assert_true(stream_idle(s));
	assert_int_equal(stream_next(s, &data, &n, &e), 1);
	assert_false(stream_idle(s));
	assert_true(stream_heartbeat(s, true, &out));
	assert_int_equal(event_parse((uint8_t *)out.data, out.len, &f, &ev,
	    &e), 0);
	assert_int_equal(event_heartbeat(&ev, &name, &n, &position, &e), 0);
	assert_int_equal(position, starts[0][3] + EVENT_HEADER + 42 + 4);
	assert_memory_equal(name, "b.1", n);
	buf_free(&out);
	free_all(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_stream_begins_and_ends_where_the_route_does),
		cmocka_unit_test(
		    test_stream_goes_on_behind_what_a_replica_has),
		cmocka_unit_test(test_stream_skips_by_emptying),
		cmocka_unit_test(test_stream_of_two_legs),
		cmocka_unit_test(test_stream_refuses_events_of_the_target),
		cmocka_unit_test(test_stream_of_a_place_that_is_not_in_it),
		cmocka_unit_test(
		    test_stream_heartbeat_at_the_replicas_position),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
