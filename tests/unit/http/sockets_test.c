/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_test: which connections are open, and that they answer at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "http/sockets.h"
#include "tests/unit/http/peer.h"

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)p;
	(void)r;
	buf_adds(&a->body, "hello");
}

static size_t
on_write(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	sockets_acknowledge(arg);
	return size * n;
}

/* One request; the connection stays with the multi handle. */
static void
get(CURLM *multi, const char *url, struct sockets *s)
{
	CURL *c = curl_easy_init();
	int running = 1;

	assert_non_null(c);
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	sockets_watch(s, c);
	assert_int_equal(curl_multi_add_handle(multi, c), CURLM_OK);
	while (running > 0) {
		(void)curl_multi_perform(multi, &running);
		if (running > 0)
			(void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	(void)curl_multi_remove_handle(multi, c);
	curl_easy_cleanup(c);
}

static void
test_sockets_are_known_while_they_are_open(void **state)
{
	struct peer *p = peer_start(answer, NULL), *q = peer_start(answer, NULL);
	CURLM *multi = curl_multi_init();
	struct sockets s = {0};
	socklen_t n = sizeof(int);
	int at_once = 0, i;

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	assert_non_null(multi);
	sockets_acknowledge(&s);
	/* The same connection again and again: it is known once. */
	for (i = 0; i < 8; i++)
		get(multi, p->url, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(getsockopt(s.fds[0], IPPROTO_TCP, TCP_QUICKACK,
	    &at_once, &n), 0);
	assert_int_equal(at_once, 1);
	get(multi, q->url, &s);
	assert_int_equal(s.n, 2);
	(void)curl_multi_cleanup(multi);
	assert_int_equal(s.n, 0);
	sockets_free(&s);
	sockets_free(&s);
	peer_stop(p);
	peer_stop(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets_are_known_while_they_are_open),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
