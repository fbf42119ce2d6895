/* SPDX-License-Identifier: Apache-2.0 */
/* keep_test: how holds are asked for, and ends of them. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/expiring.h"
#include "catalog/hold.h"
#include "catalog/keep.h"
#include "tests/unit/catalog/fixture.h"

#define HOUR_US	INT64_C(3600000000)

static void
until(const char *text, const char *want)
{
	int64_t now, us, is;
	struct err e = {0};

	assert_int_equal(clock_parse("2026-11-27T00:00:00Z", &now), 0);
	assert_int_equal(clock_parse(want, &is), 0);
	fixture_ok(keep_until(text, now, &us, &e), &e);
	assert_true(us == is);
}

static void
test_keep_until(void **state)
{
	static const char *const bad[] = { "", "soon", "30", "d", "30dd",
	    "2027-13-01", "-3d", "999999d" };
	char why[100];
	struct err e = {0};
	int64_t us;
	size_t i;

	(void)state;
	until("2027-01-31", "2027-01-31T00:00:00Z");
	until("2027-01-31T12:00:00+01:00", "2027-01-31T11:00:00Z");
	until("36h", "2026-11-28T12:00:00Z");
	until("30d", "2026-12-27T00:00:00Z");
	until("2w", "2026-12-11T00:00:00Z");
	until("1y", "2027-11-28T00:00:00Z");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(why, sizeof(why), "--until: '%s' is neither a "
		    "day nor a time", bad[i]);
		fixture_failed(keep_until(bad[i], 0, &us, &e), &e, ERR_USAGE,
		    why);
	}
}

static void
test_keep_hold(void **state)
{
	char owner[] = "ann", reason[] = "so";
	struct hold h = { .backup = ID, .name = "x", .owner = owner,
	    .reason = reason }, *all;
	int64_t now = clock_now_us();
	struct err e = {0};
	struct expiring *marks;
	size_t n;
	bool go;

	(void)state;
	assert_true(keep_knows("hold") && keep_knows("expire") &&
	    !keep_knows("list"));
	/* No backup, no hold. */
	fixture_failed(keep_hold(fixture_store, "a", &h, &e), &e,
	    ERR_NOTFOUND, "a/" ID " has expired meanwhile");
	fixture_put("sources/a/heads/" ID ".json", "x", 1);
	fixture_ok(expiring_mark(fixture_store, "a", ID, "so", now, HOUR_US,
	    &e), &e);
	fixture_ok(expiring_list(fixture_store, "a", &marks, &n, &e), &e);
	assert_int_equal(n, 1);
	fixture_ok(expiring_sweep(fixture_store, "a", &marks[0], &go, &e),
	    &e);
	assert_true(go);
	fixture_failed(keep_hold(fixture_store, "a", &h, &e), &e, ERR_BUSY,
	    "a/" ID " is being swept");
	fixture_ok(holds_list(fixture_store, "a", ID, &all, &n, &e), &e);
	assert_int_equal(n, 0);
	holds_free(all, n);
	/* The sweep of another mark, taken away, is no hindrance; and comes
	 * too late for ever. */
	fixture_ok(expiring_end(fixture_store, "a", ID, &e), &e);
	fixture_ok(expiring_mark(fixture_store, "a", ID, "so", now, HOUR_US,
	    &e), &e);
	fixture_ok(keep_hold(fixture_store, "a", &h, &e), &e);
	assert_int_equal(expiring_is(fixture_store, "a", ID, &e), 0);
	fixture_ok(expiring_sweep(fixture_store, "a", &marks[0], &go, &e),
	    &e);
	assert_false(go);
	expiring_free(marks, 1);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_until),
		IN_STORE(test_keep_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
