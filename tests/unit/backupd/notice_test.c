/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

#include "backupd/notice.h"

static const struct notice example = { .kind = NOTICE_PURGE_AHEAD,
	.error = true, .source = "orders", .job = "archive",
	.key = "orders/archive/purge-ahead", .id = "0123456789abcdef",
	.text = "the source purges <bin.7> & \"8\" in 3 h",
	.since_us = 1000000, .at_us = 61000000 };
static const struct notice_origin origin = { .host = "kura1",
	.daemon = "d-1", .page = "http://kura1:9747/" };

static void
body(const struct notice *n, enum notice_form form, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(notice_body(n, form, &origin, "KEY", 62000000, &out,
	    &e), 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

#define PLAIN "{\"version\":1,\"id\":\"0123456789abcdef\"," \
	"\"kind\":\"purge-ahead\",\"state\":\"firing\",\"test\":false," \
	"\"severity\":\"error\",\"source\":\"orders\",\"job\":\"archive\"," \
	"\"key\":\"orders/archive/purge-ahead\"," \
	"\"text\":\"the source purges <bin.7> & \\\"8\\\" in 3 h\"," \
	"\"since\":\"1970-01-01T00:00:01.000000Z\"," \
	"\"time\":\"1970-01-01T00:01:01.000000Z\"," \
	"\"sent\":\"1970-01-01T00:01:02.000000Z\",\"host\":\"kura1\"," \
	"\"daemon\":\"d-1\",\"page\":\"http://kura1:9747/\"}"

static void
test_notice_body_in_each_form(void **state)
{
	(void)state;
	body(&example, NOTICE_JSON, PLAIN);
	body(&example, NOTICE_SLACK, "{\"text\":\":red_circle: orders: "
	    "archive: the source purges &lt;bin.7&gt; &amp; \\\"8\\\" in 3 h\\n"
	    "_since 1970-01-01T00:00:01Z, told by kura1_\\n"
	    "http://kura1:9747/\"}");
	body(&example, NOTICE_PAGERDUTY, "{\"routing_key\":\"KEY\","
	    "\"event_action\":\"trigger\",\"dedup_key\":"
	    "\"kura:orders/archive/purge-ahead\",\"client\":\"kura\","
	    "\"payload\":{\"summary\":\"orders: archive: the source purges "
	    "<bin.7> & \\\"8\\\" in 3 h\",\"source\":\"orders\","
	    "\"severity\":\"error\",\"timestamp\":"
	    "\"1970-01-01T00:01:01.000000Z\",\"component\":\"archive\","
	    "\"class\":\"purge-ahead\",\"custom_details\":" PLAIN "},"
	    "\"links\":[{\"href\":\"http://kura1:9747/\",\"text\":"
	    "\"Kura\"}]}");
}

static void
test_notice_body_of_a_recovery(void **state)
{
	struct notice n = example;

	(void)state;
	n.recovered = true;
	n.test = true;
	n.error = false;
	body(&n, NOTICE_SLACK, "{\"text\":\":large_green_circle: TEST: "
	    "recovered: orders: archive: the source purges &lt;bin.7&gt; &amp; "
	    "\\\"8\\\" in 3 h\\n_since 1970-01-01T00:00:01Z, told by kura1_\\n"
	    "http://kura1:9747/\"}");
}

/* Whatever a server's words hold, and whatever is missing. */
static void
test_notice_body_is_always_json(void **state)
{
	struct notice n = { .text = "bad \xff bytes \xc3\xa4" };
	const struct notice_origin bare = { .host = "h" };
	struct buf out = {0};
	struct err e = {0};
	json_t *doc;
	int form;

	(void)state;
	memset(n.text + 15, 'x', sizeof(n.text) - 16);
	for (form = NOTICE_JSON; form <= NOTICE_PAGERDUTY; form++) {
		buf_clear(&out);
		assert_int_equal(notice_body(&n, (enum notice_form)form,
		    &bare, NULL, 0, &out, &e), 0);
		doc = json_loadb(out.data, out.len, 0, NULL);
		assert_non_null(doc);
		json_decref(doc);
	}
	buf_free(&out);
}

static void
test_notice_kind_names_and_problems(void **state)
{
	static const struct { const char *name; enum notice_kind kind; } t[] = {
		{ "failure", NOTICE_FAILURE }, { "dump_failed",
		    NOTICE_FAILURE }, { "archive_failed", NOTICE_FAILURE },
		{ "drill_failed", NOTICE_DRILL_FAILED },
		{ "drill_overdue", NOTICE_OVERDUE }, { "gap", NOTICE_GAP },
		{ "purge_ahead", NOTICE_PURGE_AHEAD },
		{ "archive_lag", NOTICE_LAG }, { "damage", NOTICE_DAMAGE },
		{ "spool-full", NOTICE_SPOOL_FULL },
		{ "spool_filling", NOTICE_SPOOL_FILLING },
		{ "ack_lost", NOTICE_ACK_LOST },
		{ "credentials-expire", NOTICE_CREDENTIALS },
	};
	enum notice_kind kind;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(notice_kind_parse(t[i].name, &kind), 0);
		assert_int_equal(kind, t[i].kind);
	}
	for (i = 0; i < NOTICE_KINDS; i++) {
		assert_int_equal(notice_kind_parse(notice_kind_name(
		    (enum notice_kind)i), &kind), 0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(notice_kind_parse("failures", &kind), -1);
	assert_int_equal(notice_kind_parse("", &kind), -1);
}

static void
test_notice_filter_of_each_word(void **state)
{
	static const struct { const char *word, *job; enum notice_kind kind;
	    const char *msg, *hint; } t[] = {
		{ "gap", "", NOTICE_GAP, "", "" },
		{ "failure", "", NOTICE_FAILURE, "", "" },
		{ "purge-ahead", "", NOTICE_PURGE_AHEAD, "", "" },
		{ "purge_ahead", "", NOTICE_PURGE_AHEAD, "", "" },
		{ "dump_failed", "dump", NOTICE_FAILURE, "", "" },
		{ "verify-overdue", "verify", NOTICE_OVERDUE, "", "" },
		{ "archive_lag", "archive", NOTICE_LAG, "", "" },
		{ "drill_failed", "", NOTICE_DRILL_FAILED, "", "" },
		{ "dumb_failed", "", 0, "'dumb_failed' is no kind", "kinds are "
		    "failure, overdue, gap, purge-ahead, lag, damage, "
		    "drill-failed, spool-filling, spool-full, ack-lost, "
		    "credentials-expire, or as dump_failed" },
		{ "dam", "", 0, "'dam' is no kind", "did you mean damage?" },
		{ "recovery", "", 0, "'recovery' is no kind", "leave it out: "
		    "the end is told wherever the trouble was" },
	};
	struct notice n = {0};
	struct notice_filter f;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		assert_int_equal(notice_filter_parse(t[i].word, &f, &e),
		    t[i].msg[0] == '\0' ? 0 : -1);
		assert_string_equal(e.msg, t[i].msg);
		assert_string_equal(e.hint, t[i].hint);
		if (t[i].msg[0] != '\0')
			continue;
		assert_int_equal(f.kind, t[i].kind);
		assert_string_equal(f.job, t[i].job);
		n.kind = t[i].kind;
		(void)snprintf(n.job, sizeof(n.job), "%s", t[i].job);
		assert_true(notice_filter_fits(&f, &n));
		(void)snprintf(n.job, sizeof(n.job), "other");
		assert_int_equal(notice_filter_fits(&f, &n),
		    t[i].job[0] == '\0');
		n.kind = NOTICE_SPOOL_FULL;
		assert_false(notice_filter_fits(&f, &n));
	}
}

static void
test_notice_default_key(void **state)
{
	struct notice n = { .kind = NOTICE_GAP, .source = "orders",
	    .job = "archive" };
	struct notice bare = { .kind = NOTICE_SPOOL_FULL };

	(void)state;
	notice_default_key(&n);
	assert_string_equal(n.key, "orders/archive/gap");
	n.kind = NOTICE_LAG;
	notice_default_key(&n);
	assert_string_equal(n.key, "orders/archive/gap");
	notice_default_key(&bare);
	assert_string_equal(bare.key, "-/-/spool-full");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notice_body_in_each_form),
		cmocka_unit_test(test_notice_body_of_a_recovery),
		cmocka_unit_test(test_notice_body_is_always_json),
		cmocka_unit_test(test_notice_kind_names_and_problems),
		cmocka_unit_test(test_notice_filter_of_each_word),
		cmocka_unit_test(test_notice_default_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
