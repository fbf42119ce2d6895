/* SPDX-License-Identifier: Apache-2.0 */
/* status_test: what a person sees of the status document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/status.h"
#include "base/err.h"

#define DAY "2026-11-27T"

static const char document[] = "{\"version\":1,\"now\":\"" DAY "12:00:00Z\","
    "\"daemon\":{\"id\":\"d1\",\"host\":\"watch1\",\"tool\":\"backupd 1\","
    "\"started\":\"" DAY "08:00:00Z\",\"state\":\"running\"},"
    "\"limits\":{\"max_jobs\":4,\"running\":1,\"queued\":2},"
    "\"problems\":[{\"kind\":\"store_main\",\"severity\":\"error\","
    "\"since\":\"" DAY "11:00:00Z\",\"text\":\"store main cannot be "
    "used\"}],"
    "\"daemons\":[{\"alive\":true},{\"alive\":false}],\"sources\":["
    "{\"name\":\"orders\",\"state\":\"ok\",\"ours\":true,\"paused\":false,"
    "\"problems\":[],\"jobs\":["
    "{\"job\":\"dump\",\"schedule\":\"15 2 * * *\",\"next\":\"2026-11-28T"
    "02:15:00Z\",\"last\":{\"finished\":\"" DAY "02:20:00Z\",\"ok\":true,"
    "\"message\":null},\"last_success\":\"" DAY "02:20:00Z\","
    "\"running\":{\"phase\":\"tables\",\"bytes\":34,\"total\":100,"
    "\"left_s\":240}},"
    "{\"job\":\"verify\",\"schedule\":null,\"next\":null,\"last\":null,"
    "\"running\":null}],"
    "\"archive\":{\"state\":\"following\",\"file\":\"b.000002\","
    "\"position\":157,\"lag_s\":3,\"lag_bytes\":12,\"error\":null},"
    "\"backups\":[{\"at\":\"" DAY "09:00:00Z\",\"proven\":true,\"partial\":"
    "false},{\"at\":\"" DAY "11:00:00Z\",\"proven\":true,\"partial\":true}],"
    "\"windows\":[{\"from\":\"" DAY "02:15:00Z\",\"to\":\"" DAY
    "11:59:57Z\"}]},"
    "{\"name\":\"billing\",\"state\":\"failing\",\"ours\":false,\"paused\":"
    "true,\"problems\":[{\"kind\":\"dump_failed\",\"severity\":\"error\","
    "\"since\":\"" DAY "02:00:00Z\",\"text\":\"the dump failed:\\tgone\\u001b"
    "[2J\"},{\"severity\":\"warning\",\"text\":\"late\"}],\"jobs\":[],"
    "\"archive\":null,\"backups\":[]}]}";

static char *shown;
static size_t nshown;

static int
print(const char *text, const char *source, bool json, struct err *e)
{
	json_t *doc = json_loads(text, JSON_DECODE_ANY, NULL);
	FILE *out = open_memstream(&shown, &nshown);
	int rc = status_print(doc, source, json, out, e);

	(void)fclose(out);
	json_decref(doc);
	return rc;
}

static void
test_status_table(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(print(document, NULL, false, &e), 0);
	assert_string_equal(shown,
	    "backupd 1 on watch1, running since " DAY "08:00:00Z; 1 of 4 "
	    "jobs, 2 queued; 1 of 2 daemons alive\n"
	    "SOURCE   STATE     LAST BACKUP  ARCHIVE     NEXT          "
	    "RUNNING\n"
	    "orders   ok        3 h ago      3 s behind  dump in 14 h  "
	    "dump 34 %, 4 min left\n"
	    "billing  FAILING*  none         -           paused        -\n"
	    "* not this daemon's turn\n"
	    "daemon: ERROR: store main cannot be used (since " DAY
	    "11:00:00Z)\n"
	    "billing: ERROR: the dump failed:?gone?[2J (since " DAY
	    "02:00:00Z)\n"
	    "billing: warning: late\n");
	free(shown);
}

static void
test_status_of_one_source(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(print(document, "orders", false, &e), 0);
	assert_non_null(strstr(shown, "\n  dump: 15 2 * * *, next "
	    "2026-11-28T02:15:00Z, last done " DAY "02:20:00Z, running: "
	    "tables 34 %, 4 min left\n"
	    "  verify: not scheduled\n"
	    "  archive: following at b.000002:157, 12 bytes behind\n"
	    "  restorable: " DAY "02:15:00Z to " DAY "11:59:57Z\n"));
	assert_null(strstr(shown, "billing"));
	free(shown);
	assert_int_equal(print("{\"sources\":[{\"name\":\"a\",\"archive\":{"
	    "\"state\":\"waiting\",\"file\":\"b.1\",\"position\":4,"
	    "\"lag_bytes\":null,\"error\":\"gone\"}}]}", "a", false, &e), 0);
	assert_non_null(strstr(shown, "\n  archive: waiting at b.1:4: gone\n"));
	free(shown);
	assert_int_equal(print(document, "none", false, &e), -1);
	assert_string_equal(e.msg, "the daemon has no source 'none'");
	assert_int_equal(e.code, ERR_NOTFOUND);
	free(shown);
}

/* What a source of another daemon has, this one does not look at. */
static void
test_status_of_what_is_not_known(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(print("{\"sources\":[{\"name\":\"a\",\"state\":"
	    "\"unknown\",\"ours\":false,\"backups\":[]}]}", NULL, false, &e),
	    0);
	assert_non_null(strstr(shown, "\na       unknown*  unknown      -"));
	free(shown);
}

static void
test_status_json(void **state)
{
	struct err e = {0};
	json_t *doc;

	(void)state;
	assert_int_equal(print(document, "billing", true, &e), 0);
	doc = json_loads(shown, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(doc, "sources")), 1);
	assert_int_equal(json_integer_value(json_object_get(doc, "version")),
	    1);
	json_decref(doc);
	free(shown);
}

/* Whatever a daemon of another version leaves out, nothing breaks. */
static void
test_status_of_little(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(print("{\"sources\":[{},7,{\"jobs\":[3],\"archive\":"
	    "{},\"problems\":{}}]}", NULL, false, &e), 0);
	free(shown);
	assert_int_equal(print("{\"sources\":[]}", NULL, false, &e), 0);
	free(shown);
	assert_int_equal(print("[]", NULL, false, &e), -1);
	assert_string_equal(e.msg, "the daemon's answer is no status");
	free(shown);
	e = (struct err){0};
	assert_int_equal(print("{}", NULL, false, &e), -1);
	assert_string_equal(e.msg, "the daemon's answer is no status");
	free(shown);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_table),
		cmocka_unit_test(test_status_of_one_source),
		cmocka_unit_test(test_status_of_what_is_not_known),
		cmocka_unit_test(test_status_json),
		cmocka_unit_test(test_status_of_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
