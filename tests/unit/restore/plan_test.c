/* SPDX-License-Identifier: Apache-2.0 */
/* plan_test: what is picked comes back, under its new names, whole. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/plan.h"
#include "tests/unit/catalog/made.h"

/* --- picks --- */

static void
pick(struct restore_plan *p, const char *text, bool table)
{
	struct err e = {0};

	fixture_ok(restore_plan_pick(p, text, table, &e), &e);
}

static void
picks_not(const char *text, bool table, const char *why)
{
	struct restore_plan p = {0};
	struct err e = {0};

	fixture_failed(restore_plan_pick(&p, text, table, &e), &e, ERR_USAGE,
	    why);
	restore_plan_free(&p);
}

static void
test_plan_pick_names(void **state)
{
	struct restore_plan p = {0};

	(void)state;
	assert_false(restore_plan_renames(&p));
	pick(&p, "a", false);
	pick(&p, "b.x", true);
	assert_false(restore_plan_renames(&p));
	pick(&p, "c=d", false);
	pick(&p, "e.x=f.y.z", true);
	assert_true(restore_plan_renames(&p));
	assert_string_equal(restore_plan_schema(&p, "a"), "a");
	assert_string_equal(restore_plan_schema(&p, "c"), "d");
	assert_string_equal(restore_plan_schema(&p, "e"), "e");
	assert_string_equal(restore_plan_schema(&p, "other"), "other");
	assert_string_equal(restore_plan_table(&p, "c", "t"), "t");
	assert_string_equal(restore_plan_table(&p, "e", "x"), "y.z");
	assert_string_equal(restore_plan_table(&p, "e", "y"), "y");
	restore_plan_free(&p);
}

static void
test_plan_pick_refuses(void **state)
{
	struct restore_plan p = {0};
	struct err e = {0};

	(void)state;
	picks_not("", false, "--schema : not schema or schema=schema");
	picks_not("=a", false, "--schema =a: not schema or schema=schema");
	picks_not("a=", false, "--schema a=: not schema or schema=schema");
	picks_not("a", true, "--table a: not schema.table or schema.table="
	    "schema.table");
	picks_not(".a", true, "--table .a: not schema.table or schema.table="
	    "schema.table");
	picks_not("a.", true, "--table a.: not schema.table or schema.table="
	    "schema.table");
	picks_not("a=b.c", true, "--table a=b.c: not schema.table or "
	    "schema.table=schema.table");
	picks_not("a.b=c", true, "--table a.b=c: not schema.table="
	    "schema.table");
	picks_not("a.b=.c", true, "--table a.b=.c: not schema.table="
	    "schema.table");
	pick(&p, "a=b", false);
	fixture_failed(restore_plan_pick(&p, "a", false, &e), &e, ERR_USAGE,
	    "--schema a: named twice");
	pick(&p, "a.b", true);
	fixture_failed(restore_plan_pick(&p, "a.b=c.d", true, &e), &e,
	    ERR_USAGE, "--table a.b=c.d: named twice");
	restore_plan_free(&p);
}

/* --- reading --- */

static struct restore_plan
plan_of(struct made *m)
{
	made_write(m);
	return (struct restore_plan){ .head = m->head };
}

static void
read_ok(struct restore_plan *p)
{
	struct err e = {0};

	fixture_ok(restore_plan_read(fixture_store, p, &e), &e);
}

static void
test_plan_read_all(void **state)
{
	struct made m = MADE_INIT;
	struct restore_plan p = plan_of(&m);

	(void)state;
	read_ok(&p);
	assert_false(p.part);
	assert_int_equal(p.ntables, 3);
	/* the largest first */
	assert_string_equal(p.tables[0].name, "big");
	assert_string_equal(p.tables[1].name, "small");
	assert_string_equal(p.tables[2].to_name, "none");
	assert_int_equal(p.tables[1].columns[0].as, CONVERSION_NUMBER);
	assert_true(p.tables[0].transactional);
	assert_int_equal(p.nchunks, 3);
	assert_string_equal(p.chunks[0].object, MADE_CHUNK(0));
	assert_string_equal(p.chunks[1].object, MADE_CHUNK(1));
	assert_null(p.chunks[2].object);
	assert_string_equal(p.chunks[2].place.bundle, MADE_BUNDLE);
	assert_int_equal(p.chunks[2].table, 1);
	assert_int_equal(p.rows, 4);
	assert_int_equal(p.nobjects, 5);
	assert_string_equal(p.objects[3].context.sql_mode, "ANSI");
	restore_plan_free(&p);
}

