/* SPDX-License-Identifier: Apache-2.0 */
/* wire_test: queries and their answers, from servers good and bad. */
#include "wire_peer.h"

#define MIB ((size_t)1 << 20)

static const struct wire_opts plain = { .password = "x" };

/* Ask something, which the server hears. */
static void
ask(struct peer *p, const char *sql)
{
	struct buf b = {0};

	assert_int_equal(wire_query(p->w, sql, &p->e), 0);
	buf_addc(&b, 3);
	buf_adds(&b, sql);
	peer_asked(p, b.data, b.len);
	buf_free(&b);
}

static void
say_columns(struct peer *p, size_t n)
{
	struct buf b = {0};

	packet_put_lenenc(&b, n);
	peer_say(p, b.data, b.len);
	for (; n > 0; n--)
		peer_say(p, "\3def\0\0\0\1a\0\x0c\x2d\0\0\4\0\0\xfd\0\0\0\0\0",
		    23);
	peer_eof(p);
	buf_free(&b);
}

/* The client has this row; NULL is SQL NULL. */
static void
row(struct peer *p, size_t n, const char *const *want)
{
	const char *const *values;
	const size_t *lengths;
	size_t i;

	assert_int_equal(peer_next(p), WIRE_ROW);
	assert_int_equal(wire_values(p->w, &values, &lengths), n);
	for (i = 0; i < n; i++) {
		if (want[i] == NULL) {
			assert_null(values[i]);
			continue;
		}
		assert_int_equal(lengths[i], strlen(want[i]));
		assert_string_equal(values[i], want[i]);
	}
}

static void
test_wire_query(void **state)
{
	struct peer p;
	size_t step;

	(void)state;
	for (step = 1; step < 1000; step += 500) {
		peer_enter(&p, &plain);
		p.step = step;
		/* One without rows, one with, one with none. */
		ask(&p, "SET @a=1");
		peer_ok(&p);
		assert_int_equal(peer_next(&p), WIRE_OK);
		ask(&p, "SELECT 1, NULL, ''");
		say_columns(&p, 3);
		peer_say(&p, "\1\x31\xfb\0", 4);
		peer_say(&p, "\0\2\x32\x33\1\x34", 6);
		peer_eof(&p);
		row(&p, 3, (const char *[]){ "1", NULL, "" });
		row(&p, 3, (const char *[]){ "", "23", "4" });
		assert_int_equal(peer_next(&p), WIRE_OK);
		ask(&p, "SELECT 1 LIMIT 0");
		say_columns(&p, 1);
		peer_eof(&p);
		assert_int_equal(peer_next(&p), WIRE_OK);
		assert_int_equal(peer_next(&p), WIRE_WAIT);
		peer_stop(&p);
	}
}

/* A value as long as this comes whole, and what follows it too. */
static void
large(size_t n, size_t step)
{
	const char *const *values;
	const size_t *lengths;
	struct buf b = {0};
	struct peer p;

	peer_enter(&p, &plain);
	ask(&p, "SELECT a, b");
	say_columns(&p, 2);
	packet_put_lenenc(&b, n);
	assert_int_equal(buf_reserve(&b, n), 0);
	memset(b.data + b.len, 'x', n);
	b.len += n;
	packet_put_string(&b, "end");
	peer_say(&p, b.data, b.len);
	peer_say(&p, "\1y\1z", 4);
	peer_eof(&p);
	p.step = step;
	assert_int_equal(peer_next(&p), WIRE_ROW);
	assert_int_equal(wire_room(p.w), 0);
	assert_int_equal(wire_values(p.w, &values, &lengths), 2);
	assert_int_equal(lengths[0], n);
	assert_int_equal(values[0][0], 'x');
	assert_int_equal(values[0][n - 1], 'x');
	assert_int_equal(values[0][n], '\0');
	assert_string_equal(values[1], "end");
	row(&p, 2, (const char *[]){ "y", "z" });
	assert_int_equal(peer_next(&p), WIRE_OK);
	peer_stop(&p);
	buf_free(&b);
}

