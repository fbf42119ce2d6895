/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/http/peer.h"

#include "backupd/post.h"

static struct post_link *line;

/* Answers by the target: /200, /503, ...; /echo says the request. */
static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	char type[64], own[64], agent[64];

	(void)p;
	a->status = (int)strtol(r->target + 1, NULL, 10);
	if (a->status == 429)
		buf_adds(&a->headers, "Retry-After: 17\r\n");
	if (a->status == 302)
		buf_adds(&a->headers, "Location: /200\r\n");
	if (strncmp(r->target, "/echo", 5) == 0) {
		a->status = 400;
		buf_addf(&a->body, "%s %s %s\n%s|%s|%s", r->method, r->target,
		    buf_str(&r->body), peer_header(r, "content-type", type,
		    sizeof(type)), peer_header(r, "x-a", own, sizeof(own)),
		    peer_header(r, "user-agent", agent, sizeof(agent)));
	} else if (a->status == 503) {
		buf_adds(&a->body, "no\r\nroom");
	}
}

static int
ask(const char *base, const char *path, const char *body,
    struct post_reply *reply, struct err *e)
{
	char url[200];
	struct post p = { .url = url, .body = body,
	    .body_len = body != NULL ? strlen(body) : 0, .secret = "geheim",
	    .headers = { "X-A: b" }, .time_limit_ms = 20000 };

	(void)snprintf(url, sizeof(url), "%s%s", base, path);
	*e = (struct err){0};
	return post_send(line, &p, reply, e);
}

static void
test_post_send_judges_replies(void **state)
{
	static const struct { const char *path; enum err_code code;
	    const char *msg; } t[] = {
		{ "/200", ERR_NONE, "" },
		{ "/202", ERR_NONE, "" },
		{ "/302", ERR_IO, "HTTP 302" },
		{ "/400", ERR_IO, "HTTP 400" },
		{ "/401", ERR_DENIED, "HTTP 401" },
		{ "/403", ERR_DENIED, "HTTP 403" },
		{ "/408", ERR_AGAIN, "HTTP 408" },
		{ "/429", ERR_AGAIN, "HTTP 429" },
		{ "/503", ERR_AGAIN, "HTTP 503: no  room" },
	};
	struct peer *peer = peer_start(answer, NULL);
	struct post_reply reply;
	char want[200];
	struct err e;
	size_t i;

	(void)state;
	assert_non_null(peer);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(ask(peer->url, t[i].path, "{}", &reply, &e),
		    t[i].code == ERR_NONE ? 0 : -1);
		assert_int_equal(e.code, t[i].code);
		(void)snprintf(want, sizeof(want), "%s: %s", peer->url + 7,
		    t[i].msg);
		assert_string_equal(e.msg, t[i].code == ERR_NONE ? "" : want);
		assert_int_equal(reply.retry_after_s,
		    strcmp(t[i].path, "/429") == 0 ? 17 : 0);
	}
	peer_stop(peer);
}

static void
test_post_send_sends_what_it_is_told(void **state)
{
	struct peer *peer = peer_start(answer, NULL);
	struct post_reply reply;
	struct err e;

	(void)state;
	assert_non_null(peer);
	assert_int_equal(ask(peer->url, "/echo", "{\"a\":1}", &reply, &e), -1);
	assert_string_equal(reply.text, "POST ***** {\"a\":1} "
	    "application/x-www-form-urlencoded|b|kura/" KURA_VERSION);
	assert_int_equal(ask(peer->url, "/echo", NULL, &reply, &e), -1);
	assert_string_equal(reply.text, "GET *****  |b|kura/" KURA_VERSION);
	peer_stop(peer);
}

/* A server that quotes what it was sent. */
static void
test_post_send_hides_secrets_in_replies(void **state)
{
	struct peer *peer = peer_start(answer, NULL);
	struct post_reply reply;
	char body[POST_REPLY + 1];
	struct err e;

	(void)state;
	assert_non_null(peer);
	assert_int_equal(ask(peer->url, "/echo/hook-path?x=1",
	    "key=geheim, geheim", &reply, &e), -1);
	assert_null(strstr(e.msg, "geheim"));
	assert_null(strstr(e.msg, "hook-path"));
	assert_non_null(strstr(e.msg, "key=******, ******"));
	/* Cut in the middle of one. */
	(void)memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	(void)memcpy(body + POST_REPLY - 16, "geheim", 6);
	assert_int_equal(ask(peer->url, "/echo", body, &reply, &e), -1);
	assert_int_equal(strlen(reply.text), POST_REPLY);
	assert_string_equal(reply.text + POST_REPLY - 6, "x*****");
	peer_stop(peer);
}

static void
silent(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)r;
	a->status = 200;
	while (!p->stop)
		(void)pthread_cond_wait(&p->change, &p->lock);
}

static void
test_post_send_ends_in_time(void **state)
{
	struct peer *peer = peer_start(silent, NULL);
	const atomic_bool stop = true;
	struct post_reply reply;
	char want[200];
	struct err e = {0};
	struct post p = { .body = "", .time_limit_ms = 200 };

	(void)state;
	assert_non_null(peer);
	p.url = peer->url;
	assert_int_equal(post_send(line, &p, &reply, &e), -1);
	assert_int_equal(e.code, ERR_AGAIN);
	(void)snprintf(want, sizeof(want), "%s: Timeout was reached",
	    peer->url + 7);
	assert_string_equal(e.msg, want);
	assert_int_equal(reply.status, 0);
	e = (struct err){0};
	p.time_limit_ms = 60000;
	p.stop = &stop;
	assert_int_equal(post_send(line, &p, &reply, &e), -1);
	assert_int_equal(e.code, ERR_CANCELLED);
	peer_stop(peer);
	p.stop = NULL;
	e = (struct err){0};
	p.url = "http://127.0.0.1:1/secret-path";
	assert_int_equal(post_send(line, &p, &reply, &e), -1);
	assert_string_equal(e.msg, "127.0.0.1:1: Couldn't connect to server");
}

static void
test_post_host_and_check_url(void **state)
{
	static const struct { const char *url, *host, *msg; } t[] = {
		{ "https://hooks.example.net/services/T/B/x",
		    "hooks.example.net", "" },
		{ "http://user:pass@h:8080?token=1", "h:8080", "" },
		{ "http://a@b@c/", "c", "" },
		{ "ftp://h/", "h", "not a URL of https or http" },
		{ "https:///x", "", "not a whole URL" },
		{ "https://h/a b", "h", "not a whole URL" },
		{ "hooks.example.net/x", "hooks.example.net",
		    "not a URL of https or http" },
	};
	char host[POST_HOST];
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		assert_string_equal(post_host(t[i].url, host), t[i].host);
		assert_int_equal(post_check_url(t[i].url, &e),
		    t[i].msg[0] == '\0' ? 0 : -1);
		assert_string_equal(e.msg, t[i].msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post_send_judges_replies),
		cmocka_unit_test(test_post_send_sends_what_it_is_told),
		cmocka_unit_test(test_post_send_hides_secrets_in_replies),
		cmocka_unit_test(test_post_send_ends_in_time),
		cmocka_unit_test(test_post_host_and_check_url),
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
