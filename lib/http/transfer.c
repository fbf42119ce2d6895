/* SPDX-License-Identifier: Apache-2.0 */
/* transfer: one thread that makes all HTTP requests, over curl_multi. */
#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "base/cancel.h"
#include "base/clock.h"

#include "http/transfer.h"

#define HEADERS_MAX	((size_t)64 << 10)

struct transfer {
	struct transfer_opts opts;
	char *ca;			/* file or folder, or NULL */
	bool ca_is_dir;
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

/* --- callbacks of libcurl --- */

static size_t
on_read(char *data, size_t size, size_t n, void *arg)
{
	struct transfer_job *job = arg;
	size_t left = job->body_len - job->sent, want = size * n;

	want = want < left ? want : left;
	if (want > 0)
		memcpy(data, (const char *)job->body + job->sent, want);
	job->sent += want;
	return want;
}

/* A reused connection that died is tried again by libcurl: from the start. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct transfer_job *job = arg;

	if (origin != SEEK_SET || offset < 0 ||
	    (size_t)offset > job->body_len)
		return CURL_SEEKFUNC_FAIL;
	job->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t
on_write(char *data, size_t size, size_t n, void *arg)
{
	struct transfer_job *job = arg;

	buf_add(&job->reply.body, data, size * n);
	return job->reply.body.failed ? 0 : size * n;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct transfer_job *job = arg;
	struct buf *b = &job->reply.headers;
	size_t len = size * n, i, colon;

	/* Headers are those of the last response of several. */
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		buf_clear(b);
		return len;
	}
	for (colon = 0; colon < len && data[colon] != ':'; colon++)
		continue;
	if (colon == len)
		return len;
	for (i = 0; i < len && data[i] != '\r' && data[i] != '\n'; i++)
		buf_addc(b, i < colon ? (char)tolower((unsigned char)data[i]) :
		    data[i]);
	buf_addc(b, '\n');
	return b->failed ? 0 : len;
}

/* A running request ends as soon as there is a request to stop. */
static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c,
    curl_off_t d)
{
	const struct transfer *t = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return cancel_requested(t->opts.cancel);
}

static void
wake(void *arg)
{
	struct transfer *t = arg;

	(void)curl_multi_wakeup(t->multi);
}

/* --- one try --- */

