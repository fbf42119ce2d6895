/* SPDX-License-Identifier: Apache-2.0 */
/* heartbeat_test: what is written is read; nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/heartbeat.h"
#include "base/buf.h"
#include "base/err.h"
#include "catalog/document.h"

#define ID "0123456789abcdef"

static const char *const names[] = { "orders", "shop" };

static void
make(struct heartbeat *h)
{
	*h = (struct heartbeat){ .id = ID, .tool = "backupd 1",
	    .process = { "db1", "boot", 42, 7 }, .started_us = 1000000,
	    .beat_us = 2000000, .jobs = CLAIMS_DUMP | CLAIMS_DRILL };
}

static void
test_heartbeat_parse_reads_what_was_written(void **state)
{
	struct heartbeat h, got;
	struct buf text = {0};
	struct err e = {0};

	(void)state;
	make(&h);
	assert_int_equal(heartbeat_write(&h, names, 2, &text, &e), 0);
	assert_int_equal(heartbeat_parse(text.data, text.len, ID, &got, &e),
	    0);
	assert_string_equal(got.id, ID);
	assert_string_equal(got.tool, "backupd 1");
	assert_string_equal(got.process.host, "db1");
	assert_string_equal(got.process.boot, "boot");
	assert_int_equal(got.process.pid, 42);
	assert_int_equal(got.process.start, 7);
	assert_int_equal(got.started_us, 1000000);
	assert_int_equal(got.beat_us, 2000000);
	assert_int_equal(got.jobs, CLAIMS_DUMP | CLAIMS_DRILL);
	assert_int_equal(got.nsources, 2);
	heartbeat_free(&got);
	buf_free(&text);
}

static void
test_heartbeat_size_is_that_of_what_it_says(void **state)
{
	struct buf a = {0}, b = {0};
	struct heartbeat h;
	struct err e = {0};

	(void)state;
	make(&h);
	assert_int_equal(heartbeat_write(&h, names, 2, &a, &e), 0);
	h.beat_us = INT64_C(1795371300123456);
	assert_int_equal(heartbeat_write(&h, names, 2, &b, &e), 0);
	assert_int_equal(a.len, b.len);
	buf_free(&a);
	buf_free(&b);
}

static void
refused(const char *members, const char *why)
{
	json_t *doc = json_loads(members, 0, NULL);
	struct heartbeat h;
	struct buf text = {0};
	struct err e = {0};

	assert_non_null(doc);
	assert_int_equal(document_write(doc, "", HEARTBEAT_MAX, "heartbeat",
	    &text, &e), 0);
	assert_int_equal(heartbeat_parse(text.data, text.len, ID, &h, &e),
	    -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_CORRUPT);
	json_decref(doc);
	buf_free(&text);
}

#define START "{\"format\":1,\"id\":\"" ID "\",\"host\":\"h\",\"version\":" \
    "\"v\",\"boot_id\":\"\",\"pid\":1,\"pid_start\":0,\"started\":" \
    "\"2026-11-22T18:15:00Z\",\"beat\":\"2026-11-22T18:15:00Z\""
#define BAD(m) "heartbeat: member '" m "' is missing or not what it must be"

static void
test_heartbeat_parse_refuses(void **state)
{
	struct heartbeat h;
	struct err e = {0};

	(void)state;
	refused("{\"format\":1,\"id\":\"0123456789abcde0\"}", BAD("id"));
	refused("{\"format\":1,\"id\":\"" ID "\",\"host\":5}", BAD("host"));
	refused(START "}", BAD("jobs"));
	refused(START ",\"jobs\":[1],\"sources\":[]}", BAD("jobs"));
	refused(START ",\"jobs\":[]}", BAD("sources"));
	refused(START ",\"jobs\":[],\"sources\":[\"../x\"]}", BAD("sources"));
	refused(START ",\"jobs\":[],\"sources\":[null]}", BAD("sources"));
	assert_int_equal(heartbeat_parse("{}", 2, ID, &h, &e), -1);
	assert_string_equal(e.msg, BAD("format"));
}

static void
test_heartbeat_parse_passes_later_kinds_of_jobs(void **state)
{
	json_t *doc = json_loads(START ",\"jobs\":[\"expire\",\"dance\"],"
	    "\"sources\":[\"a\",\"a\"]}", 0, NULL);
	struct heartbeat h;
	struct buf text = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(document_write(doc, "", HEARTBEAT_MAX, "heartbeat",
	    &text, &e), 0);
	assert_int_equal(heartbeat_parse(text.data, text.len, ID, &h, &e), 0);
	assert_int_equal(h.jobs, CLAIMS_EXPIRE);
	assert_int_equal(h.nsources, 1);
	assert_int_equal(h.sources[0], heartbeat_hash("a"));
	heartbeat_free(&h);
	json_decref(doc);
	buf_free(&text);
}

static void
test_heartbeat_key_and_back(void **state)
{
	char key[STORE_KEY_MAX], id[CLAIMS_ID_LEN + 1];

	(void)state;
	heartbeat_key(ID, key);
	assert_string_equal(key, "daemons/" ID ".json");
	assert_int_equal(heartbeat_id(key, id), 0);
	assert_string_equal(id, ID);
	assert_int_equal(heartbeat_id("daemons/" ID ".jso", id), -1);
	assert_int_equal(heartbeat_id("daemons/0123456789ABCDEF.json", id),
	    -1);
	assert_int_equal(heartbeat_id("daemons/x.json", id), -1);
	assert_int_equal(heartbeat_id("other12/" ID ".json", id), -1);
}

static void
test_heartbeat_sort(void **state)
{
	uint64_t all[] = { 5, 1, 5, 3, 1 };
	size_t n = 5, none = 0;

	(void)state;
	heartbeat_sort(all, &n);
	assert_int_equal(n, 3);
	assert_true(all[0] == 1 && all[1] == 3 && all[2] == 5);
	heartbeat_sort(all, &none);
	assert_int_equal(none, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heartbeat_parse_reads_what_was_written),
		cmocka_unit_test(test_heartbeat_size_is_that_of_what_it_says),
		cmocka_unit_test(test_heartbeat_parse_refuses),
		cmocka_unit_test(
		    test_heartbeat_parse_passes_later_kinds_of_jobs),
		cmocka_unit_test(test_heartbeat_key_and_back),
		cmocka_unit_test(test_heartbeat_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
