/* SPDX-License-Identifier: Apache-2.0 */
/* http: what the daemon shows over HTTP, read-only. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "backupd/gzip.h"
#include "backupd/page.h"
#include "backupd/reply.h"
#include "backupd/token.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "backupd/http_impl.h"
#include "backupd/http.h"

#define IDLE_MS 60000		/* longest wait while nobody is connected */
#define BUSY_MS 250		/* the same while somebody is */
#define NEVER INT64_MAX

/* One connection: what it is doing has to be done by then. */
struct client {
	int fd;
	int64_t deadline;
	struct client *next;
};

struct http {
	struct http_opts opts;	/* callbacks and limits; constant */
	struct http_service now;
	pthread_t thread;
	bool running;
	int wake;		/* eventfd: look at stop */
	atomic_bool stop;
	char csp[512];		/* of the page */
	/* of the thread */
	struct client *clients;
	json_t *document;	/* the last one shown, taken then */
	int64_t taken;
};

/* --- what MHD asks --- */

static void
say(void *arg, const char *fmt, va_list ap)
{
	struct http_said *said = arg;
	char text[sizeof(said->why)];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	if (said->starting)
		(void)snprintf(said->why, sizeof(said->why), "%s", text);
	else
		log_event(LOG_DEBUG_, "http", "what", text, NULL);
}

static size_t
keep_escapes(void *arg, struct MHD_Connection *c, char *s)
{
	(void)arg;
	(void)c;
	return strlen(s);
}

static struct client *
client_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
set_deadline(struct client *k, unsigned ms)
{
	if (k != NULL)
		k->deadline = clock_mono_ms() + ms;
}

/* A connection came or goes; its socket is still open when it goes. */
static void
connection_changed(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct http *h = arg;
	struct client *k = *context, **at;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		k = calloc(1, sizeof(*k));
		if (k == NULL)
			return;		/* MHD's own time limit remains */
		k->fd = MHD_get_connection_info(c,
		    MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		set_deadline(k, h->opts.head_ms);
		k->next = h->clients;
		h->clients = k;
		*context = k;
		return;
	}
	for (at = &h->clients; *at != NULL; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			break;
		}
	free(k);
	*context = NULL;
}

/* --- answers --- */

static json_t *
document(struct http *h)
{
	int64_t now = clock_mono_ms();

	if (h->document == NULL || now - h->taken >= HTTP_FRESH_MS) {
		json_decref(h->document);
		h->document = h->opts.status(h->opts.arg);
		/* It may have taken a while: not again at once. */
		h->taken = clock_mono_ms();
	}
	return h->document;
}

static enum MHD_Result
send_reply(struct http *h, struct MHD_Connection *c, struct reply *r)
{
	struct MHD_Response *response;
	enum MHD_Result queued;
	/* Nothing in a body is both secret and of the asker's choice, so that
	 * its length tells nothing over TLS (BREACH). */
	bool packed = gzip_accepted(MHD_lookup_connection_value(c,
	    MHD_HEADER_KIND, "Accept-Encoding")) && gzip_pack(&r->body);

	response = MHD_create_response_from_buffer(r->body.len, r->body.data,
	    MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		buf_free(&r->body);
		return MHD_NO;
	}
	r->body = (struct buf){0};
	(void)MHD_add_response_header(response, "Content-Type", r->type);
	if (packed)
		(void)MHD_add_response_header(response, "Content-Encoding",
		    "gzip");
	(void)MHD_add_response_header(response, "Vary", "Accept-Encoding");
	(void)MHD_add_response_header(response, "Content-Security-Policy",
	    r->page ? h->csp : "default-src 'none'; frame-ancestors 'none'");
	(void)MHD_add_response_header(response, "X-Content-Type-Options",
	    "nosniff");
	(void)MHD_add_response_header(response, "X-Frame-Options", "DENY");
	(void)MHD_add_response_header(response, "Referrer-Policy",
	    "no-referrer");
	(void)MHD_add_response_header(response, "Cross-Origin-Resource-Policy",
	    "same-origin");
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	if (r->status == 401)
		(void)MHD_add_response_header(response, "WWW-Authenticate",
		    "Basic realm=\"Kura: any user, the token as password\", "
		    "charset=\"UTF-8\"");
	if (r->status == 405)
		(void)MHD_add_response_header(response, "Allow", "GET, HEAD");
	/* One request a connection: the few places are for who asks. */
	(void)MHD_add_response_header(response, "Connection", "close");
	queued = MHD_queue_response(c, r->status, response);
	MHD_destroy_response(response);
	return queued;
}

