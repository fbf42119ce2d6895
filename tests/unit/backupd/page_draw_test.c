/* SPDX-License-Identifier: Apache-2.0 */
/* page_draw_test: what is drawn of a source's days. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backupd/facts.h"
#include "backupd/page_impl.h"
#include "base/buf.h"

#include "watched.h"

static void
has(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) == NULL)
		fail_msg("no '%s' in %s", text, buf_str(b));
}

static void
test_page_timeline(void **state)
{
	json_t *doc = watched();
	const json_t *s = facts_source(doc, "orders");
	struct buf out = {0};

	(void)state;
	page_timeline(&out, s, facts_time(doc, "now"));
	has(&out, "<title>30 days of orders: 2 backups, 2 windows, 1 gap, "
	    "1 drill</title>");
	/* Ten points are a day: 15 days ago, for eight days. */
	has(&out, "<rect class=\"win\" x=\"150.0\" y=\"6\" width=\"80.0\" "
	    "height=\"8\" rx=\"2\"/>");
	has(&out, "<rect class=\"gap\" x=\"230.0\" y=\"3\" width=\"10.0\" "
	    "height=\"14\" rx=\"2\"/>");
	has(&out, "<path class=\"dot good\" d=\"M270.0 10h0\"/>");
	has(&out, "<path class=\"dot poor\" d=\"M260.0 10h0\"/>");
	has(&out, "<path class=\"drill bad\" d=\"M247.0 22m");
	assert_null(strstr(buf_str(&out), "drill good"));
	buf_free(&out);
	json_decref(doc);
}

static void
test_page_timeline_of_nothing(void **state)
{
	json_t *doc = watched();
	struct buf out = {0};

	(void)state;
	page_timeline(&out, facts_source(doc, "new"), facts_time(doc, "now"));
	has(&out, "30 days of new: 0 backups, 0 windows, 0 gaps, 0 drills");
	assert_null(strstr(buf_str(&out), "class=\"dot"));
	buf_clear(&out);
	page_timeline_large(&out, facts_source(doc, "orders"),
	    facts_time(doc, "now"));
	has(&out, ">22 Nov</text>");
	has(&out, "<rect class=\"gap\" x=\"690.0\"");
	buf_free(&out);
	json_decref(doc);
}

static void
test_page_timeline_leaves_out_what_is_older(void **state)
{
	json_t *s = json_pack("{s:[{s:s, s:b}], s:[{s:s, s:s}, {s:s, s:n}]}",
	    "backups", "at", "2026-01-01T00:00:00Z", "proven", 1,
	    "windows", "from", "2026-01-01T00:00:00Z", "to",
	    "2026-01-02T00:00:00Z", "from", "2026-01-01T00:00:00Z", "to");
	struct buf out = {0};
	json_t *doc = watched();
	const char *first;

	(void)state;
	page_timeline(&out, s, facts_time(doc, "now"));
	assert_null(strstr(buf_str(&out), "class=\"dot"));
	/* A window without an end goes on; one that began before is cut. */
	first = strstr(buf_str(&out), "class=\"win\"");
	assert_non_null(first);
	assert_null(strstr(first + 1, "class=\"win\""));
	has(&out, "<rect class=\"win\" x=\"0.0\" y=\"6\" width=\"300.0\"");
	buf_free(&out);
	json_decref(s);
	json_decref(doc);
}

static void
test_page_spark(void **state)
{
	json_t *doc = watched();
	struct buf out = {0};

	(void)state;
	page_spark(&out, facts_source(doc, "orders"), "raw", "Size",
	    page_bytes, facts_time(doc, "now"));
	has(&out, "<title>Size of 2 backups in 30 days, now 2.0 KiB, at most "
	    "2.0 KiB</title><polyline points=\"79.7,12.3 82.8,0.0 \"/>"
	    "<circle cx=\"82.8\" cy=\"0.0\" r=\"2.5\"/></svg>");
	buf_clear(&out);
	page_spark(&out, facts_source(doc, "new"), "raw", "Size", page_bytes,
	    facts_time(doc, "now"));
	assert_string_equal(buf_str(&out), "");
	buf_free(&out);
	json_decref(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_timeline),
		cmocka_unit_test(test_page_timeline_of_nothing),
		cmocka_unit_test(test_page_timeline_leaves_out_what_is_older),
		cmocka_unit_test(test_page_spark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
