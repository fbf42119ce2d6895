/* SPDX-License-Identifier: Apache-2.0 */
/* page_row_test: the table of sources, problems, running jobs and the fleet. */
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

static json_t *doc;
static int64_t now;

static int
set_up(void **state)
{
	(void)state;
	doc = watched();
	now = facts_time(doc, "now");
	return doc != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(doc);
	return 0;
}

static const char *
has(const struct buf *b, const char *text)
{
	const char *at = strstr(buf_str(b), text);

	if (at == NULL)
		fail_msg("no '%s' in %s", text, buf_str(b));
	return at;
}

static void
test_page_state(void **state)
{
	json_t *s = json_pack("{s:s, s:b}", "state", "ok", "paused", 1);

	(void)state;
	assert_string_equal(page_state(s), "paused");
	(void)json_object_set_new(s, "state", json_string("failing"));
	assert_string_equal(page_state(s), "failing");
	(void)json_object_set_new(s, "paused", json_false());
	(void)json_object_set_new(s, "state", json_string("'>"));
	assert_string_equal(page_state(s), "unknown");
	assert_string_equal(page_state(NULL), "unknown");
	json_decref(s);
}

static void
test_page_sources(void **state)
{
	struct buf out = {0};

	(void)state;
	page_sources(&out, doc, now);
	/* What fails stands first, whatever its name. */
	assert_true(has(&out, "href=\"/sources/orders\"") <
	    has(&out, "href=\"/sources/new\""));
	(void)has(&out, "<tr role=\"row\" class=\"is-failing\">");
	(void)has(&out, "<b class=\"bad\"><time datetime=\"2026-11-24T02:14:07"
	    "Z\" title=\"2026-11-24 02:14:07 UTC\">3 days ago</time></b>"
	    "<span class=\"sub\">1\xe2\x80\xaf" "200\xe2\x80\xaf"
	    "300 rows</span>");
	(void)has(&out, "21 Nov 02:14</time><span class=\"sub\">12 s behind"
	    "</span>");
	(void)has(&out, "<b class=\"now\">dump runs</b>");
	(void)has(&out, "<b>never</b>");
	(void)has(&out, "<span class=\"mute\">no archive</span>");
	(void)has(&out, "db2 \xe2\x86\x92 main, nobody's turn</span>");
	(void)has(&out, ">in 1 h</time><span class=\"sub\">dump</span>");
	buf_free(&out);
}

static void
test_page_sources_many_are_dense(void **state)
{
	json_t *many = json_pack("{s:[]}", "sources");
	struct buf out = {0};
	int i;

	(void)state;
	for (i = 0; i < 61; i++)
		(void)json_array_append_new(json_object_get(many, "sources"),
		    json_object());
	page_sources(&out, many, now);
	(void)has(&out, "class=\"sources dense\"");
	buf_clear(&out);
	(void)json_array_clear(json_object_get(many, "sources"));
	page_sources(&out, many, now);
	(void)has(&out, "There are no sources in the configuration");
	buf_free(&out);
	json_decref(many);
}

static void
test_page_problems(void **state)
{
	struct buf out = {0};
	json_t *p = json_array_get(json_object_get(json_array_get(
	    json_object_get(doc, "sources"), 1), "problems"), 0);
	int i;

	(void)state;
	page_problems(&out, doc, now);
	(void)has(&out, "<li class=\"p error\"><a href=\"/sources/orders\">"
	    "orders</a> <span class=\"kind\">dump failed</span> <span "
	    "class=\"when\"><time datetime=\"2026-11-25T02:14:07Z\" title=\""
	    "2026-11-25 02:14:07 UTC\">2 days ago</time></span><p>It failed "
	    "twice.</p></li>");
	assert_true(has(&out, "It failed twice.") <
	    has(&out, "It is behind."));
	assert_true(has(&out, "<li class=\"p error\"><span class=\"kind\">"
	    "store b</span><p>Store b does not answer.</p></li>") <
	    has(&out, "It failed twice."));
	for (i = 0; i < 40; i++)
		(void)json_array_append(json_object_get(json_array_get(
		    json_object_get(doc, "sources"), 1), "problems"), p);
	buf_clear(&out);
	page_problems(&out, doc, now);
	(void)has(&out, "And 13 more: see the sources below.");
	buf_clear(&out);
	(void)json_object_clear(doc);
	page_problems(&out, doc, now);
	assert_string_equal(buf_str(&out), "");
	buf_free(&out);
}

static void
test_page_running(void **state)
{
	struct buf out = {0};

	(void)state;
	page_running(&out, doc, now);
	(void)has(&out, "<progress max=\"1000\" value=\"250\" "
	    "aria-label=\"orders\"></progress><span class=\"pct\">25%</span>");
	(void)has(&out, "1.0 MiB of 4.0 MiB, 2.0 KiB/s, 1\xe2\x80\xaf"
	    "234\xe2\x80\xaf" "567 rows, 1 min 30 s left; began ");
	buf_clear(&out);
	(void)json_object_clear(doc);
	page_running(&out, doc, now);
	assert_string_equal(buf_str(&out), "");
	buf_free(&out);
}

static void
test_page_fleet_and_history(void **state)
{
	struct buf out = {0};

	(void)state;
	page_fleet(&out, doc, now);
	(void)has(&out, "night-2<span class=\"sub\">bk2</span></th><td "
	    "role=\"cell\" data-l=\"Heartbeat\" class=\"bad\">silent</td>");
	(void)has(&out, "s3://b/m</span></th><td role=\"cell\" "
	    "data-l=\"Requests\">46</td><td role=\"cell\" "
	    "data-l=\"Made again\">7</td><td role=\"cell\" "
	    "data-l=\"Written\">2.0 KiB</td>");
	(void)has(&out, "data-l=\"Source\">orders</td>");
	(void)has(&out, "class=\"bad\">failed (exit 1)</td><td role=\"cell\" "
	    "data-l=\"Took\">10 min</td><td role=\"cell\" "
	    "data-l=\"Message\" class=\"msg\">no answer</td>");
	buf_clear(&out);
	page_history(&out, doc, "new", now);
	assert_string_equal(buf_str(&out), "");
	buf_free(&out);
}

static void
test_page_detail_and_legend(void **state)
{
	struct buf out = {0};

	(void)state;
	page_detail(&out, doc, facts_source(doc, "new"), now);
	(void)has(&out, "<h1>new <span class=\"state\">unknown</span></h1>");
	(void)has(&out, "data-l=\"Schedule\">none</td>");
	assert_null(strstr(buf_str(&out), "Archive of binary logs"));
	buf_clear(&out);
	page_legend(&out);
	(void)has(&out, "any moment can be restored");
	buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_page_state),
		TEST(test_page_sources),
		TEST(test_page_sources_many_are_dense),
		TEST(test_page_problems),
		TEST(test_page_running),
		TEST(test_page_fleet_and_history),
		TEST(test_page_detail_and_legend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
