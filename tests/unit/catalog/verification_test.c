/* SPDX-License-Identifier: Apache-2.0 */
/* verification_test: what was read is known, by whatever document. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/backups.h"
#include "catalog/verification.h"
#include "tests/unit/catalog/fixture.h"

#define T0 INT64_C(1795371300000000)
#define SECOND INT64_C(1000000)

static void
add(struct verification *v, const char *id, uint32_t seq, int64_t at,
    uint64_t damaged, bool live)
{
	struct verified x = { .seq = seq, .at_us = at, .damaged = damaged,
	    .live = live };
	struct err e = {0};

	(void)snprintf(x.id, sizeof(x.id), "%s", id);
	fixture_ok(verification_add(v, &x, &e), &e);
}

static void
test_verification_sort(void **state)
{
	struct verification v = {0};
	uint32_t i;

	(void)state;
	for (i = 100; i > 0; i--) {
		add(&v, LATER, i, T0 + i, 0, false);
		add(&v, LATER, i, T0 - i, 1, false);
	}
	add(&v, ID, 0, T0, 0, false);
	verification_sort(&v);
	assert_int_equal(v.n, 101);
	for (i = 1; i <= 100; i++) {
		assert_int_equal(v.all[i].seq, i);
		assert_int_equal(v.all[i].at_us, T0 + i);
	}
	assert_ptr_equal(verification_find(&v, ID, 0), &v.all[0]);
	assert_ptr_equal(verification_find(&v, LATER, 7), &v.all[7]);
	assert_null(verification_find(&v, LATER, 101));
	add(&v, LATER, 101, T0, 0, false);
	verification_sort(&v);
	assert_int_equal(v.n, 102);
	verification_free(&v);
	assert_null(verification_find(&v, ID, 0));
}

static void
test_verification_comes_back(void **state)
{
	struct verification v = { .started_us = T0, .finished_us = T0 + 1,
	    .within_us = 30 * SECOND, .objects = 1, .bytes = 2, .rows = 3,
	    .balance = -4 }, back;
	struct buf text = {0};
	struct err e = {0};
	uint32_t i;

	(void)state;
	(void)snprintf(v.id, sizeof(v.id), "%s", ID);
	for (i = 1; i <= 1000; i++)
		add(&v, LATER, i, T0, 0, i == 1000);
	add(&v, LATER, 1001, T0, 5, false);
	add(&v, ID, 0, T0 - SECOND, 0, false);
	v.findings = fixture_json("[{\"object\":\"a\",\"damage\":\"b\"}]");
	verification_sort(&v);
	fixture_ok(verification_write(&v, "a", &text, &e), &e);
	/* A night's files are one entry. */
	assert_true(text.len < 1000);
	fixture_ok(verification_parse(text.data, text.len, "a", ID, &back,
	    &e), &e);
	assert_int_equal(back.n, 1002);
	for (i = 0; i < 2; i++) {
		assert_string_equal(back.all[i].id, v.all[i].id);
		assert_int_equal(back.all[i].seq, v.all[i].seq);
		assert_int_equal(back.all[i].at_us, v.all[i].at_us);
	}
	assert_true(verification_find(&back, LATER, 1000)->live);
	assert_false(verification_find(&back, LATER, 999)->live);
	assert_int_equal(verification_find(&back, LATER, 1001)->damaged, 5);
	assert_int_equal(verification_find(&back, ID, 0)->at_us, T0 - SECOND);
	assert_int_equal(back.started_us, T0);
	assert_int_equal(back.within_us, 30 * SECOND);
	assert_int_equal(back.balance, -4);
	assert_int_equal(back.objects + back.bytes + back.rows, 6);
	assert_true(json_equal(back.findings, v.findings));
	verification_free(&back);
	verification_free(&v);
	buf_free(&text);
}

/* Write a document that holds this, and the right sum. */
static void
sealed(const char *body, struct buf *text)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	buf_adds(text, body);
	sha256_of(text->data, text->len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(text, ",\"sum\":\"%s\"}\n", hex);
}

#define GOOD "{\"format\":1,\"id\":\"" ID "\",\"source\":\"a\",\"tool\":"     \
    "\"catalog 1\",\"started\":\"2026-11-22T18:15:00Z\",\"finished\":"	      \
    "\"2026-11-22T18:16:00Z\",\"within\":30,\"objects\":1,\"bytes\":2,"	      \
    "\"rows\":3,\"balance\":-4,\"backups\":[{\"id\":\"" ID "\",\"at\":"	      \
    "\"2026-11-22T18:15:00Z\",\"damaged\":0}],\"files\":[{\"history\":"	      \
    "\"" LATER "\",\"from\":1,\"to\":2,\"live\":false,\"at\":"		      \
    "\"2026-11-22T18:15:00Z\",\"damaged\":0}],\"findings\":[]"

static void
refuses(const char *from, const char *to, const char *member)
{
	const char *at = strstr(GOOD, from);
	struct buf body = {0}, text = {0};
	struct verification v;
	struct err e = {0};
	char why[100];

	assert_non_null(at);
	buf_add(&body, GOOD, (size_t)(at - GOOD));
	buf_addf(&body, "%s%s", to, at + strlen(from));
	sealed(buf_str(&body), &text);
	(void)snprintf(why, sizeof(why), "verification: member '%s' is "
	    "missing or not what it must be", member);
	fixture_failed(verification_parse(text.data, text.len, "a", ID, &v,
	    &e), &e, ERR_CORRUPT, why);
	assert_null(v.all);
	buf_free(&body);
	buf_free(&text);
}

