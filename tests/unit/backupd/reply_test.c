/* SPDX-License-Identifier: Apache-2.0 */
/* reply_test: what each path gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backupd/reply.h"
#include "base/err.h"

#include "watched.h"

static void
test_reply_needs(void **state)
{
	(void)state;
	assert_int_equal(reply_needs("/healthz"), REPLY_HEALTH);
	assert_int_equal(reply_needs("/readyz"), REPLY_READY);
	assert_int_equal(reply_needs("/"), REPLY_STATUS);
	assert_int_equal(reply_needs("/metrics"), REPLY_STATUS);
	assert_int_equal(reply_needs("/api/v1/status"), REPLY_STATUS);
	assert_int_equal(reply_needs("/api/v1/sources/x"), REPLY_STATUS);
	assert_int_equal(reply_needs("/sources/x"), REPLY_STATUS);
	assert_int_equal(reply_needs("/favicon.ico"), REPLY_NOTHING);
	assert_int_equal(reply_needs(""), REPLY_NOTHING);
	assert_int_equal(reply_needs("//metrics"), REPLY_NOTHING);
	assert_int_equal(reply_needs("/metrics/"), REPLY_NOTHING);
	assert_int_equal(reply_needs("/healthz%00"), REPLY_NOTHING);
	assert_int_equal(reply_needs("/../etc/passwd"), REPLY_NOTHING);
	assert_int_equal(reply_needs("http://x/metrics"), REPLY_NOTHING);
}

/* The reply has this status and type, and its body begins so. */
static void
check(const char *path, json_t *doc, unsigned status, const char *type,
    const char *begin)
{
	struct reply r = {0};
	struct err e = {0};

	assert_int_equal(reply_make(path, doc, &r, &e), 0);
	assert_int_equal(r.status, status);
	assert_string_equal(r.type, type);
	assert_memory_equal(buf_str(&r.body), begin, strlen(begin));
	assert_int_equal(r.page, strncmp(type, "text/html", 9) == 0);
	buf_free(&r.body);
}

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"
#define HTML "text/html; charset=utf-8"

static void
test_reply_make(void **state)
{
	json_t *doc = watched();

	(void)state;
	check("/", doc, 200, HTML, "<!doctype html>\n");
	check("/sources/orders", doc, 200, HTML, "<!doctype html>\n");
	check("/sources/none", doc, 404, TEXT,
	    "There is no source of this name.\n");
	check("/metrics", doc, 200,
	    "text/plain; version=0.0.4; charset=utf-8", "# HELP kura_");
	check("/api/v1/status", doc, 200, JSON, "{\"version\":1,\"now\":\""
	    WATCHED_NOW "\",\"daemon\":{");
	check("/api/v1/sources", doc, 200, JSON, "{\"version\":1,\"now\":\""
	    WATCHED_NOW "\",\"sources\":[{\"name\":\"new\"");
	check("/api/v1/sources/orders", doc, 200, JSON, "{\"version\":1,"
	    "\"now\":\"" WATCHED_NOW "\",\"source\":{\"name\":\"orders\"");
	check("/api/v1/sources/", doc, 404, JSON,
	    "{\"error\":\"there is no source of this name\"}\n");
	check("/api/v1/history", doc, 200, JSON, "{\"version\":1,\"now\":\""
	    WATCHED_NOW "\",\"history\":[{\"source\":\"orders\"");
	check("/nothing", doc, 404, TEXT, "There is nothing here.\n");
	/* The document is borrowed. */
	assert_int_equal(doc->refcount, 1);
	json_decref(doc);
}

static void
test_reply_make_before_there_is_a_document(void **state)
{
	json_t *empty = json_object();

	(void)state;
	check("/metrics", NULL, 503, TEXT, "The daemon knows nothing yet.\n");
	check("/api/v1/sources", empty, 200, JSON,
	    "{\"version\":1,\"now\":null,\"sources\":[]}\n");
	check("/", empty, 200, HTML, "<!doctype html>\n");
	json_decref(empty);
}

static void
test_reply_line(void **state)
{
	struct reply r = {0};

	(void)state;
	reply_line(503, "not ready", &r);
	assert_int_equal(r.status, 503);
	assert_string_equal(buf_str(&r.body), "not ready\n");
	buf_free(&r.body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply_needs),
		cmocka_unit_test(test_reply_make),
		cmocka_unit_test(test_reply_make_before_there_is_a_document),
		cmocka_unit_test(test_reply_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
