/* SPDX-License-Identifier: Apache-2.0 */
/* control: a Unix socket over which a running daemon is asked and told. */
#define _GNU_SOURCE		/* accept4, struct ucred */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include "backupd/control_impl.h"

#define ASK_MS 5000		/* for a whole request */
#define STALL_MS 10000		/* that a reader may take no byte of a reply */
#define REPLY_MS 60000		/* for the whole reply */
#define PENDING_MAX (2 * CONTROL_REPLY_MAX)	/* of all replies */
#define ACCEPTS 16		/* a call of control_ready */
#define GROUPS_MAX 65536	/* NGROUPS_MAX of Linux */
#define AT_LISTEN CONTROL_PEERS	/* in epoll's data: else a peer's place */
#define AT_TIMER (CONTROL_PEERS + 1)

/* Real time even where the clock of a test runs faster. */
static int64_t
mono_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
watch(struct control *c, int op, int fd, unsigned at, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = at };

	return epoll_ctl(c->epoll, op, fd, &ev);
}

static int
open_all(struct control *c, struct err *e)
{
	if (control_listen(c, e) != 0)
		return -1;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC |
	    TFD_NONBLOCK);
	if (c->epoll < 0 || c->timer < 0 ||
	    watch(c, EPOLL_CTL_ADD, c->listen, AT_LISTEN, EPOLLIN) != 0 ||
	    watch(c, EPOLL_CTL_ADD, c->timer, AT_TIMER, EPOLLIN) != 0)
		return err_set(e, ERR_NOMEM, errno, "control socket");
	return 0;
}

struct control *
control_new(const struct control_opts *opts, struct err *e)
{
	struct control *c;
	size_t n = strlen(opts->path), i;

	assert(opts->handle != NULL);
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "control socket");
		return NULL;
	}
	c->opts = *opts;
	c->opts.ask_ms = opts->ask_ms == 0 ? ASK_MS : opts->ask_ms;
	c->lock = c->listen = c->epoll = c->timer = -1;
	for (i = 0; i < CONTROL_PEERS; i++)
		c->peers[i].fd = -1;
	c->addr.sun_family = AF_UNIX;
	if (n == 0 || n >= sizeof(c->addr.sun_path)) {
		(void)err_set(e, ERR_USAGE, 0, "socket %.60s%s: its path has "
		    "%zu bytes, not 1 to %zu", opts->path, n > 60 ? "..." :
		    "", n, sizeof(c->addr.sun_path) - 1);
		goto err1;
	}
	memcpy(c->addr.sun_path, opts->path, n + 1);
	if (open_all(c, e) != 0)
		goto err1;
	c->opts.path = c->opts.group = NULL;
	return c;

err1:	control_free(c);
	return NULL;
}

int
control_fd(const struct control *c)
{
	return c->epoll;
}

/* --- peers --- */

static void
hang_up(struct control *c, struct peer *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	c->pending -= p->out_n;
	free(p->out);
	buf_free(&p->in);
	*p = (struct peer){ .fd = -1 };
}

/* Member of the group: by its own, or by one of its further ones. */
static bool
in_group(int fd, gid_t own, gid_t gid)
{
	socklen_t n = GROUPS_MAX * sizeof(gid_t);
	gid_t *all;
	bool found = own == gid;
	size_t i;

	if (found || gid == (gid_t)-1)
		return found;
#ifdef SO_PEERGROUPS
	all = malloc(n);
	if (all != NULL && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, all,
	    &n) == 0)
		for (i = 0; i < n / sizeof(gid_t) && !found; i++)
			found = all[i] == gid;
	free(all);
#else
	(void)fd;
	(void)all;
	(void)i;
	(void)n;
#endif
	return found;
}

static bool
may_ask(const struct control *c, int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
		return false;
	*uid = who.uid;
	return who.uid == geteuid() || who.uid == 0 ||
	    (c->gid != (gid_t)-1 && in_group(fd, who.gid, c->gid));
}

