/* SPDX-License-Identifier: Apache-2.0 */
/* serve_http: what the HTTP thread asks of the loop. */
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "backupd/http.h"
#include "base/clock.h"
#include "base/settings.h"

#include "backupd/serve_impl.h"

#define ASK_S 2			/* to wait for a new document */
#define ALIVE_MS 120000		/* the loop goes round far oftener */

/* A document that is not older than the question, or the last there is. */
static json_t *
status(void *arg)
{
	struct serve *s = arg;
	const uint64_t one = 1;
	struct timespec until;
	uint64_t mine;
	json_t *doc;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ASK_S;
	(void)pthread_mutex_lock(&s->lock);
	mine = ++s->asked;
	if (write(s->wake, &one, sizeof(one)) < 0)
		mine = 0;	/* it is awake */
	while (s->answered < mine && pthread_cond_timedwait(&s->fresh,
	    &s->lock, &until) == 0)
		continue;
	/* Only the loop changes it, and it makes a new one each time. */
	doc = s->status != NULL ? json_deep_copy(s->status) : NULL;
	(void)pthread_mutex_unlock(&s->lock);
	return doc;
}

static bool
healthy(void *arg)
{
	struct serve *s = arg;
	bool yes;

	(void)pthread_mutex_lock(&s->lock);
	yes = s->alive_ms == 0 || clock_mono_ms() - s->alive_ms < ALIVE_MS;
	(void)pthread_mutex_unlock(&s->lock);
	return yes;
}

static bool
ready(void *arg)
{
	struct serve *s = arg;
	bool yes;

	(void)pthread_mutex_lock(&s->lock);
	yes = s->ready;
	(void)pthread_mutex_unlock(&s->lock);
	return yes;
}

int
serve_listen(struct serve *s, struct err *e)
{
	const struct settings *all = s->fleet->settings;
	const struct http_opts opts = { .listen = settings_str(all, "listen"),
	    .token_file = settings_str(all, "token-file"),
	    .tls_cert = settings_str(all, "tls-cert"),
	    .tls_key = settings_str(all, "tls-key"), .status = status,
	    .healthy = healthy, .ready = ready, .arg = s };

	if (strcasecmp(opts.listen, "none") == 0) {
		http_stop(s->http);
		s->http = NULL;
		return 0;
	}
	if (s->http != NULL)
		return http_reload(s->http, &opts, e);
	s->http = http_start(&opts, e);
	return s->http != NULL ? 0 : -1;
}

/* All stores are open, and new jobs are begun. */
static bool
is_ready(const struct serve *s)
{
	size_t i;

	for (i = 0; i < s->fleet->ndepots; i++)
		if (!s->fleet->depots[i]->open)
			return false;
	return !s->draining && !s->stopping;
}

void
serve_answer(struct serve *s)
{
	json_t *doc = NULL, *old;
	uint64_t count, asked;
	bool wanted;

	if (read(s->wake, &count, sizeof(count)) < 0)
		count = 0;
	(void)pthread_mutex_lock(&s->lock);
	s->alive_ms = clock_mono_ms();
	s->ready = is_ready(s);
	asked = s->asked;
	wanted = asked != s->answered;
	(void)pthread_mutex_unlock(&s->lock);
	if (!wanted)
		return;
	doc = serve_status(s);
	(void)pthread_mutex_lock(&s->lock);
	old = s->status;
	s->status = doc;
	s->answered = asked;
	(void)pthread_cond_broadcast(&s->fresh);
	(void)pthread_mutex_unlock(&s->lock);
	json_decref(old);
}

void
serve_answer_none(struct serve *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->answered = UINT64_MAX;
	(void)pthread_cond_broadcast(&s->fresh);
	(void)pthread_mutex_unlock(&s->lock);
}
