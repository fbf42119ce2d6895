/* SPDX-License-Identifier: Apache-2.0 */
/* event_test: events of real servers' binary logs, and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "tests/unit/mysql/listing.h"
#include "tests/unit/mysql/recorded.h"

static void
test_event_recorded_files_read_as_known(void **state)
{
	struct listing l = { .rows = true };
	struct buf file = {0}, text = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < RECORDED; i++) {
		buf_clear(&file);
		buf_clear(&text);
		recorded_read(recorded_names[i], "binlog", &file);
		recorded_read(recorded_names[i], "txt", &text);
		l.rows = strstr(recorded_names[i], "transactions") == NULL;
		assert_int_equal(listing_file(&l, (const uint8_t *)file.data,
		    file.len, &e), 0);
		assert_string_equal(buf_str(&l.out), buf_str(&text));
		listing_free(&l);
	}
	buf_free(&file);
	buf_free(&text);
}

static void
test_event_format_of_both_vendors(void **state)
{
	struct buf file = {0};
	struct event_format f;
	struct event ev;
	size_t i, at;

	(void)state;
	for (i = 0; i < RECORDED; i++) {
		buf_clear(&file);
		recorded_read(recorded_names[i], "binlog", &file);
		f = (struct event_format){0};
		at = 4;
		assert_memory_equal(file.data, EVENT_MAGIC, 4);
		assert_true(recorded_next(&file, &at, &f, &ev));
		assert_true(f.known);
		assert_int_equal(f.mariadb, recorded_names[i][1] == 'a');
		assert_int_equal(f.checksum,
		    strstr(recorded_names[i], "plain") == NULL);
		assert_int_equal(f.post_len[EVENT_TABLE_MAP], 8);
		assert_int_equal(f.post_len[EVENT_GTID], f.mariadb ? 0 : 42);
		assert_int_equal(f.post_len[EVENT_MARIA_GTID],
		    f.mariadb ? 19 : 0);
		assert_non_null(strstr(f.version,
		    f.mariadb ? "10.11." : "9.7."));
	}
	buf_free(&file);
}

/* One flipped bit of each byte of each short event is noticed; and a sealed
 * event is a good one. */
static void
test_event_checksum_notices_every_byte(void **state)
{
	struct event_format f = {0}, again;
	struct event ev, other;
	struct buf file = {0};
	struct err e;
	uint8_t *data;
	size_t at = 4, i;

	(void)state;
	recorded_read("mysql-transactions", "binlog", &file);
	while (recorded_next(&file, &at, &f, &ev)) {
		data = (uint8_t *)file.data + at - ev.size;
		for (i = 0; i < ev.size && ev.size < 400; i++) {
			/* Another type may be read by other rules. */
			if (i == 4)
				continue;
			data[i] ^= 0x10;
			again = f;
			e = (struct err){0};
			assert_int_equal(event_parse(data, ev.size, &again,
			    &other, &e), -1);
			assert_int_equal(e.code, ERR_CORRUPT);
			data[i] ^= 0x10;
		}
		data[EVENT_HEADER] ^= 1;
		event_seal(data, ev.size);
		again = f;
		e = (struct err){0};
		if (ev.type != EVENT_FORMAT)
			assert_int_equal(event_parse(data, ev.size, &again,
			    &other, &e), 0);
		data[EVENT_HEADER] ^= 1;
		event_seal(data, ev.size);
		assert_int_equal(event_parse(data, ev.size, &again, &other,
		    &e), 0);
	}
	buf_free(&file);
}

