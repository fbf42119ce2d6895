/* SPDX-License-Identifier: Apache-2.0 */
/* ground_note_test: what is a drill's own, by its note. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/ground_note.h"

static void
begin(struct ground_note *n)
{
	struct err e = {0};

	assert_int_equal(ground_note_init(n, "orders",
	    "20261122T181500Z-7c1e", &e), 0);
	assert_int_equal(ground_note_add_account(n, false, "root",
	    "localhost", &e), 0);
	assert_int_equal(ground_note_add_schema(n, "shop", &e), 0);
	assert_int_equal(ground_note_add_schema(n, "shop", &e), 0);
}

/* Written and read again. */
static void
again(struct ground_note *n)
{
	struct buf text = {0};
	struct err e = {0};

	assert_int_equal(ground_note_text(n, &text, &e), 0);
	ground_note_free(n);
	assert_null(n->doc);
	assert_int_equal(ground_note_parse(n, buf_str(&text), text.len, &e),
	    0);
	buf_free(&text);
}

static void
test_ground_note_comes_back(void **state)
{
	struct ground_note n = {0};
	struct buf text = {0};
	struct err e = {0};

	(void)state;
	begin(&n);
	assert_int_equal(ground_note_text(&n, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), "\"failed\":null,\"schemas\":"
	    "[\"shop\"],\"before\":[[\"root\",\"localhost\"]],"
	    "\"after\":null}"));
	buf_free(&text);
	again(&n);
	assert_string_equal(ground_note_source(&n), "orders");
	assert_string_equal(ground_note_backup(&n), "20261122T181500Z-7c1e");
	assert_int_equal(strlen(ground_note_began(&n)), 27);
	assert_null(ground_note_failed(&n));
	assert_true(ground_note_has_schema(&n, "shop", false));
	assert_false(ground_note_has_schema(&n, "Shop", false));
	assert_true(ground_note_has_schema(&n, "Shop", true));
	assert_false(ground_note_has_schema(&n, "mine", true));
	ground_note_free(&n);
}

static void
test_ground_note_knows_its_accounts(void **state)
{
	struct ground_note n = {0};
	struct err e = {0};

	(void)state;
	begin(&n);
	assert_true(ground_note_had_account(&n, "root", "LOCALHOST"));
	assert_false(ground_note_had_account(&n, "Root", "localhost"));
	assert_false(ground_note_had_account(&n, "root", "%"));
	/* Cut short: whatever came since is taken for the drill's. */
	assert_false(ground_note_made_account(&n, "root", "localhost"));
	assert_true(ground_note_made_account(&n, "app", "%"));
	/* Failed: what came later still is not. */
	assert_int_equal(ground_note_fail(&n, "too few rows", &e), 0);
	assert_int_equal(ground_note_add_account(&n, true, "root",
	    "localhost", &e), 0);
	assert_int_equal(ground_note_add_account(&n, true, "app", "%", &e),
	    0);
	again(&n);
	assert_string_equal(ground_note_failed(&n), "too few rows");
	assert_false(ground_note_made_account(&n, "root", "localhost"));
	assert_true(ground_note_made_account(&n, "app", "%"));
	assert_false(ground_note_made_account(&n, "dba", "%"));
	ground_note_free(&n);
	ground_note_free(&n);
}

static void
test_ground_note_refuses_what_is_none(void **state)
{
	static const char *const texts[] = { "", "{}", "[1]", "null",
	    "{\"version\":2,\"source\":\"a\",\"backup\":\"b\",\"began\":\"c\","
	    "\"failed\":null,\"schemas\":[],\"before\":[],\"after\":null}",
	    "{\"version\":1,\"source\":\"a\",\"backup\":\"b\",\"began\":\"c\","
	    "\"failed\":1,\"schemas\":[],\"before\":[],\"after\":null}",
	    "{\"version\":1,\"source\":\"a\",\"backup\":\"b\",\"began\":\"c\","
	    "\"failed\":null,\"schemas\":[1],\"before\":[],\"after\":null}",
	    "{\"version\":1,\"source\":\"a\",\"backup\":\"b\",\"began\":\"c\","
	    "\"failed\":null,\"schemas\":[],\"before\":[[\"u\"]],"
	    "\"after\":null}",
	    "{\"version\":1,\"source\":\"a\",\"backup\":\"b\",\"began\":\"c\","
	    "\"failed\":null,\"schemas\":[],\"before\":[],\"after\":[1]}" };
	struct ground_note n = {0};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = (struct err){0};
		assert_int_equal(ground_note_parse(&n, texts[i],
		    strlen(texts[i]), &e), -1);
		assert_string_equal(e.msg, "the notes of a drill on the "
		    "target are damaged");
		assert_int_equal(e.code, ERR_CORRUPT);
		assert_null(n.doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ground_note_comes_back),
		cmocka_unit_test(test_ground_note_knows_its_accounts),
		cmocka_unit_test(test_ground_note_refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
