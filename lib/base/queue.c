/* SPDX-License-Identifier: Apache-2.0 */
/* queue: bounded hand-over of owned pointers between threads. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

#include "base/queue.h"

struct queue {
	struct queue_opts opts;	/* constant after new */
	pthread_mutex_t mtx;	/* guards the fields below */
	pthread_cond_t change;	/* broadcast when any of them changes */
	bool closed;
	size_t head, len;	/* oldest item; items held, <= opts.slots */
	void *ring[];
};

struct queue *
queue_new(const struct queue_opts *opts, struct err *e)
{
	struct queue *q;

	assert(opts->slots > 0 && opts->slots <= QUEUE_SLOTS_MAX);
	q = calloc(1, sizeof(*q) + opts->slots * sizeof(q->ring[0]));
	if (q == NULL)
		goto err0;
	if (pthread_mutex_init(&q->mtx, NULL) != 0)
		goto err1;
	if (pthread_cond_init(&q->change, NULL) != 0)
		goto err2;
	q->opts = *opts;
	return q;

err2:	pthread_mutex_destroy(&q->mtx);
err1:	free(q);
err0:	err_set(e, ERR_NOMEM, 0, "create a queue of %zu", opts->slots);
	return NULL;
}

int
queue_put(struct queue *q, void *item)
{
	bool accepted;

	assert(item != NULL);
	pthread_mutex_lock(&q->mtx);
	while (q->len == q->opts.slots && !q->closed)
		pthread_cond_wait(&q->change, &q->mtx);
	accepted = !q->closed;
	if (accepted) {
		q->ring[(q->head + q->len++) % q->opts.slots] = item;
		pthread_cond_broadcast(&q->change);
	}
	pthread_mutex_unlock(&q->mtx);
	return accepted ? 0 : -1;
}

void *
queue_take(struct queue *q)
{
	void *item = NULL;

	pthread_mutex_lock(&q->mtx);
	while (q->len == 0 && !q->closed)
		pthread_cond_wait(&q->change, &q->mtx);
	if (q->len > 0) {
		item = q->ring[q->head];
		q->head = (q->head + 1) % q->opts.slots;
		q->len--;
		pthread_cond_broadcast(&q->change);
	}
	pthread_mutex_unlock(&q->mtx);
	return item;
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->mtx);
	q->closed = true;
	pthread_cond_broadcast(&q->change);
	pthread_mutex_unlock(&q->mtx);
}

void
queue_abort(struct queue *q)
{
	void *item;

	/* A closed queue only shrinks, so this ends.  item_free runs with no
	 * lock held: it may take others. */
	queue_close(q);
	while ((item = queue_take(q)) != NULL)
		q->opts.item_free(item);
}

void
queue_free(struct queue *q)
{
	/* Behave like free(NULL). */
	if (q == NULL)
		return;
	queue_abort(q);
	pthread_cond_destroy(&q->change);
	pthread_mutex_destroy(&q->mtx);
	free(q);
}