static bool
has_body(struct MHD_Connection *c, size_t here)
{
	const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Content-Length");

	return here > 0 ||
	    (length != NULL && strspn(length, "0") != strlen(length)) ||
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Transfer-Encoding") != NULL;
}

static void
answer(struct http *h, struct MHD_Connection *c, const char *path,
    struct reply *r)
{
	enum reply_needs needs = reply_needs(path);
	struct err e = {0};
	bool good;

	if (needs == REPLY_HEALTH || needs == REPLY_READY) {
		good = needs == REPLY_HEALTH ? h->opts.healthy(h->opts.arg) :
		    h->opts.ready(h->opts.arg);
		reply_line(good ? 200 : 503, good ? "ok" : needs ==
		    REPLY_HEALTH ? "not healthy" : "not ready", r);
	} else if (h->now.asks && !token_shown(h->now.token,
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Authorization"))) {
		reply_line(401, "Show the token: Authorization: Bearer TOKEN.",
		    r);
	} else if (reply_make(path, needs == REPLY_STATUS ? document(h) :
	    NULL, r, &e) != 0) {
		log_event(LOG_ERROR_, e.msg, "path", path, NULL);
		buf_free(&r->body);
		reply_line(500, "The answer could not be made.", r);
	}
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *data, size_t *size,
    void **context)
{
	struct http *h = arg;
	struct reply r = {0};

	(void)version;
	(void)data;
	(void)context;
	set_deadline(client_of(c), h->opts.answer_ms);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		reply_line(405, "GET and HEAD only.", &r);
	else if (has_body(c, *size))
		reply_line(413, "A request has no body here.", &r);
	else
		answer(h, c, path, &r);
	*size = 0;
	return send_reply(h, c, &r);
}

/* --- the thread --- */

/* MHD's own limit counts silence: somebody who sends a byte now and then is
 * never silent.  This one counts all. */
static void
end_late(struct http *h)
{
	int64_t now = clock_mono_ms();
	struct client *k;

	for (k = h->clients; k != NULL; k = k->next)
		if (k->deadline <= now) {
			(void)shutdown(k->fd, SHUT_RDWR);
			k->deadline = NEVER;
		}
}

static void *
serve(void *arg)
{
	struct http *h = arg;
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	MHD_UNSIGNED_LONG_LONG wanted;
	int ms;

	p[0].fd = MHD_get_daemon_info(h->now.daemon,
	    MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	p[1].fd = h->wake;
	while (!atomic_load(&h->stop)) {
		ms = h->clients != NULL ? BUSY_MS : IDLE_MS;
		if (MHD_get_timeout(h->now.daemon, &wanted) == MHD_YES &&
		    wanted < (unsigned)ms)
			ms = (int)wanted;
		(void)poll(p, 2, ms);
		(void)MHD_run(h->now.daemon);
		end_late(h);
	}
	return NULL;
}

static int
run_thread(struct http *h, struct err *e)
{
	sigset_t all, before;
	int rc;

	atomic_store(&h->stop, false);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&h->thread, NULL, serve, h);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(e, ERR_NOMEM, rc, "start the thread of http");
	h->running = true;
	return 0;
}

static void
end_thread(struct http *h)
{
	uint64_t one = 1;

	if (!h->running)
		return;
	h->running = false;
	atomic_store(&h->stop, true);
	(void)!write(h->wake, &one, sizeof(one));
	(void)pthread_join(h->thread, NULL);
	(void)!read(h->wake, &one, sizeof(one));
}

/* --- services --- */

static int
run_daemon(struct http *h, struct http_service *s, bool tls, struct err *e)
{
	struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key.data },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t)"NORMAL:-VERS-ALL:+VERS-TLS1.3:"
		    "+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned seconds = (h->opts.head_ms + 999) / 1000;

	s->said->starting = true;
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
	    MHD_USE_ITC | (tls ? MHD_USE_TLS : 0u), 0, NULL, NULL, handle, h,
	    MHD_OPTION_EXTERNAL_LOGGER, say, s->said,
	    MHD_OPTION_LISTEN_SOCKET, s->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    (unsigned)HTTP_CONNECTIONS_PEER,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADERS,
	    MHD_OPTION_CONNECTION_TIMEOUT, seconds,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, connection_changed, h,
	    MHD_OPTION_ARRAY, tls ? secure : plain, MHD_OPTION_END);
	s->said->starting = false;
	if (s->daemon != NULL)
		return 0;
	if (!tls)
		return err_set(e, ERR_IO, 0, "start http: %s", s->said->why);
	(void)err_set(e, ERR_USAGE, 0, "tls-cert %s, tls-key %s: %s",
	    h->opts.tls_cert, h->opts.tls_key, s->said->why);
	return err_hint(e, "give a certificate and its key, both as PEM");
}