/* Takes reply; on the peer's side a missing one is out of memory. */
static void
answer(struct control *c, struct peer *p, json_t *reply)
{
	static const char none[] = "{\"ok\":false,\"code\":\"failed\","
	    "\"message\":\"out of memory\"}";
	char *text = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);
	size_t n = text == NULL ? 0 : strlen(text);

	json_decref(reply);
	if (n > CONTROL_REPLY_MAX || c->pending + n > PENDING_MAX || n == 0) {
		free(text);
		text = strdup(none);
		n = sizeof(none) - 1;
	}
	if (text == NULL) {
		hang_up(c, p);
		return;
	}
	text[n++] = '\n';	/* in the place of its NUL: length counts */
	p->out = text;
	p->out_n = n;
	c->pending += n;
	p->since = p->stalled = mono_ms();
}

static void
refuse(struct control *c, struct peer *p, const struct err *why)
{
	answer(c, p, control_refuse(why));
}

static void
ask(struct control *c, struct peer *p, size_t n)
{
	struct err e = {0};
	json_t *request;

	/* Told only now: hung up on while it still writes, a peer would see a
	 * broken connection and no reason. */
	if (p->refused) {
		(void)err_set(&e, ERR_DENIED, 0, "uid %ld is neither the "
		    "daemon's nor in its socket-group", (long)p->uid);
		log_event(LOG_WARN_, "control: refused", "why", e.msg, NULL);
	} else if (n + 1 < p->in.len) {
		/* One request a connection: what follows it is a mistake. */
		(void)err_set(&e, ERR_USAGE, 0, "request: more than one "
		    "line");
	}
	request = e.code != ERR_NONE ? NULL : control_request(p->in.data, n,
	    &e);
	if (request == NULL)
		refuse(c, p, &e);
	else
		answer(c, p, c->opts.handle(c->opts.arg, request, p->uid));
	json_decref(request);
}