static void
test_wire_large_rows(void **state)
{
	(void)state;
	large(300, 1);
	large(70000, 1000);
	large(3 * MIB, SIZE_MAX);
	large(16 * MIB - 1 - 8, 65536);
	large(16 * MIB - 1, 65536);
	large(40 * MIB, 100000);
}

/* A statement beyond 16 MiB goes out in frames, and comes in whole. */
static void
test_wire_large_query(void **state)
{
	char *sql = malloc(17 * MIB);
	struct peer p;

	(void)state;
	assert_non_null(sql);
	memset(sql, ' ', 17 * MIB);
	sql[17 * MIB - 1] = '\0';
	peer_enter(&p, &plain);
	ask(&p, sql);
	peer_ok(&p);
	assert_int_equal(peer_next(&p), WIRE_OK);
	peer_stop(&p);
	free(sql);
}

static void
test_wire_refused(void **state)
{
	const char *text;
	unsigned number;
	struct peer p;

	(void)state;
	peer_enter(&p, &plain);
	ask(&p, "SELEC");
	peer_error(&p, 1064, "#42000You have an error");
	assert_int_equal(peer_next(&p), WIRE_REFUSED);
	wire_error(p.w, &number, &text);
	assert_int_equal(number, 1064);
	assert_string_equal(text, "You have an error");
	/* Also among rows; then the next command is due. */
	ask(&p, "SELECT a");
	say_columns(&p, 1);
	peer_say(&p, "\1x", 2);
	peer_error(&p, 1317, "#70100Query execution was interrupted");
	row(&p, 1, (const char *[]){ "x" });
	assert_int_equal(peer_next(&p), WIRE_REFUSED);
	wire_error(p.w, &number, &text);
	assert_int_equal(number, 1317);
	ask(&p, "SET @a=1");
	peer_ok(&p);
	assert_int_equal(peer_next(&p), WIRE_OK);
	peer_stop(&p);
}

/* A server's text is kept as far as servers' texts go. */
static void
test_wire_refused_at_length(void **state)
{
	char words[2000];
	const char *text;
	unsigned number;
	struct peer p;

	(void)state;
	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	peer_enter(&p, &plain);
	ask(&p, "SELEC");
	peer_error(&p, 1064, words);
	assert_int_equal(peer_next(&p), WIRE_REFUSED);
	wire_error(p.w, &number, &text);
	assert_int_equal(strlen(text), 512);
	peer_stop(&p);
}

/* A query, then this packet, and the client gives up. */
static void
breaks(const void *packet, size_t n, enum err_code code, const char *want)
{
	struct peer p;

	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	peer_say(&p, packet, n);
	peer_failed(&p, code, want);
	peer_stop(&p);
}

static void
test_wire_refuses_local_infile(void **state)
{
	struct peer p;
	struct buf b = {0};

	(void)state;
	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	peer_say(&p, "\xfb/etc/passwd", 12);
	peer_failed(&p, ERR_DENIED, "the server asked for file '/etc/passwd', "
	    "which no statement of ours names: refused");
	/* Not a word more. */
	assert_false(peer_hear(&p, &b));
	peer_stop(&p);
	buf_free(&b);
	breaks("\xfb", 1, ERR_DENIED, "the server asked for file '', which no "
	    "statement of ours names: refused");
}

