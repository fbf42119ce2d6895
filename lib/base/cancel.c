/* SPDX-License-Identifier: Apache-2.0 */
/* cancel: one request to stop, seen by every thread of a run. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"

#include "base/cancel.h"

struct waker {
	struct waker *next;
	unsigned handle;
	void (*wake)(void *);
	void *arg;
};

struct cancel {
	atomic_bool requested;
	pthread_mutex_t lock;	/* guards the fields below; held while wakers
				 * run, so that cancel_remove waits for them */
	pthread_cond_t change;
	const char *reason;
	struct waker *wakers;
	unsigned next_handle;
};

struct cancel *
cancel_new(struct err *e)
{
	struct cancel *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (c == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "cancel");
		return NULL;
	}
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->change, &attr);
	(void)pthread_condattr_destroy(&attr);
	return c;
}

void
cancel_request(struct cancel *c, const char *reason)
{
	struct waker *w;

	(void)pthread_mutex_lock(&c->lock);
	if (!atomic_load(&c->requested)) {
		c->reason = reason;
		atomic_store(&c->requested, true);
		(void)pthread_cond_broadcast(&c->change);
		for (w = c->wakers; w != NULL; w = w->next)
			w->wake(w->arg);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

bool
cancel_requested(const struct cancel *c)
{
	return c != NULL && atomic_load(&c->requested);
}

int
cancel_check(const struct cancel *c, struct err *e)
{
	if (!cancel_requested(c))
		return 0;
	return err_set(e, ERR_CANCELLED, 0, "stopped by %s", c->reason);
}

int
cancel_wait(struct cancel *c, unsigned ms, struct err *e)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	if (c == NULL) {
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,
		    NULL) == EINTR)
			continue;
		return 0;
	}
	(void)pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->requested) && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&c->change, &c->lock, &until);
	(void)pthread_mutex_unlock(&c->lock);
	return cancel_check(c, e);
}

unsigned
cancel_add(struct cancel *c, void (*wake)(void *), void *arg)
{
	struct waker *w = malloc(sizeof(*w));
	unsigned handle;

	if (w == NULL)
		return 0;
	(void)pthread_mutex_lock(&c->lock);
	*w = (struct waker){ c->wakers, ++c->next_handle, wake, arg };
	c->wakers = w;
	handle = w->handle;
	if (atomic_load(&c->requested))
		wake(arg);
	(void)pthread_mutex_unlock(&c->lock);
	return handle;
}

void
cancel_remove(struct cancel *c, unsigned handle)
{
	struct waker **p, *w;

	if (handle == 0)
		return;
	(void)pthread_mutex_lock(&c->lock);
	for (p = &c->wakers; *p != NULL; p = &(*p)->next)
		if ((*p)->handle == handle) {
			w = *p;
			*p = w->next;
			free(w);
			break;
		}
	(void)pthread_mutex_unlock(&c->lock);
}

void
cancel_free(struct cancel *c)
{
	struct waker *w;

	if (c == NULL)
		return;
	while (c->wakers != NULL) {
		w = c->wakers;
		c->wakers = w->next;
		free(w);
	}
	(void)pthread_cond_destroy(&c->change);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}