static void
set_common(struct transfer *t, CURL *c, struct transfer_job *job)
{
	(void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
	    job->patient ? 900L : 60L);
	(void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, 20L);
	(void)curl_easy_setopt(c, CURLOPT_MAXLIFETIME_CONN, 300L);
	(void)curl_easy_setopt(c, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
	(void)curl_easy_setopt(c, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (t->ca != NULL)
		(void)curl_easy_setopt(c, t->ca_is_dir ? CURLOPT_CAPATH :
		    CURLOPT_CAINFO, t->ca);
	if (t->opts.rate > 0) {
		curl_off_t share = (curl_off_t)(t->opts.rate /
		    (t->running + 1));

		(void)curl_easy_setopt(c, CURLOPT_MAX_SEND_SPEED_LARGE,
		    share > 0 ? share : (curl_off_t)1);
		(void)curl_easy_setopt(c, CURLOPT_MAX_RECV_SPEED_LARGE,
		    share > 0 ? share : (curl_off_t)1);
	}
}

static void
set_body(CURL *c, struct transfer_job *job)
{
	bool put = strcmp(job->method, "PUT") == 0;

	if (put) {
		(void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE,
		    (curl_off_t)job->body_len);
		(void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
		(void)curl_easy_setopt(c, CURLOPT_READDATA, job);
		(void)curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
		(void)curl_easy_setopt(c, CURLOPT_SEEKDATA, job);
		(void)curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE,
		    (long)(512 << 10));
	} else if (strcmp(job->method, "POST") == 0) {
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS,
		    job->body_len > 0 ? job->body : "");
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)job->body_len);
	} else if (strcmp(job->method, "HEAD") == 0) {
		(void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (strcmp(job->method, "DELETE") == 0) {
		(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
	}
}

static struct curl_slist *
header_list(const struct transfer_job *job)
{
	/* Nothing that libcurl adds by itself: what is sent was signed. */
	static const char *const without[] = { "Expect:", "Accept:",
	    "Content-Type:" };
	struct curl_slist *list = NULL;
	struct buf line = {0};
	bool type = false;
	size_t i;

	for (i = 0; i < job->nheaders; i++) {
		buf_clear(&line);
		buf_addf(&line, "%s: %s", job->headers[i].name,
		    job->headers[i].value);
		type |= strcasecmp(job->headers[i].name, "content-type") == 0;
		list = curl_slist_append(list, buf_str(&line));
	}
	for (i = 0; i < (type ? 2u : 3u); i++)
		list = curl_slist_append(list, without[i]);
	buf_free(&line);
	return list;
}

static void
finish(struct transfer *t, struct transfer_job *job)
{
	(void)pthread_mutex_lock(&t->lock);
	job->done = true;
	(void)pthread_cond_broadcast(&t->change);
	(void)pthread_mutex_unlock(&t->lock);
}

static int
start(struct transfer *t, struct transfer_job *job)
{
	CURL *c;

	buf_free(&job->reply.body);
	buf_free(&job->reply.headers);
	job->reply = (struct http_reply){0};
	buf_init(&job->reply.body, job->body_max == 0 ? 1 << 20 :
	    job->body_max);
	buf_init(&job->reply.headers, HEADERS_MAX);
	job->sent = 0;
	if (job->prepare(job, &job->err) != 0)
		return -1;
	c = curl_easy_init();
	if (c == NULL)
		return err_set(&job->err, ERR_NOMEM, 0, "HTTP request");
	set_common(t, c, job);
	set_body(c, job);
	job->list = header_list(job);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, job->list);
	(void)curl_easy_setopt(c, CURLOPT_URL, buf_str(&job->url));
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, job->reply.what);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, job);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, job);
	(void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)(256 << 10));
	(void)curl_easy_setopt(c, CURLOPT_PRIVATE, job);
	/* Not on the connection that just failed. */
	if (job->due != 0)
		(void)curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	job->easy = c;
	if (curl_multi_add_handle(t->multi, c) != CURLM_OK) {
		curl_easy_cleanup(c);
		curl_slist_free_all(job->list);
		job->easy = job->list = NULL;
		return err_set(&job->err, ERR_NOMEM, 0, "HTTP request");
	}
	t->running++;
	return 0;
}

static void
end_try(struct transfer *t, struct transfer_job *job)
{
	(void)curl_multi_remove_handle(t->multi, job->easy);
	curl_easy_cleanup(job->easy);
	curl_slist_free_all(job->list);
	job->easy = job->list = NULL;
	t->running--;
}

static void
completed(struct transfer *t, CURL *c, CURLcode code)
{
	struct transfer_job *job = NULL;
	char *private = NULL;
	long delay;

	(void)curl_easy_getinfo(c, CURLINFO_PRIVATE, &private);
	job = (struct transfer_job *)(void *)private;
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE,
	    &job->reply.status);
	job->reply.curl = (int)code;
	job->reply.fatal = code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CACERT_BADFILE ||
	    code == CURLE_URL_MALFORMAT ||
	    code == CURLE_UNSUPPORTED_PROTOCOL;
	if (code != CURLE_OK && job->reply.what[0] == '\0')
		(void)snprintf(job->reply.what, sizeof(job->reply.what), "%s",
		    curl_easy_strerror(code));
	end_try(t, job);
	if (cancel_check(t->opts.cancel, &job->err) != 0) {
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
	if (t->running < t->opts.at_once || any)
		for (p = &t->queue; *p != NULL; p = &(*p)->next)
			if (any || (*p)->due <= now)
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
			if (cancel_check(t->opts.cancel, &job->err) != 0 ||
			    start(t, job) != 0)
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
	t->ca_is_dir = t->ca != NULL && stat(t->ca, &st) == 0 &&
	    S_ISDIR(st.st_mode);
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
	job->due = 0;
	job->err = (struct err){0};
	(void)pthread_mutex_lock(&t->lock);
	job->next = t->queue;
	t->queue = job;
	(void)pthread_mutex_unlock(&t->lock);
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
	(void)pthread_cond_destroy(&t->change);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->ca);
	free(t);
}
