/* SPDX-License-Identifier: Apache-2.0 */
/* page_test: what the pages say, and that nothing of it is markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backupd/facts.h"
#include "backupd/page.h"
#include "backupd/page_impl.h"
#include "base/buf.h"
#include "base/err.h"

#include "watched.h"

static void
has(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) == NULL)
		fail_msg("no '%s'", text);
}

static void
lacks(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) != NULL)
		fail_msg("there is '%s'", text);
}

static void
test_page_write(void **state)
{
	static const char *const parts[] = {
		"<title>Kura: 1 failing</title>",
		"<h1>1 of 2 sources is failing</h1>",
		"<li class=\"is-failing\"><b>1</b> failing</li>",
		"<li class=\"is-ok none\"><b>0</b> ok</li>",
		"<li class=\"jobs\"><b>3</b> queued</li>",
		" <b class=\"warn\">draining</b>",
		"as of 02:14:07 UTC</span>",
		"<h2>What is wrong</h2>",
		"<h2>Running now</h2>",
		"<h2>Daemons</h2>",
		"<h2>Stores</h2>",
		"<h2>Last jobs</h2>",
		"<noscript><meta http-equiv=\"refresh\" content=\"30\">",
	};
	json_t *doc = watched();
	struct buf out = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	assert_int_equal(page_write(doc, &out, &e), 0);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		has(&out, parts[i]);
	has(&out, page_css);
	has(&out, page_js);
	buf_free(&out);
	json_decref(doc);
}

static void
test_page_write_of_a_daemon_in_trouble(void **state)
{
	json_t *doc = json_loads("{\"sources\":[{\"state\":\"ok\"}],"
	    "\"problems\":[{\"severity\":\"error\"}]}", 0, NULL);
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(page_write(doc, &out, &e), 0);
	has(&out, "<title>Kura: in trouble</title>");
	has(&out, "is-failing\"><h1>The daemon itself is in trouble</h1>");
	buf_free(&out);
	json_decref(doc);
}

static void
says(const char *sources, const char *line)
{
	json_t *doc = json_object(), *list = json_loads(sources, 0, NULL);
	struct buf out = {0};
	struct err e = {0};

	assert_non_null(list);
	(void)json_object_set_new(doc, "sources", list);
	assert_int_equal(page_write(doc, &out, &e), 0);
	has(&out, line);
	buf_free(&out);
	json_decref(doc);
}

static void
test_page_write_headlines(void **state)
{
	(void)state;
	says("[]", "<h1>No sources yet</h1>");
	says("[{\"state\":\"ok\"}]", "<h1>All is well with 1 source</h1>");
	says("[{\"state\":\"ok\"},{\"state\":\"ok\",\"paused\":true}]",
	    "<h1>All is well with all 2 sources</h1>");
	says("[{\"state\":\"ok\"},{\"state\":\"warning\"}]",
	    "<h1>1 of 2 sources wants a look</h1>");
	says("[{\"state\":\"ok\"},{}]", "<h1>Nothing is wrong; of 1 source "
	    "nothing is known yet</h1>");
	says("[{\"state\":\"failing\"},{\"state\":\"failing\"}]",
	    "<h1>2 of 2 sources are failing</h1>");
}

static void
test_page_source(void **state)
{
	static const char *const parts[] = {
		"<title>orders: Kura</title>",
		"<h1>orders <span class=\"state\">failing</span></h1>",
		"db1 \xe2\x86\x92 main, the turn of night-1",
		"<p>It failed twice.</p>",
		"<td role=\"cell\" data-l=\"Schedule\">15 2 * * *</td>",
		"<span class=\"sub\">no answer</span>",
		"<b class=\"now\">runs now</b> <b class=\"bad\">overdue</b>",
		"<dt>File</dt><dd>binlog.000007</dd>",
		"<dt>Behind by</dt><dd>12 s, 99 B</dd>",
		"<dt>Commits wait for the store</dt><dd>lost</dd>",
		"<code>20261124T021407Z-0002</code>",
		"class=\"poor\">not proven, partial</td>",
		"class=\"bad\">failed (exit 1)</td>",
	};
	json_t *doc = watched();
	struct buf out = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	assert_int_equal(page_source(doc, facts_source(doc, "orders"), &out,
	    &e), 0);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		has(&out, parts[i]);
	lacks(&out, "<h2>Daemons</h2>");
	buf_free(&out);
	json_decref(doc);
}

/* Every text of the document is made markup. */
static void
poison(json_t *v)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(v)) {
		if (strchr(json_string_value(v), ':') == NULL &&
		    strcmp(json_string_value(v), "failing") != 0)
			(void)json_string_set(v, "\"'><script>x</script>&");
		return;
	}
	json_object_foreach(v, key, member)
		poison(member);
	json_array_foreach(v, i, member)
		poison(member);
}

static void
test_page_escapes_everything(void **state)
{
	json_t *doc = watched();
	struct buf out = {0};
	struct err e = {0};
	const char *at;
	int scripts = 0;

	(void)state;
	poison(doc);
	assert_int_equal(page_write(doc, &out, &e), 0);
	lacks(&out, "<script>x");
	lacks(&out, "\"'>");
	has(&out, "&quot;&#39;&gt;&lt;script&gt;x&lt;/script&gt;&amp;");
	for (at = buf_str(&out); (at = strstr(at, "<script")) != NULL; at++)
		scripts++;
	assert_int_equal(scripts, 1);
	buf_clear(&out);
	assert_int_equal(page_source(doc, json_array_get(json_object_get(doc,
	    "sources"), 1), &out, &e), 0);
	lacks(&out, "<script>x");
	lacks(&out, "\"'>");
	buf_free(&out);
	json_decref(doc);
}

static void
test_page_policy(void **state)
{
	char policy[512];

	(void)state;
	page_policy(policy, sizeof(policy));
	assert_memory_equal(policy, "default-src 'none'; style-src 'sha256-",
	    38);
	assert_non_null(strstr(policy, "; script-src 'sha256-"));
	assert_non_null(strstr(policy, "; frame-ancestors 'none'"));
	assert_null(strstr(policy, "unsafe"));
	/* What goes into style and script elements must not end them. */
	assert_null(strstr(page_css, "</"));
	assert_null(strstr(page_js, "</"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_write),
		cmocka_unit_test(test_page_write_of_a_daemon_in_trouble),
		cmocka_unit_test(test_page_write_headlines),
		cmocka_unit_test(test_page_source),
		cmocka_unit_test(test_page_escapes_everything),
		cmocka_unit_test(test_page_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
