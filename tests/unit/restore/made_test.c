/* SPDX-License-Identifier: Apache-2.0 */
/* made_test: what is made is read back as the events that it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/made.h"

static struct event_format
format(bool mariadb, bool checksum)
{
	struct event_format f = { .known = true, .mariadb = mariadb,
	    .checksum = checksum };

	f.post_len[EVENT_QUERY] = 13;
	f.post_len[EVENT_ROTATE] = 8;
	f.post_len[EVENT_MARIA_GTID] = 19;
	f.post_len[EVENT_GTID] = 42;
	return f;
}

/* The event at *at of b; *at moves behind it. */
static struct event
parsed(const struct buf *b, size_t *at, struct event_format f)
{
	const uint8_t *data = (const uint8_t *)b->data + *at;
	struct err e = {0};
	struct event ev;
	size_t n;

	assert_false(b->failed);
	assert_true(*at + EVENT_HEADER <= b->len);
	n = event_size(data);
	assert_true(n > 0 && *at + n <= b->len);
	if (event_parse(data, n, &f, &ev, &e) != 0)
		fail_msg("%s", e.msg);
	*at += n;
	return ev;
}

static void
test_made_rotate(void **state)
{
	struct buf b = {0};
	struct err e = {0};
	struct event ev;
	const char *name;
	uint64_t position;
	size_t n, at = 0;
	int checksum;

	(void)state;
	for (checksum = 0; checksum < 2; checksum++) {
		made_rotate(77, "binlog.000042", 5000000000u, checksum, &b);
		ev = parsed(&b, &at, format(false, checksum));
		assert_int_equal(ev.type, EVENT_ROTATE);
		assert_int_equal(ev.server_id, 77);
		assert_int_equal(ev.time, 0);
		assert_int_equal(ev.next, 0);
		assert_int_equal(ev.flags, EVENT_FLAG_ARTIFICIAL);
		assert_int_equal(event_rotate(&ev, &name, &n, &position, &e),
		    0);
		assert_int_equal(n, strlen("binlog.000042"));
		assert_memory_equal(name, "binlog.000042", n);
		assert_int_equal(position, 5000000000u);
	}
	assert_int_equal(at, b.len);
	buf_free(&b);
}

static void
test_made_heartbeat(void **state)
{
	const uint64_t places[] = { 4, 0xffffffffu, 5000000000u };
	struct buf b = {0};
	struct err e = {0};
	struct event ev;
	const char *name;
	uint64_t position;
	size_t i, n, at = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		made_heartbeat(77, "b.1", places[i], true, true, &b);
		ev = parsed(&b, &at, format(false, true));
		assert_int_equal(ev.type, EVENT_HEARTBEAT_V2);
		assert_int_equal(event_heartbeat(&ev, &name, &n, &position,
		    &e), 0);
		assert_int_equal(n, 3);
		assert_memory_equal(name, "b.1", 3);
		assert_int_equal(position, places[i]);
	}
	made_heartbeat(77, "b.1", 4711, false, false, &b);
	ev = parsed(&b, &at, format(false, false));
	assert_int_equal(ev.type, EVENT_HEARTBEAT);
	assert_int_equal(ev.flags, 0);
	assert_int_equal(event_heartbeat(&ev, &name, &n, &position, &e), 0);
	assert_int_equal(position, 4711);
	assert_memory_equal(name, "b.1", 3);
	buf_free(&b);
}

static void
test_made_format_hides_position_and_start(void **state)
{
	uint8_t data[EVENT_HEADER + 2 + 50 + 4 + 1 + 41 + 1 + 4] = {0};
	struct event ev = { .data = data, .size = sizeof(data) };
	struct event_format f = {0};
	struct err e = {0};
	struct buf b = {0};
	struct event out;

	(void)state;
	data[4] = EVENT_FORMAT;
	data[9] = sizeof(data);
	data[13] = 126;			/* its place */
	data[EVENT_HEADER] = 4;
	memcpy(data + EVENT_HEADER + 2, "9.7.4", 5);
	memset(data + EVENT_HEADER + 52, 7, 4);	/* the server's start */
	data[EVENT_HEADER + 56] = EVENT_HEADER;
	data[sizeof(data) - 5] = 1;	/* events have checksums */
	event_seal(data, sizeof(data));
	made_format(&ev, &b);
	assert_int_equal(event_parse((uint8_t *)b.data, b.len, &f, &out, &e),
	    0);
	assert_int_equal(out.next, 0);
	assert_int_equal(f.created, 0);
	assert_true(f.checksum);
	assert_string_equal(f.version, "9.7.4");
	buf_free(&b);
}

