/* SPDX-License-Identifier: Apache-2.0 */
/* expiring_test: marks of backups, and who may take them away. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/backups.h"
#include "catalog/expiring.h"
#include "catalog/verdict.h"
#include "tests/unit/catalog/sealed.h"

#define HOUR_US	INT64_C(3600000000)
#define GOOD	"{\"format\":1,\"source\":\"a\",\"backup\":\"" ID "\","	\
    "\"marked\":\"2026-11-22T18:15:00.000000Z\",\"why\":\"so\","	\
    "\"sweep_after\":\"2026-11-24T18:15:00.000000Z\"}"

static void
mark(const char *id, int64_t now_us)
{
	struct err e = {0};

	fixture_ok(expiring_mark(fixture_store, "a", id, "so", now_us,
	    48 * HOUR_US, &e), &e);
}

static void
test_expiring_marks_and_unmarks(void **state)
{
	int64_t now = clock_now_us();
	struct expiring *all;
	struct err e = {0};
	size_t n;

	(void)state;
	mark(LATER, now);
	mark(ID, now);
	mark(ID, now + HOUR_US);	/* the first stays */
	fixture_ok(expiring_list(fixture_store, "a", &all, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].backup, ID);
	assert_true(all[0].marked && !all[0].sweeping && !all[0].unreadable);
	assert_true(all[0].marked_us == now && all[0].sweep_after_us ==
	    now + 48 * HOUR_US);
	assert_ptr_equal(expiring_of(all, n, LATER), &all[1]);
	assert_null(expiring_of(all, n, "x"));
	expiring_free(all, n);
	assert_int_equal(expiring_is(fixture_store, "a", ID, &e), 1);
	fixture_failed(expiring_refuse(fixture_store, "a", ID, &e), &e,
	    ERR_NOTFOUND, "a/" ID " is marked to expire: its objects may go "
	    "before a restore has ended");
	fixture_ok(expiring_unmark(fixture_store, "a", ID, &e), &e);
	assert_int_equal(expiring_is(fixture_store, "a", ID, &e), 0);
	fixture_ok(expiring_refuse(fixture_store, "a", ID, &e), &e);
	fixture_ok(expiring_unmark(fixture_store, "a", ID, &e), &e);
	/* Where clocks know seconds alone: not void like the one before. */
	mark(ID, now);
	fixture_ok(expiring_list(fixture_store, "a", &all, &n, &e), &e);
	assert_true(n == 2 && !all[0].stays && all[0].marked_us == now + 1);
	expiring_free(all, n);
}

/* The mark of ID, as it is listed; n of all. */
static struct expiring
listed(size_t want)
{
	struct expiring *all, one = {0};
	struct err e = {0};
	size_t n;

	fixture_ok(expiring_list(fixture_store, "a", &all, &n, &e), &e);
	assert_int_equal(n, want);
	if (n > 0)
		one = all[0];
	one.why = NULL;
	expiring_free(all, n);
	return one;
}

/* Whoever gives the verdict first has it; the other gives way. */
static void
test_expiring_verdicts(void **state)
{
	int64_t now = clock_now_us();
	struct expiring one, old;
	struct err e = {0};
	bool go;

	(void)state;
	mark(ID, now);
	old = listed(1);
	assert_true(old.marked && !old.sweeping && !old.stays);
	fixture_ok(expiring_unmark(fixture_store, "a", ID, &e), &e);
	one = listed(1);
	assert_true(!one.marked);
	/* A sweep that had looked before comes too late, then and when it is
	 * marked again. */
	fixture_ok(expiring_sweep(fixture_store, "a", &old, &go, &e), &e);
	assert_false(go);
	mark(ID, now + 1);
	one = listed(1);
	assert_true(one.marked && !one.sweeping && !one.stays);
	fixture_ok(expiring_sweep(fixture_store, "a", &old, &go, &e), &e);
	assert_false(go);
	fixture_ok(expiring_sweep(fixture_store, "a", &one, &go, &e), &e);
	assert_true(go);
	/* Another goes on; nobody takes it back. */
	fixture_ok(expiring_sweep(fixture_store, "a", &one, &go, &e), &e);
	assert_true(go);
	fixture_failed(expiring_unmark(fixture_store, "a", ID, &e), &e,
	    ERR_BUSY, "a/" ID " is being swept");
	one = listed(1);
	assert_true(one.marked && one.sweeping);
	fixture_ok(expiring_end(fixture_store, "a", ID, &e), &e);
	(void)listed(0);
}

