/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: an HTTP server in the test's own process that does as it is told.
 *
 * Life cycle: peer_start with a function that answers; requests to peer->url;
 * peer_stop.  The function runs in a connection's thread with peer->lock
 * held, so what it shares with the test needs no lock of its own; to hold an
 * answer back it waits on peer->change.  No assertions in it: cmocka's jump
 * belongs to the test's thread.
 */
#ifndef UNIT_HTTP_PEER_H
#define UNIT_HTTP_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#define PEER_CONNECTIONS 64

struct peer_request {
	char method[16], target[4096];
	struct buf head;	/* request line and headers */
	struct buf body;
	unsigned n;		/* 1 is the first of all */
};

struct peer_answer {
	int status;		/* 0: close without an answer */
	struct buf headers;	/* "Name: value\r\n" each */
	struct buf body;
	size_t cut;		/* say the whole length, send so much; 0: all */
};

struct peer;
typedef void peer_fn(struct peer *p, const struct peer_request *r,
    struct peer_answer *a);

struct peer {
	char url[64];
	peer_fn *fn;
	void *arg;
	pthread_mutex_t lock;		/* guards the fields below */
	pthread_cond_t change;
	bool stop;
	unsigned requests;
	int fds[PEER_CONNECTIONS];
	pthread_t threads[PEER_CONNECTIONS];
	size_t n;
	/* constant after start */
	int listener;
	pthread_t thread;
};

/* A header of the request in text; "" when absent. */
static inline const char *
peer_header(const struct peer_request *r, const char *name, char *text,
    size_t n)
{
	const char *p = buf_str(&r->head), *lf;
	size_t len = strlen(name);

	text[0] = '\0';
	for (; (lf = strstr(p, "\r\n")) != NULL; p = lf + 2)
		if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
			p += len + 1;
			p += strspn(p, " ");
			(void)snprintf(text, n, "%.*s", (int)(lf - p), p);
			break;
		}
	return text;
}

static inline bool
peer_send(int fd, const char *data, size_t n)
{
	ssize_t put;

	for (; n > 0; data += put, n -= (size_t)put) {
		put = send(fd, data, n, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
	}
	return true;
}

/* Read one request; false at the end of the connection. */
static inline bool
peer_receive(int fd, struct peer_request *r)
{
	char text[64], chunk[16384];
	size_t want;
	ssize_t got;
	char *end;

	buf_clear(&r->head);
	buf_clear(&r->body);
	while ((end = strstr((char *)(size_t)buf_str(&r->head),
	    "\r\n\r\n")) == NULL) {
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got <= 0)
			return false;
		buf_add(&r->head, chunk, (size_t)got);
	}
	end += 4;
	buf_add(&r->body, end, r->head.len - (size_t)(end - r->head.data));
	r->head.len = (size_t)(end - r->head.data);
	*end = '\0';
	want = strtoul(peer_header(r, "content-length", text, sizeof(text)),
	    NULL, 10);
	while (r->body.len < want) {
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got <= 0)
			return false;
		buf_add(&r->body, chunk, (size_t)got);
	}
	return sscanf(r->head.data, "%15s %4095s", r->method, r->target) == 2;
}

/* Answer one request; false when the connection is to be closed. */
static inline bool
peer_answer_one(struct peer *p, int fd, struct peer_request *r)
{
	struct peer_answer a = { .status = 200 };
	struct buf out = {0};
	bool ok, head = strcmp(r->method, "HEAD") == 0;

	(void)pthread_mutex_lock(&p->lock);
	r->n = ++p->requests;
	p->fn(p, r, &a);
	ok = !p->stop && a.status != 0;
	(void)pthread_mutex_unlock(&p->lock);
	if (ok) {
		buf_addf(&out, "HTTP/1.1 %d Said\r\n%s", a.status,
		    buf_str(&a.headers));
		if (strstr(buf_str(&a.headers), "Content-Length:") == NULL)
			buf_addf(&out, "Content-Length: %zu\r\n", a.body.len);
		buf_adds(&out, "\r\n");
		if (!head)
			buf_add(&out, buf_str(&a.body), a.cut > 0 ? a.cut :
			    a.body.len);
		ok = peer_send(fd, buf_str(&out), out.len) && a.cut == 0;
	}
	buf_free(&out);
	buf_free(&a.headers);
	buf_free(&a.body);
	return ok;
}

static inline void *
peer_connection(void *arg)
{
	struct peer *p = ((struct peer **)arg)[0];
	size_t at = (size_t)((void **)arg)[1];
	struct peer_request r = {0};
	int fd;

	free(arg);
	(void)pthread_mutex_lock(&p->lock);
	fd = p->fds[at];
	(void)pthread_mutex_unlock(&p->lock);
	while (peer_receive(fd, &r) && peer_answer_one(p, fd, &r))
		continue;
	(void)shutdown(fd, SHUT_RDWR);
	buf_free(&r.head);
	buf_free(&r.body);
	return NULL;
}

static inline void *
peer_listen(void *arg)
{
	struct peer *p = arg;
	void **pair;
	int fd;

	while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
		pair = malloc(2 * sizeof(*pair));
		(void)pthread_mutex_lock(&p->lock);
		if (p->stop || p->n == PEER_CONNECTIONS || pair == NULL) {
			(void)pthread_mutex_unlock(&p->lock);
			(void)close(fd);
			free(pair);
			continue;
		}
		pair[0] = p;
		pair[1] = (void *)p->n;
		p->fds[p->n] = fd;
		if (pthread_create(&p->threads[p->n], NULL, peer_connection,
		    pair) == 0)
			p->n++;
		(void)pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

/* Listen on a free port of 127.0.0.1; NULL when the host allows none. */
static inline struct peer *
peer_start(peer_fn *fn, void *arg)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->fn = fn;
	p->arg = arg;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->change, NULL);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(p->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(p->listener, 64) != 0 || getsockname(p->listener,
	    (struct sockaddr *)&at, &n) != 0 ||
	    pthread_create(&p->thread, NULL, peer_listen, p) != 0) {
		(void)close(p->listener);
		free(p);
		return NULL;
	}
	(void)snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u",
	    ntohs(at.sin_port));
	return p;
}

/* End every connection, whatever holds its answer back. */
static inline void
peer_stop(struct peer *p)
{
	size_t i;

	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->change);
	(void)pthread_mutex_unlock(&p->lock);
	(void)shutdown(p->listener, SHUT_RDWR);
	(void)pthread_join(p->thread, NULL);
	(void)close(p->listener);
	for (i = 0; i < p->n; i++) {
		(void)shutdown(p->fds[i], SHUT_RDWR);
		(void)pthread_join(p->threads[i], NULL);
		(void)close(p->fds[i]);
	}
	(void)pthread_cond_destroy(&p->change);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

/* For the start of main: nobody's own settings, keys that are none, and a
 * deadlock is a failure, not a wait. */
static inline void
peer_main(void)
{
	(void)alarm(100);
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	(void)unsetenv("ALL_PROXY");
	(void)unsetenv("AWS_PROFILE");
	(void)unsetenv("AWS_SESSION_TOKEN");
	(void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	(void)setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
}

#endif /* !UNIT_HTTP_PEER_H */
