/* SPDX-License-Identifier: Apache-2.0 */
/* attempt: one try of a transfer job, as libcurl makes it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "http/sockets.h"
#include "http/transfer.h"

#include "http/attempt.h"

#define HEADERS_MAX	((size_t)64 << 10)

struct attempt {
	const struct attempt_opts *opts;
	struct transfer_job *job;
	CURL *easy;
	struct curl_slist *headers;
	size_t sent;			/* of the job's body */
};

/* --- callbacks of libcurl --- */

static size_t
on_read(char *data, size_t size, size_t n, void *arg)
{
	struct attempt *a = arg;
	const struct transfer_job *job = a->job;
	size_t left = job->body_len - a->sent, want = size * n;

	want = want < left ? want : left;
	if (want > 0)
		memcpy(data, (const char *)job->body + a->sent, want);
	a->sent += want;
	return want;
}

/* A reused connection that died is tried again by libcurl: from the start. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct attempt *a = arg;

	if (origin != SEEK_SET || offset < 0 ||
	    (size_t)offset > a->job->body_len)
		return CURL_SEEKFUNC_FAIL;
	a->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t
on_write(char *data, size_t size, size_t n, void *arg)
{
	struct attempt *a = arg;
	struct buf *b = &a->job->reply.body;
	curl_off_t whole = 0;

	/* Room for all of it at once: growing would copy. */
	if (b->len == 0 && curl_easy_getinfo(a->easy,
	    CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole) == CURLE_OK &&
	    whole > 0)
		(void)buf_reserve(b, (size_t)whole);
	buf_add(b, data, size * n);
	return b->failed ? 0 : size * n;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct attempt *a = arg;
	struct buf *b = &a->job->reply.headers;
	size_t len = size * n, i, colon;

	/* Headers are those of the last response of several. */
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		buf_clear(b);
		return len;
	}
	for (colon = 0; colon < len && data[colon] != ':'; colon++)
		continue;
	if (colon == len) {
		/* The end of the head: the body may wait for our word. */
		sockets_acknowledge(a->opts->sockets);
		return len;
	}
	for (i = 0; i < len && data[i] != '\r' && data[i] != '\n'; i++)
		buf_addc(b, i < colon ? (char)tolower((unsigned char)data[i]) :
		    data[i]);
	buf_addc(b, '\n');
	return b->failed ? 0 : len;
}

/* A running request ends as soon as nobody wants its reply. */
static int
on_progress(void *arg, curl_off_t down, curl_off_t got, curl_off_t up,
    curl_off_t sent)
{
	const struct attempt *a = arg;

	(void)down;
	(void)got;
	(void)up;
	(void)sent;
	return a->job->dropped || cancel_requested(a->opts->cancel);
}

/* --- what libcurl is to do --- */

static void
set_common(struct attempt *a, uint64_t rate)
{
	CURL *c = a->easy;

	(void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, a);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
	    a->job->patient ? 900L : 60L);
	(void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, 20L);
	(void)curl_easy_setopt(c, CURLOPT_MAXLIFETIME_CONN, 300L);
	(void)curl_easy_setopt(c, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
	(void)curl_easy_setopt(c, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (a->opts->ca != NULL)
		(void)curl_easy_setopt(c, a->opts->ca_is_dir ? CURLOPT_CAPATH :
		    CURLOPT_CAINFO, a->opts->ca);
	if (rate > 0) {
		(void)curl_easy_setopt(c, CURLOPT_MAX_SEND_SPEED_LARGE,
		    (curl_off_t)rate);
		(void)curl_easy_setopt(c, CURLOPT_MAX_RECV_SPEED_LARGE,
		    (curl_off_t)rate);
	}
}

static void
set_reply(struct attempt *a)
{
	CURL *c = a->easy;
	struct transfer_job *job = a->job;

	buf_free(&job->reply.body);
	buf_free(&job->reply.headers);
	job->reply = (struct http_reply){0};
	buf_init(&job->reply.body, job->body_max == 0 ? 1 << 20 :
	    job->body_max);
	buf_init(&job->reply.headers, HEADERS_MAX);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, job->reply.what);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
	(void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)(256 << 10));
}

static void
set_body(struct attempt *a)
{
	CURL *c = a->easy;
	const struct transfer_job *job = a->job;
	bool put = strcmp(job->method, "PUT") == 0;

	if (put) {
		(void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE,
		    (curl_off_t)job->body_len);
		(void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
		(void)curl_easy_setopt(c, CURLOPT_READDATA, a);
		(void)curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
		(void)curl_easy_setopt(c, CURLOPT_SEEKDATA, a);
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

/* --- the door --- */

struct attempt *
attempt_new(const struct attempt_opts *opts, struct transfer_job *job,
    uint64_t rate, bool fresh, struct err *e)
{
	struct attempt *a = calloc(1, sizeof(*a));

	if (a == NULL)
		goto err0;
	a->opts = opts;
	a->job = job;
	a->easy = curl_easy_init();
	if (a->easy == NULL)
		goto err0;
	set_reply(a);
	if (job->prepare(job, e) != 0)
		goto err1;
	set_common(a, rate);
	set_body(a);
	sockets_watch(opts->sockets, a->easy);
	a->headers = header_list(job);
	(void)curl_easy_setopt(a->easy, CURLOPT_HTTPHEADER, a->headers);
	(void)curl_easy_setopt(a->easy, CURLOPT_URL, buf_str(&job->url));
	(void)curl_easy_setopt(a->easy, CURLOPT_PRIVATE, a);
	if (fresh)
		(void)curl_easy_setopt(a->easy, CURLOPT_FRESH_CONNECT, 1L);
	return a;

err0:	(void)err_set(e, ERR_NOMEM, 0, "HTTP request");
err1:	attempt_free(a);
	return NULL;
}

CURL *
attempt_handle(const struct attempt *a)
{
	return a->easy;
}

struct attempt *
attempt_of(CURL *c)
{
	char *private = NULL;

	(void)curl_easy_getinfo(c, CURLINFO_PRIVATE, &private);
	return (struct attempt *)(void *)private;
}

struct transfer_job *
attempt_ended(struct attempt *a, CURLcode code)
{
	struct http_reply *reply = &a->job->reply;

	(void)curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE,
	    &reply->status);
	/* libcurl reads a malformed version as part of it. */
	if (reply->status < 0 || reply->status > 999) {
		reply->status = 0;
		if (code == CURLE_OK)
			code = CURLE_WEIRD_SERVER_REPLY;
	}
	reply->curl = (int)code;
	reply->fatal = code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CACERT_BADFILE ||
	    code == CURLE_URL_MALFORMAT ||
	    code == CURLE_UNSUPPORTED_PROTOCOL;
	if (code != CURLE_OK && reply->what[0] == '\0')
		(void)snprintf(reply->what, sizeof(reply->what), "%s",
		    curl_easy_strerror(code));
	return a->job;
}

void
attempt_free(struct attempt *a)
{
	if (a == NULL)
		return;
	curl_easy_cleanup(a->easy);
	curl_slist_free_all(a->headers);
	free(a);
}
