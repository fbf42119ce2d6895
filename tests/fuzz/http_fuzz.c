/* SPDX-License-Identifier: Apache-2.0 */
/* http_fuzz: whatever a peer answers, a request ends and stays in bounds. */
#include <assert.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/transfer.h"

#define BODY_MAX 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The peer's next answer; a request may end before all of it was sent. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const uint8_t *answer;
static size_t answer_len;
static int listener;
static char url[64];
static struct transfer *transfer;

static void *
serve(void *arg)
{
	char request[4096];
	size_t sent;
	ssize_t n;
	int fd;

	(void)arg;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		/* Small as it is, a request comes in one piece. */
		n = recv(fd, request, sizeof(request), 0);
		(void)pthread_mutex_lock(&lock);
		for (sent = 0; n > 0 && sent < answer_len; sent += (size_t)n)
			n = send(fd, answer + sent, answer_len - sent,
			    MSG_NOSIGNAL);
		(void)pthread_mutex_unlock(&lock);
		(void)close(fd);
	}
	return NULL;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct transfer_opts opts = { .at_once = 1 };
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	struct err e = {0};
	pthread_t thread;

	(void)argc;
	(void)argv;
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	(void)unsetenv("ALL_PROXY");
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(listener, 16) != 0 || getsockname(listener,
	    (struct sockaddr *)&at, &n) != 0 ||
	    pthread_create(&thread, NULL, serve, NULL) != 0)
		abort();
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/k",
	    ntohs(at.sin_port));
	transfer = transfer_new(&opts, &e);
	if (transfer == NULL)
		abort();
	return 0;
}

static int
prepare(struct transfer_job *job, struct err *e)
{
	buf_clear(&job->url);
	buf_adds(&job->url, url);
	return transfer_header(job, "Connection", "close", e);
}

static long
decide(struct transfer_job *job)
{
	(void)job;
	return -1;
}

static void
look(const struct transfer_job *job)
{
	static const char *const names[] = { "date", "etag",
		"content-length", "x-amz-request-id", "" };
	char text[64], small[2];
	int64_t us;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)transfer_reply_header(job, names[i], text, sizeof(text));
		assert(strpbrk(text, "\r\n") == NULL);
		(void)clock_parse(text, &us);
		(void)transfer_reply_header(job, names[i], small,
		    sizeof(small));
		assert(strlen(small) < sizeof(small));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transfer_job job = { .method = "GET", .body_max = BODY_MAX,
	    .prepare = prepare, .decide = decide };
	struct err e = {0};

	(void)pthread_mutex_lock(&lock);
	answer = data;
	answer_len = size;
	(void)pthread_mutex_unlock(&lock);
	transfer_submit(transfer, &job);
	assert(transfer_wait(transfer, &job, &e) == 0);
	assert(job.reply.body.len <= BODY_MAX);
	assert(job.reply.status == 0 || job.reply.status < 1000);
	look(&job);
	(void)pthread_mutex_lock(&lock);
	answer_len = 0;
	(void)pthread_mutex_unlock(&lock);
	transfer_job_fini(&job);
	return 0;
}
