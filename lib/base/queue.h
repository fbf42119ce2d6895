/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: bounded hand-over of owned pointers between threads, in order.
 *
 * Life cycle: queue_new; any number of put and take from any threads;
 * queue_close (normal end) or queue_abort (failure); join every thread
 * that uses the queue; queue_free.
 *
 * Invariant: an item has one owner -- the producer before a put that
 * returned 0, the queue until it is taken, the consumer afterwards.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stddef.h>

struct err;
struct queue;

#define QUEUE_SLOTS_MAX 65536

struct queue_opts {
	size_t slots;			/* most items held, 1 to SLOTS_MAX */
	void (*item_free)(void *);	/* for dropped items, required */
};

/* Create a queue; *opts is copied.  NULL on failure, with *e set. */
struct queue *queue_new(const struct queue_opts *opts, struct err *e);

/* Give item (never NULL) to the queue; blocks while it is full.  Returns 0,
 * or -1 once closed or aborted: the item is then still the caller's. */
int queue_put(struct queue *q, void *item);

/* Take the oldest item; blocks while empty.  NULL means: no more, ever. */
void *queue_take(struct queue *q);

/* No further put succeeds; what is held can be taken.  May be repeated. */
void queue_close(struct queue *q);

/* As queue_close, and free what is held.  Wakes every blocked caller. */
void queue_abort(struct queue *q);

/* Free the queue and what it holds.  queue_free(NULL) does nothing. */
void queue_free(struct queue *q);

#endif /* !BASE_QUEUE_H */