static void
test_event_parse_refuses(void **state)
{
	struct event_format f = {0};
	struct event ev;
	struct buf file = {0};
	uint8_t *data;
	struct err e = {0};
	size_t n;

	(void)state;
	recorded_read("mariadb-plain", "binlog", &file);
	data = (uint8_t *)file.data + 4;
	n = event_size(data);
	assert_int_equal(event_parse(data, 18, &f, &ev, &e), -1);
	assert_string_equal(e.msg, "short event: wrong size");
	e = (struct err){0};
	assert_int_equal(event_parse(data, n - 1, &f, &ev, &e), -1);
	assert_string_equal(e.msg, "Format_description event: wrong size");
	e = (struct err){0};
	data[EVENT_HEADER] = 3;
	assert_int_equal(event_parse(data, n, &f, &ev, &e), -1);
	assert_string_equal(e.msg, "Format_description event: binary log of "
	    "version 3, not 4");
	e = (struct err){0};
	data[EVENT_HEADER] = 4;
	data[EVENT_HEADER + 56] = 20;
	assert_int_equal(event_parse(data, n, &f, &ev, &e), -1);
	assert_string_equal(e.msg, "Format_description event: wrong length of "
	    "headers");
	e = (struct err){0};
	data[EVENT_HEADER + 56] = 19;
	data[n - 5] = 2;
	assert_int_equal(event_parse(data, n, &f, &ev, &e), -1);
	assert_string_equal(e.msg, "Format_description event: unknown "
	    "checksum algorithm");
	e = (struct err){0};
	data[n - 5] = 1;
	assert_int_equal(event_parse(data, n, &f, &ev, &e), -1);
	assert_string_equal(e.msg, "Format_description event: wrong checksum");
	assert_false(f.known);
	/* Of a file in use: the flag is not in the checksum. */
	e = (struct err){0};
	event_seal(data, n);
	data[17] |= EVENT_FLAG_IN_USE;
	assert_int_equal(event_parse(data, n, &f, &ev, &e), 0);
	assert_true(f.checksum && (ev.flags & EVENT_FLAG_IN_USE) != 0);
	data[9] = 18;
	data[10] = 0;
	assert_int_equal(event_size(data), 0);
	data[12] = 0x40;
	assert_int_equal(event_size(data), 0);
	buf_free(&file);
}

static void
test_event_rotate_and_heartbeat(void **state)
{
	static const uint8_t rotate[] = "\4\0\0\0\1\0\0\0binlog.000002";
	static const uint8_t beat[] = "\1\4file\2\011\xfe\1\2\3\4\5\6\7\1\0";
	struct buf room = {0};
	struct event ev;
	struct err e = {0};
	const char *name;
	uint64_t position;
	size_t n;

	(void)state;
	ev = recorded_event(&room, EVENT_ROTATE, EVENT_FLAG_ARTIFICIAL,
	    rotate, sizeof(rotate) - 1);
	assert_int_equal(event_rotate(&ev, &name, &n, &position, &e), 0);
	assert_int_equal(n, 13);
	assert_memory_equal(name, "binlog.000002", 13);
	assert_true(position == 0x100000004);
	ev = recorded_event(&room, EVENT_ROTATE, 0, rotate, 8);
	assert_int_equal(event_rotate(&ev, &name, &n, &position, &e), -1);
	assert_string_equal(e.msg, "Rotate event: no file");
	e = (struct err){0};
	ev = recorded_event(&room, EVENT_HEARTBEAT, 0, "file", 4);
	ev.next = 77;
	assert_int_equal(event_heartbeat(&ev, &name, &n, &position, &e), 0);
	assert_int_equal(n, 4);
	assert_true(position == 77);
	ev = recorded_event(&room, EVENT_HEARTBEAT_V2, 0, beat,
	    sizeof(beat) - 1);
	assert_int_equal(event_heartbeat(&ev, &name, &n, &position, &e), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(name, "file", 4);
	assert_true(position == 0x0107060504030201);
	for (n = sizeof(beat) - 2; n > 0; n--) {
		size_t len;

		ev = recorded_event(&room, EVENT_HEARTBEAT_V2, 0, beat, n);
		e = (struct err){0};
		assert_int_equal(event_heartbeat(&ev, &name, &len, &position,
		    &e), -1);
		assert_string_equal(e.msg,
		    "Heartbeat_v2 event: no file or position");
	}
	buf_free(&room);
}

/* MySQL's old and new fields of a GTID event, one after another. */
static void
test_event_gtid_of_older_servers(void **state)
{
	uint8_t body[80] = { 1, 0xaa };
	static const struct event_format f;
	struct event_gtid g;
	struct buf room = {0};
	struct event ev;
	struct err e = {0};

	(void)state;
	body[17] = 5;	/* number */
	body[25] = 2;	/* logical times: 3, 4 */
	body[26] = 3;
	body[34] = 4;
	body[42] = 9;	/* commit time 9, and another: 8 */
	body[48] = 0x80;
	body[49] = 8;
	body[56] = 0xfc;	/* length 258 */
	body[57] = 2;
	body[58] = 1;
	ev = recorded_event(&room, EVENT_GTID, 0, body, 25);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), 0);
	assert_true(g.gtid.set && g.gtid.number == 5 && g.sequence == 0);
	ev = recorded_event(&room, EVENT_GTID, 0, body, 42);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), 0);
	assert_true(g.last_committed == 3 && g.sequence == 4);
	assert_true(g.commit_us == 0 && g.original_us == 0);
	ev = recorded_event(&room, EVENT_ANONYMOUS, 0, body, 67);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), 0);
	assert_true(!g.gtid.set && g.commit_us == 9 && g.original_us == 8);
	assert_true(g.length == 258);
	ev = recorded_event(&room, EVENT_GTID, 0, body, 24);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
	assert_string_equal(e.msg, "Gtid event: wrong size");
	e = (struct err){0};
	ev = recorded_event(&room, EVENT_GTID, 0, body, 55);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
	assert_string_equal(e.msg, "Gtid event: wrong commit times");
	e = (struct err){0};
	body[17] = 0;
	ev = recorded_event(&room, EVENT_GTID, 0, body, 25);
	assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
	assert_string_equal(e.msg, "Gtid event: wrong number");
	buf_free(&room);
}

