/* SPDX-License-Identifier: Apache-2.0 */
/* transfer: one thread that makes all HTTP requests, over curl_multi. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "http/attempt.h"
#include "http/sockets.h"

#include "http/transfer.h"

struct transfer {
	struct transfer_opts opts;
	char *ca;			/* file or folder, or NULL */
	struct attempt_opts attempts;
	CURLM *multi;
	pthread_t thread;
	unsigned waker;
	pthread_mutex_t lock;		/* guards the fields below, and done of
					 * every job */
	pthread_cond_t change;
	struct transfer_job *queue;	/* to start now or later */
	bool stop;
	/* The thread's own. */
	unsigned running;
	struct sockets sockets;
};

/* libcurl itself reads none of these, only the curl command does. */
static char *
ca_path(const char *given)
{
	static const char *const names[] = { "AWS_CA_BUNDLE",
	    "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR" };
	const char *text = given;
	size_t i;

	for (i = 0; i < 4 && (text == NULL || text[0] == '\0'); i++)
		text = getenv(names[i]);
	return text != NULL && text[0] != '\0' ? strdup(text) : NULL;
}

static void
wake(void *arg)
{
	struct transfer *t = arg;

	(void)curl_multi_wakeup(t->multi);
}

static void
finish(struct transfer *t, struct transfer_job *job)
{
	(void)pthread_mutex_lock(&t->lock);
	job->done = true;
	(void)pthread_cond_broadcast(&t->change);
	(void)pthread_mutex_unlock(&t->lock);
}

/* No try is made any more, nor another one. */
static bool
is_over(const struct transfer *t, struct transfer_job *job)
{
	if (job->dropped)
		(void)err_set(&job->err, ERR_CANCELLED, 0, "dropped");
	else
		(void)cancel_check(t->opts.cancel, &job->err);
	return job->err.code != ERR_NONE;
}

static int
start(struct transfer *t, struct transfer_job *job)
{
	uint64_t rate = t->opts.rate / (t->running + 1);
	struct attempt *a;

	if (t->opts.rate > 0 && rate == 0)
		rate = 1;
	/* Another try is not made on the connection that just failed. */
	a = attempt_new(&t->attempts, job, rate, job->due != 0, &job->err);
	if (a == NULL)
		return -1;
	if (curl_multi_add_handle(t->multi, attempt_handle(a)) != CURLM_OK) {
		attempt_free(a);
		return err_set(&job->err, ERR_NOMEM, 0, "HTTP request");
	}
	t->running++;
	return 0;
}

static void
completed(struct transfer *t, CURL *c, CURLcode code)
{
	struct attempt *a = attempt_of(c);
	struct transfer_job *job = attempt_ended(a, code);
	long delay;

	(void)curl_multi_remove_handle(t->multi, c);
	attempt_free(a);
	t->running--;
	if (is_over(t, job)) {
		finish(t, job);
		return;
	}
	delay = job->decide(job);
	if (delay < 0) {
		finish(t, job);
		return;
	}
	job->due = clock_mono_ms() + delay;
	(void)pthread_mutex_lock(&t->lock);
	job->next = t->queue;
	t->queue = job;
	(void)pthread_mutex_unlock(&t->lock);
}

