/* SPDX-License-Identifier: Apache-2.0 */
/* audit_read_test: entries come back; whatever else stands there is named. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/audit.h"
#include "tests/unit/catalog/fixture.h"

#define AT(time) "{\"version\":1,\"id\":\"" ID "\",\"at\":\"2026-11-" time \
    "Z\",\"tool\":\"restore 1\",\"verb\":\"run\",\"command\":[\"run\"],"      \
    "\"uid\":7,\"user\":null,\"host\":\"h\",\"pid\":9,\"by\":null,"	      \
    "\"identity\":null,\"store\":null,\"source\":\"orders\","		      \
    "\"backup\":null,\"target\":null,\"result\":\"done\",\"exit\":0,"	      \
    "\"seconds\":1.5,\"message\":null}"
#define GOOD AT("22T18:15:00")

static void
refuses(const char *from, const char *to, const char *why,
    enum err_code code)
{
	const char *at = strstr(GOOD, from);
	struct buf line = {0};
	struct err e = {0};

	assert_non_null(at);
	buf_add(&line, GOOD, (size_t)(at - GOOD));
	buf_adds(&line, to);
	buf_adds(&line, at + strlen(from));
	assert_null(audit_parse(line.data, line.len, &e));
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	buf_free(&line);
}

static void
wrong(const char *from, const char *to, const char *member)
{
	char why[100];

	(void)snprintf(why, sizeof(why), "member '%s' is missing or not what "
	    "it must be", member);
	refuses(from, to, why, ERR_CORRUPT);
}

static void
test_audit_parse(void **state)
{
	struct err e = {0};
	json_t *doc = audit_parse(GOOD, strlen(GOOD), &e);
	char *big = calloc(1, AUDIT_LINE_MAX + 1);

	(void)state;
	assert_non_null(doc);
	json_decref(doc);
	refuses("{\"version\"", "[{\"version\"", "it is no JSON object",
	    ERR_CORRUPT);
	refuses("\"version\":1", "\"version\":2", "it has version 2, which "
	    "needs a newer Kura", ERR_USAGE);
	wrong("\"version\":1", "\"version\":0", "version");
	wrong("\"version\":1", "\"version\":\"1\"", "version");
	wrong("7c1e", "7c1", "id");
	wrong("2026-11-22", "2026-11-62", "at");
	wrong("\"restore 1\"", "null", "tool");
	wrong("\"verb\":\"run\"", "\"verb\":1", "verb");
	wrong("[\"run\"]", "[\"run\",1]", "command");
	wrong("[\"run\"]", "{}", "command");
	wrong("\"uid\":7", "\"uid\":-1", "uid");
	wrong("\"user\":null", "\"user\":1", "user");
	wrong("\"host\":\"h\"", "\"host\":null", "host");
	wrong("\"pid\":9", "\"pid\":9.5", "pid");
	wrong("\"by\":null", "\"by\":[]", "by");
	wrong("\"identity\":null", "\"identity\":[]", "identity");
	wrong("\"store\":null", "\"store\":[]", "store");
	wrong("\"source\":\"orders\"", "\"x\":\"orders\"", "source");
	wrong("\"backup\":null", "\"backup\":0", "backup");
	wrong("\"target\":null", "\"target\":0", "target");
	wrong("\"done\"", "\"well\"", "result");
	wrong("\"exit\":0", "\"exit\":256", "exit");
	wrong("\"seconds\":1.5", "\"seconds\":\"1\"", "seconds");
	wrong("\"message\":null", "\"message\":{}", "message");
	memset(big, ' ', AUDIT_LINE_MAX + 1);
	assert_null(audit_parse(big, AUDIT_LINE_MAX + 1, &e));
	assert_string_equal(e.msg, "a line of over 64 KiB");
	free(big);
}

static char seen[1000];

static int
see(void *arg, const json_t *entry, struct err *e)
{
	(void)arg;
	(void)e;
	(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
	    "%s\n", json_string_value(json_object_get(entry, "at")));
	return 0;
}

static void
see_bad(void *arg, const char *object, const char *why)
{
	(void)arg;
	(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
	    "%s: %s\n", object, why);
}

static void
reads(const char *from, const char *to, const char *want)
{
	struct audit_reading r = { .to_us = INT64_MAX, .each = see,
	    .bad = see_bad };
	struct err e = {0};

	assert_int_equal(clock_parse(from, &r.from_us), 0);
	if (to != NULL)
		assert_int_equal(clock_parse(to, &r.to_us), 0);
	seen[0] = '\0';
	fixture_ok(audit_read(fixture_store, &r, &e), &e);
	assert_string_equal(seen, want);
}

#define PUT(key, text) fixture_put(key, text, strlen(text))
#define FIRST "2026-01-01T00:00:00Z"

static void
test_audit_read(void **state)
{
	(void)state;
	reads(FIRST, NULL, "");
	PUT("audit/2026-11-23/b-1.jsonl", AT("23T02:00:00") "\n");
	PUT("audit/2026-11-22/b-1.jsonl", AT("22T18:00:00") "\n"
	    AT("22T20:00:00") "\n");
	PUT("audit/2026-11-22/c-1.jsonl", AT("22T19:00:00") "\n");
	reads(FIRST, NULL, "2026-11-22T18:00:00Z\n2026-11-22T19:00:00Z\n"
	    "2026-11-22T20:00:00Z\n2026-11-23T02:00:00Z\n");
	reads("2026-11-22T18:30:00Z", "2026-11-22T20:00:00Z",
	    "2026-11-22T19:00:00Z\n2026-11-22T20:00:00Z\n");
	reads("2026-11-23T00:00:00Z", "2026-11-23T01:00:00Z", "");
	/* What is damaged hides nothing else, and is named. */
	PUT("audit/2026-11-22/d-1.jsonl", "{}\n" AT("22T21:00:00") "\n");
	PUT("audit/2026-11-22/e-1.jsonl", "");
	reads("2026-11-22T20:30:00Z", "2026-11-22T23:00:00Z",
	    "audit/2026-11-22/d-1.jsonl: line 1: member 'version' is missing "
	    "or not what it must be\naudit/2026-11-22/e-1.jsonl: it is empty\n"
	    "2026-11-22T21:00:00Z\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_audit_parse),
		cmocka_unit_test_setup_teardown(test_audit_read, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