static void
test_event_gtid_tagged_of_later_servers(void **state)
{
	/* Version 1, 23 bytes; the last field that counts; flags, number,
	 * tag, two times of which the second stands alone. */
	uint8_t body[] = { 2, 46, 0, 0, 0, 4, 28, 6, 4, 'a', 'b', 12, 0xfb,
		0xff, 3, 14, 0x21, 0x03, 16, 0xff, 1, 0, 0, 0, 0, 0, 0, 0x80,
		250, 1 };
	static const struct event_format f;
	struct event_gtid g;
	struct buf room = {0};
	struct event ev;
	struct err e = {0};

	(void)state;
	body[1] = sizeof(body) * 2;
	ev = recorded_event(&room, EVENT_GTID_TAGGED, 0, body, sizeof(body));
	assert_int_equal(event_gtid(&ev, &f, &g, &e), 0);
	assert_string_equal(g.gtid.tag, "ab");
	assert_true(g.gtid.number == 7);
	assert_true(g.commit_us == 32767);
	assert_true(g.original_us == 0xc8);
	assert_true(g.length == 0x8000000000000001);
	/* A field of tomorrow that may not be ignored. */
	body[2] = 250;
	ev = recorded_event(&room, EVENT_GTID_TAGGED, 0, body, sizeof(body));
	assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
	assert_string_equal(e.msg, "Gtid_tagged event: wrong field");
	e = (struct err){0};
	body[2] = 0;
	body[9] = '1';
	ev = recorded_event(&room, EVENT_GTID_TAGGED, 0, body, sizeof(body));
	assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
	assert_string_equal(e.msg, "Gtid_tagged event: wrong field");
	e = (struct err){0};
	body[1] -= 2;
	ev = recorded_event(&room, EVENT_GTID_TAGGED, 0, body, sizeof(body));
	assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
	assert_string_equal(e.msg, "Gtid_tagged event: wrong frame");
	buf_free(&room);
}