static void
read_request(struct control *c, struct peer *p)
{
	char some[4096];
	struct err e = {0};
	const char *lf;
	ssize_t n;

	while (p->fd >= 0 && p->out == NULL) {
		n = recv(p->fd, some, sizeof(some), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			hang_up(c, p);
		if (n < 0)
			return;
		buf_add(&p->in, some, (size_t)n);
		lf = p->in.data == NULL ? NULL : memchr(p->in.data, '\n',
		    p->in.len);
		if (lf != NULL && !p->in.failed) {
			ask(c, p, (size_t)(lf - p->in.data));
		} else if (p->in.failed) {
			(void)err_set(&e, ERR_USAGE, 0, "request: over %zu "
			    "KiB", CONTROL_REQUEST_MAX >> 10);
			refuse(c, p, &e);
		} else if (n == 0 && p->in.len > 0) {
			(void)err_set(&e, ERR_USAGE, 0, "request: it has no "
			    "end");
			refuse(c, p, &e);
		} else if (n == 0) {
			hang_up(c, p);
		}
	}
}

static void
write_reply(struct control *c, struct peer *p)
{
	ssize_t n;

	while (p->fd >= 0 && p->out_at < p->out_n) {
		n = send(p->fd, p->out + p->out_at, p->out_n - p->out_at,
		    MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			(void)watch(c, EPOLL_CTL_MOD, p->fd,
			    (unsigned)(p - c->peers), EPOLLOUT);
			return;
		}
		if (n < 0)
			break;
		p->out_at += (size_t)n;
		p->stalled = mono_ms();
	}
	hang_up(c, p);
}

static void
serve(struct control *c, struct peer *p)
{
	if (p->fd >= 0 && p->out == NULL)
		read_request(c, p);
	if (p->fd >= 0 && p->out != NULL)
		write_reply(c, p);
}

/* A free place; else the place of who has been connected longest without
 * having asked, so that silent ones keep nobody out. */
static struct peer *
place(struct control *c)
{
	struct peer *oldest = NULL, *p;

	for (p = c->peers; p < c->peers + CONTROL_PEERS; p++) {
		if (p->fd < 0)
			return p;
		if (oldest == NULL || (oldest->out != NULL && p->out == NULL) ||
		    ((oldest->out == NULL) == (p->out == NULL) &&
		    p->since < oldest->since))
			oldest = p;
	}
	hang_up(c, oldest);
	return oldest;
}

static void
welcome(struct control *c, int fd)
{
	struct peer *p = place(c);
	uid_t uid = (uid_t)-1;

	*p = (struct peer){ .fd = fd, .since = mono_ms() };
	buf_init(&p->in, CONTROL_REQUEST_MAX + 1);
	if (watch(c, EPOLL_CTL_ADD, fd, (unsigned)(p - c->peers),
	    EPOLLIN) != 0) {
		hang_up(c, p);
		return;
	}
	p->refused = !may_ask(c, fd, &uid);
	p->uid = uid;
	serve(c, p);
}

static void
accept_some(struct control *c)
{
	int fd, i;

	for (i = 0; i < ACCEPTS; i++) {
		fd = accept4(c->listen, NULL, NULL, SOCK_CLOEXEC |
		    SOCK_NONBLOCK);
		if (fd >= 0) {
			welcome(c, fd);
			continue;
		}
		/* Who waits stays readable: do not spin, try in a second. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			(void)watch(c, EPOLL_CTL_MOD, c->listen, AT_LISTEN,
			    0);
			c->deaf = true;
		}
		return;
	}
}

/* --- time --- */

static int64_t
deadline(const struct control *c, const struct peer *p)
{
	int64_t all = p->since + (p->out == NULL ? c->opts.ask_ms : REPLY_MS);
	int64_t stall = p->stalled + STALL_MS;

	return p->out != NULL && stall < all ? stall : all;
}

static void
set_timer(struct control *c)
{
	struct itimerspec t = {0};
	int64_t first = c->deaf ? mono_ms() + 1000 : INT64_MAX, at;
	const struct peer *p;

	for (p = c->peers; p < c->peers + CONTROL_PEERS; p++) {
		at = p->fd < 0 ? INT64_MAX : deadline(c, p);
		first = at < first ? at : first;
	}
	if (first != INT64_MAX) {
		t.it_value.tv_sec = (time_t)(first / 1000);
		t.it_value.tv_nsec = (long)(first % 1000) * 1000000 + 1;
	}
	(void)timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void
expire(struct control *c)
{
	int64_t now = mono_ms();
	struct peer *p;

	for (p = c->peers; p < c->peers + CONTROL_PEERS; p++)
		if (p->fd >= 0 && now >= deadline(c, p))
			hang_up(c, p);
	if (c->deaf && watch(c, EPOLL_CTL_MOD, c->listen, AT_LISTEN,
	    EPOLLIN) == 0)
		c->deaf = false;
}

void
control_ready(struct control *c)
{
	struct epoll_event events[CONTROL_PEERS + 2];
	uint64_t ticks;
	int n, i;

	n = epoll_wait(c->epoll, events, CONTROL_PEERS + 2, 0);
	/* Peers first: a place that is reused below has no event left. */
	for (i = 0; i < n; i++)
		if (events[i].data.u32 < CONTROL_PEERS)
			serve(c, &c->peers[events[i].data.u32]);
	for (i = 0; i < n; i++) {
		if (events[i].data.u32 == AT_TIMER &&
		    read(c->timer, &ticks, sizeof(ticks)) > 0)
			expire(c);
		if (events[i].data.u32 == AT_LISTEN)
			accept_some(c);
	}
	set_timer(c);
}

void
control_free(struct control *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < CONTROL_PEERS; i++)
		hang_up(c, &c->peers[i]);
	control_unlisten(c);
	if (c->epoll >= 0)
		(void)close(c->epoll);
	if (c->timer >= 0)
		(void)close(c->timer);
	free(c);
}
