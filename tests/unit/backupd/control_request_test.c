/* SPDX-License-Identifier: Apache-2.0 */
/* control_request_test: what may be asked, and how errors are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "backupd/control.h"
#include "base/err.h"

static void
test_control_request_reads(void **state)
{
	const char *text = "{\"version\":1,\"verb\":\"start\",\"source\":"
	    "\"orders\",\"job\":\"dump\",\"later\":[]}";
	struct err e = {0};
	json_t *r = control_request(text, strlen(text), &e);

	(void)state;
	assert_string_equal(e.msg, "");
	assert_string_equal(control_verb(r), "start");
	assert_string_equal(control_source(r), "orders");
	assert_string_equal(control_job(r), "dump");
	json_decref(r);
	text = "{\"version\":1,\"verb\":\"drain\",\"source\":null}";
	r = control_request(text, strlen(text), &e);
	assert_string_equal(control_verb(r), "drain");
	assert_null(control_source(r));
	assert_null(control_job(r));
	json_decref(r);
}

static void
refuses(const char *text, const char *why)
{
	struct err e = {0};

	assert_null(control_request(text, strlen(text), &e));
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_USAGE);
}

#define V "{\"version\":1,"

static void
test_control_request_refuses(void **state)
{
	struct err e = {0};
	char *big = calloc(1, CONTROL_REQUEST_MAX + 1);

	(void)state;
	refuses("", "request: it is no JSON object");
	refuses("7", "request: it is no JSON object");
	refuses("{\"version\":1,\"version\":1}",
	    "request: it is no JSON object");
	refuses("{}", "request: its version is not 1");
	refuses("{\"version\":\"1\"}", "request: its version is not 1");
	refuses(V "\"x\":1}", "request: it has no verb");
	refuses(V "\"verb\":1}", "request: 'verb' is no text");
	refuses(V "\"verb\":\"stop\"}", "request: verb 'stop' is not known");
	refuses(V "\"verb\":\"start\"}", "request: 'start' needs a source");
	refuses(V "\"verb\":\"cancel\",\"source\":\"../a\"}",
	    "'../a' is no name of a source");
	refuses(V "\"verb\":\"status\",\"source\":[]}",
	    "request: 'source' is no text");
	refuses(V "\"verb\":\"start\",\"source\":\"a\",\"job\":\"\"}",
	    "'' is no job");
	refuses(V "\"verb\":\"start\",\"source\":\"a\",\"job\":\"a b\"}",
	    "'a b' is no job");
	refuses(V "\"verb\":\"start\",\"source\":\"a\",\"job\":{}}",
	    "request: 'job' is no text");
	assert_null(control_request(big, CONTROL_REQUEST_MAX + 1, &e));
	assert_string_equal(e.msg, "request: over 64 KiB");
	free(big);
}

static void
tells(enum err_code code, const char *msg, const char *hint,
    const char *want)
{
	struct err e = {0};
	json_t *doc;
	char *text;

	(void)err_set(&e, code, 0, "%s", msg);
	if (hint != NULL)
		(void)err_hint(&e, "%s", hint);
	doc = control_refuse(&e);
	text = json_dumps(doc, JSON_COMPACT);
	assert_string_equal(text, want);
	free(text);
	json_decref(doc);
}

static void
test_control_refuse_tells(void **state)
{
	json_t *ok = control_ok();

	(void)state;
	assert_true(json_is_true(json_object_get(ok, "ok")));
	assert_int_equal(json_object_size(ok), 1);
	json_decref(ok);
	tells(ERR_USAGE, "a", NULL, "{\"ok\":false,\"code\":\"usage\","
	    "\"message\":\"a\"}");
	tells(ERR_NOTFOUND, "a", NULL, "{\"ok\":false,\"code\":\"notfound\","
	    "\"message\":\"a\"}");
	tells(ERR_BUSY, "a", "wait", "{\"ok\":false,\"code\":\"busy\","
	    "\"message\":\"a\",\"hint\":\"wait\"}");
	tells(ERR_DENIED, "a", NULL, "{\"ok\":false,\"code\":\"denied\","
	    "\"message\":\"a\"}");
	tells(ERR_IO, "\xff", NULL, "{\"ok\":false,\"code\":\"failed\","
	    "\"message\":\"the reason cannot be shown\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_request_reads),
		cmocka_unit_test(test_control_request_refuses),
		cmocka_unit_test(test_control_refuse_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