static void
test_wire_malformed_results(void **state)
{
	static const char what[] = "the server sent a malformed number of "
	    "columns";

	(void)state;
	breaks("", 0, ERR_CORRUPT, "the server sent a malformed packet: it "
	    "is empty");
	breaks("\1\1", 2, ERR_CORRUPT, what);
	breaks("\xfc\1", 2, ERR_CORRUPT, what);
	breaks("\xfc\1\x10", 3, ERR_CORRUPT, what);
	breaks("\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9, ERR_CORRUPT, what);
	breaks("\xff", 1, ERR_CORRUPT, "the server sent a malformed error");
}

/* As many columns, then this packet. */
static void
breaks_row(size_t columns, const void *packet, size_t n, const char *want)
{
	struct peer p;

	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	say_columns(&p, columns);
	peer_say(&p, packet, n);
	peer_failed(&p, ERR_CORRUPT, want);
	peer_stop(&p);
}

static void
test_wire_malformed_rows(void **state)
{
	static const char what[] = "the server sent a malformed row";
	struct peer p;

	(void)state;
	breaks_row(1, "\2x", 2, what);
	breaks_row(1, "\1xy", 3, what);
	breaks_row(2, "\1x", 2, what);
	breaks_row(2, "\1x\xff", 3, what);
	breaks_row(1, "\xfe\xff\xff\xff\xff\xff\xff\xff\xffx", 10, what);
	breaks_row(2, "\xfb\xfb\xfb", 3, what);
	breaks_row(4096, "\xfb", 1, what);
	/* Definitions that are none, too few or too many. */
	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	peer_say(&p, "\2", 1);
	peer_say(&p, "\3def", 4);
	peer_eof(&p);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent a malformed column definition");
	peer_stop(&p);
	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	peer_say(&p, "\1", 1);
	peer_say(&p, "\3def", 4);
	peer_say(&p, "\3def", 4);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent a malformed end of column definitions");
	peer_stop(&p);
}

static void
test_wire_unasked(void **state)
{
	struct err e = {0};
	struct peer p;

	(void)state;
	peer_enter(&p, &plain);
	peer_ok(&p);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent a packet that nobody asked for");
	peer_stop(&p);
	/* But a reason is heard, whatever its number. */
	peer_enter(&p, &plain);
	wire_link_sequence(p.l, 0);
	peer_error(&p, 4031, "#HY000The client was disconnected");
	peer_failed(&p, ERR_AGAIN,
	    "server error 4031: The client was disconnected");
	assert_int_equal(wire_query(p.w, "SELECT 1", &e), -1);
	assert_string_equal(e.msg,
	    "server error 4031: The client was disconnected");
	peer_stop(&p);
}

static void
test_wire_lost(void **state)
{
	struct peer p;

	(void)state;
	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	say_columns(&p, 1);
	peer_say(&p, "\1x", 2);
	while (peer_move(&p))
		continue;
	assert_int_equal(wire_input(p.w, "", 0, &p.e), 0);
	/* What came before the end is given; a half result is no result. */
	row(&p, 1, (const char *[]){ "x" });
	peer_failed(&p, ERR_AGAIN, "the server closed the connection");
	peer_stop(&p);
}

static void
test_wire_quit(void **state)
{
	struct peer p;

	(void)state;
	peer_enter(&p, &plain);
	ask(&p, "SELECT a");
	say_columns(&p, 1);
	peer_say(&p, "\1x", 2);
	row(&p, 1, (const char *[]){ "x" });
	/* In the middle of an answer, which goes on. */
	assert_int_equal(wire_quit(p.w, &p.e), 0);
	peer_say(&p, "\1y", 2);
	peer_asked(&p, "\1", 1);
	assert_int_equal(peer_next(&p), WIRE_WAIT);
	assert_int_equal(wire_input(p.w, "", 0, &p.e), 0);
	assert_int_equal(peer_next(&p), WIRE_WAIT);
	peer_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_query),
		cmocka_unit_test(test_wire_large_rows),
		cmocka_unit_test(test_wire_large_query),
		cmocka_unit_test(test_wire_refused),
		cmocka_unit_test(test_wire_refused_at_length),
		cmocka_unit_test(test_wire_refuses_local_infile),
		cmocka_unit_test(test_wire_malformed_results),
		cmocka_unit_test(test_wire_malformed_rows),
		cmocka_unit_test(test_wire_unasked),
		cmocka_unit_test(test_wire_lost),
		cmocka_unit_test(test_wire_quit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
