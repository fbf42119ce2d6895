/* SPDX-License-Identifier: Apache-2.0 */
/* expire_test: what is decided on what stands in a store, and what stops it. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/begun.h"
#include "catalog/expire.h"
#include "tests/unit/catalog/fixture.h"

#define HOUR_US	INT64_C(3600000000)
#define MARK(id) "sources/a/marks/backup-%s.json", id

static char ids[3][BACKUP_ID_LEN + 1];

static const struct expire_opts last1 = { .grace_us = 48 * HOUR_US,
    .rules = { .last = 1, .min = 1 } };

static void
add(size_t i, int64_t at_us, const char *lender)
{
	char basic[CLOCK_TEXT], at[CLOCK_TEXT], text[64];
	struct head h;

	clock_basic(at_us, basic);
	clock_rfc3339(at_us, at);
	(void)snprintf(ids[i], sizeof(ids[i]), "%.16s-%04zx", basic, i);
	fixture_head(&h, "a", ids[i]);
	(void)json_object_set_new(h.snapshot, "at", json_string(at));
	h.started_us = h.finished_us = at_us;
	if (lender != NULL) {
		(void)snprintf(text, sizeof(text), "[\"%s\"]", lender);
		fixture_set(&h.lenders, text);
	}
	fixture_commit(&h);
	head_free(&h);
}

/* Three, 30, 20 and 10 hours old. */
static void
add_three(void)
{
	int64_t now = clock_now_us();
	size_t i;

	for (i = 0; i < 3; i++)
		add(i, now - (int64_t)(30 - 10 * i) * HOUR_US, NULL);
}

static void
load(const struct expire_opts *o, struct expire *x)
{
	struct err e = {0};

	fixture_ok(expire_load(fixture_store, "a", o, x, &e), &e);
}

/* "m." and so on: the state of each. */
static void
states(const struct expire_opts *o, const char *want)
{
	struct expire x;
	char is[8] = "";
	size_t i;

	load(o, &x);
	for (i = 0; i < x.nbackups; i++)
		is[i] = "sumwd"[x.states[i].state];
	assert_string_equal(is, want);
	expire_free(&x);
}

static void
mark(const struct expire_opts *o)
{
	struct err e = {0};
	struct expire x;

	load(o, &x);
	fixture_ok(expire_mark(&x, &e), &e);
	expire_free(&x);
}

static void
test_expire_states(void **state)
{
	struct expire_opts o = last1;
	struct expire x;

	(void)state;
	add_three();
	states(&o, "mms");
	mark(&o);
	states(&o, "wws");
	o.ahead_us = 47 * HOUR_US;
	states(&o, "wws");
	o.ahead_us = 49 * HOUR_US;
	states(&o, "dds");
	/* A longer grace is for what is marked already, too. */
	o.grace_us = 50 * HOUR_US;
	states(&o, "wws");
	o = last1;
	o.rules.last = 2;
	states(&o, "wus");
	mark(&o);
	states(&o, "wss");
	load(&o, &x);
	assert_int_equal(expire_find(&x, ids[1]), 1);
	assert_true(expire_find(&x, ID) == SIZE_MAX);
	expire_free(&x);
}

static void
test_expire_writes_a_damaged_mark_again(void **state)
{
	char key[STORE_KEY_MAX];

	(void)state;
	add_three();
	mark(&last1);
	(void)snprintf(key, sizeof(key), MARK(ids[0]));
	fixture_damage(key, -10);
	states(&last1, "mws");
	mark(&last1);
	states(&last1, "wws");
}

static void
stops(const char *why)
{
	struct err e = {0};
	struct expire x;
	char msg[400];
	int rc = expire_load(fixture_store, "a", &last1, &x, &e);

	(void)snprintf(msg, sizeof(msg), "%s", e.msg);
	assert_int_equal(rc, -1);
	if (strstr(msg, why) == NULL)
		fail_msg("%s", msg);
	assert_null(x.backups);
}

