/* SPDX-License-Identifier: Apache-2.0 */
/* s3_reader_test: streams that are fetched ahead of their readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/store.h"
#include "tests/unit/http/peer.h"

#define PART	1000
#define PIECES	8
#define PIECE	(PART / PIECES)
#define SIZE	2500

/* An object of SIZE bytes and what the peer does with who reads it. */
struct shelf {
	char data[SIZE];
	size_t size;		/* so many are there */
	unsigned arrived;	/* requests for pieces */
	unsigned hold;		/* so many more come before the next answer */
	unsigned from;		/* but the first so many are not held */
	bool for_ever;		/* or hold them until the end */
	unsigned busy;		/* so many are refused first */
	unsigned shrinks_after;	/* then the object is empty; 0: never */
	bool no_ranges, no_total;
};

static void
give_range(const struct shelf *s, const struct peer_request *r,
    struct peer_answer *a)
{
	unsigned long from = 0, to = 0;
	size_t size = s->shrinks_after > 0 && s->arrived > s->shrinks_after ?
	    0 : s->size;
	char range[64];

	(void)sscanf(peer_header(r, "range", range, sizeof(range)),
	    "bytes=%lu-%lu", &from, &to);
	if (s->no_ranges) {
		buf_add(&a->body, s->data, size);
	} else if (from >= size) {
		a->status = 416;
	} else {
		to = to < size ? to : size - 1;
		a->status = 206;
		if (!s->no_total)
			buf_addf(&a->headers, "Content-Range: bytes %lu-%lu/"
			    "%zu\r\n", from, to, size);
		buf_add(&a->body, s->data + from, to - from + 1);
	}
}

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct shelf *s = p->arg;
	unsigned mine = ++s->arrived;

	if (s->busy > 0) {
		s->busy--;
		a->status = 503;
		return;
	}
	give_range(s, r, a);
	(void)pthread_cond_broadcast(&p->change);
	while (!p->stop && mine > s->from && (s->for_ever ||
	    s->arrived < s->hold))
		(void)pthread_cond_wait(&p->change, &p->lock);
}

static struct shelf shelf;
static struct peer *peer;
static struct store *store;

static void
open_store(size_t parts)
{
	const struct store_opts opts = { .url = "s3://bucket/pre",
	    .endpoint = peer->url, .region = "us-east-1", .part_size = PART,
	    .memory = parts * PART, .retry_ms = 60000 };
	struct err e = {0};

	store_close(store);
	store = store_open(&opts, &e);
	if (store == NULL)
		fail_msg("%s", e.msg);
}

static int
setup(void **state)
{
	size_t i;

	(void)state;
	shelf = (struct shelf){ .size = SIZE };
	for (i = 0; i < SIZE; i++)
		shelf.data[i] = (char)(i % 251);
	peer = peer_start(answer, &shelf);
	if (peer == NULL)
		return -1;
	open_store(6);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	peer_stop(peer);
	return 0;
}

