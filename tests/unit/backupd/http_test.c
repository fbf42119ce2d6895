/* SPDX-License-Identifier: Apache-2.0 */
/* http_test: a server on loopback, asked and reloaded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backupd/http.h"
#include "base/err.h"

#include "watched.h"

static bool
no(void *arg)
{
	(void)arg;
	return false;
}

static bool
yes(void *arg)
{
	(void)arg;
	return true;
}

static json_t *
give(void *arg)
{
	(void)arg;
	return watched();
}

static const struct http_opts plain = { .listen = "127.0.0.1:0",
    .status = give, .healthy = yes, .ready = no };

/* Ask for a path; the answer up to its end. */
static void
ask(unsigned port, const char *path, char answer[4096])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = 20 };
	size_t len = 0;
	char text[256];
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (const struct sockaddr *)&at,
	    sizeof(at)), 0);
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
	    path);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
	while (len < 4095 && (n = recv(fd, answer + len, 4095 - len, 0)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	(void)close(fd);
}

static void
test_http_answers(void **state)
{
	struct err e = {0};
	struct http *h = http_start(&plain, &e);
	char answer[4096];

	(void)state;
	assert_non_null(h);
	ask(http_port(h), "/healthz", answer);
	assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(answer, "\r\n\r\nok\n"));
	assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff"));
	ask(http_port(h), "/readyz", answer);
	assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
	assert_non_null(strstr(answer, "\r\n\r\nnot ready\n"));
	ask(http_port(h), "/api/v1/history", answer);
	assert_non_null(strstr(answer, "\"history\":[{\"source\":\"orders\""));
	ask(http_port(h), "/%6detrics", answer);
	assert_memory_equal(answer, "HTTP/1.1 404 ", 13);
	http_stop(h);
}

static void
test_http_reload_keeps_the_port(void **state)
{
	struct err e = {0};
	struct http *h = http_start(&plain, &e);
	struct http_opts next = plain, same = plain;
	char answer[4096], listen[64];
	unsigned port;

	(void)state;
	assert_non_null(h);
	port = http_port(h);
	assert_int_equal(http_reload(h, &same, &e), 0);
	assert_int_equal(http_port(h), port);
	ask(port, "/healthz", answer);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	/* What is wrong changes nothing. */
	next.token_file = "/nowhere";
	assert_int_equal(http_reload(h, &next, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	ask(port, "/api/v1/history", answer);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	/* Another address is listened on instead. */
	next = plain;
	next.listen = "[::1]:0";
	e = (struct err){0};
	if (http_reload(h, &next, &e) != 0)
		fail_msg("%s", e.msg);
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
	same.listen = listen;
	if (http_reload(h, &same, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(http_port(h), port);
	ask(port, "/healthz", answer);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	http_stop(h);
}

static void
test_http_start_refuses(void **state)
{
	struct err e = {0};
	struct http *h = http_start(&plain, &e);
	struct http_opts o = plain;
	char listen[64], expected[160];

	(void)state;
	assert_non_null(h);
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", http_port(h));
	o.listen = listen;
	assert_null(http_start(&o, &e));
	assert_int_equal(e.code, ERR_BUSY);
	(void)snprintf(expected, sizeof(expected), "listen %s: Address "
	    "already in use", listen);
	assert_string_equal(e.msg, expected);
	assert_string_equal(e.hint, "stop the other program or set listen");
	http_stop(h);
	o = plain;
	o.tls_cert = "/nowhere";
	e = (struct err){0};
	assert_null(http_start(&o, &e));
	assert_string_equal(e.msg,
	    "tls-cert and tls-key: one is of no use without the other");
	o.tls_cert = o.tls_key = "/dev/null";
	e = (struct err){0};
	assert_null(http_start(&o, &e));
	assert_int_equal(e.code, ERR_USAGE);
	e = (struct err){0};
	assert_int_equal(http_tls_check("/dev/null", "/dev/null", &e), -1);
	assert_string_equal(e.msg, "tls-cert: /dev/null is no PEM "
	    "certificate");
	http_stop(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_answers),
		cmocka_unit_test(test_http_reload_keeps_the_port),
		cmocka_unit_test(test_http_start_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