static void
test_event_gtid_of_mariadb(void **state)
{
	/* Number 9 in domain 3: standalone, of a group of commits, DDL, of an
	 * XA transaction; two engines, commit of the ALTER that 7 began. */
	static const uint8_t body[] = { 9, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
		1 | 2 | 32 | 128, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 1, 0, 0, 0, 2, 1, 'x', 'y', 'z', 1 | 4, 2,
		7, 0, 0, 0, 0, 0, 0, 0 };
	static const struct event_format f;
	struct event_gtid g;
	struct buf room = {0};
	struct event ev;
	struct err e = {0};
	size_t n;

	(void)state;
	ev = recorded_event(&room, EVENT_MARIA_GTID, 0, body, sizeof(body));
	ev.server_id = 5;
	assert_int_equal(event_gtid(&ev, &f, &g, &e), 0);
	assert_true(g.gtid.number == 9 && g.gtid.domain == 3 &&
	    g.gtid.server == 5 && g.standalone && g.ddl && g.xa_complete &&
	    !g.xa_prepare);
	assert_true(g.start_alter == 0 && g.commit_alter == 7 &&
	    g.rollback_alter == 0);
	for (n = 0; n < sizeof(body); n++) {
		/* Flags of the end may be left out as a whole. */
		if (n == 30)
			continue;
		ev = recorded_event(&room, EVENT_MARIA_GTID, 0, body, n);
		e = (struct err){0};
		assert_int_equal(event_gtid(&ev, &f, &g, &e), -1);
		assert_string_equal(e.msg, "Gtid event: wrong size");
	}
	buf_free(&room);
}

/* A payload with a head of our own making. */
static int
payload(const uint8_t *head, size_t n, const struct buf *inside, bool zstd,
    size_t cut, size_t *count, struct err *e)
{
	static const struct event_format f = { .known = true,
		.checksum = true };
	struct event_payload *p;
	struct buf body = {0}, room = {0};
	struct event ev, inner;
	int rc = -1;

	buf_add(&body, head, n);
	assert_int_equal(buf_reserve(&body, inside->len + 1000), 0);
	if (zstd)
		body.len += ZSTD_compress(body.data + body.len,
		    inside->len + 1000, inside->data, inside->len, 3);
	else
		buf_add(&body, inside->data, inside->len);
	ev = recorded_event(&room, EVENT_PAYLOAD, 0, body.data,
	    body.len - cut);
	p = event_payload_open(&ev, &f, e);
	*count = 0;
	if (p != NULL) {
		while ((rc = event_payload_next(p, &inner, e)) == 1) {
			assert_int_equal(inner.body_len,
			    inner.size - EVENT_HEADER);
			++*count;
		}
	}
	event_payload_close(p);
	buf_free(&room);
	buf_free(&body);
	return rc;
}

static void
test_event_payload(void **state)
{
	static const uint8_t zeros[300000];
	uint8_t zstd[] = { 2, 1, 0, 3, 4, 0xfd, 0, 0, 0, 0 };
	static const uint8_t plain[] = { 2, 3, 0xfc, 0xff, 0, 0 }, none[] = { 0 };
	static const uint8_t unknown[] = { 2, 1, 7, 0 };
	static const uint8_t sized[] = { 1, 1, 5, 0 };
	struct buf inside = {0};
	struct err e = {0};
	size_t count;

	(void)state;
	recorded_make(&inside, EVENT_XID, 0, zeros, 8);
	recorded_make(&inside, EVENT_ROWS_QUERY, 0, zeros, 290000);
	recorded_make(&inside, EVENT_XID, 0, zeros, 8);
	zstd[6] = (uint8_t)inside.len;
	zstd[7] = (uint8_t)(inside.len >> 8);
	zstd[8] = (uint8_t)(inside.len >> 16);
	assert_int_equal(payload(zstd, 10, &inside, true, 0, &count, &e), 0);
	assert_int_equal(count, 3);
	assert_int_equal(payload(plain, 6, &inside, false, 0, &count, &e), 0);
	assert_int_equal(count, 3);
	assert_int_equal(payload(none, 1, &inside, false, 0, &count, &e), 0);
	assert_int_equal(payload(zstd, 10, &inside, true, 1, &count, &e), -1);
	assert_string_equal(e.msg, "Transaction_payload event: ends within an "
	    "event");
	e = (struct err){0};
	assert_int_equal(payload(plain, 6, &inside, false, 1, &count, &e),
	    -1);
	assert_int_equal(count, 2);
	e = (struct err){0};
	zstd[6]++;
	assert_int_equal(payload(zstd, 10, &inside, true, 0, &count, &e), -1);
	assert_string_equal(e.msg, "Transaction_payload event: fewer bytes "
	    "than its header says");
	e = (struct err){0};
	zstd[6] -= 2;
	assert_int_equal(payload(zstd, 10, &inside, true, 0, &count, &e), -1);
	assert_string_equal(e.msg, "Transaction_payload event: more bytes "
	    "than its header says");
	e = (struct err){0};
	assert_int_equal(payload(unknown, 4, &inside, false, 0, &count, &e),
	    -1);
	assert_string_equal(e.msg, "Transaction_payload event: unknown "
	    "compression");
	e = (struct err){0};
	assert_int_equal(payload(sized, 4, &inside, false, 0, &count, &e),
	    -1);
	assert_string_equal(e.msg, "Transaction_payload event: wrong header");
	/* A header inside that lies about its size. */
	e = (struct err){0};
	inside.data[9] = 18;
	assert_int_equal(payload(plain, 6, &inside, false, 0, &count, &e),
	    -1);
	assert_string_equal(e.msg, "Transaction_payload event: wrong size of "
	    "an event in it");
	e = (struct err){0};
	inside.data[9] = 27;
	inside.data[4] = EVENT_PAYLOAD;
	assert_int_equal(payload(plain, 6, &inside, false, 0, &count, &e),
	    -1);
	assert_string_equal(e.msg, "Transaction_payload event: holds what "
	    "none may hold");
	buf_free(&inside);
}