/* Written after its verdict: another had the same time, and was quicker. */
static void
test_expiring_mark_that_is_void(void **state)
{
	char key[STORE_KEY_MAX];
	struct expiring one;
	struct err e = {0};
	struct buf text = {0};
	enum verdict is;
	int64_t at;

	(void)state;
	assert_int_equal(clock_parse("2026-11-22T18:15:00Z", &at), 0);
	verdict_key("a", "sweep", ID, at, key, sizeof(key));
	fixture_ok(verdict_give(fixture_store, key, VERDICT_STAY, &is, &e),
	    &e);
	sealed(GOOD, &text);
	fixture_put("sources/a/marks/backup-" ID ".json", text.data,
	    text.len);
	buf_free(&text);
	one = listed(1);
	assert_true(one.marked && one.stays && !one.sweeping);
}

/* A grace begins when a mark is there, not when its writer looked. */
static void
test_expiring_mark_that_came_late(void **state)
{
	int64_t now = clock_now_us();
	struct expiring one;

	(void)state;
	mark(ID, now - 72 * HOUR_US);
	one = listed(1);
	assert_true(one.marked_us >= now - HOUR_US);
	assert_true(one.sweep_after_us >= now + 47 * HOUR_US);
}

static void
test_expiring_that_cannot_be_read(void **state)
{
	struct expiring *all;
	struct err e = {0};
	size_t n;

	(void)state;
	mark(ID, clock_now_us());
	fixture_damage("sources/a/marks/backup-" ID ".json", 20);
	fixture_put("sources/a/marks/backup-x.json", "x", 1);
	fixture_ok(expiring_list(fixture_store, "a", &all, &n, &e), &e);
	assert_true(n == 1 && all[0].unreadable && all[0].marked_us == 0);
	assert_true(all[0].why[0] != '\0');
	expiring_free(all, n);
}

/* It is no latest any more; and where nothing else is, that is said. */
static void
test_expiring_is_not_latest(void **state)
{
	struct err e = {0};
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	fixture_commit(&h);
	head_free(&h);
	fixture_head(&h, "a", LATER);
	fixture_commit(&h);
	head_free(&h);
	mark(LATER, clock_now_us());
	fixture_ok(backup_find(fixture_store, "a", "latest", &h, &e), &e);
	assert_string_equal(h.id, ID);
	head_free(&h);
	mark(ID, clock_now_us());
	fixture_failed(backup_find(fixture_store, "a", "latest", &h, &e), &e,
	    ERR_NOTFOUND, "source a has no proven, complete backup, but 2 "
	    "others");
}

static void
test_expiring_explains(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(expiring_gone(fixture_store, "a", ID, &e), 1);
	(void)err_set(&e, ERR_CORRUPT, 0, "x is missing");
	fixture_failed(expiring_explain(fixture_store, "a", ID, &e), &e,
	    ERR_NOTFOUND, "a/" ID " has expired meanwhile: x is missing");
	(void)err_set(&e, ERR_IO, 0, "no answer");
	fixture_failed(expiring_explain(fixture_store, "a", ID, &e), &e,
	    ERR_IO, "no answer");
	fixture_put("sources/a/heads/" ID ".json", "x", 1);
	assert_int_equal(expiring_gone(fixture_store, "a", ID, &e), 0);
	(void)err_set(&e, ERR_CORRUPT, 0, "x is missing");
	fixture_failed(expiring_explain(fixture_store, "a", ID, &e), &e,
	    ERR_CORRUPT, "x is missing");
}

static void
refuses(const char *from, const char *to, const char *member)
{
	struct buf text = {0};
	struct expiring x;
	struct err e = {0};
	char why[100];

	sealed_with(GOOD, from, to, &text);
	(void)snprintf(why, sizeof(why), "mark: member '%s' is missing or not "
	    "what it must be", member);
	fixture_failed(expiring_parse(text.data, text.len, "a", ID, &x, &e),
	    &e, ERR_CORRUPT, why);
	assert_null(x.why);
	buf_free(&text);
}

static void
test_expiring_parse(void **state)
{
	struct buf text = {0};
	struct expiring x;
	struct err e = {0};

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(expiring_parse(text.data, text.len, "a", ID, &x, &e), &e);
	assert_true(x.sweep_after_us - x.marked_us == 48 * HOUR_US);
	expiring_fini(&x);
	buf_free(&text);
	refuses("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses("\"backup\":\"" ID, "\"backup\":\"" LATER, "backup");
	refuses("\"marked\":\"2026", "\"marked\":\"x026", "marked");
	refuses("\"why\":", "\"whi\":", "why");
	refuses("\"sweep_after\":\"2", "\"sweep_after\":\"x",
	    "sweep_after");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_expiring_marks_and_unmarks),
		IN_STORE(test_expiring_verdicts),
		IN_STORE(test_expiring_mark_that_is_void),
		IN_STORE(test_expiring_mark_that_came_late),
		IN_STORE(test_expiring_that_cannot_be_read),
		IN_STORE(test_expiring_is_not_latest),
		IN_STORE(test_expiring_explains),
		cmocka_unit_test(test_expiring_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
