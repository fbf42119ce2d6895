/* SPDX-License-Identifier: Apache-2.0 */
/* stream_test: what of a dump are bytes of a file, and what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/stream.h"
#include "base/err.h"

struct made {
	uint8_t data[256];
	size_t n;
};

static void
put(uint8_t *at, uint64_t v, int n)
{
	for (; n > 0; n--, v >>= 8)
		*at++ = (uint8_t)v;
}

/* An event without checksum. */
static struct made
make(uint8_t type, uint32_t next, uint16_t flags, const void *body, size_t n)
{
	struct made m = { .n = EVENT_HEADER + n };

	m.data[4] = type;
	put(m.data + 5, 77, 4);
	put(m.data + 9, m.n, 4);
	put(m.data + 13, next, 4);
	put(m.data + 17, flags, 2);
	memcpy(m.data + EVENT_HEADER, body, n);
	return m;
}

static struct made
make_rotate(uint32_t next, uint16_t flags, uint64_t position,
    const char *name)
{
	uint8_t body[64];

	put(body, position, 8);
	memcpy(body + 8, name, strlen(name));
	return make(EVENT_ROTATE, next, flags, body, 8 + strlen(name));
}

/* Without checksums, at position 4, unless next is 0. */
static struct made
make_format(uint32_t next)
{
	uint8_t body[57 + 40 + 5] = { 4, 0 };
	struct made m;

	memcpy(body + 2, "9.7.4", 5);
	body[56] = EVENT_HEADER;
	m = make(EVENT_FORMAT, next, 0, body, sizeof(body));
	if (next == 1)
		put(m.data + 13, 4 + m.n, 4);
	return m;
}

static int
give(struct stream *s, const struct made *m, struct stream_event *out,
    struct err *e)
{
	*e = (struct err){0};
	return stream_take(s, m->data, m->n, out, e);
}

#define BEGUN(s, e)							\
	struct stream s = {0};						\
	struct stream_event out;					\
	struct err e = {0};						\
	struct made m;							\
	assert_int_equal(stream_begin(&s, "b.000007", 0, false, &e), 0);	\
	m = make_rotate(0, EVENT_FLAG_ARTIFICIAL, 4, "b.000007");	\
	assert_int_equal(give(&s, &m, &out, &e), 0);			\
	assert_int_equal(out.what, STREAM_NOTHING);			\
	m = make_format(1);						\
	assert_int_equal(give(&s, &m, &out, &e), 0);			\
	assert_int_equal(out.what, STREAM_BYTES);			\
	assert_int_equal(out.offset, 4)

static void
test_stream_rotation_names_the_next_file(void **state)
{
	BEGUN(s, e);
	uint32_t at = (uint32_t)s.offset;

	(void)state;
	m = make_rotate(at + 35, 0, 4, "b.000008");
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_BYTES);
	assert_true(s.closed);
	m = make_rotate(0, EVENT_FLAG_ARTIFICIAL, 4, "b.000008");
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_FILE);
	assert_string_equal(out.name, "b.000008");
	stream_fini(&s);
}

static void
test_stream_later_begin_leaves_format_out(void **state)
{
	struct stream s = {0};
	struct stream_event out;
	struct err e = {0};
	struct made m;

	(void)state;
	assert_int_equal(stream_begin(&s, "b.000007", 5000, false, &e), 0);
	m = make_rotate(0, EVENT_FLAG_ARTIFICIAL, 5000, "b.000007");
	assert_int_equal(give(&s, &m, &out, &e), 0);
	m = make_format(0);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_NOTHING);
	m = make(EVENT_STOP, 5019, 0, "", 0);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_BYTES);
	assert_int_equal(out.offset, 5000);
	stream_fini(&s);
}

static void
test_stream_later_begin_leaves_encryption_out(void **state)
{
	BEGUN(s, e);
	uint32_t at = (uint32_t)s.offset;

	(void)state;
	m = make(EVENT_MARIA_START_ENCRYPTION, at + 36, 0x80,
	    "\1\1\0\0\0" "123456789012", 17);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_BYTES);
	m = make(EVENT_MARIA_START_ENCRYPTION, 0, 0x80,
	    "\1\1\0\0\0" "123456789012", 17);
	assert_false(stream_is_bytes(m.data, m.n));
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_NOTHING);
	stream_fini(&s);
}

