/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/notify.h"
#include "backupd/post.h"
#include "base/err.h"
#include "tests/unit/http/peer.h"

#include "backupd/deliver.h"

static struct post_link *line;
static char asked[200];
static struct buf sent;

static void
hear(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	char text[100];

	(void)p;
	(void)snprintf(asked, sizeof(asked), "%s %.100s%s", r->method,
	    r->target, peer_header(r, "x-kura-signature", text,
	    sizeof(text))[0] != '\0' ? " signed" : "");
	buf_clear(&sent);
	buf_adds(&sent, buf_str(&r->body));
	a->status = strcmp(r->target, "/busy") == 0 ? 503 : 200;
	if (a->status == 503)
		buf_adds(&a->headers, "Retry-After: 7\r\n");
	buf_adds(&a->body, "heard");
}

static void
test_deliver_ping_asks_for_the_right_path(void **state)
{
	static const struct { const char *path; int ok; const char *asked; }
	    t[] = {
		{ "/u-1", 1, "GET /u-1" },
		{ "/u-1", 0, "GET /u-1/fail" },
		{ "/u-1/", 0, "GET /u-1/fail" },
		{ "/u-1?a=1&b=/", 1, "GET /u-1?a=1&b=/" },
		{ "/u-1?a=1&b=/", 0, "GET /u-1/fail?a=1&b=/" },
		{ "", 0, "GET /fail" },
	};
	struct peer *peer = peer_start(hear, NULL);
	struct err e = {0};
	char url[200];
	size_t i;

	(void)state;
	assert_non_null(peer);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)snprintf(url, sizeof(url), "%s%s", peer->url,
		    t[i].path);
		assert_int_equal(deliver_ping(line, url, t[i].ok, NULL, &e),
		    0);
		assert_string_equal(asked, t[i].asked);
	}
	peer_stop(peer);
}

static void
test_deliver_says_what_came_back(void **state)
{
	static const char *const argv[] = { "sh", "-c", "cat; echo; echo ok",
	    NULL };
	static const struct { enum notice_form form; const char *secret,
	    *path, *asked, *said; unsigned after; } t[] = {
		{ NOTICE_JSON, NULL, "/x", "POST /x", "HTTP 200: heard", 0 },
		{ NOTICE_JSON, "key", "/x", "POST /x signed",
		    "HTTP 200: heard", 0 },
		{ NOTICE_PAGERDUTY, "key", "/x", "POST /x",
		    "HTTP 200: heard", 0 },
		{ NOTICE_SLACK, "key", "/busy", "POST /busy",
		    "HTTP 503: heard", 7 },
	};
	struct peer *peer = peer_start(hear, NULL);
	struct notify_channel c = { .name = "c", .type = NOTIFY_WEBHOOK };
	const struct notice_origin origin = { .host = "h" };
	struct delivery d = { .channel = &c, .origin = &origin,
	    .link = line };
	const struct notice n = { .text = "it broke", .source = "orders" };
	char said[DELIVER_SAID], url[100];
	unsigned after;
	struct err e;
	size_t i;

	(void)state;
	assert_non_null(peer);
	c.url = url;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		c.form = t[i].form;
		c.secret = t[i].secret;
		(void)snprintf(url, sizeof(url), "%s%s", peer->url,
		    t[i].path);
		assert_int_equal(deliver(&d, &n, said, &after, &e),
		    t[i].after == 0 ? 0 : -1);
		assert_string_equal(asked, t[i].asked);
		assert_string_equal(said, t[i].said);
		assert_int_equal(after, t[i].after);
		assert_non_null(strstr(buf_str(&sent), "it broke"));
	}
	/* A command gets the plain form, whatever else is set. */
	c.type = NOTIFY_EXEC;
	c.argv = argv;
	e = (struct err){0};
	assert_int_equal(deliver(&d, &n, said, &after, &e), 0);
	assert_string_equal(said, "status 0: ok");
	peer_stop(peer);
	buf_free(&sent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deliver_ping_asks_for_the_right_path),
		cmocka_unit_test(test_deliver_says_what_came_back),
	};
	struct err e = {0};
	int failed;

	peer_main();
	(void)signal(SIGPIPE, SIG_IGN);
	line = post_link_new(&e);
	failed = line == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	post_link_free(line);
	return failed;
}