static void
test_event_compressed_query_refuses(void **state)
{
	/* Thread, time, no schema, no error, no status, the schema's NUL;
	 * then zlib, one byte of length. */
	uint8_t body[80] = {0}, *at = body + 14;
	static const struct event_format f;
	struct event_query q;
	struct buf room = {0}, sql = {0};
	struct event ev;
	struct err e = {0};
	uLongf n = sizeof(body) - 16;

	(void)state;
	assert_int_equal(compress(at + 2, &n, (const Bytef *)"SELECT 1", 8),
	    Z_OK);
	at[0] = 0x81;
	at[1] = 8;
	ev = recorded_event(&room, EVENT_MARIA_QUERY_COMPRESSED, 0, body,
	    16 + n);
	assert_int_equal(event_query(&ev, &f, &q, &sql, &e), 0);
	assert_int_equal(q.sql_len, 8);
	assert_memory_equal(q.sql, "SELECT 1", 8);
	at[1] = 9;
	ev = recorded_event(&room, EVENT_MARIA_QUERY_COMPRESSED, 0, body,
	    16 + n);
	assert_int_equal(event_query(&ev, &f, &q, &sql, &e), -1);
	assert_string_equal(e.msg, "Query_compressed event: wrong compressed "
	    "bytes");
	e = (struct err){0};
	/* A gigabyte of sixteen bytes. */
	at[0] = 0x84;
	ev = recorded_event(&room, EVENT_MARIA_QUERY_COMPRESSED, 0, body,
	    16 + n);
	assert_int_equal(event_query(&ev, &f, &q, &sql, &e), -1);
	assert_string_equal(e.msg, "Query_compressed event: wrong length of "
	    "compressed bytes");
	e = (struct err){0};
	at[0] = 0x91;
	ev = recorded_event(&room, EVENT_MARIA_QUERY_COMPRESSED, 0, body,
	    16 + n);
	assert_int_equal(event_query(&ev, &f, &q, &sql, &e), -1);
	assert_string_equal(e.msg, "Query_compressed event: wrong head of "
	    "compressed bytes");
	buf_free(&room);
	buf_free(&sql);
}

/* Shorter by some bytes and framed anew: whatever reads it must notice, or
 * make something of it, and stay within. */
