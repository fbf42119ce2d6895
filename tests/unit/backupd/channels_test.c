/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backupd/notify.h"
#include "tests/unit/backupd/config_fixture.h"

#include "backupd/channels.h"

static char secret_path[100];

static int
begin(void **state)
{
	struct err e = {0};

	if (config_begin(state) != 0)
		return -1;
	(void)snprintf(secret_path, sizeof(secret_path), "%s/secret",
	    config_folder);
	return file_write(secret_path, "https://h.example/T/B\nmore", 26,
	    0600, &e);
}

static int
end(void **state)
{
	(void)unlink(secret_path);
	return config_end(state);
}

static struct channels *
read_from(const char *form, struct err *e)
{
	char text[1000];
	struct settings *s;
	struct channels *c;

	(void)snprintf(text, sizeof(text), form, secret_path, secret_path);
	s = config_of(text, "notify", NULL, NULL);
	c = channels_read(s, e);
	settings_free(s);
	return c;
}

static void
test_channels_read_each_form(void **state)
{
	const struct notify_channel *l;
	struct err e = {0};
	struct channels *c;
	size_t n;

	(void)state;
	c = read_from("[notify a]\ntype = exec\ncommand = page 'the dba'\n"
	    "on = gap, dump_failed\ntime-limit = 5s\nretry = 1m\n"
	    "[notify b]\ntype = webhook\nurl = https://x.example/y\n"
	    "[notify c]\ntype = webhook\nformat = slack\nsecret-file = %s\n"
	    "[notify d]\ntype = webhook\nformat = pagerduty\n"
	    "secret-file = %s\n", &e);
	if (c == NULL)
		fail_msg("%s", e.msg);
	l = channels_list(c, &n);
	assert_int_equal(n, 4);
	assert_int_equal(l[0].type, NOTIFY_EXEC);
	assert_string_equal(l[0].argv[0], "page");
	assert_string_equal(l[0].argv[1], "the dba");
	assert_null(l[0].argv[2]);
	assert_int_equal(l[0].non, 2);
	assert_int_equal(l[0].on[0].kind, NOTICE_GAP);
	assert_string_equal(l[0].on[1].job, "dump");
	assert_int_equal(l[0].time_limit_ms, 5000);
	assert_int_equal(l[0].retry_ms, 60000);
	assert_string_equal(l[1].url, "https://x.example/y");
	assert_int_equal(l[1].form, NOTICE_JSON);
	assert_null(l[1].secret);
	assert_int_equal(l[1].non, 0);
	assert_int_equal(l[1].time_limit_ms, 30000);
	assert_int_equal(l[1].retry_ms, 600000);
	assert_string_equal(l[2].url, "https://h.example/T/B");
	assert_null(l[2].secret);
	assert_string_equal(l[3].url,
	    "https://events.pagerduty.com/v2/enqueue");
	assert_string_equal(l[3].secret, "https://h.example/T/B");
	assert_ptr_equal(channels_find(c, "c"), &l[2]);
	assert_null(channels_find(c, "e"));
	channels_free(c);
	channels_free(NULL);
}

static void
test_channels_read_says_what_is_wrong(void **state)
{
	static const struct { const char *text, *msg; } t[] = {
		{ "[notify a]\n", "kura.conf:1: [notify a] has no type" },
		{ "[notify a]\ntype = exec\n",
		    "kura.conf:1: [notify a] has no command" },
		{ "[notify a]\ntype = webhook\n",
		    "kura.conf:1: [notify a] has no url" },
		{ "[notify a]\ntype = webhook\nformat = slack\n",
		    "kura.conf:1: [notify a] has neither url nor secret-file "
		    "with it" },
		{ "[notify a]\ntype = webhook\nformat = pagerduty\n",
		    "kura.conf:1: [notify a] needs secret-file, with "
		    "PagerDuty's routing key" },
		{ "[notify a]\ntype = exec\ncommand = a 'b\n", "kura.conf:3: "
		    "command: command: a quote without its end" },
		{ "[notify a]\ntype = webhook\nurl = ftp://x\n", "kura.conf:3: "
		    "url: not a URL of https or http" },
		{ "[notify a]\ntype = exec\ncommand = x\non = gap, gup\n",
		    "kura.conf:4: on: 'gup' is no kind" },
		{ "[notify a]\ntype = exec\ncommand = x\ntime-limit = 2h\n",
		    "kura.conf:4: time-limit: not 100ms to 1h" },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		assert_null(read_from(t[i].text, &e));
		assert_int_equal(e.code, ERR_USAGE);
		assert_string_equal(config_message(&e), t[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_channels_read_each_form),
		cmocka_unit_test(test_channels_read_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