static struct event
gtid_event(uint8_t *data, size_t n, unsigned type)
{
	memset(data, 0, n);
	data[0] = 99;			/* seconds */
	data[4] = (uint8_t)type;
	data[5] = 3;			/* server */
	data[9] = (uint8_t)n;
	event_seal(data, n);
	return (struct event){ .time = 99, .type = (uint8_t)type,
	    .server_id = 3, .size = (uint32_t)n, .data = data,
	    .body = data + EVENT_HEADER, .body_len = n - EVENT_HEADER - 4 };
}

static void
is_query(const struct buf *b, size_t *at, struct event_format f,
    const char *sql, uint32_t end)
{
	struct event ev = parsed(b, at, f);
	struct event_query q;
	struct buf room = {0};
	struct err e = {0};

	assert_int_equal(ev.type, EVENT_QUERY);
	assert_int_equal(ev.server_id, 3);
	assert_int_equal(ev.time, 99);
	assert_int_equal(ev.next, end);
	if (event_query(&ev, &f, &q, &room, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(q.sql_len, strlen(sql));
	assert_memory_equal(q.sql, sql, q.sql_len);
	assert_int_equal(q.schema_len, 0);
	assert_int_equal(q.status_len, 0);
	assert_int_equal(q.error, 0);
	buf_free(&room);
}

static void
test_made_empty_mysql(void **state)
{
	uint8_t data[EVENT_HEADER + 42 + 4];
	struct event gtid = gtid_event(data, sizeof(data), EVENT_GTID);
	struct event_format f = format(false, true);
	struct buf b = {0};
	struct err e = {0};
	size_t at = sizeof(data);

	(void)state;
	assert_int_equal(made_empty(&gtid, &f, 5000, &b, &e), 0);
	assert_memory_equal(b.data, data, sizeof(data));
	is_query(&b, &at, f, "BEGIN", 5000);
	is_query(&b, &at, f, "COMMIT", 5000);
	assert_int_equal(at, b.len);
	buf_free(&b);
}

static void
test_made_empty_mariadb(void **state)
{
	uint8_t data[EVENT_HEADER + 21 + 4];
	struct event gtid = gtid_event(data, sizeof(data), EVENT_MARIA_GTID);
	struct event_format f = format(true, true);
	struct buf b = {0};
	struct err e = {0};
	struct event_gtid g;
	struct event ev;
	size_t at = 0;

	(void)state;
	data[EVENT_HEADER] = 77;	/* number */
	data[EVENT_HEADER + 8] = 5;	/* domain */
	/* standalone, of a group, DDL: none of it may stay */
	data[EVENT_HEADER + 12] = 0x01 | 0x02 | 0x20;
	assert_int_equal(made_empty(&gtid, &f, 5000, &b, &e), 0);
	ev = parsed(&b, &at, f);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), 0);
	assert_int_equal(g.gtid.number, 77);
	assert_int_equal(g.gtid.domain, 5);
	assert_int_equal(g.gtid.server, 3);
	assert_false(g.standalone);
	assert_false(g.ddl);
	assert_int_equal(ev.next, 5000);
	is_query(&b, &at, f, "COMMIT", 5000);
	assert_int_equal(at, b.len);
	buf_free(&b);
}

static void
test_made_empty_of_a_short_event(void **state)
{
	uint8_t data[EVENT_HEADER + 12 + 4];
	struct event gtid = gtid_event(data, sizeof(data), EVENT_MARIA_GTID);
	struct event_format f = format(true, true);
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(made_empty(&gtid, &f, 5000, &b, &e), -1);
	assert_string_equal(e.msg, "Gtid event: too short");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_rotate),
		cmocka_unit_test(test_made_heartbeat),
		cmocka_unit_test(test_made_format_hides_position_and_start),
		cmocka_unit_test(test_made_empty_mysql),
		cmocka_unit_test(test_made_empty_mariadb),
		cmocka_unit_test(test_made_empty_of_a_short_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