static void
shorten(struct listing *l, const struct event *ev,
    const struct event_format *f, size_t n)
{
	struct event_format plain = *f;
	struct transactions *scan;
	const struct transaction *done;
	struct event cut;
	struct err e = {0};
	uint8_t *copy = malloc(n);

	/* Memory of just this size: one byte too far is seen by asan. */
	assert_non_null(copy);
	memcpy(copy, ev->data, n);
	copy[9] = (uint8_t)n;
	copy[10] = (uint8_t)(n >> 8);
	copy[11] = (uint8_t)(n >> 16);
	plain.checksum = false;
	if (ev->type != EVENT_FORMAT && event_parse(copy, n, &plain, &cut,
	    &e) == 0) {
		(void)show_event(l, &cut, &plain, &e);
		e = (struct err){0};
		scan = transactions_new(&e);
		assert_non_null(scan);
		(void)transactions_event(scan, &cut, &plain, 4, &done, &e);
		transactions_free(scan);
		buf_clear(&l->out);
	}
	free(copy);
}

static void
test_event_every_prefix_is_read_safely(void **state)
{
	struct listing l = { .rows = true };
	struct event_format f;
	struct event ev;
	struct buf file = {0};
	struct err e = {0};
	unsigned seen[256];
	size_t i, at, n;

	(void)state;
	for (i = 0; i < RECORDED; i++) {
		buf_clear(&file);
		recorded_read(recorded_names[i], "binlog", &file);
		f = (struct event_format){0};
		memset(seen, 0, sizeof(seen));
		for (at = 4; recorded_next(&file, &at, &f, &ev); ) {
			/* Three of a kind are enough. */
			if (seen[ev.type]++ >= 3)
				continue;
			for (n = EVENT_HEADER; n < ev.size; n++)
				if (n < 300 || n + 300 > ev.size ||
				    n % 97 == 0)
					shorten(&l, &ev, &f, n);
			e = (struct err){0};
			(void)show_event(&l, &ev, &f, &e);
			buf_clear(&l.out);
		}
		listing_free(&l);
	}
	buf_free(&file);
}

/* In "LOAD DATA INFILE '.../lines.tsv' INTO TABLE u": where the file is. */
static void
test_event_load_query_of_both_vendors(void **state)
{
	struct buf file = {0}, room = {0};
	struct event_format f;
	struct event_query q;
	struct event ev;
	struct err e = {0};
	size_t i, at, found = 0;
	uint32_t id = 0;

	(void)state;
	for (i = 0; i < RECORDED; i++) {
		buf_clear(&file);
		recorded_read(recorded_names[i], "binlog", &file);
		f = (struct event_format){0};
		for (at = 4; recorded_next(&file, &at, &f, &ev);) {
			if (ev.type == EVENT_BEGIN_LOAD_QUERY)
				memcpy(&id, ev.body, sizeof(id));
			if (ev.type != EVENT_EXECUTE_LOAD_QUERY)
				continue;
			assert_int_equal(event_query(&ev, &f, &q, &room, &e),
			    0);
			assert_int_equal(q.load_file, id);
			assert_int_equal(q.load_duplicates, 0);
			assert_true(q.load_from < q.load_to &&
			    q.load_to < q.sql_len);
			assert_memory_equal(q.sql, "LOAD DATA ", 10);
			assert_in_range(q.load_from, 9, 10);
			assert_memory_equal(q.sql + q.load_to - 4, "INTO", 4);
			found++;
		}
	}
	assert_int_equal(found, 2);
	buf_free(&file);
	buf_free(&room);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_recorded_files_read_as_known),
		cmocka_unit_test(test_event_format_of_both_vendors),
		cmocka_unit_test(test_event_checksum_notices_every_byte),
		cmocka_unit_test(test_event_parse_refuses),
		cmocka_unit_test(test_event_rotate_and_heartbeat),
		cmocka_unit_test(test_event_gtid_of_older_servers),
		cmocka_unit_test(test_event_gtid_tagged_of_later_servers),
		cmocka_unit_test(test_event_gtid_of_mariadb),
		cmocka_unit_test(test_event_load_query_of_both_vendors),
		cmocka_unit_test(test_event_payload),
		cmocka_unit_test(test_event_compressed_query_refuses),
		cmocka_unit_test(test_event_every_prefix_is_read_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