/* Make a service of options; fd is a socket to listen on that the service
 * gets, or -1: open one. */
static int
service_begin(struct http *h, const struct http_opts *o, int fd,
    struct http_service *s, struct err *e)
{
	*s = (struct http_service){ .fd = fd };
	/* The names are for messages, while options are the caller's. */
	h->opts.tls_cert = o->tls_cert;
	h->opts.tls_key = o->tls_key;
	if (http_service_read(o, s, e) == 0) {
		if (s->fd < 0)
			s->fd = http_listen_open(o->listen, e);
		if (s->fd >= 0 &&
		    run_daemon(h, s, o->tls_cert != NULL, e) == 0)
			return 0;
	}
	http_service_end(s);
	return -1;
}

/* --- the door --- */

struct http *
http_start(const struct http_opts *opts, struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "start http");
		return NULL;
	}
	h->opts = *opts;
	if (h->opts.head_ms == 0)
		h->opts.head_ms = HTTP_HEAD_MS;
	if (h->opts.answer_ms == 0)
		h->opts.answer_ms = HTTP_ANSWER_MS;
	page_policy(h->csp, sizeof(h->csp));
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0) {
		(void)err_set(e, ERR_IO, errno, "start http");
		goto err0;
	}
	if (service_begin(h, opts, -1, &h->now, e) != 0)
		goto err1;
	if (run_thread(h, e) != 0)
		goto err2;
	return h;

err2:	http_service_end(&h->now);
err1:	(void)close(h->wake);
err0:	free(h);
	return NULL;
}

unsigned
http_port(const struct http *h)
{
	return http_listen_port(h->now.fd);
}

int
http_reload(struct http *h, const struct http_opts *opts, struct err *e)
{
	struct http_service next, old = h->now;
	int fd = -1;

	/* The same address goes on to be listened on: nobody is refused. */
	if (strcmp(opts->listen, old.listen) == 0) {
		fd = fcntl(old.fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return err_set(e, ERR_IO, errno, "reload http");
	}
	if (service_begin(h, opts, fd, &next, e) != 0)
		return -1;
	end_thread(h);
	/* Taken out first: stopping must not shut the shared socket. */
	fd = MHD_quiesce_daemon(old.daemon);
	http_service_end(&old);
	if (fd >= 0)
		(void)close(fd);
	h->now = next;
	return run_thread(h, e);
}

void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	end_thread(h);
	http_service_end(&h->now);
	json_decref(h->document);
	(void)close(h->wake);
	free(h);
}
