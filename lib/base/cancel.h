/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cancel: one request to stop, seen by every thread of a run.
 *
 * Life cycle: cancel_new; threads poll cancel_requested, wait with
 * cancel_wait and register what may block them; cancel_request (once or
 * more, any thread but not a signal handler: main takes signals by sigwait);
 * join the threads; cancel_free.
 */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdbool.h>

struct cancel;
struct err;

/* NULL on failure, with *e set. */
struct cancel *cancel_new(struct err *e);

/* Set the flag, wake every cancel_wait, run every registered waker once.
 * reason (static text, e.g. "SIGTERM") is kept from the first call. */
void cancel_request(struct cancel *c, const char *reason);

/* True once requested.  c may be NULL: never. */
bool cancel_requested(const struct cancel *c);

/* 0, or -1 with *e set to ERR_CANCELLED ("stopped by SIGTERM"). */
int cancel_check(const struct cancel *c, struct err *e);

/* Wait ms milliseconds; returns 0, or -1 with *e set as soon as it is
 * cancelled.  c may be NULL: a plain bounded wait. */
int cancel_wait(struct cancel *c, unsigned ms, struct err *e);

/* Register wake(arg), called by cancel_request in its thread (e.g. to
 * shutdown(2) a socket); called at once if already requested.  Returns a
 * handle > 0, or 0 when out of memory.  wake must not call cancel_*. */
unsigned cancel_add(struct cancel *c, void (*wake)(void *), void *arg);

/* Forget a handle (0 is ignored).  When it returns, wake does not run any
 * more and will not. */
void cancel_remove(struct cancel *c, unsigned handle);

void cancel_free(struct cancel *c);

#endif /* !BASE_CANCEL_H */