static void
test_verification_refuses(void **state)
{
	struct verification v;
	struct buf text = {0};
	struct err e = {0};

	(void)state;
	sealed(GOOD, &text);
	fixture_ok(verification_parse(text.data, text.len, "a", ID, &v, &e),
	    &e);
	assert_int_equal(v.n, 3);
	verification_free(&v);
	buf_free(&text);
	refuses("\"id\":\"" ID "\",\"source", "\"id\":\"" LATER
	    "\",\"source", "id");
	refuses("\"source\":\"a\"", "\"source\":\"b\"", "source");
	refuses("\"started\":\"2", "\"started\":\"x", "started");
	refuses("\"finished\"", "\"f\"", "finished");
	refuses("\"within\":30", "\"within\":-1", "within");
	refuses("\"objects\":1", "\"objects\":1.5", "objects");
	refuses("\"bytes\":2", "\"bytes\":\"2\"", "bytes");
	refuses("\"rows\":3", "\"rows\":null", "rows");
	refuses("\"balance\":-4", "\"balance\":-4.5", "balance");
	refuses("\"balance\":-4", "\"balance\":9000000000000000000",
	    "balance");
	refuses("\"backups\":[", "\"backups\":{},\"x\":[", "backups");
	refuses("[{\"id\":\"2", "[{\"id\":\"x", "id");
	refuses("\"files\":[", "\"files\":{},\"x\":[", "files");
	refuses("\"history\":\"2", "\"history\":\"x", "history");
	refuses("\"from\":1", "\"from\":0", "to");
	refuses("\"from\":1", "\"from\":3", "to");
	refuses("\"to\":2", "\"to\":4000000000", "to");
	refuses("\"to\":2", "\"to\":40000000000", "to");
	refuses("\"live\":false", "\"live\":0", "live");
	refuses("\"findings\":[", "\"findings\":[{}", "object");
}

static void
test_verification_store(void **state)
{
	struct verification v = { .started_us = T0, .finished_us = T0 };
	struct backup_ref *refs;
	struct err e = {0};
	size_t n;
	int i;

	(void)state;
	fixture_ok(verification_load(fixture_store, "a", &v, &e), &e);
	assert_int_equal(v.n, 0);
	assert_true(v.started_us == 0);
	/* Two runs at once: each knows half. */
	v.started_us = v.finished_us = T0;
	add(&v, ID, 0, T0, 0, false);
	fixture_ok(verification_store(fixture_store, "a", &v, &e), &e);
	v.n = 0;
	add(&v, LATER, 3, T0 + SECOND, 0, false);
	v.started_us = v.finished_us = T0 + SECOND;
	v.balance = 9;
	fixture_ok(verification_store(fixture_store, "a", &v, &e), &e);
	verification_free(&v);
	fixture_ok(verification_load(fixture_store, "a", &v, &e), &e);
	assert_int_equal(v.n, 2);
	assert_true(v.started_us == T0 + SECOND && v.balance == 9);
	/* Two of one second: the later one counts, whatever its id. */
	for (i = 0; i < 8; i++) {
		v.balance = i;
		v.finished_us = T0 + SECOND + i;
		fixture_ok(verification_store(fixture_store, "a", &v, &e),
		    &e);
	}
	verification_free(&v);
	fixture_ok(verification_load(fixture_store, "a", &v, &e), &e);
	assert_int_equal(v.balance, 7);
	/* One that is damaged is passed over. */
	fixture_put("sources/a/verifications/" LATER ".json", "{}", 2);
	verification_free(&v);
	fixture_ok(verification_load(fixture_store, "a", &v, &e), &e);
	assert_int_equal(v.n, 2);
	/* However many runs there were, few documents stay. */
	for (i = 2; i < 20; i++) {
		v.finished_us = T0 + i * SECOND;
		fixture_ok(verification_store(fixture_store, "a", &v, &e),
		    &e);
	}
	verification_free(&v);
	fixture_ok(backups_ids(fixture_store, "a", "verifications", &refs, &n,
	    &e), &e);
	assert_int_equal(n, VERIFICATION_KEPT);
	free(refs);
	fixture_ok(verification_load(fixture_store, "a", &v, &e), &e);
	assert_int_equal(v.n, 2);
	verification_free(&v);
}

/* One that was read by itself changes nothing of the last run. */
static void
test_verification_note(void **state)
{
	struct verification v = { .started_us = T0, .finished_us = T0,
	    .balance = 9, .within_us = 7 * SECOND };
	struct verified one = { .at_us = T0 + SECOND, .damaged = 2 };
	json_t *findings = fixture_json("[{\"object\":\"x\",\"damage\":"
	    "\"gone\"}]");
	struct err e = {0};
	int i;

	(void)state;
	(void)snprintf(one.id, sizeof(one.id), "%s", ID);
	add(&v, ID, 0, T0, 0, false);
	add(&v, LATER, 3, T0, 0, false);
	fixture_ok(verification_store(fixture_store, "a", &v, &e), &e);
	verification_free(&v);
	for (i = 0; i < 2; i++)
		fixture_ok(verification_note(fixture_store, "a", &one,
		    findings, &e), &e);
	json_decref(findings);
	fixture_ok(verification_load(fixture_store, "a", &v, &e), &e);
	assert_true(v.n == 2 && v.started_us == T0 && v.balance == 9 &&
	    v.within_us == 7 * SECOND);
	assert_int_equal(verification_find(&v, ID, 0)->damaged, 2);
	assert_int_equal(verification_find(&v, LATER, 3)->damaged, 0);
	assert_int_equal(json_array_size(v.findings), 1);
	verification_free(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verification_sort),
		cmocka_unit_test(test_verification_comes_back),
		cmocka_unit_test(test_verification_refuses),
		cmocka_unit_test_setup_teardown(test_verification_store,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_verification_note,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
