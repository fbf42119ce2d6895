/* SPDX-License-Identifier: Apache-2.0 */
/* feed: progress as JSON lines, for the program that started us. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

#include "catalog/feed.h"

#define FD_MIN	3
#define LINE	512	/* below PIPE_BUF: a pipe takes it whole or not */

static struct {
	pthread_mutex_t lock;	/* guards all below */
	int fd;			/* 0: none */
	const char *phase;	/* NULL: none has begun */
	struct feed_state now;
	char rest[LINE];	/* of a line that a socket took in part */
	size_t nrest;
} feed = { .lock = PTHREAD_MUTEX_INITIALIZER };

int
feed_open(uint64_t fd, struct err *e)
{
	struct stat st;
	int n = fd > INT_MAX ? INT_MAX : (int)fd, flags;

	if (fd < FD_MIN)
		return err_set(e, ERR_USAGE, 0, "--progress-fd: not 3 or "
		    "more");
	if (fstat(n, &st) != 0 || fcntl(n, F_SETFD, FD_CLOEXEC) != 0)
		return err_set(e, ERR_USAGE, errno, "--progress-fd=%" PRIu64,
		    fd);
	/* A terminal or a file may be others' too: it is only asked. */
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
		flags = fcntl(n, F_GETFL);
		if (flags < 0 || fcntl(n, F_SETFL, flags | O_NONBLOCK) != 0)
			return err_set(e, ERR_USAGE, errno,
			    "--progress-fd=%d", n);
	}
	(void)pthread_mutex_lock(&feed.lock);
	feed.fd = n;
	feed.phase = NULL;
	feed.now = (struct feed_state){ .left_s = -1 };
	feed.nrest = 0;
	(void)pthread_mutex_unlock(&feed.lock);
	return 0;
}

bool
feed_is_open(void)
{
	bool open;

	(void)pthread_mutex_lock(&feed.lock);
	open = feed.fd != 0;
	(void)pthread_mutex_unlock(&feed.lock);
	return open;
}

/* How much of it was taken; the feed ends when nobody is left to read. */
static size_t
give(const char *text, size_t n)
{
	struct pollfd p = { .fd = feed.fd, .events = POLLOUT };
	ssize_t did;

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0) {
		if ((p.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			feed.fd = 0;
		return 0;
	}
	did = write(feed.fd, text, n);
	if (did < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
	    errno != EINTR)
		feed.fd = 0;
	return did > 0 ? (size_t)did : 0;
}

/* Under the lock, which nobody can be made to wait for: nothing blocks. */
static void
write_line(void)
{
	const struct feed_state *s = &feed.now;
	char line[LINE], left[24] = "null", when[CLOCK_TEXT], at[64] = "";
	size_t did;
	int n;

	if (feed.nrest > 0) {
		did = give(feed.rest, feed.nrest);
		feed.nrest -= did;
		memmove(feed.rest, feed.rest + did, feed.nrest);
	}
	if (feed.fd == 0 || feed.nrest > 0)
		return;
	if (s->left_s >= 0)
		(void)snprintf(left, sizeof(left), "%" PRId64, s->left_s);
	if (s->at_us != 0) {
		clock_rfc3339(s->at_us, when);
		(void)snprintf(at, sizeof(at), ",\"at\":\"%s\"", when);
	}
	n = snprintf(line, sizeof(line), "{\"version\":1,\"phase\":\"%s\","
	    "\"tables\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64
	    ",\"total\":%" PRIu64 ",\"rate\":%" PRIu64 ",\"left_s\":%s,"
	    "\"transactions\":%" PRIu64 "%s}\n", feed.phase, s->tables,
	    s->rows, s->bytes, s->total, s->rate, left, s->transactions, at);
	did = give(line, (size_t)n);
	if (did > 0 && did < (size_t)n) {
		feed.nrest = (size_t)n - did;
		memcpy(feed.rest, line + did, feed.nrest);
	}
}

void
feed_phase(const char *name)
{
	(void)pthread_mutex_lock(&feed.lock);
	if (feed.fd != 0) {
		feed.phase = name;
		feed.now.rate = 0;
		feed.now.left_s = -1;
		write_line();
	}
	(void)pthread_mutex_unlock(&feed.lock);
}

void
feed_progress(const struct feed_state *now)
{
	(void)pthread_mutex_lock(&feed.lock);
	if (feed.fd != 0 && feed.phase != NULL) {
		feed.now = *now;
		write_line();
	}
	(void)pthread_mutex_unlock(&feed.lock);
}

void
feed_close(void)
{
	(void)pthread_mutex_lock(&feed.lock);
	if (feed.fd != 0 && feed.phase != NULL)
		write_line();
	feed.fd = 0;
	(void)pthread_mutex_unlock(&feed.lock);
}
