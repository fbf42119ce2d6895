/* SPDX-License-Identifier: Apache-2.0 */
/* tail_test: what is added is what is cut, byte for byte, in bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/tail.h"
#include "base/err.h"

#define BASE UINT64_C(5368709120)	/* beyond what 32 bits say */
#define SOME (3 * TAIL_BLOCK + 100)

static char bytes[SOME];

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SOME; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return 0;
}

/* The cut's bytes are those from its start on. */
static void
check_cut(const struct tail_cut *cut, uint64_t base)
{
	const struct tail_block *b;
	uint64_t at = cut->start;

	for (b = cut->first; b != NULL; at += b->to - b->from, b = b->next)
		assert_memory_equal(b->data + b->from, bytes + (at - base),
		    b->to - b->from);
	assert_int_equal(at, cut->end);
}

static void
test_tail_cut_at_boundary_keeps_rest(void **state)
{
	struct tail_memory m = { .limit = 100 };
	struct tail t = { .memory = &m };
	struct tail_cut a, b;
	struct buf line = {0};
	struct err e = {0};

	(void)state;
	tail_begin(&t, 3, BASE);
	assert_int_equal(tail_add(&t, bytes, SOME), SOME);
	t.boundary = BASE + TAIL_BLOCK + 17;
	buf_adds(&line, "{}\n");
	tail_line(&t, &line, 42);
	assert_int_equal(tail_cut(&t, t.boundary, &a, &e), 0);
	assert_int_equal(a.seq, 3);
	assert_int_equal(a.start, BASE);
	assert_int_equal(a.commit_us, 42);
	assert_string_equal(buf_str(&a.lines), "{}\n");
	check_cut(&a, BASE);
	/* The rest comes later, without lines. */
	assert_int_equal(tail_cut(&t, t.end, &b, &e), 0);
	assert_int_equal(b.start, a.end);
	assert_int_equal(b.end, BASE + SOME);
	assert_int_equal(b.lines.len, 0);
	check_cut(&b, BASE);
	assert_int_equal(t.since_ms, 0);
	tail_cut_free(&m, &a);
	tail_cut_free(&m, &b);
	assert_int_equal(m.used, 0);
	buf_free(&line);
}

static void
test_tail_cut_at_end_of_block(void **state)
{
	struct tail_memory m = { .limit = 100 };
	struct tail t = { .memory = &m };
	struct tail_cut a;
	struct err e = {0};

	(void)state;
	tail_begin(&t, 1, 0);
	(void)tail_add(&t, bytes, SOME);
	t.boundary = 2 * TAIL_BLOCK;
	assert_int_equal(tail_cut(&t, t.boundary, &a, &e), 0);
	check_cut(&a, 0);
	assert_int_equal(m.used, 4);
	tail_cut_free(&m, &a);
	assert_int_equal(m.used, 2);
	tail_clear(&t);
	assert_int_equal(m.used, 0);
}

static void
test_tail_add_stops_at_memory(void **state)
{
	struct tail_memory m = { .limit = 2 };
	struct tail t = { .memory = &m };

	(void)state;
	tail_begin(&t, 1, 0);
	assert_int_equal(tail_add(&t, bytes, SOME), 2 * TAIL_BLOCK);
	assert_true(t.starved);
	assert_int_equal(tail_add(&t, bytes, 1), 0);
	m.limit++;
	assert_int_equal(tail_add(&t, bytes, 1), 1);
	assert_false(t.starved);
	tail_clear(&t);
}

static void
test_tail_add_stops_at_segment(void **state)
{
	struct tail_memory m = { .limit = 1000 };
	struct tail t = { .memory = &m };
	uint64_t sum = 0, added;

	(void)state;
	tail_begin(&t, 1, 5);
	while ((added = tail_add(&t, bytes, SOME)) > 0)
		sum += added;
	assert_int_equal(sum, TAIL_MAX);
	assert_false(t.starved);
	tail_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tail_cut_at_boundary_keeps_rest),
		cmocka_unit_test(test_tail_cut_at_end_of_block),
		cmocka_unit_test(test_tail_add_stops_at_memory),
		cmocka_unit_test(test_tail_add_stops_at_segment),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
