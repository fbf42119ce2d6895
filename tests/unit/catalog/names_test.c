/* SPDX-License-Identifier: Apache-2.0 */
/* names_test: whatever a table is called, its key is a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/names.h"

#define TEN	"0123456789"
#define SIXTY	TEN TEN TEN TEN TEN TEN

static void
tail_is(const char *schema, const char *name, const char *want)
{
	char tail[NAME_TAIL_SIZE + 1];

	memset(tail, '#', sizeof(tail));
	name_tail(schema, name, tail);
	assert_string_equal(tail, want);
	assert_int_equal(tail[NAME_TAIL_SIZE], '#');
}

static void
test_names_tail_keeps_plain_names(void **state)
{
	(void)state;
	tail_is("shop", "orders", "shop.orders");
	tail_is("Shop-1", "o_2", "Shop-1.o_2");
	tail_is("shop", "", "shop");
	tail_is("", "", "");
}

/* Nothing in it may lead elsewhere or need quotes anywhere. */
static void
test_names_tail_replaces_all_else(void **state)
{
	(void)state;
	tail_is("..", "..", "__.__");
	tail_is("a/b", "../../etc", "a_b.______etc");
	tail_is("`a`", "'b\" ", "_a_._b__");
	tail_is("a\nb", "c\td\x7f", "a_b.c_d_");
	tail_is("a.b", "c=d", "a_b.c_d");
	tail_is("\xc3\xa4", "\xe7\xad\xbe", "__.___");
}

static void
test_names_tail_is_cut_at_60(void **state)
{
	char han[64 * 3 + 1], want[NAME_TAIL_SIZE];
	int i;

	(void)state;
	for (i = 0; i < 64; i++)
		memcpy(han + 3 * i, "\xe7\xad\xbe", 4);
	memset(want, '_', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	tail_is(han, han, want);
	want[1] = '.';
	want[0] = 'a';
	tail_is("a", han, want);
	tail_is(SIXTY, "x", SIXTY);
	tail_is(SIXTY TEN, "x", SIXTY);
	tail_is(TEN TEN TEN TEN TEN "012345678", "x",
	    TEN TEN TEN TEN TEN "012345678.");
	tail_is(TEN TEN TEN TEN TEN "01234567", "xy",
	    TEN TEN TEN TEN TEN "01234567.x");
}

static void
test_names_chunk_key(void **state)
{
	char key[STORE_KEY_MAX];

	(void)state;
	chunk_key("20261122T181500Z-7c1e", 42, "shop", "o/o", 7, key);
	assert_string_equal(key,
	    "data/20261122T181500Z-7c1e/00042-shop.o_o/7.tsv.zst");
	chunk_key("20261122T181500Z-7c1e", 4294967295u, SIXTY, "x",
	    4294967295u, key);
	assert_string_equal(key, "data/20261122T181500Z-7c1e/4294967295-" SIXTY
	    "/4294967295.tsv.zst");
}

static void
test_names_source_key(void **state)
{
	char key[STORE_KEY_MAX], relative[STORE_KEY_MAX];

	(void)state;
	assert_int_equal(source_key("orders", "data/x", key), 0);
	assert_string_equal(key, "sources/orders/data/x");
	/* sources/a/ are ten bytes, the NUL one */
	memset(relative, 'x', sizeof(relative));
	relative[STORE_KEY_MAX - 11] = '\0';
	assert_int_equal(source_key("a", relative, key), 0);
	assert_int_equal(strlen(key), STORE_KEY_MAX - 1);
	relative[STORE_KEY_MAX - 11] = 'x';
	relative[STORE_KEY_MAX - 10] = '\0';
	assert_int_equal(source_key("a", relative, key), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_tail_keeps_plain_names),
		cmocka_unit_test(test_names_tail_replaces_all_else),
		cmocka_unit_test(test_names_tail_is_cut_at_60),
		cmocka_unit_test(test_names_chunk_key),
		cmocka_unit_test(test_names_source_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