/* Headers have 32 bits for an event's end: over 4 GiB they begin anew. */
static void
test_stream_goes_on_over_four_gib(void **state)
{
	uint64_t at = UINT64_C(0x100000000) - 30;
	struct stream s = {0};
	struct stream_event out;
	struct err e = {0};
	struct made m;

	(void)state;
	assert_int_equal(stream_begin(&s, "b.000007", at, false, &e), 0);
	m = make_rotate(0, EVENT_FLAG_ARTIFICIAL, at, "b.000007");
	assert_int_equal(give(&s, &m, &out, &e), 0);
	m = make_format(0);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	m = make(EVENT_MARIA_CHECKPOINT, (uint32_t)at + 30, 0,
	    "12345678901", 11);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_BYTES);
	assert_true(out.offset == at);
	assert_true(s.offset == UINT64_C(0x100000000));
	m = make(EVENT_STOP, 20, 0, "", 0);
	assert_int_equal(give(&s, &m, &out, &e), -1);
	assert_string_equal(e.msg, "b.000007 at 4294967296: Stop event of 19 "
	    "bytes ends at 20");
	m = make(EVENT_STOP, 19, 0, "", 0);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_true(out.offset == UINT64_C(0x100000000));
	assert_true(s.offset == UINT64_C(0x100000013));
	stream_fini(&s);
}

static void
test_stream_refuses_wrong_position(void **state)
{
	BEGUN(s, e);

	(void)state;
	m = make(EVENT_STOP, 9999, 0, "", 0);
	assert_int_equal(give(&s, &m, &out, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "b.000007 at 125: Stop event of 19 bytes "
	    "ends at 9999");
	stream_fini(&s);
}

static void
test_stream_refuses_event_behind_the_end(void **state)
{
	BEGUN(s, e);

	(void)state;
	m = make(EVENT_STOP, (uint32_t)s.offset + 19, 0, "", 0);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	m = make(EVENT_STOP, (uint32_t)s.offset + 19, 0, "", 0);
	assert_int_equal(give(&s, &m, &out, &e), -1);
	assert_string_equal(e.msg, "b.000007 at 144: Stop event behind the "
	    "end of the file");
	stream_fini(&s);
}

static void
test_stream_refuses_other_file(void **state)
{
	struct stream s = {0};
	struct stream_event out;
	struct err e = {0};
	struct made m;

	(void)state;
	assert_int_equal(stream_begin(&s, "b.000007", 0, false, &e), 0);
	m = make_format(1);
	assert_int_equal(give(&s, &m, &out, &e), -1);
	assert_string_equal(e.msg, "b.000007 at 0: Format_description event "
	    "before the file's name and format");
	m = make_rotate(0, EVENT_FLAG_ARTIFICIAL, 4, "b.000009");
	assert_int_equal(give(&s, &m, &out, &e), -1);
	assert_string_equal(e.msg, "b.000007 at 0: the server sends file "
	    "b.000009 instead");
	stream_fini(&s);
}

static void
test_stream_heartbeat_is_a_position(void **state)
{
	BEGUN(s, e);

	(void)state;
	m = make(EVENT_HEARTBEAT, 777, 0, "b.000007", 8);
	assert_int_equal(give(&s, &m, &out, &e), 0);
	assert_int_equal(out.what, STREAM_POSITION);
	assert_int_equal(out.position, 777);
	assert_false(stream_is_bytes(m.data, m.n));
	stream_fini(&s);
}

static void
test_stream_name_add(void **state)
{
	char next[STREAM_NAME_MAX];

	(void)state;
	stream_name_add("binlog.000009", 1, next);
	assert_string_equal(next, "binlog.000010");
	stream_name_add("a.b-bin.999999", 1, next);
	assert_string_equal(next, "a.b-bin.1000000");
	stream_name_add("binlog.000009", -4, next);
	assert_string_equal(next, "binlog.000005");
	stream_name_add("binlog.000009", -9, next);
	assert_string_equal(next, "");
	stream_name_add("binlog", 1, next);
	assert_string_equal(next, "");
	stream_name_add("binlog-000001.ibb", 1, next);
	assert_string_equal(next, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_rotation_names_the_next_file),
		cmocka_unit_test(test_stream_later_begin_leaves_format_out),
		cmocka_unit_test(
		    test_stream_later_begin_leaves_encryption_out),
		cmocka_unit_test(test_stream_goes_on_over_four_gib),
		cmocka_unit_test(test_stream_refuses_wrong_position),
		cmocka_unit_test(test_stream_refuses_event_behind_the_end),
		cmocka_unit_test(test_stream_refuses_other_file),
		cmocka_unit_test(test_stream_heartbeat_is_a_position),
		cmocka_unit_test(test_stream_name_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
