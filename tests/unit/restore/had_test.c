/* SPDX-License-Identifier: Apache-2.0 */
/* had_test: what a target has of a route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/had.h"

#define UUID "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct gtid_set *
set(enum flavour_kind kind, const char *text)
{
	struct err e = {0};
	struct gtid_set *s = gtid_set_new(kind, &e);

	assert_non_null(s);
	if (gtid_set_parse(s, text, &e) != 0)
		fail_msg("%s", e.msg);
	return s;
}

static struct had *
had(enum flavour_kind kind, const char *have, const char *held)
{
	struct gtid_set *a = set(kind, have), *b = set(kind, held);
	struct err e = {0};
	struct had *h = had_new(a, b, &e);

	if (h == NULL)
		fail_msg("%s", e.msg);
	gtid_set_free(a);
	gtid_set_free(b);
	return h;
}

static bool
next(struct had *h, enum flavour_kind kind, const char *text)
{
	struct err e = {0};
	struct gtid g;

	if (gtid_parse(text, kind, &g, &e) != 0)
		fail_msg("%s", e.msg);
	return had_next(h, &g);
}

static void
test_had_mysql_one_by_one(void **state)
{
	struct had *h = had(FLAVOUR_MYSQL, UUID ":1-10:12", UUID ":1-9");

	(void)state;
	assert_false(had_nothing(h));
	assert_true(next(h, FLAVOUR_MYSQL, UUID ":10"));
	assert_false(next(h, FLAVOUR_MYSQL, UUID ":11"));
	assert_true(next(h, FLAVOUR_MYSQL, UUID ":12"));
	assert_false(next(h, FLAVOUR_MYSQL, UUID ":13"));
	assert_false(had_missing(h, NULL));
	had_free(h);
}

static void
test_had_nothing_at_the_start(void **state)
{
	struct had *h = had(FLAVOUR_MYSQL, UUID ":1-9", UUID ":1-9");

	(void)state;
	assert_true(had_nothing(h));
	had_free(h);
	h = had(FLAVOUR_MARIADB, "0-1-9,5-2-7", "5-2-7,0-1-9");
	assert_true(had_nothing(h));
	assert_false(next(h, FLAVOUR_MARIADB, "0-1-10"));
	/* a second writer's number is behind: it is new all the same */
	assert_false(next(h, FLAVOUR_MARIADB, "0-2-4"));
	had_free(h);
}

static void
test_had_mariadb_up_to_the_very_transaction(void **state)
{
	struct had *h = had(FLAVOUR_MARIADB, "0-2-12,5-2-7", "0-1-9,5-2-7");
	struct buf text = {0};

	(void)state;
	assert_false(had_nothing(h));
	assert_true(next(h, FLAVOUR_MARIADB, "0-1-13"));
	assert_true(had_missing(h, &text));
	assert_string_equal(buf_str(&text), "0-2-12");
	assert_true(next(h, FLAVOUR_MARIADB, "0-1-12"));
	assert_false(next(h, FLAVOUR_MARIADB, "5-2-8"));
	assert_true(next(h, FLAVOUR_MARIADB, "0-2-12"));
	assert_false(next(h, FLAVOUR_MARIADB, "0-2-12"));
	assert_false(next(h, FLAVOUR_MARIADB, "7-1-1"));
	assert_false(had_missing(h, NULL));
	buf_free(&text);
	had_free(h);
}

static void
test_had_without_gtid(void **state)
{
	struct had *h = had(FLAVOUR_MYSQL, UUID ":1-9", "");
	const struct gtid none = {0};

	(void)state;
	assert_false(had_next(h, &none));
	had_free(h);
	had_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_had_mysql_one_by_one),
		cmocka_unit_test(test_had_nothing_at_the_start),
		cmocka_unit_test(test_had_mariadb_up_to_the_very_transaction),
		cmocka_unit_test(test_had_without_gtid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