static void
test_expire_stops_at_the_future(void **state)
{
	int64_t now = clock_now_us();
	struct err e = {0};

	(void)state;
	add_three();
	fixture_ok(expiring_mark(fixture_store, "a", ids[0], "x", now +
	    HOUR_US, HOUR_US, &e), &e);
	stops(": its mark is of the future (");
	fixture_ok(expiring_unmark(fixture_store, "a", ids[0], &e), &e);
	fixture_ok(floor_mark(fixture_store, "a", ID, 7, now + HOUR_US,
	    HOUR_US, &e), &e);
	stops(": its mark is of the future (");
	fixture_ok(floors_lift(fixture_store, "a", &e), &e);
	add(2, now + HOUR_US, NULL);
	stops(": its id is of the future (");
}

/* A head of which nobody knows what it needs keeps what is older. */
static void
test_expire_unreadable(void **state)
{
	char key[STORE_KEY_MAX];
	struct expire x;

	(void)state;
	add_three();
	(void)snprintf(key, sizeof(key), "sources/a/heads/%s.json", ids[1]);
	fixture_damage(key, 100);
	states(&last1, "sss");
	load(&last1, &x);
	assert_int_equal(x.unreadable, 1);
	assert_true(x.fates[1].keep && x.fates[1].logs);
	expire_free(&x);
}

/* What was found damaged pushes no whole one out. */
static void
test_expire_damaged_when_verified(void **state)
{
	struct verification v = {0};
	struct verified one = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	add_three();
	states(&last1, "mms");
	for (i = 1; i < 3; i++) {
		memcpy(one.id, ids[i], sizeof(one.id));
		one.at_us = clock_now_us();
		one.damaged = i == 2;
		fixture_ok(verification_add(&v, &one, &e), &e);
	}
	v.started_us = v.finished_us = one.at_us;
	verification_sort(&v);
	fixture_ok(verification_store(fixture_store, "a", &v, &e), &e);
	verification_free(&v);
	states(&last1, "mss");
}

static void
test_expire_lenders(void **state)
{
	(void)state;
	add_three();
	states(&last1, "mms");
	add(2, clock_now_us() - 5 * HOUR_US, ids[0]);
	/* The third of before is the second newest now. */
	states(&last1, "smms");
	add(2, clock_now_us() - 4 * HOUR_US, "nonsense");
	states(&last1, "sssss");
}

static void
test_expire_runs_that_may_borrow(void **state)
{
	char note[256], deadline[CLOCK_TEXT], key[STORE_KEY_MAX];

	(void)state;
	add_three();
	clock_rfc3339(clock_now_us() + HOUR_US, deadline);
	(void)snprintf(note, sizeof(note), "{\"id\":\"" ID "\",\"host\":\"x\","
	    "\"deadline\":\"%s\",\"may_borrow_from\":[\"%s\"]}", deadline,
	    ids[0]);
	(void)snprintf(key, sizeof(key), "sources/a/begun/" ID ".json");
	fixture_put(key, note, strlen(note));
	states(&last1, "sms");
	/* One that is dead borrows no more. */
	clock_rfc3339(clock_now_us() - 2 * HOUR_US, deadline);
	(void)snprintf(note, sizeof(note), "{\"id\":\"" ID "\",\"host\":\"x\","
	    "\"deadline\":\"%s\",\"may_borrow_from\":[\"%s\"]}", deadline,
	    ids[0]);
	fixture_put(key, note, strlen(note));
	states(&last1, "mms");
	/* And who cannot be understood stops all. */
	clock_rfc3339(clock_now_us() + HOUR_US, deadline);
	(void)snprintf(note, sizeof(note), "{\"deadline\":\"%s\","
	    "\"may_borrow_from\":[7]}", deadline);
	fixture_put(key, note, strlen(note));
	stops("not a begun note");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_expire_states),
		IN_STORE(test_expire_writes_a_damaged_mark_again),
		IN_STORE(test_expire_stops_at_the_future),
		IN_STORE(test_expire_unreadable),
		IN_STORE(test_expire_damaged_when_verified),
		IN_STORE(test_expire_lenders),
		IN_STORE(test_expire_runs_that_may_borrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
