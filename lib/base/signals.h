/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: SIGINT, SIGTERM and SIGHUP become a request to cancel.
 *
 * Life cycle: signals_start before any other thread (it blocks the signals
 * in the calling thread, which all later threads inherit, and ignores
 * SIGPIPE); signals_stop at the end.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

struct cancel;
struct err;
struct signals;

/* A thread of its own waits for the signals.  A second signal while the first
 * is still being obeyed ends the process at once (status 1). */
struct signals *signals_start(struct cancel *c, struct err *e);

/* Join the thread; NULL is fine. */
void signals_stop(struct signals *s);

#endif /* !BASE_SIGNALS_H */
