/* SPDX-License-Identifier: Apache-2.0 */
/* hold_test: what is held, by whom, until when; and what cannot be read. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/hold.h"
#include "tests/unit/catalog/sealed.h"

#define HOUR_US	INT64_C(3600000000)
#define HOLD(x)	"sources/a/holds/" ID "/" x
#define GOOD	"{\"format\":1,\"source\":\"a\",\"backup\":\"" ID "\","	\
    "\"name\":\"audit\",\"owner\":\"ann\",\"reason\":\"why\","		\
    "\"until\":\"2027-11-22T18:15:00.000000Z\","			\
    "\"made\":\"2026-11-22T18:15:00.000000Z\"}"

static struct hold
made(const char *name)
{
	static char owner[] = "ann", reason[] = "before the move";
	struct hold h = { .backup = ID, .owner = owner, .reason = reason };

	(void)snprintf(h.name, sizeof(h.name), "%s", name);
	return h;
}

static void
list(struct hold **all, size_t *n)
{
	struct err e = {0};

	fixture_ok(holds_list(fixture_store, "a", NULL, all, n, &e), &e);
}

static void
test_hold_comes_back(void **state)
{
	struct hold h = made("audit"), *all;
	struct err e = {0};
	json_t *json;
	size_t n;

	(void)state;
	h.until_us = clock_now_us() + HOUR_US;
	fixture_ok(hold_create(fixture_store, "a", &h, &e), &e);
	h = made("b");
	fixture_ok(hold_create(fixture_store, "a", &h, &e), &e);
	list(&all, &n);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "audit");
	assert_string_equal(all[0].owner, "ann");
	assert_string_equal(all[0].reason, "before the move");
	assert_true(all[0].until_us > clock_now_us() && !all[0].unreadable);
	assert_true(all[1].until_us == 0 && all[1].made_us > 0);
	json = holds_json(all, n, ID);
	assert_int_equal(json_array_size(json), 2);
	assert_true(json_is_null(json_object_get(json_array_get(json, 1),
	    "until")));
	json_decref(json);
	json = holds_json(all, n, LATER);
	assert_int_equal(json_array_size(json), 0);
	json_decref(json);
	holds_free(all, n);
	fixture_ok(holds_list(fixture_store, "a", LATER, &all, &n, &e), &e);
	assert_int_equal(n, 0);
	holds_free(all, n);
}

static void
test_hold_refused(void **state)
{
	struct hold h = made("No");
	struct err e = {0};

	(void)state;
	fixture_failed(hold_create(fixture_store, "a", &h, &e), &e, ERR_USAGE,
	    "'No' is no name of a hold");
	h = made("a");
	h.until_us = clock_now_us() - HOUR_US;
	fixture_failed(hold_create(fixture_store, "a", &h, &e), &e, ERR_USAGE,
	    "the hold would end in the past");
	h.until_us = 0;
	fixture_ok(hold_create(fixture_store, "a", &h, &e), &e);
	assert_int_equal(hold_create(fixture_store, "a", &h, &e), -1);
	assert_int_equal(e.code, ERR_EXISTS);
	assert_string_equal(e.hint, "choose another --name, or release it "
	    "first");
}

static void
test_hold_release(void **state)
{
	struct hold h = made("audit"), *all;
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_ok(hold_create(fixture_store, "a", &h, &e), &e);
	fixture_failed(hold_release(fixture_store, "a", ID, "b", &e), &e,
	    ERR_NOTFOUND, "a/" ID " has no hold 'b'");
	fixture_failed(hold_release(fixture_store, "a", ID, "../b", &e), &e,
	    ERR_USAGE, "'../b' is no name of a hold");
	fixture_ok(hold_release(fixture_store, "a", ID, "audit", &e), &e);
	list(&all, &n);
	assert_int_equal(n, 0);
	holds_free(all, n);
}

/* Whatever stands there keeps the backup. */
static void
test_hold_that_cannot_be_read_holds(void **state)
{
	struct buf text = {0};
	struct hold *all;
	size_t n, i;

	(void)state;
	sealed(GOOD, &text);
	fixture_put(HOLD("audit.json"), text.data, text.len);
	fixture_damage(HOLD("audit.json"), 20);
	fixture_put(HOLD("other.json"), text.data, text.len);
	fixture_put(HOLD("NO.json"), "x", 1);
	fixture_put("sources/a/holds/x.json", "x", 1);
	fixture_put("sources/a/holds/x/y.json", "x", 1);
	list(&all, &n);
	assert_int_equal(n, 3);
	for (i = 0; i < n; i++) {
		assert_true(all[i].unreadable && all[i].until_us == 0);
		assert_string_equal(all[i].backup, ID);
	}
	assert_string_equal(all[0].reason, "its name is none of a hold");
	holds_free(all, n);
	buf_free(&text);
}

static void
refuses(const char *from, const char *to, const char *member)
{
	struct buf text = {0};
	struct err e = {0};
	struct hold h;
	char why[100];

	sealed_with(GOOD, from, to, &text);
	(void)snprintf(why, sizeof(why), "hold: member '%s' is missing or not "
	    "what it must be", member);
	fixture_failed(hold_parse(text.data, text.len, "a", ID, "audit", &h,
	    &e), &e, ERR_CORRUPT, why);
	assert_null(h.owner);
	assert_null(h.reason);
	buf_free(&text);
}

static void
test_hold_parse(void **state)
{
	struct buf text = {0};
	struct err e = {0};
	struct hold h;

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(hold_parse(text.data, text.len, "a", ID, "audit", &h, &e),
	    &e);
	assert_true(h.until_us > h.made_us);
	hold_free(&h);
	hold_free(&h);
	buf_free(&text);
	refuses("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses("\"backup\":\"" ID, "\"backup\":\"" LATER, "backup");
	refuses("\"name\":\"audit\"", "\"name\":\"b\"", "name");
	refuses("\"owner\":\"ann\"", "\"owner\":7", "owner");
	refuses("\"reason\":", "\"raison\":", "reason");
	refuses("\"until\":\"2027", "\"until\":\"x027", "until");
	refuses("\"made\":\"2026", "\"made\":\"x026", "made");
}

static void
test_hold_owner_is_somebody(void **state)
{
	char owner[HOLD_OWNER_MAX] = "";

	(void)state;
	hold_owner(owner);
	assert_true(owner[0] != '\0');
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_hold_comes_back),
		IN_STORE(test_hold_refused),
		IN_STORE(test_hold_release),
		IN_STORE(test_hold_that_cannot_be_read_holds),
		cmocka_unit_test(test_hold_parse),
		cmocka_unit_test(test_hold_owner_is_somebody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