static void
test_plan_read_one_table_under_a_new_name(void **state)
{
	struct made m = MADE_INIT;
	struct restore_plan p = plan_of(&m);

	(void)state;
	pick(&p, "a.big=b.large", true);
	read_ok(&p);
	assert_true(p.part);
	assert_int_equal(p.ntables, 1);
	assert_string_equal(p.tables[0].to_schema, "b");
	assert_string_equal(p.tables[0].to_name, "large");
	assert_int_equal(p.nchunks, 2);
	/* its trigger comes with it, and no account, no routine */
	assert_int_equal(p.nobjects, 1);
	assert_int_equal(p.objects[0].kind, LINE_TRIGGER);
	assert_string_equal(p.objects[0].to_schema, "b");
	assert_int_equal(p.rows, 3);
	restore_plan_free(&p);
}

static void
test_plan_read_one_schema(void **state)
{
	struct made m = MADE_INIT;
	struct restore_plan p = plan_of(&m);
	size_t i;

	(void)state;
	pick(&p, "a=z", false);
	read_ok(&p);
	assert_int_equal(p.ntables, 3);
	assert_int_equal(p.nobjects, 3);
	for (i = 0; i < 3; i++) {
		assert_string_equal(p.tables[i].to_schema, "z");
		assert_string_equal(p.objects[i].to_schema, "z");
	}
	restore_plan_free(&p);
}

static void
read_not(struct restore_plan *p, enum err_code code, const char *why)
{
	struct err e = {0};

	fixture_failed(restore_plan_read(fixture_store, p, &e), &e, code,
	    why);
	restore_plan_free(p);
}

static void
test_plan_read_what_is_not_there(void **state)
{
	struct made m = MADE_INIT;
	struct restore_plan p = plan_of(&m);

	(void)state;
	pick(&p, "a.big", true);
	pick(&p, "a.huge", true);
	read_not(&p, ERR_NOTFOUND, "backup a/" ID " holds no table a.huge");
	p = plan_of(&m);
	pick(&p, "b", false);
	read_not(&p, ERR_NOTFOUND, "backup a/" ID " holds no schema b");
}

static void
test_plan_read_refuses_two_that_become_one(void **state)
{
	struct made m = MADE_INIT;
	struct restore_plan p = plan_of(&m);

	(void)state;
	pick(&p, "a.big=b.t", true);
	pick(&p, "a.none=b.t", true);
	read_not(&p, ERR_USAGE, "both a.big and a.none would become b.t");
}

/* --- lists that lie --- */

static const char *lie_kind, *lie_member;

static bool
lie(json_t *line)
{
	if (strcmp(head_text(line, "kind"), lie_kind) != 0)
		return true;
	if (lie_member[0] == '\0')
		return false;
	(void)json_object_set_new(line, lie_member, json_integer(9));
	return true;
}

static void
lies(const char *kind, const char *member, const char *why)
{
	struct made m = MADE_INIT;
	struct restore_plan p;

	m.change = lie;
	lie_kind = kind;
	lie_member = member;
	p = plan_of(&m);
	read_not(&p, ERR_CORRUPT, why);
}

static void
test_plan_read_refuses_lists_that_lie(void **state)
{
	(void)state;
	lies("chunk", "table", "a/" ID ": the lists hold a chunk of table "
	    "number 9, which they do not");
	lies("chunk", "", "a/" ID ": table a.big: the lists hold 0 of its 2 "
	    "chunks");
	lies("chunk", "rows", "a/" ID ": table a.big: the lists hold 18 of its "
	    "3 rows");
	lies("member", "", "a/" ID ": table a.small: the lists hold 0 of its 1 "
	    "rows");
	lies("table", "n", "a/" ID ": the lists hold two tables with number "
	    "9");
}

static void
test_plan_read_damaged_list(void **state)
{
	struct made m = MADE_INIT;
	struct restore_plan p = plan_of(&m);

	(void)state;
	fixture_damage(MADE_KEY(MADE_LIST), 9);
	read_not(&p, ERR_CORRUPT, "a/" ID ": " MADE_LIST ": size or digest "
	    "differs from the head's");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_pick_names),
		cmocka_unit_test(test_plan_pick_refuses),
		IN_STORE(test_plan_read_all),
		IN_STORE(test_plan_read_one_table_under_a_new_name),
		IN_STORE(test_plan_read_one_schema),
		IN_STORE(test_plan_read_what_is_not_there),
		IN_STORE(test_plan_read_refuses_two_that_become_one),
		IN_STORE(test_plan_read_refuses_lists_that_lie),
		IN_STORE(test_plan_read_damaged_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