/* Take the oldest job that is due (any: or not yet due), or NULL. */
static struct transfer_job *
take(struct transfer *t, bool any)
{
	struct transfer_job **p, **best = NULL, *job = NULL;
	int64_t now = clock_mono_ms();

	(void)pthread_mutex_lock(&t->lock);
	for (p = &t->queue; *p != NULL; p = &(*p)->next)
		if (any || (*p)->dropped || ((*p)->due <= now &&
		    t->running < t->opts.at_once))
			best = p;	/* the oldest is the last */
	if (best != NULL) {
		job = *best;
		*best = job->next;
		job->next = NULL;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return job;
}

/* How long to wait for the network before a job in back-off is due. */
static int
until_due(struct transfer *t)
{
	const struct transfer_job *job;
	int64_t now = clock_mono_ms(), ms = 1000;

	(void)pthread_mutex_lock(&t->lock);
	for (job = t->queue; job != NULL; job = job->next)
		if (job->due - now < ms)
			ms = job->due - now;
	/* What is due but finds no free place waits for one to end. */
	if (ms <= 0 && t->running >= t->opts.at_once)
		ms = 1000;
	(void)pthread_mutex_unlock(&t->lock);
	return ms < 0 ? 0 : (int)ms;
}

static void *
run(void *arg)
{
	struct transfer *t = arg;
	struct transfer_job *job;
	CURLMsg *msg;
	int left, still;
	bool stop = false;

	while (!stop) {
		while ((job = take(t, cancel_requested(t->opts.cancel))) !=
		    NULL)
			if (is_over(t, job) || start(t, job) != 0)
				finish(t, job);
		(void)curl_multi_perform(t->multi, &still);
		while ((msg = curl_multi_info_read(t->multi, &left)) != NULL)
			if (msg->msg == CURLMSG_DONE)
				completed(t, msg->easy_handle,
				    msg->data.result);
		(void)pthread_mutex_lock(&t->lock);
		stop = t->stop;
		(void)pthread_mutex_unlock(&t->lock);
		if (!stop)
			(void)curl_multi_poll(t->multi, NULL, 0, until_due(t),
			    NULL);
	}
	return NULL;
}

/* --- the door --- */

struct transfer *
transfer_new(const struct transfer_opts *opts, struct err *e)
{
	struct transfer *t = calloc(1, sizeof(*t));
	struct stat st;
	int error;

	if (t == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		goto err0;
	t->opts = *opts;
	t->ca = ca_path(opts->ca_file);
	t->attempts = (struct attempt_opts){ .ca = t->ca,
	    .ca_is_dir = t->ca != NULL && stat(t->ca, &st) == 0 &&
	    S_ISDIR(st.st_mode), .cancel = opts->cancel,
	    .sockets = &t->sockets };
	t->multi = curl_multi_init();
	if (t->multi == NULL)
		goto err0;
	(void)curl_multi_setopt(t->multi, CURLMOPT_PIPELINING,
	    (long)CURLPIPE_NOTHING);
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->change, NULL);
	if (opts->cancel != NULL)
		t->waker = cancel_add(opts->cancel, wake, t);
	error = pthread_create(&t->thread, NULL, run, t);
	if (error == 0)
		return t;
	if (opts->cancel != NULL)
		cancel_remove(opts->cancel, t->waker);
	(void)curl_multi_cleanup(t->multi);
err0:	if (t != NULL)
		free(t->ca);
	free(t);
	(void)err_set(e, ERR_NOMEM, 0, "start the transfer thread");
	return NULL;
}

void
transfer_submit(struct transfer *t, struct transfer_job *job)
{
	job->done = false;
	job->dropped = false;
	job->due = 0;
	job->err = (struct err){0};
	(void)pthread_mutex_lock(&t->lock);
	job->next = t->queue;
	t->queue = job;
	(void)pthread_mutex_unlock(&t->lock);
	(void)curl_multi_wakeup(t->multi);
}

void
transfer_drop(struct transfer *t, struct transfer_job *job)
{
	job->dropped = true;
	(void)curl_multi_wakeup(t->multi);
}

int
transfer_wait(struct transfer *t, struct transfer_job *job, struct err *e)
{
	(void)pthread_mutex_lock(&t->lock);
	while (!job->done)
		(void)pthread_cond_wait(&t->change, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
	if (job->err.code == ERR_NONE)
		return 0;
	*e = job->err;
	return -1;
}

int
transfer_header(struct transfer_job *job, const char *name,
    const char *value, struct err *e)
{
	char *n = strdup(name), *v = strdup(value);
	size_t i;

	for (i = 0; i < job->nheaders; i++)
		if (strcasecmp(job->headers[i].name, name) == 0)
			break;
	assert(i < HTTP_HEADERS_MAX);
	if (n == NULL || v == NULL) {
		free(n);
		free(v);
		return err_set(e, ERR_NOMEM, 0, "HTTP header");
	}
	if (i < job->nheaders) {
		free(job->headers[i].name);
		free(job->headers[i].value);
	} else {
		job->nheaders++;
	}
	job->headers[i] = (struct http_header){ n, v };
	return 0;
}

const char *
transfer_reply_header(const struct transfer_job *job, const char *name,
    char *text, size_t n)
{
	const char *p = buf_str(&job->reply.headers), *lf;
	size_t len = strlen(name);

	text[0] = '\0';
	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		if (strncmp(p, name, len) != 0 || p[len] != ':')
			continue;
		p += len + 1;
		while (*p == ' ' || *p == '\t')
			p++;
		(void)snprintf(text, n, "%.*s", (int)(lf - p), p);
		break;
	}
	return text;
}

void
transfer_job_fini(struct transfer_job *job)
{
	while (job->nheaders > 0) {
		job->nheaders--;
		free(job->headers[job->nheaders].name);
		free(job->headers[job->nheaders].value);
	}
	buf_free(&job->url);
	buf_free(&job->reply.body);
	buf_free(&job->reply.headers);
}

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->stop = true;
	(void)pthread_mutex_unlock(&t->lock);
	(void)curl_multi_wakeup(t->multi);
	(void)pthread_join(t->thread, NULL);
	if (t->opts.cancel != NULL)
		cancel_remove(t->opts.cancel, t->waker);
	(void)curl_multi_cleanup(t->multi);
	sockets_free(&t->sockets);
	(void)pthread_cond_destroy(&t->change);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->ca);
	free(t);
}