static struct object_reader *
open_at(uint64_t offset, uint64_t length)
{
	struct err e = {0};
	struct object_reader *r = object_open(store, "k", offset, length, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	return r;
}

/* Read on from the object's byte at to its end or the first failure. */
static int
read_all(struct object_reader *r, size_t *at, struct err *e)
{
	const void *data;
	size_t n;

	for (;;) {
		if (object_read(r, &data, &n, e) != 0)
			return -1;
		if (n == 0)
			return 0;
		if (n > PIECE || *at + n > SIZE || memcmp(data, shelf.data +
		    *at, n) != 0)
			return err_set(e, ERR_IO, 0, "other bytes at %zu",
			    *at);
		*at += n;
	}
}

static void
reads(uint64_t offset, uint64_t length, size_t end)
{
	struct object_reader *r = open_at(offset, length);
	struct err e = {0};
	size_t at = (size_t)offset;

	if (read_all(r, &at, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(at, end);
	/* The end stays the end. */
	assert_int_equal(read_all(r, &at, &e), 0);
	object_close(r);
}

static void
reads_not(uint64_t offset, uint64_t length, enum err_code code,
    const char *why)
{
	struct object_reader *r = open_at(offset, length);
	struct err e = {0};
	size_t at = (size_t)offset;

	assert_int_equal(read_all(r, &at, &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	object_close(r);
}

static void
test_s3_reader_reads_in_pieces_to_the_end(void **state)
{
	(void)state;
	reads(100, UINT64_MAX, SIZE);
	assert_int_equal(shelf.arrived, 20);
	reads(0, SIZE, SIZE);
	reads(7, 1, 8);
	reads(3 * PIECE, 2 * PIECE, 5 * PIECE);
	reads(PIECE, 0, PIECE);
	assert_int_equal(shelf.arrived, 20 + 20 + 1 + 2);
	object_close(NULL);
}

static void
test_s3_reader_of_an_empty_object(void **state)
{
	(void)state;
	shelf.size = 0;
	reads(0, UINT64_MAX, 0);
	reads_not(0, 1, ERR_CORRUPT, "s3://bucket/pre/k: ends before byte 1");
}

/* None of the pieces is answered before all that fit into the part are asked
 * for: eight, when the end is known. */
static void
test_s3_reader_asks_ahead(void **state)
{
	(void)state;
	shelf.hold = PIECES;
	reads(0, SIZE, SIZE);
}

/* The first tells how much there is; while it is lent out, the other seven are
 * under way, and no more. */
static void
test_s3_reader_holds_no_more_than_its_part(void **state)
{
	struct object_reader *r = open_at(0, UINT64_MAX);
	struct err e = {0};
	const void *data;
	size_t n;

	(void)state;
	shelf.from = 1;
	shelf.for_ever = true;
	assert_int_equal(object_read(r, &data, &n, &e), 0);
	assert_int_equal(n, PIECE);
	(void)pthread_mutex_lock(&peer->lock);
	while (shelf.arrived < PIECES)
		(void)pthread_cond_wait(&peer->change, &peer->lock);
	(void)pthread_mutex_unlock(&peer->lock);
	/* Nobody answers them: what is under way is not waited for. */
	object_close(r);
	assert_int_equal(shelf.arrived, PIECES);
}

static void
test_s3_reader_tries_a_piece_again_in_its_place(void **state)
{
	struct store_counters c;

	(void)state;
	shelf.busy = 3;
	reads(0, SIZE, SIZE);
	store_counters(store, &c);
	assert_int_equal(c.retries, 3);
}

static void
test_s3_reader_sees_an_object_that_ends_early(void **state)
{
	(void)state;
	shelf.size = 2 * PIECE + 1;
	reads_not(0, 3 * PIECE, ERR_CORRUPT, "s3://bucket/pre/k: ends before "
	    "byte 375");
	reads_not(0, 4 * PIECE, ERR_CORRUPT, "s3://bucket/pre/k: ends before "
	    "byte 500");
}

/* A peer of its own: what an earlier reader gave up may still arrive. */
static void
test_s3_reader_sees_an_object_shrink_under_it(void **state)
{
	(void)state;
	shelf.size = 2 * PIECE + 1;
	shelf.shrinks_after = 1;
	reads_not(0, UINT64_MAX, ERR_CORRUPT, "s3://bucket/pre/k: ends before "
	    "byte 251");
}

static void
test_s3_reader_of_a_store_without_ranges(void **state)
{
	(void)state;
	shelf.no_ranges = true;
	reads_not(0, UINT64_MAX, ERR_IO, "s3://bucket/pre/k: the store "
	    "ignores ranges");
	shelf.no_ranges = false;
	shelf.no_total = true;
	reads_not(PIECE, UINT64_MAX, ERR_IO, "s3://bucket/pre/k: the store "
	    "does not say how large the object is");
	/* Not asked for, where the length is known. */
	reads(PIECE, PIECE, 2 * PIECE);
}

/* The smallest budget there is, one part to read with, and many readers. */
static void *
reader(void *arg)
{
	struct err e = {0};
	struct object_reader *r;
	size_t at, k;

	(void)arg;
	for (k = 0; k < 4; k++) {
		at = k * 10;
		r = object_open(store, "k", at, UINT64_MAX, &e);
		if (r == NULL || read_all(r, &at, &e) != 0 || at != SIZE)
			return "read";
		object_close(r);
	}
	return NULL;
}

static void
test_s3_readers_side_by_side_all_end(void **state)
{
	pthread_t thread[6];
	void *failed;
	size_t i;

	(void)state;
	open_store(2);
	for (i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reader,
		    NULL), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s3_reader_reads_in_pieces_to_the_end),
		TEST(test_s3_reader_of_an_empty_object),
		TEST(test_s3_reader_asks_ahead),
		TEST(test_s3_reader_holds_no_more_than_its_part),
		TEST(test_s3_reader_tries_a_piece_again_in_its_place),
		TEST(test_s3_reader_sees_an_object_that_ends_early),
		TEST(test_s3_reader_sees_an_object_shrink_under_it),
		TEST(test_s3_reader_of_a_store_without_ranges),
		TEST(test_s3_readers_side_by_side_all_end),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
