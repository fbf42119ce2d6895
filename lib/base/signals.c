/* SPDX-License-Identifier: Apache-2.0 */
/* signals: SIGINT, SIGTERM and SIGHUP become a request to cancel. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/err.h"

#include "base/signals.h"

struct signals {
	pthread_t thread;
	struct cancel *cancel;
	sigset_t set;
};

static void *
watch(void *arg)
{
	struct signals *s = arg;
	bool seen = false;
	int sig;

	for (;;) {
		if (sigwait(&s->set, &sig) != 0)
			continue;
		/* SIGUSR2 is how signals_stop ends this thread. */
		if (sig == SIGUSR2)
			return NULL;
		if (seen)
			_exit(1);
		seen = true;
		cancel_request(s->cancel, sig == SIGINT ? "Ctrl-C" :
		    sig == SIGTERM ? "SIGTERM" : "SIGHUP");
	}
}

struct signals *
signals_start(struct cancel *c, struct err *e)
{
	struct signals *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "watch signals");
		return NULL;
	}
	s->cancel = c;
	(void)sigemptyset(&s->set);
	(void)sigaddset(&s->set, SIGINT);
	(void)sigaddset(&s->set, SIGTERM);
	(void)sigaddset(&s->set, SIGHUP);
	(void)sigaddset(&s->set, SIGUSR2);
	(void)pthread_sigmask(SIG_BLOCK, &s->set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	error = pthread_create(&s->thread, NULL, watch, s);
	if (error != 0) {
		(void)err_set(e, ERR_NOMEM, error, "watch signals");
		free(s);
		return NULL;
	}
	return s;
}

void
signals_stop(struct signals *s)
{
	if (s == NULL)
		return;
	(void)pthread_kill(s->thread, SIGUSR2);
	(void)pthread_join(s->thread, NULL);
	free(s);
}
