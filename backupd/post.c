/* SPDX-License-Identifier: Apache-2.0 */
/* post: one small web request, for a thread that may wait for it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "base/err.h"

#include "backupd/post.h"

#define HIDE_MIN 5		/* shorter ones hide nothing */

struct post_link {
	CURL *easy;
};

/* Of one request. */
struct state {
	const struct post *post;
	struct post_reply *reply;
	size_t n;		/* bytes of reply->text */
};

static int
on_open(void *arg, curl_socket_t fd, curlsocktype type)
{
	(void)arg;
	(void)type;
	/* No program that is started meanwhile has it. */
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return CURL_SOCKOPT_OK;
}

static size_t
on_write(char *data, size_t size, size_t n, void *arg)
{
	struct state *s = arg;
	size_t i;

	for (i = 0; i < size * n && s->n < POST_REPLY; i++)
		s->reply->text[s->n++] = (unsigned char)data[i] < 0x20 ||
		    data[i] == 0x7f ? ' ' : data[i];
	s->reply->text[s->n] = '\0';
	return size * n;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "retry-after:";
	struct state *s = arg;
	size_t len = size * n, i = sizeof(name) - 1;
	unsigned v = 0;

	if (len > i && strncasecmp(data, name, i) == 0) {
		while (i < len && data[i] == ' ')
			i++;
		for (; i < len && data[i] >= '0' && data[i] <= '9' &&
		    v < 100000; i++)
			v = v * 10 + (unsigned)(data[i] - '0');
		s->reply->retry_after_s = v;
	}
	return len;
}

static int
on_progress(void *arg, curl_off_t down, curl_off_t got, curl_off_t up,
    curl_off_t sent)
{
	const struct state *s = arg;

	(void)down;
	(void)got;
	(void)up;
	(void)sent;
	return s->post->stop != NULL && atomic_load(s->post->stop);
}

const char *
post_host(const char *url, char host[POST_HOST])
{
	const char *from = strstr(url, "://"), *at;
	size_t n;

	from = from != NULL ? from + 3 : url;
	n = strcspn(from, "/?#");
	/* A user's name and password stand before the host. */
	at = memchr(from, '@', n);
	while (at != NULL) {
		n -= (size_t)(at + 1 - from);
		from = at + 1;
		at = memchr(from, '@', n);
	}
	(void)snprintf(host, POST_HOST, "%.*s", n < POST_HOST ? (int)n :
	    POST_HOST - 1, from);
	return host;
}

int
post_check_url(const char *url, struct err *e)
{
	char host[POST_HOST];

	if (strncasecmp(url, "https://", 8) != 0 &&
	    strncasecmp(url, "http://", 7) != 0)
		return err_set(e, ERR_USAGE, 0, "not a URL of https or http");
	if (post_host(url, host)[0] == '\0' ||
	    url[strcspn(url, " \t\r\n")] != '\0')
		return err_set(e, ERR_USAGE, 0, "not a whole URL");
	return 0;
}

/* The certificates to trust, as for the store, but for its own setting. */
static void
set_trust(CURL *c)
{
	static const char *const names[] = { "CURL_CA_BUNDLE",
	    "SSL_CERT_FILE", "SSL_CERT_DIR" };
	const char *path = NULL;
	struct stat st;
	size_t i;

	for (i = 0; i < 3 && (path == NULL || path[0] == '\0'); i++)
		path = getenv(names[i]);
	if (path != NULL && path[0] != '\0')
		(void)curl_easy_setopt(c, stat(path, &st) == 0 &&
		    S_ISDIR(st.st_mode) ? CURLOPT_CAPATH : CURLOPT_CAINFO,
		    path);
}

static struct curl_slist *
set_options(CURL *c, struct state *s)
{
	const struct post *p = s->post;
	struct curl_slist *headers = NULL;
	long limit = p->time_limit_ms == 0 ? 30000 :
	    p->time_limit_ms > 3600000 ? 3600000 : (long)p->time_limit_ms;
	size_t i;

	for (i = 0; i < POST_HEADERS_MAX && p->headers[i] != NULL; i++)
		headers = curl_slist_append(headers, p->headers[i]);
	headers = curl_slist_append(headers, "Expect:");
	(void)curl_easy_setopt(c, CURLOPT_URL, p->url);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "kura/" KURA_VERSION);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, limit);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
	    limit < 10000 ? limit : 10000L);
	(void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	(void)curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, on_open);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	set_trust(c);
	if (p->body != NULL) {
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body);
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)p->body_len);
	}
	return headers;
}

/* What a reply means, or its absence. */
static int
judge(const struct state *s, CURLcode code, const char *words, struct err *e)
{
	long status = s->reply->status;
	char host[POST_HOST];
	bool again;

	(void)post_host(s->post->url, host);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return err_set(e, ERR_CANCELLED, 0, "%s: stopped", host);
	if (code != CURLE_OK) {
		again = code != CURLE_PEER_FAILED_VERIFICATION &&
		    code != CURLE_SSL_CACERT_BADFILE &&
		    code != CURLE_URL_MALFORMAT &&
		    code != CURLE_UNSUPPORTED_PROTOCOL;
		return err_set(e, again ? ERR_AGAIN : ERR_IO, 0, "%s: %s",
		    host, words);
	}
	if (status >= 200 && status < 300)
		return 0;
	again = status >= 500 || status == 408 || status == 425 ||
	    status == 429;
	return err_set(e, again ? ERR_AGAIN : status == 401 || status == 403 ?
	    ERR_DENIED : ERR_IO, 0, "%s: HTTP %ld%s%.160s", host, status,
	    s->reply->text[0] != '\0' ? ": " : "", s->reply->text);
}

/* Replies may quote what was sent to them.  What is cut off at the end may
 * be the begin of it, too. */
static void
hide(char *text, const char *secret)
{
	size_t n = secret != NULL ? strlen(secret) : 0, i, k;

	for (i = 0; n >= HIDE_MIN && text[i] != '\0'; i++) {
		for (k = 0; k < n && text[i + k] == secret[k]; k++)
			continue;
		if (k == n || (k >= HIDE_MIN && text[i + k] == '\0'))
			(void)memset(text + i, '*', k);
	}
}

static const char *
path_of(const char *url)
{
	const char *from = strstr(url, "://");

	from = from != NULL ? from + 3 : url;
	return from + strcspn(from, "/?#");
}

struct post_link *
post_link_new(struct err *e)
{
	struct post_link *link = calloc(1, sizeof(*link));

	if (link != NULL)
		link->easy = curl_easy_init();
	if (link != NULL && link->easy != NULL)
		return link;
	free(link);
	(void)err_set(e, ERR_NOMEM, 0, "web request");
	return NULL;
}

void
post_link_free(struct post_link *link)
{
	if (link == NULL)
		return;
	curl_easy_cleanup(link->easy);
	free(link);
}

int
post_send(struct post_link *link, const struct post *p,
    struct post_reply *reply, struct err *e)
{
	struct state s = { .post = p, .reply = reply };
	struct curl_slist *headers;
	CURLcode code;

	*reply = (struct post_reply){0};
	headers = set_options(link->easy, &s);
	code = curl_easy_perform(link->easy);
	(void)curl_easy_getinfo(link->easy, CURLINFO_RESPONSE_CODE,
	    &reply->status);
	hide(reply->text, p->secret);
	hide(reply->text, path_of(p->url));
	curl_easy_reset(link->easy);
	curl_slist_free_all(headers);
	/* libcurl's own short words: its long ones may quote the URL. */
	return judge(&s, code, curl_easy_strerror(code), e);
}
